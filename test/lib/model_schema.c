/*
 * Schemas of the custom resources that the controller writes, as tables: one row a field. From
 * KEDA's and Knative's CRDs; what the API server does with them: unknown fields (refused under
 * fieldValidation=Strict, dropped otherwise), types, bounds, required fields, defaults.
 */
#include <string.h>

#include "test/lib/model_internal.h"

struct field {
	const char *path; /* "[]" stands for the elements of a list */
	/* o object, a list, m map of strings, s string, i integer, b boolean, x anything */
	char type;
	bool required;           /* where its parent is there */
	bool low;                /* has a lowest value */
	int64_t lowest, highest; /* highest 0: none */
	const char *choices;     /* " a b c ", or NULL */
	const char *fallback;    /* default */
};

#define FIELD(at, kind, ...)                                                                       \
	{                                                                                          \
		.path = (at), .type = (kind), ##__VA_ARGS__                                        \
	}
#define HPA_CONFIG "spec.advanced.horizontalPodAutoscalerConfig"
#define RULES(way)                                                                                 \
	FIELD(HPA_CONFIG ".behavior." way, 'o'),                                                   \
	    FIELD(HPA_CONFIG ".behavior." way ".selectPolicy", 's'),                               \
	    FIELD(HPA_CONFIG ".behavior." way ".tolerance", 'x'),                                  \
	    FIELD(HPA_CONFIG ".behavior." way ".stabilizationWindowSeconds", 'i', .low = true,     \
		  .highest = 3600),                                                                \
	    FIELD(HPA_CONFIG ".behavior." way ".policies", 'a'),                                   \
	    FIELD(HPA_CONFIG ".behavior." way ".policies[]", 'o'),                                 \
	    FIELD(HPA_CONFIG ".behavior." way ".policies[].type", 's', .required = true),          \
	    FIELD(HPA_CONFIG ".behavior." way ".policies[].value", 'i', .required = true),         \
	    FIELD(HPA_CONFIG ".behavior." way ".policies[].periodSeconds", 'i', .required = true)

static const char behaviors[] = " static currentReplicas currentReplicasIfHigher "
				"currentReplicasIfLower scalingModifiers ";

static const struct field scaled_object[] = {
    FIELD("spec", 'o', .required = true),
    FIELD("spec.scaleTargetRef", 'o', .required = true),
    FIELD("spec.scaleTargetRef.name", 's', .required = true),
    FIELD("spec.scaleTargetRef.kind", 's'),
    FIELD("spec.scaleTargetRef.apiVersion", 's'),
    FIELD("spec.scaleTargetRef.envSourceContainerName", 's'),
    FIELD("spec.pollingInterval", 'i', .low = true, .lowest = 1),
    FIELD("spec.cooldownPeriod", 'i', .low = true),
    FIELD("spec.initialCooldownPeriod", 'i', .low = true),
    FIELD("spec.idleReplicaCount", 'i', .low = true),
    FIELD("spec.minReplicaCount", 'i', .low = true),
    FIELD("spec.maxReplicaCount", 'i', .low = true, .lowest = 1),
    FIELD("spec.fallback", 'o'),
    FIELD("spec.fallback.failureThreshold", 'i', .required = true, .low = true),
    FIELD("spec.fallback.replicas", 'i', .required = true, .low = true),
    FIELD("spec.fallback.behavior", 's', .choices = behaviors, .fallback = "static"),
    FIELD("spec.advanced", 'o'),
    FIELD("spec.advanced.restoreToOriginalReplicaCount", 'b'),
    FIELD(HPA_CONFIG, 'o'),
    FIELD(HPA_CONFIG ".name", 's'),
    FIELD(HPA_CONFIG ".behavior", 'o'),
    RULES("scaleUp"),
    RULES("scaleDown"),
    FIELD("spec.advanced.scalingModifiers", 'o'),
    FIELD("spec.advanced.scalingModifiers.formula", 's'),
    FIELD("spec.advanced.scalingModifiers.target", 's'),
    FIELD("spec.advanced.scalingModifiers.activationTarget", 's'),
    FIELD("spec.advanced.scalingModifiers.metricType", 's', .choices = " AverageValue Value "),
    FIELD("spec.triggers", 'a', .required = true, .low = true, .lowest = 1),
    FIELD("spec.triggers[]", 'o'),
    FIELD("spec.triggers[].type", 's', .required = true),
    FIELD("spec.triggers[].name", 's'),
    FIELD("spec.triggers[].metadata", 'm', .required = true),
    FIELD("spec.triggers[].useCachedMetrics", 'b'),
    FIELD("spec.triggers[].metricType", 's'),
    FIELD("spec.triggers[].authenticationRef", 'o'),
    FIELD("spec.triggers[].authenticationRef.name", 's', .required = true),
    FIELD("spec.triggers[].authenticationRef.kind", 's',
	  .choices = " TriggerAuthentication ClusterTriggerAuthentication "),
    FIELD("status", 'x'),
};

static const struct field serverless_service[] = {
    FIELD("spec", 'o'),
    FIELD("spec.mode", 's', .choices = " Serve Proxy "),
    FIELD("spec.objectRef", 'o'),
    FIELD("spec.objectRef.apiVersion", 's'),
    FIELD("spec.objectRef.kind", 's'),
    FIELD("spec.objectRef.name", 's'),
    FIELD("spec.objectRef.namespace", 's'),
    FIELD("spec.protocolType", 's', .required = true),
    FIELD("spec.numActivators", 'i'),
    FIELD("status", 'x'),
};

static const struct field pod_autoscaler[] = {
    FIELD("spec", 'o'),
    FIELD("spec.containerConcurrency", 'i'),
    FIELD("spec.protocolType", 's'),
    FIELD("spec.reachability", 's'),
    FIELD("spec.scaleTargetRef", 'o'),
    FIELD("spec.scaleTargetRef.apiVersion", 's'),
    FIELD("spec.scaleTargetRef.kind", 's'),
    FIELD("spec.scaleTargetRef.name", 's'),
    FIELD("status", 'o'),
    FIELD("status.actualScale", 'i'),
    FIELD("status.desiredScale", 'i'),
    FIELD("status.annotations", 'm'),
    FIELD("status.metricsServiceName", 's', .required = true),
    FIELD("status.serviceName", 's', .required = true),
    FIELD("status.observedGeneration", 'i'),
    FIELD("status.conditions", 'a'),
    FIELD("status.conditions[]", 'o'),
    FIELD("status.conditions[].lastTransitionTime", 's'),
    FIELD("status.conditions[].message", 's'),
    FIELD("status.conditions[].reason", 's'),
    FIELD("status.conditions[].severity", 's'),
    FIELD("status.conditions[].status", 's', .required = true),
    FIELD("status.conditions[].type", 's', .required = true),
};

struct schema {
	const char *id;
	const struct field *fields;
	size_t count;
};

static const struct schema schemas[] = {
    {"scaledobjects", scaled_object, ARRAY_SIZE(scaled_object)},
    {"serverlessservices", serverless_service, ARRAY_SIZE(serverless_service)},
    {"podautoscalers", pod_autoscaler, ARRAY_SIZE(pod_autoscaler)},
};

struct walk {
	const struct schema *schema;
	struct arena *arena;
	struct strbuf unknown, invalid;
	size_t invalid_count;
};

static const struct field *field_at(const struct schema *schema, const char *path)
{
	for (size_t i = 0; i < schema->count; i++)
		if (strcmp(schema->fields[i].path, path) == 0)
			return &schema->fields[i];
	return NULL;
}

static void add_invalid(struct walk *walk, const char *at, const char *what)
{
	strbuf_addf(&walk->invalid, "%s%s: %s", walk->invalid.len ? ", " : "", at, what);
	walk->invalid_count++;
}

static bool type_fits(char type, const struct json *v)
{
	int64_t number;
	switch (type) {
	case 'o':
	case 'm':
		return json_is(v, JSON_OBJECT);
	case 'a':
		return json_is(v, JSON_ARRAY);
	case 's':
		return json_is(v, JSON_STRING);
	case 'i':
		return json_int(v, &number);
	case 'b':
		return json_is(v, JSON_BOOL);
	default:
		return true;
	}
}

static const char *type_name(char type)
{
	return type == 'a'   ? "array"
	       : type == 's' ? "string"
	       : type == 'i' ? "integer"
	       : type == 'b' ? "boolean"
			     : "object";
}

static void check_value(struct walk *walk, const struct field *field, const char *at,
			const struct json *v)
{
	struct arena *arena = walk->arena;
	if (!type_fits(field->type, v)) {
		add_invalid(walk, at,
			    arena_printf(arena, "Invalid value: must be of type %s",
					 type_name(field->type)));
		return;
	}
	int64_t number = field->type == 'a' ? (int64_t)json_count(v) : json_int_or(v, 0);
	if (field->low && number < field->lowest)
		add_invalid(walk, at,
			    arena_printf(arena,
					 "Invalid value: %lld: should be greater than or equal to "
					 "%lld",
					 (long long)number, (long long)field->lowest));
	if (field->highest && number > field->highest)
		add_invalid(walk, at,
			    arena_printf(arena,
					 "Invalid value: %lld: should be less than or equal to "
					 "%lld",
					 (long long)number, (long long)field->highest));
	const char *word = arena_printf(arena, " %s ", json_text_or(v, ""));
	if (field->choices && !strstr(field->choices, word))
		add_invalid(walk, at,
			    arena_printf(arena, "Unsupported value: \"%s\"", json_text_or(v, "")));
	for (size_t i = 0; field->type == 'm' && i < v->count; i++)
		if (!json_is(v->members[i].value, JSON_STRING))
			add_invalid(walk, arena_printf(arena, "%s.%s", at, v->members[i].key),
				    "Invalid value: must be of type string");
}

static void walk_value(struct walk *walk, const struct field *field, const char *at,
		       struct json *v);

/* Rows directly below path: required and defaulted ones. */
static void complete(struct walk *walk, const char *path, const char *at, struct json *v)
{
	size_t length = strlen(path);
	for (size_t i = 0; i < walk->schema->count; i++) {
		const struct field *field = &walk->schema->fields[i];
		if (strncmp(field->path, path, length) != 0 ||
		    (length && field->path[length] != '.'))
			continue;
		const char *name = field->path + length + (length ? 1 : 0);
		if (strpbrk(name, ".[") || json_get(v, name))
			continue;
		if (field->required)
			add_invalid(walk,
				    arena_printf(walk->arena, "%s%s%s", at, at[0] ? "." : "", name),
				    "Required value");
		else if (field->fallback)
			json_set_text(walk->arena, v, name, field->fallback);
	}
}

static void walk_object(struct walk *walk, const char *path, const char *at, struct json *v)
{
	for (size_t i = 0; i < v->count;) {
		const char *key = v->members[i].key;
		const char *dot = path[0] ? "." : "";
		const char *below = arena_printf(walk->arena, "%s%s%s", path, dot, key);
		const char *below_at = arena_printf(walk->arena, "%s%s%s", at, dot, key);
		const struct field *field = field_at(walk->schema, below);
		bool root = !path[0] && (strcmp(key, "metadata") == 0 || strcmp(key, "kind") == 0 ||
					 strcmp(key, "apiVersion") == 0);
		/* The API server drops null where the schema knows no nullable. */
		bool null = json_is(v->members[i].value, JSON_NULL) && field && !root;
		if (!field && !root)
			strbuf_addf(&walk->unknown, "%sunknown field \"%s\"",
				    walk->unknown.len ? ", " : "", below_at);
		if ((!field && !root) || null) {
			json_remove(v, key);
			continue;
		}
		if (field)
			walk_value(walk, field, below_at, v->members[i].value);
		i++;
	}
	complete(walk, path, at, v);
}

static void walk_value(struct walk *walk, const struct field *field, const char *at, struct json *v)
{
	check_value(walk, field, at, v);
	if (field->type == 'o' && json_is(v, JSON_OBJECT))
		walk_object(walk, field->path, at, v);
	const char *elements = arena_printf(walk->arena, "%s[]", field->path);
	const struct field *element = field_at(walk->schema, elements);
	for (size_t i = 0; element && json_is(v, JSON_ARRAY) && i < v->count; i++)
		walk_value(walk, element, arena_printf(walk->arena, "%s[%zu]", at, i),
			   v->elements[i]);
}

/* KEDA's rule in CEL on spec. */
static void check_bounds(struct walk *walk, const struct json *value)
{
	const struct json *spec = json_get(value, "spec");
	if (json_int_or(json_get(spec, "minReplicaCount"), 0) >
	    json_int_or(json_get(spec, "maxReplicaCount"), 100))
		add_invalid(walk, "spec",
			    "Invalid value: minReplicaCount must be less than or equal to "
			    "maxReplicaCount");
}

static bool verdict(struct walk *walk, const struct kind *kind, const struct json *value,
		    bool strict, struct error *err)
{
	if (strict && walk->unknown.len)
		return api_error(err, ERROR_INVALID, 400, "strict decoding error: %s",
				 walk->unknown.buf);
	if (walk->invalid_count == 0)
		return true;
	bool many = walk->invalid_count > 1;
	return api_error(err, ERROR_INVALID, 422, "%s.%s \"%s\" is invalid: %s%s%s", kind->name,
			 kind->group, json_text_or(json_path(value, "metadata", "name", NULL), ""),
			 many ? "[" : "", walk->invalid.buf, many ? "]" : "");
}

bool schema_admit(const struct kind *kind, struct arena *arena, struct json *value, bool strict,
		  struct error *err)
{
	struct walk walk = {.arena = arena, .unknown = STRBUF_INIT, .invalid = STRBUF_INIT};
	for (size_t i = 0; i < ARRAY_SIZE(schemas); i++)
		if (strcmp(schemas[i].id, kind->id) == 0)
			walk.schema = &schemas[i];
	if (!walk.schema)
		return true;
	walk_object(&walk, "", "", value);
	if (walk.schema->fields == scaled_object)
		check_bounds(&walk, value);
	bool ok = verdict(&walk, kind, value, strict, err);
	strbuf_release(&walk.unknown);
	strbuf_release(&walk.invalid);
	return ok;
}
