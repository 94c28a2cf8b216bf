/* Reading activators: what their pages become, and how often they are asked for. */
#include "test/unit/activators_fixture.h"

/* ---- pages ---- */

TEST(activators, samples_become_readings)
{
	struct fake fake;
	struct bench bench;

	fake_init(&fake, "# TYPE x gauge\n" QUEUED("3") "kn_revision_request_active{" LABELS
							"} 4\nother 1\n" COMPLETED("7"));
	bench_init(&bench, 0);
	EXPECT(!unread(&bench));
	set(&bench, fake.address, NULL);
	wait_for(&bench, 2, 0);
	EXPECT(reading_of(&bench).known);
	EXPECT(reading_of(&bench).active);
	EXPECT(reading_of(&bench).in_flight == 7);
	fake_say(&fake, COMPLETED("27"), NULL);
	wait_for(&bench, stats_of(&bench).pages + 2, 0);
	EXPECT(reading_of(&bench).in_flight == 0);
	wait_for_rps(&bench);
	EXPECT_INT(stats_of(&bench).malformed, 0);
	EXPECT(server_connections(fake.server) <= 1 + (int)stats_of(&bench).failures); /* kept */
	EXPECT(!fake.has_authorization);
	bench_release(&bench);
	fake_release(&fake);
}

TEST(activators, requests_of_nobody_in_particular_are_told)
{
	struct fake fake;
	struct bench bench;

	fake_init(&fake, "kn_revision_request_queued{otel_metric_overflow=\"true\"} 2\n");
	bench_init(&bench, 0);
	set(&bench, fake.address, NULL);
	wait_for(&bench, 2, 0);
	EXPECT(stats_of(&bench).overflows >= 2);
	EXPECT(reading_of(&bench).active);
	EXPECT(reading_of(&bench).in_flight == 0);
	fake_say(&fake, "kn_revision_request_queued{otel_metric_overflow=\"true\"} 0\nx{\n", NULL);
	wait_for(&bench, stats_of(&bench).pages + 1, 0);
	EXPECT_INT(stats_of(&bench).overflows, stats_of(&bench).pages - 1);
	bench_release(&bench);
	fake_release(&fake);
}

TEST(activators, malformed_lines_are_passed_over)
{
	struct fake fake;
	struct bench bench;

	fake_init(&fake, "kn_revision_request_queued{ 3\n" QUEUED("2"));
	bench_init(&bench, 0);
	set(&bench, fake.address, NULL);
	wait_for(&bench, 1, 0);
	EXPECT(reading_of(&bench).in_flight == 2);
	EXPECT_INT(stats_of(&bench).malformed, 1);
	bench_release(&bench);
	fake_release(&fake);
}

/* ---- pace ---- */

TEST(activators, as_often_as_somebody_needs_it)
{
	/* In an emulator a page takes over 20 ms, and the rest is longer for that. */
	const int64_t most_ms = EMULATED ? ACTIVATORS_LOOK_MS / 2 : ACTIVATORS_READ_MS;
	struct fake fake;
	struct bench bench;
	int64_t begin;

	fake_init(&fake, QUEUED("1"));
	bench_init(&bench, 0);
	set(&bench, fake.address, NULL);
	begin = now(&bench);
	wait_for(&bench, 6, 0);
	EXPECT(now(&bench) - begin >= 5 * (ACTIVATORS_READ_MS - 1));
	EXPECT(rests(&bench, 0, most_ms));
	bench.needed = false;
	EXPECT(rests(&bench, most_ms + 1, ACTIVATORS_LOOK_MS));
	/* Needed again, it is read at once, whenever the next page was due. */
	bench.needed = true;
	activators_wake(bench.activators);
	EXPECT_INT(timers_next_ms(loop_timers(bench.loop)), 0);
	wait_for(&bench, stats_of(&bench).pages + 1, 0);
	bench_release(&bench);
	fake_release(&fake);
}

TEST(activators, a_page_that_costs_much_is_asked_for_less)
{
	struct fake fake;
	struct bench bench;

	fake_init(&fake, QUEUED("1"));
	fake.answer.delay_ms = 120;
	bench_init(&bench, 0);
	set(&bench, fake.address, NULL);
	EXPECT(rests(&bench, 3 * 120, ACTIVATORS_LOOK_MS - 120));
	bench_release(&bench);
	fake_release(&fake);
}

/* What has been asked for since it answers so. */
static void large_counters(struct fake *fake)
{
	pthread_mutex_lock(&fake->lock);
	fake->answer.filler = (size_t)20 * 1024 * 1024; /* 2 s of the rate */
	fake->with_counters = fake->requests = 0;
	pthread_mutex_unlock(&fake->lock);
}

/* Until the counters were asked for so often, and the gauges alone. */
static void wait_for_requests(struct bench *bench, struct fake *fake, int counters, int gauges)
{
	int64_t end = now(bench) + 60000 * TEST_PATIENCE;
	bool there = false;

	while (!there && now(bench) < end) {
		loop_step(bench->loop, 50);
		pthread_mutex_lock(&fake->lock);
		there = fake->with_counters >= counters &&
			fake->requests - fake->with_counters >= gauges;
		pthread_mutex_unlock(&fake->lock);
	}
	EXPECT(there);
}

TEST(activators, large_counters_are_asked_for_less)
{
	struct fake fake;
	struct bench bench;
	int64_t begin;

	fake_init(&fake, QUEUED("1"));
	fake.answer.counters = COMPLETED("100");
	bench_init(&bench, 0);
	set(&bench, fake.address, NULL);
	begin = now(&bench);
	while (reading_of(&bench).rps_ms <= 1000 && now(&bench) < begin + 20000 * TEST_PATIENCE)
		loop_step(bench.loop, 50);
	begin = now(&bench);
	large_counters(&fake);
	wait_for_requests(&bench, &fake, 2, 3); /* the gauges come as before */
	EXPECT(now(&bench) - begin >= 2000);
	/* The counter stays as it was in pages that do not tell it. */
	EXPECT(reading_of(&bench).rps_ms > 1000);
	EXPECT(reading_of(&bench).rps == 0);
	bench_release(&bench);
	fake_release(&fake);
}

TEST_MAIN(TEST_OF(activators, samples_become_readings),
	  TEST_OF(activators, requests_of_nobody_in_particular_are_told),
	  TEST_OF(activators, malformed_lines_are_passed_over),
	  TEST_OF(activators, as_often_as_somebody_needs_it),
	  TEST_OF(activators, a_page_that_costs_much_is_asked_for_less),
	  TEST_OF(activators, large_counters_are_asked_for_less))
