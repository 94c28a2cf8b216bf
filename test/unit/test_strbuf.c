/* pkg/base/strbuf.h: growth, emptiness, JSON escaping. */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/strbuf.h"
#include "test/lib/test.h"

TEST(strbuf, is_a_c_string_at_any_time)
{
	struct strbuf sb = STRBUF_INIT;
	EXPECT_TEXT(sb.buf, "");
	strbuf_add(&sb, NULL, 0);
	EXPECT_TEXT(sb.buf, "");
	strbuf_addstr(&sb, "one");
	strbuf_addch(&sb, ' ');
	strbuf_addf(&sb, "%d%s", 2, "!");
	EXPECT_TEXT(sb.buf, "one 2!");
	EXPECT_INT(sb.len, 6);
	strbuf_reset(&sb);
	EXPECT_TEXT(sb.buf, "");
	EXPECT_INT(sb.len, 0);
	strbuf_addf(&sb, "%s", "");
	EXPECT_TEXT(sb.buf, "");
	strbuf_release(&sb);
	EXPECT_TEXT(sb.buf, "");
	strbuf_addstr(&sb, "usable again");
	EXPECT_TEXT(sb.buf, "usable again");
	strbuf_release(&sb);
}

TEST(strbuf, keeps_every_byte_while_growing)
{
	struct strbuf sb = STRBUF_INIT;
	for (int i = 0; i < 10000; i++)
		strbuf_addch(&sb, (char)i);
	EXPECT_INT(sb.len, 10000);
	bool same = true;
	for (int i = 0; i < 10000; i++)
		same = same && sb.buf[i] == (char)i;
	EXPECT(same);
	EXPECT_INT(sb.buf[sb.len], 0);
	strbuf_release(&sb);
}

/* With as much room as it needs, one byte less, none. */
TEST(strbuf, formats_whatever_room_there_is)
{
	char text[300];

	memset(text, 'x', sizeof(text));
	for (int before = 0; before < 140; before++) {
		for (int length = 0; length < 140; length += length < 60 || length > 70 ? 10 : 1) {
			struct strbuf sb = STRBUF_INIT;
			strbuf_add(&sb, text, (size_t)before);
			strbuf_addf(&sb, "%.*s%c", length, text, 'y');
			test_row("%d bytes after %d", length, before);
			EXPECT_INT(sb.len, before + length + 1);
			EXPECT_INT(strlen(sb.buf), sb.len);
			EXPECT_INT(sb.buf[sb.len - 1], 'y');
			strbuf_release(&sb);
		}
	}
}

TEST(strbuf, take_gives_away_the_text)
{
	struct strbuf sb = STRBUF_INIT;
	char *nothing = strbuf_take(&sb);
	EXPECT_TEXT(nothing, "");
	free(nothing);
	strbuf_addstr(&sb, "text");
	char *text = strbuf_take(&sb);
	EXPECT_TEXT(text, "text");
	EXPECT_TEXT(sb.buf, "");
	EXPECT_INT(sb.cap, 0);
	free(text);
}

TEST(strbuf, escapes_json)
{
	static const struct {
		const char *in;
		size_t length;
		const char *want;
	} rows[] = {
	    {"", 0, "\"\""},
	    {"plain /'", 8, "\"plain /'\""},
	    {"\"\\", 2, "\"\\\"\\\\\""},
	    {"\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\""},
	    {"\x01\x1f\x7f", 3, "\"\\u0001\\u001f\\u007f\""},
	    {"a\0b", 3, "\"a\\u0000b\""},
	    {"\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80", 9, "\"\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80\""},
	    {"\xC2\x80\xC2\x9F\xC2\xA0", 6, "\"\\u0080\\u009f\xC2\xA0\""},
	    {"\xE2\x80\xA7\xE2\x80\xA8\xE2\x80\xAE", 9, "\"\xE2\x80\xA7\\u2028\\u202e\""},
	    {"\xE2\x81\xA5\xE2\x81\xA6\xE2\x81\xA9", 9, "\"\xE2\x81\xA5\\u2066\\u2069\""},
	    {"a\xFFz", 3, "\"a\xEF\xBF\xBDz\""},
	    {"\xE2\x82", 2, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
	    {"\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(strbuf_release) struct strbuf sb = STRBUF_INIT;
		test_row("row %zu", i);
		strbuf_add_json_string(&sb, rows[i].in, rows[i].length);
		EXPECT_TEXT(sb.buf, rows[i].want);
	}
}

TEST_MAIN(TEST_OF(strbuf, is_a_c_string_at_any_time),
	  TEST_OF(strbuf, keeps_every_byte_while_growing),
	  TEST_OF(strbuf, formats_whatever_room_there_is),
	  TEST_OF(strbuf, take_gives_away_the_text), TEST_OF(strbuf, escapes_json))
