/*
 * struct retry: when a reflector makes its next request. Back-off 250 ms doubling to 30 s, or to 5
 * s while connections come about and break again, of which a random half is left out; the first 410
 * in a row is spread over a second, for all streams of all replicas get it at once; Retry-After is
 * waited for, 60 s at most, and up to a tenth longer. At most 10 requests a second, after a burst
 * of 20, whatever is answered.
 */
#ifndef KUBE_RETRY_H
#define KUBE_RETRY_H

#include "pkg/base/error.h"
#include "pkg/base/pace.h"

struct retry {
	unsigned strikes; /* troubles since the last retry_forget */
	uint64_t random;
	struct pace pace;
};

void retry_init(struct retry *retry, uint64_t seed);
/* All is well: back-off starts anew. */
void retry_forget(struct retry *retry);
/* 0 to range. */
int64_t retry_jitter(struct retry *retry, int64_t range);
/* ms to wait after trouble, one strike more; worked: before it all was well, however briefly. */
int64_t retry_backoff(struct retry *retry, bool worked);
/* The same after this error: 410 and Retry-After have their own rules. */
int64_t retry_after_error(struct retry *retry, const struct error *why, bool worked);
/* 0: a request may be made now (and is counted); else the wait. */
int64_t retry_admit(struct retry *retry, int64_t now_ms);

#endif
