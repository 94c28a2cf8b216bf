/*
 * A ring of buckets. Invariant: bucket number n, for newest - WINDOW_BUCKETS < n <= newest, stands
 * at n modulo WINDOW_BUCKETS, and holds nothing else. The ring moves only when something is added:
 * who reads names the time from which on it counts.
 */
#include "reconciler/http/window.h"

#include <stddef.h>

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t number_of(int64_t ms)
{
	return ms / WINDOW_BUCKET_MS;
}

static size_t place_of(int64_t number)
{
	return (size_t)(number % WINDOW_BUCKETS);
}

/* The first bucket there is that has to do with that time or later. */
static int64_t first_since(const struct window *window, int64_t ms)
{
	return later(number_of(later(ms, 0)), later(window->newest - WINDOW_BUCKETS + 1, 0));
}

static void advance(struct window *window, int64_t to_ms)
{
	int64_t newest = number_of(to_ms);
	if (newest - window->newest >= WINDOW_BUCKETS) {
		*window = (struct window){.newest = newest};
		return;
	}
	while (window->newest < newest)
		window->buckets[place_of(++window->newest)] = 0;
}

void window_add_area(struct window *window, int64_t from_ms, int64_t to_ms, double from, double to)
{
	double slope = to_ms > from_ms ? (to - from) / (double)(to_ms - from_ms) : 0;
	advance(window, to_ms);
	for (int64_t n = first_since(window, from_ms); n <= number_of(to_ms); n++) {
		int64_t begin = later(n * WINDOW_BUCKET_MS, from_ms);
		int64_t end = earlier((n + 1) * WINDOW_BUCKET_MS, to_ms);
		double middle = from + slope * ((double)(begin + end) / 2 - (double)from_ms);
		window->buckets[place_of(n)] += (float)(middle * (double)(end - begin));
	}
}

void window_add_amount(struct window *window, int64_t from_ms, int64_t to_ms, double amount)
{
	advance(window, to_ms);
	for (int64_t n = first_since(window, from_ms); n <= number_of(to_ms); n++) {
		int64_t begin = later(n * WINDOW_BUCKET_MS, from_ms);
		int64_t end = earlier((n + 1) * WINDOW_BUCKET_MS, to_ms);
		double share =
		    to_ms > from_ms ? (double)(end - begin) / (double)(to_ms - from_ms) : 1;
		window->buckets[place_of(n)] += (float)(amount * share);
	}
}

double window_since(const struct window *window, int64_t from_ms)
{
	double sum = 0;
	for (int64_t n = first_since(window, from_ms); n <= window->newest; n++) {
		int64_t begin = later(n * WINDOW_BUCKET_MS, from_ms);
		double share = (double)((n + 1) * WINDOW_BUCKET_MS - begin) / WINDOW_BUCKET_MS;
		sum += window->buckets[place_of(n)] * share;
	}
	return sum;
}
