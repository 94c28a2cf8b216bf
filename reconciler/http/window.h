/*
 * How much of something there was in the last seconds, in buckets of time. 208 bytes, all zero is
 * an empty one. Pure. Times are monotonic milliseconds, not negative; what is added may overlap
 * what was there, and what is older than the buckets reach is left out. They reach back from the
 * newest that something was added to, however long ago that is.
 */
#ifndef HTTP_WINDOW_H
#define HTTP_WINDOW_H

#include <stdint.h>

#define WINDOW_BUCKET_MS 250
#define WINDOW_BUCKETS 49 /* 12 s, and the one that is not full yet */

struct window {
	int64_t newest; /* number of the newest bucket: its time / WINDOW_BUCKET_MS */
	float buckets[WINDOW_BUCKETS]; /* by number, modulo */
};

/* An area: so high there, so high here, in a straight line. from_ms <= to_ms. */
void window_add_area(struct window *window, int64_t from_ms, int64_t to_ms, double from, double to);
/* An amount, evenly within that time. from_ms <= to_ms. */
void window_add_amount(struct window *window, int64_t from_ms, int64_t to_ms, double amount);
/* All from then on; of the bucket in which it lies, the share that comes after. */
double window_since(const struct window *window, int64_t from_ms);

#endif
