/*
 * Knative's service controller: a Service's Configuration and Route, and its status from theirs
 * (serving pkg/reconciler/service, service_lifecycle.go).
 */
#include <string.h>

#include "test/lib/knative_model.h"

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

static void service_react(struct model *model, struct desk *desk, const struct change *change)
{
	static const char *const ids[] = {"services.serving", "configurations", "routes"};
	const struct version *version = change->version;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		if (strcmp(version->resource->kind.id, ids[i]) == 0 &&
		    knative_whole(model_find(model, ids[0], version->ns, version->name)))
			desk_later(desk, version->ns, version->name, KNATIVE_LATENCY_MS);
}

/* ---- its children ---- */

static struct json *child(struct arena *arena, const struct version *service, const char *kind,
			  bool with_uid)
{
	static const char *const without[] = {LAST_APPLIED, SERVING "rollout-duration", NULL};
	struct json *new = json_object(arena), *meta = json_ensure_object(arena, new, "metadata");
	json_set_text(arena, new, "apiVersion", "serving.knative.dev/v1");
	json_set_text(arena, new, "kind", kind);
	json_set_text(arena, meta, "name", service->name);
	const struct json *own = json_path(service->value, "metadata", "labels", NULL);
	struct json *labels = knative_object(arena, own);
	json_set_text(arena, labels, SERVING "service", service->name);
	if (with_uid)
		json_set_text(arena, labels, SERVING "serviceUID", service->uid);
	json_set(arena, meta, "labels", labels);
	json_set(arena, meta, "annotations", knative_annotations(arena, service->value, without));
	knative_own(arena, meta, service);
	return new;
}

static struct json *make_configuration(struct arena *arena, const struct version *service)
{
	struct json *new = child(arena, service, "Configuration", true);
	struct json *annotations =
	    json_ensure_object(arena, json_ensure_object(arena, new, "metadata"), "annotations");
	json_set_text(arena, annotations, SERVING "routes", service->name);
	json_set(arena, json_ensure_object(arena, new, "spec"), "template",
		 json_copy(arena, json_path(service->value, "spec", "template", NULL)));
	return new;
}

static struct json *make_route(struct arena *arena, const struct version *service)
{
	struct json *new = child(arena, service, "Route", false);
	const struct json *given = json_path(service->value, "spec", "traffic", NULL);
	struct json *traffic = given ? json_copy(arena, given) : json_array(arena);
	if (!json_count(traffic)) {
		struct json *latest = json_object(arena);
		json_set_bool(arena, latest, "latestRevision", true);
		json_set_int(arena, latest, "percent", 100);
		json_append(arena, traffic, latest);
	}
	for (size_t i = 0; i < traffic->count; i++)
		if (!json_get(traffic->elements[i], "revisionName"))
			json_set_text(arena, traffic->elements[i], "configurationName",
				      service->name);
	json_set(arena, json_ensure_object(arena, new, "spec"), "traffic", traffic);
	return new;
}

/* The child as it is now; NULL if another owns that name. */
static struct version *ensure(struct model *model, struct arena *arena,
			      const struct version *service, const char *plural, struct json *want)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct version *have = model_find(model, plural, service->ns, service->name);
	if (!have) {
		knative_must(model_do_create(model, model_resource(model, plural), service->ns,
					     want, &knative_write, &have, &err),
			     &err);
		return have;
	}
	if (!knative_owned(have, service))
		return NULL;
	struct json *new = json_copy(arena, have->value);
	struct json *meta = json_ensure_object(arena, new, "metadata");
	json_set(arena, new, "spec", json_ensure_object(arena, want, "spec"));
	want = json_ensure_object(arena, want, "metadata");
	json_set(arena, meta, "labels", json_ensure_object(arena, want, "labels"));
	json_set(arena, meta, "annotations", json_ensure_object(arena, want, "annotations"));
	knative_must(model_do_replace(model, have, new, &knative_write, &have, &err), &err);
	return have;
}

/* ---- its status ---- */

static void keep(struct arena *arena, struct json *status, const struct json *from, const char *key)
{
	const struct json *value = json_path(from, "status", key, NULL);
	if (value)
		json_set(arena, status, key, json_copy(arena, value));
}

static bool observed(const struct version *version)
{
	return json_int_or(json_path(version->value, "status", "observedGeneration", NULL), 0) ==
	       knative_generation(version->value);
}

static void not_owned(struct living_set *set, const char *type, const char *kind, const char *name)
{
	living_false(set, type, "NotOwned",
		     arena_printf(set->arena, "There is an existing %s \"%s\" that we do not own.",
				  kind, name));
}

static void follow_configuration(struct living_set *set, struct json *status,
				 const struct version *configuration, const struct version *service)
{
	const struct json *from = service->value;
	if (!configuration) {
		not_owned(set, "ConfigurationsReady", "Configuration", service->name);
	} else if (!observed(configuration)) {
		living_unknown(set, "ConfigurationsReady", "OutOfDate",
			       "The Configuration is still working to reflect the latest desired "
			       "specification.");
	} else {
		from = configuration->value;
		living_follow(set, "ConfigurationsReady", from, "Ready");
	}
	keep(set->arena, status, from, "latestCreatedRevisionName");
	keep(set->arena, status, from, "latestReadyRevisionName");
}

/* Does the Route send its latest traffic to the latest ready revision? */
static bool migrated(const struct version *route, const struct version *configuration)
{
	const struct json *status = json_get(route->value, "status");
	const char *ready = json_text_or(
	    json_path(configuration->value, "status", "latestReadyRevisionName", NULL), "");
	const struct json *traffic = json_get(status, "traffic");
	for (size_t i = 0; i < json_count(traffic); i++) {
		const struct json *target = json_at(traffic, i);
		if (json_bool_or(json_get(target, "latestRevision"), false) &&
		    strcmp(json_text_or(json_get(target, "revisionName"), ""), ready) != 0)
			return false;
	}
	return true;
}

static void follow_route(struct living_set *set, struct json *status, const struct version *route,
			 const struct version *configuration, const struct version *service)
{
	static const char *const fields[] = {"url", "address", "traffic"};
	const struct json *from = service->value;
	if (!route) {
		not_owned(set, "RoutesReady", "Route", service->name);
	} else if (!observed(route)) {
		living_unknown(
		    set, "RoutesReady", "OutOfDate",
		    "The Route is still working to reflect the latest desired specification.");
	} else {
		from = route->value;
		living_follow(set, "RoutesReady", from, "Ready");
		if (strcmp(living_status(set, "RoutesReady"), "True") == 0 && configuration &&
		    !migrated(route, configuration))
			living_unknown(set, "RoutesReady", "TrafficNotMigrated",
				       "Traffic is not yet migrated to the latest revision.");
	}
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		keep(set->arena, status, from, fields[i]);
}

static void reconcile(struct model *model, const struct version *service)
{
	static const char *const dependents[] = {"ConfigurationsReady", "RoutesReady", NULL};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct living_set set;
	struct json *status = json_object(arena);
	living_start(&set, model, arena, service->value, dependents);
	struct version *configuration =
	    ensure(model, arena, service, "configurations", make_configuration(arena, service));
	follow_configuration(&set, status, configuration, service);
	struct version *route = NULL;
	if (configuration)
		route = ensure(model, arena, service, "routes", make_route(arena, service));
	follow_route(&set, status, route, configuration, service);
	json_set(arena, status, "conditions", living_finish(&set));
	json_set_int(arena, status, "observedGeneration", knative_generation(service->value));
	knative_status(model, "services.serving", service->ns, service->name, status);
}

static void service_sync(struct model *model, struct desk *desk UNUSED, const char *ns,
			 const char *name)
{
	struct version *service = model_find(model, "services.serving", ns, name);
	if (!knative_whole(service) || table_get(model->terminating, ns))
		return;
	service->refs++;
	reconcile(model, service);
	version_unref(service);
}

const struct stand_in service_stand_in = {"service", service_react, service_sync};
