/* What the transport never does, whatever a server answers or the user's home holds: follow a
 * redirect or another pointer, keep cookies, read .netrc, unpack a body. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "test/lib/probe.h"
#include "test/lib/server.h"
#include "test/lib/test.h"
#include "test/lib/tls.h"

/* What a server got and gives. */
struct script {
	const char *answer; /* head and body */
	size_t length;      /* of answer, which ends with the connection; 0: a text */
	char seen[4096];    /* the last request */
};

static bool play(void *ctx, struct exchange *exchange)
{
	struct script *script = ctx;
	size_t length = script->length ? script->length : strlen(script->answer);
	snprintf(script->seen, sizeof(script->seen), "%s", exchange->request);
	return exchange_write(exchange, script->answer, length) && !script->length;
}

struct world {
	struct script script;
	struct server *server;
	struct rig rig;
};

static void world_init(struct world *world, const char *answer, struct endpoint *endpoint)
{
	memset(world, 0, sizeof(*world));
	world->script.answer = answer;
	world->server = server_new(play, &world->script);
	rig_init(&world->rig, &system_clock, "http", "127.0.0.1", server_port(world->server),
		 endpoint);
}

static void world_release(struct world *world)
{
	rig_release(&world->rig);
	server_free(world->server);
}

static void get(struct world *world, struct probe *probe)
{
	*probe = (struct probe){0};
	probe_get(probe, &world->rig, "/here");
	EXPECT(probe_wait(probe));
}

TEST(never, follows_redirects)
{
	static const int statuses[] = {300, 301, 302, 303, 307, 308};
	static const char *const methods[] = {"GET", "POST", "PATCH"};
	struct script other = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
	struct server *elsewhere = server_new(play, &other);
	for (size_t i = 0; i < ARRAY_SIZE(statuses) * ARRAY_SIZE(methods); i++) {
		CLEANUP(world_release) struct world world;
		CLEANUP(probe_release) struct probe probe = {0};
		struct endpoint endpoint = {.token = "secret"};
		struct http_request request = {.method = methods[i % 3], .path = "/"};
		int status = statuses[i / 3];
		char answer[160];
		test_row("%d %s", status, request.method);
		snprintf(answer, sizeof(answer),
			 "HTTP/1.1 %d Elsewhere\r\nLocation: http://127.0.0.1:%u/there\r\n"
			 "Content-Length: 0\r\n\r\n",
			 status, server_port(elsewhere));
		world_init(&world, answer, &endpoint);
		probe_start(&probe, &world.rig, &request);
		EXPECT(probe_wait(&probe));
		EXPECT_INT(probe.kind, ERROR_NONE);
		EXPECT_INT(probe.response.status, status);
		EXPECT_CONTAINS(world.script.seen, "Authorization: Bearer secret");
	}
	test_row("%s", "");
	EXPECT_INT(server_connections(elsewhere), 0);
	server_free(elsewhere);
}

TEST(never, keeps_cookies)
{
	CLEANUP(world_release) struct world world;
	struct probe probe;
	world_init(&world,
		   "HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n",
		   &(struct endpoint){0});
	for (int i = 0; i < 2; i++) {
		get(&world, &probe);
		EXPECT_INT(probe.response.status, 200);
		EXPECT(!strcasestr(world.script.seen, "\r\nCookie:"));
		probe_release(&probe);
	}
}

/* Nor another file of a home: the folder has them all. */
TEST(never, reads_a_home)
{
	CLEANUP(world_release) struct world world;
	struct probe probe;
	char folder[] = "/tmp/home-XXXXXX", path[64];
	static const char *const names[] = {".netrc", "_netrc", ".curlrc"};
	CHECK(mkdtemp(folder));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		FILE *file = fopen(path, "w");
		const char *text = i < 2 ? "machine 127.0.0.1 login jo password secret\n"
					 : "header = \"X-Curlrc: 1\"\n";
		CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
	}
	setenv("HOME", folder, 1);
	setenv("CURL_HOME", folder, 1);
	setenv("NETRC", folder, 1);
	world_init(&world, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", &(struct endpoint){0});
	get(&world, &probe);
	EXPECT_INT(probe.response.status, 200);
	EXPECT(!strcasestr(world.script.seen, "\r\nAuthorization:"));
	EXPECT(!strcasestr(world.script.seen, "\r\nX-Curlrc:"));
	probe_release(&probe);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

/* ---- packed bodies ---- */

/* So many zeros, packed; yours to free. */
static char *packed(size_t zeros, size_t *length)
{
	char command[80], *text = xmalloc(1 << 20);
	snprintf(command, sizeof(command), "head -c %zu /dev/zero | gzip -9", zeros);
	FILE *pipe = popen(command, "r");
	CHECK(pipe);
	*length = fread(text, 1, 1 << 20, pipe);
	CHECK(pclose(pipe) == 0 && *length > 20);
	return text;
}

static void add_answer(struct strbuf *out, const char *encoding, const char *body, size_t length)
{
	strbuf_addf(out, "HTTP/1.1 200 OK\r\n%s\r\nConnection: close\r\n\r\n", encoding);
	strbuf_add(out, body, length);
}

static void unpacks_nothing(const char *encoding, bool raw)
{
	/* Before the world: its server may be sending it to the end. */
	CLEANUP(strbuf_release) struct strbuf answer = STRBUF_INIT;
	CLEANUP(world_release) struct world world;
	CLEANUP(probe_release) struct probe probe = {0};
	size_t length;
	char *body = packed(30000000, &length);
	struct http_request request = {.method = "GET", .path = "/", .max_body = 100000};
	CHECK(length < 50000);
	add_answer(&answer, encoding, body, length);
	world_init(&world, answer.buf, &(struct endpoint){0});
	world.script.length = answer.len;
	probe_start(&probe, &world.rig, &request);
	EXPECT(probe_wait(&probe));
	EXPECT(!strcasestr(world.script.seen, "\r\nAccept-Encoding:"));
	EXPECT(!strcasestr(world.script.seen, "\r\nTE:"));
	if (raw) {
		EXPECT_INT(probe.kind, ERROR_NONE);
		EXPECT_INT(probe.text.len, length);
		EXPECT(probe.text.len == length && memcmp(probe.text.buf, body, length) == 0);
	} else if (LEAN_LIBRARIES) {
		EXPECT_CONTAINS(probe.error, "Unrecognized content encoding type");
		EXPECT_INT(probe.text.len, 0);
	} else {
		/* libcurl unpacks this one unasked; our limit is on what comes out. */
		EXPECT_INT(probe.kind, ERROR_INVALID);
		EXPECT_TEXT(probe.error, "answer larger than 100000 bytes");
		EXPECT_INT(probe.text.len, 0);
	}
	free(body);
}

TEST(never, unpacks_a_body)
{
	unpacks_nothing("Content-Encoding: gzip", true);
	unpacks_nothing("Content-Encoding: deflate, gzip", true);
}

TEST(never, takes_more_than_the_limit_of_an_unpacked_one)
{
	unpacks_nothing("Transfer-Encoding: gzip", false);
}

/* Trailers and 1xx answers count as headers too. */
TEST(never, takes_endless_interim_answers)
{
	CLEANUP(world_release) struct world world;
	CLEANUP(probe_release) struct probe probe = {0};
	static const char interim[] = "HTTP/1.1 103 Early Hints\r\nLink: <a>; rel=preload\r\n\r\n";
	size_t size = sizeof(interim) - 1, count = 300 * 1024 / size;
	char *answer = xmalloc(size * count + 1);
	for (size_t i = 0; i <= count; i++)
		memcpy(answer + i * size, interim, i < count ? size : 0);
	answer[size * count] = '\0';
	world_init(&world, answer, &(struct endpoint){0});
	probe_get(&probe, &world.rig, "/");
	EXPECT(probe_wait(&probe));
	EXPECT_INT(probe.kind, ERROR_INVALID);
	EXPECT_TEXT(probe.error, "headers larger than 256 KiB");
	free(answer);
}

TEST(never, takes_what_has_no_head)
{
	CLEANUP(world_release) struct world world;
	struct probe probe;
	world_init(&world, "{\"kind\":\"Secret\"}\n", &(struct endpoint){0});
	get(&world, &probe);
	EXPECT_INT(probe.kind, ERROR_TRANSIENT);
	EXPECT_INT(probe.response.status, 0);
	EXPECT_INT(probe.text.len, 0);
	probe_release(&probe);
}

/* What an answer says about other places (alt-svc) or later times (HSTS) is not kept. */
TEST(never, goes_where_an_answer_points)
{
	CLEANUP(tls_folder_release) struct tls_folder folder;
	CLEANUP(child_stop) struct child child = {0};
	struct script other = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
	struct server *elsewhere = server_new(play, &other);
	struct rig rig;
	tls_folder_init(&folder);
	FILE *file = fopen(tls_path(&folder, "here"), "w");
	CHECK(file &&
	      fprintf(file,
		      "HTTP/1.1 200 OK\r\nAlt-Svc: h1=\"127.0.0.1:%u\", h2=\"127.0.0.1:%u\"; "
		      "ma=9\r\nStrict-Transport-Security: max-age=9\r\nContent-Length: "
		      "2\r\n\r\nok",
		      server_port(elsewhere), server_port(elsewhere)) > 0 &&
	      fclose(file) == 0);
	CHECK(child_start(&child, &folder, "server",
			  "openssl s_server -accept PORT -HTTP -cert server.crt -key server.key"));
	rig_init(&rig, &system_clock, "https", "127.0.0.1", child.port,
		 &(struct endpoint){.ca_file = tls_path(&folder, "ca.crt")});
	for (int i = 0; i < 3; i++) {
		CLEANUP(probe_release) struct probe probe = {0};
		probe_get(&probe, &rig, "/here");
		EXPECT(probe_wait(&probe));
		EXPECT_TEXT(probe.error, "");
		EXPECT_TEXT(probe.text.buf, "ok");
	}
	EXPECT_INT(server_connections(elsewhere), 0);
	rig_release(&rig);
	server_free(elsewhere);
}

TEST_MAIN(TEST_OF(never, goes_where_an_answer_points), TEST_OF(never, follows_redirects),
	  TEST_OF(never, keeps_cookies), TEST_OF(never, reads_a_home),
	  TEST_OF(never, unpacks_a_body),
	  TEST_OF(never, takes_more_than_the_limit_of_an_unpacked_one),
	  TEST_OF(never, takes_endless_interim_answers), TEST_OF(never, takes_what_has_no_head))
