/*
 * A manifest becomes the PodAutoscaler that Knative would make of it, and from there on everything
 * is as in the cluster.
 */
#include "reconciler/hpa/render.h"

#include <string.h>

#include "reconciler/hpa/render_revision.h"
#include "reconciler/hpa/unknown.h"

/* What the API server and Knative's webhook would have filled in. */
static void set_defaults(struct arena *arena, const struct config_autoscaler *config,
			 struct json *pa)
{
	struct json *metadata = json_ensure_object(arena, pa, "metadata");
	struct json *annotations = json_ensure_object(arena, metadata, "annotations");

	if (!json_text(json_get(metadata, "namespace")))
		json_set_text(arena, metadata, "namespace", "default");
	if (!json_get(annotations, CLASS_ANNOTATION) && config->class_is_hpa)
		json_set_text(arena, annotations, CLASS_ANNOTATION, CLASS_HPA);
}

static void render_decoded(const struct pod_autoscaler *pa, const struct config_autoscaler *config,
			   const struct config_keda *config_keda, enum desired_form form,
			   struct arena *arena, struct rendered *out)
{
	const char *class = meta_pair_get(&pa->annotations, CLASS_ANNOTATION);
	struct desired desired;
	struct refusal refusal;

	if (!pod_autoscaler_is_ours(pa)) {
		out->passed_over =
		    class ? arena_printf(arena, "its class is %s, not " CLASS_HPA, class)
			  : "it has no class, and config-autoscaler does not make it " CLASS_HPA;
		return;
	}
	out->warning = unknown_annotations(pa, arena);
	if (!desired_build(pa, config, config_keda, form, 0, false, arena, &desired, &refusal))
		out->refused = refusal.text;
	else if (!desired.auto_create)
		out->passed_over = "scaled-object-auto-create is off: no ScaledObject is made";
	else
		out->object = desired.object;
}

bool render_manifest(const struct json *manifest, const struct config_autoscaler *config,
		     const struct config_keda *config_keda, enum desired_form form,
		     struct arena *arena, struct rendered *out, struct error *err)
{
	const char *name = json_text_or(json_path(manifest, "metadata", "name", NULL), "");
	const char *kind = json_text_or(json_get(manifest, "kind"), "");

	*out = (struct rendered){.kind = kind, .name = name};
	if (!kind[0] || !name[0])
		return error_set(err, ERROR_INVALID,
				 "no manifest: kind or metadata.name is missing");
	out->pod_autoscaler = render_pod_autoscaler(manifest, arena);
	if (!out->pod_autoscaler) {
		out->passed_over =
		    "neither a Knative Service, Configuration or Revision nor a PodAutoscaler";
		return true;
	}
	struct json *pa = json_copy(arena, out->pod_autoscaler);
	set_defaults(arena, config, pa);
	struct object *object = pod_autoscaler_decode(pa, err);
	if (!object)
		return false;
	render_decoded((const struct pod_autoscaler *)object, config, config_keda, form, arena,
		       out);
	object_unref(object);
	return true;
}

bool render_each(const struct json *manifest, bool (*each)(void *ctx, const struct json *manifest),
		 void *ctx)
{
	const char *kind = json_text_or(json_get(manifest, "kind"), "");
	const struct json *items = json_get(manifest, "items");
	size_t length = strlen(kind);

	if (!json_is(items, JSON_ARRAY) || length < 4 || strcmp(kind + length - 4, "List") != 0)
		return each(ctx, manifest);
	for (size_t i = 0; i < json_count(items); i++)
		if (!each(ctx, json_at(items, i)))
			return false;
	return true;
}
