/* What the registry and its exposition share. Only pkg/metrics includes this. */
#ifndef METRICS_INTERNAL_H
#define METRICS_INTERNAL_H

#include <stdbool.h>

#include "pkg/base/table.h"
#include "pkg/metrics/metrics.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct series {
	double value;       /* a histogram's sum */
	uint64_t buckets[]; /* each alone, not cumulated; the last is for +Inf */
};

struct metric {
	struct metrics *metrics;
	enum metric_type type;
	const char *name, *help;
	const char *const *labels;
	size_t label_count;
	double *bounds;
	size_t bound_count;
	struct table *series; /* labels as written -> struct series */
	const char *group;    /* NULL: none */
	bool hidden;
	void (*emit)(void *ctx, struct metric *metric); /* NULL: series has the samples */
	void *emit_ctx;
	size_t emitted; /* in the exposition under way */
};

struct collector {
	void (*collect)(void *ctx);
	void (*written)(void *ctx);
	void *ctx;
};

struct process_meters;

struct metrics {
	struct table *names; /* name -> struct metric */
	struct metric **families;
	size_t count;
	struct collector *collectors;
	size_t collector_count;
	struct metric *dropped;
	struct process_meters *process; /* NULL: not asked for */
	struct strbuf *out;             /* of the exposition under way, else NULL */
};

/* a="x",b="y": what stands between the braces. */
void exposition_labels(const struct metric *metric, const char *const *values, struct strbuf *out);

#endif
