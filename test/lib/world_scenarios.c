/*
 * What a revision goes through when all is well: made, scaled, tuned, routed, taken to zero and
 * back, handed over, left alone.
 */
#include "test/lib/world_scenarios.h"

#include <string.h>

#include "pkg/base/check.h"
#include "test/lib/world_steps.h"

static const struct step fresh_custom[] = {
    DO(starts),
    ON(revision_made, CUSTOM "min-scale=1"),
    FOR(passes, 500),
    ON(active_is, WAITING),
    ON(init_is, "Unknown"),
    ON(pa_is, "status.serviceName=\"hello-00001\""),
    ON(pa_is, "status.metricsServiceName=\"hello-00001-private\""),
    ON(revision_is, "Unknown Deploying"),
    ON(trace_is, SKS_MADE SO_MADE STATUS),
    FOR(passes, 1500),
    /* Ready before the HPA's first status. */
    ON(init_is, "True"),
    ON(sks_ready_is, "True"),
    ON(revision_is, "True"),
    ON(pa_is, "status.actualScale="),
    /* the second for the generation that its route brought */
    ON(trace_is, STATUS STATUS),
    FOR(passes, 15000),
    ON(active_is, "True"),
    ON(ready_is, "True"),
    ON(pa_is, "status.desiredScale=1"),
    ON(pa_is, "status.actualScale=1"),
    ON(trace_is, STATUS),
    ON(so_is, "spec.minReplicaCount=1"),
    ON(so_is, "spec.maxReplicaCount=10"),
    ON(so_is, "spec.triggers.0.metadata.threshold=\"5\""),
    ON(so_is, "metadata.ownerReferences.0.kind=\"PodAutoscaler\""),
    ON(hpa_is, "metadata.ownerReferences.0.kind=\"ScaledObject\""),
    ON(events_are, ""),
    FOR(value_set, 20),
    FOR(passes, 20000),
    ON(deployment_is, "spec.replicas=4"),
    ON(pa_is, "status.desiredScale=4"),
    END,
};

static const struct step fresh_cpu[] = {
    DO(starts),
    ON(revision_made, "metric=cpu"),
    FOR(passes, 20000),
    ON(ready_is, "True"),
    ON(trace_is, SKS_MADE SO_MADE STATUS STATUS STATUS STATUS),
    ON(so_is, "spec.triggers.0.type=\"cpu\""),
    ON(so_is, "spec.triggers.0.metadata.value=\"70\""),
    ON(so_is, "spec.minReplicaCount=1"),
    ON(so_is, "spec.maxReplicaCount=2147483647"),
    FOR(usage_set, 140),
    FOR(passes, 16000),
    ON(deployment_is, "spec.replicas=2"),
    FOR(usage_set, 0),
    FOR(passes, 30000),
    ON(deployment_is, "spec.replicas=1"),
    END,
};

static const struct step initial_scale[] = {
    DO(starts),
    ON(revision_made, CUSTOM "initial-scale=3\nmin-scale=1"),
    FOR(passes, 5000),
    ON(init_is, "Unknown"),
    ON(so_is, "spec.minReplicaCount=3"),
    FOR(passes, 15000),
    ON(init_is, "True"),
    ON(ready_is, "True"),
    FOR(passes, 320000),
    ON(so_is, "spec.minReplicaCount=1"),
    ON(deployment_is, "spec.replicas=1"),
    ON(init_is, "True"),
    END,
};

/* The hold lasts a cooldown from readiness on; then KEDA may take it to zero. */
static const struct step zero_and_back[] = {
    DO(starts),
    ON(revision_made, CUSTOM),
    FOR(passes, 20000),
    ON(ready_is, "True"),
    ON(so_is, "spec.minReplicaCount=1"),
    FOR(passes, 270000),
    ON(deployment_is, "spec.replicas=1"),
    ON(trace_is, "*"),
    FOR(passes, 60000),
    ON(so_is, "spec.minReplicaCount="),
    ON(deployment_is, "spec.replicas=0"),
    ON(active_is, "False NoTraffic: The target is not receiving traffic."),
    ON(pa_is, "status.actualScale=0"),
    ON(revision_is, "True"),
    ON(events_are, "Normal NoTraffic: The target is not receiving traffic.\n"),
    FOR(is_quiet_for, 120000),
    FOR(value_set, 20),
    FOR(passes, 60000),
    ON(active_is, "True"),
    ON(ready_is, "True"),
    ON(deployment_is, "spec.replicas=4"),
    FOR(value_set, 0),
    FOR(passes, 400000),
    ON(active_is, "False NoTraffic*"),
    END,
};

/* Activators in front from the first pass on, more of them with more pods; the cooldown is that of
 * Knative's own autoscaler. */
static const struct step on_requests[] = {
    DO(starts),
    ON(revision_made, RPS),
    FOR(passes, 500),
    ON(trace_is, SKS_MADE SO_MADE STATUS),
    ON(sks_is, "spec.mode=\"Proxy\""),
    ON(sks_is, "spec.numActivators=3"),
    ON(so_is, "spec.triggers.0.type=\"external-push\""),
    ON(so_is, "spec.triggers.0.metadata.target=\"35\""),
    ON(so_is, "spec.cooldownPeriod=90"),
    FOR(passes, 20000),
    ON(ready_is, "True"),
    ON(revision_is, "True"),
    FOR(passes, 120000),
    ON(so_is, "spec.minReplicaCount="),
    ON(deployment_is, "spec.replicas=0"),
    ON(active_is, "False NoTraffic: *"),
    ON(revision_is, "True"),
    ON(sks_is, "spec.numActivators=3"),
    ON(trace_is, "*"),
    FOR(is_quiet_for, 120000),
    FOR(value_set, 350),
    FOR(passes, 90000),
    ON(deployment_is, "spec.replicas=10"),
    ON(sks_is, "spec.numActivators=8"),
    ON(active_is, "True"),
    ON(ready_is, "True"),
    ON(sks_ready_is, "True"),
    ON(trace_is, "*"),
    FOR(is_quiet_for, 120000),
    FOR(value_set, 0),
    FOR(passes, 300000),
    ON(deployment_is, "spec.replicas=0"),
    ON(sks_is, "spec.numActivators=3"),
    ON(active_is, "False NoTraffic: *"),
    END,
};

/* To HTTP requests and back: they go through activators before KEDA counts them there, and until it
 * does so no longer. */
static const struct step another_metric[] = {
    READY_CUSTOM,
    ON(sks_is, "spec.mode=\"Serve\""),
    ON(annotated, "metric=concurrency\nprometheus-query-"),
    FOR(passes, 3000),
    ON(trace_is, SKS_PATCHED SO_PATCHED "*"),
    ON(sks_is, "spec.mode=\"Proxy\""),
    ON(so_is, "spec.triggers.0.type=\"external-push\""),
    ON(ready_is, "True"),
    FOR(is_quiet_for, 60000),
    ON(annotated, "metric=m\nprometheus-query=q"),
    FOR(passes, 3000),
    ON(trace_is, SO_PATCHED SKS_PATCHED "*"),
    ON(sks_is, "spec.mode=\"Serve\""),
    ON(sks_is, "spec.numActivators="),
    ON(so_is, "spec.triggers.0.type=\"prometheus\""),
    ON(ready_is, "True"),
    FOR(is_quiet_for, 60000),
    END,
};

static const struct step invalid_annotation[] = {
    DO(starts),
    ON(revision_made, CUSTOM "min-scale=1\nmetric-type=Foo"),
    FOR(passes, 5000),
    ON(active_is, "False InvalidAnnotation: *metric-type*Foo*"),
    ON(ready_is, "False InvalidAnnotation: *"),
    ON(revision_is, "False ProgressDeadlineExceeded: Initial scale was never achieved"),
    WITH(count_is, "scaledobjects", 0),
    WITH(count_is, "serverlessservices", 1),
    ON(events_are, "Warning InvalidAnnotation: *metric-type*\n"),
    ON(revision_events_are, "Warning InvalidAnnotation: *metric-type*\n"),
    ON(service_events_are, "Warning InvalidAnnotation: *metric-type*\n"),
    FOR(is_quiet_for, 60000),
    ON(annotated, "metric-type=Value"),
    FOR(passes, 20000),
    ON(ready_is, "True"),
    ON(revision_is, "True"),
    ON(so_is, "spec.triggers.0.metricType=\"Value\""),
    /* An edit that is wrong leaves what runs as it is. */
    ON(annotated, "metric-type=Foo"),
    FOR(passes, 5000),
    ON(active_is, "False InvalidAnnotation: *"),
    ON(revision_is, "True"),
    ON(so_is, "spec.triggers.0.metricType=\"Value\""),
    ON(annotated, "metric-type-"),
    FOR(passes, 5000),
    ON(ready_is, "True"),
    ON(so_is, "spec.triggers.0.metricType=\"AverageValue\""),
    END,
};

static const struct step prometheus_down[] = {
    DO(value_lost),
    DO(starts),
    ON(revision_made, CUSTOM "min-scale=1"),
    FOR(passes, 20000),
    ON(ready_is, "True"),
    ON(revision_is, "True"),
    ON(events_are, ""),
    FOR(passes, 70000),
    ON(active_is, "True"),
    ON(events_are, "Warning ScalingDegraded: *\n"),
    ON(service_events_are, "Warning ScalingDegraded: *\n"),
    FOR(is_quiet_for, 300000),
    FOR(value_set, 20),
    FOR(passes, 60000),
    ON(deployment_is, "spec.replicas=4"),
    ON(events_are, "Warning ScalingDegraded: *\n"),
    END,
};

static const struct step unreachable[] = {
    DO(starts),
    ON(revision_made, CUSTOM "min-scale=2"),
    FOR(passes, 30000),
    ON(ready_is, "True"),
    ON(so_is, "spec.minReplicaCount=2"),
    ON(routed, "reserve"),
    FOR(passes, 40000),
    ON(so_is, "spec.minReplicaCount="),
    ON(deployment_is, "spec.replicas=0"),
    ON(active_is, "False NoTraffic*"),
    ON(init_is, "True"),
    ON(routed, "active"),
    FOR(passes, 60000),
    ON(so_is, "spec.minReplicaCount=2"),
    ON(deployment_is, "spec.replicas=2"),
    ON(ready_is, "True"),
    END,
};

static const struct step own_scaled_object[] = {
    DO(starts),
    ON(revision_made, "scaled-object-auto-create=false\nmin-scale=1"),
    FOR(passes, 5000),
    ON(active_is, "Unknown WaitingForScaledObject: *hello-00001-deployment*"),
    WITH(count_is, "scaledobjects", 0),
    ON(applied, "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\n"
		"metadata: {name: mine, namespace: default}\n"
		"spec: {scaleTargetRef: {name: hello-00001-deployment}, minReplicaCount: 1, "
		"triggers: [{type: prometheus, metadata: {threshold: \"5\"}}]}\n"),
    FOR(passes, 20000),
    ON(ready_is, "True"),
    ON(revision_is, "True"),
    ON(trace_is, SKS_MADE "PATCH podautoscalers/status*"),
    FOR(value_set, 20),
    FOR(passes, 20000),
    ON(pa_is, "status.desiredScale=4"),
    WITH(count_is, "scaledobjects", 1),
    END,
};

static const struct step config_changes[] = {
    READY_CUSTOM,
    ON(so_is, "spec.triggers.0.metadata.serverAddress=\"http://prometheus-operated.default.svc:"
	      "9090\""),
    ON(applied, "apiVersion: v1\nkind: ConfigMap\n"
		"metadata: {name: config-autoscaler-keda, namespace: knative-serving}\n"
		"data: {autoscaler.keda.prometheus-address: \"http://prometheus:9090\"}\n"),
    FOR(passes, 5000),
    ON(so_is, "spec.triggers.0.metadata.serverAddress=\"http://prometheus:9090\""),
    ON(trace_is, SO_PATCHED),
    /* A bad edit keeps the old value; so does a deletion. */
    ON(applied, "apiVersion: v1\nkind: ConfigMap\n"
		"metadata: {name: config-autoscaler-keda, namespace: knative-serving}\n"
		"data: {autoscaler.keda.prometheus-address: \"nowhere\"}\n"),
    FOR(passes, 5000),
    ON(so_is, "spec.triggers.0.metadata.serverAddress=\"http://prometheus:9090\""),
    ON(applied, "apiVersion: v1\nkind: ConfigMap\n"
		"metadata: {name: config-autoscaler, namespace: knative-serving}\n"
		"data: {min-scale: \"3\", max-scale: \"20\"}\n"),
    FOR(passes, 5000),
    ON(so_is, "spec.minReplicaCount=1"),
    ON(so_is, "spec.maxReplicaCount=10"),
    ON(annotated, "min-scale-"),
    FOR(passes, 5000),
    ON(so_is, "spec.minReplicaCount=3"),
    /* A new process never saw the old value: end with one that it can read. */
    ON(applied, "apiVersion: v1\nkind: ConfigMap\n"
		"metadata: {name: config-autoscaler-keda, namespace: knative-serving}\n"
		"data: {autoscaler.keda.prometheus-address: \"http://third:9090\"}\n"),
    FOR(passes, 5000),
    ON(so_is, "spec.triggers.0.metadata.serverAddress=\"http://third:9090\""),
    END,
};

static const struct step restart_writes_nothing[] = {
    READY_CUSTOM,
    DO(restarts),
    FOR(is_quiet_for, 60000),
    DO(relists),
    FOR(is_quiet_for, 60000),
    DO(history_compacted),
    DO(restarts),
    FOR(is_quiet_for, 60000),
    END,
};

static const struct step quiet_hour[] = {
    DO(starts),
    ON(revision_made, CUSTOM "min-scale=1"),
    FOR(value_set, 3),
    FOR(passes, 400000),
    ON(ready_is, "True"),
    FOR(is_quiet_for, 3600000),
    END,
};

static const struct step hundred_at_once[] = {
    DO(starts),
    WITH(revisions_made, CUSTOM "min-scale=1", 100),
    FOR(passes, 30000),
    WITH(count_is, "scaledobjects", 100),
    WITH(count_is, "horizontalpodautoscalers", 100),
    /* two creates and four statuses each */
    FOR(writes_are, 600),
    FOR(is_quiet_for, 120000),
    END,
};

/* autoscaler-hpa left its HPA, controlled by the PodAutoscaler. */
static const struct step hand_over[] = {
    FOR(keda_runs, 0),
    ON(revision_made, CUSTOM "min-scale=1"),
    FOR(passes, 2000),
    ON(applied,
       "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n"
       "metadata: {name: hello-00001, namespace: default, annotations: "
       "{autoscaling.knative.dev/class: hpa.autoscaling.knative.dev}, ownerReferences: "
       "[{apiVersion: autoscaling.internal.knative.dev/v1alpha1, kind: PodAutoscaler, "
       "name: hello-00001, uid: 00000005-0000-4000-8000-000000000005, controller: true}]}\n"
       "spec: {minReplicas: 1, maxReplicas: 10, scaleTargetRef: {apiVersion: apps/v1, "
       "kind: Deployment, name: hello-00001-deployment}}\n"),
    FOR(keda_runs, 1),
    DO(starts),
    FOR(passes, 20000),
    ON(so_is, "metadata.annotations.\"scaledobject.keda.sh/transfer-hpa-ownership\"=\"true\""),
    ON(hpa_is, "metadata.ownerReferences.0.kind=\"ScaledObject\""),
    ON(ready_is, "True"),
    FOR(is_quiet_for, 60000),
    END,
};

static const struct step paused_by_a_user[] = {
    READY_CUSTOM,
    ON(so_patched, "{metadata: {annotations: {autoscaling.keda.sh/paused-replicas: \"0\"}}}"),
    FOR(passes, 20000),
    WITH(count_is, "horizontalpodautoscalers", 0),
    ON(deployment_is, "spec.replicas=0"),
    ON(active_is, "False NoTraffic*"),
    ON(revision_is, "True"),
    ON(so_patched, "{metadata: {annotations: {autoscaling.keda.sh/paused-replicas: null}}}"),
    FOR(passes, 60000),
    ON(ready_is, "True"),
    ON(deployment_is, "spec.replicas=1"),
    END,
};

static const struct step tuned_live[] = {
    READY_CUSTOM,
    ON(annotated, "target=10\nwindow=60s"),
    FOR(passes, 2000),
    ON(trace_is, SO_PATCHED),
    ON(so_is, "spec.triggers.0.metadata.threshold=\"10\""),
    ON(so_is, "spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleUp."
	      "stabilizationWindowSeconds=60"),
    ON(annotated, "target=5\nwindow-"),
    FOR(passes, 2000),
    ON(so_is, "spec.advanced.horizontalPodAutoscalerConfig.behavior="),
    ON(so_is, "spec.triggers.0.metadata.threshold=\"5\""),
    FOR(is_quiet_for, 60000),
    END,
};

static const struct step pods_never_start[] = {
    FOR(pods_start_in, -1),
    DO(starts),
    ON(revision_made, CUSTOM),
    FOR(passes, 120000),
    ON(init_is, "Unknown"),
    ON(so_is, "spec.minReplicaCount=1"),
    ON(deployment_is, "spec.replicas=1"),
    FOR(is_quiet_for, 400000),
    /* Beyond the progress deadline nothing holds it any more. */
    FOR(passes, 120000),
    ON(so_is, "spec.minReplicaCount="),
    ON(deployment_is, "spec.replicas=0"),
    END,
};

const struct scenario scenarios_of_life[] = {
    SWEPT(fresh_custom),
    SWEPT(fresh_cpu),
    SWEPT(initial_scale),
    SWEPT(zero_and_back),
    SWEPT(on_requests),
    SWEPT(another_metric),
    SWEPT(invalid_annotation),
    SWEPT(prometheus_down),
    SWEPT(unreachable),
    SWEPT(own_scaled_object),
    SWEPT(config_changes),
    SWEPT(restart_writes_nothing),
    ONCE(quiet_hour),
    ONCE(hundred_at_once),
    SWEPT(hand_over),
    SWEPT(paused_by_a_user),
    SWEPT(tuned_live),
    SWEPT(pods_never_start),
    {.name = NULL},
};

const struct scenario *scenario_at(size_t index)
{
	for (const struct scenario *one = scenarios_of_life; one->name; one++)
		if (index-- == 0)
			return one;
	for (const struct scenario *one = scenarios_of_trouble; one->name; one++)
		if (index-- == 0)
			return one;
	for (const struct scenario *one = scenarios_of_hand_over; one->name; one++)
		if (index-- == 0)
			return one;
	return NULL;
}

const struct scenario *scenario_find(const char *name)
{
	const struct scenario *one;
	for (size_t i = 0; (one = scenario_at(i)); i++)
		if (strcmp(one->name, name) == 0)
			return one;
	check_failed(__FILE__, __LINE__, name);
}
