/* The schedule of a reflector's requests: numbers only, so that an hour of any answer is a test. */
#include "pkg/kube/retry.h"

#include "pkg/base/hash.h"

#define BACKOFF_MS 250
#define BACKOFF_MAX_MS 30000
#define BACKOFF_WORKED_MAX_MS 5000
#define GONE_SPREAD_MS 1000
#define RETRY_AFTER_MAX_MS 60000

void retry_init(struct retry *retry, uint64_t seed)
{
	*retry = (struct retry){.random = seed};
}

void retry_forget(struct retry *retry)
{
	retry->strikes = 0;
}

int64_t retry_jitter(struct retry *retry, int64_t range)
{
	retry->random = hash_bytes(HASH_SEED, &retry->random, sizeof(retry->random));
	return (int64_t)(retry->random >> 1) % (range + 1);
}

int64_t retry_backoff(struct retry *retry, bool worked)
{
	int64_t most = worked ? BACKOFF_WORKED_MAX_MS : BACKOFF_MAX_MS;
	unsigned doublings = retry->strikes++;
	int64_t delay = doublings < 8 ? (int64_t)BACKOFF_MS << doublings : most;
	if (delay > most)
		delay = most;
	return delay - retry_jitter(retry, delay / 2);
}

int64_t retry_after_error(struct retry *retry, const struct error *why, bool worked)
{
	int64_t asked = why->retry_after_ms, delay;
	/* A version grown too old is no trouble, unless it happens again and again. */
	if (why->kind == ERROR_GONE && retry->strikes == 0) {
		retry->strikes++;
		delay = retry_jitter(retry, GONE_SPREAD_MS);
	} else {
		delay = retry_backoff(retry, worked);
	}
	if (asked > RETRY_AFTER_MAX_MS)
		asked = RETRY_AFTER_MAX_MS;
	return asked > delay ? asked + retry_jitter(retry, asked / 10) : delay;
}

int64_t retry_admit(struct retry *retry, int64_t now_ms)
{
	static const struct pace_rate rate = {.burst = 20, .refill_ms = 100};
	int64_t wait = pace_wait_ms(&retry->pace, &rate, now_ms);
	if (wait == 0)
		pace_spend(&retry->pace, &rate, now_ms);
	return wait;
}
