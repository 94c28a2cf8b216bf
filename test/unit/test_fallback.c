/* spec.fallback: which of annotations and ConfigMap, and where it may not be. */
#include "reconciler/hpa/fallback.h"

#include "test/unit/hpa_built.h"

#define THRESHOLD "'keda-fallback-failure-threshold':'3'"
#define REPLICAS "'keda-fallback-replicas':'6'"
#define BEHAVIOR "'keda-fallback-behavior':'currentReplicasIfHigher'"

TEST(fallback, refusals)
{
	static const struct {
		const char *annotations, *key, *text;
	} rows[] = {
	    {CUSTOM "," REPLICAS, "keda-fallback-failure-threshold",
	     "is missing beside autoscaling.knative.dev/keda-fallback-replicas"},
	    {CUSTOM "," THRESHOLD, "keda-fallback-replicas",
	     "is missing beside autoscaling.knative.dev/keda-fallback-failure-threshold"},
	    {CUSTOM "," BEHAVIOR, "keda-fallback-failure-threshold", "keda-fallback-behavior"},
	    {CUSTOM ",'keda-fallback-failure-threshold':'-1'", "keda-fallback-failure-threshold",
	     "too small"},
	    {CUSTOM ",'keda-fallback-failure-threshold':'1.5'", "keda-fallback-failure-threshold",
	     "not a whole number"},
	    {CUSTOM "," THRESHOLD ",'keda-fallback-replicas':'3000000000'",
	     "keda-fallback-replicas", "not a whole number of 32 bits"},
	    {CUSTOM "," THRESHOLD "," REPLICAS ",'keda-fallback-behavior':'Static'",
	     "keda-fallback-behavior",
	     "\"Static\" is not known; use static, currentReplicas, currentReplicasIfHigher, "
	     "currentReplicasIfLower or scalingModifiers"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%s", rows[i].annotations);
		build_from(&b, rows[i].annotations);
		EXPECT(!b.ok);
		EXPECT_TEXT(b.refusal.annotation,
			    arena_printf(b.cluster.arena, KEY("%s"), rows[i].key));
		EXPECT_CONTAINS(b.refusal.text, rows[i].text);
		cluster_release(&b.cluster);
	}
}

static void configure(struct cluster *c, const char *behavior)
{
	c->config_keda.fallback_failure_threshold = 9;
	c->config_keda.fallback_replicas = 8;
	c->config_keda.fallback_behavior = behavior;
}

#define ANNOTATED "{'failureThreshold':3,'replicas':6}"
#define CONFIGURED "{'failureThreshold':9,'replicas':8}"

TEST(fallback, sources)
{
	static const struct {
		const char *annotations;
		bool configured, modified;
		const char *behavior; /* of the ConfigMap */
		const char *want;
	} rows[] = {
	    {CUSTOM, false, false, NULL, "(none)"},
	    {CUSTOM "," THRESHOLD "," REPLICAS, false, false, NULL, ANNOTATED},
	    {CUSTOM "," THRESHOLD "," REPLICAS "," BEHAVIOR, false, false, NULL,
	     "{'failureThreshold':3,'replicas':6,'behavior':'currentReplicasIfHigher'}"},
	    {CUSTOM ",'keda-fallback-failure-threshold':'0','keda-fallback-replicas':'0'", false,
	     false, NULL, "{'failureThreshold':0,'replicas':0}"},
	    /* the ConfigMap's */
	    {CUSTOM, true, false, NULL, CONFIGURED},
	    {CUSTOM, true, false, "currentReplicas",
	     "{'failureThreshold':9,'replicas':8,'behavior':'currentReplicas'}"},
	    {CUSTOM "," BEHAVIOR, true, false, "currentReplicas",
	     "{'failureThreshold':9,'replicas':8,'behavior':'currentReplicasIfHigher'}"},
	    {CUSTOM "," THRESHOLD "," REPLICAS, true, false, NULL, ANNOTATED},
	    {CUSTOM "," THRESHOLD "," REPLICAS, true, false, "currentReplicas",
	     "{'failureThreshold':3,'replicas':6,'behavior':'currentReplicas'}"},
	    /* where KEDA would refuse it */
	    {"", true, false, NULL, "(none)"},
	    {"'metric':'memory','target':'5'", true, false, NULL, "(none)"},
	    {"", true, true, NULL, CONFIGURED},
	    {CUSTOM, true, false, "scalingModifiers", CONFIGURED},
	    {CUSTOM, true, true, "scalingModifiers",
	     "{'failureThreshold':9,'replicas':8,'behavior':'scalingModifiers'}"},
	    /* what a user asks for is KEDA's to judge */
	    {THRESHOLD "," REPLICAS, true, false, NULL, ANNOTATED},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%zu: %s", i, rows[i].annotations);
		cluster_init(&b.cluster, rows[i].annotations);
		if (rows[i].configured)
			configure(&b.cluster, rows[i].behavior);
		if (rows[i].modified)
			annotate_json(&b.cluster, "scaling-modifiers",
				      "{'formula':'a','target':'5'}");
		build(&b, false);
		EXPECT_TEXT(b.refusal.text, NULL);
		EXPECT_TEXT(shown(&b, json_get(spec_of(&b), "fallback")), rows[i].want);
		cluster_release(&b.cluster);
	}
}

/* A behavior alone lives on the ConfigMap's fallback, if that applies. */
TEST(fallback, behavior_beside_one_that_does_not_apply)
{
	struct built b;

	cluster_init(&b.cluster, BEHAVIOR);
	configure(&b.cluster, NULL);
	build(&b, false);
	EXPECT_REFUSED(&b, "keda-fallback-failure-threshold", "is missing beside");
	cluster_release(&b.cluster);
}

TEST_MAIN(TEST_OF(fallback, refusals), TEST_OF(fallback, sources),
	  TEST_OF(fallback, behavior_beside_one_that_does_not_apply))
