/*
 * Readings against simulated requests: they come at random to a few activators, last at random, and
 * are counted when they end; each activator is read at irregular times, some pages break off. What
 * is told is held against what was.
 *
 * The bounds. d is the longest time that an activator was not read, or not counted. A request is
 * wrong by d / 2 at most in the area under the trapezoids for its beginning, and as much for its
 * end; the last bucket of the window is taken in proportion. Of the completed, those of d before
 * the end may be missing, or those of the d before that be there twice, and those of d and a bucket
 * about the beginning may be on the wrong side.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "reconciler/http/readings.h"
#include "reconciler/http/window.h"
#include "test/lib/test.h"

#define ACTIVATORS 3
#define REQUESTS 6000
#define SECONDS 40
#define RUNS 6
#define NAMES_SIZE 8
#define ROUNDED 1e-4 /* buckets are floats */

struct request {
	int64_t begin_ms, end_ms; /* the first ms in it, the first behind it */
	size_t activator;
};

struct reader {
	char name[NAMES_SIZE];
	int64_t next_ms, begun_ms, end_ms; /* next_ms while none is under way */
	int64_t read_ms, counted_ms; /* of the last whole page, of the last that counted; -1 */
	bool open;
	enum readings_page page;
	double in_flight, completing; /* as the page under way has them */
	double base, completed;       /* as the first and the last whole page had it */
};

struct world {
	uint64_t seed;
	struct request *requests; /* by begin_ms */
	size_t count;
	struct reader readers[ACTIVATORS];
	struct readings *readings;
	int64_t counts_every_ms; /* pages between have gauges alone */
	int64_t gap_ms;          /* d */
	int64_t count_gap_ms;    /* ... of pages that count */
	int64_t first_count_ms;  /* 0: no page yet */
	int64_t now_ms;
};

/* ---- requests ---- */

/* Below 1. */
static double random_part(struct world *w)
{
	return (double)(test_random(&w->seed) % 1000000) / 1000000;
}

static double exponential(struct world *w, double mean)
{
	return -mean * log(1 - random_part(w));
}

/* Calm, burst, rest and flood follow each other. */
struct traffic {
	const char *name;
	double gap_ms, length_ms; /* means */
	double rest;              /* of the time nothing comes */
};

static const struct traffic traffics[] = {
    {"steady, half a second each", 50, 500, 0},
    {"many short ones", 8, 10, 0},
    {"few long ones", 2000, 6000, 0},
    {"rare and short", 3000, 10, 0},
    {"bursts", 10, 200, 0.5},
};

static void make_requests(struct world *w, const struct traffic *traffic)
{
	double at = 1;
	w->requests = xcalloc(REQUESTS, sizeof(*w->requests));
	while (w->count < REQUESTS && at < SECONDS * 1000) {
		bool rests = fmod(at, 8000) < traffic->rest * 8000;
		if (!rests)
			w->requests[w->count++] = (struct request){
			    .begin_ms = (int64_t)at,
			    .end_ms = (int64_t)(at + 1 + exponential(w, traffic->length_ms)),
			    .activator = test_random(&w->seed) % ACTIVATORS,
			};
		at += exponential(w, traffic->gap_ms);
	}
}

/* Of one activator, or of all with ACTIVATORS. */
static double in_flight_at(const struct world *w, size_t activator, int64_t ms)
{
	double count = 0;
	for (size_t i = 0; i < w->count; i++) {
		const struct request *q = &w->requests[i];
		count += (activator == ACTIVATORS || q->activator == activator) &&
			 q->begin_ms <= ms && ms < q->end_ms;
	}
	return count;
}

/* Ended within (from, to]. */
static double completed_between(const struct world *w, size_t activator, int64_t from, int64_t to)
{
	double count = 0;
	for (size_t i = 0; i < w->count; i++) {
		const struct request *q = &w->requests[i];
		count += (activator == ACTIVATORS || q->activator == activator) &&
			 q->end_ms > from && q->end_ms <= to;
	}
	return count;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static double true_mean(const struct world *w, int64_t from, int64_t to)
{
	double area = 0;
	for (size_t i = 0; i < w->count; i++) {
		const struct request *q = &w->requests[i];
		int64_t overlap = earlier(q->end_ms, to) - later(q->begin_ms, from);
		area += overlap > 0 ? (double)overlap : 0;
	}
	return area / (double)(to - from);
}

/* Beginnings and ends within [from, to]. */
static double edges_between(const struct world *w, int64_t from, int64_t to)
{
	double edges = 0;
	for (size_t i = 0; i < w->count; i++) {
		const struct request *q = &w->requests[i];
		edges += q->begin_ms >= from && q->begin_ms <= to;
		edges += q->end_ms >= from && q->end_ms <= to;
	}
	return edges;
}

static double peak_between(const struct world *w, int64_t from, int64_t to)
{
	double peak = in_flight_at(w, ACTIVATORS, from);
	for (size_t i = 0; i < w->count; i++)
		peak += w->requests[i].begin_ms > from && w->requests[i].begin_ms <= to;
	return peak;
}

/* ---- reading ---- */

static void begin_page(struct world *w, size_t which)
{
	struct reader *reader = &w->readers[which];
	reader->open = true;
	reader->begun_ms = w->now_ms;
	reader->end_ms = w->now_ms + (int64_t)(test_random(&w->seed) % 20);
	reader->in_flight = in_flight_at(w, which, w->now_ms);
	reader->completing = 100 + completed_between(w, which, 0, w->now_ms);
	reader->page =
	    reader->counted_ms < 0 || w->now_ms - reader->counted_ms >= w->counts_every_ms
		? READINGS_ALL
		: READINGS_GAUGES;
	readings_begin(w->readings, reader->name, reader->page, w->now_ms);
	readings_sample(w->readings, reader->name, "ns", "rev", READING_QUEUED,
			floor(reader->in_flight / 2));
	readings_sample(w->readings, reader->name, "ns", "rev", READING_ACTIVE,
			ceil(reader->in_flight / 2));
	if (reader->page == READINGS_ALL)
		readings_sample(w->readings, reader->name, "ns", "rev", READING_COMPLETED,
				reader->completing);
}

/* What was there at the reading, or ended since the last that counted, is never passed over. */
static void expect_active(const struct world *w, size_t which)
{
	const struct reader *reader = &w->readers[which];
	struct reading got;
	readings_of(w->readings, "ns", "rev", w->now_ms, &got);
	bool ended = reader->page == READINGS_ALL && reader->counted_ms >= 0 &&
		     reader->completing > reader->completed;
	if ((ended || reader->in_flight > 0) && (!got.active || got.active_at_ms != w->now_ms))
		EXPECT(got.active && got.active_at_ms == w->now_ms);
}

static void take_page(struct world *w, size_t which)
{
	struct reader *reader = &w->readers[which];
	readings_end(w->readings, reader->name, w->now_ms);
	expect_active(w, which);
	if (reader->page == READINGS_ALL) {
		if (reader->counted_ms < 0)
			reader->base = reader->completing;
		if (w->first_count_ms == 0)
			w->first_count_ms = reader->begun_ms;
		reader->completed = reader->completing;
		reader->counted_ms = reader->begun_ms;
	}
	reader->read_ms = reader->begun_ms;
}

static void end_page(struct world *w, size_t which)
{
	struct reader *reader = &w->readers[which];
	reader->open = false;
	reader->next_ms = reader->begun_ms + 50 + (int64_t)(test_random(&w->seed) % 200);
	if (reader->next_ms <= w->now_ms)
		reader->next_ms = w->now_ms + 1;
	if (test_random(&w->seed) % 20 == 0)
		readings_abort(w->readings, reader->name);
	else
		take_page(w, which);
}

/* How long nothing was read, and nothing counted, up to now. */
static void measure_gaps(struct world *w)
{
	for (size_t i = 0; i < ACTIVATORS; i++) {
		const struct reader *reader = &w->readers[i];
		w->gap_ms = later(w->gap_ms, w->now_ms - reader->read_ms);
		w->count_gap_ms = later(w->count_gap_ms, w->now_ms - reader->counted_ms);
	}
}

static void step(struct world *w)
{
	for (size_t i = 0; i < ACTIVATORS; i++) {
		struct reader *reader = &w->readers[i];
		if (reader->open && reader->end_ms <= w->now_ms)
			end_page(w, i);
		if (!reader->open && reader->next_ms <= w->now_ms)
			begin_page(w, i);
	}
	w->now_ms++;
	if (w->now_ms > 4000)
		measure_gaps(w);
}

/* ---- what was told, held against what was ---- */

/* Over a run. */
struct sums {
	double count;
	double concurrency, true_concurrency, wrong_concurrency;
	double rps, true_rps, wrong_rps;
};

static void expect_within(const char *what, double got, double want, double bound)
{
	if (fabs(got - want) > bound + ROUNDED)
		printf("%s: %g instead of %g, bound %g\n", what, got, want, bound);
	EXPECT(fabs(got - want) <= bound + ROUNDED);
}

/* How much of the mean may be wrong. */
static double bound_of_mean(const struct world *w, int64_t from)
{
	int64_t d = w->gap_ms, about = d + WINDOW_BUCKET_MS;
	double area = edges_between(w, from - about, w->now_ms) * (double)d / 2 +
		      peak_between(w, from - about, from + about) * WINDOW_BUCKET_MS;
	return area / READINGS_CONCURRENCY_MS;
}

static double bound_of_rate(const struct world *w, int64_t from)
{
	int64_t d = w->count_gap_ms, about = d + WINDOW_BUCKET_MS;
	double count = completed_between(w, ACTIVATORS, w->now_ms - 2 * d, w->now_ms) +
		       completed_between(w, ACTIVATORS, from - d - about, from + about);
	return count * 1000 / READINGS_RPS_MS;
}

static void compare(struct world *w, struct sums *sums)
{
	int64_t from = w->now_ms - READINGS_CONCURRENCY_MS,
		count_from = w->now_ms - READINGS_RPS_MS;
	struct reading got;
	readings_of(w->readings, "ns", "rev", w->now_ms, &got);
	double mean = true_mean(w, from, w->now_ms);
	double rate =
	    completed_between(w, ACTIVATORS, count_from, w->now_ms) * 1000 / READINGS_RPS_MS;
	expect_within("concurrency", got.concurrency, mean, bound_of_mean(w, from));
	expect_within("rps", got.rps, rate, bound_of_rate(w, count_from));
	EXPECT(got.known);
	sums->count++;
	sums->concurrency += got.concurrency;
	sums->true_concurrency += mean;
	sums->wrong_concurrency += fabs(got.concurrency - mean);
	sums->rps += got.rps;
	sums->true_rps += rate;
	sums->wrong_rps += fabs(got.rps - rate);
}

/* With an odd seed every page counts, else one a second does. */
static void world_init(struct world *w, uint64_t seed, const struct traffic *traffic)
{
	*w = (struct world){.seed = seed, .now_ms = 1};
	w->counts_every_ms = seed % 2 ? 0 : 1000;
	make_requests(w, traffic);
	w->readings = readings_new();
	readings_watch(w->readings, "ns", "rev");
	for (size_t i = 0; i < ACTIVATORS; i++) {
		snprintf(w->readers[i].name, NAMES_SIZE, "a%zu", i);
		w->readers[i].next_ms = 1 + (int64_t)(test_random(&w->seed) % 100);
		w->readers[i].read_ms = w->readers[i].counted_ms = -1;
	}
}

static void world_release(struct world *w)
{
	readings_free(w->readings);
	free(w->requests);
}

/* In the mean over a run what is told is wrong by 5 in 100 at most, and not to one side. Where a
 * request is seldom seen, by its share of a window. */
static void expect_right(const char *what, const struct sums *sums, double told, double right,
			 double wrong)
{
	printf("%s: %.3f instead of %.3f, wrong by %.3f\n", what, told / sums->count,
	       right / sums->count, wrong / sums->count);
	EXPECT(wrong <= 0.05 * right + 0.1 * sums->count);
	EXPECT(fabs(told - right) <= 0.02 * right + 0.01 * sums->count);
}

static void run(const struct traffic *traffic, uint64_t seed, struct sums *sums)
{
	struct world w;
	world_init(&w, seed, traffic);
	while (w.now_ms < SECONDS * 1000) {
		step(&w);
		if (w.now_ms > 12000 && w.now_ms % 97 == 0)
			compare(&w, sums);
	}
	world_release(&w);
}

TEST(readings, tell_what_was)
{
	for (size_t i = 0; i < ARRAY_SIZE(traffics); i++) {
		struct sums sums = {0};
		test_row("%s", traffics[i].name);
		for (uint64_t seed = 1; seed <= RUNS; seed++)
			run(&traffics[i], seed, &sums);
		printf("%s\n", traffics[i].name);
		expect_right("  concurrency", &sums, sums.concurrency, sums.true_concurrency,
			     sums.wrong_concurrency);
		expect_right("  rps", &sums, sums.rps, sums.true_rps, sums.wrong_rps);
	}
}

static void end_all_by(struct world *w, int64_t ms)
{
	while (w->count > 0 && w->requests[w->count - 1].begin_ms >= ms)
		w->count--;
	for (size_t i = 0; i < w->count; i++)
		w->requests[i].end_ms = earlier(w->requests[i].end_ms, ms);
}

/* Everything that ended after the first page is in the rate, once: what it covers here is all. */
TEST(readings, lose_no_request)
{
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		struct world w;
		struct reading got;
		world_init(&w, seed, &traffics[seed % ARRAY_SIZE(traffics)]);
		end_all_by(&w, 5000);
		while (w.now_ms < 8000)
			step(&w);
		double ended = 0;
		for (size_t i = 0; i < ACTIVATORS; i++)
			ended += w.readers[i].completed - w.readers[i].base;
		readings_of(w.readings, "ns", "rev", w.now_ms, &got);
		test_row("seed %d", (int)seed);
		expect_within("ended", got.rps * (double)(w.now_ms - w.first_count_ms) / 1000,
			      ended, 0);
		world_release(&w);
	}
}

TEST_MAIN(TEST_OF(readings, tell_what_was), TEST_OF(readings, lose_no_request))
