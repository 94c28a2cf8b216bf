/* The triggers that an annotation lists: keda-triggers or extra-prometheus-triggers. */
#ifndef HPA_LISTED_TRIGGERS_H
#define HPA_LISTED_TRIGGERS_H

#include "reconciler/hpa/annotations.h"

struct listed_triggers {
	const char *key;         /* of the annotation that was used; NULL: none is listed */
	const struct json *list; /* a list, templates expanded; NULL as key */
};

/* False with refusal set: both are annotated, or a template does not expand. */
MUST_CHECK bool listed_triggers_get(const struct annotations *annotations,
				    const struct pod_autoscaler *pa, struct arena *arena,
				    struct listed_triggers *out, struct refusal *refusal);

#endif
