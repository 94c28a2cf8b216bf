/*
 * What cached objects cost: a fixed amount each, and of our own PodAutoscalers what their
 * annotations take besides. However large others make their objects, they cost no more than small
 * ones. And what one revision costs, all four objects as Knative and KEDA write them, with their
 * places in the stores.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/slab.h"
#include "pkg/keda/hpa.h"
#include "pkg/keda/scaled_object.h"
#include "pkg/knative/pod_autoscaler.h"
#include "pkg/knative/serverless_service.h"
#include "pkg/kube/store.h"
#include "reconciler/controller/internal.h"
#include "test/lib/test.h"
#include "test/unit/quoted_json.h"

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
    {"PodAutoscaler of ours", pod_autoscaler_decode_lean, HPA_CLASS, "Revision", 700, true},
    {"PodAutoscaler of another class", pod_autoscaler_decode_lean, "kpa.autoscaling.knative.dev",
     "Revision", 700, false},
    {"PodAutoscaler of none", pod_autoscaler_decode_lean, "", "Revision", 700, false},
    {"ServerlessService", serverless_service_decode, "", "PodAutoscaler", 500, false},
    {"ScaledObject of ours", scaled_object_decode, HPA_CLASS, "PodAutoscaler", 600, false},
    {"ScaledObject of others", scaled_object_decode, "", "Rollout", 500, false},
    {"HorizontalPodAutoscaler", hpa_decode, "", "ScaledObject", 500, false},
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

/* ---- a revision ---- */

/* As Knative, this program and KEDA leave them when all is well; N stands for the name. */
static const char labels[] =
    "'labels':{'app':'N','serving.knative.dev/configuration':'shop',"
    "'serving.knative.dev/configurationGeneration':'1',"
    "'serving.knative.dev/configurationUID':'0ca1f7a8-33bd-4b05-9f8e-6c2dd1b0e1a1',"
    "'serving.knative.dev/revision':'N',"
    "'serving.knative.dev/revisionUID':'0ca1f7a8-33bd-4b05-9f8e-6c2dd1b0e1a2',"
    "'serving.knative.dev/service':'shop',"
    "'serving.knative.dev/serviceUID':'0ca1f7a8-33bd-4b05-9f8e-6c2dd1b0e1a3'}";
static const char metadata[] =
    "'name':'N','namespace':'team-shop','uid':'0ca1f7a8-33bd-4b05-9f8e-6c2dd1b0e1a4',"
    "'generation':1,'creationTimestamp':'2026-01-01T00:00:00Z','resourceVersion':'1234567',"
    "'ownerReferences':[{'uid':'0ca1f7a8-33bd-4b05-9f8e-6c2dd1b0e1a5','name':'N',"
    "'controller':true,'blockOwnerDeletion':true,";

static const struct {
	const char *what;
	object_decode_fn *decode;
	const char *(*index)(const struct object *object);
	const char *owner, *annotations, *rest;
} of_a_revision[] = {
    {"PodAutoscaler", pod_autoscaler_decode_lean, route_index_pod_autoscaler,
     "'apiVersion':'serving.knative.dev/v1','kind':'Revision'",
     "'autoscaling.knative.dev/class':'hpa.autoscaling.knative.dev',"
     "'autoscaling.knative.dev/metric':'requests','autoscaling.knative.dev/target':'5',"
     "'autoscaling.knative.dev/min-scale':'1','autoscaling.knative.dev/max-scale':'10',"
     "'serving.knative.dev/creator':'developer','autoscaling.knative.dev/prometheus-query':"
     "'sum(rate(http_requests_total{revision=\\\"{{ .revisionName }}\\\"}[1m]))'",
     "'spec':{'protocolType':'http1','reachability':'Reachable','scaleTargetRef':{"
     "'apiVersion':'apps/v1','kind':'Deployment','name':'N-deployment'}},"
     "'status':{'observedGeneration':1,'serviceName':'N','metricsServiceName':'',"
     "'desiredScale':1,'actualScale':1,'conditions':["
     "{'type':'Active','status':'True','lastTransitionTime':'2026-01-01T00:01:00Z'},"
     "{'type':'Ready','status':'True','lastTransitionTime':'2026-01-01T00:01:00Z'},"
     "{'type':'SKSReady','status':'True','lastTransitionTime':'2026-01-01T00:01:00Z'},"
     "{'type':'ScaleTargetInitialized','status':'True'}]}"},
    {"ServerlessService", serverless_service_decode, NULL,
     "'apiVersion':'autoscaling.internal.knative.dev/v1alpha1','kind':'PodAutoscaler'",
     "'autoscaling.knative.dev/class':'hpa.autoscaling.knative.dev'",
     "'spec':{'mode':'Serve','protocolType':'http1','objectRef':{'apiVersion':'apps/v1',"
     "'kind':'Deployment','name':'N-deployment'}},'status':{'observedGeneration':1,"
     "'serviceName':'N','privateServiceName':'N-private','conditions':["
     "{'type':'Ready','status':'True'}]}"},
    {"ScaledObject", scaled_object_decode, route_index_scaled_object,
     "'apiVersion':'autoscaling.internal.knative.dev/v1alpha1','kind':'PodAutoscaler'",
     "'autoscaling.knative.dev/class':'hpa.autoscaling.knative.dev'",
     "'spec':{'scaleTargetRef':{'name':'N-deployment'},'minReplicaCount':1,"
     "'maxReplicaCount':10},'status':{'conditions':[{'type':'Ready','status':'True'}]}"},
    {"HorizontalPodAutoscaler", hpa_decode, route_index_hpa,
     "'apiVersion':'keda.sh/v1alpha1','kind':'ScaledObject'", "'a':'b'",
     "'spec':{'scaleTargetRef':{'kind':'Deployment','name':'N-deployment'}},'status':{"
     "'currentReplicas':1,'desiredReplicas':1,'conditions':[{'type':'ScalingActive',"
     "'status':'True','lastTransitionTime':'2026-01-01T00:01:00Z'}]}"},
};

static struct json *named(struct arena *arena, size_t kind, const char *name)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	const char *json = arena_printf(arena, "{'metadata':{%s%s}],%s,'annotations':{%s}},%s}",
					metadata, of_a_revision[kind].owner, labels,
					of_a_revision[kind].annotations, of_a_revision[kind].rest);
	for (const char *hole; (hole = strstr(json, "'N")); json = hole + 2) {
		strbuf_add(&text, json, (size_t)(hole - json) + 1);
		strbuf_addstr(&text, name);
	}
	strbuf_addstr(&text, json);
	return quoted_json(arena, text.buf);
}

static void fill_store(struct store *store, size_t kind, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		const char *name = arena_printf(arena, "shop-%05zu-00001", i);
		struct object *object = of_a_revision[kind].decode(named(arena, kind, name), &err);
		EXPECT_TEXT(error_text(&err), "");
		if (object)
			store_put(store, object);
	}
}

#define REVISIONS 1000
/* What is reached, and little more: a field or two. Smaller is better, and moves the bound. */
#define REVISION_BYTES 2400

/* The guard of the goal of 40 MB for 10,000 revisions, of which 3,300 bytes are for each. */
TEST(cache_memory, a_revision_costs_what_it_did)
{
	struct store *stores[ARRAY_SIZE(of_a_revision)];
	size_t before = slab_bytes(), whole = 0;
	for (size_t i = 0; i < ARRAY_SIZE(of_a_revision); i++) {
		struct store_config config = {.index = of_a_revision[i].index};
		stores[i] = store_new(&config);
		fill_store(stores[i], i, REVISIONS);
		EXPECT_INT(store_count(stores[i]), REVISIONS);
		whole += store_bytes(stores[i]) / REVISIONS;
		printf("    %s: %zu\n", of_a_revision[i].what, store_bytes(stores[i]) / REVISIONS);
	}
	printf("bytes a revision: %zu (bound %d), its pages: %zu\n", whole, REVISION_BYTES,
	       (slab_bytes() - before) / REVISIONS);
	EXPECT(whole <= REVISION_BYTES);
	EXPECT(whole > REVISION_BYTES - 300); /* else the bound guards nothing */
	for (size_t i = 0; i < ARRAY_SIZE(stores); i++)
		store_free(stores[i]);
	EXPECT_INT(slab_bytes(), before);
}

TEST_MAIN(TEST_OF(cache_memory, giants_cost_no_more_than_dwarfs),
	  TEST_OF(cache_memory, of_ours_the_annotations_are_kept_once),
	  TEST_OF(cache_memory, a_revision_costs_what_it_did))
