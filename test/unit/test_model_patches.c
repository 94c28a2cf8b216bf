/*
 * Patches of the model: JSON patches by the cases of RFC 6902's appendix A and those that hostile
 * clients send, strategic merge patches as kubectl makes them.
 */
#include <stdlib.h>
#include <string.h>

#include "test/lib/model_internal.h"
#include "test/lib/test.h"

static const struct json *parse(struct arena *arena, const char *text)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const struct json_limits limits = {.max_bytes = 8u << 20, .max_depth = 200};
	struct json *value = NULL;
	if (!json_parse(text, strlen(text), &limits, arena, &value, &err))
		fprintf(stderr, "%s: %s\n", text, error_text(&err));
	return value;
}

struct row {
	const char *document, *patch;
	const char *want; /* NULL: refused */
	const char *text; /* of the refusal */
};

static void check_row(const struct row *row)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const struct json *document = parse(arena, row->document), *out = NULL;
	CLEANUP(strbuf_release) struct strbuf before = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf after = STRBUF_INIT;
	json_write(document, &before);
	test_row("%s", row->patch);
	bool ok = json_patch_apply(arena, document, parse(arena, row->patch), &out, &err);
	EXPECT_INT(ok, row->want != NULL);
	if (ok && row->want) {
		CLEANUP(strbuf_release) struct strbuf got = STRBUF_INIT;
		json_write(out, &got);
		test_expect(json_equal(out, parse(arena, row->want)), __FILE__, __LINE__, got.buf);
	}
	if (!ok && row->text)
		EXPECT_CONTAINS(error_text(&err), row->text);
	json_write(document, &after);
	EXPECT_TEXT(after.buf, before.buf);
	test_row("%s", "");
}

TEST(json, appendix_a)
{
	static const struct row rows[] = {
	    {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\"}]",
	     "{\"baz\":\"qux\",\"foo\":\"bar\"}", NULL},
	    {"{\"foo\":[\"bar\",\"baz\"]}",
	     "[{\"op\":\"add\",\"path\":\"/foo/1\",\"value\":\"qux\"}]",
	     "{\"foo\":[\"bar\",\"qux\",\"baz\"]}", NULL},
	    {"{\"baz\":\"qux\",\"foo\":\"bar\"}", "[{\"op\":\"remove\",\"path\":\"/baz\"}]",
	     "{\"foo\":\"bar\"}", NULL},
	    {"{\"foo\":[\"bar\",\"qux\",\"baz\"]}", "[{\"op\":\"remove\",\"path\":\"/foo/1\"}]",
	     "{\"foo\":[\"bar\",\"baz\"]}", NULL},
	    {"{\"baz\":\"qux\",\"foo\":\"bar\"}",
	     "[{\"op\":\"replace\",\"path\":\"/baz\",\"value\":\"boo\"}]",
	     "{\"baz\":\"boo\",\"foo\":\"bar\"}", NULL},
	    {"{\"foo\":{\"bar\":\"baz\",\"waldo\":\"fred\"},\"qux\":{\"corge\":\"grault\"}}",
	     "[{\"op\":\"move\",\"from\":\"/foo/waldo\",\"path\":\"/qux/thud\"}]",
	     "{\"foo\":{\"bar\":\"baz\"},\"qux\":{\"corge\":\"grault\",\"thud\":\"fred\"}}", NULL},
	    {"{\"foo\":[\"all\",\"grass\",\"cows\",\"eat\"]}",
	     "[{\"op\":\"move\",\"from\":\"/foo/1\",\"path\":\"/foo/3\"}]",
	     "{\"foo\":[\"all\",\"cows\",\"eat\",\"grass\"]}", NULL},
	    {"{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}",
	     "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"qux\"},"
	     "{\"op\":\"test\",\"path\":\"/foo/1\",\"value\":2}]",
	     "{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}", NULL},
	    {"{\"baz\":\"qux\"}", "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"bar\"}]", NULL,
	     "testing value failed"},
	    {"{\"foo\":\"bar\"}",
	     "[{\"op\":\"add\",\"path\":\"/child\",\"value\":{\"grandchild\":{}}}]",
	     "{\"foo\":\"bar\",\"child\":{\"grandchild\":{}}}", NULL},
	    {"{\"foo\":\"bar\"}",
	     "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\",\"xyz\":123}]",
	     "{\"foo\":\"bar\",\"baz\":\"qux\"}", NULL},
	    {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz/bat\",\"value\":\"qux\"}]",
	     NULL, "there is no such place"},
	    {"{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":10}]",
	     "{\"/\":9,\"~1\":10}", NULL},
	    {"{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":\"10\"}]", NULL,
	     "testing value failed"},
	    {"{\"foo\":[\"bar\"]}",
	     "[{\"op\":\"add\",\"path\":\"/foo/-\",\"value\":[\"abc\",\"def\"]}]",
	     "{\"foo\":[\"bar\",[\"abc\",\"def\"]]}", NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

TEST(json, others)
{
	static const struct row rows[] = {
	    {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":{\"b\":2}}]", "{\"b\":2}",
	     NULL},
	    {"{\"a\":{\"b\":[1,2]}}",
	     "[{\"op\":\"copy\",\"from\":\"/a/b\",\"path\":\"/c\"},"
	     "{\"op\":\"add\",\"path\":\"/c/0\",\"value\":0}]",
	     "{\"a\":{\"b\":[1,2]},\"c\":[0,1,2]}", NULL},
	    {"{\"a/b\":1}", "[{\"op\":\"remove\",\"path\":\"/a~1b\"}]", "{}", NULL},
	    {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":null}]", "{\"a\":null}",
	     NULL},
	    {"{\"\":1}", "[{\"op\":\"replace\",\"path\":\"/\",\"value\":2}]", "{\"\":2}", NULL},
	    {"{\"a\":[]}", "[{\"op\":\"add\",\"path\":\"/a/0\",\"value\":1}]", "{\"a\":[1]}", NULL},
	    {"{}", "[]", "{}", NULL},
	    {"{}", "{}", NULL, "no list"},
	    {"{}", "[1]", NULL, "has no path"},
	    {"{}", "[{\"op\":\"add\",\"path\":\"a\",\"value\":1}]", NULL, "begins with /"},
	    {"{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", NULL, "has no value"},
	    {"{}", "[{\"op\":\"copy\",\"path\":\"/a\"}]", NULL, "has no from"},
	    {"{}", "[{\"op\":\"jump\",\"path\":\"/a\",\"value\":1}]", NULL, "none of add"},
	    {"{}", "[{\"op\":\"remove\",\"path\":\"\"}]", NULL, "cannot be removed"},
	    {"{}", "[{\"op\":\"remove\",\"path\":\"/a\"}]", NULL, "there is nothing"},
	    {"{}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":1}]", NULL, "there is nothing"},
	    {"{\"a\":{}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/b\"}]", NULL,
	     "into itself"},
	    {"{\"a\":1}", "[{\"op\":\"move\",\"from\":\"\",\"path\":\"/b\"}]", NULL, "into itself"},
	    {"{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a\"}]", "{\"a\":1}", NULL},
	    {"{\"a\":[1]}", "[{\"op\":\"remove\",\"path\":\"/a/1\"}]", NULL, "there is nothing"},
	    {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/2\",\"value\":1}]", NULL,
	     "no such place"},
	    {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/00\",\"value\":1}]", NULL,
	     "no such place"},
	    {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/-1\",\"value\":1}]", NULL,
	     "no such place"},
	    {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/99999999999\",\"value\":1}]", NULL,
	     "no such place"},
	    {"{\"a\":\"t\"}", "[{\"op\":\"add\",\"path\":\"/a/b\",\"value\":1}]", NULL,
	     "no such place"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

/* Each copy doubles the document: 2^30 nodes if nothing stopped it. */
TEST(json, does_not_grow_for_ever)
{
	CLEANUP(strbuf_release) struct strbuf patch = STRBUF_INIT;
	strbuf_addstr(&patch, "[");
	for (int i = 0; i < 30; i++)
		strbuf_addf(&patch, "%s{\"op\":\"copy\",\"from\":\"\",\"path\":\"/c%d\"}",
			    i ? "," : "", i);
	strbuf_addstr(&patch, "]");
	const struct row row = {"{\"a\":\"0123456789\"}", patch.buf, NULL, "copies too much"};
	check_row(&row);
}

TEST(strategic, as_kubectl_sends)
{
	static const struct {
		const char *what, *document, *patch, *want;
	} rows[] = {
	    {"maps merge, null removes", "{\"metadata\":{\"labels\":{\"a\":\"b\",\"c\":\"d\"}}}",
	     "{\"metadata\":{\"labels\":{\"a\":null,\"e\":\"f\"}}}",
	     "{\"metadata\":{\"labels\":{\"c\":\"d\",\"e\":\"f\"}}}"},
	    {"containers merge by name",
	     "{\"containers\":[{\"name\":\"x\",\"image\":\"1\",\"args\":[\"a\"]},"
	     "{\"name\":\"y\",\"image\":\"2\"}]}",
	     "{\"$setElementOrder/containers\":[{\"name\":\"y\"},{\"name\":\"x\"}],"
	     "\"containers\":[{\"name\":\"x\",\"image\":\"3\"}]}",
	     "{\"containers\":[{\"name\":\"y\",\"image\":\"2\"},"
	     "{\"name\":\"x\",\"image\":\"3\",\"args\":[\"a\"]}]}"},
	    {"an element goes", "{\"env\":[{\"name\":\"x\"},{\"name\":\"y\"}]}",
	     "{\"env\":[{\"$patch\":\"delete\",\"name\":\"x\"}]}", "{\"env\":[{\"name\":\"y\"}]}"},
	    {"an element that is not there goes", "{\"env\":[{\"name\":\"y\"}]}",
	     "{\"env\":[{\"$patch\":\"delete\",\"name\":\"x\"}]}", "{\"env\":[{\"name\":\"y\"}]}"},
	    {"a list is replaced on demand", "{\"env\":[{\"name\":\"x\"},{\"name\":\"y\"}]}",
	     "{\"env\":[{\"name\":\"z\"},{\"$patch\":\"replace\"}]}",
	     "{\"env\":[{\"name\":\"z\"}]}"},
	    {"other lists are replaced", "{\"args\":[\"a\",\"b\"]}", "{\"args\":[\"c\"]}",
	     "{\"args\":[\"c\"]}"},
	    {"finalizers are a set", "{\"finalizers\":[\"a\",\"b\"]}",
	     "{\"$deleteFromPrimitiveList/finalizers\":[\"a\"],\"finalizers\":[\"b\",\"c\"]}",
	     "{\"finalizers\":[\"b\",\"c\"]}"},
	    {"an object is replaced", "{\"strategy\":{\"a\":1,\"b\":2}}",
	     "{\"strategy\":{\"$patch\":\"replace\",\"c\":3}}", "{\"strategy\":{\"c\":3}}"},
	    {"only some keys stay", "{\"strategy\":{\"type\":\"RollingUpdate\",\"rolling\":{}}}",
	     "{\"strategy\":{\"$retainKeys\":[\"type\"],\"type\":\"Recreate\"}}",
	     "{\"strategy\":{\"type\":\"Recreate\"}}"},
	    {"directives of a new element are not kept", "{}",
	     "{\"containers\":[{\"name\":\"x\",\"$setElementOrder/env\":[],"
	     "\"env\":[{\"name\":\"e\"}]}]}",
	     "{\"containers\":[{\"name\":\"x\",\"env\":[{\"name\":\"e\"}]}]}"},
	    {"a text becomes an object", "{\"a\":\"t\"}", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1}}"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(strbuf_release) struct strbuf got = STRBUF_INIT;
		test_row("%s", rows[i].what);
		const struct json *out = strategic_apply(arena, parse(arena, rows[i].document),
							 parse(arena, rows[i].patch));
		json_write(out, &got);
		test_expect(json_equal(out, parse(arena, rows[i].want)), __FILE__, __LINE__,
			    got.buf);
	}
	test_row("%s", "");
}

TEST_MAIN(TEST_OF(json, appendix_a), TEST_OF(json, others), TEST_OF(json, does_not_grow_for_ever),
	  TEST_OF(strategic, as_kubectl_sends))
