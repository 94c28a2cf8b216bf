/*
 * Each name gets an angle that depends on the key too; the key's own angle picks the next name at
 * or behind it, round the circle.
 */
#include "pkg/knative/buckets.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/hash.h"

#define UNIVERSE 2048

static uint64_t hash_on(uint64_t hash, const char *text)
{
	return hash_bytes(hash, text, strlen(text));
}

static bool is_taken(const uint64_t *angles, size_t count, uint64_t angle)
{
	for (size_t i = 0; i < count; i++) {
		if (angles[i] == angle)
			return true;
	}
	return false;
}

/* Two names at one angle: the later one hashes on, with its own hash in hexadecimal. */
static uint64_t angle_of(const char *name, const char *key, const uint64_t *angles, size_t count)
{
	uint64_t hash = hash_on(hash_on(HASH_SEED, name), key);

	while (is_taken(angles, count, hash % UNIVERSE)) {
		char hex[17];

		snprintf(hex, sizeof(hex), "%" PRIx64, hash);
		hash = hash_on(hash, hex);
	}
	return hash % UNIVERSE;
}

size_t bucket_of(const char *const *names, size_t count, const char *key)
{
	uint64_t angles[BUCKETS_MAX];
	uint64_t start = hash_on(hash_on(HASH_SEED, key), "start-angle-salt") % UNIVERSE;
	size_t next = 0;

	CHECK(count > 0 && count <= BUCKETS_MAX);
	if (count == 1)
		return 0;
	for (size_t i = 0; i < count; i++) {
		angles[i] = angle_of(names[i], key, angles, i);
		/* How far ahead of start, round the circle: the least wins. */
		if ((angles[i] - start) % UNIVERSE < (angles[next] - start) % UNIVERSE)
			next = i;
	}
	return next;
}
