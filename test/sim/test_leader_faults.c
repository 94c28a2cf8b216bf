/*
 * A fault at the first, second, third, ... (or every third) write of the replica that leads, those
 * of its Lease too, until none is left to hit; and a leader that is frozen with more work than may
 * be under way.
 */
#include "test/sim/leader_stage.h"

struct kind {
	const char *name;
	unsigned stride; /* every so many-th write */
	struct fault fault;
};

static const struct kind kinds[] = {
    {"lost reply", 1, {.kind = FAULT_LOST_REPLY}},
    {"no reply", 1, {.kind = FAULT_NO_REPLY}},
    {"killed before", 1, {.kind = FAULT_CRASH_BEFORE}},
    {"killed after", 1, {.kind = FAULT_CRASH_AFTER}},
    {"late by 3 s", 3, {.kind = FAULT_DELAY, .delay_ms = 3000}},
    {"409", 3, {.kind = FAULT_STATUS, .status = 409}},
    {"429", 3, {.kind = FAULT_STATUS, .status = 429}},
    {"500", 3, {.kind = FAULT_STATUS, .status = 500}},
};

/* False: there was no such write. */
static bool play(const struct kind *kind, unsigned at)
{
	struct fault fault = kind->fault;
	struct stage s;
	bool fired;

	test_row("%s, write %u", kind->name, at);
	fault.at = at;
	fault.writes_only = true;
	begin(&s, 1, 0);
	s.faulty = true;
	replica_faulty(s.replicas, 0, &fault);
	replica_start(s.replicas, 0, 0);
	world_run(s.world, 500);
	replica_start(s.replicas, 1, 300000);
	world_run(s.world, 1500);
	make(&s, CUSTOM);
	world_run(s.world, 2 * TAKEN_OVER_MS);
	fired = replica_fault_fired(s.replicas, 0);
	make(&s, CUSTOM);
	world_run(s.world, 2 * TAKEN_OVER_MS);
	settle(&s);
	EXPECT(leader(&s) >= 0);
	end(&s);
	return fired;
}

TEST(leader_faults, at_every_write)
{
	unsigned runs = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		unsigned at = 1;

		while (play(&kinds[i], at)) {
			at += kinds[i].stride;
			runs++;
		}
		EXPECT(at > 10);
	}
	printf("sim leader faults injected=%u\n", runs);
}

/* 40 revisions at once: writes wait in the client, in the queue, and on the way. */
TEST(leader_faults, frozen_with_more_than_may_be_under_way)
{
	for (int64_t at = 0; at <= 80; at += 16) {
		struct stage s;
		int first, second;

		test_row("%d ms", (int)at);
		start_leading_pair(&s, &first, &second);
		for (int i = 0; i < 40; i++)
			make(&s, CUSTOM);
		world_run(s.world, at);
		replica_freeze(s.replicas, (size_t)first);
		world_run(s.world, TAKEN_OVER_MS);
		expect_leader(&s, second);
		replica_thaw(s.replicas, (size_t)first);
		world_run(s.world, 1000);
		expect_leader(&s, second);
		end(&s);
	}
}

TEST_MAIN(TEST_OF(leader_faults, at_every_write),
	  TEST_OF(leader_faults, frozen_with_more_than_may_be_under_way))
