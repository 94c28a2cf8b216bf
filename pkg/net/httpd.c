/*
 * libmicrohttpd without a thread: its epoll descriptor is watched by the loop, its next
 * time-out is a timer. Invariant: after every MHD_run the timer stands at what MHD asks for.
 */
#include "pkg/net/httpd.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/net/listen.h"

#define CONNECTIONS_MAX 64U
#define CONNECTIONS_LOCAL 4U
#define UNSENT_MAX ((size_t)32 << 20)
#define CONNECTION_MEMORY ((size_t)16 * 1024) /* request line and headers must fit */
#define IDLE_S 10U

struct httpd {
	struct loop *loop;
	struct MHD_Daemon *daemon;
	struct timer timer;
	int epoll_fd;
	unsigned connections_max;
	bool full; /* as many connections as allowed */
	bool local;
	size_t unsent;                 /* bytes of answers that MHD holds */
	struct MHD_Connection *asking; /* while answer runs */
	uint16_t port;
	void (*answer)(void *ctx, const char *path, struct httpd_answer *out);
	void *ctx;
};

/* MHD stops listening when all places are taken, and begins again only in the run after the one
 * that freed a place: nothing would wake us for it. */
static bool place_freed(struct httpd *httpd)
{
	const union MHD_DaemonInfo *info =
	    MHD_get_daemon_info(httpd->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
	bool was_full = httpd->full;
	httpd->full = info && info->num_connections >= httpd->connections_max;
	return was_full && !httpd->full;
}

static void run(void *ctx)
{
	struct httpd *httpd = ctx;
	struct timers *timers = loop_timers(httpd->loop);
	MHD_UNSIGNED_LONG_LONG wait_ms;
	MHD_run(httpd->daemon);
	timer_disarm(timers, &httpd->timer);
	if (place_freed(httpd))
		timer_arm(timers, &httpd->timer, 0);
	else if (MHD_get_timeout(httpd->daemon, &wait_ms) == MHD_YES)
		timer_arm(timers, &httpd->timer,
			  wait_ms > INT32_MAX ? INT32_MAX : (int64_t)wait_ms);
}

/* The body of an answer, MHD's until it is sent or given up. */
struct body {
	struct httpd *httpd;
	size_t length;
	char *text;
};

static void body_free(void *ctx)
{
	struct body *body = ctx;
	body->httpd->unsent -= body->length;
	free(body->text);
	free(body);
}

static struct MHD_Response *response_of(struct httpd *httpd, struct strbuf *text)
{
	struct body *body = xcalloc(1, sizeof(*body));
	body->httpd = httpd;
	body->length = text->len;
	body->text = strbuf_take(text);
	httpd->unsent += body->length;
	struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
	    body->length, body->text, body_free, body);
	CHECK(response);
	return response;
}

static enum MHD_Result reply(struct httpd *httpd, struct MHD_Connection *connection,
			     struct httpd_answer *answer, const char *header, const char *value)
{
	struct MHD_Response *response = response_of(httpd, &answer->body);
	if (answer->content_type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
					answer->content_type);
	if (header)
		MHD_add_response_header(response, header, value);
	/* No browser is to take it for a script, or to keep it. */
	if (httpd->local) {
		MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
		MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	}
	enum MHD_Result result = MHD_queue_response(connection, (unsigned)answer->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct httpd *httpd, struct MHD_Connection *connection, int status,
			      const char *header, const char *value)
{
	struct httpd_answer answer = {.status = status, .body = STRBUF_INIT};
	return reply(httpd, connection, &answer, header, value);
}

static bool has_body(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_CONTENT_LENGTH);
	return (length && strcmp(length, "0") != 0) ||
	       MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
					   MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

/* Host: localhost, or one of the two addresses, with a port or without. */
static bool asks_for_localhost(struct MHD_Connection *connection)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
	const char *host =
	    MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	for (size_t i = 0; host && i < ARRAY_SIZE(names); i++) {
		size_t length = strlen(names[i]);
		if (strncasecmp(host, names[i], length) == 0 &&
		    (host[length] == '\0' || host[length] == ':'))
			return true;
	}
	return false;
}

/* 0: it is fine. */
static int fault_of(const struct httpd *httpd, struct MHD_Connection *connection)
{
	if (has_body(connection))
		return MHD_HTTP_CONTENT_TOO_LARGE;
	if (httpd->local && !asks_for_localhost(connection))
		return MHD_HTTP_MISDIRECTED_REQUEST;
	return httpd->unsent >= UNSENT_MAX ? MHD_HTTP_SERVICE_UNAVAILABLE : 0;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *path,
				  const char *method, const char *version UNUSED,
				  const char *upload UNUSED, size_t *upload_length UNUSED,
				  void **request)
{
	struct httpd *httpd = ctx;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(httpd, connection, MHD_HTTP_METHOD_NOT_ALLOWED, MHD_HTTP_HEADER_ALLOW,
			      "GET, HEAD");
	int fault = fault_of(httpd, connection);
	if (fault)
		return refuse(httpd, connection, fault, MHD_HTTP_HEADER_CONNECTION, "close");
	if (!*request) { /* answered at the first call, MHD would close the connection */
		*request = connection;
		return MHD_YES;
	}
	struct httpd_answer answer = {.status = MHD_HTTP_NOT_FOUND, .body = STRBUF_INIT};
	httpd->asking = connection;
	httpd->answer(httpd->ctx, path, &answer);
	httpd->asking = NULL;
	return reply(httpd, connection, &answer, NULL, NULL);
}

const char *httpd_query(const struct httpd *httpd, const char *name)
{
	const char *value = NULL;
	CHECK(httpd->asking);
	if (MHD_lookup_connection_value_n(httpd->asking, MHD_GET_ARGUMENT_KIND, name, strlen(name),
					  &value, NULL) != MHD_YES)
		return NULL;
	return value ? value : "";
}

static bool start_daemon(struct httpd *httpd, int fd, struct error *err)
{
	/* From here on the daemon owns the socket. */
	httpd->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, httpd,
					 MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
					 httpd->connections_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
					 CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
					 MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (!httpd->daemon) {
		close(fd);
		return error_set(err, ERROR_FATAL, "the HTTP server does not start");
	}
	const union MHD_DaemonInfo *info =
	    MHD_get_daemon_info(httpd->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	CHECK(info);
	httpd->epoll_fd = info->epoll_fd;
	return true;
}

/* Takes the socket over. */
static bool serve(struct loop *loop, int fd, bool local,
		  void (*answer)(void *ctx, const char *path, struct httpd_answer *out), void *ctx,
		  struct httpd **out, struct error *err)
{
	struct httpd *httpd = xcalloc(1, sizeof(*httpd));
	httpd->loop = loop;
	httpd->answer = answer;
	httpd->ctx = ctx;
	httpd->port = listen_port(fd);
	httpd->local = local;
	httpd->connections_max = local ? CONNECTIONS_LOCAL : CONNECTIONS_MAX;
	if (!start_daemon(httpd, fd, err)) {
		free(httpd);
		return false;
	}
	timer_init(&httpd->timer, run, httpd);
	loop_add_fd(loop, httpd->epoll_fd, run, httpd);
	run(httpd);
	*out = httpd;
	return true;
}

bool httpd_new(struct loop *loop, const char *address, uint16_t port,
	       void (*answer)(void *ctx, const char *path, struct httpd_answer *out), void *ctx,
	       struct httpd **out, struct error *err)
{
	int fd = listen_on(address, port, err);
	return fd >= 0 && serve(loop, fd, false, answer, ctx, out, err);
}

bool httpd_new_local(struct loop *loop, uint16_t port,
		     void (*answer)(void *ctx, const char *path, struct httpd_answer *out),
		     void *ctx, struct httpd **out, struct error *err)
{
	int fd = listen_on_localhost(port, err);
	return fd >= 0 && serve(loop, fd, true, answer, ctx, out, err);
}

uint16_t httpd_port(const struct httpd *httpd)
{
	return httpd->port;
}

void httpd_free(struct httpd *httpd)
{
	if (!httpd)
		return;
	loop_remove_fd(httpd->loop, httpd->epoll_fd);
	timer_disarm(loop_timers(httpd->loop), &httpd->timer);
	MHD_stop_daemon(httpd->daemon);
	free(httpd);
}
