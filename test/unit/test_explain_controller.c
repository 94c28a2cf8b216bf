/*
 * When the condition is not to be trusted: leases, generations, contradictions; and what a person
 * may not read.
 */
#include "test/unit/explain_fixture.h"

/* ---- who looks after it ---- */

static void nothing(struct stage *stage)
{
	(void)stage;
}

static void was_looked_at(struct stage *stage)
{
	EXPECT(cluster_pass(&stage->cluster));
}

static void was_ready(struct stage *stage)
{
	becomes_ready(&stage->cluster, 2);
	stage->cluster.now_ms += 10 * MINUTE;
	EXPECT(cluster_pass(&stage->cluster));
}

/* KEDA went on; nobody told the PodAutoscaler. */
static void hpa_came(struct stage *stage)
{
	was_looked_at(stage);
	hpa_appears(&stage->cluster);
	hpa_says(&stage->cluster, "True", 1, 1);
}

static void hpa_is_new(struct stage *stage)
{
	was_looked_at(stage);
	hpa_appears(&stage->cluster);
}

static void was_mended(struct stage *stage)
{
	was_looked_at(stage);
	annotate(&stage->cluster, CUSTOM);
}

static void was_broken(struct stage *stage)
{
	was_ready(stage);
	annotate(&stage->cluster, CUSTOM ",'metric-type':'Wrong'");
}

static void was_edited(struct stage *stage)
{
	was_ready(stage);
	edit(&stage->cluster, stage->cluster.pa, "{'metadata':{'generation':2}}");
}

static void status_is_refused(struct stage *stage)
{
	struct cluster *c = &stage->cluster;

	stage->evidence.events =
	    J(c, "[{'involvedObject':{'kind':'PodAutoscaler','name':'r','uid':'pa-1'},"
		 "'type':'Warning','reason':'StatusNotWritten','message':'invalid value: x',"
		 "'lastTimestamp':'2026-01-02T03:00:00Z'}]");
}

#define BAD "'metric-type':'Wrong'"

TEST(explain, who_looks_after_it)
{
	static const struct {
		const char *annotations;
		void (*happens)(struct stage *stage);
		const char *lease, *holder; /* lease NULL: none */
		int64_t ago_s;
		const char *ready, *reason, *summary, *command;
	} rows[] = {
	    {CUSTOM, nothing, OUR_LEASE, "pod_1", 5, "Unknown", "NotReported",
	     "has not said anything of it yet", "logs deployment/autoscaler-keda-hpa | grep ns/r"},
	    {CUSTOM, status_is_refused, OUR_LEASE, "pod_1", 5, "Unknown", "NotReported",
	     "refuses the controller's status: invalid value: x", "annotate revision r"},
	    {CUSTOM, nothing, NULL, "", 0, "Unknown", "ControllerNotRunning",
	     "there is no Lease " OUR_LEASE ".00-of-01", "get deployment,pods"},
	    {CUSTOM, nothing, OUR_LEASE, "pod_1", 300, "Unknown", "ControllerNotRunning",
	     "last renewed 5m ago, by pod_1", "logs deployment/autoscaler-keda-hpa --tail"},
	    {CUSTOM, nothing, OUR_LEASE, "", 5, "Unknown", "ControllerNotRunning",
	     "nobody holds its Lease", "get deployment,pods"},
	    {CUSTOM, nothing, RIVAL_LEASE, "hpa_1", 5, "Unknown", "AutoscalerHPARunning",
	     "hpa_1 holds autoscaler-hpa's Lease",
	     "kubectl -n knative-serving scale deployment autoscaler-hpa --replicas=0"},
	    {CUSTOM, was_ready, RIVAL_LEASE, "hpa_1", 5, "True", "AutoscalerHPARunning",
	     "writes nothing while it does", "scale deployment autoscaler-hpa"},
	    {CUSTOM, was_ready, RIVAL_LEASE, "hpa_1", 90, "True", "", "2 replicas, 2 wanted",
	     "status"},
	    {CUSTOM, was_ready, OUR_LEASE, "pod_1", 5, "True", "", "2 replicas, 2 wanted",
	     "status"},
	    {CUSTOM, was_ready, NULL, "", 0, "True", "", "2 replicas, 2 wanted", "status"},
	    {CUSTOM, was_ready, OUR_LEASE, "pod_1", 120, "True", "ControllerNotRunning",
	     "changes have no effect", "get deployment,pods"},
	    {CUSTOM, was_looked_at, OUR_LEASE, "pod_1", 120, "Unknown", "WaitingForHPA",
	     "does not seem to run: its Lease was last renewed 2m", "describe scaledobject r"},
	    {CUSTOM, hpa_came, NULL, "", 0, "Unknown", "ControllerNotRunning",
	     "is old: its HorizontalPodAutoscaler is there by now", "get deployment,pods"},
	    {CUSTOM, hpa_is_new, NULL, "", 0, "Unknown", "WaitingForHPA", "not looked at it yet",
	     "status -n ns r -w"},
	    {CUSTOM, hpa_came, OUR_LEASE, "pod_1", 5, "Unknown", "WaitingForHPA",
	     "Waiting for KEDA", "describe scaledobject r"},
	    {BAD, was_mended, OUR_LEASE, "pod_1", 120, "False", "ControllerNotRunning",
	     "its annotations are right by now", "get deployment,pods"},
	    {CUSTOM, was_broken, OUR_LEASE, "pod_1", 120, "True", "ControllerNotRunning",
	     "an annotation is wrong: autoscaling.knative.dev/metric-type", "get deployment,pods"},
	    {CUSTOM, was_edited, NULL, "", 0, "Unknown", "NotReported",
	     "If that lasts: there is no Lease", "logs deployment/autoscaler-keda-hpa"},
	    {CUSTOM, was_edited, OUR_LEASE, "pod_1", 90, "Unknown", "ControllerNotRunning",
	     "last renewed 90s ago", "get deployment,pods"},
	    {CUSTOM, was_edited, OUR_LEASE, "pod_1", 5, "Unknown", "NotReported",
	     "PodAutoscaler's last change yet", "logs deployment/autoscaler-keda-hpa"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stage stage;
		test_row("%zu %s", i, rows[i].reason);
		stage_init(&stage, rows[i].annotations);
		stage.evidence.leases = json_array(stage.cluster.arena);
		rows[i].happens(&stage);
		if (rows[i].lease)
			lease_is(&stage, rows[i].lease, rows[i].holder, rows[i].ago_s);
		EXPECT(stage_explain(&stage));
		EXPECT_TEXT(stage.findings.ready, rows[i].ready);
		EXPECT_TEXT(stage.findings.reason, rows[i].reason);
		EXPECT_CONTAINS(stage.findings.summary, rows[i].summary);
		expect_step(&stage, "", rows[i].command);
		stage_release(&stage);
	}
}

TEST(explain, leases_in_buckets)
{
	struct stage stage;
	struct cluster *c = &stage.cluster;
	stage_init(&stage, CUSTOM);
	struct json *leases = json_array(c->arena);

	/* Other prefix, three buckets: only one of them is the revision's. */
	stage.evidence.config_leader_election =
	    J(c, "{'buckets':'3','map-lease-prefix.hpaautoscaler.knative.dev.autoscaler-keda.pkg."
		 "reconciler.autoscaling.hpa.Reconciler':'Mine'}");
	for (int i = 0; i < 3; i++)
		json_append(c->arena, leases,
			    lease_named(c, arena_printf(c->arena, "mine.%02d-of-03", i),
					arena_printf(c->arena, "pod_%d", i), 5));
	stage.evidence.leases = leases;
	EXPECT(cluster_pass(c));
	EXPECT(stage_explain(&stage));
	EXPECT_TEXT(stage.findings.reason, "WaitingForHPA");
	expect_fact(&stage, "autoscaler-keda-hpa", " holds the Lease, renewed 5s ago");
	stage_release(&stage);
}

/* ---- what may not be read ---- */

TEST(explain, without_rights)
{
	struct stage stage;
	const char *no = "scaledobjects.keda.sh is forbidden: User \"x\" cannot list";

	stage_init(&stage, CUSTOM);
	EXPECT(cluster_pass(&stage.cluster));
	stage.evidence.unread[SOURCE_SCALED_OBJECTS] = no;
	stage.evidence.unread[SOURCE_HPAS] = no;
	stage.evidence.unread[SOURCE_LEASES] = no;
	EXPECT(stage_explain(&stage));
	EXPECT_TEXT(stage.findings.reason, "WaitingForHPA");
	EXPECT_INT(stage.findings.unread_count, 3);
	EXPECT_TEXT(stage.findings.unread[0], no);
	expect_fact(&stage, "ScaledObject/r", "not readable: scaledobjects.keda.sh is forbidden");
	expect_fact(&stage, "autoscaler-keda-hpa", "could not be read");
	expect_step(&stage, "", "describe scaledobject r");
	stage_release(&stage);
}

/* Rules that need a ConfigMap and an annotation are not held against the controller unread. */
TEST(explain, unread_ConfigMaps_contradict_nothing)
{
	struct stage stage;
	stage_init(&stage, CUSTOM);
	was_broken(&stage);
	lease_is(&stage, OUR_LEASE, "pod_1", 120);
	stage.evidence.unread[SOURCE_CONFIG_MAPS] = "forbidden";
	EXPECT(stage_explain(&stage));
	EXPECT_TEXT(stage.findings.reason, "ControllerNotRunning");
	EXPECT(!strstr(stage.findings.summary, "annotation is wrong"));
	stage_release(&stage);
}

TEST(explain, pod_autoscaler_unreadable)
{
	struct stage stage;
	stage_init(&stage, CUSTOM);
	stage.evidence.unread[SOURCE_POD_AUTOSCALERS] = "podautoscalers: forbidden";
	stage.image_is_missing = true;
	EXPECT(stage_explain(&stage));
	EXPECT_TEXT(stage.findings.reason, "NotReadable");
	EXPECT_TEXT(stage.findings.ready, "Unknown");
	EXPECT_TEXT(stage.findings.service, "s");
	expect_fact(&stage, "Revision/r", "ContainerHealthy False ImagePullBackOff");
	expect_step(&stage, "right to read", "auth can-i list podautoscalers");
	stage_release(&stage);
}

TEST(explain, nothing_of_that_name)
{
	struct stage stage;
	stage_init(&stage, CUSTOM);
	stage.cluster.pa = NULL;
	EXPECT(stage_explain(&stage));
	EXPECT_TEXT(stage.findings.reason, "PodAutoscalerMissing");
	expect_step(&stage, "controller's log",
		    "kubectl -n knative-serving logs deployment/controller | grep ns/r");
	stage.no_revision = true;
	EXPECT_FALSE(stage_explain(&stage));
	stage_release(&stage);
}

TEST_MAIN(TEST_OF(explain, who_looks_after_it), TEST_OF(explain, leases_in_buckets),
	  TEST_OF(explain, without_rights), TEST_OF(explain, unread_ConfigMaps_contradict_nothing),
	  TEST_OF(explain, pod_autoscaler_unreadable), TEST_OF(explain, nothing_of_that_name))
