/*
 * What the activators told of the requests of each revision, and what follows from it: is anything
 * there, how many were in flight, how many came a second. Pure: it is told the time, which is
 * monotonic. Only revisions that somebody watches are kept: less than 700 bytes each, tables
 * included, and 56 for each activator.
 *
 * A page of an activator is a reading. Between two readings what is in flight is taken for the mean
 * of both (trapezoid), after the last for as much as it told; a revision that a page does not name
 * has none. Completed requests are a counter: the first level seen is its base; a smaller one is
 * that of an activator that began anew, and all growth, which is spread over the time since the
 * page before. After the last it is taken to go on for as long again. While none of those that
 * answer counts, the rate stays what it was, for READINGS_UNCOUNTED_MS. What an activator told
 * counts for READINGS_STALE_MS after its last reading, or until it is dropped; its past stays in
 * the windows.
 *
 * With an activator read every d ms each request is wrong by d / 2 at most in the mean where it
 * begins and where it ends, and the windows by a bucket of 250 ms where they begin. The rate may
 * lack what ended in the last d, and have as much too much as in the d before.
 */
#ifndef HTTP_READINGS_H
#define HTTP_READINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define READINGS_CONCURRENCY_MS 6000 /* window of the mean of requests in flight */
#define READINGS_RPS_MS 10000        /* window of the rate of completed requests */
#define READINGS_UNREAD_MS 2000      /* no activator answered for so long: unknown */
#define READINGS_STALE_MS 5000       /* an activator's last word counts for so long */
#define READINGS_UNCOUNTED_MS 35000  /* likewise a rate; longer than counters ever rest */
#define READINGS_ACTIVE_MS 1000      /* active for so long after the last sign of a request */

enum reading_kind { READING_QUEUED, READING_ACTIVE, READING_COMPLETED, READING_KINDS };

/* What was asked for. READINGS_GAUGES: nothing is told of completed requests, which is not 0. */
enum readings_page { READINGS_ALL, READINGS_GAUGES };

struct reading {
	/* An activator answered within READINGS_UNREAD_MS, and each that answers, or may still, has
	 * told of this revision in a page begun after it was watched: one that breaks off is not
	 * waited for. Without it the rest is what was heard so far; then active is certain, not
	 * active is not. */
	bool known;
	bool active; /* something in flight; a sign in this reading or the one before it, or
		      * within READINGS_ACTIVE_MS: in flight, completed, unnamed */
	int64_t active_at_ms; /* the last sign; -1: none since it was watched */
	int64_t since_ms;     /* the end of the first page since it was watched; -1: none yet */
	int64_t read_at_ms;   /* the end of the last page, of any activator; -1: none yet */
	double in_flight;     /* queued and in flight, as last told */
	double concurrency;   /* mean of in_flight over its window, or what is covered of it */
	double rps;           /* as much, at 1 s at least: a request is no thousand a second */
	int64_t rps_ms;       /* how much of its window pages have counted; 0: rps is not known,
			       * for nothing is counted yet, or any more by those that answer */
};

struct readings;

struct readings *readings_new(void);
void readings_free(struct readings *readings); /* NULL is fine */

/* A revision that somebody asks for; watched twice is watched once. How many is the caller's to
 * bound. A name longer than Kubernetes has them (63 and 253 bytes) is passed over, and never known.
 */
void readings_watch(struct readings *readings, const char *ns, const char *revision);
void readings_unwatch(struct readings *readings, const char *ns, const char *revision);
size_t readings_watched(const struct readings *readings);
/* Tells, at the end of readings_end, each watched revision that was not active and now is. rise may
 * ask, watch and unwatch; its texts live until that revision is unwatched. */
void readings_on_rise(struct readings *readings,
		      void (*rise)(void *ctx, const char *ns, const char *revision), void *ctx);

/* A page of an activator, named by its address, asked for at now_ms: the moment that its samples
 * are taken to speak of. Pages of several activators may overlap; of one, another begin gives up
 * the page that has not ended. */
void readings_begin(struct readings *readings, const char *activator, enum readings_page page,
		    int64_t now_ms);
/* Those of one kind in one page add up (codes, methods). A value that is not above 0 or beyond 1e15
 * is none. Without a page of that activator's under way, or of a revision that nobody watches:
 * passed over. */
void readings_sample(struct readings *readings, const char *activator, const char *ns,
		     const char *revision, enum reading_kind kind, double value);
/* Queued or in flight for revisions that the page does not tell apart (OpenTelemetry's series
 * otel_metric_overflow="true", beyond 2,000 others). Above 0 it is a sign of each watched revision
 * that the page does not name as queued or active; it counts nowhere. */
void readings_unnamed(struct readings *readings, const char *activator, double value);
void readings_end(struct readings *readings, const char *activator, int64_t now_ms); /* whole */
void readings_abort(struct readings *readings, const char *activator); /* nothing of it counts */
/* The activator is gone. Fine if it was never there. */
void readings_drop(struct readings *readings, const char *activator, int64_t now_ms);

/* Of one that is not watched: not known, -1 and 0. */
void readings_of(const struct readings *readings, const char *ns, const char *revision,
		 int64_t now_ms, struct reading *out);

#endif
