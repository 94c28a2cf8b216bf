/*
 * When the reflector asks again: back-off, silence, and an hour of every kind of answer, of which
 * none may cost the API server more than a few requests a second.
 */
#include "test/unit/reflector_fixture.h"

/* ---- an hour of one answer ---- */

#define HOUR_MS INT64_C(3600000)

static bool is_list(const struct http_call *call)
{
	return strstr(call->request.path, "limit=") || strstr(call->request.path, "InitialEvents");
}

static void answer_version(struct bench *b, struct http_call *call, const char *format,
			   size_t version)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	for (const char *p = format; *p; p++) {
		if (*p == '@')
			strbuf_addf(&text, "%zu", version);
		else
			strbuf_addch(&text, *p);
	}
	fake_answer(&b->fake, call, 200, text.buf);
}

/* How all requests are answered, from the second on: with status and body, or "@" in it the number
 * of the request; status 0: the connection breaks. good_lists: lists go well, watches don't. */
struct storm {
	const char *what;
	int status;
	const char *body;
	bool good_lists;
	int64_t retry_after_ms;
	size_t least, most; /* requests in the hour */
};

#define WATCHED_STATUS(code) "{\"kind\":\"Status\",\"code\":" #code "}"
/* 30 s, half of it random: 120 to 240; the first few come sooner. */
#define BACKED_OFF 115, 250
/* The same where each watch is well for a moment: 5 s, 720 to 1440. */
#define FLAPPING 700, 1450
/* Ten a second; five minutes of that are enough. */
#define PACED 2900, 3020
#define PACED_MS INT64_C(300000)

static const struct storm storms[] = {
    {"refused connections", 0, "", false, 0, BACKED_OFF},
    {"401", 401, "", false, 0, BACKED_OFF},
    {"403", 403, WATCHED_STATUS(403), false, 0, BACKED_OFF},
    {"404", 404, "", false, 0, 1790, 1830},
    {"409", 409, "", false, 0, BACKED_OFF},
    {"410", 410, "", false, 0, BACKED_OFF},
    {"422", 422, "", false, 0, BACKED_OFF},
    {"429", 429, "", false, 0, BACKED_OFF},
    {"429 with a second", 429, "", false, 1000, BACKED_OFF},
    {"429 with a minute", 429, "", false, 60000, 50, 65},
    {"429 with an hour", 429, "", false, HOUR_MS, 50, 65},
    {"500", 500, "boom", false, 0, BACKED_OFF},
    {"503 with ten seconds", 503, "", false, 10000, BACKED_OFF},
    {"a page of HTML", 200, "<html><body>Log in</body></html>", false, 0, FLAPPING},
    {"nothing", 200, "", false, 0, FLAPPING},
    {"redirects", 302, "", false, 0, BACKED_OFF},
    {"an object without end", 200, "{\"items\":[{\"metadata\":{", false, 0, FLAPPING},
    {"watches: 401", 401, "", true, 0, BACKED_OFF},
    {"watches: 403", 403, "", true, 0, BACKED_OFF},
    {"watches: 404", 404, "", true, 0, 1790, 3650},
    {"watches: 410", 410, "", true, 0, 230, 500},
    {"watches: 422", 422, "", true, 0, 230, 500},
    {"watches: 500", 500, "", true, 0, BACKED_OFF},
    {"watches: refused", 0, "", true, 0, BACKED_OFF},
    {"watches: nothing", 200, "", true, 0, FLAPPING},
    {"watches: HTML", 200, "<html>", true, 0, FLAPPING},
    {"watches: the same bookmark", 200, BOOKMARK("10"), true, 0, FLAPPING},
    {"watches: ERROR 410", 200, ERROR_EVENT("410", "x"), true, 0, 1400, 2900},
    {"watches: ERROR 429", 200, ERROR_EVENT("429", "x"), true, 0, FLAPPING},
    {"watches: ERROR 500", 200, ERROR_EVENT("500", "x"), true, 0, FLAPPING},
    {"watches: ERROR of no code", 200, "{\"type\":\"ERROR\",\"object\":{}}", true, 0, FLAPPING},
    {"watches: unknown types", 200, EVENT("RENAMED", "a", "10"), true, 0, FLAPPING},
    {"watches: one that is older", 200, EVENT("MODIFIED", "a", "9"), true, 0, 1400, 2900},
    {"watches: one that can't be read", 200, BAD("MODIFIED", "a", "10"), true, 0, FLAPPING},
    {"watches: always news", 200, EVENT("MODIFIED", "a", "1@"), true, 0, PACED},
    {"lists: always another page", 200, LIST("10", "more", OBJECT("a", "5")), false, 0, PACED},
    {"lists: an older one each time", 200, INITIAL_END("3"), false, 0, FLAPPING},
};

static void answer(struct bench *b, const struct storm *storm, struct http_call *call)
{
	bool paged = strstr(call->request.path, "limit=");
	if (storm->good_lists && is_list(call)) {
		fake_answer(&b->fake, call, 200, paged ? LIST("10", "", "") : INITIAL_END("10"));
		return;
	}
	b->fake.retry_after_ms = storm->retry_after_ms;
	if (strstr(storm->what, "another page") && !paged)
		fake_answer(&b->fake, call, 422, "");
	else if (storm->status == 0)
		fake_break(&b->fake, call, "connection refused");
	else if (storm->status == 200)
		answer_version(b, call, storm->body, 1000000 + b->fake.count);
	else
		fake_answer(&b->fake, call, storm->status, storm->body);
}

/* The most requests in one second, once the first burst is over. */
static size_t weather(struct bench *b, const struct storm *storm)
{
	size_t worst = 0, second = b->fake.count;
	int64_t from = b->clock.mono, end = from + (storm->most == 3020 ? PACED_MS : HOUR_MS);
	for (int64_t next = from + 1000; b->clock.mono < end;) {
		struct http_call *call = fake_last(&b->fake);
		if (call && call->open) {
			answer(b, storm, call);
			run(b, 1);
		} else {
			int64_t due = timers_next_ms(b->timers);
			run(b, due < 1 ? 1 : due < 1000 ? due : 1000);
		}
		if (b->clock.mono < next)
			continue;
		if (next - from > 5000 && b->fake.count - second > worst)
			worst = b->fake.count - second;
		second = b->fake.count;
		next = b->clock.mono + 1000;
	}
	return worst;
}

TEST(reflector, an_hour_of_any_answer)
{
	for (size_t i = 0; i < ARRAY_SIZE(storms); i++) {
		struct bench b;
		setup(&b);
		test_row("%s", storms[i].what);
		fake_end(&b.fake, settle(&b));
		run(&b, 0);
		size_t before = b.fake.count, worst = weather(&b, &storms[i]);
		size_t count = b.fake.count - before;
		if (getenv("STORMS"))
			printf("%s: %zu requests, %zu in the worst second\n", storms[i].what, count,
			       worst);
		EXPECT(count >= storms[i].least && count <= storms[i].most);
		EXPECT(worst <= 11);
		/* And it recovers from each. */
		struct storm calm = {.good_lists = true};
		for (int n = 0; n < 4 && status_of(&b).state != REFLECTOR_WATCHING; n++) {
			run(&b, 66000);
			struct http_call *call = fake_last(&b.fake);
			if (call->open && is_list(call))
				answer(&b, &calm, call);
			else if (call->open)
				fake_head(&b.fake, call, 200);
		}
		EXPECT_INT(status_of(&b).state, REFLECTOR_WATCHING);
		EXPECT_TEXT(status_of(&b).trouble, "");
		teardown(&b);
	}
	test_row("%s", "");
}

/* ---- one by one ---- */

TEST(reflector, backs_off_to_thirty_seconds_and_recovers)
{
	struct bench b;
	int64_t longest = 0;
	setup(&b);
	fake_end(&b.fake, settle(&b));
	run(&b, 0);
	for (int i = 0; i < 12; i++) {
		int64_t from = b.clock.mono;
		fake_break(&b.fake, open_call(&b), "reset");
		EXPECT_INT(status_of(&b).state, REFLECTOR_TROUBLED);
		while (fake_open_count(&b.fake) == 0 && b.clock.mono - from < 40000)
			run(&b, 10);
		int64_t delay = b.clock.mono - from;
		int64_t full = i < 7 ? INT64_C(250) << i : 30000;
		EXPECT(delay >= full / 2 && delay <= full + 10);
		longest = delay;
	}
	EXPECT(longest <= 30010);
	expect_asked(&b, "resourceVersion=10");
	fake_head(&b.fake, open_call(&b), 200);
	EXPECT_INT(status_of(&b).state, REFLECTOR_WATCHING);
	run(&b, 1000);
	fake_break(&b.fake, open_call(&b), "reset");
	run(&b, 250);
	EXPECT_INT(fake_open_count(&b.fake), 1);
	teardown(&b);
}

TEST(reflector, retry_after_is_obeyed)
{
	struct bench b;
	setup(&b);
	b.fake.retry_after_ms = 7000;
	fake_answer(&b.fake, open_call(&b), 429, "");
	run(&b, 6999);
	EXPECT_INT(fake_open_count(&b.fake), 0);
	run(&b, 701); /* not all streams at the same moment */
	EXPECT_INT(fake_open_count(&b.fake), 1);
	b.fake.retry_after_ms = 3600000;
	fake_answer(&b.fake, open_call(&b), 503, "");
	run(&b, 59999);
	EXPECT_INT(fake_open_count(&b.fake), 0);
	run(&b, 6001);
	EXPECT_INT(fake_open_count(&b.fake), 1);
	teardown(&b);
}

/* A compaction ends the streams of all replicas at once. */
TEST(reflector, gone_is_spread_over_a_second)
{
	int64_t least = 1000, most = 0;
	for (int i = 0; i < 50; i++) {
		struct bench b;
		setup_at(&b, (struct reflector_config){0}, FAKE_CLOCK_WALL + i);
		fake_chunk(&b.fake, settle(&b), ERROR_EVENT("410", "too old"));
		int64_t wait = timers_next_ms(b.timers);
		least = wait < least ? wait : least;
		most = wait > most ? wait : most;
		teardown(&b);
	}
	EXPECT(least < 150 && most > 850 && most <= 1000);
}

/* ---- silence ---- */

TEST(reflector, silence_is_bounded_and_told)
{
	struct bench b;
	setup(&b);
	struct http_call *call = settle(&b);
	EXPECT_INT(call->request.idle_ms, 90000);
	EXPECT_INT(call->request.timeout_ms, 0);
	run(&b, 80000);
	EXPECT_INT(status_of(&b).silent_ms, 80000);
	chunk(&b, BOOKMARK("11"));
	EXPECT_INT(status_of(&b).silent_ms, 0);
	run(&b, 90000);
	fake_break(&b.fake, call, "nothing received for 90 s");
	EXPECT_INT(status_of(&b).state, REFLECTOR_TROUBLED);
	run(&b, 250);
	expect_asked(&b, "resourceVersion=11");
	EXPECT_INT(open_call(&b)->request.idle_ms, 90000);
	teardown(&b);
}

TEST(reflector, silence_is_believed_where_no_bookmarks_come)
{
	struct bench b;
	setup_with(&b, (struct reflector_config){.watch_seconds = 100});
	struct http_call *call = settle(&b);
	run(&b, 90000);
	fake_break(&b.fake, call, "nothing received for 90 s");
	run(&b, 250);
	call = open_call(&b);
	const char *asked = strstr(call->request.path, "timeoutSeconds=");
	long seconds = asked ? strtol(asked + strlen("timeoutSeconds="), NULL, 10) : 0;
	EXPECT(seconds >= 100 && seconds <= 120);
	EXPECT_INT(call->request.idle_ms, (seconds + 5) * 1000);
	/* Then one comes after all. */
	fake_head(&b.fake, call, 200);
	chunk(&b, BOOKMARK("11"));
	run(&b, 50000);
	fake_end(&b.fake, call);
	run(&b, 0);
	EXPECT_INT(open_call(&b)->request.idle_ms, 90000);
	teardown(&b);
}

/* What ends for other reasons says nothing about bookmarks. */
TEST(reflector, only_silence_is_taken_for_silence)
{
	struct bench b;
	setup(&b);
	struct http_call *call = settle(&b);
	run(&b, 80000);
	fake_break(&b.fake, call, "reset");
	run(&b, 250);
	run(&b, 20000); /* no answer yet: heard long ago, but asked just now */
	fake_break(&b.fake, open_call(&b), "reset");
	run(&b, 500);
	EXPECT_INT(open_call(&b)->request.idle_ms, 90000);
	teardown(&b);
}

TEST_MAIN(TEST_OF(reflector, an_hour_of_any_answer),
	  TEST_OF(reflector, backs_off_to_thirty_seconds_and_recovers),
	  TEST_OF(reflector, retry_after_is_obeyed),
	  TEST_OF(reflector, gone_is_spread_over_a_second),
	  TEST_OF(reflector, silence_is_bounded_and_told),
	  TEST_OF(reflector, silence_is_believed_where_no_bookmarks_come),
	  TEST_OF(reflector, only_silence_is_taken_for_silence))
