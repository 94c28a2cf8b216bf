/*
 * Deployments without ReplicaSets and pods: as many ready replicas as are wanted, after the time
 * that pods take to start; fewer at once.
 */
#include <string.h>

#include "test/lib/model_internal.h"

#define LATENCY_MS 10

static int64_t wanted(const struct json *deployment)
{
	return json_int_or(json_path(deployment, "spec", "replicas", NULL), 1);
}

static void deployment_react(struct model *model, struct desk *desk, const struct change *change)
{
	const struct version *version = change->version;
	if (strcmp(version->resource->kind.id, "deployments") != 0)
		return;
	int64_t want = wanted(version->value);
	int64_t have = json_int_or(json_path(version->value, "status", "readyReplicas", NULL), 0);
	if (want < have)
		desk_later(desk, version->ns, version->name, LATENCY_MS);
	else if (want > have && model->pods_start_ms >= 0)
		desk_later(desk, version->ns, version->name, model->pods_start_ms);
}

static void add_condition(struct model *model, struct arena *arena, struct json *list,
			  const struct json *old, const char *type, const char *reason,
			  const char *message)
{
	model_add_condition(model, arena, list, old, type, "True", reason, message);
	struct json *condition = list->elements[list->count - 1];
	json_set_text(arena, condition, "lastUpdateTime",
		      json_text(json_get(condition, "lastTransitionTime")));
}

static struct json *conditions(struct model *model, struct arena *arena,
			       const struct version *deployment)
{
	const struct json *old = json_path(deployment->value, "status", "conditions", NULL);
	struct json *list = json_array(arena);
	add_condition(model, arena, list, old, "Progressing", "NewReplicaSetAvailable",
		      arena_printf(arena, "ReplicaSet \"%s-%.8s\" has successfully progressed.",
				   deployment->name, deployment->uid));
	add_condition(model, arena, list, old, "Available", "MinimumReplicasAvailable",
		      "Deployment has minimum availability.");
	return list;
}

static void deployment_sync(struct model *model, struct desk *desk UNUSED, const char *ns,
			    const char *name)
{
	static const char *const counts[] = {"replicas", "readyReplicas", "updatedReplicas",
					     "availableReplicas"};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct version *deployment = model_find(model, "deployments", ns, name);
	if (!deployment)
		return;
	struct json *status = json_object(arena);
	int64_t want = wanted(deployment->value);
	/* The API server leaves zeros out; null: a merge patch removes it. */
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		json_set(arena, status, counts[i],
			 want ? json_integer(arena, want) : json_null(arena));
	json_set_int(arena, status, "terminatingReplicas", 0);
	json_set_int(arena, status, "observedGeneration",
		     json_int_or(json_path(deployment->value, "metadata", "generation", NULL), 0));
	json_set(arena, status, "conditions", conditions(model, arena, deployment));
	model_write_status(model, deployment, arena, status);
}

const struct stand_in deployment_stand_in = {"deployment", deployment_react, deployment_sync};
