/* Texts of cached objects, read leniently: what is no string is "". */
#ifndef KNATIVE_TEXT_H
#define KNATIVE_TEXT_H

#include "pkg/json/json.h"

/* The text in the arena, of which 1 KiB at most; those that nearly every object has are shared
 * constants. */
const char *text_kept(const struct json *v, struct arena *arena);

#endif
