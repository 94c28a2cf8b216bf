/*
 * struct faults: what goes wrong on purpose, set from outside. A fault point has a filter (method
 * and a part of the path, query included), lets the first `after` requests that fit pass, and hits
 * the `count` ones behind them (0: all). Points are looked at in the order they were set.
 */
#ifndef TEST_CLUSTER_FAULTS_H
#define TEST_CLUSTER_FAULTS_H

#include <stddef.h>
#include <stdint.h>

#include "pkg/base/error.h"
#include "pkg/base/strbuf.h"

enum fault_point_kind {
	POINT_STATUS,      /* answered with the status `value`, not applied */
	POINT_DROP_BEFORE, /* not applied, the connection breaks inside an answer */
	POINT_DROP_AFTER,  /* applied, the connection breaks inside its answer */
	POINT_DELAY,       /* applied `value` ms late */
	POINT_STALE_LIST,  /* GET answered from the state `value` versions ago; not watches */
	POINT_WATCH_CUT,   /* counts events of watches: cut in the middle of one */
	POINT_CHUNK,       /* watches are sent in pieces of `value` bytes */
	POINT_KINDS,
};

struct fault_point {
	enum fault_point_kind kind;
	char *method; /* "" fits all */
	char *path;
	int64_t value, retry_after_s; /* 0: no Retry-After */
	uint64_t after, count, seen;
};

#define FAULT_POINTS_MAX 32

struct faults {
	struct fault_point points[FAULT_POINTS_MAX];
	size_t count;
};

/* match: "PATCH /scaledobjects", "PATCH+/scaledobjects" or "/scaledobjects". ERROR_INVALID names
 * what is wrong with the point. */
MUST_CHECK bool faults_add(struct faults *faults, const char *kind, const char *match,
			   const struct fault_point *numbers, struct error *err);
/* The point of that kind that hits this request or event, which is counted; NULL: none. */
const struct fault_point *faults_hit(struct faults *faults, enum fault_point_kind kind,
				     const char *method, const char *path);
void faults_clear(struct faults *faults);
/* As a JSON list. */
void faults_write(const struct faults *faults, struct strbuf *out);

#endif
