/*
 * The growing text. While cap is 0 buf is the shared empty text, which nobody writes;
 * otherwise buf is heap memory of cap bytes and len < cap.
 */
#include "pkg/base/strbuf.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/utf8.h"

char strbuf_empty[1];

/* Room for extra bytes and the NUL. */
static void reserve(struct strbuf *sb, size_t extra)
{
	CHECK(extra < SIZE_MAX / 4 - sb->len);
	size_t need = sb->len + extra + 1;
	if (need <= sb->cap)
		return;
	size_t cap = sb->cap + sb->cap / 2;
	if (cap < need)
		cap = need;
	if (cap < 64)
		cap = 64;
	sb->buf = xrealloc(sb->cap ? sb->buf : NULL, cap);
	sb->cap = cap;
}

void strbuf_add(struct strbuf *sb, const void *data, size_t length)
{
	if (length == 0)
		return;
	reserve(sb, length);
	memcpy(sb->buf + sb->len, data, length);
	sb->len += length;
	sb->buf[sb->len] = 0;
}

void strbuf_addstr(struct strbuf *sb, const char *text)
{
	strbuf_add(sb, text, strlen(text));
}

void strbuf_addch(struct strbuf *sb, char c)
{
	strbuf_add(sb, &c, 1);
}

void strbuf_addf(struct strbuf *sb, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	strbuf_vaddf(sb, format, args);
	va_end(args);
}

void strbuf_vaddf(struct strbuf *sb, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	/* Written at once where it fits: to measure it costs as much. */
	reserve(sb, 1);
	size_t room = sb->cap - sb->len;
	int length = vsnprintf(sb->buf + sb->len, room, format, args);
	CHECK(length >= 0);
	if ((size_t)length >= room) {
		reserve(sb, (size_t)length);
		vsnprintf(sb->buf + sb->len, (size_t)length + 1, format, again);
	}
	va_end(again);
	sb->len += (size_t)length;
}

static void add_escaped(struct strbuf *sb, char c)
{
	static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	for (size_t i = 0; i + 1 < sizeof(letters); i += 2)
		if (letters[i] == c) {
			strbuf_addch(sb, '\\');
			strbuf_addch(sb, letters[i + 1]);
			return;
		}
	strbuf_addf(sb, "\\u%04x", (unsigned)(unsigned char)c);
}

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x7F && c != '"' && c != '\\';
}

/* A character at text that is not to be seen as itself: the C1 controls,
 * line and paragraph separators, and what changes the direction of writing. 0: none. */
static unsigned hidden(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	unsigned character;

	if (at[0] == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F)
		return at[1];
	if (at[0] != 0xE2 || (at[1] != 0x80 && at[1] != 0x81))
		return 0;
	character = 0x2000U | (at[1] & 0x3FU) << 6 | (at[2] & 0x3FU);
	return (character >= 0x2028 && character <= 0x202E) ||
		       (character >= 0x2066 && character <= 0x2069)
		   ? character
		   : 0;
}

void strbuf_add_json_string(struct strbuf *sb, const char *text, size_t length)
{
	strbuf_addch(sb, '"');
	for (size_t at = 0; at < length;) {
		size_t run = at;
		while (run < length && is_plain(text[run]))
			run++;
		strbuf_add(sb, text + at, run - at);
		at = run;
		if (at == length)
			break;
		size_t size = utf8_char(text + at, length - at);
		unsigned character = size > 1 ? hidden(text + at) : 0;
		if (character)
			strbuf_addf(sb, "\\u%04x", character);
		else if (size > 1)
			strbuf_add(sb, text + at, size);
		else if (size == 1)
			add_escaped(sb, text[at]);
		else
			strbuf_addstr(sb, "\xEF\xBF\xBD");
		at += size ? size : 1;
	}
	strbuf_addch(sb, '"');
}

void strbuf_reset(struct strbuf *sb)
{
	sb->len = 0;
	if (sb->cap)
		sb->buf[0] = 0;
}

void strbuf_release(struct strbuf *sb)
{
	static const struct strbuf empty = STRBUF_INIT;
	if (sb->cap)
		free(sb->buf);
	*sb = empty;
}

char *strbuf_take(struct strbuf *sb)
{
	static const struct strbuf empty = STRBUF_INIT;
	char *text = sb->cap ? sb->buf : xstrdup("");
	*sb = empty;
	return text;
}
