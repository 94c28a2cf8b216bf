/*
 * The controller in the simulated world under Services as people apply them: Knative's stand-ins
 * above, KEDA's and the HPA controller's below, and the controller between them.
 */
#include <stdlib.h>
#include <string.h>

#include "test/lib/test.h"
#include "test/lib/world.h"

#define SERVICE(annotations)                                                                       \
	"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: x}\nspec:\n"          \
	"  template:\n    metadata:\n      annotations:\n"                                         \
	"        autoscaling.knative.dev/class: hpa.autoscaling.knative.dev\n"                     \
	"        autoscaling.knative.dev/metric: orders\n"                                         \
	"        autoscaling.knative.dev/prometheus-query: sum(orders)\n"                          \
	"        autoscaling.knative.dev/target: '5'\n" annotations                                \
	"    spec: {containers: [{name: user-container, image: i}]}\n"
#define BOUNDS(min, max)                                                                           \
	"        autoscaling.knative.dev/min-scale: '" min "'\n"                                   \
	"        autoscaling.knative.dev/max-scale: '" max "'\n"

static const char *condition(struct world *world, const char *plural, const char *name)
{
	return model_condition(world_model(world), plural, "default", name, "Ready");
}

static int64_t replicas(struct world *world, const char *deployment)
{
	const struct json *object =
	    model_get(world_model(world), "deployments", "default", deployment);
	return json_int_or(json_path(object, "spec", "replicas", NULL), -1);
}

static struct world *start(const char *service)
{
	struct world *world = world_new(NULL);
	world_start(world);
	world_run(world, 1000);
	model_apply(world_model(world), service);
	world_run(world, 20000);
	return world;
}

TEST(world, a_service_becomes_ready_and_scales)
{
	struct world *world = start(SERVICE(BOUNDS("1", "10")));
	EXPECT_TEXT(condition(world, "services.serving", "x"), "True");
	EXPECT_TEXT(condition(world, "scaledobjects", "x-00001"),
		    "True ScaledObjectReady: ScaledObject is defined correctly and is ready for "
		    "scaling");
	model_set_series(world_model(world), "default", "orders", 20);
	world_run(world, 20000);
	EXPECT_INT(replicas(world, "x-00001-deployment"), 4);
	/* The HPA counts them at its next look. */
	world_run(world, 20000);
	world_trace_clear(world);
	world_run(world, 600000);
	EXPECT_TEXT(world_trace(world), "");
	EXPECT_TEXT(world_breach(world), "");
	world_free(world);
}

TEST(world, a_new_revision_takes_over_and_the_old_one_goes_to_zero)
{
	struct world *world = start(SERVICE(BOUNDS("2", "10")));
	EXPECT_INT(replicas(world, "x-00001-deployment"), 2);
	model_apply(world_model(world), SERVICE(BOUNDS("3", "10")));
	world_run(world, 400000);
	EXPECT_TEXT(condition(world, "services.serving", "x"), "True");
	EXPECT_TEXT(condition(world, "revisions", "x-00002"), "True");
	EXPECT_INT(replicas(world, "x-00002-deployment"), 3);
	EXPECT_INT(replicas(world, "x-00001-deployment"), 0);
	EXPECT_TEXT(condition(world, "revisions", "x-00001"), "True");
	EXPECT_TEXT(world_breach(world), "");
	world_free(world);
}

TEST(world, a_mistake_is_told_on_the_service_and_mended)
{
	struct world *world =
	    start(SERVICE("        autoscaling.knative.dev/metric-type: Average\n"));
	EXPECT_CONTAINS(condition(world, "podautoscalers", "x-00001"), "False InvalidAnnotation: ");
	EXPECT_TEXT(condition(world, "revisions", "x-00001"),
		    "False ProgressDeadlineExceeded: Initial scale was never achieved");
	EXPECT_CONTAINS(condition(world, "services.serving", "x"), "False RevisionMissing: ");
	EXPECT_CONTAINS(model_events(world_model(world), "Service", "default", "x"),
			"Warning InvalidAnnotation: ");
	model_apply(world_model(world),
		    SERVICE("        autoscaling.knative.dev/metric-type: AverageValue\n"));
	world_run(world, 20000);
	EXPECT_TEXT(condition(world, "services.serving", "x"), "True");
	EXPECT_TEXT(world_breach(world), "");
	world_free(world);
}

TEST(world, a_deleted_service_leaves_nothing)
{
	static const char *const plurals[] = {"revisions", "podautoscalers", "serverlessservices",
					      "scaledobjects", "horizontalpodautoscalers"};
	struct world *world = start(SERVICE(BOUNDS("1", "10")));
	model_delete(world_model(world), "services.serving", "default", "x");
	world_run(world, 20000);
	for (size_t i = 0; i < sizeof(plurals) / sizeof(plurals[0]); i++) {
		test_row("%s", plurals[i]);
		EXPECT_INT(model_count(world_model(world), plurals[i]), 0);
	}
	EXPECT_TEXT(world_breach(world), "");
	world_free(world);
}

TEST_MAIN(TEST_OF(world, a_service_becomes_ready_and_scales),
	  TEST_OF(world, a_new_revision_takes_over_and_the_old_one_goes_to_zero),
	  TEST_OF(world, a_mistake_is_told_on_the_service_and_mended),
	  TEST_OF(world, a_deleted_service_leaves_nothing))
