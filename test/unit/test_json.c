/* json.h without the parser: reading, building, writing, equality, hash, merge patches. */
#include <string.h>

#include "pkg/json/json.h"
#include "test/lib/test.h"

static struct json *parse(struct arena *arena, const char *text)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *v = NULL;
	if (!json_parse(text, strlen(text), NULL, arena, &v, &err))
		EXPECT_TEXT(error_text(&err), text);
	return v;
}

static const char *compact(struct arena *arena, const struct json *v)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	if (!v)
		return NULL;
	json_write(v, &out);
	return arena_strdup(arena, out.buf);
}

TEST(json, reads)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *v = parse(arena, "{\"s\":\"text\",\"n\":12,\"b\":true,\"z\":null,"
				      "\"l\":[1,\"x\"],\"o\":{\"p\":{\"q\":\"deep\"}}}");
	EXPECT_TEXT(json_text(json_get(v, "s")), "text");
	EXPECT_TEXT(json_text(json_get(v, "n")), NULL);
	EXPECT_TEXT(json_text_or(json_get(v, "absent"), "default"), "default");
	EXPECT_INT(json_int_or(json_get(v, "n"), -1), 12);
	EXPECT_INT(json_int_or(json_get(v, "s"), -1), -1);
	EXPECT(json_bool_or(json_get(v, "b"), false));
	EXPECT(json_bool_or(json_get(v, "s"), true));
	EXPECT(json_is(json_get(v, "z"), JSON_NULL));
	EXPECT_FALSE(json_is(NULL, JSON_NULL));
	EXPECT_INT(json_count(v), 6);
	EXPECT_INT(json_count(json_get(v, "l")), 2);
	EXPECT_INT(json_count(json_get(v, "s")), 0);
	EXPECT_INT(json_count(NULL), 0);
	EXPECT_TEXT(json_text(json_at(json_get(v, "l"), 1)), "x");
	EXPECT(json_at(json_get(v, "l"), 2) == NULL);
	EXPECT(json_at(v, 0) == NULL);
	EXPECT_TEXT(json_text(json_path(v, "o", "p", "q", NULL)), "deep");
	EXPECT(json_path(v, "o", "x", "q", NULL) == NULL);
	EXPECT(json_path(v, "s", "p", NULL) == NULL);
	EXPECT(json_path(v, NULL) == v);
	EXPECT(json_get(json_get(NULL, "a"), "b") == NULL);
	EXPECT(json_get(json_get(v, "l"), "b") == NULL);
}

TEST(json, reads_integers)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t want;
	} rows[] = {
	    {"0", true, 0},
	    {"-0", true, 0},
	    {"1e2", true, 100},
	    {"1.0", true, 1},
	    {"1.50e1", true, 15},
	    {"100e-2", true, 1},
	    {"0e99999999999999999999", true, 0},
	    {"9223372036854775807", true, INT64_MAX},
	    {"-9223372036854775808", true, INT64_MIN},
	    {"922337203685477580.7e1", true, INT64_MAX},
	    {"9223372036854775808", false, 0},
	    {"-9223372036854775809", false, 0},
	    {"1e18", true, INT64_C(1000000000000000000)},
	    {"1e19", false, 0},
	    {"1e99999999999999999999", false, 0},
	    {"1e-99999999999999999999", false, 0},
	    {"1.5", false, 0},
	    {"1e-1", false, 0},
	    {"123456789012345678901234567890", false, 0},
	    {"\"1\"", false, 0},
	    {"true", false, 0},
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t got = 0;
		test_row("%s", rows[i].text);
		EXPECT_INT(json_int(parse(arena, rows[i].text), &got), rows[i].ok);
		EXPECT_INT(got, rows[i].want);
	}
}

TEST(json, builds)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *o = json_object(arena);
	char key[] = "k", text[] = "v";
	json_set_text(arena, o, key, text);
	key[0] = text[0] = '!';
	EXPECT_TEXT(compact(arena, o), "{\"k\":\"v\"}");
	json_set_int(arena, o, "n", INT64_MIN);
	json_set_bool(arena, o, "b", false);
	json_set(arena, o, "f", json_number(arena, "0.50"));
	json_set(arena, o, "z", json_null(arena));
	json_set(arena, o, "p", json_stringf(arena, "%s-%d", "x", 7));
	EXPECT(json_set(arena, o, "none", NULL) == NULL);
	json_set_text(arena, o, "none", NULL);
	EXPECT_TEXT(compact(arena, o), "{\"k\":\"v\",\"n\":-9223372036854775808,\"b\":false,"
				       "\"f\":0.50,\"z\":null,\"p\":\"x-7\"}");
	json_set_int(arena, o, "k", 1);
	EXPECT(json_remove(o, "n"));
	EXPECT_FALSE(json_remove(o, "n"));
	EXPECT(json_remove(o, "p"));
	EXPECT_TEXT(compact(arena, o), "{\"k\":1,\"b\":false,\"f\":0.50,\"z\":null}");
	struct json *inner = json_ensure_object(arena, o, "o");
	json_set_int(arena, inner, "x", 1);
	EXPECT(json_ensure_object(arena, o, "o") == inner);
	EXPECT(json_ensure_object(arena, o, "z")->type == JSON_OBJECT);
	struct json *list = json_set(arena, o, "l", json_array(arena));
	for (int i = 0; i < 20; i++)
		json_append(arena, list, json_integer(arena, i));
	EXPECT_INT(json_int_or(json_at(list, 19), -1), 19);
	EXPECT_TEXT(compact(arena, json_get(o, "o")), "{\"x\":1}");
}

TEST(json, copies_deeply)
{
	struct arena *first = arena_new();
	CLEANUP(arena_freep) struct arena *second = arena_new();
	static const char text[] = "{\"a\":[1,{\"b\":\"x\\u0000y\"},null,true],\"c\":1.50}";
	struct json *copy = json_copy(second, parse(first, text));
	arena_free(first);
	EXPECT_TEXT(compact(second, copy), text);
	EXPECT_INT(json_get(json_at(json_get(copy, "a"), 1), "b")->length, 3);
}

TEST(json, a_repeated_key_counts_by_its_last)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *o = parse(arena, "{\"a\":1,\"b\":2}");
	o->members[1].key = "a";
	EXPECT_INT(json_int_or(json_get(o, "a"), -1), 2);
	struct json *other = parse(arena, "{\"a\":2,\"b\":2}");
	EXPECT_FALSE(json_equal(o, other));
	EXPECT_FALSE(json_equal(other, o));
	struct json *twice = parse(arena, "{\"a\":2,\"b\":2}");
	twice->members[1].key = "a";
	EXPECT_FALSE(json_equal(twice, other));
	EXPECT_FALSE(json_equal(other, twice));
	EXPECT(json_remove(o, "a"));
	EXPECT_INT(json_count(o), 0);
}

TEST(json, writes_for_people)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	json_write_pretty(parse(arena, "{\"a\":[1,{\"b\":\"\\\"\"}],\"c\":{},\"d\":[]}"), &out);
	EXPECT_TEXT(out.buf, "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"\\\"\"\n    }\n  ],\n"
			     "  \"c\": {},\n  \"d\": []\n}");
}

TEST(json, compares_by_value)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} rows[] = {
	    {"1", "1.0", true},
	    {"1", "1e0", true},
	    {"10", "1E+1", true},
	    {"0.10", "1e-1", true},
	    {"100", "1.00e2", true},
	    {"0", "-0", true},
	    {"0", "0.000e5", true},
	    {"0e1", "-0e-7", true},
	    {"1", "-1", false},
	    {"1", "2", false},
	    {"12", "1.2", false},
	    {"12", "21", false},
	    {"102", "12", false},
	    {"1.02", "10.2e-1", true},
	    {"9007199254740993", "9007199254740992", false},
	    {"0.1", "0.1000000000000000055511151231257827", false},
	    {"123456789012345678901234567890", "12345678901234567890123456789e1", true},
	    {"1e99999999999999999999", "1e99999999999999999998", false},
	    {"1e99999999999999999999", "1e99999999999999999999", true},
	    {"1", "\"1\"", false},
	    {"null", "false", false},
	    {"null", "null", true},
	    {"true", "false", false},
	    {"\"a\"", "\"a\"", true},
	    {"\"a\"", "\"\\u0061\"", true},
	    {"\"a\"", "\"a\\u0000\"", false},
	    {"[1,2]", "[2,1]", false},
	    {"[1,2]", "[1,2.0]", true},
	    {"[1]", "[1,1]", false},
	    {"{}", "[]", false},
	    {"{\"a\":1,\"b\":[{\"c\":1,\"d\":2}]}", "{\"b\":[{\"d\":2,\"c\":1e0}],\"a\":1}", true},
	    {"{\"a\":1}", "{\"b\":1}", false},
	    {"{\"a\":1}", "{\"a\":1,\"b\":null}", false},
	    {"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":2}}", false},
	    {"{\"ab\":\"c\"}", "{\"a\":\"bc\"}", false},
	    {"{\"a\":\"b\",\"c\":\"d\"}", "{\"a\":\"d\",\"c\":\"b\"}", false},
	    {"[[],[1]]", "[[1],[]]", false},
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *a = parse(arena, rows[i].a), *b = parse(arena, rows[i].b);
		test_row("%s and %s", rows[i].a, rows[i].b);
		EXPECT_INT(json_equal(a, b), rows[i].equal);
		EXPECT_INT(json_equal(b, a), rows[i].equal);
		EXPECT(json_equal(a, a) && json_equal(b, b));
		EXPECT_INT(json_hash(a) == json_hash(b),
			   rows[i].equal || strstr(rows[i].a, "e9999"));
	}
	EXPECT(json_equal(NULL, NULL));
	EXPECT_FALSE(json_equal(NULL, json_null(arena)));
	EXPECT_INT(json_hash(NULL), 0);
}

TEST(json, compares_large_objects)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *up = json_object(arena), *down = json_object(arena);
	for (int i = 0; i < 500; i++) {
		json_set_int(arena, up, arena_printf(arena, "k%d", i), i);
		json_set_int(arena, down, arena_printf(arena, "k%d", 499 - i), 499 - i);
	}
	EXPECT(json_equal(up, down));
	EXPECT_INT(json_hash(up), json_hash(down));
	EXPECT(json_merge_diff(arena, up, down) == NULL);
	json_set_int(arena, down, "k250", 0);
	EXPECT_FALSE(json_equal(up, down));
	EXPECT(json_hash(up) != json_hash(down));
	EXPECT_TEXT(compact(arena, json_merge_diff(arena, up, down)), "{\"k250\":0}");
	json_remove(down, "k250");
	EXPECT_TEXT(compact(arena, json_merge_diff(arena, up, down)), "{\"k250\":null}");
}

TEST(json, merge_patches_make_and_mend)
{
	static const struct {
		const char *from, *to, *patch;
	} rows[] = {
	    {"{}", "{}", NULL},
	    {"{\"a\":1,\"b\":2}", "{\"b\":2.0,\"a\":1}", NULL},
	    {"{\"a\":1}", "{\"a\":2}", "{\"a\":2}"},
	    {"{\"a\":1}", "{}", "{\"a\":null}"},
	    {"{}", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1}}"},
	    {"{}", "{\"a\":{}}", "{\"a\":{}}"},
	    {"{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"c\":3,\"d\":4}}",
	     "{\"a\":{\"c\":3,\"d\":4,\"b\":null}}"},
	    {"{\"a\":{\"b\":1}}", "{\"a\":{}}", "{\"a\":{\"b\":null}}"},
	    {"{\"a\":1}", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1}}"},
	    {"{\"a\":{\"b\":1}}", "{\"a\":1}", "{\"a\":1}"},
	    {"{\"a\":[1,2]}", "{\"a\":[1]}", "{\"a\":[1]}"},
	    {"{\"a\":[{\"b\":null}]}", "{\"a\":[{\"b\":null},1]}", "{\"a\":[{\"b\":null},1]}"},
	    {"{\"a\":null}", "{}", "{\"a\":null}"},
	    {"[1]", "[1]", NULL},
	    {"[1]", "{\"a\":1}", "{\"a\":1}"},
	    {"{\"a\":1}", "\"x\"", "\"x\""},
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *from = parse(arena, rows[i].from), *to = parse(arena, rows[i].to);
		struct json *patch = json_merge_diff(arena, from, to);
		test_row("%s to %s", rows[i].from, rows[i].to);
		EXPECT_TEXT(compact(arena, patch), rows[i].patch);
		if (patch)
			EXPECT(json_equal(json_merge_apply(arena, from, patch), to));
		EXPECT_TEXT(compact(arena, from), compact(arena, parse(arena, rows[i].from)));
	}
	EXPECT_TEXT(compact(arena, json_merge_diff(arena, NULL, parse(arena, "{\"a\":1}"))),
		    "{\"a\":1}");
}

/* The examples of RFC 7386, appendix A. */
TEST(json, applies_merge_patches_as_the_rfc_has_them)
{
	static const struct {
		const char *target, *patch, *want;
	} rows[] = {
	    {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
	    {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
	    {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
	    {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
	    {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
	    {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
	    {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
	    {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
	    {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
	    {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
	    {"{\"a\":\"foo\"}", "null", "null"},
	    {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
	    {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
	    {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
	    {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *patch = parse(arena, rows[i].patch);
		test_row("%s with %s", rows[i].target, rows[i].patch);
		EXPECT_TEXT(
		    compact(arena, json_merge_apply(arena, parse(arena, rows[i].target), patch)),
		    rows[i].want);
	}
}

TEST_MAIN(TEST_OF(json, reads), TEST_OF(json, reads_integers), TEST_OF(json, builds),
	  TEST_OF(json, copies_deeply), TEST_OF(json, a_repeated_key_counts_by_its_last),
	  TEST_OF(json, writes_for_people), TEST_OF(json, compares_by_value),
	  TEST_OF(json, compares_large_objects), TEST_OF(json, merge_patches_make_and_mend),
	  TEST_OF(json, applies_merge_patches_as_the_rfc_has_them))
