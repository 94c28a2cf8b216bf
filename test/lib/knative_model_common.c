/*
 * Small things that all of Knative's stand-ins need: references, labels, annotations, writes.
 */
#include <stdlib.h>
#include <string.h>

#include "test/lib/knative_model.h"

const struct write knative_write = {.own = true, .manager = "controller"};

void knative_must(bool ok, const struct error *err)
{
	if (ok)
		return;
	fprintf(stderr, "the model refuses its own Knative: %s\n", error_text(err));
	abort();
}

void knative_status(struct model *model, const char *plural, const char *ns, const char *name,
		    struct json *status)
{
	static const struct write how = {.own = true, .status = true};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct version *version = model_find(model, plural, ns, name);
	if (!version)
		return;
	struct json *new = json_copy(arena, version->value);
	json_set(arena, new, "status", status);
	knative_must(model_do_replace(model, version, new, &how, &version, &err), &err);
}

void knative_own(struct arena *arena, struct json *meta, const struct version *owner)
{
	const struct kind *kind = &owner->resource->kind;
	struct json *list = json_array(arena), *one = json_object(arena);
	json_set(arena, one, "apiVersion",
		 json_stringf(arena, "%s/%s", kind->group, kind->version));
	json_set_text(arena, one, "kind", kind->name);
	json_set_text(arena, one, "name", owner->name);
	json_set_text(arena, one, "uid", owner->uid);
	json_set_bool(arena, one, "controller", true);
	json_set_bool(arena, one, "blockOwnerDeletion", true);
	json_append(arena, list, one);
	json_set(arena, meta, "ownerReferences", list);
}

bool knative_owned(const struct version *version, const struct version *owner)
{
	const struct json *list = json_path(version->value, "metadata", "ownerReferences", NULL);
	for (size_t i = 0; i < json_count(list); i++)
		if (strcmp(json_text_or(json_get(json_at(list, i), "uid"), ""), owner->uid) == 0)
			return true;
	return false;
}

const char *knative_label(const struct json *object, const char *name)
{
	return json_text(json_get(json_path(object, "metadata", "labels", NULL), name));
}

const char *knative_annotation(const struct json *object, const char *name)
{
	return json_text(json_get(json_path(object, "metadata", "annotations", NULL), name));
}

struct json *knative_object(struct arena *arena, const struct json *from)
{
	return json_is(from, JSON_OBJECT) ? json_copy(arena, from) : json_object(arena);
}

struct json *knative_annotations(struct arena *arena, const struct json *object,
				 const char *const *without)
{
	const struct json *from = json_path(object, "metadata", "annotations", NULL);
	struct json *out = knative_object(arena, from);
	for (size_t i = 0; without[i]; i++)
		json_remove(out, without[i]);
	return out;
}

int64_t knative_generation(const struct json *object)
{
	return json_int_or(json_path(object, "metadata", "generation", NULL), 0);
}

bool knative_whole(const struct version *version)
{
	return version && json_path(version->value, "spec", "template", NULL) &&
	       !json_path(version->value, "metadata", "deletionTimestamp", NULL);
}

struct revision_search {
	const char *ns, *label, *value;
	struct version **found;
	size_t count;
};

static bool find_revision(void *ctx, const char *key UNUSED, void *value)
{
	struct revision_search *search = ctx;
	struct version *revision = value;
	const char *has = knative_label(revision->value, search->label);
	if (has && strcmp(has, search->value) == 0 && strcmp(revision->ns, search->ns) == 0)
		search->found[search->count++] = revision;
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct version *const *left = a, *const *right = b;
	return strcmp((*left)->name, (*right)->name);
}

size_t knative_revisions(struct model *model, struct arena *arena, const char *ns,
			 const char *label, const char *value, struct version ***out)
{
	struct table *all = model_resource(model, "revisions")->objects;
	struct revision_search search = {.ns = ns, .label = label, .value = value};
	search.found = ARENA_ARRAY(arena, struct version *, table_count(all) + 1);
	table_each(all, find_revision, &search);
	qsort(search.found, search.count, sizeof(search.found[0]), by_name);
	*out = search.found;
	return search.count;
}
