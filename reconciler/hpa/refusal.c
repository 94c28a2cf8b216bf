/*
 * The text of a refusal. However long and wild a value is, what is shown of it is short, one line
 * and valid UTF-8, and no credential.
 */
#include "reconciler/hpa/refusal.h"

#include <string.h>

#include "pkg/base/mask.h"
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
	CLEANUP(strbuf_release) struct strbuf masked = STRBUF_INIT;
	size_t shown;

	strbuf_add_masked(&masked, value, strlen(value));
	shown = shown_bytes(masked.buf);
	strbuf_add_json_string(sb, masked.buf, shown);
	if (masked.buf[shown]) {
		sb->buf[--sb->len] = 0; /* the closing quote */
		strbuf_addstr(sb, ELLIPSIS "\"");
	}
}

static void add_json(struct strbuf *sb, const struct json *v)
{
	size_t shown;

	switch (v->type) {
	case JSON_STRING:
		add_value(sb, v->text);
		strbuf_addch(sb, ' ');
		break;
	case JSON_NUMBER:
		shown = shown_bytes(v->text);
		strbuf_addf(sb, "%.*s%s ", (int)shown, v->text, v->text[shown] ? ELLIPSIS : "");
		break;
	case JSON_NULL:
	case JSON_BOOL:
		json_write(v, sb);
		strbuf_addch(sb, ' ');
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
}

static bool finish(struct refusal *refusal, struct arena *arena, const char *annotation,
		   const struct strbuf *sb)
{
	refusal->annotation = annotation;
	refusal->text = arena_strdup(arena, sb->buf);
	return false;
}

bool refuse(struct refusal *refusal, struct arena *arena, const char *annotation, const char *value,
	    const char *format, ...)
{
	CLEANUP(strbuf_release) struct strbuf sb = STRBUF_INIT;
	va_list args;

	strbuf_addf(&sb, "%s: ", annotation);
	if (value) {
		add_value(&sb, value);
		strbuf_addch(&sb, ' ');
	}
	va_start(args, format);
	strbuf_vaddf(&sb, format, args);
	va_end(args);
	return finish(refusal, arena, annotation, &sb);
}

static void add_place(struct strbuf *sb, const char *annotation, const struct json *at)
{
	strbuf_addf(sb, "%s: ", annotation);
	if (at && at->line)
		strbuf_addf(sb, "%u:%u: ", at->line, at->column);
}

bool refuse_at(struct refusal *refusal, struct arena *arena, const char *annotation,
	       const struct json *at, const char *format, ...)
{
	CLEANUP(strbuf_release) struct strbuf sb = STRBUF_INIT;
	va_list args;

	add_place(&sb, annotation, at);
	if (at)
		add_json(&sb, at);
	va_start(args, format);
	strbuf_vaddf(&sb, format, args);
	va_end(args);
	return finish(refusal, arena, annotation, &sb);
}

bool refuse_member(struct refusal *refusal, struct arena *arena, const char *annotation,
		   const char *name, const struct json *at, const char *format, ...)
{
	CLEANUP(strbuf_release) struct strbuf sb = STRBUF_INIT;
	va_list args;

	add_place(&sb, annotation, at);
	if (name && mask_is_secret_name(name, strlen(name)))
		strbuf_addstr(&sb, "a value ");
	else
		add_json(&sb, at);
	va_start(args, format);
	strbuf_vaddf(&sb, format, args);
	va_end(args);
	return finish(refusal, arena, annotation, &sb);
}

const char *refusal_value(const char *value, struct arena *arena)
{
	CLEANUP(strbuf_release) struct strbuf sb = STRBUF_INIT;

	add_value(&sb, value);
	return arena_strdup(arena, sb.buf);
}
