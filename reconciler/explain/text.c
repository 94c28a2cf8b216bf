/*
 * Characters are judged one by one: what is not surely harmless is written out. Zero-width and
 * combining characters stay: they belong to languages and cannot move a cursor.
 */
#include "reconciler/explain/text.h"

#include <string.h>

#include "pkg/base/date.h"
#include "pkg/base/distance.h"
#include "pkg/base/strbuf.h"
#include "pkg/base/utf8.h"

#define ELLIPSIS "\xE2\x80\xA6"
#define REPLACEMENT "\xEF\xBF\xBD"

/* ---- visible ---- */

static uint32_t code_point(const char *text, size_t length)
{
	static const unsigned char first_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
	uint32_t code = (unsigned char)text[0] & first_bits[length];

	for (size_t i = 1; i < length; i++)
		code = code << 6 | ((unsigned char)text[i] & 0x3F);
	return code;
}

static bool is_dangerous(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
	    {0x00, 0x1F},     {0x7F, 0x9F},     /* C0, DEL, C1 */
	    {0x61C, 0x61C},   {0x200E, 0x200F}, /* marks of direction */
	    {0x2028, 0x202E},                   /* line and paragraph, embeddings, overrides */
	    {0x2066, 0x2069}, {0xFEFF, 0xFEFF}, /* isolates; byte order mark */
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

static void add_character(struct strbuf *out, const char *text, size_t length)
{
	uint32_t code = code_point(text, length);

	if (code == '\n' || code == '\r' || code == '\t')
		strbuf_addch(out, ' ');
	else if (is_dangerous(code))
		strbuf_addf(out, "\\u%04x", (unsigned)code);
	else
		strbuf_add(out, text, length);
}

char *text_visible(struct arena *arena, const char *text, size_t max)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	size_t length = text ? strnlen(text, max * 4 + 1) : 0;

	for (size_t at = 0; at < length;) {
		size_t step = utf8_char(text + at, length - at);
		if (out.len >= max) {
			strbuf_addstr(&out, ELLIPSIS);
			break;
		}
		if (step > 0)
			add_character(&out, text + at, step);
		else
			strbuf_addstr(&out, REPLACEMENT);
		at += step > 0 ? step : 1;
	}
	return arena_strndup(arena, out.buf, out.len);
}

char *text_shell(struct arena *arena, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._/:=@,+";
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;

	if (text[0] && !text[strspn(text, plain)])
		return arena_strdup(arena, text);
	strbuf_addch(&out, '\'');
	for (const char *p = text; *p; p++) {
		if (*p == '\'')
			strbuf_addstr(&out, "'\\''");
		else
			strbuf_addch(&out, *p);
	}
	strbuf_addch(&out, '\'');
	return arena_strndup(arena, out.buf, out.len);
}

/* ---- durations ---- */

#define MINUTE INT64_C(60)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)

/* Below that many seconds: so many of a unit, and of the smaller one if there are any. */
static const struct {
	int64_t below, unit, smaller; /* smaller 0: not told */
	char name, smaller_name;
} spans[] = {
    {2 * MINUTE, 1, 0, 's', 0},    {10 * MINUTE, MINUTE, 1, 'm', 's'},
    {3 * HOUR, MINUTE, 0, 'm', 0}, {8 * HOUR, HOUR, MINUTE, 'h', 'm'},
    {2 * DAY, HOUR, 0, 'h', 0},    {8 * DAY, DAY, HOUR, 'd', 'h'},
    {2 * YEAR, DAY, 0, 'd', 0},    {8 * YEAR, YEAR, DAY, 'y', 'd'},
    {INT64_MAX, YEAR, 0, 'y', 0},
};

char *text_duration(struct arena *arena, int64_t ms)
{
	int64_t seconds = ms / 1000;
	size_t i = 0;

	if (seconds < -1)
		return arena_strdup(arena, "<invalid>");
	if (seconds < 0)
		seconds = 0;
	while (seconds >= spans[i].below)
		i++;
	long long count = seconds / spans[i].unit;
	long long rest = spans[i].smaller ? seconds % spans[i].unit / spans[i].smaller : 0;
	if (rest == 0)
		return arena_printf(arena, "%lld%c", count, spans[i].name);
	return arena_printf(arena, "%lld%c%lld%c", count, spans[i].name, rest,
			    spans[i].smaller_name);
}

/* ---- near ---- */

bool text_is_near(const char *asked, const char *there)
{
	size_t length = strlen(asked), other = strlen(there);

	if (length == 0 || length > DISTANCE_LENGTH_MAX || other > DISTANCE_LENGTH_MAX)
		return false;
	if (strncmp(asked, there, length < other ? length : other) == 0 && other > 0)
		return true;
	return distance(asked, there) <= (length > 8 ? 3 : 2);
}

void text_set_time(struct arena *arena, struct json *object, const char *key, int64_t ms)
{
	char text[TIME_RFC3339_SIZE];

	if (ms == 0)
		return;
	time_format_rfc3339(ms, text);
	json_set_text(arena, object, key, text);
}
