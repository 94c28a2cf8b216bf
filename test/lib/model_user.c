/*
 * What a person with kubectl does to the cluster, what a test asks of it, and its switches. What
 * the model refuses here is a mistake of the test itself and ends the program.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/yaml/yaml.h"
#include "test/lib/model_internal.h"

static void must(bool ok, const struct error *err, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "the model refuses %s: %s\n", what, error_text(err));
	abort();
}

static struct resource *resource_of(struct model *model, const struct json *object)
{
	const char *kind = json_text_or(json_get(object, "kind"), "");
	const char *version = json_text_or(json_get(object, "apiVersion"), "");
	for (size_t i = 0; i < RESOURCE_COUNT; i++) {
		struct resource *resource = &model->resources[i];
		size_t group = strlen(resource->kind.group);
		if (strcmp(resource->kind.name, kind) == 0 &&
		    strncmp(version, resource->kind.group, group) == 0 &&
		    (!group || version[group] == '/'))
			return resource;
	}
	fprintf(stderr, "the model has no kind %s %s\n", version, kind);
	abort();
}

static bool apply_one(void *ctx, struct json *document, struct error *err)
{
	static const struct write how = {.own = true, .manager = "kubectl"};
	static const struct write status_too = {.own = true, .status = true};
	struct model *model = ctx;
	struct resource *resource = resource_of(model, document);
	const struct json *meta = json_get(document, "metadata");
	const char *name = json_text_or(json_get(meta, "name"), "");
	const char *ns = json_text_or(json_get(meta, "namespace"), "default");
	ns = resource->kind.cluster ? "" : ns;
	struct version *version = version_in(resource, ns, name);
	if (!version)
		return model_do_create(model, resource, ns, document, &how, &version, err);
	return model_do_replace(model, version, document, &how, &version, err) &&
	       (!json_get(document, "status") ||
		model_do_replace(model, version, document, &status_too, &version, err));
}

void model_apply(struct model *model, const char *yaml)
{
	static const struct json_limits limits = {.max_bytes = 8u << 20, .max_depth = 64};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	must(yaml_parse_all(yaml, strlen(yaml), &limits, arena, apply_one, model, &err), &err,
	     yaml);
}

const struct json *model_get(struct model *model, const char *plural, const char *ns,
			     const char *name)
{
	struct version *version = model_find(model, plural, ns, name);
	return version ? version->value : NULL;
}

void model_delete(struct model *model, const char *plural, const char *ns, const char *name)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct version *version = model_find(model, plural, ns, name);
	if (version)
		must(model_do_delete(model, version, NULL, NULL, &version, &err), &err, name);
}

void model_patch(struct model *model, const char *plural, const char *ns, const char *name,
		 bool status, const char *patch)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const struct write how = {.own = true, .status = status};
	struct version *version = model_find(model, plural, ns, name);
	struct json *value;
	must(yaml_parse(patch, strlen(patch), NULL, arena, &value, &err), &err, patch);
	if (!version)
		error_set(&err, ERROR_NOT_FOUND, "%s %s/%s is not there", plural, ns, name);
	must(version && model_do_patch(model, version, value, &how, &version, &err), &err, patch);
}

void model_patchf(struct model *model, const char *plural, const char *ns, const char *name,
		  bool status, const char *format, ...)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	va_list args;
	va_start(args, format);
	strbuf_vaddf(&text, format, args);
	va_end(args);
	model_patch(model, plural, ns, name, status, text.buf);
}

size_t model_count(struct model *model, const char *plural)
{
	return table_count(model_resource(model, plural)->objects);
}

/* ---- conditions ---- */

static const struct json *find_condition(const struct json *conditions, const char *type)
{
	for (size_t i = 0; i < json_count(conditions); i++) {
		const struct json *condition = json_at(conditions, i);
		if (strcmp(json_text_or(json_get(condition, "type"), ""), type) == 0)
			return condition;
	}
	return NULL;
}

const char *model_condition_status(const struct json *object, const char *type)
{
	const struct json *conditions = json_path(object, "status", "conditions", NULL);
	return json_text_or(json_get(find_condition(conditions, type), "status"), "");
}

const char *model_condition(struct model *model, const char *plural, const char *ns,
			    const char *name, const char *type)
{
	const struct json *object = model_get(model, plural, ns, name);
	const struct json *condition =
	    find_condition(json_path(object, "status", "conditions", NULL), type);
	const char *reason = json_text_or(json_get(condition, "reason"), "");
	const char *message = json_text_or(json_get(condition, "message"), "");
	strbuf_reset(&model->scratch);
	strbuf_addstr(&model->scratch, json_text_or(json_get(condition, "status"), ""));
	if (reason[0])
		strbuf_addf(&model->scratch, " %s", reason);
	if (message[0])
		strbuf_addf(&model->scratch, ": %s", message);
	return model->scratch.buf;
}

void model_add_condition(struct model *model, struct arena *arena, struct json *array,
			 const struct json *old, const char *type, const char *status,
			 const char *reason, const char *message)
{
	const struct json *before = find_condition(old, type);
	bool same = before && strcmp(json_text_or(json_get(before, "status"), ""), status) == 0;
	const char *since = same ? json_text(json_get(before, "lastTransitionTime")) : NULL;
	struct json *condition = json_object(arena);
	json_set_text(arena, condition, "type", type);
	json_set_text(arena, condition, "status", status);
	json_set_text(arena, condition, "lastTransitionTime",
		      since ? since : model_time(model, arena));
	if (reason && reason[0])
		json_set_text(arena, condition, "reason", reason);
	if (message && message[0])
		json_set_text(arena, condition, "message", message);
	json_append(arena, array, condition);
}

void model_write_status(struct model *model, struct version *old, struct arena *arena,
			struct json *status)
{
	static const struct write how = {.own = true, .status = true};
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *patch = json_object(arena);
	json_set(arena, patch, "status", status);
	must(model_do_patch(model, old, patch, &how, &old, &err), &err, "a stand-in's status");
}

/* ---- events ---- */

struct event_search {
	struct model *model;
	const char *kind, *ns, *name;
};

static bool add_event(void *ctx, const char *key UNUSED, void *value)
{
	struct event_search *search = ctx;
	const struct json *event = ((struct version *)value)->value;
	const struct json *about = json_get(event, "involvedObject");
	if (strcmp(json_text_or(json_get(about, "kind"), ""), search->kind) != 0 ||
	    strcmp(json_text_or(json_get(about, "namespace"), ""), search->ns) != 0 ||
	    strcmp(json_text_or(json_get(about, "name"), ""), search->name) != 0)
		return true;
	strbuf_addf(&search->model->scratch, "%s %s: %s\n",
		    json_text_or(json_get(event, "type"), "?"),
		    json_text_or(json_get(event, "reason"), "?"),
		    json_text_or(json_get(event, "message"), ""));
	return true;
}

const char *model_events(struct model *model, const char *kind, const char *ns, const char *name)
{
	struct event_search search = {model, kind, ns, name};
	strbuf_reset(&model->scratch);
	table_each(model_resource(model, "events")->objects, add_event, &search);
	return model->scratch.buf;
}

/* ---- switches ---- */

void model_refuse(struct model *model, const char *plural, int status, const char *text)
{
	size_t at = MAX_REFUSALS;
	for (size_t i = MAX_REFUSALS; i-- > 0;)
		if (!model->refusals[i].plural || strcmp(model->refusals[i].plural, plural) == 0)
			at = i;
	for (size_t i = 0; i < MAX_REFUSALS; i++)
		if (model->refusals[i].plural && strcmp(model->refusals[i].plural, plural) == 0)
			at = i;
	CHECK(at < MAX_REFUSALS);
	free(model->refusals[at].plural);
	free(model->refusals[at].text);
	model->refusals[at].plural = text ? xstrdup(plural) : NULL;
	model->refusals[at].text = text ? xstrdup(text) : NULL;
	model->refusals[at].status = status;
}

void model_keda_refuses(struct model *model, int status, const char *text)
{
	CLEANUP(strbuf_release) struct strbuf whole = STRBUF_INIT;
	strbuf_addf(&whole, "%s%s",
		    status == 403 ? "admission webhook \"vscaledobject.kb.io\" denied the "
				    "request: "
				  : "",
		    text ? text : "");
	model_refuse(model, "scaledobjects", status, text ? whole.buf : NULL);
}

static void set_value(struct table *values, const char *ns, double value)
{
	double *kept = xmalloc(sizeof(*kept));
	*kept = value;
	free(table_set(values, ns, kept));
}

double model_value(const struct table *values, const char *ns)
{
	const double *value = table_get(values, ns);
	return value ? *value : 0;
}

void model_set_metric(struct model *model, const char *ns, double value)
{
	set_value(model->metrics, ns, value);
}

void model_set_series(struct model *model, const char *ns, const char *name, double value)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	set_value(model->series, model_key(arena, ns, name), value);
}

void model_set_usage(struct model *model, const char *ns, double percent)
{
	set_value(model->usage, ns, percent);
}

void model_pods_start_after(struct model *model, int64_t ms)
{
	model->pods_start_ms = ms;
	desk_run(&model->desks[DESK_DEPLOYMENT], false);
	desk_run(&model->desks[DESK_DEPLOYMENT], true);
}

void model_keda_running(struct model *model, bool running)
{
	desk_run(&model->desks[DESK_KEDA], running);
}

void model_knative_running(struct model *model, bool running)
{
	static const enum desk_id ids[] = {DESK_KNATIVE, DESK_SERVICE, DESK_CONFIGURATION,
					   DESK_ROUTE};
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		desk_run(&model->desks[ids[i]], running);
}

void model_hpa_running(struct model *model, bool running)
{
	desk_run(&model->desks[DESK_HPA], running);
}

void model_hpa_sync_period(struct model *model, int64_t ms)
{
	bool running = model->desks[DESK_HPA].running;
	model->hpa_sync_ms = ms;
	model_hpa_running(model, false);
	model_hpa_running(model, running);
}

void model_keda_fails(struct model *model, const char *text)
{
	free(model->keda_failure);
	model->keda_failure = text ? xstrdup(text) : NULL;
	model_keda_running(model, false);
	model_keda_running(model, true);
}

struct first {
	struct version *version;
};

static bool take_first(void *ctx, const char *key UNUSED, void *value)
{
	((struct first *)ctx)->version = value;
	return false;
}

void model_keda_installed(struct model *model, bool installed)
{
	struct resource *resource = model_resource(model, "scaledobjects");
	while (!installed && table_count(resource->objects)) {
		struct first first = {NULL};
		table_each(resource->objects, take_first, &first);
		struct arena *arena = arena_new();
		model_commit(model, resource, CHANGE_DELETED, arena,
			     json_copy(arena, first.version->value));
	}
	resource->absent = !installed;
	if (model->changed)
		model->changed(model->changed_ctx);
}

void model_watch_list_offered(struct model *model, bool offered)
{
	model->no_watch_list = !offered;
}

void model_namespace_terminating(struct model *model, const char *ns, bool terminating)
{
	if (terminating)
		table_set(model->terminating, ns, model);
	else
		table_remove(model->terminating, ns);
}
