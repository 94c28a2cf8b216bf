/*
 * The arena: a list of blocks, the one at its head being filled from both ends: aligned
 * memory from the front, texts (which need no alignment, and are most of what a cached object
 * is) from the back. Blocks grow from small to 64 KiB; what is larger than the next block gets one
 * of its own behind the head. So what was handed out always fits into one block of just that size.
 */
#include "pkg/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"

/* Under AddressSanitizer each allocation is a block of just its size, so that an overrun
 * is seen. */
#if defined(__SANITIZE_ADDRESS__)
#define ONE_EACH 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ONE_EACH 1
#endif
#endif
#ifdef ONE_EACH
#define FIRST_BLOCK 1
#define LARGEST_BLOCK 1
#define UNIT 1
#else
#define FIRST_BLOCK 256
#define LARGEST_BLOCK 65536
#define UNIT ALIGNMENT
#endif

#define ALIGNMENT alignof(max_align_t)

struct block {
	alignas(max_align_t) struct block *next;
	size_t size;
	size_t used; /* from the front */
	size_t end;  /* texts begin here */
	unsigned char *data;
};

struct arena {
	struct block *head;
	size_t bytes;
	size_t handed_out;
	size_t next_size;
	size_t largest;    /* where growing ends; 0: does not grow */
	struct block over; /* of arena_over: the only one */
};

static struct arena *new_arena(size_t first, size_t largest)
{
	struct arena *arena = xcalloc(1, sizeof(*arena));
	arena->bytes = sizeof(*arena);
	arena->next_size = first;
	arena->largest = largest;
	return arena;
}

struct arena *arena_new(void)
{
	return new_arena(FIRST_BLOCK, LARGEST_BLOCK);
}

struct arena *arena_new_sized(size_t block)
{
	CHECK(block > 0);
	size_t size = block < LARGEST_BLOCK ? block : LARGEST_BLOCK;
	return new_arena(size, size);
}

struct arena *arena_over(void *memory, size_t size)
{
	struct arena *arena = new_arena(0, 0);
	arena->over = (struct block){.size = size, .end = size, .data = memory};
	arena->head = &arena->over;
	return arena;
}

static void drop_blocks(struct arena *arena, struct block *block)
{
	while (block && block != &arena->over) {
		struct block *next = block->next;
		arena->bytes -= sizeof(*block) + block->size;
		free(block);
		block = next;
	}
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	drop_blocks(arena, arena->head);
	free(arena);
}

void arena_freep(struct arena **arena)
{
	arena_free(*arena);
}

void arena_reset(struct arena *arena)
{
	struct block *head = arena->head;
	CHECK(arena->largest > 0);
	arena->handed_out = 0;
	if (head && head->size <= arena->largest) {
		drop_blocks(arena, head->next);
		head->next = NULL;
		head->used = 0;
		head->end = head->size;
		return;
	}
	drop_blocks(arena, head);
	arena->head = NULL;
}

size_t arena_bytes(const struct arena *arena)
{
	return arena->bytes;
}

size_t arena_handed_out(const struct arena *arena)
{
	return arena->handed_out;
}

static struct block *block_new(struct arena *arena, size_t size)
{
	struct block *block = xmalloc(sizeof(*block) + size);
	block->next = NULL;
	block->size = size;
	block->used = 0;
	block->end = size;
	block->data = (unsigned char *)(block + 1);
	arena->bytes += sizeof(*block) + size;
	return block;
}

/* A block with room for size bytes. */
static struct block *block_for(struct arena *arena, size_t size)
{
	struct block *head = arena->head;
	if (head && head->end - head->used >= size)
		return head;
	CHECK(arena->largest > 0);
	if (head && size > arena->next_size) {
		struct block *own = block_new(arena, size);
		own->next = head->next;
		head->next = own;
		return own;
	}
	struct block *fresh = block_new(arena, size > arena->next_size ? size : arena->next_size);
	fresh->next = head;
	arena->head = fresh;
	if (arena->next_size < arena->largest)
		arena->next_size *= 2;
	return fresh;
}

static size_t round_up(size_t size, size_t unit)
{
	return (size ? size + unit - 1 : unit) / unit * unit;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	CHECK(size < SIZE_MAX / 4);
	size_t rounded = round_up(size, arena->largest ? UNIT : ALIGNMENT);
	struct block *block = block_for(arena, rounded);
	void *memory = block->data + block->used;
	block->used += rounded;
	arena->handed_out += round_up(size, ALIGNMENT);
	return memset(memory, 0, rounded);
}

static char *alloc_text(struct arena *arena, size_t size)
{
	CHECK(size < SIZE_MAX / 4);
	struct block *block = block_for(arena, size);
	block->end -= size;
	arena->handed_out += size;
	return (char *)block->data + block->end;
}

void *arena_memdup(struct arena *arena, const void *data, size_t size)
{
	void *copy = arena_alloc(arena, size);
	if (size)
		memcpy(copy, data, size);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *copy = alloc_text(arena, length + 1);
	if (length)
		memcpy(copy, text, length);
	copy[length] = 0;
	return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *text = arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	int length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	CHECK(length >= 0);
	char *text = alloc_text(arena, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, args);
	return text;
}
