/*
 * Cells of Tables: each writes one JSON value. A path is dotted; [X] behind a list means its
 * element of type X (a condition), behind an object its member X.
 */
#ifndef TEST_LIB_MODEL_CELLS_H
#define TEST_LIB_MODEL_CELLS_H

#include "test/lib/model.h"

struct column {
	const char *id; /* of the kind */
	const char *name, *type;
	const char *path;
	/* NULL: the value at path, as a CRD's column shows it */
	void (*cell)(struct model *model, const struct column *column, const struct json *object,
		     struct strbuf *out);
	int priority; /* 1: `-o wide` only */
};

void cell_write(struct model *model, const struct column *column, const struct json *object,
		struct strbuf *out);

#define CELL(name)                                                                                 \
	void cell_##name(struct model *model, const struct column *column,                         \
			 const struct json *object, struct strbuf *out)
CELL(age);
CELL(text);  /* at path; "" if absent */
CELL(count); /* at path; 0 if absent */
CELL(reference);
CELL(targets);
CELL(min_pods);
CELL(ready_replicas);
CELL(containers); /* member `path` of each */
CELL(selector);
CELL(data);
CELL(last_seen);
CELL(first_seen);
CELL(involved);
CELL(source);
CELL(message);
CELL(event_count);

#endif
