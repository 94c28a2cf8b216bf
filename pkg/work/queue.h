/*
 * struct queue: which keys wait to be looked at. After client-go's work queue and Knative's two
 * lanes: a key stands in the queue once; one that is being worked on is put back when it is done
 * if it was added meanwhile; the slow lane (resyncs, config changes) is served only when the fast
 * one is empty, but at least once in 16; failures come back with a per-key delay that doubles.
 * A key costs memory only while it waits, is worked on, has an appointment, is in back-off or was
 * worked on in the last seconds.
 *
 * No key is to be at the expense of the others: within a lane the namespaces that have keys waiting
 * take turns, one key each (turns.h), and a namespace's keys go in the order of coming; one is
 * taken 5 times a second at most after a burst of 20, however often it is added; of all together at
 * most 100 failures a second come back after a burst of 200; and keys whose work hung come back in
 * a lane of their own, of which at most 8 are worked on at a time.
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
 * and attempt determine; later if too many fail (above), but 5 min at most. */
void queue_add_failed(struct queue *queue, const char *key);
/* The same, but at_least_ms from now, of which 5 min count at most: Retry-After. */
void queue_add_failed_after(struct queue *queue, const char *key, int64_t at_least_ms);
/* The work on it hung (waited for somebody for long): until queue_forget its appointments put it
 * into the lane of those; queue_add does not. */
void queue_hung(struct queue *queue, const char *key);
/* The key's back-off starts anew with its next failure; it did not hang. */
void queue_forget(struct queue *queue, const char *key);

/* Takes the next key (valid until queue_done); NULL if none waits. It is "being worked on". */
const char *queue_take(struct queue *queue);
void queue_done(struct queue *queue, const char *key);
/* How long a key that is being worked on had waited before it was taken. */
int64_t queue_waited_ms(const struct queue *queue, const char *key);

struct queue_stats {
	size_t depth;               /* waiting now: the sum of the three below */
	size_t fast, slow, hung;    /* by lane */
	size_t working;             /* taken and not done */
	size_t failing;             /* in back-off: failed last, resting until the next try */
	size_t held;                /* that cost memory, for whatever reason */
	uint64_t adds;              /* that made a key wait, since the start */
	uint64_t retries;           /* queue_add_failed since the start */
	int64_t longest_ms;         /* age of the oldest waiting key */
	int64_t working_longest_ms; /* the same of those being worked on */
};
void queue_stats(const struct queue *queue, struct queue_stats *out);

/* ---- looking in ---- */

enum queue_place { QUEUE_WORKING, QUEUE_WAITING, QUEUE_RESTING };

struct queue_key {
	const char *key; /* borrowed */
	enum queue_place place;
	const char *lane;  /* "fast", "slow" or "hung": the one it waits in, or came from, or will
			      come into; static text */
	bool again;        /* worked on, and added meanwhile */
	bool hung;         /* the last time it was worked on */
	unsigned failures; /* in a row */
	int64_t since_ms;  /* ago: when it came to its place */
	int64_t due_ms;    /* until its appointment; -1: it has none */
};

/* Each key but those that only linger until their pace is forgotten, until each returns false:
 * those worked on, those that wait (hung, fast, slow), those that rest. The oldest first. each may
 * not change the queue. */
void queue_each(const struct queue *queue, bool (*each)(void *ctx, const struct queue_key *key),
		void *ctx);
/* False: there is nothing to tell of that key. */
bool queue_find(const struct queue *queue, const char *key, struct queue_key *out);

#endif
