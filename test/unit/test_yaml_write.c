/* pkg/yaml/yaml.h, writing: kubectl's form, and that every value comes back as it was. */
#include <string.h>

#include "pkg/yaml/yaml.h"
#include "test/lib/test.h"

TEST(yaml_write, prints_like_kubectl)
{
	static const struct {
		const char *json, *want;
	} rows[] = {
	    {"{\"spec\":{\"triggers\":[{\"type\":\"cpu\",\"metadata\":{\"value\":\"70\"}},{"
	     "\"type\":\"x\"}],"
	     "\"min\":1},\"e\":{},\"l\":[]}",
	     "spec:\n  triggers:\n  - type: cpu\n    metadata:\n      value: \"70\"\n  - type: x\n"
	     "  min: 1\ne: {}\nl: []\n"},
	    {"[[1,[2,3]],{\"a\":{\"b\":[{\"c\":{}},[]]}},null]",
	     "- - 1\n  - - 2\n    - 3\n- a:\n    b:\n    - c: {}\n    - []\n- null\n"},
	    {"{\"a\":\"one\\ntwo\\n\",\"b\":[\"x\\ny\"],\"c\":\"x\\n\\n\"}",
	     "a: |\n  one\n  two\nb:\n- |-\n  x\n  y\nc: |+\n  x\n\n"},
	    {"{\"a\":\" x\\ny\",\"b\":\"\\nx\",\"c\":\"x\\n y\\n\"}",
	     "a: |2-\n   x\n  y\nb: |2-\n\n  x\nc: |\n  x\n   y\n"},
	    {"{\"a\":\"{{ .x }}\",\"b\":\"x: y\",\"c\":\"a "
	     "#b\",\"d\":\"it's\",\"e\":\"'x'\",\"f\":\"- x\",\"g\":\"-x\"}",
	     "a: '{{ .x }}'\nb: 'x: y'\nc: 'a #b'\nd: it's\ne: '''x'''\nf: '- x'\ng: -x\n"},
	    {"{\"a\":\"true\",\"b\":\"n\",\"c\":\"\",\"d\":\"~\",\"e\":\"0x1F\",\"f\":\"1e3\","
	     "\"g\":\"1:20\",\"h\":\"2020-01-02\"}",
	     "a: \"true\"\n"
	     "b: \"n\"\nc: \"\"\nd: \"~\"\ne: \"0x1F\"\nf: \"1e3\"\ng: \"1:20\"\n"
	     "h: \"2020-01-02\"\n"},
	    {"{\"true\":\"500m\",\"8080\":\"10.0.0.1\",\"<<\":\"100Mi\",\"a "
	     "b\":\"sum(rate(x[1m]))\"}",
	     "\"true\": 500m\n\"8080\": 10.0.0.1\n\"<<\": 100Mi\na b: sum(rate(x[1m]))\n"},
	    {"{\"a\":\"\\t\",\"b\":\"x\\u0085\\u2028\\ufeffy\",\"c\":\"\xC3\xBC\xF0\x9F\x98\x80\","
	     "\"d\":\"\\u0000\"}",
	     "a: \"\\t\"\nb: \"x\\u0085\\u2028\\ufeffy\"\nc: \xC3\xBC\xF0\x9F\x98\x80\nd: "
	     "\"\\u0000\"\n"},
	    {"{\"a\":\"x\\ny \",\"b\":\"\\n\"}", "a: \"x\\ny \"\nb: \"\\n\"\n"},
	    {"\"top\"", "top\n"},
	    {"1.50", "1.50\n"},
	    {"{\"a\":{\"b\":true,\"c\":null}}", "a:\n  b: true\n  c: null\n"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
		struct json *v;
		test_row("%s", rows[i].json);
		EXPECT(json_parse(rows[i].json, strlen(rows[i].json), NULL, arena, &v, &err));
		yaml_write(v, &out);
		EXPECT_TEXT(out.buf, rows[i].want);
	}
}

static void expect_back(const struct json *v)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct json *again = NULL;
	yaml_write(v, &out);
	if (yaml_parse(out.buf, out.len, NULL, arena, &again, &err) && json_equal(v, again))
		return;
	CLEANUP(strbuf_release) struct strbuf json = STRBUF_INIT;
	json_write(v, &json);
	test_row("%s (%s)", json.buf, error_text(&err));
	EXPECT_TEXT(out.buf, "the same value");
}

/* Everywhere a string may stand. */
static void expect_string_back(const char *text, size_t length)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *s = json_string(arena, "");
	struct json *object = json_object(arena), *list = json_array(arena);
	s->text = text;
	s->length = length;
	json_set(arena, object, "key", s);
	json_set(arena, object, "list", list);
	json_append(arena, list, s);
	json_append(arena, list, object->members[0].value);
	struct json *nested = json_array(arena);
	json_append(arena, nested, s);
	json_append(arena, nested, s);
	json_append(arena, list, nested);
	struct json *keyed = json_set(arena, object, "keyed", json_object(arena));
	json_set(arena, keyed, "x", s);
	keyed->members[0].key = text;
	keyed->members[0].key_len = length;
	json_set(arena, keyed, "after", list);
	expect_back(s);
	expect_back(object);
	expect_back(list);
}

TEST(yaml_write, odd_strings_come_back)
{
	static const char *const odd[] = {
	    "",
	    " ",
	    "  ",
	    "\n",
	    "\n\n",
	    " \n",
	    "\n ",
	    "a\n",
	    "a\n\n",
	    "a\n\n\n",
	    "\na",
	    " a\nb",
	    "a\n b",
	    "a\n \nb",
	    "a \nb",
	    "a\n  ",
	    "a\n\nb",
	    "\n\n a",
	    "\ta",
	    "a\tb",
	    "a\r\nb",
	    "a\r",
	    "-",
	    "- a",
	    "--",
	    "---",
	    "--- a",
	    "...",
	    "... a",
	    "?",
	    "? a",
	    ":",
	    ": a",
	    "a:",
	    "a: b",
	    "a :b",
	    "#",
	    "# a",
	    "a#",
	    "a #",
	    "&a",
	    "*a",
	    "!a",
	    "!",
	    "|",
	    "|-",
	    ">",
	    "'",
	    "''",
	    "\"",
	    "\\",
	    "\\n",
	    "%a",
	    "@a",
	    "`a",
	    "{",
	    "}",
	    "[",
	    "]",
	    ",",
	    "{}",
	    "[]",
	    "[a, b]",
	    "a,b",
	    "a{b",
	    "<<",
	    "=",
	    "~",
	    "null",
	    "yes",
	    "n",
	    "1",
	    "1.0",
	    ".5",
	    "5.",
	    "1e3",
	    "0x1",
	    "0b1",
	    "1_0",
	    ".inf",
	    ".nan",
	    "1:20",
	    "12:30:45",
	    "2020-01-02",
	    "2020-01-02 03:04:05",
	    "+1",
	    "-1",
	    "-",
	    "+",
	    "\xC2\x85",
	    "\xC2\xA0",
	    "\xE2\x80\xA8",
	    "\xE2\x80\xA9",
	    "\xEF\xBB\xBF",
	    "\xEF\xBF\xBE",
	    "\xEF\xBF\xBF",
	    "\xEF\xBF\xBD",
	    "\xF0\x9F\x98\x80",
	    "\xF4\x8F\xBF\xBF",
	    "\x7F",
	    "\x01",
	    "a\xC2\x80z",
	    "a\nb\xE2\x80\xA8\n",
	    "key: |\n  x\n",
	    "- a\n- b\n",
	    "# c\nx",
	    "---\nx\n",
	    "x\n---\n",
	    "x\n...\n",
	    "%YAML 1.1\n",
	    "a: b\nc: d",
	    "\xC3\xBC: \xC3\xA4",
	};
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
		expect_string_back(odd[i], strlen(odd[i]));
	expect_string_back("a\0b", 3);
	EXPECT(true);
}

TEST(yaml_write, long_keys_come_back)
{
	static char key[4001];
	for (size_t length = 1; length < sizeof(key); length = length * 3 / 2 + 1) {
		memset(key, 'k', length);
		expect_string_back(key, length);
		key[length / 2] = ':';
		expect_string_back(key, length);
		key[length / 2] = '\n';
		expect_string_back(key, length);
	}
	EXPECT(true);
}

TEST(yaml_write, random_strings_come_back)
{
	static const char *const parts[] = {
	    " ", "\n", "\t", "a", "b", ":", "-", "#",        "'", "\"", "\\",
	    "{", "}",  "[",  "]", ",", "&", "*", "!",        "|", ">",  "%",
	    "@", "?",  "1",  ".", "0", "e", "~", "\xC3\xBC", "y", "\r", "\xE2\x80\xA8"};
	uint64_t random = 5;
	for (int i = 0; i < 6000; i++) {
		CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
		for (size_t k = test_random(&random) % 8; k > 0; k--)
			strbuf_addstr(&text, parts[test_random(&random) % ARRAY_SIZE(parts)]);
		expect_string_back(text.buf, text.len);
	}
	EXPECT(true);
}

TEST(yaml_write, invalid_utf8_is_replaced)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	yaml_write(json_string(arena, "a\xFF"), &out);
	EXPECT_TEXT(out.buf, "\"a\xEF\xBF\xBD\"\n");
}

TEST_MAIN(TEST_OF(yaml_write, prints_like_kubectl), TEST_OF(yaml_write, odd_strings_come_back),
	  TEST_OF(yaml_write, long_keys_come_back), TEST_OF(yaml_write, random_strings_come_back),
	  TEST_OF(yaml_write, invalid_utf8_is_replaced))
