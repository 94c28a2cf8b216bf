/* A pass when steps fail: what the core is told, and when the key comes back. */
#include "test/unit/pass_fixture.h"

TEST(pass, a_failed_status_tells_nothing_and_stays_untold)
{
	struct fixture f;

	setup(&f);
	struct decision *d = say(&f, STEP_PATCH_STATUS, "{}");
	d->note_count = 1;
	d->notes[0].reason = "Told";
	d->memo.degraded_told = d->memo.unknown_told = true;
	d->memo.degraded_since_ms = 5;
	d = say(&f, STEP_DONE, NULL);
	start(&f);
	EXPECT(f.memo.degraded_told && f.memo.unknown_told);
	f.views = 0; /* the memo as it is after the failure */
	answer(&f, "PATCH", PA_PATH "/name/status", 409,
	       "{\"kind\":\"Status\",\"reason\":\"Conflict\",\"message\":\"old\"}");
	EXPECT(!f.memo.degraded_told && !f.memo.unknown_told);
	EXPECT_INT(f.memo.degraded_since_ms, 5);
	EXPECT_TEXT(f.trace.buf, "ask done=0\nstepped 7 conflict 10\nended failed\n");
	teardown(&f);
}

/* How each kind of failure is told to the core, and whether the key comes back by the back-off. */
TEST(pass, failures_go_through_the_core_once)
{
	static const struct {
		int status;
		const char *reason;
		const char *want;
		int64_t again_ms;
		bool failed;
	} rows[] = {
	    {409, "Conflict", "conflict", 0, true},
	    {409, "AlreadyExists", "already_exists", 0, true},
	    {404, "NotFound", "not_found", 0, true},
	    {500, "InternalError", "transient", 0, true},
	    {503, "ServiceUnavailable", "transient", 900, true},
	    {401, "Unauthorized", "unauthorized", 0, true},
	    {422, "Invalid", "invalid", 1000, false},
	    {400, "BadRequest", "invalid", 1000, false},
	    {422, "Invalid", "invalid", 0, true}, /* for good, but nobody says when again */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
		struct fixture f;

		test_row("row %zu: %d %s", i, rows[i].status, rows[i].reason);
		setup(&f);
		say(&f, STEP_CREATE_SO, "{}");
		say(&f, STEP_DONE, NULL)->again_ms = rows[i].again_ms;
		start(&f);
		strbuf_addf(&text, "{\"kind\":\"Status\",\"reason\":\"%s\",\"message\":\"why\"}",
			    rows[i].reason);
		answer(&f, "POST", SO_PATH, rows[i].status, text.buf);
		strbuf_reset(&text);
		strbuf_addf(&text, "failed=3/%s:", rows[i].want);
		EXPECT_CONTAINS(f.trace.buf, text.buf);
		EXPECT_CONTAINS(f.trace.buf, "why");
		EXPECT_INT(f.asked, 2);
		EXPECT_INT(f.failed, rows[i].failed);
		EXPECT_INT(f.again_ms, rows[i].again_ms);
		EXPECT(!f.pass);
		teardown(&f);
	}
	test_row("%s", "");
}

TEST(pass, a_lost_reply_is_a_passing_failure)
{
	struct fixture f;

	setup(&f);
	say(&f, STEP_CREATE_SO, "{}");
	say(&f, STEP_DONE, NULL);
	start(&f);
	fake_break(&f.transport, fake_find(&f.transport, "POST", SO_PATH), "connection reset");
	EXPECT_CONTAINS(f.trace.buf, "failed=3/transient:");
	EXPECT(f.failed);
	teardown(&f);
}

TEST(pass, retry_after_is_handed_on)
{
	struct fixture f;

	setup(&f);
	say(&f, STEP_CREATE_SO, "{}");
	say(&f, STEP_DONE, NULL);
	start(&f);
	f.transport.retry_after_ms = 3000;
	answer(&f, "POST", SO_PATH, 429, "{}");
	EXPECT(f.failed);
	EXPECT_INT(f.retry_after_ms, 3000);
	teardown(&f);
}

TEST(pass, a_success_clears_the_answer_but_not_the_failure)
{
	struct fixture f;

	setup(&f);
	say(&f, STEP_CREATE_SO, "{}");
	say(&f, STEP_PATCH_SKS, "{}");
	say(&f, STEP_DONE, NULL)->again_ms = 100000; /* another matter: the back-off is kept */
	start(&f);
	answer(&f, "POST", SO_PATH, 503, "{}");
	answer(&f, "PATCH", SKS_PATH "/name", 200, "{}");
	EXPECT_CONTAINS(f.trace.buf, "ask done=4\nended failed\n");
	EXPECT_INT(f.again_ms, 100000);
	teardown(&f);
}

TEST(pass, a_failure_made_good_on_the_same_object_is_none)
{
	struct fixture f;

	setup(&f);
	say(&f, STEP_CREATE_SO, "{}");
	say(&f, STEP_GET_SO, NULL);
	say(&f, STEP_DONE, NULL);
	start(&f);
	answer(&f, "POST", SO_PATH, 409, "{\"reason\":\"AlreadyExists\"}");
	answer(&f, "GET", SO_PATH "/name", 200, "{}");
	EXPECT(!f.pass);
	EXPECT(!f.failed);
	teardown(&f);
}

TEST(pass, what_is_live_is_forgotten_when_a_patch_fails)
{
	struct fixture f;

	setup(&f);
	say(&f, STEP_GET_SO, NULL);
	say(&f, STEP_PATCH_SO, "{}");
	say(&f, STEP_DONE, NULL);
	start(&f);
	answer(&f, "GET", SO_PATH "/name", 200, "{\"metadata\":{\"resourceVersion\":\"5\"}}");
	answer(&f, "PATCH", SO_PATH "/name", 409, "{\"reason\":\"Conflict\"}");
	EXPECT_CONTAINS(f.trace.buf, "ask done=10 live=5\n");
	EXPECT_CONTAINS(f.trace.buf, "ask done=10 failed=5/conflict:");
	teardown(&f);
}

TEST(pass, an_answer_that_cannot_be_read_fails_it)
{
	struct fixture f;

	setup(&f);
	f.undecodable = true;
	say(&f, STEP_CREATE_SKS, "{}");
	start(&f);
	answer(&f, "POST", SKS_PATH, 201, "{}");
	EXPECT(f.failed);
	EXPECT(!f.pass);
	EXPECT_INT(f.asked, 1);
	teardown(&f);
}

TEST(pass, a_core_that_never_ends_is_stopped)
{
	struct fixture f;

	setup(&f);
	say(&f, STEP_PATCH_SKS, "{}");
	start(&f);
	for (unsigned i = 0; i < DECIDE_MAX_STEPS; i++)
		answer(&f, "PATCH", SKS_PATH "/name", 200, "{}");
	EXPECT(f.failed);
	EXPECT(!f.pass);
	EXPECT_INT(f.transport.count, DECIDE_MAX_STEPS);
	teardown(&f);
}

TEST_MAIN(TEST_OF(pass, a_failed_status_tells_nothing_and_stays_untold),
	  TEST_OF(pass, failures_go_through_the_core_once),
	  TEST_OF(pass, a_lost_reply_is_a_passing_failure), TEST_OF(pass, retry_after_is_handed_on),
	  TEST_OF(pass, a_success_clears_the_answer_but_not_the_failure),
	  TEST_OF(pass, a_failure_made_good_on_the_same_object_is_none),
	  TEST_OF(pass, what_is_live_is_forgotten_when_a_patch_fails),
	  TEST_OF(pass, an_answer_that_cannot_be_read_fails_it),
	  TEST_OF(pass, a_core_that_never_ends_is_stopped))
