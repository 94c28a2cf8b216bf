/* Looking into the queue changes nothing, and tells each key's place, lane, failures and next try.
 */
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/strbuf.h"
#include "test/lib/test.h"
#include "test/unit/queue_fixture.h"

static void run(struct world *world, int64_t ms)
{
	fake_clock_run(&world->clock, world->timers, ms);
}

static bool tell(void *ctx, const struct queue_key *key)
{
	static const char *const places[] = {
	    [QUEUE_WORKING] = "works", [QUEUE_WAITING] = "waits", [QUEUE_RESTING] = "rests"};
	struct strbuf *out = ctx;
	strbuf_addf(out, "%s %s %s since %lld", key->key, places[key->place], key->lane,
		    (long long)key->since_ms);
	if (key->due_ms >= 0)
		strbuf_addf(out, " due %lld", (long long)key->due_ms);
	if (key->failures)
		strbuf_addf(out, " failures %u", key->failures);
	strbuf_addf(out, "%s%s\n", key->again ? " again" : "", key->hung ? " hung" : "");
	return true;
}

static void expect(struct world *world, const char *want)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	queue_each(world->queue, tell, &out);
	EXPECT_TEXT(out.buf, want);
}

/* One that hung and failed, so that its next try is in that lane. */
static void hang(struct world *world, const char *key)
{
	queue_add(world->queue, key, QUEUE_FAST);
	EXPECT_TEXT(queue_take(world->queue), key);
	queue_hung(world->queue, key);
	queue_add_failed(world->queue, key);
	queue_done(world->queue, key);
}

TEST(queue_look, each_place)
{
	CLEANUP(world_release) struct world world;
	world_init(&world);
	expect(&world, "");
	hang(&world, "stuck");
	queue_add(world.queue, "working", QUEUE_FAST);
	EXPECT_TEXT(queue_take(world.queue), "working");
	run(&world, 3);
	queue_add(world.queue, "slow", QUEUE_SLOW);
	queue_add(world.queue, "fast", QUEUE_FAST);
	queue_add_after(world.queue, "later", 60000);
	run(&world, 1);
	expect(&world, "working works fast since 4\n"
		       "fast waits fast since 1\n"
		       "slow waits slow since 1\n"
		       "stuck rests hung since 4 due 1 failures 1 hung\n"
		       "later rests fast since 1 due 59999\n");
	queue_add(world.queue, "working", QUEUE_SLOW);
	run(&world, 1);
	expect(&world, "working works fast since 5 again\n"
		       "stuck waits hung since 0 failures 1 hung\n"
		       "fast waits fast since 2\n"
		       "slow waits slow since 2\n"
		       "later rests fast since 2 due 59998\n");
	struct queue_stats stats;
	queue_stats(world.queue, &stats);
	EXPECT_INT(stats.depth, 3);
	EXPECT_INT(stats.fast, 1);
	EXPECT_INT(stats.slow, 1);
	EXPECT_INT(stats.hung, 1);
	EXPECT_INT(stats.failing, 0);
}

TEST(queue_look, those_in_back_off_are_counted)
{
	CLEANUP(world_release) struct world world;
	struct queue_stats stats;
	world_init(&world);
	for (int i = 0; i < 3; i++) {
		queue_add(world.queue, "failing", QUEUE_FAST);
		EXPECT_TEXT(queue_take(world.queue), "failing");
		queue_add_failed_after(world.queue, "failing", 1000);
		queue_done(world.queue, "failing");
	}
	queue_add_after(world.queue, "later", 60000);
	queue_stats(world.queue, &stats);
	EXPECT_INT(stats.failing, 1);
	struct queue_key key;
	CHECK(queue_find(world.queue, "failing", &key));
	EXPECT_INT(key.failures, 3);
	EXPECT_INT(key.due_ms, 1000);
	queue_forget(world.queue, "failing");
	queue_stats(world.queue, &stats);
	EXPECT_INT(stats.failing, 0);
}

TEST(queue_look, one_that_lingers_is_nothing_to_tell)
{
	CLEANUP(world_release) struct world world;
	struct queue_key key;
	world_init(&world);
	queue_add(world.queue, "done", QUEUE_FAST);
	EXPECT(queue_find(world.queue, "done", &key));
	EXPECT(!queue_find(world.queue, "other", &key));
	EXPECT_TEXT(queue_take(world.queue), "done");
	queue_done(world.queue, "done");
	EXPECT(!queue_find(world.queue, "done", &key));
	expect(&world, "");
}

static bool only_one(void *ctx, const struct queue_key *key UNUSED)
{
	++*(int *)ctx;
	return false;
}

TEST(queue_look, ends_when_told)
{
	CLEANUP(world_release) struct world world;
	int count = 0;
	world_init(&world);
	queue_add(world.queue, "a", QUEUE_FAST);
	queue_add(world.queue, "b", QUEUE_SLOW);
	queue_each(world.queue, only_one, &count);
	EXPECT_INT(count, 1);
}

TEST_MAIN(TEST_OF(queue_look, each_place), TEST_OF(queue_look, those_in_back_off_are_counted),
	  TEST_OF(queue_look, one_that_lingers_is_nothing_to_tell),
	  TEST_OF(queue_look, ends_when_told))
