/*
 * ScaledObject: when two specs are equal, and that the patch between any two objects leads from one
 * to the other and then finds nothing more.
 */
#include "pkg/keda/scaled_object.h"
#include "test/lib/test.h"
#include "test/unit/scaled_objects.h"

/* ---- the normal form ---- */

TEST(spec, normal_form)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *spec, *want;
	} rows[] = {
	    {"{}", "(none)"},
	    {"null", "(none)"},
	    {"{'a':null,'b':{},'c':[],'d':'','e':false,'f':{'g':{'h':[]}}}", "(none)"},
	    {"{'a':true,'b':'x','c':0,'d':[0]}", "{'a':true,'b':'x','c':0,'d':[0]}"},
	    /* Elements stay, whatever is left of them. */
	    {"{'a':[{},null,'',false,{'b':false},1]}", "{'a':[null,null,null,null,null,1]}"},
	    /* Zeros that mean something, and the one that does not. */
	    {"{'minReplicaCount':0,'cooldownPeriod':0,'idleReplicaCount':0,"
	     "'initialCooldownPeriod':0,'fallback':{'replicas':0}}",
	     "{'cooldownPeriod':0,'idleReplicaCount':0,'initialCooldownPeriod':0,"
	     "'fallback':{'replicas':0}}"},
	    {"{'minReplicaCount':0.0}", "(none)"},
	    {"{'minReplicaCount':1}", "{'minReplicaCount':1}"},
	    {"{'minReplicaCount':'0'}", "{'minReplicaCount':'0'}"},
	    {"{'advanced':{'minReplicaCount':0}}", "{'advanced':{'minReplicaCount':0}}"},
	    /* Defaults of the CRD, at their places only. */
	    {"{'fallback':{'behavior':'static','replicas':1}}", "{'fallback':{'replicas':1}}"},
	    {"{'fallback':{'behavior':'currentReplicas'}}",
	     "{'fallback':{'behavior':'currentReplicas'}}"},
	    {"{'behavior':'static'}", "{'behavior':'static'}"},
	    {"{'triggers':[{'type':'x','authenticationRef':"
	     "{'name':'n','kind':'TriggerAuthentication'}}]}",
	     "{'triggers':[{'type':'x','authenticationRef':{'name':'n'}}]}"},
	    {"{'triggers':[{'type':'x','authenticationRef':"
	     "{'name':'n','kind':'ClusterTriggerAuthentication'}}]}",
	     "{'triggers':[{'type':'x','authenticationRef':"
	     "{'name':'n','kind':'ClusterTriggerAuthentication'}}]}"},
	    {"{'kind':'TriggerAuthentication'}", "{'kind':'TriggerAuthentication'}"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *spec = quoted_json(arena, rows[i].spec);
		const char *before = json_shown(arena, spec);
		test_row("%s", rows[i].spec);
		EXPECT_TEXT(json_shown(arena, scaled_object_normalize(spec, NULL, arena)),
			    rows[i].want);
		EXPECT_TEXT(json_shown(arena, spec), before);
	}
	EXPECT(scaled_object_normalize(NULL, NULL, arena) == NULL);
}

#define TOLERANCE(direction, value)                                                                \
	"{'advanced':{'horizontalPodAutoscalerConfig':{'behavior':{'" direction                    \
	"':{'tolerance':" value "}}}}}"
#define TRIGGER(type, metric, value)                                                               \
	"{'triggers':[{'type':'" type "','metricType':'" metric "','metadata':{'value':'" value    \
	"'}}]}"

TEST(spec, equal_specs)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *a, *b;
		bool want;
	} rows[] = {
	    {"{}", "{'advanced':{'scalingModifiers':{}}}", true},
	    {"{'a':1}", "{'a':1.0}", true},
	    {"{'a':100}", "{'a':1e2}", true},
	    {"{'a':1,'b':2}", "{'b':2,'a':1}", true},
	    {"{'a':[1,2]}", "{'a':[2,1]}", false},
	    {"{'a':[{}]}", "{'a':[]}", false},
	    {"{'a':[{}]}", "{'a':[null]}", true},
	    {"{'a':1}", "{'a':'1'}", false},
	    {"{'cooldownPeriod':0}", "{}", false},
	    {TRIGGER("cpu", "AverageValue", "500m"), TRIGGER("cpu", "AverageValue", "0.5"), true},
	    {TRIGGER("memory", "AverageValue", "1Gi"), TRIGGER("memory", "AverageValue", "1024Mi"),
	     true},
	    {TRIGGER("memory", "AverageValue", "1G"), TRIGGER("memory", "AverageValue", "1Gi"),
	     false},
	    {TRIGGER("cpu", "AverageValue", "x"), TRIGGER("cpu", "AverageValue", "x"), true},
	    {TRIGGER("cpu", "AverageValue", "x"), TRIGGER("cpu", "AverageValue", "y"), false},
	    {TOLERANCE("scaleUp", "0.05"), TOLERANCE("scaleUp", "'50m'"), true},
	    {TOLERANCE("scaleDown", "'0.05'"), TOLERANCE("scaleDown", "'50m'"), true},
	    {TOLERANCE("scaleDown", "'0.05'"), TOLERANCE("scaleDown", "'60m'"), false},
	    {TOLERANCE("scaleDown", "'x'"), TOLERANCE("scaleDown", "'x'"), true},
	    {TOLERANCE("other", "0.05"), TOLERANCE("other", "'50m'"), false},
	    /* Quantities are values of cpu and memory alone, and no percentages. */
	    {TRIGGER("cpu", "Utilization", "1k"), TRIGGER("cpu", "Utilization", "1000"), false},
	    {TRIGGER("kafka", "AverageValue", "1k"), TRIGGER("kafka", "AverageValue", "1000"),
	     false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *a = quoted_json(arena, rows[i].a), *b = quoted_json(arena, rows[i].b);
		test_row("%s and %s", rows[i].a, rows[i].b);
		EXPECT_INT(scaled_object_spec_equal(a, b, NULL, arena), rows[i].want);
		EXPECT_INT(scaled_object_spec_equal(b, a, NULL, arena), rows[i].want);
		EXPECT_INT(scaled_object_spec_hash(a, arena) == scaled_object_spec_hash(b, arena),
			   rows[i].want);
	}
}

/* An override may nest long keys over many members: paths must not multiply them. */
TEST(spec, long_paths_cost_little)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char *key = arena_alloc(arena, 100001);
	memset(key, 'k', 100000);
	struct json *inner = json_object(arena), *spec = json_object(arena);
	for (int i = 0; i < 200; i++)
		json_set_int(arena, inner, arena_printf(arena, "m%d", i), i);
	json_set(arena, spec, key, inner);
	size_t before = arena_bytes(arena);
	EXPECT(scaled_object_spec_equal(spec, spec, NULL, arena));
	EXPECT(arena_bytes(arena) - before < 2000000);
}

/* ---- the patch ---- */

/* Applies the patch as the API server would and demands that nothing is left to patch. */
static void check_patch(struct arena *arena, const struct json *desired, const struct json *live,
			const struct json *patch)
{
	struct json *after = json_merge_apply(arena, live, patch);
	struct json *again = scaled_object_diff(desired, after, NULL, arena);
	EXPECT_TEXT(json_shown(arena, again), "(none)");
	EXPECT(scaled_object_spec_equal(json_get(desired, "spec"), json_get(after, "spec"), NULL,
					arena));
	EXPECT_TEXT(json_text(json_path(patch, "metadata", "resourceVersion", NULL)), "4711");
	EXPECT(json_equal(json_path(live, "metadata", "finalizers", NULL),
			  json_path(after, "metadata", "finalizers", NULL)));
}

TEST(spec, a_round_trip_through_keda_is_in_sync)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *desired = desired_json(arena), *live = live_json(arena);
	EXPECT_TEXT(json_shown(arena, scaled_object_diff(desired, live, NULL, arena)), "(none)");
	/* and one whose desired form says what KEDA drops */
	desired = patched(arena, desired,
			  "{'spec':{'minReplicaCount':2,'advanced':{'scalingModifiers':{},"
			  "'restoreToOriginalReplicaCount':false},'fallback':{'behavior':'static'},"
			  "'scaleTargetRef':{'envSourceContainerName':''}}}");
	EXPECT_TEXT(json_shown(arena, scaled_object_diff(desired, live, NULL, arena)), "(none)");
}

#define VERSION "'metadata':{'resourceVersion':'4711'}"

TEST(spec, drift_of_the_spec)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *desired, *live; /* patches on top of the two */
		const char *want;
	} rows[] = {
	    {"{}", "{'spec':{'pollingInterval':5}}",
	     "{" VERSION ",'spec':{'pollingInterval':null}}"},
	    {"{'spec':{'pollingInterval':5}}", "{}", "{" VERSION ",'spec':{'pollingInterval':5}}"},
	    {"{'spec':{'cooldownPeriod':0}}", "{'spec':{'cooldownPeriod':300}}",
	     "{" VERSION ",'spec':{'cooldownPeriod':0}}"},
	    {"{'spec':{'minReplicaCount':0}}", "{}",
	     "{" VERSION ",'spec':{'minReplicaCount':null}}"},
	    {"{}", "{'spec':{'advanced':{'scalingModifiers':{'formula':'a'}}}}",
	     "{" VERSION ",'spec':{'advanced':{'scalingModifiers':null}}}"},
	    {"{'spec':{'advanced':{'scalingModifiers':{}}}}",
	     "{'spec':{'advanced':{'scalingModifiers':{'formula':'a'}}}}",
	     "{" VERSION ",'spec':{'advanced':{'scalingModifiers':null}}}"},
	    {"{'spec':{'advanced':{'scalingModifiers':{'formula':'a'}}}}", "{}",
	     "{" VERSION ",'spec':{'advanced':{'scalingModifiers':{'formula':'a'}}}}"},
	    {"{'spec':{'advanced':{'restoreToOriginalReplicaCount':false}}}",
	     "{'spec':{'advanced':{'restoreToOriginalReplicaCount':true}}}",
	     "{" VERSION ",'spec':{'advanced':{'restoreToOriginalReplicaCount':null}}}"},
	    {"{}", "{'spec':{'fallback':{'behavior':'currentReplicas'}}}",
	     "{" VERSION ",'spec':{'fallback':{'behavior':null}}}"},
	    {"{'spec':{'fallback':null}}", "{}", "{" VERSION ",'spec':{'fallback':null}}"},
	    {"{'spec':{'fallback':{'behavior':'currentReplicas'}}}", "{}",
	     "{" VERSION ",'spec':{'fallback':{'behavior':'currentReplicas'}}}"},
	    /* A list is replaced whole, in the spelling of the desired object. */
	    {"{}", "{'spec':{'triggers':[]}}",
	     "{" VERSION ",'spec':{'triggers':[{'type':'cpu','name':'default-trigger-cpu',"
	     "'metricType':'AverageValue','metadata':{'value':'500m'}},{'type':'prometheus',"
	     "'metadata':{'query':'up','threshold':'0.5'},'authenticationRef':{'name':'a'}}]}}"},
	    {"{'spec':{'triggers':[{'type':'t','useCachedMetrics':false}]}}",
	     "{'spec':{'triggers':[{'type':'t','useCachedMetrics':true}]}}",
	     "{" VERSION ",'spec':{'triggers':[{'type':'t','useCachedMetrics':false}]}}"},
	    /* Types that changed. */
	    {"{'spec':{'x':{'a':1}}}", "{'spec':{'x':5}}", "{" VERSION ",'spec':{'x':{'a':1}}}"},
	    {"{'spec':{'x':5}}", "{'spec':{'x':{'a':1}}}", "{" VERSION ",'spec':{'x':5}}"},
	    {"{'spec':{'x':[1]}}", "{'spec':{'x':{'a':1}}}", "{" VERSION ",'spec':{'x':[1]}}"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *desired = patched(arena, desired_json(arena), rows[i].desired);
		struct json *live = patched(arena, live_json(arena), rows[i].live);
		test_row("%s, %s", rows[i].desired, rows[i].live);
		struct json *patch = scaled_object_diff(desired, live, NULL, arena);
		EXPECT_TEXT(json_shown(arena, patch), rows[i].want);
		check_patch(arena, desired, live, patch);
	}
}

#define META(metadata) "{'metadata':{'resourceVersion':'4711'," metadata "}}"
#define MANAGED "'autoscaling.knative.dev/keda-managed-annotations'"
#define OTHER_OWNER "{'apiVersion':'v1','kind':'ConfigMap','name':'c','uid':'c-uid'}"

TEST(spec, drift_of_the_metadata)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *desired, *live, *want;
	} rows[] = {
	    {"{}", "{'metadata':{'labels':{'app':null,'x':'y'}}}", META("'labels':{'app':'r1'}")},
	    {"{'metadata':{'labels':{'new':'1'}}}", "{}", META("'labels':{'new':'1'}")},
	    {"{}", "{'metadata':{'annotations':null}}",
	     META("'annotations':"
		  "{'autoscaling.knative.dev/class':'hpa.autoscaling.knative.dev'}")},
	    /* Ours by the list go, those of others stay. */
	    {"{'metadata':{'annotations':{'autoscaling.keda.sh/paused':'true'," MANAGED
	     ":'autoscaling.keda.sh/paused'}}}",
	     "{}",
	     META("'annotations':{'autoscaling.keda.sh/paused':'true'," MANAGED
		  ":'autoscaling.keda.sh/paused'}")},
	    {"{}",
	     "{'metadata':{'annotations':{'autoscaling.keda.sh/paused':'true',"
	     "'autoscaling.keda.sh/force-activation':'true'," MANAGED
	     ":'autoscaling.keda.sh/paused'}}}",
	     META("'annotations':{'autoscaling.keda.sh/paused':null," MANAGED ":null}")},
	    {"{'metadata':{'annotations':{'b':'1'," MANAGED ":'b'}}}",
	     "{'metadata':{'annotations':{'a':'1','b':'2','c':'3'," MANAGED ":',a,,b,gone,'}}}",
	     META("'annotations':{'b':'1'," MANAGED ":'b','a':null}")},
	    {"{}", "{'metadata':{'annotations':{" MANAGED ":''}}}",
	     META("'annotations':{" MANAGED ":null}")},
	    /* The class is ours whatever the list says. */
	    {"{}", "{'metadata':{'annotations':{" MANAGED ":'autoscaling.knative.dev/class'}}}",
	     META("'annotations':{" MANAGED ":null}")},
	    /* Owners. */
	    {"{}", "{'metadata':{'ownerReferences':null}}", META("'ownerReferences':[" OWNER "]")},
	    {"{}",
	     "{'metadata':{'ownerReferences':["
	     "{'apiVersion':'autoscaling.internal.knative.dev/v1alpha1','kind':'PodAutoscaler',"
	     "'name':'r1','uid':'pa-uid','controller':true,'blockOwnerDeletion':false}]}}",
	     META("'ownerReferences':[" OWNER "]")},
	    {"{}",
	     "{'metadata':{'ownerReferences':[" OTHER_OWNER
	     ",{'apiVersion':'autoscaling.internal.knative.dev/v1alpha1',"
	     "'kind':'PodAutoscaler','name':'r1','uid':'pa-uid'}]}}",
	     META("'ownerReferences':[" OWNER "," OTHER_OWNER "]")},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *desired = patched(arena, desired_json(arena), rows[i].desired);
		struct json *live = patched(arena, live_json(arena), rows[i].live);
		test_row("%s, %s", rows[i].desired, rows[i].live);
		struct json *patch = scaled_object_diff(desired, live, NULL, arena);
		EXPECT_TEXT(json_shown(arena, patch), rows[i].want);
		check_patch(arena, desired, live, patch);
	}
	struct json *live = patched(arena, live_json(arena),
				    "{'metadata':{'ownerReferences':[" OTHER_OWNER "," OWNER "]}}");
	EXPECT_TEXT(json_shown(arena, scaled_object_diff(desired_json(arena), live, NULL, arena)),
		    "(none)");
}

/* ---- any two specs ---- */

static unsigned next(unsigned *seed, unsigned below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 16) % below;
}

static struct json *random_value(struct arena *arena, unsigned *seed, unsigned depth)
{
	static const char *const keys[] = {
	    "minReplicaCount", "fallback", "behavior", "triggers",   "kind", "authenticationRef",
	    "metadata",        "value",    "type",     "metricType", "a"};
	static const char *const texts[] = {
	    "", "static", "TriggerAuthentication", "cpu", "AverageValue", "1000m", "1", "1k"};
	static const char *const numbers[] = {"0", "0.0", "1", "1e0", "7"};
	struct json *v;
	switch (next(seed, depth ? 8 : 4)) {
	case 0:
		return json_null(arena);
	case 1:
		return json_bool(arena, next(seed, 2));
	case 2:
		return json_string(arena, texts[next(seed, ARRAY_SIZE(texts))]);
	case 3:
		return json_number(arena, numbers[next(seed, ARRAY_SIZE(numbers))]);
	case 4:
		v = json_array(arena);
		for (unsigned i = next(seed, 3); i > 0; i--)
			json_append(arena, v, random_value(arena, seed, depth - 1));
		return v;
	default:
		v = json_object(arena);
		for (unsigned i = next(seed, 6); i > 0; i--) {
			const char *key = keys[next(seed, ARRAY_SIZE(keys))];
			json_set(arena, v, key, random_value(arena, seed, depth - 1));
		}
		return v;
	}
}

static struct json *random_object(struct arena *arena, unsigned *seed)
{
	struct json *object = quoted_json(arena, "{" VERSION "}");
	struct json *spec = json_object(arena);
	for (unsigned i = 0; i < 4; i++) {
		struct json *part = random_value(arena, seed, 4);
		if (json_is(part, JSON_OBJECT))
			spec = json_merge_apply(arena, spec, part);
	}
	json_set(arena, object, "spec", spec);
	return object;
}

TEST(spec, the_patch_between_any_two_leads_there)
{
	unsigned equal = 0, different = 0;
	for (unsigned seed = 1; seed <= 1500; seed++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		unsigned state = seed;
		struct json *desired = random_object(arena, &state);
		struct json *live = random_object(arena, &state);
		struct json *patch = scaled_object_diff(desired, live, NULL, arena);
		test_row("seed %u", seed);
		EXPECT_INT(patch == NULL,
			   scaled_object_spec_equal(json_get(desired, "spec"),
						    json_get(live, "spec"), NULL, arena));
		if (patch)
			check_patch(arena, desired, live, patch);
		different += patch != NULL;
		equal += patch == NULL;
		/* The normal form of a normal form is itself. */
		struct json *normal = scaled_object_normalize(json_get(live, "spec"), NULL, arena);
		EXPECT(json_equal(normal, scaled_object_normalize(normal, NULL, arena)));
	}
	test_row("all seeds");
	EXPECT(equal > 0);
	EXPECT(different > 500);
}

TEST_MAIN(TEST_OF(spec, normal_form), TEST_OF(spec, equal_specs),
	  TEST_OF(spec, long_paths_cost_little),
	  TEST_OF(spec, a_round_trip_through_keda_is_in_sync), TEST_OF(spec, drift_of_the_spec),
	  TEST_OF(spec, drift_of_the_metadata),
	  TEST_OF(spec, the_patch_between_any_two_leads_there))
