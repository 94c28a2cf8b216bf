/* Events: what they look like, how they add up, and that they never cost more than they may. */
#include "test/unit/events_fixture.h"

TEST(events, look_like_client_gos)
{
	struct bench b;
	setup(&b);
	recorder_event(b.recorder, &about, true, "NotOwned", "no \"way\"");
	struct http_call *call = fake_last(&b.fake);
	EXPECT_TEXT(call->request.method, "POST");
	EXPECT_TEXT(call->request.path, "/api/v1/namespaces/ns/events?fieldManager=me");
	EXPECT_TEXT(
	    call->request.body,
	    "{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":{\"name\":"
	    "\"pa.18867251edfa0000\",\"namespace\":\"ns\"},\"involvedObject\":{\"apiVersion\":"
	    "\"autoscaling.internal.knative.dev/v1alpha1\",\"kind\":\"PodAutoscaler\","
	    "\"namespace\":\"ns\",\"name\":\"pa\",\"uid\":\"u-1\"},\"type\":\"Warning\","
	    "\"reason\":\"NotOwned\",\"message\":\"no \\\"way\\\"\",\"source\":{"
	    "\"component\":\"autoscaler-keda-hpa\"},\"firstTimestamp\":"
	    "\"2026-01-01T00:00:00Z\",\"lastTimestamp\":\"2026-01-01T00:00:00Z\","
	    "\"count\":1,\"reportingComponent\":\"autoscaler-keda-hpa\","
	    "\"reportingInstance\":\"pod-1\"}");
	answer(&b, 201);
	EXPECT_INT(stats_of(&b).sent, 1);
	teardown(&b);
}

TEST(events, of_objects_without_namespace_or_uid)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct event_about node = {"v1", "Node", NULL, "n", NULL, NULL};
	struct bench b;
	setup(&b);
	recorder_event(b.recorder, &node, false, "R", "m");
	EXPECT_TEXT(fake_last(&b.fake)->request.path,
		    "/api/v1/namespaces/default/events?fieldManager=me");
	const struct json *body = body_of(arena, fake_last(&b.fake));
	EXPECT_TEXT(json_text(json_get(body, "type")), "Normal");
	EXPECT_TEXT(json_text(json_path(body, "metadata", "namespace", NULL)), "default");
	EXPECT(!json_path(body, "involvedObject", "namespace", NULL));
	EXPECT(!json_path(body, "involvedObject", "uid", NULL));
	teardown(&b);
}

TEST(events, use_the_servers_time)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct bench b;
	setup(&b);
	kube_client_saw_date(b.client, FAKE_CLOCK_WALL + 3600000);
	recorder_event(b.recorder, &about, false, "R", "m");
	EXPECT_TEXT(json_text(json_get(body_of(arena, fake_last(&b.fake)), "firstTimestamp")),
		    "2026-01-01T01:00:00Z");
	teardown(&b);
}

TEST(events, repeats_add_up)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(strbuf_release) struct strbuf name = STRBUF_INIT;
	struct bench b;
	setup(&b);
	recorder_event(b.recorder, &about, true, "R", "m");
	struct http_call *created = fake_last(&b.fake);
	strbuf_addf(&name, "/events/%s?",
		    json_text(json_path(body_of(arena, created), "metadata", "name", NULL)));
	/* While the first is under way: one request for all of them. */
	recorder_event(b.recorder, &about, true, "R", "m");
	fake_clock_run(&b.clock, b.timers, 60000);
	recorder_event(b.recorder, &about, true, "R", "m");
	EXPECT_INT(b.fake.count, 1);
	answer(&b, 201);
	EXPECT_INT(b.fake.count, 2);
	struct http_call *patch = fake_last(&b.fake);
	EXPECT_TEXT(patch->request.method, "PATCH");
	EXPECT_CONTAINS(patch->request.path, name.buf);
	EXPECT_TEXT(patch->request.body,
		    "{\"count\":3,\"lastTimestamp\":\"2026-01-01T00:01:00Z\"}");
	answer(&b, 200);
	EXPECT_INT(fake_open_count(&b.fake), 0);
	/* And later: at once. */
	recorder_event(b.recorder, &about, true, "R", "m");
	EXPECT_CONTAINS(fake_last(&b.fake)->request.body, "\"count\":4");
	EXPECT_INT(stats_of(&b).aggregated, 3);
	teardown(&b);
}

TEST(events, what_differs_does_not_add_up)
{
	struct event_about others[] = {about, about, about, about, about};
	struct bench b;
	setup(&b);
	others[0].uid = "u-2";
	others[1].name = "pb";
	others[2].ns = "other";
	others[3].kind = "Revision";
	others[4].api_version = "v2";
	recorder_event(b.recorder, &about, true, "R", "m");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		recorder_event(b.recorder, &others[i], true, "R", "m");
	recorder_event(b.recorder, &about, false, "R", "m");
	recorder_event(b.recorder, &about, true, "S", "m");
	recorder_event(b.recorder, &about, true, "R", "n");
	recorder_event(b.recorder, &about, true, "Rm", "");
	EXPECT_INT(stats_of(&b).aggregated, 0);
	EXPECT_INT(kube_client_in_flight(b.client), 10);
	teardown(&b);
}

TEST(events, after_ten_minutes_of_silence_a_new_one)
{
	struct bench b;
	setup(&b);
	recorder_event(b.recorder, &about, true, "R", "m");
	answer(&b, 201);
	fake_clock_run(&b.clock, b.timers, 600000);
	recorder_event(b.recorder, &about, true, "R", "m");
	EXPECT_TEXT(fake_last(&b.fake)->request.method, "PATCH");
	answer(&b, 200);
	fake_clock_run(&b.clock, b.timers, 600001);
	recorder_event(b.recorder, &about, true, "R", "m");
	EXPECT_TEXT(fake_last(&b.fake)->request.method, "POST");
	teardown(&b);
}

/* As many different events as there are numbers, none similar to another. */
static void flood(struct bench *b, const struct event_about *whose, int from, int count)
{
	for (int i = from; i < from + count; i++) {
		char reason[32];
		snprintf(reason, sizeof(reason), "Reason%d", i);
		recorder_event(b->recorder, whose, true, reason, "m");
	}
}

TEST(events, an_object_has_a_bucket)
{
	struct bench b;
	setup(&b);
	flood(&b, &about, 0, 40);
	answer_all(&b);
	EXPECT_INT(stats_of(&b).sent, 25);
	EXPECT_INT(stats_of(&b).dropped, 15);
	fake_clock_run(&b.clock, b.timers, 299999);
	flood(&b, &about, 100, 1);
	EXPECT_INT(stats_of(&b).dropped, 16);
	fake_clock_run(&b.clock, b.timers, 1);
	flood(&b, &about, 200, 2);
	answer_all(&b);
	EXPECT_INT(stats_of(&b).sent, 26);
	EXPECT_INT(stats_of(&b).dropped, 17);
	/* Another object has its own. */
	struct event_about other = about;
	other.uid = "u-2";
	flood(&b, &other, 0, 5);
	answer_all(&b);
	EXPECT_INT(stats_of(&b).sent, 31);
	teardown(&b);
}

TEST(events, repeats_draw_on_the_bucket_too)
{
	struct bench b;
	setup(&b);
	for (int i = 0; i < 100; i++) {
		recorder_event(b.recorder, &about, true, "R", "m");
		answer_all(&b);
	}
	EXPECT_INT(b.fake.count, 25);
	EXPECT_INT(stats_of(&b).aggregated, 99);
	/* What was not sent is not forgotten. */
	fake_clock_run(&b.clock, b.timers, 300000);
	recorder_event(b.recorder, &about, true, "R", "m");
	EXPECT_CONTAINS(fake_last(&b.fake)->request.body, "\"count\":101");
	teardown(&b);
}

TEST(events, repeats_that_wait_for_an_answer_draw_on_it_too)
{
	struct bench b;
	setup(&b);
	recorder_event(b.recorder, &about, true, "R", "m");
	for (int i = 0; i < 100 && fake_open_count(&b.fake) > 0; i++) {
		recorder_event(b.recorder, &about, true, "R", "m");
		answer(&b, 200);
	}
	EXPECT_INT(b.fake.count, 25);
	teardown(&b);
}

static void event_of(struct bench *b, const char *prefix, int number)
{
	char uid[32];
	struct event_about one = about;
	snprintf(uid, sizeof(uid), "%s-%d", prefix, number);
	one.uid = uid;
	recorder_event(b->recorder, &one, true, "R", "m");
}

TEST(events, the_oldest_bucket_is_forgotten)
{
	struct bench b;
	setup(&b);
	flood(&b, &about, 0, 26);
	answer_all(&b);
	EXPECT_INT(stats_of(&b).dropped, 1);
	for (int i = 0; i < 4096; i++) {
		fake_clock_run(&b.clock, b.timers, 80);
		event_of(&b, "other", i);
	}
	uint64_t dropped = stats_of(&b).dropped;
	EXPECT_INT(stats_of(&b).buckets, 4096);
	fake_clock_run(&b.clock, b.timers, 80);
	flood(&b, &about, 100, 1);
	EXPECT_INT(stats_of(&b).dropped, dropped);
	teardown(&b);
}

static void event_in(struct bench *b, const char *ns, int number)
{
	char uid[32];
	struct event_about one = about;
	snprintf(uid, sizeof(uid), "%s-%d", ns, number);
	one.ns = ns;
	one.uid = uid;
	recorder_event(b->recorder, &one, true, "R", "m");
}

/* count Events about as many objects of a namespace; how many of them were dropped. */
static int dropped_of(struct bench *b, const char *ns, int from, int count)
{
	uint64_t before = stats_of(b).dropped;
	for (int i = from; i < from + count; i++)
		event_in(b, ns, i);
	return (int)(stats_of(b).dropped - before);
}

TEST(events, a_namespace_leaves_room_for_the_others)
{
	struct bench b;
	setup(&b);
	EXPECT_INT(dropped_of(&b, "loud", 0, 1000), 950);
	EXPECT_INT(dropped_of(&b, "quiet", 0, 50), 0);
	answer_all(&b);
	/* It goes on shouting for a minute: a quarter of the process' pace is its share. */
	int dropped = 0;
	for (int i = 0; i < 600; i++) {
		fake_clock_run(&b.clock, b.timers, 100);
		dropped += dropped_of(&b, "loud", 1000 + i * 10, 10);
		answer_all(&b);
	}
	EXPECT_INT(6000 - dropped, 60000 / 80);
	EXPECT_INT(dropped_of(&b, "third", 0, 50), 0);
	teardown(&b);
}

TEST(events, the_process_has_a_budget)
{
	static const char *const namespaces[] = {"a", "b", "c", "d", "e"};
	int dropped = 0;
	struct bench b;
	setup(&b);
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
		dropped += dropped_of(&b, namespaces[i], 0, 50);
	EXPECT_INT(dropped, 50);
	EXPECT_INT(kube_client_in_flight(b.client), 200);
	EXPECT_INT(fake_open_count(&b.fake), 8); /* a quarter of the writes */
	answer_all(&b);
	fake_clock_run(&b.clock, b.timers, 100);
	EXPECT_INT(dropped_of(&b, "e", 100, 10), 5);
	teardown(&b);
}

TEST(events, a_failed_one_is_not_repeated)
{
	struct bench b;
	setup(&b);
	recorder_event(b.recorder, &about, true, "R", "m");
	recorder_event(b.recorder, &about, true, "R", "m");
	answer(&b, 403);
	EXPECT_INT(fake_open_count(&b.fake), 0);
	EXPECT_INT(stats_of(&b).failed, 1);
	recorder_event(b.recorder, &about, true, "R", "m");
	EXPECT_TEXT(fake_last(&b.fake)->request.method, "POST");
	answer(&b, 201);
	recorder_event(b.recorder, &about, true, "R", "m");
	EXPECT_TEXT(fake_last(&b.fake)->request.method, "PATCH");
	answer(&b, 500);
	recorder_event(b.recorder, &about, true, "R", "m");
	EXPECT_CONTAINS(fake_last(&b.fake)->request.body, "\"count\":3");
	answer(&b, 404); /* it has expired on the server */
	recorder_event(b.recorder, &about, true, "R", "m");
	EXPECT_TEXT(fake_last(&b.fake)->request.method, "POST");
	EXPECT_INT(stats_of(&b).failed, 3);
	teardown(&b);
}

static void count_line(void *ctx, const char *line, size_t length UNUSED)
{
	int *count = ctx;
	*count += strstr(line, "\"event not written\"") && strstr(line, "\"WARNING\"") &&
		  strstr(line, "not you");
}

TEST(events, who_may_not_write_them_hears_it_once_a_minute)
{
	struct bench b;
	int warnings = 0;
	setup(&b);
	log_set_level(LOG_INFO);
	log_setup(&b.clock.clock, NULL, count_line, &warnings);
	for (int i = 0; i < 20; i++) {
		char name[16];
		struct event_about one = about;
		snprintf(name, sizeof(name), "pa-%d", i);
		one.name = name;
		recorder_event(b.recorder, &one, true, "R", "m");
		struct http_call *call = fake_find(&b.fake, NULL, "");
		if (call && i == 3)
			fake_break(&b.fake, call, "not you, but for a moment");
		else if (call)
			fake_answer(&b.fake, call, 403,
				    "{\"kind\":\"Status\",\"message\":\"not you\"}");
		fake_clock_run(&b.clock, b.timers, 10000);
	}
	EXPECT_INT(warnings, 4); /* in 200 s */
	EXPECT_INT(stats_of(&b).failed, 20);
	log_setup(&system_clock, NULL, NULL, NULL);
	log_set_level(LOG_ERROR);
	teardown(&b);
}

TEST(events, long_texts_are_cut)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(strbuf_release) struct strbuf message = STRBUF_INIT;
	struct event_about long_named = about;
	char name[254];
	struct bench b;
	setup(&b);
	memset(name, 'n', 253);
	name[253] = '\0';
	long_named.name = name;
	strbuf_addch(&message, 'x');
	for (int i = 0; i < 1000; i++)
		strbuf_addstr(&message, "\xe2\x82\xac");
	recorder_event(b.recorder, &long_named, true, "R", message.buf);
	const struct json *body = body_of(arena, fake_last(&b.fake));
	EXPECT_INT(strlen(json_text_or(json_get(body, "message"), "")), 1024);
	EXPECT_INT(strlen(json_text_or(json_path(body, "metadata", "name", NULL), "")), 253);
	EXPECT_TEXT(json_text(json_path(body, "involvedObject", "name", NULL)), name);
	teardown(&b);
}

TEST(events, names_differ_at_one_moment)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct bench b;
	setup(&b);
	flood(&b, &about, 0, 2);
	const char *first =
	    json_text(json_path(body_of(arena, b.fake.calls), "metadata", "name", NULL));
	const char *second =
	    json_text(json_path(body_of(arena, fake_last(&b.fake)), "metadata", "name", NULL));
	EXPECT(first && second && strcmp(first, second) != 0);
	teardown(&b);
}

/* Ten thousand objects over hours: what is held stays bounded. */
TEST(events, memory_is_bounded)
{
	struct bench b;
	setup(&b);
	for (int i = 0; i < 10000; i++) {
		event_of(&b, "u", i);
		fake_clock_run(&b.clock, b.timers, 25);
		struct http_call *call = fake_last(&b.fake);
		if (i < 50 && call->open)
			fake_answer(&b.fake, call, 201, "{}");
	}
	/* None was answered but the first: the oldest were cancelled. */
	EXPECT(kube_client_in_flight(b.client) <= 4096);
	teardown(&b);
}

TEST_MAIN(TEST_OF(events, look_like_client_gos),
	  TEST_OF(events, of_objects_without_namespace_or_uid),
	  TEST_OF(events, use_the_servers_time), TEST_OF(events, repeats_add_up),
	  TEST_OF(events, what_differs_does_not_add_up),
	  TEST_OF(events, after_ten_minutes_of_silence_a_new_one),
	  TEST_OF(events, an_object_has_a_bucket), TEST_OF(events, repeats_draw_on_the_bucket_too),
	  TEST_OF(events, repeats_that_wait_for_an_answer_draw_on_it_too),
	  TEST_OF(events, the_oldest_bucket_is_forgotten),
	  TEST_OF(events, a_namespace_leaves_room_for_the_others),
	  TEST_OF(events, the_process_has_a_budget), TEST_OF(events, a_failed_one_is_not_repeated),
	  TEST_OF(events, who_may_not_write_them_hears_it_once_a_minute),
	  TEST_OF(events, long_texts_are_cut), TEST_OF(events, names_differ_at_one_moment),
	  TEST_OF(events, memory_is_bounded))
