/*
 * ConfigMap config-autoscaler (serving pkg/autoscaler/config), validated as a whole map with
 * Knative's rules and texts: one wrong key refuses the map, keys that Knative does not know are
 * ignored. Class hpa obeys the bounds, the initial scale and the class, and for HTTP metrics what
 * reconciler/hpa/http.h reads; the rest is kept because refusing a map that Knative takes, or
 * taking one that it refuses, would split the two.
 */
#ifndef KNATIVE_CONFIG_AUTOSCALER_H
#define KNATIVE_CONFIG_AUTOSCALER_H

#include <stdbool.h>
#include <stdint.h>

#include "pkg/json/json.h"

struct config_autoscaler {
	int32_t min_scale;       /* 0 */
	int32_t max_scale;       /* 0: no limit */
	int32_t max_scale_limit; /* 0: no limit */
	int32_t initial_scale;   /* 1 */
	bool allow_zero_initial_scale;
	bool class_is_hpa; /* pod-autoscaler-class */
	/* Of Knative's own autoscaler, some of HTTP metrics here. Times in nanoseconds. */
	bool enable_scale_to_zero;
	double max_scale_up_rate, max_scale_down_rate;
	double container_concurrency_target_percentage; /* a fraction: (0, 1] */
	double container_concurrency_target_default;
	double requests_per_second_target_default;
	double target_burst_capacity; /* -1: no limit */
	double activator_capacity;
	double panic_window_percentage, panic_threshold_percentage;
	int64_t stable_window, scale_down_delay;
	int64_t scale_to_zero_grace_period, scale_to_zero_pod_retention_period;
};

extern const struct config_autoscaler config_autoscaler_default;
/* data: the ConfigMap's .data, NULL for an empty one. Errors are ERROR_INVALID; out is then
 * untouched. */
MUST_CHECK bool config_autoscaler_parse(const struct json *data, struct config_autoscaler *out,
					struct error *err);

#endif
