/*
 * Knative's revision controller: a Revision's Deployment and PodAutoscaler, and its status from
 * theirs (serving pkg/reconciler/revision, PropagateAutoscalerStatus). The pods' template is cut
 * down to what KEDA's webhook looks at.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/knative/child_name.h"
#include "pkg/knative/config_autoscaler.h"
#include "test/lib/knative_model.h"

#define CLASS AUTOSCALING "class"
#define METRIC AUTOSCALING "metric"
#define HPA_CLASS "hpa.autoscaling.knative.dev"

static const char *deployment_name(struct arena *arena, const struct version *revision)
{
	return child_name(revision->name, "-deployment", arena);
}

/* Of the children: without those of routing, with the revision's own. */
static struct json *child_labels(struct arena *arena, const struct version *revision)
{
	const struct json *own = json_path(revision->value, "metadata", "labels", NULL);
	struct json *labels = knative_object(arena, own);
	json_remove(labels, SERVING "routingState");
	json_remove(labels, SERVING "route");
	json_set_text(arena, labels, SERVING "revision", revision->name);
	json_set_text(arena, labels, SERVING "revisionUID", revision->uid);
	if (!json_get(labels, "app"))
		json_set_text(arena, labels, "app", revision->name);
	return labels;
}

static struct json *child_annotations(struct arena *arena, const struct version *revision)
{
	static const char *const without[] = {SERVING "lastPinned", SERVING "no-gc",
					      SERVING "routingStateModified", SERVING "routes",
					      NULL};
	return knative_annotations(arena, revision->value, without);
}

/* ---- the Deployment ---- */

static struct json *containers(struct arena *arena, const struct version *revision)
{
	const struct json *own = json_path(revision->value, "spec", "containers", NULL);
	struct json *list = json_copy(arena, own), *proxy = json_object(arena);
	/* The queue-proxy probes in their stead. */
	for (size_t i = 0; i < list->count; i++)
		json_remove(list->elements[i], "readinessProbe");
	struct json *resources = json_ensure_object(arena, proxy, "resources");
	json_set_text(arena, proxy, "name", "queue-proxy");
	json_set_text(arena, proxy, "image", "queue-proxy");
	json_set_text(arena, json_ensure_object(arena, resources, "requests"), "cpu", "25m");
	json_append(arena, list, proxy);
	return list;
}

static int64_t initial_scale(struct model *model, const struct version *revision)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const char *given = knative_annotation(revision->value, AUTOSCALING "initial-scale");
	if (!given)
		given = knative_annotation(revision->value, AUTOSCALING "initialScale");
	if (given)
		return strtol(given, NULL, 10);
	struct config_autoscaler config = config_autoscaler_default;
	const struct json *map =
	    model_get(model, "configmaps", "knative-serving", "config-autoscaler");
	if (!config_autoscaler_parse(json_get(map, "data"), &config, &err))
		config = config_autoscaler_default;
	return config.initial_scale;
}

static struct json *make_deployment(struct model *model, struct arena *arena,
				    const struct version *revision)
{
	struct json *new = json_object(arena), *meta = json_ensure_object(arena, new, "metadata");
	struct json *spec = json_ensure_object(arena, new, "spec");
	struct json *labels = child_labels(arena, revision);
	struct json *annotations = child_annotations(arena, revision);
	json_set_text(arena, new, "apiVersion", "apps/v1");
	json_set_text(arena, new, "kind", "Deployment");
	json_set_text(arena, meta, "name", deployment_name(arena, revision));
	for (size_t i = 0; i < annotations->count;) {
		const char *key = annotations->members[i].key;
		if (strncmp(key, AUTOSCALING, strlen(AUTOSCALING)) == 0)
			json_remove(annotations, key);
		else
			i++;
	}
	json_set(arena, meta, "annotations", annotations);
	json_set(arena, meta, "labels", labels);
	knative_own(arena, meta, revision);
	json_set_int(arena, spec, "replicas", initial_scale(model, revision));
	json_set_int(arena, spec, "progressDeadlineSeconds", 600);
	json_set_int(arena, spec, "revisionHistoryLimit", 0);
	struct json *strategy = json_ensure_object(arena, spec, "strategy");
	struct json *rolling = json_ensure_object(arena, strategy, "rollingUpdate");
	json_set_text(arena, strategy, "type", "RollingUpdate");
	json_set_text(arena, rolling, "maxSurge", "25%");
	json_set_int(arena, rolling, "maxUnavailable", 0);
	struct json *selector = json_ensure_object(arena, spec, "selector");
	json_set_text(arena, json_ensure_object(arena, selector, "matchLabels"),
		      SERVING "revisionUID", revision->uid);
	struct json *template = json_ensure_object(arena, spec, "template");
	struct json *pod_meta = json_ensure_object(arena, template, "metadata");
	json_set(arena, pod_meta, "annotations", json_copy(arena, annotations));
	json_set(arena, pod_meta, "labels", json_copy(arena, labels));
	json_set(arena, json_ensure_object(arena, template, "spec"), "containers",
		 containers(arena, revision));
	return new;
}

/* The Deployment as it is; NULL if it has only just been made, or waits for containers. */
static const struct json *sync_deployment(struct model *model, struct arena *arena,
					  const struct version *revision)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct version *out;
	const struct json *have =
	    model_get(model, "deployments", revision->ns, deployment_name(arena, revision));
	bool whole = json_count(json_path(revision->value, "spec", "containers", NULL)) > 0;
	if (have || !whole || table_get(model->terminating, revision->ns))
		return have;
	knative_must(model_do_create(model, model_resource(model, "deployments"), revision->ns,
				     make_deployment(model, arena, revision), &knative_write, &out,
				     &err),
		     &err);
	return NULL;
}

/* ---- the PodAutoscaler ---- */

static const char *reachability(const struct version *revision, bool broken)
{
	const char *state = knative_label(revision->value, SERVING "routingState");
	state = state ? state : "";
	if (broken)
		return "Unreachable";
	return strcmp(state, "active") == 0    ? "Reachable"
	       : strcmp(state, "reserve") == 0 ? "Unreachable"
					       : NULL;
}

static const char *protocol(const struct json *spec)
{
	const struct json *list = json_get(spec, "containers");
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *port = json_at(json_get(json_at(list, i), "ports"), 0);
		if (strcmp(json_text_or(json_get(port, "name"), ""), "h2c") == 0)
			return "h2c";
	}
	return "http1";
}

static struct json *pa_spec(struct arena *arena, const struct version *revision,
			    const char *reachable)
{
	const struct json *own = json_get(revision->value, "spec");
	struct json *spec = json_object(arena);
	struct json *target = json_ensure_object(arena, spec, "scaleTargetRef");
	int64_t concurrency = json_int_or(json_get(own, "containerConcurrency"), 0);
	json_set_text(arena, target, "apiVersion", "apps/v1");
	json_set_text(arena, target, "kind", "Deployment");
	json_set_text(arena, target, "name", deployment_name(arena, revision));
	if (concurrency)
		json_set_int(arena, spec, "containerConcurrency", concurrency);
	if (reachable)
		json_set_text(arena, spec, "reachability", reachable);
	json_set_text(arena, spec, "protocolType", protocol(own));
	return spec;
}

/* As the webhook completes a new one. */
static void default_annotations(struct model *model, struct arena *arena, struct json *annotations)
{
	const struct json *map =
	    model_get(model, "configmaps", "knative-serving", "config-autoscaler");
	if (!json_get(annotations, CLASS))
		json_set_text(arena, annotations, CLASS,
			      json_text_or(json_path(map, "data", "pod-autoscaler-class", NULL),
					   "kpa.autoscaling.knative.dev"));
	bool hpa = strcmp(json_text_or(json_get(annotations, CLASS), ""), HPA_CLASS) == 0;
	if (!json_get(annotations, METRIC))
		json_set_text(arena, annotations, METRIC, hpa ? "cpu" : "concurrency");
}

static struct json *make_pa(struct model *model, struct arena *arena,
			    const struct version *revision, const char *reachable)
{
	struct json *pa = json_object(arena), *new = json_ensure_object(arena, pa, "metadata");
	struct json *annotations = child_annotations(arena, revision);
	json_set_text(arena, pa, "apiVersion", "autoscaling.internal.knative.dev/v1alpha1");
	json_set_text(arena, pa, "kind", "PodAutoscaler");
	json_set_text(arena, new, "name", revision->name);
	json_set(arena, new, "labels", child_labels(arena, revision));
	default_annotations(model, arena, annotations);
	json_set(arena, new, "annotations", annotations);
	knative_own(arena, new, revision);
	json_set(arena, pa, "spec", pa_spec(arena, revision, reachable));
	return pa;
}

/* The Revision's annotations win; ours that it lacks go, but for class and metric. */
static void copy_annotations(struct arena *arena, const struct json *from, struct json *to)
{
	for (size_t i = 0; i < json_count(from); i++)
		json_set(arena, to, from->members[i].key, json_copy(arena, from->members[i].value));
	for (size_t i = 0; i < to->count;) {
		const char *key = to->members[i].key;
		bool goes = strncmp(key, AUTOSCALING, strlen(AUTOSCALING) - 1) == 0 &&
			    strcmp(key, CLASS) != 0 && strcmp(key, METRIC) != 0 &&
			    !json_get(from, key);
		if (goes)
			json_remove(to, key);
		else
			i++;
	}
}

static void sync_pa(struct model *model, struct arena *arena, const struct version *revision,
		    const char *reachable)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct version *pa = model_find(model, "podautoscalers", revision->ns, revision->name);
	if (!pa && table_get(model->terminating, revision->ns))
		return;
	if (!pa) {
		knative_must(model_do_create(model, model_resource(model, "podautoscalers"),
					     revision->ns,
					     make_pa(model, arena, revision, reachable),
					     &knative_write, &pa, &err),
			     &err);
		return;
	}
	if (json_path(pa->value, "metadata", "deletionTimestamp", NULL))
		return;
	struct json *new = json_copy(arena, pa->value);
	struct json *meta = json_ensure_object(arena, new, "metadata");
	copy_annotations(arena, child_annotations(arena, revision),
			 json_ensure_object(arena, meta, "annotations"));
	json_set(arena, new, "spec", pa_spec(arena, revision, reachable));
	knative_must(model_do_replace(model, pa, new, &knative_write, &pa, &err), &err);
}

/* ---- the status ---- */

static bool failed(const struct living_set *set)
{
	return strcmp(living_status(set, "ResourcesAvailable"), "False") == 0 ||
	       strcmp(living_status(set, "ContainerHealthy"), "False") == 0;
}

static void follow_deployment(struct living_set *set, const struct json *deployment)
{
	if (!deployment) {
		living_unknown(set, "ResourcesAvailable", "Deploying", "");
		living_unknown(set, "ContainerHealthy", "Deploying", "");
		return;
	}
	living_true(set, "ResourcesAvailable", "", "");
	if (json_int_or(json_path(deployment, "status", "readyReplicas", NULL), 0) > 0)
		living_true(set, "ContainerHealthy", "", "");
}

/* PropagateAutoscalerStatus, line by line. */
static void follow_pa(struct living_set *set, const struct json *pa)
{
	const char *ready = model_condition_status(pa, "Ready");
	bool init = strcmp(model_condition_status(pa, "ScaleTargetInitialized"), "True") == 0;
	bool served = json_text_or(json_path(pa, "status", "serviceName", NULL), "")[0];
	bool unavailable = failed(set);
	if (!ready[0]) {
		living_unknown(set, "Active", "Deploying", "");
		if (!unavailable)
			living_unknown(set, "ResourcesAvailable", "Deploying", "");
		return;
	}
	if (init && !unavailable) {
		living_true(set, "ResourcesAvailable", "", "");
		living_true(set, "ContainerHealthy", "", "");
	}
	bool available = strcmp(living_status(set, "ResourcesAvailable"), "True") == 0;
	if (available && (!served || !init))
		living_unknown(set, "ResourcesAvailable", "Deploying", "");
	if (strcmp(ready, "False") == 0 && !init && !unavailable && served)
		living_false(set, "ResourcesAvailable", "ProgressDeadlineExceeded",
			     "Initial scale was never achieved");
	living_follow(set, "Active", pa, "Ready");
}

static void copy_scale(struct arena *arena, struct json *status, const char *to,
		       const struct json *pa, const char *from)
{
	const struct json *scale = json_path(pa, "status", from, NULL);
	if (scale)
		json_set(arena, status, to, json_copy(arena, scale));
}

static void name_containers(struct arena *arena, struct json *status,
			    const struct version *revision)
{
	const struct json *list = json_path(revision->value, "spec", "containers", NULL);
	if (!json_count(list))
		return;
	struct json *names = json_array(arena);
	for (size_t i = 0; i < json_count(list); i++) {
		struct json *one = json_object(arena);
		json_set_text(arena, one, "name",
			      json_text_or(json_get(json_at(list, i), "name"), ""));
		json_append(arena, names, one);
	}
	json_set(arena, status, "containerStatuses", names);
}

void knative_revision_sync(struct model *model, struct version *revision)
{
	static const char *const dependents[] = {"ContainerHealthy", "ResourcesAvailable", NULL};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct living_set set;
	struct json *status = json_object(arena);
	living_start(&set, model, arena, revision->value, dependents);
	const struct json *deployment = sync_deployment(model, arena, revision);
	follow_deployment(&set, deployment);
	const struct json *pa = model_get(model, "podautoscalers", revision->ns, revision->name);
	follow_pa(&set, pa);
	/* Pods are wanted, none is ready, and something failed. */
	bool broken = failed(&set) &&
		      json_int_or(json_path(deployment, "spec", "replicas", NULL), 0) > 0 &&
		      json_int_or(json_path(deployment, "status", "readyReplicas", NULL), 0) == 0;
	copy_scale(arena, status, "actualReplicas", pa, "actualScale");
	copy_scale(arena, status, "desiredReplicas", pa, "desiredScale");
	name_containers(arena, status, revision);
	json_set(arena, status, "conditions", living_finish(&set));
	json_set_int(arena, status, "observedGeneration", knative_generation(revision->value));
	sync_pa(model, arena, revision, reachability(revision, broken));
	knative_status(model, "revisions", revision->ns, revision->name, status);
}
