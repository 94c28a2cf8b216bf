/* pkg/base/timer.h: order, re-arming from callbacks, a long random run against a plain list. */
#include "pkg/base/strbuf.h"
#include "pkg/base/timer.h"
#include "test/lib/test.h"

static int64_t now_ms;

static int64_t fake_now(const struct clock *clock UNUSED)
{
	return now_ms;
}

static const struct clock fake = {fake_now, fake_now};

struct named {
	struct timer timer;
	char name;
	struct strbuf *log;
};

static void note(void *ctx)
{
	struct named *named = ctx;
	strbuf_addch(named->log, named->name);
}

static void init(struct named *named, char name, struct strbuf *log)
{
	*named = (struct named){.name = name, .log = log};
	timer_init(&named->timer, note, named);
}

TEST(timer, fires_earliest_first_and_equals_in_order)
{
	CLEANUP(strbuf_release) struct strbuf log = STRBUF_INIT;
	struct timers *timers = timers_new(&fake);
	static const int delays[] = {30, 10, 20, 10, -5, 30, 40};
	struct named named[ARRAY_SIZE(delays)];
	now_ms = 1000;
	EXPECT_INT(timers_next_ms(timers), -1);
	for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
		init(&named[i], (char)('a' + i), &log);
		EXPECT_FALSE(timer_armed(&named[i].timer));
		timer_arm(timers, &named[i].timer, delays[i]);
		EXPECT(timer_armed(&named[i].timer));
	}
	EXPECT_INT(timers_next_ms(timers), 0);
	timers_run(timers);
	EXPECT_TEXT(log.buf, "e");
	EXPECT_INT(timers_next_ms(timers), 10);
	now_ms = 1009;
	timers_run(timers);
	EXPECT_TEXT(log.buf, "e");
	now_ms = 1035;
	EXPECT_INT(timers_next_ms(timers), 0);
	timers_run(timers);
	EXPECT_TEXT(log.buf, "ebdcaf");
	EXPECT_FALSE(timer_armed(&named[0].timer));
	EXPECT_INT(timers_next_ms(timers), 5);
	EXPECT(timers_clock(timers) == &fake);
	EXPECT_INT(timers_now(timers), 1035);
	timers_free(timers);
	EXPECT_FALSE(timer_armed(&named[6].timer));
}

TEST(timer, rearming_moves_and_disarming_removes)
{
	CLEANUP(strbuf_release) struct strbuf log = STRBUF_INIT;
	struct timers *timers = timers_new(&fake);
	struct named a, b;
	now_ms = 0;
	init(&a, 'a', &log);
	init(&b, 'b', &log);
	timer_arm(timers, &a.timer, 10);
	timer_arm(timers, &b.timer, 20);
	timer_arm(timers, &a.timer, 30);
	now_ms = 25;
	timers_run(timers);
	EXPECT_TEXT(log.buf, "b");
	timer_disarm(timers, &a.timer);
	timer_disarm(timers, &a.timer);
	now_ms = 100;
	timers_run(timers);
	EXPECT_TEXT(log.buf, "b");
	EXPECT_INT(timers_next_ms(timers), -1);
	timer_arm(timers, &a.timer, INT64_MAX);
	EXPECT_INT(a.timer.due_ms, INT64_MAX);
	timers_free(timers);
}

struct chain {
	struct timer timer;
	struct timers *timers;
	struct timer *victim;
	int fired;
};

static void again(void *ctx)
{
	struct chain *chain = ctx;
	chain->fired++;
	timer_arm(chain->timers, &chain->timer, 0);
	if (chain->victim)
		timer_disarm(chain->timers, chain->victim);
}

TEST(timer, callbacks_arm_for_the_next_run_and_may_disarm)
{
	CLEANUP(strbuf_release) struct strbuf log = STRBUF_INIT;
	struct timers *timers = timers_new(&fake);
	struct named later;
	struct chain chain = {.timers = timers, .victim = &later.timer};
	now_ms = 0;
	init(&later, 'l', &log);
	timer_init(&chain.timer, again, &chain);
	timer_arm(timers, &chain.timer, 0);
	timer_arm(timers, &later.timer, 0);
	timers_run(timers);
	EXPECT_INT(chain.fired, 1);
	EXPECT_TEXT(log.buf, "");
	timers_run(timers);
	EXPECT_INT(chain.fired, 2);
	timers_free(timers);
}

#define MANY 200

static void count_fire(void *ctx)
{
	++*(int *)ctx;
}

TEST(timer, agrees_with_a_plain_list)
{
	struct timers *timers = timers_new(&fake);
	struct timer many[MANY];
	int fired[MANY] = {0}, want[MANY] = {0};
	int64_t due[MANY];
	uint64_t seed = 42;
	now_ms = 0;
	for (int i = 0; i < MANY; i++) {
		timer_init(&many[i], count_fire, &fired[i]);
		due[i] = -1;
	}
	for (int round = 0; round < 20000; round++) {
		size_t i = test_random(&seed) % MANY;
		uint64_t what = test_random(&seed) % 10;
		if (what < 6) {
			due[i] = now_ms + (int64_t)(test_random(&seed) % 100);
			timer_arm(timers, &many[i], due[i] - now_ms);
		} else if (what < 8) {
			due[i] = -1;
			timer_disarm(timers, &many[i]);
		} else {
			now_ms += (int64_t)(test_random(&seed) % 20);
			timers_run(timers);
			for (int k = 0; k < MANY; k++)
				if (due[k] >= 0 && due[k] <= now_ms) {
					due[k] = -1;
					want[k]++;
				}
		}
		int64_t next = -1;
		for (int k = 0; k < MANY; k++)
			if (due[k] >= 0 && (next < 0 || due[k] - now_ms < next))
				next = due[k] > now_ms ? due[k] - now_ms : 0;
		if (timers_next_ms(timers) != next)
			EXPECT_INT(timers_next_ms(timers), next);
	}
	for (int i = 0; i < MANY; i++)
		EXPECT_INT(fired[i], want[i]);
	timers_free(timers);
	timers_free(NULL);
}

TEST_MAIN(TEST_OF(timer, fires_earliest_first_and_equals_in_order),
	  TEST_OF(timer, rearming_moves_and_disarming_removes),
	  TEST_OF(timer, callbacks_arm_for_the_next_run_and_may_disarm),
	  TEST_OF(timer, agrees_with_a_plain_list))
