/* A queue on a fake clock, for its tests. */
#ifndef TEST_UNIT_QUEUE_FIXTURE_H
#define TEST_UNIT_QUEUE_FIXTURE_H

#include "pkg/work/queue.h"
#include "test/lib/fake_clock.h"

struct world {
	struct fake_clock clock;
	struct timers *timers;
	struct queue *queue;
	int ready; /* how often it was */
};

static void on_ready(void *ctx)
{
	((struct world *)ctx)->ready++;
}

static void world_init(struct world *world)
{
	*world = (struct world){.ready = 0};
	fake_clock_init(&world->clock);
	world->timers = timers_new(&world->clock.clock);
	world->queue = queue_new(world->timers, on_ready, world);
}

static void world_release(struct world *world)
{
	queue_free(world->queue);
	timers_free(world->timers);
}

#endif
