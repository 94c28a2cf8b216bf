/*
 * Contract section 5 but for Active: ScaleTargetInitialized, names, scale, and what a write
 * consists of. Every test runs whole passes and reads the PodAutoscaler afterwards.
 */
#include "test/unit/hpa_cluster.h"

#define RUN(c) EXPECT(cluster_pass(c))

#define FAILED                                                                                     \
	"{'conditions':[{'type':'Ready','status':'False','reason':'ScaledObjectCheckFailed',"      \
	"'message':'no such thing'}]}"

/* ---- ScaleTargetInitialized ---- */

TEST(initialized, table)
{
	static const struct {
		const char *annotations;
		bool allow_zero, sks_ready;
		int pods; /* -1: no HPA */
		int so_max;
		const char *want;
	} rows[] = {
	    {CUSTOM, false, true, 0, 0, "True "}, /* needs 1: the ready SKS proves it */
	    {CUSTOM, false, false, 5, 0, "Unknown "},
	    {CUSTOM, false, true, -1, 0, "Unknown "},
	    {CUSTOM ",'min-scale':'3'", false, true, 2, 0, "Unknown "},
	    {CUSTOM ",'min-scale':'3'", false, true, 3, 0, "True "},
	    {CUSTOM ",'initial-scale':'2'", false, true, 1, 0, "Unknown "},
	    {CUSTOM ",'initial-scale':'2'", false, true, 2, 0, "True "},
	    {CUSTOM ",'initial-scale':'4','max-scale':'2'", false, true, 2, 0, "True "},
	    /* needs 0: the HPA is there and the service has its name */
	    {CUSTOM ",'initial-scale':'0'", true, false, 0, 0, "True "},
	    {CUSTOM ",'initial-scale':'0'", true, false, -1, 0, "Unknown "},
	    {CUSTOM ",'initial-scale':'0','min-scale':'1'", true, false, 0, 0, "Unknown "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cluster c;
		test_row("%zu %s", i, rows[i].annotations);
		cluster_init(&c, rows[i].annotations);
		c.config.allow_zero_initial_scale = rows[i].allow_zero;
		RUN(&c);
		sks_becomes_ready(&c);
		if (!rows[i].sks_ready)
			sks_loses_endpoints(&c);
		if (rows[i].pods >= 0) {
			hpa_appears(&c);
			hpa_says(&c, "True", rows[i].pods, rows[i].pods);
		}
		RUN(&c);
		EXPECT_TEXT(says(&c, "ScaleTargetInitialized"), rows[i].want);
		cluster_release(&c);
	}
}

/* Prometheus down: the HPA computes nothing, the pods run all the same. */
TEST(initialized, desired_replicas_are_no_gate)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	sks_becomes_ready(&c);
	hpa_appears(&c);
	hpa_says(&c, "False FailedGetExternalMetric", 1, 0);
	RUN(&c);
	EXPECT_TEXT(says(&c, "Ready"), "True ");
	cluster_release(&c);
}

TEST(initialized, by_an_hpa_without_status)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	sks_becomes_ready(&c);
	hpa_appears(&c);
	RUN(&c);
	EXPECT_TEXT(says(&c, "ScaleTargetInitialized"), "True ");
	EXPECT_ACTIVE(&c, "Unknown WaitingForHPA");
	cluster_release(&c);
}

TEST(initialized, zero_needs_the_service_name)
{
	struct cluster c;

	cluster_init(&c, CUSTOM ",'initial-scale':'0'");
	c.config.allow_zero_initial_scale = true;
	RUN(&c);
	hpa_appears(&c);
	RUN(&c);
	EXPECT_TEXT(says(&c, "ScaleTargetInitialized"), "Unknown ");
	cluster_release(&c);
}

TEST(initialized, capped_by_the_live_maximum)
{
	struct cluster c;

	cluster_init(&c, CUSTOM ",'min-scale':'5'");
	RUN(&c);
	sks_becomes_ready(&c);
	hpa_appears(&c);
	hpa_says(&c, "True", 2, 2);
	/* a maximum that cannot be written at the moment */
	edit(&c, c.so, "{'spec':{'maxReplicaCount':2}}");
	c.fault = (struct fault){STEP_GET_SO, ERROR_TRANSIENT, "HTTP 503", 9};
	RUN(&c);
	EXPECT_TEXT(says(&c, "ScaleTargetInitialized"), "True ");
	cluster_release(&c);
}

TEST(initialized, unreachable_does_not_lower_it)
{
	struct cluster c;

	cluster_init(&c, CUSTOM ",'min-scale':'3'");
	edit(&c, c.pa, "{'spec':{'reachability':'Unreachable'}}");
	RUN(&c);
	sks_becomes_ready(&c);
	hpa_appears(&c);
	hpa_says(&c, "True", 1, 1);
	RUN(&c);
	EXPECT_TEXT(says(&c, "ScaleTargetInitialized"), "Unknown ");
	cluster_release(&c);
}

TEST(initialized, is_sticky)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	sks_loses_endpoints(&c);
	c.hpa = NULL;
	annotate(&c, "'metric':'m'");
	RUN(&c);
	EXPECT_TEXT(says(&c, "ScaleTargetInitialized"), "True ");
	cluster_release(&c);
}

/* ---- the rest of the status ---- */

TEST(status, first_write)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	EXPECT_TEXT(says(&c, "Ready"), "Unknown WaitingForHPA");
	EXPECT_TEXT(json_text(json_path(c.pa, "status", "serviceName", NULL)), "");
	EXPECT_TEXT(json_text(json_path(c.pa, "status", "metricsServiceName", NULL)), "");
	EXPECT_INT(json_int_or(json_path(c.pa, "status", "observedGeneration", NULL), 0), 1);
	EXPECT(!json_path(c.pa, "status", "desiredScale", NULL));
	EXPECT_INT(json_count(json_path(c.pa, "status", "conditions", NULL)), 4);
	cluster_release(&c);
}

TEST(status, names_are_never_cleared)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	EXPECT_TEXT(json_text(json_path(c.pa, "status", "serviceName", NULL)), "r");
	EXPECT_TEXT(json_text(json_path(c.pa, "status", "metricsServiceName", NULL)), "r-private");
	edit(&c, c.sks, "{'status':null}");
	RUN(&c);
	EXPECT_TEXT(json_text(json_path(c.pa, "status", "serviceName", NULL)), "r");
	c.sks = NULL;
	RUN(&c);
	EXPECT_CONTAINS(c.steps, "create-sks");
	EXPECT_TEXT(json_text(json_path(c.pa, "status", "serviceName", NULL)), "r");
	cluster_release(&c);
}

TEST(status, only_what_differs_is_written)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	hpa_says(&c, "True", 2, 1);
	RUN(&c);
	EXPECT_TEXT(json_text(json_path(c.last.body, "metadata", "resourceVersion", NULL)) ? "yes"
											   : "no",
		    "yes");
	EXPECT_INT(json_count(json_get(c.last.body, "metadata")), 1);
	EXPECT_INT(json_count(json_get(c.last.body, "status")), 1);
	EXPECT_INT(json_int_or(json_path(c.last.body, "status", "actualScale", NULL), 0), 2);
	edit(&c, c.pa, "{'metadata':{'generation':2}}");
	RUN(&c);
	EXPECT_INT(json_count(json_get(c.last.body, "status")), 1);
	EXPECT_INT(json_int_or(json_path(c.pa, "status", "observedGeneration", NULL), 0), 2);
	cluster_release(&c);
}

TEST(status, scale_follows_the_hpa)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	hpa_appears(&c);
	hpa_says(&c, "False ScalingDisabled", 0, 0);
	RUN(&c);
	EXPECT_INT(json_int_or(json_path(c.pa, "status", "desiredScale", NULL), -9), 0);
	EXPECT_INT(json_int_or(json_path(c.pa, "status", "actualScale", NULL), -9), 0);
	hpa_says(&c, "True", 2, 5);
	RUN(&c);
	EXPECT_INT(json_int_or(json_path(c.pa, "status", "desiredScale", NULL), -9), 5);
	EXPECT_INT(json_int_or(json_path(c.pa, "status", "actualScale", NULL), -9), 2);
	cluster_release(&c);
}

TEST(status, transition_times_change_with_the_status_only)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	so_says(&c, FAILED);
	c.now_ms += 10 * SECOND;
	RUN(&c); /* another message */
	EXPECT_TEXT(json_text(json_get(pa_condition(&c, "Active"), "lastTransitionTime")),
		    "2026-01-02T03:00:00Z");
	EXPECT_TEXT(json_text(json_get(pa_condition(&c, "Ready"), "lastTransitionTime")),
		    "2026-01-02T03:00:00Z");
	annotate(&c, "'metric':'m'");
	RUN(&c);
	EXPECT_TEXT(json_text(json_get(pa_condition(&c, "Active"), "lastTransitionTime")),
		    "2026-01-02T03:00:10Z");
	cluster_release(&c);
}

/* Conditions that Knative wrote before us, among them its first-contact artefact. */
TEST(status, takes_over_what_it_finds)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	edit(&c, c.pa,
	     "{'status':{'observedGeneration':1,'conditions':[{'type':'Ready',"
	     "'status':'Unknown','reason':'NewObservedGenFailure','message':"
	     "'unsuccessfully observed a new generation'},{'type':'Else','status':'True'}],"
	     "'serviceName':'r','metricsServiceName':'r-private','desiredScale':3}}");
	RUN(&c);
	EXPECT_TEXT(says(&c, "Ready"), "Unknown WaitingForHPA");
	EXPECT_TEXT(says(&c, "Else"), "True ");
	EXPECT_TEXT(json_text(json_path(c.pa, "status", "serviceName", NULL)), "r");
	EXPECT_INT(json_int_or(json_path(c.pa, "status", "desiredScale", NULL), 0), 3);
	cluster_release(&c);
}

TEST_MAIN(TEST_OF(initialized, table), TEST_OF(initialized, desired_replicas_are_no_gate),
	  TEST_OF(initialized, by_an_hpa_without_status),
	  TEST_OF(initialized, zero_needs_the_service_name),
	  TEST_OF(initialized, capped_by_the_live_maximum),
	  TEST_OF(initialized, unreachable_does_not_lower_it), TEST_OF(initialized, is_sticky),
	  TEST_OF(status, first_write), TEST_OF(status, names_are_never_cleared),
	  TEST_OF(status, only_what_differs_is_written), TEST_OF(status, scale_follows_the_hpa),
	  TEST_OF(status, transition_times_change_with_the_status_only),
	  TEST_OF(status, takes_over_what_it_finds))
