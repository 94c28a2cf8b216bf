/*
 * Fault points. Invariant: a point counts exactly the requests that fit its filter and reached the
 * place where its kind is asked for, whether or not it hits them.
 */
#include "test/cluster/faults.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"

static const struct {
	const char *name;
	bool needs_value;
	int64_t lowest, highest;
} kinds[POINT_KINDS] = {
    [POINT_STATUS] = {"status", true, 400, 599},
    [POINT_DROP_BEFORE] = {"drop-before", false, 0, 0},
    [POINT_DROP_AFTER] = {"drop-after", false, 0, 0},
    [POINT_DELAY] = {"delay", true, 1, 600000},
    [POINT_STALE_LIST] = {"stale-list", true, 1, INT64_MAX},
    [POINT_WATCH_CUT] = {"watch-cut", false, 0, 0},
    [POINT_CHUNK] = {"chunk", true, 1, 65536},
};

static bool find_kind(const char *name, enum fault_point_kind *out, struct error *err)
{
	CLEANUP(strbuf_release) struct strbuf known = STRBUF_INIT;
	for (size_t i = 0; i < POINT_KINDS; i++) {
		*out = (enum fault_point_kind)i;
		if (strcmp(kinds[i].name, name) == 0)
			return true;
		strbuf_addf(&known, "%s%s", i ? ", " : "", kinds[i].name);
	}
	return error_set(err, ERROR_INVALID, "kind: \"%s\" is none of %s", name, known.buf);
}

/* "PATCH /x" -> "PATCH" and "/x". */
static void split_match(const char *match, struct fault_point *point)
{
	size_t length = 0;
	while (isupper((unsigned char)match[length]))
		length++;
	bool method = length > 0 && (match[length] == ' ' || match[length] == '+');
	point->method = method ? xstrndup(match, length) : xstrdup("");
	point->path = xstrdup(method ? match + length + 1 : match);
}

bool faults_add(struct faults *faults, const char *kind, const char *match,
		const struct fault_point *numbers, struct error *err)
{
	struct fault_point point = *numbers;
	if (!find_kind(kind, &point.kind, err))
		return false;
	if (faults->count == FAULT_POINTS_MAX)
		return error_set(err, ERROR_INVALID, "there are %d fault points already",
				 FAULT_POINTS_MAX);
	if (kinds[point.kind].needs_value &&
	    (point.value < kinds[point.kind].lowest || point.value > kinds[point.kind].highest))
		return error_set(err, ERROR_INVALID,
				 "value: kind %s needs a number from %" PRId64 " to %" PRId64, kind,
				 kinds[point.kind].lowest, kinds[point.kind].highest);
	split_match(match, &point);
	faults->points[faults->count++] = point;
	return true;
}

const struct fault_point *faults_hit(struct faults *faults, enum fault_point_kind kind,
				     const char *method, const char *path)
{
	for (size_t i = 0; i < faults->count; i++) {
		struct fault_point *point = &faults->points[i];
		if (point->kind != kind ||
		    (point->method[0] && strcmp(point->method, method) != 0) ||
		    !strstr(path, point->path))
			continue;
		uint64_t number = point->seen++;
		if (number >= point->after &&
		    (!point->count || number < point->after + point->count))
			return point;
	}
	return NULL;
}

void faults_clear(struct faults *faults)
{
	for (size_t i = 0; i < faults->count; i++) {
		free(faults->points[i].method);
		free(faults->points[i].path);
	}
	faults->count = 0;
}

void faults_write(const struct faults *faults, struct strbuf *out)
{
	strbuf_addch(out, '[');
	for (size_t i = 0; i < faults->count; i++) {
		const struct fault_point *point = &faults->points[i];
		strbuf_addf(out, "%s{\"kind\":\"%s\",\"method\":\"%s\",\"path\":", i ? "," : "",
			    kinds[point->kind].name, point->method);
		strbuf_add_json_string(out, point->path, strlen(point->path));
		strbuf_addf(out,
			    ",\"value\":%" PRId64 ",\"retryAfter\":%" PRId64 ",\"after\":%" PRIu64
			    ",\"count\":%" PRIu64 ",\"seen\":%" PRIu64 "}",
			    point->value, point->retry_after_s, point->after, point->count,
			    point->seen);
	}
	strbuf_addch(out, ']');
}
