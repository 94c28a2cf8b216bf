/*
 * One log line as text, JSON or console: pure. Only pkg/base/log.c and tests include this.
 */
#ifndef BASE_LOG_LINE_H
#define BASE_LOG_LINE_H

#include "pkg/base/log.h"
#include "pkg/base/strbuf.h"

struct log_line {
	enum log_level level;
	const char *now;          /* RFC 3339 */
	const char *pod, *commit; /* NULL: left out */
	const char *file;
	int line;
	const char *message;
	const struct log_field *fields; /* up to LOG_FIELD_END */
};

/* Appended with its newline, LOG_LINE_MAX bytes at most for up to 20 fields. Text values beyond
 * 4 KiB, less where many are long, are cut and end in "...(N bytes more)". No control character, C1
 * and those that turn the direction of writing too, comes through as itself. */
void log_line_json(const struct log_line *line, struct strbuf *out);
/* Without logger, caller, pod, commit, controller and kind, and "knative.dev/" before a key. */
void log_line_console(const struct log_line *line, bool colours, struct strbuf *out);

#endif
