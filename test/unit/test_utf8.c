/* pkg/base/utf8.h: what is UTF-8 and what only looks like it. */
#include <string.h>

#include "pkg/base/utf8.h"
#include "test/lib/test.h"

TEST(utf8, tells_characters)
{
	static const struct {
		const char *text;
		size_t length;
		size_t want;
	} rows[] = {
	    {"", 0, 0},
	    {"a", 1, 1},
	    {"\0", 1, 1},
	    {"\x7F", 1, 1},
	    {"\x80", 1, 0},             /* continuation alone */
	    {"\xC0\x80", 2, 0},         /* overlong NUL */
	    {"\xC1\xBF", 2, 0},         /* overlong */
	    {"\xC2\x80", 2, 2},         /* U+0080 */
	    {"\xC2", 1, 0},             /* cut */
	    {"\xC2\x41", 2, 0},         /* no continuation */
	    {"\xE0\x9F\xBF", 3, 0},     /* overlong */
	    {"\xE0\xA0\x80", 3, 3},     /* U+0800 */
	    {"\xED\x9F\xBF", 3, 3},     /* U+D7FF */
	    {"\xED\xA0\x80", 3, 0},     /* surrogate */
	    {"\xEF\xBF\xBF", 3, 3},     /* U+FFFF */
	    {"\xE2\x82\xAC", 2, 0},     /* cut */
	    {"\xE2\x82\x41", 3, 0},     /* third byte */
	    {"\xF0\x8F\xBF\xBF", 4, 0}, /* overlong */
	    {"\xF0\x90\x80\x80", 4, 4}, /* U+10000 */
	    {"\xF4\x8F\xBF\xBF", 4, 4}, /* U+10FFFF */
	    {"\xF4\x90\x80\x80", 4, 0}, /* beyond */
	    {"\xF5\x80\x80\x80", 4, 0},
	    {"\xFF", 1, 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("row %zu", i);
		EXPECT_INT(utf8_char(rows[i].text, rows[i].length), rows[i].want);
	}
}

TEST(utf8, finds_the_valid_prefix)
{
	EXPECT_INT(utf8_valid_prefix("", 0), 0);
	EXPECT_INT(utf8_valid_prefix("a\xC3\xBC", 3), 3);
	EXPECT_INT(utf8_valid_prefix("a\xC3\xBC\xC3", 4), 3);
	EXPECT_INT(utf8_valid_prefix("\xFFzz", 3), 0);
}

/* It is read in pieces: a wrong byte counts wherever in one it stands. */
TEST(utf8, finds_a_wrong_byte_at_any_place)
{
	char text[40];

	for (size_t length = 0; length <= sizeof(text); length++) {
		memset(text, 'a', sizeof(text));
		test_row("%zu bytes", length);
		EXPECT_INT(utf8_valid_prefix(text, length), length);
		for (size_t at = 0; at < length; at++) {
			text[at] = '\xFF';
			EXPECT_INT(utf8_valid_prefix(text, length), at);
			text[at] = 'a';
		}
		for (size_t at = 0; at + 1 < length; at++) {
			memcpy(text + at, "\xC3\xBC", 2);
			EXPECT_INT(utf8_valid_prefix(text, length), length);
			memset(text + at, 'a', 2);
		}
	}
}

TEST(utf8, encodes_what_it_reads)
{
	char bytes[4];
	for (uint32_t c = 0; c < 0x110400; c += c < 0x10000 ? 1 : 257) {
		size_t length = utf8_encode(c, bytes);
		bool none = (c >= 0xD800 && c <= 0xDFFF) || c > 0x10FFFF;
		if (length != utf8_char(bytes, none ? 0 : length) || (length == 0) != none) {
			test_row("U+%04X", c);
			EXPECT(false);
		}
	}
	EXPECT_INT(utf8_encode(0x20AC, bytes), 3);
	EXPECT(memcmp(bytes, "\xE2\x82\xAC", 3) == 0);
}

TEST_MAIN(TEST_OF(utf8, tells_characters), TEST_OF(utf8, finds_the_valid_prefix),
	  TEST_OF(utf8, finds_a_wrong_byte_at_any_place), TEST_OF(utf8, encodes_what_it_reads))
