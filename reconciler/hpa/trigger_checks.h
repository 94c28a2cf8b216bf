/*
 * What must hold of every list of triggers before it is written (contract section 4), wherever it
 * comes from: what KEDA or the API server would answer late, unclearly, or with a crash.
 */
#ifndef HPA_TRIGGER_CHECKS_H
#define HPA_TRIGGER_CHECKS_H

#include "reconciler/hpa/refusal.h"
#include "reconciler/hpa/shape.h"

#define TRIGGERS_MAX 64

/* The known members of a trigger. */
extern const struct shape trigger_shape[];

/* Each an object with a type and an object of strings as metadata, names unique, the kind of the
 * authentication known, values of cpu and memory readable, 64 at most. key is the annotation that
 * is refused, with the place of the trouble. False with refusal set. */
MUST_CHECK bool triggers_check(const struct json *list, const char *key, struct arena *arena,
			       struct refusal *refusal);
/* All are cpu or memory: KEDA cannot go to zero with these. True for an empty list. */
bool triggers_only_resources(const struct json *list);

#endif
