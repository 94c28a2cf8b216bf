/* Objects: references, and what one costs. */
#include <stdlib.h>
#include <string.h>

#include "pkg/meta/object.h"
#include "test/lib/test.h"

struct typed {
	struct object object;
	struct meta_pairs labels;
	struct meta_pairs annotations;
	uint64_t spec[16]; /* what a typed object holds besides */
};

/* As Knative writes it, without managedFields. */
static const char podautoscaler[] =
    "{\"metadata\":{\"name\":\"hello-world-00042\",\"namespace\":\"team-shop-production\","
    "\"uid\":\"0ca1f7a8-33bd-4b05-9f8e-6c2dd1b0e1a7\",\"resourceVersion\":\"1234567\","
    "\"generation\":1,\"creationTimestamp\":\"2026-01-01T00:00:00Z\",\"labels\":{"
    "\"app\":\"hello-world-00042\",\"serving.knative.dev/configuration\":\"hello-world\","
    "\"serving.knative.dev/configurationGeneration\":\"42\","
    "\"serving.knative.dev/configurationUID\":\"5d36bd4a-0000-4b05-9f8e-6c2dd1b0e1a7\","
    "\"serving.knative.dev/revision\":\"hello-world-00042\","
    "\"serving.knative.dev/revisionUID\":\"6d36bd4a-0000-4b05-9f8e-6c2dd1b0e1a7\","
    "\"serving.knative.dev/service\":\"hello-world\","
    "\"serving.knative.dev/serviceUID\":\"7d36bd4a-0000-4b05-9f8e-6c2dd1b0e1a7\"},"
    "\"annotations\":{\"autoscaling.knative.dev/class\":\"hpa.autoscaling.knative.dev\","
    "\"autoscaling.knative.dev/metric\":\"cpu\",\"autoscaling.knative.dev/target\":\"70\","
    "\"autoscaling.knative.dev/min-scale\":\"1\",\"autoscaling.knative.dev/max-scale\":\"10\"},"
    "\"ownerReferences\":[{\"apiVersion\":\"serving.knative.dev/v1\",\"kind\":\"Revision\","
    "\"name\":\"hello-world-00042\",\"uid\":\"6d36bd4a-0000-4b05-9f8e-6c2dd1b0e1a7\","
    "\"controller\":true,\"blockOwnerDeletion\":true}]}}";

static struct typed *decode(const char *text)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *json = NULL;
	struct typed *typed = object_new(sizeof(*typed));
	struct arena *arena = typed->object.arena;
	EXPECT(json_parse(text, strlen(text), NULL, scratch, &json, &err));
	EXPECT(meta_decode(json, arena, &typed->object.meta, &err));
	EXPECT(meta_decode_pairs(json, "labels", NULL, arena, &typed->labels, &err));
	EXPECT(meta_decode_pairs(json, "annotations", NULL, arena, &typed->annotations, &err));
	return typed;
}

TEST(object, begins_zeroed_with_one_reference)
{
	struct typed *typed = object_new(sizeof(*typed));
	EXPECT_INT(typed->object.refs, 1);
	EXPECT(typed->object.arena != NULL);
	EXPECT(!typed->object.meta.name);
	EXPECT_INT(typed->spec[15], 0);
	object_unref(&typed->object);
}

TEST(object, lives_until_the_last_reference)
{
	struct typed *typed = decode(podautoscaler);
	EXPECT(object_ref(&typed->object) == &typed->object);
	object_unref(&typed->object);
	EXPECT_TEXT(typed->object.meta.name, "hello-world-00042");
	EXPECT_INT(typed->labels.count, 8);
	object_unref(&typed->object);
}

TEST(object, of_nothing)
{
	EXPECT(!object_ref(NULL));
	object_unref(NULL);
}

TEST(object, large_ones_fit_too)
{
	struct object *object = object_new(100000);
	memset((char *)object + sizeof(*object), 1, 100000 - sizeof(*object));
	object_unref(object);
}

TEST(object, shares_keys_but_no_values)
{
	struct typed *a = decode(podautoscaler), *b = decode(podautoscaler);
	EXPECT(a->labels.items[3].key == b->labels.items[3].key);
	EXPECT(a->labels.items[3].value != b->labels.items[3].value);
	EXPECT(a->object.meta.owner.kind == b->object.meta.owner.kind);
	object_unref(&a->object);
	EXPECT_TEXT(b->labels.items[3].key, "serving.knative.dev/configurationUID");
	object_unref(&b->object);
}

/* The largest of the four objects of a revision, which together may take some 3 KB. */
TEST(object, costs_little)
{
	struct typed *typed = decode(podautoscaler);
	size_t bytes = arena_bytes(typed->object.arena);
	printf("\n    a PodAutoscaler with labels and annotations: %zu bytes of JSON, %zu held\n",
	       strlen(podautoscaler), bytes);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
	EXPECT(bytes <= 1400);
#endif
	object_unref(&typed->object);
}

struct lone {
	struct object object;
	const char *text;
	uint64_t *numbers;
};

static bool fill_lone(struct object *object, const struct json *json, struct error *err)
{
	struct lone *lone = (struct lone *)object;
	lone->text = arena_strdup(object->arena, json_text_or(json_get(json, "text"), ""));
	lone->numbers = ARENA_ARRAY(object->arena, uint64_t, 3);
	lone->numbers[2] = 7;
	return meta_decode(json, object->arena, &object->meta, err);
}

static struct lone *decode_lone(const char *text, struct error *err)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	struct json *json = NULL;
	EXPECT(json_parse(text, strlen(text), NULL, scratch, &json, err));
	return (struct lone *)object_decode(sizeof(struct lone), fill_lone, json, err);
}

TEST(object, decoded_is_one_block_of_just_its_size)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct lone *lone = decode_lone("{\"text\":\"12345678901234567890\","
					"\"metadata\":{\"name\":\"n\",\"uid\":\"u\"}}",
					&err);
	/* Aligned memory is a multiple of 16 each, texts are as long as they are. */
	size_t want = (sizeof(*lone) + 15) / 16 * 16 + 32 + 21 + 2 + 2;
	EXPECT(lone && !lone->object.arena && lone->object.refs == 1);
	EXPECT_INT(object_bytes(&lone->object), want);
	EXPECT_TEXT(lone->text, "12345678901234567890");
	EXPECT_TEXT(lone->object.meta.name, "n");
	EXPECT_INT(lone->numbers[2], 7);
	EXPECT(lone->text > (const char *)lone && lone->text < (const char *)lone + want);
	object_unref(&lone->object);
}

TEST(object, refused_leaves_nothing)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	EXPECT(!decode_lone("{\"text\":\"nameless\"}", &err));
	EXPECT_INT(err.kind, ERROR_INVALID);
}

TEST_MAIN(TEST_OF(object, begins_zeroed_with_one_reference),
	  TEST_OF(object, lives_until_the_last_reference), TEST_OF(object, of_nothing),
	  TEST_OF(object, large_ones_fit_too), TEST_OF(object, shares_keys_but_no_values),
	  TEST_OF(object, costs_little), TEST_OF(object, decoded_is_one_block_of_just_its_size),
	  TEST_OF(object, refused_leaves_nothing))
