/*
 * Objects go with all their texts in one free, once nobody refers to them any more. The count is
 * not atomic: objects never leave the loop's thread.
 */
#include "pkg/meta/object.h"

#include "pkg/base/check.h"
#include "pkg/base/slab.h"

#define BLOCK_BYTES 256
/* Larger than nearly all drafts. */
#define DRAFT_BYTES 4096

static struct object *object_in(struct arena *arena, size_t size)
{
	CHECK(size >= sizeof(struct object));
	struct object *object = arena_alloc(arena, size);
	object->arena = arena;
	object->refs = 1;
	return object;
}

void *object_new(size_t size)
{
	return object_in(arena_new_sized(size > BLOCK_BYTES ? size : BLOCK_BYTES), size);
}

struct object *object_decode(size_t size, object_fill_fn *fill, const struct json *json,
			     struct error *err)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new_sized(DRAFT_BYTES);
	if (!fill(object_in(scratch, size), json, err))
		return NULL;
	size_t bytes = arena_handed_out(scratch);
	CHECK(bytes <= UINT32_MAX);
	CLEANUP(arena_freep) struct arena *block = arena_over(slab_alloc(bytes), bytes);
	struct object *object = object_in(block, size);
	CHECK(fill(object, json, err));
	object->arena = NULL;
	object->bytes = (uint32_t)bytes;
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
	if (--object->refs > 0)
		return;
	if (object->arena)
		arena_free(object->arena);
	else
		slab_free(object, object->bytes);
}

size_t object_bytes(const struct object *object)
{
	return object->arena ? arena_bytes(object->arena) : object->bytes;
}
