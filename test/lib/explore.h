/*
 * Bounded exhaustive exploration of decide(): one PodAutoscaler in a small model of the API server,
 * Knative, KEDA, the HPA controller and a user. Every state that any interleaving of their next
 * steps can reach is visited once; decide() itself is called, with views whose caches lag by a
 * version and whose answers get lost.
 *
 * A state is a few small numbers: which of the objects seen so far are there, what the caches show,
 * where the pass is. Times are kept relative to now, versions relative to the latest, uids as the
 * smallest free number, so that histories that cannot be told apart are one state.
 *
 * What must hold is in explore_rules.c, and: from each state the run in which only the fair parties
 * act (nobody edits, nothing fails) comes to an end, where nothing is left to be written.
 */
#ifndef TEST_LIB_EXPLORE_H
#define TEST_LIB_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What may happen beside the fair parties' steps, or-ed; each costs one of the budget. */
enum explore_act {
	/* the user's, and of others */
	USER_SAYS_A = 1u << 0, /* annotations */
	USER_SAYS_B = 1u << 1,
	USER_SAYS_WRONG = 1u << 2,
	USER_LEAVES_CLASS = 1u << 3,
	USER_DELETES_SO = 1u << 4,
	USER_DELETES_SKS = 1u << 5,
	USER_DELETES_HPA = 1u << 6,
	USER_DELETES_PA = 1u << 7, /* Knative makes it anew, with another uid */
	USER_PAUSES = 1u << 8,     /* on the ScaledObject itself, and resumes */
	USER_BENDS_SO = 1u << 9,   /* changes its spec */
	USER_BENDS_SKS = 1u << 10,
	USER_ROUTES = 1u << 11,  /* reachability flips */
	USER_TRAFFIC = 1u << 12, /* the metric flips */
	USER_OWN_SO = 1u << 13,  /* makes one of that name, or deletes it */
	PODS_FAIL = 1u << 14,
	KEDA_STOPS = 1u << 15,    /* goes on by itself, when all else is done */
	KEDA_FAILS = 1u << 16,    /* Ready False, no HPA; until all else is done */
	KEDA_ABSENT = 1u << 17,   /* the API goes, with its objects; comes back likewise */
	USER_SAYS_RPS = 1u << 18, /* annotations: the metric is rps; those of A take it back */
	/* faults */
	FAULT_LOST = 1u << 20,     /* a request is applied, its answer lost */
	FAULT_FAILED = 1u << 21,   /* a request is not applied, for a passing reason */
	FAULT_REFUSED = 1u << 22,  /* ScaledObjects are refused for good, until all else is done */
	FAULT_RESTART = 1u << 23,  /* the process is killed; caches may start a version behind */
	FAULT_DEFAULTS = 1u << 24, /* from the start: the API server adds a default */
};

#define EXPLORE_USER_ACTS ((1u << 20) - 1)

struct story {
	const char *name;
	unsigned acts;
	/* Budgets: how many of either may happen in one history; how often time may pass while
	 * somebody has something to do (it passes freely when nobody has). */
	unsigned edits, faults, slow;
	bool from_ready; /* starts when all is done, not with a fresh PodAutoscaler */
	bool own_so;     /* a user's ScaledObject of that name stands there at first */
};

struct explored {
	size_t states, transitions, ends, longest, writes;
	/* writes: the most that one fair run needed; longest: its steps */
	bool complete;     /* there were no more than limit states */
	char breach[8192]; /* "" or what broke, with the history that led there */
};

/* Stops at the first breach. Beyond limit states no others are looked for, but the fair runs of
 * those that were found are followed. */
void explore(const struct story *story, size_t limit, struct explored *out);

#endif
