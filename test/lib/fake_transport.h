/*
 * struct fake_transport: a transport whose other end is the test itself. Requests are kept in the
 * order they were started; the test looks for one and answers it, whole or piece by piece. As with
 * the real one, callbacks come only from the fake_ functions below, never from within start or
 * cancel. Idle and whole time-outs are not simulated: fake_break says what they would.
 */
#ifndef TEST_LIB_FAKE_TRANSPORT_H
#define TEST_LIB_FAKE_TRANSPORT_H

#include "pkg/net/transport.h"

struct http_call {
	struct http_call *next;
	struct http_request request; /* texts owned */
	struct http_events events;
	void *ctx;
	bool open;     /* neither done nor cancelled */
	bool answered; /* head was sent */
	bool cancelled;
	int status; /* of the head */
	int64_t date_ms;
};

struct fake_transport {
	struct transport transport; /* first */
	struct http_call *calls;    /* oldest first */
	size_t count;               /* started ever */
	int64_t date_ms;            /* Date of heads to come; 0: none */
	int64_t retry_after_ms;     /* of the next whole answer, then 0 again */
};

void fake_transport_init(struct fake_transport *fake);
void fake_transport_release(struct fake_transport *fake);

size_t fake_open_count(const struct fake_transport *fake);
/* The oldest open call of that method (NULL: any) whose path contains part; NULL if none. */
struct http_call *fake_find(const struct fake_transport *fake, const char *method,
			    const char *part);
/* The newest one started, open or not; NULL if none. */
struct http_call *fake_last(const struct fake_transport *fake);

/* A whole answer: head, data (for a stream of status 2xx) and done. */
void fake_answer(struct fake_transport *fake, struct http_call *call, int status, const char *body);
/* The same of any bytes; a NUL stands behind them. */
void fake_answer_bytes(struct fake_transport *fake, struct http_call *call, int status,
		       const char *body, size_t length);
/* A stream, piece by piece. chunk answers false once the other side has had enough (and is done).
 */
void fake_head(struct fake_transport *fake, struct http_call *call, int status);
bool fake_chunk(struct fake_transport *fake, struct http_call *call, const char *data);
/* The same, in pieces of that many bytes. */
bool fake_chunks(struct fake_transport *fake, struct http_call *call, const char *data,
		 size_t piece);
bool fake_bytes(struct fake_transport *fake, struct http_call *call, const char *data,
		size_t length, size_t piece);
void fake_end(struct fake_transport *fake, struct http_call *call);
/* The connection breaks, or a time-out strikes: ERROR_TRANSIENT with that message. */
void fake_break(struct fake_transport *fake, struct http_call *call, const char *message);

#endif
