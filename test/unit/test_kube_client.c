/* Single requests: paths, lanes, holding back, answers, and the server's time. */
#include <stdlib.h>
#include <string.h>

#include "pkg/kube/client.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_transport.h"
#include "test/lib/test.h"

static const struct kube_resource scaledobjects = {"keda.sh", "v1alpha1", "scaledobjects",
						   "ScaledObject"};
static const struct kube_resource events = {"", "v1", "events", "Event"};

struct bench {
	struct fake_clock clock;
	struct timers *timers;
	struct fake_transport fake;
	struct kube_client *client;
	struct arena *arena;
	/* what the last done brought */
	int done;
	char *object;
	struct error err;
	struct kube_client *send_again;
};

static void setup(struct bench *b, unsigned max_writes)
{
	*b = (struct bench){0};
	fake_clock_init(&b->clock);
	b->timers = timers_new(&b->clock.clock);
	fake_transport_init(&b->fake);
	b->client = kube_client_new(&(struct kube_client_config){.transport = &b->fake.transport,
								 .timers = b->timers,
								 .field_manager = "me/too",
								 .max_writes = max_writes});
	b->arena = arena_new();
}

static void teardown(struct bench *b)
{
	kube_client_free(b->client);
	fake_transport_release(&b->fake);
	timers_free(b->timers);
	arena_free(b->arena);
	free(b->object);
	error_clear(&b->err);
}

static void on_done(void *ctx, const struct json *object, const struct error *err)
{
	struct bench *b = ctx;
	struct strbuf text = STRBUF_INIT;
	b->done++;
	free(b->object);
	b->object = NULL;
	if (object) {
		json_write(object, &text);
		b->object = strbuf_take(&text);
	}
	error_clear(&b->err);
	if (err->kind != ERROR_NONE)
		error_set(&b->err, err->kind, "%s", error_text(err));
	b->err.status = err->status;
	b->err.retry_after_ms = err->retry_after_ms;
	if (b->send_again) {
		struct kube_request request = {
		    .verb = KUBE_GET, .resource = &events, .ns = "n", .name = "again"};
		b->send_again = NULL;
		kube_client_send(b->client, &request, on_done, b);
	}
}

static struct kube_call *send(struct bench *b, enum kube_verb verb, const char *name,
			      bool background)
{
	struct kube_request request = {.verb = verb,
				       .resource = &scaledobjects,
				       .ns = "ns",
				       .name = name,
				       .background = background};
	request.body = verb == KUBE_GET ? NULL : json_object(b->arena);
	return kube_client_send(b->client, &request, on_done, b);
}

TEST(kube_client, resource_paths)
{
	static const struct {
		const struct kube_resource *resource;
		const char *ns, *name, *sub, *want;
	} rows[] = {
	    {&scaledobjects, "a", "b", NULL, "/apis/keda.sh/v1alpha1/namespaces/a/scaledobjects/b"},
	    {&scaledobjects, "a", "b", "status",
	     "/apis/keda.sh/v1alpha1/namespaces/a/scaledobjects/b/status"},
	    {&scaledobjects, NULL, NULL, NULL, "/apis/keda.sh/v1alpha1/scaledobjects"},
	    {&events, "", "x", NULL, "/api/v1/events/x"},
	    {&events, "a/../b", "c?d=e&f#%\xc3\xa9 ", NULL,
	     "/api/v1/namespaces/a%2F..%2Fb/events/c%3Fd%3De%26f%23%25%C3%A9%20"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(strbuf_release) struct strbuf path = STRBUF_INIT;
		kube_resource_path(rows[i].resource, rows[i].ns, rows[i].name, rows[i].sub, &path);
		EXPECT_TEXT(path.buf, rows[i].want);
	}
	CLEANUP(strbuf_release) struct strbuf version = STRBUF_INIT;
	kube_resource_api_version(&scaledobjects, &version);
	strbuf_addch(&version, ' ');
	kube_resource_api_version(&events, &version);
	EXPECT_TEXT(version.buf, "keda.sh/v1alpha1 v1");
}

TEST(kube_client, what_goes_out)
{
	static const struct {
		enum kube_verb verb;
		bool strict;
		const char *sub, *method, *query, *type;
	} rows[] = {
	    {KUBE_GET, true, NULL, "GET", "/x", NULL},
	    {KUBE_CREATE, false, NULL, "POST", "?fieldManager=me%2Ftoo", "application/json"},
	    {KUBE_CREATE, true, NULL, "POST", "?fieldManager=me%2Ftoo&fieldValidation=Strict",
	     "application/json"},
	    {KUBE_PATCH, false, "status", "PATCH", "/x/status?fieldManager=me%2Ftoo",
	     "application/merge-patch+json"},
	    {KUBE_PATCH, true, NULL, "PATCH", "/x?fieldManager=me%2Ftoo&fieldValidation=Strict",
	     "application/merge-patch+json"},
	    {KUBE_DELETE, true, NULL, "DELETE", "/x", "application/json"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(strbuf_release) struct strbuf path = STRBUF_INIT;
		struct bench b;
		setup(&b, 0);
		struct json *body = json_object(b.arena);
		json_set_text(b.arena, body, "a", "b");
		struct kube_request request = {.verb = rows[i].verb,
					       .resource = &scaledobjects,
					       .ns = "ns",
					       .name = "x",
					       .subresource = rows[i].sub,
					       .body = rows[i].verb == KUBE_GET ? NULL : body,
					       .strict = rows[i].strict};
		kube_client_send(b.client, &request, on_done, &b);
		struct http_call *call = fake_last(&b.fake);
		strbuf_addf(&path, "/apis/keda.sh/v1alpha1/namespaces/ns/scaledobjects%s",
			    rows[i].query);
		EXPECT_TEXT(call->request.path, path.buf);
		EXPECT_TEXT(call->request.method, rows[i].method);
		EXPECT_TEXT(call->request.content_type, rows[i].type);
		EXPECT_TEXT(call->request.body, rows[i].type ? "{\"a\":\"b\"}" : NULL);
		EXPECT(!call->request.stream);
		EXPECT_INT(call->request.timeout_ms, 40000);
		EXPECT_INT(call->request.max_body, 8 << 20);
		teardown(&b);
	}
}

TEST(kube_client, answers)
{
	static const struct {
		int status;
		const char *body, *object;
		enum error_kind kind;
		const char *message;
	} rows[] = {
	    {200, "{\"a\":1}", "{\"a\":1}", ERROR_NONE, ""},
	    {201, " {} ", "{}", ERROR_NONE, ""},
	    {200, "", NULL, ERROR_TRANSIENT, "patch ScaledObject ns/x: unreadable answer: "},
	    {200, "{\"a\":", NULL, ERROR_TRANSIENT, "unreadable answer: 1:"},
	    {200, "[]", NULL, ERROR_TRANSIENT, "unreadable answer: no object"},
	    {200, "{} {}", NULL, ERROR_TRANSIENT, "unreadable answer: "},
	    {200, "{\"a\":\"\xff\"}", NULL, ERROR_TRANSIENT, "unreadable answer: "},
	    {503, "", NULL, ERROR_TRANSIENT, "patch ScaledObject ns/x: HTTP 503"},
	    {409, "{\"kind\":\"Status\",\"message\":\"theirs\"}", NULL, ERROR_CONFLICT, "theirs"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench b;
		setup(&b, 0);
		test_row("%d %s", rows[i].status, rows[i].body);
		send(&b, KUBE_PATCH, "x", false);
		EXPECT_INT(b.done, 0);
		fake_answer(&b.fake, fake_last(&b.fake), rows[i].status, rows[i].body);
		EXPECT_INT(b.done, 1);
		EXPECT_TEXT(b.object, rows[i].object);
		EXPECT_INT(b.err.kind, rows[i].kind);
		EXPECT_CONTAINS(error_text(&b.err), rows[i].message);
		if (rows[i].status == 409)
			EXPECT_TEXT(error_text(&b.err), rows[i].message);
		EXPECT_INT(kube_client_in_flight(b.client), 0);
		teardown(&b);
	}
	test_row("%s", "");
}

TEST(kube_client, refuses_an_answer_too_deep)
{
	CLEANUP(strbuf_release) struct strbuf body = STRBUF_INIT;
	struct bench b;
	setup(&b, 0);
	strbuf_addstr(&body, "{\"a\":");
	for (int i = 0; i < 100; i++)
		strbuf_addch(&body, '[');
	for (int i = 0; i < 100; i++)
		strbuf_addch(&body, ']');
	strbuf_addch(&body, '}');
	send(&b, KUBE_GET, "x", false);
	fake_answer(&b.fake, fake_last(&b.fake), 200, body.buf);
	EXPECT_INT(b.err.kind, ERROR_TRANSIENT);
	teardown(&b);
}

TEST(kube_client, connection_trouble_names_the_request)
{
	struct bench b;
	setup(&b, 0);
	send(&b, KUBE_CREATE, "x", false);
	fake_break(&b.fake, fake_last(&b.fake), "connection reset");
	EXPECT_INT(b.err.kind, ERROR_TRANSIENT);
	EXPECT_TEXT(error_text(&b.err), "create ScaledObject ns/x: connection reset");
	EXPECT(!b.object);
	teardown(&b);
}

/* Names of the open requests in the order they went out. */
static void expect_open(struct bench *b, const char *want)
{
	CLEANUP(strbuf_release) struct strbuf got = STRBUF_INIT;
	for (struct http_call *call = b->fake.calls; call; call = call->next) {
		CLEANUP(strbuf_release) struct strbuf path = STRBUF_INIT;
		if (!call->open)
			continue;
		strbuf_add(&path, call->request.path, strcspn(call->request.path, "?"));
		strbuf_addf(&got, "%s ", strrchr(path.buf, '/') + 1);
	}
	EXPECT_TEXT(got.buf, want);
}

TEST(kube_client, writes_wait_their_turn_and_background_ones_longer)
{
	struct bench b;
	setup(&b, 2);
	send(&b, KUBE_PATCH, "a", false);
	send(&b, KUBE_PATCH, "e1", true);
	send(&b, KUBE_PATCH, "e2", true);
	send(&b, KUBE_PATCH, "b", false);
	send(&b, KUBE_PATCH, "c", false);
	send(&b, KUBE_GET, "read", false);
	expect_open(&b, "a e1 read ");
	EXPECT_INT(kube_client_in_flight(b.client), 5);
	fake_answer(&b.fake, fake_find(&b.fake, NULL, "/a?"), 200, "{}");
	expect_open(&b, "e1 read b ");
	fake_answer(&b.fake, fake_find(&b.fake, NULL, "/e1?"), 200, "{}");
	expect_open(&b, "read b c ");
	fake_answer(&b.fake, fake_find(&b.fake, NULL, "/b?"), 500, "");
	expect_open(&b, "read c e2 ");
	EXPECT_INT(kube_client_in_flight(b.client), 2);
	teardown(&b);
}

TEST(kube_client, background_writes_get_a_quarter)
{
	struct bench b;
	setup(&b, 8);
	for (int i = 0; i < 5; i++)
		send(&b, KUBE_PATCH, "e", true);
	expect_open(&b, "e e ");
	send(&b, KUBE_PATCH, "a", false);
	expect_open(&b, "e e a ");
	teardown(&b);
}

static size_t in_flight_after(struct bench *b, int64_t ms)
{
	fake_clock_run(&b->clock, b->timers, ms);
	return fake_open_count(&b->fake);
}

/* 100 writes that hang, and one that does not. */
TEST(kube_client, slow_writes_do_not_hold_up_the_others)
{
	struct bench b;
	setup(&b, 32);
	for (int i = 0; i < 40; i++)
		send(&b, KUBE_PATCH, "stuck", false);
	send(&b, KUBE_PATCH, "good", false);
	EXPECT_INT(in_flight_after(&b, 999), 32);
	EXPECT_INT(in_flight_after(&b, 1), 40); /* a quarter beside those that are slow */
	EXPECT_INT(in_flight_after(&b, 999), 40);
	EXPECT(!fake_find(&b.fake, NULL, "/good?"));
	fake_clock_run(&b.clock, b.timers, 1);
	EXPECT(fake_find(&b.fake, NULL, "/good?"));
	for (int i = 0; i < 100; i++)
		send(&b, KUBE_PATCH, "stuck", false);
	EXPECT_INT(in_flight_after(&b, 60000), 96); /* but not more than three times as many */
	/* Answered, they make room at once. */
	for (int i = 0; i < 70; i++)
		fake_answer(&b.fake, fake_find(&b.fake, NULL, "/stuck?"), 500, "");
	EXPECT_INT(fake_open_count(&b.fake), 34);
	EXPECT_INT(in_flight_after(&b, 1000), 42);
	teardown(&b);
}

/* Writes that take 1.5 s each, all of them: the server is busy, more would not help. */
TEST(kube_client, a_slow_server_gets_no_more_than_before)
{
	struct bench b;
	size_t most = 0;
	setup(&b, 32);
	for (int i = 0; i < 2000; i++)
		send(&b, KUBE_PATCH, "w", false);
	for (int i = 0; i < 300; i++) {
		struct http_call *call;
		fake_clock_run(&b.clock, b.timers, 100);
		size_t open = fake_open_count(&b.fake);
		most = open > most ? open : most;
		for (size_t n = 0; n < 2 + (size_t)(i % 2) && i > 14; n++)
			if ((call = fake_find(&b.fake, "PATCH", "")))
				fake_answer(&b.fake, call, 200, "{}");
	}
	EXPECT(most <= 40);
	teardown(&b);
}

TEST(kube_client, cancel_forgets_and_makes_room)
{
	struct bench b;
	setup(&b, 1);
	struct kube_call *a = send(&b, KUBE_PATCH, "a", false);
	struct kube_call *waiting = send(&b, KUBE_PATCH, "b", false);
	send(&b, KUBE_PATCH, "c", false);
	kube_client_cancel(b.client, waiting);
	EXPECT_INT(kube_client_in_flight(b.client), 2);
	kube_client_cancel(b.client, a);
	EXPECT(b.fake.calls->cancelled);
	expect_open(&b, "c ");
	EXPECT_INT(b.done, 0);
	teardown(&b);
	EXPECT_INT(b.done, 0);
}

TEST(kube_client, done_may_send)
{
	struct bench b;
	setup(&b, 1);
	send(&b, KUBE_PATCH, "a", false);
	b.send_again = b.client;
	fake_answer(&b.fake, fake_last(&b.fake), 200, "{}");
	expect_open(&b, "again ");
	fake_answer(&b.fake, fake_last(&b.fake), 200, "{}");
	EXPECT_INT(b.done, 2);
	teardown(&b);
}

TEST(kube_client, retry_after_holds_back_writes)
{
	static const struct {
		int status;
		int64_t retry_after_ms, held_ms;
	} rows[] = {
	    {429, 3000, 3000}, {503, 1000, 1000}, {429, 3600000, 60000},
	    {429, 0, 0},       {500, 5000, 0},    {409, 5000, 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench b;
		setup(&b, 0);
		test_row("%d %d", rows[i].status, (int)rows[i].retry_after_ms);
		send(&b, KUBE_PATCH, "a", false);
		b.fake.retry_after_ms = rows[i].retry_after_ms;
		fake_answer(&b.fake, fake_last(&b.fake), rows[i].status, "");
		EXPECT_INT(b.err.status, rows[i].status);
		EXPECT_INT(b.err.retry_after_ms, rows[i].retry_after_ms);
		send(&b, KUBE_PATCH, "w", false);
		send(&b, KUBE_GET, "r", false);
		if (rows[i].held_ms > 0) {
			expect_open(&b, "r ");
			fake_clock_run(&b.clock, b.timers, rows[i].held_ms - 1);
			expect_open(&b, "r ");
			fake_clock_run(&b.clock, b.timers, 1);
			expect_open(&b, "r w ");
		} else {
			expect_open(&b, "w r ");
		}
		teardown(&b);
	}
	test_row("%s", "");
}

/* A webhook may answer with any code about the one object it was asked for. */
TEST(kube_client, a_webhooks_429_holds_back_nobody)
{
	struct bench b;
	setup(&b, 0);
	send(&b, KUBE_PATCH, "a", false);
	b.fake.retry_after_ms = 60000;
	fake_answer(&b.fake, fake_last(&b.fake), 429,
		    "{\"kind\":\"Status\",\"message\":\"admission webhook \\\"w\\\" denied the "
		    "request: later\"}");
	EXPECT_INT(b.err.kind, ERROR_THROTTLED);
	EXPECT_INT(b.err.retry_after_ms, 60000);
	send(&b, KUBE_PATCH, "b", false);
	expect_open(&b, "b ");
	teardown(&b);
}

TEST(kube_client, the_longer_hold_counts)
{
	struct bench b;
	setup(&b, 0);
	send(&b, KUBE_PATCH, "a", false);
	send(&b, KUBE_PATCH, "b", false);
	b.fake.retry_after_ms = 10000;
	fake_answer(&b.fake, fake_find(&b.fake, NULL, "/a?"), 429, "");
	b.fake.retry_after_ms = 1000;
	fake_answer(&b.fake, fake_find(&b.fake, NULL, "/b?"), 429, "");
	send(&b, KUBE_PATCH, "c", false);
	fake_clock_run(&b.clock, b.timers, 9999);
	expect_open(&b, "");
	fake_clock_run(&b.clock, b.timers, 1);
	expect_open(&b, "c ");
	teardown(&b);
}

TEST(kube_client, time_is_the_servers)
{
	struct bench b;
	setup(&b, 0);
	int64_t now = FAKE_CLOCK_WALL;
	EXPECT_INT(kube_client_now_ms(b.client), now);
	/* Right within the header's whole second: nothing moves. */
	kube_client_saw_date(b.client, now - 1000);
	kube_client_saw_date(b.client, now + 1000);
	kube_client_saw_date(b.client, now - 2000);
	EXPECT_INT(kube_client_now_ms(b.client), now);
	/* 5 minutes off. */
	kube_client_saw_date(b.client, now + 300000);
	EXPECT_INT(kube_client_now_ms(b.client), now + 300500);
	fake_clock_advance(&b.clock, 700);
	EXPECT_INT(kube_client_now_ms(b.client), now + 301200);
	/* The local clock steps: nothing changes. */
	b.clock.wall -= 3600000;
	EXPECT_INT(kube_client_now_ms(b.client), now + 301200);
	b.clock.wall += 7200000;
	EXPECT_INT(kube_client_now_ms(b.client), now + 301200);
	/* Back. */
	kube_client_saw_date(b.client, now);
	EXPECT_INT(kube_client_now_ms(b.client), now + 500);
	teardown(&b);
}

TEST(kube_client, answers_tell_the_time)
{
	struct bench b;
	setup(&b, 0);
	b.fake.date_ms = FAKE_CLOCK_WALL + 86400000;
	send(&b, KUBE_GET, "a", false);
	fake_answer(&b.fake, fake_last(&b.fake), 404, "");
	EXPECT_INT(kube_client_now_ms(b.client), FAKE_CLOCK_WALL + 86400500);
	teardown(&b);
}

TEST(kube_client, answers_cut_off_do_not)
{
	struct bench b;
	setup(&b, 0);
	b.fake.date_ms = FAKE_CLOCK_WALL + 86400000;
	send(&b, KUBE_GET, "a", false);
	fake_head(&b.fake, fake_last(&b.fake), 200);
	fake_break(&b.fake, fake_last(&b.fake), "timed out");
	EXPECT_INT(b.err.kind, ERROR_TRANSIENT);
	EXPECT_INT(kube_client_now_ms(b.client), FAKE_CLOCK_WALL);
	teardown(&b);
}

TEST(kube_client, free_while_held_and_waiting)
{
	struct bench b;
	setup(&b, 1);
	send(&b, KUBE_PATCH, "a", false);
	b.fake.retry_after_ms = 10000;
	fake_answer(&b.fake, fake_last(&b.fake), 429, "");
	send(&b, KUBE_PATCH, "b", false);
	send(&b, KUBE_PATCH, "c", true);
	send(&b, KUBE_GET, "d", false);
	teardown(&b);
	EXPECT_INT(b.done, 1);
}

TEST_MAIN(TEST_OF(kube_client, resource_paths), TEST_OF(kube_client, what_goes_out),
	  TEST_OF(kube_client, answers), TEST_OF(kube_client, refuses_an_answer_too_deep),
	  TEST_OF(kube_client, connection_trouble_names_the_request),
	  TEST_OF(kube_client, writes_wait_their_turn_and_background_ones_longer),
	  TEST_OF(kube_client, background_writes_get_a_quarter),
	  TEST_OF(kube_client, slow_writes_do_not_hold_up_the_others),
	  TEST_OF(kube_client, a_slow_server_gets_no_more_than_before),
	  TEST_OF(kube_client, a_webhooks_429_holds_back_nobody),
	  TEST_OF(kube_client, cancel_forgets_and_makes_room), TEST_OF(kube_client, done_may_send),
	  TEST_OF(kube_client, retry_after_holds_back_writes),
	  TEST_OF(kube_client, the_longer_hold_counts), TEST_OF(kube_client, time_is_the_servers),
	  TEST_OF(kube_client, answers_tell_the_time), TEST_OF(kube_client, answers_cut_off_do_not),
	  TEST_OF(kube_client, free_while_held_and_waiting))
