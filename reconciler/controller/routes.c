/*
 * From a changed object to the keys that have to be looked at. Both the old and the new object
 * count: what an object named before it changed is concerned too. A key is queued only while a
 * PodAutoscaler of our class, or one that left something of ours, has that name; routes follow
 * names and targets, never ownership: foreign objects of our names matter as well.
 */
#include <string.h>

#include "reconciler/controller/internal.h"

const char *route_index_pod_autoscaler(const struct object *object)
{
	return ((const struct pod_autoscaler *)object)->target_name;
}

const char *route_index_scaled_object(const struct object *object)
{
	return ((const struct scaled_object *)object)->target_name;
}

const char *route_index_hpa(const struct object *object)
{
	return object->meta.owner.uid;
}

static bool is_ours(const struct object *object)
{
	return object && pod_autoscaler_is_ours((const struct pod_autoscaler *)object);
}

static void add_key(struct controller *controller, const struct meta *meta, enum queue_lane lane)
{
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;

	strbuf_addf(&key, "%s/%s", meta->ns, meta->name);
	/* The pass that wrote it looks at it next by itself. */
	if (controller->answering && strcmp(controller->answering, key.buf) == 0)
		return;
	queue_add(controller->queue, key.buf, lane);
}

bool route_concerns(const struct controller *controller, const struct object *pa)
{
	const struct object *so;

	if (!pa || is_ours(pa))
		return pa;
	so = store_get(controller->caches[CACHE_SO].store, pa->meta.ns, pa->meta.name);
	return so && !so->meta.terminating && meta_owned_by(&so->meta, pa->meta.uid) &&
	       ((const struct scaled_object *)so)->class_is_ours;
}

static void add_if_concerned(struct controller *controller, const char *ns, const char *name)
{
	const struct object *object = store_get(controller->caches[CACHE_PA].store, ns, name);

	if (route_concerns(controller, object))
		add_key(controller, &object->meta, QUEUE_FAST);
}

static bool add_each(void *ctx, struct object *object)
{
	if (is_ours(object))
		add_key(ctx, &object->meta, QUEUE_FAST);
	return true;
}

static void add_by_target(struct controller *controller, const char *ns, const char *target)
{
	if (target)
		store_each_indexed(controller->caches[CACHE_PA].store, ns, target, add_each,
				   controller);
}

static bool add_slowly(void *ctx, struct object *object)
{
	if (route_concerns(ctx, object))
		add_key(ctx, &object->meta, QUEUE_SLOW);
	return true;
}

struct addressees {
	struct controller *controller;
	size_t bucket;
};

static bool add_of_bucket(void *ctx, struct object *object)
{
	const struct addressees *addressees = ctx;
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;

	if (!route_concerns(addressees->controller, object))
		return true;
	strbuf_addf(&key, "%s/%s", object->meta.ns, object->meta.name);
	if (leadership_bucket(addressees->controller, key.buf) == addressees->bucket)
		queue_add(addressees->controller->queue, key.buf, QUEUE_SLOW);
	return true;
}

void route_bucket(struct controller *controller, size_t bucket)
{
	struct addressees addressees = {controller, bucket};

	store_each(controller->caches[CACHE_PA].store, add_of_bucket, &addressees);
}

void route_all(struct controller *controller)
{
	store_each(controller->caches[CACHE_PA].store, add_slowly, controller);
}

/* ---- the parade ---- */

#define PARADE_STEP_MS 100
#define PARADE_KEYS (PARADE_KEYS_A_SECOND * PARADE_STEP_MS / 1000)

static bool join_parade(void *ctx, struct object *object)
{
	struct strbuf *keys = ctx;

	if (!is_ours(object))
		return true;
	strbuf_addf(keys, "%s/%s", object->meta.ns, object->meta.name);
	strbuf_addch(keys, '\0');
	return true;
}

static void step_parade(void *ctx)
{
	struct controller *controller = ctx;
	struct parade *parade = &controller->parade;

	for (unsigned i = 0; i < PARADE_KEYS && parade->at < parade->keys.len; i++) {
		const char *key = parade->keys.buf + parade->at;

		queue_add(controller->queue, key, QUEUE_SLOW);
		parade->at += strlen(key) + 1;
	}
	if (parade->at < parade->keys.len)
		timer_arm(controller->timers, &parade->timer, PARADE_STEP_MS);
	else
		strbuf_release(&parade->keys);
}

/* One that is under way starts anew: all have to see the latest change. */
void route_all_gradually(struct controller *controller)
{
	struct parade *parade = &controller->parade;

	strbuf_reset(&parade->keys);
	parade->at = 0;
	store_each(controller->caches[CACHE_PA].store, join_parade, &parade->keys);
	if (!timer_armed(&parade->timer))
		step_parade(controller);
}

void routes_init(struct controller *controller)
{
	controller->parade.keys = (struct strbuf)STRBUF_INIT;
	timer_init(&controller->parade.timer, step_parade, controller);
}

void routes_release(struct controller *controller)
{
	timer_disarm(controller->timers, &controller->parade.timer);
	strbuf_release(&controller->parade.keys);
}

/* Nothing that was remembered of the old one holds for one of another uid or class. */
static void forget(struct controller *controller, const struct meta *meta)
{
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;
	struct key_state *state;

	strbuf_addf(&key, "%s/%s", meta->ns, meta->name);
	queue_forget(controller->queue, key.buf);
	state = table_get(controller->states, key.buf);
	if (state && state->pass)
		state->forget = true;
	else
		key_state_drop(controller, key.buf);
}

static void pod_autoscaler_changed(struct controller *controller, const struct object *before,
				   const struct object *after)
{
	activation_count(controller, CACHE_PA, before, after);
	if (is_ours(before) && (!is_ours(after) || strcmp(before->meta.uid, after->meta.uid) != 0))
		forget(controller, &before->meta);
	if (route_concerns(controller, after))
		add_key(controller, &after->meta, QUEUE_FAST);
}

static void follow(struct controller *controller, enum cache_id id, const struct object *object)
{
	const struct meta *meta = &object->meta;

	add_if_concerned(controller, meta->ns, meta->name);
	if (id == CACHE_SO) {
		add_by_target(controller, meta->ns,
			      ((const struct scaled_object *)object)->target_name);
	} else if (id == CACHE_HPA) {
		if (meta->owner.kind && strcmp(meta->owner.kind, SCALED_OBJECT_KIND) == 0)
			add_if_concerned(controller, meta->ns, meta->owner.name);
		add_by_target(controller, meta->ns, ((const struct hpa *)object)->target_name);
	}
}

void route_changed(void *ctx, const struct object *before, const struct object *after)
{
	struct cache *cache = ctx;

	switch (cache->id) {
	case CACHE_PA:
		pod_autoscaler_changed(cache->controller, before, after);
		return;
	case CACHE_LEASE:
		leadership_lease_changed(cache->controller, before, after);
		rival_lease_changed(cache->controller, before, after);
		return;
	case CACHE_CONFIG_AUTOSCALER:
	case CACHE_CONFIG_KEDA:
	case CACHE_CONFIG_LOGGING:
	case CACHE_CONFIG_OBSERVABILITY:
		configs_changed(cache->controller, cache->id, before, after);
		return;
	case CACHE_ENDPOINT_SLICES:
		activation_moved(cache->controller);
		return;
	case CACHE_SO:
		activation_count(cache->controller, CACHE_SO, before, after);
		/* fall through */
	default:
		if (before && after && change_is_none(cache->id, before, after))
			return;
		if (before)
			follow(cache->controller, cache->id, before);
		if (after)
			follow(cache->controller, cache->id, after);
	}
}
