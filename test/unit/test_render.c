/* render without files: Services, PodAutoscalers, Lists, and what is passed over. */
#include "reconciler/hpa/render.h"

#include "test/unit/hpa_cluster.h"

#define HPA "'autoscaling.knative.dev/class':'hpa.autoscaling.knative.dev'"
#define SERVICE "'apiVersion':'serving.knative.dev/v1','kind':'Service'"
#define PA                                                                                         \
	"'apiVersion':'autoscaling.internal.knative.dev/v1alpha1','kind':'PodAutoscaler',"         \
	"'spec':{'scaleTargetRef':{'apiVersion':'apps/v1','kind':'Deployment','name':'d'}}"

#define TARGETLESS                                                                                 \
	"{'apiVersion':'autoscaling.internal.knative.dev/v1alpha1','kind':'PodAutoscaler',"        \
	"'metadata':{'name':'r'}}"

struct result {
	struct arena *arena;
	struct rendered rendered;
	struct error err;
	bool ok;
};

static struct config_autoscaler config;
static enum desired_form form = DESIRED_STEADY;

static struct result render(const char *manifest)
{
	struct result r = {.arena = arena_new(), .err = ERROR_INIT};

	if (config.initial_scale == 0)
		config = config_autoscaler_default;
	r.ok = render_manifest(parse_json(r.arena, manifest), &config, &config_keda_default, form,
			       r.arena, &r.rendered, &r.err);
	return r;
}

static void release(struct result *r)
{
	arena_free(r->arena);
	error_clear(&r->err);
}

static const char *text_at(const struct result *r, const char *a, const char *b)
{
	return json_text(json_path(r->rendered.object, a, b, NULL));
}

TEST(render, service)
{
	struct result r =
	    render("{" SERVICE ",'metadata':{'name':'s','namespace':'prod'},'spec':{"
		   "'template':{'metadata':{'labels':{'team':'x'},'annotations':{" HPA "}}}}}");
	const struct json *metadata = json_get(r.rendered.object, "metadata");
	const struct json *labels = json_get(metadata, "labels");

	EXPECT(r.ok);
	EXPECT_TEXT(r.rendered.kind, "Service");
	EXPECT_TEXT(r.rendered.name, "s");
	EXPECT_TEXT(text_at(&r, "metadata", "name"), "s-00001");
	EXPECT_TEXT(text_at(&r, "metadata", "namespace"), "prod");
	EXPECT_TEXT(json_text(json_get(labels, "app")), "s-00001");
	EXPECT_TEXT(json_text(json_get(labels, "team")), "x");
	EXPECT_TEXT(json_text(json_get(labels, "serving.knative.dev/service")), "s");
	EXPECT_TEXT(json_text(json_get(labels, "serving.knative.dev/configuration")), "s");
	EXPECT_TEXT(json_text(json_get(labels, "serving.knative.dev/revision")), "s-00001");
	EXPECT_TEXT(json_text(json_get(json_at(json_get(metadata, "ownerReferences"), 0), "uid")),
		    "");
	EXPECT_TEXT(json_text(json_path(r.rendered.object, "spec", "scaleTargetRef", "name", NULL)),
		    "s-00001-deployment");
	release(&r);
}

TEST(render, service_that_names_its_revision)
{
	struct result r = render("{" SERVICE ",'metadata':{'name':'s'},'spec':{'template':{"
				 "'metadata':{'name':'s-blue','labels':{'app':'mine'},"
				 "'annotations':{" HPA "}}}}}");

	EXPECT_TEXT(text_at(&r, "metadata", "name"), "s-blue");
	EXPECT_TEXT(text_at(&r, "metadata", "namespace"), "default");
	EXPECT_TEXT(json_text(json_path(r.rendered.object, "metadata", "labels", "app", NULL)),
		    "mine");
	release(&r);
}

/* The name that knative.dev/pkg/kmeta.ChildName gives. */
TEST(render, long_names)
{
	static const struct {
		const char *revision, *deployment;
	} rows[] = {
	    {"exactly-fifty-two-characters-are-allowed-here-x-0001",
	     "exactly-fifty-two-characters-are-allowed-here-x-0001-deployment"},
	    {"a-very-long-service-name-that-reaches-the-limit-of-dns-00001",
	     "a-very-long-service-27bc086e3c7003d48af66c05a35fda5f-deployment"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct result r = render(arena_printf(
		    arena,
		    "{" SERVICE ",'metadata':{'name':'s'},'spec':{'template':{'metadata':{"
		    "'name':'%s','annotations':{" HPA "}}}}}",
		    rows[i].revision));
		EXPECT_TEXT(
		    json_text(json_path(r.rendered.object, "spec", "scaleTargetRef", "name", NULL)),
		    rows[i].deployment);
		release(&r);
	}
}

static const char *label(const struct result *r, const char *key)
{
	return json_text(json_path(r->rendered.object, "metadata", "labels", key, NULL));
}

#define CONFIGURATION "'apiVersion':'serving.knative.dev/v1','kind':'Configuration'"
#define REVISION "'apiVersion':'serving.knative.dev/v1','kind':'Revision'"

TEST(render, configuration)
{
	struct result r = render(
	    "{" CONFIGURATION ",'metadata':{'name':'c','namespace':'ns','labels':{'own':'1',"
	    "'serving.knative.dev/service':'svc','serving.knative.dev/serviceUID':'u-1'}},"
	    "'spec':{'template':{'metadata':{'labels':{'team':'x'},'annotations':{" HPA "}}}}}");

	EXPECT_TEXT(r.rendered.kind, "Configuration");
	EXPECT_TEXT(text_at(&r, "metadata", "name"), "c-00001");
	EXPECT_TEXT(text_at(&r, "metadata", "namespace"), "ns");
	EXPECT_TEXT(label(&r, "serving.knative.dev/configuration"), "c");
	EXPECT_TEXT(label(&r, "serving.knative.dev/service"), "svc");
	EXPECT_TEXT(label(&r, "serving.knative.dev/serviceUID"), "u-1");
	EXPECT_TEXT(label(&r, "serving.knative.dev/revision"), "c-00001");
	EXPECT_TEXT(label(&r, "team"), "x");
	EXPECT_TEXT(label(&r, "own"), NULL);
	release(&r);
	r = render("{" CONFIGURATION
		   ",'metadata':{'name':'c'},'spec':{'template':{'metadata':{'name':'c-blue',"
		   "'labels':null,'annotations':{" HPA "}}}}}");
	EXPECT_TEXT(text_at(&r, "metadata", "name"), "c-blue");
	EXPECT_TEXT(label(&r, "app"), "c-blue");
	EXPECT_TEXT(label(&r, "serving.knative.dev/service"), NULL);
	release(&r);
}

TEST(render, revision)
{
	struct result r =
	    render("{" REVISION ",'metadata':{'name':'r','namespace':'ns','uid':'u-2','labels':{"
		   "'serving.knative.dev/configuration':'c','serving.knative.dev/service':'s',"
		   "'serving.knative.dev/routingState':'active'},'annotations':{" HPA
		   ",'serving.knative.dev/routes':'s'}},'spec':{'containers':[]}}");

	EXPECT_TEXT(r.rendered.kind, "Revision");
	EXPECT_TEXT(text_at(&r, "metadata", "name"), "r");
	EXPECT_TEXT(label(&r, "serving.knative.dev/configuration"), "c");
	EXPECT_TEXT(label(&r, "serving.knative.dev/service"), "s");
	EXPECT_TEXT(label(&r, "serving.knative.dev/revision"), "r");
	EXPECT_TEXT(label(&r, "serving.knative.dev/revisionUID"), "u-2");
	EXPECT_TEXT(label(&r, "serving.knative.dev/routingState"), NULL);
	EXPECT_TEXT(label(&r, "app"), "r");
	EXPECT_TEXT(json_text(json_path(r.rendered.object, "spec", "scaleTargetRef", "name", NULL)),
		    "r-deployment");
	EXPECT(!json_path(r.rendered.pod_autoscaler, "metadata", "annotations",
			  "serving.knative.dev/routes", NULL));
	release(&r);
}

/* A revision that no route names may go to zero whatever its annotation says. */
TEST(render, revision_in_reserve)
{
	static const struct {
		const char *state;
		int min;
	} rows[] = {{"active", 2}, {"pending", 2}, {"", 2}, {"reserve", 0}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		test_row("%s", rows[i].state);
		struct result r = render(arena_printf(
		    arena,
		    "{" REVISION ",'metadata':{'name':'r','labels':{"
		    "'serving.knative.dev/routingState':'%s'},'annotations':{" HPA
		    ",'autoscaling.knative.dev/metric':'m','autoscaling.knative.dev/target':'1',"
		    "'autoscaling.knative.dev/query':'q',"
		    "'autoscaling.knative.dev/min-scale':'2'}}}",
		    rows[i].state));
		EXPECT_INT(
		    json_int_or(json_path(r.rendered.object, "spec", "minReplicaCount", NULL), 0),
		    rows[i].min);
		release(&r);
	}
}

TEST(render, pod_autoscaler)
{
	struct result r = render("{" PA ",'metadata':{'name':'r','uid':'u','namespace':'ns',"
				 "'annotations':{" HPA "}}}");

	EXPECT_TEXT(text_at(&r, "metadata", "name"), "r");
	EXPECT_TEXT(text_at(&r, "metadata", "namespace"), "ns");
	EXPECT_TEXT(
	    json_text(json_get(
		json_at(json_path(r.rendered.object, "metadata", "ownerReferences", NULL), 0),
		"uid")),
	    "u");
	release(&r);
}

TEST(render, passed_over)
{
	static const struct {
		const char *manifest, *why;
	} rows[] = {
	    {"{'apiVersion':'v1','kind':'Service','metadata':{'name':'s'}}",
	     "neither a Knative Service"},
	    {"{'apiVersion':'x/v1','kind':'PodAutoscaler','metadata':{'name':'s'}}", "neither"},
	    {"{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'s'}}", "neither"},
	    {"{'kind':'Deployment','metadata':{'name':'s'}}", "neither"},
	    {"{" SERVICE ",'metadata':{'name':'s'}}", "it has no class"},
	    {"{" PA ",'metadata':{'name':'r'}}", "it has no class"},
	    {"{" PA ",'metadata':{'name':'r','annotations':{"
	     "'autoscaling.knative.dev/class':'kpa.autoscaling.knative.dev'}}}",
	     "its class is kpa.autoscaling.knative.dev, not hpa.autoscaling.knative.dev"},
	    {"{" PA ",'metadata':{'name':'r','annotations':{" HPA
	     ",'autoscaling.knative.dev/scaled-object-auto-create':'false'}}}",
	     "no ScaledObject is made"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s", rows[i].manifest);
		struct result r = render(rows[i].manifest);
		EXPECT(r.ok);
		EXPECT(!r.rendered.object && !r.rendered.refused);
		EXPECT_CONTAINS(r.rendered.passed_over, rows[i].why);
		release(&r);
	}
}

TEST(render, class_by_default)
{
	config = config_autoscaler_default;
	config.class_is_hpa = true;
	struct result r = render("{" SERVICE ",'metadata':{'name':'s'}}");
	EXPECT(r.rendered.object != NULL);
	release(&r);
	r = render("{" PA ",'metadata':{'name':'r','annotations':{"
		   "'autoscaling.knative.dev/class':'kpa.autoscaling.knative.dev'}}}");
	EXPECT(r.rendered.passed_over != NULL);
	release(&r);
	config = config_autoscaler_default;
}

TEST(render, refused)
{
	struct result r = render("{" PA ",'metadata':{'name':'r','annotations':{" HPA
				 ",'autoscaling.knative.dev/target':'abc'}}}");

	EXPECT(r.ok);
	EXPECT(!r.rendered.object);
	EXPECT_CONTAINS(r.rendered.refused, "autoscaling.knative.dev/target: \"abc\" is not");
	release(&r);
}

TEST(render, warns_of_slips)
{
	struct result r = render("{" PA ",'metadata':{'name':'r','annotations':{" HPA
				 ",'autoscaling.knative.dev/targt':'5'}}}");

	EXPECT(r.rendered.object != NULL);
	EXPECT_CONTAINS(r.rendered.warning, "autoscaling.knative.dev/target");
	release(&r);
	r = render("{" PA ",'metadata':{'name':'r','annotations':{" HPA "}}}");
	EXPECT_TEXT(r.rendered.warning, NULL);
	release(&r);
}

TEST(render, no_manifests)
{
	static const char *const rows[] = {
	    "'text'",
	    "[]",
	    "{}",
	    "{'kind':'Service'}",
	    "{'metadata':{'name':'x'}}",
	    "{" PA ",'metadata':{'name':'r','labels':{'a':1}}}",
	    "{" PA ",'metadata':{'name':'r','annotations':{'a':true}}}",
	    "{" SERVICE ",'metadata':{'name':'s'},'spec':{'template':{'metadata':{"
	    "'labels':['a']}}}}",
	    "{" SERVICE ",'metadata':{'name':'s'},'spec':{'template':{'metadata':{"
	    "'annotations':{'autoscaling.knative.dev/target':5}}}}}",
	    TARGETLESS,
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s", rows[i]);
		struct result r = render(rows[i]);
		EXPECT(!r.ok);
		EXPECT(error_text(&r.err)[0] != 0);
		release(&r);
	}
}

TEST(render, fresh_shows_the_hold)
{
	const char *manifest = "{" PA ",'metadata':{'name':'r','annotations':{" HPA
			       ",'autoscaling.knative.dev/metric':'m',"
			       "'autoscaling.knative.dev/target':'1',"
			       "'autoscaling.knative.dev/query':'q'}}}";
	struct result steady = render(manifest);
	form = DESIRED_FRESH;
	struct result fresh = render(manifest);
	form = DESIRED_STEADY;

	EXPECT(!json_path(steady.rendered.object, "spec", "minReplicaCount", NULL));
	EXPECT_INT(
	    json_int_or(json_path(fresh.rendered.object, "spec", "minReplicaCount", NULL), 0), 1);
	release(&steady);
	release(&fresh);
}

static bool count(void *ctx, const struct json *manifest)
{
	unsigned *seen = ctx;

	EXPECT(manifest != NULL);
	return ++*seen < 3;
}

TEST(render, lists)
{
	static const struct {
		const char *manifest;
		unsigned seen;
		bool whole;
	} rows[] = {
	    {"{'kind':'List','items':[1,2]}", 2, true},
	    {"{'kind':'ServiceList','items':[1]}", 1, true},
	    {"{'kind':'List','items':[]}", 0, true},
	    {"{'kind':'List','items':[1,2,3,4,5]}", 3, false},
	    {"{'kind':'List'}", 1, true},
	    {"{'kind':'Service','items':[1,2]}", 1, true},
	    {"{'kind':'x','items':[1,2]}", 1, true},
	    {"{'items':[1,2]}", 1, true},
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned seen = 0;
		test_row("%s", rows[i].manifest);
		EXPECT_INT(render_each(parse_json(arena, rows[i].manifest), count, &seen),
			   rows[i].whole);
		EXPECT_INT(seen, rows[i].seen);
	}
}

TEST_MAIN(TEST_OF(render, service), TEST_OF(render, service_that_names_its_revision),
	  TEST_OF(render, long_names), TEST_OF(render, configuration), TEST_OF(render, revision),
	  TEST_OF(render, revision_in_reserve), TEST_OF(render, pod_autoscaler),
	  TEST_OF(render, passed_over), TEST_OF(render, class_by_default), TEST_OF(render, refused),
	  TEST_OF(render, warns_of_slips), TEST_OF(render, no_manifests),
	  TEST_OF(render, fresh_shows_the_hold), TEST_OF(render, lists))
