/*
 * libmicrohttpd in the loop: requests in, answers out. Its epoll descriptor is watched, its next
 * time-out is a timer. An exchange exists from its request line to its last byte; it is answered
 * once, or its connection is broken.
 *
 * Invariant: after every MHD_run the timer stands at what MHD asks for; a suspended exchange is
 * resumed by its delay, its stream, or the sweep that finds its client gone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "test/cluster/devcluster.h"

#define BACKLOG 128
#define CONNECTIONS_MAX 256U
#define CONNECTION_MEMORY ((size_t)64 * 1024) /* request line and headers must fit */
#define BODY_MAX ((size_t)3 * 1024 * 1024)    /* as kube-apiserver */
#define IDLE_S 120U
#define SWEEP_MS 1000
#define CONTROL "/devcluster/"

struct server {
	struct devcluster *cluster;
	struct MHD_Daemon *daemon;
	struct timer timer, wake, sweep;
	int epoll_fd;
	uint16_t port;
	size_t connections;
	bool stopping;
	struct exchange *exchanges;
};

static struct timers *timers_of(const struct server *server)
{
	return loop_timers(server->cluster->loop);
}

/* ---- MHD's rounds ---- */

static void run(void *ctx)
{
	struct server *server = ctx;
	MHD_UNSIGNED_LONG_LONG wait_ms;
	size_t before = server->connections;
	MHD_run(server->daemon);
	const union MHD_DaemonInfo *info =
	    MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
	server->connections = info ? info->num_connections : 0;
	timer_disarm(timers_of(server), &server->timer);
	/* A place was freed: MHD listens again in its next round only, for which nothing wakes. */
	if (before >= CONNECTIONS_MAX && server->connections < before)
		timer_arm(timers_of(server), &server->timer, 0);
	else if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES)
		timer_arm(timers_of(server), &server->timer,
			  wait_ms > INT32_MAX ? INT32_MAX : (int64_t)wait_ms);
}

void server_resume(struct server *server, struct exchange *exchange)
{
	if (!exchange->suspended)
		return;
	exchange->suspended = false;
	MHD_resume_connection(exchange->connection);
	timer_arm(timers_of(server), &server->timer, 0);
}

static void wake_streams(void *ctx)
{
	struct server *server = ctx;
	for (struct exchange *one = server->exchanges; one; one = one->next)
		if (one->stream && one->suspended && stream_pending(one->stream))
			server_resume(server, one);
}

/* Not at once: a change may come from within MHD's own callbacks. */
static void model_changed(void *ctx)
{
	struct server *server = ctx;
	if (!timer_armed(&server->wake))
		timer_arm(timers_of(server), &server->wake, 0);
}

static bool client_gone(const struct exchange *exchange)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct pollfd poller = {.fd = info ? info->connect_fd : -1, .events = POLLRDHUP};
	return info && poll(&poller, 1, 0) > 0;
}

/* MHD does not look at suspended connections. */
static void sweep(void *ctx)
{
	struct server *server = ctx;
	for (struct exchange *one = server->exchanges; one; one = one->next) {
		if (!one->suspended || !client_gone(one))
			continue;
		if (one->stream)
			stream_cut(one->stream);
		server_resume(server, one);
	}
	timer_arm(timers_of(server), &server->sweep, SWEEP_MS);
}

/* ---- exchanges ---- */

static void delay_over(void *ctx)
{
	struct exchange *exchange = ctx;
	server_resume(exchange->cluster->server, exchange);
}

/* Called by MHD with the path as it came; what it answers is *request in on_request. */
static void *exchange_new(void *ctx, const char *uri, struct MHD_Connection *connection)
{
	struct server *server = ctx;
	struct exchange *exchange = xcalloc(1, sizeof(*exchange));
	exchange->cluster = server->cluster;
	exchange->connection = connection;
	exchange->number = ++server->cluster->requests;
	exchange->at_ms = timers_now(timers_of(server));
	exchange->uri = xstrdup(uri);
	exchange->body = (struct strbuf)STRBUF_INIT;
	timer_init(&exchange->delay, delay_over, exchange);
	exchange->link = &server->exchanges;
	exchange->next = server->exchanges;
	if (exchange->next)
		exchange->next->link = &exchange->next;
	server->exchanges = exchange;
	return exchange;
}

static void exchange_free(struct exchange *exchange)
{
	struct devcluster *cluster = exchange->cluster;
	if (cluster->trace && exchange->stream)
		trace_write(cluster->trace, exchange, MHD_HTTP_OK, stream_sent(exchange->stream));
	else if (cluster->trace && exchange->method && !exchange->traced)
		trace_write(cluster->trace, exchange, 0, &(struct strbuf)STRBUF_INIT);
	timer_disarm(loop_timers(cluster->loop), &exchange->delay);
	stream_free(exchange->stream);
	*exchange->link = exchange->next;
	if (exchange->next)
		exchange->next->link = exchange->link;
	strbuf_release(&exchange->body);
	free(exchange->uri);
	free(exchange->method);
	free(exchange->accept);
	free(exchange->content_type);
	free(exchange->user_agent);
	free(exchange);
}

static void completed(void *ctx UNUSED, struct MHD_Connection *connection UNUSED, void **request,
		      enum MHD_RequestTerminationCode why UNUSED)
{
	exchange_free(*request);
	*request = NULL;
}

/* ---- answers ---- */

static void add_warnings(struct MHD_Response *response, const char *lines)
{
	while (*lines) {
		CLEANUP(strbuf_release) struct strbuf header = STRBUF_INIT;
		const char *end = strchrnul(lines, '\n');
		strbuf_addstr(&header, "299 - \"");
		for (const char *at = lines; at < end; at++) {
			if (*at == '"' || *at == '\\')
				strbuf_addch(&header, '\\');
			strbuf_addch(&header, *at);
		}
		strbuf_addch(&header, '"');
		MHD_add_response_header(response, "Warning", header.buf);
		lines = *end ? end + 1 : end;
	}
}

static const char *type_of(const struct model_answer *answer)
{
	if (answer->type)
		return answer->type;
	return answer->plain ? "text/plain; charset=utf-8" : "application/json";
}

static enum MHD_Result reply(struct exchange *exchange, struct model_answer *answer,
			     int64_t retry_after_s, bool close)
{
	struct devcluster *cluster = exchange->cluster;
	size_t length = answer->body.len;
	if (cluster->trace)
		trace_write(cluster->trace, exchange, answer->status, &answer->body);
	exchange->traced = true;
	struct MHD_Response *response = MHD_create_response_from_buffer(
	    length, strbuf_take(&answer->body), MHD_RESPMEM_MUST_FREE);
	CHECK(response);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type_of(answer));
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache, private");
	add_warnings(response, answer->warnings.buf);
	if (retry_after_s) {
		char text[24];
		snprintf(text, sizeof(text), "%lld", (long long)retry_after_s);
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, text);
	}
	if (close)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	enum MHD_Result result =
	    MHD_queue_response(exchange->connection, (unsigned)answer->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct exchange *exchange, int status, const char *message,
			      int64_t retry_after_s)
{
	CLEANUP(model_answer_release) struct model_answer answer = MODEL_ANSWER_INIT;
	answer.status = status;
	model_status_body(status, message, &answer.body);
	return reply(exchange, &answer, retry_after_s, status == MHD_HTTP_CONTENT_TOO_LARGE);
}

static ssize_t break_off(void *ctx UNUSED, uint64_t position UNUSED, char *buffer UNUSED,
			 size_t max UNUSED)
{
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

/* The connection breaks inside the answer. Closed before its first byte, clients would repeat the
 * request by themselves on a fresh connection, and nobody would notice. */
static enum MHD_Result drop(struct exchange *exchange)
{
	struct MHD_Response *response =
	    MHD_create_response_from_callback(1, 1, break_off, NULL, NULL);
	CHECK(response);
	enum MHD_Result result = MHD_queue_response(exchange->connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result delay(struct exchange *exchange, int64_t ms)
{
	exchange->delayed = true;
	exchange->suspended = true;
	MHD_suspend_connection(exchange->connection);
	timer_arm(loop_timers(exchange->cluster->loop), &exchange->delay, ms);
	return MHD_YES;
}

/* The part of a cluster: a watch, or one answer. MHD_NO closes the connection. */
static enum MHD_Result serve(struct exchange *exchange)
{
	CLEANUP(model_answer_release) struct model_answer answer = MODEL_ANSWER_INIT;
	struct devcluster *cluster = exchange->cluster;
	struct model_request request = {exchange->method,
					exchange->uri,
					exchange->content_type,
					exchange->body.buf,
					exchange->body.len,
					exchange->accept,
					0};
	bool read = strcmp(exchange->method, MHD_HTTP_METHOD_GET) == 0;
	if (read && model_is_watch(exchange->uri)) {
		if (stream_open(exchange, &request, &answer))
			return MHD_YES;
	} else {
		const struct fault_point *stale =
		    read ? faults_hit(&cluster->faults, POINT_STALE_LIST, request.method,
				      request.path)
			 : NULL;
		request.behind = stale ? (uint64_t)stale->value : 0;
		model_handle(cluster->model, &request, &answer);
	}
	if (faults_hit(&cluster->faults, POINT_DROP_AFTER, request.method, request.path))
		return drop(exchange);
	return reply(exchange, &answer, 0, false);
}

static bool may_enter(const struct exchange *exchange)
{
	const char *given = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND,
							MHD_HTTP_HEADER_AUTHORIZATION);
	if (given && strncasecmp(given, "Bearer ", 7) == 0 &&
	    strcmp(given + 7, exchange->cluster->token) == 0)
		return true;
	static const char *const open[] = {"/healthz", "/livez", "/readyz", "/version"};
	for (size_t i = 0; i < ARRAY_SIZE(open); i++)
		if (strcmp(exchange->uri, open[i]) == 0)
			return true;
	return false;
}

static enum MHD_Result dispatch(struct exchange *exchange)
{
	CLEANUP(model_answer_release) struct model_answer answer = MODEL_ANSWER_INIT;
	struct devcluster *cluster = exchange->cluster;
	const struct fault_point *point;
	if (cluster->server->stopping)
		return MHD_NO;
	if (exchange->too_large)
		return refuse(exchange, MHD_HTTP_CONTENT_TOO_LARGE,
			      "Request entity too large: limit is 3145728", 0);
	if (!may_enter(exchange))
		return refuse(exchange, MHD_HTTP_UNAUTHORIZED, "Unauthorized", 0);
	if (strncmp(exchange->uri, CONTROL, strlen(CONTROL)) == 0) {
		control_handle(cluster, exchange->method, exchange->uri + strlen(CONTROL), &answer);
		return reply(exchange, &answer, 0, false);
	}
	point = exchange->delayed
		    ? NULL
		    : faults_hit(&cluster->faults, POINT_DELAY, exchange->method, exchange->uri);
	if (point)
		return delay(exchange, point->value);
	if (faults_hit(&cluster->faults, POINT_DROP_BEFORE, exchange->method, exchange->uri))
		return drop(exchange);
	point = faults_hit(&cluster->faults, POINT_STATUS, exchange->method, exchange->uri);
	if (point)
		return refuse(exchange, (int)point->value, "devcluster was told to answer so",
			      point->retry_after_s);
	return serve(exchange);
}

/* ---- requests ---- */

static char *header_of(struct MHD_Connection *connection, const char *name)
{
	const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
	return value ? xstrdup(value) : NULL;
}

static enum MHD_Result read_head(struct exchange *exchange, const char *method)
{
	struct MHD_Connection *connection = exchange->connection;
	exchange->method = xstrdup(method);
	exchange->accept = header_of(connection, MHD_HTTP_HEADER_ACCEPT);
	exchange->content_type = header_of(connection, MHD_HTTP_HEADER_CONTENT_TYPE);
	exchange->user_agent = header_of(connection, MHD_HTTP_HEADER_USER_AGENT);
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_CONTENT_LENGTH);
	exchange->too_large = length && strtoull(length, NULL, 10) > BODY_MAX;
	/* Answered now, before a byte of it is read; MHD closes the connection behind it. */
	return exchange->too_large ? dispatch(exchange) : MHD_YES;
}

static enum MHD_Result on_request(void *ctx UNUSED, struct MHD_Connection *connection UNUSED,
				  const char *path UNUSED, const char *method,
				  const char *version UNUSED, const char *upload,
				  size_t *upload_length, void **request)
{
	struct exchange *exchange = *request;
	if (!exchange->method)
		return read_head(exchange, method);
	if (!*upload_length)
		return dispatch(exchange);
	/* A body without a length: what is over the limit is read and dropped, but not for ever. */
	if (exchange->body.len + *upload_length > BODY_MAX) {
		bool again = exchange->too_large;
		exchange->too_large = true;
		strbuf_reset(&exchange->body);
		*upload_length = 0;
		return again ? MHD_NO : MHD_YES;
	}
	strbuf_add(&exchange->body, upload, *upload_length);
	*upload_length = 0;
	return MHD_YES;
}

/* ---- life ---- */

static int listen_on(uint16_t *port, struct error *err)
{
	struct sockaddr_in where = {.sin_family = AF_INET,
				    .sin_port = htons(*port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(where);
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&where, length) == 0 && listen(fd, BACKLOG) == 0 &&
	    getsockname(fd, (struct sockaddr *)&where, &length) == 0) {
		*port = ntohs(where.sin_port);
		return fd;
	}
	error_set(err, ERROR_FATAL, "listen on 127.0.0.1 port %u: %s", *port, strerror(errno));
	close(fd);
	return -1;
}

static bool start(struct server *server, int fd)
{
	const struct certificates *certificates = &server->cluster->certificates;
	server->daemon = MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request,
	    server, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_MEM_KEY, certificates->key,
	    MHD_OPTION_HTTPS_MEM_CERT, certificates->server, MHD_OPTION_URI_LOG_CALLBACK,
	    exchange_new, server, MHD_OPTION_NOTIFY_COMPLETED, completed, server,
	    MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_STRICT_FOR_CLIENT,
	    1, MHD_OPTION_END);
	if (!server->daemon)
		return false;
	const union MHD_DaemonInfo *info =
	    MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	CHECK(info);
	server->epoll_fd = info->epoll_fd;
	return true;
}

bool server_new(struct devcluster *cluster, uint16_t port, struct server **out, struct error *err)
{
	int fd = listen_on(&port, err);
	if (fd < 0)
		return false;
	struct server *server = xcalloc(1, sizeof(*server));
	server->cluster = cluster;
	server->port = port;
	if (!start(server, fd)) {
		close(fd);
		free(server);
		return error_set(err, ERROR_FATAL, "libmicrohttpd does not start (has it TLS?)");
	}
	timer_init(&server->timer, run, server);
	timer_init(&server->wake, wake_streams, server);
	timer_init(&server->sweep, sweep, server);
	timer_arm(timers_of(server), &server->sweep, SWEEP_MS);
	loop_add_fd(cluster->loop, server->epoll_fd, run, server);
	model_on_change(cluster->model, model_changed, server);
	run(server);
	*out = server;
	return true;
}

uint16_t server_port(const struct server *server)
{
	return server->port;
}

size_t server_streams(const struct server *server)
{
	size_t count = 0;
	for (const struct exchange *one = server->exchanges; one; one = one->next)
		count += one->stream != NULL;
	return count;
}

void server_free(struct server *server)
{
	if (!server)
		return;
	model_on_change(server->cluster->model, NULL, NULL);
	loop_remove_fd(server->cluster->loop, server->epoll_fd);
	server->stopping = true;
	/* MHD does not end while connections are suspended. */
	for (struct exchange *one = server->exchanges; one; one = one->next) {
		if (one->stream)
			stream_cut(one->stream);
		server_resume(server, one);
	}
	MHD_run(server->daemon);
	MHD_stop_daemon(server->daemon);
	timer_disarm(timers_of(server), &server->timer);
	timer_disarm(timers_of(server), &server->wake);
	timer_disarm(timers_of(server), &server->sweep);
	free(server);
}
