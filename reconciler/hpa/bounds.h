/* The bounds of contract section 4: annotations over config-autoscaler, and what Unreachable does.
 */
#ifndef HPA_BOUNDS_H
#define HPA_BOUNDS_H

#include "pkg/knative/config_autoscaler.h"
#include "reconciler/hpa/annotations.h"

struct bounds {
	int32_t min;           /* 0 if the revision is Unreachable */
	int32_t min_reachable; /* the same as if it were not */
	int32_t max;           /* INT32_MAX: no limit */
	int32_t initial_scale;
};

/* A default never beats an annotation; two annotations that contradict each other are refused. */
MUST_CHECK bool bounds_of(const struct annotations *annotations, const struct pod_autoscaler *pa,
			  const struct config_autoscaler *config, struct arena *arena,
			  struct bounds *out, struct refusal *refusal);

#endif
