/* FNV-1a, 64 bit. */
#include "pkg/base/hash.h"

#include <string.h>

#define FNV_PRIME UINT64_C(1099511628211)

uint64_t hash_bytes(uint64_t seed, const void *data, size_t length)
{
	const unsigned char *bytes = data;
	for (size_t i = 0; i < length; i++)
		seed = (seed ^ bytes[i]) * FNV_PRIME;
	return seed;
}

uint64_t hash_text(uint64_t seed, const char *text)
{
	return hash_bytes(seed, text, strlen(text) + 1);
}
