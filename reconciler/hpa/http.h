/*
 * What metric: concurrency and metric: rps mean (contract section 10): the target of KEDA's trigger
 * and the activators in front of the revision, as Knative's own autoscaler works them out (serving
 * pkg/reconciler/autoscaling: ResolveMetricTarget, computeNumActivators).
 */
#ifndef HPA_HTTP_H
#define HPA_HTTP_H

#include "pkg/knative/config_autoscaler.h"
#include "reconciler/hpa/annotations.h"

#define HTTP_ACTIVATORS_MIN 2
/* The Service of config/ in front of the scaler, and its port. */
#define HTTP_SCALER_SERVICE "autoscaler-keda-hpa-scaler"
#define HTTP_SCALER_PORT 9092

struct http_scaling {
	const char *metric;         /* "concurrency" or "rps"; NULL: another metric */
	const char *target;         /* a pod's, utilization applied: plain decimal, 0.01 to 1e9 */
	const char *scaler_address; /* host:port */
	double total;               /* a pod's, without utilization */
	double burst_capacity;      /* -1: no limit */
	double activator_capacity;  /* at least 1 */
	int32_t cooldown_s;         /* where neither annotations nor config-autoscaler-keda say */
	int32_t scale_down_s;       /* stabilization window of scaling down, likewise */
};

/* out->metric is NULL, and the rest is zeroed, unless annotations->kind is METRIC_HTTP. Texts live
 * in the arena. False with refusal set for a target beyond that, or that no plain decimal can say.
 */
MUST_CHECK bool http_scaling_of(const struct annotations *annotations,
				const struct pod_autoscaler *pa,
				const struct config_autoscaler *config,
				const struct config_keda *config_keda, struct arena *arena,
				struct http_scaling *out, struct refusal *refusal);
/* How many activators such a revision with that many pods needs, HTTP_ACTIVATORS_MIN at least. */
int32_t http_activators(const struct http_scaling *http, int32_t pods);
/* The annotation metric says concurrency or rps, whatever else may be wrong. */
bool http_metric_named(const struct pod_autoscaler *pa);

#endif
