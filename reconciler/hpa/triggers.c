/*
 * The default trigger. Values are exact: what a metric's unit cannot say is rounded up, never cut;
 * a threshold is a plain decimal, for KEDA reads neither 1k nor a quantity there.
 */
#include "reconciler/hpa/triggers.h"

#include <inttypes.h>
#include <string.h>

#include "pkg/units/quantity.h"

#define DEFAULT_CPU_TARGET "70"
#define MEBIBYTE (INT64_C(1) << 20)

struct making {
	const struct annotations *annotations;
	const struct pod_autoscaler *pa;
	const struct config_keda *config;
	struct arena *arena;
	struct refusal *refusal;
	enum metric_kinds kind;
	const char *metric;
	struct decimal target;
	const char *metric_type;
};

static enum metric_kinds kind_of(const char *metric)
{
	if (strcmp(metric, "cpu") == 0)
		return METRIC_CPU;
	return strcmp(metric, "memory") == 0 ? METRIC_MEMORY : METRIC_CUSTOM;
}

static bool refuse_target(const struct making *m, const char *what)
{
	const struct annotation_value *target = annotation_get(m->annotations, A_TARGET);

	return refuse(m->refusal, m->arena, target->key, target->text, "%s", what);
}

static bool set_value(const struct making *m, struct json *metadata, const char *text)
{
	json_set_text(m->arena, metadata, "value", text);
	return true;
}

static bool set_percent(const struct making *m, struct json *metadata)
{
	int64_t percent;

	if (!decimal_ceil_scaled(&m->target, 0, &percent) || percent > INT32_MAX)
		return refuse_target(m, "is too large; use a percentage, for example 70");
	return set_value(m, metadata, arena_printf(m->arena, "%" PRId64, percent));
}

static bool set_cores(const struct making *m, struct json *metadata)
{
	int64_t millicores;

	if (!decimal_ceil_scaled(&m->target, 3, &millicores))
		return refuse_target(m, "is too large; use a number of cores, for example 0.5");
	return set_value(m, metadata, quantity_millis(millicores, m->arena));
}

static bool set_mebibytes(const struct making *m, struct json *metadata)
{
	int64_t bytes;

	if (!decimal_ceil_times(&m->target, MEBIBYTE, &bytes))
		return refuse_target(m, "is too large; use a number of MiB, for example 200");
	return set_value(m, metadata, quantity_bytes(bytes, m->arena));
}

static const char *prometheus_address(const struct making *m)
{
	const struct annotation_value *annotated =
	    annotation_get(m->annotations, A_PROMETHEUS_ADDRESS);

	return annotated ? annotated->text : m->config->prometheus_address;
}

static bool set_query(const struct making *m, struct json *metadata)
{
	const struct annotation_value *query = annotation_get(m->annotations, A_QUERY);
	const char *threshold = decimal_plain(&m->target, m->arena);

	if (!query)
		return refuse(m->refusal, m->arena, annotation_key(m->annotations, A_QUERY), NULL,
			      "is missing for the custom metric \"%.60s\" with a target; add a "
			      "PromQL query, for example sum(rate(http_requests_total{}[1m]))",
			      m->metric);
	if (!threshold)
		return refuse_target(m, "has too many digits; use fewer than 60");
	json_set_text(m->arena, metadata, "serverAddress", prometheus_address(m));
	json_set_text(m->arena, metadata, "query", query->text);
	json_set_text(m->arena, metadata, "threshold", threshold);
	json_set_text(m->arena, metadata, "namespace", m->pa->object.meta.ns);
	if (m->config->ignore_null_values >= 0)
		json_set_text(m->arena, metadata, "ignoreNullValues",
			      m->config->ignore_null_values ? "true" : "false");
	return true;
}

/* What a kind of metric makes of the three metric types; NULL: KEDA refuses it. */
struct way {
	const char *type, *name;
	const char *default_metric_type;
	bool (*utilization)(const struct making *m, struct json *metadata);
	bool (*average_value)(const struct making *m, struct json *metadata);
	bool (*value)(const struct making *m, struct json *metadata);
	const char *right; /* metric types, for a refusal */
};

static const struct way cpu_way = {"cpu",
				   "default-trigger-cpu",
				   "Utilization",
				   set_percent,
				   set_cores,
				   NULL,
				   "Utilization or AverageValue for cpu"};
static const struct way memory_way = {"memory",
				      "default-trigger-memory",
				      "AverageValue",
				      set_percent,
				      set_mebibytes,
				      NULL,
				      "AverageValue or Utilization for memory"};
static const struct way custom_way = {"prometheus",
				      "default-trigger-custom",
				      "AverageValue",
				      NULL,
				      set_query,
				      set_query,
				      "AverageValue or Value for a custom metric"};

static const struct way *way_of(enum metric_kinds kind)
{
	if (kind == METRIC_CPU)
		return &cpu_way;
	return kind == METRIC_MEMORY ? &memory_way : &custom_way;
}

static bool set_metadata(const struct making *m, const struct way *way, struct json *metadata)
{
	const struct annotation_value *annotated = annotation_get(m->annotations, A_METRIC_TYPE);
	bool (*set)(const struct making *, struct json *) = way->value;

	if (strcmp(m->metric_type, "Utilization") == 0)
		set = way->utilization;
	else if (strcmp(m->metric_type, "AverageValue") == 0)
		set = way->average_value;
	if (!set)
		return refuse(m->refusal, m->arena, annotated->key, annotated->text,
			      "does not fit the metric \"%.60s\"; use %s", m->metric, way->right);
	return set(m, metadata);
}

static bool add_default(struct making *m, struct json *list)
{
	const struct way *way = way_of(m->kind);
	const struct annotation_value *annotated = annotation_get(m->annotations, A_METRIC_TYPE);
	struct json *trigger = json_object(m->arena);

	m->metric_type = annotated ? annotated->text : way->default_metric_type;
	json_set_text(m->arena, trigger, "type", way->type);
	json_set_text(m->arena, trigger, "name", way->name);
	json_set_text(m->arena, trigger, "metricType", m->metric_type);
	json_append(m->arena, list, trigger);
	return set_metadata(m, way, json_ensure_object(m->arena, trigger, "metadata"));
}

/* The annotated target, else that of cpu; false: there is none. */
static bool find_target(struct making *m)
{
	const struct annotation_value *annotated = annotation_get(m->annotations, A_TARGET);

	if (annotated) {
		m->target = annotated->decimal;
		return true;
	}
	return m->kind == METRIC_CPU && decimal_parse(DEFAULT_CPU_TARGET, &m->target);
}

bool triggers_build(const struct annotations *annotations, const struct pod_autoscaler *pa,
		    const struct config_keda *config, struct arena *arena, struct triggers *out,
		    struct refusal *refusal)
{
	const struct annotation_value *metric = annotation_get(annotations, A_METRIC);
	struct making m = {.annotations = annotations,
			   .pa = pa,
			   .config = config,
			   .arena = arena,
			   .refusal = refusal,
			   .metric = metric ? metric->text : "cpu"};

	m.kind = kind_of(m.metric);
	out->list = json_array(arena);
	out->only_resources = m.kind != METRIC_CUSTOM;
	if (!find_target(&m))
		return refuse(refusal, arena, annotation_key(annotations, A_TARGET), NULL,
			      "is missing for the metric \"%.60s\"; add %s", m.metric,
			      m.kind == METRIC_MEMORY ? "MiB per pod, for example 200"
						      : "one in its units, for example 5");
	return add_default(&m, out->list);
}
