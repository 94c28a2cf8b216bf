/* What open streams are told, and when. */
#include "test/unit/scaler_bench.h"

TEST(stream, a_request_is_pushed_at_once)
{
	struct bench bench;
	bench_begin(&bench);
	struct grpc_call *stream = ask(&bench, "StreamIsActive", "app", GOOD, NULL);
	struct grpc_call *other =
	    ask(&bench, "StreamIsActive", "app", "metric=rps revision=other-00001 target=1", NULL);
	pages(&bench, 3000, 0);
	EXPECT_TEXT(said(stream), "");
	page(&bench, "hello-00001", 1, 0);
	EXPECT_TEXT(said(stream), "true; ");
	EXPECT_TEXT(said(other), "");
	page(&bench, "other-00001", 1, 0);
	EXPECT_TEXT(said(other), "true; ");
	EXPECT_TEXT(said(stream), "");
	bench_end(&bench);
}

TEST(stream, one_that_opens_late_hears_of_it)
{
	struct bench bench;
	bench_begin(&bench);
	ask(&bench, "GetMetricSpec", "app", GOOD, NULL);
	pages(&bench, 600, 1);
	EXPECT_TEXT(said(ask(&bench, "StreamIsActive", "app", GOOD, NULL)), "true; ");
	bench_end(&bench);
}

/* Seconds between pushes, as far as they are seen after each page: a push is half a second late at
 * most. */
TEST(stream, repeats_while_there_are_requests)
{
	struct bench bench;
	char gaps[256] = "";
	bench_begin(&bench);
	struct grpc_call *stream = ask(&bench, "StreamIsActive", "app", GOOD, NULL);
	page(&bench, "hello-00001", 1, 0);
	EXPECT_TEXT(said(stream), "true; ");
	int64_t begin = now_of(&bench), last = begin;
	while (now_of(&bench) < begin + 65000) {
		pages(&bench, 150, 1);
		if (strcmp(said(stream), "true; ") != 0)
			continue;
		snprintf(gaps + strlen(gaps), sizeof(gaps) - strlen(gaps), "%d ",
			 (int)((now_of(&bench) - last + 150) / 1000));
		last = now_of(&bench);
	}
	EXPECT_TEXT(gaps, "1 2 4 8 15 15 15 ");
	pages(&bench, 50000, 0);
	EXPECT_TEXT(said(stream), "");
	page(&bench, "hello-00001", 1, 0);
	EXPECT_TEXT(said(stream), "true; ");
	pages(&bench, 1500, 1);
	EXPECT_TEXT(said(stream), "true; ");
	bench_end(&bench);
}

/* Short requests, one every 2 s for a minute. */
TEST(stream, edges_are_spared)
{
	struct bench bench;
	size_t pushed = 0;
	bench_begin(&bench);
	struct grpc_call *stream = ask(&bench, "StreamIsActive", "app", GOOD, NULL);
	for (int i = 0; i < 30; i++) {
		page(&bench, "hello-00001", 1, 0);
		pages(&bench, 2000, 0);
		for (const char *one = said(stream); (one = strstr(one, "true")); one++)
			pushed++;
	}
	EXPECT(pushed >= 60 / 8);
	EXPECT(pushed <= 3 + 60 / 5);
	bench_end(&bench);
}

/* Requests come for long, none for a moment, and then one that waits: told 5 s after the last push,
 * not when the next one of the long ones would have been due. */
TEST(stream, a_spared_edge_is_made_up_for)
{
	struct bench bench;
	bench_begin(&bench);
	struct grpc_call *stream = ask(&bench, "StreamIsActive", "app", GOOD, NULL);
	pages(&bench, 60000, 1);
	said(stream);
	do
		pages(&bench, 150, 1);
	while (strcmp(said(stream), "true; ") != 0);
	pages(&bench, 2000, 0);
	EXPECT_TEXT(said(stream), "");
	pages(&bench, 2000, 1);
	EXPECT_TEXT(said(stream), "");
	pages(&bench, 2000, 1);
	EXPECT_TEXT(said(stream), "true; ");
	bench_end(&bench);
}

/* What is at zero must come up while nobody can say whether there are requests. */
TEST(stream, nobody_is_stranded)
{
	struct bench bench;
	bench_begin(&bench);
	struct grpc_call *stream = ask(&bench, "StreamIsActive", "app", GOOD, NULL);
	pages(&bench, 20000, 0);
	EXPECT_TEXT(said(stream), "");
	bench.unread = "404";
	fake_clock_run(&bench.clock, bench.timers, SCALER_STRANDED_MS - 1000);
	EXPECT_TEXT(said(stream), "");
	/* Read again, so the time begins anew. */
	bench.unread = NULL;
	pages(&bench, 3000, 0);
	bench.unread = "404";
	fake_clock_run(&bench.clock, bench.timers, SCALER_STRANDED_MS - 1000);
	EXPECT_TEXT(said(stream), "");
	fake_clock_run(&bench.clock, bench.timers, 1500);
	EXPECT_TEXT(said(stream), "true; ");
	fake_clock_run(&bench.clock, bench.timers, 31000);
	EXPECT_TEXT(said(stream), "true; true; true; true; true; ");
	EXPECT_TEXT(said(ask(&bench, "StreamIsActive", "app", GOOD, NULL)), "true; ");
	EXPECT_TEXT(said(ask(&bench, "IsActive", "app", GOOD, NULL)), "14 404");
	bench.unread = NULL;
	pages(&bench, 30000, 0);
	EXPECT_TEXT(said(stream), "");
	bench_end(&bench);
}

/* What was unread before nobody asked says nothing of now. */
TEST(stream, stranded_anew)
{
	struct bench bench;
	bench_begin(&bench);
	bench.unread = "404";
	struct grpc_call *stream = ask(&bench, "StreamIsActive", "app", GOOD, NULL);
	fake_clock_run(&bench.clock, bench.timers, SCALER_STRANDED_MS + 1000);
	EXPECT_TEXT(said(stream), "true; ");
	method_of("StreamIsActive")->gone(bench.scaler, stream);
	stream->finished = true;
	fake_clock_run(&bench.clock, bench.timers, SCALER_WATCH_MS + 1000);
	EXPECT_FALSE(scaler_needed(bench.scaler));
	stream = ask(&bench, "StreamIsActive", "app", GOOD, NULL);
	fake_clock_run(&bench.clock, bench.timers, SCALER_STRANDED_MS - 1000);
	EXPECT_TEXT(said(stream), "");
	fake_clock_run(&bench.clock, bench.timers, 2000);
	EXPECT_TEXT(said(stream), "true; ");
	bench_end(&bench);
}

TEST_MAIN(TEST_OF(stream, a_request_is_pushed_at_once),
	  TEST_OF(stream, one_that_opens_late_hears_of_it),
	  TEST_OF(stream, repeats_while_there_are_requests), TEST_OF(stream, edges_are_spared),
	  TEST_OF(stream, a_spared_edge_is_made_up_for), TEST_OF(stream, nobody_is_stranded),
	  TEST_OF(stream, stranded_anew))
