/*
 * The Prometheus text format, version 0.0.4: one HELP and TYPE line a family, one line a sample.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/utf8.h"
#include "pkg/metrics/internal.h"

#define EXACT_INTEGERS 9007199254740992.0 /* 2^53 */

/* How many bytes stand for themselves: printable ASCII without backslash and quote. */
static size_t plain(const char *text)
{
	size_t length = 0;
	while (text[length] >= ' ' && text[length] <= '~' && text[length] != '\\' &&
	       text[length] != '"')
		length++;
	return length;
}

/* Backslash and newline are escaped everywhere, quotes only in label values. */
static void add_escaped(struct strbuf *out, const char *text, bool quotes)
{
	for (;;) {
		size_t length = plain(text);
		strbuf_add(out, text, length);
		text += length;
		if (!*text)
			return;
		length = utf8_char(text, strnlen(text, 4));
		if (length == 0)
			strbuf_addch(out, '?');
		else if (*text == '\n')
			strbuf_addstr(out, "\\n");
		else if (*text == '\\' || (quotes && *text == '"'))
			strbuf_add(out, (char[]){'\\', *text}, 2);
		else
			strbuf_add(out, text, length);
		text += length + (length == 0);
	}
}

void exposition_labels(const struct metric *metric, const char *const *values, struct strbuf *out)
{
	CHECK(metric->label_count == 0 || values);
	for (size_t i = 0; i < metric->label_count; i++) {
		if (i > 0)
			strbuf_addch(out, ',');
		strbuf_addstr(out, metric->labels[i]);
		strbuf_add(out, "=\"", 2);
		add_escaped(out, values[i] ? values[i] : "", true);
		strbuf_addch(out, '"');
	}
}

/* The shortest text that reads back as the same value. */
static void add_number(struct strbuf *out, double value)
{
	char text[40];
	if (isnan(value)) {
		strbuf_addstr(out, "NaN");
	} else if (isinf(value)) {
		strbuf_addstr(out, value > 0 ? "+Inf" : "-Inf");
	} else if (value > -EXACT_INTEGERS && value < EXACT_INTEGERS &&
		   (double)(int64_t)value == value) {
		strbuf_addf(out, "%" PRId64, (int64_t)value);
	} else {
		for (int digits = 15; digits <= 17; digits++) {
			snprintf(text, sizeof(text), "%.*g", digits, value);
			if (strtod(text, NULL) == value)
				break;
		}
		strbuf_addstr(out, text);
	}
}

struct writer {
	const struct metric *metric;
	struct strbuf *out;
};

static void add_sample(struct writer *writer, const char *suffix, const char *labels, double value)
{
	bool braces = *labels;
	strbuf_addf(writer->out, "%s%s%s%s%s ", writer->metric->name, suffix, braces ? "{" : "",
		    labels, braces ? "}" : "");
	add_number(writer->out, value);
	strbuf_addch(writer->out, '\n');
}

static void add_histogram(struct writer *writer, const char *labels, const struct series *series)
{
	CLEANUP(strbuf_release) struct strbuf with_bound = STRBUF_INIT;
	const struct metric *metric = writer->metric;
	uint64_t count = 0;
	for (size_t i = 0; i <= metric->bound_count; i++) {
		count += series->buckets[i];
		strbuf_reset(&with_bound);
		strbuf_addf(&with_bound, "%s%sle=\"", labels, *labels ? "," : "");
		add_number(&with_bound, i < metric->bound_count ? metric->bounds[i] : INFINITY);
		strbuf_addch(&with_bound, '"');
		add_sample(writer, "_bucket", with_bound.buf, (double)count);
	}
	add_sample(writer, "_sum", labels, series->value);
	add_sample(writer, "_count", labels, (double)count);
}

static bool add_series(void *ctx, const char *labels, void *series)
{
	struct writer *writer = ctx;
	if (writer->metric->type == METRIC_HISTOGRAM)
		add_histogram(writer, labels, series);
	else
		add_sample(writer, "", labels, ((const struct series *)series)->value);
	return true;
}

static const char *type_name(const struct metric *metric)
{
	static const char *const names[] = {"counter", "gauge", "histogram"};
	return names[metric->type];
}

static void add_head(const struct metric *metric, struct strbuf *out)
{
	strbuf_addf(out, "# HELP %s ", metric->name);
	add_escaped(out, metric->help, false);
	strbuf_addf(out, "\n# TYPE %s %s\n", metric->name, type_name(metric));
}

void metric_emit(struct metric *metric, const char *const *values, double value)
{
	struct strbuf *out = metric->metrics->out;
	CHECK(metric->emit && out);
	if (metric->emitted == METRICS_MAX_SERIES) {
		metric_add(metric->metrics->dropped, (const char *const[]){metric->name}, 1);
		return;
	}
	if (metric->emitted++ == 0)
		add_head(metric, out);
	strbuf_addstr(out, metric->name);
	if (metric->label_count > 0) {
		strbuf_addch(out, '{');
		exposition_labels(metric, values, out);
		strbuf_addch(out, '}');
	}
	strbuf_addch(out, ' ');
	add_number(out, value);
	strbuf_addch(out, '\n');
}

static void add_family(struct metric *metric, struct strbuf *out)
{
	struct writer writer = {metric, out};
	if (metric->hidden)
		return;
	if (metric->emit) {
		metric->emitted = 0;
		metric->emit(metric->emit_ctx, metric);
	} else if (table_count(metric->series) > 0) {
		add_head(metric, out);
		table_each(metric->series, add_series, &writer);
	}
}

void metrics_write(struct metrics *metrics, struct strbuf *out)
{
	for (size_t i = 0; i < metrics->collector_count; i++)
		metrics->collectors[i].collect(metrics->collectors[i].ctx);
	metrics->out = out;
	for (size_t i = 0; i < metrics->count; i++)
		add_family(metrics->families[i], out);
	metrics->out = NULL;
	for (size_t i = 0; i < metrics->collector_count; i++)
		if (metrics->collectors[i].written)
			metrics->collectors[i].written(metrics->collectors[i].ctx);
}

/* A cell of a Markdown table; what is more than text to Markdown is escaped. */
static void add_cell(struct strbuf *out, const char *text)
{
	for (; *text; text++)
		strbuf_addf(out, strchr("|<", *text) ? "\\%c" : "%c", *text);
}

void metrics_describe(const struct metrics *metrics, struct strbuf *out)
{
	strbuf_addstr(out, "| name | type | labels | what it tells | only with |\n"
			   "|---|---|---|---|---|\n");
	for (size_t i = 0; i < metrics->count; i++) {
		const struct metric *metric = metrics->families[i];
		strbuf_addf(out, "| `%s` | %s | ", metric->name, type_name(metric));
		for (size_t j = 0; j < metric->label_count; j++)
			strbuf_addf(out, "%s`%s`", j ? ", " : "", metric->labels[j]);
		strbuf_addstr(out, " | ");
		add_cell(out, metric->help);
		strbuf_addf(out, " | %s |\n", metric->group ? metric->group : "");
	}
}
