/*
 * Objects that nobody should send, in a living cluster: a value anywhere in a good object is
 * replaced by one of another type, and the object is created, replaced or patched while the
 * stand-ins work on what was accepted. The model answers each request, and goes on.
 */
#include <stdlib.h>
#include <string.h>

#include "test/lib/fake_clock.h"
#include "test/lib/model.h"
#include "test/lib/test.h"

#define ROUNDS 6000
#define NS(group, plural) "/apis/" group "/namespaces/default/" plural

struct seed {
	const char *path, *name, *body;
};

static const struct seed seeds[] = {
    {NS("serving.knative.dev/v1", "services"), "s",
     "{\"apiVersion\":\"serving.knative.dev/v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"s\","
     "\"labels\":{\"a\":\"b\"},\"annotations\":{\"c\":\"d\"}},\"spec\":{\"template\":{"
     "\"metadata\":{\"annotations\":{\"autoscaling.knative.dev/class\":"
     "\"hpa.autoscaling.knative.dev\",\"autoscaling.knative.dev/min-scale\":\"1\"},\"labels\":{"
     "\"l\":\"m\"}},\"spec\":{\"containers\":[{\"image\":\"x\",\"name\":\"u\",\"ports\":[{"
     "\"containerPort\":80}],\"resources\":{\"requests\":{\"cpu\":\"1\"}}}],"
     "\"containerConcurrency\":1,\"timeoutSeconds\":5}},\"traffic\":[{\"percent\":100,"
     "\"latestRevision\":true}]},\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":"
     "\"True\"}]}}"},
    {NS("keda.sh/v1alpha1", "scaledobjects"), "so",
     "{\"apiVersion\":\"keda.sh/v1alpha1\",\"kind\":\"ScaledObject\",\"metadata\":{\"name\":\"so\","
     "\"annotations\":{\"autoscaling.keda.sh/paused-replicas\":\"2\"},\"finalizers\":[\"a/b\"]},"
     "\"spec\":{\"scaleTargetRef\":{\"name\":\"d\"},\"minReplicaCount\":0,\"maxReplicaCount\":3,"
     "\"pollingInterval\":5,\"fallback\":{\"failureThreshold\":1,\"replicas\":1},\"advanced\":{"
     "\"scalingModifiers\":{\"formula\":\"q\",\"target\":\"5\"},"
     "\"horizontalPodAutoscalerConfig\":{\"name\":\"h\",\"behavior\":{\"scaleUp\":{\"policies\":[{"
     "\"type\":\"Pods\",\"value\":1,\"periodSeconds\":5}]}}}},\"triggers\":[{\"type\":"
     "\"prometheus\",\"name\":\"q\",\"metadata\":{\"serverAddress\":\"http://p\",\"query\":\"q\","
     "\"threshold\":\"5\"},\"authenticationRef\":{\"name\":\"x\"}},{\"type\":\"cpu\","
     "\"metricType\":\"Utilization\",\"metadata\":{\"value\":\"50\"}}]}}"},
    {NS("apps/v1", "deployments"), "d",
     "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"d\","
     "\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":\"c\",\"uid\":"
     "\"u\",\"controller\":true}]},\"spec\":{\"replicas\":1,\"selector\":{\"matchLabels\":{\"a\":"
     "\"b\"}},\"template\":{\"spec\":{\"containers\":[{\"name\":\"x\",\"image\":\"y\"}]}}},"
     "\"status\":{\"replicas\":1,\"readyReplicas\":1}}"},
    {NS("autoscaling/v2", "horizontalpodautoscalers"), "h",
     "{\"apiVersion\":\"autoscaling/v2\",\"kind\":\"HorizontalPodAutoscaler\",\"metadata\":{"
     "\"name\":\"h\"},\"spec\":{\"scaleTargetRef\":{\"kind\":\"Deployment\",\"name\":\"d\"},"
     "\"minReplicas\":1,\"maxReplicas\":3,\"metrics\":[{\"type\":\"External\",\"external\":{"
     "\"metric\":{\"name\":\"s0\"},\"target\":{\"type\":\"AverageValue\",\"averageValue\":\"5\"}}"
     "}]},\"status\":{\"currentMetrics\":[{\"type\":\"External\"}]}}"},
    {NS("autoscaling.internal.knative.dev/v1alpha1", "podautoscalers"), "p",
     "{\"apiVersion\":\"autoscaling.internal.knative.dev/v1alpha1\",\"kind\":\"PodAutoscaler\","
     "\"metadata\":{\"name\":\"p\",\"annotations\":{\"autoscaling.knative.dev/class\":\"x\"}},"
     "\"spec\":{\"reachability\":\"Reachable\",\"scaleTargetRef\":{\"kind\":\"Deployment\","
     "\"name\":\"d\"}},\"status\":{\"serviceName\":\"\",\"metricsServiceName\":\"\","
     "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}"},
    {NS("networking.internal.knative.dev/v1alpha1", "serverlessservices"), "k",
     "{\"apiVersion\":\"networking.internal.knative.dev/v1alpha1\",\"kind\":"
     "\"ServerlessService\",\"metadata\":{\"name\":\"k\"},\"spec\":{\"mode\":\"Serve\","
     "\"protocolType\":\"http1\",\"objectRef\":{\"kind\":\"Deployment\",\"name\":\"d\"}}}"},
    {NS("serving.knative.dev/v1", "revisions"), "r",
     "{\"apiVersion\":\"serving.knative.dev/v1\",\"kind\":\"Revision\",\"metadata\":{\"name\":"
     "\"r\",\"labels\":{\"serving.knative.dev/configuration\":\"c\"},\"annotations\":{\"a\":\"b\"}"
     "},\"spec\":{\"containers\":[{\"image\":\"x\"}]},\"status\":{\"conditions\":[{\"type\":"
     "\"Ready\",\"status\":\"True\"}]}}"},
    {"/api/v1/namespaces/default/events", "e",
     "{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":{\"name\":\"e\"},\"involvedObject\":{"
     "\"kind\":\"Revision\",\"name\":\"r\"},\"type\":\"Normal\",\"message\":\"m\",\"count\":1,"
     "\"lastTimestamp\":\"2026-01-01T00:00:00Z\",\"series\":{\"count\":1}}"},
};

static const char *const others[] = {"null",        "true",
				     "7",           "-1",
				     "1e300",       "99999999999999999999",
				     "\"\"",        "\"x\"",
				     "\"\\u0000\"", "\"a/b%00..\"",
				     "[]",          "[null]",
				     "[{}]",        "{}",
				     "{\"\":null}", "{\"a\":{\"b\":[7]}}"};

struct bench {
	struct fake_clock clock;
	struct timers *timers;
	struct model *model;
	struct model_answer answer;
	uint64_t random;
};

static size_t count_values(const struct json *v)
{
	size_t count = 1;
	for (size_t i = 0; i < json_count(v); i++)
		count +=
		    count_values(v->type == JSON_OBJECT ? v->members[i].value : v->elements[i]);
	return count;
}

/* Writes v with its n-th value replaced. */
static void write_with(const struct json *v, size_t *n, const char *other, struct strbuf *out)
{
	if ((*n)-- == 0) {
		strbuf_addstr(out, other);
		return;
	}
	if (v->type != JSON_OBJECT && v->type != JSON_ARRAY) {
		json_write(v, out);
		return;
	}
	strbuf_addch(out, v->type == JSON_OBJECT ? '{' : '[');
	for (size_t i = 0; i < v->count; i++) {
		strbuf_addstr(out, i ? "," : "");
		if (v->type == JSON_OBJECT) {
			strbuf_add_json_string(out, v->members[i].key, v->members[i].key_len);
			strbuf_addch(out, ':');
		}
		write_with(v->type == JSON_OBJECT ? v->members[i].value : v->elements[i], n, other,
			   out);
	}
	strbuf_addch(out, v->type == JSON_OBJECT ? '}' : ']');
}

static void spoil(struct bench *b, const char *body, struct strbuf *out)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *value = NULL;
	EXPECT(json_parse(body, strlen(body), NULL, arena, &value, &err));
	size_t n = test_random(&b->random) % count_values(value);
	write_with(value, &n, others[test_random(&b->random) % ARRAY_SIZE(others)], out);
}

static void send(struct bench *b, const char *method, const char *path, const char *type,
		 const char *body)
{
	struct model_request request = {method, path, type, body, body ? strlen(body) : 0, NULL, 0};
	model_handle(b->model, &request, &b->answer);
	EXPECT(b->answer.status >= 200 && b->answer.status < 600);
}

static void read_all(struct bench *b, const struct seed *seed)
{
	struct model_request request = {.method = "GET",
					.path = seed->path,
					.accept = "application/json;as=Table;v=v1;g=meta.k8s.io"};
	model_handle(b->model, &request, &b->answer);
	EXPECT_INT(b->answer.status, 200);
}

static void play(struct bench *b, const struct seed *seed)
{
	static const char *const types[] = {"application/merge-patch+json",
					    "application/strategic-merge-patch+json"};
	CLEANUP(strbuf_release) struct strbuf body = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf path = STRBUF_INIT;
	uint64_t dice = test_random(&b->random) % 8;
	spoil(b, seed->body, &body);
	test_row("%s", body.buf);
	strbuf_addf(&path, "%s/%s%s", seed->path, seed->name, dice == 3 ? "/status" : "");
	if (dice < 3)
		send(b, "POST", seed->path, "application/json", body.buf);
	else if (dice < 6)
		send(b, "PATCH", path.buf, types[dice % 2], body.buf);
	else if (dice == 6)
		send(b, "PUT", path.buf, "application/json", body.buf);
	else
		send(b, "DELETE", path.buf, "application/json", NULL);
	if (dice == 7)
		send(b, "PATCH", path.buf, types[0], "{\"metadata\":{\"finalizers\":null}}");
	fake_clock_run(&b->clock, b->timers, (int64_t)(test_random(&b->random) % 400));
	read_all(b, seed);
}

TEST(objects, of_wrong_types)
{
	for (uint64_t run = 1; run <= 4; run++) {
		struct bench b = {.answer = MODEL_ANSWER_INIT, .random = run};
		fake_clock_init(&b.clock);
		b.timers = timers_new(&b.clock.clock);
		b.model = model_new(b.timers, FAKE_CLOCK_WALL);
		for (int i = 0; i < ROUNDS / 4; i++)
			play(&b, &seeds[test_random(&b.random) % ARRAY_SIZE(seeds)]);
		/* It is still a cluster: a good Service comes to life. */
		test_row("run %d", (int)run);
		model_revision(b.model, "other", "good-00001", "target=5");
		fake_clock_run(&b.clock, b.timers, 10000);
		EXPECT(model_get(b.model, "podautoscalers", "other", "good-00001") != NULL);
		model_answer_release(&b.answer);
		model_free(b.model);
		timers_free(b.timers);
	}
	test_row("%s", "");
}

TEST_MAIN(TEST_OF(objects, of_wrong_types))
