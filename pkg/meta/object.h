/*
 * struct object: the beginning of every typed object that a store holds: a count of references, its
 * metadata. Immutable once it is in a store; a pass that needs it across a request takes a
 * reference. Objects that are held by the thousand are one block of just their size
 * (object_decode); the few others have an arena of their own.
 */
#ifndef META_OBJECT_H
#define META_OBJECT_H

#include "pkg/base/arena.h"
#include "pkg/meta/meta.h"

struct object {
	struct arena *arena; /* what it and its texts are made in; NULL: is one block */
	unsigned refs;
	uint32_t bytes; /* of that block */
	struct meta meta;
};

/* A zeroed object of that size in an arena of its own, with one reference. size is that of the
 * typed struct, whose first member is struct object. */
void *object_new(size_t size);
struct object *object_ref(struct object *object); /* NULL is fine */
void object_unref(struct object *object);         /* NULL is fine */
size_t object_bytes(const struct object *object); /* held from malloc */

/* How typed objects come from JSON: a new object with one reference, or NULL with err set. */
typedef struct object *object_decode_fn(const struct json *json, struct error *err);
/* Fills a zeroed typed object, whose texts go to object->arena. */
typedef bool object_fill_fn(struct object *object, const struct json *json, struct error *err);
/* An object of one block, arena NULL. fill is called twice with the same json: on a draft, which
 * shows how large it gets, and on the object. */
struct object *object_decode(size_t size, object_fill_fn *fill, const struct json *json,
			     struct error *err);

#endif
