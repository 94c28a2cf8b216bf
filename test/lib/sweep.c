/*
 * One play: the scenario, time for all to calm down, then a while in which nothing may be written.
 */
#include "test/lib/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "test/lib/test.h"

/* Longer than the longest back-off (5 min) and a cooldown after it. */
#define AFTERWARDS_MS (11 * 60 * 1000)
#define QUIET_MS (2 * 60 * 1000)

/* How a play ended; texts are yours to free. */
struct ending {
	char *state;
	char *writes; /* what was written when all should have been over */
	char *breach;
	unsigned fired, duplicates;
	unsigned writes_seen, requests_seen, opens_seen, events_seen; /* what faults could hit */
};

static void ending_release(struct ending *ending)
{
	free(ending->state);
	free(ending->writes);
	free(ending->breach);
}

static void play(const struct scenario *scenario, const struct fault *faults, size_t count,
		 struct ending *ending)
{
	/* Faults that never come, for they count what they could hit. */
	static const struct fault never[] = {{.kind = FAULT_STATUS, .writes_only = true},
					     {.kind = FAULT_STATUS},
					     {.kind = FAULT_OPEN_BREAK},
					     {.kind = FAULT_WATCH_END}};
	struct world_config config = {.faults = count ? faults : never,
				      .fault_count = count ? count : ARRAY_SIZE(never)};
	struct world *world = world_new(&config);
	scenario_play(scenario, world, false);
	world_run(world, AFTERWARDS_MS);
	world_trace_clear(world);
	world_run(world, QUIET_MS);
	ending->state = xstrdup(world_state(world));
	ending->duplicates = wire_duplicates(world_wire(world));
	ending->fired = world_faults_fired(world);
	if (!count) {
		ending->writes_seen = wire_fault_seen(world_wire(world), 0);
		ending->requests_seen = wire_fault_seen(world_wire(world), 1);
		ending->opens_seen = wire_fault_seen(world_wire(world), 2);
		ending->events_seen = wire_fault_seen(world_wire(world), 3);
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

/* A create may meet what took its place: a late one, one whose object is denied to be there. */
static bool may_repeat(const struct fault *fault)
{
	return fault->kind == FAULT_DELAY || fault->kind == FAULT_CRASH_STALE ||
	       fault->kind == FAULT_WATCH_STALE || fault->kind == FAULT_WATCH_LOSE ||
	       (fault->kind == FAULT_STATUS && fault->status == 404);
}

/* How many of the faults hit. */
static unsigned play_with(const struct scenario *scenario, const struct sweep_kind *const *kinds,
			  const unsigned *at, size_t count, const char *want,
			  struct sweep_count *out)
{
	CLEANUP(ending_release) struct ending got = {0};
	struct fault faults[MAX_FAULTS];
	bool repeats = false;
	for (size_t i = 0; i < count; i++) {
		faults[i] = kinds[i]->fault;
		faults[i].at = at[i];
		repeats = repeats || may_repeat(&faults[i]);
	}
	if (count == 1)
		test_row("%s:%s:%u", scenario->name, kinds[0]->name, at[0]);
	else
		test_row("%s:%s:%u:%s:%u", scenario->name, kinds[0]->name, at[0], kinds[1]->name,
			 at[1]);
	play(scenario, faults, count, &got);
	EXPECT_TEXT(got.writes, "");
	EXPECT_TEXT(got.breach, "");
	if (!repeats)
		EXPECT_INT(got.duplicates, 0);
	expect_same(got.state, want);
	test_row("%s", "");
	out->runs++;
	out->faults += got.fired;
	return got.fired;
}

static bool play_one(const struct scenario *scenario, const struct sweep_kind *kind, unsigned at,
		     const char *want, struct sweep_count *out)
{
	return play_with(scenario, &kind, &at, 1, want, out) > 0;
}

static unsigned hittable(const struct sweep_kind *kind, const struct ending *plain)
{
	if (kind->fault.kind >= FAULT_WATCH_END)
		return plain->events_seen;
	if (kind->fault.kind >= FAULT_OPEN_STATUS)
		return plain->opens_seen;
	return kind->fault.writes_only ? plain->writes_seen : plain->requests_seen;
}

/* Without faults all is as it should be as well. */
static void play_plain(const struct scenario *scenario, struct ending *plain)
{
	test_row("%s", scenario->name);
	play(scenario, NULL, 0, plain);
	EXPECT_TEXT(plain->writes, "");
	EXPECT_TEXT(plain->breach, "");
}

static void sweep_scenario(const struct scenario *scenario, const struct sweep_kind *kinds,
			   size_t count, size_t stride, size_t *number, struct sweep_count *out)
{
	CLEANUP(ending_release) struct ending plain = {0};
	play_plain(scenario, &plain);
	out->scenarios++;
	for (size_t i = 0; i < count; i++) {
		unsigned most = hittable(&kinds[i], &plain);
		for (unsigned at = 1; stride == 1 || at <= most; at++) {
			if ((*number)++ % stride != 0)
				continue;
			bool hit = play_one(scenario, &kinds[i], at, plain.state, out);
			if (at <= most)
				EXPECT(hit);
			else if (!hit)
				break;
		}
	}
}

void sweep(const struct sweep_kind *kinds, size_t count, size_t stride, struct sweep_count *out)
{
	size_t number = 0;
	const struct scenario *one;
	for (size_t i = 0; (one = scenario_at(i)); i++)
		if (one->sweep)
			sweep_scenario(one, kinds, count, stride, &number, out);
}

static const struct scenario *swept_scenario(size_t index)
{
	const struct scenario *one;
	size_t swept = 0;
	for (size_t i = 0; (one = scenario_at(i)); i++)
		if (one->sweep && swept++ == index)
			return one;
	return swept ? swept_scenario(index % swept) : NULL;
}

void sweep_pairs(const struct sweep_kind *kinds, size_t count, size_t pairs, uint64_t seed,
		 struct sweep_count *out)
{
	struct ending *plain = NULL;
	const struct scenario *scenario = NULL;
	for (size_t i = 0; i < pairs; i++) {
		const struct sweep_kind *two[2];
		unsigned at[2];
		/* A scenario's plain ending serves a few pairs. */
		if (i % 8 == 0) {
			if (plain)
				ending_release(plain);
			free(plain);
			plain = xcalloc(1, sizeof(*plain));
			scenario = swept_scenario(i / 8);
			play_plain(scenario, plain);
			out->scenarios++;
		}
		for (size_t j = 0; j < 2; j++) {
			two[j] = &kinds[test_random(&seed) % count];
			unsigned most = hittable(two[j], plain);
			at[j] = most ? 1 + (unsigned)(test_random(&seed) % most) : 1;
		}
		play_with(scenario, two, at, 2, plain->state, out);
	}
	if (plain)
		ending_release(plain);
	free(plain);
}

static const struct sweep_kind *kind_named(const char *name, const struct sweep_kind *kinds,
					   size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

bool sweep_one(const char *what, const struct sweep_kind *kinds, size_t count)
{
	char name[64], names[2][32];
	const struct sweep_kind *two[2];
	unsigned at[2];
	CLEANUP(ending_release) struct ending plain = {0};
	struct sweep_count out = {0};
	int fields =
	    sscanf(what, "%63[^:]:%31[^:]:%u:%31[^:]:%u", name, names[0], &at[0], names[1], &at[1]);
	if (fields != 3 && fields != 5)
		return false;
	for (int i = 0; i < fields / 2; i++)
		if (!(two[i] = kind_named(names[i], kinds, count)))
			return false;
	play_plain(scenario_find(name), &plain);
	play_with(scenario_find(name), two, at, (size_t)fields / 2, plain.state, &out);
	return true;
}

const char *sweep_asked(size_t *stride)
{
	const char *asked = getenv("SWEEP");
	if (asked && strcmp(asked, "all") == 0)
		*stride = 1;
	return asked;
}
