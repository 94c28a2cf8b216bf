/*
 * struct object: the beginning of every typed object that a store holds: its own arena, a count
 * of references, its metadata. Immutable once it is in a store; a pass that needs it across a
 * request takes a reference.
 */
#ifndef META_OBJECT_H
#define META_OBJECT_H

#include "pkg/base/arena.h"
#include "pkg/meta/meta.h"

struct object {
	struct arena *arena; /* holds the object itself too */
	unsigned refs;
	struct meta meta;
};

/* A zeroed object of that size in a small arena of its own, with one reference. size is that of
 * the typed struct, whose first member is struct object. */
void *object_new(size_t size);
struct object *object_ref(struct object *object); /* NULL is fine */
void object_unref(struct object *object);         /* NULL is fine */

/* How typed objects come from JSON: a new object with one reference, or NULL with err set. */
typedef struct object *object_decode_fn(const struct json *json, struct error *err);

#endif
