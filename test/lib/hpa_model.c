/*
 * The HPA controller (kubernetes pkg/controller/podautoscaler: sync period 15 s, the first sync a
 * period after creation, ScalingDisabled at zero, the old desiredReplicas kept when all metrics
 * fail) and Deployments whose pods become ready after a while. No stabilization: the model scales
 * down at once.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/model_internal.h"

#define SYNC_MS 15000
#define LATENCY_MS 10

static void hpa_react(struct model *model UNUSED, struct desk *desk, const struct change *change)
{
	const struct version *version = change->version;
	if (strcmp(version->resource->kind.id, "horizontalpodautoscalers") == 0 &&
	    change->type == CHANGE_ADDED)
		desk_later(desk, version->ns, version->name, SYNC_MS);
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
	int64_t whole = (int64_t)value;
	return whole + ((double)whole < value);
}

/* Wished-for replicas by one metric; -1: it could not be read. */
static int64_t proposal(struct model *model, const char *ns, const struct json *metric,
			int64_t current)
{
	const struct json *external = json_get(metric, "external");
	const struct json *target =
	    json_get(external ? external : json_get(metric, "resource"), "target");
	double value = model_value(external ? model->metrics : model->usage, ns);
	if (isnan(value))
		return -1;
	const char *average = json_text(json_get(target, "averageValue"));
	const char *whole = json_text(json_get(target, "value"));
	int64_t percent = json_int_or(json_get(target, "averageUtilization"), 0);
	if (!external)
		return rounded_up((double)current * value / (percent ? (double)percent : 100.0));
	if (average)
		return rounded_up(value / quantity(average));
	return rounded_up((double)current * value / quantity(whole ? whole : "1"));
}

static int64_t wanted(struct model *model, const struct version *hpa, int64_t current)
{
	const struct json *metrics = json_path(hpa->value, "spec", "metrics", NULL);
	int64_t most = -1;
	for (size_t i = 0; i < json_count(metrics); i++) {
		int64_t one = proposal(model, hpa->ns, json_at(metrics, i), current);
		most = one > most ? one : most;
	}
	if (most < 0)
		return -1;
	int64_t min = json_int_or(json_path(hpa->value, "spec", "minReplicas", NULL), 1);
	int64_t max = json_int_or(json_path(hpa->value, "spec", "maxReplicas", NULL), min);
	return most < min ? min : most > max ? max : most;
}

static void write_hpa_status(struct model *model, struct version *hpa, int64_t current,
			     int64_t desired, const char *active, const char *reason,
			     const char *message)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct json *old = json_path(hpa->value, "status", "conditions", NULL);
	struct json *status = json_object(arena), *list = json_array(arena);
	model_add_condition(model, arena, list, old, "AbleToScale", "True", "SucceededGetScale",
			    "the HPA controller was able to get the target's current scale");
	model_add_condition(model, arena, list, old, "ScalingActive", active, reason, message);
	json_set(arena, status, "conditions", list);
	json_set_int(arena, status, "currentReplicas", current);
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
	int64_t current = json_int_or(json_path(deployment, "spec", "replicas", NULL), 1);
	if (current == 0) {
		write_hpa_status(model, hpa, 0, 0, "False", "ScalingDisabled",
				 "scaling is disabled since the replica count of the target is "
				 "zero");
		return;
	}
	int64_t desired = wanted(model, hpa, current);
	if (desired < 0) {
		int64_t kept =
		    json_int_or(json_path(hpa->value, "status", "desiredReplicas", NULL), 0);
		write_hpa_status(model, hpa, current, kept, "False", "FailedGetExternalMetric",
				 "the HPA was unable to compute the replica count: unable to get "
				 "external metric");
		return;
	}
	if (desired != current)
		model_patchf(model, "deployments", hpa->ns, target, false,
			     "{spec: {replicas: %lld}}", (long long)desired);
	write_hpa_status(model, hpa, current, desired, "True", "ValidMetricFound",
			 "the HPA was able to successfully calculate a replica count");
}

static void hpa_sync(struct model *model, struct desk *desk, const char *ns, const char *name)
{
	struct version *hpa = model_find(model, "horizontalpodautoscalers", ns, name);
	if (!hpa)
		return;
	evaluate(model, hpa);
	desk_later(desk, ns, name, SYNC_MS);
}

const struct stand_in hpa_stand_in = {"hpa", hpa_react, hpa_sync};

/* ---- Deployments ---- */

static void deployment_react(struct model *model, struct desk *desk, const struct change *change)
{
	const struct version *version = change->version;
	if (strcmp(version->resource->kind.id, "deployments") != 0)
		return;
	const struct json *status = json_get(version->value, "status");
	int64_t want = json_int_or(json_path(version->value, "spec", "replicas", NULL), 1);
	int64_t have = json_int_or(json_get(status, "readyReplicas"), 0);
	if (want < have)
		desk_later(desk, version->ns, version->name, LATENCY_MS);
	else if (want > have && model->pods_start_ms >= 0)
		desk_later(desk, version->ns, version->name, model->pods_start_ms);
}

static void deployment_sync(struct model *model, struct desk *desk UNUSED, const char *ns,
			    const char *name)
{
	const struct json *deployment = model_get(model, "deployments", ns, name);
	if (!deployment)
		return;
	long long want = json_int_or(json_path(deployment, "spec", "replicas", NULL), 1);
	model_patchf(model, "deployments", ns, name, true,
		     "{status: {replicas: %lld, readyReplicas: %lld}}", want, want);
}

const struct stand_in deployment_stand_in = {"deployment", deployment_react, deployment_sync};
