/* Object metadata: what is taken over, what is refused, what is shared between objects. */
#include <string.h>

#include "pkg/base/intern.h"
#include "pkg/meta/meta.h"
#include "test/lib/test.h"

static struct json *parse(struct arena *arena, const char *text)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *out = NULL;
	if (!json_parse(text, strlen(text), NULL, arena, &out, &err))
		EXPECT_TEXT(error_text(&err), "");
	return out;
}

TEST(meta, takes_over_what_the_controller_reads)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct meta meta;
	const struct json *object =
	    parse(arena,
		  "{\"metadata\":{\"name\":\"a\",\"namespace\":\"ns\",\"uid\":\"u-1\","
		  "\"resourceVersion\":\"18446744073709551615\",\"generation\":7,"
		  "\"creationTimestamp\":\"2026-01-01T00:00:00Z\",\"ownerReferences\":["
		  "{\"apiVersion\":\"v1\",\"kind\":\"Other\",\"name\":\"x\",\"uid\":\"u-0\"},"
		  "{\"apiVersion\":\"serving.knative.dev/v1\",\"kind\":\"Revision\",\"name\":\"r\","
		  "\"uid\":\"u-2\",\"controller\":true}]}}");
	EXPECT(meta_decode(object, arena, &meta, &err));
	EXPECT_TEXT(meta.name, "a");
	EXPECT_TEXT(meta.ns, "ns");
	EXPECT_TEXT(meta.uid, "u-1");
	EXPECT(meta.version == UINT64_MAX);
	EXPECT_INT(meta.generation, 7);
	EXPECT_INT(meta.created_ms, INT64_C(1767225600000));
	EXPECT(!meta.terminating);
	EXPECT_TEXT(meta.owner.api_version, "serving.knative.dev/v1");
	EXPECT_TEXT(meta.owner.kind, "Revision");
	EXPECT_TEXT(meta.owner.name, "r");
	EXPECT_TEXT(meta.owner.uid, "u-2");
}

TEST(meta, is_content_with_a_name)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct meta meta;
	const struct json *object =
	    parse(arena, "{\"metadata\":{\"name\":\"a\",\"creationTimestamp\":null,"
			 "\"deletionTimestamp\":null,\"resourceVersion\":\"\"}}");
	EXPECT(meta_decode(object, arena, &meta, &err));
	EXPECT_TEXT(meta.ns, "");
	EXPECT_TEXT(meta.uid, "");
	EXPECT(meta.version == 0);
	EXPECT_INT(meta.created_ms, 0);
	EXPECT(!meta.terminating);
	EXPECT(!meta.owner.api_version);
}

TEST(meta, refuses)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
	    {"{}", "metadata.name is missing"},
	    {"{\"metadata\":{\"name\":\"\"}}", "metadata.name is missing"},
	    {"{\"metadata\":{\"name\":1}}", "metadata.name is missing"},
	    {"{\"metadata\":[]}", "metadata.name is missing"},
	    {"{\"metadata\":{\"name\":\"a\",\"resourceVersion\":5}}", "is no text"},
	    {"{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"5x\"}}", "\"5x\" is no number"},
	    {"{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"-5\"}}", "is no number"},
	    {"{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\" 5\"}}", "is no number"},
	    {"{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"18446744073709551616\"}}",
	     "is no number"},
	    {"{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"99999999999999999999999\"}}",
	     "is no number"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct meta meta;
		test_row("%s", rows[i].text);
		EXPECT(!meta_decode(parse(arena, rows[i].text), arena, &meta, &err));
		EXPECT_INT(err.kind, ERROR_INVALID);
		EXPECT_CONTAINS(error_text(&err), rows[i].why);
	}
	test_row("%s", "");
}

TEST(meta, survives_corrupt_owners)
{
	static const struct {
		const char *owners;
		bool owned;
		const char *uid;
	} rows[] = {
	    {"null", false, NULL},
	    {"{}", false, NULL},
	    {"\"x\"", false, NULL},
	    {"[]", false, NULL},
	    {"[null,1,\"x\",[]]", false, NULL},
	    {"[{\"controller\":\"true\",\"uid\":\"u\"}]", false, NULL},
	    {"[{\"controller\":false,\"uid\":\"u\"}]", false, NULL},
	    {"[{\"controller\":true}]", true, ""},
	    {"[{\"controller\":true,\"uid\":7}]", true, ""},
	    {"[{\"controller\":true,\"uid\":\"u\"},{\"controller\":true,\"uid\":\"v\"}]", true,
	     "u"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct meta meta;
		test_row("%s", rows[i].owners);
		const char *text =
		    arena_printf(arena, "{\"metadata\":{\"name\":\"a\",\"ownerReferences\":%s}}",
				 rows[i].owners);
		EXPECT(meta_decode(parse(arena, text), arena, &meta, &err));
		EXPECT(!!meta.owner.api_version == rows[i].owned);
		EXPECT_TEXT(meta.owner.uid, rows[i].uid);
	}
	test_row("%s", "");
}

TEST(meta, owned_by_never_means_nobody)
{
	struct meta owned = {.owner = {"v1", "K", "n", "u"}};
	struct meta without_uid = {.owner = {"", "", "", ""}};
	struct meta orphan = {0};
	EXPECT(meta_owned_by(&owned, "u"));
	EXPECT(!meta_owned_by(&owned, "other"));
	EXPECT(!meta_owned_by(&owned, ""));
	EXPECT(!meta_owned_by(&owned, NULL));
	EXPECT(!meta_owned_by(&without_uid, ""));
	EXPECT(!meta_owned_by(&orphan, "u"));
	EXPECT(!meta_owned_by(&orphan, NULL));
}

TEST(meta, terminating)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct meta meta;
	EXPECT(meta_decode(parse(arena, "{\"metadata\":{\"name\":\"a\",\"deletionTimestamp\":"
					"\"2026-01-01T00:00:00Z\"}}"),
			   arena, &meta, &err));
	EXPECT(meta.terminating);
}

static bool only_b(const char *key)
{
	return key[0] == 'b';
}

TEST(meta, pairs_keep_their_order_and_may_be_chosen)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct meta_pairs all, some, none;
	const struct json *object =
	    parse(arena, "{\"metadata\":{\"labels\":{\"b2\":\"1\",\"a\":\"2\",\"b1\":\"\"}}}");
	EXPECT(meta_decode_pairs(object, "labels", NULL, arena, &all, &err));
	EXPECT_INT(all.count, 3);
	EXPECT_TEXT(all.items[0].key, "b2");
	EXPECT_TEXT(all.items[1].key, "a");
	EXPECT_TEXT(meta_pair_get(&all, "a"), "2");
	EXPECT_TEXT(meta_pair_get(&all, "b1"), "");
	EXPECT(!meta_pair_get(&all, "c"));
	EXPECT(meta_decode_pairs(object, "labels", only_b, arena, &some, &err));
	EXPECT_INT(some.count, 2);
	EXPECT(!meta_pair_get(&some, "a"));
	EXPECT(meta_decode_pairs(object, "annotations", NULL, arena, &none, &err));
	EXPECT_INT(none.count, 0);
	EXPECT(!meta_pair_get(&none, "a"));
}

TEST(meta, a_nul_does_not_end_a_value)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct meta_pairs pairs;
	const struct json *object = parse(
	    arena, "{\"metadata\":{\"annotations\":{\"a\":\"5\\u0000x\",\"b\":\"\\u0000\"}}}");
	EXPECT(meta_decode_pairs(object, "annotations", NULL, arena, &pairs, &err));
	EXPECT_TEXT(meta_pair_get(&pairs, "a"), "5\xC0\x80x");
	EXPECT_TEXT(meta_pair_get(&pairs, "b"), "\xC0\x80");
}

TEST(meta, pairs_refuse_what_is_no_text)
{
	static const struct {
		const char *map, *why;
	} rows[] = {
	    {"[]", "metadata.labels is no object"},
	    {"\"x\"", "metadata.labels is no object"},
	    {"{\"a\":\"x\",\"b\":1}", "metadata.labels: \"b\" is no text"},
	    {"{\"b\":null}", "\"b\" is no text"},
	    {"{\"b\":{}}", "\"b\" is no text"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct meta_pairs pairs;
		test_row("%s", rows[i].map);
		const char *text =
		    arena_printf(arena, "{\"metadata\":{\"labels\":%s}}", rows[i].map);
		EXPECT(!meta_decode_pairs(parse(arena, text), "labels", NULL, arena, &pairs, &err));
		EXPECT_INT(err.kind, ERROR_INVALID);
		EXPECT_CONTAINS(error_text(&err), rows[i].why);
	}
	test_row("%s", "");
}

TEST(meta, pairs_pass_over_what_is_not_kept_whatever_it_holds)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct meta_pairs pairs;
	const struct json *object =
	    parse(arena, "{\"metadata\":{\"labels\":{\"a\":5,\"b\":\"1\"}}}");
	EXPECT(meta_decode_pairs(object, "labels", only_b, arena, &pairs, &err));
	EXPECT_INT(pairs.count, 1);
	object = parse(arena, "{\"metadata\":{\"labels\":null}}");
	EXPECT(meta_decode_pairs(object, "labels", NULL, arena, &pairs, &err));
	EXPECT_INT(pairs.count, 0);
}

/* A million different keys must not fill the pool; known ones stay shared. */
TEST(meta, shares_keys_until_the_pool_is_full)
{
	const char *first = NULL;
	for (int i = 0; i < 20000; i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct meta_pairs pairs;
		const char *text = arena_printf(
		    arena, "{\"metadata\":{\"labels\":{\"known\":\"x\",\"key-%0200d\":\"v\"}}}", i);
		EXPECT(meta_decode_pairs(parse(arena, text), "labels", NULL, arena, &pairs, &err));
		if (!first)
			first = pairs.items[0].key;
		if (pairs.items[0].key != first || strlen(pairs.items[1].key) != 204)
			EXPECT(!"shared, and the other one whole");
	}
	EXPECT(intern_bytes() < (size_t)(1 << 20) + 4096 + ((size_t)1 << 18));
}

TEST(meta, finalizers)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct json *object =
	    parse(arena, "{\"metadata\":{\"finalizers\":[1,\"a\",\"finalizer.keda.sh\"]}}");
	EXPECT(meta_has_finalizer(object, "finalizer.keda.sh"));
	EXPECT(!meta_has_finalizer(object, "b"));
	EXPECT(!meta_has_finalizer(parse(arena, "{\"metadata\":{\"finalizers\":\"a\"}}"), "a"));
	EXPECT(!meta_has_finalizer(parse(arena, "{}"), "a"));
}

TEST(meta, makes_an_owner_reference)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	json_write(meta_owner_reference(arena, "v1", "Pod", "p", "u"), &text);
	EXPECT_TEXT(text.buf,
		    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"p\",\"uid\":\"u\","
		    "\"controller\":true,\"blockOwnerDeletion\":true}");
}

TEST_MAIN(TEST_OF(meta, takes_over_what_the_controller_reads),
	  TEST_OF(meta, is_content_with_a_name), TEST_OF(meta, refuses),
	  TEST_OF(meta, survives_corrupt_owners), TEST_OF(meta, owned_by_never_means_nobody),
	  TEST_OF(meta, terminating), TEST_OF(meta, pairs_keep_their_order_and_may_be_chosen),
	  TEST_OF(meta, a_nul_does_not_end_a_value), TEST_OF(meta, pairs_refuse_what_is_no_text),
	  TEST_OF(meta, pairs_pass_over_what_is_not_kept_whatever_it_holds),
	  TEST_OF(meta, shares_keys_until_the_pool_is_full), TEST_OF(meta, finalizers),
	  TEST_OF(meta, makes_an_owner_reference))
