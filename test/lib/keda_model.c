/*
 * KEDA's side: the operator's reconcile (finalizer and label by PUT of the whole object through
 * Go structs, checks, HPA, conditions) and its admission webhook, as spec/keda.md 1, 2 and 4 tell
 * them. The scale loop is in keda_model_zero.c.
 */
#include "test/lib/keda_model.h"

#include <stdlib.h>
#include <string.h>

#define LATENCY_MS 10
#define RETRY_MS 2000
#define FINALIZER "finalizer.keda.sh"

const struct write keda_write = {.own = true, .manager = "keda"};

void keda_must(bool ok, const struct error *err)
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

const char *keda_hpa_name(struct arena *arena, const struct json *so)
{
	const char *name = json_text(
	    json_path(so, "spec", "advanced", "horizontalPodAutoscalerConfig", "name", NULL));
	return name && name[0]
		   ? name
		   : arena_printf(arena, "keda-hpa-%s",
				  json_text_or(json_path(so, "metadata", "name", NULL), ""));
}

bool keda_paused(const struct json *so)
{
	const char *paused = keda_annotation(so, "autoscaling.keda.sh/paused");
	return keda_annotation(so, "autoscaling.keda.sh/paused-replicas") ||
	       (paused && strcmp(paused, "false") != 0);
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
	const char *label = json_text(json_path(new, "metadata", "labels", KEDA_LABEL, NULL));
	if (has && label && strcmp(label, so->name) == 0)
		return false;
	if (!has) {
		struct json *list = finalizers ? json_copy(arena, finalizers) : json_array(arena);
		json_append(arena, list, json_string(arena, FINALIZER));
		json_set(arena, meta, "finalizers", list);
	} else {
		json_set_text(arena, json_ensure_object(arena, meta, "labels"), KEDA_LABEL,
			      so->name);
	}
	if (json_get(spec, "advanced")) {
		struct json *advanced = json_ensure_object(arena, spec, "advanced");
		json_ensure_object(arena, advanced, "scalingModifiers");
		if (!json_bool_or(json_get(advanced, "restoreToOriginalReplicaCount"), true))
			json_remove(advanced, "restoreToOriginalReplicaCount");
	}
	keda_must(model_do_replace(model, so, new, &keda_write, &so, &err), &err);
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
	keda_must(model_do_replace(model, so, new, &how, &so, &err), &err);
}

/* ---- reconcile ---- */

static void pause(struct model *model, struct version *so)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *replicas = keda_annotation(so->value, "autoscaling.keda.sh/paused-replicas");
	model_delete(model, "horizontalpodautoscalers", so->ns, keda_hpa_name(arena, so->value));
	if (replicas)
		keda_scale(model, so, strtoll(replicas, NULL, 10));
	keda_write_status(model, so,
			  &(struct keda_verdict){.ready = "True",
						 .reason = "ScaledObjectReady",
						 .message = "ScaledObject is paused",
						 .paused = true});
}

static void fail(struct model *model, struct desk *desk, struct version *so, const char *message)
{
	keda_write_status(model, so,
			  &(struct keda_verdict){.ready = "False",
						 .reason = "ScaledObjectCheckFailed",
						 .message = message,
						 .active = "Unknown",
						 .active_reason = "UnknownState",
						 .active_message = "ScaledObject check failed"});
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
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		if (keda_ensure_hpa(model, so, &err))
			keda_poll(model, desk, so);
		else
			fail(model, desk, so, error_text(&err));
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
