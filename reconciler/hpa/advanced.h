/*
 * spec.advanced of a ScaledObject, from annotations: the HPA's name, its behavior (window and
 * rules) and KEDA's scaling modifiers.
 */
#ifndef HPA_ADVANCED_H
#define HPA_ADVANCED_H

#include "reconciler/hpa/http.h"
#include "reconciler/hpa/shape.h"

/* Known members of spec.advanced (KEDA's AdvancedConfig). */
extern const struct shape advanced_shape[];

/* Checks of rows, for one JSON object each: keys by their exact case (autoscaling/v2
 * HPAScalingRules, KEDA's ScalingModifiers); of the modifiers also what KEDA's webhook asks for. */
bool advanced_check_rules(const struct annotation_value *value, struct arena *arena,
			  struct refusal *refusal);
bool advanced_check_modifiers(const struct annotation_value *value, struct arena *arena,
			      struct refusal *refusal);
/* The same for modifiers that stand elsewhere; NULL and {} are none, and fine. */
MUST_CHECK bool advanced_check_modifiers_at(const struct json *modifiers, const char *key,
					    struct arena *arena, struct refusal *refusal);

/* A rules annotation replaces its direction whole; the window is for directions without one. Of
 * HTTP metrics it is that of scaling down, which has a default there: requests that wait now must
 * not wait for a window. */
void advanced_set(const struct annotations *annotations, const struct pod_autoscaler *pa,
		  const struct http_scaling *http, struct arena *arena, struct json *spec);

#endif
