/*
 * Knative's condition set (knative.dev/pkg/apis.ConditionSet) for a PodAutoscaler: happy "Ready",
 * dependents "Active", "ScaleTargetInitialized", "SKSReady". Marking a dependent recomputes Ready
 * as Knative does. Two deliberate differences: lastTransitionTime changes only with the status, and
 * Ready never keeps a text that no condition has any more.
 */
#ifndef KNATIVE_CONDITIONS_H
#define KNATIVE_CONDITIONS_H

#include "pkg/json/json.h"

#define CONDITION_READY "Ready"
#define CONDITION_ACTIVE "Active"
#define CONDITION_INITIALIZED "ScaleTargetInitialized"
#define CONDITION_SKS_READY "SKSReady"

enum condition_status { CONDITION_UNKNOWN, CONDITION_FALSE, CONDITION_TRUE };

struct condition {
	const char *type;
	enum condition_status status;
	const char *severity; /* NULL: error, the one that counts */
	const char *reason;   /* NULL: none */
	const char *message;  /* NULL: none */
	int64_t changed_ms;   /* lastTransitionTime, whole seconds; 0: none */
};

/* Sorted bytewise by type, each type once. */
struct conditions {
	size_t count;
	struct condition *items; /* in an arena */
	/* Ready as conditions_initialize found it: when it comes back to that status within one
	 * pass, it never left it. NULL: was not there. */
	const struct condition *ready_before;
};

const char *condition_status_name(enum condition_status status); /* "True", ... */
const struct condition *conditions_get(const struct conditions *set, const char *type);
/* CONDITION_UNKNOWN if absent. */
enum condition_status conditions_status(const struct conditions *set, const char *type);
/* Lenient: an element without a type, with a status it does not know, or of a type that was there
 * before, is passed over. */
void conditions_decode(const struct json *array, struct arena *arena, struct conditions *out);
struct json *conditions_encode(const struct conditions *set, struct arena *arena);

/* A copy in arena with the four types of a PodAutoscaler there (absent ones Unknown, or True if
 * Ready already is). Texts are shared with from; conditions of other types are kept. */
void conditions_initialize(const struct conditions *from, struct arena *arena, int64_t now_ms,
			   struct conditions *out);
/* Sets a dependent of an initialized set and recomputes Ready:
 *   False             Ready is False with the same reason and message;
 *   Unknown + reason  the same with Unknown, unless some condition is False;
 *   otherwise         Ready follows the first False, else the first Unknown condition, newest
 *                     lastTransitionTime first, equal ones in order of type; else it is True.
 * reason and message are copied, "" counts as none, True has neither; '%' becomes U+FF05, for
 * Knative uses messages as format strings. Marking again what is there changes nothing. */
void conditions_mark(struct conditions *set, struct arena *arena, int64_t now_ms, const char *type,
		     enum condition_status status, const char *reason, const char *message);
/* Times do not count (as in Knative's comparison): they move only with a status. */
bool conditions_equal(const struct conditions *a, const struct conditions *b);

#endif
