/*
 * ConfigMap config-observability (knative.dev/pkg observability/metrics): whether and how Knative's
 * components tell metrics. Of its keys those that begin with "metrics-" are read, with Knative's
 * rules and texts; all others, "_example" and those of tracing too, have no meaning here.
 *
 * Where Knative takes an absent metrics-protocol for "none", here it means Prometheus.
 */
#ifndef KNATIVE_CONFIG_OBSERVABILITY_H
#define KNATIVE_CONFIG_OBSERVABILITY_H

#include "pkg/json/json.h"

enum metrics_protocol {
	METRICS_PROMETHEUS,    /* "prometheus", and where nothing is said */
	METRICS_NONE,          /* "none" */
	METRICS_GRPC,          /* "grpc" */
	METRICS_HTTP_PROTOBUF, /* "http/protobuf" */
};

struct config_observability {
	enum metrics_protocol metrics_protocol;
};

/* data: the ConfigMap's .data, NULL for an empty one. Errors are ERROR_INVALID; out is then
 * untouched. */
MUST_CHECK bool config_observability_parse(const struct json *data,
					   struct config_observability *out, struct error *err);
/* As the ConfigMap spells it. */
const char *metrics_protocol_name(enum metrics_protocol protocol);

#endif
