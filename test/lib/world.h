/*
 * The simulated world: a small model of the API server with Knative's, KEDA's and the HPA
 * controllers behind it, on a fake clock, behind struct transport. All in process and
 * deterministic: the same scenario gives the same trace, byte for byte.
 *
 * test/lib/model.h is the cluster (objects, versions, watches, admission, the other controllers),
 * test/lib/world_wire.h the transport with its faults; this runs the whole controller between them.
 */
#ifndef TEST_LIB_WORLD_H
#define TEST_LIB_WORLD_H

#include "reconciler/controller/controller.h"
#include "test/lib/model.h"
#include "test/lib/world_wire.h"

struct world;

struct world_config {
	const struct fault *faults; /* fault_count of them; NULL: none */
	size_t fault_count;
	size_t chunk;       /* bytes a piece of every stream; 0: whole lines */
	int64_t skew_ms;    /* the controller's wall clock is ahead of the server's by this */
	bool no_watch_list; /* WatchList is not offered: LIST and WATCH */
	/* Where the controller registers its metrics, once: it is not started again then. */
	struct metrics *metrics;
};

struct world *world_new(const struct world_config *config); /* NULL: the defaults */
void world_free(struct world *world); /* stops the controller as world_kill does */
struct model *world_model(struct world *world);
struct wire *world_wire(struct world *world);
int64_t world_now_ms(const struct world *world); /* server time */

/* Starts the controller under test (again after a kill: a new process). */
void world_start(struct world *world);
void world_kill(struct world *world);                     /* as kill -9: nothing is finished */
struct controller *world_controller(struct world *world); /* NULL while none runs */
unsigned world_crashes(const struct world *world);        /* by faults */

/* Several replicas with leader election, beside or instead of that one: world_replicas.h. */
struct replicas;
void world_add_replicas(struct world *world, struct replicas *replicas); /* taken over */
struct timers *world_timers(struct world *world);
struct fake_clock *world_clock(struct world *world);

/* Time passes: timers, requests, the other controllers, until ms are over. */
void world_run(struct world *world, int64_t ms);
/* Until nothing has moved for a while (no request under way, no key waiting, nothing that another
 * controller does within a second) or ms are over; false: still moving. */
bool world_settle(struct world *world, int64_t ms);

/* What the controller wrote since the start or the last clear (world_wire.h). */
const char *world_trace(const struct world *world);
void world_trace_clear(struct world *world);
size_t world_writes(const struct world *world); /* Events too */
unsigned world_faults_fired(const struct world *world);

/* What must hold at every moment, whatever breaks (world_audit.h): "" or the first breach. */
const char *world_breach(const struct world *world);

/* The end state that faults must not change, as text: the PodAutoscalers' conditions, names and
 * scales, specs of SKS, ScaledObjects and HPAs, Deployments' replicas; no versions, no times. Valid
 * until the next call. */
const char *world_state(struct world *world);

#endif
