/*
 * A world with replicas and revisions "default/hello-00001", ..., and what has to hold at the end
 * of every test: each revision is ready, nothing was made twice, no write left or was accepted
 * while the Lease named another, and nothing is written once all is done.
 */
#ifndef TEST_SIM_LEADER_STAGE_H
#define TEST_SIM_LEADER_STAGE_H

#include <string.h>

#include "pkg/base/check.h"
#include "test/lib/test.h"
#include "test/lib/world_replicas.h"

#define NS "default"
#define KEY "default/hello-00001"
#define CUSTOM "metric=m\ntarget=5\nprometheus-query=q\nmax-scale=10\nmin-scale=1\n"
#define LEASE_MS 60000
#define RETRY_MS 10000
/* Until another has noticed that a lease ran out: the lease, and the jitter of a retry. */
#define TAKEN_OVER_MS (LEASE_MS + RETRY_MS / 5 + 100)

struct stage {
	struct world *world;
	struct model *model;
	struct replicas *replicas;
	unsigned revisions;
	bool faulty; /* what was made may have to be found out by making it again */
};

/* An HPA has its first status 15 s after it was made. */
static inline void settle(struct stage *s)
{
	world_run(s->world, 20000);
	EXPECT(world_settle(s->world, 300000));
}

static inline void begin(struct stage *s, unsigned buckets, size_t count)
{
	static const int64_t skews[REPLICAS_MAX] = {0, 300000, -300000};

	*s = (struct stage){.world = world_new(NULL)};
	s->model = world_model(s->world);
	s->replicas = world_replicas_new(s->world, buckets);
	for (size_t i = 0; i < count; i++)
		replica_start(s->replicas, i, skews[i]);
	world_run(s->world, 2000);
}

static inline void make(struct stage *s, const char *annotations)
{
	char name[32];

	snprintf(name, sizeof(name), "hello-%05u", ++s->revisions);
	model_revision(s->model, NS, name, annotations);
}

static inline int leader(struct stage *s)
{
	return replicas_leader(s->replicas, KEY);
}

static inline void expect_leader(struct stage *s, int want)
{
	EXPECT_INT(leader(s), want);
}

static inline void expect_ready(struct stage *s)
{
	for (unsigned i = 1; i <= s->revisions; i++) {
		char name[32], line[96];

		snprintf(name, sizeof(name), "hello-%05u", i);
		test_row("%s", name);
		EXPECT_TEXT(model_condition(s->model, "podautoscalers", NS, name, "Ready"), "True");
		snprintf(line, sizeof(line), "scaledobjects %s/%s 201\n", NS, name);
		EXPECT_CONTAINS(replicas_creates(s->replicas), line);
	}
}

/* The end of every test: what must hold whatever happened. */
static inline void end(struct stage *s)
{
	settle(s);
	expect_ready(s);
	if (!s->faulty)
		EXPECT(!strstr(replicas_creates(s->replicas), " 409"));
	EXPECT_TEXT(replicas_breach(s->replicas), "");
	EXPECT_TEXT(world_breach(s->world), "");
	replicas_writes_clear(s->replicas);
	world_run(s->world, 300000);
	for (size_t i = 0; i < REPLICAS_MAX; i++)
		EXPECT_INT(replica_writes(s->replicas, i), 0);
	EXPECT_TEXT(replicas_breach(s->replicas), "");
	world_free(s->world);
}

static inline void start_leading_pair(struct stage *s, int *first, int *second)
{
	begin(s, 1, 2);
	*first = leader(s);
	CHECK(*first == 0 || *first == 1);
	*second = 1 - *first;
}

#endif
