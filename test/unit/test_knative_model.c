/*
 * The stand-ins for Knative's controllers: a Service down to its Deployment, and back. The
 * PodAutoscaler's status, which is the controller's, is written by hand. Texts are those that
 * Knative 1.23 gave on a real control plane.
 */
#include "test/unit/knative_model_fixture.h"

static const struct json *get(struct bench *b, const char *plural, const char *name)
{
	return model_get(b->model, plural, "default", name);
}

static const char *label(struct bench *b, const char *plural, const char *name, const char *key)
{
	return json_text_or(json_path(get(b, plural, name), "metadata", "labels", key, NULL), "");
}

static const char *annotation(struct bench *b, const char *plural, const char *name,
			      const char *key)
{
	return json_text_or(json_path(get(b, plural, name), "metadata", "annotations", key, NULL),
			    "");
}

static const char *owner(struct bench *b, const char *plural, const char *name)
{
	const struct json *list =
	    json_path(get(b, plural, name), "metadata", "ownerReferences", NULL);
	return json_text_or(json_get(json_at(list, 0), "uid"), "");
}

static const char *uid(struct bench *b, const char *plural, const char *name)
{
	return json_text_or(json_path(get(b, plural, name), "metadata", "uid", NULL), "?");
}

static const char *condition(struct bench *b, const char *plural, const char *name,
			     const char *type)
{
	return model_condition(b->model, plural, "default", name, type);
}

TEST(chain, a_service_becomes_a_revision)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	EXPECT_INT(make_service(&b, ",\"" A "target\":\"5\"", "", NULL), 201);
	run(&b, 200);
	EXPECT_TEXT(owner(&b, "configurations", "x"), uid(&b, "services.serving", "x"));
	EXPECT_TEXT(owner(&b, "routes", "x"), uid(&b, "services.serving", "x"));
	EXPECT_TEXT(owner(&b, "revisions", "x-00001"), uid(&b, "configurations", "x"));
	EXPECT_TEXT(owner(&b, "podautoscalers", "x-00001"), uid(&b, "revisions", "x-00001"));
	EXPECT_TEXT(owner(&b, "deployments", "x-00001-deployment"),
		    uid(&b, "revisions", "x-00001"));
	EXPECT_TEXT(label(&b, "revisions", "x-00001", S "configurationGeneration"), "1");
	EXPECT_TEXT(label(&b, "revisions", "x-00001", S "serviceUID"),
		    uid(&b, "services.serving", "x"));
	EXPECT_TEXT(label(&b, "revisions", "x-00001", S "routingState"), "active");
	EXPECT_TEXT(annotation(&b, "revisions", "x-00001", S "routes"), "x");
	EXPECT_TEXT(annotation(&b, "revisions", "x-00001", A "target"), "5");
	EXPECT_TEXT(annotation(&b, "podautoscalers", "x-00001", A "metric"), "cpu");
	EXPECT_TEXT(annotation(&b, "podautoscalers", "x-00001", S "routes"), "");
	EXPECT_TEXT(annotation(&b, "deployments", "x-00001-deployment", A "target"), "");
	EXPECT_TEXT(label(&b, "podautoscalers", "x-00001", S "revisionUID"),
		    uid(&b, "revisions", "x-00001"));
	EXPECT_TEXT(label(&b, "podautoscalers", "x-00001", S "routingState"), "");
	EXPECT_TEXT(text_at(&b, "podautoscalers", "x-00001", "spec", "reachability"), "Reachable");
	EXPECT_TEXT(condition(&b, "revisions", "x-00001", "Ready"), "Unknown Deploying");
	EXPECT_TEXT(condition(&b, "revisions", "x-00001", "Active"), "Unknown Deploying");
	EXPECT_TEXT(condition(&b, "configurations", "x", "Ready"), "Unknown");
	EXPECT_TEXT(condition(&b, "services.serving", "x", "ConfigurationsReady"), "Unknown");
	EXPECT_TEXT(condition(&b, "services.serving", "x", "Ready"),
		    "Unknown RevisionMissing: Configuration \"x\" is waiting for a Revision to "
		    "become ready.");
	EXPECT_TEXT(text_at(&b, "services.serving", "x", "status", "latestCreatedRevisionName"),
		    "x-00001");
	bench_release(&b);
}

TEST(chain, the_service_is_ready_with_its_revision)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	make_service(&b, "", "", NULL);
	makes_ready(&b, "x-00001");
	EXPECT_TEXT(condition(&b, "revisions", "x-00001", "Ready"), "True");
	EXPECT_TEXT(condition(&b, "revisions", "x-00001", "ContainerHealthy"), "True");
	EXPECT_TEXT(condition(&b, "configurations", "x", "Ready"), "True");
	EXPECT_TEXT(condition(&b, "routes", "x", "Ready"), "True");
	EXPECT_TEXT(condition(&b, "services.serving", "x", "RoutesReady"), "True");
	EXPECT_TEXT(condition(&b, "services.serving", "x", "Ready"), "True");
	EXPECT_TEXT(text_at(&b, "services.serving", "x", "status", "url"),
		    "http://x.default.svc.cluster.local");
	EXPECT_TEXT(text_at(&b, "services.serving", "x", "status", "latestReadyRevisionName"),
		    "x-00001");
	EXPECT_INT(int_at(&b, "services.serving", "x", "status", "observedGeneration"), 1);
	EXPECT_INT(int_at(&b, "revisions", "x-00001", "status", "actualReplicas"), 1);
	EXPECT_INT(int_at(&b, "revisions", "x-00001", "status", "desiredReplicas"), 2);
	const struct json *active =
	    json_at(json_path(get(&b, "revisions", "x-00001"), "status", "conditions", NULL), 0);
	EXPECT_TEXT(json_text(json_get(active, "type")), "Active");
	EXPECT_TEXT(json_text(json_get(active, "severity")), "Info");
	/* Nothing is left to do. */
	uint64_t version = model_version(b.model);
	run(&b, 60000);
	EXPECT_INT(model_version(b.model), version);
	bench_release(&b);
}

TEST(chain, a_new_template_is_a_new_revision)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	make_service(&b, ",\"" A "target\":\"5\"", "", NULL);
	makes_ready(&b, "x-00001");
	EXPECT_INT(patch(&b, SERVICES "/x",
			 "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"" A
			 "target\":\"7\"}}}}}",
			 NULL),
		   200);
	run(&b, 500);
	EXPECT_TEXT(annotation(&b, "revisions", "x-00002", A "target"), "7");
	EXPECT_TEXT(annotation(&b, "revisions", "x-00001", A "target"), "5");
	EXPECT_TEXT(label(&b, "revisions", "x-00002", S "configurationGeneration"), "2");
	/* The old one serves until the new one is ready. */
	EXPECT_TEXT(label(&b, "revisions", "x-00001", S "routingState"), "active");
	EXPECT_TEXT(label(&b, "revisions", "x-00002", S "routingState"), "active");
	EXPECT_TEXT(condition(&b, "services.serving", "x", "RoutesReady"), "True");
	EXPECT_TEXT(condition(&b, "services.serving", "x", "Ready"), "Unknown");
	makes_ready(&b, "x-00002");
	EXPECT_TEXT(condition(&b, "services.serving", "x", "Ready"), "True");
	EXPECT_TEXT(label(&b, "revisions", "x-00001", S "routingState"), "reserve");
	EXPECT_TEXT(annotation(&b, "revisions", "x-00001", S "routes"), "");
	EXPECT_TEXT(text_at(&b, "podautoscalers", "x-00001", "spec", "reachability"),
		    "Unreachable");
	EXPECT_TEXT(label(&b, "revisions", "x-00002", S "routingState"), "active");
	bench_release(&b);
}

TEST(chain, what_is_no_template_makes_no_revision)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	make_service(&b, "", "", NULL);
	makes_ready(&b, "x-00001");
	patch(&b, SERVICES "/x", "{\"metadata\":{\"labels\":{\"team\":\"a\"}}}", NULL);
	/* The containers as a person writes them, without the defaults. */
	patch(&b, SERVICES "/x",
	      "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"image\":\"i\"}]}}}}", NULL);
	run(&b, 500);
	EXPECT_INT(model_count(b.model, "revisions"), 1);
	EXPECT_TEXT(label(&b, "configurations", "x", "team"), "a");
	EXPECT_INT(int_at(&b, "services.serving", "x", "metadata", "generation"), 1);
	bench_release(&b);
}

TEST(chain, a_revision_is_tuned_live)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	make_service(&b, ",\"" A "target\":\"5\",\"" A "keda-paused\":\"true\"", "", NULL);
	makes_ready(&b, "x-00001");
	EXPECT_INT(patch(&b, REVISIONS "/x-00001",
			 "{\"metadata\":{\"annotations\":{\"" A "target\":\"9\",\"" A
			 "keda-paused\":null}}}",
			 NULL),
		   200);
	run(&b, 100);
	EXPECT_TEXT(annotation(&b, "podautoscalers", "x-00001", A "target"), "9");
	EXPECT_TEXT(annotation(&b, "podautoscalers", "x-00001", A "keda-paused"), "");
	EXPECT_INT(int_at(&b, "podautoscalers", "x-00001", "metadata", "generation"), 1);
	EXPECT_INT(model_count(b.model, "revisions"), 1);
	bench_release(&b);
}

TEST(chain, a_refusal_shows_as_knative_tells_it)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	make_service(&b, "", "", NULL);
	run(&b, 1500);
	/* Without a serviceName it is unknown for ever. */
	autoscaler_says(&b, "x-00001", "False", "reason: InvalidAnnotation, message: wrong", false,
			false);
	EXPECT_TEXT(condition(&b, "revisions", "x-00001", "Ready"), "Unknown Deploying");
	EXPECT_TEXT(condition(&b, "revisions", "x-00001", "Active"),
		    "False InvalidAnnotation: wrong");
	autoscaler_says(&b, "x-00001", "False", "reason: InvalidAnnotation, message: wrong", true,
			false);
	EXPECT_TEXT(condition(&b, "revisions", "x-00001", "Ready"),
		    "False ProgressDeadlineExceeded: Initial scale was never achieved");
	EXPECT_TEXT(condition(&b, "configurations", "x", "Ready"),
		    "False RevisionFailed: Revision \"x-00001\" failed with message: Initial scale "
		    "was never achieved.");
	EXPECT_TEXT(condition(&b, "services.serving", "x", "ConfigurationsReady"),
		    "False RevisionFailed: Revision \"x-00001\" failed with message: Initial scale "
		    "was never achieved.");
	EXPECT_TEXT(condition(&b, "services.serving", "x", "Ready"),
		    "False RevisionMissing: Configuration \"x\" does not have any ready Revision.");
	/* It recovers by itself. */
	autoscaler_says(&b, "x-00001", "True", "", true, true);
	EXPECT_TEXT(condition(&b, "services.serving", "x", "Ready"), "True");
	/* After that, a failing autoscaler does not take the revision down. */
	autoscaler_says(&b, "x-00001", "False", "reason: NoTraffic, message: none", true, true);
	EXPECT_TEXT(condition(&b, "revisions", "x-00001", "Ready"), "True");
	EXPECT_TEXT(condition(&b, "revisions", "x-00001", "Active"), "False NoTraffic: none");
	bench_release(&b);
}

TEST(chain, a_broken_revision_without_pods_is_unreachable)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	model_pods_start_after(b.model, -1);
	make_service(&b, "", "", NULL);
	run(&b, 500);
	EXPECT_TEXT(text_at(&b, "podautoscalers", "x-00001", "spec", "reachability"), "Reachable");
	autoscaler_says(&b, "x-00001", "False", "reason: R, message: m", true, false);
	EXPECT_TEXT(text_at(&b, "podautoscalers", "x-00001", "spec", "reachability"),
		    "Unreachable");
	model_pods_start_after(b.model, 100);
	run(&b, 500);
	EXPECT_TEXT(text_at(&b, "podautoscalers", "x-00001", "spec", "reachability"), "Reachable");
	bench_release(&b);
}

TEST(chain, messages_are_formats)
{
	static const struct {
		const char *said, *shown;
	} rows[] = {
	    {"100% is not", "100%!i(MISSING)s not"},
	    {"50%% off", "50% off"},
	    {"at 7%", "at 7%!(NOVERB)"},
	    {"%5.2f", "%!f(MISSING)"},
	    {"100％ is", "100％ is"},
	};
	struct bench b;
	bench_init(&b, NULL, 0);
	make_service(&b, "", "", NULL);
	run(&b, 1500);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[100];
		test_row("%s", rows[i].said);
		snprintf(text, sizeof(text), "reason: R, message: '%s'", rows[i].said);
		autoscaler_says(&b, "x-00001", "Unknown", text, true, false);
		EXPECT_CONTAINS(condition(&b, "revisions", "x-00001", "Active"), rows[i].shown);
	}
	bench_release(&b);
}

TEST(chain, a_deleted_service_takes_all_along)
{
	static const char *const plurals[] = {"configurations", "routes", "revisions",
					      "podautoscalers", "deployments"};
	struct bench b;
	bench_init(&b, NULL, 0);
	make_service(&b, "", "", NULL);
	makes_ready(&b, "x-00001");
	const struct json *held = json_path(get(&b, "routes", "x"), "metadata", "finalizers", NULL);
	EXPECT_TEXT(json_text(json_at(held, 0)), "routes.serving.knative.dev");
	EXPECT_INT(ask(&b, "DELETE", SERVICES "/x", NULL, NULL, NULL), 200);
	run(&b, 5000);
	for (size_t i = 0; i < ARRAY_SIZE(plurals); i++) {
		test_row("%s", plurals[i]);
		EXPECT_INT(model_count(b.model, plurals[i]), 0);
	}
	bench_release(&b);
}

TEST_MAIN(TEST_OF(chain, a_service_becomes_a_revision),
	  TEST_OF(chain, the_service_is_ready_with_its_revision),
	  TEST_OF(chain, a_new_template_is_a_new_revision),
	  TEST_OF(chain, what_is_no_template_makes_no_revision),
	  TEST_OF(chain, a_revision_is_tuned_live),
	  TEST_OF(chain, a_refusal_shows_as_knative_tells_it),
	  TEST_OF(chain, a_broken_revision_without_pods_is_unreachable),
	  TEST_OF(chain, messages_are_formats), TEST_OF(chain, a_deleted_service_takes_all_along));
