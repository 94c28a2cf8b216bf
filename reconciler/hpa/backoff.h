/* Delays of what is tried again after a refusal for good: 1 s, doubling to 5 min. */
#ifndef HPA_BACKOFF_H
#define HPA_BACKOFF_H

#include <stdint.h>

#define BACKOFF_MIN_MS INT64_C(1000)
#define BACKOFF_MAX_MS INT64_C(300000)

static inline int64_t backoff_ms(unsigned tries)
{
	int64_t delay = BACKOFF_MIN_MS;

	for (unsigned i = 1; i < tries && delay < BACKOFF_MAX_MS; i++)
		delay *= 2;
	return delay < BACKOFF_MAX_MS ? delay : BACKOFF_MAX_MS;
}

#endif
