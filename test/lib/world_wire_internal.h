/*
 * What the files of the wire share: a call, and the wire itself. world_wire.c brings requests to
 * the model, world_wire_tell.c brings answers back, world_wire_faults.c breaks both.
 */
#ifndef TEST_LIB_WORLD_WIRE_INTERNAL_H
#define TEST_LIB_WORLD_WIRE_INTERNAL_H

#include "test/lib/world_wire.h"

enum call_state { CALL_SENT, CALL_ANSWERED, CALL_WATCHING, CALL_OVER };

struct http_call {
	struct wire *wire;
	struct http_call *next, **link;
	enum call_state state;
	bool given_up; /* nobody listens any more */
	bool busy;     /* in a step: freed at its end */
	char *method, *path, *content_type, *body;
	size_t length;
	bool stream, event, write;
	size_t max_body;
	int64_t idle_ms;
	struct http_events events;
	void *ctx;
	struct timer step, limit, idle;
	struct model_watch *watch;
	struct model_answer answer;
	int64_t retry_after_ms;
	int64_t waits_ms;      /* a watch that tells nothing before then; monotonic */
	struct strbuf prelude; /* lines of a list of some versions ago */
	bool lost;             /* the answer never comes */
	bool listed;           /* what was there at first has been told */
	bool delayed;          /* no further fault */
};

struct wire {
	struct transport transport;
	struct timers *timers;
	struct model *model;
	struct http_call *calls;
	struct fault faults[MAX_FAULTS];
	unsigned seen[MAX_FAULTS];
	bool fired[MAX_FAULTS];
	size_t fault_count, chunk;
	/* What faults have begun ends then; monotonic. */
	int64_t stalled_until_ms, stale_until_ms, flap_until_ms, losing_until_ms, date_until_ms;
	int64_t date_off_ms;
	struct timer lose_timer;
	bool down;
	void (*crash)(void *ctx);
	void *crash_ctx;
	struct timer crash_timer;
	void (*wrote)(void *ctx, const struct model_request *request, int status);
	void *wrote_ctx;
	struct strbuf trace;
	size_t writes;
	unsigned duplicates;
	uint64_t reads;
};

/* ---- world_wire_faults.c ---- */
enum fault_target { TARGET_REQUEST, TARGET_OPEN, TARGET_EVENT, TARGET_BYTE };

/* The fault that hits this; call is NULL for an event. NULL: none. */
const struct fault *wire_next_fault(struct wire *wire, enum fault_target target,
				    const struct http_call *call);
void answer_fault(struct http_call *call, const struct fault *fault);
/* The fault that hits within these bytes, which counts them: *length becomes what is told before.
 */
const struct fault *wire_byte_fault(struct wire *wire, size_t *length);
/* An event's line, and what a fault makes of it. */
void tell_event(struct http_call *call, const struct strbuf *line);
void wire_lose_over(void *ctx);
/* Opens it as a server would that lags a few versions behind; false: it cannot. */
bool open_stale(struct http_call *call);

/* ---- world_wire_tell.c ---- */
bool call_feed(struct http_call *call, const char *data, size_t length); /* false: over */
void call_finish(struct http_call *call, bool with_body);
/* To be called when a step ends, or something that may have ended the call: may free it. */
void call_settle(struct http_call *call);
void call_break(struct http_call *call, const char *why);
/* The model's answer to the client; a watch's lines that are due. The call must be busy. */
void tell_answer(struct http_call *call);
void tell_watch(struct http_call *call);

#endif
