/* The choice among several ScaledObjects or HPAs is the controller's: the one of the
 * PodAutoscaler's name, else the first by name. */
#include "cmd/autoscaler-keda-hpa/shelves.h"

#include <string.h>

#include "pkg/keda/config_keda.h"
#include "pkg/units/parse.h"
#include "reconciler/controller/resources.h"

#define AUTO_CREATE "autoscaling.knative.dev/scaled-object-auto-create"

const struct kube_resource *const shelf_resources[SHELVES] = {
    [SHELF_PA] = &resource_pod_autoscalers,
    [SHELF_SO] = &resource_scaled_objects,
    [SHELF_HPA] = &resource_hpas,
};

/* ---- objects ---- */

static struct json *without_managed_fields(struct arena *arena, const struct json *metadata)
{
	struct json *out = json_object(arena);

	for (size_t i = 0; i < json_count(metadata); i++)
		if (strcmp(metadata->members[i].key, "managedFields") != 0)
			json_set(arena, out, metadata->members[i].key,
				 json_copy(arena, metadata->members[i].value));
	return out;
}

static struct json *pruned(struct arena *arena, const struct json *object)
{
	struct json *out = json_object(arena);

	for (size_t i = 0; i < json_count(object); i++) {
		const struct json_member *member = &object->members[i];
		json_set(arena, out, member->key,
			 strcmp(member->key, "metadata") == 0
			     ? without_managed_fields(arena, member->value)
			     : json_copy(arena, member->value));
	}
	return out;
}

struct object *shelved_decode(const struct json *json, struct error *err)
{
	struct shelved *shelved = object_new(sizeof(*shelved));
	struct arena *arena = shelved->object.arena;

	if (!meta_decode(json, arena, &shelved->object.meta, err)) {
		object_unref(&shelved->object);
		return NULL;
	}
	shelved->json = pruned(arena, json);
	shelved->target =
	    json_text_or(json_path(shelved->json, "spec", "scaleTargetRef", "name", NULL), "");
	return &shelved->object;
}

static const char *target_of(const struct object *object)
{
	return ((const struct shelved *)object)->target;
}

static const char *owner_of(const struct object *object)
{
	return object->meta.owner.uid;
}

/* ---- stores ---- */

void shelves_init(struct shelves *shelves,
		  void (*changed)(void *ctx, const struct object *before,
				  const struct object *after),
		  void *ctx)
{
	static const char *(*const indexes[SHELVES])(const struct object *object) = {
	    [SHELF_SO] = target_of, [SHELF_HPA] = owner_of};

	for (size_t i = 0; i < SHELVES; i++)
		shelves->stores[i] = store_new(
		    &(struct store_config){.index = indexes[i], .changed = changed, .ctx = ctx});
}

void shelves_release(struct shelves *shelves)
{
	for (size_t i = 0; i < SHELVES; i++)
		if (shelves->stores[i])
			store_free(shelves->stores[i]);
}

/* ---- what belongs together ---- */

bool shelves_auto_create(const struct json *config_keda)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	struct config_keda config = config_keda_default;

	return !config_keda_parse(config_keda, scratch, &config, &err) || config.auto_create;
}

bool shelved_auto_create(const struct json *pa, bool otherwise)
{
	const char *text = json_text(json_path(pa, "metadata", "annotations", AUTO_CREATE, NULL));
	bool value;

	return text && parse_bool(text, &value) ? value : otherwise;
}

static const struct json *json_of(const struct object *object)
{
	return object ? ((const struct shelved *)object)->json : NULL;
}

void shelves_find(const struct shelves *shelves, const struct object *pa, bool auto_create,
		  struct evidence *out)
{
	const struct meta *meta = &pa->meta;
	struct object *so, *hpa = NULL;

	if (shelved_auto_create(json_of(pa), auto_create))
		so = store_get(shelves->stores[SHELF_SO], meta->ns, meta->name);
	else
		so = store_choose_indexed(shelves->stores[SHELF_SO], meta, target_of(pa));
	if (so)
		hpa = store_choose_indexed(shelves->stores[SHELF_HPA], meta, so->meta.uid);
	if (!hpa)
		hpa = store_get(shelves->stores[SHELF_HPA], meta->ns, meta->name);
	out->ns = meta->ns;
	out->name = meta->name;
	out->pod_autoscaler = json_of(pa);
	out->scaled_object = json_of(so);
	out->hpa = json_of(hpa);
}
