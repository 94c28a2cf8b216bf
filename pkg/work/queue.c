/*
 * The work queue. Invariant: a key has one entry, which is in the table and in exactly one of the
 * lists. One that rests has an appointment, a failure count or a hang to its name; one that has
 * none lingers until its pace is forgotten, and is freed.
 */
#include "pkg/work/queue.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "pkg/base/check.h"
#include "pkg/base/hash.h"
#include "pkg/base/pace.h"
#include "pkg/base/slab.h"
#include "pkg/base/table.h"
#include "pkg/base/turns.h"

#define BACKOFF_FIRST_MS 5
#define BACKOFF_MAX_MS (5 * 60 * 1000)
#define SLOW_ONCE_IN 16
#define HUNG_AT_ONCE 8

static const struct pace_rate key_rate = {.burst = 20, .refill_ms = 200};
static const struct pace_rate retry_rate = {.burst = 200, .refill_ms = 10};

#define LANES 3

/* The first LANES are the lanes. */
enum place {
	IN_FAST = QUEUE_FAST,
	IN_SLOW = QUEUE_SLOW,
	IN_HUNG,
	WORKING,
	RESTING,
	LINGERING,
	PLACES
};

struct entry {
	TAILQ_ENTRY(entry) link;
	struct turn turn; /* in a lane */
	struct queue *queue;
	enum place place;
	enum place again;  /* of one being worked on: where to when done */
	bool hung;         /* the last time it was worked on */
	bool from_hung;    /* taken from that lane */
	unsigned failures; /* in a row */
	struct pace pace;  /* of being taken */
	int64_t since_ms;  /* in place, monotonic */
	int64_t waited_ms; /* before it was taken last */
	struct timer appointment;
	char key[];
};

TAILQ_HEAD(entries, entry);

struct queue {
	struct timers *timers;
	struct table *table;
	struct entries lists[PLACES]; /* the oldest first */
	size_t counts[PLACES];
	struct turns turns[LANES]; /* who of them is next */
	unsigned fast_run;         /* keys taken from the fast lane while another one waited */
	bool slow_before;          /* the last one that was not was from the slow lane */
	size_t working_hung;       /* taken from that lane and not done */
	uint64_t adds, retries;
	struct pace retry_pace;
	struct timer wake, sweep;
	void (*ready)(void *ctx);
	void *ctx;
};

static bool waits(const struct queue *queue)
{
	return queue->counts[IN_FAST] + queue->counts[IN_SLOW] + queue->counts[IN_HUNG] > 0;
}

static void sweep(void *ctx);

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
	for (int lane = 0; lane < LANES; lane++)
		turns_init(&queue->turns[lane]);
	timer_init(&queue->wake, wake, queue);
	timer_init(&queue->sweep, sweep, queue);
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
	if (to >= LANES)
		return;
	turns_add(&queue->turns[to], &entry->turn, entry->key);
	queue->adds++;
	if (!timer_armed(&queue->wake))
		timer_arm(queue->timers, &queue->wake, 0);
}

static void entry_unlink(struct entry *entry)
{
	if (entry->place < LANES)
		turns_remove(&entry->queue->turns[entry->place], &entry->turn);
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
	slab_free(entry, sizeof(*entry) + strlen(entry->key) + 1);
}

static void entry_linger_if_idle(struct entry *entry)
{
	struct queue *queue = entry->queue;
	if (entry->place != RESTING || entry->failures || entry->hung ||
	    timer_armed(&entry->appointment))
		return;
	entry_move(entry, LINGERING);
	if (!timer_armed(&queue->sweep))
		timer_arm(queue->timers, &queue->sweep, key_rate.refill_ms);
}

/* They came to linger in about the order in which they may go. */
static void sweep(void *ctx)
{
	struct queue *queue = ctx;
	int64_t now = timers_now(queue->timers);
	struct entry *first;
	while ((first = TAILQ_FIRST(&queue->lists[LINGERING])) && first->pace.full_ms <= now) {
		table_remove(queue->table, first->key);
		entry_free(first);
	}
	if (first)
		timer_arm(queue->timers, &queue->sweep, first->pace.full_ms - now);
}

void queue_free(struct queue *queue)
{
	struct entry *entry;
	if (!queue)
		return;
	for (int place = 0; place < PLACES; place++)
		while ((entry = TAILQ_FIRST(&queue->lists[place])))
			entry_free(entry);
	for (int lane = 0; lane < LANES; lane++)
		turns_release(&queue->turns[lane]);
	timer_disarm(queue->timers, &queue->wake);
	timer_disarm(queue->timers, &queue->sweep);
	table_free(queue->table);
	free(queue);
}

static void appoint(struct entry *entry, int64_t delay_ms)
{
	struct timers *timers = entry->queue->timers;
	if (!timer_armed(&entry->appointment) ||
	    delay_ms < entry->appointment.due_ms - timers_now(timers))
		timer_arm(timers, &entry->appointment, delay_ms);
}

/* It waits from now on, or once it may be taken again. */
static void entry_wait(struct entry *entry, enum place lane)
{
	int64_t wait = pace_wait_ms(&entry->pace, &key_rate, timers_now(entry->queue->timers));
	entry_move(entry, wait > 0 ? RESTING : lane);
	if (wait > 0)
		appoint(entry, wait);
}

static void entry_add(struct entry *entry, enum place lane)
{
	switch (entry->place) {
	case WORKING:
		if (lane < entry->again)
			entry->again = lane;
		break;
	case IN_SLOW:
	case IN_HUNG:
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
	case LINGERING:
		entry_wait(entry, lane);
		break;
	default:
		break;
	}
}

static void keep_appointment(void *ctx)
{
	struct entry *entry = ctx;
	entry_add(entry, entry->hung ? IN_HUNG : IN_FAST);
}

static struct entry *entry_for(struct queue *queue, const char *key)
{
	struct entry *entry = table_get(queue->table, key);
	if (entry)
		return entry;
	size_t size = strlen(key) + 1;
	entry = slab_zalloc(sizeof(*entry) + size);
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
	if (entry->place == LINGERING)
		entry_move(entry, RESTING);
	appoint(entry, delay_ms);
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

void queue_add_failed_after(struct queue *queue, const char *key, int64_t at_least_ms)
{
	struct entry *entry = entry_for(queue, key);
	if (entry->failures < UINT32_MAX)
		entry->failures++;
	queue->retries++;
	int64_t now = timers_now(queue->timers), delay = backoff_ms(entry);
	int64_t wait = pace_wait_ms(&queue->retry_pace, &retry_rate, now);
	if (wait > BACKOFF_MAX_MS)
		wait = BACKOFF_MAX_MS;
	else
		pace_spend(&queue->retry_pace, &retry_rate, now);
	if (delay < wait)
		delay = wait;
	if (at_least_ms > BACKOFF_MAX_MS)
		at_least_ms = BACKOFF_MAX_MS;
	queue_add_after(queue, key, delay > at_least_ms ? delay : at_least_ms);
}

void queue_add_failed(struct queue *queue, const char *key)
{
	queue_add_failed_after(queue, key, 0);
}

void queue_hung(struct queue *queue, const char *key)
{
	struct entry *entry = table_get(queue->table, key);
	CHECK(entry && entry->place == WORKING);
	entry->hung = true;
}

void queue_forget(struct queue *queue, const char *key)
{
	struct entry *entry = table_get(queue->table, key);
	if (!entry)
		return;
	entry->failures = 0;
	entry->hung = false;
	entry_linger_if_idle(entry);
}

static enum place next_lane(struct queue *queue)
{
	bool slow = queue->counts[IN_SLOW];
	bool hung = queue->counts[IN_HUNG] && queue->working_hung < HUNG_AT_ONCE;
	if (!slow && !hung) {
		queue->fast_run = 0;
		return IN_FAST;
	}
	if (queue->counts[IN_FAST] && queue->fast_run < SLOW_ONCE_IN - 1) {
		queue->fast_run++;
		return IN_FAST;
	}
	queue->fast_run = 0;
	queue->slow_before = slow && !(hung && queue->slow_before);
	return queue->slow_before ? IN_SLOW : IN_HUNG;
}

const char *queue_take(struct queue *queue)
{
	enum place lane = next_lane(queue);
	struct turn *turn = turns_next(&queue->turns[lane]);
	if (!turn)
		return NULL;
	struct entry *entry = (struct entry *)((char *)turn - offsetof(struct entry, turn));
	int64_t now = timers_now(queue->timers);
	entry->waited_ms = now - entry->since_ms;
	pace_spend(&entry->pace, &key_rate, now);
	entry->from_hung = lane == IN_HUNG;
	queue->working_hung += entry->from_hung;
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
	enum place again = entry->again;
	queue->working_hung -= entry->from_hung;
	entry->again = RESTING;
	if (again == RESTING)
		entry_move(entry, RESTING);
	else
		entry_wait(entry, again);
	entry_linger_if_idle(entry);
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

static size_t count_failing(const struct queue *queue)
{
	const struct entry *entry;
	size_t failing = 0;
	TAILQ_FOREACH(entry, &queue->lists[RESTING], link)
	failing += entry->failures > 0;
	return failing;
}

void queue_stats(const struct queue *queue, struct queue_stats *out)
{
	int64_t longest = 0;
	for (int lane = IN_FAST; lane <= IN_HUNG; lane++) {
		int64_t oldest = oldest_ms(queue, (enum place)lane);
		longest = oldest > longest ? oldest : longest;
	}
	*out = (struct queue_stats){
	    .depth = queue->counts[IN_FAST] + queue->counts[IN_SLOW] + queue->counts[IN_HUNG],
	    .fast = queue->counts[IN_FAST],
	    .slow = queue->counts[IN_SLOW],
	    .hung = queue->counts[IN_HUNG],
	    .working = queue->counts[WORKING],
	    .failing = count_failing(queue),
	    .held = table_count(queue->table),
	    .adds = queue->adds,
	    .retries = queue->retries,
	    .longest_ms = longest,
	    .working_longest_ms = oldest_ms(queue, WORKING),
	};
}

static const char *lane_of(const struct entry *entry)
{
	if (entry->place == IN_SLOW)
		return "slow";
	if (entry->place == IN_FAST)
		return "fast";
	if (entry->place == WORKING)
		return entry->from_hung ? "hung" : "fast";
	return entry->place == IN_HUNG || entry->hung ? "hung" : "fast";
}

static struct queue_key describe(const struct entry *entry)
{
	int64_t now = timers_now(entry->queue->timers);
	return (struct queue_key){
	    .key = entry->key,
	    .place = entry->place == WORKING   ? QUEUE_WORKING
		     : entry->place == RESTING ? QUEUE_RESTING
					       : QUEUE_WAITING,
	    .lane = lane_of(entry),
	    .again = entry->place == WORKING && entry->again != RESTING,
	    .hung = entry->hung,
	    .failures = entry->failures,
	    .since_ms = now - entry->since_ms,
	    .due_ms = timer_armed(&entry->appointment) ? entry->appointment.due_ms - now : -1,
	};
}

void queue_each(const struct queue *queue, bool (*each)(void *ctx, const struct queue_key *key),
		void *ctx)
{
	static const enum place order[] = {WORKING, IN_HUNG, IN_FAST, IN_SLOW, RESTING};
	const struct entry *entry;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		TAILQ_FOREACH(entry, &queue->lists[order[i]], link)
		{
			/* cppcheck-suppress uninitvar ; TAILQ_FOREACH sets it */
			const struct queue_key key = describe(entry);
			if (!each(ctx, &key))
				return;
		}
	}
}

bool queue_find(const struct queue *queue, const char *key, struct queue_key *out)
{
	const struct entry *entry = table_get(queue->table, key);
	if (!entry || entry->place == LINGERING)
		return false;
	*out = describe(entry);
	return true;
}
