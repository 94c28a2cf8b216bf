/*
 * PodAutoscaler (autoscaling.internal.knative.dev/v1alpha1), as far as the controller reads it.
 */
#ifndef KNATIVE_POD_AUTOSCALER_H
#define KNATIVE_POD_AUTOSCALER_H

#include "pkg/knative/conditions.h"
#include "pkg/meta/object.h"

#define POD_AUTOSCALER_API_VERSION "autoscaling.internal.knative.dev/v1alpha1"
#define POD_AUTOSCALER_KIND "PodAutoscaler"
#define CLASS_ANNOTATION "autoscaling.knative.dev/class"
#define CLASS_HPA "hpa.autoscaling.knative.dev"

struct pod_autoscaler {
	struct object object;
	struct meta_pairs labels;
	struct meta_pairs annotations;  /* but kubectl's last-applied-configuration */
	const char *target_api_version; /* spec.scaleTargetRef; "" if unset */
	const char *target_kind;
	const char *target_name;       /* never empty */
	const char *reachability;      /* "", "Reachable", "Unreachable" */
	const char *protocol;          /* "http1", "h2c"; "" if unset */
	int64_t container_concurrency; /* 0: no limit */
	/* status; a field of a wrong type counts as unset */
	int64_t observed_generation;
	struct conditions conditions;
	const char *service_name; /* "" if unset */
	const char *metrics_service_name;
	bool has_desired_scale, has_actual_scale;
	int32_t desired_scale, actual_scale; /* -1 is Knative's "unknown" */
	bool has_status; /* the required fields serviceName and metricsServiceName are there */
};

/* An object_decode_fn. Refuses (ERROR_INVALID) one without spec.scaleTargetRef.name. */
struct object *pod_autoscaler_decode(const struct json *json, struct error *err);
/* The same for a cache: one of another class than ours, of which there may be many more, comes
 * without labels, status and other annotations than the class. */
struct object *pod_autoscaler_decode_lean(const struct json *json, struct error *err);
bool pod_autoscaler_is_ours(const struct pod_autoscaler *pa); /* class hpa */
bool pod_autoscaler_unreachable(const struct pod_autoscaler *pa);

#endif
