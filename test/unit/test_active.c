/*
 * Contract section 5, row by row: what Active says. Every test runs whole passes and reads the
 * PodAutoscaler afterwards.
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

TEST(active, invalid_annotation)
{
	struct cluster c;

	cluster_init(&c, "'target':'100%'");
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks status");
	EXPECT_ACTIVE(&c, "False InvalidAnnotation");
	EXPECT_CONTAINS(message_of(&c, "Active"), "autoscaling.knative.dev/target: \"100");
	EXPECT(!strchr(message_of(&c, "Active"), '%'));
	EXPECT_CONTAINS(c.notes, "Warning InvalidAnnotation 7: autoscaling.knative.dev/target: "
				 "\"100%\"");
	expect_settled(&c);
	/* mended */
	annotate(&c, "'target':'50'");
	RUN(&c);
	EXPECT_STEPS(&c, "create-so status");
	EXPECT_ACTIVE(&c, "Unknown WaitingForHPA");
	cluster_release(&c);
}

TEST(active, invalid_annotation_leaves_the_scaled_object)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	const struct json *before = c.so;
	annotate(&c, "'metric':'m'");
	RUN(&c);
	EXPECT_STEPS(&c, "status");
	EXPECT_ACTIVE(&c, "False InvalidAnnotation");
	EXPECT_TEXT(says(&c, "ScaleTargetInitialized"), "True ");
	EXPECT(c.so == before);
	cluster_release(&c);
}

static void add_terminating(struct cluster *c, struct json **object)
{
	edit(c, *object, "{'metadata':{'deletionTimestamp':'%s','finalizers':['%s']}}",
	     time_text(c, c->now_ms), object == &c->so ? "finalizer.keda.sh" : "x/y");
}

TEST(active, waiting_for_deletion_of_each_kind)
{
	static const struct {
		const char *kind, *text;
	} rows[] = {
	    {"so", "ScaledObject \"r\" is being deleted; it goes once KEDA's operator has "
		   "removed its finalizer finalizer.keda.sh."},
	    {"sks", "ServerlessService \"r\" is being deleted."},
	    {"hpa", "HorizontalPodAutoscaler \"r\" is being deleted."},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cluster c;
		test_row("%s", rows[i].kind);
		cluster_init(&c, CUSTOM);
		becomes_ready(&c, 1);
		add_terminating(&c, i == 0 ? &c.so : i == 1 ? &c.sks : &c.hpa);
		RUN(&c);
		EXPECT_STEPS(&c, "status");
		EXPECT_ACTIVE(&c, "Unknown WaitingForDeletion");
		EXPECT_TEXT(message_of(&c, "Active"), rows[i].text);
		EXPECT_TEXT(says(&c, "ScaleTargetInitialized"), "True ");
		expect_settled(&c);
		cluster_release(&c);
	}
}

/* Recreated under the same name: nothing of the former one is touched. */
TEST(active, waiting_for_the_former_ones_children)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	edit(&c, c.pa, "{'metadata':{'uid':'pa-2'},'status':null}");
	memo_clear(&c.memo);
	RUN(&c);
	EXPECT_STEPS(&c, "status");
	EXPECT_ACTIVE(&c, "Unknown WaitingForDeletion");
	EXPECT_CONTAINS(message_of(&c, "Active"), "ScaledObject \"r\" belongs to a former owner");
	EXPECT_TEXT(json_text(json_path(c.pa, "status", "serviceName", NULL)), "");
	c.so = NULL;
	RUN(&c); /* the HPA bars a new ScaledObject, for KEDA would take it over */
	EXPECT_STEPS(&c, "status");
	EXPECT_CONTAINS(message_of(&c, "Active"), "ServerlessService \"r\" belongs to a former");
	c.sks = NULL;
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks status");
	EXPECT_CONTAINS(message_of(&c, "Active"), "HorizontalPodAutoscaler \"r\" belongs to");
	c.hpa = NULL;
	RUN(&c);
	EXPECT_STEPS(&c, "create-so status");
	EXPECT_ACTIVE(&c, "Unknown WaitingForHPA");
	cluster_release(&c);
}

TEST(active, waiting_for_an_hpa_of_the_former_pod_autoscaler)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	hpa_appears(&c);
	edit(&c, c.hpa,
	     "{'metadata':{'ownerReferences':[{'apiVersion':"
	     "'autoscaling.internal.knative.dev/v1alpha1','kind':'PodAutoscaler','name':'r',"
	     "'uid':'pa-0','controller':true}]}}");
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks status");
	EXPECT_ACTIVE(&c, "Unknown WaitingForDeletion");
	cluster_release(&c);
}

TEST(active, not_owned_of_each_kind)
{
	static const char *const owners[] = {
	    "null",
	    "[{'apiVersion':'v1','kind':'X','name':'r','uid':'u','controller':true}]",
	    "[{'apiVersion':'keda.sh/v1alpha1','kind':'ScaledObject','name':'other','uid':'u',"
	    "'controller':true}]",
	    "[{'apiVersion':'autoscaling.internal.knative.dev/v1alpha1',"
	    "'kind':'PodAutoscaler','name':'other','uid':'u','controller':true}]",
	};
	static const char *const kinds[] = {"ScaledObject", "ServerlessService",
					    "HorizontalPodAutoscaler"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds) * ARRAY_SIZE(owners); i++) {
		struct cluster c;
		size_t kind = i % ARRAY_SIZE(kinds);
		test_row("%s owned by %s", kinds[kind], owners[i / ARRAY_SIZE(kinds)]);
		cluster_init(&c, CUSTOM);
		becomes_ready(&c, 1);
		struct json **object = kind == 0 ? &c.so : kind == 1 ? &c.sks : &c.hpa;
		edit(&c, *object, "{'metadata':{'ownerReferences':%s}}",
		     owners[i / ARRAY_SIZE(kinds)]);
		edit(&c, *object, "{'spec':{'foreign':true}}");
		RUN(&c);
		EXPECT_STEPS(&c, "status");
		EXPECT_ACTIVE(&c, "False NotOwned");
		EXPECT_TEXT(message_of(&c, "Active"),
			    arena_printf(c.arena,
					 "There is an existing %s \"r\" that we do not own.",
					 kinds[kind]));
		EXPECT_CONTAINS(c.notes, "Warning NotOwned 7");
		expect_settled(&c);
		cluster_release(&c);
	}
}

/* Nothing is made beside a foreign HPA: KEDA would take it over. */
TEST(active, not_owned_hpa_bars_the_scaled_object)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	c.hpa = J(&c, "{'metadata':{'name':'r','namespace':'ns','uid':'h'}}");
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks status");
	EXPECT_ACTIVE(&c, "False NotOwned");
	cluster_release(&c);
}

TEST(active, keda_not_installed)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	c.keda_installed = false;
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks status");
	EXPECT_ACTIVE(&c, "Unknown KEDANotInstalled");
	EXPECT_CONTAINS(message_of(&c, "Active"), "install KEDA");
	expect_settled(&c);
	c.keda_installed = true;
	RUN(&c);
	EXPECT_STEPS(&c, "create-so status");
	EXPECT_ACTIVE(&c, "Unknown WaitingForHPA");
	cluster_release(&c);
}

TEST(active, scaled_object_rejected)
{
	static const struct {
		enum error_kind kind;
		const char *text, *want;
	} rows[] = {
	    {ERROR_INVALID, "strict decoding error: unknown field \"spec.foo\"",
	     "strict decoding error: unknown field \"spec.foo\""},
	    {ERROR_DENIED, "exceeded quota: q", "exceeded quota: q"},
	    {ERROR_DENIED,
	     "admission webhook \"vscaledobject.kb.io\" denied the request: the scaledobject "
	     "has a memory trigger but the container queue-proxy doesn't have the memory "
	     "request defined",
	     "request defined; give that container a memory request (queue-proxy: "
	     "queue-sidecar-memory-request in ConfigMap config-deployment), or name one that "
	     "has it in autoscaling.knative.dev/keda-container"},
	    {ERROR_DENIED, "the container x doesn't have the cpu request defined",
	     "the container x doesn't have the cpu request defined; give that container a cpu "
	     "request, or name one that has it in autoscaling.knative.dev/keda-container"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cluster c;
		test_row("%s", rows[i].text);
		cluster_init(&c, "");
		c.fault = (struct fault){STEP_CREATE_SO, rows[i].kind, rows[i].text, 99};
		RUN(&c);
		EXPECT_STEPS(&c, "create-sks create-so! status");
		EXPECT_ACTIVE(&c, "False ScaledObjectRejected");
		EXPECT_CONTAINS(message_of(&c, "Active"), rows[i].want);
		EXPECT_CONTAINS(c.notes, "Warning ScaledObjectRejected 7");
		EXPECT_INT(c.last.again_ms, 1000);
		cluster_release(&c);
	}
}

TEST(active, scaled_object_not_written)
{
	static const struct {
		enum error_kind kind;
		const char *text;
	} rows[] = {
	    {ERROR_NOT_FOUND, "Deployment.apps \"r-deployment\" not found"},
	    {ERROR_FORBIDDEN, "scaledobjects.keda.sh is forbidden"},
	    {ERROR_UNAUTHORIZED, "Unauthorized"},
	    {ERROR_THROTTLED, "too many requests"},
	    {ERROR_TRANSIENT, "HTTP 503"},
	    {ERROR_CONFLICT, "resourcequotas \"q\": the object has been modified"},
	    {ERROR_GONE, "gone"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cluster c;
		test_row("%s", rows[i].text);
		cluster_init(&c, "");
		c.fault = (struct fault){STEP_CREATE_SO, rows[i].kind, rows[i].text, 1};
		RUN(&c);
		EXPECT_STEPS(&c, "create-sks create-so! status");
		EXPECT_ACTIVE(&c, "Unknown ScaledObjectNotWritten");
		EXPECT_TEXT(message_of(&c, "Active"), rows[i].text);
		EXPECT_TEXT(c.notes, "");
		RUN(&c);
		EXPECT_STEPS(&c, "create-so status");
		EXPECT_ACTIVE(&c, "Unknown WaitingForHPA");
		EXPECT(c.memo.unwritten_text == NULL);
		cluster_release(&c);
	}
}

TEST(active, waiting_for_scaled_object)
{
	struct cluster c;

	cluster_init(&c, "'scaled-object-auto-create':'false'");
	RUN(&c);
	EXPECT_STEPS(&c, "create-sks status");
	EXPECT_ACTIVE(&c, "Unknown WaitingForScaledObject");
	EXPECT_CONTAINS(message_of(&c, "Active"),
			"names Deployment \"r-deployment\", or a HorizontalPodAutoscaler \"r\"");
	expect_settled(&c);
	cluster_release(&c);
}

/* Whoever owns it, whatever its name; its HPA too. */
TEST(active, own_scaled_object_with_auto_create_off)
{
	struct cluster c;

	cluster_init(&c, "'scaled-object-auto-create':'false'");
	RUN(&c);
	sks_becomes_ready(&c);
	c.so = J(&c,
		 "{'metadata':{'name':'mine','namespace':'ns','uid':'so-9','resourceVersion':'9',"
		 "'creationTimestamp':'%s'},'spec':{'scaleTargetRef':{'name':'r-deployment'}}}",
		 time_text(&c, c.now_ms));
	RUN(&c);
	EXPECT_ACTIVE(&c, "Unknown WaitingForHPA");
	EXPECT_CONTAINS(message_of(&c, "Active"), "of ScaledObject \"mine\"");
	c.hpa = J(&c, "{'metadata':{'name':'keda-hpa-mine','namespace':'ns','uid':'h',"
		      "'ownerReferences':[{'apiVersion':'keda.sh/v1alpha1','kind':'ScaledObject',"
		      "'name':'mine','uid':'so-9','controller':true}]}}");
	hpa_says(&c, "True", 1, 1);
	RUN(&c);
	EXPECT_STEPS(&c, "status");
	EXPECT_ACTIVE(&c, "True ");
	EXPECT_TEXT(says(&c, "Ready"), "True ");
	expect_settled(&c);
	cluster_release(&c);
}

/* No ScaledObject, no KEDA even: an HPA of the PodAutoscaler's name will do. */
TEST(active, own_hpa_with_auto_create_off)
{
	struct cluster c;

	cluster_init(&c, "'scaled-object-auto-create':'false'");
	c.keda_installed = false;
	c.hpa = J(&c, "{'metadata':{'name':'r','namespace':'ns','uid':'h'}}");
	hpa_says(&c, "True", 1, 1);
	RUN(&c);
	sks_becomes_ready(&c);
	RUN(&c);
	EXPECT_ACTIVE(&c, "True ");
	EXPECT_TEXT(says(&c, "Ready"), "True ");
	cluster_release(&c);
}

TEST(active, auto_create_off_still_owns_its_sks)
{
	struct cluster c;

	cluster_init(&c, "'scaled-object-auto-create':'false'");
	c.keda_installed = false;
	c.sks = J(&c, "{'metadata':{'name':'r','namespace':'ns','uid':'s'}}");
	RUN(&c);
	EXPECT_ACTIVE(&c, "False NotOwned");
	cluster_release(&c);
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

TEST_MAIN(TEST_OF(active, invalid_annotation),
	  TEST_OF(active, invalid_annotation_leaves_the_scaled_object),
	  TEST_OF(active, waiting_for_deletion_of_each_kind),
	  TEST_OF(active, waiting_for_the_former_ones_children),
	  TEST_OF(active, waiting_for_an_hpa_of_the_former_pod_autoscaler),
	  TEST_OF(active, not_owned_of_each_kind),
	  TEST_OF(active, not_owned_hpa_bars_the_scaled_object),
	  TEST_OF(active, keda_not_installed), TEST_OF(active, scaled_object_rejected),
	  TEST_OF(active, scaled_object_not_written), TEST_OF(active, waiting_for_scaled_object),
	  TEST_OF(active, own_scaled_object_with_auto_create_off),
	  TEST_OF(active, own_hpa_with_auto_create_off),
	  TEST_OF(active, auto_create_off_still_owns_its_sks),
	  TEST_OF(active, scaled_object_paused),
	  TEST_OF(active, scaled_object_paused_after_init_stays_as_before),
	  TEST_OF(active, scaled_object_paused_at_zero_is_no_traffic),
	  TEST_OF(active, scaled_object_paused_after_another_trouble),
	  TEST_OF(active, scaled_object_not_ready),
	  TEST_OF(active, scaled_object_not_ready_without_words),
	  TEST_OF(active, scaled_object_not_ready_counts_from_the_transition),
	  TEST_OF(active, waiting_for_hpa),
	  TEST_OF(active, waiting_for_hpa_after_init_stays_as_it_was), TEST_OF(active, no_traffic),
	  TEST_OF(active, no_traffic_needs_all_its_conditions), TEST_OF(active, otherwise_true),
	  TEST_OF(active, hpa_without_status_changes_nothing),
	  TEST_OF(active, hpa_of_the_pod_autoscaler_is_taken_over))
