/* The work queue on a fake clock: deduplication, lanes, appointments, back-off. */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "test/lib/test.h"
#include "test/unit/queue_fixture.h"

static void run(struct world *world, int64_t ms)
{
	fake_clock_run(&world->clock, world->timers, ms);
}

static struct queue_stats stats_of(const struct world *world)
{
	struct queue_stats stats;
	queue_stats(world->queue, &stats);
	return stats;
}

/* Takes and finishes one key. */
static void expect_next(struct world *world, const char *want)
{
	const char *key = queue_take(world->queue);
	EXPECT_TEXT(key, want);
	if (key)
		queue_done(world->queue, key);
}

/* Nothing is kept for longer than the pace of a key needs. */
static void expect_forgotten(struct world *world)
{
	run(world, 4200);
	EXPECT_INT(stats_of(world).held, 0);
}

TEST(queue, keys_wait_once_and_in_order)
{
	CLEANUP(world_release) struct world world;
	char key[8] = "b";
	world_init(&world);
	EXPECT(queue_take(world.queue) == NULL);
	queue_add(world.queue, "a", QUEUE_FAST);
	queue_add(world.queue, key, QUEUE_FAST);
	key[0] = 'x'; /* was copied */
	queue_add(world.queue, "a", QUEUE_FAST);
	queue_add(world.queue, "c", QUEUE_FAST);
	queue_add(world.queue, "a", QUEUE_SLOW);
	EXPECT_INT(stats_of(&world).depth, 3);
	EXPECT_INT(stats_of(&world).adds, 3);
	expect_next(&world, "a");
	expect_next(&world, "b");
	expect_next(&world, "c");
	expect_next(&world, NULL);
}

TEST(queue, ready_comes_from_a_timer_once)
{
	CLEANUP(world_release) struct world world;
	world_init(&world);
	run(&world, 0);
	EXPECT_INT(world.ready, 0);
	queue_add(world.queue, "a", QUEUE_FAST);
	queue_add(world.queue, "b", QUEUE_SLOW);
	EXPECT_INT(world.ready, 0);
	run(&world, 0);
	EXPECT_INT(world.ready, 1);
	run(&world, 1000);
	EXPECT_INT(world.ready, 1);
	queue_add(world.queue, "b", QUEUE_FAST); /* only moves lanes, but calls: harmless */
	queue_add(world.queue, "c", QUEUE_FAST);
	run(&world, 0);
	EXPECT_INT(world.ready, 2);
	while (queue_take(world.queue))
		;
	queue_done(world.queue, "a"); /* not added meanwhile */
	run(&world, 0);
	EXPECT_INT(world.ready, 2);
	queue_add(world.queue, "b", QUEUE_FAST); /* being worked on */
	run(&world, 0);
	EXPECT_INT(world.ready, 2);
	queue_done(world.queue, "b");
	run(&world, 0);
	EXPECT_INT(world.ready, 3);
	queue_add(world.queue, "d", QUEUE_FAST);
	expect_next(&world, "b");
	expect_next(&world, "d"); /* taken before the timer: nothing to tell */
	run(&world, 0);
	EXPECT_INT(world.ready, 3);
}

TEST(queue, added_while_worked_on_comes_back)
{
	CLEANUP(world_release) struct world world;
	world_init(&world);
	queue_add(world.queue, "a", QUEUE_FAST);
	queue_add(world.queue, "s", QUEUE_FAST);
	EXPECT_TEXT(queue_take(world.queue), "a");
	EXPECT_TEXT(queue_take(world.queue), "s");
	queue_add(world.queue, "a", QUEUE_SLOW);
	queue_add(world.queue, "a", QUEUE_FAST); /* the faster lane wins */
	queue_add(world.queue, "a", QUEUE_SLOW);
	queue_add(world.queue, "s", QUEUE_SLOW);
	EXPECT(queue_take(world.queue) == NULL);
	EXPECT_INT(stats_of(&world).depth, 0);
	EXPECT_INT(stats_of(&world).working, 2);
	queue_done(world.queue, "s");
	queue_done(world.queue, "a");
	EXPECT_INT(stats_of(&world).depth, 2);
	expect_next(&world, "a");
	expect_next(&world, "s");
	expect_next(&world, NULL);
	EXPECT_INT(stats_of(&world).working, 0);
}

TEST(queue, slow_lane_is_served_once_in_sixteen)
{
	CLEANUP(world_release) struct world world;
	char key[16];
	world_init(&world);
	queue_add(world.queue, "slow1", QUEUE_SLOW);
	queue_add(world.queue, "slow2", QUEUE_SLOW);
	for (int i = 0; i < 40; i++) {
		snprintf(key, sizeof(key), "f%d", i);
		queue_add(world.queue, key, QUEUE_FAST);
	}
	for (int i = 0, fast = 0; i < 42; i++) {
		snprintf(key, sizeof(key), "f%d", fast);
		const char *want = i == 15 ? "slow1" : i == 31 ? "slow2" : key;
		fast += want == key;
		test_row("take %d", i);
		expect_next(&world, want);
	}
	queue_add(world.queue, "slow", QUEUE_SLOW); /* the count began anew */
	queue_add(world.queue, "fast", QUEUE_FAST);
	expect_next(&world, "fast");
	expect_next(&world, "slow");
	test_row("%s", "");
}

TEST(queue, slow_key_moves_up)
{
	CLEANUP(world_release) struct world world;
	world_init(&world);
	queue_add(world.queue, "a", QUEUE_SLOW);
	queue_add(world.queue, "b", QUEUE_SLOW);
	run(&world, 70);
	queue_add(world.queue, "c", QUEUE_FAST);
	queue_add(world.queue, "b", QUEUE_FAST);
	EXPECT_INT(stats_of(&world).adds, 3);
	EXPECT_INT(stats_of(&world).depth, 3);
	expect_next(&world, "c");
	EXPECT_INT(stats_of(&world).longest_ms, 70);
	expect_next(&world, "b");
	expect_next(&world, "a");
}

TEST(queue, appointments)
{
	CLEANUP(world_release) struct world world;
	world_init(&world);
	queue_add_after(world.queue, "a", 100);
	queue_add_after(world.queue, "a", 200); /* later: ignored */
	queue_add_after(world.queue, "b", 100);
	queue_add_after(world.queue, "b", 50); /* earlier: replaces */
	queue_add_after(world.queue, "now", -5);
	EXPECT(queue_take(world.queue) == NULL); /* never at once */
	run(&world, 0);
	expect_next(&world, "now");
	run(&world, 49);
	expect_next(&world, NULL);
	run(&world, 1);
	expect_next(&world, "b");
	run(&world, 49);
	expect_next(&world, NULL);
	run(&world, 1);
	EXPECT_INT(world.ready, 3);
	expect_next(&world, "a");
	run(&world, 1000);
	expect_next(&world, NULL);
}

TEST(queue, appointment_of_a_waiting_or_worked_on_key)
{
	CLEANUP(world_release) struct world world;
	world_init(&world);
	queue_add_after(world.queue, "a", 10);
	queue_add(world.queue, "a", QUEUE_FAST); /* leaves the appointment alone */
	queue_add_after(world.queue, "w", 10);
	queue_add(world.queue, "w", QUEUE_FAST);
	expect_next(&world, "a");
	EXPECT_TEXT(queue_take(world.queue), "w");
	run(&world, 10);
	expect_next(&world, "a");
	expect_next(&world, NULL);
	queue_done(world.queue, "w");
	expect_next(&world, "w");
	queue_add_after(world.queue, "a", 10);
	queue_add(world.queue, "a", QUEUE_SLOW);
	run(&world, 10); /* waits already: once is enough, in the faster lane */
	EXPECT_INT(stats_of(&world).depth, 1);
	expect_next(&world, "a");
	expect_next(&world, NULL);
}

/* Time until the key comes out, in whole milliseconds. */
static int64_t fail_once(struct world *world, const char *key)
{
	int64_t start = world->clock.mono;
	queue_add_failed(world->queue, key);
	run(world, timers_next_ms(world->timers));
	expect_next(world, key);
	return world->clock.mono - start;
}

TEST(queue, backoff_doubles_up_to_five_minutes)
{
	CLEANUP(world_release) struct world world;
	world_init(&world);
	int64_t plain = 5;
	for (int i = 1; i <= 40; i++) {
		int64_t got = fail_once(&world, "a");
		test_row("failure %d: %lld ms", i, (long long)got);
		EXPECT(got >= plain);
		EXPECT(got <= plain + plain / 10);
		plain = plain * 2 > 300000 ? 300000 : plain * 2;
	}
	test_row("%s", "");
	EXPECT_INT(stats_of(&world).retries, 40);
	queue_forget(world.queue, "a");
	EXPECT_INT(fail_once(&world, "a"), 5);
	queue_forget(world.queue, "unknown");
}

TEST(queue, jitter_is_spread_and_repeatable)
{
	int64_t times[2][50], lowest = INT64_MAX, highest = 0;
	char key[16];
	for (int round = 0; round < 2; round++) {
		CLEANUP(world_release) struct world world;
		world_init(&world);
		for (int i = 0; i < 50; i++) {
			snprintf(key, sizeof(key), "ns/key-%d", i);
			for (int n = 0; n < 8; n++)
				times[round][i] = fail_once(&world, key);
		}
	}
	for (int i = 0; i < 50; i++) {
		EXPECT_INT(times[0][i], times[1][i]);
		lowest = times[0][i] < lowest ? times[0][i] : lowest;
		highest = times[0][i] > highest ? times[0][i] : highest;
	}
	EXPECT(lowest >= 640);
	EXPECT(highest <= 704);
	EXPECT(highest - lowest > 40);
}

TEST(queue, failure_while_worked_on)
{
	CLEANUP(world_release) struct world world;
	world_init(&world);
	queue_add(world.queue, "a", QUEUE_FAST);
	const char *key = queue_take(world.queue);
	queue_add_failed(world.queue, key);
	queue_done(world.queue, key);
	expect_next(&world, NULL);
	run(&world, 4);
	expect_next(&world, NULL);
	run(&world, 1);
	key = queue_take(world.queue);
	EXPECT_TEXT(key, "a");
	queue_forget(world.queue, key); /* success; still valid until done */
	EXPECT_TEXT(key, "a");
	queue_done(world.queue, key);
	expect_forgotten(&world);
}

TEST(queue, ages)
{
	CLEANUP(world_release) struct world world;
	world_init(&world);
	EXPECT_INT(stats_of(&world).longest_ms, 0);
	queue_add(world.queue, "s", QUEUE_SLOW);
	run(&world, 5);
	queue_add(world.queue, "a", QUEUE_FAST);
	run(&world, 7);
	EXPECT_INT(stats_of(&world).longest_ms, 12);
	const char *key = queue_take(world.queue);
	run(&world, 3);
	EXPECT_INT(stats_of(&world).working_longest_ms, 3);
	EXPECT_INT(queue_waited_ms(world.queue, key), 7);
	queue_done(world.queue, key);
	EXPECT_INT(stats_of(&world).working_longest_ms, 0);
	EXPECT_INT(stats_of(&world).longest_ms, 15);
}

/* How often the key is taken in ms, if it is always added again. */
static int spin(struct world *world, const char *key, int64_t ms)
{
	int taken = 0;
	for (int64_t end = world->clock.mono + ms; world->clock.mono < end; run(world, 1)) {
		queue_add(world->queue, key, QUEUE_FAST);
		const char *got = queue_take(world->queue);
		if (!got)
			continue;
		EXPECT_TEXT(got, key);
		taken++;
		if (taken % 2)
			queue_add(world->queue, key, QUEUE_FAST); /* while it is worked on, too */
		queue_done(world->queue, got);
	}
	return taken;
}

TEST(queue, a_key_has_its_pace)
{
	CLEANUP(world_release) struct world world;
	world_init(&world);
	EXPECT_INT(spin(&world, "busy", 1000), 24);
	EXPECT_INT(spin(&world, "busy", 10100), 51);
	queue_add(world.queue, "busy", QUEUE_FAST);
	queue_add(world.queue, "other", QUEUE_FAST);
	expect_next(&world, "other");
	run(&world, 200);
	expect_next(&world, "busy");
	expect_forgotten(&world);
	EXPECT_INT(spin(&world, "busy", 100), 20);
}

TEST(queue, a_storm_of_failures_comes_back_slowly)
{
	CLEANUP(world_release) struct world world;
	const char *taken;
	char key[16];
	int soon = 0, later = 0;
	world_init(&world);
	for (int i = 0; i < 10000; i++)
		queue_add_failed(world.queue, (snprintf(key, sizeof(key), "k/%d", i), key));
	for (int ms = 0; ms < 50000; ms += 10) {
		run(&world, 10);
		for (; (taken = queue_take(world.queue)); queue_done(world.queue, taken))
			*(ms < 20 ? &soon : &later) += 1;
	}
	EXPECT(soon >= 200 && soon <= 205 && later >= 4990 && later <= 5010);
	queue_add(world.queue, "k/9999", QUEUE_FAST); /* an event: at once, storm or not */
	expect_next(&world, "k/9999");
}

static size_t take_all(struct world *world, const char **keys)
{
	size_t count = 0;
	while (count < 100 && (keys[count] = queue_take(world->queue)))
		count++;
	return count;
}

TEST(queue, keys_that_hung_come_back_few_at_a_time)
{
	CLEANUP(world_release) struct world world;
	const char *keys[100];
	char key[16];
	world_init(&world);
	for (int i = 0; i < 64; i++) {
		snprintf(key, sizeof(key), "bad/%d", i);
		queue_add(world.queue, key, QUEUE_FAST);
	}
	EXPECT_INT(take_all(&world, keys), 64);
	for (int i = 0; i < 64; i++) {
		queue_hung(world.queue, keys[i]);
		queue_add_failed(world.queue, keys[i]);
		queue_done(world.queue, keys[i]);
	}
	run(&world, 100);
	EXPECT_INT(stats_of(&world).depth, 64);
	queue_add(world.queue, "slow", QUEUE_SLOW);
	EXPECT_INT(take_all(&world, keys), 1 + 8);
	EXPECT_TEXT(keys[0], "slow");
	queue_add(world.queue, "good", QUEUE_FAST);
	expect_next(&world, "good");
	/* One that is done makes room for one; an event is not held back. */
	queue_done(world.queue, keys[1]);
	queue_add(world.queue, "bad/60", QUEUE_FAST);
	queue_add(world.queue, "bad/61", QUEUE_SLOW); /* a resync is */
	expect_next(&world, "bad/60");
	EXPECT_INT(take_all(&world, keys + 10), 1);
	/* One that goes well is as any. */
	queue_forget(world.queue, keys[2]);
	queue_add_after(world.queue, keys[2], 10);
	queue_done(world.queue, keys[2]);
	EXPECT_INT(take_all(&world, keys + 20), 1);
	run(&world, 10);
	EXPECT_INT(take_all(&world, keys + 30), 1);
	EXPECT_TEXT(keys[30], keys[2]);
}

TEST(queue, lanes_take_turns)
{
	CLEANUP(world_release) struct world world;
	int fast = 0, slow = 0, hung = 0;
	char name[16];
	world_init(&world);
	queue_add(world.queue, "h", QUEUE_FAST);
	const char *key = queue_take(world.queue);
	queue_hung(world.queue, key);
	queue_add_after(world.queue, key, 1);
	queue_done(world.queue, key);
	run(&world, 1);
	for (int i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		queue_add(world.queue, name, QUEUE_FAST);
		snprintf(name, sizeof(name), "s%d", i);
		queue_add(world.queue, name, QUEUE_SLOW);
	}
	for (int i = 0; i < 48 && (key = queue_take(world.queue)); i++) {
		fast += key[0] == 'f';
		slow += key[0] == 's';
		hung += key[0] == 'h';
	}
	EXPECT(fast == 45 && slow == 2 && hung == 1);
}

TEST(queue, free_with_everything_pending)
{
	CLEANUP(world_release) struct world world;
	world_init(&world);
	queue_add(world.queue, "worked on", QUEUE_FAST);
	EXPECT(queue_take(world.queue) != NULL);
	queue_add(world.queue, "fast", QUEUE_FAST);
	queue_add(world.queue, "slow", QUEUE_SLOW);
	queue_add_after(world.queue, "later", 1000);
	queue_add_failed(world.queue, "failed");
	queue_free(world.queue);
	world.queue = NULL;
	EXPECT_INT(timers_next_ms(world.timers), -1);
	queue_free(NULL);
}

TEST(queue, ten_thousand_keys)
{
	CLEANUP(world_release) struct world world;
	char key[32];
	world_init(&world);
	int64_t start = clock_mono(&system_clock);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 10000; i++) {
			snprintf(key, sizeof(key), "ns-%d/rev-%d", i % 100, i);
			queue_add_after(world.queue, key, i % 1000);
			queue_add_failed(world.queue, key);
			queue_add(world.queue, key, i % 2 ? QUEUE_FAST : QUEUE_SLOW);
		}
		EXPECT_INT(stats_of(&world).depth, 10000);
		run(&world, 1000);
		const char *taken;
		while ((taken = queue_take(world.queue))) {
			queue_forget(world.queue, taken);
			queue_done(world.queue, taken);
		}
		expect_forgotten(&world);
	}
	EXPECT(clock_mono(&system_clock) - start < 60000); /* quadratic takes minutes */
}

TEST_MAIN(TEST_OF(queue, keys_wait_once_and_in_order),
	  TEST_OF(queue, ready_comes_from_a_timer_once),
	  TEST_OF(queue, added_while_worked_on_comes_back),
	  TEST_OF(queue, slow_lane_is_served_once_in_sixteen), TEST_OF(queue, slow_key_moves_up),
	  TEST_OF(queue, appointments), TEST_OF(queue, appointment_of_a_waiting_or_worked_on_key),
	  TEST_OF(queue, backoff_doubles_up_to_five_minutes),
	  TEST_OF(queue, jitter_is_spread_and_repeatable), TEST_OF(queue, failure_while_worked_on),
	  TEST_OF(queue, a_key_has_its_pace), TEST_OF(queue, a_storm_of_failures_comes_back_slowly),
	  TEST_OF(queue, keys_that_hung_come_back_few_at_a_time), TEST_OF(queue, lanes_take_turns),
	  TEST_OF(queue, ages), TEST_OF(queue, free_with_everything_pending),
	  TEST_OF(queue, ten_thousand_keys))
