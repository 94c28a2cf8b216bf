/*
 * The registry. Invariant: a series is found under its labels as they are written out, which
 * are the same text for the same values and for no others.
 */
#include "pkg/metrics/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/table.h"
#include "pkg/metrics/internal.h"

static const char *const dropped_labels[] = {"family", NULL};

struct metrics *metrics_new(void)
{
	struct metrics *metrics = xcalloc(1, sizeof(*metrics));
	metrics->names = table_new();
	metrics->dropped =
	    metrics_counter(metrics, "kn_dropped_series_total",
			    "Updates lost because a family had too many series.", dropped_labels);
	return metrics;
}

static bool free_series(void *ctx, const char *labels, void *value)
{
	struct metric *metric = ctx;
	table_remove(metric->series, labels);
	free(value);
	return true;
}

void metric_clear(struct metric *metric)
{
	table_each(metric->series, free_series, metric);
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	for (size_t i = 0; i < metrics->count; i++) {
		struct metric *metric = metrics->families[i];
		metric_clear(metric);
		table_free(metric->series);
		free(metric->bounds);
		free(metric);
	}
	table_free(metrics->names);
	free(metrics->families);
	free(metrics->collectors);
	free(metrics->process);
	free(metrics);
}

static bool valid_name(const char *name, const char *more)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	size_t good = 0;
	if (!*name || (*name >= '0' && *name <= '9'))
		return false;
	while (name[good] && (strchr(letters, name[good]) || strchr(more, name[good])))
		good++;
	return !name[good];
}

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), part = strlen(end);
	return length >= part && strcmp(text + length - part, end) == 0;
}

static struct metric *family_new(struct metrics *metrics, enum metric_type type, const char *name,
				 const char *help, const char *const *labels)
{
	CHECK(valid_name(name, "0123456789:") && !table_get(metrics->names, name));
	CHECK(ends_in(name, "_total") == (type == METRIC_COUNTER));
	struct metric *metric = xcalloc(1, sizeof(*metric));
	*metric = (struct metric){.metrics = metrics, .type = type, .name = name, .help = help};
	metric->labels = labels;
	while (labels && labels[metric->label_count]) {
		const char *label = labels[metric->label_count++];
		CHECK(valid_name(label, "0123456789"));
		CHECK(type != METRIC_HISTOGRAM || strcmp(label, "le") != 0);
	}
	metric->series = table_new();
	table_set(metrics->names, name, metric);
	metrics->families =
	    xrealloc(metrics->families, (metrics->count + 1) * sizeof(*metrics->families));
	metrics->families[metrics->count++] = metric;
	return metric;
}

struct metric *metrics_counter(struct metrics *metrics, const char *name, const char *help,
			       const char *const *labels)
{
	return family_new(metrics, METRIC_COUNTER, name, help, labels);
}

struct metric *metrics_gauge(struct metrics *metrics, const char *name, const char *help,
			     const char *const *labels)
{
	return family_new(metrics, METRIC_GAUGE, name, help, labels);
}

struct metric *metrics_histogram(struct metrics *metrics, const char *name, const char *help,
				 const char *const *labels, const double *bounds, size_t count)
{
	struct metric *metric = family_new(metrics, METRIC_HISTOGRAM, name, help, labels);
	for (size_t i = 0; i < count; i++)
		CHECK(isfinite(bounds[i]) && (i == 0 || bounds[i - 1] < bounds[i]));
	metric->bounds = xcalloc(count + 1, sizeof(*bounds));
	memcpy(metric->bounds, bounds, count * sizeof(*bounds));
	metric->bound_count = count;
	return metric;
}

/* NULL: the family is full. */
static struct series *series_for(struct metric *metric, const char *const *values)
{
	CHECK(!metric->emit);
	CLEANUP(strbuf_release) struct strbuf labels = STRBUF_INIT;
	exposition_labels(metric, values, &labels);
	struct series *series = table_get(metric->series, labels.buf);
	if (series)
		return series;
	if (table_count(metric->series) >= METRICS_MAX_SERIES) {
		metric_add(metric->metrics->dropped, (const char *const[]){metric->name}, 1);
		return NULL;
	}
	size_t buckets = metric->type == METRIC_HISTOGRAM ? metric->bound_count + 1 : 0;
	series = xcalloc(1, sizeof(*series) + buckets * sizeof(series->buckets[0]));
	table_set(metric->series, labels.buf, series);
	return series;
}

void metric_add(struct metric *metric, const char *const *values, double amount)
{
	CHECK(metric->type == METRIC_GAUGE || (metric->type == METRIC_COUNTER && amount >= 0));
	struct series *series = series_for(metric, values);
	if (series)
		series->value += amount;
}

void metric_set(struct metric *metric, const char *const *values, double value)
{
	CHECK(metric->type == METRIC_GAUGE);
	struct series *series = series_for(metric, values);
	if (series)
		series->value = value;
}

void metric_observe(struct metric *metric, const char *const *values, double value)
{
	CHECK(metric->type == METRIC_HISTOGRAM);
	struct series *series = isnan(value) ? NULL : series_for(metric, values);
	if (!series)
		return;
	size_t bucket = 0;
	while (bucket < metric->bound_count && value > metric->bounds[bucket])
		bucket++;
	series->buckets[bucket]++;
	series->value += value;
}

void metric_drop(struct metric *metric, const char *const *values)
{
	CLEANUP(strbuf_release) struct strbuf labels = STRBUF_INIT;
	exposition_labels(metric, values, &labels);
	free(table_remove(metric->series, labels.buf));
}

void metric_emit_by(struct metric *metric, void (*emit)(void *ctx, struct metric *metric),
		    void *ctx)
{
	CHECK(metric->type != METRIC_HISTOGRAM && table_count(metric->series) == 0);
	metric->emit = emit;
	metric->emit_ctx = ctx;
}

void metric_group(struct metric *metric, const char *group)
{
	metric->group = group;
}

void metrics_show(struct metrics *metrics, const char *group, bool shown)
{
	for (size_t i = 0; i < metrics->count; i++) {
		struct metric *metric = metrics->families[i];
		if (metric->group && strcmp(metric->group, group) == 0)
			metric->hidden = !shown;
	}
}

void metrics_on_collect(struct metrics *metrics, void (*collect)(void *ctx),
			void (*written)(void *ctx), void *ctx)
{
	metrics->collectors = xrealloc(metrics->collectors, (metrics->collector_count + 1) *
								sizeof(*metrics->collectors));
	metrics->collectors[metrics->collector_count++] = (struct collector){collect, written, ctx};
}
