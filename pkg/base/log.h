/*
 * Log lines as Knative's components write them (knative.dev/pkg/logging over zapdriver): one JSON
 * object a line on stderr with severity (DEBUG, INFO, WARNING, ERROR, EMERGENCY), timestamp,
 * logger, caller, message and fields; or, for people, the same as "time LEVEL message key=value".
 * The message is constant text; what varies goes into fields. Never log secrets. A line has
 * LOG_LINE_MAX bytes at most, long values are cut for that, and is written whole or not at all;
 * docs/operations.md lists messages and fields, and a test compares.
 *
 *   log_info("scaledobject written", F_STR("knative.dev/key", key), F_INT("code", 201));
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/clock.h"

#define LOG_LINE_MAX 16384 /* newline included: longer ones container runtimes split */

/* As a threshold LOG_FATAL lets nothing through but last words. */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_FATAL };
enum log_format { LOG_JSON, LOG_CONSOLE };

struct log_field {
	const char *key;
	enum { LOG_FIELD_END, LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_BOOL, LOG_FIELD_MS } type;
	const char *text; /* NULL: the field is left out */
	int64_t number;
};

#define F_STR(key, value) ((struct log_field){(key), LOG_FIELD_STR, (value), 0})
#define F_INT(key, value) ((struct log_field){(key), LOG_FIELD_INT, "", (value)})
#define F_BOOL(key, value) ((struct log_field){(key), LOG_FIELD_BOOL, "", (value)})
/* Milliseconds, shown as Go shows a time.Duration: "1m0.5s", "12ms". */
#define F_MS(key, value) ((struct log_field){(key), LOG_FIELD_MS, "", (value)})

/* Who writes where: set once by main (or a test) before the first line. pod may be NULL, and lives
 * as long as lines are written. sink NULL is stderr; it gets whole lines, newline included. */
void log_setup(const struct clock *clock, const char *pod,
	       void (*sink)(void *ctx, const char *line, size_t length), void *ctx);
/* That this was built from, for each line; NULL or "": not told. Lives as pod does. */
void log_set_commit(const char *commit);
void log_set_level(enum log_level level);
/* LOG_CONSOLE has colours where stderr is a terminal and NO_COLOR is not set (no-color.org). */
void log_set_format(enum log_format format);
bool log_enabled(enum log_level level);
/* zapcore.ParseLevel: debug, info, warn, warning, error, dpanic, panic, fatal in any case, "" is
 * info. False: none of these. */
bool log_level_parse(const char *text, enum log_level *out);
const char *log_level_name(enum log_level level); /* "debug", ... */

/* file: as __FILE__; the line tells its last folder and its name. A stderr that takes nothing holds
 * this up for 100 ms, once; what it does not take is lost, and counted in the first line that it
 * takes again. */
void log_write(enum log_level level, const char *file, int line, const char *message,
	       const struct log_field *fields);

/* The line before an abort, from any thread at any moment: no memory of the heap is taken, and a
 * stderr that nobody reads holds it up for a second at most. doing and about need no escaping. */
void log_last_words(const char *message, const char *doing, const char *about, int64_t for_ms);

#define LOG_AT(level, message, ...)                                                                \
	do {                                                                                       \
		if (log_enabled(level))                                                            \
			log_write(level, __FILE__, __LINE__, message,                              \
				  (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}});      \
	} while (0)
#define log_debug(...) LOG_AT(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) LOG_AT(LOG_INFO, __VA_ARGS__)
#define log_warn(...) LOG_AT(LOG_WARN, __VA_ARGS__)
#define log_error(...) LOG_AT(LOG_ERROR, __VA_ARGS__)

#endif
