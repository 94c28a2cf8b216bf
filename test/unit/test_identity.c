/* Endpoints: what is refused at the start, and how files are read again. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/net/identity.h"
#include "test/lib/fake_clock.h"
#include "test/lib/probe.h"
#include "test/lib/server.h"
#include "test/lib/test.h"

struct folder {
	char path[64];
	char token[96], other[96];
};

static void folder_init(struct folder *folder)
{
	snprintf(folder->path, sizeof(folder->path), "/tmp/identity-XXXXXX");
	CHECK(mkdtemp(folder->path));
	snprintf(folder->token, sizeof(folder->token), "%s/token", folder->path);
	snprintf(folder->other, sizeof(folder->other), "%s/other", folder->path);
}

static void folder_release(struct folder *folder)
{
	unlink(folder->token);
	unlink(folder->other);
	rmdir(folder->path);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* As kubelet does it: another file takes the name. */
static void replace_file(struct folder *folder, const char *text)
{
	write_file(folder->other, text);
	CHECK(rename(folder->other, folder->token) == 0);
}

TEST(identity, refusals)
{
	static const char *const injected[] = {"A: b", "Name: c\r\nX: y", NULL};
	static const struct {
		struct endpoint endpoint;
		const char *error;
	} rows[] = {
	    {{.server = NULL}, "server \"\" is not an http or https URL"},
	    {{.server = ""}, "server \"\" is not an http or https URL"},
	    {{.server = "127.0.0.1:6443"}, "server \"127.0.0.1:6443\" is not an http or https URL"},
	    {{.server = "ftp://x"}, "server \"ftp://x\" is not an http or https URL"},
	    {{.server = "https://"}, "server \"https://\" is not an http or https URL"},
	    {{.server = "https://x:99999"},
	     "server \"https://x:99999\" is not an http or https URL"},
	    {{.server = "https://u:secret@x:99999"}, "server \"\" is not an http or https URL"},
	    {{.server = "https://u:secret@x"},
	     "the server's URL must have no user, query or fragment"},
	    {{.server = "https://x/?q"}, "the server's URL must have no user, query or fragment"},
	    {{.server = "https://x/#f"}, "the server's URL must have no user, query or fragment"},
	    {{.server = "https://x", .token_file = "/nowhere/token"},
	     "token: open /nowhere/token: No such file or directory"},
	    {{.server = "https://x", .ca_file = "/tmp"},
	     "certificate authority: /tmp is not a regular file"},
	    {{.server = "https://x", .ca_file = "/dev/zero"},
	     "certificate authority: /dev/zero is not a regular file"},
	    {{.server = "https://x", .client_cert_file = "/dev/null", .client_key_pem = "k"},
	     "client certificate: /dev/null is not a regular file"},
	    {{.server = "https://x", .token = "two\nlines"},
	     "token: as given has characters that no token has"},
	    {{.server = "https://x", .token = "a b"},
	     "token: as given has characters that no token has"},
	    {{.server = "https://x", .token = "t\xc3\xa4"},
	     "token: as given has characters that no token has"},
	    {{.server = "https://x", .token = " \n"}, "token: as given is empty"},
	    {{.server = "https://x", .client_cert_pem = "c"},
	     "client certificate and key go together"},
	    {{.server = "https://x", .client_key_pem = "k"},
	     "client certificate and key go together"},
	    {{.server = "https://x", .headers = injected}, "header Name has a control character"},
	};
	struct loop *loop = loop_new(&system_clock);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct transport *transport = NULL;
		test_row("%zu", i);
		EXPECT(!curl_transport_new(loop, &rows[i].endpoint, &transport, &err));
		EXPECT_INT(err.kind, ERROR_FATAL);
		EXPECT_TEXT(error_text(&err), rows[i].error);
		EXPECT(transport == NULL);
	}
	test_row("%s", "");
	loop_free(loop);
}

TEST(identity, files_have_a_limit)
{
	CLEANUP(folder_release) struct folder folder;
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct identity identity;
	char want[160];
	folder_init(&folder);
	struct endpoint endpoint = {.server = "https://x", .ca_file = folder.token};
	write_file(folder.token, "");
	EXPECT(!identity_init(&identity, &endpoint, 0, &err));
	snprintf(want, sizeof(want), "certificate authority: %s is empty", folder.token);
	EXPECT_TEXT(error_text(&err), want);
	EXPECT_INT(truncate(folder.token, 1024 * 1024 + 1), 0);
	EXPECT(!identity_init(&identity, &endpoint, 0, &err));
	snprintf(want, sizeof(want), "certificate authority: %s is larger than 1 MiB",
		 folder.token);
	EXPECT_TEXT(error_text(&err), want);
}

TEST(identity, addresses)
{
	static const struct {
		const char *server, *tls_name, *base, *shown, *route, *host;
	} rows[] = {
	    {"https://x", NULL, "https://x:443", "x:443", NULL, NULL},
	    {"https://10.0.0.1:6443/", NULL, "https://10.0.0.1:6443", "10.0.0.1:6443", NULL, NULL},
	    {"https://[fd00::1]:6443/p/", "", "https://[fd00::1]:6443/p", "[fd00::1]:6443", NULL,
	     NULL},
	    {"http://x:8080/a/b", "ignored", "http://x:8080/a/b", "x:8080", NULL, NULL},
	    {"https://10.0.0.1:6443/p", "api.test", "https://api.test:6443/p", "10.0.0.1:6443",
	     "api.test:6443:10.0.0.1:6443", "Host: 10.0.0.1:6443"},
	    {"https://[::1]", "api.test", "https://api.test:443", "[::1]:443",
	     "api.test:443:[::1]:443", "Host: [::1]:443"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct identity identity;
		struct endpoint endpoint = {.server = rows[i].server,
					    .tls_server_name = rows[i].tls_name,
					    .token = "", /* as good as none */
					    .ca_file = ""};
		test_row("%s", rows[i].server);
		EXPECT(identity_init(&identity, &endpoint, 0, &err));
		EXPECT_TEXT(identity.base, rows[i].base);
		EXPECT_TEXT(identity.shown, rows[i].shown);
		EXPECT_TEXT(identity.connect_to ? identity.connect_to->data : NULL, rows[i].route);
		EXPECT_TEXT(identity.host_header, rows[i].host);
		EXPECT(!identity.token.text && !identity.ca.text);
		identity_release(&identity);
	}
	test_row("%s", "");
}

TEST(identity, files_are_read_again)
{
	CLEANUP(folder_release) struct folder folder;
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct identity identity;
	folder_init(&folder);
	write_file(folder.token, "  one\n");
	struct endpoint endpoint = {
	    .server = "https://x", .token_file = folder.token, .token = "the file wins"};
	EXPECT(identity_init(&identity, &endpoint, 1000, &err));
	EXPECT_TEXT(identity.token.text, "one");
	replace_file(&folder, "two\n");
	identity_refresh(&identity, 10999);
	EXPECT_TEXT(identity.token.text, "one");
	identity_refresh(&identity, 11000);
	EXPECT_TEXT(identity.token.text, "two");
	replace_file(&folder, "three");
	identity_doubt(&identity);
	identity_refresh(&identity, 11001);
	EXPECT_TEXT(identity.token.text, "three");
	identity_refresh(&identity, 11001); /* doubt is over */
	EXPECT_INT(identity.next_look_ms, 21001);

	static const char *const bad[] = {"", "\n", "a b", "a\nb", "a\rX-Header: b"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		replace_file(&folder, bad[i]);
		identity_doubt(&identity);
		identity_refresh(&identity, 20000);
		EXPECT_TEXT(identity.token.text, "three");
	}
	unlink(folder.token);
	identity_doubt(&identity);
	identity_refresh(&identity, 30000);
	EXPECT_TEXT(identity.token.text, "three");
	write_file(folder.token, "four");
	identity_doubt(&identity);
	identity_refresh(&identity, 40000);
	EXPECT_TEXT(identity.token.text, "four");
	identity_release(&identity);
}

/* 200 for the token "two", 401 for all others. */
static bool guard(void *ctx UNUSED, struct exchange *exchange)
{
	bool known = strstr(exchange->request, "\r\nAuthorization: Bearer two\r\n");
	return exchange_send(exchange, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n",
			     known ? "200 OK" : "401 Unauthorized");
}

static int ask(struct rig *rig)
{
	CLEANUP(probe_release) struct probe probe = {0};
	probe_get(&probe, rig, "/");
	EXPECT(probe_wait(&probe));
	EXPECT_INT(probe.kind, ERROR_NONE);
	return probe.response.status;
}

TEST(identity, new_token_after_401_at_once)
{
	CLEANUP(folder_release) struct folder folder;
	struct fake_clock clock;
	struct rig rig;
	folder_init(&folder);
	fake_clock_init(&clock);
	write_file(folder.token, "two");
	struct endpoint endpoint = {.token_file = folder.token};
	struct server *server = server_new(guard, NULL);
	rig_init(&rig, &clock.clock, "http", "127.0.0.1", server_port(server), &endpoint);
	EXPECT_INT(ask(&rig), 200);
	replace_file(&folder, "one");
	EXPECT_INT(ask(&rig), 200); /* looked at 10 s later at the earliest */
	fake_clock_advance(&clock, 10000);
	EXPECT_INT(ask(&rig), 401);
	replace_file(&folder, "two");
	EXPECT_INT(ask(&rig), 200); /* no time has passed */
	rig_release(&rig);
	server_free(server);
}

TEST_MAIN(TEST_OF(identity, refusals), TEST_OF(identity, files_have_a_limit),
	  TEST_OF(identity, addresses), TEST_OF(identity, files_are_read_again),
	  TEST_OF(identity, new_token_after_401_at_once))
