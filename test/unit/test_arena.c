/* pkg/base/arena.h: alignment, zeroing, reuse. Block sizes differ under AddressSanitizer, so
 * only relations are asserted. */
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/arena.h"
#include "test/lib/test.h"

TEST(arena, allocations_are_zeroed_aligned_and_apart)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	unsigned char *last = NULL;
	for (size_t size = 0; size < 300; size++) {
		unsigned char *memory = arena_alloc(arena, size);
		bool zero = true;
		for (size_t i = 0; i < size; i++)
			zero = zero && memory[i] == 0;
		EXPECT(zero);
		EXPECT_INT((uintptr_t)memory % alignof(max_align_t), 0);
		EXPECT(memory != last);
		memset(memory, 0xEE, size);
		last = memory;
	}
}

TEST(arena, survives_what_is_larger_than_a_block)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char *small = arena_strdup(arena, "small");
	char *large = arena_alloc(arena, 1 << 20);
	memset(large, 'x', 1 << 20);
	EXPECT_TEXT(small, "small");
	EXPECT_TEXT(arena_strdup(arena, "after"), "after");
	EXPECT(arena_bytes(arena) >= 1 << 20);
	arena_reset(arena);
	EXPECT(arena_bytes(arena) < 1 << 20);
}

TEST(arena, a_large_first_allocation_is_not_kept)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	arena_alloc(arena, 1 << 20);
	arena_reset(arena);
	EXPECT(arena_bytes(arena) < 1 << 20);
}

TEST(arena, reset_zeroes_again)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	for (int round = 0; round < 5; round++) {
		bool zero = true;
		for (int i = 0; i < 100; i++) {
			char *memory = arena_alloc(arena, 40);
			for (int k = 0; k < 40; k++)
				zero = zero && memory[k] == 0;
			memset(memory, 0xAA, 40);
		}
		EXPECT(zero);
		arena_reset(arena);
	}
}

TEST(arena, starts_small)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	arena_alloc(arena, 100);
	EXPECT(arena_bytes(arena) < 512);
}

TEST(arena, copies_text)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	EXPECT_TEXT(arena_strdup(arena, NULL), NULL);
	EXPECT_TEXT(arena_strdup(arena, ""), "");
	EXPECT_TEXT(arena_strndup(arena, "abcdef", 3), "abc");
	EXPECT_TEXT(arena_strndup(arena, NULL, 0), "");
	EXPECT_TEXT(arena_printf(arena, "%s-%05d", "revision", 1), "revision-00001");
	EXPECT(memcmp(arena_memdup(arena, "a\0b", 3), "a\0b", 3) == 0);
	int *numbers = ARENA_ARRAY(arena, int, 10);
	EXPECT_INT(numbers[9], 0);
}

TEST(arena, free_takes_null)
{
	arena_free(NULL);
	EXPECT(true);
}

TEST_MAIN(TEST_OF(arena, allocations_are_zeroed_aligned_and_apart),
	  TEST_OF(arena, survives_what_is_larger_than_a_block),
	  TEST_OF(arena, a_large_first_allocation_is_not_kept), TEST_OF(arena, reset_zeroes_again),
	  TEST_OF(arena, starts_small), TEST_OF(arena, copies_text),
	  TEST_OF(arena, free_takes_null))
