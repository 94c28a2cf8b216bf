/*
 * The activators, for whoever reads them: where they are, from the EndpointSlices of their Service,
 * which are watched from the first revision scaled by concurrency or rps on, or trigger that asks
 * for these, whoever wrote it and whatever its revision's annotations say by now: KEDA asks us
 * until it goes. And whether they can be read, for the views of such revisions. Without a reader
 * all of this is left alone.
 */
#include <string.h>

#include "pkg/base/check.h"
#include "reconciler/controller/internal.h"
#include "reconciler/hpa/http.h"

#define PORT_NAME "http-metrics"
#define PORT 9090 /* where the Service names none */

static bool is_http(const struct object *object)
{
	const struct pod_autoscaler *pa = (const struct pod_autoscaler *)object;

	return object && pod_autoscaler_is_ours(pa) && http_metric_named(pa);
}

static bool asks(enum cache_id id, const struct object *object)
{
	if (id == CACHE_PA)
		return is_http(object);
	return object && ((const struct scaled_object *)object)->on_requests;
}

static bool is_needed(const struct activation *activation)
{
	return activation->revisions + activation->triggers > 0;
}

static void tell_places(struct controller *controller, const char *trouble)
{
	const struct controller_activators *reader = &controller->activation.reader;
	CLEANUP(endpoint_places_release) struct endpoint_places places = {0};

	endpoint_places_of(controller->caches[CACHE_ENDPOINT_SLICES].store, PORT_NAME, PORT,
			   &places);
	controller->activation.places = places.count;
	reader->found(reader->ctx, &places, trouble);
}

static bool is_open(const struct controller *controller)
{
	return controller->cache_count > CACHE_ENDPOINT_SLICES;
}

void activation_look(struct controller *controller)
{
	const struct cache *cache = &controller->caches[CACHE_ENDPOINT_SLICES];
	struct activation *activation = &controller->activation;
	CLEANUP(strbuf_release) struct strbuf trouble = STRBUF_INIT;
	struct reflector_status status;

	if (!is_open(controller) || !is_needed(activation))
		return;
	reflector_status(cache->reflector, &status);
	if (status.trouble[0])
		strbuf_addf(&trouble, "%s of %s: %s", cache->resource->kind, ACTIVATORS_SERVICE,
			    status.trouble);
	if (!status.trouble[0] && !store_synced(cache->store))
		return;
	if (activation->told && strcmp(activation->trouble.buf, trouble.buf) == 0)
		return;
	activation->told = true;
	strbuf_reset(&activation->trouble);
	strbuf_addstr(&activation->trouble, trouble.buf);
	tell_places(controller, trouble.len ? trouble.buf : NULL);
}

void activation_moved(struct controller *controller)
{
	if (controller->activation.told)
		tell_places(controller, NULL);
}

void activation_count(struct controller *controller, enum cache_id id, const struct object *before,
		      const struct object *after)
{
	struct activation *activation = &controller->activation;
	size_t *count = id == CACHE_PA ? &activation->revisions : &activation->triggers;
	bool needed = is_needed(activation);

	if (!activation->reader.found)
		return;
	*count = *count - asks(id, before) + asks(id, after);
	if (!needed && is_needed(activation)) {
		cache_open_endpoint_slices(controller);
		activation_look(controller);
	} else if (needed && !is_needed(activation)) {
		activation->told = false;
		activation->places = 0;
		activation->reader.found(activation->reader.ctx, NULL, NULL);
	}
}

const char *activation_why_unread(const struct controller *controller)
{
	const struct activation *activation = &controller->activation;

	if (!is_needed(activation))
		return NULL;
	if (!activation->told)
		return "where they are is not known yet";
	return activation->reader.unread(activation->reader.ctx);
}

void activation_view(const struct controller *controller, struct view *view)
{
	if (!is_http(&view->pa->object))
		return;
	view->activators_why = activation_why_unread(controller);
	view->activators_unread = view->activators_why != NULL;
}

static bool add_key(void *ctx, struct object *object)
{
	struct controller *controller = ctx;
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;

	if (!is_http(object))
		return true;
	strbuf_addf(&key, "%s/%s", object->meta.ns, object->meta.name);
	queue_add(controller->queue, key.buf, QUEUE_SLOW);
	return true;
}

void controller_activators_changed(struct controller *controller)
{
	store_each(controller->caches[CACHE_PA].store, add_key, controller);
}

void activation_release(struct controller *controller)
{
	strbuf_release(&controller->activation.trouble);
}
