/*
 * metric: concurrency and metric: rps: the trigger and its target, the activators in front, and
 * what is set where nobody says anything.
 */
#include "reconciler/hpa/http.h"

#include <math.h>

#include "test/unit/hpa_built.h"

static const struct json *metadata_of(const struct built *b)
{
	return json_get(json_at(json_get(spec_of(b), "triggers"), 0), "metadata");
}

static const char *target_of(const struct built *b)
{
	return json_text_or(json_get(metadata_of(b), "target"), "(none)");
}

/* containerConcurrency 0: none. */
static void build_limited(struct built *b, const char *annotations, int64_t limit)
{
	cluster_init(&b->cluster, annotations);
	if (limit != 0)
		edit(&b->cluster, b->cluster.pa, "{'spec':{'containerConcurrency':%" PRId64 "}}",
		     limit);
}

#define CONCURRENCY "'metric':'concurrency'"
#define RPS "'metric':'rps'"

TEST(http_scaling, trigger)
{
	static const struct {
		const char *annotations, *want;
	} rows[] = {
	    {CONCURRENCY,
	     "[{'type':'external-push','name':'default-trigger-http','metricType':'AverageValue',"
	     "'metadata':{'scalerAddress':'autoscaler-keda-hpa-scaler.knative-serving.svc:9092',"
	     "'metric':'concurrency','revision':'r','target':'70'}}]"},
	    {RPS ",'metric-type':'AverageValue'",
	     "[{'type':'external-push','name':'default-trigger-http','metricType':'AverageValue',"
	     "'metadata':{'scalerAddress':'autoscaler-keda-hpa-scaler.knative-serving.svc:9092',"
	     "'metric':'rps','revision':'r','target':'140'}}]"},
	    /* what the Go autoscaler-keda knows and would pass over */
	    {RPS ",'prometheus-query':'q','prometheus-address':'http://p',"
		 "'trigger-prometheus-auth-name':'a',"
		 "'trigger-prometheus-auth-modes':'tls'",
	     "[{'type':'external-push','name':'default-trigger-http','metricType':'AverageValue',"
	     "'metadata':{'scalerAddress':'autoscaler-keda-hpa-scaler.knative-serving.svc:9092',"
	     "'metric':'rps','revision':'r','target':'140'}}]"},
	    /* a name that a formula can say */
	    {RPS ",'trigger-prometheus-name':'requests'",
	     "[{'type':'external-push','name':'requests','metricType':'AverageValue',"
	     "'metadata':{'scalerAddress':'autoscaler-keda-hpa-scaler.knative-serving.svc:9092',"
	     "'metric':'rps','revision':'r','target':'140'}}]"},
	    /* others stand beside it, with a target and without */
	    {RPS ",'target':'10','keda-triggers':'[{\\'type\\':\\'t\\',\\'metadata\\':{}}]'",
	     "[{'type':'external-push','name':'default-trigger-http','metricType':'AverageValue',"
	     "'metadata':{'scalerAddress':'autoscaler-keda-hpa-scaler.knative-serving.svc:9092',"
	     "'metric':'rps','revision':'r','target':'7'}},{'type':'t','metadata':{}}]"},
	    {RPS ",'keda-triggers':'[{\\'type\\':\\'t\\',\\'metadata\\':{}}]'",
	     "[{'type':'external-push','name':'default-trigger-http','metricType':'AverageValue',"
	     "'metadata':{'scalerAddress':'autoscaler-keda-hpa-scaler.knative-serving.svc:9092',"
	     "'metric':'rps','revision':'r','target':'140'}},{'type':'t','metadata':{}}]"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%s", rows[i].annotations);
		build_from(&b, rows[i].annotations);
		EXPECT_TEXT(b.refusal.text, NULL);
		EXPECT_TEXT(shown(&b, json_get(spec_of(&b), "triggers")), rows[i].want);
		cluster_release(&b.cluster);
	}
}

TEST(http_scaling, scaler_address)
{
	struct built b;

	cluster_init(&b.cluster, RPS);
	b.cluster.config_keda.system_namespace = "elsewhere";
	build(&b, false);
	EXPECT_TEXT(json_text(json_get(metadata_of(&b), "scalerAddress")),
		    "autoscaler-keda-hpa-scaler.elsewhere.svc:9092");
	b.cluster.config_keda.http_scaler_address = "scaler.example:1234";
	build(&b, false);
	EXPECT_TEXT(json_text(json_get(metadata_of(&b), "scalerAddress")), "scaler.example:1234");
	EXPECT(!json_get(metadata_of(&b), "enableTLS"));
	b.cluster.config_keda.http_scaler_tls = true;
	build(&b, false);
	EXPECT_TEXT(json_text(json_get(metadata_of(&b), "enableTLS")), "true");
	cluster_release(&b.cluster);
}

TEST(http_scaling, target)
{
	static const struct {
		const char *annotations;
		int64_t limit; /* containerConcurrency */
		const char *want;
	} rows[] = {
	    {CONCURRENCY, 0, "70"},
	    {RPS, 0, "140"},
	    {CONCURRENCY ",'target':'1'", 0, "0.7"},
	    {CONCURRENCY ",'target':'3.3'", 0, "2.31"},
	    {CONCURRENCY ",'target':'1e3'", 0, "700"},
	    {RPS ",'target':'0.1'", 0, "0.07"},
	    {RPS ",'target':'1e9','target-utilization-percentage':'100'", 0, "1000000000"},
	    /* the limit of the container */
	    {CONCURRENCY, 1, "0.7"},
	    {CONCURRENCY, 200, "140"},
	    {CONCURRENCY ",'target':'50'", 20, "14"},
	    {CONCURRENCY ",'target':'50'", 80, "35"},
	    {RPS ",'target':'50'", 20, "35"},
	    {RPS, 1, "140"},
	    /* the utilization */
	    {CONCURRENCY ",'target-utilization-percentage':'100'", 10, "10"},
	    {CONCURRENCY ",'targetUtilizationPercentage':'1'", 10, "0.1"},
	    {CONCURRENCY ",'target-utilization-percentage':'66.6'", 1, "0.666"},
	    {CONCURRENCY ",'target-utilization-percentage':'80','targetUtilizationPercentage':'1'",
	     0, "80"},
	    {RPS ",'target':'3','target-utilization-percentage':'33.3333333333'", 0,
	     "0.999999999999"},
	    /* 0.01 at least */
	    {RPS ",'target':'0.01'", 0, "0.01"},
	    {RPS ",'target':'0.5','target-utilization-percentage':'1'", 0, "0.01"},
	    {RPS ",'target':'0.02','target-utilization-percentage':'50.1'", 0, "0.01002"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%s limit %d", rows[i].annotations, (int)rows[i].limit);
		build_limited(&b, rows[i].annotations, rows[i].limit);
		build(&b, false);
		EXPECT_TEXT(b.refusal.text, NULL);
		EXPECT_TEXT(target_of(&b), rows[i].want);
		cluster_release(&b.cluster);
	}
}

/* config-autoscaler, of which Knative takes odd numbers too. */
TEST(http_scaling, target_of_the_configuration)
{
	static const struct {
		const char *annotations;
		double concurrency, rps, fraction;
		const char *want, *refusal;
	} rows[] = {
	    {CONCURRENCY, 50, 200, 0.7, "35", NULL},
	    {CONCURRENCY, 100, 200, 0.333, "33.3", NULL},
	    {CONCURRENCY, 0.1, 200, 0.1, "0.01", NULL},
	    {RPS, 100, 12.34, 0.8, "9.872", NULL},
	    {RPS, 100, 12.34, 1, "12.34", NULL},
	    {RPS, 100, NAN, 0.7, "140", NULL},
	    {CONCURRENCY, INFINITY, 200, 0.7, "70", NULL},
	    {CONCURRENCY, 100, 200, NAN, "70", NULL},
	    {CONCURRENCY ",'target':'10'", 50, 200, 0.55, "5.5", NULL},
	    {CONCURRENCY, 2e9, 200, 0.7, NULL,
	     "target: is missing, and config-autoscaler's container-concurrency-target-default is, "
	     "times the utilization, more than 1000000000; use less, for example 100"},
	    {RPS, 100, 1e80, 0.7, NULL,
	     "target: is missing, and config-autoscaler's requests-per-second-target-default has, "
	     "times the utilization, too many digits"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%zu", i);
		cluster_init(&b.cluster, rows[i].annotations);
		struct config_autoscaler *config = &b.cluster.config;
		config->container_concurrency_target_default = rows[i].concurrency;
		config->requests_per_second_target_default = rows[i].rps;
		config->container_concurrency_target_percentage = rows[i].fraction;
		build(&b, false);
		EXPECT_INT(b.ok, rows[i].refusal == NULL);
		if (rows[i].refusal)
			EXPECT_CONTAINS(b.refusal.text, rows[i].refusal);
		else
			EXPECT_TEXT(target_of(&b), rows[i].want);
		cluster_release(&b.cluster);
	}
}

TEST(http_scaling, refusals)
{
	static const struct {
		const char *annotations, *name, *part;
	} rows[] = {
	    {CONCURRENCY ",'metric-type':'Utilization'", "metric-type",
	     "\"Utilization\" does not fit the metric \"concurrency\"; use AverageValue for "
	     "concurrency and rps"},
	    {RPS ",'metric-type':'Value'", "metric-type", "use AverageValue for concurrency"},
	    {RPS ",'keda-activation-target':'5'", "keda-activation-target",
	     "means nothing to a trigger of the metric \"rps\", only to that of a custom metric"},
	    {RPS ",'keda-unsafe-ssl':'true'", "keda-unsafe-ssl", "means nothing"},
	    {RPS ",'keda-container':'c'", "keda-container", "only to those of cpu and memory"},
	    {RPS ",'target':'1e70'", "target",
	     "\"1e70\" has, times the utilization, too many digits; use fewer, for example 200"},
	    {RPS ",'target':'1428571429'", "target",
	     "\"1428571429\" is, times the utilization, more than 1000000000; use less, for "
	     "example 200"},
	    {CONCURRENCY ",'target':'0.12345678901234567890123456789012345678',"
			 "'target-utilization-percentage':'66.6'",
	     "target", "too many digits; use fewer, for example 100"},
	    {RPS ",'target-utilization-percentage':'33.33333333333333333333333'", "target",
	     "target: is missing, and config-autoscaler's requests-per-second-target-default has, "
	     "times the utilization, too many digits; use fewer, for example 200"},
	    {RPS ",'trigger-prometheus-auth-name':'a'", "trigger-prometheus-auth-modes",
	     "is missing"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%s", rows[i].annotations);
		build_from(&b, rows[i].annotations);
		EXPECT(!b.ok);
		EXPECT_TEXT(b.refusal.annotation,
			    arena_printf(b.cluster.arena, ANNOTATION_PREFIX "%s", rows[i].name));
		EXPECT_CONTAINS(b.refusal.text, rows[i].part);
		cluster_release(&b.cluster);
	}
}

/* Knative's words are none; nor are they on revisions that scale on something else, or are not
 * ours to scale. */
TEST(http_scaling, other_metrics)
{
	static const char *const rows[] = {
	    "",
	    "'metric':'Concurrency','target':'5','prometheus-query':'q'",
	    "'metric':'memory','target':'5','target-utilization-percentage':'x'",
	    RPS ",'scaled-object-auto-create':'false','target-burst-capacity':'x'",
	    RPS ",'scaled-object-override':"
		"'{\\'spec\\':{\\'triggers\\':[{\\'type\\':\\'t\\',\\'metadata\\':{}}]}}'",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%s", rows[i]);
		build_from(&b, rows[i]);
		EXPECT_TEXT(b.refusal.text, NULL);
		EXPECT(b.ok && !b.desired.http.metric);
		EXPECT(!json_get(spec_of(&b), "cooldownPeriod"));
		cluster_release(&b.cluster);
	}
}

TEST(http_scaling, timing)
{
	static const struct {
		const char *annotations;
		int32_t configured; /* cooldown-period of config-autoscaler-keda; -1: not */
		const char *cooldown, *behavior;
	} rows[] = {
	    {RPS, -1, "95", "{'scaleDown':{'stabilizationWindowSeconds':65}}"},
	    {RPS, 0, "0", "{'scaleDown':{'stabilizationWindowSeconds':65}}"},
	    {RPS ",'keda-cooldown-period':'7'", 0, "7",
	     "{'scaleDown':{'stabilizationWindowSeconds':65}}"},
	    {RPS ",'window':'30s'", -1, "95", "{'scaleDown':{'stabilizationWindowSeconds':30}}"},
	    {RPS ",'hpa-scale-down-rules':'{\\'selectPolicy\\':\\'Max\\'}'", -1, "95",
	     "{'scaleDown':{'selectPolicy':'Max'}}"},
	    {RPS ",'window':'30s','hpa-scale-up-rules':'{\\'selectPolicy\\':\\'Min\\'}'", -1, "95",
	     "{'scaleUp':{'selectPolicy':'Min'},'scaleDown':{'stabilizationWindowSeconds':30}}"},
	    /* other metrics */
	    {CUSTOM, -1, "(none)", "(none)"},
	    {CUSTOM ",'window':'30s'", 9, "9",
	     "{'scaleUp':{'stabilizationWindowSeconds':30},"
	     "'scaleDown':{'stabilizationWindowSeconds':30}}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%s, %d", rows[i].annotations, (int)rows[i].configured);
		cluster_init(&b.cluster, rows[i].annotations);
		b.cluster.config.stable_window = INT64_C(65000000000);
		b.cluster.config.scale_to_zero_grace_period = INT64_C(29500000000);
		b.cluster.config_keda.cooldown_period = rows[i].configured;
		build(&b, false);
		EXPECT_TEXT(shown(&b, json_get(spec_of(&b), "cooldownPeriod")), rows[i].cooldown);
		EXPECT_TEXT(shown(&b, json_path(spec_of(&b), "advanced",
						"horizontalPodAutoscalerConfig", "behavior", NULL)),
			    rows[i].behavior);
		EXPECT(!json_get(spec_of(&b), "pollingInterval"));
		cluster_release(&b.cluster);
	}
}

/* A grace period beyond all measure is no wrong number of seconds. */
TEST(http_scaling, longest_cooldown)
{
	struct built b;

	cluster_init(&b.cluster, RPS);
	b.cluster.config.scale_to_zero_grace_period = INT64_MAX;
	build(&b, false);
	EXPECT_TEXT(shown(&b, json_get(spec_of(&b), "cooldownPeriod")), "2147483647");
	cluster_release(&b.cluster);
}

/* What else there is works beside it. */
TEST(http_scaling, beside)
{
	struct built b;

	cluster_init(&b.cluster,
		     RPS ",'min-scale':'2','max-scale':'9','keda-idle-replica-count':'0',"
			 "'keda-fallback-failure-threshold':'3','keda-fallback-replicas':'4',"
			 "'scaling-modifiers':'{\\'formula\\':\\'x\\',\\'target\\':\\'5\\'}'");
	b.cluster.config_keda.polling_interval = 5;
	build(&b, false);
	EXPECT_TEXT(b.refusal.text, NULL);
	EXPECT_TEXT(shown(&b, json_get(spec_of(&b), "minReplicaCount")), "2");
	EXPECT_TEXT(shown(&b, json_get(spec_of(&b), "maxReplicaCount")), "9");
	EXPECT_TEXT(shown(&b, json_get(spec_of(&b), "idleReplicaCount")), "0");
	EXPECT_TEXT(shown(&b, json_get(spec_of(&b), "pollingInterval")), "5");
	EXPECT_TEXT(shown(&b, json_get(spec_of(&b), "fallback")),
		    "{'failureThreshold':3,'replicas':4}");
	EXPECT_TEXT(shown(&b, json_path(spec_of(&b), "advanced", "scalingModifiers", NULL)),
		    "{'formula':'x','target':'5'}");
	cluster_release(&b.cluster);
}

TEST(http_scaling, goes_to_zero)
{
	struct built b;

	build_from(&b, RPS);
	EXPECT(!json_get(spec_of(&b), "minReplicaCount"));
	EXPECT_INT(b.desired.min, 0);
	build_form(&b, DESIRED_FRESH, false);
	EXPECT_TEXT(shown(&b, json_get(spec_of(&b), "minReplicaCount")), "1");
	cluster_release(&b.cluster);
}

/* DESIRED_KEPT: one at least, while it is reachable. */
TEST(http_scaling, kept)
{
	static const struct {
		const char *annotations;
		bool unreachable, kept;
		const char *min, *idle;
	} rows[] = {
	    {RPS, false, true, "1", "(none)"},
	    {RPS, true, false, "(none)", "(none)"},
	    {RPS ",'min-scale':'3'", false, true, "3", "(none)"},
	    {RPS ",'min-scale':'3','keda-idle-replica-count':'0'", false, true, "3", "(none)"},
	    {CUSTOM, false, false, "(none)", "(none)"},
	    {CUSTOM ",'min-scale':'3','keda-idle-replica-count':'0'", false, false, "3", "0"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%s", rows[i].annotations);
		cluster_init(&b.cluster, rows[i].annotations);
		/* long ago */
		edit(&b.cluster, b.cluster.pa,
		     "{'spec':{'reachability':'%s'},'status':{'conditions':[{'type':"
		     "'ScaleTargetInitialized','status':'True','lastTransitionTime':"
		     "'2025-01-01T00:00:00Z'}]}}",
		     rows[i].unreachable ? "Unreachable" : "Reachable");
		build_form(&b, DESIRED_KEPT, false);
		EXPECT_INT(b.desired.kept, rows[i].kept);
		EXPECT_TEXT(shown(&b, json_get(spec_of(&b), "minReplicaCount")), rows[i].min);
		EXPECT_TEXT(shown(&b, json_get(spec_of(&b), "idleReplicaCount")), rows[i].idle);
		cluster_release(&b.cluster);
	}
}

/* Knative's computeNumActivators. */
TEST(http_scaling, activators)
{
	static const struct {
		const char *annotations;
		int64_t limit;
		double burst, capacity; /* of config-autoscaler */
		int32_t pods, want;
	} rows[] = {
	    {CONCURRENCY, 0, 211, 100, 0, 3},
	    {CONCURRENCY, 0, 211, 100, 1, 4},
	    {CONCURRENCY, 0, 211, 100, 10, 13},
	    {CONCURRENCY, 0, 200, 100, 0, 2},
	    {CONCURRENCY, 0, 100, 100, 0, 2},
	    /* the utilization does not count */
	    {CONCURRENCY ",'target':'10','target-utilization-percentage':'10'", 0, 200, 100, 10, 3},
	    {CONCURRENCY ",'target':'10'", 5, 0.5, 1, 3, 16},
	    {RPS, 0, 211, 100, 2, 7},
	    /* 0: only what must be; -1: what the pods take */
	    {CONCURRENCY, 0, 0, 100, 1000, 2},
	    {CONCURRENCY, 0, -1, 100, 1000, 1000},
	    {CONCURRENCY, 0, -1, 100, 0, 2},
	    {CONCURRENCY, 0, -1, 1, 1, 100},
	    {CONCURRENCY ",'target-burst-capacity':'0'", 0, 211, 100, 1000, 2},
	    {CONCURRENCY ",'target-burst-capacity':'-1'", 0, 211, 100, 5, 5},
	    {CONCURRENCY ",'targetBurstCapacity':'1e3'", 0, 211, 100, 0, 10},
	    /* beyond all measure */
	    {CONCURRENCY ",'target-burst-capacity':'1e300'", 0, 211, 1, 0, INT32_MAX},
	    {RPS ",'target':'1e9'", 0, 211, 1, INT32_MAX, INT32_MAX},
	    {CONCURRENCY, 0, NAN, 100, 1, 2},
	    {CONCURRENCY, 0, 211, NAN, 1, 2},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%zu: %s", i, rows[i].annotations);
		build_limited(&b, rows[i].annotations, rows[i].limit);
		b.cluster.config.target_burst_capacity = rows[i].burst;
		b.cluster.config.activator_capacity = rows[i].capacity;
		build(&b, false);
		EXPECT_TEXT(b.refusal.text, NULL);
		EXPECT_INT(http_activators(&b.desired.http, rows[i].pods), rows[i].want);
		cluster_release(&b.cluster);
	}
}

TEST_MAIN(TEST_OF(http_scaling, trigger), TEST_OF(http_scaling, scaler_address),
	  TEST_OF(http_scaling, target), TEST_OF(http_scaling, target_of_the_configuration),
	  TEST_OF(http_scaling, refusals), TEST_OF(http_scaling, other_metrics),
	  TEST_OF(http_scaling, timing), TEST_OF(http_scaling, longest_cooldown),
	  TEST_OF(http_scaling, beside), TEST_OF(http_scaling, goes_to_zero),
	  TEST_OF(http_scaling, kept), TEST_OF(http_scaling, activators))
