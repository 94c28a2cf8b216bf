/*
 * What cannot be decoded counts as not there. A ConfigMap that cannot be read or parsed counts as
 * the defaults: the controller keeps its last good one, which nobody else knows.
 */
#include "reconciler/explain/scene.h"

#include <string.h>

#include "reconciler/hpa/hold.h"

static struct object *decode(struct scene *scene, size_t slot, object_decode_fn *fn,
			     const struct json *json)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;

	scene->objects[slot] = json ? fn(json, &err) : NULL;
	return scene->objects[slot];
}

static void decode_objects(struct scene *scene)
{
	const struct evidence *e = scene->e;

	scene->pa = (const struct pod_autoscaler *)decode(scene, 0, pod_autoscaler_decode,
							  e->pod_autoscaler);
	scene->sks = (const struct serverless_service *)decode(scene, 1, serverless_service_decode,
							       e->serverless_service);
	scene->so =
	    (const struct scaled_object *)decode(scene, 2, scaled_object_decode, e->scaled_object);
	scene->hpa = (const struct hpa *)decode(scene, 3, hpa_decode, e->hpa);
}

static void read_configs(struct scene *scene)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;

	scene->config = config_autoscaler_default;
	scene->config_keda = config_keda_default;
	if (!config_autoscaler_parse(scene->e->config_autoscaler, &scene->config, &err))
		scene->config = config_autoscaler_default;
	if (!config_keda_parse(scene->e->config_keda, scene->arena, &scene->config_keda, &err))
		scene->config_keda = config_keda_default;
	if (scene->e->system_namespace)
		scene->config_keda.system_namespace = scene->e->system_namespace;
}

static void judge_owners(struct scene *scene)
{
	bool auto_create = !scene->has_desired || scene->desired.auto_create;
	const struct view view = {
	    .pa = scene->pa, .sks = scene->sks, .so = scene->so, .hpa = scene->hpa};

	scene->sks_owner = ownership_of(scene->sks ? &scene->sks->object.meta : NULL, scene->pa);
	scene->so_owner = ownership_of_scaled_object(&view, auto_create, scene->arena);
	scene->hpa_owner = ownership_of_hpa(&view, auto_create);
}

static struct condition condition_of(const struct scene *scene, const char *type)
{
	const struct condition *condition = conditions_get(&scene->pa->conditions, type);

	return condition ? *condition : (struct condition){0};
}

/* By the live ScaledObject: its cooldown, and whether its minimum is above what was asked for. */
static void judge_hold(struct scene *scene)
{
	const struct desired *desired = &scene->desired;
	const struct condition *ready =
	    conditions_get(&scene->pa->conditions, CONDITION_INITIALIZED);

	if (!scene->has_desired || !desired->auto_create || desired->initial_scale == 0 ||
	    !scene->so || scene->so->min_replicas <= desired->min)
		return;
	if (!scene->initialized) {
		scene->held = desired->held;
		scene->held_until_ms = desired->held_until_ms;
		return;
	}
	if (pod_autoscaler_unreachable(scene->pa))
		return;
	scene->held_until_ms =
	    ready->changed_ms +
	    hold_cooldown_seconds(json_get(scene->e->scaled_object, "spec")) * 1000;
	scene->held = scene->e->now_ms < scene->held_until_ms;
}

static void judge(struct scene *scene)
{
	const struct pod_autoscaler *pa = scene->pa;

	if (pod_autoscaler_is_ours(pa))
		scene->has_desired = desired_build(pa, &scene->config, &scene->config_keda,
						   DESIRED_NOW, scene->e->now_ms, false,
						   scene->arena, &scene->desired, &scene->refusal);
	judge_owners(scene);
	scene->active = condition_of(scene, CONDITION_ACTIVE);
	scene->ready = condition_of(scene, CONDITION_READY);
	scene->initialized =
	    conditions_status(&pa->conditions, CONDITION_INITIALIZED) == CONDITION_TRUE;
	scene->current = pa->observed_generation == pa->object.meta.generation &&
			 scene->active.type &&
			 (scene->active.status != CONDITION_UNKNOWN || scene->active.reason);
	judge_hold(scene);
}

void scene_init(struct scene *scene, const struct evidence *evidence, struct arena *arena)
{
	*scene = (struct scene){.e = evidence, .arena = arena};
	read_configs(scene);
	decode_objects(scene);
	if (scene->pa)
		judge(scene);
	attendance_of(evidence, arena, &scene->attendance);
}

void scene_release(struct scene *scene)
{
	for (size_t i = 0; i < ARRAY_SIZE(scene->objects); i++)
		object_unref(scene->objects[i]);
}

const char *scene_service(const struct scene *scene)
{
	static const char label[] = "serving.knative.dev/service";
	const char *service = scene->pa ? meta_pair_get(&scene->pa->labels, label) : NULL;

	if (!service)
		service =
		    json_text(json_path(scene->e->revision, "metadata", "labels", label, NULL));
	return service ? service : "";
}

bool scene_hpa_fails(const struct scene *scene)
{
	const struct hpa *hpa = scene->hpa;

	return (scene->hpa_owner == OWNER_OURS || scene->hpa_owner == OWNER_PA) &&
	       hpa->scaling_active == 0 && strcmp(hpa->scaling_reason, "ScalingDisabled") != 0;
}

bool scene_keda_fails(const struct scene *scene)
{
	return scene->so && scene->so->ready == 0;
}

bool scene_kept_up(const struct scene *scene)
{
	return scene->has_desired && scene->desired.http.metric && scene->so && !scene->held &&
	       scene->so->min_replicas > scene->desired.min;
}

/* ---- contradictions ---- */

static bool any_owner_is(const struct scene *scene, enum ownership a, enum ownership b)
{
	const enum ownership owners[] = {scene->sks_owner, scene->so_owner, scene->hpa_owner};

	for (size_t i = 0; i < ARRAY_SIZE(owners); i++)
		if (owners[i] == a || owners[i] == b)
			return true;
	return false;
}

static bool children_read(const struct scene *scene)
{
	const char *const *unread = scene->e->unread;

	return !unread[SOURCE_SERVERLESS_SERVICES] && !unread[SOURCE_SCALED_OBJECTS] &&
	       !unread[SOURCE_HPAS];
}

static const char *against_annotations(const struct scene *scene, bool says_invalid)
{
	if (says_invalid && scene->has_desired)
		return "its annotations are right by now";
	/* Some rules are about a ConfigMap and an annotation together. */
	if (!says_invalid && scene->refusal.annotation && !scene->e->unread[SOURCE_CONFIG_MAPS])
		return arena_printf(scene->arena, "an annotation is wrong: %s",
				    scene->refusal.text);
	return NULL;
}

const char *scene_contradiction(const struct scene *scene)
{
	const char *reason = scene->active.reason ? scene->active.reason : "";
	const struct scaled_object *so = scene->so;
	bool hpa_ours = scene->hpa_owner == OWNER_OURS || scene->hpa_owner == OWNER_PA;
	const char *text =
	    against_annotations(scene, strcmp(reason, REASON_INVALID_ANNOTATION) == 0);

	if (text)
		return text;
	if (!children_read(scene))
		return NULL;
	if (strcmp(reason, REASON_KEDA_NOT_INSTALLED) == 0 && !scene->e->keda_absent)
		return "the ScaledObject API is there by now";
	if (strcmp(reason, REASON_WAITING_FOR_HPA) == 0 && hpa_ours &&
	    scene->hpa->scaling_active != -1)
		return "its HorizontalPodAutoscaler is there by now";
	if (strcmp(reason, REASON_NOT_OWNED) == 0 &&
	    !any_owner_is(scene, OWNER_FOREIGN, OWNER_FOREIGN))
		return "no object of somebody else bears that name any more";
	if (strcmp(reason, REASON_WAITING_FOR_DELETION) == 0 &&
	    !any_owner_is(scene, OWNER_GOING, OWNER_FORMER))
		return "nothing of that name is being deleted any more";
	if (strcmp(reason, REASON_PAUSED) == 0 && so && !so->paused)
		return "its ScaledObject is not paused any more";
	return NULL;
}
