/*
 * The normal form of a spec. KEDA, the API server and this program spell the same spec differently
 * (Go's omitempty, CRD defaults, quantities); all comparing goes through this form, so two specs
 * that mean the same have the same form and nobody fights over spelling.
 */
#include "pkg/keda/spec.h"

#include <string.h>

#include "pkg/units/quantity.h"

#define TRIGGER_PATH ".triggers[]"
#define BEHAVIOR_PATH ".advanced.horizontalPodAutoscalerConfig.behavior"
#define LONGEST_PATH 512

const char spec_path_lost[] = "?";

/* CRD defaults that mean the same as nothing. */
static const struct {
	const char *path, *value;
} defaults[] = {
    {".fallback.behavior", "static"},
    {TRIGGER_PATH ".authenticationRef.kind", "TriggerAuthentication"},
};

/* One is made for every member that is looked at: formatted printing would be half of that work. */
static const char *longer(struct arena *arena, const char *path, const char *mark, const char *key)
{
	size_t path_length = strlen(path), mark_length = strlen(mark), key_length = strlen(key);
	char *out;
	if (path == spec_path_lost || path_length + key_length > LONGEST_PATH)
		return spec_path_lost;
	out = arena_alloc(arena, path_length + mark_length + key_length + 1);
	memcpy(out, path, path_length);
	memcpy(out + path_length, mark, mark_length);
	memcpy(out + path_length + mark_length, key, key_length + 1);
	return out;
}

const char *spec_member_path(struct arena *arena, const char *path, const char *key)
{
	return longer(arena, path, ".", key);
}

const char *spec_element_path(struct arena *arena, const char *path)
{
	return longer(arena, path, "[]", "");
}

static bool is_default_text(const char *path, const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
		if (strcmp(defaults[i].path, path) == 0 && strcmp(defaults[i].value, text) == 0)
			return true;
	}
	return false;
}

static bool scalar_absent(const char *path, const struct json *v)
{
	switch (v->type) {
	case JSON_BOOL:
		return !v->boolean;
	case JSON_STRING:
		return v->length == 0 || is_default_text(path, v->text);
	case JSON_NUMBER:
		return strcmp(path, ".minReplicaCount") == 0 && json_int_or(v, 1) == 0;
	default:
		return v->type == JSON_NULL;
	}
}

/* "0.5" and "500m" become one text; NULL: not a quantity. */
static struct json *one_text(struct arena *arena, const char *text)
{
	struct decimal d;
	if (!quantity_parse(text, &d))
		return NULL;
	return json_stringf(arena, "%s%se%d", d.negative ? "-" : "", d.digits, d.exponent);
}

/* An unparsable value stays as it is. */
static void unify_quantity(struct arena *arena, struct json *trigger)
{
	const char *type = json_text_or(json_get(trigger, "type"), "");
	const char *metric = json_text_or(json_get(trigger, "metricType"), "");
	const struct json *metadata = json_get(trigger, "metadata");
	const char *value = json_text(json_get(metadata, "value"));
	if (!value || strcmp(metric, "AverageValue") != 0 ||
	    (strcmp(type, "cpu") != 0 && strcmp(type, "memory") != 0))
		return;
	struct json *unified = json_copy(arena, metadata);
	json_set(arena, unified, "value", one_text(arena, value));
	json_set(arena, trigger, "metadata", unified);
}

static struct json *normal_array(const char *path, const struct json *v,
				 const struct learned *learned, struct arena *arena)
{
	const char *below = spec_element_path(arena, path);
	struct json *out = json_array(arena);
	for (size_t i = 0; i < v->count; i++) {
		struct json *element = spec_normal(below, v->elements[i], learned, arena);
		json_append(arena, out, element ? element : json_null(arena));
	}
	return out->count > 0 && !learned_has(learned, path, out) ? out : NULL;
}

/* Members are put in without a look at those before: a live object may have very many. */
static struct json *normal_object(const char *path, const struct json *v,
				  const struct learned *learned, struct arena *arena)
{
	struct json *out = json_object(arena);
	out->members = ARENA_ARRAY(arena, struct json_member, v->count);
	out->cap = v->count;
	for (size_t i = 0; i < v->count; i++) {
		struct json_member member = v->members[i];
		const char *below = spec_member_path(arena, path, member.key);
		member.value = spec_normal(below, member.value, learned, arena);
		if (!member.value)
			continue;
		member.key = arena_strndup(arena, member.key, member.key_len);
		out->members[out->count++] = member;
	}
	if (strcmp(path, TRIGGER_PATH) == 0)
		unify_quantity(arena, out);
	return out->count > 0 ? out : NULL;
}

static struct json *normal_scalar(const char *path, const struct json *v, struct arena *arena)
{
	bool quantity = (v->type == JSON_NUMBER || v->type == JSON_STRING) &&
			(strcmp(path, BEHAVIOR_PATH ".scaleUp.tolerance") == 0 ||
			 strcmp(path, BEHAVIOR_PATH ".scaleDown.tolerance") == 0);
	struct json *unified = quantity ? one_text(arena, v->text) : NULL;
	return unified ? unified : json_copy(arena, v);
}

struct json *spec_normal(const char *path, const struct json *v, const struct learned *learned,
			 struct arena *arena)
{
	if (!v)
		return NULL;
	if (v->type == JSON_ARRAY)
		return normal_array(path, v, learned, arena);
	if (v->type == JSON_OBJECT)
		return normal_object(path, v, learned, arena);
	return scalar_absent(path, v) || learned_has(learned, path, v)
		   ? NULL
		   : normal_scalar(path, v, arena);
}

struct json *scaled_object_normalize(const struct json *spec, const struct learned *learned,
				     struct arena *arena)
{
	return spec_normal("", spec, learned, arena);
}

uint64_t scaled_object_spec_hash(const struct json *spec, struct arena *arena)
{
	return json_hash(scaled_object_normalize(spec, NULL, arena));
}

bool scaled_object_spec_equal(const struct json *desired, const struct json *live,
			      const struct learned *learned, struct arena *arena)
{
	return json_equal(scaled_object_normalize(desired, learned, arena),
			  scaled_object_normalize(live, learned, arena));
}
