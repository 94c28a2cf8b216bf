/*
 * Thousands of revisions that never come to rest: the whole controller in the simulated world, and
 * what it holds of memory, of remembered keys and of descriptors stays what it was.
 *
 * SOAK=minutes goes on for so many simulated minutes instead of MINUTES.
 */
#include <dirent.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "reconciler/controller/internal.h"
#include "test/lib/sweep.h"
#include "test/lib/test.h"

#if SANITIZED
size_t __sanitizer_get_current_allocated_bytes(void); /* gcc has no header for it */
#endif

#define NAMESPACES 20
#define REVISIONS (SLOW ? 200 : 2000)
#define MINUTES 3
#define CHANGES_A_SECOND (SLOW ? 2 : 5)
#define SETTLE_MS 40000
#define THIRDS 3
/* What is remembered of events, at most (pkg/kube/events.c, HELD_MAX of them). */
#define EVENTS_BYTES 1000000
#define INTERNED_BYTES 300000

static size_t bytes_in_use(void)
{
#if SANITIZED
	return __sanitizer_get_current_allocated_bytes();
#else
	return mallinfo2().uordblks;
#endif
}

/* What the controller holds, by what its end gives back; a new one takes its place. */
static size_t held_bytes(struct world *world)
{
	size_t before = bytes_in_use();

	world_kill(world);
	size_t after = bytes_in_use();
	world_start(world);
	return before - after;
}

static size_t descriptors(void)
{
	size_t count = 0;
	DIR *dir = opendir("/proc/self/fd");

	CHECK(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* The most that was seen in a third of the time. */
struct sight {
	size_t states, stored, cached_bytes, descriptors;
};

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static void look(struct world *world, struct sight *sight)
{
	const struct controller *controller = world_controller(world);
	size_t stored = 0, cached_bytes = 0;

	for (size_t i = 0; i < CACHE_COUNT; i++) {
		stored += store_count(controller->caches[i].store);
		cached_bytes += store_bytes(controller->caches[i].store);
	}
	sight->states = larger(sight->states, table_count(controller->states));
	sight->stored = larger(sight->stored, stored);
	sight->cached_bytes = larger(sight->cached_bytes, cached_bytes);
	sight->descriptors = larger(sight->descriptors, descriptors());
}

struct names {
	char ns[32], name[32];
};

static struct names names_of(size_t revision)
{
	struct names names;

	snprintf(names.ns, sizeof(names.ns), "ns%zu", revision % NAMESPACES);
	snprintf(names.name, sizeof(names.name), "many%zu-00001", revision);
	return names;
}

static void make_revisions(struct world *world)
{
	for (size_t i = 0; i < REVISIONS; i++) {
		struct names names = names_of(i);
		model_revision(
		    world_model(world), names.ns, names.name,
		    "metric=m\ntarget=5\nprometheus-query=q\nmin-scale=1\nmax-scale=10\n");
	}
	world_run(world, SETTLE_MS);
}

/* What users, Knative and the cluster do all day. */
static void change_one(struct world *world, uint64_t *seed)
{
	static const char *const edits[] = {"target=7",     "target=5\nwindow=60s",
					    "window-",      "metric-type=Foo",
					    "metric-type-", "min-scale=2"};
	struct model *model = world_model(world);
	struct names names = names_of(test_random(seed) % REVISIONS);

	switch (test_random(seed) % 20) {
	case 0:
		model_delete(model, "podautoscalers", names.ns, names.name);
		break;
	case 1:
		model_delete(model, "scaledobjects", names.ns, names.name);
		break;
	case 2:
		model_route(model, names.ns, names.name,
			    test_random(seed) % 2 ? "active" : "reserve");
		break;
	default:
		model_annotate(model, names.ns, names.name,
			       edits[test_random(seed) % ARRAY_SIZE(edits)]);
		break;
	}
}

static void churn(struct world *world, size_t seconds, uint64_t *seed, struct sight *sight)
{
	*sight = (struct sight){0};
	for (size_t i = 0; i < seconds; i++) {
		for (size_t j = 0; j < CHANGES_A_SECOND; j++)
			change_one(world, seed);
		world_run(world, 1000);
		/* History and events of the cluster are not the program's. */
		if (i % 10 == 0)
			model_compact(world_model(world));
		look(world, sight);
	}
}

/* A part in 50, and a little. */
static bool flat(size_t first, size_t last, size_t little)
{
	return last <= first + first / 50 + little;
}

TEST(soak, memory_is_flat)
{
	const char *asked = getenv("SOAK");
	size_t minutes = asked ? strtoul(asked, NULL, 10) : MINUTES;
	struct sight sights[THIRDS];
	uint64_t seed = 20260102;
	size_t before = bytes_in_use();
	struct world *world = world_new(NULL);

	world_start(world);
	make_revisions(world);
	for (size_t i = 0; i < THIRDS; i++) {
		churn(world, minutes * 60 / THIRDS, &seed, &sights[i]);
		printf("soak revisions=%d third=%zu cached-bytes=%zu cached=%zu states=%zu "
		       "descriptors=%zu\n",
		       REVISIONS, i + 1, sights[i].cached_bytes, sights[i].stored, sights[i].states,
		       sights[i].descriptors);
	}
	const struct sight *first = &sights[0], *last = &sights[THIRDS - 1];
	EXPECT(flat(first->cached_bytes, last->cached_bytes, 100000));
	EXPECT(flat(first->states, last->states, 100));
	EXPECT(flat(first->stored, last->stored, 100));
	EXPECT_INT(last->descriptors, first->descriptors);
	EXPECT(last->stored >= 3 * REVISIONS);
	EXPECT_TEXT(world_breach(world), "");
	/* One that has just begun holds as much as one that has seen all that. */
	world_run(world, SETTLE_MS);
	size_t old = held_bytes(world);
	world_run(world, SETTLE_MS);
	size_t fresh = held_bytes(world);
	printf("soak minutes=%zu held-bytes-old=%zu held-bytes-fresh=%zu\n", minutes, old, fresh);
	EXPECT(flat(fresh, old, EVENTS_BYTES));
	world_free(world);
	/* Nothing was lost on the way; interned texts stay. */
	EXPECT(flat(before, bytes_in_use(), INTERNED_BYTES));
}

TEST_MAIN(TEST_OF(soak, memory_is_flat))
