/*
 * Streams in pieces: whole scenarios at chunk sizes 1 to 31, and one watch stream cut behind each
 * of its bytes, by a clean end and by a reset, whatever the byte is in: a character of several
 * bytes, a string, an escape, the newline.
 */
#include <stdlib.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"
#include "pkg/knative/pod_autoscaler.h"
#include "pkg/kube/reflector.h"
#include "reconciler/controller/resources.h"
#include "test/lib/fake_clock.h"
#include "test/lib/sweep.h"
#include "test/lib/test.h"

#define MAX_CHUNK 31
#define NAMES 3

/* ---- whole scenarios ---- */

TEST(split, scenarios_in_pieces)
{
	static const char *const names[] = {"fresh_custom", "drift_is_repaired", "pa_recreated",
					    "restart_writes_nothing"};
	size_t runs = 0;

	for (size_t chunk = 1; chunk <= MAX_CHUNK; chunk++) {
		for (size_t i = 0; i < ARRAY_SIZE(names); i++, runs++) {
			struct world *world = world_new(&(struct world_config){.chunk = chunk});
			scenario_play(scenario_find(names[i]), world, true);
			world_free(world);
		}
	}
	printf("split-chunks sizes=%d runs=%zu\n", MAX_CHUNK, runs);
}

/* ---- one stream ---- */

/* A model, a wire and one reflector. */
struct stage {
	struct fake_clock clock;
	struct timers *timers;
	struct model *model;
	struct wire *wire;
	struct kube_client *client;
	struct store *store;
	struct reflector *reflector;
};

static void never_crash(void *ctx UNUSED)
{
	CHECK(!"asked for");
}

static void stage_init(struct stage *stage, const struct fault *fault, size_t chunk)
{
	fake_clock_init(&stage->clock);
	stage->timers = timers_new(&stage->clock.clock);
	stage->model = model_new(stage->timers, stage->clock.wall);
	stage->wire = wire_new(stage->timers, stage->model, fault, 1, chunk, never_crash, NULL);
	stage->client = kube_client_new(&(struct kube_client_config){
	    .transport = wire_transport(stage->wire),
	    .timers = stage->timers,
	    .field_manager = "x",
	});
	stage->store = store_new(NULL);
}

static void stage_start(struct stage *stage)
{
	stage->reflector = reflector_new(&(struct reflector_config){
	    .client = stage->client,
	    .resource = &resource_pod_autoscalers,
	    .decode = pod_autoscaler_decode,
	    .store = stage->store,
	});
}

static void stage_release(struct stage *stage)
{
	reflector_free(stage->reflector);
	store_free(stage->store);
	kube_client_free(stage->client);
	wire_free(stage->wire);
	model_free(stage->model);
	timers_free(stage->timers);
}

static void stage_run(struct stage *stage, int64_t ms)
{
	fake_clock_run(&stage->clock, stage->timers, ms);
}

static void apply(struct stage *stage, const char *name)
{
	CLEANUP(strbuf_release) struct strbuf yaml = STRBUF_INIT;

	strbuf_addf(&yaml,
		    "{\"apiVersion\":\"autoscaling.internal.knative.dev/v1alpha1\","
		    "\"kind\":\"PodAutoscaler\",\"metadata\":{\"namespace\":\"default\","
		    "\"name\":\"%s\",\"annotations\":{\"note\":\"\xc3\xa9 \xe6\xbc\xa2 "
		    "\xf0\x9f\x98\x80 \\\"\\\\\\u0001 {[\"}},\"spec\":{\"scaleTargetRef\":{"
		    "\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"d\"},"
		    "\"protocolType\":\"http1\"}}",
		    name);
	model_apply(stage->model, yaml.buf);
}

/* Two from the start, then one more, a change and a deletion, one after the other. */
static void happen(struct stage *stage)
{
	apply(stage, "a");
	apply(stage, "b");
	stage_start(stage);
	stage_run(stage, 50);
	apply(stage, "c");
	stage_run(stage, 50);
	model_patch(stage->model, "podautoscalers", "default", "a", false,
		    "{metadata: {annotations: {note: \"\xe2\x82\xac\"}}}");
	stage_run(stage, 50);
	model_delete(stage->model, "podautoscalers", "default", "b");
	/* A bookmark too, and the longest back-off. */
	stage_run(stage, 100000);
}

static void expect_in_step(struct stage *stage)
{
	static const char *const names[NAMES] = {"a", "b", "c"};

	for (size_t i = 0; i < NAMES; i++) {
		const struct json *want =
		    model_get(stage->model, "podautoscalers", "default", names[i]);
		const struct object *got = store_get(stage->store, "default", names[i]);
		const char *version =
		    json_text_or(json_path(want, "metadata", "resourceVersion", NULL), "0");
		EXPECT_INT(got ? got->meta.version : 0, strtoull(version, NULL, 10));
		const char *note =
		    json_text(json_path(want, "metadata", "annotations", "note", NULL));
		if (got && note)
			EXPECT_TEXT(meta_pair_get(
					&((const struct pod_autoscaler *)got)->annotations, "note"),
				    note);
	}
}

/* How many bytes there were; 0: the fault did not hit. */
static unsigned play_cut(enum fault_kind kind, unsigned at, size_t chunk)
{
	struct stage stage = {0};
	struct fault fault = {.kind = kind, .at = at};

	test_row("kind %d at byte %u, chunk %zu", (int)kind, at, chunk);
	stage_init(&stage, &fault, chunk);
	happen(&stage);
	expect_in_step(&stage);
	unsigned seen = wire_fault_seen(stage.wire, 0);
	bool hit = wire_faults_fired(stage.wire) == 1;
	stage_release(&stage);
	test_row("%s", "");
	return at == 0 || hit ? seen : 0;
}

static void drop_line(void *ctx UNUSED, const char *line UNUSED, size_t length UNUSED)
{
}

TEST(split, cut_behind_each_byte)
{
	static const enum fault_kind kinds[] = {FAULT_BYTE_END, FAULT_BYTE_CUT};
	static const size_t chunks[] = {0, 7};
	size_t runs = 0;
	struct fake_clock clock;

	fake_clock_init(&clock);
	log_setup(&clock.clock, NULL, drop_line, NULL);
	unsigned bytes = play_cut(FAULT_BYTE_END, 0, 0);
	EXPECT(bytes > 1000);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		for (unsigned at = 1; at <= bytes; at++, runs++)
			EXPECT(play_cut(kinds[i], at, chunks[i]) > 0);
	log_setup(&system_clock, NULL, NULL, NULL);
	printf("split-cuts bytes=%u runs=%zu\n", bytes, runs);
}

TEST_MAIN(TEST_OF(split, scenarios_in_pieces), TEST_OF(split, cut_behind_each_byte))
