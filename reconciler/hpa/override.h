/*
 * scaled-object-override: a whole ScaledObject as JSON. Its spec is used as given, but what makes
 * it the revision's stays ours: target, HPA name, bounds (contract section 4).
 */
#ifndef HPA_OVERRIDE_H
#define HPA_OVERRIDE_H

#include "reconciler/hpa/annotations.h"

/* The check of its row: keys by their exact case, types of known members, triggers, modifiers,
 * ranges of the replica counts. */
bool override_check(const struct annotation_value *value, struct arena *arena,
		    struct refusal *refusal);
/* An integer member of its spec; false if there is no override or it does not set it. */
bool override_int(const struct annotations *annotations, const char *field, int32_t *out);
/* A copy of its spec with target and HPA name of pa, and without minReplicaCount,
 * maxReplicaCount and idleReplicaCount. There must be an override. */
struct json *override_spec(const struct annotations *annotations, const struct pod_autoscaler *pa,
			   struct arena *arena);

#endif
