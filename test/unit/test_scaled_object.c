/*
 * ScaledObject: what the cache keeps, when two specs are equal, and that the patch between any two
 * objects leads from one to the other and then finds nothing more.
 */
#include "pkg/keda/scaled_object.h"

#include "pkg/keda/status.h"
#include "test/lib/test.h"
#include "test/unit/quoted_json.h"

#define OWNER                                                                                      \
	"{'apiVersion':'autoscaling.internal.knative.dev/v1alpha1','kind':'PodAutoscaler',"        \
	"'name':'r1','uid':'pa-uid','controller':true,'blockOwnerDeletion':true}"

/* What desired_build makes for an ordinary revision. */
static const char desired_text[] =
    "{'apiVersion':'keda.sh/v1alpha1','kind':'ScaledObject','metadata':{'name':'r1',"
    "'namespace':'ns','labels':{'app':'r1','scaledobject.keda.sh/name':'r1',"
    "'serving.knative.dev/configuration':'r','serving.knative.dev/configurationGeneration':'1',"
    "'serving.knative.dev/configurationUID':'0b6d2c1e-0000-4000-8000-000000000002',"
    "'serving.knative.dev/revision':'r1',"
    "'serving.knative.dev/revisionUID':'0b6d2c1e-0000-4000-8000-000000000003',"
    "'serving.knative.dev/service':'r',"
    "'serving.knative.dev/serviceUID':'0b6d2c1e-0000-4000-8000-000000000004'},"
    "'annotations':{'autoscaling.knative.dev/class':'hpa.autoscaling.knative.dev'},"
    "'ownerReferences':[" OWNER "]},"
    "'spec':{'scaleTargetRef':{'apiVersion':'apps/v1','kind':'Deployment',"
    "'name':'r1-deployment'},'minReplicaCount':2,'maxReplicaCount':10,'fallback':"
    "{'failureThreshold':3,'replicas':6},'advanced':{'horizontalPodAutoscalerConfig':"
    "{'name':'r1','behavior':{'scaleDown':{'stabilizationWindowSeconds':0}}}},"
    "'triggers':[{'type':'cpu','name':'default-trigger-cpu','metricType':'AverageValue',"
    "'metadata':{'value':'500m'}},{'type':'prometheus','metadata':{'query':'up',"
    "'threshold':'0.5'},'authenticationRef':{'name':'a'}}]}}";

static struct json *desired_json(struct arena *arena)
{
	return quoted_json(arena, desired_text);
}

static struct json *patched(struct arena *arena, const struct json *object, const char *patch)
{
	return json_merge_apply(arena, object, quoted_json(arena, patch));
}

/* As KEDA leaves it: finalizer, HPA status, a Go round trip, the CRD's defaults. */
static struct json *live_json(struct arena *arena)
{
	return patched(
	    arena, desired_json(arena),
	    "{'metadata':{'uid':'8a7c0a3e-0000-4000-8000-000000000006','resourceVersion':'4711',"
	    "'generation':2,'creationTimestamp':'2026-01-01T00:00:00Z',"
	    "'finalizers':['finalizer.keda.sh']},'spec':{'minReplicaCount':2.0,"
	    "'fallback':{'behavior':'static'},'advanced':{'scalingModifiers':{},"
	    "'restoreToOriginalReplicaCount':false,'horizontalPodAutoscalerConfig':{'behavior':"
	    "{'scaleUp':{},'scaleDown':{'stabilizationWindowSeconds':0}}}},"
	    "'triggers':[{'type':'cpu','name':'default-trigger-cpu','metricType':'AverageValue',"
	    "'metadata':{'value':'0.5'},'useCachedMetrics':false},{'type':'prometheus',"
	    "'name':'','metadata':{'query':'up','threshold':'0.5'},"
	    "'authenticationRef':{'name':'a','kind':'TriggerAuthentication'}}]},"
	    "'status':{'hpaName':'r1','pausedReplicaCount':0,'conditions':["
	    "{'type':'Ready','status':'False','reason':'ScaledObjectCheckFailed',"
	    "'message':'no such thing'},{'type':'Active','status':'Unknown'},"
	    "{'type':'Fallback','status':'False'},{'type':'Paused','status':'True'}]}}");
}

static struct scaled_object *decoded(const struct json *json)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct object *object = scaled_object_decode(json, &err);
	EXPECT_TEXT(error_text(&err), "");
	return (struct scaled_object *)object;
}

/* ---- the cache ---- */

TEST(scaled_object, reads_every_field)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *desired = desired_json(arena);
	uint64_t hash = scaled_object_spec_hash(json_get(desired, "spec"), arena);
	struct scaled_object *so = decoded(live_json(arena));
	EXPECT_INT(so->object.meta.version, 4711);
	EXPECT_TEXT(so->target_name, "r1-deployment");
	EXPECT(so->class_is_ours && so->has_keda_finalizer && !so->transfer);
	EXPECT(so->controlled_by_pa && so->owner_blocks && so->managed == NULL);
	EXPECT_INT(so->min_replicas, 2);
	EXPECT_INT(so->max_replicas, 10);
	EXPECT_INT(so->ready, 0);
	EXPECT_TEXT(so->ready_reason, "ScaledObjectCheckFailed");
	EXPECT_TEXT(so->ready_message, "no such thing");
	EXPECT(so->paused);
	EXPECT_INT(so->paused_replicas, 0);
	EXPECT(so->spec_hash == hash);
	EXPECT_INT(so->labels.count, 9);
	EXPECT_INT(so->annotations.count, 1);
	EXPECT(pair_set_has(&so->labels, "app", "r1"));
	EXPECT(!pair_set_has(&so->labels, "app", "r2"));
	EXPECT(!pair_set_has(&so->labels, "appr", "1"));
	EXPECT(scaled_object_in_sync(so, desired, hash));
	printf("    a ScaledObject takes %zu bytes\n", arena_bytes(so->object.arena));
	object_unref(&so->object);
}

TEST(scaled_object, foreign_ones_keep_little)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *owners;
		bool ours;
	} rows[] = {
	    {"[]", false},
	    {"null", false},
	    {"[{'apiVersion':'autoscaling.internal.knative.dev/v1','kind':'PodAutoscaler',"
	     "'name':'r1','uid':'u','controller':true}]",
	     true},
	    {"[{'apiVersion':'autoscaling.internal.knative.dev/v1','kind':'PodAutoscaler',"
	     "'name':'r1','uid':'u'}]",
	     false},
	    {"[{'apiVersion':'example.com/v1','kind':'PodAutoscaler','name':'r1',"
	     "'uid':'u','controller':true}]",
	     false},
	    {"[{'apiVersion':'apps/v1','kind':'Deployment','name':'r1','uid':'u',"
	     "'controller':true}]",
	     false},
	};
	struct pair_set none = {0};
	EXPECT(!pair_set_has(&none, "a", "b"));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scaled_object *so = decoded(patched(
		    arena, live_json(arena),
		    arena_printf(arena, "{'metadata':{'ownerReferences':%s}}", rows[i].owners)));
		test_row("%s", rows[i].owners);
		EXPECT_INT(so->controlled_by_pa, rows[i].ours);
		EXPECT_INT(so->labels.count, rows[i].ours ? 9 : 0);
		EXPECT_INT(so->spec_hash != 0, rows[i].ours);
		EXPECT(!so->owner_blocks);
		EXPECT_TEXT(so->target_name, "r1-deployment");
		EXPECT_TEXT(so->ready_message, "no such thing");
		EXPECT_INT(so->max_replicas, 10);
		EXPECT(so->paused && so->class_is_ours);
		EXPECT(!scaled_object_in_sync(so, desired_json(arena), so->spec_hash));
		object_unref(&so->object);
	}
}

TEST(scaled_object, odd_ones_are_read_as_empty)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const char *const rows[] = {
	    "{'metadata':{'name':'a'}}",
	    "{'metadata':{'name':'a','ownerReferences':[" OWNER "],'labels':7,"
	    "'annotations':{'autoscaling.knative.dev/class':5,"
	    "'scaledobject.keda.sh/transfer-hpa-ownership':'True'}}}",
	    "{'metadata':{'name':'a'},'spec':[],'status':'x'}",
	    "{'metadata':{'name':'a'},'spec':{'minReplicaCount':'1','maxReplicaCount':1e99,"
	    "'scaleTargetRef':'d'},'status':{'conditions':{},'pausedReplicaCount':null}}",
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scaled_object *so = decoded(quoted_json(arena, rows[i]));
		test_row("%s", rows[i]);
		EXPECT_TEXT(so->target_name, "");
		EXPECT(!so->class_is_ours && !so->transfer && !so->has_keda_finalizer);
		EXPECT_INT(so->min_replicas, 0);
		EXPECT_INT(so->max_replicas, 100);
		EXPECT_INT(so->ready, -1);
		EXPECT_TEXT(so->ready_reason, "");
		EXPECT_TEXT(so->ready_message, "");
		EXPECT(!so->paused);
		EXPECT_INT(so->paused_replicas, -1);
		EXPECT_INT(so->labels.count, 0);
		object_unref(&so->object);
	}
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	EXPECT(!scaled_object_decode(quoted_json(arena, "{'metadata':{}}"), &err));
	EXPECT_INT(err.kind, ERROR_INVALID);
	EXPECT_CONTAINS(error_text(&err), "ScaledObject: ");
}

TEST(scaled_object, conditions)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *conditions;
		int ready;
		const char *reason;
		bool paused;
	} rows[] = {
	    {"[]", -1, "", false},
	    {"[{'type':'Ready','status':'True','reason':'ScaledObjectReady'}]", 1, "", false},
	    {"[{'type':'Ready','status':'False','reason':'R'}]", 0, "R", false},
	    {"[{'type':'Ready','status':'Unknown','reason':'R'},"
	     "{'type':'Paused','status':'Unknown'}]",
	     2, "R", false},
	    {"[{'type':'Ready'},{'type':'Paused','status':'True'}]", 2, "", true},
	    {"[{'type':'Paused','status':'False'}]", -1, "", false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scaled_object *so = decoded(quoted_json(
		    arena,
		    arena_printf(arena, "{'metadata':{'name':'a'},'status':{'conditions':%s}}",
				 rows[i].conditions)));
		test_row("%s", rows[i].conditions);
		EXPECT_INT(so->ready, rows[i].ready);
		EXPECT_TEXT(so->ready_reason, rows[i].reason);
		EXPECT_INT(so->paused, rows[i].paused);
		object_unref(&so->object);
	}
}

/* The cut may not leave half of an "é" behind. */
TEST(scaled_object, long_messages_are_cut_on_a_character)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	for (size_t before = STATUS_TEXT_MAX - 2; before <= STATUS_TEXT_MAX; before++) {
		char *text = arena_alloc(arena, before + 40);
		memset(text, 'x', before);
		memcpy(text + before, "é and more", strlen("é and more"));
		const char *kept = status_text(json_string(arena, text), arena);
		bool fits = before + 2 <= STATUS_TEXT_MAX;
		test_row("%zu bytes before", before);
		EXPECT_INT(strlen(kept), fits ? before + 2 : before);
		EXPECT(strncmp(kept, text, strlen(kept)) == 0);
	}
}

/* Whatever the diff would mend shows in the cache, but for what only the live object can tell. */
TEST(scaled_object, in_sync_agrees_with_the_diff)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *drift;
		bool in_sync;
	} rows[] = {
	    {"{}", true},
	    {"{'metadata':{'labels':{'other':'x'},'annotations':{'a':'b'}}}", true},
	    {"{'metadata':{'labels':{'app':'other'}}}", false},
	    {"{'metadata':{'labels':{'app':null}}}", false},
	    {"{'metadata':{'labels':null}}", false},
	    {"{'metadata':{'annotations':null}}", false},
	    {"{'metadata':{'annotations':{'autoscaling.knative.dev/class':'kpa'}}}", false},
	    {"{'metadata':{'annotations':{"
	     "'autoscaling.knative.dev/keda-managed-annotations':'autoscaling.keda.sh/paused'}}}",
	     false},
	    {"{'metadata':{'annotations':{"
	     "'autoscaling.knative.dev/keda-managed-annotations':''}}}",
	     false},
	    {"{'metadata':{'ownerReferences':null}}", false},
	    {"{'metadata':{'ownerReferences':[{"
	     "'apiVersion':'autoscaling.internal.knative.dev/v1alpha1','kind':'PodAutoscaler',"
	     "'name':'r1','uid':'pa-uid','controller':true}]}}",
	     false},
	    {"{'metadata':{'ownerReferences':[{"
	     "'apiVersion':'autoscaling.internal.knative.dev/v1','kind':'PodAutoscaler',"
	     "'name':'r1','uid':'pa-uid','controller':true,'blockOwnerDeletion':true}]}}",
	     false},
	    {"{'metadata':{'ownerReferences':[{"
	     "'apiVersion':'autoscaling.internal.knative.dev/v1alpha1','kind':'PodAutoscaler',"
	     "'name':'r1','uid':'other','controller':true,'blockOwnerDeletion':true}]}}",
	     false},
	    {"{'spec':{'pollingInterval':5}}", false},
	    {"{'spec':{'minReplicaCount':null}}", false},
	};
	struct json *desired = desired_json(arena);
	uint64_t hash = scaled_object_spec_hash(json_get(desired, "spec"), arena);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *live = patched(arena, live_json(arena), rows[i].drift);
		struct scaled_object *so = decoded(live);
		test_row("%s", rows[i].drift);
		EXPECT_INT(scaled_object_in_sync(so, desired, hash), rows[i].in_sync);
		EXPECT_INT(scaled_object_diff(desired, live, NULL, arena) == NULL, rows[i].in_sync);
		object_unref(&so->object);
	}
}

/* ---- the normal form ---- */

TEST(scaled_object, normal_form)
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

#define TRIGGER(type, metric, value)                                                               \
	"{'triggers':[{'type':'" type "','metricType':'" metric "','metadata':{'value':'" value    \
	"'}}]}"

TEST(scaled_object, equal_specs)
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
TEST(scaled_object, long_paths_cost_little)
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

TEST(scaled_object, a_round_trip_through_keda_is_in_sync)
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

TEST(scaled_object, drift_of_the_spec)
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

TEST(scaled_object, drift_of_the_metadata)
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
		for (unsigned i = next(seed, 6); i > 0; i--)
			json_set(arena, v, keys[next(seed, ARRAY_SIZE(keys))],
				 random_value(arena, seed, depth - 1));
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

TEST(scaled_object, the_patch_between_any_two_leads_there)
{
	unsigned equal = 0, different = 0;
	for (unsigned seed = 1; seed <= 4000; seed++) {
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
	EXPECT(equal > 10);
	EXPECT(different > 1000);
}

TEST_MAIN(TEST_OF(scaled_object, reads_every_field),
	  TEST_OF(scaled_object, foreign_ones_keep_little),
	  TEST_OF(scaled_object, odd_ones_are_read_as_empty), TEST_OF(scaled_object, conditions),
	  TEST_OF(scaled_object, long_messages_are_cut_on_a_character),
	  TEST_OF(scaled_object, in_sync_agrees_with_the_diff), TEST_OF(scaled_object, normal_form),
	  TEST_OF(scaled_object, equal_specs), TEST_OF(scaled_object, long_paths_cost_little),
	  TEST_OF(scaled_object, a_round_trip_through_keda_is_in_sync),
	  TEST_OF(scaled_object, drift_of_the_spec), TEST_OF(scaled_object, drift_of_the_metadata),
	  TEST_OF(scaled_object, the_patch_between_any_two_leads_there))
