/*
 * KEDA's side: the operator's reconcile (finalizer and label by PUT of the whole object through
 * Go structs, checks, HPA, conditions) and its admission webhook, as spec/keda.md 1, 2 and 4 tell
 * them. The scale loop is in keda_model_zero.c.
 */
#include "test/lib/keda_model.h"
#include "pkg/base/date.h"

#include <stdlib.h>
#include <string.h>

#define LATENCY_MS 10
#define RETRY_MS 2000
#define LABEL "scaledobject.keda.sh/name"
#define FINALIZER "finalizer.keda.sh"

static const struct write own = {.own = true, .manager = "keda"};

static void must(bool ok, const struct error *err)
{
	if (ok)
		return;
	fprintf(stderr, "the model refuses its own KEDA: %s\n", error_text(err));
	abort();
}

static void keda_react(struct model *model UNUSED, struct desk *desk, const struct change *change)
{
	const struct version *version = change->version;
	const char *id = version->resource->kind.id;
	if (strcmp(id, "scaledobjects") == 0)
		desk_later(desk, version->ns, version->name, LATENCY_MS);
	if (strcmp(id, "horizontalpodautoscalers") != 0 || change->type != CHANGE_DELETED)
		return;
	const struct json *owners = json_path(version->value, "metadata", "ownerReferences", NULL);
	for (size_t i = 0; i < json_count(owners); i++)
		desk_later(desk, version->ns,
			   json_text_or(json_get(json_at(owners, i), "name"), ""), LATENCY_MS);
}

/* ---- reading a ScaledObject ---- */

const char *keda_target(const struct json *so)
{
	return json_text_or(json_path(so, "spec", "scaleTargetRef", "name", NULL), "");
}

int64_t keda_min(const struct json *so)
{
	return json_int_or(json_path(so, "spec", "minReplicaCount", NULL), 0);
}

const char *keda_annotation(const struct json *so, const char *name)
{
	return json_text(json_get(json_path(so, "metadata", "annotations", NULL), name));
}

bool keda_is_resource(const struct json *trigger)
{
	const char *type = json_text_or(json_get(trigger, "type"), "");
	return strcmp(type, "cpu") == 0 || strcmp(type, "memory") == 0;
}

bool keda_only_resources(const struct json *so)
{
	const struct json *triggers = json_path(so, "spec", "triggers", NULL);
	for (size_t i = 0; i < json_count(triggers); i++)
		if (!keda_is_resource(json_at(triggers, i)))
			return false;
	return true;
}

static const char *hpa_name(struct arena *arena, const struct json *so)
{
	const char *name = json_text(
	    json_path(so, "spec", "advanced", "horizontalPodAutoscalerConfig", "name", NULL));
	return name ? name
		    : arena_printf(arena, "keda-hpa-%s",
				   json_text_or(json_path(so, "metadata", "name", NULL), ""));
}

bool keda_paused(const struct json *so)
{
	const char *paused = keda_annotation(so, "autoscaling.keda.sh/paused");
	return keda_annotation(so, "autoscaling.keda.sh/paused-replicas") ||
	       (paused && strcmp(paused, "false") != 0);
}

/* ---- admission ---- */

static bool deny(struct error *err, const char *text)
{
	return api_error(err, ERROR_DENIED, 403,
			 "admission webhook \"vscaledobject.kb.io\" denied the request: %s", text);
}

struct rival_search {
	const struct json *so;
	struct arena *arena;
	const char *denial;
};

static bool find_rival_so(void *ctx, const char *key UNUSED, void *value)
{
	struct rival_search *search = ctx;
	const struct version *other = value;
	const struct json *meta = json_get(search->so, "metadata");
	bool same = strcmp(other->name, json_text_or(json_get(meta, "name"), "")) == 0;
	if (same || strcmp(other->ns, json_text_or(json_get(meta, "namespace"), "")) != 0 ||
	    strcmp(keda_target(other->value), keda_target(search->so)) != 0)
		return true;
	search->denial = arena_printf(search->arena,
				      "the workload '%s' of type 'apps/v1.Deployment' is already "
				      "managed by the ScaledObject '%s'",
				      keda_target(search->so), other->name);
	return false;
}

static bool owned_by_so(const struct version *hpa, const char *so)
{
	const struct json *owners = json_path(hpa->value, "metadata", "ownerReferences", NULL);
	for (size_t i = 0; i < json_count(owners); i++)
		if (strcmp(json_text_or(json_get(json_at(owners, i), "kind"), ""),
			   "ScaledObject") == 0 &&
		    strcmp(json_text_or(json_get(json_at(owners, i), "name"), ""), so) == 0)
			return true;
	return false;
}

static bool find_rival_hpa(void *ctx, const char *key UNUSED, void *value)
{
	struct rival_search *search = ctx;
	const struct version *hpa = value;
	const struct json *meta = json_get(search->so, "metadata");
	const char *target =
	    json_text_or(json_path(hpa->value, "spec", "scaleTargetRef", "name", NULL), "");
	const char *transfer =
	    keda_annotation(search->so, "scaledobject.keda.sh/transfer-hpa-ownership");
	if (strcmp(hpa->ns, json_text_or(json_get(meta, "namespace"), "")) != 0 ||
	    strcmp(target, keda_target(search->so)) != 0 ||
	    owned_by_so(hpa, json_text_or(json_get(meta, "name"), "")))
		return true;
	if (transfer && strcmp(transfer, "true") == 0 &&
	    strcmp(hpa->name, hpa_name(search->arena, search->so)) == 0)
		return true;
	search->denial = arena_printf(search->arena,
				      "the workload '%s' of type 'apps/v1.Deployment' is already "
				      "managed by the hpa '%s'",
				      target, hpa->name);
	return false;
}

bool keda_admit(struct model *model, const struct json *so, struct error *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct json *meta = json_get(so, "metadata");
	const char *ns = json_text_or(json_get(meta, "namespace"), "");
	/* failurePolicy Ignore. Terminating objects lose their finalizer unseen. */
	if (!model->desks[DESK_KEDA].running || json_get(meta, "deletionTimestamp"))
		return true;
	if (!model_find(model, "deployments", ns, keda_target(so)))
		return api_error(err, ERROR_NOT_FOUND, 404, "Deployment.apps \"%s\" not found",
				 keda_target(so));
	if (keda_only_resources(so) && keda_min(so) == 0)
		return deny(err, "scaledobject has only cpu/memory triggers AND minReplica is 0 "
				 "(scale to zero doesn't work in this case)");
	struct rival_search search = {.so = so, .arena = arena};
	table_each(model_resource(model, "scaledobjects")->objects, find_rival_so, &search);
	if (!search.denial)
		table_each(model_resource(model, "horizontalpodautoscalers")->objects,
			   find_rival_hpa, &search);
	return !search.denial || deny(err, search.denial);
}

/* ---- finalizer and label ---- */

/* KEDA writes the whole object back from Go structs: scalingModifiers appears, explicit zeros of
 * omitempty fields go. False: it was as it should be. */
static bool prepare(struct model *model, struct version *so)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *new = json_copy(arena, so->value);
	struct json *meta = json_ensure_object(arena, new, "metadata");
	struct json *spec = json_ensure_object(arena, new, "spec");
	const struct json *finalizers = json_get(meta, "finalizers");
	bool has = false;
	for (size_t i = 0; i < json_count(finalizers); i++)
		has = has || strcmp(json_text_or(json_at(finalizers, i), ""), FINALIZER) == 0;
	const char *label = json_text(json_path(new, "metadata", "labels", LABEL, NULL));
	if (has && label && strcmp(label, so->name) == 0)
		return false;
	if (!has) {
		struct json *list = finalizers ? json_copy(arena, finalizers) : json_array(arena);
		json_append(arena, list, json_string(arena, FINALIZER));
		json_set(arena, meta, "finalizers", list);
	} else {
		json_set_text(arena, json_ensure_object(arena, meta, "labels"), LABEL, so->name);
	}
	if (json_get(spec, "advanced")) {
		struct json *advanced = json_ensure_object(arena, spec, "advanced");
		json_ensure_object(arena, advanced, "scalingModifiers");
		if (!json_bool_or(json_get(advanced, "restoreToOriginalReplicaCount"), true))
			json_remove(advanced, "restoreToOriginalReplicaCount");
	}
	must(model_do_replace(model, so, new, &own, &so, &err), &err);
	return true;
}

static void let_go(struct model *model, struct version *so)
{
	static const struct write how = {.own = true};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *new = json_copy(arena, so->value);
	struct json *list = json_array(arena);
	const struct json *old = json_path(so->value, "metadata", "finalizers", NULL);
	for (size_t i = 0; i < json_count(old); i++)
		if (strcmp(json_text_or(json_at(old, i), ""), FINALIZER) != 0)
			json_append(arena, list, json_string(arena, json_text(json_at(old, i))));
	if (json_count(list) == json_count(old))
		return;
	json_set(arena, json_ensure_object(arena, new, "metadata"), "finalizers", list);
	must(model_do_replace(model, so, new, &how, &so, &err), &err);
}

/* ---- the HPA ---- */

static struct json *resource_metric(struct arena *arena, const struct json *trigger)
{
	struct json *metric = json_object(arena);
	const char *type = json_text_or(json_get(trigger, "metricType"), "");
	const char *value = json_text_or(json_path(trigger, "metadata", "value", NULL), "");
	json_set_text(arena, metric, "type", "Resource");
	struct json *resource = json_ensure_object(arena, metric, "resource");
	json_set_text(arena, resource, "name", json_text_or(json_get(trigger, "type"), ""));
	struct json *target = json_ensure_object(arena, resource, "target");
	json_set_text(arena, target, "type", type);
	if (strcmp(type, "Utilization") == 0)
		json_set_int(arena, target, "averageUtilization", strtoll(value, NULL, 10));
	else
		json_set_text(arena, target, "averageValue", value);
	return metric;
}

static struct json *external_metric(struct arena *arena, const struct json *trigger, size_t index,
				    const char *so)
{
	struct json *metric = json_object(arena);
	const char *type = json_text_or(json_get(trigger, "metricType"), "AverageValue");
	const char *threshold =
	    json_text_or(json_path(trigger, "metadata", "threshold", NULL), "1");
	json_set_text(arena, metric, "type", "External");
	struct json *external = json_ensure_object(arena, metric, "external");
	struct json *name = json_ensure_object(arena, external, "metric");
	json_set(
	    arena, name, "name",
	    json_stringf(arena, "s%zu-%s", index, json_text_or(json_get(trigger, "type"), "")));
	struct json *selector = json_ensure_object(arena, name, "selector");
	json_set_text(arena, json_ensure_object(arena, selector, "matchLabels"), LABEL, so);
	struct json *target = json_ensure_object(arena, external, "target");
	json_set_text(arena, target, "type", type);
	json_set_text(arena, target, strcmp(type, "Value") == 0 ? "value" : "averageValue",
		      threshold);
	return metric;
}

static struct json *hpa_spec(struct arena *arena, const struct version *so)
{
	const struct json *spec = json_get(so->value, "spec");
	const struct json *triggers = json_get(spec, "triggers");
	struct json *hpa = json_object(arena), *metrics = json_array(arena);
	json_set(arena, hpa, "scaleTargetRef", json_copy(arena, json_get(spec, "scaleTargetRef")));
	int64_t min = keda_min(so->value);
	json_set_int(arena, hpa, "minReplicas", min > 0 ? min : 1);
	json_set_int(arena, hpa, "maxReplicas",
		     json_int_or(json_get(spec, "maxReplicaCount"), 100));
	for (size_t i = 0; i < json_count(triggers); i++) {
		const struct json *trigger = json_at(triggers, i);
		json_append(arena, metrics,
			    keda_is_resource(trigger)
				? resource_metric(arena, trigger)
				: external_metric(arena, trigger, i, so->name));
	}
	json_set(arena, hpa, "metrics", metrics);
	const struct json *behavior =
	    json_path(spec, "advanced", "horizontalPodAutoscalerConfig", "behavior", NULL);
	if (behavior)
		json_set(arena, hpa, "behavior", json_copy(arena, behavior));
	return hpa;
}

static struct json *make_hpa(struct arena *arena, const struct version *so)
{
	const struct json *meta = json_get(so->value, "metadata");
	struct json *hpa = json_object(arena), *new = json_ensure_object(arena, hpa, "metadata");
	struct json *owner = json_object(arena), *owners = json_array(arena);
	json_set_text(arena, new, "name", hpa_name(arena, so->value));
	if (json_get(meta, "labels"))
		json_set(arena, new, "labels", json_copy(arena, json_get(meta, "labels")));
	if (json_get(meta, "annotations"))
		json_set(arena, new, "annotations",
			 json_copy(arena, json_get(meta, "annotations")));
	struct json *labels = json_ensure_object(arena, new, "labels");
	json_set_text(arena, labels, "app.kubernetes.io/managed-by", "keda-operator");
	json_set_text(arena, labels, "app.kubernetes.io/part-of", so->name);
	json_set_text(arena, owner, "apiVersion", "keda.sh/v1alpha1");
	json_set_text(arena, owner, "kind", "ScaledObject");
	json_set_text(arena, owner, "name", so->name);
	json_set_text(arena, owner, "uid", so->uid);
	json_set_bool(arena, owner, "controller", true);
	json_set_bool(arena, owner, "blockOwnerDeletion", true);
	json_append(arena, owners, owner);
	json_set(arena, new, "ownerReferences", owners);
	json_set(arena, hpa, "spec", hpa_spec(arena, so));
	return hpa;
}

/* Created, or replaced whole without a look at its owner, as KEDA does. */
static void ensure_hpa(struct model *model, const struct version *so)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct resource *resource = model_resource(model, "horizontalpodautoscalers");
	struct json *new = make_hpa(arena, so);
	struct version *hpa = version_in(resource, so->ns, hpa_name(arena, so->value));
	if (!hpa && table_get(model->terminating, so->ns))
		return;
	if (!hpa)
		must(model_do_create(model, resource, so->ns, new, &own, &hpa, &err), &err);
	else if (!json_equal(json_get(hpa->value, "spec"), json_get(new, "spec")) ||
		 !owned_by_so(hpa, so->name) ||
		 strcmp(json_text_or(json_get(json_at(json_path(hpa->value, "metadata",
								"ownerReferences", NULL),
						      0),
					      "uid"),
				     ""),
			so->uid) != 0)
		must(model_do_replace(model, hpa, new, &own, &hpa, &err), &err);
}

/* ---- status ---- */

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

void keda_write_status(struct model *model, struct version *so, const struct keda_verdict *verdict)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *status = json_get(so->value, "status")
				  ? json_copy(arena, json_get(so->value, "status"))
				  : json_object(arena);
	struct json *list = json_array(arena);
	add_condition(arena, list, "Ready", verdict->ready, verdict->reason, verdict->message);
	add_condition(arena, list, "Active", verdict->active, verdict->active_reason, NULL);
	add_condition(arena, list, "Fallback", "False", "NoFallbackFound", NULL);
	add_condition(arena, list, "Paused", verdict->paused ? "True" : "False",
		      verdict->paused ? "ScaledObjectPaused" : "ScaledObjectUnpaused", NULL);
	json_set(arena, status, "conditions", list);
	if (verdict->good) {
		json_set_text(arena, status, "scaleTargetKind", "apps/v1.Deployment");
		json_set_text(arena, status, "hpaName", hpa_name(arena, so->value));
		json_set_int(arena, status, "originalReplicaCount", 1);
	}
	if (verdict->active_at_ms) {
		char text[TIME_RFC3339_SIZE];
		time_format_rfc3339(verdict->active_at_ms, text);
		json_set_text(arena, status, "lastActiveTime", text);
	}
	const char *paused_replicas =
	    keda_annotation(so->value, "autoscaling.keda.sh/paused-replicas");
	/* null: a merge patch removes it */
	if (verdict->paused && paused_replicas)
		json_set_int(arena, status, "pausedReplicaCount",
			     strtoll(paused_replicas, NULL, 10));
	else if (json_get(status, "pausedReplicaCount"))
		json_set(arena, status, "pausedReplicaCount", json_null(arena));
	model_write_status(model, so, arena, status);
}

static void pause(struct model *model, struct version *so)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *replicas = keda_annotation(so->value, "autoscaling.keda.sh/paused-replicas");
	model_delete(model, "horizontalpodautoscalers", so->ns, hpa_name(arena, so->value));
	if (replicas)
		keda_scale(model, so, strtoll(replicas, NULL, 10));
	keda_write_status(model, so,
			  &(struct keda_verdict){.ready = "True",
						 .reason = "ScaledObjectReady",
						 .message = KEDA_READY_TEXT,
						 .active = "Unknown",
						 .paused = true});
}

static void fail(struct model *model, struct desk *desk, struct version *so, const char *message)
{
	keda_write_status(model, so,
			  &(struct keda_verdict){.ready = "False",
						 .reason = "ScaledObjectCheckFailed",
						 .message = message,
						 .active = "Unknown"});
	desk_later(desk, so->ns, so->name, RETRY_MS);
}

static void reconcile(struct model *model, struct desk *desk, struct version *so)
{
	if (json_path(so->value, "metadata", "deletionTimestamp", NULL)) {
		let_go(model, so);
	} else if (prepare(model, so)) {
		/* Its own write brings it back. */
	} else if (model->keda_failure) {
		fail(model, desk, so, model->keda_failure);
	} else if (!model_find(model, "deployments", so->ns, keda_target(so->value))) {
		fail(model, desk, so, "failed to get target: Target resource doesn't exist");
	} else if (keda_paused(so->value)) {
		pause(model, so);
	} else {
		ensure_hpa(model, so);
		keda_poll(model, desk, so);
	}
}

static void keda_sync(struct model *model, struct desk *desk, const char *ns, const char *name)
{
	struct version *so = model_find(model, "scaledobjects", ns, name);
	if (!so) {
		desk_forget(desk, ns, name);
		return;
	}
	/* Its own writes replace it. */
	so->refs++;
	reconcile(model, desk, so);
	version_unref(so);
}

const struct stand_in keda_stand_in = {"keda", keda_react, keda_sync};
