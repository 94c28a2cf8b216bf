/*
 * While the activators cannot be read, a revision that scales on HTTP requests is kept up: from
 * when to when, and what is told of it.
 */
#include "test/unit/hpa_cluster.h"

#define RUN(c) EXPECT(cluster_pass(c))
#define RPS "'metric':'rps'"

static int64_t live_min(const struct cluster *c)
{
	return json_int_or(json_path(c->so, "spec", "minReplicaCount", NULL), 0);
}

static void expect_settled(struct cluster *c)
{
	RUN(c);
	EXPECT_STEPS(c, "");
	EXPECT_TEXT(c->notes, "");
}

#define WHY "GET http://10.0.0.7:9090/metrics: 404"

/* Ready, and past its warm hold. */
static void steady(struct cluster *c, const char *annotations)
{
	cluster_init(c, annotations);
	becomes_ready(c, 1);
	c->now_ms += 10 * MINUTE;
	RUN(c);
	expect_settled(c);
}

static void pass_in(struct cluster *c, int64_t ms)
{
	c->now_ms += ms;
	RUN(c);
}

TEST(unread, kept_after_10_s_and_released_after_30)
{
	struct cluster c;

	steady(&c, RPS);
	EXPECT_INT(live_min(&c), 0);
	c.activators_why = WHY;
	expect_settled(&c);
	EXPECT_INT(c.last.again_ms, 10 * SECOND);
	pass_in(&c, 10 * SECOND - 1);
	EXPECT_STEPS(&c, "");
	EXPECT_INT(c.last.again_ms, 1);
	pass_in(&c, 1);
	EXPECT_STEPS(&c, "get-so patch-so");
	EXPECT_INT(live_min(&c), 1);
	EXPECT_CONTAINS(c.notes, "Warning ActivatorMetricsUnavailable 7: The activators cannot be "
				 "read: " WHY ". One pod at least is kept, and the metric rps ");
	EXPECT_CONTAINS(c.notes, "config-observability");
	EXPECT_ACTIVE(&c, "True ");
	expect_settled(&c); /* told once */
	pass_in(&c, 10 * MINUTE);
	EXPECT_STEPS(&c, "");

	c.activators_why = NULL;
	expect_settled(&c);
	EXPECT_INT(c.last.again_ms, 30 * SECOND);
	pass_in(&c, 30 * SECOND - 1);
	EXPECT_INT(live_min(&c), 1);
	pass_in(&c, 1);
	EXPECT_STEPS(&c, "get-so patch-so");
	EXPECT_INT(live_min(&c), 0);
	EXPECT_TEXT(c.notes, "");
	expect_settled(&c);
	EXPECT_INT(c.last.again_ms, 0);
	cluster_release(&c);
}

/* Trouble that comes and goes neither scales nor repeats itself. */
TEST(unread, does_not_flap)
{
	struct cluster c;

	steady(&c, RPS);
	for (int i = 0; i < 5; i++) {
		c.activators_why = WHY;
		pass_in(&c, 9 * SECOND);
		c.activators_why = NULL;
		pass_in(&c, SECOND);
		EXPECT_INT(live_min(&c), 0);
	}
	c.activators_why = WHY;
	RUN(&c);
	pass_in(&c, 10 * SECOND);
	EXPECT_INT(live_min(&c), 1);
	for (int i = 0; i < 5; i++) {
		c.activators_why = NULL;
		pass_in(&c, 25 * SECOND);
		EXPECT_STEPS(&c, "");
		c.activators_why = WHY;
		pass_in(&c, SECOND);
		EXPECT_STEPS(&c, "");
		EXPECT_TEXT(c.notes, "");
	}
	EXPECT_INT(live_min(&c), 1);
	/* the 30 s begin anew */
	c.activators_why = NULL;
	pass_in(&c, SECOND);
	pass_in(&c, 29 * SECOND);
	EXPECT_INT(live_min(&c), 1);
	pass_in(&c, SECOND);
	EXPECT_INT(live_min(&c), 0);
	cluster_release(&c);
}

/* A new process forgets since when: what it finds kept stays so. */
TEST(unread, over_a_restart)
{
	struct cluster c;

	steady(&c, RPS);
	c.activators_why = WHY;
	RUN(&c);
	pass_in(&c, 10 * SECOND);
	EXPECT_INT(live_min(&c), 1);
	memo_clear(&c.memo);
	expect_settled(&c);
	EXPECT_INT(live_min(&c), 1);
	c.activators_why = NULL;
	pass_in(&c, SECOND);
	EXPECT_INT(live_min(&c), 1);
	pass_in(&c, 30 * SECOND);
	EXPECT_INT(live_min(&c), 0);
	cluster_release(&c);
}

/* A status write that fails takes the event with it. */
TEST(unread, told_once_it_can_be)
{
	struct cluster c;

	steady(&c, RPS);
	c.activators_why = WHY;
	RUN(&c);
	c.fault = (struct fault){STEP_PATCH_STATUS, ERROR_CONFLICT, "modified", 1};
	hpa_says(&c, "True", 1, 2);
	pass_in(&c, 10 * SECOND);
	EXPECT_CONTAINS(c.steps, "status!");
	EXPECT_CONTAINS(c.notes, "Warning ActivatorMetricsUnavailable 7: ");
	RUN(&c);
	EXPECT_TEXT(c.notes, "");
	cluster_release(&c);
}

TEST(unread, not_for_others)
{
	static const struct {
		const char *annotations;
		bool unreachable;
	} rows[] = {
	    {CUSTOM, false},
	    {RPS, true},
	    {RPS ",'scaled-object-override':'{\\'spec\\':{\\'triggers\\':[{\\'type\\':\\'t\\',"
		 "\\'metadata\\':{}}]}}'",
	     false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cluster c;
		test_row("%s", rows[i].annotations);
		cluster_init(&c, rows[i].annotations);
		if (rows[i].unreachable)
			edit(&c, c.pa, "{'spec':{'reachability':'Unreachable'}}");
		becomes_ready(&c, 1);
		pass_in(&c, 10 * MINUTE);
		c.activators_why = WHY;
		RUN(&c);
		pass_in(&c, MINUTE);
		EXPECT_INT(live_min(&c), 0);
		EXPECT_TEXT(c.notes, "");
		cluster_release(&c);
	}
}

/* One that is at more anyhow is told all the same: nothing scales it. */
TEST(unread, beside_a_minimum)
{
	struct cluster c;

	steady(&c, RPS ",'min-scale':'2'");
	c.activators_why = WHY;
	RUN(&c);
	pass_in(&c, 10 * SECOND);
	EXPECT_STEPS(&c, "");
	EXPECT_INT(live_min(&c), 2);
	EXPECT_CONTAINS(c.notes, "Warning ActivatorMetricsUnavailable 7: ");
	cluster_release(&c);
}

/* One that may idle at zero is kept up as late as one whose minimum is none. */
TEST(unread, one_that_idles)
{
	struct cluster c;

	steady(&c, RPS ",'min-scale':'2','keda-idle-replica-count':'0'");
	EXPECT_INT(json_int_or(json_path(c.so, "spec", "idleReplicaCount", NULL), -1), 0);
	c.activators_why = WHY;
	expect_settled(&c);
	pass_in(&c, 10 * SECOND - 1);
	EXPECT_STEPS(&c, "");
	pass_in(&c, 1);
	EXPECT_STEPS(&c, "get-so patch-so");
	EXPECT(!json_path(c.so, "spec", "idleReplicaCount", NULL));
	/* A new process finds it kept. */
	memo_clear(&c.memo);
	expect_settled(&c);
	c.activators_why = NULL;
	pass_in(&c, SECOND);
	pass_in(&c, 30 * SECOND);
	EXPECT_STEPS(&c, "get-so patch-so");
	EXPECT_INT(json_int_or(json_path(c.so, "spec", "idleReplicaCount", NULL), -1), 0);
	cluster_release(&c);
}

/* Of another metric by now: nothing is left of it. */
TEST(unread, ends_with_the_metric)
{
	struct cluster c;

	steady(&c, RPS);
	c.activators_why = WHY;
	RUN(&c);
	pass_in(&c, 10 * SECOND);
	annotate(&c, CUSTOM);
	RUN(&c);
	EXPECT_INT(live_min(&c), 0);
	expect_settled(&c);
	EXPECT_INT(c.last.again_ms, 0);
	EXPECT_INT(c.memo.unread_since_ms, 0);
	cluster_release(&c);
}

TEST_MAIN(TEST_OF(unread, kept_after_10_s_and_released_after_30), TEST_OF(unread, does_not_flap),
	  TEST_OF(unread, over_a_restart), TEST_OF(unread, told_once_it_can_be),
	  TEST_OF(unread, not_for_others), TEST_OF(unread, beside_a_minimum),
	  TEST_OF(unread, one_that_idles), TEST_OF(unread, ends_with_the_metric))
