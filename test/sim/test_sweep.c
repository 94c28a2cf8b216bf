/*
 * Every scenario again with fault 1, 2, 3, ... of each kind until none fires. Whatever breaks, the
 * end state is the one without the fault, and from then on nothing is written.
 *
 * SWEEP=all plays every n (minutes); otherwise a fixed choice of them, spread so that scenarios and
 * kinds together cover all. SWEEP=name:kind:n plays one.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "test/lib/test.h"
#include "test/lib/world_scenarios.h"

/* Longer than the longest back-off (5 min) and a cooldown after it. */
#define AFTERWARDS_MS (11 * 60 * 1000)
#define QUIET_MS (2 * 60 * 1000)
#define STRIDE 9
#define MAX_AT 400

struct kind {
	const char *name;
	struct fault fault;
};

static const struct kind kinds[] = {
    {"500", {.kind = FAULT_STATUS, .status = 500, .writes_only = true}},
    {"409", {.kind = FAULT_STATUS, .status = 409, .writes_only = true}},
    {"429", {.kind = FAULT_STATUS, .status = 429, .writes_only = true}},
    {"lost", {.kind = FAULT_LOST_REPLY, .writes_only = true}},
    {"none", {.kind = FAULT_NO_REPLY}},
    {"late", {.kind = FAULT_DELAY, .delay_ms = 40000, .writes_only = true}},
    {"crash-before", {.kind = FAULT_CRASH_BEFORE, .writes_only = true}},
    {"crash-after", {.kind = FAULT_CRASH_AFTER, .writes_only = true}},
    {"end", {.kind = FAULT_WATCH_END}},
    {"cut", {.kind = FAULT_WATCH_CUT}},
    {"gone", {.kind = FAULT_WATCH_GONE}},
    {"stall", {.kind = FAULT_WATCH_STALL, .delay_ms = 10000}},
};

/* The end state; yours to free. writes: what was written when all should be over. */
static char *play(const struct scenario *scenario, const struct fault *fault, unsigned *fired,
		  char **writes)
{
	struct world_config config = {.faults = fault, .fault_count = fault ? 1 : 0};
	struct world *world = world_new(&config);
	scenario_play(scenario, world, false);
	world_run(world, AFTERWARDS_MS);
	world_trace_clear(world);
	world_run(world, QUIET_MS);
	char *state = xstrdup(world_state(world));
	*fired = world_faults_fired(world);
	*writes = xstrdup(world_trace(world));
	if (fault && !**writes && world_writes(world)) {
		free(*writes);
		*writes = xstrdup("Events");
	}
	world_free(world);
	return state;
}

/* Both states around the first character that differs. */
static void expect_same(const char *got, const char *want)
{
	size_t at = 0;
	char near_got[300], near_want[300];
	while (got[at] && got[at] == want[at])
		at++;
	size_t from = at > 100 ? at - 100 : 0;
	snprintf(near_got, sizeof(near_got), "%s", got + from);
	snprintf(near_want, sizeof(near_want), "%s", want + from);
	EXPECT_TEXT(near_got, near_want);
}

static bool play_one(const struct scenario *scenario, const struct kind *kind, unsigned at,
		     const char *want)
{
	struct fault fault = kind->fault;
	unsigned fired;
	char *writes;
	fault.at = at;
	test_row("%s:%s:%u", scenario->name, kind->name, at);
	char *got = play(scenario, &fault, &fired, &writes);
	EXPECT_TEXT(writes, "");
	expect_same(got, want);
	test_row("%s", "");
	free(writes);
	free(got);
	return fired;
}

static bool chosen(const char *sweep, size_t scenario, size_t kind, unsigned at)
{
	if (sweep)
		return true;
	return (at + 2 * scenario + 5 * kind) % STRIDE == 0;
}

static void sweep_kind(const struct scenario *scenario, size_t number, size_t kind,
		       const char *want)
{
	const char *sweep = getenv("SWEEP");
	bool fired = true;
	for (unsigned at = 1; fired && at < MAX_AT; at++)
		if (chosen(sweep, number, kind, at))
			fired = play_one(scenario, &kinds[kind], at, want);
}

static void sweep(size_t from, size_t step)
{
	size_t count;
	const struct scenario *list = scenario_list(&count);
	for (size_t i = from; i < count; i += step) {
		unsigned fired;
		char *writes;
		if (!list[i].sweep)
			continue;
		char *want = play(&list[i], NULL, &fired, &writes);
		test_row("%s", list[i].name);
		EXPECT_TEXT(writes, "");
		for (size_t j = 0; j < ARRAY_SIZE(kinds); j++)
			sweep_kind(&list[i], i, j, want);
		free(writes);
		free(want);
	}
}

/* SWEEP=name:kind:n */
static bool one_is_asked_for(void)
{
	const char *asked = getenv("SWEEP");
	char name[64], kind[32];
	unsigned at, fired;
	char *writes;
	if (!asked || sscanf(asked, "%63[^:]:%31[^:]:%u", name, kind, &at) != 3)
		return false;
	const struct scenario *scenario = scenario_find(name);
	char *want = play(scenario, NULL, &fired, &writes);
	for (size_t j = 0; j < ARRAY_SIZE(kinds); j++)
		if (strcmp(kinds[j].name, kind) == 0)
			EXPECT(play_one(scenario, &kinds[j], at, want));
	free(writes);
	free(want);
	return true;
}

TEST(sweep, all_scenarios)
{
	if (!one_is_asked_for())
		sweep(0, 1);
}

TEST_MAIN(TEST_OF(sweep, all_scenarios))
