/*
 * Knative's configuration controller: a Revision for each generation of a Configuration, and which
 * of them is the latest created and the latest ready (serving pkg/reconciler/configuration).
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/knative/child_name.h"
#include "test/lib/knative_model.h"

static void configuration_react(struct model *model, struct desk *desk, const struct change *change)
{
	const struct version *version = change->version;
	const char *id = version->resource->kind.id, *name = NULL;
	if (strcmp(id, "configurations") == 0)
		name = version->name;
	else if (strcmp(id, "revisions") == 0)
		name = knative_label(version->value, SERVING "configuration");
	if (name && knative_whole(model_find(model, "configurations", version->ns, name)))
		desk_later(desk, version->ns, name, KNATIVE_LATENCY_MS);
}

/* ---- its Revision ---- */

static struct json *revision_labels(struct arena *arena, const struct version *configuration,
				    struct json *meta)
{
	static const char *const copied[] = {SERVING "service", SERVING "serviceUID"};
	struct json *labels = json_ensure_object(arena, meta, "labels");
	for (size_t i = 0; i < ARRAY_SIZE(copied); i++) {
		const char *value = knative_label(configuration->value, copied[i]);
		if (value)
			json_set_text(arena, labels, copied[i], value);
	}
	json_set_text(arena, labels, SERVING "configuration", configuration->name);
	json_set_text(arena, labels, SERVING "configurationUID", configuration->uid);
	json_set(arena, labels, SERVING "configurationGeneration",
		 json_stringf(arena, "%lld", (long long)knative_generation(configuration->value)));
	return labels;
}

/* MakeRevision. A Configuration that a route names gives revisions that are active at once. */
static struct json *make_revision(struct model *model, struct arena *arena,
				  const struct version *configuration, const char *name)
{
	const struct json *template = json_path(configuration->value, "spec", "template", NULL);
	const struct json *given = json_get(template, "metadata");
	const struct json *spec = json_get(template, "spec");
	struct json *new = json_object(arena);
	struct json *meta = knative_object(arena, given);
	json_set_text(arena, new, "apiVersion", "serving.knative.dev/v1");
	json_set_text(arena, new, "kind", "Revision");
	json_set(arena, new, "metadata", meta);
	json_set(arena, new, "spec", knative_object(arena, spec));
	json_set_text(arena, meta, "name", name);
	json_remove(meta, "creationTimestamp");
	struct json *labels = revision_labels(arena, configuration, meta);
	struct json *annotations = json_ensure_object(arena, meta, "annotations");
	const char *routes = knative_annotation(configuration->value, SERVING "routes");
	const char *user = knative_annotation(configuration->value, SERVING "lastModifier");
	json_set_text(arena, labels, SERVING "routingState", routes ? "active" : "pending");
	json_set_text(arena, annotations, SERVING "routingStateModified", model_time(model, arena));
	if (routes)
		json_set_text(arena, annotations, SERVING "routes", routes);
	if (user)
		json_set_text(arena, annotations, SERVING "creator", user);
	knative_own(arena, meta, configuration);
	return new;
}

static int64_t generation_of(const struct version *revision)
{
	const char *text = knative_label(revision->value, SERVING "configurationGeneration");
	return text ? strtoll(text, NULL, 10) : 0;
}

/* The Revision of the Configuration's generation, made if it is not there; NULL with *why set. */
static struct version *latest_created(struct model *model, struct arena *arena,
				      const struct version *configuration, const char **why)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct version *revision;
	int64_t generation = knative_generation(configuration->value);
	const char *name = json_text(
	    json_path(configuration->value, "spec", "template", "metadata", "name", NULL));
	if (!name)
		name = child_name(configuration->name,
				  arena_printf(arena, "-%05lld", (long long)generation), arena);
	revision = model_find(model, "revisions", configuration->ns, name);
	if (revision && knative_owned(revision, configuration))
		return revision;
	if (model_do_create(model, model_resource(model, "revisions"), configuration->ns,
			    make_revision(model, arena, configuration, name), &knative_write,
			    &revision, &err))
		return revision;
	*why = arena_strdup(arena, error_text(&err));
	return NULL;
}

/* ---- its status ---- */

/* The newest ready one that is not older than the latest ready one until now. */
static const char *latest_ready(struct model *model, struct arena *arena,
				const struct version *configuration, const char *until_now)
{
	struct version **all, *before = NULL, *best = NULL;
	size_t count = knative_revisions(model, arena, configuration->ns, SERVING "configuration",
					 configuration->name, &all);
	if (until_now)
		before = model_find(model, "revisions", configuration->ns, until_now);
	for (size_t i = 0; i < count; i++) {
		int64_t generation = generation_of(all[i]);
		if (strcmp(model_condition_status(all[i]->value, "Ready"), "True") == 0 &&
		    (!before || generation >= generation_of(before)) &&
		    (!best || generation > generation_of(best)))
			best = all[i];
	}
	return best ? best->name : until_now;
}

static const char *condition_message(struct model *model, const struct version *revision)
{
	const char *text =
	    model_condition(model, "revisions", revision->ns, revision->name, "Ready");
	const char *colon = strstr(text, ": ");
	return colon ? colon + 2 : "";
}

static void set_latest(struct model *model, struct living_set *set, struct json *status,
		       const struct version *configuration, const struct version *created)
{
	const char *ready =
	    json_text(json_path(configuration->value, "status", "latestReadyRevisionName", NULL));
	json_set_text(set->arena, status, "latestCreatedRevisionName", created->name);
	if (!ready || strcmp(ready, created->name) != 0)
		living_unknown(set, "Ready", "", "");
	if (strcmp(model_condition_status(created->value, "Ready"), "False") == 0)
		living_false(set, "Ready", "RevisionFailed",
			     arena_printf(set->arena, "Revision \"%s\" failed with message: %s.",
					  created->name, condition_message(model, created)));
	ready = latest_ready(model, set->arena, configuration, ready);
	if (ready)
		json_set_text(set->arena, status, "latestReadyRevisionName", ready);
	if (ready && strcmp(ready, created->name) == 0 &&
	    strcmp(model_condition_status(created->value, "Ready"), "False") != 0)
		living_true(set, "Ready", "", "");
}

static void reconcile(struct model *model, const struct version *configuration)
{
	static const char *const dependents[] = {NULL};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *why = NULL;
	struct living_set set;
	const struct json *old = json_get(configuration->value, "status");
	struct json *status = old ? json_copy(arena, old) : json_object(arena);
	living_start(&set, model, arena, configuration->value, dependents);
	const struct version *created = latest_created(model, arena, configuration, &why);
	if (created)
		set_latest(model, &set, status, configuration, created);
	else
		living_false(
		    &set, "Ready", "RevisionFailed",
		    arena_printf(arena, "Revision creation failed with message: %s.", why));
	json_set(arena, status, "conditions", living_finish(&set));
	json_set_int(arena, status, "observedGeneration", knative_generation(configuration->value));
	knative_status(model, "configurations", configuration->ns, configuration->name, status);
}

static void configuration_sync(struct model *model, struct desk *desk UNUSED, const char *ns,
			       const char *name)
{
	struct version *configuration = model_find(model, "configurations", ns, name);
	if (!knative_whole(configuration) || table_get(model->terminating, ns))
		return;
	configuration->refs++;
	reconcile(model, configuration);
	version_unref(configuration);
}

const struct stand_in configuration_stand_in = {"configuration", configuration_react,
						configuration_sync};
