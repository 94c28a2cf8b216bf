/*
 * struct replicas: several processes of the program with leader election, in one model world. Each
 * has its own client, timers, line (world_line.h) and wire, so that one of them may be killed,
 * stopped, frozen as by SIGSTOP or cut off from the network while the others go on. A frozen one
 * sees the time jump when it thaws.
 *
 * Every write is audited as it leaves a replica and as it is accepted: its key's Lease must not
 * name another then (replicas_breach).
 */
#ifndef TEST_LIB_WORLD_REPLICAS_H
#define TEST_LIB_WORLD_REPLICAS_H

#include "test/lib/world.h"

#define REPLICAS_MAX 3
#define REPLICAS_SYSTEM_NAMESPACE "knative-serving"

/* buckets: 1 to 10, written to config-leader-election with Knative's usual durations. None runs
 * yet. The world owns it. */
struct replicas *world_replicas_new(struct world *world, unsigned buckets);

/* A fault hits that replica's wire; a crash is a new process at once. Before its first start. */
void replica_faulty(struct replicas *replicas, size_t index, const struct fault *fault);
bool replica_fault_fired(const struct replicas *replicas, size_t index);
/* A new process, whose identity no other had. skew_ms: its wall clock is ahead by this. */
void replica_start(struct replicas *replicas, size_t index, int64_t skew_ms);
bool replica_runs(const struct replicas *replicas, size_t index);
void replica_kill(struct replicas *replicas, size_t index); /* kill -9 */
/* SIGTERM: ends by itself, after 4.5 s at the latest. */
void replica_stop(struct replicas *replicas, size_t index);
void replica_freeze(struct replicas *replicas, size_t index);
void replica_thaw(struct replicas *replicas, size_t index);
void replica_cut(struct replicas *replicas, size_t index, bool cut);
struct controller *replica_controller(struct replicas *replicas, size_t index);

/* The replica that leads that key ("ns/name") by its own account; -1: none, -2: several. Frozen
 * ones lead nothing. */
int replicas_leader(struct replicas *replicas, const char *key);
/* The Lease of that bucket. */
const char *replicas_lease(const struct replicas *replicas, unsigned bucket);
/* Writes that arrived since the last clear, those of Leases not counted; of one replica. */
size_t replica_writes(const struct replicas *replicas, size_t index);
void replicas_writes_clear(struct replicas *replicas);
/* Creates that were applied or refused because the object was there, one line each. */
const char *replicas_creates(const struct replicas *replicas);
const char *replicas_breach(const struct replicas *replicas); /* "" or the first one */

/* ---- for world.c ---- */

void replicas_free(struct replicas *replicas); /* NULL is fine */
void replicas_run(struct replicas *replicas, int64_t ms);
bool replicas_quiet(const struct replicas *replicas);

#endif
