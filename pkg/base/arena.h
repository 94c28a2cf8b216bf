/*
 * struct arena: memory that is freed all at once. One arena per pass and per
 * parsed document; nothing inside is freed alone. Allocations are zeroed and
 * aligned for any type; they never fail (out of memory aborts).
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "pkg/base/compiler.h"

struct arena;

struct arena *arena_new(void);
struct arena *arena_new_sized(size_t block); /* blocks of about this many bytes */
/* Hands out this memory (aligned for any type, the caller's before and after) and no more: it is a
 * bug to ask for more. The first aligned allocation begins where the memory does. */
struct arena *arena_over(void *memory, size_t size);
void arena_free(struct arena *arena);          /* NULL is fine */
void arena_freep(struct arena **arena);        /* for CLEANUP */
void arena_reset(struct arena *arena);         /* keeps one block for reuse, drops the rest */
size_t arena_bytes(const struct arena *arena); /* held from malloc */
/* What arena_over would need for the same allocations in any order. */
size_t arena_handed_out(const struct arena *arena);

void *arena_alloc(struct arena *arena, size_t size);
void *arena_memdup(struct arena *arena, const void *data, size_t size);
char *arena_strdup(struct arena *arena, const char *text); /* NULL in, NULL out */
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *arena, const char *format, va_list args) PRINTF_LIKE(2, 0);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc((arena), sizeof(type) * (count)))

#endif
