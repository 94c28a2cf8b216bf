/* The small grammars of gRPC: time-outs, content types, texts, prefixes. */
#include <stdlib.h>
#include <string.h>

#include "pkg/grpc/framing.h"
#include "test/lib/test.h"

struct timeout_row {
	const char *text;
	int64_t ms; /* -1: refused */
};

TEST(framing, reads_timeouts)
{
	static const struct timeout_row rows[] = {
	    {"1S", 1000},
	    {"2M", 120000},
	    {"1H", 3600000},
	    {"15m", 15},
	    {"1500u", 2},
	    {"1000u", 1},
	    {"1u", 1},
	    {"1n", 1},
	    {"0n", 0},
	    {"99999999n", 100},
	    {"99999999u", 100000},
	    {"99999999H", INT64_C(359999996400000)},
	    {"00000001S", 1000},
	    {"", -1},
	    {"S", -1},
	    {"5", -1},
	    {"1s", -1},
	    {"-1S", -1},
	    {"+1S", -1},
	    {" 1S", -1},
	    {"1S ", -1},
	    {"1.5S", -1},
	    {"123456789S", -1},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t ms = -1;
		test_row("%s", rows[i].text);
		bool ok = framing_timeout(rows[i].text, strlen(rows[i].text), &ms);
		EXPECT_INT(ok, rows[i].ms >= 0);
		EXPECT_INT(ms, rows[i].ms);
	}
}

struct type_row {
	const char *text;
	bool ok;
};

TEST(framing, knows_content_types)
{
	static const struct type_row rows[] = {
	    {"application/grpc", true},
	    {"application/grpc+proto", true},
	    {"Application/GRPC+Proto", true},
	    {"application/grpc;charset=utf-8", true},
	    {"application/grpc+proto ; x=y", true},
	    {"application/grpc+json", false},
	    {"application/grpc-web", false},
	    {"application/grpcx", false},
	    {"application/grpc+proto2", false},
	    {"application/grp", false},
	    {"text/plain", false},
	    {"", false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s", rows[i].text);
		EXPECT_INT(framing_content_type(rows[i].text, strlen(rows[i].text)), rows[i].ok);
	}
}

TEST(framing, encodes_texts)
{
	CLEANUP(strbuf_release) struct strbuf sb = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	framing_add_text(&sb, "a b~%\x7f\t\n\xE2\x82\xAC");
	EXPECT_TEXT(sb.buf, "a b~%25%7F%09%0A%E2%82%AC");
	for (int i = 0; i < FRAMING_TEXT - 2; i++)
		strbuf_addch(&text, 'x');
	strbuf_addstr(&text, "\xE2\x82\xACyz"); /* the character begins in time and ends too late */
	strbuf_reset(&sb);
	framing_add_text(&sb, text.buf);
	EXPECT_INT(sb.len, FRAMING_TEXT - 2);
	text.buf[0] = '%';
	strbuf_reset(&sb);
	framing_add_text(&sb, text.buf);
	EXPECT_INT(sb.len, FRAMING_TEXT);
	EXPECT(strncmp(sb.buf, "%25x", 4) == 0);
}

struct judge_row {
	const char *bytes;
	size_t length;
	enum framing_state state;
};

TEST(framing, judges_what_has_come)
{
	static const struct judge_row rows[] = {
	    {"", 0, FRAMING_PART},
	    {"\0\0\0\0", 4, FRAMING_PART},
	    {"\1", 1, FRAMING_PART},
	    {"\2", 1, FRAMING_BAD_FLAG},
	    {"\xff\0\0\0\0", 5, FRAMING_BAD_FLAG},
	    {"\1\0\0\0\0", 5, FRAMING_COMPRESSED},
	    {"\0\0\0\0\0", 5, FRAMING_WHOLE},
	    {"\0\0\0\0\0\0", 6, FRAMING_MORE},
	    {"\0\0\0\0\3ab", 7, FRAMING_PART},
	    {"\0\0\0\0\3abc", 8, FRAMING_WHOLE},
	    {"\0\0\0\0\3abcd", 9, FRAMING_MORE},
	    {"\0\0\0\1\0", 5, FRAMING_PART},
	    {"\0\0\0\1\1", 5, FRAMING_TOO_LONG},
	    {"\0\xff\xff\xff\xff", 5, FRAMING_TOO_LONG},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(strbuf_release) struct strbuf data = STRBUF_INIT;
		strbuf_add(&data, rows[i].bytes, rows[i].length);
		test_row("%zu", i);
		EXPECT_INT(framing_judge(&data, 256), rows[i].state);
	}
}

TEST(framing, writes_prefixes)
{
	uint8_t prefix[FRAMING_PREFIX];
	framing_put_prefix(prefix, 0x01020304);
	EXPECT(memcmp(prefix, "\0\1\2\3\4", FRAMING_PREFIX) == 0);
}

TEST_MAIN(TEST_OF(framing, reads_timeouts), TEST_OF(framing, knows_content_types),
	  TEST_OF(framing, encodes_texts), TEST_OF(framing, judges_what_has_come),
	  TEST_OF(framing, writes_prefixes))
