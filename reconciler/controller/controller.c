/*
 * The shell's life: caches, queue and passes are wired here. Invariants: no pass starts before all
 * caches are synced and the configuration is read; a key has at most one pass; at most MAX_PASSES
 * are under way, slow ones aside. A tick looks at what nobody tells: whether the caches are synced,
 * whether KEDA's API came or went, whether stopping is done.
 */
#include "reconciler/controller/controller.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"
#include "reconciler/controller/internal.h"

#define TICK_BUSY_MS 20  /* until ready, and while stopping */
#define TICK_IDLE_MS 500 /* how late KEDA's coming is seen */
#define KEYS_A_ROUND 64  /* passes that end at once, before the loop gets its turn */
#define STOP_EVENTS_MS 1000
#define SLOW_MS 1000 /* a pass this old waits for somebody else */
#define HUNG_MS 5000 /* one that failed after so long will wait again */

static void drain(void *ctx);

/* ---- passes ---- */

bool key_may_write(void *ctx, const char *key)
{
	const struct controller *controller = ctx;

	return !controller->rival.runs && leadership_holds(controller, key);
}

static bool put_answer(void *ctx, const char *key, enum step_kind step,
		       const struct json *sent_spec, const struct json *object)
{
	static const enum cache_id targets[] = {
	    [STEP_CREATE_SKS] = CACHE_SKS, [STEP_PATCH_SKS] = CACHE_SKS,
	    [STEP_CREATE_SO] = CACHE_SO,   [STEP_GET_SO] = CACHE_SO,
	    [STEP_PATCH_SO] = CACHE_SO,    [STEP_PATCH_STATUS] = CACHE_PA,
	};
	struct controller *controller = ctx;
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct object *decoded;

	/* The watch tells what became of it; the answer may be the object or a bare Status. */
	if (step == STEP_DELETE_SO)
		return true;
	decoded = controller->caches[targets[step]].decode(object, &err);
	if (!decoded) {
		log_error("the answer to a write can't be read", F_STR("knative.dev/key", key),
			  F_STR("error", error_text(&err)));
		return false;
	}
	if (sent_spec && learned_from(controller->learned, sent_spec, json_get(object, "spec")))
		log_info("the API server's default was learned", F_STR("knative.dev/key", key));
	controller->answering = key;
	store_put_answer(controller->caches[targets[step]].store, decoded);
	controller->answering = NULL;
	return true;
}

static void in_sync(void *ctx, const char *key, uint64_t live_hash, uint64_t desired_hash)
{
	struct key_state *state = key_state_for(ctx, key);

	state->live_hash = live_hash;
	state->desired_hash = desired_hash;
}

static void plan_next(struct controller *controller, const char *key, bool failed,
		      int64_t retry_after_ms, int64_t again_ms)
{
	if (!failed)
		queue_forget(controller->queue, key);
	else
		queue_add_failed_after(controller->queue, key, retry_after_ms);
	if (again_ms > 0)
		queue_add_after(controller->queue, key, again_ms);
}

static void pass_ended(void *ctx, struct pass *pass, bool failed, int64_t retry_after_ms,
		       int64_t again_ms)
{
	struct controller *controller = ctx;
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;
	int64_t took_ms = timers_now(controller->timers) - pass_started_ms(pass);
	struct pass_outcome outcome;
	struct key_state *state;

	strbuf_addstr(&key, pass_key(pass));
	state = table_get(controller->states, key.buf);
	CHECK(state && state->pass == pass);
	meters_pass(controller, took_ms, failed, again_ms > 0);
	if (pass_decision(pass))
		meters_decided(controller, state, pass_decision(pass));
	pass_outcome(pass, &outcome);
	tell_outcome(state, key.buf, &outcome);
	state_pass_ended(controller, key.buf, &outcome, failed);
	key_state_drop_pass(controller, state);
	if (failed && took_ms >= HUNG_MS)
		queue_hung(controller->queue, key.buf);
	if (!key_state_worth_keeping(state))
		key_state_drop(controller, key.buf);
	plan_next(controller, key.buf, failed, retry_after_ms, again_ms);
	queue_done(controller->queue, key.buf);
	drain(controller);
}

static void start_pass(struct controller *controller, const char *key)
{
	struct key_state *state = key_state_for(controller, key);

	meters_wait(controller, queue_waited_ms(controller->queue, key));
	state->pass = pass_new(&controller->shell, key, &state->memo);
	TAILQ_INSERT_TAIL(&controller->under_way, state, link);
	controller->passes++;
	pass_start(state->pass);
}

/* Another replica leads that key. Should this one come to lead it, all of the bucket are queued. */
static void pass_over(struct controller *controller, const char *key)
{
	CLEANUP(strbuf_release) struct strbuf copy = STRBUF_INIT;

	strbuf_addstr(&copy, key);
	queue_forget(controller->queue, copy.buf);
	queue_done(controller->queue, copy.buf);
}

/* *wait_ms: until the next of the other passes is slow, or one that would start now. */
static unsigned slow_passes(const struct controller *controller, int64_t *wait_ms)
{
	int64_t now = timers_now(controller->timers);
	const struct key_state *state;
	unsigned slow = 0;

	TAILQ_FOREACH(state, &controller->under_way, link)
	{
		/* cppcheck-suppress uninitvar ; TAILQ_FOREACH sets it */
		*wait_ms = pass_started_ms(state->pass) + SLOW_MS - now;
		if (*wait_ms > 0)
			return slow;
		slow++;
	}
	*wait_ms = SLOW_MS;
	return slow;
}

static unsigned passes_allowed(unsigned slow)
{
	unsigned beside = MAX_PASSES - MAX_PASSES / 4 > slow ? MAX_PASSES - slow : MAX_PASSES / 4;

	return slow + beside < MAX_PASSES_IN_ALL ? slow + beside : MAX_PASSES_IN_ALL;
}

/* As the queue's ready, after each pass, and from the timer that goes on after a full round. */
static void drain(void *ctx)
{
	struct controller *controller = ctx;
	unsigned left = KEYS_A_ROUND, allowed;
	int64_t wait_ms;

	if (!controller->ready || controller->stopping || controller->draining)
		return;
	controller->draining = true;
	allowed = passes_allowed(slow_passes(controller, &wait_ms));
	while (controller->passes < allowed) {
		const char *key;

		if (left-- == 0) {
			timer_arm(controller->timers, &controller->more, 0);
			break;
		}
		key = queue_take(controller->queue);
		if (!key)
			break;
		if (leadership_holds(controller, key))
			start_pass(controller, key);
		else
			pass_over(controller, key);
	}
	if (controller->passes >= allowed)
		timer_arm(controller->timers, &controller->more, wait_ms);
	controller->draining = false;
}

/* ---- the tick ---- */

static bool all_synced(const struct controller *controller)
{
	for (size_t i = 0; i < CACHE_COUNT; i++) {
		if (!store_synced(controller->caches[i].store))
			return false;
	}
	return true;
}

static void watch_keda(struct controller *controller)
{
	struct reflector_status status;
	bool installed;

	reflector_status(controller->caches[CACHE_SO].reflector, &status);
	installed = status.state != REFLECTOR_ABSENT;
	if (installed == controller->keda_installed)
		return;
	controller->keda_installed = installed;
	if (installed)
		log_info("KEDA's ScaledObject API is there");
	else
		log_error("KEDA's ScaledObject API is absent: install KEDA",
			  F_STR("resource", "scaledobjects.keda.sh"));
	if (controller->ready)
		route_all(controller);
}

static void watch_readiness(struct controller *controller)
{
	if (controller->ready || !all_synced(controller))
		return;
	controller->ready = true;
	log_info("caches are synced",
		 F_INT("podautoscalers", (int64_t)store_count(controller->caches[CACHE_PA].store)),
		 F_INT("scaledobjects", (int64_t)store_count(controller->caches[CACHE_SO].store)));
	configs_warn_absent(controller);
	leadership_campaign(controller);
	drain(controller);
}

static bool is_config(enum cache_id id)
{
	return id >= CACHE_CONFIG_AUTOSCALER && id < CACHE_COUNT;
}

const char *cache_name(const struct cache *cache)
{
	return is_config(cache->id) ? config_map_name(cache->controller, cache->id)
				    : cache->resource->kind;
}

void controller_troubles(const struct controller *controller, struct strbuf *out)
{
	for (size_t i = 0; i < controller->cache_count; i++) {
		const struct cache *cache = &controller->caches[i];
		struct reflector_status status;

		reflector_status(cache->reflector, &status);
		if (status.state != REFLECTOR_ABSENT && status.trouble[0])
			strbuf_addf(out, "%s: %s\n", cache_name(cache), status.trouble);
	}
}

/* True once nothing is under way; Events may be late, then they are given up. */
static bool is_stopped(const struct controller *controller)
{
	if (controller->passes > 0)
		return false;
	return kube_client_in_flight(controller->client) == 0 ||
	       timers_now(controller->timers) >= controller->stop_until_ms;
}

static void resigned(struct controller *controller)
{
	if (controller->stopped)
		controller->stopped(controller->stopped_ctx);
}

static void tick(void *ctx)
{
	struct controller *controller = ctx;
	bool busy = !controller->ready || controller->stopping;

	if (controller->stopping && is_stopped(controller)) {
		leadership_resign(controller, resigned);
		return;
	}
	watch_keda(controller);
	watch_readiness(controller);
	activation_look(controller);
	timer_arm(controller->timers, &controller->tick, busy ? TICK_BUSY_MS : TICK_IDLE_MS);
}

/* ---- life ---- */

static void start_cache(struct controller *controller, enum cache_id id,
			const struct kube_resource *resource, object_decode_fn *decode,
			const char *(*index)(const struct object *object))
{
	struct cache *cache = &controller->caches[id];
	struct store_config store = {.index = index, .changed = route_changed, .ctx = cache};
	CLEANUP(strbuf_release) struct strbuf selector = STRBUF_INIT;

	if (is_config(id))
		strbuf_addf(&selector, "metadata.name=%s", config_map_name(controller, id));
	cache->controller = controller;
	cache->id = id;
	cache->resource = resource;
	cache->decode = decode;
	cache->store = store_new(&store);
	cache->reflector = reflector_new(&(struct reflector_config){
	    .client = controller->client,
	    .resource = resource,
	    .ns = id >= CACHE_LEASE ? controller->system_namespace : controller->ns,
	    .field_selector = is_config(id) ? selector.buf : NULL,
	    .label_selector = id == CACHE_ENDPOINT_SLICES ? ENDPOINT_SLICE_SERVICE_LABEL
				  "=" ACTIVATORS_SERVICE
							  : NULL,
	    .decode = decode,
	    .store = cache->store,
	});
}

static void start_caches(struct controller *controller)
{
	start_cache(controller, CACHE_PA, &resource_pod_autoscalers, pod_autoscaler_decode_lean,
		    route_index_pod_autoscaler);
	start_cache(controller, CACHE_SKS, &resource_serverless_services, serverless_service_decode,
		    NULL);
	start_cache(controller, CACHE_SO, &resource_scaled_objects, scaled_object_decode,
		    route_index_scaled_object);
	start_cache(controller, CACHE_HPA, &resource_hpas, hpa_decode, route_index_hpa);
	start_cache(controller, CACHE_LEASE, &resource_leases, lease_decode, NULL);
	start_cache(controller, CACHE_CONFIG_AUTOSCALER, &resource_config_maps, config_map_decode,
		    NULL);
	start_cache(controller, CACHE_CONFIG_KEDA, &resource_config_maps, config_map_decode, NULL);
	start_cache(controller, CACHE_CONFIG_LOGGING, &resource_config_maps, config_map_decode,
		    NULL);
	start_cache(controller, CACHE_CONFIG_OBSERVABILITY, &resource_config_maps,
		    config_map_decode, NULL);
	controller->cache_count = CACHE_COUNT;
}

void cache_open_endpoint_slices(struct controller *controller)
{
	if (controller->cache_count > CACHE_ENDPOINT_SLICES)
		return;
	start_cache(controller, CACHE_ENDPOINT_SLICES, &resource_endpoint_slices,
		    endpoint_slice_decode, NULL);
	controller->cache_count = CACHE_MAX;
}

struct controller *controller_new(const struct controller_config *config)
{
	struct controller *controller = xcalloc(1, sizeof(*controller));

	controller->client = config->client;
	controller->timers = kube_client_timers(config->client);
	controller->ns = config->ns ? xstrdup(config->ns) : NULL;
	controller->system_namespace = xstrdup(config->system_namespace);
	controller->queue = queue_new(controller->timers, drain, controller);
	key_states_init(controller);
	state_init(controller);
	controller->recorder = recorder_new(config->client, COMPONENT, config->pod);
	controller->learned = learned_new();
	controller->activation = (struct activation){
	    .reader = config->activators,
	    .trouble = STRBUF_INIT,
	};
	controller->keda_installed = true;
	controller->shell = (struct pass_shell){
	    .client = config->client,
	    .decide = decide,
	    .take_view = view_take,
	    .answered = put_answer,
	    .in_sync = in_sync,
	    .stepped = tell_step,
	    .may_write = key_may_write,
	    .note = tell_note,
	    .ended = pass_ended,
	    .ctx = controller,
	    .last_trace = &controller->last_trace,
	};
	CHECK(getrandom(&controller->last_trace, sizeof(controller->last_trace), 0) > 0);
	recorder_fence(controller->recorder, key_may_write, controller);
	configs_init(controller, config);
	routes_init(controller);
	rival_init(controller);
	leadership_init(controller, config);
	start_caches(controller);
	meters_init(controller, config->metrics);
	timer_init(&controller->tick, tick, controller);
	timer_init(&controller->more, drain, controller);
	timer_arm(controller->timers, &controller->tick, 0);
	return controller;
}

void controller_free(struct controller *controller)
{
	if (!controller)
		return;
	timer_disarm(controller->timers, &controller->tick);
	timer_disarm(controller->timers, &controller->more);
	for (size_t i = 0; i < controller->cache_count; i++)
		reflector_free(controller->caches[i].reflector);
	meters_release(controller);
	key_states_release(controller);
	state_release(controller);
	routes_release(controller);
	queue_free(controller->queue);
	recorder_free(controller->recorder);
	for (size_t i = 0; i < controller->cache_count; i++)
		store_free(controller->caches[i].store);
	rival_release(controller);
	activation_release(controller);
	leadership_release(controller);
	configs_release(controller);
	learned_free(controller->learned);
	free(controller->system_namespace);
	free(controller->ns);
	free(controller);
}

bool controller_ready(const struct controller *controller)
{
	return controller->ready && !controller->stopping;
}

void controller_stop(struct controller *controller, void (*stopped)(void *ctx), void *ctx)
{
	controller->stopping = true;
	controller->stopped = stopped;
	controller->stopped_ctx = ctx;
	controller->stop_until_ms = timers_now(controller->timers) + STOP_EVENTS_MS;
	timer_arm(controller->timers, &controller->tick, 0);
}

bool controller_leads(const struct controller *controller, const char *key)
{
	return leadership_holds(controller, key);
}

bool controller_idle(const struct controller *controller)
{
	struct queue_stats stats;

	queue_stats(controller->queue, &stats);
	return controller->ready && stats.depth == 0 && stats.working == 0 &&
	       !timer_armed(&controller->parade.timer);
}

void controller_relist(struct controller *controller)
{
	for (size_t i = 0; i < controller->cache_count; i++)
		reflector_relist(controller->caches[i].reflector);
	route_all(controller);
}
