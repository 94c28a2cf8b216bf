/* Within a lane the namespaces take turns: who comes with many keys waits for himself. */
#include <string.h>

#include "pkg/base/strbuf.h"
#include "test/lib/test.h"
#include "test/unit/queue_fixture.h"

/* keys: separated by blanks. */
static void add(struct world *world, const char *keys, enum queue_lane lane)
{
	CLEANUP(strbuf_release) struct strbuf copy = STRBUF_INIT;
	strbuf_addstr(&copy, keys);
	for (char *rest = copy.buf, *key; (key = strsep(&rest, " "));)
		queue_add(world->queue, key, lane);
}

/* Takes and finishes all that waits. */
static void expect_order(struct world *world, const char *want)
{
	CLEANUP(strbuf_release) struct strbuf got = STRBUF_INIT;
	const char *key;
	while ((key = queue_take(world->queue))) {
		strbuf_addf(&got, "%s%s", got.len ? " " : "", key);
		queue_done(world->queue, key);
	}
	EXPECT_TEXT(got.buf, want);
}

TEST(queue_turns, orders)
{
	static const struct {
		const char *fast, *slow; /* as they come; NULL: none */
		const char *want;
	} rows[] = {
	    {"a/1 a/2 a/3", NULL, "a/1 a/2 a/3"},
	    {"a/1 a/2 a/3 b/1", NULL, "a/1 b/1 a/2 a/3"},
	    {"a/1 a/2 a/3 b/1 b/2 c/1", NULL, "a/1 b/1 c/1 a/2 b/2 a/3"},
	    {"a/1 ab/1 a/2", NULL, "a/1 ab/1 a/2"},
	    {"x y z", NULL, "x y z"},
	    {NULL, "a/1 a/2 b/1", "a/1 b/1 a/2"},
	    {"a/1 a/2", "b/1 b/2 c/1", "a/1 a/2 b/1 c/1 b/2"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(world_release) struct world world;
		world_init(&world);
		test_row("%zu", i);
		if (rows[i].fast)
			add(&world, rows[i].fast, QUEUE_FAST);
		if (rows[i].slow)
			add(&world, rows[i].slow, QUEUE_SLOW);
		expect_order(&world, rows[i].want);
	}
	test_row("%s", "");
}

TEST(queue_turns, one_among_hundreds_of_another_is_next_but_one)
{
	CLEANUP(world_release) struct world world;
	char key[32];
	world_init(&world);
	for (int i = 0; i < 500; i++) {
		snprintf(key, sizeof(key), "loud/%d", i);
		queue_add(world.queue, key, QUEUE_FAST);
	}
	/* Some are being worked on, and they come faster than they are done. */
	for (int i = 0; i < 32; i++)
		EXPECT(queue_take(world.queue) != NULL);
	queue_add(world.queue, "quiet/1", QUEUE_FAST);
	queue_add(world.queue, "loud/500", QUEUE_FAST);
	EXPECT_TEXT(queue_take(world.queue), "loud/32");
	EXPECT_TEXT(queue_take(world.queue), "quiet/1");
	EXPECT_TEXT(queue_take(world.queue), "loud/33");
}

TEST(queue_turns, who_moves_to_the_fast_lane_leaves_no_gap)
{
	CLEANUP(world_release) struct world world;
	world_init(&world);
	add(&world, "a/1 a/2 b/1", QUEUE_SLOW);
	add(&world, "a/1", QUEUE_FAST);
	expect_order(&world, "a/1 a/2 b/1");
	add(&world, "a/1 b/1", QUEUE_SLOW);
	add(&world, "a/1 b/1", QUEUE_FAST);
	expect_order(&world, "a/1 b/1");
}

TEST(queue_turns, those_that_hung_take_turns_too)
{
	static const char *const keys[] = {"a/1", "a/2", "b/1"};
	CLEANUP(world_release) struct world world;
	world_init(&world);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		queue_add(world.queue, keys[i], QUEUE_FAST);
		EXPECT_TEXT(queue_take(world.queue), keys[i]);
		queue_hung(world.queue, keys[i]);
		queue_add_after(world.queue, keys[i], 100 + (int64_t)i);
		queue_done(world.queue, keys[i]);
	}
	fake_clock_run(&world.clock, world.timers, 1000);
	expect_order(&world, "a/1 b/1 a/2");
}

TEST_MAIN(TEST_OF(queue_turns, orders),
	  TEST_OF(queue_turns, one_among_hundreds_of_another_is_next_but_one),
	  TEST_OF(queue_turns, who_moves_to_the_fast_lane_leaves_no_gap),
	  TEST_OF(queue_turns, those_that_hung_take_turns_too))
