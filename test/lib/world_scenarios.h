/*
 * Scenarios: what happens to one revision (default/hello-00001 unless said otherwise), as tables of
 * steps. Played without faults, a scenario checks the writes in their order, conditions and events
 * on its way; played with faults, it only does what happens, and its end state must be the same.
 */
#ifndef TEST_LIB_WORLD_SCENARIOS_H
#define TEST_LIB_WORLD_SCENARIOS_H

#include "test/lib/world.h"

struct play {
	struct world *world;
	bool strict; /* no faults: expectations are checked */
};

struct step {
	void (*act)(struct play *play, const char *text, int64_t number);
	const char *text;
	int64_t number;
};

struct scenario {
	const char *name;
	const struct step *steps; /* ends with act NULL */
	bool sweep;               /* is played with faults too */
};

/* Each ends with name NULL. */
extern const struct scenario scenarios_of_life[], scenarios_of_trouble[], scenarios_of_hand_over[];

const struct scenario *scenario_at(size_t index);       /* of all; NULL beyond the last */
const struct scenario *scenario_find(const char *name); /* a CHECK if unknown */
void scenario_play(const struct scenario *scenario, struct world *world, bool strict);

#endif
