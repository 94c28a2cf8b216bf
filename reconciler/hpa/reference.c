/*
 * A row knows all that is said here; a sentence that only the documentation had would lag.
 */
#include "reconciler/hpa/reference.h"

#include <string.h>

#include "pkg/json/json.h"
#include "reconciler/hpa/annotations.h"

static const char introduction[] =
    "# Annotations\n"
    "\n"
    "Printed by `autoscaler-keda-hpa annotations` from the table that the controller reads\n"
    "annotations with; do not edit it by hand.\n"
    "\n"
    "Annotations stand on the revision: `spec.template.metadata.annotations` of a Knative "
    "Service.\n"
    "They count where `autoscaling.knative.dev/class` is `hpa.autoscaling.knative.dev`. All "
    "values\n"
    "are texts, so numbers and booleans are quoted in YAML, and bounded by 256 KiB. A wrong value "
    "is\n"
    "refused: the revision's condition `Active` turns False with the reason `InvalidAnnotation`, "
    "and\n"
    "its message names the annotation, the place and what would be right. `autoscaler-keda-hpa\n"
    "render` says the same before anything is applied, `render --explain` which annotation each "
    "field\n"
    "of the ScaledObject comes from.\n"
    "\n"
    "Where metrics are named, the annotation speaks of the default trigger of such a metric. With\n"
    "`scaled-object-auto-create` off, or beside `scaled-object-override`, only those count that "
    "say\n"
    "so; the others are not even checked.\n"
    "\n"
    "Templates know `{{ .revisionName }}`, `{{ .namespace }}`, `{{ .serviceName }}`,\n"
    "`{{ .configurationName }}` and `{{ .deploymentName }}`; `{{ if .x }}...{{ else }}...{{ end "
    "}}`,\n"
    "`printf` with `%s`, quoted texts, comments and trimming (`{{-`, `-}}`) work as in Go.\n"
    "\n"
    "KEDA's own annotations (`autoscaling.keda.sh/*`, `scaledobject.keda.sh/*`,\n"
    "`validations.keda.sh/*`) on a revision reach the ScaledObject too. The `keda-` forms below "
    "are\n"
    "better: editing them on a running revision restarts nothing, and removing them takes "
    "effect.\n";

static const struct metric_name {
	enum metric_kinds kind;
	const char *name;
} metric_names[] = {{METRIC_CPU, "cpu"},
		    {METRIC_MEMORY, "memory"},
		    {METRIC_HTTP, "concurrency"},
		    {METRIC_HTTP, "rps"},
		    {METRIC_CUSTOM, "custom"}};

/* ---- Markdown ---- */

static void add_item(struct strbuf *out, const char *title, const char *text)
{
	if (text)
		strbuf_addf(out, "- %s: %s\n", title, text);
}

static void add_metrics(struct strbuf *out, unsigned kinds)
{
	const char *between = "- Metrics: ";

	if (kinds == METRIC_ANY)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(metric_names); i++) {
		if (!(kinds & metric_names[i].kind))
			continue;
		strbuf_addf(out, "%s%s", between, metric_names[i].name);
		between = ", ";
	}
	strbuf_addstr(out, "\n");
}

static void add_aliases(struct strbuf *out, const struct annotation_row *row)
{
	for (size_t i = 0; i < ARRAY_SIZE(row->aliases) && row->aliases[i]; i++)
		strbuf_addf(out, "%s`%s`", i == 0 ? "- Also: " : ", ", row->aliases[i]);
	if (row->aliases[0])
		strbuf_addstr(out, " (the name above wins)\n");
}

static void add_row(struct strbuf *out, const struct annotation_row *row)
{
	strbuf_addf(out, "\n## `%s`\n\n%s\n", row->name, row->description);
	strbuf_addstr(out, "\n");
	add_item(out, "Value", row->right);
	add_item(out, "Default", row->fallback);
	add_metrics(out, row->kinds);
	add_aliases(out, row);
	if (row->basic)
		strbuf_addstr(out, "- Counts with auto-create off and beside an override, too\n");
	else if (row->beside_override)
		strbuf_addstr(out, "- Counts beside an override, too\n");
	if (row->example)
		strbuf_addf(out, "- Example: `%s`\n", row->example);
}

void reference_markdown(struct strbuf *out)
{
	size_t count;
	const struct annotation_row *rows = annotation_rows(&count);

	strbuf_addstr(out, introduction);
	for (size_t i = 0; i < count; i++)
		add_row(out, &rows[i]);
}

/* ---- JSON ---- */

static void set_optional(struct arena *arena, struct json *item, const char *key, const char *text)
{
	if (text)
		json_set_text(arena, item, key, text);
}

static struct json *aliases_of(struct arena *arena, const struct annotation_row *row)
{
	struct json *list = json_array(arena);

	for (size_t i = 0; i < ARRAY_SIZE(row->aliases) && row->aliases[i]; i++)
		json_append(arena, list, json_string(arena, row->aliases[i]));
	return list;
}

static struct json *metrics_of(struct arena *arena, unsigned kinds)
{
	struct json *list = json_array(arena);

	for (size_t i = 0; i < ARRAY_SIZE(metric_names); i++)
		if (kinds & metric_names[i].kind)
			json_append(arena, list, json_string(arena, metric_names[i].name));
	return list;
}

static struct json *item_of(struct arena *arena, const struct annotation_row *row)
{
	struct json *item = json_object(arena);

	json_set_text(arena, item, "name", row->name);
	json_set(arena, item, "aliases", aliases_of(arena, row));
	json_set_text(arena, item, "description", row->description);
	set_optional(arena, item, "value", row->right);
	set_optional(arena, item, "default", row->fallback);
	json_set(arena, item, "metrics", metrics_of(arena, row->kinds));
	set_optional(arena, item, "example", row->example);
	json_set_bool(arena, item, "withAutoCreateOff", row->basic);
	json_set_bool(arena, item, "besideOverride", row->basic || row->beside_override);
	return item;
}

void reference_json(struct strbuf *out)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *list = json_array(arena);
	size_t count;
	const struct annotation_row *rows = annotation_rows(&count);

	for (size_t i = 0; i < count; i++)
		json_append(arena, list, item_of(arena, &rows[i]));
	json_write_pretty(list, out);
	if (out->buf[out->len - 1] != '\n')
		strbuf_addch(out, '\n');
}
