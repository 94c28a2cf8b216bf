/*
 * struct pace: a bucket of tokens that refills steadily (the generic cell rate algorithm), in one
 * number: when it will be full again. All zero is a full one.
 */
#ifndef BASE_PACE_H
#define BASE_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
	int64_t full_ms; /* monotonic */
};

struct pace_rate {
	int64_t burst;     /* tokens in a full bucket, 1 at least */
	int64_t refill_ms; /* for one more */
};

/* Until a token is there; 0: there is one. */
static inline int64_t pace_wait_ms(const struct pace *pace, const struct pace_rate *rate,
				   int64_t now_ms)
{
	int64_t wait = pace->full_ms - now_ms - (rate->burst - 1) * rate->refill_ms;
	return wait > 0 ? wait : 0;
}

/* Takes a token, which may be one of the future: the caller then waits for it. */
static inline void pace_spend(struct pace *pace, const struct pace_rate *rate, int64_t now_ms)
{
	pace->full_ms = (pace->full_ms > now_ms ? pace->full_ms : now_ms) + rate->refill_ms;
}

/* False: there is none. */
static inline bool pace_take(struct pace *pace, const struct pace_rate *rate, int64_t now_ms)
{
	if (pace_wait_ms(pace, rate, now_ms) > 0)
		return false;
	pace_spend(pace, rate, now_ms);
	return true;
}

#endif
