/*
 * struct timers: callbacks that are due at a monotonic time, a binary heap. Whoever
 * drives the program (the event loop, or a test with a fake clock) calls timers_run.
 * A timer is embedded in its owner; it must be disarmed or have fired before that
 * is freed. Not thread safe.
 */
#ifndef BASE_TIMER_H
#define BASE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/clock.h"

struct timer {
	void (*fire)(void *ctx);
	void *ctx;
	int64_t due_ms;  /* monotonic */
	uint64_t order;  /* equal due times fire in the order they were armed */
	size_t position; /* in the heap, from 1; 0 = not armed */
};

struct timers;

struct timers *timers_new(const struct clock *clock);
void timers_free(struct timers *timers); /* armed timers are disarmed */
const struct clock *timers_clock(const struct timers *timers);
int64_t timers_now(const struct timers *timers); /* monotonic */

void timer_init(struct timer *timer, void (*fire)(void *ctx), void *ctx);
/* (Re)arms; delays below 0 count as 0. A timer armed from within a callback fires in
 * the next timers_run at the earliest. */
void timer_arm(struct timers *timers, struct timer *timer, int64_t delay_ms);
void timer_disarm(struct timers *timers, struct timer *timer); /* fine if not armed */
static inline bool timer_armed(const struct timer *timer)
{
	return timer->position != 0;
}

/* Milliseconds until the next is due, 0 if overdue, -1 if none is armed. */
int64_t timers_next_ms(const struct timers *timers);
/* Fires all that are due now, earliest first. */
void timers_run(struct timers *timers);

#endif
