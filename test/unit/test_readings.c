/* Readings: what pages of activators tell, moment by moment. Means and rates:
 * test_readings_rates.c; against simulated requests: test_readings_truth.c. */
#include <math.h>
#include <string.h>

#include "pkg/base/strbuf.h"
#include "test/unit/readings_fixture.h"

/* ---- known ---- */

TEST(readings, nothing_is_known_at_first)
{
	struct readings *r = readings_new();
	struct reading got = ask(r, 5000);
	EXPECT(!got.known && !got.active);
	EXPECT_INT(got.active_at_ms, -1);
	EXPECT_INT(got.since_ms, -1);
	EXPECT_INT(got.read_at_ms, -1);
	readings_watch(r, "ns", "rev");
	readings_watch(r, "ns", "rev");
	EXPECT_INT(readings_watched(r), 1);
	EXPECT_FALSE(ask(r, 5000).known);
	PAGE(r, "a", 5100, -1, -1, -1);
	got = ask(r, 5200);
	EXPECT(got.known && !got.active);
	EXPECT_INT(got.since_ms, 5100);
	EXPECT_INT(got.read_at_ms, 5100);
	readings_free(r);
	readings_free(NULL);
}

TEST(readings, known_until_nobody_answers)
{
	struct readings *r = watching();
	PAGE(r, "a", 1000, 1, -1, -1);
	EXPECT(ask(r, 1000 + READINGS_UNREAD_MS).known);
	EXPECT_FALSE(ask(r, 1001 + READINGS_UNREAD_MS).known);
	/* Pages that break off are no answers. */
	readings_begin(r, "a", READINGS_ALL, 3001);
	readings_abort(r, "a");
	EXPECT_FALSE(ask(r, 3002).known);
	PAGE(r, "a", 4000, 1, -1, -1);
	EXPECT(ask(r, 4000).known);
	readings_drop(r, "a", 4000);
	EXPECT_FALSE(ask(r, 4000).known);
	readings_drop(r, "a", 4000);
	readings_free(r);
}

/* The page was under way when somebody began to watch: what it told before went by. */
TEST(readings, a_page_begun_before_says_nothing)
{
	struct readings *r = readings_new();
	readings_begin(r, "a", READINGS_ALL, 1000);
	readings_watch(r, "ns", "rev");
	readings_sample(r, "a", "ns", "rev", READING_ACTIVE, 5);
	readings_end(r, "a", 1010);
	EXPECT(!ask(r, 1010).known && !ask(r, 1010).active);
	EXPECT_INT(ask(r, 1010).since_ms, -1);
	PAGE(r, "a", 1150, 0, 0, 7);
	EXPECT(ask(r, 1150).known && !ask(r, 1150).active);
	readings_free(r);
}

/* A request may be held by the one that has not answered yet. */
TEST(readings, known_waits_for_each_that_may_answer)
{
	struct readings *r = watching();
	readings_begin(r, "b", READINGS_ALL, 1000);
	readings_begin(r, "c", READINGS_ALL, 1000);
	PAGE(r, "a", 1000, -1, -1, -1);
	EXPECT_FALSE(ask(r, 1050).known);
	readings_end(r, "b", 1060);
	EXPECT_FALSE(ask(r, 1060).known);
	readings_abort(r, "c");
	EXPECT(ask(r, 1070).known);
	/* One that broke off is not waited for the next time, either; one that hangs is for a
	 * while. */
	readings_begin(r, "c", READINGS_ALL, 1200);
	EXPECT(ask(r, 1200).known);
	readings_begin(r, "d", READINGS_ALL, 1200);
	PAGE(r, "a", 3200, -1, -1, -1);
	EXPECT_FALSE(ask(r, 1200 + READINGS_UNREAD_MS).known);
	EXPECT(ask(r, 1201 + READINGS_UNREAD_MS).known);
	readings_free(r);
}

TEST(readings, what_is_active_is_so_before_all_is_known)
{
	struct readings *r = watching();
	readings_begin(r, "b", READINGS_ALL, 1000);
	PAGE(r, "a", 1000, 1, -1, -1);
	EXPECT(ask(r, 1000).active && !ask(r, 1000).known);
	readings_free(r);
}

/* ---- active ---- */

static const struct {
	const char *what;
	double before, after; /* completed */
	bool active;
} growths[] = {
    {"nothing", -1, -1, false},
    {"the first level is the base", 7, 7, false},
    {"grown", 7, 8, true},
    {"first seen in the second page", -1, 1, true},
    {"began anew at 0", 7, 0, false},
    {"began anew, one since", 7, 1, true},
    {"gone from the page", 7, -1, false},
};

TEST(readings, a_request_between_two_readings)
{
	for (size_t i = 0; i < ARRAY_SIZE(growths); i++) {
		struct readings *r = watching();
		test_row("%s", growths[i].what);
		PAGE(r, "a", 1000, 0, 0, growths[i].before);
		EXPECT_FALSE(ask(r, 1000).active);
		PAGE(r, "a", 1150, 0, 0, growths[i].after);
		EXPECT_INT(ask(r, 1150).active, growths[i].active);
		EXPECT_INT(ask(r, 1150).active_at_ms, growths[i].active ? 1150 : -1);
		readings_free(r);
	}
}

TEST(readings, active_for_a_second_at_least)
{
	struct readings *r = watching();
	PAGE(r, "a", 1000, 0, 0, 0);
	PAGE(r, "a", 1150, 1, 0, 0);
	for (int64_t at = 1300; at <= 3000; at += 150) {
		PAGE(r, "a", at, 0, 0, 0);
		EXPECT_INT(ask(r, at).active, at - 1150 < READINGS_ACTIVE_MS);
	}
	EXPECT_INT(ask(r, 3000).active_at_ms, 1150);
	readings_free(r);
}

/* However rare the readings are. */
TEST(readings, active_in_the_reading_after_it)
{
	struct readings *r = watching();
	PAGE(r, "a", 1000, 0, 1, -1);
	EXPECT(ask(r, 2900).active);
	PAGE(r, "a", 2950, 0, 0, -1);
	EXPECT(ask(r, 2950).active && ask(r, 4900).active);
	PAGE(r, "a", 4950, 0, 0, -1);
	EXPECT_FALSE(ask(r, 4950).active);
	readings_free(r);
}

TEST(readings, the_last_word_counts_until_it_is_stale)
{
	struct readings *r = watching();
	PAGE(r, "a", 1000, 2, 1, -1);
	PAGE(r, "b", 1000, 0, 4, -1);
	PAGE(r, "b", 6000, 0, 4, -1);
	EXPECT(ask(r, 6000).in_flight == 7);
	EXPECT(ask(r, 6001).in_flight == 4);
	EXPECT(ask(r, 11000).active);
	EXPECT_FALSE(ask(r, 11001).active);
	EXPECT(ask(r, 11001).in_flight == 0);
	readings_free(r);
}

TEST(readings, a_page_that_breaks_off_counts_nothing)
{
	struct readings *r = watching();
	PAGE(r, "a", 1000, 0, 0, 3);
	readings_begin(r, "a", READINGS_ALL, 1150);
	readings_sample(r, "a", "ns", "rev", READING_ACTIVE, 5);
	readings_sample(r, "a", "ns", "rev", READING_COMPLETED, 9);
	readings_abort(r, "a");
	readings_sample(r, "a", "ns", "rev", READING_ACTIVE, 5);
	readings_end(r, "a", 1160);
	EXPECT_FALSE(ask(r, 1160).active);
	/* Nor does one that another begin gave up. */
	readings_begin(r, "a", READINGS_ALL, 1300);
	readings_sample(r, "a", "ns", "rev", READING_ACTIVE, 5);
	PAGE(r, "a", 1450, -1, -1, 3);
	EXPECT_FALSE(ask(r, 1450).active);
	EXPECT(ask(r, 1450).in_flight == 0);
	readings_free(r);
}

TEST(readings, gauges_alone_leave_what_was_completed)
{
	struct readings *r = watching();
	GAUGES(r, "a", 1000, 0, 0);
	EXPECT(ask(r, 1000).known);
	PAGE(r, "a", 1150, 0, 0, 7);
	EXPECT_INT(ask(r, 1150).rps_ms, 0);
	GAUGES(r, "a", 1300, 0, 0);
	GAUGES(r, "a", 1450, 0, 0);
	EXPECT_FALSE(ask(r, 1450).active);
	PAGE(r, "a", 3150, 0, 0, 7);
	EXPECT_FALSE(ask(r, 3150).active);
	PAGE(r, "a", 5150, 0, 0, 15);
	EXPECT(ask(r, 5150).active);
	EXPECT_INT(ask(r, 5150).rps_ms, 4000);
	EXPECT_NEAR(ask(r, 5150).rps, 2);
	/* As it went on for the last 2 s, 4 a second. */
	GAUGES(r, "a", 6150, 0, 0);
	EXPECT_INT(ask(r, 6150).rps_ms, 4000);
	EXPECT_NEAR(ask(r, 6150).rps, (8 + 4) / 5.0);
	readings_free(r);
}

TEST(readings, samples_of_a_kind_add_up)
{
	struct readings *r = watching();
	PAGE(r, "a", 1000, 0, 0, 0);
	readings_begin(r, "a", READINGS_ALL, 2000);
	readings_sample(r, "a", "ns", "rev", READING_QUEUED, 1);
	readings_sample(r, "a", "ns", "rev", READING_ACTIVE, 2);
	readings_sample(r, "a", "ns", "rev", READING_ACTIVE, 4);
	readings_sample(r, "a", "ns", "rev", READING_COMPLETED, 8);
	readings_sample(r, "a", "ns", "rev", READING_COMPLETED, 16);
	readings_sample(r, "a", "ns", "other", READING_ACTIVE, 100);
	readings_sample(r, "a", "other", "rev", READING_ACTIVE, 100);
	readings_sample(r, "b", "ns", "rev", READING_ACTIVE, 100);
	readings_end(r, "a", 2000);
	EXPECT(ask(r, 2000).in_flight == 7);
	EXPECT_NEAR(ask(r, 2000).rps, 24);
	readings_free(r);
}

TEST(readings, what_is_no_number_of_requests_is_none)
{
	static const double bad[] = {NAN, INFINITY, -INFINITY, -1, 1e300, 2e15};
	struct readings *r = watching();
	PAGE(r, "a", 1000, 0, 0, 0);
	readings_begin(r, "a", READINGS_ALL, 1150);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		readings_unnamed(r, "a", bad[i]);
		for (int kind = 0; kind < READING_KINDS; kind++)
			readings_sample(r, "a", "ns", "rev", (enum reading_kind)kind, bad[i]);
	}
	readings_end(r, "a", 1150);
	EXPECT_FALSE(ask(r, 1150).active);
	EXPECT(ask(r, 1150).concurrency == 0);
	/* The largest that counts does no harm for longer than a window. */
	PAGE(r, "a", 1300, 1e15, 1e15, 1e15);
	EXPECT(isfinite(ask(r, 1300).concurrency) && isfinite(ask(r, 1300).rps));
	PAGE(r, "a", 1450, 0, 0, 1e15);
	PAGE(r, "a", 20000, 1, 0, 1e15);
	PAGE(r, "a", 40000, 1, 0, 1e15);
	EXPECT_NEAR(ask(r, 40000).concurrency, 1);
	EXPECT(ask(r, 40000).rps == 0);
	readings_free(r);
}

TEST(readings, names_that_cannot_be_are_never_known)
{
	struct readings *r = readings_new();
	struct reading got;
	char name[400];
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	readings_watch(r, "ns", name);
	EXPECT_INT(readings_watched(r), 0);
	readings_begin(r, "a", READINGS_ALL, 1000);
	readings_sample(r, "a", "ns", name, READING_ACTIVE, 1);
	readings_end(r, "a", 1000);
	readings_of(r, "ns", name, 1000, &got);
	EXPECT(!got.known && !got.active);
	readings_unwatch(r, "ns", name);
	readings_unwatch(r, "ns", "rev");
	readings_free(r);
}

/* Somebody's requests wait, and the page does not tell whose: those it tells of are not meant. */
TEST(readings, the_unnamed_are_a_sign_of_all_without_a_name)
{
	struct readings *r = watching();
	struct reading other;
	readings_watch(r, "ns", "other");
	PAGE(r, "a", 1000, -1, -1, -1);
	readings_begin(r, "a", READINGS_ALL, 1150);
	readings_sample(r, "a", "ns", "other", READING_QUEUED, 0);
	readings_sample(r, "a", "ns", "rev", READING_COMPLETED, 0);
	readings_unnamed(r, "a", 3);
	readings_end(r, "a", 1150);
	readings_of(r, "ns", "other", 1150, &other);
	EXPECT(ask(r, 1150).active && !other.active);
	EXPECT(ask(r, 1150).in_flight == 0 && ask(r, 1150).concurrency == 0);
	PAGE(r, "a", 1300, -1, -1, -1);
	PAGE(r, "a", 2300, -1, -1, -1);
	EXPECT_FALSE(ask(r, 2300).active);
	readings_free(r);
}

/* ---- many revisions ---- */

#define MANY 40

static void name_of(size_t number, char name[8])
{
	snprintf(name, 8, "r%zu", number);
}

/* Of revision n: n from "a", 1000 * n from "b"; of all, watched or not. */
static void page_of_many(struct readings *r, const char *activator, int64_t at_ms, double factor)
{
	char name[8];
	readings_begin(r, activator, READINGS_ALL, at_ms);
	for (size_t i = 0; i < MANY; i++) {
		name_of(i, name);
		readings_sample(r, activator, "ns", name, READING_ACTIVE, (double)i * factor);
	}
	readings_end(r, activator, at_ms);
}

static void expect_many(const struct readings *r, const bool *watched, bool all_there,
			int64_t now_ms)
{
	char name[8];
	size_t count = 0;
	for (size_t i = 0; i < MANY; i++) {
		struct reading got;
		name_of(i, name);
		readings_of(r, "ns", name, now_ms, &got);
		test_row("%s", name);
		EXPECT_INT(got.known, watched[i]);
		EXPECT_INT(got.in_flight, watched[i] ? 1001 * i : 0);
		double want = watched[i] ? 1001 * (double)i : 0;
		EXPECT(!all_there || fabs(got.concurrency - want) <= 0.01 * want);
		count += watched[i];
	}
	EXPECT_INT(readings_watched(r), count);
}

TEST(readings, keep_revisions_apart)
{
	struct readings *r = readings_new();
	bool watched[MANY] = {false};
	uint64_t seed = 7;
	char name[8];
	for (int64_t at = 0; at < 20000; at += 100) {
		for (size_t changes = test_random(&seed) % 8; changes > 0; changes--) {
			size_t which = test_random(&seed) % MANY;
			name_of(which, name);
			watched[which] = !watched[which];
			(watched[which] ? readings_watch : readings_unwatch)(r, "ns", name);
		}
		page_of_many(r, "a", at, 1);
		page_of_many(r, "b", at, 1000);
		expect_many(r, watched, at <= 15000, at);
		/* One that comes back was away for 100 ms of the mean. */
		if (at >= 15000 && at % 1000 == 0)
			readings_drop(r, at % 2000 == 0 ? "a" : "b", at);
	}
	readings_free(r);
}

/* ---- rises ---- */

struct risen {
	struct readings *readings;
	struct strbuf names;
	bool unwatch, known;
};

static void rise(void *ctx, const char *ns, const char *revision)
{
	struct risen *risen = ctx;
	struct reading reading;
	readings_of(risen->readings, ns, revision, 1150, &reading);
	EXPECT(reading.active && reading.known);
	strbuf_addf(&risen->names, "%s/%s ", ns, revision);
	if (!risen->unwatch)
		return;
	readings_unwatch(risen->readings, "ns", "one");
	readings_unwatch(risen->readings, "ns", "three");
	readings_watch(risen->readings, "ns", "five");
}

static void page_of_four(struct readings *r, int64_t at_ms, double in_flight)
{
	readings_begin(r, "a", READINGS_ALL, at_ms);
	readings_sample(r, "a", "ns", "one", READING_QUEUED, in_flight);
	readings_sample(r, "a", "ns", "two", READING_QUEUED, in_flight);
	readings_sample(r, "a", "ns", "three", READING_QUEUED, in_flight);
	readings_sample(r, "a", "ns", "four", READING_QUEUED, 0);
	readings_end(r, "a", at_ms);
}

static struct readings *watching_four(struct risen *risen)
{
	static const char *const names[] = {"one", "two", "three", "four"};
	struct readings *r = readings_new();
	*risen = (struct risen){.readings = r, .names = STRBUF_INIT};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		readings_watch(r, "ns", names[i]);
	readings_on_rise(r, rise, risen);
	return r;
}

TEST(readings, a_rise_is_told_once)
{
	struct risen risen;
	struct readings *r = watching_four(&risen);
	page_of_four(r, 1000, 0);
	EXPECT_TEXT(risen.names.buf, "");
	page_of_four(r, 1150, 1);
	EXPECT_TEXT(risen.names.buf, "ns/three ns/two ns/one ");
	strbuf_reset(&risen.names);
	page_of_four(r, 1300, 2);
	page_of_four(r, 1450, 0);
	page_of_four(r, 1600, 1); /* it never was inactive */
	EXPECT_TEXT(risen.names.buf, "");
	readings_drop(r, "a", 1600);
	readings_free(r);
	strbuf_release(&risen.names);
}

TEST(readings, a_rise_may_unwatch_and_watch)
{
	struct risen risen;
	struct readings *r = watching_four(&risen);
	struct reading got;
	risen.unwatch = true;
	page_of_four(r, 1000, 0);
	page_of_four(r, 1150, 1);
	EXPECT_TEXT(risen.names.buf, "ns/three ns/two ");
	EXPECT_INT(readings_watched(r), 3);
	page_of_four(r, 1300, 1);
	readings_of(r, "ns", "two", 1300, &got);
	EXPECT(got.active && got.in_flight == 1);
	readings_of(r, "ns", "four", 1300, &got);
	EXPECT(!got.active && got.known);
	readings_of(r, "ns", "one", 1300, &got);
	EXPECT_FALSE(got.known);
	readings_free(r);
	strbuf_release(&risen.names);
}

TEST(readings, a_rise_after_rest_is_told_again)
{
	struct risen risen;
	struct readings *r = watching_four(&risen);
	page_of_four(r, 1000, 0);
	page_of_four(r, 1150, 1);
	strbuf_reset(&risen.names);
	for (int64_t at = 1300; at < 2300; at += 150)
		page_of_four(r, at, 0);
	page_of_four(r, 2300, 1);
	EXPECT_TEXT(risen.names.buf, "ns/three ns/two ns/one ");
	for (int64_t at = 2450; at < 3600; at += 150)
		page_of_four(r, at, 0);
	readings_on_rise(r, NULL, NULL);
	page_of_four(r, 3600, 1); /* nobody to tell */
	readings_free(r);
	strbuf_release(&risen.names);
}

TEST_MAIN(TEST_OF(readings, nothing_is_known_at_first),
	  TEST_OF(readings, known_until_nobody_answers),
	  TEST_OF(readings, a_page_begun_before_says_nothing),
	  TEST_OF(readings, known_waits_for_each_that_may_answer),
	  TEST_OF(readings, what_is_active_is_so_before_all_is_known),
	  TEST_OF(readings, a_request_between_two_readings),
	  TEST_OF(readings, active_for_a_second_at_least),
	  TEST_OF(readings, active_in_the_reading_after_it),
	  TEST_OF(readings, the_last_word_counts_until_it_is_stale),
	  TEST_OF(readings, a_page_that_breaks_off_counts_nothing),
	  TEST_OF(readings, gauges_alone_leave_what_was_completed),
	  TEST_OF(readings, samples_of_a_kind_add_up),
	  TEST_OF(readings, what_is_no_number_of_requests_is_none),
	  TEST_OF(readings, names_that_cannot_be_are_never_known),
	  TEST_OF(readings, the_unnamed_are_a_sign_of_all_without_a_name),
	  TEST_OF(readings, keep_revisions_apart), TEST_OF(readings, a_rise_is_told_once),
	  TEST_OF(readings, a_rise_may_unwatch_and_watch),
	  TEST_OF(readings, a_rise_after_rest_is_told_again))
