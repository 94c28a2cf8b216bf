/*
 * struct controller from the inside, shared by the files of the shell: controller.c (life, passes),
 * routes.c (a change -> the keys to look at), changes.c (changes that are none to us), views.c (the
 * stores -> a view), configs.c (the ConfigMaps), rival.c (autoscaler-hpa's leases), notes.c
 * (events, log lines), meters.c (metrics). Only they and their tests include this.
 */
#ifndef CONTROLLER_INTERNAL_H
#define CONTROLLER_INTERNAL_H

#include "pkg/base/table.h"
#include "pkg/kube/events.h"
#include "pkg/kube/reflector.h"
#include "pkg/work/queue.h"
#include "reconciler/controller/controller.h"
#include "reconciler/controller/pass.h"
#include "reconciler/controller/resources.h"

#define COMPONENT "autoscaler-keda-hpa"
#define MAX_PASSES 32
#define PARADE_KEYS_A_SECOND 100

enum cache_id {
	CACHE_PA,
	CACHE_SKS,
	CACHE_SO,
	CACHE_HPA,
	CACHE_LEASE, /* this and those below: of the system namespace */
	CACHE_CONFIG_AUTOSCALER,
	CACHE_CONFIG_KEDA,
	CACHE_COUNT,
};

struct cache {
	struct controller *controller;
	enum cache_id id;
	const struct kube_resource *resource;
	object_decode_fn *decode;
	struct store *store;
	struct reflector *reflector;
	uint64_t told_restarts, told_relists, told_undecodable; /* what the counters hold */
};

/* A ConfigMap as the cache keeps it. */
struct config_map {
	struct object object;
	const struct json *data; /* in the object's arena; NULL: none */
};

/* The values in force. Passes hold references: texts stay while a request is under way. */
struct autoscaler_values {
	struct object object;
	struct config_autoscaler config;
};
struct keda_values {
	struct object object;
	struct config_keda config;
};

/* What is remembered of a key; absent where there is nothing to remember. */
struct key_state {
	struct memo memo;
	struct pass *pass; /* under way, or NULL */
	bool forget; /* the PodAutoscaler went, or is another one: forget the rest after pass */
	/* A live spec with this hash does what that desired hash asks; 0: unknown. */
	uint64_t live_hash, desired_hash;
	unsigned
	    told_failure; /* the failure that was logged last; 0: none since a pass went well */
};

struct meters {
	struct metric *depth, *adds, *retries, *wait_seconds, *process_seconds, *unfinished,
	    *longest;
	struct metric *steps, *step_seconds, *config_errors, *events, *rival, *degraded;
	struct metric *restarts, *relists, *undecodable, *synced, *objects, *bytes, *silent;
	struct metric *build;
	uint64_t told_adds, told_retries;
	struct recorder_stats told_events;
};

/* Keys that are to be looked at, but not all at once. */
struct parade {
	struct strbuf keys; /* each with its NUL */
	size_t at;          /* of the next one, in keys */
	struct timer timer;
};

/* Knative's autoscaler-hpa. */
struct rival {
	struct table *sightings; /* name of a lease of its -> struct sighting */
	bool runs;               /* nothing is written meanwhile */
	struct timer timer;
};

struct controller {
	struct kube_client *client;
	struct timers *timers;
	char *ns; /* NULL: all */
	char *system_namespace;
	struct cache caches[CACHE_COUNT];
	struct queue *queue;
	struct table *states; /* key -> struct key_state */
	struct recorder *recorder;
	struct learned *learned;
	struct autoscaler_values *autoscaler;
	struct keda_values *keda;
	struct pass_shell shell;
	struct meters meters;
	struct parade parade;
	struct rival rival;

	unsigned passes;       /* under way */
	bool draining;         /* in drain(): passes that end at once do not start others */
	const char *answering; /* the key whose own write's answer goes into the store just now */
	bool ready;            /* once all caches were synced */
	bool keda_installed;
	bool stopping;
	void (*stopped)(void *ctx);
	void *stopped_ctx;
	int64_t stop_until_ms; /* monotonic: events are not waited for any longer */
	struct timer tick;     /* readiness, KEDA's coming and going, the end of stopping */
	struct timer more;     /* goes on draining in the next round */
};

/* Forgets what is remembered of that key; fine if nothing is. Not while its pass is under way. */
void key_state_drop(struct controller *controller, const char *key);

/* ---- routes.c ---- */

/* store_config.index and .changed of the caches. */
const char *route_index_pod_autoscaler(const struct object *object);
const char *route_index_scaled_object(const struct object *object);
const char *route_index_hpa(const struct object *object);
void route_changed(void *ctx, const struct object *before, const struct object *after);
/* Is there something to do for that PodAutoscaler: is it of our class, or has it a ScaledObject of
 * ours left from when it was? NULL: no. */
bool route_concerns(const struct controller *controller, const struct object *pa);
/* Every PodAutoscaler of ours, on the slow lane. */
void route_all(struct controller *controller);
/* The same, but at most PARADE_KEYS_A_SECOND of them: what a changed default does to thousands of
 * revisions is neither to stampede nor to hold up a user's own change. */
void route_all_gradually(struct controller *controller);
void routes_init(struct controller *controller);
void routes_release(struct controller *controller);

/* ---- changes.c ---- */

/* Do two versions of one ServerlessService, ScaledObject or HPA read the same to decide()? KEDA and
 * the HPA controller write times and values into theirs every few seconds. */
bool change_is_none(enum cache_id id, const struct object *before, const struct object *after);

/* ---- views.c: pass_shell.take_view ---- */

bool view_take(void *ctx, const char *key, struct snapshot *out);

/* ---- configs.c ---- */

struct object *config_map_decode(const struct json *json, struct error *err);
void configs_init(struct controller *controller); /* the defaults */
void configs_release(struct controller *controller);
void configs_changed(struct controller *controller, enum cache_id id, const struct object *before,
		     const struct object *after);
void configs_warn_absent(struct controller *controller);
const char *config_map_name(enum cache_id id);

/* ---- rival.c ---- */

void rival_init(struct controller *controller);
void rival_release(struct controller *controller);
void rival_lease_changed(struct controller *controller, const struct object *before,
			 const struct object *after);

/* ---- notes.c ---- */

void tell_note(void *ctx, const struct pod_autoscaler *pa, const struct note *note);
void tell_step(void *ctx, const char *key, const struct decision *decision, const struct error *err,
	       int64_t duration_ms);

/* ---- meters.c ---- */

void meters_init(struct controller *controller, struct metrics *metrics);
void meters_step(struct controller *controller, enum step_kind step, const struct error *err,
		 int64_t duration_ms);
void meters_wait(struct controller *controller, int64_t duration_ms); /* of a key, in the queue */
void meters_pass(struct controller *controller, int64_t duration_ms);
void meters_config_error(struct controller *controller, const char *name);

#endif
