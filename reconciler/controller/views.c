/*
 * From the stores to the view of one key: which ScaledObject and which HPA belong to a
 * PodAutoscaler. What the view points to is referenced by the snapshot.
 */
#include <string.h>

#include "pkg/units/parse.h"
#include "reconciler/controller/internal.h"

#define AUTO_CREATE_ANNOTATION "autoscaling.knative.dev/scaled-object-auto-create"

/* An annotation that is neither true nor false is refused by the core, whatever is answered. */
static bool auto_create(const struct pod_autoscaler *pa, const struct config_keda *config)
{
	const char *text = meta_pair_get(&pa->annotations, AUTO_CREATE_ANNOTATION);
	bool value;

	return text && parse_bool(text, &value) ? value : config->auto_create;
}

struct object *view_find_scaled_object(const struct controller *controller,
				       const struct pod_autoscaler *pa)
{
	const struct store *store = controller->caches[CACHE_SO].store;
	const struct meta *meta = &pa->object.meta;

	/* Of another class by now: only what we made is of interest. */
	if (auto_create(pa, &controller->keda->config) || !pod_autoscaler_is_ours(pa))
		return store_get(store, meta->ns, meta->name);
	return store_choose_indexed(store, meta, pa->target_name);
}

static struct object *find_hpa(const struct controller *controller, const struct pod_autoscaler *pa,
			       const struct object *so)
{
	const struct store *store = controller->caches[CACHE_HPA].store;
	const struct meta *meta = &pa->object.meta;
	struct object *hpa = so ? store_choose_indexed(store, meta, so->meta.uid) : NULL;

	return hpa ? hpa : store_get(store, meta->ns, meta->name);
}

static void take_scaled_object(struct controller *controller, const char *key,
			       const struct object *object, struct snapshot *out)
{
	const struct key_state *state = table_get(controller->states, key);

	if (!object)
		return;
	out->so = *(const struct scaled_object *)object;
	if (state && state->live_hash != 0 && state->live_hash == out->so.spec_hash)
		out->so.spec_hash = state->desired_hash;
	out->view.so = &out->so;
}

static bool keda_installed(const struct controller *controller)
{
	struct reflector_status status;

	reflector_status(controller->caches[CACHE_SO].reflector, &status);
	return status.state != REFLECTOR_ABSENT;
}

static struct object *find_pod_autoscaler(const struct controller *controller, const char *key)
{
	CLEANUP(strbuf_release) struct strbuf ns = STRBUF_INIT;
	const char *slash = strchr(key, '/');
	struct object *object;

	strbuf_add(&ns, key, (size_t)(slash - key));
	object = store_get(controller->caches[CACHE_PA].store, ns.buf, slash + 1);
	return route_concerns(controller, object) ? object : NULL;
}

bool view_take(void *ctx, const char *key, struct snapshot *out)
{
	struct controller *controller = ctx;
	struct view *view = &out->view;
	struct object *pa, *sks, *so, *hpa;

	if (controller->stopping)
		return false;
	pa = find_pod_autoscaler(controller, key);
	if (!pa)
		return false;
	view->pa = (const struct pod_autoscaler *)pa;
	sks = store_get(controller->caches[CACHE_SKS].store, pa->meta.ns, pa->meta.name);
	so = view_find_scaled_object(controller, view->pa);
	hpa = find_hpa(controller, view->pa, so);

	view->sks = (const struct serverless_service *)sks;
	take_scaled_object(controller, key, so, out);
	view->hpa = (const struct hpa *)hpa;
	view->keda_installed = keda_installed(controller);
	view->config = &controller->autoscaler->config;
	view->config_keda = &controller->keda->config;
	view->learned = controller->learned;
	view->leader = key_may_write(controller, key);
	view->now_ms = kube_client_now_ms(controller->client);
	activation_view(controller, view);

	struct object *const used[] = {
	    pa, sks, so, hpa, &controller->autoscaler->object, &controller->keda->object,
	};
	for (size_t i = 0; i < ARRAY_SIZE(used); i++)
		out->held[i] = object_ref(used[i]);
	return true;
}
