/*
 * What the files of `status` share.
 *
 *   status        options, the lists, the answer once     status_print   tables and JSON
 *   status_watch  a row again whenever it changes         shelves        the objects
 */
#ifndef CMD_STATUS_H
#define CMD_STATUS_H

#include "cmd/autoscaler-keda-hpa/columns.h"
#include "cmd/autoscaler-keda-hpa/shelves.h"
#include "reconciler/explain/row.h"

struct status_run {
	struct people people;
	struct shelves shelves;
	struct evidence common;  /* ConfigMaps and the like, the same for all rows */
	bool auto_create;        /* the ConfigMap's */
	bool watchable[SHELVES]; /* may be listed by this person, be it there or not */
	struct columns columns;  /* widths of what was printed */
};

/* Is this PodAutoscaler to be listed? Sets its row, whose texts live in the arena. */
MUST_CHECK bool status_row(const struct status_run *run, const struct object *pa,
			   struct arena *arena, struct scaling_row *out);

/* ---- status_print.c ---- */

#define STATUS_CELLS COLUMNS_MAX

/* NULL: the header. Cells live in the arena; answers how many there are. */
size_t status_cells(const struct status_run *run, const struct scaling_row *row,
		    struct arena *arena, const char *cells[STATUS_CELLS]);
/* False: standard output is closed. */
MUST_CHECK bool status_print_table(struct status_run *run, const struct scaling_row *rows,
				   size_t count, struct arena *arena);
MUST_CHECK bool status_print_list(const struct scaling_row *rows, size_t count,
				  struct arena *arena);
/* One row by itself: a line, or a document. deleted: it is gone. */
MUST_CHECK bool status_print_row(struct status_run *run, const struct scaling_row *row,
				 bool deleted, struct arena *arena);

/* ---- status_watch.c ---- */

/* Until standard output is closed or the process is interrupted; rows: what was printed. Answers
 * the exit code. */
int status_watch(struct status_run *run, const struct scaling_row *rows, size_t count);

#endif
