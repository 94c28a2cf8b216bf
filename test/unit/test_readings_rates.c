/* Readings: the mean of requests in flight, the rate of completed ones. */
#include "test/unit/readings_fixture.h"

TEST(readings, concurrency_is_a_mean_over_time)
{
	struct readings *r = watching();
	PAGE(r, "a", 10000, 4, 0, -1);
	EXPECT_NEAR(ask(r, 10000).concurrency, 4); /* one page: what it told */
	EXPECT_NEAR(ask(r, 10100).concurrency, 4);
	PAGE(r, "a", 11000, 0, 0, -1);
	EXPECT_NEAR(ask(r, 11000).concurrency, 2); /* from 4 to 0 in a straight line */
	EXPECT_NEAR(ask(r, 12000).concurrency, 1);
	PAGE(r, "a", 12000, 0, 10, -1);
	EXPECT_NEAR(ask(r, 12000).concurrency, (2.0 + 5) / 2);
	PAGE(r, "a", 16000, 0, 10, -1);
	EXPECT_NEAR(ask(r, 16000).concurrency, (2.0 + 5 + 40) / 6);
	EXPECT_NEAR(ask(r, 17000).concurrency, (5.0 + 50) / 6); /* the first second is out of it */
	PAGE(r, "a", 17000, 0, 10, -1);
	EXPECT_NEAR(ask(r, 17000).concurrency, (5.0 + 50) / 6);
	EXPECT_NEAR(ask(r, 18000).concurrency, 10);
	readings_free(r);
}

TEST(readings, concurrency_adds_activators)
{
	struct readings *r = watching();
	PAGE(r, "a", 10000, 4, 0, -1);
	PAGE(r, "b", 10000, 0, 6, -1);
	PAGE(r, "a", 13000, 4, 0, -1);
	PAGE(r, "b", 14000, 0, 6, -1);
	EXPECT_NEAR(ask(r, 16000).concurrency, 10);
	/* One that goes leaves its past. */
	readings_drop(r, "b", 16000);
	PAGE(r, "a", 19000, 4, 0, -1);
	EXPECT_NEAR(ask(r, 19000).concurrency, 4 + 6 * 3.0 / 6);
	EXPECT(ask(r, 19000).in_flight == 4);
	/* One that comes has none. */
	PAGE(r, "c", 19000, 0, 3, -1);
	PAGE(r, "a", 22000, 4, 0, -1);
	PAGE(r, "c", 22000, 0, 3, -1);
	EXPECT_NEAR(ask(r, 22000).concurrency, 4 + 3 * 3.0 / 6);
	readings_free(r);
}

TEST(readings, a_stale_word_ends_in_the_mean_too)
{
	struct readings *r = watching();
	PAGE(r, "a", 10000, 6, 0, -1);
	PAGE(r, "b", 10000, 0, 0, -1);
	PAGE(r, "b", 18000, 0, 0, -1);
	EXPECT_NEAR(ask(r, 18000).concurrency, 6 * 3.0 / 6);
	readings_drop(r, "a", 18000);
	EXPECT_NEAR(ask(r, 18000).concurrency, 6 * 3.0 / 6);
	readings_free(r);
}

TEST(readings, rps_is_growth_over_what_is_covered)
{
	struct readings *r = watching();
	PAGE(r, "a", 10000, 0, 0, 500);
	EXPECT_INT(ask(r, 10000).rps_ms, 0);
	EXPECT(ask(r, 10000).rps == 0);
	PAGE(r, "a", 10100, 0, 0, 501);
	EXPECT_NEAR(ask(r, 10100).rps, 1); /* not 10: at 1 s at least */
	PAGE(r, "a", 12000, 0, 0, 520);
	EXPECT_INT(ask(r, 12000).rps_ms, 2000);
	EXPECT_NEAR(ask(r, 12000).rps, 10);
	EXPECT_NEAR(ask(r, 12900).rps, 10); /* as it went on since the page before */
	PAGE(r, "a", 20000, 0, 0, 600);
	EXPECT_NEAR(ask(r, 20000).rps, 10);
	PAGE(r, "a", 25000, 0, 0, 600);
	EXPECT_NEAR(ask(r, 25000).rps, 5);
	EXPECT_INT(ask(r, 25000).rps_ms, READINGS_RPS_MS);
	PAGE(r, "a", 30000, 0, 0, 20); /* began anew */
	EXPECT_NEAR(ask(r, 30000).rps, 2);
	readings_free(r);
}

TEST(readings, rps_adds_activators)
{
	struct readings *r = watching();
	for (int64_t at = 10000; at <= 30000; at += 1000) {
		PAGE(r, "a", at, 0, 0, (double)(at / 100));
		PAGE(r, "b", at + 500, 0, 0, (double)(at / 50));
	}
	EXPECT_NEAR(ask(r, 30500).rps, 30);
	/* One that goes leaves its past, one that comes brings no past. */
	readings_drop(r, "b", 30500);
	PAGE(r, "c", 31000, 0, 0, 1000000);
	PAGE(r, "a", 31000, 0, 0, 310);
	EXPECT(ask(r, 31000).rps > 27 && ask(r, 31000).rps < 31);
	for (int64_t at = 32000; at <= 42000; at += 1000) {
		PAGE(r, "a", at, 0, 0, (double)(at / 100));
		PAGE(r, "c", at, 0, 0, 1000000);
	}
	EXPECT_NEAR(ask(r, 42000).rps, 10);
	readings_free(r);
}

/* Counted every 6 s, each at its own time: the rate stays what it is, until one goes silent. */
TEST(readings, rps_of_rare_counters)
{
	struct readings *r = watching();
	for (int64_t at = 1000; at <= 61000; at += 1000) {
		bool a_counts = at % 6000 == 1000, b_counts = at % 6000 == 4000;
		give(r, a_counts ? READINGS_ALL : READINGS_GAUGES,
		     (struct page){"a", at, 0, 0, a_counts ? (double)(at / 100) : -1});
		give(r, b_counts ? READINGS_ALL : READINGS_GAUGES,
		     (struct page){"b", at, 0, 0, b_counts ? (double)(at / 50) : -1});
		if (at > 22000)
			EXPECT_NEAR(ask(r, at + 500).rps, 30);
	}
	/* The word of a holds until 66000, 5 s after it was read; that of b until 64000, as long as
	 * it had been: of each so many seconds of the last ten. */
	EXPECT_NEAR(ask(r, 68000).rps, (10 * 8 + 20 * 6) / 10.0);
	readings_drop(r, "a", 68000);
	readings_drop(r, "b", 68000);
	EXPECT_NEAR(ask(r, 68000).rps, (10 * 8 + 20 * 6) / 10.0);
	EXPECT_NEAR(ask(r, 80000).rps, 0);
	readings_free(r);
}

TEST(readings, rps_of_counters_rarer_than_its_window)
{
	struct readings *r = watching();
	for (int64_t at = 1000; at <= 91000; at += 1000) {
		bool counts = at % 15000 == 1000;
		give(r, counts ? READINGS_ALL : READINGS_GAUGES,
		     (struct page){"a", at, 0, 0, counts ? (double)(at / 100) : -1});
		if (at >= 16000)
			EXPECT_NEAR(ask(r, at + 500).rps, 10);
	}
	readings_free(r);
}

/* Pages with the counter break off while those without it come: no reason to think of none. */
TEST(readings, rps_while_counters_fail)
{
	struct readings *r = watching();
	int64_t last = 20000;
	for (int64_t at = 1000; at <= last; at += 1000)
		PAGE(r, "a", at, 0, 5, (double)(at / 100));
	for (int64_t at = last + 1000; at <= 60000; at += 1000) {
		readings_begin(r, "a", READINGS_ALL, at - 500);
		readings_abort(r, "a");
		GAUGES(r, "a", at, 0, 5);
		EXPECT(ask(r, at).known);
		if (at - last <= 1000 + READINGS_UNCOUNTED_MS) {
			EXPECT_NEAR(ask(r, at).rps, 10);
			EXPECT_INT(ask(r, at).rps_ms, READINGS_RPS_MS);
		} else {
			EXPECT_INT(ask(r, at).rps_ms, 0);
		}
	}
	/* What came meanwhile is counted when one is whole again, as coming evenly. */
	PAGE(r, "a", 60000, 0, 5, 200 + 40 * 30);
	EXPECT_NEAR(ask(r, 60000).rps, 30);
	/* Of two that answer one is enough. */
	PAGE(r, "b", 60000, 0, 0, 0);
	for (int64_t at = 61000; at <= 90000; at += 1000) {
		GAUGES(r, "a", at, 0, 5);
		PAGE(r, "b", at, 0, 0, (double)(at / 200));
		EXPECT_INT(ask(r, at).rps_ms, READINGS_RPS_MS);
	}
	readings_free(r);
}

TEST_MAIN(TEST_OF(readings, concurrency_is_a_mean_over_time),
	  TEST_OF(readings, concurrency_adds_activators),
	  TEST_OF(readings, a_stale_word_ends_in_the_mean_too),
	  TEST_OF(readings, rps_is_growth_over_what_is_covered),
	  TEST_OF(readings, rps_adds_activators), TEST_OF(readings, rps_of_rare_counters),
	  TEST_OF(readings, rps_of_counters_rarer_than_its_window),
	  TEST_OF(readings, rps_while_counters_fail))
