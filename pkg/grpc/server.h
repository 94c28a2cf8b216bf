/*
 * A gRPC server (HTTP/2 by nghttp2, TLS by OpenSSL) in the program's own loop: methods that take
 * one request message and answer with any number of messages and a status, and the standard health
 * service (grpc.health.v1.Health/Check). Wire format: gRPC over HTTP/2 (PROTOCOL-HTTP2.md), RFC
 * 9113. Messages are bytes here; who knows their format decodes them.
 *
 * Limits: a request message 64 KiB, 64 connections (more are closed at once), 16384 calls on each
 * and 20000 in all (KEDA keeps a stream open for each of its ScaledObjects, all on one connection),
 * 1 MiB of requests and answers that wait on a connection (then it is closed), headers 16 KiB. A
 * connection without a call for 5 min is closed, one that does not get as far as HTTP/2 after 10 s;
 * a request that has not come whole after 10 s gets DEADLINE_EXCEEDED.
 * Messages are never compressed.
 */
#ifndef GRPC_SERVER_H
#define GRPC_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/compiler.h"
#include "pkg/base/error.h"
#include "pkg/net/loop.h"

#define GRPC_MESSAGE_MAX ((size_t)64 * 1024)

/* google.rpc.Code */
enum grpc_code {
	GRPC_OK = 0,
	GRPC_CANCELLED = 1,
	GRPC_UNKNOWN = 2,
	GRPC_INVALID_ARGUMENT = 3,
	GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_NOT_FOUND = 5,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_UNIMPLEMENTED = 12,
	GRPC_INTERNAL = 13,
	GRPC_UNAVAILABLE = 14,
};

struct grpc_server;
struct grpc_call; /* one call; yours from request until grpc_finish or gone */

struct grpc_method {
	const char *path; /* "/package.Service/Method" */
	/* The one request message has come whole. It is borrowed for the call of request. Answer at
	 * once or later, but answer. */
	void (*request)(void *ctx, struct grpc_call *call, const void *message, size_t length);
	/* The client went, or its deadline has passed: the call is not to be touched any more.
	 * Never after grpc_finish, never from within grpc_send or grpc_finish. NULL for methods
	 * that always finish within request. */
	void (*gone)(void *ctx, struct grpc_call *call);
};

/* A message of the answer; copied. It leaves in the next round of the loop. */
void grpc_send(struct grpc_call *call, const void *message, size_t length);
/* Ends the call, which is gone for the caller. message (NULL: none) is text for people, cut after
 * 1024 bytes; it is UTF-8. */
void grpc_finish(struct grpc_call *call, enum grpc_code code, const char *message);
/* What the method keeps with the call; NULL at first. */
void grpc_call_set(struct grpc_call *call, void *own);
void *grpc_call_get(const struct grpc_call *call);

struct grpc_server_config {
	struct loop *loop;
	const char *address; /* NULL: all interfaces */
	uint16_t port;       /* 0: a free one, grpc_server_port tells it */
	/* Borrowed while the server lives. */
	const struct grpc_method *methods;
	size_t method_count;
	/* For the health service: SERVING? NULL: always. */
	bool (*serving)(void *ctx);
	void *ctx; /* of all callbacks */
	/* PEM. Without them plain HTTP/2 with prior knowledge. Certificate and key go together;
	 * with client_ca_file a client must show a certificate signed by it. The files are looked
	 * at again when a connection comes, every 10 s at most, and new ones serve that and later
	 * connections; unusable ones change nothing. */
	const char *cert_file, *key_file, *client_ca_file;
};

/* ERROR_FATAL: the port is taken, a file cannot be used. */
MUST_CHECK bool grpc_server_new(const struct grpc_server_config *config, struct grpc_server **out,
				struct error *err);
uint16_t grpc_server_port(const struct grpc_server *server);
/* No new connections, and GOAWAY on those there are: no new calls. Calls go on; a connection
 * without one is closed. */
void grpc_server_stop(struct grpc_server *server);
/* Closes all connections; gone is called for each call that was not finished. Not from a callback
 * of the server. NULL is fine. */
void grpc_server_free(struct grpc_server *server);

size_t grpc_server_connections(const struct grpc_server *server);
size_t grpc_server_calls(const struct grpc_server *server);

#endif
