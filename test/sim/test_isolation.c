/*
 * Many revisions in trouble beside a good one: writes that hang, are refused, conflict for ever.
 * The good one becomes ready nearly as soon as if it were alone, and what the others cost is
 * bounded.
 *
 * Between client and simulated wire stands a gate: it answers the writes for revisions whose names
 * begin with "bad", as the row says.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"
#include "reconciler/controller/controller.h"
#include "test/lib/fake_clock.h"
#include "test/lib/model.h"
#include "test/lib/test.h"
#include "test/lib/world_wire.h"

struct trouble {
	const char *what;
	const char *object; /* part of the path */
	int64_t hang_ms;    /* before the answer */
	int status;         /* 0: none comes */
	int64_t retry_after_ms;
	const char *body;
};

/* A call that the gate keeps; others are the wire's. */
struct http_call {
	TAILQ_ENTRY(http_call) link;
	struct gate *gate;
	const struct trouble *trouble;
	struct http_events events;
	void *ctx;
	struct timer due;
};

struct gate {
	struct transport transport; /* first */
	struct timers *timers;
	struct transport *wire;
	const struct trouble *trouble; /* NULL: over */
	TAILQ_HEAD(kept, http_call) kept;
	size_t kept_count, most_kept;
	uint64_t bad_requests;
};

struct scene {
	struct fake_clock clock;
	struct timers *timers;
	struct model *model;
	struct wire *wire;
	struct gate gate;
	struct kube_client *client;
	struct controller *controller;
};

/* ---- the gate ---- */

static void release(struct http_call *call)
{
	TAILQ_REMOVE(&call->gate->kept, call, link);
	call->gate->kept_count--;
	timer_disarm(call->gate->timers, &call->due);
	free(call);
}

static void finish(void *ctx)
{
	struct http_call *call = ctx;
	const struct trouble *trouble = call->trouble;
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct http_response response = {.status = trouble->status,
					 .retry_after_ms = trouble->retry_after_ms,
					 .body = trouble->body ? trouble->body : "",
					 .length = trouble->body ? strlen(trouble->body) : 0};
	if (!trouble->status) {
		response = (struct http_response){.body = ""};
		error_set(&err, ERROR_TRANSIENT, "no whole answer within 40 s");
	}
	call->events.done(call->ctx, &response, &err);
	release(call);
}

static bool is_bad(const struct gate *gate, const struct http_request *request)
{
	const struct trouble *trouble = gate->trouble;
	if (!trouble || strcmp(request->method, "GET") == 0 ||
	    !strstr(request->path, trouble->object))
		return false;
	return strstr(request->path, "/bad") ||
	       (request->body && memmem(request->body, request->body_length, "\"name\":\"bad", 11));
}

static struct http_call *gate_start(struct transport *transport, const struct http_request *request,
				    const struct http_events *events, void *ctx)
{
	struct gate *gate = (struct gate *)transport;
	if (!is_bad(gate, request))
		return transport_start(gate->wire, request, events, ctx);
	struct http_call *call = xcalloc(1, sizeof(*call));
	int64_t wait = gate->trouble->hang_ms < request->timeout_ms ? gate->trouble->hang_ms
								    : request->timeout_ms;
	call->gate = gate;
	call->trouble = gate->trouble;
	call->events = *events;
	call->ctx = ctx;
	TAILQ_INSERT_TAIL(&gate->kept, call, link);
	gate->bad_requests++;
	if (++gate->kept_count > gate->most_kept)
		gate->most_kept = gate->kept_count;
	timer_init(&call->due, finish, call);
	timer_arm(gate->timers, &call->due, wait);
	return call;
}

static void gate_cancel(struct transport *transport, struct http_call *call)
{
	struct gate *gate = (struct gate *)transport;
	struct http_call *kept;
	TAILQ_FOREACH(kept, &gate->kept, link)
	{
		if (kept == call) {
			release(call);
			return;
		}
	}
	transport_cancel(gate->wire, call);
}

static const struct transport_ops gate_ops = {gate_start, gate_cancel};

/* ---- the scene ---- */

static void drop_line(void *ctx UNUSED, const char *line UNUSED, size_t length UNUSED)
{
}

static void scene_init(struct scene *scene, const struct trouble *trouble)
{
	memset(scene, 0, sizeof(*scene));
	fake_clock_init(&scene->clock);
	log_setup(&scene->clock.clock, NULL, getenv("SIM_LOG") ? NULL : drop_line, NULL);
	scene->timers = timers_new(&scene->clock.clock);
	scene->model = model_new(scene->timers, scene->clock.wall);
	scene->wire = wire_new(scene->timers, scene->model, NULL, 0, 0, NULL, NULL);
	scene->gate = (struct gate){.transport = {&gate_ops},
				    .timers = scene->timers,
				    .wire = wire_transport(scene->wire),
				    .trouble = trouble};
	TAILQ_INIT(&scene->gate.kept);
	scene->client =
	    kube_client_new(&(struct kube_client_config){.transport = &scene->gate.transport,
							 .timers = scene->timers,
							 .field_manager = "autoscaler-keda-hpa"});
	scene->controller = controller_new(&(struct controller_config){
	    .client = scene->client, .system_namespace = "knative-serving", .pod = "p"});
	fake_clock_run(&scene->clock, scene->timers, 1000);
}

static void scene_release(struct scene *scene)
{
	controller_free(scene->controller);
	kube_client_free(scene->client);
	EXPECT_INT(scene->gate.kept_count, 0);
	wire_free(scene->wire);
	model_free(scene->model);
	timers_free(scene->timers);
	log_setup(&system_clock, NULL, NULL, NULL);
}

static void make(struct scene *scene, const char *name)
{
	model_revision(scene->model, "default", name,
		       "metric=m\ntarget=5\nprometheus-query=q\nmin-scale=1\nmax-scale=10\n");
}

static bool is_ready(struct scene *scene, const char *name)
{
	const char *ready =
	    model_condition(scene->model, "podautoscalers", "default", name, "Ready");
	return strncmp(ready, "True", 4) == 0;
}

/* How long until it is ready, at most limit_ms. */
static int64_t ready_after(struct scene *scene, const char *name, int64_t limit_ms)
{
	int64_t from = scene->clock.mono;
	while (scene->clock.mono - from < limit_ms && !is_ready(scene, name))
		fake_clock_run(&scene->clock, scene->timers, 50);
	return scene->clock.mono - from;
}

static int64_t alone_ms(void)
{
	struct scene scene;
	scene_init(&scene, NULL);
	make(&scene, "good");
	int64_t ms = ready_after(&scene, "good", 60000);
	scene_release(&scene);
	return ms;
}

/* Like the model's own, but for the text. */
#define STATUS(code, reason, message)                                                              \
	"{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"" reason "\",\"code\":" #code    \
	",\"message\":\"" message "\"}"

static const struct trouble troubles[] = {
    {"the webhook of ScaledObjects hangs", "scaledobjects", INT64_MAX, 0, 0, NULL},
    {"it answers after 30 s, with 500", "scaledobjects", 30000, 500, 0, "boom"},
    {"after 5 s", "scaledobjects", 5000, 500, 0, "boom"},
    {"at once", "scaledobjects", 1, 500, 0, "boom"},
    {"every write hangs", "/", INT64_MAX, 0, 0, NULL},
    {"status writes hang", "/status", INT64_MAX, 0, 0, NULL},
    {"refused for good", "scaledobjects", 1, 422, 0, STATUS(422, "Invalid", "no")},
    {"endless conflicts", "/", 1, 409, 0, STATUS(409, "Conflict", "modified")},
    {"it is there already, and is not", "scaledobjects", 1, 409, 0,
     STATUS(409, "AlreadyExists", "there")},
    {"a webhook asks for a minute", "scaledobjects", 1, 429, 60000,
     STATUS(429, "TooManyRequests", "admission webhook \\\"w\\\" denied the request: later")},
    {"a page of HTML", "/", 1, 200, 0, "<html>"},
    {"rights are missing", "/status", 1, 403, 0, STATUS(403, "Forbidden", "no rights")},
};

/* The sanitizers cost ten times. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif
#define STRIDE (SANITIZED ? 7 : 1)
#define LONG_MS (SANITIZED ? 300000 : 3600000)

#define BAD 80

static size_t ready_count(struct scene *scene)
{
	size_t count = 0;
	for (int i = 0; i < BAD; i++) {
		char name[32];
		snprintf(name, sizeof(name), "bad-%05d", i);
		count += is_ready(scene, name);
	}
	return count;
}

/* First they come together, the good one last of all; then another good one comes when they are
 * known to be bad; then a long time passes; then the trouble ends. */
static void stand(const struct trouble *trouble, int64_t alone)
{
	struct scene scene;
	char name[32];
	scene_init(&scene, trouble);
	for (int i = 0; i < BAD; i++) {
		snprintf(name, sizeof(name), "bad-%05d", i);
		make(&scene, name);
	}
	make(&scene, "good-1");
	int64_t first = ready_after(&scene, "good-1", 600000);
	fake_clock_run(&scene.clock, scene.timers, 60000);
	make(&scene, "good-2");
	int64_t second = ready_after(&scene, "good-2", 600000);
	uint64_t before = scene.gate.bad_requests;
	scene.gate.most_kept = scene.gate.kept_count;
	fake_clock_run(&scene.clock, scene.timers, LONG_MS);
	uint64_t writes = scene.gate.bad_requests - before;
	size_t most_kept = scene.gate.most_kept;
	printf("%s: ready after %.1f s, a second one after %.1f s (alone %.1f); %llu writes in "
	       "%d s for %d revisions, %zu at once\n",
	       trouble->what, (double)first / 1000, (double)second / 1000, (double)alone / 1000,
	       (unsigned long long)writes, LONG_MS / 1000, BAD, most_kept);
	EXPECT(first <= alone + 15000);
	EXPECT(second <= alone + 2000);
	EXPECT(writes <= BAD * (10 + (uint64_t)LONG_MS / 60000));
	EXPECT(most_kept <= 40);
	scene.gate.trouble = NULL;
	fake_clock_run(&scene.clock, scene.timers, 7 * 60000);
	EXPECT_INT(ready_count(&scene), BAD);
	scene_release(&scene);
}

TEST(isolation, a_good_one_beside_many_bad)
{
	int64_t alone = alone_ms();
	for (size_t i = 0; i < ARRAY_SIZE(troubles); i += STRIDE) {
		test_row("%s", troubles[i].what);
		stand(&troubles[i], alone);
	}
	test_row("%s", "");
}

TEST_MAIN(TEST_OF(isolation, a_good_one_beside_many_bad))
