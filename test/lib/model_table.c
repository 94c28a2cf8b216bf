/*
 * Tables, as `kubectl get` asks for them: one row a column, from the CRDs of Knative Serving 1.22
 * and KEDA 2.21 and, of builtin kinds, from what the API server prints. What a cell shows is in
 * model_cells.c.
 */
#include <inttypes.h>
#include <string.h>

#include "test/lib/model_cells.h"
#include "test/lib/model_internal.h"

#define READY "status.conditions[Ready]"
#define COLUMN(of, title, kind, ...)                                                               \
	{                                                                                          \
		.id = (of), .name = (title), .type = (kind), ##__VA_ARGS__                         \
	}
#define READY_COLUMNS(of)                                                                          \
	COLUMN(of, "Ready", "string", .path = READY ".status"),                                    \
	    COLUMN(of, "Reason", "string", .path = READY ".reason")

static const struct column columns[] = {
    COLUMN("services.serving", "URL", "string", .path = "status.url"),
    COLUMN("services.serving", "LatestCreated", "string",
	   .path = "status.latestCreatedRevisionName"),
    COLUMN("services.serving", "LatestReady", "string", .path = "status.latestReadyRevisionName"),
    READY_COLUMNS("services.serving"),
    COLUMN("configurations", "LatestCreated", "string", .path = "status.latestCreatedRevisionName"),
    COLUMN("configurations", "LatestReady", "string", .path = "status.latestReadyRevisionName"),
    READY_COLUMNS("configurations"),
    COLUMN("routes", "URL", "string", .path = "status.url"),
    READY_COLUMNS("routes"),
    COLUMN("revisions", "Config Name", "string",
	   .path = "metadata.labels[serving.knative.dev/configuration]"),
    COLUMN("revisions", "Generation", "string",
	   .path = "metadata.labels[serving.knative.dev/configurationGeneration]"),
    READY_COLUMNS("revisions"),
    COLUMN("revisions", "Actual Replicas", "integer", .path = "status.actualReplicas"),
    COLUMN("revisions", "Desired Replicas", "integer", .path = "status.desiredReplicas"),
    COLUMN("podautoscalers", "DesiredScale", "integer", .path = "status.desiredScale"),
    COLUMN("podautoscalers", "ActualScale", "integer", .path = "status.actualScale"),
    READY_COLUMNS("podautoscalers"),
    COLUMN("serverlessservices", "Mode", "string", .path = "spec.mode"),
    COLUMN("serverlessservices", "Activators", "integer", .path = "spec.numActivators"),
    COLUMN("serverlessservices", "ServiceName", "string", .path = "status.serviceName"),
    COLUMN("serverlessservices", "PrivateServiceName", "string",
	   .path = "status.privateServiceName"),
    READY_COLUMNS("serverlessservices"),
    COLUMN("scaledobjects", "ScaleTargetKind", "string", .path = "status.scaleTargetKind"),
    COLUMN("scaledobjects", "ScaleTargetName", "string", .path = "spec.scaleTargetRef.name"),
    COLUMN("scaledobjects", "Min", "integer", .path = "spec.minReplicaCount"),
    COLUMN("scaledobjects", "Max", "integer", .path = "spec.maxReplicaCount"),
    COLUMN("scaledobjects", "Ready", "string", .path = READY ".status"),
    COLUMN("scaledobjects", "Active", "string", .path = "status.conditions[Active].status"),
    COLUMN("scaledobjects", "Fallback", "string", .path = "status.conditions[Fallback].status"),
    COLUMN("scaledobjects", "Paused", "string", .path = "status.conditions[Paused].status"),
    COLUMN("scaledobjects", "Triggers", "string", .path = "status.triggersTypes"),
    COLUMN("scaledobjects", "Authentications", "string", .path = "status.authenticationsTypes"),
    COLUMN("scaledobjects", "Age", "date", .cell = cell_age),
    COLUMN("horizontalpodautoscalers", "Reference", "string", .cell = cell_reference),
    COLUMN("horizontalpodautoscalers", "Targets", "string", .cell = cell_targets),
    COLUMN("horizontalpodautoscalers", "MinPods", "string", .cell = cell_min_pods),
    COLUMN("horizontalpodautoscalers", "MaxPods", "string", .cell = cell_count,
	   .path = "spec.maxReplicas"),
    COLUMN("horizontalpodautoscalers", "Replicas", "string", .cell = cell_count,
	   .path = "status.currentReplicas"),
    COLUMN("horizontalpodautoscalers", "Age", "string", .cell = cell_age),
    COLUMN("deployments", "Ready", "string", .cell = cell_ready_replicas),
    COLUMN("deployments", "Up-to-date", "string", .cell = cell_count,
	   .path = "status.updatedReplicas"),
    COLUMN("deployments", "Available", "string", .cell = cell_count,
	   .path = "status.availableReplicas"),
    COLUMN("deployments", "Age", "string", .cell = cell_age),
    COLUMN("deployments", "Containers", "string", .cell = cell_containers, .path = "name",
	   .priority = 1),
    COLUMN("deployments", "Images", "string", .cell = cell_containers, .path = "image",
	   .priority = 1),
    COLUMN("deployments", "Selector", "string", .cell = cell_selector, .priority = 1),
    COLUMN("configmaps", "Data", "string", .cell = cell_data),
    COLUMN("configmaps", "Age", "string", .cell = cell_age),
    COLUMN("leases", "Holder", "string", .cell = cell_text, .path = "spec.holderIdentity"),
    COLUMN("leases", "Age", "string", .cell = cell_age),
    COLUMN("namespaces", "Status", "string", .cell = cell_text, .path = "status.phase"),
    COLUMN("namespaces", "Age", "string", .cell = cell_age),
    COLUMN("events", "Last Seen", "string", .cell = cell_last_seen),
    COLUMN("events", "Type", "string", .cell = cell_text, .path = "type"),
    COLUMN("events", "Reason", "string", .cell = cell_text, .path = "reason"),
    COLUMN("events", "Object", "string", .cell = cell_involved),
    COLUMN("events", "Subobject", "string", .cell = cell_text, .path = "involvedObject.fieldPath",
	   .priority = 1),
    COLUMN("events", "Source", "string", .cell = cell_source, .priority = 1),
    COLUMN("events", "Message", "string", .cell = cell_message),
    COLUMN("events", "First Seen", "string", .cell = cell_first_seen, .priority = 1),
    COLUMN("events", "Count", "string", .cell = cell_event_count, .priority = 1),
    COLUMN("events", "Name", "string", .cell = cell_text, .path = "metadata.name", .priority = 1),
};

bool table_wanted(const char *accept)
{
	const char *table = accept ? strstr(accept, "as=Table") : NULL;
	return table && strstr(accept, "g=meta.k8s.io") && strstr(accept, "v=v1;");
}

/* Events alone name their object in the last column. */
static bool name_first(const struct kind *kind)
{
	return strcmp(kind->id, "events") != 0;
}

static const struct column *next_column(const struct kind *kind, const struct column *last)
{
	const struct column *end = columns + ARRAY_SIZE(columns);
	for (const struct column *one = last ? last + 1 : columns; one < end; one++)
		if (strcmp(one->id, kind->id) == 0)
			return one;
	return NULL;
}

static void write_column(const char *name, const char *type, bool is_name, int priority,
			 struct strbuf *out)
{
	strbuf_addf(out,
		    "{\"name\":\"%s\",\"type\":\"%s\",\"format\":\"%s\",\"description\":\"\","
		    "\"priority\":%d}",
		    name, type, is_name ? "name" : "", priority);
}

static void write_columns(const struct kind *kind, struct strbuf *out)
{
	bool some = name_first(kind);
	strbuf_addch(out, '[');
	if (some)
		write_column("Name", "string", true, 0, out);
	for (const struct column *one = NULL; (one = next_column(kind, one));) {
		strbuf_addstr(out, some ? "," : "");
		write_column(one->name, one->type, strcmp(one->name, "Name") == 0, one->priority,
			     out);
		some = true;
	}
	strbuf_addch(out, ']');
}

/* includeObject: Metadata (what is not said), Object, None. */
static void write_object(const struct selection *selection, struct version *version,
			 struct strbuf *out)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *include = query_text(selection->query, "includeObject", arena);
	if (include && strcmp(include, "None") == 0)
		return;
	strbuf_addstr(out, ",\"object\":");
	if (include && strcmp(include, "Object") == 0) {
		strbuf_addstr(out, version_text(version));
		return;
	}
	strbuf_addstr(out, "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\","
			   "\"metadata\":");
	json_write(json_get(version->value, "metadata"), out);
	strbuf_addch(out, '}');
}

static void write_row(struct model *model, const struct selection *selection,
		      struct version *version, struct strbuf *out)
{
	const struct kind *kind = &selection->resource->kind;
	bool some = name_first(kind);
	strbuf_addstr(out, "{\"cells\":[");
	if (some)
		strbuf_add_json_string(out, version->name, strlen(version->name));
	for (const struct column *one = NULL; (one = next_column(kind, one));) {
		strbuf_addstr(out, some ? "," : "");
		cell_write(model, one, version->value, out);
		some = true;
	}
	strbuf_addch(out, ']');
	write_object(selection, version, out);
	strbuf_addch(out, '}');
}

void table_write(struct model *model, const struct selection *selection, struct version **found,
		 size_t count, bool with_columns, struct strbuf *out)
{
	strbuf_addstr(out, ",\"columnDefinitions\":");
	if (with_columns)
		write_columns(&selection->resource->kind, out);
	else
		strbuf_addstr(out, "null");
	strbuf_addstr(out, ",\"rows\":[");
	for (size_t i = 0; i < count; i++) {
		strbuf_addstr(out, i ? "," : "");
		write_row(model, selection, found[i], out);
	}
	strbuf_addstr(out, "]}\n");
}

void table_write_one(struct model *model, const struct selection *selection,
		     struct version *version, bool with_columns, struct strbuf *out)
{
	strbuf_addf(out,
		    "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{"
		    "\"resourceVersion\":\"%" PRIu64 "\"}",
		    version->number);
	table_write(model, selection, &version, 1, with_columns, out);
}
