/* HorizontalPodAutoscaler (autoscaling/v2), as far as the controller reads what KEDA made. */
#ifndef KEDA_HPA_H
#define KEDA_HPA_H

#include "pkg/meta/object.h"

struct hpa {
	struct object object;
	const char *target_name;                    /* spec.scaleTargetRef; "" if unset */
	int32_t current_replicas, desired_replicas; /* status; 0 if unset */
	int scaling_active; /* condition ScalingActive: -1 absent, 0 False, 1 True, 2 Unknown */
	/* Of that condition, "" while it is True or absent. */
	const char *scaling_reason, *scaling_message;
	int64_t scaling_changed_ms; /* its lastTransitionTime, whole seconds; 0: none */
};

/* An object_decode_fn. */
struct object *hpa_decode(const struct json *json, struct error *err);

#endif
