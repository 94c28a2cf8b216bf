/*
 * What holds for whole lives: repeating decide() always ends in a state where nothing is left to
 * write, whatever the annotations were before, and whatever failed on the way.
 */
#include "test/unit/hpa_cluster.h"

#define RUN(c) EXPECT(cluster_pass(c))

static const struct json *so_spec(const struct cluster *c, const char *field)
{
	return json_path(c->so, "spec", field, NULL);
}

/* ---- as a whole ---- */

/* JSON within JSON: \\' becomes \". */
#define FALLBACK "'keda-fallback-failure-threshold':'3','keda-fallback-replicas':'6'"
#define RULES "'hpa-scale-up-rules':'{\\'selectPolicy\\':\\'Max\\'}'"
#define MODIFIERS "'scaling-modifiers':'{\\'formula\\':\\'a\\',\\'target\\':\\'5\\'}'"
#define CRON "\\'triggers\\':[{\\'type\\':\\'cron\\',\\'metadata\\':{}}]"
#define OVERRIDE "'scaled-object-override':'{\\'spec\\':{" CRON "}}'"

static const char *const annotation_sets[] = {
    "",
    CUSTOM,
    CUSTOM ",'min-scale':'2','max-scale':'5','window':'60s'",
    "'metric':'memory','target':'0.3','keda-polling-interval':'5'",
    "'target':'abc'",
    "'keda-triggers':'[]'",
    "'scaled-object-auto-create':'false'",
    CUSTOM ",'autoscaling.keda.sh/paused':'true'",
    CUSTOM ",'initial-scale':'3'",
    CUSTOM ",'min-scale':'2','keda-idle-replica-count':'0','keda-paused-scale-in':'true'",
    CUSTOM "," FALLBACK "," RULES,
    CUSTOM "," MODIFIERS ",'keda-paused-replicas':'1'",
    OVERRIDE,
};

static void live(struct cluster *c)
{
	if (c->sks)
		sks_becomes_ready(c);
	if (c->so && !c->hpa)
		hpa_appears(c);
	if (c->hpa)
		hpa_says(c, "True", 2, 2);
}

static void expect_converges(struct cluster *c)
{
	RUN(c);
	live(c);
	RUN(c);
	RUN(c);
	RUN(c);
	EXPECT_INT(c->writes, 0);
	EXPECT_STEPS(c, "");
}

/* From every annotation set to every other and back: same objects as before, nothing left over. */
TEST(property, a_b_a)
{
	for (size_t a = 0; a < ARRAY_SIZE(annotation_sets); a++) {
		for (size_t b = 0; b < ARRAY_SIZE(annotation_sets); b++) {
			struct cluster c;
			test_row("%s -> %s", annotation_sets[a], annotation_sets[b]);
			cluster_init(&c, annotation_sets[a]);
			expect_converges(&c);
			bool makes = c.so != NULL;
			const struct json *spec = json_get(c.so, "spec");
			const struct json *notes = json_path(c.so, "metadata", "annotations", NULL);
			const char *active = says(&c, "Active");
			annotate(&c, annotation_sets[b]);
			expect_converges(&c);
			annotate(&c, annotation_sets[a]);
			expect_converges(&c);
			if (makes) {
				c.now_ms += 60 * MINUTE; /* no hold, whatever was ready when */
				expect_converges(&c);
				EXPECT(json_equal(
				    notes, json_path(c.so, "metadata", "annotations", NULL)));
				EXPECT(json_equal(json_get(spec, "triggers"),
						  so_spec(&c, "triggers")));
				EXPECT(json_equal(json_get(spec, "advanced"),
						  so_spec(&c, "advanced")));
				EXPECT(json_equal(json_get(spec, "maxReplicaCount"),
						  so_spec(&c, "maxReplicaCount")));
				EXPECT(json_equal(json_get(spec, "pollingInterval"),
						  so_spec(&c, "pollingInterval")));
			}
			/* one that is there counts with auto-create off, too */
			if (makes || !c.so)
				EXPECT_ACTIVE(&c, active);
			cluster_release(&c);
		}
	}
}

/* Every step failing once, in every way: the same end, within bounded passes. */
TEST(property, one_fault_of_any_kind_changes_nothing)
{
	for (int step = STEP_CREATE_SKS; step <= STEP_PATCH_STATUS; step++) {
		for (int kind = ERROR_NOT_FOUND; kind <= ERROR_TRANSIENT; kind++) {
			struct cluster c, clean;
			test_row("step %d kind %d", step, kind);
			cluster_init(&clean, CUSTOM ",'min-scale':'1'");
			expect_converges(&clean);
			cluster_init(&c, CUSTOM ",'min-scale':'1'");
			c.fault = (struct fault){(enum step_kind)step, (enum error_kind)kind,
						 "trouble", 1};
			RUN(&c);
			if (c.so)
				edit(&c, c.so, "{'spec':{'maxReplicaCount':3}}");
			if (c.sks)
				edit(&c, c.sks, "{'spec':{'mode':'Proxy'}}");
			RUN(&c);
			c.now_ms += MINUTE;
			expect_converges(&c);
			EXPECT(json_equal(json_get(c.so, "spec"), json_get(clean.so, "spec")));
			EXPECT(json_equal(json_get(c.sks, "spec"), json_get(clean.sks, "spec")));
			EXPECT_TEXT(says(&c, "Ready"), says(&clean, "Ready"));
			cluster_release(&c);
			cluster_release(&clean);
		}
	}
}

TEST_MAIN(TEST_OF(property, a_b_a), TEST_OF(property, one_fault_of_any_kind_changes_nothing))
