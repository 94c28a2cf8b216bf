/*
 * The listener and its connections. Invariant: the listener is watched by the loop, or the timer
 * again is armed, or it is stopped.
 */
#include "pkg/grpc/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"
#include "pkg/grpc/internal.h"
#include "pkg/net/listen.h"

#define ACCEPTED_A_TURN 16
#define AGAIN_MS 1000

static void accept_some(void *ctx);

/* Without a descriptor the connection would stay in the queue, and the listener readable. */
static void pause_accepting(struct grpc_server *server)
{
	log_warn("grpc connection not accepted", F_STR("error", strerror(errno)));
	loop_remove_fd(server->config.loop, server->listener);
	timer_arm(server->timers, &server->again, AGAIN_MS);
}

static void accept_again(void *ctx)
{
	struct grpc_server *server = ctx;
	loop_add_fd(server->config.loop, server->listener, accept_some, server);
}

static void accept_some(void *ctx)
{
	struct grpc_server *server = ctx;
	for (int i = 0; i < ACCEPTED_A_TURN; i++) {
		int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			connection_open(server, fd);
		else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			return pause_accepting(server);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return;
		/* Others are of that one connection: accept(2). */
	}
}

int64_t server_now(const struct grpc_server *server)
{
	return timers_now(server->timers);
}

const struct grpc_method *server_method(struct grpc_server *server, const char *path, size_t length,
					void **out_ctx)
{
	const struct grpc_server_config *config = &server->config;
	for (size_t i = 0; i <= config->method_count; i++) {
		bool ours = i == config->method_count;
		const struct grpc_method *method = ours ? &health_check : &config->methods[i];
		if (strlen(method->path) == length && memcmp(method->path, path, length) == 0) {
			*out_ctx = ours ? server : config->ctx;
			return method;
		}
	}
	return NULL;
}

static bool secure(struct grpc_server *server, const struct grpc_server_config *config,
		   struct error *err)
{
	if (!config->cert_file && !config->key_file && !config->client_ca_file)
		return true;
	return tls_new(config->cert_file, config->key_file, config->client_ca_file,
		       server_now(server), &server->tls, err) ||
	       error_wrap(err, "TLS");
}

bool grpc_server_new(const struct grpc_server_config *config, struct grpc_server **out,
		     struct error *err)
{
	struct grpc_server *server = xcalloc(1, sizeof(*server));
	server->config = *config;
	server->timers = loop_timers(config->loop);
	server->listener = -1;
	LIST_INIT(&server->connections);
	timer_init(&server->again, accept_again, server);
	if (secure(server, config, err))
		server->listener = listen_on(config->address, config->port, err);
	if (server->listener < 0) {
		grpc_server_free(server);
		return false;
	}
	server->port = listen_port(server->listener);
	loop_add_fd(config->loop, server->listener, accept_some, server);
	*out = server;
	return true;
}

uint16_t grpc_server_port(const struct grpc_server *server)
{
	return server->port;
}

static void stop_listening(struct grpc_server *server)
{
	if (server->listener < 0)
		return;
	if (timer_armed(&server->again))
		timer_disarm(server->timers, &server->again);
	else
		loop_remove_fd(server->config.loop, server->listener);
	close(server->listener);
	server->listener = -1;
}

void grpc_server_stop(struct grpc_server *server)
{
	struct connection *connection;
	stop_listening(server);
	LIST_FOREACH (connection, &server->connections, others) {
		int32_t last = nghttp2_session_get_last_proc_stream_id(connection->session);
		nghttp2_submit_goaway(connection->session, NGHTTP2_FLAG_NONE, last,
				      NGHTTP2_NO_ERROR, NULL, 0);
		connection_poke(connection);
	}
}

void grpc_server_free(struct grpc_server *server)
{
	struct connection *connection;
	if (!server)
		return;
	stop_listening(server);
	while ((connection = LIST_FIRST(&server->connections)))
		connection_close(connection);
	tls_free(server->tls);
	free(server);
}

size_t grpc_server_connections(const struct grpc_server *server)
{
	return server->connection_count;
}

size_t grpc_server_calls(const struct grpc_server *server)
{
	return server->call_count;
}
