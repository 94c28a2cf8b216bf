/*
 * Contract section 5, row by row: what Active says up to the ScaledObject
 * being there. Every test runs whole passes and reads the
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

/* Nor does what a foreign ScaledObject's HPA says count for anything. */
TEST(active, not_owned_scaled_object_with_its_hpa)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	c.so = J(&c, "{'metadata':{'name':'r','namespace':'ns','uid':'so-x','resourceVersion':'9',"
		     "'ownerReferences':[{'apiVersion':'v1','kind':'X','name':'r','uid':'u',"
		     "'controller':true}]},'spec':{}}");
	hpa_appears(&c);
	hpa_says(&c, "True", 3, 3);
	RUN(&c);
	sks_becomes_ready(&c);
	RUN(&c);
	EXPECT_ACTIVE(&c, "False NotOwned");
	EXPECT_TEXT(says(&c, "ScaleTargetInitialized"), "Unknown ");
	EXPECT(!json_path(c.pa, "status", "desiredScale", NULL));
	cluster_release(&c);
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

TEST(active, keda_removed_later)
{
	struct cluster c;

	cluster_init(&c, CUSTOM);
	becomes_ready(&c, 1);
	c.keda_installed = false;
	RUN(&c);
	EXPECT_STEPS(&c, "status");
	EXPECT_ACTIVE(&c, "Unknown KEDANotInstalled");
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

TEST_MAIN(TEST_OF(active, invalid_annotation),
	  TEST_OF(active, invalid_annotation_leaves_the_scaled_object),
	  TEST_OF(active, waiting_for_deletion_of_each_kind),
	  TEST_OF(active, waiting_for_the_former_ones_children),
	  TEST_OF(active, waiting_for_an_hpa_of_the_former_pod_autoscaler),
	  TEST_OF(active, not_owned_of_each_kind),
	  TEST_OF(active, not_owned_scaled_object_with_its_hpa),
	  TEST_OF(active, not_owned_hpa_bars_the_scaled_object),
	  TEST_OF(active, keda_not_installed), TEST_OF(active, keda_removed_later),
	  TEST_OF(active, scaled_object_rejected), TEST_OF(active, scaled_object_not_written),
	  TEST_OF(active, waiting_for_scaled_object),
	  TEST_OF(active, own_scaled_object_with_auto_create_off),
	  TEST_OF(active, own_hpa_with_auto_create_off),
	  TEST_OF(active, auto_create_off_still_owns_its_sks))
