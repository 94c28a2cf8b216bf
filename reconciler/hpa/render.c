/*
 * A Service becomes the PodAutoscaler that Knative would make of its revision
 * (pkg/reconciler/revision/resources), and from there on everything is as in the cluster.
 */
#include "reconciler/hpa/render.h"

#include <string.h>

#include "pkg/knative/child_name.h"

#define SERVING_GROUP "serving.knative.dev/"

static bool group_is(const struct json *manifest, const char *group)
{
	return strncmp(json_text_or(json_get(manifest, "apiVersion"), ""), group, strlen(group)) ==
	       0;
}

static bool kind_is(const struct json *manifest, const char *kind)
{
	return strcmp(json_text_or(json_get(manifest, "kind"), ""), kind) == 0;
}

static void copy_members(struct arena *arena, const struct json *from, struct json *to)
{
	for (size_t i = 0; json_is(from, JSON_OBJECT) && i < json_count(from); i++)
		json_set(arena, to, from->members[i].key, json_copy(arena, from->members[i].value));
}

static void set_labels(struct arena *arena, const struct json *template, const char *service,
		       const char *revision, struct json *metadata)
{
	struct json *labels = json_ensure_object(arena, metadata, "labels");

	json_set_text(arena, labels, "app", revision);
	copy_members(arena, json_path(template, "metadata", "labels", NULL), labels);
	json_set_text(arena, labels, SERVING_GROUP "configuration", service);
	json_set_text(arena, labels, SERVING_GROUP "revision", revision);
	json_set_text(arena, labels, SERVING_GROUP "service", service);
}

static struct json *pod_autoscaler_of(const struct json *service, struct arena *arena)
{
	const struct json *template = json_path(service, "spec", "template", NULL);
	const char *name = json_text_or(json_path(service, "metadata", "name", NULL), "");
	const char *revision = json_text_or(json_path(template, "metadata", "name", NULL), "");
	const char *ns = json_text(json_path(service, "metadata", "namespace", NULL));
	struct json *pa = json_object(arena);
	struct json *metadata = json_ensure_object(arena, pa, "metadata");

	if (!revision[0])
		revision = arena_printf(arena, "%s-00001", name);
	json_set_text(arena, pa, "apiVersion", POD_AUTOSCALER_API_VERSION);
	json_set_text(arena, pa, "kind", POD_AUTOSCALER_KIND);
	json_set_text(arena, metadata, "name", revision);
	if (ns)
		json_set_text(arena, metadata, "namespace", ns);
	set_labels(arena, template, name, revision, metadata);
	copy_members(arena, json_path(template, "metadata", "annotations", NULL),
		     json_ensure_object(arena, metadata, "annotations"));
	struct json *target =
	    json_ensure_object(arena, json_ensure_object(arena, pa, "spec"), "scaleTargetRef");
	json_set_text(arena, target, "apiVersion", "apps/v1");
	json_set_text(arena, target, "kind", "Deployment");
	json_set_text(arena, target, "name", child_name(revision, "-deployment", arena));
	return pa;
}

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
	struct json *pa;

	*out = (struct rendered){.kind = kind, .name = name};
	if (!kind[0] || !name[0])
		return error_set(err, ERROR_INVALID,
				 "no manifest: kind or metadata.name is missing");
	if (kind_is(manifest, POD_AUTOSCALER_KIND) &&
	    group_is(manifest, "autoscaling.internal.knative.dev/")) {
		pa = json_copy(arena, manifest);
	} else if (kind_is(manifest, "Service") && group_is(manifest, SERVING_GROUP)) {
		pa = pod_autoscaler_of(manifest, arena);
	} else {
		out->passed_over = "neither a PodAutoscaler nor a Knative Service";
		return true;
	}
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
