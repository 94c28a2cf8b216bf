/*
 * The document: the process, its work, its caches, its client, its configuration, and the keys, the
 * busy ones first. Keys are written one by one, so that what is held at a time is the text.
 */
#include "reconciler/controller/state.h"

#include <string.h>

#include "pkg/base/build.h"
#include "pkg/base/log.h"
#include "pkg/kube/lease.h"
#include "reconciler/controller/state_internal.h"

const char *address_shown(struct arena *arena, const char *address)
{
	const char *scheme = strstr(address, "://");
	const char *host = scheme ? scheme + 3 : address;
	const char *at = memrchr(host, '@', strcspn(host, "/?#"));
	size_t length = strcspn(at ? at : host, "?#");

	return arena_printf(arena, "%.*s%s%.*s%s", (int)(host - address), address,
			    at ? "(hidden)" : "", (int)length, at ? at : host,
			    (at ? at : host)[length] ? "?(hidden)" : "");
}

static struct json *lease_json(const struct controller *controller, size_t bucket,
			       struct arena *arena)
{
	const struct leadership *leadership = &controller->leadership;
	const struct elector *elector = leadership->electors[bucket];
	const struct object *lease =
	    store_get(controller->caches[CACHE_LEASE].store, controller->system_namespace,
		      leadership->names[bucket]);
	struct json *out = json_object(arena);

	json_set_int(arena, out, "bucket", (int64_t)bucket);
	json_set_text(arena, out, "lease", leadership->names[bucket]);
	json_set_bool(arena, out, "leads", elector && elector_leads(elector));
	if (lease) {
		set_cut(arena, out, "holder", ((const struct lease *)lease)->holder);
		set_cut(arena, out, "renewed", ((const struct lease *)lease)->renewed);
	}
	return out;
}

static struct json *process_json(const struct controller *controller, struct arena *arena)
{
	int64_t up_ms = timers_now(controller->timers) - controller->state->started_ms;
	int64_t now_ms = kube_client_now_ms(controller->client);
	struct json *out = json_object(arena), *leases = json_array(arena);

	json_set_text(arena, out, "name", COMPONENT);
	json_set_text(arena, out, "version", AKH_VERSION);
	set_cut(arena, out, "commit", build_commit());
	set_time(arena, out, "now", now_ms);
	set_time(arena, out, "started", now_ms - up_ms);
	json_set_int(arena, out, "upMs", up_ms);
	json_set_bool(arena, out, "ready", controller_ready(controller));
	json_set_bool(arena, out, "stopping", controller->stopping);
	json_set_text(arena, out, "namespace", controller->ns ? controller->ns : "");
	json_set_text(arena, out, "systemNamespace", controller->system_namespace);
	json_set_bool(arena, out, "kedaInstalled", controller->keda_installed);
	json_set_bool(arena, out, "autoscalerHpaRuns", controller->rival.runs);
	if (controller->leadership.identity) {
		json_set_text(arena, out, "identity", controller->leadership.identity);
		for (size_t i = 0; i < controller->leadership.buckets; i++)
			json_append(arena, leases, lease_json(controller, i, arena));
		json_set(arena, out, "leases", leases);
	}
	return out;
}

static struct json *queue_json(const struct controller *controller, struct arena *arena)
{
	struct json *out = json_object(arena);
	struct queue_stats stats;

	queue_stats(controller->queue, &stats);
	json_set_int(arena, out, "waiting", (int64_t)stats.depth);
	json_set_int(arena, out, "waitingFast", (int64_t)stats.fast);
	json_set_int(arena, out, "waitingSlow", (int64_t)stats.slow);
	json_set_int(arena, out, "waitingHung", (int64_t)stats.hung);
	json_set_int(arena, out, "oldestWaitingMs", stats.longest_ms);
	json_set_int(arena, out, "working", (int64_t)stats.working);
	json_set_int(arena, out, "oldestWorkingMs", stats.working_longest_ms);
	json_set_int(arena, out, "backOff", (int64_t)stats.failing);
	json_set_int(arena, out, "held", (int64_t)stats.held);
	json_set_int(arena, out, "adds", (int64_t)stats.adds);
	json_set_int(arena, out, "retries", (int64_t)stats.retries);
	json_set_int(arena, out, "remembered", (int64_t)table_count(controller->states));
	return out;
}

const char *watch_name(enum reflector_state state)
{
	static const char *const names[] = {[REFLECTOR_STARTING] = "starting",
					    [REFLECTOR_ABSENT] = "absent",
					    [REFLECTOR_WATCHING] = "watching",
					    [REFLECTOR_TROUBLED] = "troubled"};

	return names[state];
}

static struct json *cache_json(const struct cache *cache, struct arena *arena)
{
	struct json *out = json_object(arena);
	struct reflector_status status;

	reflector_status(cache->reflector, &status);
	json_set_text(arena, out, "kind", cache_name(cache));
	json_set_int(arena, out, "objects", (int64_t)store_count(cache->store));
	json_set_int(arena, out, "bytes", (int64_t)store_bytes(cache->store));
	json_set_bool(arena, out, "synced", store_synced(cache->store));
	json_set_text(arena, out, "watch", watch_name(status.state));
	json_set(arena, out, "resourceVersion",
		 json_stringf(arena, "%llu", (unsigned long long)status.version));
	json_set_int(arena, out, "ageMs", status.age_ms);
	json_set_int(arena, out, "silentMs", status.silent_ms);
	json_set_int(arena, out, "restarts", (int64_t)status.restarts);
	json_set_int(arena, out, "relists", (int64_t)status.relists);
	json_set_int(arena, out, "undecodable", (int64_t)status.undecodable);
	set_cut(arena, out, "trouble", status.trouble);
	return out;
}

static struct json *caches_json(const struct controller *controller, struct arena *arena)
{
	struct json *out = json_array(arena);

	for (size_t i = 0; i < controller->cache_count; i++)
		json_append(arena, out, cache_json(&controller->caches[i], arena));
	return out;
}

static struct json *client_json(const struct controller *controller, struct arena *arena)
{
	struct json *out = json_object(arena);
	struct kube_client_stats stats;

	kube_client_stats(controller->client, &stats);
	json_set_int(arena, out, "reads", (int64_t)stats.reads);
	json_set_int(arena, out, "writes", (int64_t)stats.writes);
	json_set_int(arena, out, "eventWrites", (int64_t)stats.background);
	json_set_int(arena, out, "waiting", (int64_t)stats.waiting);
	json_set_int(arena, out, "heldBackForMs", stats.held_ms);
	json_set_int(arena, out, "serverClockAheadMs", stats.ahead_ms);
	return out;
}

static struct json *recorder_json(const struct controller *controller, struct arena *arena)
{
	struct json *out = json_object(arena);
	struct recorder_stats stats;

	recorder_stats(controller->recorder, &stats);
	json_set_int(arena, out, "sent", (int64_t)stats.sent);
	json_set_int(arena, out, "aggregated", (int64_t)stats.aggregated);
	json_set_int(arena, out, "dropped", (int64_t)stats.dropped);
	json_set_int(arena, out, "failed", (int64_t)stats.failed);
	json_set_int(arena, out, "series", (int64_t)stats.series);
	json_set_int(arena, out, "buckets", (int64_t)stats.buckets);
	return out;
}

static struct json *autoscaler_json(const struct config_autoscaler *config, struct arena *arena)
{
	struct json *out = json_object(arena);

	json_set_int(arena, out, "min-scale", config->min_scale);
	json_set_int(arena, out, "max-scale", config->max_scale);
	json_set_int(arena, out, "max-scale-limit", config->max_scale_limit);
	json_set_int(arena, out, "initial-scale", config->initial_scale);
	json_set_bool(arena, out, "allow-zero-initial-scale", config->allow_zero_initial_scale);
	json_set_bool(arena, out, "class-is-hpa", config->class_is_hpa);
	return out;
}

static void set_if(struct arena *arena, struct json *out, const char *name, int64_t value)
{
	if (value >= 0)
		json_set_int(arena, out, name, value);
}

static struct json *keda_json(const struct config_keda *config, struct arena *arena)
{
	struct json *out = json_object(arena);

	json_set_text(arena, out, "prometheus-address",
		      address_shown(arena, config->prometheus_address));
	json_set_bool(arena, out, "scaledobject-autocreate", config->auto_create);
	set_if(arena, out, "polling-interval", config->polling_interval);
	set_if(arena, out, "cooldown-period", config->cooldown_period);
	set_if(arena, out, "fallback-failure-threshold", config->fallback_failure_threshold);
	set_if(arena, out, "fallback-replicas", config->fallback_replicas);
	set_cut(arena, out, "fallback-behavior", config->fallback_behavior);
	if (config->ignore_null_values >= 0)
		json_set_bool(arena, out, "ignore-null-values", config->ignore_null_values);
	json_set_bool(arena, out, "metrics-per-revision", config->metrics_per_revision);
	json_set_bool(arena, out, "metrics-controller-runtime", config->metrics_controller_runtime);
	return out;
}

static struct json *configuration_json(const struct controller *controller, struct arena *arena)
{
	const struct other_configs *others = &controller->others;
	struct json *out = json_object(arena);

	json_set(arena, out, "config-autoscaler",
		 autoscaler_json(&controller->autoscaler->config, arena));
	json_set(arena, out, "config-autoscaler-keda", keda_json(&controller->keda->config, arena));
	json_set_text(arena, json_ensure_object(arena, out, "config-logging"), "level",
		      log_level_name(others->logging.level));
	json_set_text(arena, json_ensure_object(arena, out, "config-observability"),
		      "metrics-protocol",
		      metrics_protocol_name(others->observability.metrics_protocol));
	return out;
}

static struct json *activators_json(const struct controller *controller, struct arena *arena)
{
	const struct activation *activation = &controller->activation;
	struct json *out = json_object(arena);

	json_set_int(arena, out, "revisions", (int64_t)activation->revisions);
	json_set_int(arena, out, "known", (int64_t)activation->places);
	set_cut(arena, out, "unread", activation_why_unread(controller));
	return out;
}

/* ---- the keys ---- */

struct writing {
	struct controller *controller;
	const struct state_query *query;
	struct strbuf *out;
	struct arena *arena; /* of one key */
	size_t count;        /* of those asked for; the first STATE_KEYS_MAX are written */
};

static bool is_asked_for(const struct state_query *query, const char *key)
{
	size_t length = query->ns ? strlen(query->ns) : 0;

	return query->key || !query->ns ||
	       (strncmp(key, query->ns, length) == 0 && key[length] == '/');
}

static void write_key(struct writing *writing, const char *key)
{
	struct key_facts facts;

	if (!is_asked_for(writing->query, key))
		return;
	if (writing->count >= STATE_KEYS_MAX) {
		writing->count++;
		return;
	}
	if (!key_facts(writing->controller, key, &facts))
		return;
	strbuf_addstr(writing->out, writing->count++ > 0 ? ",\n" : "\n");
	json_write(key_facts_json(writing->controller, &facts, writing->arena), writing->out);
	arena_reset(writing->arena);
}

static bool write_queued(void *ctx, const struct queue_key *queued)
{
	write_key(ctx, queued->key);
	return true;
}

/* Those that the queue knows were written already. */
static bool write_idle(void *ctx, struct object *object)
{
	struct writing *writing = ctx;
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;
	struct queue_key queued;

	if (!route_concerns(writing->controller, object))
		return true;
	strbuf_addf(&key, "%s/%s", object->meta.ns, object->meta.name);
	if (!queue_find(writing->controller->queue, key.buf, &queued))
		write_key(writing, key.buf);
	return true;
}

static void write_keys(struct controller *controller, const struct state_query *query,
		       struct strbuf *out)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct writing writing = {controller, query, out, arena, 0};

	strbuf_addstr(out, ",\n\"keys\": [");
	if (query->key) {
		write_key(&writing, query->key);
	} else {
		queue_each(controller->queue, write_queued, &writing);
		store_each(controller->caches[CACHE_PA].store, write_idle, &writing);
	}
	strbuf_addf(out, "],\n\"count\": %zu", writing.count);
	if (writing.count > STATE_KEYS_MAX)
		strbuf_addf(out, ",\n\"truncated\": %zu", writing.count - STATE_KEYS_MAX);
}

static void write_now(struct controller *controller, const char *key, struct strbuf *out)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *now = key_now_json(controller, key, arena);

	if (!now)
		return;
	strbuf_addstr(out, ",\n\"now\": ");
	json_write(now, out);
}

void controller_state(struct controller *controller, const struct state_query *query,
		      struct strbuf *out)
{
	static const struct {
		const char *name;
		struct json *(*make)(const struct controller *controller, struct arena *arena);
	} parts[] = {
	    {"process", process_json},
	    {"queue", queue_json},
	    {"caches", caches_json},
	    {"client", client_json},
	    {"events", recorder_json},
	    {"activators", activators_json},
	    {"configuration", configuration_json},
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		strbuf_addf(out, "%s\"%s\": ", i ? ",\n" : "{", parts[i].name);
		json_write(parts[i].make(controller, arena), out);
	}
	write_keys(controller, query, out);
	if (query->key)
		write_now(controller, query->key, out);
	strbuf_addstr(out, "}\n");
}
