/*
 * Sockets and threads behind server.h. Invariant: the list of connections is touched under the
 * lock only; a connection's socket is closed by server_free, after its thread has ended, so that
 * its number is not used again meanwhile.
 */
#include "test/lib/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/base/clock.h"
#include "pkg/base/strbuf.h"

#define CONNECTIONS_MAX 256

struct connection {
	struct server *server;
	int fd, number;
	pthread_t thread;
};

struct server {
	bool (*script)(void *ctx, struct exchange *exchange);
	void *ctx;
	int listener;
	uint16_t port;
	pthread_t acceptor;
	pthread_mutex_t lock;
	struct connection connections[CONNECTIONS_MAX];
	int count;
};

uint16_t test_free_port(void)
{
	struct sockaddr_in where = {.sin_family = AF_INET};
	uint64_t from = (uint64_t)getpid() * 127 + (uint64_t)clock_mono(&system_clock);

	where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (uint64_t i = 0; i < 20000; i++) {
		uint16_t port = (uint16_t)(12000 + (from + i) % 20000);
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		where.sin_port = htons(port);
		CHECK(fd >= 0);
		bool free_now = bind(fd, (struct sockaddr *)&where, sizeof(where)) == 0;
		close(fd);
		if (free_now)
			return port;
	}
	CHECK(!"no free port");
	return 0;
}

int test_listen(uint16_t *port)
{
	struct sockaddr_in where = {.sin_family = AF_INET};
	socklen_t length = sizeof(where);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&where, length) == 0);
	CHECK(listen(fd, 64) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&where, &length) == 0);
	*port = ntohs(where.sin_port);
	return fd;
}

int test_connect(uint16_t port)
{
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(fd >= 0);
	if (connect(fd, (struct sockaddr *)&where, sizeof(where)) == 0)
		return fd;
	close(fd);
	return -1;
}

void test_sleep_ms(int ms)
{
	poll(NULL, 0, ms);
}

static size_t content_length(const char *head)
{
	const char *field = strcasestr(head, "\r\nContent-Length:");
	return field ? strtoul(strchr(field, ':') + 1, NULL, 10) : 0;
}

static bool read_more(int fd, struct strbuf *in)
{
	char block[65536];
	ssize_t got = recv(fd, block, sizeof(block), 0);
	if (got > 0)
		strbuf_add(in, block, (size_t)got);
	return got > 0;
}

/* Offset of the body; 0 if the other end is gone before the whole request is there. */
static size_t read_request(int fd, struct strbuf *in)
{
	strbuf_reset(in);
	while (!strstr(in->buf, "\r\n\r\n"))
		if (!read_more(fd, in))
			return 0;
	size_t body = (size_t)(strstr(in->buf, "\r\n\r\n") - in->buf) + 4;
	size_t whole = body + content_length(in->buf);
	while (in->len < whole)
		if (!read_more(fd, in))
			return 0;
	return body;
}

static void *serve(void *ctx)
{
	struct connection *connection = ctx;
	struct server *server = connection->server;
	CLEANUP(strbuf_release) struct strbuf in = STRBUF_INIT;
	size_t body;
	for (int number = 1; (body = read_request(connection->fd, &in)); number++) {
		struct exchange exchange = {connection->fd, connection->number, number, in.buf,
					    in.buf + body};
		if (!server->script(server->ctx, &exchange))
			break;
	}
	shutdown(connection->fd, SHUT_RDWR);
	return NULL;
}

static void take(struct server *server, int fd)
{
	pthread_mutex_lock(&server->lock);
	CHECK(server->count < CONNECTIONS_MAX);
	struct connection *connection = &server->connections[server->count++];
	*connection = (struct connection){.server = server, .fd = fd, .number = server->count};
	/* As servers do: what is written in two goes is not to wait for an ACK. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	CHECK(pthread_create(&connection->thread, NULL, serve, connection) == 0);
	pthread_mutex_unlock(&server->lock);
}

static void *accept_all(void *ctx)
{
	struct server *server = ctx;
	int fd;
	for (;;) {
		fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			take(server, fd);
		else if (errno == EMFILE) /* a test takes descriptors away, for a while */
			test_sleep_ms(1);
		else
			return NULL;
	}
}

struct server *server_new(bool (*script)(void *ctx, struct exchange *exchange), void *ctx)
{
	struct server *server = xcalloc(1, sizeof(*server));
	server->script = script;
	server->ctx = ctx;
	server->listener = test_listen(&server->port);
	pthread_mutex_init(&server->lock, NULL);
	CHECK(pthread_create(&server->acceptor, NULL, accept_all, server) == 0);
	return server;
}

void server_free(struct server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->acceptor, NULL);
	close(server->listener);
	for (int i = 0; i < server->count; i++)
		shutdown(server->connections[i].fd, SHUT_RDWR);
	for (int i = 0; i < server->count; i++) {
		pthread_join(server->connections[i].thread, NULL);
		close(server->connections[i].fd);
	}
	pthread_mutex_destroy(&server->lock);
	free(server);
}

uint16_t server_port(const struct server *server)
{
	return server->port;
}

int server_connections(struct server *server)
{
	pthread_mutex_lock(&server->lock);
	int count = server->count;
	pthread_mutex_unlock(&server->lock);
	return count;
}

bool exchange_write(struct exchange *exchange, const void *data, size_t length)
{
	const char *at = data;
	while (length > 0) {
		ssize_t sent = send(exchange->fd, at, length, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		at += sent;
		length -= (size_t)sent;
	}
	return true;
}

bool exchange_send(struct exchange *exchange, const char *format, ...)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	va_list args;
	va_start(args, format);
	strbuf_vaddf(&text, format, args);
	va_end(args);
	return exchange_write(exchange, text.buf, text.len);
}

bool exchange_wait_closed(struct exchange *exchange, int ms)
{
	struct pollfd poller = {.fd = exchange->fd, .events = POLLIN | POLLRDHUP};
	char byte;
	return poll(&poller, 1, ms) > 0 &&
	       recv(exchange->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}
