/*
 * A thousand revisions of one namespace that are refused for ten minutes, with another text each
 * time: their Events cost what the budget says and no more, those of another
 * namespace go out beside them, and no other write waits for one, not even where the API server
 * does not answer Events at all.
 *
 * Between client and simulated wire stands a gate that counts Events, and keeps them if told to.
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

/* The sanitizers cost ten times. */
#if defined(__SANITIZE_ADDRESS__)
#define REVISIONS 100
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define REVISIONS 100
#endif
#endif
#ifndef REVISIONS
#define REVISIONS 1000
#endif

#define ROUND_MS 60000

/* A call that the gate keeps; others are the wire's. */
struct http_call {
	TAILQ_ENTRY(http_call) link;
	struct gate *gate;
	struct http_events events;
	void *ctx;
	struct timer due;
};

struct gate {
	struct transport transport; /* first */
	struct timers *timers;
	struct transport *wire;
	bool keeps;
	TAILQ_HEAD(kept, http_call) kept;
	size_t kept_count, most_kept;
	size_t loud, quiet; /* Events, by namespace */
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

static void time_out(void *ctx)
{
	struct http_call *call = ctx;
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct http_response response = {.body = ""};
	struct http_events events = call->events;
	void *whose = call->ctx;
	release(call);
	error_set(&err, ERROR_TRANSIENT, "no whole answer within 40 s");
	events.done(whose, &response, &err);
}

static bool is_event(const struct http_request *request)
{
	return strcmp(request->method, "GET") != 0 && strstr(request->path, "/events");
}

static struct http_call *gate_start(struct transport *transport, const struct http_request *request,
				    const struct http_events *events, void *ctx)
{
	struct gate *gate = (struct gate *)transport;
	if (is_event(request)) {
		gate->loud += strstr(request->path, "/loud/") != NULL;
		gate->quiet += strstr(request->path, "/quiet/") != NULL;
	}
	if (!gate->keeps || !is_event(request))
		return transport_start(gate->wire, request, events, ctx);
	struct http_call *call = xcalloc(1, sizeof(*call));
	call->gate = gate;
	call->events = *events;
	call->ctx = ctx;
	TAILQ_INSERT_TAIL(&gate->kept, call, link);
	if (++gate->kept_count > gate->most_kept)
		gate->most_kept = gate->kept_count;
	timer_init(&call->due, time_out, call);
	timer_arm(gate->timers, &call->due, request->timeout_ms);
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

static void scene_init(struct scene *scene, bool keeps)
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
				    .keeps = keeps};
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

static void run(struct scene *scene, int64_t ms)
{
	fake_clock_run(&scene->clock, scene->timers, ms);
}

#define BAD "metric=m\ntarget=wrong\nprometheus-query=q\nmin-scale=1\nmax-scale=10\n"
#define GOOD "metric=m\ntarget=5\nprometheus-query=q\nmin-scale=1\nmax-scale=10\n"

/* How long until it is ready, at most a minute. */
static int64_t ready_after(struct scene *scene, const char *ns, const char *name)
{
	int64_t from = scene->clock.mono;
	model_revision(scene->model, ns, name, GOOD);
	while (scene->clock.mono - from < 60000 &&
	       strncmp(model_condition(scene->model, "podautoscalers", ns, name, "Ready"), "True",
		       4) != 0)
		run(scene, 50);
	return scene->clock.mono - from;
}

static int64_t alone_ms(void)
{
	struct scene scene;
	scene_init(&scene, false);
	int64_t ms = ready_after(&scene, "quiet", "good");
	scene_release(&scene);
	return ms;
}

/* One after the other within a round, as users come: wrong again, with another text. */
static void flap(struct scene *scene, int round)
{
	char name[32], annotation[64];
	for (int i = 0; i < REVISIONS; i++) {
		snprintf(name, sizeof(name), "loud-%05d", i);
		snprintf(annotation, sizeof(annotation), "target=x%d\n", round);
		model_annotate(scene->model, "loud", name, annotation);
		if (i % 10 == 9)
			run(scene, ROUND_MS / (REVISIONS / 10));
	}
}

static void storm(int rounds, bool keeps, int64_t alone)
{
	struct scene scene;
	char name[32];
	scene_init(&scene, keeps);
	for (int i = 0; i < REVISIONS; i++) {
		snprintf(name, sizeof(name), "loud-%05d", i);
		model_revision(scene.model, "loud", name, BAD);
	}
	run(&scene, 60000);
	size_t before = scene.gate.loud;
	for (int round = 0; round < rounds; round++) {
		flap(&scene, round);
		if (round != rounds / 2)
			continue;
		int64_t took = ready_after(&scene, "quiet", "good");
		printf("ready after %.2f s in the midst of it, %.2f alone\n", (double)took / 1000,
		       (double)alone / 1000);
		EXPECT(took <= alone + 1000);
		model_annotate(scene.model, "quiet", "good", "target=wrong\n");
	}
	size_t loud = scene.gate.loud - before;
	printf("%d revisions, %d times refused: %zu Events written for them in %d s, %zu for the "
	       "other namespace, %zu at once\n",
	       REVISIONS, rounds, loud, rounds * ROUND_MS / 1000, scene.gate.quiet,
	       scene.gate.most_kept);
	/* The good one took its time, too. */
	EXPECT(loud <= 50 + (size_t)(rounds + 1) * ROUND_MS / 80);
	if (!keeps) {
		EXPECT(loud >= (REVISIONS < 1000 ? REVISIONS : (size_t)rounds * ROUND_MS / 80));
		EXPECT_CONTAINS(model_events(scene.model, "PodAutoscaler", "quiet", "good"),
				"Warning InvalidAnnotation");
		EXPECT_CONTAINS(model_events(scene.model, "Service", "quiet", "good"),
				"Warning InvalidAnnotation");
	}
	EXPECT_INT(scene.gate.most_kept, keeps ? 8 : 0);
	scene_release(&scene);
}

TEST(event_storm, costs_its_budget_and_delays_nobody)
{
	storm(10, false, alone_ms());
}

TEST(event_storm, not_even_where_events_are_not_answered)
{
	storm(3, true, alone_ms());
}

TEST_MAIN(TEST_OF(event_storm, costs_its_budget_and_delays_nobody),
	  TEST_OF(event_storm, not_even_where_events_are_not_answered))
