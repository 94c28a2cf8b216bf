/*
 * What the files of the gRPC server share: a server has connections, a connection has calls (one a
 * stream of HTTP/2). Only pkg/grpc includes this.
 *
 * Ways of control: bytes come in connection.c, go through nghttp2 and its callbacks (session.c)
 * into calls (call.c). Whatever is to be sent is only noted; connection_poke has the next round of
 * the loop send it. So a connection ends in connection.c alone, never below a callback.
 */
#ifndef GRPC_INTERNAL_H
#define GRPC_INTERNAL_H

#include <nghttp2/nghttp2.h>
#include <stdint.h>
#include <sys/queue.h>

#include "pkg/base/strbuf.h"
#include "pkg/base/timer.h"
#include "pkg/grpc/server.h"
#include "pkg/grpc/tls.h"
#include "pkg/grpc/wire.h"

#define GRPC_CONNECTIONS_MAX 64
#define GRPC_STREAMS_MAX 16384 /* a connection */
#define GRPC_CALLS_MAX 20000   /* a server */
#define GRPC_HELD_MAX ((size_t)1024 * 1024)
#define GRPC_HEADERS_MAX ((size_t)16 * 1024)

struct grpc_server {
	struct grpc_server_config config; /* its file names are not kept */
	struct timers *timers;
	struct tls *tls; /* NULL: plain */
	uint16_t port;
	int listener;       /* -1: stopped */
	struct timer again; /* accepts again after there was no descriptor left */
	LIST_HEAD(connection_list, connection) connections;
	size_t connection_count, call_count;
};

struct connection {
	LIST_ENTRY(connection) others;
	struct grpc_server *server;
	struct wire wire;
	nghttp2_session *session;
	struct strbuf out; /* taken from nghttp2, not yet sent from written on */
	size_t written;
	struct timer soon;     /* there is something to do outside of callbacks */
	struct timer patience; /* with a handshake, without calls, with a goodbye */
	LIST_HEAD(call_list, grpc_call) calls;
	size_t call_count;
	size_t held;   /* bytes of requests and answers in calls */
	bool begun;    /* the client's SETTINGS have come */
	bool told_off; /* it misbehaves: GOAWAY, then the end */
	bool leaving;  /* only what is unsent is sent, what comes is dropped */
	bool closing;  /* nothing is sent any more */
	int64_t second_ms;
	unsigned resets, settings; /* in the second that began then */
};

/* What is looked at when the headers are complete. */
struct call_head {
	size_t bytes;
	bool post, content_type, bad_timeout;
	int64_t timeout_ms; /* -1: none */
};

struct grpc_call {
	LIST_ENTRY(grpc_call) others;
	struct connection *connection;
	int32_t stream;
	const struct grpc_method *method; /* NULL: no such path */
	void *ctx;                        /* of method */
	void *own;
	struct call_head head;
	enum {
		CALL_COMING, /* the request is not complete */
		CALL_HELD,   /* the method has it */
		CALL_ENDED,  /* has its status; nobody may touch it any more */
	} stage;
	bool answering; /* the headers of the answer are under way */
	int64_t born_ms;
	struct timer deadline;
	struct strbuf in, out;
	size_t sent; /* bytes of out */
	enum grpc_code code;
	struct strbuf text; /* of the status, as it is sent */
};

/* ---- server.c ---- */
int64_t server_now(const struct grpc_server *server);
const struct grpc_method *server_method(struct grpc_server *server, const char *path, size_t length,
					void **out_ctx);

/* ---- connection.c: takes the descriptor over ---- */
void connection_open(struct grpc_server *server, int fd);
void connection_close(struct connection *connection);
void connection_poke(struct connection *connection);
/* GOAWAY ENHANCE_YOUR_CALM and the end, in the next round. */
void connection_tell_off(struct connection *connection, const char *why);

/* ---- session.c ---- */
nghttp2_session *session_new(struct connection *connection);

/* ---- call.c ---- */
struct grpc_call *grpc_call_new(struct connection *connection, int32_t stream);
/* False: headers that are too long. */
bool grpc_call_header(struct grpc_call *call, const char *name, size_t name_length,
		      const char *value, size_t value_length);
void grpc_call_headers_end(struct grpc_call *call);
void grpc_call_data(struct grpc_call *call, const void *data, size_t length);
void grpc_call_request_end(struct grpc_call *call);
void grpc_call_free(struct grpc_call *call); /* tells the method, if it has it */

/* ---- health.c ---- */
extern const struct grpc_method health_check; /* its ctx is the server */

#endif
