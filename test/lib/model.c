/*
 * The heart of the model: which resources there are and how a change is committed. Everything that
 * changes an object comes through model_commit.
 */
#include "test/lib/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/date.h"
#include "test/lib/model_internal.h"

/* As etcd's automatic compaction by kube-apiserver. */
#define HISTORY_MS (5 * 60 * 1000)
#define COLLECT_AFTER_MS 500

static const struct kind kinds[RESOURCE_COUNT] = {
    {"podautoscalers", "autoscaling.internal.knative.dev", "v1alpha1", "podautoscalers",
     "PodAutoscaler", .has_status = true, .has_generation = true},
    {"serverlessservices", "networking.internal.knative.dev", "v1alpha1", "serverlessservices",
     "ServerlessService", .has_status = true, .has_generation = true},
    {"scaledobjects", "keda.sh", "v1alpha1", "scaledobjects", "ScaledObject", .has_status = true,
     .has_generation = true},
    {"horizontalpodautoscalers", "autoscaling", "v2", "horizontalpodautoscalers",
     "HorizontalPodAutoscaler", .builtin = true, .has_status = true},
    {"deployments", "apps", "v1", "deployments", "Deployment", .builtin = true, .has_status = true,
     .has_generation = true},
    {"revisions", "serving.knative.dev", "v1", "revisions", "Revision", .has_status = true,
     .has_generation = true},
    {"configurations", "serving.knative.dev", "v1", "configurations", "Configuration",
     .has_status = true, .has_generation = true},
    {"services.serving", "serving.knative.dev", "v1", "services", "Service", .has_status = true,
     .has_generation = true},
    {"routes", "serving.knative.dev", "v1", "routes", "Route", .has_status = true,
     .has_generation = true},
    {"configmaps", "", "v1", "configmaps", "ConfigMap", .builtin = true},
    {"events", "", "v1", "events", "Event", .builtin = true},
    {"leases", "coordination.k8s.io", "v1", "leases", "Lease", .builtin = true},
    {"namespaces", "", "v1", "namespaces", "Namespace", .builtin = true, .has_status = true,
     .cluster = true},
};

const char *model_key(struct arena *arena, const char *ns, const char *name)
{
	return arena_printf(arena, "%s/%s", ns ? ns : "", name);
}

void version_unref(struct version *version)
{
	if (version && --version->refs == 0)
		arena_free(version->arena);
}

const char *version_text(struct version *version)
{
	if (!version->text) {
		CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
		json_write(version->value, &text);
		version->text = arena_strndup(version->arena, text.buf, text.len);
		version->length = text.len;
	}
	return version->text;
}

void model_qualified(const struct kind *kind, struct strbuf *out)
{
	strbuf_addstr(out, kind->plural);
	if (kind->group[0])
		strbuf_addf(out, ".%s", kind->group);
}

struct resource *model_resource(struct model *model, const char *id)
{
	for (size_t i = 0; i < RESOURCE_COUNT; i++)
		if (strcmp(model->resources[i].kind.id, id) == 0)
			return &model->resources[i];
	fprintf(stderr, "the model has no resource %s\n", id);
	abort();
}

struct version *version_in(struct resource *resource, const char *ns, const char *name)
{
	char key[640];
	snprintf(key, sizeof(key), "%s/%s", ns && !resource->kind.cluster ? ns : "", name);
	return table_get(resource->objects, key);
}

struct version *model_find(struct model *model, const char *id, const char *ns, const char *name)
{
	return version_in(model_resource(model, id), ns, name);
}

int64_t model_now_ms(const struct model *model)
{
	return model->start_wall_ms + timers_now(model->timers) - model->start_mono_ms;
}

uint64_t model_version(const struct model *model)
{
	return model->version;
}

const char *model_time(struct model *model, struct arena *arena)
{
	char text[TIME_RFC3339_SIZE];
	time_format_rfc3339(model_now_ms(model), text);
	return arena_strdup(arena, text);
}

/* ---- history ---- */

static void forget_history(struct resource *resource, size_t count)
{
	if (count == 0)
		return;
	resource->compacted = resource->history[count - 1].version->number;
	for (size_t i = 0; i < count; i++)
		version_unref(resource->history[i].version);
	resource->count -= count;
	memmove(resource->history, resource->history + count,
		resource->count * sizeof(resource->history[0]));
}

static void append_history(struct resource *resource, enum change_type type, int64_t now_ms,
			   struct version *version)
{
	size_t old = 0;
	while (old < resource->count && resource->history[old].at_ms < now_ms - HISTORY_MS)
		old++;
	/* A few at a time cost more than they free. */
	if (old * 4 > resource->count)
		forget_history(resource, old);
	if (resource->count == resource->cap) {
		resource->cap = resource->cap ? resource->cap * 2 : 64;
		resource->history =
		    xrealloc(resource->history, resource->cap * sizeof(resource->history[0]));
	}
	version->refs++;
	resource->history[resource->count++] =
	    (struct change){.type = type, .at_ms = now_ms, .version = version};
}

void model_compact(struct model *model)
{
	for (size_t i = 0; i < RESOURCE_COUNT; i++) {
		struct resource *resource = &model->resources[i];
		forget_history(resource, resource->count);
		resource->compacted = model->version;
	}
}

/* ---- committing ---- */

struct version *version_make(struct resource *resource, uint64_t number, struct arena *arena,
			     struct json *value)
{
	struct version *version = ARENA_NEW(arena, struct version);
	struct json *meta = json_ensure_object(arena, value, "metadata");
	json_set(arena, meta, "resourceVersion", json_stringf(arena, "%" PRIu64, number));
	version->refs = 1;
	version->resource = resource;
	version->number = number;
	version->arena = arena;
	version->value = value;
	version->ns = json_text_or(json_get(meta, "namespace"), "");
	version->name = json_text(json_get(meta, "name"));
	version->uid = json_text(json_get(meta, "uid"));
	version->key = model_key(arena, version->ns, version->name);
	return version;
}

struct version *model_commit(struct model *model, struct resource *resource, enum change_type type,
			     struct arena *arena, struct json *value)
{
	struct version *version = version_make(resource, ++model->version, arena, value);
	if (model->audit)
		model->audit(model->audit_ctx, type, table_get(resource->objects, version->key),
			     version);
	if (type == CHANGE_DELETED) {
		version_unref(table_remove(resource->objects, version->key));
		table_remove(model->live, version->uid);
	} else {
		version_unref(table_set(resource->objects, version->key, version));
		version->refs++;
		table_set(model->live, version->uid, version);
	}
	append_history(resource, type, model_now_ms(model), version);
	if (!timer_armed(&model->collector) && collector_concerned(model, type, version))
		timer_arm(model->timers, &model->collector, COLLECT_AFTER_MS);
	struct change change = {.type = type, .at_ms = model_now_ms(model), .version = version};
	desk_react(model, &change);
	if (model->changed)
		model->changed(model->changed_ctx);
	/* What is deleted lives on in the history alone. */
	version_unref(version);
	return version;
}

void model_on_change(struct model *model, void (*changed)(void *ctx), void *ctx)
{
	model->changed = changed;
	model->changed_ctx = ctx;
}

/* ---- life ---- */

struct model *model_new(struct timers *timers, int64_t start_wall_ms)
{
	struct model *model = xcalloc(1, sizeof(*model));
	model->timers = timers;
	model->start_wall_ms = start_wall_ms;
	model->start_mono_ms = timers_now(timers);
	/* No resourceVersion is 0, which means "any" in requests. */
	model->version = 1000;
	for (size_t i = 0; i < RESOURCE_COUNT; i++) {
		model->resources[i].kind = kinds[i];
		model->resources[i].objects = table_new();
		model->resources[i].compacted = model->version;
	}
	model->live = table_new();
	timer_init(&model->collector, model_collect, model);
	model->metrics = table_new();
	model->usage = table_new();
	model->series = table_new();
	model->terminating = table_new();
	model->pods_start_ms = 1000;
	model->hpa_sync_ms = 15000;
	model->scratch = (struct strbuf)STRBUF_INIT;
	desk_init(model, DESK_KNATIVE, &knative_stand_in);
	desk_init(model, DESK_KEDA, &keda_stand_in);
	desk_init(model, DESK_HPA, &hpa_stand_in);
	desk_init(model, DESK_DEPLOYMENT, &deployment_stand_in);
	desk_init(model, DESK_SERVICE, &service_stand_in);
	desk_init(model, DESK_CONFIGURATION, &configuration_stand_in);
	desk_init(model, DESK_ROUTE, &route_stand_in);
	return model;
}

static bool drop_version(void *ctx UNUSED, const char *key UNUSED, void *value)
{
	version_unref(value);
	return true;
}

static bool drop_value(void *ctx UNUSED, const char *key UNUSED, void *value)
{
	free(value);
	return true;
}

static void release_resource(struct resource *resource)
{
	forget_history(resource, resource->count);
	free(resource->history);
	table_each(resource->objects, drop_version, NULL);
	table_free(resource->objects);
}

void model_free(struct model *model)
{
	if (!model)
		return;
	timer_disarm(model->timers, &model->collector);
	for (size_t i = 0; i < DESK_COUNT; i++)
		desk_release(&model->desks[i]);
	for (size_t i = 0; i < RESOURCE_COUNT; i++)
		release_resource(&model->resources[i]);
	table_free(model->live);
	table_each(model->metrics, drop_value, NULL);
	table_free(model->metrics);
	table_each(model->usage, drop_value, NULL);
	table_free(model->usage);
	table_each(model->series, drop_value, NULL);
	table_free(model->series);
	table_free(model->terminating);
	for (size_t i = 0; i < MAX_REFUSALS; i++) {
		free(model->refusals[i].plural);
		free(model->refusals[i].text);
	}
	free(model->keda_failure);
	strbuf_release(&model->scratch);
	free(model);
}

bool model_busy(const struct model *model)
{
	for (size_t i = 0; i < DESK_COUNT; i++)
		if (desk_busy(&model->desks[i]))
			return true;
	return timer_armed(&model->collector);
}
