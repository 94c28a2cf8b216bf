/*
 * One connection: bytes between its socket and nghttp2. Invariant: after each turn either all that
 * nghttp2 has to say is sent, or the loop tells when the socket takes more. nghttp2 is asked for
 * more only when everything before is sent, so what waits stays where it is counted.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"
#include "pkg/grpc/internal.h"

#define HANDSHAKE_MS 10000
#define IDLE_MS (5 * 60 * 1000)
#define LEAVE_MS 1000
#define CHUNK ((size_t)SSL3_RT_MAX_PLAIN_LENGTH)
#define CHUNKS_A_TURN 8 /* then others have theirs */
/* Control frames that wait in nghttp2 beside those of calls. */
#define FRAMES_MAX 1024
/* A peer that has vanished is noticed after a minute, one that takes no bytes after half of it. */
#define KEEPALIVE_IDLE_S 30
#define KEEPALIVE_EVERY_S 10
#define KEEPALIVE_TRIES 3
#define USER_TIMEOUT_MS 30000

static struct timers *timers_of(const struct connection *connection)
{
	return connection->server->timers;
}

void connection_poke(struct connection *connection)
{
	if (!connection->closing && !timer_armed(&connection->soon))
		timer_arm(timers_of(connection), &connection->soon, 0);
}

void connection_tell_off(struct connection *connection, const char *why)
{
	if (connection->closing || connection->told_off)
		return;
	connection->told_off = true;
	log_debug("grpc connection refused", F_STR("error", why));
	nghttp2_session_terminate_session(connection->session, NGHTTP2_ENHANCE_YOUR_CALM);
	connection_poke(connection);
}

static bool has_unsent(const struct connection *connection)
{
	return connection->written < connection->out.len;
}

/* ---- in ---- */

static bool feed(struct connection *connection, const uint8_t *bytes, size_t length)
{
	ssize_t result = nghttp2_session_mem_recv(connection->session, bytes, length);
	if (result == NGHTTP2_ERR_FLOODED)
		connection_tell_off(connection, "too many frames that want an answer");
	else if (result < 0)
		return false;
	/* While the socket takes all there is nothing but what this turn asked for. */
	if (has_unsent(connection) && nghttp2_session_get_outbound_queue_size(connection->session) >
					  FRAMES_MAX + 2 * connection->call_count)
		connection_tell_off(connection, "answers are not read");
	return true;
}

/* False: the connection is over. What is left to read the next poll tells, of TLS too: a chunk
 * takes a whole record. */
static bool take_in(struct connection *connection)
{
	uint8_t bytes[CHUNK];
	for (int i = 0; i < CHUNKS_A_TURN; i++) {
		size_t got = 0;
		enum wire_result result = wire_get(&connection->wire, bytes, sizeof(bytes), &got);
		if (result != WIRE_DONE)
			return result == WIRE_WAIT;
		if (!connection->told_off && !connection->leaving && !feed(connection, bytes, got))
			return false;
	}
	return true;
}

/* ---- out ---- */

static bool refill(struct connection *connection)
{
	const uint8_t *data;
	ssize_t length;
	strbuf_reset(&connection->out);
	connection->written = 0;
	while (connection->out.len < CHUNK &&
	       (length = nghttp2_session_mem_send(connection->session, &data)) > 0)
		strbuf_add(&connection->out, data, (size_t)length);
	return connection->out.len > 0;
}

/* False: the connection is over. */
static bool push_out(struct connection *connection)
{
	struct strbuf *out = &connection->out;
	enum wire_result result = WIRE_DONE;
	while (result == WIRE_DONE && (connection->written < out->len || refill(connection))) {
		size_t put = 0;
		result = wire_put(&connection->wire, out->buf + connection->written,
				  out->len - connection->written, &put);
		connection->written += put;
	}
	return result != WIRE_OVER;
}

/* ---- a turn ---- */

/* Closing at once, with bytes unread, would reset the connection, and the peer might never read why
 * (RFC 9112 section 9.6 has the same trouble): so say all, then drop what comes until the peer
 * closes, for a moment. */
static void leave(struct connection *connection)
{
	if (!connection->leaving &&
	    (connection->told_off || !nghttp2_session_want_read(connection->session))) {
		connection->leaving = true;
		timer_arm(timers_of(connection), &connection->patience, LEAVE_MS);
	}
	if (connection->leaving && !has_unsent(connection))
		wire_shut(&connection->wire);
}

/* False: the connection is over. */
static bool exchange(struct connection *connection)
{
	if (!take_in(connection))
		return false;
	timer_disarm(timers_of(connection), &connection->soon);
	if (!connection->wire.shut && !push_out(connection))
		return false;
	leave(connection);
	return true;
}

static void have_patience(struct connection *connection, bool just_begun)
{
	struct timers *timers = timers_of(connection);
	struct timer *patience = &connection->patience;
	if (connection->leaving)
		return;
	if (just_begun)
		timer_disarm(timers, patience);
	if (connection->call_count == 0 && !timer_armed(patience))
		timer_arm(timers, patience, connection->begun ? IDLE_MS : HANDSHAKE_MS);
}

static void turn(void *ctx)
{
	struct connection *connection = ctx;
	struct wire *wire = &connection->wire;
	bool begun = connection->begun;
	enum wire_result result = wire_handshake(wire);
	if (result == WIRE_OVER || (result == WIRE_DONE && !exchange(connection))) {
		connection_close(connection);
		return;
	}
	have_patience(connection, !begun && connection->begun);
	loop_want_write(connection->server->config.loop, wire->fd,
			wire->waits_to_put || has_unsent(connection));
}

static void patience_ended(void *ctx)
{
	struct connection *connection = ctx;
	if (!connection->begun || connection->leaving) {
		connection_close(connection);
		return;
	}
	nghttp2_session_terminate_session(connection->session, NGHTTP2_NO_ERROR);
	turn(connection);
}

/* ---- life ---- */

static void set_up(int fd)
{
	int on = 1, idle = KEEPALIVE_IDLE_S, every = KEEPALIVE_EVERY_S, tries = KEEPALIVE_TRIES;
	int patience = USER_TIMEOUT_MS;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof(tries));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof(patience));
}

void connection_open(struct grpc_server *server, int fd)
{
	SSL *ssl = server->tls ? tls_accept(server->tls, fd, server_now(server)) : NULL;
	if (server->connection_count >= GRPC_CONNECTIONS_MAX || (server->tls && !ssl)) {
		SSL_free(ssl);
		close(fd);
		return;
	}
	struct connection *connection = xcalloc(1, sizeof(*connection));
	set_up(fd);
	connection->server = server;
	connection->out = (struct strbuf)STRBUF_INIT;
	wire_open(&connection->wire, fd, ssl);
	connection->session = session_new(connection);
	timer_init(&connection->soon, turn, connection);
	timer_init(&connection->patience, patience_ended, connection);
	LIST_INSERT_HEAD(&server->connections, connection, others);
	server->connection_count++;
	loop_add_fd(server->config.loop, fd, turn, connection);
	turn(connection);
}

void connection_close(struct connection *connection)
{
	struct grpc_server *server = connection->server;
	struct grpc_call *call;
	connection->closing = true;
	LIST_REMOVE(connection, others);
	server->connection_count--;
	timer_disarm(server->timers, &connection->soon);
	timer_disarm(server->timers, &connection->patience);
	loop_remove_fd(server->config.loop, connection->wire.fd);
	while ((call = LIST_FIRST(&connection->calls)))
		grpc_call_free(call);
	CHECK(connection->held == 0);
	nghttp2_session_del(connection->session);
	wire_close(&connection->wire);
	strbuf_release(&connection->out);
	free(connection);
}
