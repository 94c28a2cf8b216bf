/*
 * What the model answers to readers: selectors, Tables, pages, states of the past, discovery; and
 * what it does with paths that nobody should send.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "test/unit/model_bench.h"

#define TABLE "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

static const char *ask_as(struct bench *b, const char *path, const char *accept, uint64_t behind)
{
	struct model_request request = {"GET", path, NULL, NULL, 0, accept, behind};
	model_handle(b->model, &request, &b->answer);
	return b->answer.body.buf;
}

static const char *ask(struct bench *b, const char *path)
{
	return ask_as(b, path, "application/json", 0);
}

/* The names of a list, "a b". */
static const char *names(struct bench *b, const char *path, struct strbuf *out)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *list = NULL;
	const char *text = ask(b, path);
	strbuf_reset(out);
	if (!json_parse(text, strlen(text), NULL, arena, &list, &err))
		return text;
	const struct json *items = json_get(list, "items");
	for (size_t i = 0; i < json_count(items); i++)
		strbuf_addf(
		    out, "%s%s", i ? " " : "",
		    json_text_or(json_path(json_at(items, i), "metadata", "name", NULL), "?"));
	return items ? out->buf : text;
}

TEST(selectors, choose)
{
	static const struct {
		const char *query, *want;
	} rows[] = {
	    {"labelSelector=app%3Dx", "a b"},
	    {"labelSelector=app%3D%3Dx", "a b"},
	    {"labelSelector=app%3Dx,tier!%3Dfront", "b"},
	    {"labelSelector=tier!%3Dfront", "b c"},
	    {"labelSelector=app+in+(x,z)", "a b c"},
	    {"labelSelector=app%20in%20(z)", "c"},
	    {"labelSelector=app+notin+(x)", "c"},
	    {"labelSelector=tier", "a"},
	    {"labelSelector=!tier", "b c"},
	    {"labelSelector=app%3Dx%2C!tier", "b"},
	    {"labelSelector=", "a b c"},
	    {"fieldSelector=metadata.name%3Db", "b"},
	    {"fieldSelector=metadata.name!%3Db", "a c"},
	    {"fieldSelector=metadata.namespace%3Ddefault,metadata.name%3Dc", "c"},
	    {"fieldSelector=metadata.name%3Dnone", ""},
	};
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf path = STRBUF_INIT;
	struct bench b;
	bench_init(&b);
	model_apply(b.model, "apiVersion: v1\nkind: ConfigMap\n"
			     "metadata: {name: a, labels: {app: x, tier: front}}\n---\n"
			     "apiVersion: v1\nkind: ConfigMap\n"
			     "metadata: {name: b, labels: {app: x}}\n---\n"
			     "apiVersion: v1\nkind: ConfigMap\n"
			     "metadata: {name: c, labels: {app: z}}\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s", rows[i].query);
		strbuf_reset(&path);
		strbuf_addf(&path, CM "?%s", rows[i].query);
		EXPECT_TEXT(names(&b, path.buf, &out), rows[i].want);
	}
	bench_release(&b);
}

TEST(selectors, refuse)
{
	static const char *const queries[] = {
	    "labelSelector=app%3Dx%3Dy", "labelSelector=app+in+x",
	    "labelSelector=app+in+(x",   "labelSelector=app+near+(x)",
	    "labelSelector=,",           "labelSelector=(a)",
	    "fieldSelector=spec.x%3D1",  "fieldSelector=metadata.name",
	    "fieldSelector=reason%3Dx",  "fieldSelector=metadata.name+in+(a,b)"};
	struct bench b;
	bench_init(&b);
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		CLEANUP(strbuf_release) struct strbuf path = STRBUF_INIT;
		test_row("%s", queries[i]);
		strbuf_addf(&path, CM "?%s", queries[i]);
		EXPECT_CONTAINS(ask(&b, path.buf), "\"reason\":\"BadRequest\"");
		EXPECT_INT(b.answer.status, 400);
	}
	bench_release(&b);
}

TEST(selectors, of_events)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct bench b;
	bench_init(&b);
	model_apply(b.model,
		    "apiVersion: v1\nkind: Event\nmetadata: {name: e1}\n"
		    "involvedObject: {kind: Revision, name: r, namespace: default, uid: u}\n"
		    "reason: Bad\n---\n"
		    "apiVersion: v1\nkind: Event\nmetadata: {name: e2}\n"
		    "involvedObject: {kind: Service, name: r, namespace: default, uid: v}\n");
	EXPECT_TEXT(names(&b,
			  "/api/v1/namespaces/default/events?fieldSelector="
			  "involvedObject.name%3Dr%2CinvolvedObject.namespace%3Ddefault%2C"
			  "involvedObject.kind%3DRevision%2CinvolvedObject.uid%3Du&limit=500",
			  &out),
		    "e1");
	EXPECT_TEXT(names(&b, "/api/v1/events?fieldSelector=reason!%3DBad", &out), "e2");
	bench_release(&b);
}

/* ---- Tables ---- */

static const char *first_cells(struct bench *b, const char *path, struct strbuf *out)
{
	const char *text = ask_as(b, path, TABLE, 0);
	const char *from = strstr(text, "\"cells\":");
	const char *to = from ? strchr(from, ']') : NULL;
	strbuf_reset(out);
	if (to)
		strbuf_add(out, from + 8, (size_t)(to - from) - 7);
	return to ? out->buf : text;
}

TEST(tables, show_what_kubectl_shows)
{
	static const struct {
		const char *object, *path, *want;
	} rows[] = {
	    {"{apiVersion: serving.knative.dev/v1, kind: Revision, metadata: {name: r, labels: "
	     "{serving.knative.dev/configuration: c, serving.knative.dev/configurationGeneration: "
	     "'3'}}, status: {actualReplicas: 2, conditions: [{type: Ready, status: 'False', "
	     "reason: Bad}]}}",
	     "/apis/serving.knative.dev/v1/revisions",
	     "[\"r\",\"c\",\"3\",\"False\",\"Bad\",2,null]"},
	    {"{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: s}}",
	     "/apis/serving.knative.dev/v1/services", "[\"s\",null,null,null,null,null]"},
	    {"{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: b, c: d}}",
	     "/api/v1/configmaps", "[\"c\",2,\"3m20s\"]"},
	    {"{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: l}, spec: "
	     "{holderIdentity: me}}",
	     "/apis/coordination.k8s.io/v1/leases", "[\"l\",\"me\",\"3m20s\"]"},
	    {"{apiVersion: v1, kind: Namespace, metadata: {name: ns}}", "/api/v1/namespaces",
	     "[\"ns\",\"Active\",\"3m20s\"]"},
	    {"{apiVersion: v1, kind: Event, metadata: {name: e}, type: Warning, reason: Bad, "
	     "message: ' text ', involvedObject: {kind: Revision, name: r}, lastTimestamp: "
	     "'2026-01-01T00:03:10Z', firstTimestamp: '2026-01-01T00:00:00Z', count: 4, source: "
	     "{component: x}}",
	     "/api/v1/events",
	     "[\"10s\",\"Warning\",\"Bad\",\"revision/r\",\"\",\"x\",\"text\",\"3m20s\",4,\"e\"]"},
	    {"{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: h}, "
	     "spec: "
	     "{scaleTargetRef: {kind: Deployment, name: d}, maxReplicas: 5, metrics: ["
	     "{type: External, external: {target: {type: AverageValue, averageValue: '5'}}}, "
	     "{type: Resource, resource: {name: cpu, target: {averageUtilization: 70}}}, "
	     "{type: Resource, resource: {name: memory, target: {averageValue: 1Gi}}}]}, status: "
	     "{currentReplicas: 3, currentMetrics: [{type: External, external: {current: "
	     "{averageValue: 500m}}}]}}",
	     "/apis/autoscaling/v2/horizontalpodautoscalers",
	     "[\"h\",\"Deployment/d\",\"500m/5 (avg), cpu: <unknown>/70% + 1 more...\","
	     "\"<unset>\",5,3,\"3m20s\"]"},
	};
	CLEANUP(strbuf_release) struct strbuf cells = STRBUF_INIT;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench b;
		bench_init(&b);
		model_knative_running(b.model, false);
		model_hpa_running(b.model, false);
		test_row("%s", rows[i].path);
		model_apply(b.model, rows[i].object);
		if (strstr(rows[i].object, "status: {"))
			model_apply(b.model, rows[i].object);
		fake_clock_advance(&b.clock, 200000);
		EXPECT_TEXT(first_cells(&b, rows[i].path, &cells), rows[i].want);
		bench_release(&b);
	}
}

TEST(tables, ages)
{
	static const struct {
		int64_t seconds;
		const char *want;
	} rows[] = {{0, "0s"},          {119, "119s"},     {120, "2m"},        {125, "2m5s"},
		    {599, "9m59s"},     {600, "10m"},      {10799, "179m"},    {10800, "3h"},
		    {10860, "3h1m"},    {28800, "8h"},     {172799, "47h"},    {172800, "2d"},
		    {176400, "2d1h"},   {691200, "8d"},    {63071999, "729d"}, {63072000, "2y"},
		    {63158400, "2y1d"}, {252288000, "8y"}, {400000000, "12y"}};
	CLEANUP(strbuf_release) struct strbuf cells = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf want = STRBUF_INIT;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench b;
		bench_init(&b);
		model_apply(b.model, "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}");
		fake_clock_advance(&b.clock, rows[i].seconds * 1000);
		strbuf_reset(&want);
		strbuf_addf(&want, "[\"c\",0,\"%s\"]", rows[i].want);
		EXPECT_TEXT(first_cells(&b, CM, &cells), want.buf);
		bench_release(&b);
	}
}

TEST(tables, of_lists_objects_and_watches)
{
	CLEANUP(strbuf_release) struct strbuf line = STRBUF_INIT;
	struct bench b;
	bench_init(&b);
	model_apply(b.model, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}");
	const char *text = ask_as(&b, CM "?limit=500", TABLE, 0);
	EXPECT_CONTAINS(text, "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\"");
	EXPECT_CONTAINS(text, "\"resourceVersion\":\"1001\"");
	EXPECT_CONTAINS(text, "{\"name\":\"Name\",\"type\":\"string\",\"format\":\"name\"");
	EXPECT_CONTAINS(text, "\"object\":{\"kind\":\"PartialObjectMetadata\"");
	EXPECT(!strstr(ask_as(&b, CM "/a?includeObject=None", TABLE, 0), "\"object\""));
	EXPECT_CONTAINS(ask_as(&b, CM "/a?includeObject=Object", TABLE, 0),
			"\"object\":{\"apiVersion\":\"v1\"");
	EXPECT_CONTAINS(ask_as(&b, CM "/a", "application/json", 0), "\"kind\":\"ConfigMap\"");
	struct model_watch *watch =
	    model_watch_open_as(b.model, CM "?watch=true&resourceVersion=1000", TABLE, &b.answer);
	EXPECT(watch != NULL);
	EXPECT_INT(model_watch_next(watch, &line), WATCH_EVENT);
	EXPECT_CONTAINS(line.buf, "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Table\"");
	EXPECT_CONTAINS(line.buf, "\"columnDefinitions\":[{");
	model_patch(b.model, "configmaps", "default", "a", false, "{data: {k: v}}");
	EXPECT_INT(model_watch_next(watch, &line), WATCH_EVENT);
	EXPECT_CONTAINS(line.buf, "\"columnDefinitions\":null");
	EXPECT_CONTAINS(line.buf, "\"cells\":[\"a\",1,\"0s\"]");
	model_watch_free(watch);
	bench_release(&b);
}

/* ---- the past ---- */

TEST(past, is_shown_as_it_was)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct bench b;
	bench_init(&b);
	model_apply(b.model, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}");
	model_apply(b.model, "{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}");
	model_patch(b.model, "configmaps", "default", "a", false, "{data: {k: new}}");
	model_delete(b.model, "configmaps", "default", "b");
	EXPECT_TEXT(names(&b, CM, &out), "a");
	EXPECT_CONTAINS(ask_as(&b, CM, NULL, 1), "\"name\":\"b\"");
	EXPECT_CONTAINS(ask_as(&b, CM, NULL, 1), "\"resourceVersion\":\"1003\"");
	EXPECT_CONTAINS(ask_as(&b, CM, NULL, 1), "\"k\":\"new\"");
	EXPECT(!strstr(ask_as(&b, CM, NULL, 2), "\"k\":\"new\""));
	EXPECT(!strstr(ask_as(&b, CM, NULL, 3), "\"name\":\"b\""));
	EXPECT_CONTAINS(ask_as(&b, CM "/b", NULL, 1), "\"name\":\"b\"");
	ask_as(&b, CM "/b", NULL, 0);
	EXPECT_INT(b.answer.status, 404);
	ask_as(&b, CM "/a", NULL, 99999);
	EXPECT_INT(b.answer.status, 404);
	/* A page shows what the first one showed, whatever happened meanwhile. */
	EXPECT_CONTAINS(ask(&b, CM "?limit=1&continue=1003%3Adefault%2Fa"), "\"name\":\"b\"");
	bench_release(&b);
}

/* ---- watches that select ---- */

TEST(watches, of_selections_add_and_delete)
{
	CLEANUP(strbuf_release) struct strbuf line = STRBUF_INIT;
	struct bench b;
	bench_init(&b);
	model_apply(b.model, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}");
	struct model_watch *watch = model_watch_open(
	    b.model, CM "?watch=true&resourceVersion=1001&labelSelector=sel", &b.answer);
	static const struct {
		const char *patch, *type;
	} rows[] = {{"{metadata: {labels: {other: x}}}", NULL},
		    {"{metadata: {labels: {sel: x}}}", "ADDED"},
		    {"{metadata: {labels: {sel: z}}}", "MODIFIED"},
		    {"{metadata: {labels: {sel: null}}}", "DELETED"},
		    {"{metadata: {labels: {other: z}}}", NULL}};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s", rows[i].patch);
		model_patch(b.model, "configmaps", "default", "a", false, rows[i].patch);
		EXPECT_INT(model_watch_pending(watch), rows[i].type != NULL);
		EXPECT_INT(model_watch_next(watch, &line),
			   rows[i].type ? WATCH_EVENT : WATCH_NOTHING);
		if (rows[i].type)
			EXPECT_CONTAINS(line.buf, rows[i].type);
	}
	model_delete(b.model, "configmaps", "default", "a");
	EXPECT_INT(model_watch_next(watch, &line), WATCH_NOTHING);
	model_watch_free(watch);
	bench_release(&b);
}

/* ---- discovery ---- */

TEST(discovery, tells_what_is_installed)
{
	static const struct {
		const char *path, *text;
	} rows[] = {
	    {"/api", "\"versions\":[\"v1\"]"},
	    {"/apis?timeout=32s", "\"name\":\"keda.sh\",\"versions\":[{\"groupVersion\":"
				  "\"keda.sh/v1alpha1\",\"version\":\"v1alpha1\"}]"},
	    {"/apis/keda.sh", "\"kind\":\"APIGroup\""},
	    {"/apis/keda.sh/v1alpha1", "\"shortNames\":[\"so\"]"},
	    {"/apis/keda.sh/v1alpha1", "\"name\":\"scaledobjects/status\""},
	    {"/apis/serving.knative.dev/v1", "\"shortNames\":[\"kservice\",\"ksvc\"]"},
	    {"/api/v1", "\"name\":\"namespaces\",\"singularName\":\"namespace\","
			"\"namespaced\":false"},
	    {"/version", "\"gitVersion\":\"v1.36"},
	    {"/readyz", "ok"},
	    {"/openapi/v3", "\"apis/keda.sh/v1alpha1\""},
	    {"/openapi/v3/apis/keda.sh/v1alpha1", "\"name\":\"fieldValidation\""},
	    {"/openapi/v3/api/v1", "\"kind\":\"ConfigMap\""},
	    {"/openapi/v2", "\"swagger\":\"2.0\""},
	};
	struct bench b;
	bench_init(&b);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s", rows[i].path);
		EXPECT_CONTAINS(ask(&b, rows[i].path), rows[i].text);
		EXPECT_INT(b.answer.status, 200);
	}
	EXPECT_TEXT(ask_as(&b, "/openapi/v2",
			   "application/com.github.proto-openapi.spec.v2@v1.0"
			   "+protobuf",
			   0),
		    "");
	EXPECT_CONTAINS(b.answer.type, "protobuf");
	static const char aggregated[] =
	    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
	EXPECT_CONTAINS(
	    ask_as(&b, "/apis?timeout=32s", aggregated, 0),
	    "{\"metadata\":{\"name\":\"keda.sh\"},\"versions\":[{\"version\":\"v1alpha1\"");
	EXPECT_CONTAINS(b.answer.type, "as=APIGroupDiscoveryList");
	EXPECT_CONTAINS(ask_as(&b, "/api", aggregated, 0), "{\"resource\":\"namespaces\",");
	EXPECT_CONTAINS(b.answer.body.buf, "\"scope\":\"Cluster\"");
	model_keda_installed(b.model, false);
	EXPECT(!strstr(ask(&b, "/apis"), "keda.sh"));
	EXPECT(!strstr(ask_as(&b, "/apis", aggregated, 0), "keda.sh"));
	ask(&b, "/apis/keda.sh/v1alpha1");
	EXPECT_INT(b.answer.status, 404);
	bench_release(&b);
}

TEST(paths, that_nobody_should_send)
{
	static const char *const paths[] = {
	    "",
	    "/",
	    "//",
	    "/api/",
	    "/api/v2",
	    "/api/v1/",
	    "/api/v1/pods",
	    "/api/v1/namespaces/",
	    "/api/v1/namespaces//configmaps/",
	    "/api/v1/namespaces/../configmaps/a",
	    "/api/v1/namespaces/default/namespaces",
	    "/api/v1/namespaces/default/configmaps/a/b/c/d/e/f/g/h/i/j/k",
	    "/api/v1/configmaps/a",
	    "/apis/keda.sh//scaledobjects",
	    "/apis/%00/%ff/%",
	    "/api/v1/namespaces/default/configmaps/%2e%2e%2f",
	    "/api/v1/namespaces/default/configmaps/a?%&&=&fieldValidation",
	    "/openapi/v3/apis/nobody/v1",
	    "/openapi/v3/a/b/c/d/e/f/g",
	    "/apis/apps/v1/namespaces/default/deployments/d/scale",
	    "*",
	    "http://other/api/v1"};
	struct bench b;
	bench_init(&b);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		test_row("%s", paths[i]);
		ask(&b, paths[i]);
		EXPECT_INT(b.answer.status, 404);
	}
	char *path = xmalloc(40000);
	memset(path, 'a', 39999);
	memcpy(path, "/api/v1/namespaces/default/configmaps/", 38);
	path[39999] = '\0';
	ask(&b, path);
	EXPECT_INT(b.answer.status, 404);
	free(path);
	ask_as(&b, CM, "application/vnd.kubernetes.protobuf", 0);
	EXPECT_INT(b.answer.status, 406);
	bench_release(&b);
}

/* Whatever the bytes are, the answer is one of these. */
TEST(paths, broken_at_random)
{
	static const char *const seeds[] = {
	    CM "/a?includeObject=Object",
	    CM "?limit=1&continue=1001%3Adefault%2Fa",
	    CM "?labelSelector=app+in+(x,z),!tier,a%3D%3Db,c!%3Dd",
	    "/api/v1/events?fieldSelector=involvedObject.name%3Dr%2Creason!%3Dx",
	    "/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects/x/status?dryRun=All",
	    "/openapi/v3/apis/keda.sh/v1alpha1"};
	struct bench b;
	uint64_t state = 11;
	bench_init(&b);
	model_apply(b.model, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}");
	for (int i = 0; i < 20000; i++) {
		size_t length;
		char *bytes = test_mutate(&state, seeds[(size_t)i % ARRAY_SIZE(seeds)], &length);
		char *path = xstrndup(bytes, length);
		ask_as(&b, path, i % 2 ? TABLE : "application/json", (uint64_t)(i % 3));
		int status = b.answer.status;
		test_row("%s", path);
		EXPECT(status == 200 || status == 400 || status == 404 || status == 410);
		free(path);
		free(bytes);
	}
	bench_release(&b);
}

TEST_MAIN(TEST_OF(selectors, choose), TEST_OF(selectors, refuse), TEST_OF(selectors, of_events),
	  TEST_OF(tables, show_what_kubectl_shows), TEST_OF(tables, ages),
	  TEST_OF(tables, of_lists_objects_and_watches), TEST_OF(past, is_shown_as_it_was),
	  TEST_OF(watches, of_selections_add_and_delete),
	  TEST_OF(discovery, tells_what_is_installed), TEST_OF(paths, that_nobody_should_send),
	  TEST_OF(paths, broken_at_random))
