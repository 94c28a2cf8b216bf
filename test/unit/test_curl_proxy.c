/* Proxies: none but the one that is named or asked for, and what one learns of us. The one here
 * speaks CONNECT and SOCKS 5, and leads every connection to the same server. */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "test/lib/probe.h"
#include "test/lib/server.h"
#include "test/lib/test.h"
#include "test/lib/tls.h"

/* ---- a proxy of one connection ---- */

struct proxy {
	int listener;
	uint16_t port, to;
	const char *answer; /* to CONNECT */
	pthread_t thread;
	bool used;
	char told[2048]; /* CONNECT's head, or "socks HOST" */
};

static void tunnel(int a, int b)
{
	struct pollfd ends[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
	char block[16384];
	while (poll(ends, 2, 20000) > 0) {
		for (int i = 0; i < 2; i++) {
			if (!ends[i].revents)
				continue;
			ssize_t got = recv(ends[i].fd, block, sizeof(block), 0);
			if (got <= 0 || send(ends[!i].fd, block, (size_t)got, MSG_NOSIGNAL) != got)
				return;
		}
	}
}

static bool exactly(int fd, unsigned char *to, size_t length)
{
	return recv(fd, to, length, MSG_WAITALL) == (ssize_t)length;
}

/* RFC 1928: no authentication, CONNECT to a name. */
static bool greet_socks(struct proxy *proxy, int fd)
{
	unsigned char in[300], methods, ok[10] = {5, 0, 0, 1};
	if (!exactly(fd, &methods, 1) || !exactly(fd, in, methods) || send(fd, "\5\0", 2, 0) != 2 ||
	    !exactly(fd, in, 5) || in[3] != 3 || !exactly(fd, in + 5, in[4] + 2u))
		return false;
	snprintf(proxy->told, sizeof(proxy->told), "socks %.*s:%u", in[4], (char *)in + 5,
		 in[5 + in[4]] << 8 | in[6 + in[4]]);
	return send(fd, ok, sizeof(ok), 0) == sizeof(ok);
}

static bool greet_http(struct proxy *proxy, int fd, char first)
{
	size_t length = 1;
	proxy->told[0] = first;
	while (length < sizeof(proxy->told) - 1 && !strstr(proxy->told, "\r\n\r\n") &&
	       exactly(fd, (unsigned char *)proxy->told + length, 1))
		length++;
	size_t answer = strlen(proxy->answer);
	return send(fd, proxy->answer, answer, MSG_NOSIGNAL) == (ssize_t)answer &&
	       strstr(proxy->answer, " 200 ");
}

static void *serve(void *ctx)
{
	struct proxy *proxy = ctx;
	unsigned char first;
	int fd = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return NULL;
	proxy->used = true;
	if (exactly(fd, &first, 1) &&
	    (first == 5 ? greet_socks(proxy, fd) : greet_http(proxy, fd, (char)first))) {
		int to = test_connect(proxy->to);
		CHECK(to >= 0);
		tunnel(fd, to);
		close(to);
	}
	close(fd);
	return NULL;
}

static void proxy_init(struct proxy *proxy, uint16_t to, const char *answer)
{
	memset(proxy, 0, sizeof(*proxy));
	proxy->listener = test_listen(&proxy->port);
	proxy->to = to;
	proxy->answer = answer;
	CHECK(pthread_create(&proxy->thread, NULL, serve, proxy) == 0);
}

/* What it was told is there after this. */
static void proxy_end(struct proxy *proxy)
{
	shutdown(proxy->listener, SHUT_RDWR);
	pthread_join(proxy->thread, NULL);
	close(proxy->listener);
}

/* ---- through it ---- */

static const char *const headers[] = {"Impersonate-User: jo", NULL};

#define YES "HTTP/1.1 200 Go\r\nDate: Thu, 01 Jan 1970 00:00:01 GMT\r\nRetry-After: 7\r\n\r\n"
#define NO "HTTP/1.1 407 Who are you\r\nContent-Length: 6\r\n\r\nsecret"

static const struct {
	const char *proxy, *after; /* before and after its port */
	const char *host, *answer;
	const char *told, *more; /* parts of what it was told; more may be NULL */
	const char *error;       /* part of it; NULL: succeeds */
} rows[] = {
    {"http://127.0.0.1:", "", "127.0.0.1", YES, "CONNECT 127.0.0.1:", NULL, NULL},
    {"http://127.0.0.1:", "/", "localhost", YES, "CONNECT localhost:", NULL, NULL},
    {"http://jo:pa%20ss@127.0.0.1:", "", "127.0.0.1", YES,
     "CONNECT 127.0.0.1:", "\r\nProxy-Authorization: Basic am86cGEgc3M=\r\n", NULL},
    {"socks5://127.0.0.1:", "", "localhost", YES, "socks localhost:", NULL, NULL},
    {"http://jo:secret@127.0.0.1:", "", "127.0.0.1", NO, "CONNECT 127.0.0.1:", NULL, "407"},
};

static void try_row(size_t i, struct tls_folder *folder, uint16_t port)
{
	CLEANUP(probe_release) struct probe probe = {0};
	struct proxy proxy;
	struct rig rig;
	char url[80];
	proxy_init(&proxy, port, rows[i].answer);
	snprintf(url, sizeof(url), "%s%u%s", rows[i].proxy, proxy.port, rows[i].after);
	struct endpoint endpoint = {.ca_file = tls_path(folder, "ca.crt"),
				    .token = "secret",
				    .headers = headers,
				    .proxy = url};
	rig_init(&rig, &system_clock, "https", rows[i].host, port, &endpoint);
	probe_get(&probe, &rig, "/answer");
	EXPECT(probe_wait(&probe));
	rig_release(&rig);
	proxy_end(&proxy);
	EXPECT_CONTAINS(proxy.told, rows[i].told);
	EXPECT_CONTAINS(proxy.told, rows[i].more ? rows[i].more : "");
	EXPECT(!strstr(proxy.told, "secret") && !strcasestr(proxy.told, "Impersonate"));
	EXPECT(!strcasestr(proxy.told, "\nAuthorization"));
	EXPECT_CONTAINS(probe.error, rows[i].error ? rows[i].error : "");
	EXPECT(!strstr(probe.error, "secret"));
	EXPECT_INT(probe.kind, rows[i].error ? ERROR_TRANSIENT : ERROR_NONE);
	/* The proxy's own head is not the answer's. */
	EXPECT_INT(probe.response.status, rows[i].error ? 0 : 200);
	EXPECT_TEXT(probe.text.buf, rows[i].error ? "" : "ok");
	EXPECT_INT(probe.response.date_ms + probe.response.retry_after_ms, 0);
}

#define SERVER "openssl s_server -accept PORT -HTTP -cert server.crt -key server.key"

static void put_answer(struct tls_folder *folder)
{
	FILE *file = fopen(tls_path(folder, "answer"), "w");
	CHECK(file && fputs("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", file) >= 0 &&
	      fclose(file) == 0);
}

TEST(proxy, that_is_named)
{
	CLEANUP(tls_folder_release) struct tls_folder folder;
	CLEANUP(child_stop) struct child child = {0};
	tls_folder_init(&folder);
	put_answer(&folder);
	CHECK(child_start(&child, &folder, "server", SERVER));
	setenv("NO_PROXY", "*", 1); /* has no say in it */
	setenv("no_proxy", "127.0.0.1,localhost", 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s %s", rows[i].proxy, rows[i].host);
		try_row(i, &folder, child.port);
	}
	test_row("%s", "");
	unsetenv("NO_PROXY");
	unsetenv("no_proxy");
}

/* An https proxy is known by the server's authority. */
TEST(proxy, is_verified)
{
	static const struct {
		const char *ca;
		bool insecure, believed;
	} cases[] = {
	    {"ca.crt", false, true},
	    {"stranger.crt", false, false},
	    {NULL, true, false},
	};
	CLEANUP(tls_folder_release) struct tls_folder folder;
	tls_folder_init(&folder);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(child_stop) struct child child = {0};
		CLEANUP(probe_release) struct probe probe = {0};
		struct rig rig;
		char url[80];
		test_row("%zu", i);
		CHECK(child_start(&child, &folder, "proxy", SERVER));
		snprintf(url, sizeof(url), "https://127.0.0.1:%u", child.port);
		struct endpoint endpoint = {.ca_file =
						cases[i].ca ? tls_path(&folder, cases[i].ca) : NULL,
					    .insecure_skip_verify = cases[i].insecure,
					    .proxy = url};
		rig_init(&rig, &system_clock, "https", "127.0.0.1", 1, &endpoint);
		probe_get(&probe, &rig, "/");
		EXPECT(probe_wait(&probe));
		EXPECT_INT(probe.kind, ERROR_TRANSIENT);
		/* Believed, it does not understand CONNECT. */
		EXPECT_INT(strncmp(probe.error, "TLS: ", 5) != 0, cases[i].believed);
		rig_release(&rig);
	}
	test_row("%s", "");
}

/* ---- the environment ---- */

static const char *const variables[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
					"ALL_PROXY"};

static void set_all(uint16_t port)
{
	char url[80];
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		setenv(variables[i], url, 1);
}

/* Is the proxy of the environment used? */
static bool used(const char *scheme, bool asked, const char *named)
{
	CLEANUP(probe_release) struct probe probe = {0};
	struct proxy proxy;
	struct rig rig;
	uint16_t port;
	int listener = test_listen(&port);
	struct endpoint endpoint = {
	    .proxy_from_environment = asked, .proxy = named, .token = "secret"};
	close(listener); /* nobody is there */
	proxy_init(&proxy, 0, NO);
	set_all(proxy.port);
	rig_init(&rig, &system_clock, scheme, "127.0.0.1", port, &endpoint);
	probe_get(&probe, &rig, "/");
	EXPECT(probe_wait(&probe));
	rig_release(&rig);
	proxy_end(&proxy);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
	return proxy.used;
}

TEST(proxy, of_the_environment_only_if_asked)
{
	EXPECT(!used("http", false, NULL));
	EXPECT(!used("https", false, NULL));
	EXPECT(!used("https", false, ""));
	EXPECT(used("http", true, NULL));
	EXPECT(used("https", true, NULL));
	EXPECT(!used("https", true, "http://127.0.0.1:1")); /* the one that is named */
	setenv("NO_PROXY", "127.0.0.1", 1);
	EXPECT(!used("https", true, NULL));
	unsetenv("NO_PROXY");
}

TEST(proxy, errors_name_it_without_its_password)
{
	static const struct {
		const char *proxy, *error;
	} cases[] = {
	    {"http://jo:secret@127.0.0.1:1", "connect to 127.0.0.1:1: Connection refused"},
	    {"http://jo:secret@no.such.host.invalid",
	     "resolve no.such.host.invalid:80: no address"},
	    {"https://jo:secret@no.such.host.invalid",
	     "resolve no.such.host.invalid:443: no address"},
	    {"socks5://no.such.host.invalid", "resolve no.such.host.invalid:1080: no address"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(probe_release) struct probe probe = {0};
		struct rig rig;
		struct endpoint endpoint = {.proxy = cases[i].proxy};
		test_row("%s", cases[i].proxy);
		rig_init(&rig, &system_clock, "https", "127.0.0.1", 1, &endpoint);
		probe_get(&probe, &rig, "/");
		EXPECT(probe_wait(&probe));
		EXPECT_INT(probe.kind, ERROR_TRANSIENT);
		EXPECT_CONTAINS(probe.error, cases[i].error);
		EXPECT(!strstr(probe.error, "secret"));
		rig_release(&rig);
	}
	test_row("%s", "");
}

TEST(proxy, errors_mention_that_of_the_environment)
{
	CLEANUP(probe_release) struct probe probe = {0};
	struct rig rig;
	struct endpoint endpoint = {.proxy_from_environment = true};
	setenv("https_proxy", "http://jo:secret@127.0.0.1:1", 1);
	rig_init(&rig, &system_clock, "https", "127.0.0.1", 2, &endpoint);
	probe_get(&probe, &rig, "/");
	EXPECT(probe_wait(&probe));
	EXPECT_TEXT(probe.error,
		    "connect to 127.0.0.1:2 or the environment's proxy: Connection refused");
	rig_release(&rig);
	unsetenv("https_proxy");
}

TEST(proxy, urls_that_are_none)
{
	static const char *const urls[] = {"proxy:3128",    "ftp://secret", "socks4://secret",
					   "http://",       "http://a b",   "https://secret:99999",
					   "file:///secret"};
	struct loop *loop = loop_new(&system_clock);
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct transport *transport = NULL;
		struct endpoint endpoint = {.server = "https://x", .proxy = urls[i]};
		test_row("%s", urls[i]);
		EXPECT(!curl_transport_new(loop, &endpoint, &transport, &err));
		EXPECT_INT(err.kind, ERROR_FATAL);
		EXPECT_TEXT(error_text(&err), "the proxy's URL is no http, https or socks5 URL");
	}
	test_row("%s", "");
	loop_free(loop);
}

TEST_MAIN(TEST_OF(proxy, that_is_named), TEST_OF(proxy, is_verified),
	  TEST_OF(proxy, of_the_environment_only_if_asked),
	  TEST_OF(proxy, errors_name_it_without_its_password),
	  TEST_OF(proxy, errors_mention_that_of_the_environment),
	  TEST_OF(proxy, urls_that_are_none))
