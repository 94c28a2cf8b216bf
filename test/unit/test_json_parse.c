/* json_parse: what is read, what is refused and where, and that no damage reads beyond. */
#include <stdlib.h>
#include <string.h>

#include "pkg/json/json.h"
#include "test/lib/test.h"

struct row {
	const char *text;
	const char *want; /* compact form; NULL: refused */
	const char *error;
};

static const struct row rows[] = {
    {"{\"a\":1}", "{\"a\":1}", NULL},
    {" [ 1 , \"x\" , null , true , false , { } , [ ] ] \n", "[1,\"x\",null,true,false,{},[]]",
     NULL},
    {"\"top\"", "\"top\"", NULL},
    {"0", "0", NULL},
    {"-0.0", "-0.0", NULL},
    {"[-12.50E+3,123456789012345678901234567890]", "[-12.50E+3,123456789012345678901234567890]",
     NULL},
    {"{\"b\":1,\"a\":2}", "{\"b\":1,\"a\":2}", NULL},
    {"{\"\":1}", "{\"\":1}", NULL},
    {"\"\\u00fc\\ud83d\\ude00\\/\\u0000\"", "\"\xC3\xBC\xF0\x9F\x98\x80/\\u0000\"", NULL},
    {"\"\\\\ud800\"", "\"\\\\ud800\"", NULL},
    {"", NULL, "1:1: premature EOF"},
    {" ", NULL, "1:2: premature EOF"},
    {"{", NULL, "1:2: premature EOF"},
    {"{\n\"a\":", NULL, "2:5: premature EOF"},
    {"\"abc", NULL, "1:5: premature EOF"},
    {"{\"a\" 1}", NULL, "1:6: object key and value must be separated by a colon"},
    {"{\"a\":1 \"b\":2}", NULL, "1:8: after key and value"},
    {"[1,\n 2,\n ]", NULL, "3:2: unallowed token"},
    {"[1 2]", NULL, "1:4: after array element"},
    {"{\"a\":tru}", NULL, "1:6: invalid string in json text"},
    {"[nul", NULL, "1:2: invalid string"},
    {"1 2", NULL, "1:3: trailing garbage"},
    {"{} \"x", NULL, "1:4: trailing garbage"},
    {"12 \"x", NULL, "1:4: trailing garbage"},
    {"12\n\"x\"", NULL, "2:1: trailing garbage"},
    {"{} x", NULL, "1:4: trailing garbage"},
    {"{}\n{}", NULL, "2:1: trailing garbage"},
    {"01", NULL, "1:1: trailing garbage"},
    {"[+1]", NULL, "1:2: invalid char"},
    {"[.5]", NULL, "1:2: invalid char"},
    {"[1.]", NULL, "malformed number"},
    {"-", NULL, "1:1: malformed number"},
    {"1e", NULL, "1:1: malformed number"},
    {"[NaN]", NULL, "1:2: invalid char"},
    {"[0x10]", NULL, "1:2: "},
    {"{'a':1}", NULL, "1:2: invalid char"},
    {"{a:1}", NULL, "1:2: invalid char"},
    {"{1:2}", NULL, "1:2: invalid object key"},
    {"{\"a\":1,}", NULL, "1:8: invalid object key"},
    {"[1] // c", NULL, "1:5: "},
    {"/* c */ 1", NULL, "1:1: probable comment"},
    {"[\"a\nb\"]", NULL, "1:4: invalid character inside string"},
    {"[\"\\x\"]", NULL, "occurs before a character which it may not"},
    {"[\"\\u12g4\"]", NULL, "invalid (non-hex) character"},
    {"[\"\\ud800\"]", NULL, "1:3: half of a surrogate pair"},
    {"[\"\\udc00\"]", NULL, "1:3: half of a surrogate pair"},
    {"[\"\\ud800\\u0041\"]", NULL, "1:3: half of a surrogate pair"},
    {"[\"\\ud83d\\ude00\\uDBFFx\"]", NULL, "1:15: half of a surrogate pair"},
    {"[\"\xFF\"]", NULL, "1:3: invalid UTF-8"},
    {"[\"\xC0\x80\"]", NULL, "1:3: invalid UTF-8"},
    {"\n[\"\xED\xA0\x80\"]", NULL, "2:3: invalid UTF-8"},
    {"\xEF\xBB\xBF{}", NULL, "1:1: invalid char"},
    {"{\"a\":1,\"b\":2,\n \"a\":3}", NULL, "2:2: key \"a\" stands here twice"},
    {"{\"a\\\"\":1,\"a\\\"\":3}", NULL, "1:10: key \"a\\\"\" stands here twice"},
    {"{\"\\u0007\":1,\"\\u0007\":3}", NULL, "1:13: key \"\\u0007\" stands here twice"},
    {"\f1", NULL, "1:1: invalid character"},
    {"[1,\n\v\f2]", NULL, "2:1: invalid character"},
    {"1\f\v", NULL, "1:2: invalid character"},
    {"[{\"x\":{\"k\":1,\"\\u006b\":1}}]", NULL, "1:14: key \"k\" stands here twice"},
};

TEST(json_parse, reads_or_refuses_with_the_place)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
		struct json *v = NULL;
		const char *text = rows[i].text;
		test_row("%s", text);
		bool ok = json_parse(text, strlen(text), NULL, arena, &v, &err);
		EXPECT_INT(ok, rows[i].want != NULL);
		if (ok) {
			json_write(v, &out);
			EXPECT_TEXT(out.buf, rows[i].want);
		} else {
			EXPECT_INT(err.kind, ERROR_INVALID);
			EXPECT_CONTAINS(error_text(&err), rows[i].error);
			EXPECT(v == NULL);
		}
	}
}

TEST(json_parse, refuses_an_embedded_nul)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *v;
	EXPECT_FALSE(json_parse("[1]\0", 4, NULL, arena, &v, &err));
	EXPECT_CONTAINS(error_text(&err), "1:4: ");
	EXPECT_FALSE(json_parse("[\"a\0b\"]", 7, NULL, arena, &v, &err));
	EXPECT_CONTAINS(error_text(&err), "1:4: ");
}

static bool parse_nested(unsigned depth, const struct json_limits *limits, struct error *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct json *v;
	for (unsigned i = 0; i < depth; i++)
		strbuf_addstr(&text, i % 2 ? "{\"a\":" : "[");
	strbuf_addstr(&text, "1");
	for (unsigned i = depth; i > 0; i--)
		strbuf_addch(&text, i % 2 ? ']' : '}');
	return json_parse(text.buf, text.len, limits, arena, &v, err);
}

TEST(json_parse, limits_depth_and_size)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *v;
	const struct json_limits five = {.max_bytes = 5, .max_depth = 5};
	EXPECT(parse_nested(32, NULL, &err));
	EXPECT_FALSE(parse_nested(33, NULL, &err));
	EXPECT_CONTAINS(error_text(&err), "nested deeper than 32 levels");
	EXPECT_FALSE(parse_nested(100000, NULL, &err));
	EXPECT(json_parse("[1,2]", 5, &five, arena, &v, &err));
	EXPECT_FALSE(json_parse("[1,22]", 6, &five, arena, &v, &err));
	EXPECT_CONTAINS(error_text(&err), "1:1: 6 bytes are too many, the limit is 5");
	const struct json_limits deep = {.max_depth = 100};
	EXPECT(parse_nested(100, &deep, &err));
	EXPECT_FALSE(parse_nested(101, &deep, &err));
	char *large = malloc(256 * 1024 + 1);
	memset(large, ' ', 256 * 1024 + 1);
	large[0] = '1';
	EXPECT(json_parse(large, 256 * 1024, NULL, arena, &v, &err));
	EXPECT_FALSE(json_parse(large, 256 * 1024 + 1, NULL, arena, &v, &err));
	free(large);
}

TEST(json_parse, finds_repeats_in_large_objects)
{
	for (int repeat = 0; repeat < 2; repeat++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
		struct json *v;
		strbuf_addch(&text, '{');
		for (int i = 0; i < 20000; i++)
			strbuf_addf(&text, "\"k%d\":1,\n", i);
		strbuf_addf(&text, "\"k%d\":1}", repeat ? 7777 : 20000);
		const struct json_limits limits = {.max_bytes = text.len};
		EXPECT_INT(json_parse(text.buf, text.len, &limits, arena, &v, &err), !repeat);
		if (repeat)
			EXPECT_TEXT(error_text(&err), "20001:1: key \"k7777\" stands here twice");
		else
			EXPECT_INT(json_count(v), 20001);
	}
}

TEST(json_parse, cuts_a_long_key_between_characters)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;
	struct json *v;
	for (int i = 0; i < 50; i++)
		strbuf_addstr(&key, "\xE2\x82\xAC");
	strbuf_addf(&text, "{\"%s\":1,\"%s\":2}", key.buf, key.buf);
	EXPECT_FALSE(json_parse(text.buf, text.len, NULL, arena, &v, &err));
	key.buf[78] = 0;
	CLEANUP(strbuf_release) struct strbuf want = STRBUF_INIT;
	strbuf_addf(&want, "key \"%s\" stands", key.buf);
	EXPECT_CONTAINS(error_text(&err), want.buf);
}

/* Where each value starts, outside in and in order. */
static void add_places(const struct json *v, struct strbuf *out)
{
	strbuf_addf(out, "%s%u:%u", out->len ? " " : "", v->line, v->column);
	for (size_t i = 0; i < v->count; i++)
		add_places(v->type == JSON_ARRAY ? v->elements[i] : v->members[i].value, out);
}

TEST(json_parse, values_know_their_place)
{
	static const struct {
		const char *text, *places;
	} places[] = {
	    {"1", "1:1"},
	    {"\n\t \"a\"", "2:3"},
	    {"[1,22,333]", "1:1 1:2 1:4 1:7"},
	    {"[ 1 ,\n 22\t,\r\n  [] , {} ]", "1:1 1:3 2:2 3:3 3:8"},
	    {"{\"a\":1,\"b\":{\"c\":null,\"d\":true}}", "1:1 1:6 1:12 1:17 1:26"},
	    {"{\n  \"a\" :\n \"x\",\n  \"b,:\": -1.5e3\n}", "1:1 3:2 4:10"},
	    {"[\"\\n,\\\"\",false]", "1:1 1:2 1:10"},
	    {"[\"\xC3\xBC\",0]", "1:1 1:2 1:7"},
	    {"[[[[]]],[]]", "1:1 1:2 1:3 1:4 1:9"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(strbuf_release) struct strbuf got = STRBUF_INIT, copied = STRBUF_INIT;
		struct json *v = NULL;
		const char *text = places[i].text;
		test_row("%s", text);
		EXPECT(json_parse(text, strlen(text), NULL, arena, &v, NULL));
		add_places(v, &got);
		EXPECT_TEXT(got.buf, places[i].places);
		add_places(json_copy(arena, v), &copied);
		EXPECT_TEXT(copied.buf, places[i].places);
	}
}

/* Metadata's managed fields, and nothing that a user may call so. */
TEST(json_parse, leaves_out_what_is_to_be_skipped)
{
	static const struct json_limits limits = {.max_depth = 4, .skip = "skip"};
	static const struct {
		const char *text, *want; /* "": refused */
	} skipped[] = {
	    {"{\"a\":1,\"skip\":{\"b\":[1,{}]},\"c\":2}", "{\"a\":1,\"c\":2}"},
	    {"{\"m\":{\"skip\":[[1],[2]],\"n\":\"skip\"},\"skips\":1}",
	     "{\"m\":{\"n\":\"skip\"},\"skips\":1}"},
	    {"{\"m\":{\"skip\":1,\"skip\":{}}}", "{\"m\":{}}"},
	    {"{\"m\":{\"n\":{\"skip\":1}}}", "{\"m\":{\"n\":{\"skip\":1}}}"},
	    {"[[{\"skip\":1}]]", "[[{\"skip\":1}]]"},
	    {"{\"skip\":[[[0]]]}", "{}"},
	    {"{\"skip\":[[[[0]]]]}", ""},
	    {"{\"skip\":[}", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(skipped); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		CLEANUP(strbuf_release) struct strbuf got = STRBUF_INIT;
		const char *text = skipped[i].text;
		struct json *v = NULL;
		test_row("%s", text);
		if (json_parse(text, strlen(text), &limits, arena, &v, &err))
			json_write(v, &got);
		EXPECT_TEXT(got.buf, skipped[i].want);
	}
}

TEST(json_parse, built_values_have_no_place)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(strbuf_release) struct strbuf got = STRBUF_INIT;
	struct json *v = json_array(arena);

	json_append(arena, v, json_string(arena, "x"));
	json_append(arena, v, json_integer(arena, 1));
	add_places(v, &got);
	EXPECT_TEXT(got.buf, "0:0 0:0 0:0");
}

/* Whatever comes in: no overrun, and what is accepted is written so that it reads the same. */
TEST(json_parse, stands_damaged_input)
{
	static const char *const seeds[] = {
	    "{\"triggers\":[{\"type\":\"cron\",\"metadata\":{\"start\":\"0 8 * * "
	    "*\",\"n\":-1.5e3}}]}",
	    "[\"\\ud83d\\ude00\\n\\u00fc\",\"\xF0\x9F\x98\x80\",null,true,false,"
	    "12345678901234567890]",
	    "{\"a\":{\"b\":{\"c\":[[[[{}]]]]}},\"d\":\"\\\"\\\\\"}",
	};
	uint64_t random = 1;
	int accepted = 0;
	for (int i = 0; i < 30000; i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
		struct json *v, *again;
		size_t length;
		char *text = test_mutate(&random, seeds[i % 3], &length);
		if (json_parse(text, length, NULL, arena, &v, &err)) {
			accepted++;
			json_write(v, &out);
			bool same = json_parse(out.buf, out.len, NULL, arena, &again, &err) &&
				    json_equal(v, again);
			if (!same)
				EXPECT_TEXT(out.buf, "the same value");
		}
		free(text);
	}
	EXPECT(accepted > 100);
	EXPECT(accepted < 25000);
}

TEST_MAIN(TEST_OF(json_parse, reads_or_refuses_with_the_place),
	  TEST_OF(json_parse, values_know_their_place),
	  TEST_OF(json_parse, leaves_out_what_is_to_be_skipped),
	  TEST_OF(json_parse, built_values_have_no_place),
	  TEST_OF(json_parse, refuses_an_embedded_nul), TEST_OF(json_parse, limits_depth_and_size),
	  TEST_OF(json_parse, finds_repeats_in_large_objects),
	  TEST_OF(json_parse, cuts_a_long_key_between_characters),
	  TEST_OF(json_parse, stands_damaged_input))
