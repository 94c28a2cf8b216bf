/* What a burst leaves goes back once, and is not asked for again and again. */
#include <stdlib.h>

#include "pkg/base/check.h"
#include "pkg/base/heap.h"
#include "test/lib/test.h"

/* They have a malloc of their own. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif

#define BLOCKS 4000

static void burst(void **blocks, size_t size)
{
	for (size_t i = 0; i < BLOCKS; i++)
		blocks[i] = xmalloc(size);
	/* One in twenty stays: the top of the heap is never free. */
	for (size_t i = 0; i < BLOCKS; i++) {
		if (i % 20 != 19)
			free(blocks[i]);
	}
}

static void end(void **blocks)
{
	for (size_t i = 19; i < BLOCKS; i += 20)
		free(blocks[i]);
}

TEST(heap, gives_back_what_is_worth_it_once)
{
	static void *first[BLOCKS], *second[BLOCKS];
	size_t kept = 0;
	heap_tune();
	heap_tidy(&kept);
	EXPECT_FALSE(heap_tidy(&kept));
	burst(first, 1500);
	EXPECT(SANITIZED || heap_tidy(&kept));
	EXPECT_FALSE(heap_tidy(&kept));
	burst(second, 20000);
	EXPECT(SANITIZED || heap_tidy(&kept));
	EXPECT_FALSE(heap_tidy(&kept));
	end(first);
	end(second);
}

TEST_MAIN(TEST_OF(heap, gives_back_what_is_worth_it_once))
