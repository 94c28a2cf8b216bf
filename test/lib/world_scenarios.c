/*
 * The scenarios. A strict play counts on the latencies of the wire and of the stand-ins: caches are
 * there a second after a start, pods a second after their Deployment, an HPA's first status 15 s
 * after its creation.
 */
#include "test/lib/world_scenarios.h"

#include <string.h>

#include "pkg/base/check.h"
#include "test/lib/world_steps.h"

#define WITH(does, what, amount)                                                                   \
	{                                                                                          \
		.act = (does), .text = (what), .number = (amount)                                  \
	}
#define DO(does) WITH(does, NULL, 0)
#define ON(does, what) WITH(does, what, 0)
#define FOR(does, amount) WITH(does, NULL, amount)
#define END WITH(NULL, NULL, 0)
#define CUSTOM "metric=m\ntarget=5\nprometheus-query=q\nmax-scale=10\n"
#define STATUS "PATCH podautoscalers/status default/hello-00001 200\n"
#define SKS_MADE "POST serverlessservices default/hello-00001 201\n"
#define SO_MADE "POST scaledobjects default/hello-00001 201\n"
#define SO_PATCHED "PATCH scaledobjects default/hello-00001 200\n"
#define WAITING "Unknown WaitingForHPA: *"
/* A revision that has been ready for a while. */
#define READY_CUSTOM                                                                               \
	DO(starts), ON(revision_made, CUSTOM "min-scale=1"), FOR(passes, 20000),                   \
	    ON(ready_is, "True"), ON(trace_is, "*")

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

static const struct step keda_installed_late[] = {
    FOR(keda_is_installed, 0),
    DO(starts),
    ON(revision_made, CUSTOM "min-scale=1"),
    FOR(passes, 5000),
    ON(active_is, "Unknown KEDANotInstalled: *"),
    ON(pa_is, "status.serviceName=\"hello-00001\""),
    ON(events_are, ""),
    FOR(passes, 40000),
    ON(events_are, "Normal KEDANotInstalled: *\n"),
    FOR(is_quiet_for, 60000),
    FOR(keda_is_installed, 1),
    FOR(passes, 30000),
    ON(ready_is, "True"),
    ON(revision_is, "True"),
    END,
};

static const struct step keda_uninstalled[] = {
    READY_CUSTOM,
    FOR(keda_is_installed, 0),
    FOR(passes, 10000),
    ON(init_is, "True"),
    ON(revision_is, "True"),
    WITH(count_is, "serverlessservices", 1),
    FOR(keda_is_installed, 1),
    FOR(passes, 30000),
    ON(ready_is, "True"),
    END,
};

static const struct step keda_refusal[] = {
    WITH(keda_refuses, "the scaledobject is bad", 403),
    DO(starts),
    ON(revision_made, CUSTOM "min-scale=1"),
    FOR(passes, 5000),
    ON(active_is, "False ScaledObjectRejected: *the scaledobject is bad*"),
    ON(revision_is, "False ProgressDeadlineExceeded*"),
    ON(events_are, "Warning ScaledObjectRejected: *the scaledobject is bad*\n"),
    /* Another of several texts: the first one is kept. */
    WITH(keda_refuses, "the scaledobject is worse", 403),
    FOR(passes, 60000),
    ON(active_is, "False ScaledObjectRejected: *the scaledobject is bad*"),
    ON(events_are, "Warning ScaledObjectRejected: *the scaledobject is bad*\n"),
    DO(keda_refuses),
    FOR(passes, 320000),
    ON(ready_is, "True"),
    ON(revision_is, "True"),
    END,
};

static const struct step deployment_seen_late[] = {
    WITH(keda_refuses, "Deployment.apps \"hello-00001-deployment\" not found", 404),
    DO(starts),
    ON(revision_made, CUSTOM "min-scale=1"),
    FOR(passes, 3000),
    ON(active_is, "Unknown ScaledObjectNotWritten: *Deployment.apps*not found*"),
    DO(keda_refuses),
    FOR(passes, 30000),
    ON(ready_is, "True"),
    END,
};

static const struct step foreign_so[] = {
    ON(applied, "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\n"
		"metadata: {name: hello-00001, namespace: default}\n"
		"spec: {scaleTargetRef: {name: other}, triggers: [{type: cron, metadata: {}}]}\n"),
    DO(starts),
    ON(revision_made, CUSTOM "min-scale=1"),
    FOR(passes, 5000),
    ON(active_is, "False NotOwned: There is an existing ScaledObject \"hello-00001\" that we do "
		  "not own."),
    ON(so_is, "spec.scaleTargetRef.name=\"other\""),
    FOR(is_quiet_for, 60000),
    ON(deleted, "scaledobjects"),
    FOR(passes, 20000),
    ON(ready_is, "True"),
    END,
};

static const struct step foreign_sks[] = {
    ON(applied, "apiVersion: networking.internal.knative.dev/v1alpha1\nkind: ServerlessService\n"
		"metadata: {name: hello-00001, namespace: default}\n"
		"spec: {mode: Proxy, protocolType: http1, objectRef: {name: other}}\n"),
    DO(starts),
    ON(revision_made, CUSTOM "min-scale=1"),
    FOR(passes, 20000),
    ON(active_is, "False NotOwned: There is an existing ServerlessService \"hello-00001\" that we "
		  "do not own."),
    ON(sks_is, "spec.mode=\"Proxy\""),
    FOR(is_quiet_for, 60000),
    ON(deleted, "serverlessservices"),
    FOR(passes, 20000),
    ON(ready_is, "True"),
    END,
};

static const struct step drift_is_repaired[] = {
    READY_CUSTOM,
    ON(so_patched, "{spec: {maxReplicaCount: 3, cooldownPeriod: 7}, metadata: {labels: "
		   "{serving.knative.dev/service: x, own: label}, annotations: {a: b}}}"),
    FOR(passes, 2000),
    ON(trace_is, SO_PATCHED),
    ON(so_is, "spec.maxReplicaCount=10"),
    ON(so_is, "spec.cooldownPeriod="),
    ON(so_is, "metadata.labels.own=\"label\""),
    ON(so_is, "metadata.labels.\"serving.knative.dev/service\"=\"hello\""),
    ON(so_is, "metadata.annotations.a=\"b\""),
    ON(so_is, "metadata.finalizers.0=\"finalizer.keda.sh\""),
    ON(sks_patched, "{spec: {mode: Proxy, numActivators: 3}}"),
    FOR(passes, 2000),
    ON(sks_is, "spec.mode=\"Serve\""),
    ON(ready_is, "True"),
    FOR(is_quiet_for, 60000),
    END,
};

static const struct step so_deleted[] = {
    READY_CUSTOM,
    ON(deleted, "scaledobjects"),
    FOR(passes, 20000),
    WITH(count_is, "scaledobjects", 1),
    WITH(count_is, "horizontalpodautoscalers", 1),
    ON(ready_is, "True"),
    ON(revision_is, "True"),
    FOR(is_quiet_for, 60000),
    END,
};

static const struct step so_stuck_on_its_finalizer[] = {
    READY_CUSTOM,
    FOR(keda_runs, 0),
    ON(deleted, "scaledobjects"),
    FOR(passes, 5000),
    ON(active_is, "Unknown WaitingForDeletion: *finalizer.keda.sh*"),
    ON(revision_is, "True"),
    FOR(keda_runs, 1),
    FOR(passes, 20000),
    ON(ready_is, "True"),
    FOR(is_quiet_for, 60000),
    END,
};

static const struct step hpa_deleted[] = {
    READY_CUSTOM,
    ON(deleted, "horizontalpodautoscalers"),
    FOR(passes, 20000),
    WITH(count_is, "horizontalpodautoscalers", 1),
    ON(ready_is, "True"),
    FOR(is_quiet_for, 60000),
    END,
};

/* Knative makes it anew at once; the old children linger until the collector and KEDA let go. */
static const struct step pa_recreated[] = {
    READY_CUSTOM,
    FOR(keda_runs, 0),
    ON(deleted, "podautoscalers"),
    FOR(passes, 300),
    ON(active_is, "Unknown WaitingForDeletion: *"),
    ON(trace_is, STATUS "*"),
    FOR(passes, 10000),
    ON(active_is, "Unknown WaitingForDeletion: *ScaledObject*"),
    FOR(keda_runs, 1),
    FOR(passes, 30000),
    ON(ready_is, "True"),
    FOR(is_quiet_for, 60000),
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

static const struct step keda_cannot_build[] = {
    ON(keda_fails, "error parsing prometheus metadata"),
    DO(starts),
    ON(revision_made, CUSTOM "min-scale=1"),
    FOR(passes, 10000),
    ON(active_is, "Unknown WaitingForHPA: *error parsing prometheus metadata*"),
    FOR(passes, 120000),
    ON(active_is, "False ScaledObjectNotReady: *error parsing prometheus metadata*"),
    DO(restarts),
    FOR(passes, 5000),
    ON(active_is, "False ScaledObjectNotReady: *"),
    FOR(is_quiet_for, 60000),
    DO(keda_fails),
    FOR(passes, 20000),
    ON(ready_is, "True"),
    END,
};

static const struct step keda_stopped[] = {
    FOR(keda_runs, 0),
    DO(starts),
    ON(revision_made, CUSTOM "min-scale=1"),
    FOR(passes, 40000),
    ON(active_is, WAITING),
    ON(events_are, "Normal WaitingForHPA: *\n"),
    FOR(is_quiet_for, 60000),
    FOR(keda_runs, 1),
    FOR(passes, 20000),
    ON(ready_is, "True"),
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

static const struct step status_write_refused[] = {
    WITH(status_refused,
	 "admission webhook \"validation.webhook.serving.knative.dev\" denied the "
	 "request: validation failed: invalid value: x",
	 400),
    DO(starts),
    ON(revision_made, CUSTOM "min-scale=1"),
    FOR(passes, 60000),
    WITH(count_is, "scaledobjects", 1),
    ON(events_are, "Warning *\n"),
    DO(status_refused),
    FOR(passes, 320000),
    ON(ready_is, "True"),
    END,
};

static const struct step knative_stopped[] = {
    DO(starts),
    ON(revision_made, CUSTOM "min-scale=1"),
    FOR(passes, 10),
    FOR(knative_runs, 0),
    FOR(passes, 30000),
    ON(pa_is, "status.serviceName=\"\""),
    ON(init_is, "Unknown"),
    FOR(is_quiet_for, 60000),
    FOR(knative_runs, 1),
    FOR(passes, 10000),
    ON(ready_is, "True"),
    ON(revision_is, "True"),
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

static const struct step sks_deleted[] = {
    READY_CUSTOM,
    ON(deleted, "serverlessservices"),
    FOR(passes, 5000),
    ON(trace_is, SKS_MADE "*"),
    ON(ready_is, "True"),
    ON(revision_is, "True"),
    FOR(is_quiet_for, 60000),
    END,
};

/* A deletion that no watch ever tells. */
static const struct step missed_deletions[] = {
    READY_CUSTOM,
    FOR(cut_off, 1),
    ON(deleted, "scaledobjects"),
    ON(deleted, "serverlessservices"),
    FOR(passes, 5000),
    DO(history_compacted),
    FOR(cut_off, 0),
    FOR(passes, 30000),
    WITH(count_is, "scaledobjects", 1),
    WITH(count_is, "serverlessservices", 1),
    ON(ready_is, "True"),
    FOR(is_quiet_for, 60000),
    END,
};

/* No change by others brings a key back here: what fails must be tried again by itself. */
static const struct step nobody_else_writes[] = {
    READY_CUSTOM,
    FOR(keda_runs, 0),
    FOR(hpas_run, 0),
    FOR(knative_runs, 0),
    ON(sks_patched, "{spec: {mode: Proxy}}"),
    ON(so_patched, "{spec: {maxReplicaCount: 3}}"),
    ON(pa_patched, "{metadata: {annotations: {autoscaling.knative.dev/target: '7'}}, "
		   "spec: {reachability: ''}}"),
    FOR(passes, 5000),
    ON(sks_is, "spec.mode=\"Serve\""),
    ON(so_is, "spec.maxReplicaCount=10"),
    ON(so_is, "spec.triggers.0.metadata.threshold=\"7\""),
    END,
};

#define SWEPT(name)                                                                                \
	{                                                                                          \
#name, name, true                                                                  \
	}
#define ONCE(name)                                                                                 \
	{                                                                                          \
#name, name, false                                                                 \
	}

static const struct scenario scenarios[] = {
    SWEPT(fresh_custom),
    SWEPT(fresh_cpu),
    SWEPT(initial_scale),
    SWEPT(zero_and_back),
    SWEPT(invalid_annotation),
    SWEPT(keda_installed_late),
    SWEPT(keda_uninstalled),
    SWEPT(keda_refusal),
    SWEPT(deployment_seen_late),
    SWEPT(foreign_so),
    SWEPT(foreign_sks),
    SWEPT(drift_is_repaired),
    SWEPT(so_deleted),
    SWEPT(so_stuck_on_its_finalizer),
    SWEPT(hpa_deleted),
    SWEPT(pa_recreated),
    SWEPT(prometheus_down),
    SWEPT(keda_cannot_build),
    SWEPT(keda_stopped),
    SWEPT(unreachable),
    SWEPT(own_scaled_object),
    SWEPT(config_changes),
    SWEPT(restart_writes_nothing),
    ONCE(quiet_hour),
    ONCE(hundred_at_once),
    SWEPT(hand_over),
    SWEPT(paused_by_a_user),
    SWEPT(status_write_refused),
    SWEPT(knative_stopped),
    SWEPT(tuned_live),
    SWEPT(pods_never_start),
    SWEPT(sks_deleted),
    SWEPT(missed_deletions),
    SWEPT(nobody_else_writes),
};

const struct scenario *scenario_list(size_t *count)
{
	*count = ARRAY_SIZE(scenarios);
	return scenarios;
}

const struct scenario *scenario_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++)
		if (strcmp(scenarios[i].name, name) == 0)
			return &scenarios[i];
	check_failed(__FILE__, __LINE__, name);
}
