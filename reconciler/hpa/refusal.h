/*
 * struct refusal: why an annotation is refused. One text for condition, event, log and render:
 * the annotation, its value (shortened, control characters escaped, credentials in
 * URLs and the like hidden), what is wrong with it, what
 * would be right.
 */
#ifndef HPA_REFUSAL_H
#define HPA_REFUSAL_H

#include <stdbool.h>

#include "pkg/base/arena.h"
#include "pkg/json/json.h"

struct refusal {
	const char *annotation; /* full name; NULL: nothing is refused */
	const char *text;       /* the whole sentence, annotation included */
};

/* KEY: "VALUE" FORMAT, or KEY: FORMAT if value is NULL. annotation is borrowed, the text lives in
 * the arena. Always false. */
bool refuse(struct refusal *refusal, struct arena *arena, const char *annotation, const char *value,
	    const char *format, ...) PRINTF_LIKE(5, 6);
/* KEY: LINE:COLUMN: VALUE FORMAT, of a value inside JSON or YAML. A list or an object is not
 * shown; the place is left out if the value has none. Always false. */
bool refuse_at(struct refusal *refusal, struct arena *arena, const char *annotation,
	       const struct json *at, const char *format, ...) PRINTF_LIKE(5, 6);
/* The same of a member of that name, which may be NULL; "a value" is shown where the name speaks of
 * a secret. */
bool refuse_member(struct refusal *refusal, struct arena *arena, const char *annotation,
		   const char *name, const struct json *at, const char *format, ...)
    PRINTF_LIKE(6, 7);
/* A value as refusals show it: in quotes, shortened, control characters escaped. */
const char *refusal_value(const char *value, struct arena *arena);

#endif
