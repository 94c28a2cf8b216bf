/*
 * The default trigger. Values are exact: what a metric's unit cannot say is rounded up, never cut;
 * a threshold is a plain decimal, for KEDA reads neither 1k nor a quantity there.
 */
#include "reconciler/hpa/default_trigger.h"

#include <inttypes.h>
#include <string.h>

#include "pkg/units/quantity.h"

#define DEFAULT_CPU_TARGET "70"
#define MEBIBYTE (INT64_C(1) << 20)

struct making {
	const struct annotations *annotations;
	const struct pod_autoscaler *pa;
	const struct config_keda *config;
	const struct http_scaling *http;
	struct arena *arena;
	struct refusal *refusal;
	enum metric_kinds kind;
	const char *metric;
	struct decimal target;
	const char *metric_type;
};

static const char *shown_metric(const struct making *m)
{
	return refusal_value(m->metric, m->arena);
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

static const char *text_or(const struct making *m, enum annotation_id id, const char *otherwise)
{
	const struct annotation_value *annotated = annotation_get(m->annotations, id);

	return annotated ? annotated->text : otherwise;
}

static bool set_query(const struct making *m, struct json *metadata)
{
	const struct annotation_value *query = annotation_get(m->annotations, A_QUERY);
	const char *threshold = decimal_plain(&m->target, m->arena);

	if (!query)
		return refuse(m->refusal, m->arena, annotation_key(m->annotations, A_QUERY), NULL,
			      "is missing for the custom metric %s with a target; add a "
			      "PromQL query, for example sum(rate(http_requests_total{}[1m]))",
			      shown_metric(m));
	if (!threshold)
		return refuse_target(m, "has too many digits; use fewer than 60");
	json_set_text(m->arena, metadata, "serverAddress",
		      text_or(m, A_PROMETHEUS_ADDRESS, m->config->prometheus_address));
	json_set_text(m->arena, metadata, "query", query->text);
	json_set_text(m->arena, metadata, "threshold", threshold);
	json_set_text(m->arena, metadata, "namespace", m->pa->object.meta.ns);
	if (m->config->ignore_null_values >= 0)
		json_set_text(m->arena, metadata, "ignoreNullValues",
			      m->config->ignore_null_values ? "true" : "false");
	return true;
}

static bool set_scaler(const struct making *m, struct json *metadata)
{
	json_set_text(m->arena, metadata, "scalerAddress", m->http->scaler_address);
	json_set_text(m->arena, metadata, "metric", m->http->metric);
	json_set_text(m->arena, metadata, "revision", m->pa->object.meta.name);
	json_set_text(m->arena, metadata, "target", m->http->target);
	if (m->config->http_scaler_tls)
		json_set_text(m->arena, metadata, "enableTLS", "true");
	return true;
}

/* ---- options ---- */

/* Annotations that go into the default trigger alone. */
static const struct {
	enum annotation_id id;
	const char *field; /* of metadata; NULL: it is no text of metadata */
} options[] = {
    {A_METRIC_TYPE, NULL},
    {A_ACTIVATION_TARGET, "activationThreshold"},
    {A_IGNORE_NULL_VALUES, "ignoreNullValues"},
    {A_UNSAFE_SSL, "unsafeSsl"},
    {A_QUERY_PARAMETERS, "queryParameters"},
    {A_CUSTOM_HEADERS, "customHeaders"},
    {A_PROMETHEUS_TIMEOUT, "timeout"},
    {A_CONTAINER, "containerName"},
};

static const char *option_text(const struct making *m, const struct annotation_value *value)
{
	if (value->row->type == ANNOTATION_BOOL)
		return value->number ? "true" : "false";
	if (value->row->type == ANNOTATION_DECIMAL)
		return decimal_plain(&value->decimal, m->arena);
	return value->text;
}

static bool set_option(const struct making *m, const struct annotation_value *value,
		       const char *field, struct json *metadata)
{
	const char *text = option_text(m, value);

	if (!(value->row->kinds & m->kind))
		return refuse(m->refusal, m->arena, value->key, NULL,
			      "means nothing to a trigger of the metric %s, only to %s; "
			      "remove it",
			      shown_metric(m),
			      value->row->kinds & METRIC_CUSTOM ? "that of a custom metric"
								: "those of cpu and memory");
	if (!text)
		return refuse(m->refusal, m->arena, value->key, value->text,
			      "has too many digits; use fewer than 60");
	json_set_text(m->arena, metadata, field, text);
	return true;
}

static bool set_options(const struct making *m, struct json *metadata)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct annotation_value *value =
		    annotation_get(m->annotations, options[i].id);
		if (value && options[i].field && !set_option(m, value, options[i].field, metadata))
			return false;
	}
	return true;
}

/* Without a default trigger they would be lost without a word. */
static bool refuse_options(const struct making *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct annotation_value *value =
		    annotation_get(m->annotations, options[i].id);
		if (value)
			return refuse(m->refusal, m->arena, value->key, value->text,
				      "goes nowhere: beside listed triggers the metric %s "
				      "has a trigger only with a target; add %s, or remove this",
				      shown_metric(m), annotation_key(m->annotations, A_TARGET));
	}
	return true;
}

/* ---- authentication ---- */

static bool refuse_missing(const struct making *m, enum annotation_id id,
			   const struct annotation_value *beside, const char *what)
{
	return refuse(m->refusal, m->arena, annotation_key(m->annotations, id), NULL,
		      "is missing beside %s; add %s", beside->key, what);
}

static bool check_authentication(const struct making *m)
{
	const struct annotation_value *name = annotation_get(m->annotations, A_AUTH_NAME);
	const struct annotation_value *kind = annotation_get(m->annotations, A_AUTH_KIND);
	const struct annotation_value *modes = annotation_get(m->annotations, A_AUTH_MODES);

	if (name && !modes)
		return refuse_missing(m, A_AUTH_MODES, name,
				      "KEDA's authModes, for example bearer");
	if (!name && (kind || modes))
		return refuse_missing(m, A_AUTH_NAME, kind ? kind : modes,
				      "the name of the TriggerAuthentication");
	return true;
}

static void set_authentication(const struct making *m, struct json *trigger, struct json *metadata)
{
	const struct annotation_value *name = annotation_get(m->annotations, A_AUTH_NAME);

	if (!name || m->kind != METRIC_CUSTOM)
		return;
	struct json *reference = json_ensure_object(m->arena, trigger, "authenticationRef");
	json_set_text(m->arena, reference, "name", name->text);
	json_set_text(m->arena, reference, "kind", text_or(m, A_AUTH_KIND, NULL));
	json_set_text(m->arena, metadata, "authModes", text_or(m, A_AUTH_MODES, NULL));
}

/* ---- the trigger ---- */

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

static const struct way http_way = {"external-push",
				    "default-trigger-http",
				    "AverageValue",
				    NULL,
				    set_scaler,
				    NULL,
				    "AverageValue for concurrency and rps"};

static const struct way *way_of(enum metric_kinds kind)
{
	switch (kind) {
	case METRIC_CPU:
		return &cpu_way;
	case METRIC_MEMORY:
		return &memory_way;
	case METRIC_HTTP:
		return &http_way;
	default:
		return &custom_way;
	}
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
			      "does not fit the metric %s; use %s", shown_metric(m), way->right);
	return set(m, metadata);
}

static const char *name_of(const struct making *m, const struct way *way)
{
	bool named = m->kind == METRIC_CUSTOM || m->kind == METRIC_HTTP;

	return named ? text_or(m, A_TRIGGER_NAME, way->name) : way->name;
}

static bool make(struct making *m, struct json **out)
{
	const struct way *way = way_of(m->kind);
	struct json *trigger = json_object(m->arena);

	m->metric_type = text_or(m, A_METRIC_TYPE, way->default_metric_type);
	json_set_text(m->arena, trigger, "type", way->type);
	json_set_text(m->arena, trigger, "name", name_of(m, way));
	json_set_text(m->arena, trigger, "metricType", m->metric_type);
	struct json *metadata = json_ensure_object(m->arena, trigger, "metadata");
	if (!set_metadata(m, way, metadata) || !set_options(m, metadata))
		return false;
	set_authentication(m, trigger, metadata);
	*out = trigger;
	return true;
}

/* The annotated target, else that of cpu where nothing else is listed; false: there is none. That
 * of HTTP metrics was found before. */
static bool find_target(struct making *m, bool others_listed)
{
	const struct annotation_value *annotated = annotation_get(m->annotations, A_TARGET);

	if (annotated) {
		m->target = annotated->decimal;
		return true;
	}
	if (m->kind == METRIC_HTTP)
		return true;
	return m->kind == METRIC_CPU && !others_listed &&
	       decimal_parse(DEFAULT_CPU_TARGET, &m->target);
}

bool default_trigger_make(const struct annotations *annotations, const struct pod_autoscaler *pa,
			  const struct config_keda *config, const struct http_scaling *http,
			  bool others_listed, struct arena *arena, struct json **out,
			  struct refusal *refusal)
{
	struct making m = {.annotations = annotations,
			   .pa = pa,
			   .config = config,
			   .http = http,
			   .kind = annotations->kind,
			   .arena = arena,
			   .refusal = refusal};

	*out = NULL;
	m.metric = text_or(&m, A_METRIC, "cpu");
	if (!check_authentication(&m))
		return false;
	if (find_target(&m, others_listed))
		return make(&m, out);
	if (others_listed)
		return refuse_options(&m);
	return refuse(refusal, arena, annotation_key(annotations, A_TARGET), NULL,
		      "is missing for the metric %s; add %s", shown_metric(&m),
		      m.kind == METRIC_MEMORY ? "MiB per pod, for example 200"
					      : "one in its units, for example 5");
}
