/*
 * Objects live in the arena they carry: one that nobody refers to any more goes with all its texts
 * in one free. The count is not atomic: objects never leave the loop's thread.
 */
#include "pkg/meta/object.h"

#include "pkg/base/check.h"

/* Most objects of a revision need 300 to 1,200 bytes: small blocks waste little at the end. */
#define BLOCK_BYTES 256

void *object_new(size_t size)
{
	CHECK(size >= sizeof(struct object));
	struct arena *arena = arena_new_sized(size > BLOCK_BYTES ? size : BLOCK_BYTES);
	struct object *object = arena_alloc(arena, size);
	object->arena = arena;
	object->refs = 1;
	return object;
}

struct object *object_ref(struct object *object)
{
	if (object)
		object->refs++;
	return object;
}

void object_unref(struct object *object)
{
	if (!object)
		return;
	CHECK(object->refs > 0);
	if (--object->refs == 0)
		arena_free(object->arena);
}
