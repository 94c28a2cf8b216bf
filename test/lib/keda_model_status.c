/*
 * A ScaledObject's status as KEDA 2.21 writes it: what kubectl's columns and the controller read.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/date.h"
#include "test/lib/keda_model.h"

static void add_condition(struct arena *arena, struct json *list, const char *type,
			  const char *status, const char *reason, const char *message)
{
	struct json *condition = json_object(arena);
	json_set_text(arena, condition, "type", type);
	json_set_text(arena, condition, "status", status);
	if (reason)
		json_set_text(arena, condition, "reason", reason);
	if (message)
		json_set_text(arena, condition, "message", message);
	json_append(arena, list, condition);
}

static const struct json *condition_of(const struct json *so, const char *type)
{
	const struct json *list = json_path(so, "status", "conditions", NULL);
	for (size_t i = 0; i < json_count(list); i++)
		if (strcmp(json_text_or(json_get(json_at(list, i), "type"), ""), type) == 0)
			return json_at(list, i);
	return NULL;
}

static void add_active(struct arena *arena, struct json *list, const struct json *so,
		       const struct keda_verdict *verdict)
{
	const struct json *old = condition_of(so, "Active");
	if (verdict->active)
		add_condition(arena, list, "Active", verdict->active, verdict->active_reason,
			      verdict->active_message);
	else if (old)
		json_append(arena, list, json_copy(arena, old));
	else
		add_condition(arena, list, "Active", "Unknown", NULL, NULL);
}

static void add_paused(struct arena *arena, struct json *list, const struct json *so,
		       const struct keda_verdict *verdict)
{
	const struct json *old = condition_of(so, "Paused");
	if (verdict->paused)
		add_condition(arena, list, "Paused", "True", "ScaledObjectPaused",
			      "ScaledObject is paused");
	else if (json_get(old, "reason"))
		add_condition(arena, list, "Paused", "False", "ScaledObjectUnpaused",
			      "pause annotation removed for ScaledObject");
	else
		add_condition(arena, list, "Paused", "False", NULL, NULL);
}

/* As KEDA sees the HPA at each poll, and not between them. */
static void add_hpa_active(struct model *model, struct arena *arena, struct json *list,
			   const struct version *so, bool polled)
{
	const struct json *hpa =
	    model_get(model, "horizontalpodautoscalers", so->ns, keda_hpa_name(arena, so->value));
	const struct json *scaling = condition_of(hpa, "ScalingActive");
	const char *reason = json_text_or(json_get(scaling, "reason"), "HPAMetricsUnavailable");
	const char *status = json_text_or(json_get(scaling, "status"), "");
	const struct json *old = condition_of(so->value, "HPAActive");
	if (!polled || !scaling) {
		if (old)
			json_append(arena, list, json_copy(arena, old));
		return;
	}
	if (strcmp(status, "True") == 0)
		add_condition(arena, list, "HPAActive", "True", "HPAActive",
			      "HPA is actively scaling");
	else if (strcmp(reason, "ScalingDisabled") == 0)
		add_condition(arena, list, "HPAActive", "True", reason,
			      json_text_or(json_get(scaling, "message"), ""));
	else
		add_condition(arena, list, "HPAActive", "False", reason,
			      arena_printf(arena, "HPA is not actively scaling: %s",
					   json_text_or(json_get(scaling, "message"), "")));
}

static void add_word(struct strbuf *list, const char *word)
{
	char with_commas[256], have[4096];
	snprintf(with_commas, sizeof(with_commas), ",%s,", word);
	snprintf(have, sizeof(have), ",%s,", list->buf);
	if (!strstr(have, with_commas))
		strbuf_addf(list, "%s%s", list->len ? "," : "", word);
}

/* TRIGGERS and AUTHENTICATIONS of kubectl get so; each type once. */
static void set_types(struct arena *arena, struct json *status, const struct json *so)
{
	CLEANUP(strbuf_release) struct strbuf types = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf authentications = STRBUF_INIT;
	const struct json *triggers = json_path(so, "spec", "triggers", NULL);
	for (size_t i = 0; i < json_count(triggers); i++) {
		const struct json *trigger = json_at(triggers, i);
		const struct json *ref = json_get(trigger, "authenticationRef");
		const char *name = json_text(json_get(ref, "name"));
		add_word(&types, json_text_or(json_get(trigger, "type"), ""));
		if (name)
			add_word(&authentications, name);
	}
	json_set_text(arena, status, "triggersTypes", types.buf);
	json_set_text(arena, status, "authenticationsTypes", authentications.buf);
}

static void set_metric_names(struct arena *arena, struct json *status, const struct json *so,
			     const char *active)
{
	struct json *external = json_array(arena), *resources = json_array(arena);
	struct json *activity = json_object(arena);
	const struct json *triggers = json_path(so, "spec", "triggers", NULL);
	for (size_t i = 0; i < json_count(triggers); i++) {
		const struct json *trigger = json_at(triggers, i);
		const char *type = json_text_or(json_get(trigger, "type"), "");
		const char *name = keda_metric_name(arena, trigger, i);
		if (keda_is_resource(trigger)) {
			json_append(arena, resources, json_string(arena, type));
			continue;
		}
		json_append(arena, external, json_string(arena, name));
		json_set_bool(arena, json_ensure_object(arena, activity, name), "isActive",
			      strcmp(active, "True") == 0);
	}
	if (json_count(external))
		json_set(arena, status, "externalMetricNames", external);
	if (json_count(external) && active[0])
		json_set(arena, status, "triggersActivity", activity);
	if (json_count(resources))
		json_set(arena, status, "resourceMetricNames", resources);
}

static void set_target(struct arena *arena, struct json *status, const struct json *so)
{
	struct json *gvkr = json_ensure_object(arena, status, "scaleTargetGVKR");
	json_set_text(arena, gvkr, "group", "apps");
	json_set_text(arena, gvkr, "kind", "Deployment");
	json_set_text(arena, gvkr, "resource", "deployments");
	json_set_text(arena, gvkr, "version", "v1");
	json_set_text(arena, status, "scaleTargetKind", "apps/v1.Deployment");
	json_set_text(arena, status, "hpaName", keda_hpa_name(arena, so));
	json_set_int(arena, status, "originalReplicaCount", 1);
}

void keda_write_status(struct model *model, struct version *so, const struct keda_verdict *verdict)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct json *old = json_get(so->value, "status");
	struct json *status = old ? json_copy(arena, old) : json_object(arena);
	struct json *list = json_array(arena);
	add_condition(arena, list, "Ready", verdict->ready, verdict->reason, verdict->message);
	add_active(arena, list, so->value, verdict);
	add_condition(arena, list, "Fallback", "False", "NoFallbackFound",
		      "No fallbacks are active on this scaled object");
	add_paused(arena, list, so->value, verdict);
	if (verdict->good)
		add_hpa_active(model, arena, list, so, verdict->polled);
	json_set(arena, status, "conditions", list);
	set_types(arena, status, so->value);
	if (verdict->good) {
		set_target(arena, status, so->value);
		set_metric_names(arena, status, so->value, verdict->active);
	}
	if (verdict->active_at_ms) {
		char text[TIME_RFC3339_SIZE];
		time_format_rfc3339(verdict->active_at_ms, text);
		json_set_text(arena, status, "lastActiveTime", text);
	}
	const char *paused = keda_annotation(so->value, "autoscaling.keda.sh/paused-replicas");
	/* null: a merge patch removes it */
	if (verdict->paused && paused)
		json_set_int(arena, status, "pausedReplicaCount", strtoll(paused, NULL, 10));
	else if (json_get(status, "pausedReplicaCount"))
		json_set(arena, status, "pausedReplicaCount", json_null(arena));
	model_write_status(model, so, arena, status);
}
