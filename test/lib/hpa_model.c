/*
 * The HPA controller (kubernetes pkg/controller/podautoscaler: sync period 15 s, the first sync a
 * period after creation, ScalingDisabled at zero, the old desiredReplicas kept when all metrics
 * fail). No tolerance, no policies, no stabilization: the model scales at once.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/model_internal.h"

#define MOST 1e15

static void hpa_react(struct model *model, struct desk *desk, const struct change *change)
{
	const struct version *version = change->version;
	if (strcmp(version->resource->kind.id, "horizontalpodautoscalers") == 0 &&
	    change->type == CHANGE_ADDED)
		desk_later(desk, version->ns, version->name, model->hpa_sync_ms);
}

/* ---- one metric ---- */

static const char *const sources[] = {"external", "resource", "containerResource"};

/* The member that tells what is measured; *name is its key. */
static const struct json *source_of(const struct json *metric, const char **name)
{
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		*name = sources[i];
		if (json_get(metric, sources[i]))
			return json_get(metric, sources[i]);
	}
	return NULL;
}

static bool is_external(const struct json *metric)
{
	return json_get(metric, "external") != NULL;
}

static double measured(struct model *model, const char *ns, const struct json *metric)
{
	return is_external(metric) ? keda_metric(model, ns, json_get(metric, "external"))
				   : model_value(model->usage, ns);
}

/* A target as a number: "5", "500m", "200Mi" count by their digits, m as thousandths. */
static double quantity(const char *text)
{
	char *end;
	double value = strtod(text, &end);
	return *end == 'm' ? value / 1000 : value;
}

static int64_t rounded_up(double value)
{
	/* A target may be 0. */
	value = value < MOST ? value : MOST;
	int64_t whole = value > 0 ? (int64_t)value : 0;
	return whole + ((double)whole < value);
}

/* Wished-for replicas by one metric; -1: it could not be read. */
static int64_t proposal(struct model *model, const char *ns, const struct json *metric,
			int64_t current)
{
	const char *source;
	const struct json *target = json_get(source_of(metric, &source), "target");
	double value = measured(model, ns, metric);
	if (isnan(value))
		return -1;
	const char *average = json_text(json_get(target, "averageValue"));
	const char *whole = json_text(json_get(target, "value"));
	int64_t percent = json_int_or(json_get(target, "averageUtilization"), 0);
	if (!is_external(metric))
		return rounded_up((double)current * value / (percent ? (double)percent : 100.0));
	if (average)
		return rounded_up(value / quantity(average));
	return rounded_up((double)current * value / quantity(whole ? whole : "1"));
}

/* A quantity of thousandths in its canonical form: "4", "1334m", "5k". */
static const char *printed(struct arena *arena, double value)
{
	static const char *const suffixes[] = {"m", "", "k", "M", "G", "T"};
	int64_t amount = rounded_up(value * 1000 - 1e-6);
	size_t at = 0;
	while (amount && amount % 1000 == 0 && at + 1 < ARRAY_SIZE(suffixes)) {
		amount /= 1000;
		at++;
	}
	return arena_printf(arena, "%lld%s", (long long)amount, amount ? suffixes[at] : "");
}

/* One element of status.currentMetrics, which kubectl's TARGETS shows before the slash. A metric
 * that cannot be read is an empty one. */
static struct json *current_metric(struct model *model, struct arena *arena, const char *ns,
				   const struct json *metric, int64_t replicas)
{
	static const char *const names[] = {"metric", "name", "container"};
	const char *source;
	const struct json *inner = source_of(metric, &source);
	const struct json *target = json_get(inner, "target");
	double value = measured(model, ns, metric);
	struct json *out = json_object(arena);
	json_set_text(arena, out, "type", "");
	if (isnan(value))
		return out;
	json_set_text(arena, out, "type", json_text_or(json_get(metric, "type"), ""));
	struct json *shown = json_ensure_object(arena, out, source);
	struct json *current = json_ensure_object(arena, shown, "current");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (json_get(inner, names[i]))
			json_set(arena, shown, names[i],
				 json_copy(arena, json_get(inner, names[i])));
	if (json_get(target, "averageUtilization"))
		json_set_int(arena, current, "averageUtilization", rounded_up(value));
	else if (json_get(target, "averageValue"))
		json_set_text(arena, current, "averageValue",
			      printed(arena, value / (double)(replicas > 0 ? replicas : 1)));
	else
		json_set_text(arena, current, "value", printed(arena, value));
	return out;
}

/* "external metric s0-prometheus(...)", as conditions name it. */
static const char *described(struct arena *arena, const struct json *metric)
{
	const char *source;
	const struct json *inner = source_of(metric, &source);
	const struct json *labels = json_path(inner, "metric", "selector", "matchLabels", NULL);
	if (!is_external(metric))
		return arena_printf(arena, "%s resource utilization (percentage of request)",
				    json_text_or(json_get(inner, "name"), ""));
	CLEANUP(strbuf_release) struct strbuf list = STRBUF_INIT;
	for (size_t i = 0; i < json_count(labels); i++)
		strbuf_addf(&list, "%s: %s,", labels->members[i].key,
			    json_text_or(labels->members[i].value, ""));
	return arena_printf(arena,
			    "external metric %s(&LabelSelector{MatchLabels:map[string]string{%s},"
			    "MatchExpressions:[]LabelSelectorRequirement{},})",
			    json_text_or(json_path(inner, "metric", "name", NULL), ""), list.buf);
}

/* ---- all of them ---- */

struct look {
	int64_t current;           /* the target's spec.replicas */
	int64_t wished;            /* by the metrics; -1: none could be read */
	int64_t desired;           /* within the bounds */
	const struct json *by;     /* the metric that wishes most */
	const struct json *failed; /* the first that could not be read */
};

static void look_at_metrics(struct model *model, const struct version *hpa, struct look *look)
{
	const struct json *spec = json_get(hpa->value, "spec");
	const struct json *metrics = json_get(spec, "metrics");
	look->wished = -1;
	for (size_t i = 0; i < json_count(metrics); i++) {
		const struct json *metric = json_at(metrics, i);
		int64_t one = proposal(model, hpa->ns, metric, look->current);
		if (one > look->wished) {
			look->wished = one;
			look->by = metric;
		}
		if (one < 0 && !look->failed)
			look->failed = metric;
	}
	int64_t min = json_int_or(json_get(spec, "minReplicas"), 1);
	int64_t max = json_int_or(json_get(spec, "maxReplicas"), min);
	look->desired = look->wished < min ? min : look->wished > max ? max : look->wished;
}

/* ---- conditions ---- */

struct telling {
	struct model *model;
	struct arena *arena;
	const struct json *old;
	struct json *list;
};

static void tell(struct telling *to, const char *type, const char *status, const char *reason,
		 const char *message)
{
	model_add_condition(to->model, to->arena, to->list, to->old, type, status, reason, message);
}

static void tell_disabled(struct telling *to)
{
	tell(to, "AbleToScale", "True", "SucceededGetScale",
	     "the HPA controller was able to get the target's current scale");
	tell(to, "ScalingActive", "False", "ScalingDisabled",
	     "scaling is disabled since the replica count of the target is zero");
}

/* Of cpu and memory as without a metrics-server. */
static const char *failure(struct arena *arena, const struct json *metric)
{
	const char *source;
	const char *name = json_text_or(json_get(source_of(metric, &source), "name"), "");
	if (is_external(metric))
		return arena_printf(arena, "unable to get %s", described(arena, metric));
	return arena_printf(arena,
			    "failed to get %s utilization: unable to get metrics for resource %s: "
			    "unable to fetch metrics from resource metrics API: the server could "
			    "not find the requested resource (get pods.metrics.k8s.io)",
			    name, name);
}

static void tell_failure(struct telling *to, const struct look *look)
{
	const char *reason =
	    is_external(look->failed) ? "FailedGetExternalMetric" : "FailedGetResourceMetric";
	tell(to, "AbleToScale", "True", "SucceededGetScale",
	     "the HPA controller was able to get the target's current scale");
	tell(to, "ScalingActive", "False", reason,
	     arena_printf(to->arena, "the HPA was unable to compute the replica count: %s",
			  failure(to->arena, look->failed)));
}

static void tell_success(struct telling *to, const struct look *look)
{
	bool moves = look->desired != look->current;
	tell(to, "AbleToScale", "True", moves ? "SucceededRescale" : "ReadyForNewScale",
	     moves ? "the HPA controller was able to update the target scale to its desired size"
		   : "recommended size matches current size");
	tell(to, "ScalingActive", "True", "ValidMetricFound",
	     arena_printf(to->arena,
			  "the HPA was able to successfully calculate a replica count from %s",
			  described(to->arena, look->by)));
	if (look->wished > look->desired)
		tell(to, "ScalingLimited", "True", "TooManyReplicas",
		     "the desired replica count is more than the maximum replica count");
	else if (look->wished < look->desired)
		tell(to, "ScalingLimited", "True", "TooFewReplicas",
		     "the desired replica count is less than the minimum replica count");
	else
		tell(to, "ScalingLimited", "False", "DesiredWithinRange",
		     "the desired count is within the acceptable range");
}

/* ---- the status ---- */

static struct json *current_metrics(struct model *model, struct arena *arena,
				    const struct version *hpa, int64_t replicas)
{
	const struct json *metrics = json_path(hpa->value, "spec", "metrics", NULL);
	struct json *list = json_array(arena);
	for (size_t i = 0; i < json_count(metrics); i++)
		json_append(arena, list,
			    current_metric(model, arena, hpa->ns, json_at(metrics, i), replicas));
	return list;
}

static void write_hpa_status(struct model *model, struct version *hpa, const struct look *look)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct json *old = json_get(hpa->value, "status");
	struct json *status = json_object(arena);
	struct telling to = {model, arena, json_get(old, "conditions"), json_array(arena)};
	int64_t desired = look->desired;
	if (look->current == 0) {
		tell_disabled(&to);
	} else if (look->wished < 0) {
		tell_failure(&to, look);
		desired = json_int_or(json_get(old, "desiredReplicas"), 0);
	} else {
		tell_success(&to, look);
		if (desired != look->current)
			json_set_text(arena, status, "lastScaleTime", model_time(model, arena));
	}
	json_set(arena, status, "currentMetrics",
		 look->current ? current_metrics(model, arena, hpa, look->current)
			       : json_null(arena));
	json_set(arena, status, "conditions", to.list);
	json_set_int(arena, status, "currentReplicas", look->current);
	json_set_int(arena, status, "desiredReplicas", desired);
	model_write_status(model, hpa, arena, status);
}

static void evaluate(struct model *model, struct version *hpa)
{
	const char *target =
	    json_text_or(json_path(hpa->value, "spec", "scaleTargetRef", "name", NULL), "");
	const struct json *deployment = model_get(model, "deployments", hpa->ns, target);
	if (!deployment)
		return;
	struct look look = {0};
	look.current = json_int_or(json_path(deployment, "spec", "replicas", NULL), 1);
	if (look.current)
		look_at_metrics(model, hpa, &look);
	if (look.current && look.wished >= 0 && look.desired != look.current)
		model_patchf(model, "deployments", hpa->ns, target, false,
			     "{spec: {replicas: %lld}}", (long long)look.desired);
	write_hpa_status(model, hpa, &look);
}

static void hpa_sync(struct model *model, struct desk *desk, const char *ns, const char *name)
{
	struct version *hpa = model_find(model, "horizontalpodautoscalers", ns, name);
	if (!hpa)
		return;
	evaluate(model, hpa);
	desk_later(desk, ns, name, model->hpa_sync_ms);
}

const struct stand_in hpa_stand_in = {"hpa", hpa_react, hpa_sync};
