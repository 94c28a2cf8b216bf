/*
 * What Tables show, as kubectl's users know it: pkg/printers/internalversion of Kubernetes for
 * builtin kinds, additionalPrinterColumns for the others.
 */
#include "test/lib/model_cells.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "pkg/base/date.h"
#include "test/lib/model_internal.h"

#define METRICS_SHOWN 2

static const struct json *condition_of(const struct json *list, const char *type)
{
	for (size_t i = 0; i < json_count(list); i++)
		if (strcmp(json_text_or(json_get(json_at(list, i), "type"), ""), type) == 0)
			return json_at(list, i);
	return NULL;
}

static const struct json *value_at(const struct json *v, const char *path)
{
	char part[80];
	while (*path && v) {
		bool bracket = *path == '[';
		size_t length = strcspn(path += bracket, bracket ? "]" : ".[");
		snprintf(part, sizeof(part), "%.*s", (int)length, path);
		v = json_is(v, JSON_ARRAY) ? condition_of(v, part) : json_get(v, part);
		path += length + bracket;
		path += *path == '.';
	}
	return v;
}

static void add_text(struct strbuf *out, const char *text)
{
	strbuf_add_json_string(out, text, strlen(text));
}

/* A column of a CRD: what is absent, or of another type, is null. */
static void write_custom(const struct column *column, const struct json *object, struct strbuf *out)
{
	const struct json *v = value_at(object, column->path);
	int64_t number;
	if (strcmp(column->type, "integer") == 0) {
		if (json_int(v, &number))
			strbuf_addf(out, "%" PRId64, number);
		else
			strbuf_addstr(out, "null");
		return;
	}
	if (!v || json_is(v, JSON_STRING)) {
		strbuf_addstr(out, v ? "" : "null");
		if (v)
			strbuf_add_json_string(out, v->text, v->length);
		return;
	}
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	json_write(v, &text);
	strbuf_add_json_string(out, text.buf, text.len);
}

void cell_write(struct model *model, const struct column *column, const struct json *object,
		struct strbuf *out)
{
	if (column->cell)
		column->cell(model, column, object, out);
	else
		write_custom(column, object, out);
}

CELL(text)
{
	(void)model;
	add_text(out, json_text_or(value_at(object, column->path), ""));
}

CELL(count)
{
	(void)model;
	strbuf_addf(out, "%" PRId64, json_int_or(value_at(object, column->path), 0));
}

/* ---- times ---- */

static void two_units(struct strbuf *out, int64_t high, const char *unit, int64_t low,
		      const char *below)
{
	strbuf_addf(out, "%" PRId64 "%s", high, unit);
	if (low)
		strbuf_addf(out, "%" PRId64 "%s", low, below);
}

/* duration.HumanDuration */
static void add_duration(struct strbuf *out, int64_t ms)
{
	int64_t s = ms / 1000, m = s / 60, h = m / 60, d = h / 24;
	if (s < -1)
		strbuf_addstr(out, "<invalid>");
	else if (s < 0)
		strbuf_addstr(out, "0s");
	else if (s < 120)
		strbuf_addf(out, "%" PRId64 "s", s);
	else if (m < 10)
		two_units(out, m, "m", s % 60, "s");
	else if (m < 180)
		strbuf_addf(out, "%" PRId64 "m", m);
	else if (h < 8)
		two_units(out, h, "h", m % 60, "m");
	else if (h < 48)
		strbuf_addf(out, "%" PRId64 "h", h);
	else if (d < 8)
		two_units(out, d, "d", h % 24, "h");
	else if (d < 2 * 365)
		strbuf_addf(out, "%" PRId64 "d", d);
	else
		two_units(out, d / 365, "y", d < 8 * 365 ? d % 365 : 0, "d");
}

static void add_since(struct model *model, const char *time, struct strbuf *out)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	int64_t at_ms;
	if (time && time_parse_rfc3339(time, &at_ms))
		add_duration(&text, model_now_ms(model) - at_ms);
	else
		strbuf_addstr(&text, "<unknown>");
	add_text(out, text.buf);
}

CELL(age)
{
	(void)column;
	add_since(model, json_text(value_at(object, "metadata.creationTimestamp")), out);
}

/* ---- Events ---- */

static const char *time_of(const struct json *event, const char *key)
{
	const char *time = json_text_or(json_get(event, key), "");
	return time[0] ? time : NULL;
}

static const char *first_seen(const struct json *event)
{
	const char *time = time_of(event, "firstTimestamp");
	return time ? time : time_of(event, "eventTime");
}

CELL(first_seen)
{
	(void)column;
	add_since(model, first_seen(object), out);
}

CELL(last_seen)
{
	(void)column;
	const char *time = time_of(object, "lastTimestamp");
	const struct json *series = json_get(object, "series");
	time = time ? time : first_seen(object);
	if (json_is(series, JSON_OBJECT))
		time = time_of(series, "lastObservedTime");
	add_since(model, time, out);
}

CELL(event_count)
{
	(void)model;
	(void)column;
	const struct json *series = json_get(object, "series");
	const struct json *of = json_is(series, JSON_OBJECT) ? series : object;
	int64_t count = json_int_or(json_get(of, "count"), 0);
	strbuf_addf(out, "%" PRId64, count || of == series ? count : 1);
}

CELL(involved)
{
	(void)model;
	(void)column;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	const char *name = json_text_or(value_at(object, "involvedObject.name"), "");
	for (const char *at = json_text_or(value_at(object, "involvedObject.kind"), ""); *at; at++)
		strbuf_addch(&text, (char)tolower((unsigned char)*at));
	if (name[0])
		strbuf_addf(&text, "/%s", name);
	add_text(out, text.buf);
}

static const char *first_of(const struct json *object, const char *path, const char *other)
{
	const char *text = json_text_or(value_at(object, path), "");
	return text[0] ? text : json_text_or(value_at(object, other), "");
}

CELL(source)
{
	(void)model;
	(void)column;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	const char *host = first_of(object, "source.host", "reportingInstance");
	strbuf_addf(&text, "%s%s%s", first_of(object, "source.component", "reportingComponent"),
		    host[0] ? ", " : "", host);
	add_text(out, text.buf);
}

CELL(message)
{
	(void)model;
	(void)column;
	const char *text = json_text_or(json_get(object, "message"), "");
	while (isspace((unsigned char)*text))
		text++;
	size_t length = strlen(text);
	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	strbuf_add_json_string(out, text, length);
}

/* ---- HPAs ---- */

CELL(reference)
{
	(void)model;
	(void)column;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	strbuf_addf(&text, "%s/%s", json_text_or(value_at(object, "spec.scaleTargetRef.kind"), ""),
		    json_text_or(value_at(object, "spec.scaleTargetRef.name"), ""));
	add_text(out, text.buf);
}

CELL(min_pods)
{
	(void)model;
	(void)column;
	int64_t min;
	if (json_int(value_at(object, "spec.minReplicas"), &min))
		strbuf_addf(out, "\"%" PRId64 "\"", min);
	else
		strbuf_addstr(out, "\"<unset>\"");
}

/* The member of target and current that holds a metric: external, pods, resource, ... */
static const char *member_of(const char *type)
{
	static const char *const known[][2] = {{"External", "external"},
					       {"Pods", "pods"},
					       {"Object", "object"},
					       {"Resource", "resource"},
					       {"ContainerResource", "containerResource"}};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(known[i][0], type) == 0)
			return known[i][1];
	return NULL;
}

/* "5/10 (avg)", "cpu: 20%/70%" */
static void add_metric(struct strbuf *out, const struct json *spec, const struct json *status)
{
	const char *type = json_text_or(json_get(spec, "type"), "");
	const char *member = member_of(type);
	if (!member) {
		strbuf_addstr(out, "<unknown type>");
		return;
	}
	const struct json *target = json_path(spec, member, "target", NULL);
	const struct json *current = json_path(status, member, "current", NULL);
	const char *resource = json_text_or(json_path(spec, member, "name", NULL), NULL);
	const char *average = json_text(json_get(target, "averageValue"));
	int64_t percent = json_int_or(json_get(target, "averageUtilization"), -1), now;
	if (resource)
		strbuf_addf(out, "%s: ", resource);
	if (resource && !average) {
		if (json_int(json_get(current, "averageUtilization"), &now))
			strbuf_addf(out, "%" PRId64 "%%/", now);
		else
			strbuf_addstr(out, "<unknown>/");
		if (percent < 0)
			strbuf_addstr(out, "<auto>");
		else
			strbuf_addf(out, "%" PRId64 "%%", percent);
		return;
	}
	const char *key = average ? "averageValue" : "value";
	bool suffix = average && !resource && strcmp(type, "Pods") != 0;
	strbuf_addf(out, "%s/%s%s", json_text_or(json_get(current, key), "<unknown>"),
		    json_text_or(json_get(target, key), "0"), suffix ? " (avg)" : "");
}

CELL(targets)
{
	(void)model;
	(void)column;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	const struct json *specs = value_at(object, "spec.metrics");
	const struct json *statuses = value_at(object, "status.currentMetrics");
	size_t count = json_count(specs);
	for (size_t i = 0; i < count && i < METRICS_SHOWN; i++) {
		strbuf_addstr(&text, i ? ", " : "");
		add_metric(&text, json_at(specs, i),
			   i < json_count(statuses) ? json_at(statuses, i) : NULL);
	}
	if (count > METRICS_SHOWN)
		strbuf_addf(&text, " + %zu more...", count - METRICS_SHOWN);
	add_text(out, count ? text.buf : "<none>");
}

/* ---- Deployments and ConfigMaps ---- */

CELL(ready_replicas)
{
	(void)model;
	(void)column;
	strbuf_addf(out, "\"%" PRId64 "/%" PRId64 "\"",
		    json_int_or(value_at(object, "status.readyReplicas"), 0),
		    json_int_or(value_at(object, "spec.replicas"), 1));
}

CELL(containers)
{
	(void)model;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	const struct json *list = value_at(object, "spec.template.spec.containers");
	for (size_t i = 0; i < json_count(list); i++)
		strbuf_addf(&text, "%s%s", i ? "," : "",
			    json_text_or(json_get(json_at(list, i), column->path), ""));
	add_text(out, text.buf);
}

CELL(selector)
{
	(void)model;
	(void)column;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	const struct json *labels = value_at(object, "spec.selector.matchLabels");
	for (size_t i = 0; i < json_count(labels); i++)
		strbuf_addf(&text, "%s%s=%s", i ? "," : "", labels->members[i].key,
			    json_text_or(labels->members[i].value, ""));
	add_text(out, json_count(labels) ? text.buf : "<none>");
}

CELL(data)
{
	(void)model;
	(void)column;
	strbuf_addf(out, "%zu",
		    json_count(json_get(object, "data")) +
			json_count(json_get(object, "binaryData")));
}
