/* Of an override only that is checked which this program acts on, and what crashes KEDA; fields
 * that it does not know pass through. */
#include "reconciler/hpa/override.h"

#include <string.h>

#include "pkg/keda/scaled_object.h"
#include "reconciler/hpa/advanced.h"
#include "reconciler/hpa/trigger_checks.h"

static const struct shape target_shape[] = {
    {"name", JSON_STRING, NULL},
    {"apiVersion", JSON_STRING, NULL},
    {"kind", JSON_STRING, NULL},
    {"envSourceContainerName", JSON_STRING, NULL},
    {0},
};

static const struct shape fallback_shape[] = {
    {"failureThreshold", JSON_NUMBER, NULL},
    {"replicas", JSON_NUMBER, NULL},
    {"behavior", JSON_STRING, NULL},
    {0},
};

static const struct shape spec_shape[] = {
    {"scaleTargetRef", JSON_OBJECT, target_shape},
    {"pollingInterval", JSON_NUMBER, NULL},
    {"cooldownPeriod", JSON_NUMBER, NULL},
    {"initialCooldownPeriod", JSON_NUMBER, NULL},
    {"idleReplicaCount", JSON_NUMBER, NULL},
    {"minReplicaCount", JSON_NUMBER, NULL},
    {"maxReplicaCount", JSON_NUMBER, NULL},
    {"fallback", JSON_OBJECT, fallback_shape},
    {"advanced", JSON_OBJECT, advanced_shape},
    {"triggers", JSON_ARRAY, NULL},
    {0},
};

static const struct shape object_shape[] = {
    {"apiVersion", JSON_STRING, NULL},
    {"kind", JSON_STRING, NULL},
    {"metadata", JSON_OBJECT, NULL},
    {"spec", JSON_OBJECT, spec_shape},
    {0},
};

static const struct {
	const char *field;
	int32_t low, high;
	const char *right;
} counts[] = {
    {"minReplicaCount", 0, INT32_MAX, "a whole number from 0 to 2147483647"},
    {"maxReplicaCount", 1, INT32_MAX, "a whole number from 1 to 2147483647"},
    {"idleReplicaCount", 0, 0, "0, the only number that KEDA and the HPA do not fight over"},
};

static bool is_set(const struct json *v)
{
	return v && v->type != JSON_NULL;
}

static bool check_counts(const struct json *spec, const char *key, struct arena *arena,
			 struct refusal *refusal)
{
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		const struct json *v = json_get(spec, counts[i].field);
		int64_t number;
		if (is_set(v) &&
		    (!json_int(v, &number) || number < counts[i].low || number > counts[i].high))
			return refuse_at(refusal, arena, key, v, "is out of range for %s; use %s",
					 counts[i].field, counts[i].right);
	}
	return true;
}

static bool check_kind(const struct json *object, const char *key, struct arena *arena,
		       struct refusal *refusal)
{
	const struct json *kind = json_get(object, "kind");

	if (strcmp(json_text_or(kind, SCALED_OBJECT_KIND), SCALED_OBJECT_KIND) == 0)
		return true;
	return refuse_at(refusal, arena, key, kind, "is another kind; use ScaledObject");
}

bool override_check(const struct annotation_value *value, struct arena *arena,
		    struct refusal *refusal)
{
	const char *key = value->key;
	const struct json *spec = json_get(value->json, "spec");
	const struct json *triggers = json_get(spec, "triggers");

	if (!shape_check(value->json, object_shape, key, arena, refusal) ||
	    !check_kind(value->json, key, arena, refusal))
		return false;
	if (!json_is(spec, JSON_OBJECT))
		return refuse_at(refusal, arena, key, value->json,
				 "spec is missing; use %s, for example %s", value->row->right,
				 value->row->example);
	if (json_count(triggers) == 0)
		return refuse_at(refusal, arena, key, spec,
				 "spec.triggers is missing or empty; use for example %s",
				 value->row->example);
	return triggers_check(triggers, key, arena, refusal) &&
	       advanced_check_modifiers_at(json_path(spec, "advanced", "scalingModifiers", NULL),
					   key, arena, refusal) &&
	       check_counts(spec, key, arena, refusal);
}

static const struct json *spec_of(const struct annotations *annotations)
{
	const struct annotation_value *override = annotation_get(annotations, A_OVERRIDE);

	return override ? json_get(override->json, "spec") : NULL;
}

bool override_int(const struct annotations *annotations, const char *field, int32_t *out)
{
	int64_t number;

	if (!json_int(json_get(spec_of(annotations), field), &number))
		return false;
	*out = (int32_t)number;
	return true;
}

struct json *override_spec(const struct annotations *annotations, const struct pod_autoscaler *pa,
			   struct arena *arena)
{
	struct json *spec = json_copy(arena, spec_of(annotations));
	struct json *target = json_ensure_object(arena, spec, "scaleTargetRef");
	struct json *advanced = json_ensure_object(arena, spec, "advanced");
	struct json *hpa = json_ensure_object(arena, advanced, "horizontalPodAutoscalerConfig");

	json_set_text(arena, target, "apiVersion", pa->target_api_version);
	json_set_text(arena, target, "kind", pa->target_kind);
	json_set_text(arena, target, "name", pa->target_name);
	json_set_text(arena, hpa, "name", pa->object.meta.name);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		json_remove(spec, counts[i].field);
	return spec;
}
