/*
 * Contract section 5, row by row: what Active says once there is a
 * ScaledObject: paused, failing, waiting for its HPA, and what that tells. Every test runs whole
 * passes and reads the PodAutoscaler afterwards.
 */
#include "test/unit/hpa_cluster.h"

#define RUN(c) EXPECT(cluster_pass(c))

/* A second pass over the same objects must write nothing. */
static void expect_settled(struct cluster *c)
{
	RUN(c);
	EXPECT_STEPS(c, "");
	EXPECT_TEXT(c->notes, "");
}

#define PAUSED(replicas)                                                                           \
	"{'conditions':[{'type':'Paused','status':'True'}],'pausedReplicaCount':" replicas "}"

TEST(active, scaled_object_paused)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	so_says(&c, "{'conditions':[{'type':'Paused','status':'True'}]}");
	RUN(&c);
	EXPECT_ACTIVE(&c, "Unknown ScaledObjectPaused");
	EXPECT_CONTAINS(message_of(&c, "Active"), "ScaledObject \"r\" is paused");
	expect_settled(&c);
	cluster_release(&c);
}

TEST(active, scaled_object_paused_after_init_stays_as_before)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 4);
	so_says(&c, PAUSED("2"));
	c.hpa = NULL;
	RUN(&c);
	EXPECT_STEPS(&c, "");
	EXPECT_ACTIVE(&c, "True ");
	EXPECT_INT(json_int_or(json_path(c.pa, "status", "actualScale", NULL), -9), 4);
	cluster_release(&c);
}

TEST(active, scaled_object_paused_at_zero_is_no_traffic)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	so_says(&c, PAUSED("0"));
	c.hpa = NULL;
	sks_loses_endpoints(&c);
	RUN(&c);
	EXPECT_ACTIVE(&c, "False NoTraffic");
	EXPECT_TEXT(c.notes, "Normal NoTraffic 1: The target is not receiving traffic.\n");
	cluster_release(&c);
}

/* A reason that no longer holds is not what "as before" means. */
TEST(active, scaled_object_paused_after_another_trouble)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	annotate(&c, "'metric':'m'");
	RUN(&c);
	EXPECT_ACTIVE(&c, "False InvalidAnnotation");
	annotate(&c, CUSTOM);
	so_says(&c, PAUSED("2"));
	c.hpa = NULL;
	RUN(&c);
	EXPECT_ACTIVE(&c, "Unknown ScaledObjectPaused");
	cluster_release(&c);
}

#define FAILED                                                                                     \
	"{'conditions':[{'type':'Ready','status':'False','reason':'ScaledObjectCheckFailed',"      \
	"'message':'no such thing'}]}"

TEST(active, scaled_object_not_ready)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	so_says(&c, FAILED);
	c.now_ms += 20 * SECOND;
	RUN(&c);
	EXPECT_ACTIVE(&c, "Unknown WaitingForHPA");
	EXPECT_CONTAINS(message_of(&c, "Active"),
			"KEDA says ScaledObjectCheckFailed: no such thing");
	EXPECT_CONTAINS(message_of(&c, "Active"), "since 2026-01-02T03:00:00Z");
	c.now_ms = START_MS + 119 * SECOND;
	RUN(&c);
	EXPECT_ACTIVE(&c, "Unknown WaitingForHPA");
	EXPECT_INT(c.last.again_ms, SECOND);
	c.now_ms += SECOND;
	RUN(&c);
	EXPECT_ACTIVE(&c, "False ScaledObjectNotReady");
	EXPECT_TEXT(message_of(&c, "Active"),
		    "ScaledObject \"r\" is not ready: ScaledObjectCheckFailed: no such thing");
	EXPECT_CONTAINS(c.notes, "Warning ScaledObjectNotReady 7");
	expect_settled(&c);
	/* a restart, and so a transition that is 0 s old, changes nothing */
	memo_clear(&c.memo);
	expect_settled(&c);
	/* it heals */
	so_says(&c, "{'conditions':[{'type':'Ready','status':'True'}]}");
	RUN(&c);
	EXPECT_ACTIVE(&c, "Unknown WaitingForHPA");
	cluster_release(&c);
}

/* With an HPA there it is ScalingDegraded's business. */
TEST(active, scaled_object_not_ready_beside_an_hpa)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	so_says(&c, FAILED);
	hpa_appears(&c);
	hpa_says(&c, "True", 1, 1);
	c.now_ms += 3 * MINUTE;
	RUN(&c);
	EXPECT_ACTIVE(&c, "True ");
	cluster_release(&c);
}

TEST(active, scaled_object_not_ready_without_words)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	so_says(&c, "{'conditions':[{'type':'Ready','status':'False'}]}");
	c.now_ms += 3 * MINUTE;
	RUN(&c);
	EXPECT_TEXT(message_of(&c, "Active"),
		    "ScaledObject \"r\" is not ready: KEDA does not say why.");
	cluster_release(&c);
}

/* 120 s since Active's last transition, if that is later than the creation. */
TEST(active, scaled_object_not_ready_counts_from_the_transition)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	annotate(&c, "'metric':'m'");
	RUN(&c);
	so_says(&c, FAILED);
	c.now_ms += 10 * MINUTE;
	annotate(&c, CUSTOM);
	RUN(&c);
	EXPECT_ACTIVE(&c, "False ScaledObjectNotReady");
	edit(&c, c.pa,
	     "{'status':{'conditions':[{'type':'Active','status':'Unknown','reason':"
	     "'WaitingForHPA','lastTransitionTime':'%s'}]}}",
	     time_text(&c, c.now_ms - 60 * SECOND));
	RUN(&c);
	EXPECT_ACTIVE(&c, "Unknown WaitingForHPA");
	EXPECT_INT(c.last.again_ms, 60 * SECOND);
	cluster_release(&c);
}

TEST(active, waiting_for_hpa)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks create-so status");
	EXPECT_ACTIVE(&c, "Unknown WaitingForHPA");
	EXPECT_TEXT(message_of(&c, "Active"),
		    "Waiting for KEDA's HorizontalPodAutoscaler of ScaledObject \"r\" since "
		    "2026-01-02T03:00:00Z.");
	expect_settled(&c);
	/* still the same text later on: no write */
	c.now_ms += 29 * SECOND;
	expect_settled(&c);
	/* KEDA's silence is told once it lasts */
	c.now_ms += SECOND;
	RUN(&c);
	EXPECT_STEPS(&c, "status");
	EXPECT_CONTAINS(message_of(&c, "Active"), "KEDA has said nothing of it");
	so_says(&c, "{'conditions':[{'type':'Ready','status':'Unknown','message':'soon'}]}");
	RUN(&c);
	EXPECT_CONTAINS(message_of(&c, "Active"), "00Z. KEDA says soon");
	so_says(&c, "{'conditions':[{'type':'Ready','status':'Unknown'}]}");
	RUN(&c);
	EXPECT_CONTAINS(message_of(&c, "Active"), "since 2026-01-02T03:00:00Z.");
	EXPECT(!strstr(message_of(&c, "Active"), "KEDA says"));
	cluster_release(&c);
}

TEST(active, waiting_for_hpa_after_init_stays_as_it_was)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	c.hpa = NULL;
	expect_settled(&c);
	EXPECT_ACTIVE(&c, "True ");
	/* but not the text of a trouble that is over */
	annotate(&c, "'metric':'m'");
	RUN(&c);
	annotate(&c, CUSTOM);
	RUN(&c);
	EXPECT_ACTIVE(&c, "Unknown WaitingForHPA");
	cluster_release(&c);
}

TEST(active, no_traffic)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	hpa_says(&c, "False ScalingDisabled", 0, 0);
	RUN(&c); /* the SKS still has endpoints */
	EXPECT_ACTIVE(&c, "True ");
	sks_loses_endpoints(&c);
	RUN(&c);
	EXPECT_ACTIVE(&c, "False NoTraffic");
	EXPECT_TEXT(message_of(&c, "Active"), "The target is not receiving traffic.");
	EXPECT_TEXT(says(&c, "SKSReady"), "Unknown NotReady");
	EXPECT_TEXT(says(&c, "Ready"), "False NoTraffic");
	EXPECT_TEXT(says(&c, "ScaleTargetInitialized"), "True ");
	EXPECT_TEXT(c.notes, "Normal NoTraffic 1: The target is not receiving traffic.\n");
	expect_settled(&c);
	/* without an HPA it stays so */
	struct json *hpa = c.hpa;
	c.hpa = NULL;
	expect_settled(&c);
	c.hpa = hpa;
	/* and back */
	hpa_says(&c, "True", 1, 1);
	RUN(&c);
	EXPECT_ACTIVE(&c, "True ");
	EXPECT_TEXT(c.notes, "");
	cluster_release(&c);
}

TEST(active, no_traffic_needs_all_its_conditions)
{
	static const struct {
		const char *scaling;
		int pods;
		const char *want;
	} rows[] = {
	    {"False ScalingDisabled", 0, "False NoTraffic"},
	    {"False ScalingDisabled", 1, "True "},
	    {"False FailedGetExternalMetric", 0, "True "},
	    {"True ", 0, "True "},
	    {"Unknown ", 0, "True "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cluster c;
		test_row("%s %d", rows[i].scaling, rows[i].pods);
		cluster_init(&c, CUSTOM);
		becomes_ready(&c, 1);
		sks_loses_endpoints(&c);
		hpa_says(&c, rows[i].scaling, rows[i].pods, rows[i].pods);
		RUN(&c);
		EXPECT_ACTIVE(&c, rows[i].want);
		cluster_release(&c);
	}
}

TEST(active, otherwise_true)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	hpa_appears(&c);
	hpa_says(&c, "True", 1, 3);
	RUN(&c);
	EXPECT_STEPS(&c, "status");
	EXPECT_ACTIVE(&c, "True ");
	EXPECT_TEXT(says(&c, "SKSReady"), "Unknown NotReady");
	EXPECT_TEXT(says(&c, "ScaleTargetInitialized"), "Unknown ");
	EXPECT_TEXT(says(&c, "Ready"), "Unknown NotReady");
	EXPECT_INT(json_int_or(json_path(c.pa, "status", "desiredScale", NULL), -9), 3);
	EXPECT_INT(json_int_or(json_path(c.pa, "status", "actualScale", NULL), -9), 1);
	cluster_release(&c);
}

/* A new HPA reads 0 and 0 before its first sync. */
TEST(active, hpa_without_status_changes_nothing)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	const char *before = message_of(&c, "Active");
	hpa_appears(&c);
	expect_settled(&c);
	EXPECT_TEXT(message_of(&c, "Active"), before);
	EXPECT(!json_path(c.pa, "status", "desiredScale", NULL));
	hpa_says(&c, "True", 4, 4);
	sks_becomes_ready(&c);
	RUN(&c);
	hpa_appears(&c); /* made anew */
	expect_settled(&c);
	EXPECT_ACTIVE(&c, "True ");
	EXPECT_INT(json_int_or(json_path(c.pa, "status", "actualScale", NULL), -9), 4);
	/* with a text of another row it waits */
	annotate(&c, "'metric':'m'");
	RUN(&c);
	annotate(&c, CUSTOM);
	RUN(&c);
	EXPECT_ACTIVE(&c, "Unknown WaitingForHPA");
	cluster_release(&c);
}

/* autoscaler-hpa's HPA: KEDA is asked to take it over, and no moment is without one. */
TEST(active, hpa_of_the_pod_autoscaler_is_taken_over)
{
	struct cluster c;

	cluster_init(&c, "");
	c.hpa = J(&c, "{'metadata':{'name':'r','namespace':'ns','uid':'h','ownerReferences':[{"
		      "'apiVersion':'autoscaling.internal.knative.dev/v1alpha1',"
		      "'kind':'PodAutoscaler','name':'r','uid':'pa-1','controller':true}]}}");
	hpa_says(&c, "True", 2, 2);
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks create-so status");
	EXPECT_TEXT(json_text(json_path(c.so, "metadata", "annotations",
					"scaledobject.keda.sh/transfer-hpa-ownership", NULL)),
		    "true");
	EXPECT_ACTIVE(&c, "True ");
	hpa_appears(&c);
	hpa_says(&c, "True", 2, 2);
	RUN(&c);
	EXPECT_STEPS(&c, "");
	EXPECT_TEXT(json_text(json_path(c.so, "metadata", "annotations",
					"scaledobject.keda.sh/transfer-hpa-ownership", NULL)),
		    "true");
	cluster_release(&c);
}

TEST_MAIN(TEST_OF(active, scaled_object_paused),
	  TEST_OF(active, scaled_object_paused_after_init_stays_as_before),
	  TEST_OF(active, scaled_object_paused_at_zero_is_no_traffic),
	  TEST_OF(active, scaled_object_paused_after_another_trouble),
	  TEST_OF(active, scaled_object_not_ready),
	  TEST_OF(active, scaled_object_not_ready_beside_an_hpa),
	  TEST_OF(active, scaled_object_not_ready_without_words),
	  TEST_OF(active, scaled_object_not_ready_counts_from_the_transition),
	  TEST_OF(active, waiting_for_hpa),
	  TEST_OF(active, waiting_for_hpa_after_init_stays_as_it_was), TEST_OF(active, no_traffic),
	  TEST_OF(active, no_traffic_needs_all_its_conditions), TEST_OF(active, otherwise_true),
	  TEST_OF(active, hpa_without_status_changes_nothing),
	  TEST_OF(active, hpa_of_the_pod_autoscaler_is_taken_over))
