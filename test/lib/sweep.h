/*
 * Scenarios again and again, each time with one fault (or two) more on its way. Whatever breaks,
 * the end state is the one without faults, from then on nothing is written, no create met what it
 * made itself, and no rule of world_audit.h was broken.
 */
#ifndef TEST_LIB_SWEEP_H
#define TEST_LIB_SWEEP_H

#include "test/lib/world_scenarios.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif

/* The sanitizers cost ten times, an unoptimised build (coverage) five. */
#if SANITIZED || !defined(__OPTIMIZE__)
#define SLOW 1
#else
#define SLOW 0
#endif

struct sweep_kind {
	const char *name;
	struct fault fault;
};

struct sweep_count {
	size_t scenarios, runs, faults; /* faults: those that hit */
};

/* Every stride-th of all (scenario, kind, n); stride 1: n = 1, 2, ... until none hits any more. */
void sweep(const struct sweep_kind *kinds, size_t count, size_t stride, struct sweep_count *out);
/* So many pairs of faults, at places that seed determines, in scenarios in turn. */
void sweep_pairs(const struct sweep_kind *kinds, size_t count, size_t pairs, uint64_t seed,
		 struct sweep_count *out);
/* "scenario:kind:n"; false: it is none of these. */
bool sweep_one(const char *what, const struct sweep_kind *kinds, size_t count);
/* What the environment asks for; NULL: nothing. "all" makes the stride 1. */
const char *sweep_asked(size_t *stride);

#endif
