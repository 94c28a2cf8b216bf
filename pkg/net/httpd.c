/*
 * libmicrohttpd without a thread: its epoll descriptor is watched by the loop, its next
 * time-out is a timer. Invariant: after every MHD_run the timer stands at what MHD asks for.
 */
#include "pkg/net/httpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/check.h"

#define BACKLOG 64
#define CONNECTIONS_MAX 64U
#define CONNECTION_MEMORY ((size_t)16 * 1024) /* request line and headers must fit */
#define IDLE_S 10U

struct httpd {
	struct loop *loop;
	struct MHD_Daemon *daemon;
	struct timer timer;
	int epoll_fd;
	bool full; /* as many connections as allowed */
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
	httpd->full = info && info->num_connections >= CONNECTIONS_MAX;
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

static enum MHD_Result reply(struct MHD_Connection *connection, struct httpd_answer *answer,
			     const char *header, const char *value)
{
	size_t length = answer->body.len;
	struct MHD_Response *response = MHD_create_response_from_buffer(
	    length, strbuf_take(&answer->body), MHD_RESPMEM_MUST_FREE);
	CHECK(response);
	if (answer->content_type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
					answer->content_type);
	if (header)
		MHD_add_response_header(response, header, value);
	enum MHD_Result result = MHD_queue_response(connection, (unsigned)answer->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, int status, const char *header,
			      const char *value)
{
	struct httpd_answer answer = {.status = status, .body = STRBUF_INIT};
	return reply(connection, &answer, header, value);
}

static bool has_body(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_CONTENT_LENGTH);
	return (length && strcmp(length, "0") != 0) ||
	       MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
					   MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *path,
				  const char *method, const char *version UNUSED,
				  const char *upload UNUSED, size_t *upload_length UNUSED,
				  void **request)
{
	const struct httpd *httpd = ctx;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, MHD_HTTP_HEADER_ALLOW,
			      "GET, HEAD");
	if (has_body(connection))
		return refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE, MHD_HTTP_HEADER_CONNECTION,
			      "close");
	if (!*request) { /* answered at the first call, MHD would close the connection */
		*request = connection;
		return MHD_YES;
	}
	struct httpd_answer answer = {.status = MHD_HTTP_NOT_FOUND, .body = STRBUF_INIT};
	httpd->answer(httpd->ctx, path, &answer);
	return reply(connection, &answer, NULL, NULL);
}

/* A NULL address is "all": IPv6 with IPv4 mapped into it, or plain IPv4 where there is no IPv6. */
static socklen_t parse_address(const char *address, bool ipv6, uint16_t port,
			       struct sockaddr_storage *out)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
	struct sockaddr_in *four = (struct sockaddr_in *)out;
	memset(out, 0, sizeof(*out));
	if (ipv6) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		return inet_pton(AF_INET6, address ? address : "::", &six->sin6_addr) == 1
			   ? sizeof(*six)
			   : 0;
	}
	four->sin_family = AF_INET;
	four->sin_port = htons(port);
	return inet_pton(AF_INET, address ? address : "0.0.0.0", &four->sin_addr) == 1
		   ? sizeof(*four)
		   : 0;
}

static bool bind_to(int fd, const struct sockaddr_storage *where, socklen_t length)
{
	int on = 1, off = 0;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (where->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	return bind(fd, (const struct sockaddr *)where, length) == 0 && listen(fd, BACKLOG) == 0;
}

/* -1 with errno. */
static int listen_on(const char *address, bool ipv6, uint16_t port)
{
	struct sockaddr_storage where;
	socklen_t length = parse_address(address, ipv6, port, &where);
	if (!length) {
		errno = EINVAL;
		return -1;
	}
	int fd = socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind_to(fd, &where, length))
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int open_socket(const char *address, uint16_t port, struct error *err)
{
	int fd = listen_on(address, true, port);
	if (fd < 0 && (errno == EINVAL || errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		fd = listen_on(address, false, port);
	if (fd < 0)
		error_set(err, ERROR_FATAL, "listen on %s port %u: %s",
			  address ? address : "all interfaces", port, strerror(errno));
	return fd;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage bound;
	socklen_t length = sizeof(bound);
	CHECK(getsockname(fd, (struct sockaddr *)&bound, &length) == 0);
	return ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
						 : ((struct sockaddr_in *)&bound)->sin_port);
}

static bool start_daemon(struct httpd *httpd, int fd, struct error *err)
{
	/* From here on the daemon owns the socket. */
	httpd->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, httpd,
					 MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
					 CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
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

bool httpd_new(struct loop *loop, const char *address, uint16_t port,
	       void (*answer)(void *ctx, const char *path, struct httpd_answer *out), void *ctx,
	       struct httpd **out, struct error *err)
{
	int fd = open_socket(address, port, err);
	if (fd < 0)
		return false;
	struct httpd *httpd = xcalloc(1, sizeof(*httpd));
	httpd->loop = loop;
	httpd->answer = answer;
	httpd->ctx = ctx;
	httpd->port = port_of(fd);
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
