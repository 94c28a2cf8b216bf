/* The transport over real sockets, plain HTTP/1.1: requests and answers. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "test/lib/fake_clock.h"
#include "test/lib/probe.h"
#include "test/lib/server.h"
#include "test/lib/test.h"

/* Four of them are longer than any line that is looked at. */
#define LONG "0123456789012345678901234567890123456789012345678901234567890123456789"
#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define STREAM_HEAD "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

struct world {
	struct server *server;
	struct rig rig;
};

/* A script whose ctx is the whole answer, raw; the connection stays open. */
static bool say(void *ctx, struct exchange *exchange)
{
	const char *answer = ctx;
	return exchange_write(exchange, answer, strlen(answer));
}

static bool say_and_close(void *ctx, struct exchange *exchange)
{
	say(ctx, exchange);
	return false;
}

static void world_init(struct world *world, bool (*script)(void *ctx, struct exchange *exchange),
		       const void *ctx)
{
	struct endpoint endpoint = {.user_agent = "probe/1", .token = "secret-token"};
	world->server = server_new(script, (void *)ctx);
	rig_init(&world->rig, &system_clock, "http", "127.0.0.1", server_port(world->server),
		 &endpoint);
}

static void world_release(struct world *world)
{
	rig_release(&world->rig);
	server_free(world->server);
}

/* Answers with the request as it came. */
static bool echo(void *ctx UNUSED, struct exchange *exchange)
{
	return exchange_send(exchange, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
			     strlen(exchange->request), exchange->request);
}

TEST(transport, requests)
{
	static const struct {
		struct http_request request;
		const char *first_line, *with, *with2, *body;
	} rows[] = {
	    {{.method = "GET", .path = "/apis/a%2Fb/../c?x=1&y=%20"},
	     "GET /apis/a%2Fb/../c?x=1&y=%20 HTTP/1.1\r\n",
	     "\r\nUser-Agent: probe/1\r\n",
	     "\r\nAuthorization: Bearer secret-token\r\n",
	     ""},
	    {{.method = "GET", .path = "/"},
	     "GET / HTTP/1.1\r\n",
	     "\r\nAccept: application/json\r\n",
	     "\r\nHost: 127.0.0.1:",
	     ""},
	    {{.method = "POST",
	      .path = "/p",
	      .content_type = "application/json",
	      .body = "{\"a\":1}xx",
	      .body_length = 7},
	     "POST /p HTTP/1.1\r\n",
	     "\r\nContent-Type: application/json\r\n",
	     "\r\nContent-Length: 7\r\n",
	     "{\"a\":1}"},
	    {{.method = "POST", .path = "/empty"},
	     "POST /empty HTTP/1.1\r\n",
	     "\r\nContent-Length: 0\r\n",
	     "",
	     ""},
	    {{.method = "PATCH",
	      .path = "/q",
	      .content_type = "application/merge-patch+json",
	      .body = "{}",
	      .body_length = 2},
	     "PATCH /q HTTP/1.1\r\n",
	     "\r\nContent-Type: application/merge-patch+json\r\n",
	     "\r\nContent-Length: 2\r\n",
	     "{}"},
	    {{.method = "DELETE", .path = "/d"}, "DELETE /d HTTP/1.1\r\n", "", "", ""},
	    {{.method = "DELETE",
	      .path = "/d",
	      .content_type = "application/json",
	      .body = "{}",
	      .body_length = 2},
	     "DELETE /d HTTP/1.1\r\n",
	     "\r\nContent-Length: 2\r\n",
	     "",
	     "{}"},
	};
	CLEANUP(world_release) struct world world;
	world_init(&world, echo, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(probe_release) struct probe probe = {0};
		test_row("%s %s", rows[i].request.method, rows[i].request.path);
		probe_start(&probe, &world.rig, &rows[i].request);
		EXPECT(probe_wait(&probe));
		EXPECT_INT(probe.kind, ERROR_NONE);
		const char *seen = probe.text.buf;
		EXPECT(strncmp(seen, rows[i].first_line, strlen(rows[i].first_line)) == 0);
		EXPECT_CONTAINS(seen, rows[i].with);
		EXPECT_CONTAINS(seen, rows[i].with2);
		const char *body = strstr(seen, "\r\n\r\n");
		EXPECT_TEXT(body ? body + 4 : NULL, rows[i].body);
		EXPECT(!strcasestr(seen, "accept-encoding"));
		EXPECT(!strcasestr(seen, "cookie"));
	}
	test_row("%s", "");
	EXPECT_INT(server_connections(world.server), 1); /* all on one */
}

TEST(transport, large_body_goes_at_once)
{
	CLEANUP(world_release) struct world world;
	CLEANUP(probe_release) struct probe probe = {0};
	size_t size = 3 * 1024 * 1024;
	char *body = xmalloc(size);
	memset(body, 'x', size);
	world_init(&world, echo, NULL);
	probe_start(&probe, &world.rig,
		    &(struct http_request){.method = "POST",
					   .path = "/",
					   .body = body,
					   .body_length = size,
					   .content_type = "text/plain"});
	memset(body, 'y', size); /* was copied */
	free(body);
	EXPECT(probe_wait(&probe));
	EXPECT_INT(probe.response.status, 200);
	EXPECT(!strcasestr(probe.text.buf, "\r\nexpect:"));
	EXPECT(probe.text.len > size);
	const char *arrived = strstr(probe.text.buf, "\r\n\r\n");
	EXPECT(arrived && !strchr(arrived, 'y'));
}

TEST(transport, answers)
{
	static const struct {
		const char *answer;
		bool close;
		int status;
		enum error_kind kind;
		const char *body, *error; /* part of it */
		int64_t date_ms, retry_after_ms;
	} rows[] = {
	    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, 200, ERROR_NONE, "hello",
	     "", 0, 0},
	    {"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n",
	     false, 200, ERROR_NONE, "", "", 1767225600000, 0},
	    {"HTTP/1.1 200 OK\r\ndAtE:Thu, 01 Jan 2026 00:00:01 GMT  \r\nContent-Length: 0\r\n\r\n",
	     false, 200, ERROR_NONE, "", "", 1767225601000, 0},
	    {"HTTP/1.1 200 OK\r\nDate: yesterday\r\nContent-Length: 0\r\n\r\n", false, 200,
	     ERROR_NONE, "", "", 0, 0},
	    {"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno", false, 429,
	     ERROR_NONE, "no", "", 0, 7000},
	    {"HTTP/1.1 503 X\r\nretry-after:  0 \r\nContent-Length: 0\r\n\r\n", false, 503,
	     ERROR_NONE, "", "", 0, 0},
	    {"HTTP/1.1 503 X\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n",
	     false, 503, ERROR_NONE, "", "", 0, 3600000},
	    {"HTTP/1.1 503 X\r\nRetry-After: -5\r\nContent-Length: 0\r\n\r\n", false, 503,
	     ERROR_NONE, "", "", 0, 0},
	    {"HTTP/1.1 503 X\r\nRetry-After: 5x\r\nContent-Length: 0\r\n\r\n", false, 503,
	     ERROR_NONE, "", "", 0, 0},
	    {"HTTP/1.1 503 X\r\nRetry-After: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
	     "Content-Length: 0\r\n\r\n",
	     false, 503, ERROR_NONE, "", "", 0, 0},
	    {"HTTP/1.1 103 Early\r\nRetry-After: 9\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n"
	     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	     false, 200, ERROR_NONE, "ok", "", 0, 0},
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Retry-After\r\n\r\n"
	     "3\r\nabc\r\n2\r\nde\r\n0\r\nRetry-After: 3\r\n\r\n",
	     false, 200, ERROR_NONE, "abcde", "", 0, 0},
	    {"HTTP/1.1 200 OK\r\n\r\nuntil the end", true, 200, ERROR_NONE, "until the end", "", 0,
	     0},
	    {"HTTP/1.1 204 No\r\n\r\n", false, 204, ERROR_NONE, "", "", 0, 0},
	    {"HTTP/1.1 307 There\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", false, 307,
	     ERROR_NONE, "", "", 0, 0},
	    {"HTTP/1.1 502 " LONG LONG LONG LONG "\r\nRetry-After: 2\r\nX: " LONG LONG LONG LONG
	     "\r\nContent-Length: 0\r\n\r\n",
	     false, 502, ERROR_NONE, "", "", 0, 2000},
	    {"HTTP/1.1 404 Not\r\nContent-Length: 4\r\n\r\nnone", false, 404, ERROR_NONE, "none",
	     "", 0, 0},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n0123456789abcdef", false, 200,
	     ERROR_NONE, "0123456789abcdef", "", 0, 0}, /* max_body */
	    {"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n0123456789abcdefg", false, 200,
	     ERROR_INVALID, "", "answer larger than 16 bytes", 0, 0},
	    {"HTTP/1.1 500 Bad\r\nContent-Length: 17\r\n\r\n0123456789abcdefg", false, 500,
	     ERROR_INVALID, "", "answer larger than 16 bytes", 0, 0},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", true, 200, ERROR_TRANSIENT, "",
	     "connection broken: ", 0, 0},
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", true, 200,
	     ERROR_TRANSIENT, "", "connection broken: ", 0, 0},
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false, 200,
	     ERROR_TRANSIENT, "", "connection broken: ", 0, 0},
	    {"HTTP/1.1 200 OK\r\nContent-", true, 200, ERROR_TRANSIENT, "",
	     "connection broken: ", 0, 0},
	    {"", true, 0, ERROR_TRANSIENT, "", "connection broken: ", 0, 0},
	    {"SSH-2.0-OpenSSH_9.2\r\n", true, 0, ERROR_TRANSIENT, "", "connection broken: ", 0, 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(world_release) struct world world;
		CLEANUP(probe_release) struct probe probe = {0};
		struct http_request request = {
		    .method = "GET", .path = "/", .max_body = 16, .timeout_ms = 15000};
		test_row("%zu %s", i, rows[i].answer);
		world_init(&world, rows[i].close ? say_and_close : say, rows[i].answer);
		probe_start(&probe, &world.rig, &request);
		EXPECT(probe_wait(&probe));
		EXPECT_INT(probe.dones, 1);
		EXPECT_INT(probe.response.status, rows[i].status);
		EXPECT_INT(probe.kind, rows[i].kind);
		EXPECT_TEXT(probe.text.buf, rows[i].body);
		EXPECT_INT(probe.response.length, strlen(rows[i].body));
		EXPECT_CONTAINS(probe.error, rows[i].error);
		EXPECT_INT(probe.response.date_ms, rows[i].date_ms);
		EXPECT_INT(probe.response.retry_after_ms, rows[i].retry_after_ms);
		EXPECT_INT(probe.heads + probe.datas, 0);
		EXPECT(!strstr(probe.error, "secret"));
	}
	test_row("%s", "");
}

static bool endless_headers(void *ctx UNUSED, struct exchange *exchange)
{
	exchange_send(exchange, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 20000; i++)
		if (!exchange_send(exchange, "X-%d: %0100d\r\n", i, i))
			break;
	return false;
}

TEST(transport, headers_have_a_limit)
{
	CLEANUP(world_release) struct world world;
	CLEANUP(probe_release) struct probe probe = {0};
	world_init(&world, endless_headers, NULL);
	probe_get(&probe, &world.rig, "/");
	EXPECT(probe_wait(&probe));
	EXPECT_INT(probe.kind, ERROR_INVALID);
	EXPECT_TEXT(probe.error, "headers larger than 256 KiB");
}

TEST(transport, no_connection)
{
	struct endpoint endpoint = {0};
	struct rig rig;
	CLEANUP(probe_release) struct probe probe = {0}, nowhere = {0};
	char want[80];
	uint16_t port;
	close(test_listen(&port)); /* nobody listens there any more */
	snprintf(want, sizeof(want), "connect to 127.0.0.1:%u: Connection refused", port);
	rig_init(&rig, &system_clock, "http", "127.0.0.1", port, &endpoint);
	probe_get(&probe, &rig, "/");
	EXPECT_INT(probe.dones, 0); /* never from within */
	EXPECT(probe_wait(&probe));
	EXPECT_INT(probe.kind, ERROR_TRANSIENT);
	EXPECT_INT(probe.response.status, 0);
	EXPECT_TEXT(probe.error, want);
	rig_release(&rig);

	rig_init(&rig, &system_clock, "http", "no-such-host.invalid", 80, &endpoint);
	probe_start(&nowhere, &rig,
		    &(struct http_request){.method = "GET", .path = "/", .timeout_ms = 4000});
	EXPECT(probe_wait(&nowhere));
	EXPECT_INT(nowhere.kind, ERROR_TRANSIENT);
	if (!strstr(nowhere.error, "no whole answer")) /* a resolver that does not answer */
		EXPECT_TEXT(nowhere.error, "resolve no-such-host.invalid:80: no address found");
	rig_release(&rig);
}

static bool once_each(void *ctx UNUSED, struct exchange *exchange)
{
	exchange_send(exchange, OK_EMPTY);
	return false; /* closes without having said so */
}

TEST(transport, stale_connection_is_replaced)
{
	CLEANUP(world_release) struct world world;
	world_init(&world, once_each, NULL);
	for (int i = 1; i <= 3; i++) {
		CLEANUP(probe_release) struct probe probe = {0};
		probe_get(&probe, &world.rig, "/");
		EXPECT(probe_wait(&probe));
		EXPECT_INT(probe.response.status, 200);
		EXPECT_INT(probe.kind, ERROR_NONE);
		EXPECT_INT(server_connections(world.server), i);
		test_sleep_ms(20);
	}
}

TEST(transport, many_at_once)
{
	enum { COUNT = 60 };
	CLEANUP(world_release) struct world world;
	struct probe probes[COUNT] = {{0}};
	world_init(&world, echo, NULL);
	for (int i = 0; i < COUNT; i++)
		probe_get(&probes[i], &world.rig, "/");
	for (int i = 0; i < COUNT; i++) {
		EXPECT(probe_wait(&probes[i]));
		EXPECT_INT(probes[i].kind, ERROR_NONE);
		probe_release(&probes[i]);
	}
}

struct observed {
	int count, status;
	char method[8];
	int64_t duration_ms;
};

static void observe(void *ctx, const char *method, int status, int64_t duration_ms)
{
	struct observed *observed = ctx;
	observed->count++;
	observed->status = status;
	observed->duration_ms = duration_ms;
	snprintf(observed->method, sizeof(observed->method), "%s", method);
}

static bool slow_head(void *ctx UNUSED, struct exchange *exchange)
{
	test_sleep_ms(100);
	exchange_send(exchange, STREAM_HEAD);
	test_sleep_ms(1500);
	return exchange_send(exchange, "0\r\n\r\n");
}

TEST(transport, finished_requests_are_observed)
{
	static const struct {
		bool stream, cancel;
		int64_t timeout_ms;
		int count, status;
		int64_t least, most;
	} rows[] = {
	    {false, false, 0, 1, 200, 1590, 10000},
	    {true, false, 0, 1, 200, 90, 1500}, /* until the head */
	    {false, false, 50, 1, 0, 49, 1500},
	    {false, true, 0, 0, 0, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct observed observed = {0};
		CLEANUP(world_release) struct world world;
		CLEANUP(probe_release) struct probe probe = {0};
		test_row("%zu", i);
		world_init(&world, slow_head, NULL);
		curl_transport_observe(world.rig.transport, observe, &observed);
		probe_start(&probe, &world.rig,
			    &(struct http_request){.method = "PATCH",
						   .path = "/",
						   .stream = rows[i].stream,
						   .timeout_ms = rows[i].timeout_ms});
		if (rows[i].cancel) {
			rig_turn(&world.rig, 20);
			probe_cancel(&probe);
			rig_turn(&world.rig, 20);
		} else {
			EXPECT(probe_wait(&probe));
			EXPECT_TEXT(observed.method, "PATCH");
		}
		EXPECT_INT(observed.count, rows[i].count);
		EXPECT_INT(observed.status, rows[i].status);
		EXPECT(observed.duration_ms >= rows[i].least);
		EXPECT(observed.duration_ms <= rows[i].most);
	}
	test_row("%s", "");
}

TEST(transport, server_url)
{
	static const struct {
		const char *format; /* with a port */
		const char *path;   /* that arrives */
	} rows[] = {
	    {"http://127.0.0.1:%u", "GET /x?y HTTP/1.1\r\n"},
	    {"http://127.0.0.1:%u/", "GET /x?y HTTP/1.1\r\n"},
	    {"http://127.0.0.1:%u/k8s/clusters/c-1", "GET /k8s/clusters/c-1/x?y HTTP/1.1\r\n"},
	    {"http://127.0.0.1:%u/prefix//", "GET /prefix/x?y HTTP/1.1\r\n"},
	};
	struct server *server = server_new(echo, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		CLEANUP(probe_release) struct probe probe = {0};
		char url[128];
		/* Each row's format is ours. */
		char *at = strstr(rows[i].format, "%u");
		snprintf(url, sizeof(url), "%.*s%u%s", (int)(at - rows[i].format), rows[i].format,
			 server_port(server), at + 2);
		struct endpoint endpoint = {.server = url};
		struct rig rig = {.loop = loop_new(&system_clock)};
		test_row("%s", url);
		EXPECT(curl_transport_new(rig.loop, &endpoint, &rig.transport, &err));
		probe_get(&probe, &rig, "/x?y");
		EXPECT(probe_wait(&probe));
		EXPECT_CONTAINS(probe.text.buf, rows[i].path);
		rig_release(&rig);
	}
	test_row("%s", "");
	server_free(server);
}

TEST_MAIN(TEST_OF(transport, requests), TEST_OF(transport, large_body_goes_at_once),
	  TEST_OF(transport, answers), TEST_OF(transport, headers_have_a_limit),
	  TEST_OF(transport, no_connection), TEST_OF(transport, stale_connection_is_replaced),
	  TEST_OF(transport, many_at_once), TEST_OF(transport, finished_requests_are_observed),
	  TEST_OF(transport, server_url))
