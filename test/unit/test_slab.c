/* Memory of the slabs: nobody gets what another holds, and what nobody holds goes back. */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/slab.h"
#include "test/lib/test.h"

#define HELD 2000

struct held {
	unsigned char *memory;
	size_t size;
	unsigned char mark;
};

static bool is_whole(const struct held *held)
{
	for (size_t i = 0; i < held->size; i++) {
		if (held->memory[i] != held->mark)
			return false;
	}
	return true;
}

static void drop(struct held *held)
{
	EXPECT(is_whole(held));
	slab_free(held->memory, held->size);
	held->memory = NULL;
}

TEST(slab, nobody_gets_what_another_holds)
{
	static struct held held[HELD];
	size_t before = slab_bytes();
	uint64_t seed = 7;
	for (unsigned round = 0; round < 50000; round++) {
		struct held *one = &held[test_random(&seed) % HELD];
		if (one->memory) {
			drop(one);
			continue;
		}
		/* Some larger than a slab has, some of none. */
		one->size = test_random(&seed) % (SLAB_MAX + 200);
		one->mark = (unsigned char)round;
		one->memory = slab_alloc(one->size);
		EXPECT((uintptr_t)one->memory % 16 == 0);
		memset(one->memory, one->mark, one->size);
	}
	for (size_t i = 0; i < HELD; i++) {
		if (held[i].memory)
			drop(&held[i]);
	}
	EXPECT_INT(slab_bytes(), before);
}

TEST(slab, wastes_little)
{
	static void *held[10000];
	size_t before = slab_bytes();
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		held[i] = slab_zalloc(300);
	EXPECT(slab_bytes() - before <= ARRAY_SIZE(held) * 300 * 11 / 10);
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		slab_free(held[i], 300);
	EXPECT_INT(slab_bytes(), before);
}

/* Used again, it holds what was there. */
TEST(slab, zeroed_is_zero)
{
	unsigned char *memory = slab_alloc(100), *other = slab_alloc(100);
	memset(memory, 1, 100);
	slab_free(memory, 100);
	memory = slab_zalloc(100);
	for (size_t i = 0; i < 100; i++)
		EXPECT_INT(memory[i], 0);
	slab_free(memory, 100);
	slab_free(other, 100);
}

TEST_MAIN(TEST_OF(slab, nobody_gets_what_another_holds), TEST_OF(slab, wastes_little),
	  TEST_OF(slab, zeroed_is_zero))
