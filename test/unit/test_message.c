/* Texts made fit for a condition. */
#include "reconciler/hpa/message.h"

#include <string.h>

#include "test/lib/test.h"

#define E "\xE2\x80\xA6"

TEST(message, volatile_parts)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
	    {NULL, ""},
	    {"", ""},
	    {"plain text, 2147483647 and 10.0.0.1:443", "plain text, 2147483647 and 10.0.0.1:443"},
	    {"request 123e4567-e89b-12d3-a456-426614174000 failed", "request " E " failed"},
	    {"123e4567-e89b-12d3-a456", "123e4567-e89b-12d3-a456"},
	    {"at 2026-01-02T03:04:05Z, again", "at " E ", again"},
	    {"at 2026-01-02T03:04:05.678+02:00 again", "at " E " again"},
	    {"on 2026-01-02 only", "on 2026-01-02 only"},
	    {"selector 0xc000123456 gone", "selector " E " gone"},
	    {"0xc0 0x1234567890", "0xc0 0x1234567890"},
	    {"read tcp 10.0.0.7:51234->10.96.0.1:443: reset",
	     "read tcp " E "->10.96.0.1:443: reset"},
	    {"read tcp [fd00::7]:51234->[fd00::1]:443", "read tcp " E "->[fd00::1]:443"},
	    {"a->b", "a->b"},
	    {"0xc0000001 0xc000001", E " 0xc000001"},
	    {"1.1.1.1:5->x 1.1.1.1:->x", E "->x 1.1.1.1:->x"},
	    {"resourceVersion: 12345 is old", E " is old"},
	    {"resource version \"12345\"", E "\""},
	    {"resourceVersion is missing", "resourceVersion is missing"},
	    {"xresourceVersion: 5", "xresourceVersion: 5"},
	    {"one\r\n  two\tthree \n\n four\n", "one two three four "},
	    {"\x1B[31mred\x7F\xC2\x85\xC2\x9Bm \xC2\xA0", "[31mred m \xC2\xA0"},
	    {"2026-01-02T03:04:05Z\n2026-01-02T03:04:05Z", E " " E},
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s", rows[i].text ? rows[i].text : "NULL");
		EXPECT_TEXT(message_stable(arena, rows[i].text), rows[i].want);
	}
}

TEST(message, cut_on_a_character)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char *text = arena_alloc(arena, 6001);

	for (size_t i = 0; i < 6000; i += 2)
		memcpy(text + i, "\xC3\xA9", 2);
	const char *got = message_stable(arena, text);
	EXPECT(strlen(got) <= MESSAGE_MAX_BYTES);
	EXPECT(strlen(got) > MESSAGE_MAX_BYTES - 8);
	EXPECT_TEXT(got + strlen(got) - 5, "\xC3\xA9" E);
	text[MESSAGE_MAX_BYTES] = 0;
	EXPECT_INT(strlen(message_stable(arena, text)), MESSAGE_MAX_BYTES);
}

TEST_MAIN(TEST_OF(message, volatile_parts), TEST_OF(message, cut_on_a_character))
