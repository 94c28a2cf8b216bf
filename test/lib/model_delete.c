/*
 * Deleting, and what goes with it: preconditions, finalizers, propagation, garbage collection, the
 * content of Namespaces.
 *
 * Invariant: an object with finalizers stays, marked, until they are gone (model_write.c removes it
 * then); the collector looks again for as long as something marked waits for others.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/model_internal.h"

#define OBJECT_ARENA 4096
#define LOOK_AGAIN_MS 500
#define FOREGROUND "foregroundDeletion"

static const struct write by_collector = {.own = true, .manager = "kube-controller-manager"};

/* ---- one object ---- */

static bool preconditions_fit(const struct version *old, const struct deletion *how,
			      struct error *err)
{
	CLEANUP(strbuf_release) struct strbuf why = STRBUF_INIT;
	if (how->uid && strcmp(how->uid, old->uid) != 0)
		strbuf_addf(&why,
			    "the UID in the precondition (%s) does not match the UID in record "
			    "(%s). The object might have been deleted and then recreated",
			    how->uid, old->uid);
	else if (how->version && strtoull(how->version, NULL, 10) != old->number)
		strbuf_addf(&why,
			    "the ResourceVersion in the precondition (%s) does not match the "
			    "ResourceVersion in record (%" PRIu64 "). The object might have been "
			    "modified",
			    how->version, old->number);
	return why.len == 0 || api_conflict(err, old, why.buf);
}

static bool marked(const struct version *version)
{
	return json_path(version->value, "metadata", "deletionTimestamp", NULL);
}

static bool is_namespace(const struct version *version)
{
	return strcmp(version->resource->kind.id, "namespaces") == 0;
}

static struct version *mark(struct model *model, struct version *old, bool foreground)
{
	struct arena *arena = arena_new_sized(OBJECT_ARENA);
	struct json *value = json_copy(arena, old->value);
	struct json *meta = json_ensure_object(arena, value, "metadata");
	json_set_text(arena, meta, "deletionTimestamp", model_time(model, arena));
	json_set_int(arena, meta, "deletionGracePeriodSeconds", 0);
	if (foreground) {
		const struct json *had = json_get(meta, "finalizers");
		struct json *list = had ? json_copy(arena, had) : json_array(arena);
		json_append(arena, list, json_string(arena, FOREGROUND));
		json_set(arena, meta, "finalizers", list);
	}
	if (old->resource->kind.has_generation)
		json_set_int(arena, meta, "generation",
			     json_int_or(json_get(meta, "generation"), 0) + 1);
	if (is_namespace(old))
		json_set_text(arena, json_ensure_object(arena, value, "status"), "phase",
			      "Terminating");
	return model_commit(model, old->resource, CHANGE_MODIFIED, arena, value);
}

static void orphan_dependents(struct model *model, const struct version *owner);

bool model_do_delete_as(struct model *model, struct version *old, const struct deletion *how,
			struct version **out, struct error *err)
{
	const struct json *meta = json_get(old->value, "metadata");
	bool foreground = how->policy && strcmp(how->policy, "Foreground") == 0;
	if (!preconditions_fit(old, how, err))
		return false;
	*out = NULL;
	if (how->dry_run)
		return true;
	if (how->policy && strcmp(how->policy, "Orphan") == 0)
		orphan_dependents(model, old);
	if (json_count(json_get(meta, "finalizers")) == 0 && !foreground && !is_namespace(old)) {
		struct arena *arena = arena_new_sized(OBJECT_ARENA);
		model_commit(model, old->resource, CHANGE_DELETED, arena,
			     json_copy(arena, old->value));
		return true;
	}
	*out = marked(old) ? old : mark(model, old, foreground);
	return true;
}

bool model_do_delete(struct model *model, struct version *old, const char *uid, const char *version,
		     struct version **out, struct error *err)
{
	const struct deletion how = {.uid = uid, .version = version};
	return model_do_delete_as(model, old, &how, out, err);
}

/* ---- looking through everything ---- */

struct found {
	struct model *model;
	const struct version *about;
	bool (*fits)(const struct found *found, const struct version *version);
	struct version **versions; /* references held */
	size_t count, cap;
};

static bool add_if_fits(void *ctx, const char *key UNUSED, void *value)
{
	struct found *found = ctx;
	struct version *version = value;
	if (!found->fits(found, version))
		return true;
	if (found->count == found->cap) {
		found->cap = found->cap ? found->cap * 2 : 16;
		found->versions =
		    xrealloc(found->versions, found->cap * sizeof(found->versions[0]));
	}
	version->refs++;
	found->versions[found->count++] = version;
	return true;
}

static struct found find_all(struct model *model, const struct version *about,
			     bool (*fits)(const struct found *found, const struct version *version))
{
	struct found found = {.model = model, .about = about, .fits = fits};
	for (size_t i = 0; i < RESOURCE_COUNT; i++)
		table_each(model->resources[i].objects, add_if_fits, &found);
	return found;
}

static void found_release(struct found *found)
{
	for (size_t i = 0; i < found->count; i++)
		version_unref(found->versions[i]);
	free(found->versions);
}

/* Another version may have come since it was found. */
static struct version *still_there(const struct version *version)
{
	struct version *now = version_in(version->resource, version->ns, version->name);
	return now && strcmp(now->uid, version->uid) == 0 ? now : NULL;
}

static void delete_found(struct model *model, const struct found *found)
{
	for (size_t i = 0; i < found->count; i++) {
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct version *now = still_there(found->versions[i]);
		if (now)
			CHECK(model_do_delete(model, now, NULL, NULL, &now, &err));
	}
}

/* ---- owners and dependents ---- */

static bool owner_gone(struct model *model, const struct version *version)
{
	const struct json *owners = json_path(version->value, "metadata", "ownerReferences", NULL);
	for (size_t i = 0; i < json_count(owners); i++) {
		const char *uid = json_text_or(json_get(json_at(owners, i), "uid"), "");
		if (table_get(model->live, uid))
			return false;
	}
	return json_count(owners) > 0;
}

static bool is_garbage(const struct found *found, const struct version *version)
{
	return owner_gone(found->model, version) && !marked(version);
}

static size_t owner_at(const struct version *version, const char *uid)
{
	const struct json *owners = json_path(version->value, "metadata", "ownerReferences", NULL);
	size_t at = 0;
	while (at < json_count(owners) &&
	       strcmp(json_text_or(json_get(json_at(owners, at), "uid"), ""), uid) != 0)
		at++;
	return at < json_count(owners) ? at : SIZE_MAX;
}

static bool is_dependent(const struct found *found, const struct version *version)
{
	return owner_at(version, found->about->uid) != SIZE_MAX;
}

static bool waits_for_dependents(const struct version *version)
{
	const struct json *list = json_path(version->value, "metadata", "finalizers", NULL);
	for (size_t i = 0; i < json_count(list); i++)
		if (strcmp(json_text_or(json_at(list, i), ""), FOREGROUND) == 0)
			return marked(version);
	return false;
}

/* Members of metadata.NAME but for the one that drop says. */
static struct json *without(struct arena *arena, const struct version *version, const char *name,
			    bool (*drop)(const struct json *element, const char *text),
			    const char *text)
{
	const struct json *list = json_path(version->value, "metadata", name, NULL);
	struct json *rest = json_array(arena);
	for (size_t i = 0; i < json_count(list); i++)
		if (!drop(json_at(list, i), text))
			json_append(arena, rest, json_copy(arena, json_at(list, i)));
	return rest;
}

static bool is_text(const struct json *element, const char *text)
{
	return strcmp(json_text_or(element, ""), text) == 0;
}

static bool has_uid(const struct json *element, const char *text)
{
	return is_text(json_get(element, "uid"), text);
}

static void set_list(struct model *model, struct version *version, const char *name,
		     bool (*drop)(const struct json *element, const char *text), const char *text)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *value = json_copy(arena, version->value);
	struct json *meta = json_ensure_object(arena, value, "metadata");
	json_set(arena, meta, name, without(arena, version, name, drop, text));
	CHECK(model_do_replace(model, version, value, &by_collector, &version, &err));
}

static void orphan_dependents(struct model *model, const struct version *owner)
{
	CLEANUP(found_release) struct found found = find_all(model, owner, is_dependent);
	for (size_t i = 0; i < found.count; i++) {
		struct version *now = still_there(found.versions[i]);
		if (now)
			set_list(model, now, "ownerReferences", has_uid, owner->uid);
	}
}

/* The dependents first, then the object. */
static void foreground(struct model *model, struct version *owner)
{
	CLEANUP(found_release) struct found found = find_all(model, owner, is_dependent);
	struct version *now = still_there(owner);
	if (found.count)
		delete_found(model, &found);
	else if (now)
		set_list(model, now, "finalizers", is_text, FOREGROUND);
}

/* ---- Namespaces ---- */

static bool is_content(const struct found *found, const struct version *version)
{
	return strcmp(version->ns, found->about->name) == 0;
}

static void empty_namespace(struct model *model, struct version *ns)
{
	CLEANUP(found_release) struct found found = find_all(model, ns, is_content);
	struct version *now = still_there(ns);
	delete_found(model, &found);
	if (found.count || !now)
		return;
	struct arena *arena = arena_new_sized(OBJECT_ARENA);
	model_commit(model, now->resource, CHANGE_DELETED, arena, json_copy(arena, now->value));
}

/* ---- the collector ---- */

static bool waits(const struct found *found UNUSED, const struct version *version)
{
	return waits_for_dependents(version) || (is_namespace(version) && marked(version));
}

bool collector_concerned(struct model *model, enum change_type type, const struct version *version)
{
	return type == CHANGE_DELETED || waits(NULL, version) || owner_gone(model, version);
}

void model_collect(void *ctx)
{
	struct model *model = ctx;
	CLEANUP(found_release) struct found garbage = find_all(model, NULL, is_garbage);
	delete_found(model, &garbage);
	CLEANUP(found_release) struct found waiting = find_all(model, NULL, waits);
	for (size_t i = 0; i < waiting.count; i++) {
		if (is_namespace(waiting.versions[i]))
			empty_namespace(model, waiting.versions[i]);
		else
			foreground(model, waiting.versions[i]);
	}
	if (waiting.count && !timer_armed(&model->collector))
		timer_arm(model->timers, &model->collector, LOOK_AGAIN_MS);
}
