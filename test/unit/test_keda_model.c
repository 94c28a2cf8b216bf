/*
 * The stand-ins for KEDA and the HPA controller where they meet kubectl: series of their own, the
 * HPA's pace and its TARGETS column, ScaledObject columns, cpu requests.
 */
#include <math.h>

#include "test/unit/model_fixture.h"

#define SO_PATH "/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects"
#define PROMETHEUS(query, threshold)                                                               \
	"{type: prometheus, metadata: {query: '" query "', threshold: '" threshold "'}}"

static void apply_so(struct bench *b, const char *name, const char *extra, const char *triggers)
{
	struct strbuf text = STRBUF_INIT;
	strbuf_addf(&text,
		    "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: %s}\n"
		    "spec: {scaleTargetRef: {name: %s-deployment}, minReplicaCount: 1, "
		    "maxReplicaCount: 10, %s advanced: {horizontalPodAutoscalerConfig: {name: "
		    "%s}}, triggers: [%s]}\n",
		    name, name, extra, name, triggers);
	model_apply(b->model, text.buf);
	strbuf_release(&text);
}

static int64_t replicas(struct bench *b, const char *name)
{
	char deployment[64];
	snprintf(deployment, sizeof(deployment), "%s-deployment", name);
	return int_at(b, "deployments", deployment, "spec", "replicas");
}

static const struct json *current(struct bench *b, const char *name)
{
	const struct json *hpa = model_get(b->model, "horizontalpodautoscalers", "default", name);
	return json_at(json_path(hpa, "status", "currentMetrics", NULL), 0);
}

static const char *average(struct bench *b, const char *name)
{
	return json_text_or(
	    json_path(current(b, name), "external", "current", "averageValue", NULL), "");
}

TEST(series, each_query_sees_its_own)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	model_revision(b.model, "default", "a-00001", "target=5");
	model_revision(b.model, "default", "b-00001", "target=5");
	model_revision(b.model, "default", "c-00001", "target=5");
	model_hpa_sync_period(b.model, 1000);
	model_set_metric(b.model, "default", 10);
	model_set_series(b.model, "default", "orders", 20);
	model_set_series(b.model, "default", "orders_late", 30);
	model_set_series(b.model, "elsewhere", "mails", 50);
	apply_so(&b, "a-00001", "", PROMETHEUS("sum(orders{x=\"y\"})", "5"));
	apply_so(&b, "b-00001", "", PROMETHEUS("max(orders_late) + 1", "5"));
	apply_so(&b, "c-00001", "", PROMETHEUS("sum(mails)", "5"));
	run(&b, 2000);
	EXPECT_INT(replicas(&b, "a-00001"), 4);
	EXPECT_INT(replicas(&b, "b-00001"), 6);
	EXPECT_INT(replicas(&b, "c-00001"), 2);
	model_set_series(b.model, "default", "orders", 0);
	run(&b, 2000);
	EXPECT_INT(replicas(&b, "a-00001"), 1);
	EXPECT_INT(replicas(&b, "b-00001"), 6);
	bench_release(&b);
}

TEST(hpa, keeps_its_pace)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	model_revision(b.model, "default", "a-00001", "target=5");
	model_set_series(b.model, "default", "orders", 12);
	apply_so(&b, "a-00001", "", PROMETHEUS("orders", "5"));
	run(&b, 14000);
	EXPECT_INT(replicas(&b, "a-00001"), 1);
	run(&b, 2000);
	EXPECT_INT(replicas(&b, "a-00001"), 3);
	model_hpa_sync_period(b.model, 500);
	model_set_series(b.model, "default", "orders", 30);
	run(&b, 600);
	EXPECT_INT(replicas(&b, "a-00001"), 6);
	bench_release(&b);
}

TEST(hpa, shows_what_it_measures)
{
	static const struct {
		double value;
		const char *shown;
	} rows[] = {{20, "5"}, {18, "4500m"}, {17.6, "4400m"}, {0, "0"}, {20000, "2k"}};
	struct bench b;
	bench_init(&b, NULL, 0);
	model_revision(b.model, "default", "a-00001", "target=5");
	model_hpa_sync_period(b.model, 1000);
	apply_so(&b, "a-00001", "", PROMETHEUS("orders", "5"));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%g", rows[i].value);
		/* The second look has the replicas that the first one asked for. */
		model_set_series(b.model, "default", "orders", rows[i].value);
		run(&b, 3000);
		EXPECT_TEXT(average(&b, "a-00001"), rows[i].shown);
	}
	model_set_series(b.model, "default", "orders", NAN);
	run(&b, 3000);
	EXPECT_TEXT(json_text(json_get(current(&b, "a-00001"), "type")), "");
	bench_release(&b);
}

static const char *scaling(struct bench *b, const char *type)
{
	return model_condition(b->model, "horizontalpodautoscalers", "default", "a-00001", type);
}

TEST(hpa, shows_cpu)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	model_revision(b.model, "default", "a-00001", "target=5");
	model_hpa_sync_period(b.model, 1000);
	model_set_usage(b.model, "default", 35);
	apply_so(&b, "a-00001", "",
		 "{type: cpu, metricType: Utilization, metadata: {value: '70'}}");
	run(&b, 3000);
	EXPECT_INT(json_int_or(json_path(current(&b, "a-00001"), "resource", "current",
					 "averageUtilization", NULL),
			       0),
		   35);
	model_set_usage(b.model, "default", 140);
	apply_so(&b, "a-00001", "",
		 "{type: cpu, metricType: Utilization, metadata: {value: '70', containerName: "
		 "main}}");
	run(&b, 3000);
	EXPECT_TEXT(json_text(json_get(current(&b, "a-00001"), "type")), "ContainerResource");
	EXPECT_INT(json_int_or(json_path(current(&b, "a-00001"), "containerResource", "current",
					 "averageUtilization", NULL),
			       0),
		   140);
	EXPECT(replicas(&b, "a-00001") > 1);
	model_set_usage(b.model, "default", NAN);
	run(&b, 3000);
	EXPECT_CONTAINS(scaling(&b, "ScalingActive"),
			"False FailedGetResourceMetric: the HPA was unable to compute the replica "
			"count: failed to get cpu utilization: ");
	bench_release(&b);
}

TEST(hpa, says_what_limits_it)
{
	static const struct {
		double value;
		const char *active, *limited;
	} rows[] = {
	    {20, "True ValidMetricFound: *external metric s0-prometheus(",
	     "False DesiredWithinRange: "},
	    {100, "True ValidMetricFound: ", "True TooManyReplicas: "},
	    {0, "True ValidMetricFound: ", "True TooFewReplicas: "},
	    {NAN, "False FailedGetExternalMetric: ", ""},
	};
	struct bench b;
	bench_init(&b, NULL, 0);
	model_revision(b.model, "default", "a-00001", "target=5");
	model_hpa_sync_period(b.model, 1000);
	apply_so(&b, "a-00001", "", PROMETHEUS("orders", "5"));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%g", rows[i].value);
		const char *star = strchr(rows[i].active, '*');
		char *begin = strndup(rows[i].active, strcspn(rows[i].active, "*"));
		model_set_series(b.model, "default", "orders", rows[i].value);
		run(&b, 3000);
		EXPECT_CONTAINS(scaling(&b, "ScalingActive"), begin);
		if (star)
			EXPECT_CONTAINS(scaling(&b, "ScalingActive"), star + 1);
		EXPECT_CONTAINS(scaling(&b, "ScalingLimited"), rows[i].limited);
		free(begin);
	}
	bench_release(&b);
}

TEST(keda, fills_its_columns)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	model_revision(b.model, "default", "a-00001", "target=5");
	apply_so(&b, "a-00001", "",
		 "{type: cpu, metricType: Utilization, metadata: {value: '70'}}, {type: kafka, "
		 "metadata: {}, authenticationRef: {name: one}}, " PROMETHEUS(
		     "orders", "5") ", "
				    "{type: kafka, metadata: {}, authenticationRef: {name: two}}");
	run(&b, 1000);
	EXPECT_TEXT(text_at(&b, "scaledobjects", "a-00001", "status", "triggersTypes"),
		    "cpu,kafka,prometheus");
	EXPECT_TEXT(text_at(&b, "scaledobjects", "a-00001", "status", "authenticationsTypes"),
		    "one,two");
	EXPECT_TEXT(model_condition(b.model, "scaledobjects", "default", "a-00001", "Paused"),
		    "False");
	model_patch(b.model, "scaledobjects", "default", "a-00001", false,
		    "{metadata: {annotations: {autoscaling.keda.sh/paused: 'true'}}}");
	run(&b, 1000);
	EXPECT_TEXT(model_condition(b.model, "scaledobjects", "default", "a-00001", "Paused"),
		    "True ScaledObjectPaused: ScaledObject is paused");
	EXPECT_TEXT(model_condition(b.model, "scaledobjects", "default", "a-00001", "Ready"),
		    "True ScaledObjectReady: ScaledObject is paused");
	EXPECT_INT(model_count(b.model, "horizontalpodautoscalers"), 0);
	model_patch(b.model, "scaledobjects", "default", "a-00001", false,
		    "{metadata: {annotations: {autoscaling.keda.sh/paused: null}}}");
	run(&b, 1000);
	EXPECT_TEXT(model_condition(b.model, "scaledobjects", "default", "a-00001", "Paused"),
		    "False ScaledObjectUnpaused: pause annotation removed for ScaledObject");
	EXPECT_INT(model_count(b.model, "horizontalpodautoscalers"), 1);
	bench_release(&b);
}

/* A Deployment whose containers have these resources, and the answer to a ScaledObject on it. */
static int ask_keda(struct bench *b, const char *resources, const char *trigger, char **body)
{
	struct strbuf text = STRBUF_INIT;
	strbuf_addf(&text,
		    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: "
		    "{spec: {containers: [{name: main, resources: %s}, {name: queue-proxy, "
		    "resources: {requests: {cpu: 25m}}}]}}}\n",
		    resources);
	model_apply(b->model, text.buf);
	strbuf_reset(&text);
	strbuf_addf(&text,
		    "{\"apiVersion\":\"keda.sh/v1alpha1\",\"kind\":\"ScaledObject\",\"metadata\":{"
		    "\"name\":\"d\"},\"spec\":{\"scaleTargetRef\":{\"name\":\"d\"},"
		    "\"minReplicaCount\":1,\"triggers\":[%s]}}",
		    trigger);
	int status = ask(b, "POST", SO_PATH, "application/json", text.buf, body);
	strbuf_release(&text);
	return status;
}

TEST(keda, wants_requests_of_what_it_measures)
{
	static const struct {
		const char *resources, *trigger, *refusal;
	} rows[] = {
	    {"{}", "{\"type\":\"cpu\",\"metadata\":{\"value\":\"70\"}}",
	     "the scaledobject has a cpu trigger but the container main doesn't have the cpu "
	     "request defined"},
	    {"{requests: {memory: 1Mi}}", "{\"type\":\"memory\",\"metadata\":{\"value\":\"70\"}}",
	     "the scaledobject has a memory trigger but the container queue-proxy doesn't have the "
	     "memory request defined"},
	    {"{limits: {memory: 1Mi}}",
	     "{\"type\":\"memory\",\"metadata\":{\"value\":\"70\",\"containerName\":\"main\"}}",
	     NULL},
	    {"{requests: {cpu: 1}}", "{\"type\":\"cpu\",\"metadata\":{\"value\":\"70\"}}", NULL},
	    {"{}", "{\"type\":\"cron\",\"metadata\":{}}", NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench b;
		char *body;
		test_row("%s of %s", rows[i].trigger, rows[i].resources);
		bench_init(&b, NULL, 0);
		EXPECT_INT(ask_keda(&b, rows[i].resources, rows[i].trigger, &body),
			   rows[i].refusal ? 403 : 201);
		if (rows[i].refusal)
			EXPECT_CONTAINS(body, rows[i].refusal);
		free(body);
		bench_release(&b);
	}
}

TEST_MAIN(TEST_OF(series, each_query_sees_its_own), TEST_OF(hpa, keeps_its_pace),
	  TEST_OF(hpa, shows_what_it_measures), TEST_OF(hpa, shows_cpu),
	  TEST_OF(hpa, says_what_limits_it), TEST_OF(keda, fills_its_columns),
	  TEST_OF(keda, wants_requests_of_what_it_measures))
