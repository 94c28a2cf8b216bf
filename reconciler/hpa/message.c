/*
 * A condition is written whenever its text changes, so what is random in a text would be a write
 * a try. Matchers answer how many bytes at that place are volatile.
 */
#include "reconciler/hpa/message.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "pkg/base/mask.h"
#include "pkg/base/strbuf.h"
#include "pkg/base/utf8.h"

#define ELLIPSIS "\xE2\x80\xA6"

/* Does text go like the picture? x: hex digit, 9: digit, anything else: itself. */
static bool looks_like(const char *text, const char *picture)
{
	for (; *picture; picture++, text++) {
		if (*picture == 'x'   ? !isxdigit((unsigned char)*text)
		    : *picture == '9' ? !isdigit((unsigned char)*text)
				      : *text != *picture)
			return false;
	}
	return true;
}

static size_t uuid(const char *text)
{
	static const char picture[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	return looks_like(text, picture) ? strlen(picture) : 0;
}

static size_t time_of_day(const char *text)
{
	static const char picture[] = "9999-99-99T99:99:99";

	if (!looks_like(text, picture))
		return 0;
	return strlen(picture) + strspn(text + strlen(picture), ".0123456789Z+-:");
}

/* A pointer that Go printed. */
static size_t memory_address(const char *text)
{
	if (strncmp(text, "0xc", 3) != 0)
		return 0;
	size_t digits = strspn(text + 2, "0123456789abcdef");
	return digits >= 8 ? 2 + digits : 0;
}

/* "10.0.0.7:51234->" of "read tcp 10.0.0.7:51234->10.96.0.1:443: connection reset". */
static size_t local_end(const char *text)
{
	size_t length = strspn(text, "0123456789abcdef.:[]");

	return length >= 9 && strncmp(text + length, "->", 2) == 0 ? length : 0;
}

static size_t resource_version(const char *text)
{
	static const char *const words[] = {"resourceVersion", "resource version"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t length = strlen(words[i]);
		if (strncmp(text, words[i], length) != 0)
			continue;
		size_t gap = strspn(text + length, " :=\"");
		size_t digits = strspn(text + length + gap, "0123456789");
		return digits ? length + gap + digits : 0;
	}
	return 0;
}

static size_t volatile_bytes(const char *text)
{
	static size_t (*const matchers[])(const char *) = {uuid, time_of_day, memory_address,
							   local_end, resource_version};
	size_t length = 0;

	for (size_t i = 0; i < ARRAY_SIZE(matchers) && length == 0; i++)
		length = matchers[i](text);
	return length;
}

/* C0, DEL and C1, of which a terminal may take orders. */
static size_t control(const char *text)
{
	unsigned char first = (unsigned char)text[0], second = first ? (unsigned char)text[1] : 0;

	if (first == 0xC2 && second >= 0x80 && second < 0xA0)
		return 2;
	return first == 0x7F || (first > 0 && first < ' ') ? 1 : 0;
}

/* Line breaks and the like, with the blanks behind them. */
static size_t controls(const char *text)
{
	size_t length = control(text), more = length;

	while (more > 0) {
		length += strspn(text + length, " ");
		more = control(text + length);
		length += more;
	}
	return length;
}

/* Matchers are only asked where a word begins. */
static bool word_begins(const char *text, const char *at)
{
	return at == text || !isalnum((unsigned char)at[-1]);
}

char *message_stable(struct arena *arena, const char *text)
{
	CLEANUP(strbuf_release) struct strbuf masked = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;

	text = text ? text : "";
	strbuf_add_masked(&masked, text, strlen(text));
	for (const char *p = masked.buf; *p && out.len <= MESSAGE_MAX_BYTES;) {
		size_t length = word_begins(masked.buf, p) ? volatile_bytes(p) : 0;
		size_t line = controls(p);
		if (length)
			strbuf_addstr(&out, ELLIPSIS);
		else if (line == 0)
			strbuf_addch(&out, *p);
		else if (out.len > 0 && out.buf[out.len - 1] != ' ')
			strbuf_addch(&out, ' ');
		p += length ? length : line ? line : 1;
	}
	if (out.len <= MESSAGE_MAX_BYTES)
		return arena_strdup(arena, out.buf);
	size_t cut = utf8_valid_prefix(out.buf, MESSAGE_MAX_BYTES - strlen(ELLIPSIS));
	return arena_printf(arena, "%.*s" ELLIPSIS, (int)cut, out.buf);
}
