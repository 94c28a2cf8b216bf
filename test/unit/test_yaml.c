/* pkg/yaml/yaml.h, reading: scalars as Kubernetes resolves them, what is refused and where. */
#include <stdlib.h>
#include <string.h>

#include "pkg/yaml/yaml.h"
#include "test/lib/test.h"

struct row {
	const char *text;
	const char *want; /* as JSON; NULL: refused */
	const char *error;
};

static void run(const struct row *row)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct json *v = NULL;
	test_row("%s", row->text);
	bool ok = yaml_parse(row->text, strlen(row->text), NULL, arena, &v, &err);
	EXPECT_INT(ok, row->want != NULL);
	if (ok) {
		json_write(v, &out);
		EXPECT_TEXT(out.buf, row->want);
		return;
	}
	EXPECT_INT(err.kind, ERROR_INVALID);
	EXPECT_CONTAINS(error_text(&err), row->error);
}

static void run_all(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		run(&rows[i]);
}

/* What sigs.k8s.io/yaml v1.6.0 makes of the same texts; decimals keep their digits here. */
TEST(yaml, resolves_plain_scalars_like_kubernetes)
{
	static const struct row rows[] = {
	    {"text", "\"text\"", NULL},
	    {"two words", "\"two words\"", NULL},
	    {"~", "null", NULL},
	    {"null", "null", NULL},
	    {"Null", "null", NULL},
	    {"NULL", "null", NULL},
	    {"nUll", "\"nUll\"", NULL},
	    {"true", "true", NULL},
	    {"True", "true", NULL},
	    {"tRue", "\"tRue\"", NULL},
	    {"yes", "true", NULL},
	    {"y", "true", NULL},
	    {"On", "true", NULL},
	    {"NO", "false", NULL},
	    {"n", "false", NULL},
	    {"off", "false", NULL},
	    {"1", "1", NULL},
	    {"-1", "-1", NULL},
	    {"+5", "5", NULL},
	    {"-0", "0", NULL},
	    {"0x1F", "31", NULL},
	    {"-0x1f", "-31", NULL},
	    {"0o17", "15", NULL},
	    {"017", "15", NULL},
	    {"08", "8", NULL},
	    {"0b101", "5", NULL},
	    {"1_000", "1000", NULL},
	    {"1__0_", "10", NULL},
	    {"_1", "\"_1\"", NULL},
	    {"0x", "\"0x\"", NULL},
	    {"0xfg", "\"0xfg\"", NULL},
	    {"0x-1", "\"0x-1\"", NULL},
	    {"9223372036854775807", "9223372036854775807", NULL},
	    {"-9223372036854775808", "-9223372036854775808", NULL},
	    {"18446744073709551615", "18446744073709551615", NULL},
	    {"+18446744073709551615", "18446744073709551615", NULL},
	    {"18446744073709551616", "18446744073709551616", NULL},
	    {"-9223372036854775809", "-9223372036854775809", NULL},
	    {"1.50", "1.50", NULL},
	    {"-1.5", "-1.5", NULL},
	    {"+1.5", "1.5", NULL},
	    {".5", "0.5", NULL},
	    {"-.5", "-0.5", NULL},
	    {"5.", "5", NULL},
	    {"09.5", "9.5", NULL},
	    {"1e3", "1e3", NULL},
	    {"1.E-3", "1E-3", NULL},
	    {"1e400", "\"1e400\"", NULL},
	    {"1e", "\"1e\"", NULL},
	    {"1.2.3", "\"1.2.3\"", NULL},
	    {".", "\".\"", NULL},
	    {"+", "\"+\"", NULL},
	    {"1:20", "\"1:20\"", NULL},
	    {"2020-01-02", "\"2020-01-02\"", NULL},
	    {"2020-01-02T03:04:05Z", "\"2020-01-02T03:04:05Z\"", NULL},
	    {"500m", "\"500m\"", NULL},
	    {"infinity", "\"infinity\"", NULL},
	    {"\"1\"", "\"1\"", NULL},
	    {"'true'", "\"true\"", NULL},
	    {"\"\"", "\"\"", NULL},
	    {"|\n  1\n", "\"1\\n\"", NULL},
	    {".inf", NULL, "1:1: infinite numbers"},
	    {"a: -.Inf", NULL, "1:4: infinite numbers"},
	    {"a: .nan", NULL, "1:4: infinite numbers and NaN"},
	};
	run_all(rows, ARRAY_SIZE(rows));
}

TEST(yaml, reads_structure)
{
	static const struct row rows[] = {
	    {"triggers:\n- type: cron\n  metadata:\n    start: \"0 8 * * *\"\n    n: 5\n", NULL,
	     "5:5: the key n is no string, put it in quotes"},
	    {"triggers:\n- type: cron\n  metadata:\n    start: \"0 8 * * *\"\n    \"n\": 5\n",
	     "{\"triggers\":[{\"type\":\"cron\",\"metadata\":{\"start\":\"0 8 * * *\",\"n\":5}}]}",
	     NULL},
	    {"a: |\n  x\n  y\nb: >-\n  x\n  y\nc: 'it''s'\nd: \"\\u00fc\\n\"\n",
	     "{\"a\":\"x\\ny\\n\",\"b\":\"x y\",\"c\":\"it's\",\"d\":\"\xC3\xBC\\n\"}", NULL},
	    {"a:\nb: ~\nc: {}\nd: []\n", "{\"a\":null,\"b\":null,\"c\":{},\"d\":[]}", NULL},
	    {"- - 1\n  - [2, {x: z}]\n-\n  k: v # comment\n",
	     "[[1,[2,{\"x\":\"z\"}]],{\"k\":\"v\"}]", NULL},
	    {"? a\n: b\n", "{\"a\":\"b\"}", NULL},
	    {"\"<<\": 1", "{\"<<\":1}", NULL},
	    {"%YAML 1.1\n---\na: b\n...\n", "{\"a\":\"b\"}", NULL},
	    {"---\na: b\n---\n", "{\"a\":\"b\"}", NULL},
	    {"null\n", "null", NULL},
	};
	run_all(rows, ARRAY_SIZE(rows));
}

TEST(yaml, reads_json)
{
	static const struct row rows[] = {
	    {"{\"a\":[1,2.50,\"\\ud83d\\ude00\\/\"]}", "{\"a\":[1,2.50,\"\xF0\x9F\x98\x80/\"]}",
	     NULL},
	    {" [\n\t1,\n\t{\"a\":\"b\"}\n]\n", "[1,{\"a\":\"b\"}]", NULL},
	    {"{\"a\": 1, b: x}", "{\"a\":1,\"b\":\"x\"}", NULL},
	    {"{\"a\":1,\n \"a\":2}", NULL, "2:2: key \"a\" stands here twice"},
	    {"[1, 2", NULL, "2:1: did not find expected ',' or ']'"},
	    {"{}\n---\n{}\n", NULL, "2:1: more than one document"},
	};
	run_all(rows, ARRAY_SIZE(rows));
}

TEST(yaml, refuses)
{
	static const struct row rows[] = {
	    {"", NULL, "1:1: there is no document"},
	    {"# only a comment\n", NULL, "1:1: there is no document"},
	    {"---\n---\n", NULL, "1:1: there is no document"},
	    {"a: b\n---\nc: d\n", NULL, "2:1: more than one document"},
	    {"a: &x 1\n", NULL, "1:4: anchors are not supported"},
	    {"a: &x [1]\n", NULL, "1:4: anchors are not supported"},
	    {"a: &x {}\n", NULL, "1:4: anchors are not supported"},
	    {"a: *x\n", NULL, "1:4: aliases are not supported"},
	    {"a: !!str 1\n", NULL, "1:4: tags are not supported"},
	    {"a: ! 1\n", NULL, "1:4: tags are not supported"},
	    {"!!map {}\n", NULL, "1:1: tags are not supported"},
	    {"- !x [1]\n", NULL, "1:3: tags are not supported"},
	    {"<<: {a: 1}\n", NULL, "1:1: merge keys (<<) are not supported"},
	    {"a: 1\nb: 2\na: 3\n", NULL, "3:1: key \"a\" stands here twice"},
	    {"a: 1\n\"a\": 3\n", NULL, "2:1: key \"a\" stands here twice"},
	    {"1: a\n", NULL, "1:1: the key 1 is no string"},
	    {"on: push\n", NULL, "1:1: the key on is no string"},
	    {"~: a\n", NULL, "1:1: the key ~ is no string"},
	    {"? [a]\n: b\n", NULL, "1:3: a key is no string"},
	    {"{[a]: b}\n", NULL, "1:2: a key is no string"},
	    {"a: b: c\n", NULL, "1:5: mapping values are not allowed"},
	    {"a:\n\tb: c\n", NULL, "2:1: found character that cannot start any token"},
	    {"a: 'x\n", NULL, "found unexpected end of stream"},
	    {"a: \"\\q\"\n", NULL, "found unknown escape character"},
	    {"a: \"\\ud83d\\ude00\"\n", NULL, "invalid Unicode character escape code"},
	    {"a\n b: c\n  - d", NULL, "mapping values are not allowed"},
	    {"a: x\xFF\n", NULL, "1:5: invalid UTF-8"},
	    {"a: b\nc: x\x01\n", NULL, "2:5: control characters are not allowed"},
	};
	run_all(rows, ARRAY_SIZE(rows));
}

TEST(yaml, limits_depth_and_size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct json *v;
	for (int i = 0; i < 32; i++)
		strbuf_addstr(&text, "- ");
	strbuf_addstr(&text, "x");
	EXPECT(yaml_parse(text.buf, text.len, NULL, arena, &v, &err));
	const struct json_limits flat = {.max_depth = 31};
	EXPECT_FALSE(yaml_parse(text.buf, text.len, &flat, arena, &v, &err));
	EXPECT_CONTAINS(error_text(&err), "1:63: nested deeper than 31 levels");
	const struct json_limits small = {.max_bytes = 10};
	EXPECT(yaml_parse("a: 4567890", 10, &small, arena, &v, &err));
	EXPECT_FALSE(yaml_parse("a: 45678901", 11, &small, arena, &v, &err));
	EXPECT_CONTAINS(error_text(&err), "11 bytes are too many, the limit is 10");
	strbuf_reset(&text);
	for (int i = 0; i < 100000; i++)
		strbuf_addstr(&text, "[");
	EXPECT_FALSE(yaml_parse(text.buf, text.len, NULL, arena, &v, &err));
	EXPECT_CONTAINS(error_text(&err), "nested deeper");
	EXPECT_FALSE(yaml_parse("a\0b", 3, NULL, arena, &v, &err));
}

/* 9,216: the list itself is one. */
TEST(yaml, limits_the_number_of_values)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	const struct json_limits large = {.max_bytes = (size_t)1 << 20};
	struct json *v;
	for (int i = 0; i < 9215; i++)
		strbuf_addstr(&text, "-\n");
	EXPECT(yaml_parse(text.buf, text.len, NULL, arena, &v, &err));
	strbuf_addstr(&text, "-\n");
	EXPECT_FALSE(yaml_parse(text.buf, text.len, NULL, arena, &v, &err));
	EXPECT_TEXT(error_text(&err), "9216:2: too many keys and values");
	EXPECT(yaml_parse(text.buf, text.len, &large, arena, &v, &err));
	EXPECT_INT(json_count(v), 9216);
}

struct documents {
	struct strbuf log;
	int stop_at;
	int count;
};

static bool note(void *ctx, struct json *document, struct error *err)
{
	struct documents *documents = ctx;
	if (++documents->count == documents->stop_at)
		return error_set(err, ERROR_FATAL, "stopped");
	json_write(document, &documents->log);
	strbuf_addch(&documents->log, '\n');
	return true;
}

TEST(yaml, reads_many_documents)
{
	static const char text[] = "---\na: 1\n---\n# nothing\n---\nnull\n--- x\n...\n---\n[1]\n";
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct documents documents = {.log = STRBUF_INIT};
	EXPECT(yaml_parse_all(text, strlen(text), NULL, arena, note, &documents, &err));
	EXPECT_TEXT(documents.log.buf, "{\"a\":1}\nnull\n\"x\"\n[1]\n");
	EXPECT(yaml_parse_all("", 0, NULL, arena, note, &documents, &err));
	EXPECT_INT(documents.count, 4);
	documents.count = 0;
	documents.stop_at = 2;
	EXPECT_FALSE(yaml_parse_all(text, strlen(text), NULL, arena, note, &documents, &err));
	EXPECT_TEXT(error_text(&err), "stopped");
	EXPECT_INT(documents.count, 2);
	strbuf_release(&documents.log);
}

TEST(yaml, stands_damaged_input)
{
	static const char *const seeds[] = {
	    "triggers:\n- type: cron\n  metadata: {a: b}\n  end: 'x''y'\n- {a: \"b\"}\n",
	    "a: |-\n  one\n   two\n\nb: >+\n  fold\n\n? k\n: [1, 0x1F, .5, ~, \"\\u00fc\\n\"]\n",
	    "--- # c\n- - x\n  - y\n-\n  k: &a !!str v\n...\n%YAML 1.1\n---\n*a\n",
	};
	uint64_t random = 11;
	int accepted = 0;
	for (int i = 0; i < 20000; i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
		struct json *v, *again;
		size_t length;
		char *text = test_mutate(&random, seeds[i % 3], &length);
		if (yaml_parse(text, length, NULL, arena, &v, &err)) {
			accepted++;
			yaml_write(v, &out);
			bool same = yaml_parse(out.buf, out.len, NULL, arena, &again, &err) &&
				    json_equal(v, again);
			if (!same)
				EXPECT_TEXT(out.buf, "the same value");
		}
		free(text);
	}
	EXPECT(accepted > 1000);
}

static void add_places(const struct json *v, struct strbuf *out)
{
	strbuf_addf(out, "%s%u:%u", out->len ? " " : "", v->line, v->column);
	for (size_t i = 0; i < v->count; i++)
		add_places(v->type == JSON_ARRAY ? v->elements[i] : v->members[i].value, out);
}

TEST(yaml, values_know_their_place)
{
	static const struct {
		const char *text, *places;
	} places[] = {
	    {"a", "1:1"},
	    {"- a\n- b", "1:1 1:3 2:3"},
	    {"a: 1\nb:\n  c: x\n  d:\n  - y\n", "1:1 1:4 3:3 3:6 5:3 5:5"},
	    {"# c\n- type: cron\n  metadata: {m: 10, s: 'x'}\n", "2:1 2:3 2:9 3:13 3:17 3:24"},
	    {"a: |\n  x\n  y\nb:\n", "1:1 1:4 4:3"},
	    {"\xC3\xBC: x", "1:1 1:4"}, /* characters */
	    {"[1,\n {\"a\": 2}]", "1:1 1:2 2:2 2:8"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(strbuf_release) struct strbuf got = STRBUF_INIT;
		struct json *v = NULL;
		const char *text = places[i].text;
		test_row("%s", text);
		EXPECT(yaml_parse(text, strlen(text), NULL, arena, &v, NULL));
		add_places(v, &got);
		EXPECT_TEXT(got.buf, places[i].places);
	}
}

TEST_MAIN(TEST_OF(yaml, values_know_their_place),
	  TEST_OF(yaml, resolves_plain_scalars_like_kubernetes), TEST_OF(yaml, reads_structure),
	  TEST_OF(yaml, reads_json), TEST_OF(yaml, refuses), TEST_OF(yaml, limits_depth_and_size),
	  TEST_OF(yaml, limits_the_number_of_values), TEST_OF(yaml, reads_many_documents),
	  TEST_OF(yaml, stands_damaged_input))
