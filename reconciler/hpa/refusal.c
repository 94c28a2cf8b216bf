/*
 * The text of a refusal. However long and wild a value is, what is shown of it is short, one line
 * and valid UTF-8.
 */
#include "reconciler/hpa/refusal.h"

#include <string.h>

#include "pkg/base/strbuf.h"
#include "pkg/base/utf8.h"

#define SHOWN_CHARACTERS 60
#define ELLIPSIS "\xE2\x80\xA6"

/* Bytes of the first characters; a byte that is no UTF-8 counts as a character. */
static size_t shown_bytes(const char *value)
{
	size_t length = strnlen(value, SHOWN_CHARACTERS * 4 + 4), at = 0;

	for (size_t i = 0; i < SHOWN_CHARACTERS && at < length; i++) {
		size_t step = utf8_char(value + at, length - at);
		at += step ? step : 1;
	}
	return at;
}

static void add_value(struct strbuf *sb, const char *value)
{
	size_t shown = shown_bytes(value);

	strbuf_add_json_string(sb, value, shown);
	if (value[shown]) {
		sb->buf[--sb->len] = 0; /* the closing quote */
		strbuf_addstr(sb, ELLIPSIS "\"");
	}
}

bool refuse(struct refusal *refusal, struct arena *arena, const char *annotation, const char *value,
	    const char *format, ...)
{
	CLEANUP(strbuf_release) struct strbuf sb = STRBUF_INIT;
	va_list args;

	strbuf_addstr(&sb, annotation);
	strbuf_addstr(&sb, ": ");
	if (value) {
		add_value(&sb, value);
		strbuf_addch(&sb, ' ');
	}
	va_start(args, format);
	strbuf_vaddf(&sb, format, args);
	va_end(args);
	refusal->annotation = annotation;
	refusal->text = arena_strdup(arena, sb.buf);
	return false;
}
