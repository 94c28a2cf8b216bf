/*
 * The model's API server, driven by hand through struct transport: what it claims about objects,
 * versions, admission and watches.
 */
#include "test/unit/model_fixture.h"

#define SO_PATH "/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects"
#define MERGE "application/merge-patch+json"
#define SO_SPEC                                                                                    \
	"{\"scaleTargetRef\":{\"name\":\"x-00001-deployment\"},\"advanced\":{"                     \
	"\"horizontalPodAutoscalerConfig\":{\"name\":\"x-00001\"}},\"triggers\":[{\"type\":"       \
	"\"prometheus\",\"metadata\":{\"threshold\":\"5\"}}]}"
#define SO(extra)                                                                                  \
	"{\"apiVersion\":\"keda.sh/v1alpha1\",\"kind\":\"ScaledObject\",\"metadata\":{\"name\":"   \
	"\"x-00001\"" extra "},\"spec\":" SO_SPEC "}"

/* ---- the API server ---- */

TEST(api, creates_and_reads)
{
	struct bench b;
	char *body;
	bench_init(&b, NULL, 0);
	const char *cm = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
			 "\"a\"},\"data\":{\"k\":\"v\"}}";
	EXPECT_INT(ask(&b, "POST", CM_PATH, "application/json", cm, &body), 201);
	EXPECT_CONTAINS(body, "\"uid\":\"");
	EXPECT_CONTAINS(body, "\"namespace\":\"default\"");
	EXPECT_CONTAINS(body, "\"creationTimestamp\":\"2026-01-01T00:00:00Z\"");
	free(body);
	EXPECT_INT(ask(&b, "POST", CM_PATH, "application/json", cm, &body), 409);
	EXPECT_CONTAINS(body, "\"reason\":\"AlreadyExists\"");
	EXPECT_CONTAINS(body, "configmaps \\\"a\\\" already exists");
	free(body);
	EXPECT_INT(ask(&b, "GET", CM_PATH "/a", NULL, NULL, NULL), 200);
	EXPECT_INT(ask(&b, "GET", CM_PATH "/b", NULL, NULL, &body), 404);
	EXPECT_CONTAINS(body, "\"reason\":\"NotFound\"");
	free(body);
	EXPECT_INT(ask(&b, "GET", CM_PATH "/a/status", NULL, NULL, NULL), 404);
	EXPECT_INT(ask(&b, "PUT", CM_PATH, "application/json", cm, NULL), 405);
	EXPECT_INT(ask(&b, "POST", CM_PATH, "application/json", "{", NULL), 400);
	EXPECT_INT(ask(&b, "POST", CM_PATH, "application/json", "{\"metadata\":{}}", NULL), 422);
	EXPECT_INT(ask(&b, "POST", "/api/v1/namespaces/other/configmaps", "application/json",
		       "{\"metadata\":{\"name\":\"a\",\"namespace\":\"default\"}}", NULL),
		   400);
	EXPECT_INT(ask(&b, "GET", "/apis/nobody.dev/v1/things", NULL, NULL, &body), 404);
	EXPECT_TEXT(body, "404 page not found\n");
	free(body);
	EXPECT_TEXT(wire_trace(b.wire), "POST configmaps default/a 201\n"
					"POST configmaps default/a 409\n"
					"PUT configmaps default/a 405\n"
					"POST configmaps default/ 400\n"
					"POST configmaps default/ 422\n"
					"POST configmaps other/a 400\n");
	EXPECT_INT(wire_writes(b.wire), 6);
	wire_trace_clear(b.wire);
	EXPECT_TEXT(wire_trace(b.wire), "");
	bench_release(&b);
}

TEST(api, patches_with_versions)
{
	struct bench b;
	char *body;
	bench_init(&b, NULL, 0);
	model_keda_running(b.model, false);
	EXPECT_INT(ask(&b, "POST", SO_PATH, "application/json", SO(""), NULL), 201);
	EXPECT_INT(int_at(&b, "scaledobjects", "x-00001", "metadata", "generation"), 1);
	CLEANUP(strbuf_release) struct strbuf patch = STRBUF_INIT;
	strbuf_addf(&patch,
		    "{\"metadata\":{\"resourceVersion\":\"%s\"},\"spec\":{\"pollingInterval\":5}}",
		    text_at(&b, "scaledobjects", "x-00001", "metadata", "resourceVersion"));
	EXPECT_INT(ask(&b, "PATCH", SO_PATH "/x-00001", "application/json", patch.buf, NULL), 415);
	EXPECT_INT(ask(&b, "PATCH", SO_PATH "/x-00001", MERGE, patch.buf, NULL), 200);
	EXPECT_INT(int_at(&b, "scaledobjects", "x-00001", "metadata", "generation"), 2);
	EXPECT_INT(ask(&b, "PATCH", SO_PATH "/x-00001", MERGE, patch.buf, &body), 409);
	EXPECT_CONTAINS(body, "the object has been modified");
	EXPECT_CONTAINS(body, "\"reason\":\"Conflict\"");
	free(body);
	uint64_t before = model_version(b.model);
	EXPECT_INT(
	    ask(&b, "PATCH", SO_PATH "/x-00001", MERGE, "{\"spec\":{\"pollingInterval\":5}}", NULL),
	    200);
	EXPECT_INT(model_version(b.model), before);
	EXPECT_INT(ask(&b, "PATCH", SO_PATH "/x-00001", MERGE,
		       "{\"metadata\":{\"labels\":{\"a\":\"b\"},\"uid\":\"other\"}}", NULL),
		   409);
	EXPECT_INT(ask(&b, "PATCH", SO_PATH "/x-00001", MERGE,
		       "{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"status\":{\"hpaName\":\"n\"}}",
		       NULL),
		   200);
	EXPECT_INT(int_at(&b, "scaledobjects", "x-00001", "metadata", "generation"), 2);
	EXPECT_TEXT(text_at(&b, "scaledobjects", "x-00001", "status", "hpaName"), "");
	EXPECT_INT(ask(&b, "PATCH", SO_PATH "/x-00001/status", MERGE,
		       "{\"metadata\":{\"labels\":{\"c\":\"d\"}},\"status\":{\"hpaName\":\"n\"}}",
		       NULL),
		   200);
	EXPECT_TEXT(text_at(&b, "scaledobjects", "x-00001", "status", "hpaName"), "n");
	const struct json *so = model_get(b.model, "scaledobjects", "default", "x-00001");
	EXPECT(!json_path(so, "metadata", "labels", "c", NULL));
	bench_release(&b);
}

TEST(api, fields_are_checked)
{
	static const struct {
		const char *patch;
		bool strict;
		int status;
		const char *text;
	} rows[] = {
	    {"{\"spec\":{\"foo\":1}}", true, 422,
	     "strict decoding error: unknown field \\\"spec.foo\\\""},
	    {"{\"spec\":{\"triggers\":[{\"type\":\"cpu\",\"metaData\":{},\"metadata\":{}}]}}", true,
	     422, "unknown field \\\"spec.triggers[0].metaData\\\""},
	    {"{\"spec\":{\"foo\":1}}", false, 200, "x-00001"},
	    {"{\"spec\":{\"triggers\":[]}}", false, 422, "spec.triggers: Invalid value: 0"},
	    {"{\"spec\":{\"triggers\":null}}", false, 422, "spec.triggers: Required value"},
	    {"{\"spec\":{\"triggers\":[{\"type\":\"cpu\"}]}}", false, 422,
	     "spec.triggers[0].metadata: Required value"},
	    {"{\"spec\":{\"triggers\":[{\"type\":\"c\",\"metadata\":{\"v\":1}}]}}", false, 422,
	     "spec.triggers[0].metadata.v: Invalid value: \\\"integer\\\": "
	     "spec.triggers[0].metadata.v in body must "
	     "be of type string"},
	    {"{\"spec\":{\"pollingInterval\":0}}", false, 422,
	     "should be greater than or equal to 1"},
	    {"{\"spec\":{\"pollingInterval\":\"5\"}}", false, 422, "must be of type integer"},
	    {"{\"spec\":{\"minReplicaCount\":101}}", false, 422,
	     "minReplicaCount must be less than or equal to maxReplicaCount"},
	    {"{\"spec\":{\"fallback\":{\"failureThreshold\":1,\"replicas\":1,\"behavior\":\"x\"}}}",
	     false, 422, "Unsupported value: \\\"x\\\""},
	    {"{\"spec\":{\"fallback\":{\"failureThreshold\":1,\"replicas\":1}}}", true, 200,
	     "\"behavior\":\"static\""},
	};
	struct bench b;
	bench_init(&b, NULL, 0);
	model_keda_running(b.model, false);
	EXPECT_INT(ask(&b, "POST", SO_PATH, "application/json", SO(""), NULL), 201);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *body;
		test_row("%s", rows[i].patch);
		EXPECT_INT(ask(&b, "PATCH",
			       rows[i].strict ? SO_PATH "/x-00001?fieldValidation=Strict"
					      : SO_PATH "/x-00001",
			       MERGE, rows[i].patch, &body),
			   rows[i].status);
		EXPECT_CONTAINS(body, rows[i].text);
		free(body);
	}
	const struct json *so = model_get(b.model, "scaledobjects", "default", "x-00001");
	EXPECT(!json_path(so, "spec", "foo", NULL));
	bench_release(&b);
	test_row("%s", "");
}

TEST(api, status_of_a_podautoscaler_needs_its_names)
{
	struct bench b;
	char *body;
	bench_init(&b, NULL, 0);
	model_revision(b.model, "default", "x-00001", "target=5");
	run(&b, 100);
	const char *path = "/apis/autoscaling.internal.knative.dev/v1alpha1/namespaces/default/"
			   "podautoscalers/x-00001/status";
	EXPECT_INT(ask(&b, "PATCH", path, MERGE, "{\"status\":{\"observedGeneration\":1}}", &body),
		   422);
	EXPECT_CONTAINS(body, "status.serviceName: Required value");
	EXPECT_CONTAINS(body, "status.metricsServiceName: Required value");
	free(body);
	EXPECT_INT(ask(&b, "PATCH", path, MERGE,
		       "{\"status\":{\"serviceName\":\"\",\"metricsServiceName\":\"\"}}", NULL),
		   200);
	bench_release(&b);
}

TEST(api, deletes_by_precondition_and_finalizer)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	model_keda_running(b.model, false);
	EXPECT_INT(ask(&b, "POST", SO_PATH, "application/json",
		       SO(",\"finalizers\":[\"finalizer.keda.sh\"]"), NULL),
		   201);
	EXPECT_INT(ask(&b, "DELETE", SO_PATH "/x-00001", "application/json",
		       "{\"preconditions\":{\"uid\":\"other\"}}", NULL),
		   409);
	CLEANUP(strbuf_release) struct strbuf options = STRBUF_INIT;
	strbuf_addf(&options, "{\"preconditions\":{\"uid\":\"%s\"}}",
		    text_at(&b, "scaledobjects", "x-00001", "metadata", "uid"));
	EXPECT_INT(ask(&b, "DELETE", SO_PATH "/x-00001", "application/json", options.buf, NULL),
		   200);
	EXPECT(text_at(&b, "scaledobjects", "x-00001", "metadata", "deletionTimestamp")[0]);
	EXPECT_INT(ask(&b, "DELETE", SO_PATH "/x-00001", NULL, NULL, NULL), 200);
	model_keda_running(b.model, true);
	run(&b, 100);
	EXPECT_INT(model_count(b.model, "scaledobjects"), 0);
	EXPECT_INT(ask(&b, "DELETE", SO_PATH "/x-00001", NULL, NULL, NULL), 404);
	bench_release(&b);
}

TEST(api, garbage_goes_with_its_owners)
{
	struct bench b;
	bench_init(&b, NULL, 0);
	model_revision(b.model, "default", "x-00001", "target=5");
	run(&b, 100);
	EXPECT_INT(model_count(b.model, "podautoscalers"), 1);
	EXPECT_INT(model_count(b.model, "deployments"), 1);
	model_delete(b.model, "services.serving", "default", "x");
	run(&b, 5000);
	EXPECT_INT(model_count(b.model, "configurations"), 0);
	EXPECT_INT(model_count(b.model, "revisions"), 0);
	EXPECT_INT(model_count(b.model, "podautoscalers"), 0);
	EXPECT_INT(model_count(b.model, "deployments"), 0);
	bench_release(&b);
}

TEST(api, lists_in_pages)
{
	struct bench b;
	char *body;
	bench_init(&b, NULL, 0);
	model_apply(b.model,
		    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n---\n"
		    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {l: v}}\n"
		    "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n");
	EXPECT_INT(ask(&b, "GET", "/api/v1/configmaps?limit=2", NULL, NULL, &body), 200);
	EXPECT_CONTAINS(body, "\"kind\":\"ConfigMapList\"");
	EXPECT_CONTAINS(body, "\"continue\":\"1003:default/b\"");
	EXPECT(!strstr(body, "\"name\":\"c\""));
	/* Items of compiled-in kinds carry no kind. */
	EXPECT(!strstr(body, "\"kind\":\"ConfigMap\""));
	free(body);
	EXPECT_INT(ask(&b, "GET", "/api/v1/configmaps?limit=2&continue=1003%3Adefault%2Fb", NULL,
		       NULL, &body),
		   200);
	EXPECT_CONTAINS(body, "\"name\":\"c\"");
	EXPECT(!strstr(body, "\"name\":\"b\"") && !strstr(body, "continue"));
	free(body);
	EXPECT_INT(
	    ask(&b, "GET", "/api/v1/configmaps?fieldSelector=metadata.name%3Db", NULL, NULL, &body),
	    200);
	EXPECT(strstr(body, "\"name\":\"b\"") && !strstr(body, "\"name\":\"a\""));
	free(body);
	EXPECT_INT(ask(&b, "GET", "/api/v1/configmaps?labelSelector=l%3Dv", NULL, NULL, &body),
		   200);
	EXPECT(strstr(body, "\"name\":\"a\"") && !strstr(body, "\"name\":\"b\""));
	free(body);
	EXPECT_INT(ask(&b, "GET", "/api/v1/configmaps?fieldSelector=spec.x%3Db", NULL, NULL, NULL),
		   400);
	model_patch(b.model, "configmaps", "default", "a", false, "{data: {k: v}}");
	model_compact(b.model);
	EXPECT_INT(ask(&b, "GET", "/api/v1/configmaps?limit=2&continue=1003%3Adefault%2Fb", NULL,
		       NULL, &body),
		   410);
	EXPECT_CONTAINS(body, "\"reason\":\"Expired\"");
	free(body);
	bench_release(&b);
}

TEST(api, refusals_and_switches)
{
	struct bench b;
	char *body;
	bench_init(&b, NULL, 0);
	model_keda_running(b.model, false);
	model_keda_refuses(b.model, 403, "no");
	EXPECT_INT(ask(&b, "POST", SO_PATH, "application/json", SO(""), &body), 403);
	EXPECT_CONTAINS(body,
			"admission webhook \\\"vscaledobject.kb.io\\\" denied the request: no");
	free(body);
	model_keda_refuses(b.model, 403, NULL);
	model_namespace_terminating(b.model, "default", true);
	EXPECT_INT(ask(&b, "POST", SO_PATH, "application/json", SO(""), &body), 403);
	EXPECT_CONTAINS(body, "because it is being terminated");
	free(body);
	model_namespace_terminating(b.model, "default", false);
	model_keda_installed(b.model, false);
	EXPECT_INT(ask(&b, "POST", SO_PATH, "application/json", SO(""), NULL), 404);
	model_keda_installed(b.model, true);
	model_keda_running(b.model, true);
	EXPECT_INT(ask(&b, "POST", SO_PATH, "application/json", SO(""), &body), 404);
	EXPECT_CONTAINS(body, "Deployment.apps \\\"x-00001-deployment\\\" not found");
	free(body);
	model_keda_running(b.model, false);
	EXPECT_INT(ask(&b, "POST", SO_PATH, "application/json", SO(""), NULL), 201);
	model_keda_installed(b.model, false);
	EXPECT_INT(model_count(b.model, "scaledobjects"), 0);
	bench_release(&b);
}

/* ---- watches ---- */

TEST(watches, watch_list_then_changes)
{
	struct bench b;
	struct ear ear;
	bench_init(&b, NULL, 0);
	model_apply(b.model, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
	watch(&b, &ear,
	      "/api/v1/configmaps?watch=1&allowWatchBookmarks=true&timeoutSeconds=100&"
	      "sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
	      0);
	EXPECT_INT(ear.heads, 1);
	EXPECT_INT(ear.status, 200);
	EXPECT_INT(count_of(&ear, "{\"type\":\"ADDED\""), 1);
	EXPECT_CONTAINS(ear.data.buf, "\"k8s.io/initial-events-end\":\"true\"");
	EXPECT_CONTAINS(ear.data.buf, "\"resourceVersion\":\"1001\"");
	strbuf_reset(&ear.data);
	model_patch(b.model, "configmaps", "default", "a", false, "{data: {k: v}}");
	model_delete(b.model, "configmaps", "default", "a");
	run(&b, WIRE_BACK_MS);
	EXPECT_INT(count_of(&ear, "{\"type\":\"MODIFIED\""), 1);
	EXPECT_INT(count_of(&ear, "{\"type\":\"DELETED\""), 1);
	EXPECT_INT(count_of(&ear, "\n"), 2);
	EXPECT_CONTAINS(ear.data.buf, "\"resourceVersion\":\"1003\"");
	strbuf_reset(&ear.data);
	run(&b, 61000);
	EXPECT_INT(count_of(&ear, "{\"type\":\"BOOKMARK\""), 1);
	EXPECT_CONTAINS(ear.data.buf, "\"resourceVersion\":\"1003\"");
	EXPECT_INT(ear.dones, 0);
	run(&b, 40000);
	EXPECT_INT(ear.dones, 1);
	EXPECT_INT(ear.kind, ERROR_NONE);
	hang_up(&ear);
	bench_release(&b);
}

TEST(watches, resumes_or_is_too_old)
{
	struct bench b;
	struct ear ear;
	bench_init(&b, NULL, 0);
	model_apply(b.model, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
	model_patch(b.model, "configmaps", "default", "a", false, "{data: {k: v}}");
	watch(&b, &ear, "/api/v1/configmaps?watch=true&resourceVersion=1001", 0);
	EXPECT_INT(count_of(&ear, "\"MODIFIED\""), 1);
	EXPECT_INT(count_of(&ear, "\"ADDED\""), 0);
	hang_up(&ear);
	model_compact(b.model);
	watch(&b, &ear, "/api/v1/configmaps?watch=true&resourceVersion=1001", 0);
	EXPECT_INT(count_of(&ear, "{\"type\":\"ERROR\""), 1);
	EXPECT_CONTAINS(ear.data.buf, "\"code\":410");
	EXPECT_INT(ear.dones, 1);
	hang_up(&ear);
	watch(&b, &ear, "/api/v1/configmaps?watch=true&resourceVersion=1002", 0);
	EXPECT_TEXT(ear.data.buf, "");
	EXPECT_INT(ear.dones, 0);
	hang_up(&ear);
	bench_release(&b);
}

TEST(watches, refused_ones)
{
	static const struct {
		const char *query;
		int status;
	} rows[] = {
	    {"watch=1&sendInitialEvents=true", 422},
	    {"watch=1&resourceVersionMatch=NotOlderThan", 422},
	    {"watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan", 422},
	    {"watch=1&fieldSelector=spec.a%3D1", 400},
	};
	struct bench b;
	struct ear ear;
	bench_init(&b, NULL, 0);
	model_watch_list_offered(b.model, false);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(strbuf_release) struct strbuf path = STRBUF_INIT;
		test_row("%s", rows[i].query);
		strbuf_addf(&path, "/api/v1/configmaps?%s", rows[i].query);
		watch(&b, &ear, path.buf, 0);
		EXPECT_INT(ear.heads, 0);
		EXPECT_INT(ear.dones, 1);
		EXPECT_INT(ear.status, rows[i].status);
		EXPECT_CONTAINS(ear.data.buf, "\"kind\":\"Status\"");
		hang_up(&ear);
	}
	test_row("%s", "");
	model_keda_installed(b.model, false);
	watch(&b, &ear, "/apis/keda.sh/v1alpha1/scaledobjects?watch=1", 0);
	EXPECT_INT(ear.status, 404);
	hang_up(&ear);
	bench_release(&b);
}

TEST(watches, end_with_their_crd)
{
	struct bench b;
	struct ear ear;
	bench_init(&b, NULL, 0);
	watch(&b, &ear, "/apis/keda.sh/v1alpha1/scaledobjects?watch=1", 0);
	EXPECT_INT(ear.dones, 0);
	model_keda_installed(b.model, false);
	run(&b, WIRE_BACK_MS);
	EXPECT_INT(ear.dones, 1);
	hang_up(&ear);
	bench_release(&b);
}

TEST(watches, select_by_name_and_namespace)
{
	struct bench b;
	struct ear ear;
	bench_init(&b, NULL, 0);
	watch(&b, &ear,
	      "/api/v1/namespaces/default/configmaps?watch=1&fieldSelector=metadata.name%3Db", 0);
	model_apply(b.model,
		    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n"
		    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n---\n"
		    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: c}\n");
	run(&b, WIRE_BACK_MS);
	EXPECT_INT(count_of(&ear, "\n"), 1);
	EXPECT_CONTAINS(ear.data.buf, "\"name\":\"b\",\"namespace\":\"default\"");
	hang_up(&ear);
	bench_release(&b);
}

TEST_MAIN(TEST_OF(api, creates_and_reads), TEST_OF(api, patches_with_versions),
	  TEST_OF(api, fields_are_checked), TEST_OF(api, status_of_a_podautoscaler_needs_its_names),
	  TEST_OF(api, deletes_by_precondition_and_finalizer),
	  TEST_OF(api, garbage_goes_with_its_owners), TEST_OF(api, lists_in_pages),
	  TEST_OF(api, refusals_and_switches), TEST_OF(watches, watch_list_then_changes),
	  TEST_OF(watches, resumes_or_is_too_old), TEST_OF(watches, refused_ones),
	  TEST_OF(watches, end_with_their_crd), TEST_OF(watches, select_by_name_and_namespace))
