/*
 * Revisions that go from one controller to another: Knative's autoscaler-hpa, the Go
 * autoscaler-keda, a class of Knative's own.
 */
#include "test/lib/world_steps.h"

#define PA_OWNS                                                                                    \
	"ownerReferences: [{apiVersion: autoscaling.internal.knative.dev/v1alpha1, "               \
	"kind: PodAutoscaler, name: hello-00001, uid: 00000005-0000-4000-8000-000000000005, "      \
	"controller: true, blockOwnerDeletion: true}]"
/* As autoscaler-hpa makes them. */
#define HPA_OF_PA                                                                                  \
	"apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n"                              \
	"metadata: {name: hello-00001, namespace: default, annotations: "                          \
	"{autoscaling.knative.dev/class: hpa.autoscaling.knative.dev}, " PA_OWNS "}\n"             \
	"spec: {minReplicas: 1, maxReplicas: 10, scaleTargetRef: {apiVersion: apps/v1, "           \
	"kind: Deployment, name: hello-00001-deployment}}\n"
#define LEASE(holder, time)                                                                        \
	"apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {namespace: knative-serving, " \
	"name: hpaautoscaler.knative.dev.serving.pkg.reconciler.autoscaling.hpa.reconciler."       \
	"00-of-01}\nspec: {holderIdentity: \"" holder "\", leaseDurationSeconds: 60, "             \
	"renewTime: \"" time "\"}\n"
#define TAKEN_OVER                                                                                 \
	FOR(passes, 20000),                                                                        \
	    ON(so_is, "metadata.annotations.\"scaledobject.keda.sh/transfer-hpa-ownership\""       \
		      "=\"true\""),                                                                \
	    ON(hpa_is, "metadata.ownerReferences.0.kind=\"ScaledObject\""), ON(ready_is, "True"),  \
	    FOR(is_quiet_for, 60000)

static const struct step autoscaler_hpa_stops[] = {
    FOR(keda_runs, 0),
    ON(revision_made, CUSTOM "min-scale=1"),
    FOR(passes, 2000),
    ON(applied, HPA_OF_PA),
    ON(applied, LEASE("autoscaler-hpa_1", "2026-01-01T00:00:00.000000Z")),
    FOR(keda_runs, 1),
    DO(starts),
    ON(trace_is, ""),
    FOR(is_quiet_for, 50000),
    ON(applied, LEASE("autoscaler-hpa_1", "2026-01-01T00:00:10.000000Z")),
    FOR(is_quiet_for, 50000),
    ON(annotated, "target=7"),
    FOR(is_quiet_for, 5000),
    ON(applied, LEASE("", "2026-01-01T00:00:20.000000Z")),
    TAKEN_OVER,
    ON(so_is, "spec.triggers.0.metadata.threshold=\"7\""),
    END,
};

static const struct step autoscaler_hpa_killed[] = {
    FOR(keda_runs, 0),
    ON(revision_made, CUSTOM "min-scale=1"),
    FOR(passes, 2000),
    ON(applied, HPA_OF_PA),
    ON(applied, LEASE("autoscaler-hpa_1", "2026-01-01T00:00:00.000000Z")),
    FOR(keda_runs, 1),
    DO(starts),
    ON(trace_is, ""),
    FOR(is_quiet_for, 58000),
    FOR(passes, 2000),
    TAKEN_OVER,
    END,
};

/* It is started again beside us: we hold still at once, and go on where we were. */
static const struct step autoscaler_hpa_comes_back[] = {
    READY_CUSTOM,
    ON(applied, LEASE("autoscaler-hpa_1", "2026-01-01T00:00:00.000000Z")),
    FOR(passes, 500),
    ON(so_patched, "{spec: {maxReplicaCount: 3}}"),
    ON(annotated, "max-scale=7"),
    FOR(is_quiet_for, 30000),
    ON(applied, LEASE("", "2026-01-01T00:00:20.000000Z")),
    FOR(passes, 1000),
    ON(trace_is, SO_PATCHED),
    ON(so_is, "spec.maxReplicaCount=7"),
    FOR(is_quiet_for, 60000),
    END,
};

/* The Go autoscaler-keda copies all annotations of the PodAutoscaler and writes thresholds as
 * quantities (which KEDA does not read), and KEDA's round trip adds scalingModifiers. */
static const struct step go_scaled_object[] = {
    FOR(keda_runs, 0),
    ON(revision_made, "metric=m\ntarget=1000\nprometheus-query=q\nmax-scale=10\nmin-scale=1"),
    FOR(passes, 2000),
    ON(applied,
       "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\n"
       "metadata: {name: hello-00001, namespace: default, finalizers: [finalizer.keda.sh], "
       "labels: {app: hello-00001, scaledobject.keda.sh/name: hello-00001}, annotations: "
       "{autoscaling.knative.dev/class: hpa.autoscaling.knative.dev, "
       "autoscaling.knative.dev/metric: m, autoscaling.knative.dev/target: \"1000\", "
       "autoscaling.knative.dev/prometheus-query: q, autoscaling.knative.dev/max-scale: \"10\", "
       "autoscaling.knative.dev/min-scale: \"1\"}, " PA_OWNS "}\n"
       "spec:\n"
       "  scaleTargetRef: {name: hello-00001-deployment, kind: Deployment, "
       "apiVersion: apps/v1}\n"
       "  minReplicaCount: 1\n"
       "  maxReplicaCount: 10\n"
       "  advanced: {horizontalPodAutoscalerConfig: {name: hello-00001}, "
       "scalingModifiers: {}}\n"
       "  triggers: [{type: prometheus, name: default-trigger-custom, metricType: AverageValue, "
       "metadata: {serverAddress: "
       "\"http://prometheus-operated.default.svc.cluster.local:9090\", "
       "query: q, threshold: 1k, namespace: default}}]\n"),
    FOR(keda_runs, 1),
    FOR(passes, 20000),
    DO(starts),
    FOR(passes, 1000),
    /* in place */
    ON(trace_is, SKS_MADE SO_PATCHED STATUS "*"),
    ON(so_is, "spec.triggers.0.metadata.threshold=\"1000\""),
    ON(so_is, "metadata.annotations.\"autoscaling.knative.dev/metric\"=\"m\""),
    ON(so_is, "metadata.annotations.\"autoscaling.knative.dev/keda-managed-annotations\"="),
    ON(hpa_is, "metadata.ownerReferences.0.kind=\"ScaledObject\""),
    FOR(passes, 20000),
    ON(ready_is, "True"),
    FOR(is_quiet_for, 60000),
    END,
};

static const struct step class_goes[] = {
    READY_CUSTOM,
    /* By then it is ready under any fault; nobody here makes it so later. */
    FOR(passes, 60000),
    ON(trace_is, ""),
    ON(annotated, "class=kpa.autoscaling.knative.dev"),
    FOR(passes, 2000),
    ON(trace_is, "DELETE scaledobjects default/hello-00001 200\n"),
    WITH(count_is, "scaledobjects", 0),
    WITH(count_is, "serverlessservices", 1),
    FOR(passes, 5000),
    WITH(count_is, "horizontalpodautoscalers", 0),
    FOR(is_quiet_for, 60000),
    END,
};

/* While nobody was there to see it. */
static const struct step class_went_unseen[] = {
    READY_CUSTOM,
    DO(stops),
    ON(annotated, "class=kpa.autoscaling.knative.dev"),
    FOR(passes, 2000),
    DO(starts),
    FOR(passes, 2000),
    ON(trace_is, "DELETE scaledobjects default/hello-00001 200\n"),
    WITH(count_is, "scaledobjects", 0),
    WITH(count_is, "serverlessservices", 1),
    /* And back again. */
    ON(annotated, "class=hpa.autoscaling.knative.dev"),
    FOR(passes, 20000),
    WITH(count_is, "scaledobjects", 1),
    ON(ready_is, "True"),
    FOR(is_quiet_for, 60000),
    END,
};

/* Many revisions take a default over, a hundred a second; one that is edited need not wait. */
static const struct step default_changes_gradually[] = {
    DO(starts),
    ON(revision_made, CUSTOM "min-scale=1"),
    WITH(revisions_made, "metric=m\ntarget=5\nprometheus-query=q\nmin-scale=1", 150),
    FOR(passes, 60000),
    WITH(count_is, "scaledobjects", 151),
    ON(trace_is, "*"),
    ON(applied, "apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: knative-serving, "
		"name: config-autoscaler}\ndata: {max-scale: \"40\"}\n"),
    FOR(passes, 1000),
    ON(annotated, "target=9"),
    FOR(passes, 300),
    ON(so_is, "spec.triggers.0.metadata.threshold=\"9\""),
    FOR(passes, 10000),
    /* one for the edit, one for each that the default concerns */
    FOR(writes_are, 151),
    FOR(is_quiet_for, 60000),
    END,
};

const struct scenario scenarios_of_hand_over[] = {
    SWEPT(autoscaler_hpa_stops),
    SWEPT(autoscaler_hpa_killed),
    SWEPT(autoscaler_hpa_comes_back),
    SWEPT(go_scaled_object),
    SWEPT(class_goes),
    SWEPT(class_went_unseen),
    ONCE(default_changes_gradually),
    {.name = NULL},
};
