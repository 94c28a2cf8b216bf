/* Texts of cached objects, read leniently: what is no string is "". */
#ifndef KNATIVE_TEXT_H
#define KNATIVE_TEXT_H

#include "pkg/json/json.h"

/* The text in the arena; those that nearly every object has are shared constants. */
const char *text_kept(const struct json *v, struct arena *arena);

#endif
