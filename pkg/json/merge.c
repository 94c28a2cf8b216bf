/*
 * Merge patches (RFC 7386). Results share what did not change with their inputs, so they
 * live no longer than those.
 */
#include "pkg/base/compiler.h"
#include "pkg/json/build.h"
#include "pkg/json/members.h"

/* Values are immutable once shared; only containers that are built here get written. */
static struct json *shared(const struct json *v)
{
	return (struct json *)(uintptr_t)v;
}

static void diff_members(struct arena *arena, const struct json *from, const struct json *to,
			 struct json *patch)
{
	CLEANUP(members_release) struct members before = members_of(from);
	for (size_t i = 0; i < to->count; i++) {
		const struct json_member *m = &to->members[i];
		const struct json_member *old = members_find(&before, m->key, m->key_len);
		struct json *change = json_merge_diff(arena, old ? old->value : NULL, m->value);
		if (change)
			json_push_member(arena, patch, m->key, m->key_len, change);
	}
}

static void diff_removed(struct arena *arena, const struct json *from, const struct json *to,
			 struct json *patch)
{
	CLEANUP(members_release) struct members after = members_of(to);
	for (size_t i = 0; i < from->count; i++) {
		const struct json_member *m = &from->members[i];
		if (!members_find(&after, m->key, m->key_len))
			json_push_member(arena, patch, m->key, m->key_len, json_null(arena));
	}
}

struct json *json_merge_diff(struct arena *arena, const struct json *from, const struct json *to)
{
	if (!from || !to || from->type != JSON_OBJECT || to->type != JSON_OBJECT)
		return json_equal(from, to) ? NULL : shared(to);
	struct json *patch = json_object(arena);
	diff_members(arena, from, to, patch);
	diff_removed(arena, from, to, patch);
	return patch->count > 0 ? patch : NULL;
}

static void apply_kept(struct arena *arena, const struct json *target, const struct json *patch,
		       struct json *result)
{
	CLEANUP(members_release) struct members changes = members_of(patch);
	for (size_t i = 0; i < target->count; i++) {
		const struct json_member *m = &target->members[i];
		const struct json_member *change = members_find(&changes, m->key, m->key_len);
		struct json *value =
		    change ? json_merge_apply(arena, m->value, change->value) : m->value;
		if (!json_is(change ? change->value : NULL, JSON_NULL))
			json_push_member(arena, result, m->key, m->key_len, value);
	}
}

static void apply_new(struct arena *arena, const struct json *target, const struct json *patch,
		      struct json *result)
{
	CLEANUP(members_release) struct members before = members_of(target);
	for (size_t i = 0; i < patch->count; i++) {
		const struct json_member *m = &patch->members[i];
		if (m->value->type != JSON_NULL && !members_find(&before, m->key, m->key_len))
			json_push_member(arena, result, m->key, m->key_len,
					 json_merge_apply(arena, NULL, m->value));
	}
}

struct json *json_merge_apply(struct arena *arena, const struct json *target,
			      const struct json *patch)
{
	if (!json_is(patch, JSON_OBJECT))
		return shared(patch);
	bool is_object = target && target->type == JSON_OBJECT;
	const struct json *base = is_object ? target : json_object(arena);
	struct json *result = json_object(arena);
	apply_kept(arena, base, patch, result);
	apply_new(arena, base, patch, result);
	return result;
}
