/*
 * KEDA's scale loop, without pushes: polls at once and then every pollingInterval; between 0 and
 * the minimum it sets the replicas itself, above that the HPA does (spec/keda.md 3).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/date.h"
#include "test/lib/keda_model.h"

/* Failing polls until Ready shows it. */
#define FAILURES_TO_TELL 2

struct loop_state {
	int64_t next_ms; /* server time; 0: at once */
	unsigned failures;
	bool active;
};

void keda_scale(struct model *model, const struct version *so, int64_t replicas)
{
	struct version *target = model_find(model, "deployments", so->ns, keda_target(so->value));
	if (target &&
	    json_int_or(json_path(target->value, "spec", "replicas", NULL), 1) != replicas)
		model_patchf(model, "deployments", so->ns, target->name, false,
			     "{spec: {replicas: %lld}}", (long long)replicas);
}

static int64_t field(const struct json *so, const char *name, int64_t fallback)
{
	return json_int_or(json_path(so, "spec", name, NULL), fallback);
}

/* When may an inactive target go to zero? */
static bool cooled_down(struct model *model, const struct json *so)
{
	int64_t since;
	const char *last = json_text(json_path(so, "status", "lastActiveTime", NULL));
	const char *created =
	    json_text_or(json_path(so, "metadata", "creationTimestamp", NULL), "");
	int64_t wait =
	    last ? field(so, "cooldownPeriod", 300) : field(so, "initialCooldownPeriod", 0);
	return time_parse_rfc3339(last ? last : created, &since) &&
	       model_now_ms(model) >= since + wait * 1000;
}

/* 1 active, 0 inactive, -1 unknown. */
static int look(struct model *model, const struct version *so)
{
	const struct json *triggers = json_path(so->value, "spec", "triggers", NULL);
	int state = keda_only_resources(so->value) ? 1 : 0;
	for (size_t i = 0; i < json_count(triggers); i++) {
		const struct json *trigger = json_at(triggers, i);
		const char *type = json_text_or(json_get(trigger, "type"), "");
		const char *threshold =
		    json_text_or(json_path(trigger, "metadata", "activationThreshold", NULL), "0");
		if (strcmp(type, "prometheus") != 0 && strcmp(type, "external-push") != 0)
			continue;
		double value = keda_value(model, so->ns, trigger);
		if (isnan(value))
			state = state == 1 ? 1 : -1;
		else if (value > strtod(threshold, NULL))
			state = 1;
	}
	return state;
}

static void act(struct model *model, struct version *so, bool active)
{
	const struct json *deployment =
	    model_get(model, "deployments", so->ns, keda_target(so->value));
	int64_t replicas = json_int_or(json_path(deployment, "spec", "replicas", NULL), 1);
	int64_t min = keda_min(so->value);
	bool idle = field(so->value, "idleReplicaCount", -1) >= 0;
	if (active && replicas == 0)
		keda_scale(model, so, min > 1 ? min : 1);
	else if (!active && (min == 0 || idle) && replicas > 0 && cooled_down(model, so->value))
		keda_scale(model, so, idle ? field(so->value, "idleReplicaCount", 0) : 0);
	else if (!active && replicas < min && !idle)
		keda_scale(model, so, min);
}

static void tell(struct model *model, struct version *so, const struct loop_state *state,
		 bool polled, bool fresh_active)
{
	struct keda_verdict verdict = {
	    .ready = "True",
	    .reason = "ScaledObjectReady",
	    .message = KEDA_READY_TEXT,
	    .active = state->active ? "True" : "False",
	    .active_reason = state->active ? "ScalerActive" : "ScalerNotActive",
	    .active_message = state->active
				  ? "Scaling is performed because triggers are active"
				  : "Scaling is not performed because triggers are not active",
	    .good = true,
	    .polled = polled,
	    .active_at_ms = fresh_active ? model_now_ms(model) : 0,
	};
	if (state->failures >= FAILURES_TO_TELL) {
		verdict.ready = "False";
		verdict.reason = "TriggerError";
		verdict.message = "Triggers defined in ScaledObject are not working correctly";
		verdict.active = "Unknown";
		verdict.active_reason = "UnknownState";
		verdict.active_message = NULL;
	}
	keda_write_status(model, so, &verdict);
}

void keda_poll(struct model *model, struct desk *desk, struct version *so)
{
	struct loop_state *state = desk_state(desk, so->ns, so->name, sizeof(*state));
	int64_t now = model_now_ms(model);
	int64_t interval = field(so->value, "pollingInterval", 30) * 1000;
	bool due = now >= state->next_ms, fresh_active = false;
	if (due) {
		int seen = look(model, so);
		state->failures = seen < 0 ? state->failures + 1 : 0;
		state->active = seen == 1;
		fresh_active = seen == 1;
		state->next_ms = now + interval;
		if (seen >= 0)
			act(model, so, state->active);
	}
	int64_t wait = state->next_ms - now;
	tell(model, so, state, due, fresh_active);
	desk_later(desk, so->ns, so->name, wait < interval ? wait : interval);
}
