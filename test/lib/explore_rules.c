/*
 * What must hold: of each write of ours, and of the end of each fair run.
 */
#include <string.h>

#include "pkg/base/check.h"
#include "reconciler/hpa/desired.h"
#include "test/lib/explore_internal.h"

void breached(struct explore *x, const char *format, ...)
{
	va_list args;

	if (x->breach.len > 0)
		return;
	va_start(args, format);
	strbuf_vaddf(&x->breach, format, args);
	va_end(args);
}

/* ---- of a write ---- */

static int64_t number(const struct explore *x, node_id id, const char *outer, const char *inner)
{
	return json_int_or(json_path(node_of(x, id)->value, outer, inner, NULL), 0);
}

static void check_condition(struct explore *x, node_id before, node_id after, const char *type)
{
	const struct json *old = node_condition(x, before, type);
	const struct json *new = node_condition(x, after, type);
	const char *was = json_text_or(json_get(old, "status"), "");
	bool same = strcmp(was, json_text_or(json_get(new, "status"), "")) == 0;

	if (old && !new)
		breached(x, "condition %s is gone", type);
	if (old && same &&
	    strcmp(json_text_or(json_get(old, "lastTransitionTime"), ""),
		   json_text_or(json_get(new, "lastTransitionTime"), "")) != 0)
		breached(x, "the transition time of %s moved without its status", type);
	if (strcmp(type, CONDITION_INITIALIZED) == 0 && !same && strcmp(was, "True") == 0)
		breached(x, "initialization was taken back");
}

static void rules_of_status(struct explore *x, node_id before, node_id after)
{
	static const char *const types[] = {CONDITION_READY, CONDITION_ACTIVE,
					    CONDITION_INITIALIZED, CONDITION_SKS_READY};
	static const char *const names[] = {"serviceName", "metricsServiceName"};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		check_condition(x, before, after, types[i]);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (node_text(x, before, "status", names[i])[0] &&
		    !node_text(x, after, "status", names[i])[0])
			breached(x, "%s was cleared", names[i]);
	if (number(x, after, "status", "observedGeneration") <
	    number(x, before, "status", "observedGeneration"))
		breached(x, "observedGeneration went back");
	if (number(x, after, "status", "observedGeneration") >
	    number(x, after, "metadata", "generation"))
		breached(x, "observedGeneration is ahead");
}

static bool counts_requests(const struct explore *x, node_id so)
{
	const struct node *node = node_of(x, so);
	const struct json *triggers =
	    node ? json_path(node->value, "spec", "triggers", NULL) : NULL;

	return strcmp(json_text_or(json_get(json_at(triggers, 0), "type"), ""), "external-push") ==
	       0;
}

static bool is_proxied(const struct explore *x, node_id sks)
{
	return strcmp(node_text(x, sks, "spec", "mode"), SKS_PROXY) == 0;
}

/* Requests are counted where they pass: else KEDA would take away the pods that serve them. What
 * the cache does not show yet cannot be minded; it is mended as soon as it does. */
static void rules_of_requests(struct explore *x, const struct state *s, enum step_kind step,
			      node_id after)
{
	bool of_so = step == STEP_CREATE_SO || step == STEP_PATCH_SO;
	node_id so = of_so ? after : s->live[KIND_SO];
	node_id sks = of_so ? s->live[KIND_SKS] : after;

	if ((!of_so && step != STEP_PATCH_SKS) || !so || !sks)
		return;
	if (s->cached_version[of_so ? KIND_SKS : KIND_SO] == VERSION_LIVE &&
	    counts_requests(x, so) && !is_proxied(x, sks))
		breached(x, "%s: requests are counted where they do not pass", step_name(step));
}

void rules_of_write(struct explore *x, const struct state *s, enum step_kind step, node_id before,
		    node_id after)
{
	const char *pa = node_uid(x, s->cached[KIND_PA]);
	bool is_status = step == STEP_PATCH_STATUS;

	/* What a default is has to be tried once a process; the API server takes it for none. */
	bool probes = step == STEP_PATCH_SO && x->story->acts & FAULT_DEFAULTS && !s->taught;

	bool twice = step == STEP_DELETE_SO && s->cached_version[KIND_SO] < VERSION_LIVE;

	if (before == after && !probes && !twice)
		breached(x, "%s changes nothing", step_name(step));
	if (!is_status && before && strcmp(node_owner(x, before), pa) != 0)
		breached(x, "%s of an object of \"%s\" for %s", step_name(step),
			 node_owner(x, before), pa);
	if (!is_status && after && strcmp(node_owner(x, after), pa) != 0)
		breached(x, "%s makes an object of \"%s\"", step_name(step), node_owner(x, after));
	if (is_status && strcmp(node_uid(x, before), pa) != 0)
		breached(x, "a status for another uid");
	if (is_status)
		rules_of_status(x, before, after);
	rules_of_requests(x, s, step, after);
}

/* ---- of an end ---- */

static void expect(struct explore *x, const struct state *s, const char *type, const char *status,
		   const char *reason)
{
	const struct json *condition = node_condition(x, s->live[KIND_PA], type);

	if (strcmp(json_text_or(json_get(condition, "status"), ""), status) != 0 ||
	    strcmp(json_text_or(json_get(condition, "reason"), ""), reason) != 0)
		breached(x, "at the end %s is %s %s, should be %s %s", type,
			 json_text_or(json_get(condition, "status"), "-"),
			 json_text_or(json_get(condition, "reason"), "-"), status, reason);
}

static void expect_scaled_object(struct explore *x, const struct state *s,
				 const struct pod_autoscaler *pa, const struct desired *desired)
{
	const struct json *so = node_json(x, s->live[KIND_SO], VERSION_LIVE);
	bool paused = strcmp(node_condition_status(x, s->live[KIND_SO], "Paused"), "True") == 0;

	if (!so)
		breached(x, "at the end there is no ScaledObject");
	else if (scaled_object_diff(desired->object, so, x->taught, x->scratch))
		breached(x, "at the end the ScaledObject is not as it should be");
	if (paused)
		return;
	if (strcmp(node_owner(x, s->live[KIND_HPA]), node_uid(x, s->live[KIND_SO])) != 0)
		breached(x, "at the end there is no HPA");
	/* Beyond its progress deadline nothing holds it any more. */
	if (s->replicas == 0 && NOW_MS >= pa->object.meta.created_ms + 600000 &&
	    conditions_status(&pa->conditions, CONDITION_INITIALIZED) != CONDITION_TRUE)
		return;
	expect(x, s, CONDITION_INITIALIZED, "True", "");
	if (s->replicas > 0)
		expect(x, s, CONDITION_READY, "True", "");
	else
		expect(x, s, CONDITION_READY, "False", "NoTraffic");
}

/* Is the ScaledObject still as our class made it? */
static void expect_no_scaled_object(struct explore *x, const struct state *s)
{
	if (s->live[KIND_SO] &&
	    strcmp(node_owner(x, s->live[KIND_SO]), node_uid(x, s->live[KIND_PA])) == 0)
		breached(x, "at the end our ScaledObject is still there");
}

/* In doubt they pass through activators, which harms nobody. */
static void expect_front(struct explore *x, const struct state *s, bool right, bool requests)
{
	bool proxied = is_proxied(x, s->live[KIND_SKS]);

	if (!s->live[KIND_SKS])
		breached(x, "at the end there is no ServerlessService");
	else if (counts_requests(x, s->live[KIND_SO]) && !proxied)
		breached(x, "at the end requests are counted where they do not pass");
	else if (right && requests != proxied)
		breached(x, "at the end the ServerlessService is bent");
}

static void rules_of_ours(struct explore *x, const struct state *s, const struct pod_autoscaler *pa)
{
	struct refusal refusal = {0};
	struct desired desired = {0};
	bool foreign = strcmp(node_uid(x, s->live[KIND_SO]), "users") == 0;
	bool right = desired_build(pa, &config_autoscaler_default, &config_keda_default,
				   DESIRED_NOW, NOW_MS, false, x->scratch, &desired, &refusal);

	if (pa->observed_generation != pa->object.meta.generation)
		breached(x, "at the end observedGeneration is old");
	expect_front(x, s, right, desired.http.metric != NULL);
	if (!pa->service_name[0])
		breached(x, "at the end serviceName is empty");
	if (!right)
		expect(x, s, CONDITION_READY, "False", "InvalidAnnotation");
	else if (foreign)
		expect(x, s, CONDITION_READY, "False", "NotOwned");
	else
		expect_scaled_object(x, s, pa, &desired);
}

void rules_of_end(struct explore *x, const struct state *s)
{
	const struct pod_autoscaler *pa =
	    (const struct pod_autoscaler *)node_object(x, s->live[KIND_PA], VERSION_LIVE);
	struct decision decision;

	if (!pa || s->in_pass || s->dirty || s->again_s || s->party) {
		breached(x, "the end is none");
		return;
	}
	if (pod_autoscaler_is_ours(pa))
		rules_of_ours(x, s, pa);
	else
		expect_no_scaled_object(x, s);
	/* Nor does a new process find anything to do, but to read what it has not learned yet. */
	pass_decide(x, s, &x->memos[0], &decision);
	if (decision.step != STEP_DONE)
		breached(x, "at the end there is still a %s to do", step_name(decision.step));
	/* Nor does it find anything later, having asked for no later look. */
	struct state later = *s;
	later.again_s = OLDEST_MS / 1000;
	CHECK(time_passes(x, &later));
	pass_decide(x, &later, &x->memos[later.memo], &decision);
	if (decision.step != STEP_DONE)
		breached(x, "a %s would be due later, and nobody looks", step_name(decision.step));
}
