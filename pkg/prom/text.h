/*
 * A reader of Prometheus' text exposition format (version 0.0.4), fed as the bytes come, that tells
 * the samples of a few wanted names and holds nothing but the line at hand, of an unwanted line
 * nothing at all. Input is anybody's: what is malformed is passed over and counted.
 *
 * Lines may end in CRLF. A value is a decimal number, Inf or NaN (Go's strconv.ParseFloat without
 * its hexadecimal numbers); a timestamp may follow and is not told. Names in quotes, which begin
 * with a brace, are unwanted.
 */
#ifndef PROM_TEXT_H
#define PROM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "pkg/base/compiler.h"
#include "pkg/base/error.h"

#define PROM_LINE_MAX 16384 /* bytes after the name of a wanted sample; longer: malformed */
#define PROM_LABELS_MAX 64  /* of one sample; more: malformed */

struct prom_label {
	const char *name, *value; /* escapes undone; a value with a NUL is malformed */
};

struct prom_sample {
	size_t family; /* which of the wanted names */
	const struct prom_label *labels;
	size_t label_count;
	double value; /* may be NaN or infinite */
};

struct prom_text;

/* wanted: names of samples ("x_count", not the histogram's "x"), up to a NULL, which live as long
 * as the reader. sample: called from prom_text_feed and prom_text_end; its texts live during the
 * call. */
struct prom_text *prom_text_new(const char *const *wanted,
				void (*sample)(void *ctx, const struct prom_sample *sample),
				void *ctx);
void prom_text_free(struct prom_text *text); /* NULL is fine */

/* The next bytes of a page, cut anywhere. */
void prom_text_feed(struct prom_text *text, const char *data, size_t length);
/* The page was whole: its last line counts even without a newline. False: a line of a wanted name
 * was malformed, the first is told with its number, and how many; all others have counted. Either
 * way the next byte begins a page. */
bool prom_text_end(struct prom_text *text, struct error *err) MUST_CHECK;
/* The page broke off: what is at hand may be half a line and is dropped. The next byte begins a
 * page. */
void prom_text_abort(struct prom_text *text);

/* The value of the label of that name, NULL if there is none. */
const char *prom_label_get(const struct prom_sample *sample, const char *name);

#endif
