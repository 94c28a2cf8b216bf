/*
 * The same as log lines. A signal asked for them, so the log's level does not count. The lines of
 * the keys are written a few a round of the loop, each from what holds at that moment.
 */
#include <string.h>

#include "pkg/base/date.h"
#include "pkg/base/log.h"
#include "pkg/kube/lease.h"
#include "reconciler/controller/state_internal.h"

#define KEYS_A_ROUND 25

#define TELL(message, ...)                                                                         \
	log_write(LOG_INFO, __FILE__, __LINE__, message,                                           \
		  (const struct log_field[]){__VA_ARGS__, {0}})

static void tell_process(const struct controller *controller)
{
	int64_t up_ms = timers_now(controller->timers) - controller->state->started_ms;
	struct kube_client_stats client;
	struct recorder_stats events;
	struct queue_stats queue;

	kube_client_stats(controller->client, &client);
	recorder_stats(controller->recorder, &events);
	queue_stats(controller->queue, &queue);
	TELL("state", F_STR("version", AKH_VERSION), F_MS("up", up_ms),
	     F_BOOL("ready", controller_ready(controller)),
	     F_BOOL("autoscalerHpaRuns", controller->rival.runs),
	     F_INT("waiting", (int64_t)queue.depth), F_MS("oldestWaiting", queue.longest_ms),
	     F_INT("working", (int64_t)queue.working),
	     F_MS("oldestWorking", queue.working_longest_ms),
	     F_INT("backOff", (int64_t)queue.failing), F_INT("writes", (int64_t)client.writes),
	     F_INT("eventWrites", (int64_t)client.background),
	     F_INT("waitingRequests", (int64_t)client.waiting), F_MS("heldBack", client.held_ms),
	     F_MS("serverClockAhead", client.ahead_ms), F_INT("events", (int64_t)events.sent),
	     F_INT("eventsDropped", (int64_t)events.dropped));
}

static void tell_leases(const struct controller *controller)
{
	const struct leadership *leadership = &controller->leadership;

	for (size_t i = 0; i < leadership->buckets; i++) {
		const struct elector *elector = leadership->electors[i];
		const struct object *lease =
		    store_get(controller->caches[CACHE_LEASE].store, controller->system_namespace,
			      leadership->names[i]);

		TELL("state of a lease", F_STR("lease", leadership->names[i]),
		     F_BOOL("leads", elector && elector_leads(elector)),
		     F_STR("holder", lease ? ((const struct lease *)lease)->holder : NULL));
	}
}

static void tell_caches(const struct controller *controller)
{
	for (size_t i = 0; i < controller->cache_count; i++) {
		const struct cache *cache = &controller->caches[i];
		struct reflector_status status;

		reflector_status(cache->reflector, &status);
		TELL("state of a cache", F_STR("resource", cache_name(cache)),
		     F_INT("objects", (int64_t)store_count(cache->store)),
		     F_INT("bytes", (int64_t)store_bytes(cache->store)),
		     F_BOOL("synced", store_synced(cache->store)),
		     F_STR("watch", watch_name(status.state)),
		     F_INT("resourceVersion", (int64_t)status.version),
		     F_MS("silent", status.silent_ms), F_INT("restarts", (int64_t)status.restarts),
		     F_STR("error", status.trouble[0] ? status.trouble : NULL));
	}
}

/* ---- the keys ---- */

static void tell_key(const struct controller *controller, const char *key)
{
	static const struct memo nothing;
	struct key_facts facts;
	const struct memo *memo;
	const struct condition *active;
	char held[TIME_RFC3339_SIZE] = "";

	if (!key_facts(controller, key, &facts))
		return;
	memo = facts.state ? &facts.state->memo : &nothing;
	if (facts.state && facts.state->held_until_ms != 0)
		time_format_rfc3339(facts.state->held_until_ms, held);
	active = facts.pa ? conditions_get(&facts.pa->conditions, CONDITION_ACTIVE) : NULL;
	TELL("state of a key", F_STR("knative.dev/key", key),
	     F_STR("place", facts.queued ? place_name(facts.queue.place) : "idle"),
	     F_STR("lane", facts.queued ? facts.queue.lane : NULL),
	     F_MS("since", facts.queued ? facts.queue.since_ms : 0),
	     F_MS("dueIn", facts.queued && facts.queue.due_ms > 0 ? facts.queue.due_ms : 0),
	     F_INT("failures", facts.queued ? (int64_t)facts.queue.failures : 0),
	     F_BOOL("hung", facts.queued && facts.queue.hung),
	     F_STR("active", active ? condition_status_name(active->status) : NULL),
	     F_STR("reason", active ? active->reason : NULL), F_STR("refused", memo->refused_text),
	     F_STR("notWritten", memo->unwritten_text),
	     F_BOOL("changedByOthers", memo->fought_hash != 0),
	     F_STR("heldUntil", held[0] ? held : NULL),
	     F_BOOL("degraded", memo->degraded_since_ms != 0),
	     F_STR("error", facts.decided && facts.decided->again ? facts.decided->error : NULL));
}

static void go_on(void *ctx)
{
	struct controller *controller = ctx;
	struct telling *telling = &controller->state->telling;

	for (unsigned i = 0; i < KEYS_A_ROUND && telling->at < telling->keys.len; i++) {
		const char *key = telling->keys.buf + telling->at;

		tell_key(controller, key);
		telling->at += strlen(key) + 1;
	}
	if (telling->at < telling->keys.len) {
		timer_arm(controller->timers, &telling->timer, 0);
		return;
	}
	strbuf_release(&telling->keys);
	TELL("state told", F_INT("keys", (int64_t)telling->told),
	     F_INT("more", (int64_t)telling->more));
}

static void note_key(const struct controller *controller, const char *key)
{
	struct telling *telling = &controller->state->telling;
	struct key_facts facts;

	if (!key_facts(controller, key, &facts) || !key_facts_matter(&facts))
		return;
	if (telling->told >= STATE_KEYS_MAX) {
		telling->more++;
		return;
	}
	strbuf_addstr(&telling->keys, key);
	strbuf_addch(&telling->keys, '\0');
	telling->told++;
}

static bool note_queued(void *ctx, const struct queue_key *queued)
{
	note_key(ctx, queued->key);
	return true;
}

/* Those that the queue knows were noted already. */
static bool note_idle(void *ctx, struct object *object)
{
	struct controller *controller = ctx;
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;
	struct queue_key queued;

	strbuf_addf(&key, "%s/%s", object->meta.ns, object->meta.name);
	if (!queue_find(controller->queue, key.buf, &queued))
		note_key(controller, key.buf);
	return true;
}

void controller_log_state(struct controller *controller)
{
	struct telling *telling = &controller->state->telling;

	if (timer_armed(&telling->timer))
		return;
	tell_process(controller);
	tell_leases(controller);
	tell_caches(controller);
	*telling = (struct telling){.keys = STRBUF_INIT};
	timer_init(&telling->timer, go_on, controller);
	queue_each(controller->queue, note_queued, controller);
	store_each(controller->caches[CACHE_PA].store, note_idle, controller);
	timer_arm(controller->timers, &telling->timer, 0);
}

void telling_release(struct controller *controller)
{
	struct telling *telling = &controller->state->telling;

	timer_disarm(controller->timers, &telling->timer);
	strbuf_release(&telling->keys);
}
