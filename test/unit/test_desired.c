/*
 * The desired ScaledObject, beyond what the golden cases say: each kind of metric with each metric
 * type, the ConfigMap's defaults, metadata, and that building twice gives the same.
 */
#include "reconciler/hpa/desired.h"

#include "test/unit/hpa_built.h"

static const char *text_of(const struct built *b, const struct json *v)
{
	return shown(b, v);
}

#define PROMETHEUS "'serverAddress':'http://prometheus-operated.default.svc:9090','query':'q',"

TEST(desired, triggers)
{
	static const struct {
		const char *annotations, *trigger;
	} rows[] = {
	    {"", "'type':'cpu','name':'default-trigger-cpu','metricType':'Utilization',"
		 "'metadata':{'value':'70'}"},
	    {"'target':'0.01'", "'type':'cpu','name':'default-trigger-cpu','metricType':"
				"'Utilization','metadata':{'value':'1'}"},
	    {"'target':'2147483647'", "'type':'cpu','name':'default-trigger-cpu','metricType':"
				      "'Utilization','metadata':{'value':'2147483647'}"},
	    {"'target':'0.0101','metric-type':'AverageValue'",
	     "'type':'cpu','name':'default-trigger-cpu','metricType':'AverageValue',"
	     "'metadata':{'value':'11m'}"},
	    {"'target':'2','metric-type':'AverageValue'",
	     "'type':'cpu','name':'default-trigger-cpu','metricType':'AverageValue',"
	     "'metadata':{'value':'2'}"},
	    {"'metric':'memory','target':'0.01'",
	     "'type':'memory','name':'default-trigger-memory','metricType':'AverageValue',"
	     "'metadata':{'value':'10486'}"},
	    {"'metric':'memory','target':'80.5','metric-type':'Utilization'",
	     "'type':'memory','name':'default-trigger-memory','metricType':'Utilization',"
	     "'metadata':{'value':'81'}"},
	    {"'metric':'m','target':'1e3','query':'q'",
	     "'type':'prometheus','name':'default-trigger-custom','metricType':'AverageValue',"
	     "'metadata':{" PROMETHEUS "'threshold':'1000','namespace':'ns'}"},
	    {"'metric':'m','target':'.50','query':'q','metric-type':'Value'",
	     "'type':'prometheus','name':'default-trigger-custom','metricType':'Value',"
	     "'metadata':{" PROMETHEUS "'threshold':'0.5','namespace':'ns'}"},
	    /* the name is compared as it stands */
	    {"'metric':'CPU','target':'5','query':'q'",
	     "'type':'prometheus','name':'default-trigger-custom','metricType':'AverageValue',"
	     "'metadata':{" PROMETHEUS "'threshold':'5','namespace':'ns'}"},
	    /* what means nothing to cpu goes nowhere */
	    {"'query':'q','prometheus-address':'http://p'",
	     "'type':'cpu','name':'default-trigger-cpu','metricType':'Utilization',"
	     "'metadata':{'value':'70'}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%s", rows[i].annotations);
		build_from(&b, rows[i].annotations);
		EXPECT_TEXT(b.refusal.text, NULL);
		EXPECT_TEXT(text_of(&b, json_get(spec_of(&b), "triggers")),
			    arena_printf(b.cluster.arena, "[{%s}]", rows[i].trigger));
		cluster_release(&b.cluster);
	}
}

TEST(desired, refusals)
{
	static const struct {
		const char *annotations, *key, *text;
	} rows[] = {
	    {"'metric':'memory'", "target",
	     "is missing for the metric \"memory\"; add MiB per pod, for example 200"},
	    {"'metric':'m'", "target", "is missing for the metric \"m\"; add one in its units"},
	    {"'metric':'m','metric-type':'Value'", "target", "is missing"},
	    {"'metric':'m','target':'5'", "prometheus-query",
	     "is missing for the custom metric \"m\" with a target; add a PromQL query"},
	    {"'metric-type':'Value'", "metric-type",
	     "\"Value\" does not fit the metric \"cpu\"; use Utilization or AverageValue"},
	    {"'metric':'memory','target':'5','metric-type':'Value'", "metric-type",
	     "use AverageValue or Utilization for memory"},
	    {"'metric':'m','target':'5','query':'q','metric-type':'Utilization'", "metric-type",
	     "use AverageValue or Value for a custom metric"},
	    {"'target':'3000000000'", "target", "\"3000000000\" is too large; use a percent"},
	    {"'target':'1e30'", "target", "too large; use a percentage"},
	    {"'target':'1e30','metric-type':'AverageValue'", "target", "number of cores"},
	    {"'metric':'memory','target':'1e30'", "target", "too large; use a number of MiB"},
	    {"'metric':'m','query':'q','target':'1e90'", "target", "has too many digits"},
	    {"'min-scale':'5','max-scale':'3'", "min-scale", "is above"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%s", rows[i].annotations);
		build_from(&b, rows[i].annotations);
		EXPECT(!b.ok);
		EXPECT_TEXT(
		    b.refusal.annotation,
		    arena_printf(b.cluster.arena, "autoscaling.knative.dev/%s", rows[i].key));
		EXPECT_CONTAINS(b.refusal.text, rows[i].text);
		cluster_release(&b.cluster);
	}
}

TEST(desired, defaults_of_the_config_map)
{
	struct built b;

	cluster_init(&b.cluster, CUSTOM);
	b.cluster.config_keda.prometheus_address = "http://thanos";
	b.cluster.config_keda.polling_interval = 7;
	b.cluster.config_keda.cooldown_period = 0;
	b.cluster.config_keda.fallback_failure_threshold = 3;
	b.cluster.config_keda.fallback_replicas = 0;
	b.cluster.config_keda.fallback_behavior = "currentReplicas";
	b.cluster.config_keda.ignore_null_values = 0;
	build(&b, false);
	const struct json *spec = spec_of(&b);
	const struct json *trigger = json_at(json_get(spec, "triggers"), 0);
	EXPECT_TEXT(text_of(&b, json_get(spec, "pollingInterval")), "7");
	EXPECT_TEXT(text_of(&b, json_get(spec, "cooldownPeriod")), "0");
	EXPECT(!json_get(spec, "initialCooldownPeriod"));
	EXPECT_TEXT(text_of(&b, json_get(spec, "fallback")),
		    "{'failureThreshold':3,'replicas':0,'behavior':'currentReplicas'}");
	EXPECT_TEXT(json_text(json_path(trigger, "metadata", "serverAddress", NULL)),
		    "http://thanos");
	EXPECT_TEXT(json_text(json_path(trigger, "metadata", "ignoreNullValues", NULL)), "false");
	b.cluster.config_keda.ignore_null_values = 1;
	b.cluster.config_keda.fallback_behavior = NULL;
	b.cluster.config_keda.fallback_failure_threshold = 0;
	annotate(&b.cluster, CUSTOM ",'keda-polling-interval':'9','keda-cooldown-period':'8',"
				    "'prometheus-address':'http://own'");
	build(&b, false);
	spec = spec_of(&b);
	trigger = json_at(json_get(spec, "triggers"), 0);
	EXPECT_TEXT(text_of(&b, json_get(spec, "pollingInterval")), "9");
	EXPECT_TEXT(text_of(&b, json_get(spec, "cooldownPeriod")), "8");
	EXPECT_TEXT(text_of(&b, json_get(spec, "fallback")), "{'failureThreshold':0,'replicas':0}");
	EXPECT_TEXT(json_text(json_path(trigger, "metadata", "serverAddress", NULL)), "http://own");
	EXPECT_TEXT(json_text(json_path(trigger, "metadata", "ignoreNullValues", NULL)), "true");
	cluster_release(&b.cluster);
}

/* KEDA refuses a fallback beside nothing but cpu and memory, and knows no null values there. */
TEST(desired, defaults_that_do_not_fit_cpu)
{
	struct built b;

	cluster_init(&b.cluster, "");
	b.cluster.config_keda.fallback_failure_threshold = 3;
	b.cluster.config_keda.fallback_replicas = 2;
	b.cluster.config_keda.ignore_null_values = 0;
	build(&b, false);
	EXPECT(!json_get(spec_of(&b), "fallback"));
	EXPECT_TEXT(text_of(&b, json_get(spec_of(&b), "triggers")),
		    "[{'type':'cpu','name':'default-trigger-cpu','metricType':'Utilization',"
		    "'metadata':{'value':'70'}}]");
	cluster_release(&b.cluster);
}

TEST(desired, numbers_for_the_status)
{
	static const struct {
		const char *annotations;
		bool unreachable;
		int32_t min, max, needed;
	} rows[] = {
	    {"", false, 1, INT32_MAX, 1},
	    {CUSTOM, false, 0, INT32_MAX, 1},
	    {CUSTOM ",'min-scale':'4'", false, 4, INT32_MAX, 4},
	    {CUSTOM ",'min-scale':'4','initial-scale':'6'", false, 4, INT32_MAX, 6},
	    {CUSTOM ",'max-scale':'3','initial-scale':'6'", false, 0, 3, 3},
	    /* Unreachable does not lower what is needed */
	    {CUSTOM ",'min-scale':'4'", true, 0, INT32_MAX, 4},
	    {"'min-scale':'4'", true, 1, INT32_MAX, 4},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%s", rows[i].annotations);
		cluster_init(&b.cluster, rows[i].annotations);
		if (rows[i].unreachable)
			edit(&b.cluster, b.cluster.pa, "{'spec':{'reachability':'Unreachable'}}");
		build(&b, false);
		EXPECT_INT(b.desired.min, rows[i].min);
		EXPECT_INT(b.desired.max, rows[i].max);
		EXPECT_INT(b.desired.needed, rows[i].needed);
		EXPECT_INT(b.desired.hash, scaled_object_spec_hash(spec_of(&b), b.cluster.arena));
		cluster_release(&b.cluster);
	}
}

static const char *annotations_of(struct built *b)
{
	return text_of(b, json_path(b->desired.object, "metadata", "annotations", NULL));
}

#define CLASS "'autoscaling.knative.dev/class':'hpa.autoscaling.knative.dev'"
#define MANAGED "'autoscaling.knative.dev/keda-managed-annotations':"

TEST(desired, annotations_of_keda)
{
	struct built b;

	build_from(&b, "'example.com/x':'y','autoscaling.keda.sh/paused':'true',"
		       "'validations.keda.sh/hpa-ownership':'false',"
		       "'scaledobject.keda.sh/hpa-excluded-labels':'a','window':'60s'");
	EXPECT_TEXT(annotations_of(&b),
		    "{" CLASS ",'autoscaling.keda.sh/paused':'true',"
		    "'scaledobject.keda.sh/hpa-excluded-labels':'a',"
		    "'validations.keda.sh/hpa-ownership':'false'," MANAGED
		    "'autoscaling.keda.sh/paused,scaledobject.keda.sh/hpa-excluded-labels,"
		    "validations.keda.sh/hpa-ownership'}");
	annotate(&b.cluster, "");
	build(&b, false);
	EXPECT_TEXT(annotations_of(&b), "{" CLASS "}");
	build(&b, true);
	EXPECT_TEXT(annotations_of(&b),
		    "{" CLASS ",'scaledobject.keda.sh/transfer-hpa-ownership':'true'," MANAGED
		    "'scaledobject.keda.sh/transfer-hpa-ownership'}");
	/* ours wins over the revision's */
	annotate(&b.cluster, "'scaledobject.keda.sh/transfer-hpa-ownership':'false'");
	build(&b, true);
	EXPECT_CONTAINS(annotations_of(&b), "ownership':'true'," MANAGED
					    "'scaledobject.keda.sh/transfer-hpa-ownership'}");
	build(&b, false);
	EXPECT_CONTAINS(annotations_of(&b), "ownership':'false'");
	cluster_release(&b.cluster);
}

#define KEDA(name) "autoscaling.keda.sh/" name

/* Our forms of KEDA's annotations. */
TEST(desired, own_forms_of_annotations)
{
	static const struct {
		const char *annotations, *set; /* pairs; NULL: none */
		const char *managed;
	} rows[] = {
	    {"'keda-paused':'true'", "'" KEDA("paused") "':'true'", KEDA("paused")},
	    {"'keda-paused':'1'", "'" KEDA("paused") "':'true'", KEDA("paused")},
	    {"'keda-paused-scale-in':'T'", "'" KEDA("paused-scale-in") "':'true'",
	     KEDA("paused-scale-in")},
	    {"'keda-paused-scale-out':'t'", "'" KEDA("paused-scale-out") "':'true'",
	     KEDA("paused-scale-out")},
	    {"'keda-force-activation':'TRUE'", "'" KEDA("force-activation") "':'true'",
	     KEDA("force-activation")},
	    {"'keda-paused-replicas':'+02'", "'" KEDA("paused-replicas") "':'2'",
	     KEDA("paused-replicas")},
	    {"'keda-paused-replicas':'0'", "'" KEDA("paused-replicas") "':'0'",
	     KEDA("paused-replicas")},
	    {"'keda-paused':'false','keda-force-activation':'0'", NULL, NULL},
	    /* beside KEDA's own names: ours win, even where they say no */
	    {"'keda-paused':'false','" KEDA("paused") "':'true'", NULL, NULL},
	    {"'keda-paused-replicas':'3','" KEDA("paused-replicas") "':'5'",
	     "'" KEDA("paused-replicas") "':'3'", KEDA("paused-replicas")},
	    {"'keda-paused':'true','" KEDA("force-activation") "':'x'",
	     "'" KEDA("force-activation") "':'x','" KEDA("paused") "':'true'",
	     KEDA("force-activation") "," KEDA("paused")},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%s", rows[i].annotations);
		build_from(&b, rows[i].annotations);
		EXPECT_TEXT(b.refusal.text, NULL);
		EXPECT_TEXT(annotations_of(&b),
			    rows[i].set
				? arena_printf(b.cluster.arena, "{" CLASS ",%s," MANAGED "'%s'}",
					       rows[i].set, rows[i].managed)
				: "{" CLASS "}");
		cluster_release(&b.cluster);
	}
}

TEST(desired, metadata)
{
	struct built b;

	build_from(&b, "");
	const struct json *metadata = json_get(b.desired.object, "metadata");
	EXPECT_TEXT(text_of(&b, json_get(metadata, "labels")),
		    "{'serving.knative.dev/service':'s','serving.knative.dev/configuration':'c',"
		    "'scaledobject.keda.sh/name':'r'}");
	EXPECT_TEXT(text_of(&b, json_get(metadata, "ownerReferences")),
		    "[{'apiVersion':'autoscaling.internal.knative.dev/v1alpha1',"
		    "'kind':'PodAutoscaler','name':'r','uid':'pa-1','controller':true,"
		    "'blockOwnerDeletion':true}]");
	EXPECT_TEXT(text_of(&b, json_path(b.desired.object, "spec", "scaleTargetRef", NULL)),
		    "{'apiVersion':'apps/v1','kind':'Deployment','name':'r-deployment'}");
	cluster_release(&b.cluster);
}

TEST(desired, twice_is_the_same)
{
	struct built b;

	build_from(&b, CUSTOM ",'window':'60s','autoscaling.keda.sh/paused':'true'");
	const struct json *first = b.desired.object;
	uint64_t hash = b.desired.hash;
	build(&b, false);
	EXPECT(json_equal(first, b.desired.object));
	EXPECT(hash == b.desired.hash);
	EXPECT_INT(json_hash(first), json_hash(b.desired.object));
	cluster_release(&b.cluster);
}

TEST_MAIN(TEST_OF(desired, triggers), TEST_OF(desired, refusals),
	  TEST_OF(desired, defaults_of_the_config_map),
	  TEST_OF(desired, defaults_that_do_not_fit_cpu), TEST_OF(desired, numbers_for_the_status),
	  TEST_OF(desired, annotations_of_keda), TEST_OF(desired, own_forms_of_annotations),
	  TEST_OF(desired, metadata), TEST_OF(desired, twice_is_the_same))
