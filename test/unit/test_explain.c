/*
 * Each row of the status table (contract section 5), made by the core itself from objects as they
 * are in a cluster, and what explain() says of it: the word, the cause, a next step that fits.
 */
#include "reconciler/explain/explain.h"

#include "test/unit/explain_fixture.h"

#define ANNOTATE "kubectl -n ns annotate revision r --overwrite autoscaling.knative.dev/"

/* ---- how the rows come about ---- */

static void first_pass(struct cluster *c)
{
	EXPECT(cluster_pass(c));
}

static void so_is_stuck(struct cluster *c)
{
	first_pass(c);
	edit(c, c->so,
	     "{'metadata':{'deletionTimestamp':'2026-01-02T03:00:01Z',"
	     "'finalizers':['finalizer.keda.sh']}}");
	EXPECT(cluster_pass(c));
}

static void so_of_former_owner(struct cluster *c)
{
	first_pass(c);
	c->so = J(c, "{'metadata':{'name':'r','namespace':'ns','uid':'old','ownerReferences':[{"
		     "'apiVersion':'autoscaling.internal.knative.dev/v1alpha1',"
		     "'kind':'PodAutoscaler','name':'r','uid':'pa-0','controller':true}]},"
		     "'spec':{'scaleTargetRef':{'name':'r-deployment'}}}");
	touch(c, c->so);
	EXPECT(cluster_pass(c));
}

static void so_of_a_stranger(struct cluster *c)
{
	c->so = J(c, "{'metadata':{'name':'r','namespace':'ns','uid':'x'},'spec':{"
		     "'scaleTargetRef':{'name':'other'}}}");
	touch(c, c->so);
	first_pass(c);
}

static void hpa_of_a_stranger(struct cluster *c)
{
	c->hpa = J(c, "{'metadata':{'name':'r','namespace':'ns','uid':'x'},'spec':{"
		      "'scaleTargetRef':{'name':'other'}}}");
	touch(c, c->hpa);
	first_pass(c);
}

static void no_keda(struct cluster *c)
{
	c->keda_installed = false;
	c->fault = (struct fault){STEP_CREATE_SO, ERROR_NOT_FOUND, "no such API", 9};
	first_pass(c);
}

static void fails(struct cluster *c, enum error_kind kind, const char *text)
{
	c->fault = (struct fault){STEP_CREATE_SO, kind, text, 9};
	first_pass(c);
}

static void memory_is_refused(struct cluster *c)
{
	fails(c, ERROR_DENIED,
	      "admission webhook \"vscaledobject.kb.io\" denied the request: the scaledobject has "
	      "a memory trigger but the container queue-proxy doesn't have the memory request "
	      "defined");
}

static void cpu_is_refused(struct cluster *c)
{
	fails(c, ERROR_DENIED, "the container user-container doesn't have the cpu request defined");
}

static void is_managed_elsewhere(struct cluster *c)
{
	fails(c, ERROR_DENIED, "the workload 'r-deployment' is already managed by the hpa 'x'");
}

static void field_is_refused(struct cluster *c)
{
	fails(c, ERROR_INVALID, "strict decoding error: unknown field \"spec.x\"");
}

static void write_is_forbidden(struct cluster *c)
{
	fails(c, ERROR_FORBIDDEN, "scaledobjects.keda.sh is forbidden: User \"x\" cannot create");
}

static void webhook_is_down(struct cluster *c)
{
	fails(c, ERROR_TRANSIENT, "failed calling webhook \"vscaledobject.kb.io\": refused");
}

static void paused_first(struct cluster *c)
{
	first_pass(c);
	so_says(c, "{'conditions':[{'type':'Ready','status':'True'},"
		   "{'type':'Paused','status':'True'}]}");
	EXPECT(cluster_pass(c));
}

static void keda_cannot(struct cluster *c)
{
	first_pass(c);
	so_says(c, "{'conditions':[{'type':'Ready','status':'False','reason':"
		   "'ScaledObjectCheckFailed','message':'no credentials'}]}");
	c->now_ms += 3 * MINUTE;
	EXPECT(cluster_pass(c));
}

static void keda_is_silent(struct cluster *c)
{
	first_pass(c);
	c->now_ms += MINUTE;
	EXPECT(cluster_pass(c));
}

static void keda_says_little(struct cluster *c)
{
	first_pass(c);
	so_says(c, "{'conditions':[{'type':'Ready','status':'Unknown','reason':'Busy'}]}");
	EXPECT(cluster_pass(c));
}

static void hpa_is_new(struct cluster *c)
{
	first_pass(c);
	sks_becomes_ready(c);
	hpa_appears(c);
	EXPECT(cluster_pass(c));
}

static void paused_at_once(struct cluster *c)
{
	hpa_is_new(c);
	c->hpa = NULL;
	so_says(c, "{'conditions':[{'type':'Ready','status':'True'},"
		   "{'type':'Paused','status':'True'}]}");
	EXPECT(cluster_pass(c));
}

static void at_zero(struct cluster *c)
{
	becomes_ready(c, 1);
	c->now_ms += 10 * MINUTE;
	EXPECT(cluster_pass(c));
	hpa_says(c, "False ScalingDisabled", 0, 0);
	sks_loses_endpoints(c);
	EXPECT(cluster_pass(c));
}

static void paused_at_zero(struct cluster *c)
{
	becomes_ready(c, 1);
	c->hpa = NULL;
	so_says(c, "{'pausedReplicaCount':0,'conditions':[{'type':'Ready','status':'True'},"
		   "{'type':'Paused','status':'True'}]}");
	EXPECT(cluster_pass(c));
}

static void pods_do_not_come(struct cluster *c)
{
	first_pass(c);
	hpa_appears(c);
	hpa_says(c, "True", 1, 1);
	EXPECT(cluster_pass(c));
}

static void zeroed_too_early(struct cluster *c)
{
	first_pass(c);
	hpa_appears(c);
	hpa_says(c, "False ScalingDisabled", 0, 0);
	EXPECT(cluster_pass(c));
}

static void own_object_zeroed(struct cluster *c)
{
	c->so = J(c, "{'metadata':{'name':'mine','namespace':'ns','uid':'x'},'spec':{"
		     "'scaleTargetRef':{'name':'r-deployment'}}}");
	touch(c, c->so);
	zeroed_too_early(c);
}

static void few_pods(struct cluster *c)
{
	first_pass(c);
	hpa_appears(c);
	hpa_says(c, "True", 1, 3);
	sks_becomes_ready(c);
	EXPECT(cluster_pass(c));
}

static void fresh(struct cluster *c)
{
	becomes_ready(c, 1);
	EXPECT(cluster_pass(c));
}

static void long_ready(struct cluster *c)
{
	becomes_ready(c, 2);
	c->now_ms += 10 * MINUTE;
	EXPECT(cluster_pass(c));
}

static void quota_is_exceeded(struct cluster *c)
{
	long_ready(c);
}

static void source_is_down(struct cluster *c)
{
	long_ready(c);
	hpa_says(c, "False FailedGetExternalMetric", 2, 2);
}

static void keda_reports_trouble(struct cluster *c)
{
	long_ready(c);
	so_says(c, "{'conditions':[{'type':'Ready','status':'False','reason':'TriggerError',"
		   "'message':'all triggers fail'}]}");
}

static void paused_later(struct cluster *c)
{
	long_ready(c);
	so_says(c, "{'conditions':[{'type':'Ready','status':'True'},"
		   "{'type':'Paused','status':'True'}]}");
}

static void activators_unread(struct cluster *c)
{
	long_ready(c);
	c->activators_why = "no route to host";
	EXPECT(cluster_pass(c));
	c->now_ms += 10 * SECOND;
	EXPECT(cluster_pass(c));
}

/* They are more than one anyhow: the event alone tells, while nothing scales. */
static void nothing_scales(struct cluster *c)
{
	activators_unread(c);
	hpa_says(c, "False FailedGetExternalMetric", 2, 2);
}

static void hpa_fails_since(struct cluster *c, const char *since)
{
	nothing_scales(c);
	edit(c, c->hpa,
	     "{'status':{'conditions':[{'type':'ScalingActive','status':'False','reason':"
	     "'FailedGetResourceMetric','message':'words','lastTransitionTime':'%s'}]}}",
	     since);
}

/* The event is from 03:20. */
static void fails_from_then_on(struct cluster *c)
{
	hpa_fails_since(c, "2026-01-02T03:20:50Z");
}

static void something_else_fails_later(struct cluster *c)
{
	hpa_fails_since(c, "2026-01-02T03:21:10Z");
}

static void other_class(struct cluster *c)
{
	first_pass(c);
	edit(c, c->pa,
	     "{'metadata':{'annotations':{'autoscaling.knative.dev/class':"
	     "'kpa.autoscaling.knative.dev'}}}");
}

/* ---- the table ---- */

#define RPS "'metric':'rps'"
#define OFF CUSTOM ",'scaled-object-auto-create':'false'"

TEST(explain, each_row)
{
	static const struct {
		const char *annotations;
		void (*happens)(struct cluster *c);
		const char *ready, *reason;
		const char *summary;        /* part of it */
		const char *text, *command; /* parts of a step */
	} rows[] = {
	    {"'metric-type':'Wrong'", first_pass, "False", "InvalidAnnotation",
	     "autoscaling.knative.dev/metric-type: \"Wrong\" is not known",
	     "Correct the annotation", ANNOTATE "metric-type=VALUE"},
	    {CUSTOM, so_is_stuck, "Unknown", "WaitingForDeletion",
	     "ScaledObject \"r\" is being deleted; it goes once KEDA's operator",
	     "KEDA's operator has to remove its finalizer", "-l app=keda-operator"},
	    {CUSTOM, so_of_former_owner, "Unknown", "WaitingForDeletion",
	     "belongs to a former owner", "who holds it",
	     "kubectl -n ns get scaledobject r -o jsonpath='{.metadata.finalizers}'"},
	    {CUSTOM, so_of_a_stranger, "False", "NotOwned",
	     "existing ScaledObject \"r\" that we do not own", "delete it",
	     "kubectl -n ns delete scaledobject r"},
	    {CUSTOM, so_of_a_stranger, "False", "NotOwned", "It is not touched", "use it as it is",
	     ANNOTATE "scaled-object-auto-create=false"},
	    {CUSTOM, hpa_of_a_stranger, "False", "NotOwned",
	     "existing HorizontalPodAutoscaler \"r\"", "delete it", "kubectl -n ns delete hpa r"},
	    {CUSTOM, no_keda, "Unknown", "KEDANotInstalled", "scaledobjects.keda.sh is missing",
	     "Install KEDA", "kubectl get crd scaledobjects.keda.sh"},
	    {"'metric':'memory','target':'200'", memory_is_refused, "False", "ScaledObjectRejected",
	     "queue-proxy doesn't have the memory request", "name yours",
	     ANNOTATE "keda-container=worker"},
	    {"", cpu_is_refused, "False", "ScaledObjectRejected", "have the cpu request defined",
	     "Set the request", "kubectl -n ns edit ksvc s"},
	    {CUSTOM, is_managed_elsewhere, "False", "ScaledObjectRejected", "already managed",
	     "Something else scales", "kubectl -n ns get scaledobject,hpa"},
	    {CUSTOM, field_is_refused, "False", "ScaledObjectRejected", "unknown field",
	     "upgrade KEDA", "kubectl -n ns edit ksvc s"},
	    {CUSTOM, write_is_forbidden, "Unknown", "ScaledObjectNotWritten", "is forbidden",
	     "lacks a right", "kubectl auth can-i create scaledobjects.keda.sh -n ns --as"},
	    {CUSTOM, webhook_is_down, "Unknown", "ScaledObjectNotWritten", "failed calling webhook",
	     "KEDA's webhook runs", "keda-admission-webhooks"},
	    {OFF, first_pass, "Unknown", "WaitingForScaledObject",
	     "names Deployment \"r-deployment\"", "scaleTargetRef.name is r-deployment",
	     "kubectl -n ns get scaledobject"},
	    {OFF, first_pass, "Unknown", "WaitingForScaledObject", "auto-create off",
	     "made from the annotations", ANNOTATE "scaled-object-auto-create=true"},
	    {CUSTOM ",'keda-paused':'true'", paused_first, "Unknown", "ScaledObjectPaused",
	     "is paused", "Resume", ANNOTATE "keda-paused-"},
	    {CUSTOM, paused_first, "Unknown", "ScaledObjectPaused", "is paused", "Resume",
	     "annotate scaledobject r autoscaling.keda.sh/paused-"},
	    {CUSTOM, keda_cannot, "False", "ScaledObjectNotReady", "no credentials",
	     "all that KEDA says", "kubectl -n ns describe scaledobject r"},
	    {CUSTOM, keda_is_silent, "Unknown", "WaitingForHPA", "KEDA has said nothing of it",
	     "WATCH_NAMESPACE", "-l app=keda-operator"},
	    {CUSTOM, keda_says_little, "Unknown", "WaitingForHPA", "KEDA says Busy",
	     "all that KEDA says", "kubectl -n ns describe scaledobject r"},
	    {CUSTOM, hpa_is_new, "Unknown", "WaitingForHPA", "has not looked at it yet",
	     "Nothing to do", "status -n ns r -w"},
	    {CUSTOM, paused_at_once, "Unknown", "ScaledObjectPaused", "Its ScaledObject is paused",
	     "Resume", "annotate scaledobject r"},
	    {CUSTOM, at_zero, "False", "NoTraffic", "no mistake", "keep one pod",
	     ANNOTATE "min-scale=1"},
	    {RPS, at_zero, "False", "NoTraffic", "The next request wakes it", "keep one pod",
	     ANNOTATE "min-scale=1"},
	    {CUSTOM ",'keda-paused-replicas':'0'", paused_at_zero, "False", "NoTraffic",
	     "paused at 0", "Resume", ANNOTATE "keda-paused-replicas-"},
	    {CUSTOM, pods_do_not_come, "Unknown", "ServerlessServiceNotReady",
	     "The Revision's ContainerHealthy is False ImagePullBackOff: no such image",
	     "its pods wait for", "kubectl -n ns get pods -l serving.knative.dev/revision=r"},
	    {CUSTOM, zeroed_too_early, "Unknown", "ServerlessServiceNotReady",
	     "taken to zero before it had ever been ready", "Keep a pod", ANNOTATE "min-scale=1"},
	    {OFF, own_object_zeroed, "Unknown", "ServerlessServiceNotReady", "taken to zero before",
	     "your ScaledObject keep a pod",
	     "patch scaledobject mine --type merge -p '{\"spec\":{\"minReplicaCount\":1}}'"},
	    {CUSTOM ",'initial-scale':'3'", few_pods, "Unknown", "InitialScaleNotReached",
	     "once 3 pods were there, and the HorizontalPodAutoscaler counts 1", "fewer at first",
	     ANNOTATE "initial-scale=1"},
	    {CUSTOM, fresh, "True", "WarmHold", "held at 1 until 2026-01-02T03:05:00Z", "shorter",
	     ANNOTATE "keda-initial-cooldown-period=SECONDS"},
	    {CUSTOM, long_ready, "True", "", "2 replicas, 2 wanted", "Nothing to do",
	     "autoscaler-keda-hpa status -n ns r -w"},
	    {CUSTOM, quota_is_exceeded, "True", "RevisionNotReady",
	     "its Ready is False FailedCreate: exceeded quota. 1 of 2 pods are ready.",
	     "its pods wait for", "kubectl -n ns get pods -l serving.knative.dev/revision=r"},
	    {CUSTOM, source_is_down, "True", "ScalingDegraded", "FailedGetExternalMetric: words",
	     "external metrics", "kubectl get apiservice v1beta1.external.metrics.k8s.io"},
	    {CUSTOM, keda_reports_trouble, "True", "ScalingDegraded", "TriggerError: all triggers",
	     "what KEDA says", "kubectl -n ns describe scaledobject r"},
	    {RPS, activators_unread, "True", "ActivatorMetricsUnavailable",
	     "cannot be counted; so it is not taken to zero. The activators cannot be read: words",
	     "metrics-protocol is prometheus",
	     "kubectl -n knative-serving get configmap config-observability"},
	    {RPS ",'min-scale':'2'", nothing_scales, "True", "ActivatorMetricsUnavailable",
	     "cannot be counted", "that there are activators",
	     "get endpointslice -l kubernetes.io/service-name=activator-service"},
	    {RPS ",'min-scale':'2'", fails_from_then_on, "True", "ActivatorMetricsUnavailable",
	     "cannot be counted", "that there are activators",
	     "get endpointslice -l kubernetes.io/service-name=activator-service"},
	    {RPS ",'min-scale':'2'", something_else_fails_later, "True", "ScalingDegraded",
	     "FailedGetResourceMetric: words", "what KEDA says",
	     "kubectl -n ns describe scaledobject r"},
	    {RPS ",'min-scale':'2'", activators_unread, "True", "", "It is ready and scales",
	     "Nothing to do", "status -n ns r -w"},
	    {CUSTOM ",'keda-paused':'true'", paused_later, "True", "ScaledObjectPaused",
	     "stays at the pods it has", "Resume", ANNOTATE "keda-paused-"},
	    {CUSTOM, other_class, "Unknown", "OtherClass", "kpa.autoscaling.knative.dev",
	     "hpa.autoscaling.knative.dev", "kubectl -n ns edit ksvc s"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stage stage;
		test_row("%zu %s", i, rows[i].reason);
		stage_init(&stage, rows[i].annotations);
		rows[i].happens(&stage.cluster);
		stage.image_is_missing = rows[i].happens == pods_do_not_come;
		stage.quota_is_exceeded = rows[i].happens == quota_is_exceeded;
		stage.evidence.events =
		    J(&stage.cluster,
		      "[{'reason':'ActivatorMetricsUnavailable','type':'Warning',"
		      "'message':'The activators cannot be read: words','lastTimestamp':"
		      "'2026-01-02T03:20:00Z','involvedObject':{'kind':'PodAutoscaler',"
		      "'name':'r'}}]");
		EXPECT(stage_explain(&stage));
		EXPECT_TEXT(stage.findings.ready, rows[i].ready);
		EXPECT_TEXT(stage.findings.reason, rows[i].reason);
		EXPECT_CONTAINS(stage.findings.summary, rows[i].summary);
		expect_step(&stage, rows[i].text, rows[i].command);
		EXPECT(stage.findings.step_count > 0);
		stage_release(&stage);
	}
}

TEST_MAIN(TEST_OF(explain, each_row))
