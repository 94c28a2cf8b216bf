/* A pass when all goes well: the order of things, what the core and the shell are told. */
#include "test/unit/pass_fixture.h"

TEST(pass, done_at_once_ends_within_start)
{
	struct fixture f;

	setup(&f);
	struct decision *d = say(&f, STEP_DONE, NULL);
	d->again_ms = 7000;
	d->note_count = 2;
	d->notes[0].reason = "One";
	d->notes[1].reason = "Two";
	f.pass = pass_new(&f.shell, "ns/name", &f.memo);
	pass_start(f.pass);
	EXPECT_TEXT(f.trace.buf, "ask done=0\nnote One\nnote Two\nended\n");
	EXPECT_INT(f.again_ms, 7000);
	EXPECT_INT(f.transport.count, 0);
	teardown(&f);
}

TEST(pass, without_a_view_it_ends_well)
{
	struct fixture f;

	setup(&f);
	say(&f, STEP_DONE, NULL);
	f.views = 0;
	start(&f);
	EXPECT_TEXT(f.trace.buf, "ended\n");
	teardown(&f);
}

TEST(pass, answers_are_stored_before_the_next_look)
{
	struct fixture f;

	setup(&f);
	say(&f, STEP_CREATE_SKS, "{\"n\":1}");
	say(&f, STEP_CREATE_SO, "{\"spec\":{\"x\":1}}");
	say(&f, STEP_DONE, NULL);
	start(&f);
	answer(&f, "POST", SKS_PATH, 201, "{\"n\":2}");
	answer(&f, "POST", SO_PATH, 201, "{\"spec\":{\"x\":1,\"d\":2}}");
	EXPECT_TEXT(f.trace.buf,
		    "ask done=0\n"
		    "stepped 1 none 10\nanswered 1 {\"n\":2}\n"
		    "ask done=2\n"
		    "stepped 3 none 10\nanswered 3 {\"spec\":{\"x\":1,\"d\":2}} sent {\"x\":1}\n"
		    "ask done=a\nended\n");
	teardown(&f);
}

TEST(pass, a_patch_is_told_with_the_whole_spec_it_asked_for)
{
	struct fixture f;

	setup(&f);
	say(&f, STEP_GET_SO, NULL);
	say(&f, STEP_PATCH_SO, "{\"spec\":{\"b\":null,\"c\":3}}");
	say(&f, STEP_DONE, NULL);
	start(&f);
	answer(&f, "GET", SO_PATH "/name", 200,
	       "{\"metadata\":{\"resourceVersion\":\"5\"},\"spec\":{\"a\":1,\"b\":2}}");
	answer(&f, "PATCH", SO_PATH "/name", 200,
	       "{\"metadata\":{\"resourceVersion\":\"6\"},\"spec\":{\"a\":1,\"c\":3,\"d\":4}}");
	EXPECT_CONTAINS(f.trace.buf, "ask done=10 live=5\n");
	EXPECT_CONTAINS(f.trace.buf, " sent {\"a\":1,\"c\":3}\n");
	EXPECT_CONTAINS(f.trace.buf, "ask done=30 live=6\nended\n");
	teardown(&f);
}

TEST(pass, field_validation_is_strict_for_writes_of_scaled_objects_only)
{
	static const struct {
		enum step_kind step;
		const char *method, *path;
		bool strict;
	} rows[] = {
	    {STEP_CREATE_SKS, "POST", SKS_PATH, false},
	    {STEP_PATCH_SKS, "PATCH", SKS_PATH "/name", false},
	    {STEP_CREATE_SO, "POST", SO_PATH, true},
	    {STEP_GET_SO, "GET", SO_PATH "/name", false},
	    {STEP_PATCH_SO, "PATCH", SO_PATH "/name", true},
	    {STEP_DELETE_SO, "DELETE", SO_PATH "/name", false},
	    {STEP_PATCH_STATUS, "PATCH", PA_PATH "/name/status", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture f;

		test_row("step %d", rows[i].step);
		setup(&f);
		say(&f, rows[i].step, "{}")->uid = "u";
		start(&f);
		struct http_call *call = fake_find(&f.transport, rows[i].method, rows[i].path);
		EXPECT(call);
		if (call)
			EXPECT_INT(strstr(call->request.path, "fieldValidation=Strict") != NULL,
				   rows[i].strict);
		teardown(&f);
	}
	test_row("%s", "");
}

TEST(pass, a_deletion_names_the_uid)
{
	struct fixture f;

	setup(&f);
	say(&f, STEP_DELETE_SO, NULL)->uid = "u-1";
	start(&f);
	struct http_call *call = fake_find(&f.transport, "DELETE", SO_PATH "/name");
	EXPECT(call);
	if (call)
		EXPECT_CONTAINS(call->request.body, "\"preconditions\":{\"uid\":\"u-1\"}");
	teardown(&f);
}

TEST(pass, the_status_ends_it_and_its_notes_come_after)
{
	struct fixture f;

	setup(&f);
	struct decision *d = say(&f, STEP_PATCH_STATUS, "{}");
	d->again_ms = 30;
	d->note_count = 1;
	d->notes[0].reason = "Told";
	start(&f);
	EXPECT_TEXT(f.trace.buf, "ask done=0\n");
	answer(&f, "PATCH", PA_PATH "/name/status", 200, "{}");
	EXPECT_TEXT(f.trace.buf,
		    "ask done=0\nstepped 7 none 10\nanswered 7 {}\nnote Told\nended\n");
	EXPECT_INT(f.again_ms, 30);
	EXPECT_INT(f.asked, 1);
	teardown(&f);
}

TEST(pass, sync_found_is_told_by_the_live_hash)
{
	struct fixture f;

	setup(&f);
	say(&f, STEP_GET_SO, NULL);
	say(&f, STEP_DONE, NULL)->live_hash_in_sync = 77;
	start(&f);
	answer(&f, "GET", SO_PATH "/name", 200, "{\"spec\":{\"a\":1}}");
	EXPECT_CONTAINS(f.trace.buf, "ask done=10\nin sync 77\nended\n");
	teardown(&f);
}

TEST(pass, when_the_view_goes_the_write_in_flight_was_the_last)
{
	struct fixture f;

	setup(&f);
	say(&f, STEP_CREATE_SKS, "{}");
	f.views = 1;
	start(&f);
	answer(&f, "POST", SKS_PATH, 201, "{}");
	EXPECT_TEXT(f.trace.buf, "ask done=0\nstepped 1 none 10\nanswered 1 {}\nended\n");
	teardown(&f);
}

TEST(pass, freed_in_mid_request_it_is_silent)
{
	struct fixture f;

	setup(&f);
	say(&f, STEP_CREATE_SKS, "{}");
	start(&f);
	pass_free(f.pass);
	f.pass = NULL;
	EXPECT_INT(fake_open_count(&f.transport), 0);
	EXPECT_TEXT(f.trace.buf, "ask done=0\n");
	teardown(&f);
}

TEST(pass, the_memo_outlives_it)
{
	struct fixture f;

	setup(&f);
	struct decision *d = say(&f, STEP_DONE, NULL);
	d->memo.refused_hash = 9;
	d->memo.refused_text = (char[]){"no"};
	start(&f);
	EXPECT_TEXT(f.memo.refused_text, "no");
	/* The next one borrows the text from the memo that it replaces. */
	d->memo.refused_text = NULL;
	d->memo.refused_hash = 10;
	start(&f);
	EXPECT_TEXT(f.memo.refused_text, "no");
	EXPECT_INT(f.memo.refused_hash, 10);
	teardown(&f);
}

TEST(pass, notes_may_borrow_from_the_memo)
{
	struct fixture f;

	setup(&f);
	say(&f, STEP_DONE, NULL)->memo.refused_text = (char[]){"no"};
	struct decision *d = say(&f, STEP_PATCH_STATUS, "{}");
	d->note_count = 1;
	d->notes[0].reason = "Told";
	start(&f);
	start(&f);
	answer(&f, "PATCH", PA_PATH "/name/status", 200, "{}");
	EXPECT_CONTAINS(f.trace.buf, "\nnote Told: no\nended\n");
	EXPECT_TEXT(f.memo.refused_text, "no");
	teardown(&f);
}

TEST_MAIN(TEST_OF(pass, done_at_once_ends_within_start), TEST_OF(pass, without_a_view_it_ends_well),
	  TEST_OF(pass, answers_are_stored_before_the_next_look),
	  TEST_OF(pass, a_patch_is_told_with_the_whole_spec_it_asked_for),
	  TEST_OF(pass, field_validation_is_strict_for_writes_of_scaled_objects_only),
	  TEST_OF(pass, a_deletion_names_the_uid),
	  TEST_OF(pass, the_status_ends_it_and_its_notes_come_after),
	  TEST_OF(pass, sync_found_is_told_by_the_live_hash),
	  TEST_OF(pass, when_the_view_goes_the_write_in_flight_was_the_last),
	  TEST_OF(pass, freed_in_mid_request_it_is_silent), TEST_OF(pass, the_memo_outlives_it),
	  TEST_OF(pass, notes_may_borrow_from_the_memo))
