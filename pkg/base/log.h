/*
 * Log lines as zap writes them for Knative: one JSON object a line on stderr with
 * severity, timestamp, logger, caller, message and fields. The message is constant
 * text; what varies goes into fields. Never log secrets.
 *
 *   log_info("scaledobject written", F_STR("knative.dev/key", key), F_INT("code", 201));
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/clock.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
	const char *key;
	enum { LOG_FIELD_END, LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_BOOL, LOG_FIELD_MS } type;
	const char *text; /* NULL: the field is left out */
	int64_t number;
};

#define F_STR(key, value) ((struct log_field){(key), LOG_FIELD_STR, (value), 0})
#define F_INT(key, value) ((struct log_field){(key), LOG_FIELD_INT, "", (value)})
#define F_BOOL(key, value) ((struct log_field){(key), LOG_FIELD_BOOL, "", (value)})
#define F_MS(key, value) ((struct log_field){(key), LOG_FIELD_MS, "", (value)}) /* as seconds */

/* Who writes where: set once by main (or a test) before the first line. pod may be NULL.
 * sink NULL is stderr; it gets whole lines, newline included. */
void log_setup(const struct clock *clock, const char *pod,
	       void (*sink)(void *ctx, const char *line, size_t length), void *ctx);
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
/* file: as __FILE__, which the build makes relative to the root of the source. */
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
