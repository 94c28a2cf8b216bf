/*
 * decide(): which step, in which order, after which answer; and that repeating it always ends in a
 * state where nothing is left to write.
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
	    "{'spec':{'advanced':{'scalingModifiers':{},'restoreToOriginalReplicaCount':"
	    "false}}}",
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
	EXPECT_INT(c.last.again_ms, 10 * MINUTE); /* the deadline: Init was just written */
	RUN(&c);
	EXPECT_INT(c.last.again_ms, 30 * SECOND);
	c.now_ms += 29999;
	expect_settled(&c);
	EXPECT_INT(c.last.again_ms, 1);
	c.now_ms += 1;
	RUN(&c);
	EXPECT_STEPS(&c, "get-so patch-so");
	EXPECT(!so_spec(&c, "minReplicaCount"));
	EXPECT_INT(c.last.again_ms, 0);
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

/* ---- as a whole ---- */

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
	  TEST_OF(decide, class_went_and_the_delete_fails), TEST_OF(sks, is_brought_back_into_sync),
	  TEST_OF(sks, conflict_ends_the_pass), TEST_OF(sks, failure_is_told),
	  TEST_OF(sks, patch_that_does_not_help_is_not_repeated),
	  TEST_OF(so, drift_is_repaired_at_once), TEST_OF(so, what_others_may_do_to_it),
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
	  TEST_OF(refusal, a_fight_is_backed_off_from),
	  TEST_OF(status_write, conflict_ends_the_pass),
	  TEST_OF(status_write, failure_after_a_failed_create),
	  TEST_OF(status_write, refused_for_good), TEST_OF(again, at_the_end_of_the_hold),
	  TEST_OF(again, hold_given_up_at_the_deadline), TEST_OF(again, the_nearest_of_several),
	  TEST_OF(property, a_b_a), TEST_OF(property, one_fault_of_any_kind_changes_nothing),
	  TEST_OF(property, same_view_same_decision), TEST_OF(memo, copies_texts))
