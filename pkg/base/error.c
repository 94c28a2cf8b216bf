/*
 * The error value: owns its message, which is NULL exactly while no error is set.
 */
#include "pkg/base/error.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/mask.h"
#include "pkg/base/strbuf.h"
#include "pkg/base/utf8.h"

#define ELLIPSIS "\xE2\x80\xA6"

bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
	if (!err)
		return false;
	CHECK(kind != ERROR_NONE);
	struct strbuf text = STRBUF_INIT;
	va_list args;
	va_start(args, format);
	strbuf_vaddf(&text, format, args);
	va_end(args);
	error_clear(err);
	err->kind = kind;
	err->message = strbuf_take(&text);
	return false;
}

bool error_wrap(struct error *err, const char *format, ...)
{
	if (!err || err->kind == ERROR_NONE)
		return false;
	struct strbuf text = STRBUF_INIT;
	va_list args;
	va_start(args, format);
	strbuf_vaddf(&text, format, args);
	va_end(args);
	strbuf_addf(&text, ": %s", error_text(err));
	free(err->message);
	err->message = strbuf_take(&text);
	return false;
}

/* C0, DEL and C1 of RFC 3629's characters. */
static bool is_control(const char *text, size_t length)
{
	unsigned char first = (unsigned char)text[0];
	return length == 1 ? first < ' ' || first == 0x7F
			   : first == 0xC2 && (unsigned char)text[1] < 0xA0;
}

bool error_tidy(struct error *err, size_t max)
{
	CLEANUP(strbuf_release) struct strbuf masked = STRBUF_INIT;
	struct strbuf text = STRBUF_INIT;
	size_t cut = 0, step;
	if (!err || err->kind == ERROR_NONE)
		return false;
	strbuf_add_masked(&masked, err->message, strlen(err->message));
	for (const char *p = masked.buf; *p && text.len <= max; p += step) {
		size_t length = utf8_char(p, strnlen(p, 4));
		step = length ? length : 1;
		if (text.len + strlen(ELLIPSIS) <= max)
			cut = text.len;
		if (length == 0 || is_control(p, length))
			strbuf_addch(&text, length ? ' ' : '?');
		else
			strbuf_add(&text, p, length);
	}
	if (text.len > max) {
		text.buf[text.len = cut] = 0;
		strbuf_addstr(&text, ELLIPSIS);
	}
	free(err->message);
	err->message = strbuf_take(&text);
	return false;
}

void error_take(struct error *to, struct error *from)
{
	static const struct error none = ERROR_INIT;
	if (to == from)
		return;
	error_clear(to);
	*to = *from;
	*from = none;
}

void error_clear(struct error *err)
{
	static const struct error none = ERROR_INIT;
	free(err->message);
	*err = none;
}

const char *error_kind_name(enum error_kind kind)
{
	switch (kind) {
	case ERROR_NONE:
		return "none";
	case ERROR_NOT_FOUND:
		return "not_found";
	case ERROR_ALREADY_EXISTS:
		return "already_exists";
	case ERROR_CONFLICT:
		return "conflict";
	case ERROR_GONE:
		return "gone";
	case ERROR_UNAUTHORIZED:
		return "unauthorized";
	case ERROR_FORBIDDEN:
		return "forbidden";
	case ERROR_DENIED:
		return "denied";
	case ERROR_INVALID:
		return "invalid";
	case ERROR_THROTTLED:
		return "throttled";
	case ERROR_TRANSIENT:
		return "transient";
	case ERROR_FATAL:
		return "fatal";
	}
	return "unknown";
}
