/*
 * ServerlessService: decoding, the object that a PodAutoscaler wants, and the comparison of the
 * two. What serverless_service_build writes and what in_sync compares must name the same fields.
 */
#include "pkg/knative/serverless_service.h"

#include <inttypes.h>
#include <string.h>

#include "pkg/knative/text.h"

static void decode_spec(const struct json *spec, struct serverless_service *sks)
{
	struct arena *arena = sks->object.arena;
	const struct json *ref = json_get(spec, "objectRef");
	sks->mode.mode = text_kept(json_get(spec, "mode"), arena);
	sks->mode.activators = json_int_or(json_get(spec, "numActivators"), 0);
	sks->ref_api_version = text_kept(json_get(ref, "apiVersion"), arena);
	sks->ref_kind = text_kept(json_get(ref, "kind"), arena);
	sks->ref_name = text_kept(json_get(ref, "name"), arena);
	sks->protocol = text_kept(json_get(spec, "protocolType"), arena);
}

static bool ready_true(const struct json *conditions)
{
	for (size_t i = 0; i < json_count(conditions); i++) {
		const struct json *condition = json_at(conditions, i);
		if (strcmp(json_text_or(json_get(condition, "type"), ""), CONDITION_READY) == 0)
			return strcmp(json_text_or(json_get(condition, "status"), ""), "True") == 0;
	}
	return false;
}

static void decode_status(const struct json *status, struct serverless_service *sks)
{
	struct arena *arena = sks->object.arena;
	const struct json *conditions = json_get(status, "conditions");
	/* It has nearly always the object's own name. */
	const struct json *service = json_get(status, "serviceName");
	const char *own = sks->object.meta.name;
	sks->service_name =
	    strcmp(json_text_or(service, ""), own) == 0 ? own : text_kept(service, arena);
	sks->private_service_name = text_kept(json_get(status, "privateServiceName"), arena);
	bool ready = json_is(conditions, JSON_ARRAY) && ready_true(conditions);
	int64_t observed = json_int_or(json_get(status, "observedGeneration"), -1);
	sks->ready = ready && observed == sks->object.meta.generation;
	sks->was_ready = ready && observed < sks->object.meta.generation;
}

static bool fill(struct object *object, const struct json *json, struct error *err)
{
	struct serverless_service *sks = (struct serverless_service *)object;
	if (!meta_decode(json, object->arena, &object->meta, err))
		return error_wrap(err, SERVERLESS_SERVICE_KIND);
	decode_spec(json_get(json, "spec"), sks);
	decode_status(json_get(json, "status"), sks);
	return true;
}

struct object *serverless_service_decode(const struct json *json, struct error *err)
{
	return object_decode(sizeof(struct serverless_service), fill, json, err);
}

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Knative copies all annotations but the metric; ours can be large JSON that no reader of a
 * ServerlessService wants. The class stays: event filters look for it. */
static bool carries(const char *annotation)
{
	static const char *const left_out[] = {"autoscaling.knative.dev/", "autoscaling.keda.sh/",
					       "scaledobject.keda.sh/", "validations.keda.sh/"};
	if (strcmp(annotation, CLASS_ANNOTATION) == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(left_out); i++) {
		if (has_prefix(annotation, left_out[i]))
			return false;
	}
	return true;
}

static void set_pairs(struct arena *arena, struct json *metadata, const char *which,
		      const struct meta_pairs *pairs, bool (*wanted)(const char *key))
{
	for (size_t i = 0; i < pairs->count; i++) {
		const struct meta_pair *pair = &pairs->items[i];
		if (!wanted || wanted(pair->key))
			json_set_text(arena, json_ensure_object(arena, metadata, which), pair->key,
				      pair->value);
	}
}

static void build_metadata(const struct pod_autoscaler *pa, struct arena *arena,
			   struct json *metadata)
{
	const struct meta *meta = &pa->object.meta;
	struct json *owners = json_array(arena);
	json_set_text(arena, metadata, "name", meta->name);
	json_set_text(arena, metadata, "namespace", meta->ns);
	set_pairs(arena, metadata, "labels", &pa->labels, NULL);
	set_pairs(arena, metadata, "annotations", &pa->annotations, carries);
	json_append(arena, owners,
		    meta_owner_reference(arena, POD_AUTOSCALER_API_VERSION, POD_AUTOSCALER_KIND,
					 meta->name, meta->uid));
	json_set(arena, metadata, "ownerReferences", owners);
}

static void build_spec(const struct pod_autoscaler *pa, const struct sks_mode *mode,
		       struct arena *arena, struct json *spec)
{
	json_set_text(arena, spec, "mode", mode->mode);
	if (mode->activators != 0)
		json_set_int(arena, spec, "numActivators", mode->activators);
	struct json *ref = json_ensure_object(arena, spec, "objectRef");
	json_set_text(arena, ref, "apiVersion", pa->target_api_version);
	json_set_text(arena, ref, "kind", pa->target_kind);
	json_set_text(arena, ref, "name", pa->target_name);
	json_set_text(arena, spec, "protocolType", pa->protocol);
}

struct json *serverless_service_build(const struct pod_autoscaler *pa, const struct sks_mode *mode,
				      struct arena *arena)
{
	struct json *object = json_object(arena);
	json_set_text(arena, object, "apiVersion", SERVERLESS_SERVICE_API_VERSION);
	json_set_text(arena, object, "kind", SERVERLESS_SERVICE_KIND);
	build_metadata(pa, arena, json_ensure_object(arena, object, "metadata"));
	build_spec(pa, mode, arena, json_ensure_object(arena, object, "spec"));
	return object;
}

bool serverless_service_in_sync(const struct serverless_service *sks,
				const struct pod_autoscaler *pa, const struct sks_mode *mode)
{
	return strcmp(sks->mode.mode, mode->mode) == 0 &&
	       sks->mode.activators == mode->activators &&
	       strcmp(sks->ref_api_version, pa->target_api_version) == 0 &&
	       strcmp(sks->ref_kind, pa->target_kind) == 0 &&
	       strcmp(sks->ref_name, pa->target_name) == 0 &&
	       strcmp(sks->protocol, pa->protocol) == 0;
}

struct json *serverless_service_patch(const struct serverless_service *sks,
				      const struct pod_autoscaler *pa, const struct sks_mode *mode,
				      struct arena *arena)
{
	struct json *patch = json_object(arena);
	struct json *metadata = json_ensure_object(arena, patch, "metadata");
	struct json *spec = json_ensure_object(arena, patch, "spec");
	json_set(arena, metadata, "resourceVersion",
		 json_stringf(arena, "%" PRIu64, sks->object.meta.version));
	json_set(arena, spec, "numActivators", json_null(arena));
	build_spec(pa, mode, arena, spec);
	return patch;
}
