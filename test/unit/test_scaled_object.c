/* ScaledObject: what the cache keeps of one, and what it can tell from that. */
#include "pkg/keda/scaled_object.h"

#include "pkg/keda/status.h"
#include "test/lib/test.h"
#include "test/unit/scaled_objects.h"

static struct scaled_object *decoded(const struct json *json)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct object *object = scaled_object_decode(json, &err);
	EXPECT_TEXT(error_text(&err), "");
	return (struct scaled_object *)object;
}

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
	printf("    a ScaledObject takes %zu bytes\n", object_bytes(&so->object));
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

TEST(scaled_object, on_requests)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *triggers;
		bool want;
	} rows[] = {
	    {"[{'type':'external-push','metadata':{'metric':'rps','revision':'r'}}]", true},
	    {"[{'type':'cron','metadata':{}},"
	     "{'type':'external-push','metadata':{'metric':'concurrency','revision':'r'}}]",
	     true},
	    {"[{'type':'external','metadata':{'metric':'rps','revision':'r'}}]", false},
	    {"[{'type':'external-push','metadata':{'metric':'m','revision':'r'}}]", false},
	    {"[{'type':'external-push','metadata':{'metric':'rps'}}]", false},
	    {"[{'type':'external-push','metadata':[]},7,null]", false},
	    {"{'type':'external-push','metadata':{'metric':'rps','revision':'r'}}", false},
	    {"[]", false},
	    {"null", false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scaled_object *so = decoded(quoted_json(
		    arena, arena_printf(arena, "{'metadata':{'name':'a'},'spec':{'triggers':%s}}",
					rows[i].triggers)));
		test_row("%s", rows[i].triggers);
		EXPECT_INT(so->on_requests, rows[i].want);
		object_unref(&so->object);
	}
}

TEST(scaled_object, odd_ones_are_read_as_empty)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const char *const rows[] = {
	    "{'metadata':{'name':'a'}}",
	    ("{'metadata':{'name':'a','ownerReferences':[" OWNER "],'labels':7,"
	     "'annotations':{'autoscaling.knative.dev/class':5,"
	     "'scaledobject.keda.sh/transfer-hpa-ownership':'True'}}}"),
	    "{'metadata':{'name':'a'},'spec':[],'status':'x'}",
	    ("{'metadata':{'name':'a'},'spec':{'minReplicaCount':'1','maxReplicaCount':1e99,"
	     "'scaleTargetRef':'d'},'status':{'conditions':{},'pausedReplicaCount':null}}"),
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

TEST_MAIN(TEST_OF(scaled_object, reads_every_field),
	  TEST_OF(scaled_object, foreign_ones_keep_little), TEST_OF(scaled_object, on_requests),
	  TEST_OF(scaled_object, odd_ones_are_read_as_empty), TEST_OF(scaled_object, conditions),
	  TEST_OF(scaled_object, long_messages_are_cut_on_a_character),
	  TEST_OF(scaled_object, in_sync_agrees_with_the_diff))
