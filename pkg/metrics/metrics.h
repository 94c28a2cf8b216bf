/*
 * A registry of counters, gauges and histograms and its Prometheus text exposition (format
 * version 0.0.4). A series is made at its first use; label values are escaped, bytes that are
 * not UTF-8 become "?"; a family refuses more than METRICS_MAX_SERIES series (counted in
 * kn_dropped_series_total by family), so that no input can blow it up.
 */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "pkg/base/strbuf.h"

#define METRICS_MAX_SERIES 65536 /* of one family: 10,000 revisions with a few states each */
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct metrics;
struct metric; /* a family */

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics); /* NULL is fine; families go with it */

/* name: [a-zA-Z_:][a-zA-Z0-9_:]*, unique; a counter's ends in _total. help and labels (NULL for
 * none, else NULL-terminated): static texts. Breaking this is our own bug (CHECK). */
struct metric *metrics_counter(struct metrics *metrics, const char *name, const char *help,
			       const char *const *labels);
struct metric *metrics_gauge(struct metrics *metrics, const char *name, const char *help,
			     const char *const *labels);
/* bounds: ascending finite upper bounds, count of them, copied; +Inf is added. No label "le". */
struct metric *metrics_histogram(struct metrics *metrics, const char *name, const char *help,
				 const char *const *labels, const double *bounds, size_t count);

/* values: one text a label, in the labels' order (NULL counts as ""); NULL where the family has
 * no labels. */
void metric_add(struct metric *metric, const char *const *values, double amount); /* counter >= 0 */
void metric_set(struct metric *metric, const char *const *values, double value);  /* gauges only */
/* Histograms only; NaN is passed over. */
void metric_observe(struct metric *metric, const char *const *values, double value);
void metric_drop(struct metric *metric, const char *const *values); /* forgets one series */
void metric_clear(struct metric *metric);                           /* forgets all of them */

/* Called before each exposition, in the order of registration, to set gauges from live state. */
void metrics_on_collect(struct metrics *metrics, void (*collect)(void *ctx), void *ctx);
/* Families in the order they were made, those without a series left out. */
void metrics_write(struct metrics *metrics, struct strbuf *out);

#endif
