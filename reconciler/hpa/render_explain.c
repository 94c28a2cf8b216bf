/*
 * An input is varied in two ways. Another value shows the fields that carry it; taking it away
 * shows those that are there because of it, which is the weaker claim: without `target`, say, a
 * whole trigger goes. Invariant: a field's claim only ever gets stronger, or of the same strength
 * and narrower.
 */
#include "reconciler/hpa/render_explain.h"

#include <stdint.h>
#include <string.h>

#include "pkg/base/check.h"
#include "reconciler/hpa/annotations.h"

#define CONFIG_AUTOSCALER "config-autoscaler"
#define CONFIG_KEDA "config-autoscaler-keda"

enum claim { CLAIM_VALUE, CLAIM_DEFAULT, CLAIM_REVISION, CLAIM_PRESENCE, CLAIM_NONE };

struct field {
	const char *path;
	const struct json *value;
	const char *from;
	enum claim claim;
	size_t reach; /* how many fields the claimant changes */
	bool changed; /* by the input at hand */
};

struct explaining {
	const struct rendered *rendered;
	const struct render_maps *maps;
	enum desired_form form;
	struct arena *arena;
	struct field *fields;
	size_t count, cap;
};

/* Tried for every input; the wrong ones for it are refused and teach nothing. */
static const char *const other_values[] = {
    "1",
    "2",
    "30",
    "45s",
    "1m15s",
    "true",
    "false",
    "other",
    "a=b",
    "bearer",
    "a=1,b=2",
    "http://other.invalid",
    "static",
    "basic",
    "Value",
    "50%",
    "other.invalid:1",
    "{\"a\":1}",
    "[{\"type\":\"o\",\"metadata\":{\"o\":\"o\"}}]",
};

/* ---- the fields ---- */

static bool is_leaf(const struct json *v)
{
	return json_count(v) == 0;
}

static bool is_plain(const char *key)
{
	return key[0] && key[strcspn(key, "./[]'\" ")] == '\0';
}

static void add_field(struct explaining *x, const char *path, const struct json *value)
{
	if (x->count == x->cap) {
		size_t cap = x->cap ? x->cap * 2 : 64;
		struct field *grown = ARENA_ARRAY(x->arena, struct field, cap);
		if (x->count)
			memcpy(grown, x->fields, x->count * sizeof(*grown));
		x->fields = grown;
		x->cap = cap;
	}
	x->fields[x->count++] =
	    (struct field){.path = path, .value = value, .from = "default", .claim = CLAIM_NONE};
}

static const char *member_path(struct arena *arena, const char *path, const char *key)
{
	if (is_plain(key))
		return path[0] ? arena_printf(arena, "%s.%s", path, key) : key;
	return arena_printf(arena, "%s['%s']", path, key);
}

static void collect(struct explaining *x, const char *path, const struct json *v)
{
	if (is_leaf(v)) {
		add_field(x, path, v);
		return;
	}
	for (size_t i = 0; i < json_count(v); i++) {
		if (json_is(v, JSON_OBJECT))
			collect(x, member_path(x->arena, path, v->members[i].key),
				v->members[i].value);
		else
			collect(x, arena_printf(x->arena, "%s[%zu]", path, i), json_at(v, i));
	}
}

/* In the order of collect; other: what stands at the same place now. */
static void compare(struct explaining *x, size_t *index, const struct json *v,
		    const struct json *other)
{
	if (is_leaf(v)) {
		CHECK(*index < x->count);
		x->fields[(*index)++].changed |= !other || !json_equal(v, other);
		return;
	}
	for (size_t i = 0; i < json_count(v); i++) {
		if (json_is(v, JSON_OBJECT))
			compare(x, index, v->members[i].value, json_get(other, v->members[i].key));
		else
			compare(x, index, json_at(v, i), json_at(other, i));
	}
}

/* ---- one input, varied ---- */

static void try_rendering(struct explaining *x, const struct json *pa,
			  const struct render_maps *maps, struct arena *arena)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct config_autoscaler config = config_autoscaler_default;
	struct config_keda config_keda = config_keda_default;
	struct rendered rendered;
	size_t index = 0;

	if (config_autoscaler_parse(maps->autoscaler, &config, &err) &&
	    config_keda_parse(maps->keda, arena, &config_keda, &err) &&
	    render_manifest(pa, &config, &config_keda, x->form, arena, &rendered, &err) &&
	    rendered.object)
		compare(x, &index, x->rendered->object, rendered.object);
}

static void set_or_remove(struct arena *arena, struct json *object, const char *key,
			  const char *text)
{
	if (text)
		json_set_text(arena, object, key, text);
	else
		json_remove(object, key);
}

static struct json *copy_or_new(struct arena *arena, const struct json *data)
{
	return json_is(data, JSON_OBJECT) ? json_copy(arena, data) : json_object(arena);
}

/* map: an annotation if NULL, else the name of a ConfigMap. text NULL: without it. */
static void vary(struct explaining *x, const char *map, const char *key, const char *text)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *pa = json_copy(arena, x->rendered->pod_autoscaler);
	struct render_maps maps = *x->maps;
	struct json *data;

	if (!map) {
		data = json_ensure_object(arena, json_ensure_object(arena, pa, "metadata"),
					  "annotations");
	} else if (strcmp(map, CONFIG_KEDA) == 0) {
		maps.keda = data = copy_or_new(arena, x->maps->keda);
	} else {
		maps.autoscaler = data = copy_or_new(arena, x->maps->autoscaler);
	}
	set_or_remove(arena, data, key, text);
	try_rendering(x, pa, &maps, arena);
}

/* Gives the changed fields to the input, where its claim is the better one. */
static void settle(struct explaining *x, enum claim claim, const char *from)
{
	size_t reach = 0;

	for (size_t i = 0; i < x->count; i++)
		reach += x->fields[i].changed;
	for (size_t i = 0; i < x->count; i++) {
		struct field *field = &x->fields[i];
		if (field->changed &&
		    (claim < field->claim || (claim == field->claim && reach < field->reach))) {
			field->claim = claim;
			field->reach = reach;
			field->from = from;
		}
		field->changed = false;
	}
}

/* ---- all inputs ---- */

static const struct annotation_row *row_of(const char *key)
{
	size_t count;
	const struct annotation_row *rows = annotation_rows(&count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].name, key) == 0)
			return &rows[i];
		for (size_t j = 0; j < ARRAY_SIZE(rows[i].aliases) && rows[i].aliases[j]; j++)
			if (strcmp(rows[i].aliases[j], key) == 0)
				return &rows[i];
	}
	return NULL;
}

static bool is_document(const struct annotation_row *row)
{
	return row && (row->type == ANNOTATION_JSON_OBJECT || row->type == ANNOTATION_JSON_LIST ||
		       row->type == ANNOTATION_YAML_LIST);
}

static void vary_values(struct explaining *x, const char *map, const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(other_values); i++)
		vary(x, map, key, other_values[i]);
}

/* A document stands for all the fields that it brings: its absence is another value of it. */
static void explain_input(struct explaining *x, const char *map, const char *key,
			  const struct annotation_row *row)
{
	const char *from = map ? arena_printf(x->arena, "%s %s", map, key) : key;

	vary_values(x, map, key);
	for (size_t i = 0; row && row->choices && row->choices[i]; i++)
		vary(x, map, key, row->choices[i]);
	if (is_document(row)) {
		if (row->example)
			vary(x, map, key, row->example);
		vary(x, map, key, NULL);
	}
	settle(x, CLAIM_VALUE, from);
	vary(x, map, key, NULL);
	settle(x, CLAIM_PRESENCE, from);
}

static void explain_map(struct explaining *x, const char *map, const struct json *data)
{
	for (size_t i = 0; json_is(data, JSON_OBJECT) && i < json_count(data); i++)
		explain_input(x, map, data->members[i].key, NULL);
}

/* Keys that are not set, but whose defaults show. */
static void explain_defaults(struct explaining *x)
{
	static const struct {
		const char *map, *key;
	} keys[] = {{CONFIG_AUTOSCALER, "min-scale"},
		    {CONFIG_AUTOSCALER, "max-scale"},
		    {CONFIG_AUTOSCALER, "initial-scale"},
		    {CONFIG_AUTOSCALER, "container-concurrency-target-default"},
		    {CONFIG_AUTOSCALER, "requests-per-second-target-default"},
		    {CONFIG_AUTOSCALER, "container-concurrency-target-percentage"},
		    {CONFIG_AUTOSCALER, "stable-window"},
		    {CONFIG_AUTOSCALER, "scale-to-zero-grace-period"},
		    {CONFIG_KEDA, "autoscaler.keda.prometheus-address"},
		    {CONFIG_KEDA, "autoscaler.keda.http-scaler-address"}};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		bool keda = strcmp(keys[i].map, CONFIG_KEDA) == 0;
		if (json_get(keda ? x->maps->keda : x->maps->autoscaler, keys[i].key))
			continue;
		vary_values(x, keys[i].map, keys[i].key);
		settle(x, CLAIM_DEFAULT,
		       arena_printf(x->arena, "default of %s %s", keys[i].map, keys[i].key));
	}
}

static void explain_annotations(struct explaining *x)
{
	const struct json *annotations =
	    json_path(x->rendered->pod_autoscaler, "metadata", "annotations", NULL);

	for (size_t i = 0; json_is(annotations, JSON_OBJECT) && i < json_count(annotations); i++) {
		const char *key = annotations->members[i].key;
		explain_input(x, NULL, key, row_of(key));
	}
}

static struct json *renamed(struct arena *arena, const struct json *v)
{
	if (json_is(v, JSON_STRING))
		return json_stringf(arena, "%sx", v->text);
	struct json *copy = json_copy(arena, v);
	for (size_t i = 0; json_is(copy, JSON_OBJECT) && i < json_count(copy); i++)
		copy->members[i].value = renamed(arena, copy->members[i].value);
	return copy;
}

static void explain_revision(struct explaining *x)
{
	static const char *const members[] = {"name", "namespace", "uid", "labels"};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *pa = json_copy(arena, x->rendered->pod_autoscaler);
	struct json *metadata = json_ensure_object(arena, pa, "metadata");
	const struct json *target = json_path(pa, "spec", "scaleTargetRef", NULL);

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const struct json *v = json_get(metadata, members[i]);
		json_set(arena, metadata, members[i],
			 v ? renamed(arena, v) : json_string(arena, "x"));
	}
	if (!json_is(json_get(metadata, "labels"), JSON_OBJECT))
		json_remove(metadata, "labels");
	json_set(arena, json_ensure_object(arena, pa, "spec"), "scaleTargetRef",
		 renamed(arena, target));
	try_rendering(x, pa, x->maps, arena);
	settle(x, CLAIM_REVISION, "the revision");
}

/* The limit of a pod, where the revision has one, is its target for concurrency. */
static void explain_concurrency(struct explaining *x)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *pa = json_copy(arena, x->rendered->pod_autoscaler);
	struct json *spec = json_ensure_object(arena, pa, "spec");
	int64_t limit = json_int_or(json_get(spec, "containerConcurrency"), 0);

	if (limit <= 0)
		return;
	json_set_int(arena, spec, "containerConcurrency", limit == 1 ? 2 : limit - 1);
	try_rendering(x, pa, x->maps, arena);
	settle(x, CLAIM_VALUE, "containerConcurrency");
}

/* Of another class nothing is rendered, so varying it teaches nothing. */
static void explain_class(struct explaining *x)
{
	const struct json *annotations =
	    json_path(x->rendered->pod_autoscaler, "metadata", "annotations", NULL);
	const struct json *value =
	    json_path(x->rendered->object, "metadata", "annotations", CLASS_ANNOTATION, NULL);

	for (size_t i = 0; value && i < x->count; i++)
		if (x->fields[i].value == value)
			x->fields[i].from = json_get(annotations, CLASS_ANNOTATION)
						? CLASS_ANNOTATION
						: CONFIG_AUTOSCALER " pod-autoscaler-class";
}

static struct json *list_of(const struct explaining *x)
{
	struct json *list = json_array(x->arena);

	for (size_t i = 0; i < x->count; i++) {
		struct json *item = json_object(x->arena);
		json_set_text(x->arena, item, "path", x->fields[i].path);
		json_set(x->arena, item, "value", json_copy(x->arena, x->fields[i].value));
		json_set_text(x->arena, item, "from", x->fields[i].from);
		json_append(x->arena, list, item);
	}
	return list;
}

struct json *render_explain(const struct rendered *rendered, const struct render_maps *maps,
			    enum desired_form form, struct arena *arena)
{
	struct explaining x = {.rendered = rendered, .maps = maps, .form = form, .arena = arena};

	collect(&x, "", rendered->object);
	/* Before an annotated target, which it may cap. */
	explain_concurrency(&x);
	explain_annotations(&x);
	explain_map(&x, CONFIG_AUTOSCALER, maps->autoscaler);
	explain_map(&x, CONFIG_KEDA, maps->keda);
	explain_defaults(&x);
	explain_revision(&x);
	explain_class(&x);
	return list_of(&x);
}
