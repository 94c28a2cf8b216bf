/*
 * kill -9 before and after every write of every scenario, and a new process: the same end. After
 * the write also with an API server that serves the new process from some versions ago at first.
 *
 * SWEEP=all: under the sanitizers too every one; SWEEP=scenario:kind:n plays one.
 */
#include "test/lib/sweep.h"
#include "test/lib/test.h"

#define STRIDE (SLOW ? 11 : 1)

static const struct sweep_kind kinds[] = {
    {"before", {.kind = FAULT_CRASH_BEFORE, .writes_only = true}},
    {"after", {.kind = FAULT_CRASH_AFTER, .writes_only = true}},
    {"stale", {.kind = FAULT_CRASH_STALE, .writes_only = true}},
};

TEST(kill, each_write)
{
	size_t stride = STRIDE;
	struct sweep_count out = {0};
	const char *asked = sweep_asked(&stride);

	if (asked && sweep_one(asked, kinds, ARRAY_SIZE(kinds)))
		return;
	sweep(kinds, ARRAY_SIZE(kinds), stride, &out);
	printf("kill kinds=%zu stride=%zu scenarios=%zu runs=%zu faults=%zu\n", ARRAY_SIZE(kinds),
	       stride, out.scenarios, out.runs, out.faults);
}

TEST_MAIN(TEST_OF(kill, each_write))
