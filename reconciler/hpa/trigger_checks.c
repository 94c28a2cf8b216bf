/*
 * One trigger at a time, in the order of the list. KEDA's operator crashes on a quantity that does
 * not parse, and reads metadata as strings only.
 */
#include "reconciler/hpa/trigger_checks.h"

#include <string.h>

#include "pkg/units/parse.h"
#include "pkg/units/quantity.h"

static const struct shape authentication_shape[] = {
    {"name", JSON_STRING, NULL},
    {"kind", JSON_STRING, NULL},
    {NULL, JSON_NULL, NULL},
};

const struct shape trigger_shape[] = {
    {"type", JSON_STRING, NULL},
    {"name", JSON_STRING, NULL},
    {"metadata", JSON_OBJECT, NULL},
    {"metricType", JSON_STRING, NULL},
    {"useCachedMetrics", JSON_BOOL, NULL},
    {"authenticationRef", JSON_OBJECT, authentication_shape},
    {NULL, JSON_NULL, NULL},
};

static const struct shape resource_shape[] = {
    {"value", JSON_STRING, NULL},
    {"containerName", JSON_STRING, NULL},
    {NULL, JSON_NULL, NULL},
};

struct checking {
	const char *key;
	struct arena *arena;
	struct refusal *refusal;
};

#define REFUSE(c, at, ...) refuse_at((c)->refusal, (c)->arena, (c)->key, at, __VA_ARGS__)

/* Text that is there: KEDA takes "" for absent. */
static const char *text_of(const struct json *v)
{
	const char *text = json_text(v);

	return text && *text ? text : NULL;
}

static bool is_resource(const struct json *trigger)
{
	const char *type = json_text_or(json_get(trigger, "type"), "");

	return strcmp(type, "cpu") == 0 || strcmp(type, "memory") == 0;
}

static bool has_nul(const struct json *text)
{
	return json_is(text, JSON_STRING) && strlen(text->text) != text->length;
}

static bool check_metadata(const struct checking *c, const struct json *trigger)
{
	const struct json *metadata = json_get(trigger, "metadata");

	if (!json_is(metadata, JSON_OBJECT))
		return REFUSE(c, trigger,
			      "a trigger has no metadata; add an object of strings, {} at least");
	for (size_t i = 0; i < metadata->count; i++) {
		const char *name = metadata->members[i].key;
		const struct json *v = metadata->members[i].value;

		if (!json_is(v, JSON_STRING))
			return refuse_member(
			    c->refusal, c->arena, c->key, name, v,
			    "is no string, as all of metadata must be; put it in quotes");
		if (has_nul(v))
			return refuse_member(c->refusal, c->arena, c->key, name, v,
					     "holds a NUL character");
	}
	return true;
}

static bool check_type(const struct checking *c, const struct json *trigger)
{
	const struct json *type = json_get(trigger, "type");

	if (has_nul(type))
		return REFUSE(c, type, "holds a NUL character");
	return text_of(type) ? true
			     : REFUSE(c, trigger,
				      "a trigger has no type; add one, for example "
				      "\"type\": \"prometheus\"");
}

static bool check_authentication(const struct checking *c, const struct json *trigger)
{
	const struct json *kind = json_path(trigger, "authenticationRef", "kind", NULL);
	const char *text = text_of(kind);

	if (!text || strcmp(text, "TriggerAuthentication") == 0 ||
	    strcmp(text, "ClusterTriggerAuthentication") == 0)
		return true;
	return REFUSE(c, kind,
		      "is no kind of authentication; use TriggerAuthentication or "
		      "ClusterTriggerAuthentication");
}

/* Older releases of KEDA know the metric type as metadata.type. */
static const struct json *metric_type_of(const struct json *trigger)
{
	const struct json *metric_type = json_get(trigger, "metricType");

	return text_of(metric_type) ? metric_type : json_path(trigger, "metadata", "type", NULL);
}

static bool check_resource_value(const struct checking *c, const struct json *trigger)
{
	const struct json *value = json_path(trigger, "metadata", "value", NULL);
	const struct json *metric_type = metric_type_of(trigger);
	const char *type = json_text(json_get(trigger, "type"));
	struct decimal quantity;
	int32_t percent;

	if (!text_of(metric_type))
		return REFUSE(c, trigger,
			      "a %s trigger has no metricType; use Utilization or AverageValue",
			      type);
	if (!text_of(value))
		return REFUSE(c, trigger, "a %s trigger has no value in its metadata; add one",
			      type);
	if (strcmp(metric_type->text, "Utilization") == 0)
		return parse_int32(value->text, &percent)
			   ? true
			   : REFUSE(c, value, "is no whole percentage; use for example \"80\"");
	if (strcmp(metric_type->text, "AverageValue") == 0)
		return quantity_parse(value->text, &quantity)
			   ? true
			   : REFUSE(c, value, "is no quantity; use for example \"%s\"",
				    strcmp(type, "cpu") == 0 ? "500m" : "200Mi");
	return REFUSE(c, metric_type, "is no metric type of %s; use Utilization or AverageValue",
		      type);
}

static bool check_resource(const struct checking *c, const struct json *trigger)
{
	return !is_resource(trigger) || (shape_check(json_get(trigger, "metadata"), resource_shape,
						     c->key, c->arena, c->refusal) &&
					 check_resource_value(c, trigger));
}

static bool check_name(const struct checking *c, const struct json *list, size_t at)
{
	const struct json *name = json_get(list->elements[at], "name");
	const char *text = text_of(name);

	if (has_nul(name))
		return REFUSE(c, name, "holds a NUL character");
	for (size_t i = 0; text && i < at; i++) {
		const char *other = json_text(json_get(list->elements[i], "name"));
		if (other && strcmp(other, text) == 0)
			return REFUSE(c, name,
				      "is the name of another trigger, too; each needs its own");
	}
	return true;
}

static bool check_trigger(const struct checking *c, const struct json *list, size_t at)
{
	const struct json *trigger = list->elements[at];

	if (!json_is(trigger, JSON_OBJECT))
		return REFUSE(c, trigger, "is no trigger; use an object with type and metadata");
	return shape_check(trigger, trigger_shape, c->key, c->arena, c->refusal) &&
	       check_type(c, trigger) && check_metadata(c, trigger) && check_name(c, list, at) &&
	       check_authentication(c, trigger) && check_resource(c, trigger);
}

bool triggers_check(const struct json *list, const char *key, struct arena *arena,
		    struct refusal *refusal)
{
	const struct checking c = {key, arena, refusal};
	size_t count = json_count(list);

	if (count > TRIGGERS_MAX)
		return REFUSE(&c, json_at(list, TRIGGERS_MAX),
			      "is one trigger too many, of %zu; use %d at most, the default one "
			      "included",
			      count, TRIGGERS_MAX);
	for (size_t i = 0; i < count; i++)
		if (!check_trigger(&c, list, i))
			return false;
	return true;
}

bool triggers_only_resources(const struct json *list)
{
	for (size_t i = 0; i < json_count(list); i++)
		if (!is_resource(json_at(list, i)))
			return false;
	return true;
}
