/*
 * struct slots: a hash index of few bytes, for what is held by the thousand: from 32-bit hashes to
 * numbers, the places of things in an array of the owner's. 8 bytes a slot, of which between three
 * and six in eight are taken (but the first 8). Several numbers may stand under one hash: the owner
 * looks whether the thing is the one he wants. Numbers go to UINT32_MAX - 1.
 */
#ifndef BASE_SLOTS_H
#define BASE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slots {
	uint64_t *items; /* hash and number + 1; 0: free */
	size_t capacity; /* a power of two, or 0 */
	size_t count;
};

void slots_release(struct slots *slots); /* empty afterwards, and of use again */
void slots_add(struct slots *slots, uint32_t hash, uint32_t number);
void slots_remove(struct slots *slots, uint32_t hash, uint32_t number); /* which must be there */
/* The numbers under that hash, one a call, in no order; *step begins at 0. False: no more. The
 * slots may not change meanwhile. */
bool slots_next(const struct slots *slots, uint32_t hash, size_t *step, uint32_t *number);
size_t slots_bytes(const struct slots *slots);

#endif
