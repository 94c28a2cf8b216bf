/* scaled-object-override: what stays the user's, what is ours, and what is refused. */
#include "reconciler/hpa/override.h"

#include "test/unit/hpa_built.h"

#define OVERRIDE "scaled-object-override"
#define CPU "'triggers':[{'type':'cpu','metricType':'Utilization','metadata':{'value':'60'}}]"
#define CRON                                                                                       \
	"'triggers':[{'type':'cron','metadata':{'timezone':'UTC','start':'0 6 * * *',"             \
	"'end':'0 20 * * *','desiredReplicas':'10'}}]"
#define TARGET "'scaleTargetRef':{'apiVersion':'apps/v1','kind':'Deployment','name':'r-deployment'}"
#define ADVANCED "'advanced':{'horizontalPodAutoscalerConfig':{'name':'r'}}"

static void start(struct built *b, const char *annotations, const char *override)
{
	test_row("%s %s", annotations, override);
	cluster_init(&b->cluster, annotations);
	annotate_json(&b->cluster, OVERRIDE, override);
}

TEST(override, refusals)
{
	static const struct {
		const char *override, *text;
	} rows[] = {
	    {"{'spec':", "1:"},
	    {"", "use JSON of a ScaledObject with spec.triggers"},
	    {"[]", "1:1: is no object"},
	    {"{}", "1:1: spec is missing"},
	    {"{'spec':null}", "spec is missing"},
	    {"{'spec':[]}", "is a list; spec must be an object"},
	    {"{'Spec':{" CRON "}}", "\"Spec\", which is not known; use \"spec\""},
	    {"{'Kind':'ScaledObject','spec':{" CRON "}}", "use \"kind\""},
	    {"{'kind':'ScaledJob','spec':{" CRON "}}",
	     "1:9: \"ScaledJob\" is another kind; use ScaledObject"},
	    {"{'spec':{}}", "1:9: spec.triggers is missing or empty"},
	    {"{'spec':{'triggers':[]}}", "spec.triggers is missing or empty"},
	    {"{'spec':{'triggers':null}}", "spec.triggers is missing or empty"},
	    {"{'spec':{'triggers':{}}}", "is an object; triggers must be a list"},
	    {"{'spec':{'Triggers':[]}}", "use \"triggers\""},
	    {"{'spec':{'minreplicacount':1," CRON "}}", "use \"minReplicaCount\""},
	    {"{'spec':{'PollingInterval':1," CRON "}}", "use \"pollingInterval\""},
	    {"{'spec':{'minReplicaCount':'1'," CRON "}}", "minReplicaCount must be a number"},
	    {"{'spec':{'minReplicaCount':-1," CRON "}}",
	     "-1 is out of range for minReplicaCount; use a whole number from 0 to 2147483647"},
	    {"{'spec':{'minReplicaCount':1.5," CRON "}}", "out of range for minReplicaCount"},
	    {"{'spec':{'minReplicaCount':2147483648," CRON "}}", "range for minReplicaCount"},
	    {"{'spec':{'maxReplicaCount':0," CRON "}}", "0 is out of range for maxReplicaCount"},
	    {"{'spec':{'idleReplicaCount':1,'minReplicaCount':2," CRON "}}",
	     "1 is out of range for idleReplicaCount; use 0"},
	    {"{'spec':{'minReplicaCount':3,'maxReplicaCount':2," CRON "}}",
	     "\"minReplicaCount 3\" is above autoscaling.knative.dev/scaled-object-override "
	     "\"maxReplicaCount 2\"; use a number of at most 2"},
	    {"{'spec':{'idleReplicaCount':0," CRON "}}",
	     "\"idleReplicaCount 0\" leaves nothing between idle and active; set "
	     "autoscaling.knative.dev/min-scale to at least 1"},
	    {"{'spec':{'scaleTargetRef':{'Name':'x'}," CRON "}}", "use \"name\""},
	    {"{'spec':{'advanced':[]," CRON "}}", "advanced must be an object"},
	    {"{'spec':{'advanced':{'horizontalpodautoscalerconfig':{}}," CRON "}}",
	     "use \"horizontalPodAutoscalerConfig\""},
	    {"{'spec':{'advanced':{'horizontalPodAutoscalerConfig':{'behavior':{'scaleup':{}}}}"
	     "," CRON "}}",
	     "use \"scaleUp\""},
	    {"{'spec':{'advanced':{'scalingModifiers':{'formula':'a'}}," CRON "}}",
	     "target is missing"},
	    {"{'spec':{'fallback':{'Replicas':1}," CRON "}}", "use \"replicas\""},
	    /* triggers are checked as listed ones are */
	    {"{'spec':{'triggers':[{'metadata':{}}]}}", "type"},
	    {"{'spec':{'triggers':[{'type':'cron','metadata':{'a':1}}]}}", "1 is no string"},
	    {"{'spec':{'triggers':[{'type':'memory','metricType':'AverageValue',"
	     "'metadata':{'value':'12Mx'}}]}}",
	     "\"12Mx\" is no quantity"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		start(&b, "'target':'garbage'", rows[i].override);
		build(&b, false);
		EXPECT_REFUSED(&b, "scaled-object-override", rows[i].text);
		cluster_release(&b.cluster);
	}
}

TEST(override, spec_as_given)
{
	static const struct {
		const char *annotations, *override, *spec;
	} rows[] = {
	    {"", "{'spec':{" CRON "}}",
	     "{" CRON "," TARGET "," ADVANCED ",'maxReplicaCount':2147483647}"},
	    /* ours: target, HPA name, name and namespace; the user's: all the rest */
	    {"",
	     "{'apiVersion':'keda.sh/v1alpha1','kind':'ScaledObject','metadata':{'name':'x',"
	     "'namespace':'y','labels':{'a':'b'},'annotations':{'c':'d'}},'spec':{"
	     "'scaleTargetRef':{'name':'x','kind':'StatefulSet','apiVersion':'v9',"
	     "'envSourceContainerName':'c','new':1}," CRON ",'cooldownPeriod':0,'new':{'a':[1]},"
	     "'advanced':{'restoreToOriginalReplicaCount':true,'horizontalPodAutoscalerConfig':{"
	     "'name':'x','behavior':{'scaleUp':{'selectPolicy':'Max'}}},'scalingModifiers':{}}},"
	     "'status':{}}",
	     "{'scaleTargetRef':{'name':'r-deployment','kind':'Deployment','apiVersion':'apps/v1',"
	     "'envSourceContainerName':'c','new':1}," CRON ",'cooldownPeriod':0,'new':{'a':[1]},"
	     "'advanced':{'restoreToOriginalReplicaCount':true,'horizontalPodAutoscalerConfig':{"
	     "'name':'r','behavior':{'scaleUp':{'selectPolicy':'Max'}}},'scalingModifiers':{}},"
	     "'maxReplicaCount':2147483647}"},
	    /* advanced without what the HPA is named in */
	    {"", "{'spec':{'advanced':{}," CRON "}}",
	     "{" ADVANCED "," CRON "," TARGET ",'maxReplicaCount':2147483647}"},
	    {"", "{'spec':{'advanced':null,'scaleTargetRef':null,'minReplicaCount':null," CRON "}}",
	     "{" ADVANCED "," TARGET "," CRON ",'maxReplicaCount':2147483647}"},
	    /* bounds */
	    {"'min-scale':'3','max-scale':'7'", "{'spec':{" CRON "}}",
	     "{" CRON "," TARGET "," ADVANCED ",'minReplicaCount':3,'maxReplicaCount':7}"},
	    {"'min-scale':'3','max-scale':'7'",
	     "{'spec':{'minReplicaCount':2,'maxReplicaCount':99," CRON "}}",
	     "{" CRON "," TARGET "," ADVANCED ",'minReplicaCount':2,'maxReplicaCount':7}"},
	    {"", "{'spec':{'maxReplicaCount':9," CRON "}}",
	     "{" CRON "," TARGET "," ADVANCED ",'maxReplicaCount':9}"},
	    {"'max-scale':'0'", "{'spec':{'maxReplicaCount':9," CRON "}}",
	     "{" CRON "," TARGET "," ADVANCED ",'maxReplicaCount':2147483647}"},
	    {"", "{'spec':{" CPU "}}",
	     "{" CPU "," TARGET "," ADVANCED ",'minReplicaCount':1,'maxReplicaCount':2147483647}"},
	    {"", "{'spec':{'minReplicaCount':0," CPU "}}",
	     "{" CPU "," TARGET "," ADVANCED ",'minReplicaCount':1,'maxReplicaCount':2147483647}"},
	    /* idle */
	    {"'min-scale':'3'", "{'spec':{'idleReplicaCount':0," CRON "}}",
	     "{" CRON "," TARGET "," ADVANCED
	     ",'minReplicaCount':3,'maxReplicaCount':2147483647,'idleReplicaCount':0}"},
	    {"", "{'spec':{'idleReplicaCount':0,'minReplicaCount':1," CRON "}}",
	     "{" CRON "," TARGET "," ADVANCED
	     ",'minReplicaCount':1,'maxReplicaCount':2147483647,'idleReplicaCount':0}"},
	    /* other annotations are neither applied nor checked */
	    {"'window':'x','target':'x','keda-polling-interval':'x','keda-triggers':'[',"
	     "'hpa-scale-up-rules':'{','keda-idle-replica-count':'7','metric':'rps',"
	     "'keda-fallback-replicas':'5','scaling-modifiers':'x','prometheus-query':'{{'",
	     "{'spec':{" CRON "}}",
	     "{" CRON "," TARGET "," ADVANCED ",'maxReplicaCount':2147483647}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		start(&b, rows[i].annotations, rows[i].override);
		build(&b, false);
		EXPECT_TEXT(b.refusal.text, NULL);
		bool equal = json_equal(spec_of(&b), J(&b.cluster, "%s", rows[i].spec));
		EXPECT(equal);
		if (!equal)
			EXPECT_TEXT(shown(&b, spec_of(&b)), rows[i].spec);
		EXPECT_TEXT(json_text(json_path(b.desired.object, "metadata", "name", NULL)), "r");
		EXPECT_INT(json_count(json_path(b.desired.object, "metadata", "annotations", NULL)),
			   1);
		cluster_release(&b.cluster);
	}
}

/* No default of config-autoscaler-keda applies; those of the bounds do. */
TEST(override, config_maps)
{
	struct built b;

	start(&b, "", "{'spec':{'maxReplicaCount':9," CRON "}}");
	b.cluster.config_keda.polling_interval = 7;
	b.cluster.config_keda.cooldown_period = 7;
	b.cluster.config_keda.fallback_failure_threshold = 3;
	b.cluster.config_keda.fallback_replicas = 3;
	b.cluster.config.min_scale = 2;
	b.cluster.config.max_scale = 5;
	build(&b, false);
	EXPECT(json_equal(spec_of(&b), J(&b.cluster, "{" CRON "," TARGET "," ADVANCED
						     ",'minReplicaCount':2,'maxReplicaCount':5}")));
	EXPECT_INT(b.desired.needed, 2);
	cluster_release(&b.cluster);
}

TEST(override, checked_ones_beside_it)
{
	static const struct {
		const char *annotations, *text;
	} rows[] = {
	    {"'min-scale':'x'", "min-scale: \"x\""},
	    {"'max-scale':'x'", "max-scale: \"x\""},
	    {"'initial-scale':'x'", "initial-scale: \"x\""},
	    {"'keda-paused':'x'", "keda-paused: \"x\""},
	    {"'keda-paused-replicas':'-1'", "keda-paused-replicas: \"-1\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		start(&b, rows[i].annotations, "{'spec':{" CRON "}}");
		build(&b, false);
		EXPECT(!b.ok);
		EXPECT_CONTAINS(b.refusal.text, rows[i].text);
		cluster_release(&b.cluster);
	}
}

TEST(override, annotations_of_keda_apply)
{
	struct built b;

	start(&b, "'keda-paused':'true','scaledobject.keda.sh/x':'y'", "{'spec':{" CRON "}}");
	build(&b, false);
	const struct json *set = json_path(b.desired.object, "metadata", "annotations", NULL);
	EXPECT_TEXT(json_text(json_get(set, "autoscaling.keda.sh/paused")), "true");
	EXPECT_TEXT(json_text(json_get(set, "scaledobject.keda.sh/x")), "y");
	EXPECT_TEXT(json_text(json_get(set, SCALED_OBJECT_MANAGED)),
		    "autoscaling.keda.sh/paused,scaledobject.keda.sh/x");
	cluster_release(&b.cluster);
}

/* The hold is in the minimum, and idle waits for its end; its length is the override's. */
TEST(override, hold)
{
	struct built b;

	start(&b, "'initial-scale':'4'",
	      "{'spec':{'idleReplicaCount':0,'minReplicaCount':2,'maxReplicaCount':3,"
	      "'cooldownPeriod':9223372036854775807," CRON "}}");
	build_form(&b, DESIRED_NOW, false);
	EXPECT(b.desired.held);
	EXPECT_TEXT(shown(&b, json_get(spec_of(&b), "minReplicaCount")), "3");
	EXPECT(!json_get(spec_of(&b), "idleReplicaCount"));
	edit(&b.cluster, b.cluster.pa,
	     "{'status':{'conditions':[{'type':'ScaleTargetInitialized','status':'True',"
	     "'lastTransitionTime':'%s'}]}}",
	     time_text(&b.cluster, START_MS));
	build_form(&b, DESIRED_NOW, false);
	EXPECT(b.desired.held);
	EXPECT_TEXT(shown(&b, json_get(spec_of(&b), "minReplicaCount")), "2");
	EXPECT_INT(b.desired.held_until_ms, START_MS + INT64_C(2147483647) * 1000);
	edit(&b.cluster, b.cluster.pa, "{'spec':{'reachability':'Unreachable'}}");
	build_form(&b, DESIRED_NOW, false);
	EXPECT(!b.desired.held);
	EXPECT(!json_get(spec_of(&b), "minReplicaCount"));
	EXPECT(!json_get(spec_of(&b), "idleReplicaCount"));
	cluster_release(&b.cluster);
}

/* The API server will refuse it; until then it must do no harm. */
TEST(override, hold_with_a_cooldown_out_of_range)
{
	struct built b;

	start(&b, "", "{'spec':{'cooldownPeriod':-9223372036854775808," CRON "}}");
	edit(&b.cluster, b.cluster.pa,
	     "{'status':{'conditions':[{'type':'ScaleTargetInitialized','status':'True',"
	     "'lastTransitionTime':'%s'}]}}",
	     time_text(&b.cluster, START_MS));
	build_form(&b, DESIRED_NOW, false);
	EXPECT(!b.desired.held);
	cluster_release(&b.cluster);
}

/* With auto-create off nobody reads it. */
TEST(override, auto_create_off)
{
	struct built b;

	start(&b, "'scaled-object-auto-create':'false'", "{");
	build(&b, false);
	EXPECT(b.ok);
	EXPECT(b.desired.object == NULL);
	cluster_release(&b.cluster);
}

TEST_MAIN(TEST_OF(override, refusals), TEST_OF(override, spec_as_given),
	  TEST_OF(override, config_maps), TEST_OF(override, checked_ones_beside_it),
	  TEST_OF(override, annotations_of_keda_apply), TEST_OF(override, hold),
	  TEST_OF(override, hold_with_a_cooldown_out_of_range), TEST_OF(override, auto_create_off))
