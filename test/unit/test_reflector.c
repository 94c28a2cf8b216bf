/* The reflector against a scripted server: every way a watch can go. */
#include "test/unit/reflector_fixture.h"

TEST(reflector, a_clean_end_resumes_at_once)
{
	struct bench b;
	setup(&b);
	struct http_call *call = settle(&b);
	fake_chunk(&b.fake, call, BOOKMARK("40"));
	run(&b, 5000);
	fake_end(&b.fake, call);
	EXPECT_INT(status_of(&b).state, REFLECTOR_WATCHING);
	run(&b, 0);
	expect_asked(&b, "&resourceVersion=40");
	expect_asked(&b, "allowWatchBookmarks=true");
	expect_not_asked(&b, "sendInitialEvents");
	fake_head(&b.fake, open_call(&b), 200);
	chunk(&b, EVENT("MODIFIED", "a", "41"));
	expect_changes(&b, "a:5>41 ");
	EXPECT_INT(status_of(&b).relists, 1);
	EXPECT_INT(status_of(&b).restarts, 2);
	teardown(&b);
}

TEST(reflector, ends_at_once_with_news_cost_no_wait)
{
	struct bench b;
	setup(&b);
	fake_end(&b.fake, settle(&b));
	for (int i = 0; i < 18; i++) {
		CLEANUP(strbuf_release) struct strbuf event = STRBUF_INIT;
		run(&b, 0);
		strbuf_addf(&event,
			    "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"a\","
			    "\"resourceVersion\":\"%d\"}}}",
			    20 + i);
		fake_answer(&b.fake, open_call(&b), 200, event.buf);
	}
	EXPECT_INT(status_of(&b).version, 37);
	teardown(&b);
}

TEST(reflector, gone_lists_anew)
{
	struct bench b;
	setup(&b);
	fake_chunk(&b.fake, settle(&b), ERROR_EVENT("410", "too old"));
	EXPECT_INT(fake_open_count(&b.fake), 0);
	run(&b, 1000);
	expect_asked(&b, "sendInitialEvents");
	fake_answer(&b.fake, open_call(&b), 200, EVENT("ADDED", "b", "11") INITIAL_END("12"));
	expect_changes(&b, "+b:11 -a:5 ");
	run(&b, 1000);
	expect_asked(&b, "resourceVersion=12");
	teardown(&b);
}

TEST(reflector, other_errors_resume_where_it_was)
{
	struct bench b;
	setup(&b);
	fake_chunk(&b.fake, settle(&b), EVENT("MODIFIED", "a", "20") ERROR_EVENT("404", "odd"));
	EXPECT_INT(status_of(&b).state, REFLECTOR_TROUBLED);
	EXPECT_TEXT(status_of(&b).trouble, "odd");
	run(&b, 0);
	EXPECT_INT(fake_open_count(&b.fake), 0);
	run(&b, 250);
	expect_asked(&b, "resourceVersion=20");
	expect_changes(&b, "a:5>20 ");
	teardown(&b);
}

TEST(reflector, a_refused_version_lists_anew)
{
	struct bench b;
	setup(&b);
	fake_end(&b.fake, settle(&b));
	run(&b, 0);
	fake_answer(&b.fake, open_call(&b), 400, "");
	run(&b, 300);
	expect_asked(&b, "sendInitialEvents");
	teardown(&b);
}

TEST(reflector, broken_streams_resume)
{
	static const struct {
		const char *what, *text;
		bool ends;
	} rows[] = {
	    {"closed inside an object", "{\"type\":\"MODI", true},
	    {"garbage", "<html>", false},
	    {"invalid UTF-8", "{\"type\":\"\xff\"}", false},
	    {"no type", "{\"object\":{\"metadata\":{\"name\":\"x\"}}}", false},
	    {"no object", "{\"type\":\"ADDED\"}", false},
	    {"type no text", "{\"type\":1,\"object\":{}}", false},
	    {"object no object", "{\"type\":\"ERROR\",\"object\":\"410\"}", false},
	    {"no event at all", "7 ", false},
	    {"an array", "[1]", false},
	    {"an error without a code", "{\"type\":\"ERROR\",\"object\":{}}", false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench b;
		setup(&b);
		test_row("%s", rows[i].what);
		struct http_call *call = settle(&b);
		bool more = fake_chunk(&b.fake, call, rows[i].text);
		EXPECT(more == rows[i].ends);
		if (call->open)
			fake_end(&b.fake, call);
		EXPECT_INT(status_of(&b).state, REFLECTOR_TROUBLED);
		EXPECT(status_of(&b).trouble[0] != '\0');
		run(&b, 0);
		EXPECT_INT(fake_open_count(&b.fake), 0);
		run(&b, 250);
		expect_asked(&b, "resourceVersion=10");
		expect_changes(&b, "");
		EXPECT_INT(store_count(b.store), 1);
		teardown(&b);
	}
	test_row("%s", "");
}

TEST(reflector, unknown_types_are_passed_over)
{
	struct bench b;
	setup(&b);
	settle(&b);
	chunk(&b, EVENT("RENAMED", "a", "11") EVENT("MODIFIED", "a", "12"));
	expect_changes(&b, "a:5>12 ");
	EXPECT_INT(status_of(&b).undecodable, 0);
	teardown(&b);
}

TEST(reflector, a_second_end_of_initial_events_is_a_bookmark)
{
	struct bench b;
	setup(&b);
	settle(&b);
	chunk(&b, INITIAL_END("20"));
	expect_changes(&b, "");
	EXPECT_INT(status_of(&b).version, 20);
	EXPECT_INT(status_of(&b).relists, 1);
	teardown(&b);
}

TEST(reflector, of_a_key_that_repeats_the_last_counts)
{
	struct bench b;
	setup(&b);
	settle(&b);
	chunk(&b, "{\"type\":\"ADDED\",\"type\":\"DELETED\",\"object\":{\"metadata\":{"
		  "\"name\":\"b\",\"name\":\"a\",\"namespace\":\"ns\","
		  "\"resourceVersion\":\"3\",\"resourceVersion\":\"11\"}}}");
	expect_changes(&b, "-a:5 ");
	EXPECT_INT(status_of(&b).version, 11);
	teardown(&b);
}

TEST(reflector, unreadable_objects_leave_what_is_held)
{
	struct bench b;
	setup(&b);
	settle(&b);
	chunk(&b, BAD("MODIFIED", "a", "11") BAD("ADDED", "b", "12"));
	chunk(&b, "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"c\","
		  "\"resourceVersion\":\"x\"}}}\n");
	EXPECT_INT(status_of(&b).undecodable, 3);
	EXPECT_INT(status_of(&b).version, 12);
	expect_changes(&b, "");
	fake_chunk(&b.fake, open_call(&b), ERROR_EVENT("410", "too old"));
	run(&b, 1000);
	fake_head(&b.fake, open_call(&b), 200);
	chunk(&b, BAD("ADDED", "a", "11") INITIAL_END("20"));
	expect_changes(&b, "");
	EXPECT(store_get(b.store, "ns", "a") != NULL);
	/* A deletion needs no more than a name. */
	chunk(&b, BAD("DELETED", "a", "21"));
	expect_changes(&b, "-a:5 ");
	teardown(&b);
}

/* However the bytes are cut. */
TEST(reflector, pieces_of_any_size)
{
	for (size_t piece = 1; piece <= 31; piece++) {
		struct bench b;
		setup(&b);
		test_row("%zu", piece);
		struct http_call *call = open_call(&b);
		fake_head(&b.fake, call, 200);
		EXPECT(fake_chunks(&b.fake, call,
				   EVENT("ADDED", "caf\xc3\xa9", "5") EVENT("ADDED", "b", "6")
				       INITIAL_END("10") EVENT("DELETED", "b", "11") BOOKMARK("12"),
				   piece));
		expect_changes(&b, "+caf\xc3\xa9:5 +b:6 -b:6 ");
		EXPECT_INT(status_of(&b).version, 12);
		teardown(&b);
	}
	test_row("%s", "");
}

TEST(reflector, a_large_object)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct bench b;
	setup(&b);
	settle(&b);
	strbuf_addstr(&text, "{\"type\":\"MODIFIED\",\"object\":{\"blob\":\"");
	for (int i = 0; i < 5 * 1024 * 16; i++)
		strbuf_addstr(&text,
			      "0123456789012345678901234567890123456789012345678901234567890123");
	strbuf_addstr(&text, "\",\"metadata\":{\"name\":\"a\",\"namespace\":\"ns\","
			     "\"resourceVersion\":\"11\"}}}\n");
	EXPECT(fake_chunks(&b.fake, open_call(&b), text.buf, 16384));
	expect_changes(&b, "a:5>11 ");
	teardown(&b);
}

/* ---- forbidden ---- */

TEST(reflector, forbidden_says_so_and_goes_on)
{
	static const int codes[] = {401, 403};
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		struct bench b;
		setup(&b);
		fake_answer(&b.fake, open_call(&b), codes[i],
			    "{\"kind\":\"Status\",\"message\":\"not you\"}");
		EXPECT_INT(status_of(&b).state, REFLECTOR_STARTING);
		EXPECT_TEXT(status_of(&b).trouble, "not you");
		EXPECT(!store_synced(b.store));
		run(&b, 250);
		fake_end(&b.fake, settle(&b));
		EXPECT_TEXT(status_of(&b).trouble, "");
		run(&b, 0);
		fake_answer(&b.fake, open_call(&b), codes[i], "");
		EXPECT_INT(status_of(&b).state, REFLECTOR_TROUBLED);
		expect_changes(&b, ""); /* what is held stays */
		teardown(&b);
	}
}

TEST(reflector, namespace_and_field_selector)
{
	struct bench b;
	setup_with(&b, (struct reflector_config){.ns = "knative-serving",
						 .field_selector = "metadata.name=a"});
	expect_asked(&b, "/apis/g.io/v1/namespaces/knative-serving/things?watch=1");
	expect_asked(&b, "&fieldSelector=metadata.name%3Da");
	fake_answer(&b.fake, open_call(&b), 422, "");
	run(&b, 0);
	expect_asked(&b, "things?limit=500&fieldSelector=metadata.name%3Da");
	teardown(&b);
}

TEST(reflector, label_selector)
{
	struct bench b;
	setup_with(&b, (struct reflector_config){.label_selector = "g.io/of=a"});
	expect_asked(&b, "&labelSelector=g.io%2Fof%3Da");
	fake_answer(&b.fake, open_call(&b), 422, "");
	run(&b, 0);
	expect_asked(&b, "things?limit=500&labelSelector=g.io%2Fof%3Da");
	teardown(&b);
}

TEST(reflector, streams_tell_the_time)
{
	struct bench b;
	setup(&b);
	b.fake.date_ms = FAKE_CLOCK_WALL + 600000;
	fake_head(&b.fake, open_call(&b), 200);
	EXPECT_INT(kube_client_now_ms(b.client), FAKE_CLOCK_WALL + 600500);
	/* Once, not again when they end. */
	chunk(&b, INITIAL_END("10"));
	run(&b, 300000);
	fake_end(&b.fake, open_call(&b));
	EXPECT_INT(kube_client_now_ms(b.client), FAKE_CLOCK_WALL + 900500);
	/* Refusals tell it too. */
	run(&b, 0);
	b.fake.date_ms = FAKE_CLOCK_WALL;
	fake_answer(&b.fake, open_call(&b), 403, "");
	EXPECT_INT(kube_client_now_ms(b.client), FAKE_CLOCK_WALL + 500);
	teardown(&b);
}

/* ---- from outside ---- */

TEST(reflector, relist_ends_the_watch_and_lists)
{
	struct bench b;
	setup(&b);
	struct http_call *call = settle(&b);
	reflector_relist(b.reflector);
	EXPECT(!call->cancelled);
	run(&b, 0);
	EXPECT(call->cancelled);
	expect_asked(&b, "sendInitialEvents");
	/* Again in the middle of the list. */
	fake_head(&b.fake, open_call(&b), 200);
	chunk(&b, EVENT("ADDED", "b", "11"));
	reflector_relist(b.reflector);
	run(&b, 0);
	fake_head(&b.fake, open_call(&b), 200);
	chunk(&b, EVENT("ADDED", "a", "5") INITIAL_END("12"));
	expect_changes(&b, "+b:11 -b:11 ");
	/* Wanted while the old list ends well: still done. */
	reflector_relist(b.reflector);
	chunk(&b, EVENT("MODIFIED", "a", "13"));
	run(&b, 0);
	expect_asked(&b, "sendInitialEvents");
	/* Done once, not for ever. */
	fake_answer(&b.fake, open_call(&b), 200, INITIAL_END("14"));
	run(&b, 0);
	expect_asked(&b, "resourceVersion=14");
	teardown(&b);
}

TEST(reflector, free_at_any_moment)
{
	for (int step = 0; step < 5; step++) {
		struct bench b;
		setup(&b);
		if (step > 0)
			fake_head(&b.fake, open_call(&b), 200);
		if (step > 1)
			chunk(&b, EVENT("ADDED", "a", "5") "{\"type\":");
		if (step > 2)
			fake_break(&b.fake, open_call(&b), "reset");
		if (step > 3)
			run(&b, 300);
		teardown(&b);
	}
}

TEST_MAIN(TEST_OF(reflector, a_clean_end_resumes_at_once),
	  TEST_OF(reflector, ends_at_once_with_news_cost_no_wait),
	  TEST_OF(reflector, gone_lists_anew), TEST_OF(reflector, other_errors_resume_where_it_was),
	  TEST_OF(reflector, a_refused_version_lists_anew),
	  TEST_OF(reflector, broken_streams_resume),
	  TEST_OF(reflector, unknown_types_are_passed_over),
	  TEST_OF(reflector, a_second_end_of_initial_events_is_a_bookmark),
	  TEST_OF(reflector, of_a_key_that_repeats_the_last_counts),
	  TEST_OF(reflector, unreadable_objects_leave_what_is_held),
	  TEST_OF(reflector, pieces_of_any_size), TEST_OF(reflector, a_large_object),
	  TEST_OF(reflector, forbidden_says_so_and_goes_on),
	  TEST_OF(reflector, namespace_and_field_selector), TEST_OF(reflector, label_selector),
	  TEST_OF(reflector, streams_tell_the_time),
	  TEST_OF(reflector, relist_ends_the_watch_and_lists),
	  TEST_OF(reflector, free_at_any_moment))
