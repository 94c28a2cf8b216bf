/*
 * struct wire: a struct transport whose other end is the model. Every request takes WIRE_THERE_MS
 * to arrive, where it is applied, and WIRE_BACK_MS to be answered; a watch tells a change after
 * WIRE_BACK_MS. Faults hit where they are told to. All by timers, so that the same run gives the
 * same order.
 */
#ifndef TEST_LIB_WORLD_WIRE_H
#define TEST_LIB_WORLD_WIRE_H

#include "pkg/net/transport.h"
#include "test/lib/model.h"

#define WIRE_THERE_MS 2
#define WIRE_BACK_MS 3

/* A fault hits the n-th request (or opening of a watch, or watch event) that its filter admits. */
enum fault_kind {
	FAULT_NONE,
	/* requests, but for watches: */
	FAULT_STATUS,       /* answered with status, not applied */
	FAULT_LOST_REPLY,   /* applied, the answer is lost */
	FAULT_NO_REPLY,     /* not applied, the connection breaks */
	FAULT_DELAY,        /* applied late by delay_ms */
	FAULT_CRASH_BEFORE, /* the controller is dropped and started anew before the request */
	FAULT_CRASH_AFTER,  /* ... after it was applied */
	FAULT_CRASH_STALE,  /* ... and is served lists and watches of some versions ago at first */
	FAULT_DATE,         /* Date is off by delay_ms, in all answers of the next minute */
	FAULT_CLOCK,        /* the controller's wall clock steps by delay_ms */
	/* watches that are opened: */
	FAULT_OPEN_STATUS, /* answered with status */
	FAULT_OPEN_BREAK,  /* no answer */
	/* watch events (objects, not bookmarks): */
	FAULT_WATCH_END,    /* all watches end cleanly after this event */
	FAULT_WATCH_CUT,    /* all watches break, this one inside the event's object */
	FAULT_WATCH_GONE,   /* an ERROR event 410 instead of this one, on all watches */
	FAULT_WATCH_STALL,  /* all watches hold back this and later ones for delay_ms */
	FAULT_WATCH_STALE,  /* as GONE, but lists of some versions ago are served for a while */
	FAULT_WATCH_FLAP,   /* all watches end, and those opened within delay_ms at once */
	FAULT_WATCH_DOUBLE, /* it comes twice */
	FAULT_WATCH_LOSE,   /* this and those of the next delay_ms never come, then 410 on all */
	FAULT_WATCH_ODD,    /* text as a line before it */
	/* bytes that watches bring, all together: */
	FAULT_BYTE_END, /* that watch ends cleanly after this byte */
	FAULT_BYTE_CUT, /* breaks */
};

struct fault {
	enum fault_kind kind;
	unsigned at;      /* 1 = the first that fits; 0 = none */
	bool writes_only; /* Events never count */
	int status;
	int64_t delay_ms;
	int64_t retry_after_ms;
	const char *text; /* of the status, or the line; NULL: as the API server says it */
};

#define MAX_FAULTS 4

struct wire;

/* Up to MAX_FAULTS faults; chunk: bytes a piece of every stream, 0: whole lines. crash(ctx) is
 * called from a timer, not from within a callback of the transport. */
struct wire *wire_new(struct timers *timers, struct model *model, const struct fault *faults,
		      size_t fault_count, size_t chunk, void (*crash)(void *ctx), void *ctx);
void wire_free(struct wire *wire); /* calls that nobody cancelled are a bug of the caller */
struct transport *wire_transport(struct wire *wire);
/* More than a half-open connection: nothing arrives, nothing comes back, while it is down. */
void wire_down(struct wire *wire, bool down);

/* No request under way and no watch with something to tell. */
bool wire_quiet(const struct wire *wire);
/* No call left that somebody waits for. */
bool wire_unused(const struct wire *wire);
unsigned wire_faults_fired(const struct wire *wire);
/* How many requests or events fitted that fault so far. */
unsigned wire_fault_seen(const struct wire *wire, size_t index);
/* Creates that the model answered with 409: somebody acted on a view older than it should. */
unsigned wire_duplicates(const struct wire *wire);
size_t wire_watches(const struct wire *wire); /* open ones */
uint64_t wire_reads(const struct wire *wire); /* GETs and watches opened so far */

/* One line a write, "POST scaledobjects default/hello-00001 201", Events left out. A reply that
 * never came is "lost" (applied) or "none" instead of the status. */
const char *wire_trace(const struct wire *wire);
void wire_trace_clear(struct wire *wire);    /* the count too */
size_t wire_writes(const struct wire *wire); /* since the last clear, Events too */
/* wrote(ctx, request, status) is called as each write arrives; status 0: it was not applied. */
void wire_on_write(struct wire *wire,
		   void (*wrote)(void *ctx, const struct model_request *request, int status),
		   void *ctx);
/* To be called after each change of the model where several wires share one: a model has one
 * listener (model_on_change), which is the wire that was made last. */
void wire_model_changed(struct wire *wire);

#endif
