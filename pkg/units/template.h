/*
 * The query template of contract section 3, a small subset of Go's text/template:
 * {{ .name }}, trimming {{- -}}, comments, quoted strings, {{ if .x }}..{{ else }}..{{ end }},
 * printf with %s. Anything else, an unknown name too, is refused: ERROR_INVALID,
 * "column N: what" (1-based, in bytes).
 */
#ifndef UNITS_TEMPLATE_H
#define UNITS_TEMPLATE_H

#include <stdbool.h>

#include "pkg/base/arena.h"
#include "pkg/base/compiler.h"
#include "pkg/base/error.h"

struct template_variable {
	const char *name;  /* "revisionName" */
	const char *value; /* not NULL; "" is false in {{ if }} */
};

/* variables end with a NULL name. The output is at most 256 KiB, nesting at most 16. */
MUST_CHECK bool template_expand(const char *text, const struct template_variable *variables,
				struct arena *arena, char **out, struct error *err);

#endif
