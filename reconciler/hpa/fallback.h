/* spec.fallback: annotations over config-autoscaler-keda (contract section 2). */
#ifndef HPA_FALLBACK_H
#define HPA_FALLBACK_H

#include "reconciler/hpa/annotations.h"

extern const char *const fallback_behaviors[]; /* KEDA's enum, NULL-terminated */

/* external: a trigger other than cpu and memory is there, or scaling modifiers are set; KEDA
 * refuses a fallback elsewhere, so the ConfigMap's apply only then. Annotated ones are put in as
 * they are. False with refusal set if only a part of it is annotated. */
MUST_CHECK bool fallback_set(const struct annotations *annotations,
			     const struct config_keda *config, bool external, struct arena *arena,
			     struct json *spec, struct refusal *refusal);

#endif
