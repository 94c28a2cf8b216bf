/*
 * Knative's route controller and its labeler: where the traffic goes, and which revisions are
 * routed (active) or were (reserve) (serving pkg/reconciler/route and labeler). A network layer
 * that programs what it is told within moments is taken for granted.
 */
#include <string.h>

#include "test/lib/knative_model.h"

#define INGRESS_MS 20

static void route_react(struct model *model, struct desk *desk, const struct change *change)
{
	const struct version *version = change->version;
	const char *id = version->resource->kind.id, *name = NULL;
	if (strcmp(id, "routes") == 0 || strcmp(id, "configurations") == 0)
		name = version->name;
	else if (strcmp(id, "revisions") == 0)
		name = knative_label(version->value, SERVING "service");
	if (name && model_find(model, "routes", version->ns, name))
		desk_later(desk, version->ns, name, KNATIVE_LATENCY_MS);
}

/* ---- where the traffic goes ---- */

struct plan {
	struct living_set *set;
	const struct version *route;
	struct json *traffic; /* as status.traffic says it */
	bool waiting;         /* a target is not there or not ready; the set says why */
};

static void wait_for(struct plan *plan, bool failed, const char *reason, const char *message)
{
	plan->waiting = true;
	if (failed)
		living_false(plan->set, "AllTrafficAssigned", reason, message);
	else
		living_unknown(plan->set, "AllTrafficAssigned", reason, message);
}

static void missing(struct plan *plan, const char *kind, const char *name)
{
	struct arena *arena = plan->set->arena;
	wait_for(plan, true, arena_printf(arena, "%sMissing", kind),
		 arena_printf(arena, "%s \"%s\" referenced in traffic not found.", kind, name));
}

/* The revision that a configuration's traffic goes to, or NULL. */
static const char *by_configuration(struct plan *plan, const char *name)
{
	struct arena *arena = plan->set->arena;
	const struct json *configuration =
	    model_get(plan->set->model, "configurations", plan->route->ns, name);
	const char *ready =
	    json_text(json_path(configuration, "status", "latestReadyRevisionName", NULL));
	if (!configuration) {
		missing(plan, "Configuration", name);
	} else if (!ready) {
		bool failed = strcmp(model_condition_status(configuration, "Ready"), "False") == 0;
		wait_for(plan, failed, "RevisionMissing",
			 arena_printf(arena,
				      failed ? "Configuration \"%s\" does not have any ready "
					       "Revision."
					     : "Configuration \"%s\" is waiting for a Revision to "
					       "become ready.",
				      name));
	}
	return ready;
}

static const char *by_revision(struct plan *plan, const char *name)
{
	struct arena *arena = plan->set->arena;
	const struct json *revision =
	    model_get(plan->set->model, "revisions", plan->route->ns, name);
	const char *ready = model_condition_status(revision, "Ready");
	if (!revision)
		missing(plan, "Revision", name);
	else if (strcmp(ready, "False") == 0)
		wait_for(plan, true, "RevisionMissing",
			 arena_printf(arena, "Revision \"%s\" failed to become ready.", name));
	else if (strcmp(ready, "True") != 0)
		wait_for(plan, false, "RevisionMissing",
			 arena_printf(arena, "Revision \"%s\" is not yet ready.", name));
	return name;
}

static void plan_traffic(struct plan *plan)
{
	struct arena *arena = plan->set->arena;
	const struct json *wanted = json_path(plan->route->value, "spec", "traffic", NULL);
	plan->traffic = json_array(arena);
	for (size_t i = 0; i < json_count(wanted) && !plan->waiting; i++) {
		struct json *target = json_copy(arena, json_at(wanted, i));
		const char *named = json_text(json_get(target, "revisionName"));
		const char *configuration =
		    json_text_or(json_get(target, "configurationName"), plan->route->name);
		const char *revision =
		    named ? by_revision(plan, named) : by_configuration(plan, configuration);
		json_remove(target, "configurationName");
		if (revision)
			json_set_text(arena, target, "revisionName", revision);
		json_set_bool(arena, target, "latestRevision", !named);
		json_append(arena, plan->traffic, target);
	}
}

/* ---- its status ---- */

static void set_url(struct arena *arena, struct json *to, const struct version *route)
{
	json_set(arena, to, "url",
		 json_stringf(arena, "http://%s.%s.svc.cluster.local", route->name, route->ns));
}

static void assign(struct plan *plan, struct json *status, bool programmed)
{
	struct arena *arena = plan->set->arena;
	living_true(plan->set, "AllTrafficAssigned", "", "");
	living_true(plan->set, "CertificateProvisioned", "TLSNotEnabled",
		    "external-domain-tls is not enabled");
	if (programmed)
		living_true(plan->set, "IngressReady", "", "");
	else
		living_unknown(plan->set, "IngressReady", "IngressNotConfigured",
			       "Ingress has not yet been reconciled.");
	json_set(arena, status, "traffic", plan->traffic);
	set_url(arena, json_ensure_object(arena, status, "address"), plan->route);
}

static void write_status(struct model *model, struct desk *desk, const struct version *route)
{
	static const char *const dependents[] = {"AllTrafficAssigned", "CertificateProvisioned",
						 "IngressReady", NULL};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct living_set set;
	const struct json *old = json_get(route->value, "status");
	struct json *status = old ? json_copy(arena, old) : json_object(arena);
	struct plan plan = {.set = &set, .route = route};
	living_start(&set, model, arena, route->value, dependents);
	if (!json_get(old, "traffic"))
		living_unknown(&set, "IngressReady", "IngressNotConfigured",
			       "Ingress has not yet been reconciled.");
	plan_traffic(&plan);
	set_url(arena, status, route);
	if (!plan.waiting) {
		bool programmed = json_equal(json_get(old, "traffic"), plan.traffic);
		assign(&plan, status, programmed);
		if (!programmed)
			desk_later(desk, route->ns, route->name, INGRESS_MS);
	}
	json_set(arena, status, "conditions", living_finish(&set));
	json_set_int(arena, status, "observedGeneration", knative_generation(route->value));
	knative_status(model, "routes", route->ns, route->name, status);
}

/* ---- the labeler ---- */

/* Is name among a comma-separated list? */
static bool listed(const char *list, const char *name)
{
	size_t length = strlen(name);
	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, name, length) == 0 && (!at[length] || at[length] == ','))
			return true;
	}
	return false;
}

/* Of traffic as it is and as it will be, and the one that becomes the latest. */
static bool is_routed(struct model *model, const struct json *route, const struct version *revision)
{
	const struct json *lists[] = {json_path(route, "status", "traffic", NULL),
				      json_path(route, "spec", "traffic", NULL)};
	const char *of = knative_label(revision->value, SERVING "configuration");
	const struct json *configuration =
	    model_get(model, "configurations", revision->ns, of ? of : "");
	const char *created =
	    json_text_or(json_path(configuration, "status", "latestCreatedRevisionName", NULL), "");
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (size_t j = 0; j < json_count(lists[i]); j++) {
			const struct json *target = json_at(lists[i], j);
			const char *name = json_text_or(json_get(target, "revisionName"), "");
			bool latest = json_bool_or(json_get(target, "latestRevision"), false);
			if (strcmp(name, revision->name) == 0 ||
			    (latest && strcmp(created, revision->name) == 0))
				return true;
		}
	return false;
}

static void label(struct model *model, struct arena *arena, struct version *revision,
		  const char *route)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const char *state = route ? "active" : "reserve";
	const char *has = knative_label(revision->value, SERVING "routingState");
	struct json *patch = json_object(arena);
	struct json *meta = json_ensure_object(arena, patch, "metadata");
	struct json *annotations = json_ensure_object(arena, meta, "annotations");
	json_set(arena, annotations, SERVING "routes",
		 route ? json_string(arena, route) : json_null(arena));
	if (!has || strcmp(has, state) != 0) {
		json_set_text(arena, json_ensure_object(arena, meta, "labels"),
			      SERVING "routingState", state);
		json_set_text(arena, annotations, SERVING "routingStateModified",
			      model_time(model, arena));
	}
	knative_must(model_do_patch(model, revision, patch, &knative_write, &revision, &err), &err);
}

static void label_revisions(struct model *model, const char *ns, const char *name)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct json *route = model_get(model, "routes", ns, name);
	const char *ready = model_condition_status(route, "Ready");
	bool leaving = json_path(route, "metadata", "deletionTimestamp", NULL) != NULL;
	bool settled = strcmp(ready, "True") == 0 || strcmp(ready, "False") == 0;
	struct version **all;
	size_t count = knative_revisions(model, arena, ns, SERVING "service", name, &all);
	for (size_t i = 0; i < count; i++) {
		const char *routes = knative_annotation(all[i]->value, SERVING "routes");
		bool has = routes && listed(routes, name);
		bool wanted = !leaving && is_routed(model, route, all[i]);
		if (wanted && !has)
			label(model, arena, all[i], name);
		else if (!wanted && has && (settled || leaving))
			label(model, arena, all[i], NULL);
	}
}

/* Its finalizer holds a Route until its labels are gone. */
static void hold(struct model *model, struct version *route, bool held)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *new = json_copy(arena, route->value), *list = json_array(arena);
	if (held)
		json_append(arena, list, json_string(arena, "routes.serving.knative.dev"));
	json_set(arena, json_ensure_object(arena, new, "metadata"), "finalizers", list);
	knative_must(model_do_replace(model, route, new, &knative_write, &route, &err), &err);
}

static void route_sync(struct model *model, struct desk *desk, const char *ns, const char *name)
{
	struct version *route = model_find(model, "routes", ns, name);
	const struct json *meta = route ? json_get(route->value, "metadata") : NULL;
	if (!route)
		return;
	if (json_get(meta, "deletionTimestamp")) {
		label_revisions(model, ns, name);
		hold(model, route, false);
	} else if (!json_count(json_get(meta, "finalizers"))) {
		/* Its own write brings it back. */
		hold(model, route, true);
	} else {
		route->refs++;
		write_status(model, desk, route);
		version_unref(route);
		label_revisions(model, ns, name);
	}
}

const struct stand_in route_stand_in = {"route", route_react, route_sync};
