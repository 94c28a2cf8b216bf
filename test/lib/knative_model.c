/*
 * Knative's revision controller and its ServerlessService controller, as one desk: both look at the
 * key of a revision. What is written of a Revision is in knative_model_revision.c; the
 * ServerlessService is as spec/knative.md 3 tells it, with an activator always there.
 */
#include <string.h>

#include "test/lib/knative_model.h"

static void knative_react(struct model *model UNUSED, struct desk *desk,
			  const struct change *change)
{
	static const char *const by_name[] = {"revisions", "podautoscalers", "serverlessservices"};
	const struct version *version = change->version;
	const char *id = version->resource->kind.id;
	for (size_t i = 0; i < ARRAY_SIZE(by_name); i++)
		if (strcmp(id, by_name[i]) == 0)
			desk_later(desk, version->ns, version->name, KNATIVE_LATENCY_MS);
	if (strcmp(id, "deployments") != 0)
		return;
	const char *revision = knative_label(version->value, SERVING "revision");
	if (revision)
		desk_later(desk, version->ns, revision, KNATIVE_LATENCY_MS);
}

/* A revision that was made by hand gets its route once it is ready. */
static void sync_routing(struct model *model, const char *ns, const char *name)
{
	const struct json *revision = model_get(model, "revisions", ns, name);
	const char *state = knative_label(revision, SERVING "routingState");
	if (state && strcmp(state, "pending") == 0 &&
	    strcmp(model_condition_status(revision, "Ready"), "True") == 0)
		model_route(model, ns, name, "active");
}

static bool has_ready_pod(struct model *model, const struct version *sks)
{
	const char *target =
	    json_text_or(json_path(sks->value, "spec", "objectRef", "name", NULL), "");
	const struct json *deployment = model_get(model, "deployments", sks->ns, target);
	return json_int_or(json_path(deployment, "status", "readyReplicas", NULL), 0) > 0;
}

static void sync_sks(struct model *model, const char *ns, const char *name)
{
	static const char *const dependents[] = {"EndpointsPopulated", NULL};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct version *sks = model_find(model, "serverlessservices", ns, name);
	if (!sks || json_path(sks->value, "metadata", "deletionTimestamp", NULL))
		return;
	struct living_set set;
	struct json *status = json_object(arena);
	living_start(&set, model, arena, sks->value, dependents);
	if (has_ready_pod(model, sks)) {
		living_false(&set, "ActivatorEndpointsPopulated", "ActivatorEndpointsPopulated",
			     "Revision is backed by Activator");
		living_true(&set, "EndpointsPopulated", "", "");
	} else {
		living_true(&set, "ActivatorEndpointsPopulated", "", "");
		living_unknown(&set, "EndpointsPopulated", "NoHealthyBackends",
			       "K8s Service is not ready");
	}
	json_set(arena, status, "conditions", living_finish(&set));
	json_set_int(arena, status, "observedGeneration", knative_generation(sks->value));
	json_set_text(arena, status, "serviceName", name);
	json_set(arena, status, "privateServiceName", json_stringf(arena, "%s-private", name));
	knative_status(model, "serverlessservices", ns, name, status);
}

static void knative_sync(struct model *model, struct desk *desk UNUSED, const char *ns,
			 const char *name)
{
	struct version *revision = model_find(model, "revisions", ns, name);
	if (revision && !json_path(revision->value, "metadata", "deletionTimestamp", NULL)) {
		revision->refs++;
		knative_revision_sync(model, revision);
		version_unref(revision);
		sync_routing(model, ns, name);
	}
	sync_sks(model, ns, name);
}

const struct stand_in knative_stand_in = {"knative", knative_react, knative_sync};
