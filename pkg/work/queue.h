/*
 * struct queue: which keys wait to be looked at. After client-go's work queue and Knative's two
 * lanes: a key stands in the queue once; one that is being worked on is put back when it is done
 * if it was added meanwhile; the slow lane (resyncs, config changes) is served only when the fast
 * one is empty, but at least once in 16; failures come back with a per-key delay that doubles.
 * A key costs memory only while it waits, is worked on, has an appointment or is in back-off.
 */
#ifndef WORK_QUEUE_H
#define WORK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/timer.h"

struct queue;

enum queue_lane { QUEUE_FAST, QUEUE_SLOW };

/* ready(ctx) is called (from a timer, never from within queue_add) when keys wait: once for all
 * that were added before it. Take until there is none or no capacity; it is not repeated for
 * keys that are left. It must not free the queue. */
struct queue *queue_new(struct timers *timers, void (*ready)(void *ctx), void *ctx);
void queue_free(struct queue *queue); /* NULL is fine */

/* A key that waits in the slow lane already moves to the fast one when added there. */
void queue_add(struct queue *queue, const char *key, enum queue_lane lane);
/* Added to the fast lane at delay_ms from now; an earlier appointment of that key stays, a later
 * one is replaced. */
void queue_add_after(struct queue *queue, const char *key, int64_t delay_ms);
/* After the key's next back-off delay: 5 ms doubling to 5 min, plus up to 10 % jitter, which key
 * and attempt determine. */
void queue_add_failed(struct queue *queue, const char *key);
/* The key's back-off starts anew with its next failure. */
void queue_forget(struct queue *queue, const char *key);

/* Takes the next key (valid until queue_done); NULL if none waits. It is "being worked on". */
const char *queue_take(struct queue *queue);
void queue_done(struct queue *queue, const char *key);
/* How long a key that is being worked on had waited before it was taken. */
int64_t queue_waited_ms(const struct queue *queue, const char *key);

struct queue_stats {
	size_t depth;               /* waiting now */
	size_t working;             /* taken and not done */
	uint64_t adds;              /* that made a key wait, since the start */
	uint64_t retries;           /* queue_add_failed since the start */
	int64_t longest_ms;         /* age of the oldest waiting key */
	int64_t working_longest_ms; /* the same of those being worked on */
};
void queue_stats(const struct queue *queue, struct queue_stats *out);

#endif
