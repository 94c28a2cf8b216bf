/*
 * KEDA's admission webhook (spec/keda.md 4): rivals on the same target, cpu requests that are
 * missing, bounds. The first error alone is told.
 */
#include <string.h>

#include "test/lib/keda_model.h"

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
	    keda_owns(hpa, json_text_or(json_get(meta, "name"), "")))
		return true;
	if (transfer && strcmp(transfer, "true") == 0 &&
	    strcmp(hpa->name, keda_hpa_name(search->arena, search->so)) == 0)
		return true;
	search->denial = arena_printf(search->arena,
				      "the workload '%s' of type 'apps/v1.Deployment' is already "
				      "managed by the hpa '%s'",
				      target, hpa->name);
	return false;
}

static bool has_request(const struct json *container, const char *type)
{
	const struct json *resources = json_get(container, "resources");
	return json_path(resources, "requests", type, NULL) ||
	       json_path(resources, "limits", type, NULL);
}

/* Every container that a cpu or memory trigger measures needs a request. The Deployments that
 * scenarios make by hand have no containers. */
static const char *requestless(struct model *model, struct arena *arena, const struct json *so)
{
	const char *ns = json_text_or(json_path(so, "metadata", "namespace", NULL), "");
	const struct json *deployment = model_get(model, "deployments", ns, keda_target(so));
	const struct json *list =
	    json_path(deployment, "spec", "template", "spec", "containers", NULL);
	const struct json *triggers = json_path(so, "spec", "triggers", NULL);
	for (size_t i = 0; i < json_count(triggers) * json_count(list); i++) {
		const struct json *trigger = json_at(triggers, i / json_count(list));
		const struct json *container = json_at(list, i % json_count(list));
		const char *only = json_text(json_path(trigger, "metadata", "containerName", NULL));
		const char *type = json_text_or(json_get(trigger, "type"), "");
		const char *name = json_text_or(json_get(container, "name"), "");
		if (keda_is_resource(trigger) && (!only || strcmp(only, name) == 0) &&
		    !has_request(container, type))
			return arena_printf(arena,
					    "the scaledobject has a %s trigger but the container "
					    "%s doesn't have the %s request defined",
					    type, name, type);
	}
	return NULL;
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
	const char *bare = requestless(model, arena, so);
	if (bare)
		return deny(err, bare);
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
