/* The index of hashes: against a plain list of what it should hold, with few hashes, so that they
 * run into each other and round the end. */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/slots.h"
#include "test/lib/test.h"

#define NUMBERS 300

/* Is number under hash, once? */
static unsigned found(const struct slots *slots, uint32_t hash, uint32_t number)
{
	unsigned times = 0;
	size_t step = 0;
	uint32_t got;
	while (slots_next(slots, hash, &step, &got))
		times += got == number;
	return times;
}

TEST(slots, hold_what_was_added_and_not_removed)
{
	struct slots slots = {0};
	bool held[NUMBERS] = {false};
	uint32_t hashes[NUMBERS];
	uint64_t seed = 42;
	for (unsigned i = 0; i < NUMBERS; i++)
		hashes[i] = (uint32_t)test_random(&seed) % 64 * 0x1000001u;
	for (unsigned round = 0; round < 20000; round++) {
		uint32_t number = (uint32_t)(test_random(&seed) % NUMBERS);
		if (held[number])
			slots_remove(&slots, hashes[number], number);
		else
			slots_add(&slots, hashes[number], number);
		held[number] = !held[number];
		if (round % 100 > 0)
			continue;
		for (uint32_t i = 0; i < NUMBERS; i++)
			EXPECT_INT(found(&slots, hashes[i], i), held[i]);
	}
	slots_release(&slots);
	EXPECT_INT(slots_bytes(&slots), 0);
}

TEST(slots, the_empty_have_nothing)
{
	struct slots slots = {0};
	EXPECT_INT(found(&slots, 0, 0), 0);
	slots_add(&slots, 0, 0);
	EXPECT_INT(found(&slots, 0, 0), 1);
	EXPECT_INT(found(&slots, 8, 0), 0);
	slots_remove(&slots, 0, 0);
	EXPECT_INT(found(&slots, 0, 0), 0);
	slots_release(&slots);
}

/* All of one hash: a search that never finds a free slot would not end. */
TEST(slots, one_hash_for_all)
{
	struct slots slots = {0};
	for (uint32_t i = 0; i < 100; i++)
		slots_add(&slots, 7, i);
	for (uint32_t i = 0; i < 100; i += 2)
		slots_remove(&slots, 7, i);
	for (uint32_t i = 0; i < 100; i++)
		EXPECT_INT(found(&slots, 7, i), i % 2);
	slots_release(&slots);
}

TEST(slots, cost_little)
{
	struct slots slots = {0};
	uint64_t seed = 1;
	for (uint32_t i = 0; i < 10000; i++)
		slots_add(&slots, (uint32_t)test_random(&seed), i);
	EXPECT(slots_bytes(&slots) <= (size_t)10000 * 8 * 8 / 3);
	slots_release(&slots);
}

TEST_MAIN(TEST_OF(slots, hold_what_was_added_and_not_removed),
	  TEST_OF(slots, the_empty_have_nothing), TEST_OF(slots, one_hash_for_all),
	  TEST_OF(slots, cost_little))
