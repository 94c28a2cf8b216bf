/*
 * Open addressing with linear probing. Invariant: between the home of an item and its slot none is
 * free; so removing one moves up those behind it that are not at home, and no graves are left.
 */
#include "pkg/base/slots.h"

#include <stdlib.h>

#include "pkg/base/check.h"

#define FIRST_CAPACITY 8

static uint64_t item_of(uint32_t hash, uint32_t number)
{
	return (uint64_t)hash << 32 | (number + 1);
}

static size_t home_of(const struct slots *slots, uint64_t item)
{
	return (size_t)(item >> 32) & (slots->capacity - 1);
}

static size_t behind(const struct slots *slots, size_t at)
{
	return (at + 1) & (slots->capacity - 1);
}

static void put(struct slots *slots, uint64_t item)
{
	size_t at = home_of(slots, item);
	while (slots->items[at])
		at = behind(slots, at);
	slots->items[at] = item;
}

static void grow(struct slots *slots)
{
	struct slots old = *slots;
	slots->capacity = old.capacity ? 2 * old.capacity : FIRST_CAPACITY;
	slots->items = xcalloc(slots->capacity, sizeof(*slots->items));
	for (size_t i = 0; i < old.capacity; i++) {
		if (old.items[i])
			put(slots, old.items[i]);
	}
	free(old.items);
}

void slots_release(struct slots *slots)
{
	free(slots->items);
	*slots = (struct slots){0};
}

void slots_add(struct slots *slots, uint32_t hash, uint32_t number)
{
	CHECK(number < UINT32_MAX);
	if ((slots->count + 1) * 4 > slots->capacity * 3)
		grow(slots);
	put(slots, item_of(hash, number));
	slots->count++;
}

/* May the item of slot at move up to the free one before it? Not past its home. */
static bool may_move(const struct slots *slots, size_t at, size_t up)
{
	size_t mask = slots->capacity - 1;
	return ((at - home_of(slots, slots->items[at])) & mask) >= ((at - up) & mask);
}

void slots_remove(struct slots *slots, uint32_t hash, uint32_t number)
{
	uint64_t item = item_of(hash, number);
	CHECK(slots->count > 0);
	size_t up = home_of(slots, item);
	while (slots->items[up] != item) {
		CHECK(slots->items[up]);
		up = behind(slots, up);
	}
	for (size_t at = behind(slots, up); slots->items[at]; at = behind(slots, at)) {
		if (!may_move(slots, at, up))
			continue;
		slots->items[up] = slots->items[at];
		up = at;
	}
	slots->items[up] = 0;
	slots->count--;
}

bool slots_next(const struct slots *slots, uint32_t hash, size_t *step, uint32_t *number)
{
	while (slots->count > 0) {
		size_t at = (hash + *step) & (slots->capacity - 1);
		uint64_t item = slots->items[at];
		if (!item)
			return false;
		++*step;
		if (item >> 32 == hash) {
			*number = (uint32_t)item - 1;
			return true;
		}
	}
	return false;
}

size_t slots_bytes(const struct slots *slots)
{
	return slots->capacity * sizeof(*slots->items);
}
