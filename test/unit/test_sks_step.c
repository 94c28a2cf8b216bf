/*
 * Revisions that scale on HTTP requests, pass by pass: activators stand in front of them from
 * before KEDA counts requests there until it does so no longer.
 */
#include "test/unit/hpa_cluster.h"

#define RUN(c) EXPECT(cluster_pass(c))
#define RPS "'metric':'rps'"
#define CONCURRENCY "'metric':'concurrency'"

static const char *front(const struct cluster *c)
{
	const struct json *spec = json_get(c->sks, "spec");

	return arena_printf(c->arena, "%s %lld", json_text_or(json_get(spec, "mode"), "-"),
			    (long long)json_int_or(json_get(spec, "numActivators"), 0));
}

static const char *trigger_type(const struct cluster *c)
{
	const struct json *triggers = json_path(c->so, "spec", "triggers", NULL);

	return json_text_or(json_get(json_at(triggers, 0), "type"), "-");
}

static void expect_settled(struct cluster *c)
{
	RUN(c);
	EXPECT_STEPS(c, "");
	EXPECT_TEXT(c->notes, "");
}

/* The API server's generation and Knative's reconciler, for ServerlessServices. */
static void sks_is_of_generation(struct cluster *c, int generation, int observed)
{
	edit(c, c->sks, "{'metadata':{'generation':%d},'status':{'observedGeneration':%d}}",
	     generation, observed);
}

TEST(sks_step, proxy_from_the_first_pass)
{
	struct cluster c;

	cluster_init(&c, CONCURRENCY);
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks create-so status");
	EXPECT_TEXT(front(&c), "Proxy 3");
	sks_becomes_ready(&c);
	hpa_appears(&c);
	RUN(&c);
	EXPECT_TEXT(front(&c), "Proxy 3");
	hpa_says(&c, "True", 1, 1);
	RUN(&c);
	EXPECT_STEPS(&c, "patch-sks status");
	EXPECT_TEXT(front(&c), "Proxy 4");
	expect_settled(&c);
	cluster_release(&c);
}

/* A step of scaling that needs no other number of activators writes nothing. */
TEST(sks_step, only_another_number_is_written)
{
	static const struct {
		int pods;
		const char *steps;
	} rows[] = {
	    {2, "patch-sks status"}, /* 2 * 30 + 250 */
	    {5, "status"},           {6, "patch-sks status"},
	    {7, "status"},           {5, "patch-sks status"},
	};
	struct cluster c;

	cluster_init(&c, CONCURRENCY ",'target':'30'");
	c.config.target_burst_capacity = 250;
	becomes_ready(&c, 1);
	RUN(&c);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%d", rows[i].pods);
		hpa_says(&c, "True", rows[i].pods, rows[i].pods);
		RUN(&c);
		EXPECT_STEPS(&c, rows[i].steps);
		expect_settled(&c);
	}
	cluster_release(&c);
}

/* Another number is another generation, which Knative has yet to see; what was ready still is. */
TEST(sks_step, another_number_unsettles_nothing)
{
	struct cluster c;

	cluster_init(&c, CONCURRENCY);
	becomes_ready(&c, 1);
	EXPECT_TEXT(says(&c, "Ready"), "True ");
	sks_is_of_generation(&c, 2, 1);
	hpa_says(&c, "True", 1, 1);
	expect_settled(&c);
	EXPECT_TEXT(says(&c, "SKSReady"), "True ");
	sks_loses_endpoints(&c);
	RUN(&c);
	EXPECT_TEXT(says(&c, "SKSReady"), "Unknown NotReady");
	/* it is no proof of having got ready */
	sks_becomes_ready(&c);
	sks_is_of_generation(&c, 3, 2);
	RUN(&c);
	EXPECT_TEXT(says(&c, "SKSReady"), "Unknown NotReady");
	sks_is_of_generation(&c, 3, 3);
	RUN(&c);
	EXPECT_TEXT(says(&c, "SKSReady"), "True ");
	cluster_release(&c);
}

TEST(sks_step, drift_is_mended)
{
	static const char *const drifts[] = {"{'spec':{'mode':'Serve'}}",
					     "{'spec':{'numActivators':null}}",
					     "{'spec':{'numActivators':7}}"};

	for (size_t i = 0; i < ARRAY_SIZE(drifts); i++) {
		struct cluster c;
		test_row("%s", drifts[i]);
		cluster_init(&c, RPS ",'target':'1'");
		becomes_ready(&c, 1);
		edit(&c, c.sks, "%s", drifts[i]);
		RUN(&c);
		EXPECT_STEPS(&c, "patch-sks");
		EXPECT_TEXT(front(&c), "Proxy 3");
		expect_settled(&c);
		cluster_release(&c);
	}
}

/* Activators come before the trigger that counts on them, and go behind it. */
TEST(sks_step, another_metric)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	EXPECT_TEXT(front(&c), "Serve 0");
	annotate(&c, RPS);
	RUN(&c);
	EXPECT_STEPS(&c, "patch-sks get-so patch-so");
	EXPECT_TEXT(front(&c), "Proxy 5");
	EXPECT_TEXT(trigger_type(&c), "external-push");
	expect_settled(&c);
	annotate(&c, CUSTOM);
	RUN(&c);
	EXPECT_STEPS(&c, "get-so patch-so patch-sks");
	EXPECT_TEXT(front(&c), "Serve 0");
	EXPECT_TEXT(trigger_type(&c), "prometheus");
	expect_settled(&c);
	cluster_release(&c);
}

/* The cache takes the ScaledObject for another one, and reading it shows that it is not. */
TEST(sks_step, another_metric_beside_server_defaults)
{
	struct cluster c;

	cluster_init(&c, RPS);
	c.defaults = J(&c, "{'spec':{'pollingInterval':30}}");
	becomes_ready(&c, 1);
	annotate(&c, CUSTOM);
	c.fault = (struct fault){STEP_PATCH_SKS, ERROR_TRANSIENT, "trouble", 9};
	RUN(&c);
	EXPECT_TEXT(trigger_type(&c), "prometheus");
	EXPECT_TEXT(front(&c), "Proxy 5");
	c.fault.times = 0;
	RUN(&c);
	EXPECT_TEXT(front(&c), "Serve 0");
	RUN(&c);
	EXPECT_STEPS(&c, "get-so");
	cluster_release(&c);
}

/* KEDA still scales on the old trigger: it must go on seeing the requests. */
TEST(sks_step, refused_change_switches_nothing)
{
	static const struct {
		const char *annotations;
		struct fault fault;
	} rows[] = {
	    {CUSTOM, {STEP_PATCH_SO, ERROR_DENIED, "no", 9}},
	    {CUSTOM, {STEP_PATCH_SO, ERROR_TRANSIENT, "no", 9}},
	    {CUSTOM ",'min-scale':'x'", {0}},
	    {RPS ",'min-scale':'x'", {0}},
	    {RPS ",'scaled-object-auto-create':'false'", {0}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cluster c;
		test_row("%zu: %s", i, rows[i].annotations);
		cluster_init(&c, RPS);
		becomes_ready(&c, 1);
		EXPECT_TEXT(front(&c), "Proxy 5");
		annotate(&c, rows[i].annotations);
		c.fault = rows[i].fault;
		hpa_says(&c, "True", 9, 9);
		RUN(&c);
		EXPECT_TEXT(front(&c), "Proxy 5");
		EXPECT_TEXT(trigger_type(&c), "external-push");
		cluster_release(&c);
	}
}

/* Wrong from the start: it is to be right once the annotations are. */
TEST(sks_step, refused_at_first)
{
	static const struct {
		const char *annotations, *front;
	} rows[] = {
	    {RPS ",'min-scale':'x'", "Proxy 2"},
	    {CUSTOM ",'min-scale':'x'", "Serve 0"},
	    {RPS ",'scaled-object-auto-create':'false'", "Serve 0"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cluster c;
		test_row("%s", rows[i].annotations);
		cluster_init(&c, rows[i].annotations);
		RUN(&c);
		EXPECT_TEXT(front(&c), rows[i].front);
		expect_settled(&c);
		cluster_release(&c);
	}
}

/* From Knative's own autoscaler: it left Proxy, and no trigger of ours is in force. */
TEST(sks_step, left_by_another_class)
{
	static const struct {
		const char *annotations, *front;
	} rows[] = {
	    {CUSTOM, "Serve 0"},
	    {"'target':'x'", "Serve 0"},
	    {RPS, "Proxy 3"},
	    {CUSTOM ",'scaled-object-auto-create':'false'", "Serve 0"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cluster c;
		test_row("%s", rows[i].annotations);
		cluster_init(&c, RPS);
		RUN(&c);
		c.so = NULL;
		edit(&c, c.sks, "{'spec':{'mode':'Proxy','numActivators':9}}");
		annotate(&c, rows[i].annotations);
		RUN(&c);
		EXPECT_TEXT(front(&c), rows[i].front);
		cluster_release(&c);
	}
}

/* A trigger on our scaler that somebody lists beside another metric counts there as well. */
TEST(sks_step, listed_trigger)
{
	struct cluster c;

	cluster_init(&c,
		     CUSTOM ",'keda-triggers':'[{\\'type\\':\\'external-push\\',\\'metadata\\':{"
			    "\\'scalerAddress\\':\\'s:1\\',\\'metric\\':\\'rps\\',"
			    "\\'revision\\':\\'r\\',\\'target\\':\\'5\\'}}]'");
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks create-so patch-sks status");
	EXPECT_TEXT(front(&c), "Proxy 2");
	expect_settled(&c);
	annotate(&c, CUSTOM);
	RUN(&c);
	EXPECT_STEPS(&c, "get-so patch-so patch-sks");
	EXPECT_TEXT(front(&c), "Serve 0");
	cluster_release(&c);
}

/* The user's own counts as ours does, whatever the metric is said to be. */
TEST(sks_step, trigger_of_a_users_own)
{
	struct cluster c;

	cluster_init(&c, CUSTOM ",'scaled-object-auto-create':'false'");
	RUN(&c);
	EXPECT_TEXT(front(&c), "Serve 0");
	c.so = J(&c, "{'apiVersion':'keda.sh/v1alpha1','kind':'ScaledObject','metadata':{'name':"
		     "'own','namespace':'ns','uid':'own','resourceVersion':'900'},'spec':{"
		     "'scaleTargetRef':{'name':'r-deployment'},'triggers':[{'type':"
		     "'external-push','metadata':{'scalerAddress':'s:1','metric':'concurrency',"
		     "'revision':'r','target':'5'}}]}}");
	RUN(&c);
	EXPECT_TEXT(front(&c), "Proxy 2");
	expect_settled(&c);
	edit(&c, c.so, "{'spec':{'triggers':[{'type':'cron','metadata':{}}]}}");
	RUN(&c);
	EXPECT_TEXT(front(&c), "Serve 0");
	cluster_release(&c);
}

/* While a pass is under way: the trigger waits for the next one. */
TEST(sks_step, metric_changes_within_a_pass)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	edit(&c, c.sks, "{'spec':{'mode':'Proxy'}}");
	cluster_decide(&c);
	EXPECT_INT(c.last.step, STEP_PATCH_SKS);
	EXPECT_INT(cluster_step(&c), ERROR_NONE);
	annotate(&c, RPS);
	cluster_decide(&c);
	EXPECT_INT(c.last.step, STEP_DONE);
	EXPECT_INT(c.last.again_ms, SECOND);
	EXPECT_TEXT(trigger_type(&c), "prometheus");
	RUN(&c);
	EXPECT_STEPS(&c, "patch-sks get-so patch-so");
	cluster_release(&c);
}

/* In both modes the ServerlessService is ready if a pod can be reached. */
TEST(sks_step, no_traffic)
{
	struct cluster c;

	cluster_init(&c, RPS);
	becomes_ready(&c, 1);
	EXPECT_ACTIVE(&c, "True ");
	sks_loses_endpoints(&c);
	hpa_says(&c, "False ScalingDisabled", 0, 0);
	RUN(&c);
	EXPECT_ACTIVE(&c, "False NoTraffic");
	EXPECT_TEXT(front(&c), "Proxy 3");
	sks_becomes_ready(&c);
	hpa_says(&c, "True", 1, 1);
	RUN(&c);
	EXPECT_ACTIVE(&c, "True ");
	EXPECT_TEXT(front(&c), "Proxy 5");
	cluster_release(&c);
}

TEST_MAIN(TEST_OF(sks_step, proxy_from_the_first_pass),
	  TEST_OF(sks_step, only_another_number_is_written),
	  TEST_OF(sks_step, another_number_unsettles_nothing), TEST_OF(sks_step, drift_is_mended),
	  TEST_OF(sks_step, another_metric),
	  TEST_OF(sks_step, another_metric_beside_server_defaults),
	  TEST_OF(sks_step, refused_change_switches_nothing), TEST_OF(sks_step, refused_at_first),
	  TEST_OF(sks_step, left_by_another_class), TEST_OF(sks_step, listed_trigger),
	  TEST_OF(sks_step, trigger_of_a_users_own),
	  TEST_OF(sks_step, metric_changes_within_a_pass), TEST_OF(sks_step, no_traffic))
