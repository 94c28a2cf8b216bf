/*
 * struct controller from the inside, shared by the files of the shell: controller.c (life, passes),
 * keys.c (what is remembered of keys), routes.c (a change -> the keys to look at), changes.c
 * (changes that are none to us), views.c (the stores -> a view), configs.c (the ConfigMaps),
 * leadership.c (our leases), rival.c (autoscaler-hpa's leases), activation.c (where activators are,
 * and whether they can be read), notes.c (events, log lines);
 * meters.h has the metrics, state_internal.h what is shown to whoever looks in. Only they and their
 * tests include this.
 */
#ifndef CONTROLLER_INTERNAL_H
#define CONTROLLER_INTERNAL_H

#include <sys/queue.h>

#include "pkg/base/table.h"
#include "pkg/knative/buckets.h"
#include "pkg/knative/config_logging.h"
#include "pkg/knative/config_observability.h"
#include "pkg/kube/elector.h"
#include "pkg/kube/events.h"
#include "pkg/kube/reflector.h"
#include "pkg/work/queue.h"
#include "reconciler/controller/controller.h"
#include "reconciler/controller/meters.h"
#include "reconciler/controller/pass.h"
#include "reconciler/controller/resources.h"

#define COMPONENT "autoscaler-keda-hpa"
/* As many passes are under way at once; those that have been for a second wait for somebody else
 * and make room for others, of which a quarter may always be beside them (kube_client does the same
 * with writes). */
#define MAX_PASSES 32
#define MAX_PASSES_IN_ALL (4 * MAX_PASSES)
#define PARADE_KEYS_A_SECOND 100

enum cache_id {
	CACHE_PA,
	CACHE_SKS,
	CACHE_SO,
	CACHE_HPA,
	CACHE_LEASE, /* this and those below: of the system namespace */
	CACHE_CONFIG_AUTOSCALER,
	CACHE_CONFIG_KEDA,
	CACHE_CONFIG_LOGGING,
	CACHE_CONFIG_OBSERVABILITY,
	CACHE_COUNT,                         /* of those that are always there */
	CACHE_ENDPOINT_SLICES = CACHE_COUNT, /* from the first one on that needs it */
	CACHE_MAX,
};

#define ACTIVATORS_SERVICE "activator-service"

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

/* The ConfigMaps of logs and metrics. */
struct other_configs {
	char *logging_name, *observability_name;
	bool log_format_fixed;
	struct config_logging logging;
	struct config_observability observability;
};

/* What is remembered of a key; absent where there is nothing to remember. */
struct key_state {
	struct memo memo;
	struct pass *pass;           /* under way, or NULL */
	TAILQ_ENTRY(key_state) link; /* while one is */
	bool forget; /* the PodAutoscaler went, or is another one: forget the rest after pass */
	/* A live spec with this hash does what that desired hash asks; 0: unknown. */
	uint64_t live_hash, desired_hash;
	int64_t held_until_ms, refused_ms; /* meters_decided; server time, 0: never */
	const char *refused_reason;        /* static text; NULL: was not */
	unsigned told_failure;             /* the failure that was logged last; 0: it is over */
	uint64_t told_reason;              /* a hash of the reason that the pass gave then */
};

/* Keys that are to be looked at, but not all at once. */
struct parade {
	struct strbuf keys; /* each with its NUL */
	size_t at;          /* of the next one, in keys */
	struct timer timer;
};

/* Our leases, one a bucket. */
struct leadership {
	char *identity;         /* NULL: no leader election */
	char *config_name;      /* of the ConfigMap */
	struct kube_call *call; /* which reads that */
	struct timer again;     /* reads it again after a failure */
	bool told;              /* that it can't be read */
	struct arena *names_arena;
	size_t buckets; /* 0: the ConfigMap is not read yet */
	int64_t lease_ms, renew_ms, retry_ms;
	const char *names[BUCKETS_MAX];        /* of the leases, ascending */
	struct elector *electors[BUCKETS_MAX]; /* NULL until the caches are synced */
	size_t resigning;                      /* how many have not given up their lease yet */
	void (*resigned)(struct controller *controller);
	void (*failed)(void *ctx, const char *why);
	void *failed_ctx;
};

/* Knative's autoscaler-hpa. */
struct rival {
	struct table *sightings; /* name of a lease of its -> struct sighting */
	bool runs;               /* nothing is written meanwhile */
	struct timer timer;
};

/* Knative's activators. */
struct activation {
	struct controller_activators reader; /* found NULL: none */
	size_t revisions;                    /* of ours, scaled by concurrency or rps */
	size_t triggers;                     /* ScaledObjects with a trigger that asks for these */
	size_t places;                       /* that were told last */
	bool told;                           /* the reader knows what there is */
	struct strbuf trouble;               /* and this */
};

struct controller {
	struct kube_client *client;
	struct timers *timers;
	char *ns; /* NULL: all */
	char *system_namespace;
	struct cache caches[CACHE_MAX];
	size_t cache_count; /* that are there: CACHE_COUNT or CACHE_MAX */
	struct queue *queue;
	struct table *states; /* key -> struct key_state */
	struct recorder *recorder;
	struct learned *learned;
	struct autoscaler_values *autoscaler;
	struct keda_values *keda;
	struct other_configs others;
	struct pass_shell shell;
	uint64_t last_trace; /* pass_shell.last_trace; starts anywhere, so that replicas differ */
	struct meters meters;
	struct parade parade;
	struct leadership leadership;
	struct rival rival;
	struct activation activation;

	unsigned passes;                             /* under way */
	TAILQ_HEAD(key_states, key_state) under_way; /* the oldest pass first */
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
	struct state *state;   /* what is remembered for whoever looks in (state_internal.h) */
};

/* The resource's kind; of a ConfigMap its name. */
const char *cache_name(const struct cache *cache);

/* Once. */
void cache_open_endpoint_slices(struct controller *controller);

/* May a write for that key go out, now? */
bool key_may_write(void *ctx, const char *key);

/* ---- keys.c ---- */

void key_states_init(struct controller *controller);
void key_states_release(struct controller *controller); /* passes under way too */
struct key_state *key_state_for(struct controller *controller, const char *key); /* maybe new */
bool key_state_worth_keeping(const struct key_state *state);
void key_state_drop_pass(struct controller *controller, struct key_state *state);
/* Forgets what is remembered of that key; fine if nothing is. Not while its pass is under way. */
void key_state_drop(struct controller *controller, const char *key);
/* The keys of that bucket are no longer ours: passes under way are given up, what is remembered of
 * them and their back-offs are forgotten. */
void keys_give_up(struct controller *controller, size_t bucket);

/* ---- routes.c ---- */

/* store_config.index and .changed of the caches. */
const char *route_index_pod_autoscaler(const struct object *object);
const char *route_index_scaled_object(const struct object *object);
const char *route_index_hpa(const struct object *object);
void route_changed(void *ctx, const struct object *before, const struct object *after);
/* Is there something to do for that PodAutoscaler: is it of our class, or has it a ScaledObject of
 * ours left from when it was? NULL: no. */
bool route_concerns(const struct controller *controller, const struct object *pa);
/* Every PodAutoscaler that there is something to do for, on the slow lane. */
void route_all(struct controller *controller);
/* Those of one bucket. */
void route_bucket(struct controller *controller, size_t bucket);
/* The same as route_all, but at most PARADE_KEYS_A_SECOND of them: what a changed default does to
 * thousands of revisions is neither to stampede nor to hold up a user's own change. */
void route_all_gradually(struct controller *controller);
void routes_init(struct controller *controller);
void routes_release(struct controller *controller);

/* ---- changes.c ---- */

/* Do two versions of one ServerlessService, ScaledObject or HPA read the same to decide()? KEDA and
 * the HPA controller write times and values into theirs every few seconds. */
bool change_is_none(enum cache_id id, const struct object *before, const struct object *after);

/* ---- views.c: pass_shell.take_view ---- */

bool view_take(void *ctx, const char *key, struct snapshot *out);
/* The one that belongs to that PodAutoscaler; NULL: none. */
struct object *view_find_scaled_object(const struct controller *controller,
				       const struct pod_autoscaler *pa);

/* ---- configs.c ---- */

struct object *config_map_decode(const struct json *json, struct error *err);
/* The defaults. */
void configs_init(struct controller *controller, const struct controller_config *config);
void configs_release(struct controller *controller);
void configs_changed(struct controller *controller, enum cache_id id, const struct object *before,
		     const struct object *after);
void configs_warn_absent(struct controller *controller);
const char *config_map_name(const struct controller *controller, enum cache_id id);

/* ---- leadership.c ---- */

void leadership_init(struct controller *controller, const struct controller_config *config);
void leadership_release(struct controller *controller);
/* Begins to campaign once the ConfigMap is read and the caches are synced; else nothing. */
void leadership_campaign(struct controller *controller);
bool leadership_holds(const struct controller *controller, const char *key);
size_t leadership_bucket(const struct controller *controller, const char *key);
void leadership_lease_changed(struct controller *controller, const struct object *before,
			      const struct object *after);
/* Gives all leases up; resigned comes once that is answered, maybe from within. */
void leadership_resign(struct controller *controller,
		       void (*resigned)(struct controller *controller));

/* ---- rival.c ---- */

void rival_init(struct controller *controller);
void rival_release(struct controller *controller);
void rival_lease_changed(struct controller *controller, const struct object *before,
			 const struct object *after);

/* ---- activation.c ---- */

void activation_release(struct controller *controller);
/* A PodAutoscaler or ScaledObject changed: is there one now that needs them, or none any more? */
void activation_count(struct controller *controller, enum cache_id id, const struct object *before,
		      const struct object *after);
/* An EndpointSlice did. */
void activation_moved(struct controller *controller);
/* From time to time: what no change tells. */
void activation_look(struct controller *controller);
/* NULL: they can be read, or nobody needs them. */
const char *activation_why_unread(const struct controller *controller);
void activation_view(const struct controller *controller, struct view *view);

/* ---- decided.c: what state.h shows ---- */

void state_init(struct controller *controller);
void state_release(struct controller *controller);
void state_pass_ended(struct controller *controller, const char *key,
		      const struct pass_outcome *outcome, bool failed);

/* ---- notes.c ---- */

void tell_note(void *ctx, const struct pod_autoscaler *pa, const struct note *note);
void tell_step(void *ctx, const char *key, const struct decision *decision, const struct error *err,
	       int64_t duration_ms);
/* The one line about a pass that ended: WARN if it failed otherwise than that key did before, else
 * INFO if it wrote something or recorded an Event, else DEBUG. */
void tell_outcome(struct key_state *state, const char *key, const struct pass_outcome *outcome);

#endif
