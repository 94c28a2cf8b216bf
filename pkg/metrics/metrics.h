/*
 * A registry of counters, gauges and histograms and its Prometheus text exposition (format
 * version 0.0.4). A series is made at its first use; label values are escaped, bytes that are
 * not UTF-8 become "?"; a family refuses more than METRICS_MAX_SERIES series (counted in
 * kn_dropped_series_total by family), so that no input can blow it up.
 *
 * A family may belong to a group, which can be shown and hidden as a whole; and it may have its
 * samples made anew for each exposition, so that they cost no memory in between.
 */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include <stdbool.h>
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

/* Samples of that counter or gauge are not kept from now on: each exposition calls emit, which
 * calls metric_emit for each of them, never twice for the same values. */
void metric_emit_by(struct metric *metric, void (*emit)(void *ctx, struct metric *metric),
		    void *ctx);
void metric_emit(struct metric *metric, const char *const *values, double value);

/* group: a static text. A family of a hidden group goes on counting and is not written. */
void metric_group(struct metric *metric, const char *group);
void metrics_show(struct metrics *metrics, const char *group, bool shown);

/* Called around each exposition, in the order of registration: collect before it, to set gauges
 * from live state, written (NULL: none) after it. */
void metrics_on_collect(struct metrics *metrics, void (*collect)(void *ctx),
			void (*written)(void *ctx), void *ctx);
/* Families in the order they were made, those without a sample left out. */
void metrics_write(struct metrics *metrics, struct strbuf *out);
/* All families as a Markdown table: name, type, labels, help; a family of a group has the group's
 * name in the last column. */
void metrics_describe(const struct metrics *metrics, struct strbuf *out);

/* process_*, of this process, as client_golang's process collector names them. */
void metrics_process(struct metrics *metrics);

#endif
