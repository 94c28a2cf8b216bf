/*
 * struct columns: a table as kubectl prints it: columns as wide as their widest cell, three blanks
 * between them, none behind the last. Cells are UTF-8 without control characters; widths count
 * characters. A table that is printed line by line (--watch) keeps the widths that it has had.
 */
#ifndef CMD_COLUMNS_H
#define CMD_COLUMNS_H

#include <stddef.h>

#include "pkg/base/strbuf.h"

#define COLUMNS_MAX 16

struct columns {
	size_t count;
	size_t widths[COLUMNS_MAX];
};

/* Makes room for these cells; a NULL or "" one is "<none>" here and when it is printed. */
void columns_fit(struct columns *columns, const char *const *cells);
void columns_print(const struct columns *columns, const char *const *cells, struct strbuf *out);

#endif
