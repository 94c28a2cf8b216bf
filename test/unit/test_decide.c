/*
 * decide(): whether at all, the ServerlessService, the status write, and when to look again.
 */
#include "test/unit/hpa_cluster.h"

#define RUN(c) EXPECT(cluster_pass(c))

static void expect_settled(struct cluster *c)
{
	RUN(c);
	EXPECT_STEPS(c, "");
	EXPECT_TEXT(c->notes, "");
}

static const struct json *so_spec(const struct cluster *c, const char *field)
{
	return json_path(c->so, "spec", field, NULL);
}

/* ---- whether at all ---- */

TEST(decide, not_the_leader)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	c.leader = false;
	expect_settled(&c);
	EXPECT(!c.sks);
	cluster_release(&c);
}

TEST(decide, pod_autoscaler_is_going)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	edit(&c, c.pa, "{'metadata':{'deletionTimestamp':'%s'}}", time_text(&c, c.now_ms));
	c.sks = c.so = c.hpa = NULL;
	expect_settled(&c);
	cluster_release(&c);
}

TEST(decide, class_went)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	edit(&c, c.pa, "{'metadata':{'annotations':{'autoscaling.knative.dev/class':'other'}}}");
	RUN(&c);
	EXPECT_STEPS(&c, "delete-so");
	EXPECT(c.sks != NULL);
	expect_settled(&c);
	cluster_release(&c);
}

TEST(decide, class_went_but_the_scaled_object_is_not_ours)
{
	static const char *const edits[] = {
	    "{'metadata':{'ownerReferences':null}}",
	    "{'metadata':{'annotations':{'autoscaling.knative.dev/class':'other'}}}",
	    "{'metadata':{'deletionTimestamp':'2026-01-02T03:00:00Z'}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		struct cluster c;
		test_row("%s", edits[i]);
		cluster_init(&c, CUSTOM);
		becomes_ready(&c, 1);
		edit(&c, c.pa,
		     "{'metadata':{'annotations':{'autoscaling.knative.dev/class':'other'}}}");
		edit(&c, c.so, "%s", edits[i]);
		expect_settled(&c);
		cluster_release(&c);
	}
}

/* With auto-create off strangers' ScaledObjects count as ours, but for this. */
TEST(decide, class_went_and_a_users_own_stays)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	annotate(&c, "'scaled-object-auto-create':'false'");
	edit(&c, c.so, "{'metadata':{'ownerReferences':null}}");
	RUN(&c);
	edit(&c, c.pa, "{'metadata':{'annotations':{'autoscaling.knative.dev/class':'other'}}}");
	expect_settled(&c);
	EXPECT(c.so);
	cluster_release(&c);
}

TEST(decide, class_went_and_the_delete_fails)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	edit(&c, c.pa, "{'metadata':{'annotations':{'autoscaling.knative.dev/class':'other'}}}");
	c.fault = (struct fault){STEP_DELETE_SO, ERROR_TRANSIENT, "HTTP 503", 1};
	RUN(&c);
	EXPECT_STEPS(&c, "delete-so!");
	c.view = (struct view){0};
	cluster_decide(&c);
	EXPECT_INT(c.last.step, STEP_DELETE_SO);
	EXPECT_TEXT(c.last.uid, json_text(json_path(c.so, "metadata", "uid", NULL)));
	cluster_release(&c);
}

/* ---- ServerlessService ---- */

TEST(sks, is_brought_back_into_sync)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	edit(&c, c.sks, "{'spec':{'mode':'Proxy','numActivators':3}}");
	RUN(&c);
	EXPECT_STEPS(&c, "patch-sks");
	EXPECT_TEXT(json_text(json_path(c.sks, "spec", "mode", NULL)), "Serve");
	expect_settled(&c);
	cluster_release(&c);
}

/* The cache is behind: no status may be made up from it. */
TEST(sks, conflict_ends_the_pass)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	c.fault = (struct fault){STEP_CREATE_SKS, ERROR_ALREADY_EXISTS, "exists", 1};
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks!");
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks create-so status");
	edit(&c, c.sks, "{'spec':{'mode':'Proxy'}}");
	c.fault = (struct fault){STEP_PATCH_SKS, ERROR_CONFLICT, "modified", 1};
	RUN(&c);
	EXPECT_STEPS(&c, "patch-sks!");
	cluster_release(&c);
}

TEST(sks, failure_is_told)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	c.fault = (struct fault){STEP_CREATE_SKS, ERROR_FORBIDDEN, "no right to create", 2};
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks! status");
	EXPECT_TEXT(says(&c, "SKSReady"), "Unknown NotReady");
	EXPECT_TEXT(message_of(&c, "SKSReady"),
		    "SKS Services are not ready yet: no right to create");
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks!");
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks create-so status");
	EXPECT_TEXT(message_of(&c, "SKSReady"), "SKS Services are not ready yet");
	cluster_release(&c);
}

TEST(sks, refusal_for_good_is_tried_again)
{
	struct cluster c;

	cluster_init(&c, "'target':'abc'");
	RUN(&c);
	c.sks = NULL;
	c.fault = (struct fault){STEP_CREATE_SKS, ERROR_DENIED, "quota", 1};
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks! status");
	EXPECT_INT(c.last.again_ms, MINUTE);
	cluster_release(&c);
}

TEST(sks, patch_that_does_not_help_is_not_repeated)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	edit(&c, c.sks, "{'spec':{'mode':'Proxy'}}");
	c.view = (struct view){.done = 1U << STEP_PATCH_SKS};
	cluster_decide(&c);
	EXPECT_INT(c.last.step, STEP_DONE);
	cluster_release(&c);
}

/* ---- the status write ---- */

TEST(status_write, conflict_ends_the_pass)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	c.fault = (struct fault){STEP_PATCH_STATUS, ERROR_CONFLICT, "modified", 1};
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks create-so status!");
	EXPECT_TEXT(c.notes, "");
	RUN(&c);
	EXPECT_STEPS(&c, "status");
	cluster_release(&c);
}

/* A failed create must not be tried again because the status failed, too. */
TEST(status_write, failure_after_a_failed_create)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	c.so = NULL;
	c.fault = (struct fault){STEP_CREATE_SO, ERROR_TRANSIENT, "HTTP 503", 1};
	c.view = (struct view){0};
	cluster_decide(&c);
	EXPECT_INT(c.last.step, STEP_CREATE_SO);
	cluster_step(&c);
	cluster_decide(&c);
	EXPECT_INT(c.last.step, STEP_PATCH_STATUS);
	c.fault = (struct fault){STEP_PATCH_STATUS, ERROR_TRANSIENT, "HTTP 503", 1};
	cluster_step(&c);
	cluster_decide(&c);
	EXPECT_INT(c.last.step, STEP_DONE);
	cluster_release(&c);
}

TEST(status_write, failure_after_a_failed_patch)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	edit(&c, c.so, "{'spec':{'maxReplicaCount':3}}");
	c.view = (struct view){.answer = {STEP_PATCH_STATUS, ERROR_TRANSIENT, "HTTP 503", 0}};
	cluster_decide(&c);
	EXPECT_INT(c.last.step, STEP_DONE);
	cluster_release(&c);
}

/* Times that have passed count as now. */
TEST(again, never_in_the_past)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	c.memo.unknown_since_ms = c.now_ms - 10 * MINUTE;
	c.memo.degraded_since_ms = c.now_ms - 10 * MINUTE;
	c.now_ms -= MINUTE; /* the server's clock was set back */
	RUN(&c);
	EXPECT(c.last.again_ms > 0);
	cluster_release(&c);
}

TEST(status_write, refused_for_good)
{
	struct cluster c;

	cluster_init(&c, "'target':'abc'");
	c.fault = (struct fault){STEP_PATCH_STATUS, ERROR_DENIED, "webhook says no", 99};
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks status!");
	EXPECT_CONTAINS(c.notes, "Warning InvalidAnnotation 7");
	EXPECT_CONTAINS(c.notes, "Warning StatusNotWritten 7: webhook says no");
	EXPECT_INT(c.last.again_ms, 1000);
	/* not before its time, and without repeating itself */
	c.now_ms += 999;
	expect_settled(&c);
	EXPECT_INT(c.last.again_ms, 1);
	c.now_ms += 1;
	RUN(&c);
	EXPECT_STEPS(&c, "status!");
	EXPECT_TEXT(c.notes, "");
	EXPECT_INT(c.last.again_ms, 2000);
	/* at once when somebody touches the PodAutoscaler */
	touch(&c, c.pa);
	c.fault.times = 0;
	RUN(&c);
	EXPECT_STEPS(&c, "status");
	EXPECT_ACTIVE(&c, "False InvalidAnnotation");
	expect_settled(&c);
	EXPECT_INT(c.memo.status_tries, 0);
	EXPECT_INT(c.memo.status_version, 0);
	cluster_release(&c);
}

/* ---- time ---- */

TEST(again, at_the_end_of_the_hold)
{
	struct cluster c;

	cluster_init(&c, CUSTOM ",'keda-cooldown-period':'30'");
	RUN(&c);
	EXPECT_INT(json_int_or(so_spec(&c, "minReplicaCount"), 0), 1);
	becomes_ready(&c, 1);
	EXPECT_INT(c.last.again_ms, 1); /* Init was just written: from now on it is another hold */
	RUN(&c);
	EXPECT_INT(c.last.again_ms, 30 * SECOND);
	EXPECT_INT(c.last.held_until_ms, c.now_ms + 30 * SECOND);
	c.now_ms += 29999;
	expect_settled(&c);
	EXPECT_INT(c.last.again_ms, 1);
	EXPECT_INT(c.last.held_until_ms, c.now_ms + 1);
	c.now_ms += 1;
	RUN(&c);
	EXPECT_STEPS(&c, "get-so patch-so");
	EXPECT(!so_spec(&c, "minReplicaCount"));
	EXPECT_INT(c.last.again_ms, 0);
	EXPECT_INT(c.last.held_until_ms, 0);
	cluster_release(&c);
}

/* The initial scale is held until it was reached, no longer. */
TEST(again, at_once_when_the_initial_scale_is_reached)
{
	struct cluster c;

	cluster_init(&c, CUSTOM ",'initial-scale':'3'");
	becomes_ready(&c, 3);
	EXPECT_INT(json_int_or(so_spec(&c, "minReplicaCount"), 0), 3);
	EXPECT_INT(c.last.again_ms, 1);
	RUN(&c);
	EXPECT_STEPS(&c, "get-so patch-so");
	EXPECT_INT(json_int_or(so_spec(&c, "minReplicaCount"), 0), 1);
	cluster_release(&c);
}

TEST(again, hold_given_up_at_the_deadline)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	c.now_ms += 10 * MINUTE;
	RUN(&c);
	EXPECT_CONTAINS(c.steps, "get-so patch-so");
	EXPECT(!so_spec(&c, "minReplicaCount"));
	cluster_release(&c);
}

TEST(again, the_nearest_of_several)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	EXPECT_INT(c.last.again_ms, 30 * SECOND); /* WaitingForHPA's event; the deadline is later */
	so_says(&c, "{'conditions':[{'type':'Ready','status':'False','reason':'R'}]}");
	c.now_ms += 31 * SECOND;
	RUN(&c);
	EXPECT_INT(c.last.again_ms, 89 * SECOND); /* the 120 s */
	cluster_release(&c);
}

TEST(property, same_view_same_decision)
{
	struct cluster c;
	CLEANUP(strbuf_release) struct strbuf one = STRBUF_INIT, two = STRBUF_INIT;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	hpa_appears(&c);
	hpa_says(&c, "True", 1, 1);
	c.view = (struct view){0};
	cluster_decide(&c);
	json_write(c.last.body, &one);
	cluster_decide(&c);
	json_write(c.last.body, &two);
	EXPECT_INT(c.last.step, STEP_PATCH_STATUS);
	EXPECT_TEXT(one.buf, two.buf);
	cluster_release(&c);
}

/* A memo copied from one that borrows its own texts. */
TEST(memo, copies_texts)
{
	char a[] = "a", b[] = "b", reason[] = "c";
	struct memo memo = {0}, other = {.refused_text = a,
					 .unwritten_text = b,
					 .unknown_reason = reason,
					 .refused_tries = 3};

	memo_copy(&memo, &other);
	other = memo;
	other.unwritten_text = NULL;
	memo_copy(&memo, &other);
	EXPECT_TEXT(memo.refused_text, "a");
	EXPECT_TEXT(memo.unwritten_text, NULL);
	EXPECT_TEXT(memo.unknown_reason, "c");
	EXPECT_INT(memo.refused_tries, 3);
	memo_clear(&memo);
	EXPECT(memo.refused_text == NULL);
	EXPECT_INT(memo.refused_tries, 0);
}

TEST_MAIN(TEST_OF(decide, not_the_leader), TEST_OF(decide, pod_autoscaler_is_going),
	  TEST_OF(decide, class_went),
	  TEST_OF(decide, class_went_but_the_scaled_object_is_not_ours),
	  TEST_OF(decide, class_went_and_a_users_own_stays),
	  TEST_OF(decide, class_went_and_the_delete_fails), TEST_OF(sks, is_brought_back_into_sync),
	  TEST_OF(sks, conflict_ends_the_pass), TEST_OF(sks, failure_is_told),
	  TEST_OF(sks, refusal_for_good_is_tried_again),
	  TEST_OF(sks, patch_that_does_not_help_is_not_repeated),
	  TEST_OF(status_write, conflict_ends_the_pass),
	  TEST_OF(status_write, failure_after_a_failed_create),
	  TEST_OF(status_write, failure_after_a_failed_patch),
	  TEST_OF(status_write, refused_for_good), TEST_OF(again, never_in_the_past),
	  TEST_OF(again, at_the_end_of_the_hold),
	  TEST_OF(again, at_once_when_the_initial_scale_is_reached),
	  TEST_OF(again, hold_given_up_at_the_deadline), TEST_OF(again, the_nearest_of_several),
	  TEST_OF(property, same_view_same_decision), TEST_OF(memo, copies_texts))
