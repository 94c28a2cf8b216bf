/*
 * What can go wrong around a revision: KEDA absent, refusing or down, foreign and lingering
 * objects, drift, deletions, writes that are refused.
 */
#include "test/lib/world_scenarios.h"
#include "test/lib/world_steps.h"

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
    FOR(passes, 120000),
    FOR(keda_runs, 0),
    FOR(hpas_run, 0),
    FOR(knative_runs, 0),
    ON(sks_patched, "{spec: {mode: Proxy}}"),
    FOR(passes, 60000),
    ON(so_patched, "{spec: {maxReplicaCount: 3}}"),
    FOR(passes, 60000),
    ON(pa_patched, "{metadata: {annotations: {autoscaling.knative.dev/target: '7'}}, "
		   "spec: {reachability: ''}}"),
    FOR(passes, 5000),
    ON(sks_is, "spec.mode=\"Serve\""),
    ON(so_is, "spec.maxReplicaCount=10"),
    ON(so_is, "spec.triggers.0.metadata.threshold=\"7\""),
    ON(pa_is, "status.observedGeneration=3"),
    END,
};

const struct scenario scenarios_of_trouble[] = {
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
    SWEPT(keda_cannot_build),
    SWEPT(keda_stopped),
    SWEPT(status_write_refused),
    SWEPT(knative_stopped),
    SWEPT(sks_deleted),
    SWEPT(missed_deletions),
    SWEPT(nobody_else_writes),
    {.name = NULL},
};
