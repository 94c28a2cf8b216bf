/*
 * What cached objects cost: a fixed amount each, and of our own PodAutoscalers what their
 * annotations take besides. However large others make their objects, they cost no more than small
 * ones.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/keda/hpa.h"
#include "pkg/keda/scaled_object.h"
#include "pkg/knative/pod_autoscaler.h"
#include "pkg/knative/serverless_service.h"
#include "pkg/kube/store.h"
#include "test/lib/test.h"

#define KIB 1024
#define GIANT (256 * KIB)

static char *giant(size_t size)
{
	char *text = malloc(size + 1);
	memset(text, 'x', size);
	text[size] = '\0';
	return text;
}

struct kind {
	const char *what;
	object_decode_fn *decode;
	const char *class; /* annotation */
	const char *owner; /* kind of the controlling owner */
	size_t most;       /* bytes in the cache, table and all */
	bool grows;        /* with its annotations */
};

#define HPA_CLASS "hpa.autoscaling.knative.dev"

static const struct kind kinds[] = {
    {"PodAutoscaler of ours", pod_autoscaler_decode_lean, HPA_CLASS, "Revision", 2500, true},
    {"PodAutoscaler of another class", pod_autoscaler_decode_lean, "kpa.autoscaling.knative.dev",
     "Revision", 1300, false},
    {"PodAutoscaler of none", pod_autoscaler_decode_lean, "", "Revision", 1300, false},
    {"ServerlessService", serverless_service_decode, "", "PodAutoscaler", 1300, false},
    {"ScaledObject of ours", scaled_object_decode, HPA_CLASS, "PodAutoscaler", 1500, false},
    {"ScaledObject of others", scaled_object_decode, "", "Rollout", 1300, false},
    {"HorizontalPodAutoscaler", hpa_decode, "", "ScaledObject", 1300, false},
};

static struct json *text_object(struct arena *arena, size_t count, const char *name,
				const char *value)
{
	struct json *object = json_object(arena);
	for (size_t i = 0; i < count; i++)
		json_set_text(arena, object, arena_printf(arena, "%s-%zu", name, i), value);
	return object;
}

static struct json *metadata_of(struct arena *arena, const struct kind *kind, const char *name,
				const char *filler, size_t annotations)
{
	struct json *metadata = text_object(arena, 0, "", "");
	struct json *owner = json_object(arena), *owners = json_array(arena);
	json_set_text(arena, metadata, "namespace", "default");
	json_set_text(arena, metadata, "name", name);
	json_set_text(arena, metadata, "uid", "0b6d2c1e-0000-4000-8000-000000000002");
	json_set_text(arena, metadata, "resourceVersion", "123456");
	json_set(arena, metadata, "annotations",
		 text_object(arena, annotations, "example.com/filler", filler));
	if (kind->class[0])
		json_set_text(arena, json_ensure_object(arena, metadata, "annotations"),
			      "autoscaling.knative.dev/class", kind->class);
	json_set_text(arena, owner, "apiVersion", "autoscaling.internal.knative.dev/v1alpha1");
	json_set_text(arena, owner, "kind", kind->owner);
	json_set_text(arena, owner, "name", name);
	json_set_text(arena, owner, "uid", "0b6d2c1e-0000-4000-8000-000000000003");
	json_set_bool(arena, owner, "controller", true);
	json_append(arena, owners, owner);
	json_set(arena, metadata, "ownerReferences", owners);
	return metadata;
}

static struct json *object_of(struct arena *arena, const struct kind *kind, const char *name,
			      const char *filler, size_t annotations)
{
	struct json *object = json_object(arena), *condition = json_object(arena);
	struct json *conditions = json_array(arena);
	struct json *spec = text_object(arena, 8, "filler", filler);
	struct json *status = text_object(arena, 8, "filler", filler);
	struct json *target = json_ensure_object(arena, spec, "scaleTargetRef");
	json_set_text(arena, target, "apiVersion", "apps/v1");
	json_set_text(arena, target, "kind", "Deployment");
	json_set_text(arena, target, "name", "hello-00001-deployment");
	json_set_text(arena, spec, "mode", filler);
	json_set_text(arena, spec, "protocolType", filler);
	json_set_text(arena, condition, "type", "Other");
	json_set_text(arena, condition, "status", "True");
	json_set_text(arena, condition, "message", filler);
	json_append(arena, conditions, condition);
	json_set(arena, status, "conditions", kind->grows ? json_array(arena) : conditions);
	json_set(arena, object, "metadata", metadata_of(arena, kind, name, filler, annotations));
	json_set(arena, object, "spec", spec);
	json_set(arena, object, "status", status);
	return object;
}

/* Bytes a store needs for count of them. */
static size_t cost(const struct kind *kind, size_t count, const char *filler, size_t annotations)
{
	struct store *store = store_new(NULL);
	for (size_t i = 0; i < count; i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		const char *name = arena_printf(arena, "hello-%05zu", i);
		struct object *object =
		    kind->decode(object_of(arena, kind, name, filler, annotations), &err);
		EXPECT(object != NULL);
		if (object)
			store_put(store, object);
	}
	size_t bytes = store_bytes(store);
	EXPECT_INT(store_count(store), count);
	store_free(store);
	return bytes;
}

TEST(cache_memory, giants_cost_no_more_than_dwarfs)
{
	char *filler = giant(GIANT);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct kind *kind = &kinds[i];
		test_row("%s", kind->what);
		size_t small = cost(kind, 1000, "x", 0) / 1000;
		size_t large = cost(kind, 3, filler, kind->grows ? 0 : 4) / 3;
		printf("%s: %zu bytes, of a giant %zu\n", kind->what, small, large);
		EXPECT(small <= kind->most);
		EXPECT(large <= kind->most + 4 * KIB);
	}
	test_row("%s", "");
	free(filler);
}

/* Its annotations are what it is made from. */
TEST(cache_memory, of_ours_the_annotations_are_kept_once)
{
	char *filler = giant(GIANT);
	size_t bytes = cost(&kinds[0], 1, filler, 1);
	EXPECT(bytes >= GIANT && bytes <= GIANT + 8 * KIB);
	free(filler);
}

TEST_MAIN(TEST_OF(cache_memory, giants_cost_no_more_than_dwarfs),
	  TEST_OF(cache_memory, of_ours_the_annotations_are_kept_once))
