/*
 * How many letters two names differ by: inserted, left out, changed, or swapped with their
 * neighbour (optimal string alignment). For "did you mean".
 */
#ifndef BASE_DISTANCE_H
#define BASE_DISTANCE_H

#include <stddef.h>

#define DISTANCE_LENGTH_MAX 128 /* bytes of either; more is a fault of the caller's (CHECK) */

size_t distance(const char *a, const char *b);

#endif
