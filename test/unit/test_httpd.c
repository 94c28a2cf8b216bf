/* The probe and metrics server, over real sockets: methods, bodies, limits, addresses. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/net/httpd.h"
#include "test/lib/server.h"
#include "test/lib/test.h"

#define CONNECTIONS_MAX 64

struct world {
	struct loop *loop;
	struct httpd *httpd;
	int answers;
	char path[256];
	char query[64]; /* of the last answer: parameter q; "-": absent */
};

static void answer(void *ctx, const char *path, struct httpd_answer *out)
{
	struct world *world = ctx;
	world->answers++;
	const char *query = httpd_query(world->httpd, "q");
	snprintf(world->path, sizeof(world->path), "%s", path);
	snprintf(world->query, sizeof(world->query), "%s", query ? query : "-");
	if (strcmp(path, "/nothing") == 0)
		return;
	out->status = strcmp(path, "/sick") == 0 ? 503 : 200;
	if (strcmp(path, "/empty") == 0)
		return;
	out->content_type = "text/plain";
	char block[1000];
	memset(block, 'x', sizeof(block));
	int large = strcmp(path, "/large") == 0 ? 2000 : strcmp(path, "/huge") == 0 ? 16000 : 0;
	for (int i = 0; i < large; i++)
		strbuf_add(&out->body, block, sizeof(block));
	if (large)
		return;
	strbuf_addf(&out->body, "this is %s", path);
}

static void world_init(struct world *world, const char *address)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	*world = (struct world){.loop = loop_new(&system_clock)};
	CHECK(httpd_new(world->loop, address, 0, answer, world, &world->httpd, &err));
}

static void world_release(struct world *world)
{
	httpd_free(world->httpd);
	loop_free(world->loop);
}

/* What comes until the other end closes, an answer with want in it has come, or ms are over. */
static void receive(struct world *world, int fd, struct strbuf *out, const char *want, int ms)
{
	int64_t end = clock_mono(&system_clock) + ms * TEST_PATIENCE;
	char block[65536];
	while (clock_mono(&system_clock) < end && !(want && strstr(out->buf, want))) {
		loop_step(world->loop, 5);
		ssize_t got = recv(fd, block, sizeof(block), MSG_DONTWAIT);
		if (got == 0)
			return;
		if (got > 0)
			strbuf_add(out, block, (size_t)got);
	}
}

static void say(int fd, const char *text)
{
	CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

TEST(httpd, answers)
{
	static const struct {
		const char *request;
		const char *status;
		const char *with;
		const char *body; /* NULL: not looked at */
		const char *path; /* NULL: never asked */
	} rows[] = {
	    {"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", "200", "Content-Type: text/plain\r\n",
	     "this is /health", "/health"},
	    {"GET /health?verbose=1 HTTP/1.1\r\nHost: x\r\n\r\n", "200", "Content-Length: 15\r\n",
	     "this is /health", "/health"},
	    {"HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n", "200", "Content-Length: 15\r\n", "",
	     "/health"},
	    {"GET /sick HTTP/1.1\r\nHost: x\r\n\r\n", "503", "", "this is /sick", "/sick"},
	    {"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", "404", "Content-Length: 0\r\n", "",
	     "/nothing"},
	    {"GET /empty HTTP/1.1\r\nHost: x\r\n\r\n", "200", "Content-Length: 0\r\n", "",
	     "/empty"},
	    {"GET /a%20b HTTP/1.0\r\n\r\n", "200", "", "this is /a b", "/a b"},
	    {"GET /../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "200", "", NULL, "/../etc/passwd"},
	    {"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "405",
	     "Allow: GET, HEAD\r\n", "", NULL},
	    {"DELETE /health HTTP/1.1\r\nHost: x\r\n\r\n", "405", "Allow: GET, HEAD\r\n", "", NULL},
	    {"BREW /health HTTP/1.1\r\nHost: x\r\n\r\n", "405", "Allow: GET, HEAD\r\n", "", NULL},
	    {"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "405", "", "",
	     NULL},
	    {"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "413",
	     "Connection: close\r\n", "", NULL},
	    {"GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "413",
	     "Connection: close\r\n", "", NULL},
	    {"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "200", "",
	     "this is /health", "/health"},
	    {"GET /health HTTP/1.1\r\n\r\n", "400", "", NULL, NULL}, /* no Host */
	    {"nonsense\r\n\r\n", "", "", NULL, NULL},                /* just closed */
	};
	CLEANUP(world_release) struct world world;
	world_init(&world, "127.0.0.1");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
		int fd = test_connect(httpd_port(world.httpd));
		int answers = world.answers;
		test_row("%zu %s", i, rows[i].request);
		say(fd, rows[i].request);
		receive(&world, fd, &out, "\r\n\r\n", 3000);
		receive(&world, fd, &out, NULL, 30);
		char status[13]; /* after "HTTP/1.x " */
		snprintf(status, sizeof(status), "%s", out.buf);
		EXPECT_TEXT(out.len > 9 ? status + 9 : "", rows[i].status);
		EXPECT_CONTAINS(out.buf, rows[i].with);
		const char *body = strstr(out.buf, "\r\n\r\n");
		if (rows[i].body)
			EXPECT_TEXT(body ? body + 4 : NULL, rows[i].body);
		EXPECT_INT(world.answers - answers, rows[i].path ? 1 : 0);
		if (rows[i].path)
			EXPECT_TEXT(world.path, rows[i].path);
		close(fd);
	}
	test_row("%s", "");
}

TEST(httpd, connection_is_kept)
{
	CLEANUP(world_release) struct world world;
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	world_init(&world, "127.0.0.1");
	int fd = test_connect(httpd_port(world.httpd));
	say(fd, "GET /one HTTP/1.1\r\nHost: x\r\n\r\nGET /two HTTP/1.1\r\nHost: x\r\n\r\n");
	receive(&world, fd, &out, "this is /two", 3000);
	EXPECT_CONTAINS(out.buf, "this is /oneHTTP/1.1 200 OK\r\n");
	say(fd, "GET /three HTTP/1.1\r\nHost: x\r\n\r\n");
	receive(&world, fd, &out, "this is /three", 3000);
	EXPECT_CONTAINS(out.buf, "this is /three");
	close(fd);
}

TEST(httpd, large_answer_to_a_slow_reader)
{
	CLEANUP(world_release) struct world world;
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	world_init(&world, "127.0.0.1");
	int fd = test_connect(httpd_port(world.httpd));
	say(fd, "GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	receive(&world, fd, &out, NULL, 5000);
	const char *body = strstr(out.buf, "\r\n\r\n");
	EXPECT_INT(body ? strlen(body + 4) : 0, 2000000);
	close(fd);
}

TEST(httpd, headers_have_a_limit)
{
	CLEANUP(world_release) struct world world;
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT, request = STRBUF_INIT;
	world_init(&world, "127.0.0.1");
	strbuf_addstr(&request, "GET /health HTTP/1.1\r\nHost: x\r\nX-Long: ");
	for (int i = 0; i < 32768; i++)
		strbuf_addch(&request, 'x');
	strbuf_addstr(&request, "\r\n\r\n");
	int fd = test_connect(httpd_port(world.httpd));
	say(fd, request.buf);
	receive(&world, fd, &out, "\r\n\r\n", 3000);
	EXPECT(strncmp(out.buf, "HTTP/1.1 4", 10) == 0);
	EXPECT_INT(world.answers, 0);
	close(fd);
}

TEST(httpd, idle_connections_are_dropped)
{
	CLEANUP(world_release) struct world world;
	CLEANUP(strbuf_release) struct strbuf nothing = STRBUF_INIT, out = STRBUF_INIT;
	world_init(&world, "127.0.0.1");
	int64_t start = clock_mono(&system_clock);
	int mute = test_connect(httpd_port(world.httpd));
	int half = test_connect(httpd_port(world.httpd));
	say(half, "GET /health HTTP/1.1\r\n");
	receive(&world, mute, &nothing, NULL, 20000);
	int64_t took = clock_mono(&system_clock) - start;
	EXPECT(took >= 8900);
	EXPECT(took < 15000);
	receive(&world, half, &out, NULL, 5000);
	EXPECT(clock_mono(&system_clock) - start < 16000);
	EXPECT_INT(world.answers, 0);
	close(mute);
	close(half);
}

TEST(httpd, connections_are_bounded)
{
	CLEANUP(world_release) struct world world;
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT, last = STRBUF_INIT;
	int fds[CONNECTIONS_MAX + 1];
	world_init(&world, "127.0.0.1");
	for (int i = 0; i <= CONNECTIONS_MAX; i++) {
		fds[i] = test_connect(httpd_port(world.httpd));
		loop_step(world.loop, 0);
	}
	say(fds[0], "GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
	receive(&world, fds[0], &out, "/first", 3000);
	EXPECT_CONTAINS(out.buf, "this is /first");
	say(fds[CONNECTIONS_MAX], "GET /last HTTP/1.1\r\nHost: x\r\n\r\n");
	receive(&world, fds[CONNECTIONS_MAX], &last, "/last", 200);
	EXPECT_TEXT(last.buf, ""); /* waits for a place */
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		close(fds[i]);
	receive(&world, fds[CONNECTIONS_MAX], &last, "/last", 3000);
	EXPECT_CONTAINS(last.buf, "this is /last");
	close(fds[CONNECTIONS_MAX]);
}

TEST(httpd, addresses)
{
	CLEANUP(world_release) struct world world;
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct httpd *second = NULL;
	char want[128];
	world_init(&world, NULL); /* all interfaces, IPv4 too */
	uint16_t port = httpd_port(world.httpd);
	EXPECT(port != 0);
	int fd = test_connect(port);
	EXPECT(fd >= 0);
	say(fd, "GET /all HTTP/1.1\r\nHost: x\r\n\r\n");
	receive(&world, fd, &out, "/all", 3000);
	EXPECT_CONTAINS(out.buf, "this is /all");
	close(fd);

	EXPECT(!httpd_new(world.loop, NULL, port, answer, &world, &second, &err));
	snprintf(want, sizeof(want), "listen on all interfaces port %u: Address already in use",
		 port);
	EXPECT_TEXT(error_text(&err), want);
	EXPECT_INT(err.kind, ERROR_FATAL);
	EXPECT(!httpd_new(world.loop, "localhost", 0, answer, &world, &second, &err));
	EXPECT_TEXT(error_text(&err), "listen on localhost port 0: Invalid argument");
	EXPECT(second == NULL);
	httpd_free(NULL);
}

TEST(httpd, queries)
{
	static const struct {
		const char *target, *want;
	} rows[] = {
	    {"/a", "-"},
	    {"/a?q", ""},
	    {"/a?q=", ""},
	    {"/a?q=ns/name", "ns/name"},
	    {"/a?q=ns%2Fname&x=y", "ns/name"},
	    {"/a?x=y&q=1", "1"},
	    {"/a?Q=1", "1"}, /* libmicrohttpd compares so */
	    {"/a?qq=1", "-"},
	    {"/a?q=%00x", ""},
	    {"/a?q=%zz", "%zz"},
	};
	CLEANUP(world_release) struct world world;
	world_init(&world, "127.0.0.1");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT, request = STRBUF_INIT;
		int fd = test_connect(httpd_port(world.httpd));
		test_row("%s", rows[i].target);
		strbuf_addf(&request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", rows[i].target);
		say(fd, request.buf);
		receive(&world, fd, &out, "this is /a", 3000);
		EXPECT_TEXT(world.query, rows[i].want);
		close(fd);
	}
	test_row("%s", "");
}

/* Readers that do not read: what waits for them is bounded, and goes when they go. */
TEST(httpd, answers_nobody_reads)
{
	CLEANUP(world_release) struct world world;
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT, again = STRBUF_INIT;
	int fds[8];
	world_init(&world, "127.0.0.1");
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = test_connect(httpd_port(world.httpd));
		say(fds[i], "GET /huge HTTP/1.1\r\nHost: x\r\n\r\n");
		for (int round = 0; round < 5; round++)
			loop_step(world.loop, 1);
	}
	/* 16 MB each, more than sockets take, and 32 MiB in all. */
	EXPECT_INT(world.answers, 3);
	int fd = test_connect(httpd_port(world.httpd));
	say(fd, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
	receive(&world, fd, &out, "\r\n\r\n", 3000);
	EXPECT_CONTAINS(out.buf, "HTTP/1.1 503");
	EXPECT_INT(world.answers, 3);
	close(fd);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	for (int round = 0; round < 50; round++)
		loop_step(world.loop, 1);
	fd = test_connect(httpd_port(world.httpd));
	say(fd, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
	receive(&world, fd, &again, "this is", 3000);
	EXPECT_CONTAINS(again.buf, "HTTP/1.1 200");
	close(fd);
}

/* ---- for people on this machine ---- */

static void world_init_local(struct world *world)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	*world = (struct world){.loop = loop_new(&system_clock)};
	CHECK(httpd_new_local(world->loop, 0, answer, world, &world->httpd, &err));
}

TEST(httpd, local_one_wants_localhost_as_its_name)
{
	static const struct {
		const char *host;
		bool answered;
	} rows[] = {
	    {"localhost", true},
	    {"localhost:8081", true},
	    {"LocalHost:1", true},
	    {"127.0.0.1", true},
	    {"127.0.0.1:8081", true},
	    {"[::1]", true},
	    {"[::1]:8081", true},
	    {"evil.example", false},
	    {"evil.example:8081", false},
	    {"localhost.evil.example", false},
	    {"127.0.0.1.nip.io", false},
	    {"xlocalhost", false},
	    {"127.0.0.10", false},
	    {"", false},
	    {"[::1", false},
	    {"::1", false},
	    {"0.0.0.0", false},
	};
	CLEANUP(world_release) struct world world;
	world_init_local(&world);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT, request = STRBUF_INIT;
		int fd = test_connect(httpd_port(world.httpd));
		int answers = world.answers;
		test_row("%s", rows[i].host);
		strbuf_addf(&request, "GET /x HTTP/1.1\r\nHost: %s\r\n\r\n", rows[i].host);
		say(fd, request.buf);
		receive(&world, fd, &out, "\r\n\r\n", 3000);
		EXPECT_CONTAINS(out.buf, rows[i].answered ? "HTTP/1.1 200" : "HTTP/1.1 421");
		EXPECT_CONTAINS(out.buf, "X-Content-Type-Options: nosniff\r\n");
		EXPECT_CONTAINS(out.buf, "Cache-Control: no-store\r\n");
		EXPECT_INT(world.answers - answers, rows[i].answered);
		close(fd);
	}
	test_row("%s", "");
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	int fd = test_connect(httpd_port(world.httpd));
	say(fd, "GET /x HTTP/1.0\r\n\r\n");
	receive(&world, fd, &out, "\r\n\r\n", 3000);
	EXPECT_CONTAINS(out.buf, "421");
	close(fd);
}

/* The address of another interface, or -1: this machine has none. */
static bool other_address(struct sockaddr_in *out)
{
	struct ifaddrs *all, *one;
	bool found = false;
	CHECK(getifaddrs(&all) == 0);
	for (one = all; one && !found; one = one->ifa_next) {
		if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET ||
		    one->ifa_flags & IFF_LOOPBACK)
			continue;
		memcpy(out, one->ifa_addr, sizeof(*out));
		found = true;
	}
	freeifaddrs(all);
	return found;
}

TEST(httpd, local_one_is_on_no_other_interface)
{
	CLEANUP(world_release) struct world world;
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct httpd *second = NULL;
	struct sockaddr_in other;
	char want[128];
	world_init_local(&world);
	uint16_t port = httpd_port(world.httpd);
	EXPECT(!httpd_new_local(world.loop, port, answer, &world, &second, &err));
	snprintf(want, sizeof(want), "listen on localhost port %u: Address already in use", port);
	EXPECT_TEXT(error_text(&err), want);
	if (!other_address(&other))
		return;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	other.sin_port = htons(port);
	EXPECT(connect(fd, (struct sockaddr *)&other, sizeof(other)) < 0);
	close(fd);
}

TEST_MAIN(TEST_OF(httpd, queries), TEST_OF(httpd, answers_nobody_reads),
	  TEST_OF(httpd, local_one_wants_localhost_as_its_name),
	  TEST_OF(httpd, local_one_is_on_no_other_interface), TEST_OF(httpd, answers),
	  TEST_OF(httpd, connection_is_kept), TEST_OF(httpd, large_answer_to_a_slow_reader),
	  TEST_OF(httpd, headers_have_a_limit), TEST_OF(httpd, idle_connections_are_dropped),
	  TEST_OF(httpd, connections_are_bounded), TEST_OF(httpd, addresses))
