/*
 * Every scenario again with the 1st, 2nd, 3rd, ... fault of each kind, up to the last that fits.
 * Whatever breaks, the end state is the one without the fault, from then on nothing is written, and
 * no rule of world_audit.h was broken on the way.
 *
 * SWEEP=all plays them all (minutes); otherwise every STRIDE-th. SWEEP=name:kind:n plays one.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "test/lib/test.h"
#include "test/lib/world_scenarios.h"

/* Longer than the longest back-off (5 min) and a cooldown after it. */
#define AFTERWARDS_MS (11 * 60 * 1000)
#define QUIET_MS (2 * 60 * 1000)
/* The sanitizers cost ten times. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif
#define STRIDE (SANITIZED ? 47 : 11)

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

/* How a play ended; texts are yours to free. */
struct ending {
	char *state;
	char *writes; /* what was written when all should have been over */
	char *breach;
	unsigned fired, duplicates;
	unsigned writes_seen, requests_seen, events_seen; /* what faults could hit */
};

static void ending_release(struct ending *ending)
{
	free(ending->state);
	free(ending->writes);
	free(ending->breach);
}

static void play(const struct scenario *scenario, const struct fault *fault, struct ending *ending)
{
	/* Faults that never come, for they count what they could hit. */
	static const struct fault never[] = {{.kind = FAULT_STATUS, .writes_only = true},
					     {.kind = FAULT_STATUS},
					     {.kind = FAULT_WATCH_END}};
	struct world_config config = {.faults = fault ? fault : never,
				      .fault_count = fault ? 1 : ARRAY_SIZE(never)};
	struct world *world = world_new(&config);
	scenario_play(scenario, world, false);
	world_run(world, AFTERWARDS_MS);
	world_trace_clear(world);
	world_run(world, QUIET_MS);
	ending->state = xstrdup(world_state(world));
	ending->duplicates = wire_duplicates(world_wire(world));
	ending->fired = world_faults_fired(world);
	if (!fault) {
		ending->writes_seen = wire_fault_seen(world_wire(world), 0);
		ending->requests_seen = wire_fault_seen(world_wire(world), 1);
		ending->events_seen = wire_fault_seen(world_wire(world), 2);
	}
	ending->breach = xstrdup(world_breach(world));
	bool events_only = world_writes(world) && !world_trace(world)[0];
	ending->writes = xstrdup(events_only ? "Events" : world_trace(world));
	world_free(world);
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
	CLEANUP(ending_release) struct ending got = {0};
	fault.at = at;
	test_row("%s:%s:%u", scenario->name, kind->name, at);
	play(scenario, &fault, &got);
	EXPECT_TEXT(got.writes, "");
	EXPECT_TEXT(got.breach, "");
	/* A late request meets the one that took its place. */
	if (fault.kind != FAULT_DELAY)
		EXPECT_INT(got.duplicates, 0);
	expect_same(got.state, want);
	test_row("%s", "");
	return got.fired;
}

static unsigned hittable(const struct kind *kind, const struct ending *plain)
{
	if (kind->fault.kind >= FAULT_WATCH_END)
		return plain->events_seen;
	return kind->fault.writes_only ? plain->writes_seen : plain->requests_seen;
}

static void sweep_one(const struct scenario *scenario, size_t *number)
{
	bool all = getenv("SWEEP");
	CLEANUP(ending_release) struct ending plain = {0};
	test_row("%s", scenario->name);
	play(scenario, NULL, &plain);
	EXPECT_TEXT(plain.writes, "");
	EXPECT_TEXT(plain.breach, "");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		for (unsigned at = 1; at <= hittable(&kinds[i], &plain); at++)
			if ((*number)++ % STRIDE == 0 || all)
				EXPECT(play_one(scenario, &kinds[i], at, plain.state));
}

static void sweep(void)
{
	size_t number = 0;
	const struct scenario *one;
	for (size_t i = 0; (one = scenario_at(i)); i++)
		if (one->sweep)
			sweep_one(one, &number);
}

/* SWEEP=name:kind:n */
static bool one_is_asked_for(void)
{
	const char *asked = getenv("SWEEP");
	char name[64], kind[32];
	unsigned at;
	CLEANUP(ending_release) struct ending want = {0};
	if (!asked || sscanf(asked, "%63[^:]:%31[^:]:%u", name, kind, &at) != 3)
		return false;
	const struct scenario *scenario = scenario_find(name);
	play(scenario, NULL, &want);
	for (size_t j = 0; j < ARRAY_SIZE(kinds); j++)
		if (strcmp(kinds[j].name, kind) == 0)
			EXPECT(play_one(scenario, &kinds[j], at, want.state));
	return true;
}

TEST(sweep, all_scenarios)
{
	if (!one_is_asked_for())
		sweep();
}

TEST_MAIN(TEST_OF(sweep, all_scenarios))
