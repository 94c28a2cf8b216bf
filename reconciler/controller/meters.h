/*
 * The controller's metrics from the inside: the families that meters.c, meters_revisions.c and
 * meters_runtime.c keep. What is counted elsewhere (queue, reflectors, recorder) is brought into
 * counters at each exposition; the told_ fields are what these hold already.
 */
#ifndef CONTROLLER_METERS_H
#define CONTROLLER_METERS_H

#include "pkg/kube/events.h"
#include "pkg/metrics/metrics.h"
#include "pkg/work/queue.h"
#include "reconciler/hpa/decide.h"

/* Families with these groups are written while the key of config-autoscaler-keda of that name
 * says so. */
#define METERS_PER_REVISION "`metrics-per-revision`"
#define METERS_CONTROLLER_RUNTIME "`metrics-controller-runtime`"

struct controller;
struct key_state;
struct revision;
struct revision_emitter;

/* Of each revision that this replica leads; samples live only while they are written. */
struct revision_meters {
	struct metric *tally; /* how many there are, by readiness and reason */
	struct revision_emitter *emitters;
	struct revision *revisions; /* NULL between two expositions */
	size_t count, room;
};

/* controller-runtime's names. */
struct runtime_meters {
	struct metric *results, *errors, *never[3], *pass_seconds, *max, *active;
	struct metric *depth, *adds, *wait_seconds, *work_seconds, *unfinished, *longest, *retries;
	uint64_t told_adds, told_retries;
};

struct meters {
	struct metrics *metrics; /* NULL: nothing is counted */
	struct metric *depth, *adds, *retries, *wait_seconds, *process_seconds, *unfinished,
	    *longest, *oldest, *failing;
	struct metric *steps, *step_seconds, *config_errors, *events, *rival, *degraded;
	struct metric *restarts, *relists, *undecodable, *synced, *objects, *bytes, *silent, *age;
	struct metric *troubled;
	struct metric *leads, *leader_changes;
	struct metric *build;
	struct revision_meters revision;
	struct runtime_meters runtime;
	uint64_t told_adds, told_retries;
	struct recorder_stats told_events;
};

/* The queue and the passes under way at one moment. */
struct load {
	struct queue_stats queue;
	double unfinished_seconds; /* ages of the passes, added up */
};

/* ---- meters.c ---- */

void meters_init(struct controller *controller, struct metrics *metrics);
void meters_release(struct controller *controller);
void meters_step(struct controller *controller, enum step_kind step, const struct error *err,
		 int64_t duration_ms);
void meters_wait(struct controller *controller, int64_t duration_ms); /* of a key, in the queue */
/* again: it will be looked at again even if nothing changes. */
void meters_pass(struct controller *controller, int64_t duration_ms, bool failed, bool again);
void meters_leadership(struct controller *controller, const char *lease, bool leads);
void meters_config_error(struct controller *controller, const char *name);

/* Brings a counter up to a total that only grows. */
void meter_count_up(struct metric *counter, const char *const *values, uint64_t *told,
		    uint64_t total);

/* ---- meters_revisions.c ---- */

void meters_revisions_init(struct controller *controller);
void meters_revisions_release(struct controller *controller);
void meters_revisions_collect(struct controller *controller);
void meters_revisions_written(struct controller *controller);
/* Keeps of a pass's last decision what the metrics of its revision tell: until when it is held,
 * when and why it was refused. */
void meters_decided(struct controller *controller, struct key_state *state,
		    const struct decision *decision);

/* ---- meters_runtime.c ---- */

void meters_runtime_init(struct controller *controller);
void meters_runtime_collect(struct controller *controller, const struct load *load);
void meters_runtime_pass(struct controller *controller, int64_t duration_ms, bool failed,
			 bool again);

#endif
