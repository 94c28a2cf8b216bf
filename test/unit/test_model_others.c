/*
 * The model's stand-ins for Knative, KEDA, the HPA controller and Deployments, without the
 * controller: what they make of a revision whose children are applied by hand.
 */
#include <math.h>

#include "test/unit/model_fixture.h"

#define SKS                                                                                        \
	"apiVersion: networking.internal.knative.dev/v1alpha1\nkind: ServerlessService\n"          \
	"metadata: {name: x-00001}\nspec: {mode: Serve, protocolType: http1, objectRef: "          \
	"{apiVersion: apps/v1, kind: Deployment, name: x-00001-deployment}}\n"
#define SO(extra)                                                                                  \
	"apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: x-00001}\n"            \
	"spec: {scaleTargetRef: {name: x-00001-deployment}, maxReplicaCount: 10, " extra           \
	"advanced: {horizontalPodAutoscalerConfig: {name: x-00001}}, triggers: "                   \
	"[{type: prometheus, metadata: {threshold: '5'}}]}\n"

static const char *condition(struct bench *b, const char *plural, const char *type)
{
	return model_condition(b->model, plural, "default", "x-00001", type);
}

static int64_t replicas(struct bench *b, const char *of)
{
	return int_at(b, "deployments", "x-00001-deployment", of,
		      strcmp(of, "spec") == 0 ? "replicas" : "readyReplicas");
}

TEST(others, knative_makes_the_podautoscaler_and_follows_it)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	model_revision(b.model, "default", "x-00001", "target=5\nmin-scale=2");
	run(&b, 100);
	const struct json *pa = model_get(b.model, "podautoscalers", "default", "x-00001");
	const struct json *annotations = json_path(pa, "metadata", "annotations", NULL);
	EXPECT_TEXT(json_text(json_get(annotations, "autoscaling.knative.dev/min-scale")), "2");
	EXPECT_TEXT(json_text(json_get(annotations, "autoscaling.knative.dev/class")),
		    "hpa.autoscaling.knative.dev");
	EXPECT_TEXT(condition(&b, "revisions", "Ready"), "Unknown Deploying");
	model_annotate(b.model, "default", "x-00001", "min-scale-\ntarget=7");
	run(&b, 100);
	pa = model_get(b.model, "podautoscalers", "default", "x-00001");
	annotations = json_path(pa, "metadata", "annotations", NULL);
	EXPECT(!json_get(annotations, "autoscaling.knative.dev/min-scale"));
	EXPECT_TEXT(json_text(json_get(annotations, "autoscaling.knative.dev/target")), "7");
	/* Annotations do not bump the generation, reachability does. */
	EXPECT_INT(int_at(&b, "podautoscalers", "x-00001", "metadata", "generation"), 1);
	model_route(b.model, "default", "x-00001", "reserve");
	run(&b, 100);
	EXPECT_INT(int_at(&b, "podautoscalers", "x-00001", "metadata", "generation"), 2);
	EXPECT_TEXT(text_at(&b, "podautoscalers", "x-00001", "spec", "reachability"),
		    "Unreachable");
	bench_release(&b);
}

TEST(others, sks_is_ready_with_a_ready_pod)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	model_revision(b.model, "default", "x-00001", "target=5");
	model_apply(b.model, SKS);
	run(&b, 500);
	EXPECT_TEXT(text_at(&b, "serverlessservices", "x-00001", "status", "serviceName"),
		    "x-00001");
	EXPECT_TEXT(text_at(&b, "serverlessservices", "x-00001", "status", "privateServiceName"),
		    "x-00001-private");
	EXPECT_CONTAINS(condition(&b, "serverlessservices", "Ready"), "Unknown NoHealthyBackends");
	run(&b, 1000);
	EXPECT_INT(replicas(&b, "status"), 1);
	EXPECT_TEXT(condition(&b, "serverlessservices", "Ready"), "True");
	bench_release(&b);
}

TEST(others, keda_prepares_and_makes_an_hpa)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	model_revision(b.model, "default", "x-00001", "target=5");
	model_apply(b.model, SO("minReplicaCount: 1, "));
	run(&b, 1000);
	const struct json *so = model_get(b.model, "scaledobjects", "default", "x-00001");
	EXPECT_INT(int_at(&b, "scaledobjects", "x-00001", "metadata", "generation"), 2);
	EXPECT(json_path(so, "spec", "advanced", "scalingModifiers", NULL));
	EXPECT_TEXT(
	    json_text(json_path(so, "metadata", "labels", "scaledobject.keda.sh/name", NULL)),
	    "x-00001");
	EXPECT_CONTAINS(condition(&b, "scaledobjects", "Ready"), "True ScaledObjectReady");
	/* No status before the HPA controller's first sync. */
	EXPECT_TEXT(condition(&b, "horizontalpodautoscalers", "ScalingActive"), "");
	run(&b, 15000);
	EXPECT_CONTAINS(condition(&b, "horizontalpodautoscalers", "ScalingActive"),
			"True ValidMetricFound");
	model_set_metric(b.model, "default", 17);
	run(&b, 16000);
	EXPECT_INT(replicas(&b, "spec"), 4);
	model_set_metric(b.model, "default", NAN);
	run(&b, 61000);
	EXPECT_INT(replicas(&b, "spec"), 4);
	EXPECT_CONTAINS(condition(&b, "horizontalpodautoscalers", "ScalingActive"),
			"False FailedGetExternalMetric");
	EXPECT_CONTAINS(condition(&b, "scaledobjects", "Ready"), "False TriggerError");
	bench_release(&b);
}

TEST(others, keda_goes_to_zero_after_its_cooldowns)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	model_revision(b.model, "default", "x-00001", "target=5");
	/* Nothing was ever active: the initial cooldown, here a minute, counts. */
	model_apply(b.model, SO("initialCooldownPeriod: 60, cooldownPeriod: 130, "));
	run(&b, 50000);
	EXPECT_INT(replicas(&b, "spec"), 1);
	run(&b, 45000);
	EXPECT_INT(replicas(&b, "spec"), 0);
	run(&b, 16000);
	EXPECT_CONTAINS(condition(&b, "horizontalpodautoscalers", "ScalingActive"),
			"False ScalingDisabled");
	model_set_metric(b.model, "default", 1);
	run(&b, 31000);
	EXPECT_INT(replicas(&b, "spec"), 1);
	model_set_metric(b.model, "default", 0);
	run(&b, 110000);
	EXPECT_INT(replicas(&b, "spec"), 1);
	run(&b, 50000);
	EXPECT_INT(replicas(&b, "spec"), 0);
	bench_release(&b);
}

TEST(others, keda_pauses)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	model_revision(b.model, "default", "x-00001", "target=5");
	model_apply(b.model, SO("minReplicaCount: 1, "));
	run(&b, 1000);
	model_patch(b.model, "scaledobjects", "default", "x-00001", false,
		    "{metadata: {annotations: {autoscaling.keda.sh/paused-replicas: '3'}}}");
	run(&b, 1000);
	EXPECT_INT(model_count(b.model, "horizontalpodautoscalers"), 0);
	EXPECT_INT(replicas(&b, "spec"), 3);
	EXPECT_CONTAINS(condition(&b, "scaledobjects", "Paused"), "True");
	EXPECT_INT(int_at(&b, "scaledobjects", "x-00001", "status", "pausedReplicaCount"), 3);
	model_patch(b.model, "scaledobjects", "default", "x-00001", false,
		    "{metadata: {annotations: {autoscaling.keda.sh/paused-replicas: null}}}");
	run(&b, 1000);
	EXPECT_INT(model_count(b.model, "horizontalpodautoscalers"), 1);
	EXPECT_INT(int_at(&b, "scaledobjects", "x-00001", "status", "pausedReplicaCount"), -1);
	bench_release(&b);
}

TEST(others, keda_fails_and_repairs)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	model_revision(b.model, "default", "x-00001", "target=5");
	model_keda_fails(b.model, "no scaler");
	model_apply(b.model, SO("minReplicaCount: 1, "));
	run(&b, 1000);
	EXPECT_TEXT(condition(&b, "scaledobjects", "Ready"),
		    "False ScaledObjectCheckFailed: no scaler");
	EXPECT_INT(model_count(b.model, "horizontalpodautoscalers"), 0);
	model_keda_fails(b.model, NULL);
	run(&b, 1000);
	EXPECT_INT(model_count(b.model, "horizontalpodautoscalers"), 1);
	model_delete(b.model, "horizontalpodautoscalers", "default", "x-00001");
	run(&b, 1000);
	EXPECT_INT(model_count(b.model, "horizontalpodautoscalers"), 1);
	model_delete(b.model, "scaledobjects", "default", "x-00001");
	run(&b, 2000);
	EXPECT_INT(model_count(b.model, "scaledobjects"), 0);
	EXPECT_INT(model_count(b.model, "horizontalpodautoscalers"), 0);
	bench_release(&b);
}

TEST(others, pods_that_never_start)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	model_pods_start_after(b.model, -1);
	model_revision(b.model, "default", "x-00001", "target=5");
	run(&b, 60000);
	EXPECT_INT(replicas(&b, "status"), -1);
	model_pods_start_after(b.model, 10);
	run(&b, 100);
	EXPECT_INT(replicas(&b, "status"), 1);
	EXPECT(!model_busy(b.model));
	bench_release(&b);
}

TEST_MAIN(TEST_OF(others, knative_makes_the_podautoscaler_and_follows_it),
	  TEST_OF(others, sks_is_ready_with_a_ready_pod),
	  TEST_OF(others, keda_prepares_and_makes_an_hpa),
	  TEST_OF(others, keda_goes_to_zero_after_its_cooldowns), TEST_OF(others, keda_pauses),
	  TEST_OF(others, keda_fails_and_repairs), TEST_OF(others, pods_that_never_start))
