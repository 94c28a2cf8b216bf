/*
 * Each annotation of the advanced family over the life of a ScaledObject: what KEDA's own update
 * leaves is in sync, and taking the annotation away takes away all that it brought, and no more.
 */
#include "test/unit/hpa_built.h"

#define CRON                                                                                       \
	"'triggers':[{'type':'cron','metadata':{'timezone':'UTC','start':'0 6 * * *',"             \
	"'end':'0 20 * * *','desiredReplicas':'10'}}]"

struct row {
	const char *base; /* annotations before and after */
	const char *name, *json;
};

static const struct row rows[] = {
    {CUSTOM, "scaling-modifiers", "{'formula':'a','target':'5','metricType':'Value'}"},
    {CUSTOM ",'window':'60s'", "hpa-scale-up-rules", "{'selectPolicy':'Max'}"},
    {CUSTOM ",'window':'60s'", "hpa-scale-down-rules", "{}"},
    {"", "hpa-scale-up-rules",
     "{'stabilizationWindowSeconds':0,'policies':[{'type':'Pods','value':4,"
     "'periodSeconds':15}],'tolerance':'0.05'}"},
    {"", "scaled-object-override",
     "{'spec':{'pollingInterval':5,'minReplicaCount':2,'idleReplicaCount':0,'fallback':{"
     "'failureThreshold':1,'replicas':2,'behavior':'static'},'advanced':{"
     "'restoreToOriginalReplicaCount':false,'scalingModifiers':{}}," CRON "}}"},
    {CUSTOM ",'min-scale':'2'", "keda-idle-replica-count", "0"},
    {CUSTOM ",'keda-fallback-failure-threshold':'3','keda-fallback-replicas':'6'",
     "keda-fallback-behavior", "static"},
    {CUSTOM ",'keda-fallback-failure-threshold':'3','keda-fallback-replicas':'6'",
     "keda-fallback-behavior", "currentReplicas"},
    {CUSTOM, "keda-paused", "true"},
    {CUSTOM ",'keda-paused':'true'", "keda-paused-replicas", "0"},
    {CUSTOM ",'autoscaling.keda.sh/paused':'true'", "keda-paused-scale-in", "true"},
    {CUSTOM, "keda-paused-scale-out", "true"},
    {CUSTOM, "keda-force-activation", "true"},
};

/* As KEDA writes it back: finalizer, empty modifiers, defaults of the CRD, canonical quantities,
 * no false and no "". */
static struct json *after_keda(struct cluster *c, const struct json *desired)
{
	struct json *live = merged(c, desired,
				   J(c, "{'metadata':{'uid':'so-1','resourceVersion':'7',"
					"'generation':2,'finalizers':['finalizer.keda.sh'],"
					"'annotations':{'example.com/theirs':'stays'}}}"));
	struct json *spec = json_ensure_object(c->arena, live, "spec");
	struct json *advanced = json_ensure_object(c->arena, spec, "advanced");
	const struct json *up = json_path(advanced, "horizontalPodAutoscalerConfig", "behavior",
					  "scaleUp", "tolerance", NULL);

	json_ensure_object(c->arena, advanced, "scalingModifiers");
	json_remove(advanced, "restoreToOriginalReplicaCount");
	if (up)
		live = merged(c, live,
			      J(c, "{'spec':{'advanced':{'horizontalPodAutoscalerConfig':{"
				   "'behavior':{'scaleUp':{'tolerance':'50m'}}}}}}"));
	if (json_get(spec, "fallback") && !json_path(spec, "fallback", "behavior", NULL))
		live = merged(c, live, J(c, "{'spec':{'fallback':{'behavior':'static'}}}"));
	return live;
}

static void expect_in_sync(struct built *b, const struct json *live)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct object *cached = scaled_object_decode(live, &err);

	EXPECT(scaled_object_in_sync((const struct scaled_object *)cached, b->desired.object,
				     b->desired.hash));
	EXPECT(!scaled_object_diff(b->desired.object, live, NULL, b->cluster.arena));
	object_unref(cached);
}

TEST(round_trip, is_in_sync)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%s %s", rows[i].base, rows[i].name);
		cluster_init(&b.cluster, rows[i].base);
		annotate_json(&b.cluster, rows[i].name, rows[i].json);
		build(&b, false);
		EXPECT_TEXT(b.refusal.text, NULL);
		expect_in_sync(&b, after_keda(&b.cluster, b.desired.object));
		cluster_release(&b.cluster);
	}
}

/* base -> with the annotation -> base. */
TEST(round_trip, there_and_back)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%s %s", rows[i].base, rows[i].name);
		build_from(&b, rows[i].base);
		struct json *bare = b.desired.object, *live = after_keda(&b.cluster, bare);
		annotate_json(&b.cluster, rows[i].name, rows[i].json);
		build(&b, false);
		const struct json *patch =
		    scaled_object_diff(b.desired.object, live, NULL, b.cluster.arena);
		if (patch)
			live = after_keda(&b.cluster, merged(&b.cluster, live, patch));
		expect_in_sync(&b, live);
		annotate(&b.cluster, rows[i].base);
		build(&b, false);
		EXPECT(json_equal(b.desired.object, bare));
		patch = scaled_object_diff(bare, live, NULL, b.cluster.arena);
		if (patch)
			live = after_keda(&b.cluster, merged(&b.cluster, live, patch));
		expect_in_sync(&b, live);
		EXPECT(scaled_object_spec_equal(json_get(bare, "spec"), json_get(live, "spec"),
						NULL, b.cluster.arena));
		EXPECT_INT(json_count(json_path(live, "metadata", "annotations", NULL)),
			   json_count(json_path(bare, "metadata", "annotations", NULL)) + 1);
		cluster_release(&b.cluster);
	}
}

TEST_MAIN(TEST_OF(round_trip, is_in_sync), TEST_OF(round_trip, there_and_back))
