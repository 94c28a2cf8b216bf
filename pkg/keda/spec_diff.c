/*
 * The merge patch (RFC 7386) from a live to a desired ScaledObject. Differences are found in the
 * normal form and written in the desired object's own spelling; what is absent there in either
 * spelling is written as null.
 */
#include <string.h>

#include "pkg/keda/spec.h"

struct differ {
	const struct learned *learned;
	struct arena *arena;
};

static void diff_members(const struct differ *d, const char *path, const struct json *desired,
			 const struct json *live, struct json *patch);

/* path is that of the member itself. */
static void diff_member(const struct differ *d, const char *path, const char *key,
			const struct json *desired, const struct json *live, struct json *patch)
{
	const struct json *want = json_get(desired, key), *have = json_get(live, key);
	const struct json *want_normal = spec_normal(path, want, d->learned, d->arena);
	const struct json *have_normal = spec_normal(path, have, d->learned, d->arena);
	if (json_equal(want_normal, have_normal))
		return;
	/* A learned default that is wanted by name is written, not left to the server. */
	if (!spec_normal(path, want, NULL, d->arena))
		json_set(d->arena, patch, key, json_null(d->arena));
	else if (json_is(want, JSON_OBJECT) && json_is(have, JSON_OBJECT))
		diff_members(d, path, want, have, json_ensure_object(d->arena, patch, key));
	else
		json_set(d->arena, patch, key, json_copy(d->arena, want));
}

static void diff_members(const struct differ *d, const char *path, const struct json *desired,
			 const struct json *live, struct json *patch)
{
	for (size_t i = 0; i < desired->count; i++) {
		const char *key = desired->members[i].key;
		diff_member(d, spec_member_path(d->arena, path, key), key, desired, live, patch);
	}
	for (size_t i = 0; i < live->count; i++) {
		const char *key = live->members[i].key;
		if (!json_get(desired, key))
			diff_member(d, spec_member_path(d->arena, path, key), key, desired, live,
				    patch);
	}
}

/* Every desired pair must be there; those of others stay. */
static void diff_pairs(struct arena *arena, const struct json *desired, const struct json *live,
		       const char *which, struct json *patch)
{
	const struct json *want = json_get(desired, which), *have = json_get(live, which);
	for (size_t i = 0; i < json_count(want); i++) {
		const struct json_member *member = &want->members[i];
		if (!json_equal(member->value, json_get(have, member->key)))
			json_set(arena, json_ensure_object(arena, patch, which), member->key,
				 json_copy(arena, member->value));
	}
}

static void drop_annotation(struct arena *arena, const struct json *desired,
			    const struct json *live, const char *key, struct json *patch)
{
	if (json_path(live, "annotations", key, NULL) &&
	    !json_path(desired, "annotations", key, NULL))
		json_set(arena, json_ensure_object(arena, patch, "annotations"), key,
			 json_null(arena));
}

static void drop_managed(struct arena *arena, const struct json *desired, const struct json *live,
			 struct json *patch)
{
	const char *list =
	    json_text_or(json_path(live, "annotations", SCALED_OBJECT_MANAGED, NULL), "");
	while (*list) {
		size_t length = strcspn(list, ",");
		drop_annotation(arena, desired, live, arena_strndup(arena, list, length), patch);
		list += length + (list[length] == ',');
	}
	drop_annotation(arena, desired, live, SCALED_OBJECT_MANAGED, patch);
}

static bool is_controller(const struct json *owner)
{
	return json_bool_or(json_get(owner, "controller"), false);
}

/* The list is a merge patch's whole: owners that are none of ours go along unchanged. */
static void diff_owners(struct arena *arena, const struct json *desired, const struct json *live,
			struct json *patch)
{
	const struct json *ours = json_at(json_get(desired, "ownerReferences"), 0);
	const struct json *have = json_get(live, "ownerReferences");
	struct json *owners = json_array(arena);
	if (!ours)
		return;
	json_append(arena, owners, json_copy(arena, ours));
	for (size_t i = 0; i < json_count(have); i++) {
		const struct json *owner = json_at(have, i);
		if (json_equal(owner, ours))
			return;
		if (!is_controller(owner) &&
		    !json_equal(json_get(owner, "uid"), json_get(ours, "uid")))
			json_append(arena, owners, json_copy(arena, owner));
	}
	json_set(arena, patch, "ownerReferences", owners);
}

struct json *scaled_object_diff(const struct json *desired, const struct json *live,
				const struct learned *learned, struct arena *arena)
{
	const struct differ d = {learned, arena};
	const struct json *want = json_get(desired, "metadata"), *have = json_get(live, "metadata");
	struct json *patch = json_object(arena), *metadata = json_object(arena);
	struct json *differs = json_object(arena);

	json_set_text(arena, metadata, "resourceVersion",
		      json_text_or(json_get(have, "resourceVersion"), ""));
	json_set(arena, patch, "metadata", metadata);
	diff_pairs(arena, want, have, "labels", differs);
	diff_pairs(arena, want, have, "annotations", differs);
	drop_managed(arena, want, have, differs);
	diff_owners(arena, want, have, differs);
	for (size_t i = 0; i < differs->count; i++)
		json_set(arena, metadata, differs->members[i].key, differs->members[i].value);

	diff_member(&d, "", "spec", desired, live, patch);
	return patch->count > 1 || metadata->count > 1 ? patch : NULL;
}
