/* The reflector against a scripted server: whole lists, by WatchList and by pages, and lists that
 * tell of an older time. */
#include "test/unit/reflector_fixture.h"

TEST(reflector_list, watchlist_to_watch)
{
	struct bench b;
	setup(&b);
	struct http_call *call = open_call(&b);
	EXPECT_TEXT(call->request.method, "GET");
	EXPECT(call->request.stream);
	EXPECT_CONTAINS(call->request.path, "/apis/g.io/v1/things?watch=1&");
	EXPECT_CONTAINS(call->request.path, "&sendInitialEvents=true");
	EXPECT_CONTAINS(call->request.path, "&resourceVersionMatch=NotOlderThan");
	EXPECT_CONTAINS(call->request.path, "allowWatchBookmarks=true");
	expect_not_asked(&b, "resourceVersion=");
	EXPECT_INT(status_of(&b).state, REFLECTOR_STARTING);
	fake_head(&b.fake, call, 200);
	chunk(&b, EVENT("ADDED", "a", "7") EVENT("ADDED", "b", "3"));
	EXPECT(!store_synced(b.store));
	EXPECT_INT(status_of(&b).state, REFLECTOR_STARTING);
	chunk(&b, BOOKMARK("8")); /* not yet the one */
	EXPECT(!store_synced(b.store));
	chunk(&b, INITIAL_END("10"));
	EXPECT(store_synced(b.store));
	EXPECT_INT(status_of(&b).state, REFLECTOR_WATCHING);
	EXPECT_INT(status_of(&b).version, 10);
	chunk(&b, EVENT("MODIFIED", "a", "11") EVENT("DELETED", "b", "12"));
	expect_changes(&b, "+a:7 +b:3 a:7>11 -b:3 ");
	EXPECT_INT(status_of(&b).version, 12);
	EXPECT_INT(status_of(&b).relists, 1);
	EXPECT_INT(status_of(&b).restarts, 1);
	teardown(&b);
}

TEST(reflector_list, changes_before_the_initial_events_end)
{
	struct bench b;
	setup(&b);
	fake_head(&b.fake, open_call(&b), 200);
	chunk(&b, EVENT("ADDED", "a", "5") EVENT("ADDED", "b", "6") EVENT("DELETED", "a", "8")
		      EVENT("MODIFIED", "b", "9") INITIAL_END("9"));
	expect_changes(&b, "+a:5 +b:6 -a:5 b:6>9 ");
	teardown(&b);
}

TEST(reflector_list, falls_back_to_lists_and_remembers)
{
	static const int codes[] = {400, 422};
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		struct bench b;
		setup(&b);
		fake_answer(&b.fake, open_call(&b), codes[i],
			    "{\"kind\":\"Status\",\"message\":\"sendInitialEvents is forbidden\"}");
		run(&b, 0);
		expect_asked(&b, "/apis/g.io/v1/things?limit=500");
		expect_not_asked(&b, "continue");
		fake_answer(&b.fake, open_call(&b), 200, LIST("10", "", OBJECT("a", "5")));
		EXPECT(store_synced(b.store));
		run(&b, 0);
		expect_asked(&b, "&resourceVersion=10");
		expect_not_asked(&b, "sendInitialEvents");
		fake_answer(&b.fake, open_call(&b), 410, "");
		run(&b, 1000);
		expect_asked(&b, "?limit=500");
		expect_changes(&b, "+a:5 ");
		teardown(&b);
	}
}

static void use_lists(struct bench *b, unsigned page)
{
	setup_with(b, (struct reflector_config){.page = page});
	fake_answer(&b->fake, open_call(b), 422, "");
	run(b, 0);
}

TEST(reflector_list, lists_by_pages)
{
	struct bench b;
	use_lists(&b, 2);
	expect_asked(&b, "?limit=2");
	fake_answer(&b.fake, open_call(&b), 200,
		    LIST("10", "t/1==", OBJECT("a", "5") "," OBJECT("b", "6")));
	EXPECT(!store_synced(b.store));
	run(&b, 0);
	expect_asked(&b, "?limit=2&continue=t%2F1%3D%3D");
	fake_answer(&b.fake, open_call(&b), 200, LIST("10", "", OBJECT("c", "7")));
	EXPECT(store_synced(b.store));
	EXPECT_INT(status_of(&b).relists, 1);
	expect_changes(&b, "+a:5 +b:6 +c:7 ");
	run(&b, 0);
	expect_asked(&b, "resourceVersion=10");
	teardown(&b);
}

TEST(reflector_list, a_page_that_expired_begins_anew)
{
	struct bench b;
	use_lists(&b, 1);
	fake_answer(&b.fake, open_call(&b), 200, LIST("10", "next", OBJECT("a", "5")));
	run(&b, 0);
	fake_answer(&b.fake, open_call(&b), 410, "");
	run(&b, 1000);
	expect_asked(&b, "?limit=1");
	expect_not_asked(&b, "continue");
	fake_answer(&b.fake, open_call(&b), 200, LIST("12", "", OBJECT("b", "11")));
	expect_changes(&b, "+a:5 +b:11 -a:5 ");
	teardown(&b);
}

TEST(reflector_list, a_list_that_breaks_off_removes_nothing)
{
	struct bench b;
	use_lists(&b, 1);
	fake_answer(&b.fake, open_call(&b), 200, LIST("10", "", OBJECT("a", "5")));
	run(&b, 0);
	fake_answer(&b.fake, open_call(&b), 410, "");
	run(&b, 1000);
	fake_answer(&b.fake, open_call(&b), 200, LIST("12", "next", OBJECT("b", "11")));
	run(&b, 0);
	fake_break(&b.fake, open_call(&b), "reset");
	expect_changes(&b, "+a:5 +b:11 ");
	EXPECT_INT(status_of(&b).state, REFLECTOR_TROUBLED);
	run(&b, 1000);
	expect_not_asked(&b, "continue");
	fake_answer(&b.fake, open_call(&b), 200, LIST("13", "", OBJECT("b", "11")));
	expect_changes(&b, "-a:5 ");
	teardown(&b);
}

TEST(reflector_list, lists_it_cannot_use)
{
	static const struct {
		const char *body, *trouble;
	} rows[] = {
	    {"{\"items\":[]}", "without resourceVersion"},
	    {LIST("x", "", ""), "no number"},
	    {"{\"metadata\":{\"resourceVersion\":\"10\"},\"items\":[", ""},
	    {"[]", ""},
	    {"", ""},
	    {"plain", ""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench b;
		use_lists(&b, 0);
		test_row("%s", rows[i].body);
		fake_answer(&b.fake, open_call(&b), 200, rows[i].body);
		EXPECT(!store_synced(b.store));
		EXPECT_INT(status_of(&b).state, REFLECTOR_STARTING);
		EXPECT_CONTAINS(status_of(&b).trouble, rows[i].trouble);
		EXPECT(status_of(&b).trouble[0] != '\0');
		run(&b, 0);
		EXPECT_INT(fake_open_count(&b.fake), 0);
		run(&b, 300);
		expect_asked(&b, "?limit=500");
		teardown(&b);
	}
	test_row("%s", "");
}

TEST(reflector_list, initial_events_that_break_off_remove_nothing)
{
	struct bench b;
	setup(&b);
	settle(&b);
	chunk(&b, EVENT("ADDED", "b", "11"));
	reflector_relist(b.reflector);
	run(&b, 0);
	expect_asked(&b, "sendInitialEvents");
	fake_head(&b.fake, open_call(&b), 200);
	chunk(&b, EVENT("ADDED", "b", "12"));
	fake_break(&b.fake, open_call(&b), "reset");
	expect_changes(&b, "+b:11 b:11>12 ");
	EXPECT_INT(status_of(&b).state, REFLECTOR_TROUBLED);
	EXPECT_TEXT(status_of(&b).trouble, "reset");
	run(&b, 300);
	fake_head(&b.fake, open_call(&b), 200);
	chunk(&b, EVENT("ADDED", "b", "12") INITIAL_END("13"));
	expect_changes(&b, "-a:5 ");
	EXPECT_TEXT(status_of(&b).trouble, "");
	teardown(&b);
}

TEST(reflector_list, initial_events_that_end_too_soon)
{
	struct bench b;
	setup(&b);
	fake_answer(&b.fake, open_call(&b), 200, EVENT("ADDED", "a", "5"));
	EXPECT_INT(status_of(&b).state, REFLECTOR_STARTING);
	EXPECT_CONTAINS(status_of(&b).trouble, "before its initial events");
	run(&b, 300);
	expect_asked(&b, "sendInitialEvents");
	teardown(&b);
}

TEST(reflector_list, an_absent_api_is_asked_for_again)
{
	struct bench b;
	setup(&b);
	settle(&b);
	fake_end(&b.fake, open_call(&b));
	run(&b, 0);
	/* What is held is not given up for a moment of it. */
	for (int i = 0; i < 10; i++) {
		fake_answer(&b.fake, open_call(&b), 404, "404 page not found\n");
		EXPECT_INT(status_of(&b).state, REFLECTOR_TROUBLED);
		expect_changes(&b, "");
		run(&b, 1000);
		expect_asked(&b, "resourceVersion=10");
	}
	fake_answer(&b.fake, open_call(&b), 404, "404 page not found\n");
	EXPECT_INT(status_of(&b).state, REFLECTOR_ABSENT);
	EXPECT(store_synced(b.store));
	expect_changes(&b, "-a:5 ");
	for (int i = 0; i < 3; i++) {
		run(&b, 1999);
		EXPECT_INT(fake_open_count(&b.fake), 0);
		run(&b, 1);
		expect_asked(&b, "sendInitialEvents");
		fake_answer(&b.fake, open_call(&b), 404, "");
		EXPECT_INT(status_of(&b).silent_ms, 0);
	}
	run(&b, 2000);
	fake_head(&b.fake, open_call(&b), 200);
	chunk(&b, EVENT("ADDED", "n", "3") INITIAL_END("4"));
	EXPECT_INT(status_of(&b).state, REFLECTOR_WATCHING);
	expect_changes(&b, "+n:3 ");
	teardown(&b);
}

TEST(reflector_list, a_blip_of_absence_changes_nothing)
{
	static const int codes[] = {200, 500};
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		struct bench b;
		setup(&b);
		settle(&b);
		fake_end(&b.fake, open_call(&b));
		run(&b, 0);
		for (int n = 0; n < 12; n++) {
			fake_answer(&b.fake, open_call(&b), n % 4 == 3 ? codes[i] : 404, "");
			EXPECT(status_of(&b).state != REFLECTOR_ABSENT);
			run(&b, n % 4 == 3 ? 5000 : 1000);
		}
		expect_changes(&b, "");
		teardown(&b);
	}
}

TEST(reflector_list, absent_from_the_start_counts_as_synced)
{
	struct bench b;
	setup(&b);
	fake_answer(&b.fake, open_call(&b), 404, "");
	EXPECT(store_synced(b.store));
	EXPECT_INT(status_of(&b).state, REFLECTOR_ABSENT);
	teardown(&b);
}

/* ---- time travel ---- */

TEST(reflector_list, a_version_that_goes_back_lists_anew)
{
	static const char *const events[] = {EVENT("MODIFIED", "a", "9"), BOOKMARK("3")};
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		struct bench b;
		setup(&b);
		EXPECT(!fake_chunk(&b.fake, settle(&b), events[i]));
		EXPECT_CONTAINS(status_of(&b).trouble, "went back from 10 to ");
		run(&b, 1000);
		expect_asked(&b, "sendInitialEvents");
		teardown(&b);
	}
}

TEST(reflector_list, a_lagging_list_is_not_believed)
{
	struct bench b;
	setup(&b);
	settle(&b);
	chunk(&b, EVENT("ADDED", "b", "11") EVENT("DELETED", "a", "12"));
	expect_changes(&b, "+b:11 -a:5 ");
	reflector_relist(b.reflector);
	run(&b, 0);
	fake_head(&b.fake, open_call(&b), 200);
	fake_chunk(&b.fake, open_call(&b), EVENT("ADDED", "a", "5") INITIAL_END("10"));
	expect_changes(&b, "");
	EXPECT_CONTAINS(status_of(&b).trouble, "older than 12");
	EXPECT_INT(status_of(&b).state, REFLECTOR_TROUBLED);
	run(&b, 300);
	fake_head(&b.fake, open_call(&b), 200);
	chunk(&b, EVENT("ADDED", "b", "11") INITIAL_END("12"));
	expect_changes(&b, "");
	EXPECT_INT(status_of(&b).state, REFLECTOR_WATCHING);
	teardown(&b);
}

TEST(reflector_list, a_restored_etcd_is_believed_in_the_end)
{
	struct bench b;
	setup(&b);
	settle(&b);
	chunk(&b, EVENT("ADDED", "b", "1000"));
	reflector_relist(b.reflector);
	strbuf_reset(&b.changes);
	int lists = 0;
	for (int64_t stop = b.clock.mono + 120000; b.clock.mono < stop; run(&b, 100)) {
		struct http_call *call = fake_find(&b.fake, NULL, "sendInitialEvents");
		if (!call || call->answered)
			continue;
		lists++;
		fake_head(&b.fake, call, 200);
		fake_chunk(&b.fake, call, EVENT("ADDED", "a", "4") INITIAL_END("6"));
	}
	EXPECT_INT(lists, 9);
	expect_changes(&b, "a:5>4 -b:1000 ");
	EXPECT_INT(status_of(&b).state, REFLECTOR_WATCHING);
	EXPECT_INT(status_of(&b).version, 6);
	chunk(&b, EVENT("MODIFIED", "a", "7"));
	expect_changes(&b, "a:4>7 ");
	/* The next one is doubted as the first was. */
	reflector_relist(b.reflector);
	run(&b, 0);
	fake_head(&b.fake, open_call(&b), 200);
	EXPECT(!fake_chunk(&b.fake, open_call(&b), INITIAL_END("5")));
	expect_changes(&b, "");
	teardown(&b);
}

TEST_MAIN(TEST_OF(reflector_list, absent_from_the_start_counts_as_synced),
	  TEST_OF(reflector_list, an_absent_api_is_asked_for_again),
	  TEST_OF(reflector_list, a_blip_of_absence_changes_nothing),
	  TEST_OF(reflector_list, watchlist_to_watch),
	  TEST_OF(reflector_list, changes_before_the_initial_events_end),
	  TEST_OF(reflector_list, falls_back_to_lists_and_remembers),
	  TEST_OF(reflector_list, lists_by_pages),
	  TEST_OF(reflector_list, a_page_that_expired_begins_anew),
	  TEST_OF(reflector_list, a_list_that_breaks_off_removes_nothing),
	  TEST_OF(reflector_list, lists_it_cannot_use),
	  TEST_OF(reflector_list, initial_events_that_break_off_remove_nothing),
	  TEST_OF(reflector_list, initial_events_that_end_too_soon),
	  TEST_OF(reflector_list, a_version_that_goes_back_lists_anew),
	  TEST_OF(reflector_list, a_lagging_list_is_not_believed),
	  TEST_OF(reflector_list, a_restored_etcd_is_believed_in_the_end))
