/*
 * The bytes of an answer, status line and headers too, on a real connection to libcurl: whatever
 * they are, one request was made and is done with at once, with an object or an error of a short,
 * readable text and sane times. No redirect is followed, no connection tried again.
 *
 * Input: a byte that chooses the request (bit 0: a write, bit 1: a stream), then what the server
 * sends before it closes.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/log.h"
#include "pkg/kube/client.h"
#include "pkg/net/curl_transport.h"
#include "pkg/net/loop.h"
#include "test/fuzz/fuzz.h"

#define TEXT_MAX 8192
#define RETRY_AFTER_MAX_MS 3600000
#define DATE_MAX_MS INT64_C(253402300800000) /* the end of year 9999 */
#define PATIENCE_MS 8000
/* Of the loopback addresses one that nobody else connects to. */
#define LISTEN_ON 0x7F4D1509
#define LISTEN_AT "127.77.21.9"

struct site {
	struct loop *loop;
	struct transport *transport;
	struct kube_client *client;
	int listener, connection, accepted;
	const uint8_t *data;
	size_t size;
	bool done;
};

static void check_error(const struct error *err)
{
	size_t length = strlen(error_text(err));
	CHECK(length > 0 && length <= TEXT_MAX);
	CHECK(utf8_valid_prefix(error_text(err), length) == length);
	CHECK(err->retry_after_ms >= 0 && err->retry_after_ms <= RETRY_AFTER_MAX_MS);
	CHECK(err->status >= 0 && err->status < 1000);
}

static void request_done(void *ctx, const struct json *object, const struct error *err)
{
	struct site *site = ctx;
	CHECK(!site->done && (err->kind == ERROR_NONE) == (object != NULL));
	if (err->kind != ERROR_NONE)
		check_error(err);
	site->done = true;
}

static bool stream_data(void *ctx UNUSED, const char *data, size_t length)
{
	CHECK(data && length > 0);
	return true;
}

static void stream_done(void *ctx, const struct http_response *response, const struct error *err)
{
	struct site *site = ctx;
	CHECK(!site->done && response->status >= 0 && response->status < 1000);
	CHECK(response->date_ms >= 0 && response->date_ms < DATE_MAX_MS);
	CHECK(response->retry_after_ms >= 0 && response->retry_after_ms <= RETRY_AFTER_MAX_MS);
	CHECK(response->body && strlen(response->body) <= response->length);
	if (err->kind != ERROR_NONE)
		check_error(err);
	site->done = true;
}

/* ---- the server ---- */

/* One for all inputs: each port that was listened on would be kept from clients for a minute, and
 * after 28,000 inputs there would be none left. */
static int listener(uint16_t *port)
{
	static int fd = -1;
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t length = sizeof(address);
	address.sin_addr.s_addr = htonl(LISTEN_ON);
	if (fd < 0) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0);
		CHECK(listen(fd, 4) == 0);
	}
	CHECK(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static void serve(struct site *site)
{
	int fd = accept4(site->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	CHECK(++site->accepted == 1);
	site->connection = fd;
	/* It all fits the buffer of the socket. */
	(void)!send(fd, site->data, site->size, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
}

/* Reset, so that thousands of them leave no ports behind that wait. */
static void hang_up(const struct site *site)
{
	struct linger now = {.l_onoff = 1};
	if (site->connection >= 0) {
		setsockopt(site->connection, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(site->connection);
	}
}

/* ---- the client ---- */

static void ask(struct site *site, bool write, bool stream)
{
	static const struct kube_resource things = {"g.io", "v1", "things", "Thing"};
	static const struct http_events events = {.data = stream_data, .done = stream_done};
	struct kube_request request = {
	    .verb = write ? KUBE_PATCH : KUBE_GET, .resource = &things, .ns = "ns", .name = "name"};
	if (stream)
		transport_start(site->transport,
				&(struct http_request){.method = "GET",
						       .path = "/apis/g.io/v1/things",
						       .stream = true},
				&events, site);
	else
		kube_client_send(site->client, &request, request_done, site);
}

static void setup(struct site *site, const uint8_t *data, size_t size)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	char server[64];
	uint16_t port;
	*site = (struct site){
	    .listener = listener(&port), .connection = -1, .data = data, .size = size};
	snprintf(server, sizeof(server), "http://" LISTEN_AT ":%u", port);
	struct endpoint endpoint = {.server = server};
	site->loop = loop_new(&system_clock);
	log_setup(&system_clock, NULL, fuzz_take_log, NULL);
	CHECK(curl_transport_new(site->loop, &endpoint, &site->transport, &err));
	site->client =
	    kube_client_new(&(struct kube_client_config){.transport = site->transport,
							 .timers = loop_timers(site->loop),
							 .field_manager = "me"});
}

static void teardown(struct site *site)
{
	kube_client_free(site->client);
	curl_transport_free(site->transport);
	loop_free(site->loop);
	hang_up(site);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct site site;
	if (size < 1 || size > 65536)
		return 0;
	setup(&site, data + 1, size - 1);
	ask(&site, data[0] & 1, data[0] & 2);
	int64_t until = timers_now(loop_timers(site.loop)) + PATIENCE_MS;
	while (!site.done) {
		loop_step(site.loop, 1);
		serve(&site);
		CHECK(timers_now(loop_timers(site.loop)) < until);
	}
	serve(&site);
	CHECK(site.accepted == 1);
	int64_t now = kube_client_now_ms(site.client);
	CHECK(now > 0 && now < DATE_MAX_MS + 60000);
	teardown(&site);
	return 0;
}
