/*
 * Sizes are rounded up to classes. Memory comes from the system in areas, which are cut into
 * chunks; a chunk belongs to one class while anything of it is held, and begins on a multiple of
 * its size, so that an address tells its chunk. Invariant: a class's list has just those chunks of
 * it that have room; one of which nothing is held is on the list of spare ones, and has no memory
 * of the system's.
 */
#include "pkg/base/slab.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>

#include "pkg/base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define MALLOC_ONLY 1
#elif defined(__has_feature)
#define MALLOC_ONLY __has_feature(address_sanitizer)
#else
#define MALLOC_ONLY 0
#endif

#define STEP 32
#define CLASSES (SLAB_MAX / STEP)
#define CHUNK ((size_t)16 * 1024)
#define AREA ((size_t)64 * CHUNK)

struct gap {
	struct gap *next;
};

struct chunk {
	alignas(STEP) struct gap *gaps; /* freed ones */
	LIST_ENTRY(chunk) link;         /* while it has room */
	uint32_t begun;                 /* bytes from its start that were ever handed out */
	uint32_t held;                  /* things */
};

LIST_HEAD(chunks, chunk);

static struct chunks with_room[CLASSES];
/* Where they begin: told here, for to write it into themselves would give them a page. */
static uintptr_t *spare;
static size_t spare_count, all_count; /* spare has room for all chunks */

static bool from_malloc(size_t size)
{
	return MALLOC_ONLY || size > SLAB_MAX;
}

static size_t class_of(size_t size)
{
	return size ? (size - 1) / STEP : 0;
}

static size_t class_size(size_t class)
{
	return (class + 1) * STEP;
}

static void add_area(void)
{
	uintptr_t first = ((uintptr_t)xpages(AREA + CHUNK) + CHUNK - 1) / CHUNK * CHUNK;
	all_count += AREA / CHUNK;
	spare = xrealloc(spare, all_count * sizeof(*spare));
	for (size_t at = AREA; at > 0; at -= CHUNK)
		spare[spare_count++] = first + at - CHUNK;
}

static struct chunk *chunk_of(void *memory)
{
	return (struct chunk *)((uintptr_t)memory / CHUNK * CHUNK);
}

static struct chunk *chunk_new(size_t class)
{
	if (spare_count == 0)
		add_area();
	struct chunk *chunk = chunk_of((void *)spare[--spare_count]);
	*chunk = (struct chunk){.begun = sizeof(*chunk)};
	LIST_INSERT_HEAD(&with_room[class], chunk, link);
	return chunk;
}

static void chunk_drop(struct chunk *chunk)
{
	LIST_REMOVE(chunk, link);
	/* Refused where pages are larger than chunks: then it is kept. */
	madvise(chunk, CHUNK, MADV_DONTNEED);
	spare[spare_count++] = (uintptr_t)chunk;
}

static bool is_full(const struct chunk *chunk, size_t class)
{
	return !chunk->gaps && chunk->begun + class_size(class) > CHUNK;
}

void *slab_alloc(size_t size)
{
	size_t class = class_of(size);
	if (from_malloc(size))
		return xmalloc(size);
	struct chunk *chunk = LIST_FIRST(&with_room[class]);
	if (!chunk)
		chunk = chunk_new(class);
	void *memory = chunk->gaps;
	if (memory) {
		chunk->gaps = chunk->gaps->next;
	} else {
		memory = (unsigned char *)chunk + chunk->begun;
		chunk->begun += (uint32_t)class_size(class);
	}
	chunk->held++;
	if (is_full(chunk, class))
		LIST_REMOVE(chunk, link);
	return memory;
}

void *slab_zalloc(size_t size)
{
	return memset(slab_alloc(size), 0, size);
}

void slab_free(void *memory, size_t size)
{
	if (from_malloc(size)) {
		free(memory);
		return;
	}
	size_t class = class_of(size);
	struct chunk *chunk = chunk_of(memory);
	struct gap *gap = memory;
	CHECK(chunk->held > 0);
	if (is_full(chunk, class))
		LIST_INSERT_HEAD(&with_room[class], chunk, link);
	gap->next = chunk->gaps;
	chunk->gaps = gap;
	if (--chunk->held == 0)
		chunk_drop(chunk);
}

size_t slab_bytes(void)
{
	return (all_count - spare_count) * CHUNK;
}
