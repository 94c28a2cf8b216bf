/*
 * PodAutoscaler from JSON. The API server has checked it against the CRD; what matters all the same
 * is refused here once (a name, a scale target), so that nothing behind needs to ask.
 */
#include "pkg/knative/pod_autoscaler.h"

#include <string.h>

#include "pkg/knative/text.h"

static bool keep_annotation(const char *key)
{
	return strcmp(key, "kubectl.kubernetes.io/last-applied-configuration") != 0;
}

static bool keep_none(const char *key UNUSED)
{
	return false;
}

static bool keep_class(const char *key)
{
	return strcmp(key, CLASS_ANNOTATION) == 0;
}

static bool decode_spec(const struct json *spec, struct pod_autoscaler *pa, struct error *err)
{
	struct arena *arena = pa->object.arena;
	const struct json *target = json_get(spec, "scaleTargetRef");
	pa->target_api_version = text_kept(json_get(target, "apiVersion"), arena);
	pa->target_kind = text_kept(json_get(target, "kind"), arena);
	pa->target_name = text_kept(json_get(target, "name"), arena);
	pa->reachability = text_kept(json_get(spec, "reachability"), arena);
	pa->protocol = text_kept(json_get(spec, "protocolType"), arena);
	pa->container_concurrency = json_int_or(json_get(spec, "containerConcurrency"), 0);
	if (!pa->target_name[0])
		return error_set(err, ERROR_INVALID, "spec.scaleTargetRef.name is missing");
	return true;
}

static bool decode_scale(const struct json *v, int32_t *out)
{
	int64_t value;
	if (!json_int(v, &value) || value < INT32_MIN || value > INT32_MAX)
		return false;
	*out = (int32_t)value;
	return true;
}

/* A service name is nearly always the object's own, or that with a suffix. */
static const char *service_name(const struct json *v, const struct pod_autoscaler *pa)
{
	const char *own = pa->object.meta.name;
	return strcmp(json_text_or(v, ""), own) == 0 ? own : text_kept(v, pa->object.arena);
}

static void decode_status(const struct json *status, struct pod_autoscaler *pa)
{
	const struct json *service = json_get(status, "serviceName");
	const struct json *metrics = json_get(status, "metricsServiceName");
	pa->observed_generation = json_int_or(json_get(status, "observedGeneration"), 0);
	conditions_decode(json_get(status, "conditions"), pa->object.arena, &pa->conditions);
	pa->service_name = service_name(service, pa);
	pa->metrics_service_name = service_name(metrics, pa);
	pa->has_status = json_text(service) && json_text(metrics);
	pa->has_desired_scale = decode_scale(json_get(status, "desiredScale"), &pa->desired_scale);
	pa->has_actual_scale = decode_scale(json_get(status, "actualScale"), &pa->actual_scale);
}

/* whole: labels, all annotations and the status; else no more than the class. */
static bool fill(struct object *object, bool whole, const struct json *json, struct error *err)
{
	struct pod_autoscaler *pa = (struct pod_autoscaler *)object;
	struct arena *arena = object->arena;
	if (!meta_decode(json, arena, &object->meta, err) ||
	    !meta_decode_pairs(json, "labels", whole ? NULL : keep_none, arena, &pa->labels, err) ||
	    !meta_decode_pairs(json, "annotations", whole ? keep_annotation : keep_class, arena,
			       &pa->annotations, err) ||
	    !decode_spec(json_get(json, "spec"), pa, err))
		return error_wrap(err, POD_AUTOSCALER_KIND " \"%s\"",
				  json_text_or(json_path(json, "metadata", "name", NULL), ""));
	decode_status(whole ? json_get(json, "status") : NULL, pa);
	return true;
}

static bool fill_whole(struct object *object, const struct json *json, struct error *err)
{
	return fill(object, true, json, err);
}

static bool fill_lean(struct object *object, const struct json *json, struct error *err)
{
	return fill(object, false, json, err);
}

struct object *pod_autoscaler_decode(const struct json *json, struct error *err)
{
	return object_decode(sizeof(struct pod_autoscaler), fill_whole, json, err);
}

struct object *pod_autoscaler_decode_lean(const struct json *json, struct error *err)
{
	const char *class =
	    json_text(json_path(json, "metadata", "annotations", CLASS_ANNOTATION, NULL));
	bool ours = class && strcmp(class, CLASS_HPA) == 0;
	return object_decode(sizeof(struct pod_autoscaler), ours ? fill_whole : fill_lean, json,
			     err);
}

bool pod_autoscaler_is_ours(const struct pod_autoscaler *pa)
{
	const char *class = meta_pair_get(&pa->annotations, CLASS_ANNOTATION);
	return class && strcmp(class, CLASS_HPA) == 0;
}

bool pod_autoscaler_unreachable(const struct pod_autoscaler *pa)
{
	return strcmp(pa->reachability, "Unreachable") == 0;
}
