/* TLS against openssl s_server, HTTP/2 against nghttpd: whom we believe, what a dead connection
 * does to others. Skipped, with a word, where the program is missing. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "test/lib/fake_clock.h"
#include "test/lib/probe.h"
#include "test/lib/server.h"
#include "test/lib/test.h"
#include "test/lib/tls.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void freep(char **text)
{
	free(*text);
}

enum { PLAIN, WRONG_HOST, WANTS_CLIENT, OLD_TLS, SERVERS };

static const char *const servers[SERVERS] = {
    "openssl s_server -accept PORT -HTTP -cert server.crt -key server.key",
    "openssl s_server -accept PORT -HTTP -cert other.crt -key other.key",
    "openssl s_server -accept PORT -HTTP -cert server.crt -key server.key -CAfile ca.crt"
    " -Verify 1 -verify_return_error",
    "openssl s_server -accept PORT -HTTP -cert server.crt -key server.key -tls1_1"
    " -cipher DEFAULT@SECLEVEL=0",
};

struct row {
	int server;
	const char *host;                   /* NULL: 127.0.0.1 */
	const char *ca, *name, *cert, *key; /* files of the folder */
	bool given;                         /* as texts, not as files */
	bool insecure;
	const char *error; /* part of it; NULL: succeeds */
};

static const struct row rows[] = {
    {.ca = "ca.crt"},
    {.ca = "ca.crt", .given = true},
    {.ca = "ca.crt", .host = "localhost"},
    {.ca = "ca.crt", .name = "api.test"},
    {.ca = "ca.crt", .name = "wrong.test", .error = "TLS: SSL: no alternative certificate"},
    {.error = "TLS: SSL certificate problem"}, /* the distribution's authorities */
    {.ca = "stranger.crt", .error = "TLS: SSL certificate problem"},
    {.ca = "stranger.crt", .given = true, .error = "TLS: SSL certificate problem"},
    {.ca = "server.key", .error = "TLS: "},
    {.ca = "server.key", .given = true, .error = "TLS: "},
    {.insecure = true},
    {.ca = "stranger.crt", .insecure = true},
    {.server = WRONG_HOST, .ca = "ca.crt", .error = "TLS: SSL: no alternative certificate"},
    {.server = WRONG_HOST, .ca = "ca.crt", .name = "other.test"},
    {.server = WRONG_HOST, .ca = "ca.crt", .insecure = true},
    {.server = WANTS_CLIENT, .ca = "ca.crt", .error = "alert"},
    {.server = WANTS_CLIENT, .ca = "ca.crt", .cert = "client.crt", .key = "client.key"},
    {.server = WANTS_CLIENT,
     .ca = "ca.crt",
     .cert = "client.crt",
     .key = "client.key",
     .given = true},
    {.server = WANTS_CLIENT,
     .ca = "ca.crt",
     .cert = "client.crt",
     .key = "server.key",
     .error = "TLS: "},
    {.server = WANTS_CLIENT,
     .ca = "ca.crt",
     .cert = "stranger.crt",
     .key = "stranger.key",
     .error = "alert"},
    {.server = OLD_TLS, .ca = "ca.crt", .error = "TLS: "},
};

static char *text_of(struct tls_folder *folder, const char *name)
{
	return name ? test_read_file(tls_path(folder, name), NULL) : NULL;
}

static void try_row(const struct row *row, struct tls_folder *folder, uint16_t port)
{
	CLEANUP(probe_release) struct probe probe = {0};
	CLEANUP(freep) char *ca = text_of(folder, row->ca);
	CLEANUP(freep) char *cert = text_of(folder, row->cert);
	CLEANUP(freep) char *key = text_of(folder, row->key);
	struct rig rig;
	struct endpoint endpoint = {.tls_server_name = row->name,
				    .insecure_skip_verify = row->insecure};
	if (row->given) {
		endpoint.ca_pem = ca;
		endpoint.client_cert_pem = cert;
		endpoint.client_key_pem = key;
	} else {
		endpoint.ca_file = row->ca ? tls_path(folder, row->ca) : NULL;
		endpoint.client_cert_file = row->cert ? tls_path(folder, row->cert) : NULL;
		endpoint.client_key_file = row->key ? tls_path(folder, row->key) : NULL;
	}
	rig_init(&rig, &system_clock, "https", row->host ? row->host : "127.0.0.1", port,
		 &endpoint);
	probe_get(&probe, &rig, "/answer");
	EXPECT(probe_wait(&probe));
	EXPECT_INT(probe.kind, row->error ? ERROR_TRANSIENT : ERROR_NONE);
	EXPECT_CONTAINS(probe.error, row->error ? row->error : "");
	EXPECT_TEXT(probe.text.buf, row->error ? "" : "ok");
	rig_release(&rig);
}

TEST(tls, whom_we_believe)
{
	CLEANUP(tls_folder_release) struct tls_folder folder;
	struct child children[SERVERS] = {{0}};
	char name[16];
	tls_folder_init(&folder);
	write_file(tls_path(&folder, "answer"), ANSWER);
	for (int i = 0; i < SERVERS; i++) {
		snprintf(name, sizeof(name), "server%d", i);
		CHECK(child_start(&children[i], &folder, name, servers[i]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%zu", i);
		try_row(&rows[i], &folder, children[rows[i].server].port);
	}
	test_row("%s", "");
	for (int i = 0; i < SERVERS; i++)
		child_stop(&children[i]);
}

static void get(struct rig *rig, const char *path, struct probe *probe)
{
	*probe = (struct probe){0};
	probe_get(probe, rig, path);
	EXPECT(probe_wait(probe));
}

static enum error_kind outcome(struct rig *rig, const char *path)
{
	CLEANUP(probe_release) struct probe probe;
	get(rig, path, &probe);
	return probe.kind;
}

static void copy(struct tls_folder *folder, const char *from, const char *to)
{
	CLEANUP(freep) char *text = test_read_file(tls_path(folder, from), NULL);
	write_file(tls_path(folder, to), text);
}

TEST(tls, authority_is_read_again)
{
	CLEANUP(tls_folder_release) struct tls_folder folder;
	CLEANUP(child_stop) struct child child = {0};
	struct fake_clock clock;
	struct rig rig;
	tls_folder_init(&folder);
	fake_clock_init(&clock);
	write_file(tls_path(&folder, "answer"), ANSWER);
	CHECK(child_start(&child, &folder, "server", servers[PLAIN]));
	copy(&folder, "stranger.crt", "trusted.crt");
	struct endpoint endpoint = {.ca_file = tls_path(&folder, "trusted.crt")};
	rig_init(&rig, &clock.clock, "https", "127.0.0.1", child.port, &endpoint);
	EXPECT_INT(outcome(&rig, "/answer"), ERROR_TRANSIENT);
	copy(&folder, "ca.crt", "trusted.crt");
	EXPECT_INT(outcome(&rig, "/answer"), ERROR_NONE); /* no time has passed */
	rig_release(&rig);
}

TEST(tls, server_that_never_shakes_hands)
{
	CLEANUP(probe_release) struct probe patient = {0}, first = {0}, second = {0};
	struct http_request request = {.method = "GET", .path = "/", .timeout_ms = 300};
	struct endpoint endpoint = {.insecure_skip_verify = true};
	struct rig rig;
	char want[80];
	uint16_t port;
	int listener = test_listen(&port);
	snprintf(want, sizeof(want), "connect to 127.0.0.1:%u: no answer within 10 s", port);
	rig_init(&rig, &system_clock, "https", "127.0.0.1", port, &endpoint);
	probe_get(&patient, &rig, "/");
	EXPECT(probe_wait(&patient));
	EXPECT_INT(patient.kind, ERROR_TRANSIENT);
	EXPECT_TEXT(patient.error, want);

	/* The first makes a connection, the second waits for what it becomes: neither for long. */
	int64_t start = clock_mono(&system_clock);
	probe_start(&first, &rig, &request);
	request.timeout_ms = 500;
	probe_start(&second, &rig, &request);
	EXPECT(probe_wait(&second));
	EXPECT_INT(first.kind, ERROR_TRANSIENT);
	EXPECT_INT(second.kind, ERROR_TRANSIENT);
	EXPECT_TEXT(second.error, "no whole answer within 0.5 s");
	EXPECT(clock_mono(&system_clock) - start < 8000);
	rig_release(&rig);
	close(listener);
}

/* HTTP/2 */

struct h2 {
	struct tls_folder folder;
	struct child child;
	struct fake_clock clock;
	struct rig rig;
	bool missing;
};

static void h2_init(struct h2 *h2, const struct clock *clock)
{
	memset(h2, 0, sizeof(*h2));
	tls_folder_init(&h2->folder);
	write_file(tls_path(&h2->folder, "answer"), "ok");

	write_file(tls_path(&h2->folder, "large"), "");
	EXPECT_INT(truncate(tls_path(&h2->folder, "large"), 6000000), 0);
	copy(&h2->folder, "ca.crt", "trusted.crt");
	fake_clock_init(&h2->clock);
	h2->missing = !child_start(&h2->child, &h2->folder, "nghttpd",
				   "nghttpd -v --echo-upload -d . PORT server.key server.crt");
	if (h2->missing) {
		puts("no nghttpd: skipped");
		return;
	}
	struct endpoint endpoint = {.ca_file = tls_path(&h2->folder, "trusted.crt")};
	rig_init(&h2->rig, clock ? clock : &h2->clock.clock, "https", "127.0.0.1", h2->child.port,
		 &endpoint);
}

static void h2_release(struct h2 *h2)
{
	if (!h2->missing)
		rig_release(&h2->rig);
	child_stop(&h2->child);
	tls_folder_release(&h2->folder);
}

/* Connections on which nghttpd has got a request; it numbers them in its log. */
static int connections_used(struct h2 *h2)
{
	CLEANUP(freep) char *log = test_read_file(tls_path(&h2->folder, "nghttpd.log"), NULL);
	int used = 0, last = 0;
	for (const char *at = log; (at = strstr(at, "[id=")); at++) {
		int id = (int)strtol(at + 4, NULL, 10);
		const char *end = strchr(at, '\n');
		const char *request = strstr(at, "recv HEADERS");
		used += id > last && request && end && request < end;
		last = id > last && request && end && request < end ? id : last;
	}
	return used;
}

TEST(http2, burst_shares_one_connection)
{
	enum { COUNT = 42 };
	CLEANUP(h2_release) struct h2 h2;
	struct probe probes[COUNT] = {{0}};
	h2_init(&h2, &system_clock);
	if (h2.missing)
		return;
	for (int i = 0; i < COUNT; i++)
		probe_get(&probes[i], &h2.rig, i % 2 ? "/answer" : "/nothing");
	for (int i = 0; i < COUNT; i++) {
		EXPECT(probe_wait(&probes[i]));
		EXPECT_INT(probes[i].kind, ERROR_NONE);
		EXPECT_INT(probes[i].response.status, i % 2 ? 200 : 404);
		EXPECT(probes[i].response.date_ms > 0);
		probe_release(&probes[i]);
	}
	EXPECT_INT(connections_used(&h2), 1);
}

TEST(http2, bodies_arrive_whole)
{
	enum { COUNT = 8 };
	CLEANUP(h2_release) struct h2 h2;
	struct probe probes[COUNT] = {{0}};
	size_t size = 1024 * 1024;
	h2_init(&h2, &system_clock);
	if (h2.missing)
		return;
	char *body = xmalloc(size);
	for (int i = 0; i < COUNT; i++) {
		memset(body, 'a' + i, size);
		probe_start(&probes[i], &h2.rig,
			    &(struct http_request){.method = i % 2 ? "POST" : "PUT",
						   .path = "/echo",
						   .body = body,
						   .body_length = i < 4 ? size : 100,
						   .content_type = "text/plain"});
	}
	free(body);
	for (int i = 0; i < COUNT; i++) {
		char letter[2] = {(char)('a' + i), 0};
		test_row("%d", i);
		EXPECT(probe_wait(&probes[i]));
		EXPECT_INT(probes[i].kind, ERROR_NONE);
		EXPECT_INT(probes[i].text.len, i < 4 ? size : 100);
		EXPECT_INT(strspn(probes[i].text.buf, letter), probes[i].text.len);
		probe_release(&probes[i]);
	}
	test_row("%s", "");
}

static void cancel_self(struct probe *probe)
{
	probe_cancel(probe);
}

TEST(http2, cancelled_stream_leaves_the_others_alone)
{
	static const struct http_request large = {
	    .method = "GET", .path = "/large", .stream = true};
	CLEANUP(h2_release) struct h2 h2;
	CLEANUP(probe_release) struct probe in_head = {.on_head = cancel_self};
	CLEANUP(probe_release) struct probe in_data = {.on_data = cancel_self};
	CLEANUP(probe_release) struct probe refused = {.refuse = true}, whole = {0};
	CLEANUP(probe_release) struct probe outside = {0}, limited = {0};
	h2_init(&h2, &system_clock);
	if (h2.missing)
		return;
	EXPECT_INT(outcome(&h2.rig, "/answer"), ERROR_NONE);
	probe_start(&in_head, &h2.rig, &large);
	probe_start(&in_data, &h2.rig, &large);
	probe_start(&outside, &h2.rig, &large);
	probe_start(&whole, &h2.rig, &large);
	probe_start(&refused, &h2.rig, &large);
	probe_start(&limited, &h2.rig,
		    &(struct http_request){.method = "GET", .path = "/large", .max_body = 50000});
	EXPECT(rig_wait(&h2.rig, &outside.datas, 2));
	probe_cancel(&outside);
	int datas = outside.datas;
	EXPECT(probe_wait(&whole));
	EXPECT_INT(whole.kind, ERROR_NONE);
	EXPECT_INT(whole.text.len, 6000000);
	EXPECT_INT(outside.datas, datas);
	EXPECT_INT(in_data.datas, 1);
	EXPECT_INT(in_head.datas, 0);
	EXPECT_INT(in_head.dones + in_data.dones + outside.dones, 0);
	EXPECT_INT(refused.kind, ERROR_FATAL);
	EXPECT_INT(limited.kind, ERROR_INVALID);
	EXPECT_INT(outcome(&h2.rig, "/answer"), ERROR_NONE);
	EXPECT_INT(connections_used(&h2), 1);
}

/* The peer's kernel still acknowledges, but nobody is at home. */
TEST(http2, silent_connection_is_not_used_again)
{
	CLEANUP(h2_release) struct h2 h2;
	CLEANUP(probe_release) struct probe first = {0}, second = {0};
	h2_init(&h2, &system_clock);
	if (h2.missing)
		return;
	EXPECT_INT(outcome(&h2.rig, "/answer"), ERROR_NONE);
	child_signal(&h2.child, SIGSTOP);
	probe_start(&first, &h2.rig,
		    &(struct http_request){.method = "GET", .path = "/answer", .idle_ms = 200});
	probe_start(
	    &second, &h2.rig,
	    &(struct http_request){.method = "GET", .path = "/answer", .timeout_ms = 15000});
	EXPECT(probe_wait(&first));
	EXPECT_TEXT(first.error, "nothing received for 0.2 s");
	EXPECT(probe_wait(&second)); /* it was on that connection too: told soon */
	EXPECT_INT(second.kind, ERROR_TRANSIENT);
	EXPECT(!strstr(second.error, "no whole answer"));
	child_signal(&h2.child, SIGCONT);
	EXPECT_INT(outcome(&h2.rig, "/answer"), ERROR_NONE);
	EXPECT_INT(connections_used(&h2), 2);
}

TEST(http2, server_dies_under_many_streams)
{
	enum { COUNT = 12 };
	CLEANUP(h2_release) struct h2 h2;
	struct probe probes[COUNT] = {{0}};
	h2_init(&h2, &system_clock);
	if (h2.missing)
		return;
	EXPECT_INT(outcome(&h2.rig, "/answer"), ERROR_NONE);
	child_signal(&h2.child, SIGSTOP);
	for (int i = 0; i < COUNT; i++)
		probe_start(&probes[i], &h2.rig,
			    &(struct http_request){.method = i % 2 ? "GET" : "PATCH",
						   .path = "/answer",
						   .stream = i % 3 == 0,
						   .timeout_ms = 15000});
	rig_turn(&h2.rig, 100);
	child_stop(&h2.child);
	for (int i = 0; i < COUNT; i++) {
		test_row("%d", i);
		EXPECT(probe_wait(&probes[i]));
		EXPECT_INT(probes[i].kind, ERROR_TRANSIENT);
		EXPECT(!strstr(probes[i].error, "no whole answer"));
		EXPECT_INT(probes[i].dones, 1);
		probe_release(&probes[i]);
	}
	test_row("%s", "");
}

TEST(http2, connection_of_an_old_authority_is_not_reused)
{
	CLEANUP(h2_release) struct h2 h2;
	h2_init(&h2, NULL);
	if (h2.missing)
		return;
	EXPECT_INT(outcome(&h2.rig, "/answer"), ERROR_NONE);
	copy(&h2.folder, "stranger.crt", "trusted.crt");
	EXPECT_INT(outcome(&h2.rig, "/answer"), ERROR_NONE);
	fake_clock_advance(&h2.clock, 10000);
	EXPECT_INT(outcome(&h2.rig, "/answer"), ERROR_TRANSIENT);
	copy(&h2.folder, "ca.crt", "trusted.crt");
	fake_clock_advance(&h2.clock, 10000);
	EXPECT_INT(outcome(&h2.rig, "/answer"), ERROR_NONE);
}

TEST_MAIN(TEST_OF(tls, whom_we_believe), TEST_OF(tls, authority_is_read_again),
	  TEST_OF(tls, server_that_never_shakes_hands), TEST_OF(http2, burst_shares_one_connection),
	  TEST_OF(http2, bodies_arrive_whole),
	  TEST_OF(http2, cancelled_stream_leaves_the_others_alone),
	  TEST_OF(http2, silent_connection_is_not_used_again),
	  TEST_OF(http2, server_dies_under_many_streams),
	  TEST_OF(http2, connection_of_an_old_authority_is_not_reused))
