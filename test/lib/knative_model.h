/*
 * What Knative's stand-ins share: a living condition set as knative.dev/pkg/apis has it, controller
 * references, and writes that cannot fail. One stand-in a file: knative_model_service.c,
 * knative_model_configuration.c, knative_model_route.c, knative_model_revision.c (and the
 * ServerlessService in knative_model.c); each looks at one key and writes what must be.
 */
#ifndef TEST_LIB_KNATIVE_MODEL_H
#define TEST_LIB_KNATIVE_MODEL_H

#include "test/lib/model_internal.h"

#define KNATIVE_LATENCY_MS 5
#define KNATIVE_USER "admin" /* who creates and modifies: the model knows no users */
#define SERVING "serving.knative.dev/"
#define AUTOSCALING "autoscaling.knative.dev/"

/* ---- knative_model_conditions.c ---- */

#define LIVING_MAX 8

struct living_condition {
	const char *type, *status, *reason, *message, *since;
};

/* Happy is "Ready"; dependents decide it, all other types are only Info. */
struct living_set {
	struct model *model;
	struct arena *arena;
	const char *const *dependents; /* a NULL at the end */
	const struct json *old;        /* status.conditions as they were, or NULL */
	size_t count;
	struct living_condition items[LIVING_MAX];
};

/* What the object has, and Ready and the dependents, Unknown where they are new. */
void living_start(struct living_set *set, struct model *model, struct arena *arena,
		  const struct json *object, const char *const *dependents);
void living_true(struct living_set *set, const char *type, const char *reason, const char *message);
/* message is a format without arguments, as in MarkFalse and MarkUnknown: '%' goes wrong in it. */
void living_false(struct living_set *set, const char *type, const char *reason,
		  const char *message);
void living_unknown(struct living_set *set, const char *type, const char *reason,
		    const char *message);
/* As the other object's condition of that type says. Nothing if it has none. */
void living_follow(struct living_set *set, const char *type, const struct json *other,
		   const char *other_type);
/* "True", "False", "Unknown", or "" if there is none. */
const char *living_status(const struct living_set *set, const char *type);
/* Sorted by type; a condition that is as it was keeps its time. */
struct json *living_finish(const struct living_set *set);

/* ---- knative_model_common.c ---- */

extern const struct write knative_write;
/* Ends the program: the model refuses its own Knative. */
void knative_must(bool ok, const struct error *err);
/* status of the live object of that name; nothing if it is already so. */
void knative_status(struct model *model, const char *plural, const char *ns, const char *name,
		    struct json *status);
/* metadata.ownerReferences: owner controls it. */
void knative_own(struct arena *arena, struct json *meta, const struct version *owner);
bool knative_owned(const struct version *version, const struct version *owner);
/* Of metadata; NULL if absent. */
const char *knative_label(const struct json *object, const char *name);
const char *knative_annotation(const struct json *object, const char *name);
/* A copy of the annotations (an empty object if there are none) without the NULL-ended names. */
struct json *knative_annotations(struct arena *arena, const struct json *object,
				 const char *const *without);
/* A copy; an empty object if it is none. */
struct json *knative_object(struct arena *arena, const struct json *from);
int64_t knative_generation(const struct json *object);
/* Is it there, staying, and with a template (what a hand made without one is left alone)? */
bool knative_whole(const struct version *version);
/* Those with that label, in order of their names; borrowed. */
size_t knative_revisions(struct model *model, struct arena *arena, const char *ns,
			 const char *label, const char *value, struct version ***out);

/* ---- knative_model_revision.c ---- */
void knative_revision_sync(struct model *model, struct version *revision);

#endif
