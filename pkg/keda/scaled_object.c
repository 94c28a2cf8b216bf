/*
 * ScaledObject from JSON to what the cache keeps, and the comparison of that with a desired object.
 * Invariant: scaled_object_in_sync answers true only where scaled_object_diff would find nothing.
 */
#include "pkg/keda/scaled_object.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/hash.h"
#include "pkg/keda/status.h"

/* pkg/knative names these too; the two rooms do not know each other. */
#define CLASS_ANNOTATION "autoscaling.knative.dev/class"
#define CLASS_OURS "hpa.autoscaling.knative.dev"
#define PA_GROUP "autoscaling.internal.knative.dev/"
#define PA_KIND "PodAutoscaler"
#define DEFAULT_MAX 100

static uint64_t pair_hash(const char *key, const char *value)
{
	return hash_text(hash_text(HASH_SEED, key), value);
}

static int by_value(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
	return left < right ? -1 : left > right;
}

static void decode_pair_set(const struct json *map, struct arena *arena, struct pair_set *out)
{
	if (!json_is(map, JSON_OBJECT) || json_count(map) == 0)
		return;
	out->hashes = ARENA_ARRAY(arena, uint64_t, json_count(map));
	for (size_t i = 0; i < map->count; i++) {
		const char *value = json_text(map->members[i].value);
		if (value)
			out->hashes[out->count++] = pair_hash(map->members[i].key, value);
	}
	qsort(out->hashes, out->count, sizeof(*out->hashes), by_value);
}

bool pair_set_has(const struct pair_set *set, const char *key, const char *value)
{
	uint64_t hash = pair_hash(key, value);
	return set->count > 0 &&
	       bsearch(&hash, set->hashes, set->count, sizeof(hash), by_value) != NULL;
}

static bool text_is(const struct json *v, const char *want)
{
	return strcmp(json_text_or(v, ""), want) == 0;
}

static void decode_status(const struct json *json, struct scaled_object *so)
{
	struct arena *arena = so->object.arena;
	const struct json *ready = status_condition(json, "Ready");
	so->ready = status_value(ready);
	so->ready_reason = so->ready_message = "";
	if (so->ready != 1) {
		so->ready_reason = status_text(json_get(ready, "reason"), arena);
		so->ready_message = status_text(json_get(ready, "message"), arena);
	}
	so->paused = status_value(status_condition(json, "Paused")) == 1;
	so->paused_replicas =
	    status_int32(json_path(json, "status", "pausedReplicaCount", NULL), -1);
}

static const struct json *controller_of(const struct json *json)
{
	const struct json *list = json_path(json, "metadata", "ownerReferences", NULL);
	for (size_t i = 0; json_is(list, JSON_ARRAY) && i < json_count(list); i++) {
		const struct json *owner = json_at(list, i);
		if (json_bool_or(json_get(owner, "controller"), false))
			return owner;
	}
	return NULL;
}

/* What only objects of our own need: foreign ones are watched by the thousand as well. */
static void decode_ours(const struct json *json, struct scaled_object *so)
{
	struct arena *arena = so->object.arena;
	const struct json *metadata = json_get(json, "metadata");
	const struct json *annotations = json_get(metadata, "annotations");
	so->owner_blocks = json_bool_or(json_get(controller_of(json), "blockOwnerDeletion"), false);
	decode_pair_set(json_get(metadata, "labels"), arena, &so->labels);
	decode_pair_set(annotations, arena, &so->annotations);
	so->managed = arena_strdup(arena, json_text(json_get(annotations, SCALED_OBJECT_MANAGED)));
}

static bool is_pod_autoscaler(const struct meta_owner *owner)
{
	return owner->kind && strcmp(owner->kind, PA_KIND) == 0 &&
	       strncmp(owner->api_version, PA_GROUP, strlen(PA_GROUP)) == 0;
}

/* An external-push trigger with the metadata of the default one, whatever its address. */
static bool asks_our_scaler(const struct json *trigger)
{
	const struct json *metadata = json_get(trigger, "metadata");
	const struct json *metric = json_get(metadata, "metric");
	return text_is(json_get(trigger, "type"), "external-push") &&
	       json_text(json_get(metadata, "revision")) &&
	       (text_is(metric, "concurrency") || text_is(metric, "rps"));
}

static bool is_on_requests(const struct json *triggers)
{
	for (size_t i = 0; json_is(triggers, JSON_ARRAY) && i < json_count(triggers); i++)
		if (asks_our_scaler(json_at(triggers, i)))
			return true;
	return false;
}

static bool fill(struct object *object, const struct json *json, struct error *err)
{
	struct scaled_object *so = (struct scaled_object *)object;
	if (!meta_decode(json, object->arena, &object->meta, err))
		return error_wrap(err, SCALED_OBJECT_KIND);
	const struct json *spec = json_get(json, "spec");
	const struct json *annotations = json_path(json, "metadata", "annotations", NULL);
	so->target_name =
	    status_text(json_path(spec, "scaleTargetRef", "name", NULL), object->arena);
	so->class_is_ours = text_is(json_get(annotations, CLASS_ANNOTATION), CLASS_OURS);
	so->has_keda_finalizer = meta_has_finalizer(json, SCALED_OBJECT_FINALIZER);
	so->transfer = text_is(json_get(annotations, SCALED_OBJECT_TRANSFER), "true");
	so->idles = json_is(json_get(spec, "idleReplicaCount"), JSON_NUMBER);
	so->min_replicas = status_int32(json_get(spec, "minReplicaCount"), 0);
	so->max_replicas = status_int32(json_get(spec, "maxReplicaCount"), DEFAULT_MAX);
	so->on_requests = is_on_requests(json_get(spec, "triggers"));
	decode_status(json, so);
	so->controlled_by_pa = is_pod_autoscaler(&object->meta.owner);
	if (so->controlled_by_pa)
		decode_ours(json, so);
	return true;
}

struct object *scaled_object_decode(const struct json *json, struct error *err)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	struct object *object = object_decode(sizeof(struct scaled_object), fill, json, err);
	struct scaled_object *so = (struct scaled_object *)object;
	/* Not in fill, which is called twice: it takes the time. */
	if (so && so->controlled_by_pa)
		so->spec_hash = scaled_object_spec_hash(json_get(json, "spec"), scratch);
	return object;
}

static bool has_pairs(const struct pair_set *set, const struct json *map)
{
	for (size_t i = 0; i < json_count(map); i++) {
		const char *value = json_text(map->members[i].value);
		if (!value || !pair_set_has(set, map->members[i].key, value))
			return false;
	}
	return true;
}

static bool has_owner(const struct scaled_object *live, const struct json *owner)
{
	const struct meta_owner *have = &live->object.meta.owner;
	return !owner || (live->owner_blocks && text_is(json_get(owner, "uid"), have->uid) &&
			  text_is(json_get(owner, "name"), have->name) &&
			  text_is(json_get(owner, "kind"), have->kind) &&
			  text_is(json_get(owner, "apiVersion"), have->api_version));
}

bool scaled_object_in_sync(const struct scaled_object *live, const struct json *desired,
			   uint64_t desired_hash)
{
	const struct json *metadata = json_get(desired, "metadata");
	const struct json *annotations = json_get(metadata, "annotations");
	const char *managed = json_text(json_get(annotations, SCALED_OBJECT_MANAGED));
	return live->controlled_by_pa && live->spec_hash == desired_hash &&
	       (managed || !live->managed) &&
	       has_pairs(&live->labels, json_get(metadata, "labels")) &&
	       has_pairs(&live->annotations, annotations) &&
	       has_owner(live, controller_of(desired));
}
