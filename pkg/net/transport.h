/*
 * struct transport: how requests leave. One implementation is libcurl (curl_transport.h),
 * another the simulated world of the tests. Callbacks come from the loop, never from within
 * transport_start or transport_cancel; both may be called from any callback.
 */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/error.h"

struct http_request {
	const char *method;       /* "GET", "POST", "PATCH", "DELETE" */
	const char *path;         /* "/apis/...?...", already escaped; copied */
	const char *content_type; /* of body; NULL without one */
	const char *body;         /* copied */
	size_t body_length;
	bool stream;        /* data is handed on as it comes (watch, list); else collected */
	int64_t timeout_ms; /* of the whole request; 0: none */
	int64_t idle_ms;    /* longest silence, from the start on; 0: none */
	size_t max_body;    /* of a collected body; 0: 8 MiB. More is ERROR_INVALID */
	/* Asked with the events' ctx when the request is about to be sent, at the last moment after
	 * every wait (for a connection too), from within the transport: it may only look. False:
	 * nothing is sent, done follows with ERROR_TRANSIENT. NULL: it is sent. */
	bool (*leaving)(void *ctx);
};

struct http_response {
	int status;             /* 0: no answer came */
	int64_t date_ms;        /* Date header, server's wall time; 0: none */
	int64_t retry_after_ms; /* Retry-After as delay, 0: none; seconds form only, at most 1 h */
	const char *body;       /* collected body (also of a stream whose status is not 2xx, cut
				   at 64 KiB); NUL-terminated, borrowed */
	size_t length;
};

struct http_events {
	/* stream with status 2xx only: before the first data */
	void (*head)(void *ctx, const struct http_response *head);
	/* stream with status 2xx only: false ends the call (done follows, with err fatal) */
	bool (*data)(void *ctx, const char *data, size_t length);
	/* Exactly once, last; not after transport_cancel. err->kind is ERROR_NONE when a whole
	 * answer came, of any status; ERROR_TRANSIENT when connection, time-out or silence cut it,
	 * the message says which. response is never NULL. */
	void (*done)(void *ctx, const struct http_response *response, const struct error *err);
};

struct http_call;
struct transport;

struct transport_ops {
	struct http_call *(*start)(struct transport *transport, const struct http_request *request,
				   const struct http_events *events, void *ctx);
	void (*cancel)(struct transport *transport, struct http_call *call);
};

/* First member of every implementation. */
struct transport {
	const struct transport_ops *ops;
};

static inline struct http_call *transport_start(struct transport *transport,
						const struct http_request *request,
						const struct http_events *events, void *ctx)
{
	return transport->ops->start(transport, request, events, ctx);
}

/* Forgets the call: no further callback. Not after done. */
static inline void transport_cancel(struct transport *transport, struct http_call *call)
{
	transport->ops->cancel(transport, call);
}

#endif
