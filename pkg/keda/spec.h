/* Parts of a ScaledObject's spec, normalised: between the files of this folder. */
#ifndef KEDA_SPEC_H
#define KEDA_SPEC_H

#include "pkg/keda/scaled_object.h"

/* The normalised form of a value at that path of the spec ("" is the spec itself, ".triggers" a
 * member); NULL if it counts as absent. */
struct json *spec_normal(const char *path, const struct json *v, const struct learned *learned,
			 struct arena *arena);
/* Where paths end that grow too long: nothing is special there and nothing is learned. A user's
 * override may nest long keys over many members, and each gets its path. */
extern const char spec_path_lost[];
const char *spec_member_path(struct arena *arena, const char *path, const char *key);
const char *spec_element_path(struct arena *arena, const char *path);

#endif
