/* Activators that cannot be read, that hang, that come and go. */
#include "test/lib/fake_clock.h"
#include "test/unit/activators_fixture.h"

/* ---- failures ---- */

struct failing {
	const char *want;
	struct strbuf text; /* what is answered */
	struct fake fake;
	struct bench bench;
};

static void failing_init(struct failing *row, const char *raw, const char *want)
{
	*row = (struct failing){.want = want, .text = STRBUF_INIT};
	strbuf_addstr(&row->text, raw);
	for (unsigned i = 0; strstr(raw, " 3000") && i < 300; i++)
		strbuf_addstr(&row->text, "#23456789\n");
	fake_init(&row->fake, "");
	fake_say(&row->fake, NULL, row->text.buf);
	bench_init(&row->bench, 2000);
	set(&row->bench, row->fake.address, NULL);
}

static void failing_release(struct failing *row)
{
	bench_release(&row->bench);
	fake_release(&row->fake);
	strbuf_release(&row->text);
}

/* Side by side, for each takes its time. */
static void all_fail(struct failing *rows, size_t count, uint64_t failures)
{
	int64_t end = now(&rows[0].bench) + 20000 * TEST_PATIENCE;
	size_t ready = 0;

	while (ready < count && now(&rows[0].bench) < end) {
		ready = 0;
		for (size_t i = 0; i < count; i++) {
			if (stats_of(&rows[i].bench).failures >= failures)
				ready++;
			else
				loop_step(rows[i].bench.loop, 5);
		}
	}
	EXPECT_INT(ready, count);
}

TEST(activators, what_went_wrong)
{
	static const struct {
		const char *raw, *want;
	} table[] = {
	    {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
	     "/metrics: 404: does config-observability say metrics-protocol: prometheus?"},
	    {"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", "/metrics: status 503"},
	    {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
	     "/metrics: status 302"},
	    {"HTTP/1.1 204 No Content\r\n\r\n", "/metrics: status 204"},
	    {OK "Content-Length: 300\r\n\r\n" QUEUED("9") "kn_revision_request_queued{x=\"",
	     "connection broken"},
	    {OK "Content-Length: 3000\r\n\r\n" QUEUED("9"), "a page of more than 2000 bytes"},
	    {"", "connection broken"},
	    {"SSH-2.0-x\r\n", "connection broken"},
	};
	struct failing rows[ARRAY_SIZE(table)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		failing_init(&rows[i], table[i].raw, table[i].want);
	all_fail(rows, ARRAY_SIZE(rows), 4); /* after 100, 200 and 400 ms */
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s", rows[i].want);
		EXPECT_INT(stats_of(&rows[i].bench).pages, 0);
		/* Nobody is told yet, but on a machine that is very busy. */
		EXPECT(unread(&rows[i].bench));
		EXPECT(rows[i].bench.changes == 0 ||
		       stats_of(&rows[i].bench).age_ms >= ACTIVATORS_UNREAD_MS);
	}
	all_fail(rows, ARRAY_SIZE(rows), 6);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench *bench = &rows[i].bench;

		test_row("%s", rows[i].want);
		EXPECT(unread(bench));
		EXPECT_INT(bench->changes, 1);
		EXPECT_CONTAINS(activators_unread(bench->activators), rows[i].fake.address);
		EXPECT_CONTAINS(activators_unread(bench->activators), rows[i].want);
		EXPECT(!reading_of(bench).known);
		EXPECT(reading_of(bench).in_flight == 0);
		fake_say(&rows[i].fake, QUEUED("1"), NULL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench *bench = &rows[i].bench;

		test_row("%s", rows[i].want);
		wait_for(bench, 1, 0);
		EXPECT(!unread(bench));
		EXPECT_INT(bench->changes, 2);
		EXPECT(reading_of(bench).in_flight == 1);
		failing_release(&rows[i]);
	}
}

/* What one that fails has not told is not waited for. */
TEST(activators, one_that_fails_delays_nobody)
{
	struct fake good, bad;
	struct bench bench;

	fake_init(&good, QUEUED("2"));
	fake_init(&bad, "");
	fake_say(&bad, NULL, OK "Content-Length: 300\r\n\r\n" QUEUED("9"));
	bench_init(&bench, 0);
	set(&bench, good.address, bad.address);
	wait_for(&bench, 1, 1);
	EXPECT(reading_of(&bench).known);
	EXPECT(reading_of(&bench).in_flight == 2);
	bench_release(&bench);
	fake_release(&good);
	fake_release(&bad);
}

TEST(activators, nobody_listens)
{
	struct bench bench;
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%u", test_free_port());
	bench_init(&bench, 0);
	set(&bench, address, NULL);
	wait_for(&bench, 0, 5);
	EXPECT(unread(&bench));
	EXPECT_CONTAINS(activators_unread(bench.activators), "Connection refused");
	bench_release(&bench);
}

TEST(activators, one_that_hangs_delays_nobody)
{
	struct fake_clock clock;
	struct fake good, bad;
	struct bench bench;

	fake_clock_init(&clock);
	fake_init(&good, QUEUED("2"));
	fake_init(&bad, QUEUED("1"));
	fake_hold(&bad, true);
	bench_init_at(&bench, &clock.clock, 0, 0);
	set(&bench, good.address, bad.address);
	/* The other fails after 1.5 s, is asked again after 100 ms, and fails after 3.1 s. */
	for (uint64_t page = 1; page <= 31; page++) {
		wait_for(&bench, page, page > 15);
		EXPECT_INT(stats_of(&bench).failures, page > 15);
		fake_clock_advance(&clock, ACTIVATORS_READ_MS);
	}
	wait_for(&bench, 32, 2);
	EXPECT_INT(stats_of(&bench).pages, 32);
	EXPECT(reading_of(&bench).in_flight == 2);
	EXPECT_INT(stats_of(&bench).known, 2);
	EXPECT_INT(stats_of(&bench).age_ms, 3100);
	EXPECT_INT(stats_of(&bench).read, 1);
	EXPECT(!unread(&bench));
	bench_release(&bench);
	fake_release(&good);
	fake_release(&bad);
}

/* Why stands, also while the next page is under way: of one that hangs it is so nearly always. */
TEST(activators, one_that_hangs_is_named)
{
	struct fake fake;
	struct bench bench;
	int64_t end;

	fake_init(&fake, QUEUED("1"));
	fake.answer.delay_ms = 60000;
	bench_init(&bench, 0);
	set(&bench, fake.address, NULL);
	turn(&bench, 1);
	EXPECT_TEXT(activators_unread(bench.activators), "no answer yet");
	wait_for(&bench, 0, 1);
	end = now(&bench) + 10000 * TEST_PATIENCE;
	while (fake_requests(&fake) < 2 && now(&bench) < end)
		loop_step(bench.loop, 50);
	EXPECT_INT(stats_of(&bench).pages, 0);
	EXPECT_CONTAINS(activators_unread(bench.activators), "no whole answer within 1.5 s");
	bench_release(&bench);
	fake_release(&fake);
}

/* The others go on, but a request that waits in it is seen by nobody. */
TEST(activators, one_of_two_for_long)
{
	struct fake good, bad;
	struct bench bench;
	int64_t end;

	fake_init(&good, QUEUED("1"));
	fake_init(&bad, QUEUED("1"));
	bad.answer.raw = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
	bench_init_with(&bench, 0, 2500);
	set(&bench, good.address, bad.address);
	wait_for(&bench, 2, 2);
	EXPECT(!activators_unread(bench.activators));
	bench.changes = 0;
	end = now(&bench) + 10000 * TEST_PATIENCE;
	while (bench.changes == 0 && now(&bench) < end)
		loop_step(bench.loop, 50);
	EXPECT_CONTAINS(activators_unread(bench.activators),
			"of 2 activators one cannot be read: ");
	EXPECT_CONTAINS(activators_unread(bench.activators), bad.address);
	EXPECT_CONTAINS(activators_unread(bench.activators), "status 503");
	EXPECT(reading_of(&bench).in_flight == 1);
	fake_say(&bad, QUEUED("1"), NULL);
	end = now(&bench) + 10000 * TEST_PATIENCE;
	while (bench.changes == 1 && now(&bench) < end)
		loop_step(bench.loop, 50);
	EXPECT(!activators_unread(bench.activators));
	EXPECT_INT(bench.changes, 2);
	bench_release(&bench);
	fake_release(&good);
	fake_release(&bad);
}

/* ---- who is there ---- */

TEST(activators, they_come_and_go)
{
	struct fake first, second;
	struct bench bench;
	int requests;

	fake_init(&first, QUEUED("2"));
	fake_init(&second, QUEUED("3"));
	bench_init(&bench, 0);
	set(&bench, first.address, NULL);
	wait_for(&bench, 1, 0);
	set(&bench, first.address, second.address);
	wait_for(&bench, 4, 0);
	EXPECT(reading_of(&bench).in_flight == 5);
	EXPECT(server_connections(first.server) <= 1 + (int)stats_of(&bench).failures); /* kept */
	set(&bench, second.address, NULL);
	wait_for(&bench, stats_of(&bench).pages + 1, 0);
	EXPECT(reading_of(&bench).in_flight == 3);
	requests = fake_requests(&first);
	wait_for(&bench, stats_of(&bench).pages + 3, 0);
	EXPECT(fake_requests(&first) <= requests + 1); /* one may have been on its way */
	bench.changes = 0;
	/* None is there. */
	set(&bench, NULL, NULL);
	turn(&bench, 1);
	EXPECT_TEXT(activators_unread(bench.activators),
		    "no activator is known: the Service activator-service has no endpoint that is "
		    "ready");
	EXPECT_INT(bench.changes, 1);
	activators_set(bench.activators, &(struct endpoint_places){0}, "forbidden");
	turn(&bench, 1);
	EXPECT_TEXT(activators_unread(bench.activators), "no activator is known: forbidden");
	/* And nobody wants any. */
	activators_set(bench.activators, NULL, NULL);
	turn(&bench, 1);
	EXPECT(!unread(&bench));
	EXPECT_INT(bench.changes, 2);
	bench_release(&bench);
	fake_release(&first);
	fake_release(&second);
}

TEST(activators, set_twice_before_a_round_counts_once)
{
	struct fake fake;
	struct bench bench;

	fake_init(&fake, QUEUED("2"));
	bench_init(&bench, 0);
	set(&bench, fake.address, NULL);
	set(&bench, fake.address, fake.address); /* a place twice is a bug elsewhere: no harm */
	set(&bench, fake.address, NULL);
	wait_for(&bench, 1, 0);
	EXPECT_INT(stats_of(&bench).known, 1);
	bench_release(&bench);
	fake_release(&fake);
}

/* Its requests count until it is gone; that it answers does not help those that wait for one. */
TEST(activators, one_that_drains)
{
	struct fake fake;
	struct bench bench;

	fake_init(&fake, QUEUED("2"));
	bench_init(&bench, 0);
	activators_set(
	    bench.activators,
	    &(struct endpoint_places){1, (struct endpoint_place[]){{fake.address, true}}}, NULL);
	wait_for(&bench, 1, 0);
	EXPECT(reading_of(&bench).in_flight == 2);
	EXPECT(unread(&bench));
	bench_release(&bench);
	fake_release(&fake);
}

TEST(activators, freed_in_the_middle)
{
	struct fake fake;

	fake_init(&fake, QUEUED("2"));
	fake.answer.delay_ms = 300;
	for (int ms = 0; ms < 400; ms += 40) {
		struct bench bench;

		bench_init(&bench, 0);
		set(&bench, fake.address, NULL);
		turn(&bench, ms);
		if (ms % 80 == 0) {
			set(&bench, NULL, NULL);
			turn(&bench, 1);
		}
		bench_release(&bench);
	}
	fake_release(&fake);
}

TEST_MAIN(TEST_OF(activators, what_went_wrong), TEST_OF(activators, nobody_listens),
	  TEST_OF(activators, one_that_fails_delays_nobody),
	  TEST_OF(activators, one_that_hangs_delays_nobody),
	  TEST_OF(activators, one_that_hangs_is_named), TEST_OF(activators, one_of_two_for_long),
	  TEST_OF(activators, they_come_and_go),
	  TEST_OF(activators, set_twice_before_a_round_counts_once),
	  TEST_OF(activators, one_that_drains), TEST_OF(activators, freed_in_the_middle))
