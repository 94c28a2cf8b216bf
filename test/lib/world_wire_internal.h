/*
 * What the two files of the wire share: a call, and the wire itself. world_wire.c brings requests
 * to the model, world_wire_tell.c brings answers back.
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
	bool lost;    /* the answer never comes */
	bool delayed; /* no further fault */
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
	int64_t stalled_until_ms; /* monotonic */
	bool down;
	void (*crash)(void *ctx);
	void *crash_ctx;
	struct timer crash_timer;
	struct strbuf trace;
	size_t writes;
	unsigned duplicates;
	uint64_t reads;
};

/* The fault that hits this request (call) or watch event (NULL), or NULL. */
const struct fault *wire_next_fault(struct wire *wire, const struct http_call *call);
/* To be called when a step ends, or something that may have ended the call: may free it. */
void call_settle(struct http_call *call);
void call_break(struct http_call *call, const char *why);
/* The model's answer to the client; a watch's lines that are due. The call must be busy. */
void tell_answer(struct http_call *call);
void tell_watch(struct http_call *call);

#endif
