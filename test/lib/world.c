/*
 * The harness: a clock, a model, a wire and the controller, and what of their state a fault must
 * not change. The controller's process is client plus controller: both go at a kill.
 */
#include "test/lib/world.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"
#include "test/lib/fake_clock.h"
#include "test/lib/model_internal.h"
#include "test/lib/world_audit.h"
#include "test/lib/world_replicas.h"

#define STEP_MS 20
/* Longer than any answer takes, and than the garbage collector waits. */
#define QUIET_MS 600

struct world {
	struct fake_clock clock;
	struct timers *timers;
	struct model *model;
	struct wire *wire;
	struct kube_client *client;
	struct controller *controller;
	struct metrics *metrics;
	unsigned crashes;
	struct strbuf state;
	struct audit audit;
	struct replicas *replicas; /* NULL: none */
};

static void drop_line(void *ctx UNUSED, const char *line UNUSED, size_t length UNUSED)
{
}

static void crashed(void *ctx)
{
	struct world *world = ctx;
	world->crashes++;
	world_kill(world);
	world_start(world);
}

struct world *world_new(const struct world_config *config)
{
	static const struct world_config none = {0};
	struct world *world = xcalloc(1, sizeof(*world));
	config = config ? config : &none;
	fake_clock_init(&world->clock);
	world->timers = timers_new(&world->clock.clock);
	world->model = model_new(world->timers, world->clock.wall);
	world->clock.wall += config->skew_ms;
	world->metrics = config->metrics;
	world->wire = wire_new(world->timers, world->model, config->faults, config->fault_count,
			       config->chunk, crashed, world);
	model_watch_list_offered(world->model, !config->no_watch_list);
	world->state = (struct strbuf)STRBUF_INIT;
	audit_start(&world->audit, world->model);
	if (!getenv("SIM_LOG"))
		log_setup(&world->clock.clock, NULL, drop_line, NULL);
	else
		log_setup(&world->clock.clock, NULL, NULL, NULL);
	return world;
}

void world_free(struct world *world)
{
	if (!world)
		return;
	world_kill(world);
	replicas_free(world->replicas);
	wire_free(world->wire);
	model_free(world->model);
	timers_free(world->timers);
	strbuf_release(&world->state);
	strbuf_release(&world->audit.breach);
	log_setup(&system_clock, NULL, NULL, NULL);
	free(world);
}

struct model *world_model(struct world *world)
{
	return world->model;
}

struct wire *world_wire(struct world *world)
{
	return world->wire;
}

struct controller *world_controller(struct world *world)
{
	return world->controller;
}

unsigned world_crashes(const struct world *world)
{
	return world->crashes;
}

int64_t world_now_ms(const struct world *world)
{
	return model_now_ms(world->model);
}

void world_start(struct world *world)
{
	CHECK(!world->controller);
	struct kube_client_config client = {
	    .transport = wire_transport(world->wire),
	    .timers = world->timers,
	    .field_manager = "autoscaler-keda-hpa",
	};
	world->client = kube_client_new(&client);
	struct controller_config config = {
	    .client = world->client,
	    .system_namespace = "knative-serving",
	    .pod = "autoscaler-keda-hpa-0",
	    .metrics = world->metrics,
	};
	world->controller = controller_new(&config);
}

void world_kill(struct world *world)
{
	if (!world->controller)
		return;
	controller_free(world->controller);
	kube_client_free(world->client);
	world->controller = NULL;
	world->client = NULL;
	CHECK(wire_unused(world->wire));
}

void world_add_replicas(struct world *world, struct replicas *replicas)
{
	CHECK(!world->replicas);
	world->replicas = replicas;
}

struct timers *world_timers(struct world *world)
{
	return world->timers;
}

struct fake_clock *world_clock(struct world *world)
{
	return &world->clock;
}

void world_run(struct world *world, int64_t ms)
{
	if (world->replicas)
		replicas_run(world->replicas, ms);
	else
		fake_clock_run(&world->clock, world->timers, ms);
}

bool world_settle(struct world *world, int64_t ms)
{
	int64_t quiet = 0;
	for (int64_t gone = 0; gone < ms; gone += STEP_MS) {
		bool still = wire_quiet(world->wire) && !model_busy(world->model) &&
			     (!world->controller || controller_idle(world->controller)) &&
			     (!world->replicas || replicas_quiet(world->replicas));
		quiet = still ? quiet + STEP_MS : 0;
		if (quiet > QUIET_MS)
			return true;
		world_run(world, STEP_MS);
	}
	return false;
}

const char *world_trace(const struct world *world)
{
	return wire_trace(world->wire);
}

void world_trace_clear(struct world *world)
{
	wire_trace_clear(world->wire);
}

size_t world_writes(const struct world *world)
{
	return wire_writes(world->wire);
}

unsigned world_faults_fired(const struct world *world)
{
	return wire_faults_fired(world->wire);
}

const char *world_breach(const struct world *world)
{
	return world->audit.breach.buf;
}

/* ---- the end state ---- */

struct describe {
	struct world *world;
	const char *plural;
	const char **lines;
	size_t count;
	struct arena *arena;
};

static int by_member(const void *a, const void *b)
{
	const struct json_member *left = a, *right = b;
	return strcmp(left->key, right->key);
}

/* Members in the order of their keys: how an object came about does not matter. */
static void write_sorted(struct json *v, struct strbuf *out)
{
	if (json_is(v, JSON_OBJECT) && v->count)
		qsort(v->members, v->count, sizeof(v->members[0]), by_member);
	if (!json_is(v, JSON_OBJECT) && !json_is(v, JSON_ARRAY)) {
		json_write(v, out);
		return;
	}
	strbuf_addch(out, json_is(v, JSON_OBJECT) ? '{' : '[');
	for (size_t i = 0; i < v->count; i++) {
		if (json_is(v, JSON_OBJECT))
			strbuf_addf(out, " %s: ", v->members[i].key);
		write_sorted(json_is(v, JSON_OBJECT) ? v->members[i].value : v->elements[i], out);
	}
	strbuf_addch(out, json_is(v, JSON_OBJECT) ? '}' : ']');
}

static void add_json(const struct json *v, struct strbuf *out)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	if (v)
		write_sorted(json_copy(arena, v), out);
}

static void add_conditions(const struct json *object, struct strbuf *out)
{
	const struct json *list = json_path(object, "status", "conditions", NULL);
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *one = json_at(list, i);
		strbuf_addf(out, " %s=%s/%s", json_text_or(json_get(one, "type"), ""),
			    json_text_or(json_get(one, "status"), ""),
			    json_text_or(json_get(one, "reason"), ""));
	}
}

static void add_text(const struct json *object, const char *label, const char *outer,
		     const char *inner, struct strbuf *out)
{
	const struct json *v = json_path(object, outer, inner, NULL);
	strbuf_addf(out, " %s=", label);
	add_json(v, out);
}

static bool describe_one(void *ctx, const char *key, void *value)
{
	struct describe *describe = ctx;
	const struct json *object = ((struct version *)value)->value;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	strbuf_addf(&text, "%s %s:", describe->plural, key);
	if (strcmp(describe->plural, "podautoscalers") == 0) {
		int64_t seen =
		    json_int_or(json_path(object, "status", "observedGeneration", NULL), 0);
		int64_t made = json_int_or(json_path(object, "metadata", "generation", NULL), 0);
		add_conditions(object, &text);
		strbuf_addstr(&text, seen == made ? " observed" : " stale");
		add_text(object, "service", "status", "serviceName", &text);
		add_text(object, "metrics", "status", "metricsServiceName", &text);
		add_text(object, "desired", "status", "desiredScale", &text);
		add_text(object, "actual", "status", "actualScale", &text);
	} else if (strcmp(describe->plural, "deployments") == 0) {
		add_text(object, "replicas", "spec", "replicas", &text);
	} else {
		strbuf_addch(&text, ' ');
		add_json(json_get(object, "spec"), &text);
		add_text(object, "labels", "metadata", "labels", &text);
	}
	describe->lines[describe->count++] = arena_strdup(describe->arena, text.buf);
	return true;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *world_state(struct world *world)
{
	static const char *const plurals[] = {"podautoscalers", "serverlessservices",
					      "scaledobjects", "horizontalpodautoscalers",
					      "deployments"};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	strbuf_reset(&world->state);
	for (size_t i = 0; i < ARRAY_SIZE(plurals); i++) {
		struct resource *resource = model_resource(world->model, plurals[i]);
		struct describe describe = {.world = world, .plural = plurals[i], .arena = arena};
		describe.lines =
		    ARENA_ARRAY(arena, const char *, table_count(resource->objects) + 1);
		table_each(resource->objects, describe_one, &describe);
		qsort(describe.lines, describe.count, sizeof(describe.lines[0]), by_text);
		for (size_t j = 0; j < describe.count; j++)
			strbuf_addf(&world->state, "%s\n", describe.lines[j]);
	}
	return world->state.buf;
}
