/*
 * The known members of a JSON or YAML value, as a table: Kubernetes reads keys by their exact case,
 * so a key that differs from a known one only in case is refused, naming the right one. Unknown
 * keys pass: they are the API server's to judge. A known member of another type is refused; null
 * counts as absent.
 */
#ifndef HPA_SHAPE_H
#define HPA_SHAPE_H

#include "reconciler/hpa/annotations.h"

struct shape {
	const char *key;             /* NULL ends the table */
	enum json_type type;         /* JSON_NULL: any */
	const struct shape *members; /* of an object, or of each object in a list; NULL: not
					looked into */
};

/* False with refusal set. v is looked into if it is an object, and its elements if it is a list. */
MUST_CHECK bool shape_check(const struct json *v, const struct shape *members, const char *key,
			    struct arena *arena, struct refusal *refusal);

#endif
