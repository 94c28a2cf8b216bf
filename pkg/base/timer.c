/*
 * Timers in a binary heap that counts from 1: heap[i] is due no later than heap[2i] and
 * heap[2i+1], and heap[i]->position is i for every armed timer.
 */
#include "pkg/base/timer.h"

#include <stdlib.h>

#include "pkg/base/check.h"

struct timers {
	const struct clock *clock;
	struct timer **heap;
	size_t count, cap;
	uint64_t next_order;
};

struct timers *timers_new(const struct clock *clock)
{
	struct timers *timers = xcalloc(1, sizeof(*timers));
	timers->clock = clock;
	return timers;
}

void timers_free(struct timers *timers)
{
	if (!timers)
		return;
	for (size_t i = 1; i <= timers->count; i++)
		timers->heap[i]->position = 0;
	free(timers->heap);
	free(timers);
}

const struct clock *timers_clock(const struct timers *timers)
{
	return timers->clock;
}

int64_t timers_now(const struct timers *timers)
{
	return clock_mono(timers->clock);
}

void timer_init(struct timer *timer, void (*fire)(void *ctx), void *ctx)
{
	*timer = (struct timer){.fire = fire, .ctx = ctx};
}

static bool before(const struct timer *a, const struct timer *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static void put(struct timers *timers, size_t position, struct timer *timer)
{
	timers->heap[position] = timer;
	timer->position = position;
}

static void sift_up(struct timers *timers, size_t at, struct timer *timer)
{
	while (at > 1 && before(timer, timers->heap[at / 2])) {
		put(timers, at, timers->heap[at / 2]);
		at /= 2;
	}
	put(timers, at, timer);
}

static void sift_down(struct timers *timers, size_t at, struct timer *timer)
{
	for (size_t child = at * 2; child <= timers->count; child = at * 2) {
		if (child < timers->count && before(timers->heap[child + 1], timers->heap[child]))
			child++;
		if (!before(timers->heap[child], timer))
			break;
		put(timers, at, timers->heap[child]);
		at = child;
	}
	put(timers, at, timer);
}

void timer_arm(struct timers *timers, struct timer *timer, int64_t delay_ms)
{
	timer_disarm(timers, timer);
	int64_t now = timers_now(timers);
	int64_t delay = delay_ms > 0 ? delay_ms : 0;
	timer->due_ms = delay > INT64_MAX - now ? INT64_MAX : now + delay;
	timer->order = timers->next_order++;
	if (timers->count + 2 > timers->cap) {
		timers->cap = timers->cap ? timers->cap * 2 : 16;
		timers->heap = xrealloc(timers->heap, timers->cap * sizeof(*timers->heap));
	}
	sift_up(timers, ++timers->count, timer);
}

void timer_disarm(struct timers *timers, struct timer *timer)
{
	size_t hole = timer->position;
	if (hole == 0)
		return;
	CHECK(hole <= timers->count && timers->heap[hole] == timer);
	struct timer *last = timers->heap[timers->count--];
	timer->position = 0;
	if (last == timer)
		return;
	if (before(last, timer))
		sift_up(timers, hole, last);
	else
		sift_down(timers, hole, last);
}

int64_t timers_next_ms(const struct timers *timers)
{
	if (timers->count == 0)
		return -1;
	int64_t left = timers->heap[1]->due_ms - timers_now(timers);
	return left > 0 ? left : 0;
}

void timers_run(struct timers *timers)
{
	int64_t now = timers_now(timers);
	uint64_t horizon = timers->next_order;
	while (timers->count > 0) {
		struct timer *first = timers->heap[1];
		/* What callbacks arm is due no earlier than now, hence sorts behind the rest. */
		if (first->due_ms > now || first->order >= horizon)
			return;
		timer_disarm(timers, first);
		first->fire(first->ctx);
	}
}
