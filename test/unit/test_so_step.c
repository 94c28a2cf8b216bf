/*
 * The ScaledObject's steps: drift, conflicts, a cache that is behind, server defaults, refusals for
 * good and their back-off.
 */
#include "test/unit/hpa_cluster.h"

#define RUN(c) EXPECT(cluster_pass(c))

static void expect_settled(struct cluster *c)
{
	RUN(c);
	EXPECT_STEPS(c, "");
	EXPECT_TEXT(c->notes, "");
}

/* ---- ScaledObject ---- */

TEST(so, drift_is_repaired_at_once)
{
	static const char *const edits[] = {
	    "{'spec':{'maxReplicaCount':3}}",
	    "{'spec':{'minReplicaCount':9}}",
	    "{'spec':{'cooldownPeriod':0}}",
	    "{'spec':{'triggers':[]}}",
	    "{'metadata':{'labels':{'serving.knative.dev/service':'other'}}}",
	    "{'metadata':{'labels':null}}",
	    "{'metadata':{'annotations':{'autoscaling.knative.dev/class':null}}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		struct cluster c;
		test_row("%s", edits[i]);
		cluster_init(&c, CUSTOM);
		becomes_ready(&c, 1);
		const struct json *before = json_get(c.so, "spec");
		edit(&c, c.so, "%s", edits[i]);
		RUN(&c);
		EXPECT_STEPS(&c, "get-so patch-so");
		EXPECT(json_equal(before, json_get(c.so, "spec")));
		expect_settled(&c);
		cluster_release(&c);
	}
}

TEST(so, what_others_may_do_to_it)
{
	static const char *const edits[] = {
	    "{'metadata':{'labels':{'theirs':'x'},'annotations':{'theirs':'y'}}}",
	    "{'metadata':{'finalizers':['finalizer.keda.sh']}}",
	    "{'spec':{'advanced':{'scalingModifiers':{}}}}",
	    "{'spec':{'advanced':{'restoreToOriginalReplicaCount':false}}}",
	    "{'status':{'lastActiveTime':'2026-01-02T03:00:00Z'}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		struct cluster c;
		test_row("%s", edits[i]);
		cluster_init(&c, CUSTOM);
		becomes_ready(&c, 1);
		edit(&c, c.so, "%s", edits[i]);
		expect_settled(&c);
		cluster_release(&c);
	}
}

TEST(so, deleted_is_made_again)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	c.so = NULL;
	RUN(&c); /* first its HPA goes */
	EXPECT_STEPS(&c, "status");
	EXPECT_ACTIVE(&c, "Unknown WaitingForDeletion");
	c.hpa = NULL;
	RUN(&c);
	EXPECT_STEPS(&c, "create-so status");
	cluster_release(&c);
}

/* A default that the server adds is learned from the answer; the next object costs nothing. */
TEST(so, server_defaults)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	c.defaults = J(&c, "{'spec':{'newField':'x','advanced':{'other':7}}}");
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks create-so status");
	EXPECT(c.last.memo.fought_hash == 0);
	/* a restart forgets the lesson: one probing write at most */
	learned_free(c.learned);
	c.learned = learned_new();
	RUN(&c);
	EXPECT_STEPS(&c, "get-so patch-so");
	RUN(&c);
	EXPECT_STEPS(&c, "get-so");
	EXPECT(c.last.live_hash_in_sync != 0);
	cluster_release(&c);
}

TEST(so, hash_of_the_desired_one_is_handed_back)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	c.defaults = J(&c, "{'spec':{'newField':'x'}}");
	RUN(&c);
	EXPECT(c.last.live_hash_in_sync != 0);
	cluster_look(&c);
	EXPECT(c.last.live_hash_in_sync != c.view.so->spec_hash);
	cluster_release(&c);
}

TEST(so, conflict_reads_again)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	edit(&c, c.so, "{'spec':{'maxReplicaCount':3}}");
	c.fault = (struct fault){STEP_PATCH_SO, ERROR_CONFLICT, "modified", 1};
	RUN(&c);
	EXPECT_STEPS(&c, "get-so patch-so! get-so patch-so");
	expect_settled(&c);
	cluster_release(&c);
}

/* The cache has not caught up with a create of ours, or of the Go controller's. */
TEST(so, exists_already)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	c.now_ms += 10 * SECOND; /* a status would speak of another time */
	RUN(&c);
	c.hide_so = true;
	memo_clear(&c.memo);
	RUN(&c);
	EXPECT_STEPS(&c, "create-so! get-so");
	EXPECT_INT(c.last.again_ms, 1000);
	EXPECT_ACTIVE(&c, "Unknown WaitingForHPA");
	cluster_release(&c);
}

TEST(so, exists_already_and_differs)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	RUN(&c);
	c.hide_so = true;
	edit(&c, c.so, "{'spec':{'maxReplicaCount':3}}");
	RUN(&c);
	EXPECT_STEPS(&c, "create-so! get-so patch-so");
	cluster_release(&c);
}

TEST(so, exists_already_and_is_foreign)
{
	static const struct {
		const char *edit, *active;
	} rows[] = {
	    {"{'metadata':{'ownerReferences':null}}", "False NotOwned"},
	    {"{'metadata':{'name':''}}", "False NotOwned"},
	    {"{'metadata':{'deletionTimestamp':'2026-01-02T03:00:00Z'}}",
	     "Unknown WaitingForDeletion"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cluster c;
		test_row("%s", rows[i].edit);
		cluster_init(&c, CUSTOM);
		RUN(&c);
		c.hide_so = true;
		edit(&c, c.so, "%s", rows[i].edit);
		RUN(&c);
		EXPECT_STEPS(&c, "create-so! get-so status");
		EXPECT_ACTIVE(&c, rows[i].active);
		cluster_release(&c);
	}
}

TEST(so, gone_between_create_and_read)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	c.fault = (struct fault){STEP_CREATE_SO, ERROR_ALREADY_EXISTS, "exists", 1};
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks create-so! get-so! create-so status");
	cluster_release(&c);
}

TEST(so, cannot_be_read)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	edit(&c, c.so, "{'spec':{'maxReplicaCount':3}}");
	c.fault = (struct fault){STEP_GET_SO, ERROR_TRANSIENT, "time-out", 1};
	RUN(&c);
	EXPECT_STEPS(&c, "get-so! status");
	EXPECT_ACTIVE(&c, "Unknown ScaledObjectNotWritten");
	RUN(&c);
	EXPECT_STEPS(&c, "get-so patch-so status");
	EXPECT_ACTIVE(&c, "True ");
	cluster_release(&c);
}

TEST(so, read_again_if_the_cache_is_newer)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	edit(&c, c.so, "{'spec':{'maxReplicaCount':3}}");
	const struct json *old = c.so;
	edit(&c, c.so, "{'spec':{'maxReplicaCount':4}}");
	c.view = (struct view){.so_live = old};
	cluster_decide(&c);
	EXPECT_INT(c.last.step, STEP_GET_SO);
	c.view.so_live = c.so;
	cluster_decide(&c);
	EXPECT_INT(c.last.step, STEP_PATCH_SO);
	cluster_release(&c);
}

/* ---- refusals of the ScaledObject ---- */

static void expect_refused(struct cluster *c, const char *steps, int64_t again_ms)
{
	RUN(c);
	EXPECT_STEPS(c, steps);
	EXPECT_ACTIVE(c, "False ScaledObjectRejected");
	EXPECT_TEXT(message_of(c, "Active"), "first");
	EXPECT_INT(c->last.again_ms, again_ms);
}

TEST(refusal, is_tried_again_from_1_s_to_5_min)
{
	struct cluster c;
	int64_t delay = 1000;

	cluster_init(&c, "'initial-scale':'0'"); /* no hold that asks for other times */
	c.config.allow_zero_initial_scale = true;
	c.fault = (struct fault){STEP_CREATE_SO, ERROR_DENIED, "first", 99};
	expect_refused(&c, "create-sks create-so! status", 1000);
	for (int i = 0; i < 12; i++) {
		/* in between nothing is tried; KEDA's other text does not show */
		c.fault.message = "second";
		c.now_ms += delay - 1;
		expect_refused(&c, "", 1);
		c.now_ms += 1;
		delay = delay * 2 > 300000 ? 300000 : delay * 2;
		expect_refused(&c, "create-so!", delay);
	}
	EXPECT_INT(delay, 300000);
	c.fault.times = 0;
	c.now_ms += delay;
	RUN(&c);
	EXPECT_STEPS(&c, "create-so status");
	EXPECT_INT(c.memo.refused_hash, 0);
	EXPECT(c.memo.refused_text == NULL);
	cluster_release(&c);
}

TEST(refusal, is_tried_at_once_when_the_input_changes)
{
	struct cluster c;

	cluster_init(&c, "");
	c.fault = (struct fault){STEP_CREATE_SO, ERROR_INVALID, "first", 99};
	expect_refused(&c, "create-sks create-so! status", 1000);
	annotate(&c, "'target':'50'");
	c.fault.message = "second";
	RUN(&c);
	EXPECT_STEPS(&c, "create-so! status");
	EXPECT_TEXT(message_of(&c, "Active"), "second");
	EXPECT_INT(c.last.again_ms, 1000);
	/* back to what is there: nothing is refused any more */
	annotate(&c, "");
	c.fault.times = 0;
	RUN(&c);
	EXPECT_STEPS(&c, "create-so status");
	EXPECT_ACTIVE(&c, "Unknown WaitingForHPA");
	cluster_release(&c);
}

TEST(refusal, of_a_patch_leaves_what_is_there)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	const struct json *before = c.so;
	annotate(&c, CUSTOM ",'max-scale':'3'");
	c.fault = (struct fault){STEP_PATCH_SO, ERROR_DENIED, "first", 99};
	RUN(&c);
	EXPECT_STEPS(&c, "get-so patch-so! status");
	EXPECT_ACTIVE(&c, "False ScaledObjectRejected");
	EXPECT_TEXT(says(&c, "ScaleTargetInitialized"), "True ");
	EXPECT(c.so == before);
	annotate(&c, CUSTOM);
	RUN(&c);
	EXPECT_STEPS(&c, "status");
	EXPECT_ACTIVE(&c, "True ");
	EXPECT_INT(c.memo.refused_hash, 0);
	cluster_release(&c);
}

TEST(refusal, then_a_passing_failure_keeps_the_text)
{
	struct cluster c;

	cluster_init(&c, "");
	c.fault = (struct fault){STEP_CREATE_SO, ERROR_DENIED, "first", 1};
	expect_refused(&c, "create-sks create-so! status", 1000);
	c.now_ms += 1000;
	c.fault = (struct fault){STEP_CREATE_SO, ERROR_TRANSIENT, "HTTP 503", 1};
	RUN(&c);
	EXPECT_STEPS(&c, "create-so!");
	EXPECT_ACTIVE(&c, "False ScaledObjectRejected");
	cluster_release(&c);
}

TEST(refusal, is_forgotten_with_auto_create_off_or_without_keda)
{
	struct cluster c;

	for (int i = 0; i < 2; i++) {
		cluster_init(&c, "");
		c.fault = (struct fault){STEP_CREATE_SO, ERROR_DENIED, "first", 1};
		expect_refused(&c, "create-sks create-so! status", 1000);
		if (i == 0)
			annotate(&c, "'scaled-object-auto-create':'false'");
		else
			c.keda_installed = false;
		RUN(&c);
		EXPECT_STEPS(&c, "status");
		EXPECT_INT(c.memo.refused_hash, 0);
		cluster_release(&c);
	}
}

/* Somebody changes our object on its way in: no endless writes. */
TEST(refusal, a_fight_is_backed_off_from)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	c.defaults = J(&c, "{'spec':{'maxReplicaCount':7}}");
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks create-so patch-so status");
	EXPECT_INT(c.last.again_ms, 1000);
	expect_settled(&c);
	c.now_ms += 1000;
	RUN(&c);
	EXPECT_STEPS(&c, "get-so patch-so");
	EXPECT_INT(c.last.again_ms, 2000);
	/* another wish is tried at once */
	annotate(&c, CUSTOM ",'window':'60s'");
	RUN(&c);
	EXPECT_STEPS(&c, "get-so patch-so");
	EXPECT_INT(c.last.again_ms, 1000);
	c.defaults = NULL;
	c.now_ms += 1000;
	RUN(&c);
	EXPECT_STEPS(&c, "get-so patch-so");
	EXPECT_INT(c.memo.fought_hash, 0);
	expect_settled(&c);
	cluster_release(&c);
}

TEST_MAIN(TEST_OF(so, drift_is_repaired_at_once), TEST_OF(so, what_others_may_do_to_it),
	  TEST_OF(so, deleted_is_made_again), TEST_OF(so, server_defaults),
	  TEST_OF(so, hash_of_the_desired_one_is_handed_back), TEST_OF(so, conflict_reads_again),
	  TEST_OF(so, exists_already), TEST_OF(so, exists_already_and_differs),
	  TEST_OF(so, exists_already_and_is_foreign), TEST_OF(so, gone_between_create_and_read),
	  TEST_OF(so, cannot_be_read), TEST_OF(so, read_again_if_the_cache_is_newer),
	  TEST_OF(refusal, is_tried_again_from_1_s_to_5_min),
	  TEST_OF(refusal, is_tried_at_once_when_the_input_changes),
	  TEST_OF(refusal, of_a_patch_leaves_what_is_there),
	  TEST_OF(refusal, then_a_passing_failure_keeps_the_text),
	  TEST_OF(refusal, is_forgotten_with_auto_create_off_or_without_keda),
	  TEST_OF(refusal, a_fight_is_backed_off_from))
