/*
 * struct strbuf: a growing text. buf is never NULL and always ends with NUL at
 * buf[len], so it may be used as a C string at any time; it may hold NULs inside.
 * What is added must not point into the buffer itself.
 */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stdarg.h>
#include <stddef.h>

#include "pkg/base/compiler.h"

struct strbuf {
	char *buf;
	size_t len;
	size_t cap; /* 0: buf is the shared empty text */
};

extern char strbuf_empty[1];
#define STRBUF_INIT                                                                                \
	{                                                                                          \
		strbuf_empty, 0, 0                                                                 \
	}

void strbuf_add(struct strbuf *sb, const void *data, size_t length);
void strbuf_addstr(struct strbuf *sb, const char *text);
void strbuf_addch(struct strbuf *sb, char c);
void strbuf_addf(struct strbuf *sb, const char *format, ...) PRINTF_LIKE(2, 3);
void strbuf_vaddf(struct strbuf *sb, const char *format, va_list args) PRINTF_LIKE(2, 0);
/* As a JSON string, quotes included: what could steer a terminal (control characters, C1 too, and
 * those that change the direction of writing) is escaped, each byte that is no valid UTF-8 replaced
 * by U+FFFD, as encoding/json does. */
void strbuf_add_json_string(struct strbuf *sb, const char *text, size_t length);
void strbuf_reset(struct strbuf *sb);   /* length 0, memory kept */
void strbuf_release(struct strbuf *sb); /* memory freed, usable again */
char *strbuf_take(struct strbuf *sb);   /* heap text is yours; sb is empty again */

#endif
