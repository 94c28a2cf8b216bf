/* What is given as JSON goes into the ScaledObject as it was given. */
#include "reconciler/hpa/advanced.h"

#include <string.h>

static const struct shape policy_shape[] = {
    {"type", JSON_STRING, NULL},
    {"value", JSON_NUMBER, NULL},
    {"periodSeconds", JSON_NUMBER, NULL},
    {0},
};

static const struct shape rules_shape[] = {
    {"stabilizationWindowSeconds", JSON_NUMBER, NULL},
    {"selectPolicy", JSON_STRING, NULL},
    {"policies", JSON_ARRAY, policy_shape},
    {"tolerance", JSON_NULL, NULL}, /* a quantity: number or string */
    {0},
};

static const struct shape modifiers_shape[] = {
    {"formula", JSON_STRING, NULL},
    {"target", JSON_STRING, NULL},
    {"activationTarget", JSON_STRING, NULL},
    {"metricType", JSON_STRING, NULL},
    {0},
};

static const struct shape behavior_shape[] = {
    {"scaleUp", JSON_OBJECT, rules_shape},
    {"scaleDown", JSON_OBJECT, rules_shape},
    {0},
};

static const struct shape hpa_shape[] = {
    {"name", JSON_STRING, NULL},
    {"behavior", JSON_OBJECT, behavior_shape},
    {0},
};

const struct shape advanced_shape[] = {
    {"restoreToOriginalReplicaCount", JSON_BOOL, NULL},
    {"horizontalPodAutoscalerConfig", JSON_OBJECT, hpa_shape},
    {"scalingModifiers", JSON_OBJECT, modifiers_shape},
    {0},
};

bool advanced_check_rules(const struct annotation_value *value, struct arena *arena,
			  struct refusal *refusal)
{
	return shape_check(value->json, rules_shape, value->key, arena, refusal);
}

/* ---- scaling modifiers (KEDA's ValidateScalingModifiers) ---- */

static bool check_target(const struct json *modifiers, const char *key, struct arena *arena,
			 struct refusal *refusal)
{
	const struct json *v = json_get(modifiers, "target");
	const char *text = json_text_or(v, "");
	struct decimal target;

	if (!text[0])
		return refuse_at(refusal, arena, key, modifiers,
				 "target is missing; add what the formula's value is held against, "
				 "for example \"5\"");
	if (!decimal_parse(text, &target) || target.negative || strcmp(target.digits, "0") == 0)
		return refuse_at(refusal, arena, key, v,
				 "is no target above 0; use for example \"5\"");
	return true;
}

static bool check_activation(const struct json *modifiers, const char *key, struct arena *arena,
			     struct refusal *refusal)
{
	const struct json *v = json_get(modifiers, "activationTarget");
	const char *text = json_text_or(v, "");
	struct decimal target;

	if (!text[0] || decimal_parse(text, &target))
		return true;
	return refuse_at(refusal, arena, key, v,
			 "is no number for activationTarget; use for example \"1\"");
}

static bool check_metric_type(const struct json *modifiers, const char *key, struct arena *arena,
			      struct refusal *refusal)
{
	const struct json *v = json_get(modifiers, "metricType");
	const char *text = json_text_or(v, "");

	if (!text[0] || strcmp(text, "AverageValue") == 0 || strcmp(text, "Value") == 0)
		return true;
	return refuse_at(refusal, arena, key, v,
			 "is not known as metricType; use AverageValue or Value");
}

static bool check_modifiers(const struct json *modifiers, const char *key, struct arena *arena,
			    struct refusal *refusal)
{
	const struct json *formula = json_get(modifiers, "formula");

	if (!shape_check(modifiers, modifiers_shape, key, arena, refusal))
		return false;
	if (!json_text_or(formula, "")[0])
		return refuse_at(refusal, arena, key, modifiers,
				 "formula is missing; add one of the triggers' names, for example "
				 "\"(a + b)/2\"");
	return check_target(modifiers, key, arena, refusal) &&
	       check_activation(modifiers, key, arena, refusal) &&
	       check_metric_type(modifiers, key, arena, refusal);
}

bool advanced_check_modifiers(const struct annotation_value *value, struct arena *arena,
			      struct refusal *refusal)
{
	return check_modifiers(value->json, value->key, arena, refusal);
}

bool advanced_check_modifiers_at(const struct json *modifiers, const char *key, struct arena *arena,
				 struct refusal *refusal)
{
	return json_count(modifiers) == 0 || check_modifiers(modifiers, key, arena, refusal);
}

/* ---- building ---- */

/* window_s: -1 for none. */
static void set_direction(const struct annotation_value *rules, int64_t window_s,
			  const char *direction, struct arena *arena, struct json *hpa)
{
	if (!rules && window_s < 0)
		return;
	struct json *behavior = json_ensure_object(arena, hpa, "behavior");
	if (rules)
		json_set(arena, behavior, direction, json_copy(arena, rules->json));
	else
		json_set_int(arena, json_ensure_object(arena, behavior, direction),
			     "stabilizationWindowSeconds", window_s);
}

static void set_behavior(const struct annotations *annotations, const struct http_scaling *http,
			 struct arena *arena, struct json *hpa)
{
	const struct annotation_value *window = annotation_get(annotations, A_WINDOW);
	int64_t down_s = http->metric ? http->scale_down_s : -1;

	if (window)
		down_s = window->number;
	set_direction(annotation_get(annotations, A_SCALE_UP_RULES), http->metric ? -1 : down_s,
		      "scaleUp", arena, hpa);
	set_direction(annotation_get(annotations, A_SCALE_DOWN_RULES), down_s, "scaleDown", arena,
		      hpa);
}

void advanced_set(const struct annotations *annotations, const struct pod_autoscaler *pa,
		  const struct http_scaling *http, struct arena *arena, struct json *spec)
{
	const struct annotation_value *modifiers = annotation_get(annotations, A_SCALING_MODIFIERS);
	struct json *advanced = json_ensure_object(arena, spec, "advanced");
	struct json *hpa = json_ensure_object(arena, advanced, "horizontalPodAutoscalerConfig");

	json_set_text(arena, hpa, "name", pa->object.meta.name);
	set_behavior(annotations, http, arena, hpa);
	if (modifiers)
		json_set(arena, advanced, "scalingModifiers", json_copy(arena, modifiers->json));
}
