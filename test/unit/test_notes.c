/* The events: once for each cause, at their time, to those whom they concern, over restarts too. */
#include "test/unit/hpa_cluster.h"

#define RUN(c) EXPECT(cluster_pass(c))

static void expect_silence(struct cluster *c)
{
	RUN(c);
	EXPECT_TEXT(c->notes, "");
}

static void restart(struct cluster *c)
{
	memo_clear(&c->memo);
}

TEST(notes, false_at_once_and_once)
{
	struct cluster c;

	cluster_init(&c, "'target':'abc'");
	RUN(&c);
	EXPECT_CONTAINS(c.notes, "Warning InvalidAnnotation 7: autoscaling.knative.dev/target: ");
	expect_silence(&c);
	restart(&c);
	expect_silence(&c);
	/* another wrong annotation is another cause */
	annotate(&c, "'min-scale':'abc'");
	RUN(&c);
	EXPECT_CONTAINS(c.notes, "Warning InvalidAnnotation 7: autoscaling.knative.dev/min-scale");
	expect_silence(&c);
	/* a percent sign is written otherwise in the condition, and is the same text all the same
	 */
	annotate(&c, "'min-scale':'5%'");
	RUN(&c);
	EXPECT_CONTAINS(c.notes, "\"5%\"");
	edit(&c, c.pa, "{'metadata':{'generation':2}}");
	RUN(&c);
	EXPECT_STEPS(&c, "status");
	EXPECT_TEXT(c.notes, "");
	cluster_release(&c);
}

TEST(notes, false_with_another_text_only)
{
	struct cluster c;

	cluster_init(&c, "");
	RUN(&c);
	so_says(&c, "{'conditions':[{'type':'Ready','status':'False','reason':'A'}]}");
	c.now_ms += 3 * MINUTE;
	RUN(&c);
	EXPECT_CONTAINS(c.notes, "Warning ScaledObjectNotReady 7");
	so_says(&c, "{'conditions':[{'type':'Ready','status':'False','reason':'B'}]}");
	RUN(&c);
	EXPECT_STEPS(&c, "status");
	EXPECT_TEXT(c.notes, "");
	cluster_release(&c);
}

/* Once, whatever else is written or refused, and never a reason to fail. */
TEST(notes, misspelt_annotation)
{
	struct cluster c;
	static const char told[] =
	    "Warning UnknownAnnotation 7: autoscaling.knative.dev/min-scal is not known; did you "
	    "mean autoscaling.knative.dev/min-scale?\n";

	cluster_init(&c, CUSTOM ",'min-scal':'3'");
	c.fault = (struct fault){STEP_PATCH_STATUS, ERROR_TRANSIENT, "trouble", 1};
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks create-so status!");
	EXPECT_TEXT(c.notes, told);
	RUN(&c);
	EXPECT_STEPS(&c, "status");
	EXPECT_TEXT(c.notes, "");
	expect_silence(&c);
	annotate(&c, CUSTOM);
	expect_silence(&c);
	annotate(&c, CUSTOM ",'min-scal':'3','target-burst-capacity':'0'");
	RUN(&c);
	EXPECT_TEXT(c.notes, told);
	cluster_release(&c);
}

/* A status write may take its notes with it: told in the pass behind it. */
TEST(notes, misspelt_annotation_waits_for_the_status)
{
	struct cluster c;

	cluster_init(&c, CUSTOM ",'min-scal':'3'");
	RUN(&c);
	EXPECT_TEXT(c.notes, "");
	EXPECT_INT(c.last.again_ms, SECOND);
	RUN(&c);
	EXPECT_STEPS(&c, "");
	EXPECT_CONTAINS(c.notes, "Warning UnknownAnnotation 7: ");
	expect_silence(&c);
	cluster_release(&c);
}

TEST(notes, true_is_no_event)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	EXPECT_TEXT(c.notes, "");
	EXPECT_ACTIVE(&c, "True ");
	cluster_release(&c);
}

TEST(notes, unknown_after_30_s)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	c.keda_installed = false;
	expect_silence(&c);
	EXPECT_INT(c.last.again_ms, 30 * SECOND);
	c.now_ms += 29999;
	expect_silence(&c);
	EXPECT_INT(c.last.again_ms, 1);
	c.now_ms += 1;
	RUN(&c);
	EXPECT_CONTAINS(c.notes, "Normal KEDANotInstalled 1: The API scaledobjects.keda.sh");
	EXPECT_STEPS(&c, "");
	expect_silence(&c);
	EXPECT(c.memo.unknown_told);
	/* a restart after that does not repeat it */
	restart(&c);
	expect_silence(&c);
	c.now_ms += 60 * SECOND;
	expect_silence(&c);
	cluster_release(&c);
}

TEST(notes, unknown_within_30_s_of_a_restart)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	c.keda_installed = false;
	expect_silence(&c);
	restart(&c);
	c.now_ms += 20 * SECOND;
	expect_silence(&c);
	EXPECT_INT(c.last.again_ms, 10 * SECOND);
	c.now_ms += 10 * SECOND;
	RUN(&c);
	EXPECT_CONTAINS(c.notes, "Normal KEDANotInstalled 1");
	cluster_release(&c);
}

TEST(notes, each_unknown_reason_waits_its_own_30_s)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	c.keda_installed = false;
	expect_silence(&c);
	c.now_ms += 20 * SECOND;
	c.keda_installed = true;
	expect_silence(&c);
	EXPECT_ACTIVE(&c, "Unknown WaitingForHPA");
	c.now_ms += 20 * SECOND;
	expect_silence(&c);
	EXPECT_INT(c.last.again_ms, 10 * SECOND);
	c.now_ms += 10 * SECOND;
	RUN(&c);
	EXPECT_CONTAINS(c.notes, "Normal WaitingForHPA 1");
	/* gone, and back: told again */
	hpa_appears(&c);
	hpa_says(&c, "True", 1, 1);
	expect_silence(&c);
	EXPECT(c.memo.unknown_reason == NULL);
	cluster_release(&c);
}

/* An event that went with a status write that failed is told with the next one. */
TEST(notes, of_a_failed_status_write_come_later)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	expect_silence(&c);
	c.now_ms += 30 * SECOND; /* KEDA's silence is in the text now, so there is a write */
	c.fault = (struct fault){STEP_PATCH_STATUS, ERROR_CONFLICT, "modified", 1};
	RUN(&c);
	EXPECT_STEPS(&c, "status!");
	const char *first = arena_strdup(c.arena, c.notes);
	RUN(&c);
	EXPECT_STEPS(&c, "status");
	EXPECT_CONTAINS(arena_printf(c.arena, "%s%s", first, c.notes), "Normal WaitingForHPA 1");
	cluster_release(&c);

	cluster_init(&c, "'target':'abc'");
	c.fault = (struct fault){STEP_PATCH_STATUS, ERROR_TRANSIENT, "HTTP 503", 1};
	expect_silence(&c);
	RUN(&c);
	EXPECT_CONTAINS(c.notes, "Warning InvalidAnnotation");
	cluster_release(&c);
}

/* ---- ScalingDegraded ---- */

TEST(degraded, after_60_s)
{
	struct cluster c;

	cluster_init(&c, CUSTOM ",'keda-initial-cooldown-period':'0'");
	becomes_ready(&c, 1);
	RUN(&c);
	hpa_says(&c, "False FailedGetExternalMetric", 1, 1);
	expect_silence(&c);
	EXPECT_ACTIVE(&c, "True ");
	EXPECT_INT(c.last.again_ms, 60 * SECOND);
	c.now_ms += 59999;
	expect_silence(&c);
	EXPECT_INT(c.last.again_ms, 1);
	c.now_ms += 1;
	RUN(&c);
	EXPECT_TEXT(c.notes, "Warning ScalingDegraded 7: HorizontalPodAutoscaler \"r\" does not "
			     "scale: FailedGetExternalMetric: words\n");
	EXPECT_ACTIVE(&c, "True ");
	EXPECT_INT(c.last.again_ms, 0);
	expect_silence(&c);
	/* healed, and again */
	hpa_says(&c, "True", 1, 1);
	expect_silence(&c);
	EXPECT_INT(c.memo.degraded_since_ms, 0);
	hpa_says(&c, "False FailedGetExternalMetric", 1, 1);
	expect_silence(&c);
	c.now_ms += MINUTE;
	RUN(&c);
	EXPECT_CONTAINS(c.notes, "Warning ScalingDegraded 7");
	cluster_release(&c);
}

TEST(degraded, by_the_scaled_object)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	so_says(&c, "{'conditions':[{'type':'Ready','status':'False','reason':'TriggerError',"
		    "'message':'no answer'}]}");
	expect_silence(&c);
	c.now_ms += MINUTE;
	RUN(&c);
	EXPECT_TEXT(c.notes, "Warning ScalingDegraded 7: ScaledObject \"r\" is not ready: "
			     "TriggerError: no answer\n");
	EXPECT_ACTIVE(&c, "True ");
	cluster_release(&c);
}

TEST(degraded, not_by_zero_and_not_without_an_hpa)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	hpa_says(&c, "False ScalingDisabled", 0, 0);
	expect_silence(&c);
	EXPECT_INT(c.memo.degraded_since_ms, 0);
	c.hpa = NULL;
	so_says(&c, "{'conditions':[{'type':'Ready','status':'False'}]}");
	expect_silence(&c);
	EXPECT_INT(c.memo.degraded_since_ms, 0);
	cluster_release(&c);
}

TEST_MAIN(TEST_OF(notes, false_at_once_and_once), TEST_OF(notes, false_with_another_text_only),
	  TEST_OF(notes, misspelt_annotation),
	  TEST_OF(notes, misspelt_annotation_waits_for_the_status),
	  TEST_OF(notes, true_is_no_event), TEST_OF(notes, unknown_after_30_s),
	  TEST_OF(notes, unknown_within_30_s_of_a_restart),
	  TEST_OF(notes, each_unknown_reason_waits_its_own_30_s),
	  TEST_OF(notes, of_a_failed_status_write_come_later), TEST_OF(degraded, after_60_s),
	  TEST_OF(degraded, by_the_scaled_object),
	  TEST_OF(degraded, not_by_zero_and_not_without_an_hpa))
