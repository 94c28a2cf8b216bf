/*
 * struct fake_clock: time that stands still until a test moves it. Monotonic and wall time are
 * moved together by fake_clock_run and fake_clock_advance; a test that wants a stepped wall clock
 * sets wall by itself.
 */
#ifndef TEST_LIB_FAKE_CLOCK_H
#define TEST_LIB_FAKE_CLOCK_H

#include <stdint.h>

#include "pkg/base/clock.h"
#include "pkg/base/timer.h"

struct fake_clock {
	struct clock clock; /* first: its address is the clock's */
	int64_t mono, wall; /* milliseconds */
};

#define FAKE_CLOCK_MONO INT64_C(1000000)
#define FAKE_CLOCK_WALL INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

void fake_clock_init(struct fake_clock *clock); /* at the two moments above */
/* Moves both times on; fires nothing. */
void fake_clock_advance(struct fake_clock *clock, int64_t ms);
/* Fires what is due now, then moves on to each timer due within ms in turn and fires it, and ends
 * exactly ms later. Ends the program when timers re-arm themselves at once for ever. */
void fake_clock_run(struct fake_clock *clock, struct timers *timers, int64_t ms);

#endif
