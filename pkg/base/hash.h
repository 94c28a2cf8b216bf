/* FNV-1a, 64 bit: for tables and for comparing normalised objects, not for security.
 * The algorithm is fixed (knative.dev/pkg/hash uses the same), so hashes may be compared
 * between processes. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_SEED UINT64_C(14695981039346656037)

uint64_t hash_bytes(uint64_t seed, const void *data, size_t length);
uint64_t hash_text(uint64_t seed, const char *text); /* with its NUL: "a","b" differs from "ab" */

#endif
