/*
 * From a changed object to the keys that have to be looked at. Both the old and the new object
 * count: what an object named before it changed is concerned too. A key is queued only while a
 * PodAutoscaler of our class has that name; routes follow names and targets, never ownership:
 * foreign objects of our names matter as well.
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

static void add_if_ours(struct controller *controller, const char *ns, const char *name)
{
	const struct object *object = store_get(controller->caches[CACHE_PA].store, ns, name);

	if (is_ours(object))
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
	if (is_ours(object))
		add_key(ctx, &object->meta, QUEUE_SLOW);
	return true;
}

void route_all(struct controller *controller)
{
	store_each(controller->caches[CACHE_PA].store, add_slowly, controller);
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

/* A PodAutoscaler whose class changed away is not looked at: what is left of ours is the
 * hand-over's business. */
static void pod_autoscaler_changed(struct controller *controller, const struct object *before,
				   const struct object *after)
{
	if (is_ours(before) && (!is_ours(after) || strcmp(before->meta.uid, after->meta.uid) != 0))
		forget(controller, &before->meta);
	if (is_ours(after))
		add_key(controller, &after->meta, QUEUE_FAST);
}

static void follow(struct controller *controller, enum cache_id id, const struct object *object)
{
	const struct meta *meta = &object->meta;

	add_if_ours(controller, meta->ns, meta->name);
	if (id == CACHE_SO) {
		add_by_target(controller, meta->ns,
			      ((const struct scaled_object *)object)->target_name);
	} else if (id == CACHE_HPA) {
		if (meta->owner.kind && strcmp(meta->owner.kind, SCALED_OBJECT_KIND) == 0)
			add_if_ours(controller, meta->ns, meta->owner.name);
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
	case CACHE_CONFIG_AUTOSCALER:
	case CACHE_CONFIG_KEDA:
		configs_changed(cache->controller, cache->id, before, after);
		return;
	default:
		if (before)
			follow(cache->controller, cache->id, before);
		if (after)
			follow(cache->controller, cache->id, after);
	}
}
