/* The rows of `status`: what is shown of objects as they are, and when a row counts as changed. */
#include "reconciler/explain/row.h"

#include "test/unit/explain_fixture.h"
#include "test/unit/quoted_json.h"

static bool look(struct stage *stage, struct scaling_row *row)
{
	struct cluster *c = &stage->cluster;
	struct evidence *e = &stage->evidence;

	e->now_ms = c->now_ms;
	e->pod_autoscaler = c->pa;
	e->scaled_object = c->so;
	e->hpa = c->hpa;
	return row_of(e, c->arena, row);
}

static const char *shown(struct stage *stage)
{
	struct scaling_row row;

	EXPECT(look(stage, &row));
	return json_shown(stage->cluster.arena, row_json(&row, stage->cluster.arena));
}

#define HEAD "{'namespace':'ns','revision':'r','service':'s',"
#define BORN "'createdAt':'2026-01-02T03:00:00Z',"

TEST(row, as_json)
{
	struct stage stage;
	struct cluster *c = &stage.cluster;
	stage_init(&stage, CUSTOM ",'max-scale':'9'");
	EXPECT_TEXT(shown(&stage), HEAD "'ready':'Unknown','reason':''," BORN
					"'minReplicas':0,'maxReplicas':9,'triggers':[]}");
	EXPECT(cluster_pass(c));
	EXPECT_CONTAINS(shown(&stage),
			"'ready':'Unknown','reason':'WaitingForHPA','message':'Wait");
	EXPECT_CONTAINS(shown(&stage), "'minReplicas':1,'maxReplicas':9,"
				       "'heldUntil':'2026-01-02T03:10:00Z',"
				       "'triggers':['prometheus'],'keda':{}}");
	sks_becomes_ready(c);
	hpa_appears(c); /* without a status it reads 0 and 0 */
	EXPECT_FALSE(strstr(shown(&stage), "Replicas':0"));
	hpa_says(c, "True Fine", 2, 3);
	EXPECT(cluster_pass(c));
	so_says(c, "{'conditions':[{'type':'Ready','status':'True'},{'type':'Active','status':"
		   "'False'},{'type':'Fallback','status':'Unknown'}]}");
	EXPECT_TEXT(shown(&stage),
		    HEAD "'ready':'True','reason':'','since':'2026-01-02T03:00:00Z'," BORN
			 "'minReplicas':1,'maxReplicas':9,'currentReplicas':2,'desiredReplicas':3,"
			 "'heldUntil':'2026-01-02T03:05:00Z','triggers':['prometheus'],"
			 "'keda':{'ready':'True','active':'False','fallback':'Unknown'},"
			 "'hpa':{'scalingActive':'Fine'}}");
	stage_release(&stage);
}

/* The hold counts only where it keeps more pods than were asked for, and by the live cooldown. */
TEST(row, held)
{
	static const struct {
		const char *annotations;
		int64_t minutes;  /* since it was ready */
		const char *edit; /* of the live ScaledObject's spec, or NULL */
		const char *until;
	} rows[] = {
	    {CUSTOM, 4, NULL, "'heldUntil':'2026-01-02T03:05:00Z'"},
	    {CUSTOM, 6, NULL, NULL},
	    {CUSTOM ",'min-scale':'1'", 1, NULL, NULL},
	    {CUSTOM ",'min-scale':'2'", 1, NULL, NULL},
	    {"", 1, NULL, NULL}, /* cpu never goes below one */
	    {CUSTOM ",'keda-initial-cooldown-period':'60'", 2, NULL, NULL},
	    {CUSTOM, 6, "{'spec':{'cooldownPeriod':600}}", "'heldUntil':'2026-01-02T03:10:00Z'"},
	    {CUSTOM, 1, "{'spec':{'minReplicaCount':0}}", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stage stage;
		struct cluster *c = &stage.cluster;
		test_row("%zu", i);
		stage_init(&stage, rows[i].annotations);
		becomes_ready(c, 2);
		if (rows[i].edit)
			edit(c, c->so, "%s", rows[i].edit);
		c->now_ms += rows[i].minutes * MINUTE;
		if (rows[i].until)
			EXPECT_CONTAINS(shown(&stage), rows[i].until);
		else
			EXPECT(!strstr(shown(&stage), "heldUntil"));
		stage_release(&stage);
	}
}

TEST(row, of_other_classes_there_is_none)
{
	struct stage stage;
	struct cluster *c = &stage.cluster;
	struct scaling_row row;
	stage_init(&stage, CUSTOM);
	edit(c, c->pa, "{'metadata':{'annotations':{'autoscaling.knative.dev/class':'x'}}}");
	EXPECT_FALSE(look(&stage, &row));
	c->pa = NULL;
	EXPECT_FALSE(look(&stage, &row));
	stage_release(&stage);
}

/* A ConfigMap's bounds count where there is no ScaledObject yet. */
TEST(row, bounds_of_ConfigMaps)
{
	struct stage stage;
	stage_init(&stage, CUSTOM);
	stage.evidence.config_autoscaler = J(&stage.cluster, "{'min-scale':'2','max-scale':'7'}");
	EXPECT_CONTAINS(shown(&stage), "'minReplicas':2,'maxReplicas':7");
	stage.evidence.config_autoscaler = J(&stage.cluster, "{'min-scale':'x'}");
	EXPECT_CONTAINS(shown(&stage), "'minReplicas':0,'triggers'");
	stage_release(&stage);
}

TEST(row, kept_up)
{
	struct stage stage;
	struct cluster *c = &stage.cluster;
	struct scaling_row row;

	stage_init(&stage, "'metric':'rps'");
	becomes_ready(c, 1);
	c->now_ms += 10 * MINUTE;
	EXPECT(cluster_pass(c));
	EXPECT(look(&stage, &row));
	EXPECT_TEXT(row.reason, "");
	c->activators_why = "words";
	EXPECT(cluster_pass(c));
	c->now_ms += 10 * SECOND;
	EXPECT(cluster_pass(c));
	EXPECT(look(&stage, &row));
	EXPECT_TEXT(row.reason, "ActivatorMetricsUnavailable");
	EXPECT_INT(row.min, 1);
	stage_release(&stage);
}

TEST(row, changes)
{
	struct stage stage;
	struct cluster *c = &stage.cluster;
	struct scaling_row before, after;
	static const char *const edits[] = {
	    "{'status':{'currentReplicas':5}}",
	    "{'status':{'desiredReplicas':6}}",
	    "{'status':{'conditions':[{'type':'ScalingActive','status':'False','reason':'No'}]}}",
	};
	stage_init(&stage, CUSTOM);
	becomes_ready(c, 2);
	EXPECT(look(&stage, &before));
	c->now_ms += MINUTE;
	EXPECT(look(&stage, &after));
	EXPECT(row_equal(&before, &after));
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		test_row("%zu", i);
		edit(c, c->hpa, "%s", edits[i]);
		EXPECT(look(&stage, &after));
		EXPECT_FALSE(row_equal(&before, &after));
		before = after;
	}
	EXPECT_TEXT(after.reason, "ScalingDegraded");
	so_says(c, "{'conditions':[{'type':'Paused','status':'True'}]}");
	EXPECT(look(&stage, &after));
	EXPECT_TEXT(after.reason, "ScaledObjectPaused");
	before = after;
	test_row("so");
	edit(c, c->so, "{'spec':{'maxReplicaCount':3}}");
	EXPECT(look(&stage, &after));
	EXPECT_FALSE(row_equal(&before, &after));
	before = after;
	edit(c, c->so, "{'spec':{'cooldownPeriod':600}}"); /* the hold lasts longer */
	EXPECT(look(&stage, &after));
	EXPECT_FALSE(row_equal(&before, &after));
	before = after;
	c->now_ms += 10 * MINUTE; /* the hold has ended */
	EXPECT(look(&stage, &after));
	EXPECT_FALSE(row_equal(&before, &after));
	stage_release(&stage);
}

TEST_MAIN(TEST_OF(row, as_json), TEST_OF(row, held), TEST_OF(row, of_other_classes_there_is_none),
	  TEST_OF(row, bounds_of_ConfigMaps), TEST_OF(row, kept_up), TEST_OF(row, changes))
