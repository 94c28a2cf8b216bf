/*
 * Which of several leases a key belongs to: knative.dev/pkg/hash, ChooseSubset with n 1, over the
 * leases' names. It must agree with Knative's controllers to the bit: replicas of ours and of the
 * Go controller share the same leases.
 */
#ifndef KNATIVE_BUCKETS_H
#define KNATIVE_BUCKETS_H

#include <stddef.h>

#define BUCKETS_MAX 10 /* leaderelection.MaxBuckets */

/* names: count (1 to BUCKETS_MAX) of them, all different, in ascending order (strcmp). key:
 * "namespace/name". The index of the name that owns key. */
size_t bucket_of(const char *const *names, size_t count, const char *key);

#endif
