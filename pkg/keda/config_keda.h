/*
 * ConfigMap config-autoscaler-keda: keys "autoscaler.keda.NAME" (contract section 8), validated as
 * a whole map. Keys that this program does not know are ignored: an older program must live with
 * the map of a newer one.
 */
#ifndef KEDA_CONFIG_KEDA_H
#define KEDA_CONFIG_KEDA_H

#include <stdbool.h>
#include <stdint.h>

#include "pkg/json/json.h"

struct config_keda {
	const char *prometheus_address; /* "http://prometheus-operated.default.svc:9090" */
	bool auto_create;               /* true */
	/* Where KEDA asks for concurrency and rps, "host:port"; NULL: our own Service. */
	const char *http_scaler_address;
	bool http_scaler_tls; /* by TLS; false */
	/* Not of the map, whoever reads it may set it: where we run; "knative-serving". */
	const char *system_namespace;
	/* Defaults of ScaledObject fields; -1: not set. */
	int32_t polling_interval;           /* seconds, at least 1 */
	int32_t cooldown_period;            /* seconds, at least 0 */
	int32_t fallback_failure_threshold; /* both or none */
	int32_t fallback_replicas;
	const char *fallback_behavior; /* KEDA's enum; NULL: not set */
	int ignore_null_values;        /* -1: not set, else bool */
	/* Of our own metrics: samples for each revision (true), controller-runtime's names beside
	 * Knative's (false). */
	bool metrics_per_revision, metrics_controller_runtime;
};

extern const struct config_keda config_keda_default;
/* data: the ConfigMap's .data, NULL for an empty one. Texts live in the arena. Errors are
 * ERROR_INVALID; out is then untouched. */
MUST_CHECK bool config_keda_parse(const struct json *data, struct arena *arena,
				  struct config_keda *out, struct error *err);

#endif
