/* The gRPC server, request by request, by the bytes of a real connection. */
#include "test/unit/grpc_fixture.h"

#define DATA(bytes) .data = (bytes), .length = sizeof(bytes) - 1

/* What a whole request is answered. */
struct row {
	const char *name;
	struct h2_call call;
	int http_status, code;
	const char *text; /* as it is sent */
	const char *body; /* messages without their prefixes, joined by '|' */
};

static const struct row rows[] = {
    {"a message", {.path = "/t.T/Echo", DATA("\0\0\0\0\2hi")}, 200, GRPC_OK, "", "hi"},
    {"an empty message", {.path = "/t.T/Echo", DATA("\0\0\0\0\0")}, 200, GRPC_OK, "", ""},
    {"three of them", {.path = "/t.T/Thrice", DATA("\0\0\0\0\1x")}, 200, GRPC_OK, "", "x|x|x"},
    {"+proto",
     {.path = "/t.T/Echo", .content_type = "application/grpc+proto", DATA("\0\0\0\0\1x")},
     200,
     GRPC_OK,
     "",
     "x"},
    {"a refusal",
     {.path = "/t.T/Refuse",
      DATA("\0\0\0\0\7"
	   "50% \xC3\xBC\n")},
     200,
     GRPC_INVALID_ARGUMENT,
     "50%25 %C3%BC%0A",
     ""},
    {"no method",
     {.path = "/t.T/Other", DATA("\0\0\0\0\1x")},
     200,
     GRPC_UNIMPLEMENTED,
     "there is no such method",
     ""},
    {"GET",
     {.method = "GET", .path = "/t.T/Echo", DATA("\0\0\0\0\1x")},
     405,
     GRPC_INTERNAL,
     "only POST is served",
     ""},
    {"another content-type",
     {.path = "/t.T/Echo", .content_type = "application/json", DATA("{}")},
     415,
     GRPC_INTERNAL,
     "the content-type is not application/grpc",
     ""},
    {"grpc-web",
     {.path = "/t.T/Echo", .content_type = "application/grpc-web", DATA("\0\0\0\0\1x")},
     415,
     GRPC_INTERNAL,
     "the content-type is not application/grpc",
     ""},
    {"compressed",
     {.path = "/t.T/Echo", DATA("\1\0\0\0\1x")},
     200,
     GRPC_UNIMPLEMENTED,
     "compressed messages are not read",
     ""},
    {"a flag that is none",
     {.path = "/t.T/Echo", DATA("\2\0\0\0\1x")},
     200,
     GRPC_INTERNAL,
     "malformed prefix of a message",
     ""},
    {"nothing",
     {.path = "/t.T/Echo"},
     200,
     GRPC_INTERNAL,
     "the request ends before its message",
     ""},
    {"half a prefix",
     {.path = "/t.T/Echo", DATA("\0\0\0")},
     200,
     GRPC_INTERNAL,
     "the request ends before its message",
     ""},
    {"half a message",
     {.path = "/t.T/Echo", DATA("\0\0\0\0\3hi")},
     200,
     GRPC_INTERNAL,
     "the request ends before its message",
     ""},
    {"two messages",
     {.path = "/t.T/Echo", DATA("\0\0\0\0\1x\0\0\0\0\1x")},
     200,
     GRPC_INTERNAL,
     "more than one request message",
     ""},
    {"too long a message",
     {.path = "/t.T/Echo", DATA("\0\0\1\0\1x"), .open = true},
     200,
     GRPC_RESOURCE_EXHAUSTED,
     "the message is longer than 65536 bytes",
     ""},
    {"a time-out that is none",
     {.path = "/t.T/Echo", .timeout = "1s", DATA("\0\0\0\0\1x")},
     200,
     GRPC_INTERNAL,
     "malformed grpc-timeout",
     ""},
};

/* Messages joined by '|'; what is no whole message shows as '!'. */
static void read_messages(const struct strbuf *body, struct strbuf *out)
{
	size_t at = 0;
	while (at + 5 <= body->len) {
		const uint8_t *bytes = (const uint8_t *)body->buf + at;
		size_t length = (size_t)bytes[1] << 24 | (size_t)bytes[2] << 16 |
				(size_t)bytes[3] << 8 | bytes[4];
		if (bytes[0] != 0 || length > body->len - at - 5)
			break;
		if (at)
			strbuf_addch(out, '|');
		strbuf_add(out, bytes + 5, length);
		at += 5 + length;
	}
	if (at != body->len)
		strbuf_addch(out, '!');
}

static void expect_row(const struct row *row, const struct h2_answer *answer)
{
	CLEANUP(strbuf_release) struct strbuf messages = STRBUF_INIT;
	read_messages(&answer->body, &messages);
	EXPECT_INT(answer->http_status, row->http_status);
	EXPECT_INT(answer->code, row->code);
	EXPECT_TEXT(answer->text, row->text);
	EXPECT_TEXT(messages.buf, row->body);
	EXPECT_TEXT(answer->content_type, "application/grpc");
	EXPECT_TEXT(answer->encodings, "identity");
	EXPECT_TEXT(answer->allow, row->http_status == 405 ? "POST" : "");
	EXPECT_INT(answer->trailers_only, answer->body.len == 0);
	EXPECT_INT(answer->reset, NGHTTP2_NO_ERROR);
}

/* Each alone, and in pieces of 1 to 31 bytes. */
TEST(grpc, answers_requests)
{
	struct grpc_site site;
	site_setup(&site);
	for (size_t split = 0; split < 32; split++) {
		site_reopen(&site);
		site.client.split = split;
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			test_row("%s, split %zu", rows[i].name, split);
			struct h2_answer *answer = h2_client_call(&site.client, &rows[i].call);
			EXPECT(h2_client_run(&site.client, &answer->closed));
			expect_row(&rows[i], answer);
		}
	}
	site_teardown(&site);
}

TEST(grpc, answers_many_at_once)
{
	struct grpc_site site;
	site_setup(&site);
	for (int i = 0; i < 10; i++)
		for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
			h2_client_call(&site.client, &rows[k].call);
	EXPECT(h2_client_run(&site.client, NULL));
	for (size_t i = 0; i < site.client.count; i++) {
		test_row("%s, the %zu.", rows[i % ARRAY_SIZE(rows)].name, i);
		EXPECT(site.client.answers[i]->closed);
		expect_row(&rows[i % ARRAY_SIZE(rows)], site.client.answers[i]);
	}
	EXPECT_INT(grpc_server_calls(site.server), 0);
	EXPECT_INT(grpc_server_connections(site.server), 1);
	site_teardown(&site);
}

/* As long as may be, both ways: more than the windows of HTTP/2 let through at once. */
TEST(grpc, carries_long_messages)
{
	struct grpc_site site;
	CLEANUP(strbuf_release) struct strbuf message = STRBUF_INIT;
	uint64_t random = 1;
	for (size_t i = 0; i < GRPC_MESSAGE_MAX; i++)
		strbuf_addch(&message, (char)test_random(&random));
	site_setup(&site);
	for (int i = 0; i < 4; i++)
		h2_client_ask(&site.client, "/t.T/Thrice", message.buf, message.len);
	EXPECT(h2_client_run(&site.client, NULL));
	for (size_t i = 0; i < site.client.count; i++) {
		const struct h2_answer *answer = site.client.answers[i];
		EXPECT_INT(answer->code, GRPC_OK);
		EXPECT_INT(answer->body.len, 3 * (message.len + 5));
		EXPECT(memcmp(answer->body.buf + 5, message.buf, message.len) == 0);
	}
	site_teardown(&site);
}

TEST(grpc, streams_as_long_as_wanted)
{
	struct grpc_site site;
	site_setup(&site);
	struct h2_answer *answer = h2_client_ask(&site.client, "/t.T/Hold", "", 0);
	EXPECT(h2_client_run(&site.client, &site.one_held));
	EXPECT_INT(answer->http_status, 0);
	for (size_t i = 1; i <= 3; i++) {
		grpc_send(site.held[0], "ab", 2);
		EXPECT(h2_client_run(&site.client, NULL));
		EXPECT_INT(answer->body.len, i * 7);
		EXPECT_INT(answer->code, -1);
	}
	grpc_finish(site.held[0], GRPC_UNAVAILABLE, "later");
	EXPECT(h2_client_run(&site.client, &answer->closed));
	EXPECT_INT(answer->code, GRPC_UNAVAILABLE);
	EXPECT_TEXT(answer->text, "later");
	EXPECT_FALSE(answer->trailers_only);
	EXPECT_INT(site.gone, 0);
	site_teardown(&site);
}

static void hold_three(struct grpc_site *site)
{
	for (int i = 0; i < 3; i++)
		h2_client_ask(&site->client, "/t.T/Hold", "", 0);
	EXPECT(h2_client_run(&site->client, NULL));
	EXPECT_INT(site->held_count, 3);
	EXPECT_INT(site->gone, 0);
}

TEST(grpc, tells_that_a_client_went)
{
	struct grpc_site site;
	site_setup(&site);
	hold_three(&site);
	h2_client_reset(&site.client, site.client.answers[1]);
	EXPECT(h2_client_run(&site.client, &site.one_gone));
	EXPECT_INT(site.gone, 1);
	EXPECT(site.held[1] == NULL && site.held[0] && site.held[2]);
	grpc_finish(site.held[0], GRPC_OK, NULL);
	site_reopen(&site); /* the connection with it all */
	EXPECT(h2_client_run(&site.client, NULL));
	EXPECT_INT(site.gone, 2);
	EXPECT(site.held[2] == NULL);
	EXPECT_INT(grpc_server_calls(site.server), 0);
	EXPECT_INT(grpc_server_connections(site.server), 1);
	site_teardown(&site);
}

TEST(grpc, tells_of_calls_when_it_is_freed)
{
	struct grpc_site site;
	site_setup(&site);
	hold_three(&site);
	grpc_finish(site.held[1], GRPC_OK, NULL);
	grpc_send(site.held[2], "never sent", 10);
	grpc_server_free(site.server);
	site.server = NULL;
	EXPECT_INT(site.gone, 2);
	site_teardown(&site);
}

TEST(grpc, keeps_deadlines)
{
	static const char *const timeouts[] = {"0S", "1n", "1u", "30m", "30000u"};
	struct grpc_site site;
	site_setup(&site);
	for (size_t i = 0; i < ARRAY_SIZE(timeouts); i++) {
		test_row("%s", timeouts[i]);
		struct h2_answer *answer =
		    h2_client_call(&site.client, &(struct h2_call){.path = "/t.T/Hold",
								   .timeout = timeouts[i],
								   DATA("\0\0\0\0\0")});
		EXPECT(h2_client_run(&site.client, &answer->closed));
		EXPECT_INT(answer->code, GRPC_DEADLINE_EXCEEDED);
		EXPECT_INT(site.gone, site.held_count);
	}
	test_row("a request that never ends");
	struct h2_answer *answer = h2_client_call(
	    &site.client, &(struct h2_call){.path = "/t.T/Echo", .timeout = "20m", .open = true});
	EXPECT(h2_client_run(&site.client, &answer->closed));
	EXPECT_INT(answer->code, GRPC_DEADLINE_EXCEEDED);
	test_row("one that is kept");
	answer = h2_client_call(
	    &site.client,
	    &(struct h2_call){.path = "/t.T/Echo", .timeout = "99999999H", DATA("\0\0\0\0\0")});
	EXPECT(h2_client_run(&site.client, &answer->closed));
	EXPECT_INT(answer->code, GRPC_OK);
	site_teardown(&site);
}

struct health_row {
	const char *name, *request;
	size_t length;
	bool sick;
	int code;
	char status; /* 0: no message */
};

TEST(grpc, tells_its_health)
{
	static const struct health_row healths[] = {
	    {"all", "", 0, false, GRPC_OK, 1},
	    {"all, sick", "", 0, true, GRPC_OK, 2},
	    {"a service", "\x0A\3t.T", 5, false, GRPC_OK, 1},
	    {"\"\"", "\x0A\0", 2, false, GRPC_OK, 1},
	    {"another", "\x0A\3t.U", 5, false, GRPC_NOT_FOUND, 0},
	    {"the beginning of one", "\x0A\1t", 3, false, GRPC_NOT_FOUND, 0},
	    {"a method", "\x0A\10t.T/Echo", 10, false, GRPC_NOT_FOUND, 0},
	    {"a NUL", "\x0A\4t.T\0", 6, false, GRPC_NOT_FOUND, 0},
	    {"too short", "\x0A", 1, false, GRPC_INVALID_ARGUMENT, 0},
	    {"cut off", "\x0A\4t.T", 5, false, GRPC_INVALID_ARGUMENT, 0},
	    {"too long", "\x0A\2t.T", 5, false, GRPC_INVALID_ARGUMENT, 0},
	    {"another field", "\x12\3t.T", 5, false, GRPC_INVALID_ARGUMENT, 0},
	};
	struct grpc_site site;
	site_setup(&site);
	for (size_t i = 0; i < ARRAY_SIZE(healths); i++) {
		const struct health_row *row = &healths[i];
		test_row("%s", row->name);
		site.sick = row->sick;
		struct h2_answer *answer = h2_client_ask(
		    &site.client, "/grpc.health.v1.Health/Check", row->request, row->length);
		EXPECT(h2_client_run(&site.client, &answer->closed));
		EXPECT_INT(answer->code, row->code);
		EXPECT_INT(answer->body.len, row->status ? 7 : 0);
		if (row->status && answer->body.len == 7)
			EXPECT(answer->body.buf[5] == 8 && answer->body.buf[6] == row->status);
	}
	site_teardown(&site);
}

/* GOAWAY, what is under way goes on, nothing new; then the connection is closed. */
TEST(grpc, stops_gently)
{
	struct grpc_site site;
	site_setup(&site);
	struct h2_answer *answer = h2_client_ask(&site.client, "/t.T/Hold", "", 0);
	EXPECT(h2_client_run(&site.client, &site.one_held));
	grpc_server_stop(site.server);
	EXPECT(h2_client_run(&site.client, NULL));
	EXPECT_INT(site.client.goaway, NGHTTP2_NO_ERROR);
	EXPECT(site.client.fd >= 0);
	grpc_send(site.held[0], "x", 1);
	grpc_finish(site.held[0], GRPC_OK, NULL);
	EXPECT(h2_client_run(&site.client, &answer->closed));
	EXPECT_INT(answer->code, GRPC_OK);
	EXPECT(h2_client_run(&site.client, NULL));
	EXPECT_INT(site.client.fd, -1);
	EXPECT_INT(grpc_server_connections(site.server), 0);
	grpc_server_stop(site.server); /* twice is fine */
	site_teardown(&site);
}

TEST(grpc, names_a_taken_port)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct grpc_site site;
	struct grpc_server *second = NULL;
	site_setup(&site);
	struct grpc_server_config config = site_config(&site);
	config.port = grpc_server_port(site.server);
	EXPECT_FALSE(grpc_server_new(&config, &second, &err));
	EXPECT_INT(err.kind, ERROR_FATAL);
	EXPECT_CONTAINS(error_text(&err), "listen on 127.0.0.1 port");
	site_teardown(&site);
}

TEST_MAIN(TEST_OF(grpc, answers_requests), TEST_OF(grpc, answers_many_at_once),
	  TEST_OF(grpc, carries_long_messages), TEST_OF(grpc, streams_as_long_as_wanted),
	  TEST_OF(grpc, tells_that_a_client_went), TEST_OF(grpc, tells_of_calls_when_it_is_freed),
	  TEST_OF(grpc, keeps_deadlines), TEST_OF(grpc, tells_its_health),
	  TEST_OF(grpc, stops_gently), TEST_OF(grpc, names_a_taken_port))
