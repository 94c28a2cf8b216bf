/* HorizontalPodAutoscaler from JSON. */
#include "pkg/keda/hpa.h"

#include "test/lib/test.h"
#include "test/unit/quoted_json.h"

static struct hpa *decoded(struct arena *arena, const char *text)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct object *object = hpa_decode(quoted_json(arena, text), &err);
	EXPECT_TEXT(error_text(&err), "");
	return (struct hpa *)object;
}

TEST(hpa, reads_every_field)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct hpa *hpa = decoded(
	    arena, "{'metadata':{'name':'hello-00001','namespace':'default','resourceVersion':'9',"
		   "'uid':'8a7c0a3e-0000-4000-8000-000000000007',"
		   "'creationTimestamp':'2026-01-01T00:00:00Z','ownerReferences':[{"
		   "'apiVersion':'keda.sh/v1alpha1','kind':'ScaledObject','name':'hello-00001',"
		   "'uid':'8a7c0a3e-0000-4000-8000-000000000006','controller':true}]},"
		   "'spec':{'minReplicas':1,'maxReplicas':10,'scaleTargetRef':"
		   "{'apiVersion':'apps/v1','kind':'Deployment','name':'hello-00001-deployment'}},"
		   "'status':{'currentReplicas':0,'desiredReplicas':3,'conditions':["
		   "{'type':'AbleToScale','status':'True','reason':'SucceededGetScale'},"
		   "{'type':'ScalingActive','status':'False','reason':'ScalingDisabled',"
		   "'message':'scaling is disabled since the replica count of the target is zero',"
		   "'lastTransitionTime':'2026-01-01T00:01:00Z'}]}}");
	EXPECT_TEXT(hpa->object.meta.owner.uid, "8a7c0a3e-0000-4000-8000-000000000006");
	EXPECT_TEXT(hpa->target_name, "hello-00001-deployment");
	EXPECT_INT(hpa->current_replicas, 0);
	EXPECT_INT(hpa->desired_replicas, 3);
	EXPECT_INT(hpa->scaling_active, 0);
	EXPECT_TEXT(hpa->scaling_reason, "ScalingDisabled");
	EXPECT_CONTAINS(hpa->scaling_message, "scaling is disabled");
	EXPECT_INT(hpa->scaling_changed_ms, INT64_C(1767225660000));
	printf("    a HorizontalPodAutoscaler takes %zu bytes\n", object_bytes(&hpa->object));
	object_unref(&hpa->object);
}

TEST(hpa, scaling_active)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *conditions;
		int want;
		const char *reason;
		int64_t changed_ms;
	} rows[] = {
	    {"null", -1, "", 0},
	    {"[]", -1, "", 0},
	    {"{}", -1, "", 0},
	    {"'x'", -1, "", 0},
	    {"[{'type':'AbleToScale','status':'False','reason':'R'}]", -1, "", 0},
	    {"[7,{'type':'ScalingActive','status':'True','reason':'ValidMetricFound',"
	     "'lastTransitionTime':'2026-01-01T00:00:01.9Z'}]",
	     1, "", INT64_C(1767225601000)},
	    {"[{'type':'ScalingActive','status':'False','reason':'R'}]", 0, "R", 0},
	    {"[{'type':'ScalingActive','status':'Unknown','reason':'R'}]", 2, "R", 0},
	    {"[{'type':'ScalingActive','status':7,'reason':8}]", 2, "", 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct hpa *hpa = decoded(
		    arena,
		    arena_printf(arena, "{'metadata':{'name':'a'},'status':{'conditions':%s}}",
				 rows[i].conditions));
		test_row("%s", rows[i].conditions);
		EXPECT_INT(hpa->scaling_active, rows[i].want);
		EXPECT_TEXT(hpa->scaling_reason, rows[i].reason);
		EXPECT_TEXT(hpa->scaling_message, "");
		EXPECT_INT(hpa->scaling_changed_ms, rows[i].changed_ms);
		object_unref(&hpa->object);
	}
}

TEST(hpa, odd_ones_are_read_as_empty)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const char *const rows[] = {
	    "{'metadata':{'name':'a'}}",
	    "{'metadata':{'name':'a'},'spec':'x','status':[]}",
	    ("{'metadata':{'name':'a'},'spec':{'scaleTargetRef':{'name':1}},"
	     "'status':{'currentReplicas':'1','desiredReplicas':2147483648}}"),
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct hpa *hpa = decoded(arena, rows[i]);
		test_row("%s", rows[i]);
		EXPECT_TEXT(hpa->target_name, "");
		EXPECT_INT(hpa->current_replicas, 0);
		EXPECT_INT(hpa->desired_replicas, 0);
		EXPECT_INT(hpa->scaling_active, -1);
		object_unref(&hpa->object);
	}
}

TEST(hpa, refuses_what_has_no_name)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	EXPECT(!hpa_decode(quoted_json(arena, "{'spec':{}}"), &err));
	EXPECT_INT(err.kind, ERROR_INVALID);
	EXPECT_CONTAINS(error_text(&err), "HorizontalPodAutoscaler: ");
}

TEST_MAIN(TEST_OF(hpa, reads_every_field), TEST_OF(hpa, scaling_active),
	  TEST_OF(hpa, odd_ones_are_read_as_empty), TEST_OF(hpa, refuses_what_has_no_name))
