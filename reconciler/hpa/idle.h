/*
 * idleReplicaCount 0, of the annotation or an override: no pods while no trigger is active, and at
 * once the minimum when one is. It needs a minimum to go to.
 */
#ifndef HPA_IDLE_H
#define HPA_IDLE_H

#include "reconciler/hpa/bounds.h"

/* out: is it asked for? False with refusal set where the annotated or configured minimum is 0. A
 * minimum that is 0 only because the revision is Unreachable is no mistake of the user's. */
MUST_CHECK bool idle_of(const struct annotations *annotations, const struct bounds *bounds,
			struct arena *arena, bool *out, struct refusal *refusal);

#endif
