/*
 * The work queue. Invariant: a key has one entry, which is in the table and in exactly one of
 * four lists (fast, slow, working, resting). One that rests has an appointment or a failure
 * count, else it is freed.
 */
#include "pkg/work/queue.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "pkg/base/check.h"
#include "pkg/base/hash.h"
#include "pkg/base/table.h"

#define BACKOFF_FIRST_MS 5
#define BACKOFF_MAX_MS (5 * 60 * 1000)
#define SLOW_ONCE_IN 16

/* The first two are the lanes. */
enum place { IN_FAST = QUEUE_FAST, IN_SLOW = QUEUE_SLOW, WORKING, RESTING, PLACES };

struct entry {
	TAILQ_ENTRY(entry) link;
	struct queue *queue;
	enum place place;
	enum place again;  /* of one being worked on: where to when done */
	unsigned failures; /* in a row */
	int64_t since_ms;  /* in place, monotonic */
	int64_t waited_ms; /* before it was taken last */
	struct timer appointment;
	char key[];
};

TAILQ_HEAD(entries, entry);

struct queue {
	struct timers *timers;
	struct table *table;
	struct entries lists[PLACES];
	size_t counts[PLACES];
	unsigned fast_run; /* keys taken from the fast lane while the slow one waited */
	uint64_t adds, retries;
	struct timer wake;
	void (*ready)(void *ctx);
	void *ctx;
};

static bool waits(const struct queue *queue)
{
	return queue->counts[IN_FAST] + queue->counts[IN_SLOW] > 0;
}

static void wake(void *ctx)
{
	struct queue *queue = ctx;
	if (waits(queue))
		queue->ready(queue->ctx);
}

struct queue *queue_new(struct timers *timers, void (*ready)(void *ctx), void *ctx)
{
	struct queue *queue = xcalloc(1, sizeof(*queue));
	queue->timers = timers;
	queue->table = table_new();
	for (int place = 0; place < PLACES; place++)
		TAILQ_INIT(&queue->lists[place]);
	timer_init(&queue->wake, wake, queue);
	queue->ready = ready;
	queue->ctx = ctx;
	return queue;
}

static void entry_insert(struct entry *entry, enum place to)
{
	struct queue *queue = entry->queue;
	entry->place = to;
	entry->since_ms = timers_now(queue->timers);
	TAILQ_INSERT_TAIL(&queue->lists[to], entry, link);
	queue->counts[to]++;
	if (to > IN_SLOW)
		return;
	queue->adds++;
	if (!timer_armed(&queue->wake))
		timer_arm(queue->timers, &queue->wake, 0);
}

static void entry_unlink(struct entry *entry)
{
	TAILQ_REMOVE(&entry->queue->lists[entry->place], entry, link);
	entry->queue->counts[entry->place]--;
}

static void entry_move(struct entry *entry, enum place to)
{
	entry_unlink(entry);
	entry_insert(entry, to);
}

static void entry_free(struct entry *entry)
{
	entry_unlink(entry);
	timer_disarm(entry->queue->timers, &entry->appointment);
	free(entry);
}

static void entry_drop_if_idle(struct entry *entry)
{
	if (entry->place != RESTING || entry->failures || timer_armed(&entry->appointment))
		return;
	table_remove(entry->queue->table, entry->key);
	entry_free(entry);
}

void queue_free(struct queue *queue)
{
	struct entry *entry;
	if (!queue)
		return;
	for (int place = 0; place < PLACES; place++)
		while ((entry = TAILQ_FIRST(&queue->lists[place])))
			entry_free(entry);
	timer_disarm(queue->timers, &queue->wake);
	table_free(queue->table);
	free(queue);
}

static void entry_add(struct entry *entry, enum place lane)
{
	switch (entry->place) {
	case WORKING:
		if (lane < entry->again)
			entry->again = lane;
		break;
	case IN_SLOW:
		if (lane == IN_FAST) {
			/* The same wait goes on: neither its age nor the count of adds begins anew.
			 */
			int64_t since_ms = entry->since_ms;
			entry_move(entry, IN_FAST);
			entry->since_ms = since_ms;
			entry->queue->adds--;
		}
		break;
	case RESTING:
		entry_move(entry, lane);
		break;
	default:
		break;
	}
}

static void keep_appointment(void *ctx)
{
	entry_add(ctx, IN_FAST);
}

static struct entry *entry_for(struct queue *queue, const char *key)
{
	struct entry *entry = table_get(queue->table, key);
	if (entry)
		return entry;
	size_t size = strlen(key) + 1;
	entry = xcalloc(1, sizeof(*entry) + size);
	memcpy(entry->key, key, size);
	entry->queue = queue;
	entry->again = RESTING;
	timer_init(&entry->appointment, keep_appointment, entry);
	entry_insert(entry, RESTING);
	table_set(queue->table, entry->key, entry);
	return entry;
}

void queue_add(struct queue *queue, const char *key, enum queue_lane lane)
{
	entry_add(entry_for(queue, key), (enum place)lane);
}

void queue_add_after(struct queue *queue, const char *key, int64_t delay_ms)
{
	struct entry *entry = entry_for(queue, key);
	int64_t left = entry->appointment.due_ms - timers_now(queue->timers);
	if (!timer_armed(&entry->appointment) || delay_ms < left)
		timer_arm(queue->timers, &entry->appointment, delay_ms);
}

/* xorshift64* (Marsaglia, Vigna): spreads equal delays, yet the same on every run. */
static uint64_t scatter(uint64_t seed)
{
	uint64_t x = seed ? seed : 1;
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	return x * UINT64_C(2685821657736338717);
}

static int64_t backoff_ms(const struct entry *entry)
{
	int64_t delay = BACKOFF_FIRST_MS;
	for (unsigned i = 1; i < entry->failures && delay < BACKOFF_MAX_MS; i++)
		delay *= 2;
	if (delay > BACKOFF_MAX_MS)
		delay = BACKOFF_MAX_MS;
	uint64_t noise = scatter(hash_text(HASH_SEED, entry->key) + entry->failures) >> 32;
	return delay + (int64_t)(noise % (uint64_t)(delay / 10 + 1));
}

void queue_add_failed(struct queue *queue, const char *key)
{
	struct entry *entry = entry_for(queue, key);
	if (entry->failures < UINT32_MAX)
		entry->failures++;
	queue->retries++;
	queue_add_after(queue, key, backoff_ms(entry));
}

void queue_forget(struct queue *queue, const char *key)
{
	struct entry *entry = table_get(queue->table, key);
	if (!entry)
		return;
	entry->failures = 0;
	entry_drop_if_idle(entry);
}

static enum place next_lane(struct queue *queue)
{
	if (!queue->counts[IN_SLOW])
		queue->fast_run = 0;
	else if (!queue->counts[IN_FAST] || queue->fast_run == SLOW_ONCE_IN - 1)
		return IN_SLOW;
	else
		queue->fast_run++;
	return IN_FAST;
}

const char *queue_take(struct queue *queue)
{
	enum place lane = next_lane(queue);
	struct entry *entry = TAILQ_FIRST(&queue->lists[lane]);
	if (!entry)
		return NULL;
	if (lane == IN_SLOW)
		queue->fast_run = 0;
	entry->waited_ms = timers_now(queue->timers) - entry->since_ms;
	entry_move(entry, WORKING);
	return entry->key;
}

int64_t queue_waited_ms(const struct queue *queue, const char *key)
{
	const struct entry *entry = table_get(queue->table, key);
	CHECK(entry && entry->place == WORKING);
	return entry->waited_ms;
}

void queue_done(struct queue *queue, const char *key)
{
	struct entry *entry = table_get(queue->table, key);
	CHECK(entry && entry->place == WORKING);
	entry_move(entry, entry->again);
	entry->again = RESTING;
	entry_drop_if_idle(entry);
}

static int64_t oldest_ms(const struct queue *queue, enum place place)
{
	const struct entry *entry;
	int64_t now = timers_now(queue->timers), longest = 0;
	TAILQ_FOREACH(entry, &queue->lists[place], link)
	if (now - entry->since_ms > longest)
		longest = now - entry->since_ms;
	return longest;
}

void queue_stats(const struct queue *queue, struct queue_stats *out)
{
	int64_t fast = oldest_ms(queue, IN_FAST), slow = oldest_ms(queue, IN_SLOW);
	*out = (struct queue_stats){
	    .depth = queue->counts[IN_FAST] + queue->counts[IN_SLOW],
	    .working = queue->counts[WORKING],
	    .adds = queue->adds,
	    .retries = queue->retries,
	    .longest_ms = fast > slow ? fast : slow,
	    .working_longest_ms = oldest_ms(queue, WORKING),
	};
}
