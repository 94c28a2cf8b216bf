/*
 * What the model does with writes beyond single objects' versions: dry runs, warnings, propagation
 * of deletes, Namespaces, bodies in protobuf.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "test/lib/model_internal.h"
#include "test/unit/model_bench.h"

#define PROTOBUF "application/vnd.kubernetes.protobuf"

static int send_as(struct bench *b, const char *method, const char *path, const char *type,
		   const char *body, size_t length)
{
	struct model_request request = {method, path, type, body, length, NULL, 0};
	model_handle(b->model, &request, &b->answer);
	return b->answer.status;
}

static int send(struct bench *b, const char *method, const char *path, const char *body)
{
	return send_as(b, method, path, "application/json", body, body ? strlen(body) : 0);
}

static void run(struct bench *b, int64_t ms)
{
	fake_clock_run(&b->clock, b->timers, ms);
}

/* A ConfigMap owned by another one, which must be there. */
static void apply_owned(struct bench *b, const char *name, const char *owner, const char *rest)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	const struct json *of = model_get(b->model, "configmaps", "default", owner);
	strbuf_addf(&text,
		    "{apiVersion: v1, kind: ConfigMap, metadata: {name: %s%s, ownerReferences: "
		    "[{apiVersion: v1, kind: ConfigMap, name: %s, uid: %s}]}}",
		    name, rest, owner, json_text_or(json_path(of, "metadata", "uid", NULL), ""));
	model_apply(b->model, text.buf);
}

static bool there(struct bench *b, const char *name)
{
	return model_get(b->model, "configmaps", "default", name) != NULL;
}

TEST(dry_runs, change_nothing)
{
	struct bench b;
	bench_init(&b);
	uint64_t before = model_version(b.model);
	EXPECT_INT(send(&b, "POST", CM "?dryRun=All", "{\"metadata\":{\"name\":\"a\"}}"), 201);
	EXPECT_CONTAINS(b.answer.body.buf, "\"uid\":");
	EXPECT(!strstr(b.answer.body.buf, "resourceVersion"));
	EXPECT(!there(&b, "a"));
	model_apply(b.model, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}");
	EXPECT_INT(model_version(b.model), before + 1);
	EXPECT_INT(send_as(&b, "PATCH", CM "/a?dryRun=All", "application/merge-patch+json",
			   "{\"data\":{\"k\":\"v\"}}", 18),
		   200);
	EXPECT_CONTAINS(b.answer.body.buf, "\"k\":\"v\"");
	EXPECT_INT(send(&b, "DELETE", CM "/a?dryRun=All", NULL), 200);
	EXPECT_INT(send(&b, "DELETE", CM "/a", "{\"dryRun\":[\"All\"]}"), 200);
	EXPECT(there(&b, "a"));
	EXPECT(!json_get(model_get(b.model, "configmaps", "default", "a"), "data"));
	EXPECT_INT(model_version(b.model), before + 1);
	EXPECT_INT(send(&b, "POST", CM "?dryRun=Some", "{\"metadata\":{\"name\":\"b\"}}"), 422);
	bench_release(&b);
}

TEST(warnings, name_unknown_fields)
{
	static const struct {
		const char *query, *warnings;
		int status;
	} rows[] = {{"", "unknown field \"spec.bogus\"\n", 201},
		    {"?fieldValidation=Warn", "unknown field \"spec.bogus\"\n", 201},
		    {"?fieldValidation=Ignore", "", 201},
		    {"?fieldValidation=Strict", "", 400}};
	static const char object[] =
	    "{\"apiVersion\":\"networking.internal.knative.dev/v1alpha1\",\"kind\":"
	    "\"ServerlessService\",\"metadata\":{\"name\":\"x\"},\"spec\":{\"bogus\":1,"
	    "\"protocolType\":\"http1\"}}";
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(strbuf_release) struct strbuf path = STRBUF_INIT;
		struct bench b;
		bench_init(&b);
		test_row("%s", rows[i].query);
		strbuf_addf(&path,
			    "/apis/networking.internal.knative.dev/v1alpha1/namespaces/default/"
			    "serverlessservices%s",
			    rows[i].query);
		EXPECT_INT(send(&b, "POST", path.buf, object), rows[i].status);
		EXPECT_TEXT(b.answer.warnings.buf, rows[i].warnings);
		bench_release(&b);
	}
}

#define SO "/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects"

/* As the API server: causes by field; of a patch's unknown fields nothing else; of a webhook's
 * refusal none. */
TEST(refusals, carry_details)
{
	static const struct {
		const char *patch, *details;
	} rows[] = {
	    {"{\"spec\":{\"pollingInterval\":0}}",
	     "\"details\":{\"name\":\"x\",\"group\":\"keda.sh\",\"kind\":\"ScaledObject\","
	     "\"causes\":[{"
	     "\"reason\":\"FieldValueInvalid\",\"message\":\"Invalid value: 0: "
	     "spec.pollingInterval in body should be greater than or equal to 1\",\"field\":"
	     "\"spec.pollingInterval\"}]}"},
	    {"{\"spec\":{\"fallback\":{\"behavior\":\"x\",\"failureThreshold\":1,\"replicas\":1}}}",
	     "\"reason\":\"FieldValueNotSupported\",\"message\":\"Unsupported value: \\\"x\\\": "
	     "supported values: \\\"static\\\", \\\"currentReplicas\\\","},
	    {"{\"spec\":{\"bogus\":0}}", "\"details\":{\"causes\":[{\"reason\":"
					 "\"FieldValueInvalid\",\"message\":\"Invalid value: "
					 "\\\"{\\\\\\\"apiVersion"},
	};
	struct bench b;
	bench_init(&b);
	model_keda_running(b.model, false);
	model_apply(b.model,
		    "{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: x}, "
		    "spec: {scaleTargetRef: {name: d}, triggers: [{type: cpu, metadata: "
		    "{value: '5'}}]}}");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s", rows[i].patch);
		EXPECT_INT(send_as(&b, "PATCH", SO "/x?fieldValidation=Strict",
				   "application/merge-patch+json", rows[i].patch,
				   strlen(rows[i].patch)),
			   422);
		EXPECT_CONTAINS(b.answer.body.buf, rows[i].details);
	}
	test_row("%s", "");
	EXPECT_INT(send(&b, "POST", CM, "{\"metadata\":{\"name\":\"\"}}"), 422);
	EXPECT_CONTAINS(
	    b.answer.body.buf,
	    "\"causes\":[{\"reason\":\"FieldValueRequired\",\"message\":\"Required value: "
	    "name or generateName is required\",\"field\":\"metadata.name\"}]");
	model_keda_refuses(b.model, 403, "no");
	EXPECT_INT(send_as(&b, "PATCH", SO "/x", "application/merge-patch+json",
			   "{\"spec\":{\"pollingInterval\":7}}", 30),
		   403);
	EXPECT(!strstr(b.answer.body.buf, "details"));
	EXPECT_INT(send(&b, "GET", SO "/y", NULL), 404);
	EXPECT_CONTAINS(
	    b.answer.body.buf,
	    "\"details\":{\"name\":\"y\",\"group\":\"keda.sh\",\"kind\":\"scaledobjects\"}");
	bench_release(&b);
}

/* What people get wrong in a ksvc. */
TEST(fields, of_a_service)
{
	static const struct {
		const char *spec, *text;
		int status;
	} rows[] = {
	    {"{\"template\":{\"metadata\":{\"annotations\":{\"a\":\"b\"},\"creationTimestamp\":"
	     "null,"
	     "\"other\":1},\"spec\":{\"containers\":[{\"image\":\"x\",\"resources\":{\"any\":1}}],"
	     "\"timeoutSeconds\":5}}}",
	     "\"other\":1", 201},
	    {"{\"template\":{\"annotations\":{}}}",
	     "unknown field \\\"spec.template.annotations\\\"", 400},
	    {"{\"template\":{\"spec\":{\"containers\":[{\"imag\":\"x\"}]}}}",
	     "unknown field \\\"spec.template.spec.containers[0].imag\\\"", 400},
	    {"{\"template\":{\"metadata\":{\"annotations\":{\"a\":5}}}}",
	     "spec.template.metadata.annotations.a in body must be of type string", 422},
	    {"{\"template\":{\"spec\":{\"timeoutSeconds\":\"5\"}}}", "must be of type integer",
	     422},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(strbuf_release) struct strbuf body = STRBUF_INIT;
		struct bench b;
		bench_init(&b);
		test_row("%s", rows[i].spec);
		strbuf_addf(&body,
			    "{\"apiVersion\":\"serving.knative.dev/v1\",\"kind\":\"Service\","
			    "\"metadata\":{\"name\":\"s\"},\"spec\":%s}",
			    rows[i].spec);
		EXPECT_INT(send(&b, "POST",
				"/apis/serving.knative.dev/v1/namespaces/default/services"
				"?fieldValidation=Strict",
				body.buf),
			   rows[i].status);
		EXPECT_CONTAINS(b.answer.body.buf, rows[i].text);
		bench_release(&b);
	}
}

TEST(deletes, propagate_as_told)
{
	static const struct {
		const char *body;
		bool owner_at_once, child_at_once, owner_later, child_later;
	} rows[] = {
	    {"{\"propagationPolicy\":\"Background\"}", false, true, false, false},
	    {NULL, false, true, false, false},
	    {"{\"propagationPolicy\":\"Orphan\"}", false, true, false, true},
	    {"{\"propagationPolicy\":\"Foreground\"}", true, true, false, false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench b;
		bench_init(&b);
		test_row("%s", rows[i].body ? rows[i].body : "no body");
		model_apply(b.model, "{apiVersion: v1, kind: ConfigMap, metadata: {name: owner}}");
		apply_owned(&b, "child", "owner", "");
		EXPECT_INT(send(&b, "DELETE", CM "/owner", rows[i].body), 200);
		EXPECT_INT(there(&b, "owner"), rows[i].owner_at_once);
		EXPECT_INT(there(&b, "child"), rows[i].child_at_once);
		run(&b, 3000);
		EXPECT_INT(there(&b, "owner"), rows[i].owner_later);
		EXPECT_INT(there(&b, "child"), rows[i].child_later);
		bench_release(&b);
	}
}

TEST(deletes, in_the_foreground_wait_for_finalizers)
{
	struct bench b;
	bench_init(&b);
	model_apply(b.model, "{apiVersion: v1, kind: ConfigMap, metadata: {name: owner}}");
	apply_owned(&b, "child", "owner", ", finalizers: [x/y]");
	EXPECT_INT(send(&b, "DELETE", CM "/owner?propagationPolicy=Foreground", NULL), 200);
	EXPECT_CONTAINS(b.answer.body.buf, "\"finalizers\":[\"foregroundDeletion\"]");
	run(&b, 5000);
	EXPECT(there(&b, "owner") && there(&b, "child"));
	model_patch(b.model, "configmaps", "default", "child", false,
		    "{metadata: {finalizers: null}}");
	run(&b, 2000);
	EXPECT(!there(&b, "owner") && !there(&b, "child"));
	EXPECT_INT(send(&b, "DELETE", CM "/none?propagationPolicy=Sideways", NULL), 422);
	bench_release(&b);
}

TEST(namespaces, hold_their_content)
{
	struct bench b;
	bench_init(&b);
	/* A world without any has them all. */
	EXPECT_INT(send(&b, "POST", CM, "{\"metadata\":{\"name\":\"early\"}}"), 201);
	EXPECT_INT(send(&b, "POST", "/api/v1/namespaces", "{\"metadata\":{\"name\":\"team\"}}"),
		   201);
	EXPECT_CONTAINS(b.answer.body.buf, "\"phase\":\"Active\"");
	EXPECT_CONTAINS(b.answer.body.buf, "\"kubernetes.io/metadata.name\":\"team\"");
	EXPECT_INT(send(&b, "POST", CM, "{\"metadata\":{\"name\":\"a\"}}"), 404);
	EXPECT_CONTAINS(b.answer.body.buf, "namespaces \\\"default\\\" not found");
	EXPECT_INT(send(&b, "POST", "/api/v1/namespaces/team/configmaps",
			"{\"metadata\":{\"name\":\"a\"}}"),
		   201);
	EXPECT_INT(send(&b, "DELETE", "/api/v1/namespaces/team", NULL), 200);
	EXPECT_CONTAINS(b.answer.body.buf, "\"phase\":\"Terminating\"");
	EXPECT_INT(send(&b, "POST", "/api/v1/namespaces/team/configmaps",
			"{\"metadata\":{\"name\":\"b\"}}"),
		   403);
	run(&b, 2000);
	EXPECT_INT(send(&b, "GET", "/api/v1/namespaces/team", NULL), 404);
	EXPECT_INT(send(&b, "GET", "/api/v1/namespaces/team/configmaps/a", NULL), 404);
	EXPECT(there(&b, "early"));
	bench_release(&b);
}

/* ---- protobuf ---- */

#define NAMESPACE                                                                                  \
	"k8s\0\n\x0f\n\x02v1\x12\tNamespace\x12\x1c\n\x14\n\x04team\x12\0\x1a\0\"\0*\0"            \
	"2\0008\0B\0\x12\0\x1a\x02\n\0\x1a\0\"\0"
#define CONFIGMAP                                                                                  \
	"k8s\0\n\x0f\n\x02v1\x12\tConfigMap\x12\x1b\n\x11\n\x01x\x12\0\x1a\0\"\0*\0"               \
	"2\0008\0B\0\x12\x06\n\x01"                                                                \
	"a\x12\x01"                                                                                \
	"b\x1a\0\"\0"

TEST(protobuf, of_kubectl_create)
{
	struct bench b;
	bench_init(&b);
	EXPECT_INT(send_as(&b, "POST", CM, PROTOBUF, CONFIGMAP, sizeof(CONFIGMAP) - 1), 201);
	EXPECT_CONTAINS(b.answer.body.buf, "\"name\":\"x\"");
	EXPECT_CONTAINS(b.answer.body.buf, "\"data\":{\"a\":\"b\"}");
	EXPECT_INT(
	    send_as(&b, "POST", "/api/v1/namespaces", PROTOBUF, NAMESPACE, sizeof(NAMESPACE) - 1),
	    201);
	EXPECT_CONTAINS(b.answer.body.buf, "\"name\":\"team\"");
	EXPECT_INT(send_as(&b, "POST", "/apis/apps/v1/namespaces/team/deployments", PROTOBUF,
			   NAMESPACE, sizeof(NAMESPACE) - 1),
		   415);
	EXPECT_INT(
	    send_as(&b, "POST", "/api/v1/namespaces", PROTOBUF, CONFIGMAP, sizeof(CONFIGMAP) - 1),
	    400);
	EXPECT_INT(send_as(&b, "POST", CM, PROTOBUF, "k8", 2), 400);
	EXPECT_INT(send_as(&b, "POST", CM, "text/plain", "x", 1), 415);
	bench_release(&b);
}

TEST(protobuf, broken_bytes_are_refused)
{
	uint64_t state = 7;
	const struct kind kind = {.name = "ConfigMap"};
	char text[sizeof(CONFIGMAP)];
	/* test_mutate takes texts; what is no NUL here is shifted back below. */
	for (size_t i = 0; i < sizeof(CONFIGMAP) - 1; i++)
		text[i] = CONFIGMAP[i] ? CONFIGMAP[i] : '\x7f';
	text[sizeof(CONFIGMAP) - 1] = '\0';
	for (int i = 0; i < 20000; i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct json *out;
		size_t length;
		char *body = test_mutate(&state, text, &length);
		for (size_t j = 0; j < length; j++)
			body[j] = body[j] == '\x7f' ? '\0' : body[j];
		if (!protobuf_read(&kind, arena, body, length, &out, &err))
			EXPECT_INT(err.kind, ERROR_INVALID);
		free(body);
	}
	for (size_t cut = 0; cut < sizeof(CONFIGMAP) - 1; cut++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct json *out;
		char *body = xmalloc(cut ? cut : 1);
		memcpy(body, CONFIGMAP, cut);
		bool ok = protobuf_read(&kind, arena, body, cut, &out, &err);
		EXPECT(ok == (err.kind == ERROR_NONE));
		free(body);
	}
}

TEST_MAIN(TEST_OF(dry_runs, change_nothing), TEST_OF(warnings, name_unknown_fields),
	  TEST_OF(refusals, carry_details), TEST_OF(fields, of_a_service),
	  TEST_OF(deletes, propagate_as_told),
	  TEST_OF(deletes, in_the_foreground_wait_for_finalizers),
	  TEST_OF(namespaces, hold_their_content), TEST_OF(protobuf, of_kubectl_create),
	  TEST_OF(protobuf, broken_bytes_are_refused))
