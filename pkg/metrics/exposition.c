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

/* Backslash and newline are escaped everywhere, quotes only in label values. */
static void add_escaped(struct strbuf *out, const char *text, bool quotes)
{
	size_t left = strlen(text);
	while (left > 0) {
		size_t length = utf8_char(text, left);
		if (length == 0)
			strbuf_addch(out, '?');
		else if (*text == '\n')
			strbuf_addstr(out, "\\n");
		else if (*text == '\\' || (quotes && *text == '"'))
			strbuf_addf(out, "\\%c", *text);
		else
			strbuf_add(out, text, length);
		length += length == 0;
		text += length;
		left -= length;
	}
}

void exposition_labels(const struct metric *metric, const char *const *values, struct strbuf *out)
{
	CHECK(metric->label_count == 0 || values);
	for (size_t i = 0; i < metric->label_count; i++) {
		strbuf_addf(out, "%s%s=\"", i ? "," : "", metric->labels[i]);
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

static void add_family(struct metric *metric, struct strbuf *out)
{
	static const char *const types[] = {"counter", "gauge", "histogram"};
	struct writer writer = {metric, out};
	if (table_count(metric->series) == 0)
		return;
	strbuf_addf(out, "# HELP %s ", metric->name);
	add_escaped(out, metric->help, false);
	strbuf_addf(out, "\n# TYPE %s %s\n", metric->name, types[metric->type]);
	table_each(metric->series, add_series, &writer);
}

void metrics_write(struct metrics *metrics, struct strbuf *out)
{
	for (size_t i = 0; i < metrics->collector_count; i++)
		metrics->collectors[i].collect(metrics->collectors[i].ctx);
	for (size_t i = 0; i < metrics->count; i++)
		add_family(metrics->families[i], out);
}
