/*
 * UTF-8 checking for whatever comes from outside: the parsers' libraries let overlong forms
 * and surrogates pass, the API server does not.
 */
#include "pkg/base/utf8.h"

#include <string.h>

struct lead {
	uint8_t first, last; /* range of the first byte */
	uint8_t length;
	uint8_t low, high; /* range of the second byte; later ones are 0x80 to 0xBF */
};

/* Table 3-7 of the Unicode standard. */
static const struct lead leads[] = {
    {0xC2, 0xDF, 2, 0x80, 0xBF}, {0xE0, 0xE0, 3, 0xA0, 0xBF}, {0xE1, 0xEC, 3, 0x80, 0xBF},
    {0xED, 0xED, 3, 0x80, 0x9F}, {0xEE, 0xEF, 3, 0x80, 0xBF}, {0xF0, 0xF0, 4, 0x90, 0xBF},
    {0xF1, 0xF3, 4, 0x80, 0xBF}, {0xF4, 0xF4, 4, 0x80, 0x8F},
};

static const struct lead *lead_of(uint8_t byte)
{
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++)
		if (byte >= leads[i].first && byte <= leads[i].last)
			return &leads[i];
	return NULL;
}

size_t utf8_char(const char *text, size_t length)
{
	const uint8_t *bytes = (const uint8_t *)text;
	if (length == 0)
		return 0;
	if (bytes[0] < 0x80)
		return 1;
	const struct lead *lead = lead_of(bytes[0]);
	if (!lead || length < lead->length || bytes[1] < lead->low || bytes[1] > lead->high)
		return 0;
	for (size_t i = 2; i < lead->length; i++)
		if (bytes[i] < 0x80 || bytes[i] > 0xBF)
			return 0;
	return lead->length;
}

/* Nearly all texts are ASCII: eight bytes at a time. */
static size_t ascii_prefix(const char *text, size_t length)
{
	size_t at = 0;
	uint64_t eight;
	for (; length - at >= sizeof(eight); at += sizeof(eight)) {
		memcpy(&eight, text + at, sizeof(eight));
		if (eight & UINT64_C(0x8080808080808080))
			break;
	}
	return at;
}

size_t utf8_valid_prefix(const char *text, size_t length)
{
	size_t at = 0;
	while (at < length) {
		size_t step = ascii_prefix(text + at, length - at);
		if (step == 0)
			step = utf8_char(text + at, length - at);
		if (step == 0)
			break;
		at += step;
	}
	return at;
}

size_t utf8_encode(uint32_t character, char out[4])
{
	static const uint32_t ends[] = {0x80, 0x800, 0x10000, 0x110000};
	static const uint8_t marks[] = {0, 0xC0, 0xE0, 0xF0};
	if (character >= 0xD800 && character <= 0xDFFF)
		return 0;
	for (size_t length = 1; length <= 4; length++) {
		if (character >= ends[length - 1])
			continue;
		for (size_t i = length - 1; i > 0; i--, character >>= 6)
			out[i] = (char)(0x80 | (character & 0x3F));
		out[0] = (char)(marks[length - 1] | character);
		return length;
	}
	return 0;
}
