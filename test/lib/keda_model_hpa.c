/*
 * The HPA that KEDA's operator makes of a ScaledObject (controllers/keda/hpa.go).
 */
#include <stdlib.h>
#include <string.h>

#include "test/lib/keda_model.h"

bool keda_owns(const struct version *hpa, const char *so)
{
	const struct json *owners = json_path(hpa->value, "metadata", "ownerReferences", NULL);
	for (size_t i = 0; i < json_count(owners); i++)
		if (strcmp(json_text_or(json_get(json_at(owners, i), "kind"), ""),
			   "ScaledObject") == 0 &&
		    strcmp(json_text_or(json_get(json_at(owners, i), "name"), ""), so) == 0)
			return true;
	return false;
}

static struct json *resource_metric(struct arena *arena, const struct json *trigger)
{
	struct json *metric = json_object(arena);
	const char *type = json_text_or(json_get(trigger, "metricType"), "");
	const char *value = json_text_or(json_path(trigger, "metadata", "value", NULL), "");
	const char *container = json_text(json_path(trigger, "metadata", "containerName", NULL));
	json_set_text(arena, metric, "type", container ? "ContainerResource" : "Resource");
	struct json *resource =
	    json_ensure_object(arena, metric, container ? "containerResource" : "resource");
	if (container)
		json_set_text(arena, resource, "container", container);
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
	const struct json *metadata = json_get(trigger, "metadata");
	/* What its scaler would answer of an external one. */
	const char *answered = json_text_or(json_get(metadata, "target"), "1");
	const char *threshold = json_text_or(json_get(metadata, "threshold"), answered);
	json_set_text(arena, metric, "type", "External");
	struct json *external = json_ensure_object(arena, metric, "external");
	struct json *name = json_ensure_object(arena, external, "metric");
	json_set_text(arena, name, "name", keda_metric_name(arena, trigger, index));
	struct json *selector = json_ensure_object(arena, name, "selector");
	json_set_text(arena, json_ensure_object(arena, selector, "matchLabels"), KEDA_LABEL, so);
	struct json *target = json_ensure_object(arena, external, "target");
	json_set_text(arena, target, "type", type);
	json_set_text(arena, target, strcmp(type, "Value") == 0 ? "value" : "averageValue",
		      threshold);
	return metric;
}

static void add_policy(struct arena *arena, struct json *list, const char *type, int64_t value)
{
	struct json *policy = json_object(arena);
	json_set_text(arena, policy, "type", type);
	json_set_int(arena, policy, "value", value);
	json_set_int(arena, policy, "periodSeconds", 15);
	json_append(arena, list, policy);
}

static void default_rules(struct arena *arena, struct json *rules, struct json *policies)
{
	if (!json_get(rules, "policies"))
		json_set(arena, rules, "policies", policies);
	if (!json_get(rules, "selectPolicy"))
		json_set_text(arena, rules, "selectPolicy", "Max");
}

/* As the API server completes both directions where one is given. */
static struct json *default_behavior(struct arena *arena, const struct json *given)
{
	struct json *behavior = json_copy(arena, given);
	struct json *up = json_ensure_object(arena, behavior, "scaleUp");
	struct json *up_policies = json_array(arena), *down_policies = json_array(arena);
	add_policy(arena, up_policies, "Pods", 4);
	add_policy(arena, up_policies, "Percent", 100);
	add_policy(arena, down_policies, "Percent", 100);
	default_rules(arena, up, up_policies);
	if (!json_get(up, "stabilizationWindowSeconds"))
		json_set_int(arena, up, "stabilizationWindowSeconds", 0);
	default_rules(arena, json_ensure_object(arena, behavior, "scaleDown"), down_policies);
	return behavior;
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
		json_set(arena, hpa, "behavior", default_behavior(arena, behavior));
	return hpa;
}

static struct json *make_hpa(struct arena *arena, const struct version *so)
{
	const struct json *meta = json_get(so->value, "metadata");
	struct json *hpa = json_object(arena), *new = json_ensure_object(arena, hpa, "metadata");
	struct json *owner = json_object(arena), *owners = json_array(arena);
	json_set_text(arena, new, "name", keda_hpa_name(arena, so->value));
	if (json_get(meta, "labels"))
		json_set(arena, new, "labels", json_copy(arena, json_get(meta, "labels")));
	if (json_get(meta, "annotations"))
		json_set(arena, new, "annotations",
			 json_copy(arena, json_get(meta, "annotations")));
	struct json *labels = json_ensure_object(arena, new, "labels");
	json_set_text(arena, labels, "app.kubernetes.io/managed-by", "keda-operator");
	json_set_text(arena, labels, "app.kubernetes.io/part-of", so->name);
	json_set_text(arena, labels, "app.kubernetes.io/name", keda_hpa_name(arena, so->value));
	json_set_text(arena, labels, "app.kubernetes.io/version", "main");
	json_set_text(arena, owner, "apiVersion", "keda.sh/v1alpha1");
	json_set_text(arena, owner, "kind", "ScaledObject");
	json_set_text(arena, owner, "name", so->name);
	json_set_text(arena, owner, "uid", so->uid);
	json_set_bool(arena, owner, "controller", true);
	json_set_bool(arena, owner, "blockOwnerDeletion", true);
	json_append(arena, owners, owner);
	json_set(arena, new, "ownerReferences", owners);
	json_set(arena, hpa, "spec", hpa_spec(arena, so));
	/* What the API server makes of the missing status of a new one. */
	struct json *status = json_ensure_object(arena, hpa, "status");
	json_set(arena, status, "currentMetrics", json_null(arena));
	json_set_int(arena, status, "desiredReplicas", 0);
	return hpa;
}

bool keda_ensure_hpa(struct model *model, const struct version *so, struct error *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct resource *resource = model_resource(model, "horizontalpodautoscalers");
	struct json *new = make_hpa(arena, so);
	struct version *hpa = version_in(resource, so->ns, keda_hpa_name(arena, so->value));
	if (!hpa && table_get(model->terminating, so->ns))
		return true;
	const struct json *owners =
	    hpa ? json_path(hpa->value, "metadata", "ownerReferences", NULL) : NULL;
	const char *owner = json_text_or(json_get(json_at(owners, 0), "uid"), "");
	bool ok = true;
	if (!hpa)
		ok = model_do_create(model, resource, so->ns, new, &keda_write, &hpa, err);
	else if (!json_equal(json_get(hpa->value, "spec"), json_get(new, "spec")) ||
		 !keda_owns(hpa, so->name) || strcmp(owner, so->uid) != 0)
		ok = model_do_replace(model, hpa, new, &keda_write, &hpa, err);
	return ok || error_wrap(err, "failed to ensure HPA is correctly created for ScaledObject");
}
