/*
 * What KEDA's questions are answered. What goes over a wire is test_grpc*'s and test/e2e/scaler's,
 * what streams are told test_http_stream's.
 */
#include "test/unit/scaler_bench.h"

TEST(scaler, what_is_wrong_is_told)
{
#define NAMED "3 the trigger's metadata has "
	static const char longest[] =
	    "metric=rps target=1 revision="
	    "a234567890123456789012345678901234567890123456789012345678901"
	    "b234567890123456789012345678901234567890123456789012345678901"
	    "c234567890123456789012345678901234567890123456789012345678901"
	    "d234567890123456789012345678901234567890123456789012345678901"
	    "1234567890";
	static const struct {
		const char *method, *ns, *pairs, *metric, *want;
	} rows[] = {
	    {"IsActive", "app", "revision=r target=1", NULL,
	     NAMED "no metric: concurrency or rps is wanted"},
	    {"IsActive", "app", "metric=Concurrency revision=r target=1", NULL,
	     NAMED "metric \"Concurrency\": concurrency or rps is wanted"},
	    {"IsActive", "app", "metric=rps target=1", NULL,
	     NAMED "no revision: the name of a PodAutoscaler is wanted"},
	    {"IsActive", "app", "metric=rps revision=a/b target=1", NULL,
	     NAMED "revision \"a/b\": the name of a PodAutoscaler is wanted"},
	    {"IsActive", "app", "metric=rps revision=\x1b[2J\xff target=1", NULL,
	     NAMED "revision \" [2J?\": the name of a PodAutoscaler is wanted"},
	    {"IsActive", "app", longest, NULL,
	     NAMED "revision \"a23456789012345678901234567890123456789012345678901234567890"},
	    {"IsActive", "", GOOD, NULL, "3 no namespace is named \"\""},
	    {"IsActive", "a b", GOOD, NULL, "3 no namespace is named \"a b\""},
	    {"GetMetricSpec", "app", "metric=rps revision=r", NULL,
	     NAMED "no target: a plain decimal from 0.001 to 1000000000, such as 70 is wanted"},
	    {"GetMetricSpec", "app", "metric=rps revision=r target=0", NULL,
	     NAMED "target \"0\": "},
	    {"GetMetricSpec", "app", "metric=rps revision=r target=-1", NULL,
	     NAMED "target \"-1\": "},
	    {"GetMetricSpec", "app", "metric=rps revision=r target=1e3", NULL,
	     NAMED "target \"1e3\": "},
	    {"GetMetricSpec", "app", "metric=rps revision=r target=0x10", NULL,
	     NAMED "target \"0x10\": "},
	    {"GetMetricSpec", "app", "metric=rps revision=r target=.", NULL,
	     NAMED "target \".\": "},
	    {"GetMetricSpec", "app", "metric=rps revision=r target=1.2.3", NULL,
	     NAMED "target \"1.2.3\": "},
	    {"GetMetricSpec", "app", "metric=rps revision=r target=0.0009", NULL,
	     NAMED "target \"0.0009\": "},
	    {"GetMetricSpec", "app", "metric=rps revision=r target=1000000001", NULL,
	     NAMED "target \"1000000001\": "},
	    {"GetMetrics", "app", "metric=rps revision=r", "rps", NAMED "no target: "},
	    {"GetMetrics", "app", GOOD, "rps",
	     "5 the trigger has no metric \"rps\": its metric is concurrency"},
	    {"StreamIsActive", "app", "metric=rps revision=r", NULL, NAMED "no target: "},
	    {"StreamMetricSpec", "app", GOOD, NULL, "12 a target changes with its ScaledObject"},
	};
#undef NAMED
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench bench;
		bench_begin(&bench);
		test_row("%zu %s %s", i, rows[i].method, rows[i].pairs);
		struct grpc_call *call =
		    ask(&bench, rows[i].method, rows[i].ns, rows[i].pairs, rows[i].metric);
		EXPECT(strncmp(call->said.buf, rows[i].want, strlen(rows[i].want)) == 0);
		EXPECT_CONTAINS(call->said.buf, rows[i].want);
		EXPECT(call->finished);
		EXPECT_FALSE(scaler_needed(bench.scaler));
		bench_end(&bench);
	}
}

TEST(scaler, no_message_at_all)
{
	struct bench bench;
	bench_begin(&bench);
	struct grpc_call *call = &bench.calls[bench.call_count++];
	*call = (struct grpc_call){.said = STRBUF_INIT};
	method_of("IsActive")->request(bench.scaler, call, "\x0a\x05so", 4);
	EXPECT_TEXT(said(call), "3 no ScaledObjectRef");
	bench_end(&bench);
}

TEST(scaler, the_target_needs_no_reading)
{
	static const char *const rows[][2] = {
	    {"70", "concurrency 70 70; 0"},
	    {"0.7", "concurrency 1 0.7; 0"},
	    {"0.001", "concurrency 1 0.001; 0"},
	    {"1000000000", "concurrency 1000000000 1000000000; 0"},
	    {"70.", "concurrency 70 70; 0"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench bench;
		char pairs[128];
		bench_begin(&bench);
		test_row("%s", rows[i][0]);
		snprintf(pairs, sizeof(pairs), "metric=concurrency revision=r target=%s",
			 rows[i][0]);
		EXPECT_TEXT(said(ask(&bench, "GetMetricSpec", "app", pairs, NULL)), rows[i][1]);
		EXPECT(scaler_needed(bench.scaler));
		EXPECT_INT(bench.wakes, 1);
		bench_end(&bench);
	}
}

TEST(scaler, the_first_question_waits_for_a_page)
{
	struct bench bench;
	bench_begin(&bench);
	struct grpc_call *active = ask(&bench, "IsActive", "app", GOOD, NULL);
	struct grpc_call *metric = ask(&bench, "GetMetrics", "app", GOOD, "concurrency");
	EXPECT_INT(bench.wakes, 1);
	fake_clock_run(&bench.clock, bench.timers, 200);
	EXPECT_TEXT(said(active), "");
	page(&bench, "hello-00001", 3, 0);
	fake_clock_run(&bench.clock, bench.timers, 50);
	EXPECT_TEXT(said(active), "true; 0");
	EXPECT_TEXT(said(metric), "concurrency 3 3; 0");
	EXPECT_TEXT(said(ask(&bench, "IsActive", "app", GOOD, NULL)), "true; 0");
	bench_end(&bench);
}

/* One activator has told, another has not yet: that there is a request is sure, how many are not.
 */
TEST(scaler, a_request_is_sure_before_all_is_known)
{
	struct bench bench;
	bench_begin(&bench);
	page_of(&bench, "10.0.0.1", "hello-00001", 0, 0);
	page_of(&bench, "10.0.0.2", "hello-00001", 0, 0);
	struct grpc_call *active = ask(&bench, "IsActive", "app", GOOD, NULL);
	struct grpc_call *metric = ask(&bench, "GetMetrics", "app", GOOD, "concurrency");
	fake_clock_run(&bench.clock, bench.timers, 50);
	page_of(&bench, "10.0.0.1", "hello-00001", 1, 0);
	fake_clock_run(&bench.clock, bench.timers, 50);
	EXPECT_TEXT(said(active), "true; 0");
	EXPECT_TEXT(said(metric), "");
	page_of(&bench, "10.0.0.2", "hello-00001", 2, 0);
	fake_clock_run(&bench.clock, bench.timers, 50);
	EXPECT_CONTAINS(said(metric), "; 0");
	bench_end(&bench);
}

TEST(scaler, a_rate_waits_for_a_second_of_it)
{
	struct bench bench;
	bench_begin(&bench);
	struct grpc_call *metric = ask(&bench, "GetMetrics", "app", RPS, "rps");
	page(&bench, "hello-00001", 0, 1000);
	fake_clock_run(&bench.clock, bench.timers, 500);
	page(&bench, "hello-00001", 0, 1005);
	fake_clock_run(&bench.clock, bench.timers, 400);
	EXPECT_TEXT(said(metric), "");
	fake_clock_run(&bench.clock, bench.timers, 100);
	page(&bench, "hello-00001", 0, 1010);
	fake_clock_run(&bench.clock, bench.timers, 50);
	EXPECT_TEXT(said(metric), "rps 10 10; 0");
	EXPECT_TEXT(said(ask(&bench, "IsActive", "app", RPS, NULL)), "true; 0");
	bench_end(&bench);
}

TEST(scaler, unread_is_no_zero)
{
	struct bench bench;
	bench_begin(&bench);
	bench.unread = "GET http://10.0.0.1:9090/metrics: 404";
	struct grpc_call *active = ask(&bench, "IsActive", "app", GOOD, NULL);
	fake_clock_run(&bench.clock, bench.timers, SCALER_WAIT_MS - 50);
	EXPECT_TEXT(said(active), "");
	fake_clock_run(&bench.clock, bench.timers, 50);
	EXPECT_TEXT(said(active), "14 GET http://10.0.0.1:9090/metrics: 404");
	/* Not again. */
	bench.unread = NULL;
	EXPECT_TEXT(said(ask(&bench, "GetMetrics", "app", GOOD, "concurrency")),
		    "14 no activator has been read yet");
	pages(&bench, 300, 0);
	EXPECT_TEXT(said(ask(&bench, "IsActive", "app", GOOD, NULL)), "false; 0");
	EXPECT_TEXT(said(ask(&bench, "GetMetrics", "app", GOOD, "concurrency")),
		    "concurrency 0 0; 0");
	fake_clock_run(&bench.clock, bench.timers, READINGS_UNREAD_MS + 1);
	EXPECT_TEXT(said(ask(&bench, "IsActive", "app", GOOD, NULL)),
		    "14 no activator has been read yet");
	bench_end(&bench);
}

TEST(scaler, is_needed_while_somebody_asks)
{
	struct bench bench;
	struct scaler_counts counts;
	bench_begin(&bench);
	EXPECT_FALSE(scaler_needed(bench.scaler));
	struct grpc_call *stream = ask(&bench, "StreamIsActive", "app", GOOD, NULL);
	ask(&bench, "GetMetricSpec", "app", "metric=rps revision=other target=1", NULL);
	EXPECT_INT(readings_watched(bench.readings), 2);
	fake_clock_run(&bench.clock, bench.timers, SCALER_WATCH_MS - 1000);
	EXPECT_INT(readings_watched(bench.readings), 2);
	fake_clock_run(&bench.clock, bench.timers, 2000);
	scaler_counts(bench.scaler, &counts);
	EXPECT_INT(counts.watched, 1);
	EXPECT_INT(counts.streams, 1);
	EXPECT_INT(counts.asked, 2);
	EXPECT(scaler_needed(bench.scaler));
	method_of("StreamIsActive")->gone(bench.scaler, stream);
	stream->finished = true;
	/* As long after it was open as after a question. */
	fake_clock_run(&bench.clock, bench.timers, SCALER_WATCH_MS - 1000);
	EXPECT(scaler_needed(bench.scaler));
	fake_clock_run(&bench.clock, bench.timers, 2000);
	EXPECT_FALSE(scaler_needed(bench.scaler));
	EXPECT_INT(readings_watched(bench.readings), 0);
	EXPECT_INT(timers_next_ms(bench.timers), -1);
	ask(&bench, "GetMetricSpec", "app", GOOD, NULL);
	EXPECT_INT(bench.wakes, 2);
	bench_end(&bench);
}

TEST(scaler, so_many_revisions_and_no_more)
{
	struct bench bench;
	struct grpc_call *call = NULL;
	bench_begin(&bench);
	for (size_t i = 0; i <= SCALER_WATCHED_MAX; i++) {
		char pairs[128];
		snprintf(pairs, sizeof(pairs), "metric=rps target=1 revision=r-%zu", i);
		bench.call_count = 0;
		if (call)
			strbuf_release(&call->said);
		call = ask(&bench, "GetMetricSpec", "app", pairs, NULL);
	}
	EXPECT_TEXT(said(call), "8 16384 revisions are asked for already");
	fake_clock_run(&bench.clock, bench.timers, SCALER_WATCH_MS + 1000);
	EXPECT_FALSE(scaler_needed(bench.scaler));
	bench_end(&bench);
}

TEST(scaler, gone_while_it_waits)
{
	struct bench bench;
	bench_begin(&bench);
	struct grpc_call *first = ask(&bench, "IsActive", "app", GOOD, NULL);
	struct grpc_call *second = ask(&bench, "IsActive", "app", GOOD, NULL);
	struct grpc_call *third = ask(&bench, "IsActive", "app", GOOD, NULL);
	method_of("IsActive")->gone(bench.scaler, second);
	second->finished = true;
	pages(&bench, 150, 0);
	fake_clock_run(&bench.clock, bench.timers, 50);
	EXPECT_TEXT(said(first), "false; 0");
	EXPECT_TEXT(said(second), "");
	EXPECT_TEXT(said(third), "false; 0");
	bench_end(&bench);
}

TEST(scaler, stopping_ends_streams_well)
{
	struct bench bench;
	bench_begin(&bench);
	struct grpc_call *a = ask(&bench, "StreamIsActive", "app", GOOD, NULL);
	struct grpc_call *b = ask(&bench, "StreamIsActive", "app", GOOD, NULL);
	struct grpc_call *waits = ask(&bench, "IsActive", "app", GOOD, NULL);
	scaler_stop(bench.scaler);
	EXPECT_TEXT(said(a), "0");
	EXPECT_TEXT(said(b), "0");
	EXPECT_TEXT(said(waits), "");
	EXPECT_TEXT(said(ask(&bench, "StreamIsActive", "app", GOOD, NULL)), "0");
	pages(&bench, 150, 1);
	fake_clock_run(&bench.clock, bench.timers, 50);
	EXPECT_TEXT(said(waits), "true; 0");
	bench_end(&bench);
}

TEST_MAIN(TEST_OF(scaler, what_is_wrong_is_told), TEST_OF(scaler, no_message_at_all),
	  TEST_OF(scaler, the_target_needs_no_reading),
	  TEST_OF(scaler, the_first_question_waits_for_a_page),
	  TEST_OF(scaler, a_request_is_sure_before_all_is_known),
	  TEST_OF(scaler, a_rate_waits_for_a_second_of_it), TEST_OF(scaler, unread_is_no_zero),
	  TEST_OF(scaler, is_needed_while_somebody_asks),
	  TEST_OF(scaler, so_many_revisions_and_no_more), TEST_OF(scaler, gone_while_it_waits),
	  TEST_OF(scaler, stopping_ends_streams_well))
