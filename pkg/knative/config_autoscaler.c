/*
 * config-autoscaler: a table of keys (name, type, place), then Knative's rules over the whole.
 * Invariant: what leaves here was valid as a whole; a half-read map never does.
 */
#include "pkg/knative/config_autoscaler.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "pkg/knative/go_value.h"
#include "pkg/knative/pod_autoscaler.h"
#include "pkg/units/duration.h"

#define SECOND INT64_C(1000000000)
#define TARGET_MIN 0.01
#define MESSAGE_MAX 1000 /* of a refusal, which quotes keys and values */

const struct config_autoscaler config_autoscaler_default = {
    .initial_scale = 1,
    .enable_scale_to_zero = true,
    .max_scale_up_rate = 1000,
    .max_scale_down_rate = 2,
    .container_concurrency_target_percentage = 0.7,
    .container_concurrency_target_default = 100,
    .requests_per_second_target_default = 200,
    .target_burst_capacity = 211,
    .activator_capacity = 100,
    .panic_window_percentage = 10,
    .panic_threshold_percentage = 200,
    .stable_window = 60 * SECOND,
    .scale_to_zero_grace_period = 30 * SECOND,
};

enum key_type { KEY_BOOL, KEY_INT32, KEY_FLOAT, KEY_DURATION, KEY_CLASS };

#define AT(field) offsetof(struct config_autoscaler, field)

static const struct key {
	const char *name;
	enum key_type type;
	size_t at;
} keys[] = {
    {"pod-autoscaler-class", KEY_CLASS, AT(class_is_hpa)},
    {"enable-scale-to-zero", KEY_BOOL, AT(enable_scale_to_zero)},
    {"allow-zero-initial-scale", KEY_BOOL, AT(allow_zero_initial_scale)},
    {"max-scale-up-rate", KEY_FLOAT, AT(max_scale_up_rate)},
    {"max-scale-down-rate", KEY_FLOAT, AT(max_scale_down_rate)},
    {"container-concurrency-target-percentage", KEY_FLOAT,
     AT(container_concurrency_target_percentage)},
    {"container-concurrency-target-default", KEY_FLOAT, AT(container_concurrency_target_default)},
    {"requests-per-second-target-default", KEY_FLOAT, AT(requests_per_second_target_default)},
    {"target-burst-capacity", KEY_FLOAT, AT(target_burst_capacity)},
    {"panic-window-percentage", KEY_FLOAT, AT(panic_window_percentage)},
    {"activator-capacity", KEY_FLOAT, AT(activator_capacity)},
    {"panic-threshold-percentage", KEY_FLOAT, AT(panic_threshold_percentage)},
    {"initial-scale", KEY_INT32, AT(initial_scale)},
    {"min-scale", KEY_INT32, AT(min_scale)},
    {"max-scale", KEY_INT32, AT(max_scale)},
    {"max-scale-limit", KEY_INT32, AT(max_scale_limit)},
    {"stable-window", KEY_DURATION, AT(stable_window)},
    {"scale-down-delay", KEY_DURATION, AT(scale_down_delay)},
    {"scale-to-zero-grace-period", KEY_DURATION, AT(scale_to_zero_grace_period)},
    {"scale-to-zero-pod-retention-period", KEY_DURATION, AT(scale_to_zero_pod_retention_period)},
};

static bool is_class_hpa(const char *text)
{
	static const char blank[] = " \t\r\n\v\f";
	const size_t length = strlen(CLASS_HPA);
	text += strspn(text, blank);
	return strncmp(text, CLASS_HPA, length) == 0 &&
	       text[length + strspn(text + length, blank)] == '\0';
}

static bool parse_key(const struct key *key, const struct json *value,
		      struct config_autoscaler *config, struct error *err)
{
	const char *text = json_text(value);
	void *at = (char *)config + key->at;
	if (!text)
		return error_set(err, ERROR_INVALID, "must be a string");
	switch (key->type) {
	case KEY_BOOL:
		return go_parse_bool(text, at, err);
	case KEY_INT32:
		return go_parse_int32(text, at, err);
	case KEY_FLOAT:
		return go_parse_float(text, at, err);
	case KEY_DURATION:
		return go_parse_duration(text, at, err);
	case KEY_CLASS:
		*(bool *)at = is_class_hpa(text);
	}
	return true;
}

static bool refuse_number(struct error *err, const char *before, double value, const char *after)
{
	char text[GO_VALUE_SIZE];
	go_format_float(value, text);
	return error_set(err, ERROR_INVALID, "%s%s%s", before, text, after);
}

static bool refuse_time(struct error *err, const char *before, int64_t value, const char *after)
{
	char text[GO_VALUE_SIZE];
	duration_format(value, text);
	return error_set(err, ERROR_INVALID, "%s%s%s", before, text, after);
}

/* The comparisons below are written as Knative's, so that NaN passes where it passes there. */

static bool check_times(const struct config_autoscaler *c, struct error *err)
{
	static const char precise[] = ", must be specified with at most second precision";
	if (c->scale_to_zero_grace_period <= 0)
		return refuse_time(err, "scale-to-zero-grace-period must be positive, was: ",
				   c->scale_to_zero_grace_period, "");
	if (c->scale_down_delay < 0)
		return refuse_time(
		    err, "scale-down-delay cannot be negative, was: ", c->scale_down_delay, "");
	if (c->scale_down_delay % SECOND != 0)
		return refuse_time(err, "scale-down-delay = ", c->scale_down_delay, precise);
	if (c->scale_to_zero_pod_retention_period < 0)
		return refuse_time(err,
				   "scale-to-zero-pod-retention-period cannot be negative, was: ",
				   c->scale_to_zero_pod_retention_period, "");
	if (c->stable_window < 6 * SECOND || c->stable_window > 3600 * SECOND)
		return refuse_time(err, "stable-window = ", c->stable_window,
				   ", must be in [6s; 1h0m0s] range");
	if (c->stable_window % SECOND != 0)
		return refuse_time(err, "stable-window = ", c->stable_window, precise);
	return true;
}

static bool check_targets(const struct config_autoscaler *c, struct error *err)
{
	double fraction = c->container_concurrency_target_percentage;
	double target = fraction * c->container_concurrency_target_default;
	if (c->target_burst_capacity < 0 && c->target_burst_capacity != -1)
		return error_set(err, ERROR_INVALID,
				 "target-burst-capacity must be either non-negative or -1 (for "
				 "unlimited), was: %f",
				 c->target_burst_capacity);
	if (fraction <= 0 || fraction > 1)
		return error_set(err, ERROR_INVALID,
				 "container-concurrency-target-percentage = %f is outside of valid "
				 "range of (0, 100]",
				 fraction);
	if (target < TARGET_MIN)
		return refuse_number(
		    err,
		    "container-concurrency-target-percentage and "
		    "container-concurrency-target-default yield target concurrency of ",
		    target, ", can't be less than 0.01");
	if (c->requests_per_second_target_default < TARGET_MIN)
		return refuse_number(
		    err, "requests-per-second-target-default must be at least 0.01, was: ",
		    c->requests_per_second_target_default, "");
	return true;
}

static bool check_rates(const struct config_autoscaler *c, struct error *err)
{
	if (c->activator_capacity < 1)
		return refuse_number(err, "activator-capacity = ", c->activator_capacity,
				     ", must be at least 1");
	if (c->max_scale_up_rate <= 1)
		return refuse_number(err, "max-scale-up-rate = ", c->max_scale_up_rate,
				     ", must be greater than 1.0");
	if (c->max_scale_down_rate <= 1)
		return refuse_number(err, "max-scale-down-rate = ", c->max_scale_down_rate,
				     ", must be greater than 1.0");
	if (c->panic_window_percentage < 1 || c->panic_window_percentage > 100)
		return refuse_number(err, "panic-window-percentage = ", c->panic_window_percentage,
				     ", must be in [1, 100] interval");
	return true;
}

static bool check_scales(const struct config_autoscaler *c, struct error *err)
{
	int32_t least = c->max_scale_limit > 0 ? 1 : 0;
	if (c->initial_scale < 0 || (c->initial_scale == 0 && !c->allow_zero_initial_scale))
		return error_set(err, ERROR_INVALID,
				 "initial-scale = %" PRId32 ", must be at least 0 (or at least 1 "
				 "when allow-zero-initial-scale is false)",
				 c->initial_scale);
	if (c->min_scale < 0)
		return error_set(err, ERROR_INVALID, "min-scale = %" PRId32 ", must be at least 0",
				 c->min_scale);
	if (c->max_scale < least || (c->max_scale_limit > 0 && c->max_scale > c->max_scale_limit))
		return error_set(err, ERROR_INVALID,
				 "max-scale = %" PRId32 ", must be in [%" PRId32
				 ", max-scale-limit(%" PRId32 ")] range",
				 c->max_scale, least, c->max_scale_limit);
	if (c->max_scale_limit < 0)
		return error_set(err, ERROR_INVALID,
				 "max-scale-limit = %" PRId32 ", must be at least 0",
				 c->max_scale_limit);
	if (c->min_scale > c->max_scale && c->max_scale > 0)
		return error_set(err, ERROR_INVALID,
				 "min-scale (%" PRId32 ") must be less than max-scale (%" PRId32
				 ")",
				 c->min_scale, c->max_scale);
	return true;
}

bool config_autoscaler_parse(const struct json *data, struct config_autoscaler *out,
			     struct error *err)
{
	struct config_autoscaler config = config_autoscaler_default;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct json *value = json_get(data, keys[i].name);
		if (!value || parse_key(&keys[i], value, &config, err))
			continue;
		error_wrap(err, "failed to parse data: failed to parse \"%s\"", keys[i].name);
		return error_tidy(err, MESSAGE_MAX);
	}
	/* Knative takes both a fraction and a percentage. */
	if (config.container_concurrency_target_percentage > 1)
		config.container_concurrency_target_percentage /= 100;
	if (!check_times(&config, err) || !check_targets(&config, err) ||
	    !check_rates(&config, err) || !check_scales(&config, err))
		return false;
	*out = config;
	return true;
}
