/*
 * Decoding of object metadata. What comes from the network is checked here once: a struct meta
 * that meta_decode accepted has a name, texts that are never NULL (but for an absent owner) and a
 * version that compares as a number.
 */
#include "pkg/meta/meta.h"

#include <string.h>

#include "pkg/base/date.h"
#include "pkg/base/intern.h"

/* Keys are chosen by users: past this the pool takes no new ones from here, so that random
 * annotation keys cannot fill the memory. */
#define SHARED_MAX ((size_t)1 << 20)

/* The reference is never given back: a text once shared stays, so no object needs to remember
 * what it borrowed. */
static const char *shared_text(struct arena *arena, const char *text)
{
	const char *shared = intern_known(text);
	if (shared)
		return shared;
	return intern_bytes() < SHARED_MAX ? intern_ref(text) : arena_strdup(arena, text);
}

const char *meta_pair_get(const struct meta_pairs *pairs, const char *key)
{
	for (size_t i = pairs->count; i > 0; i--) {
		if (strcmp(pairs->items[i - 1].key, key) == 0)
			return pairs->items[i - 1].value;
	}
	return NULL;
}

bool meta_decode_version(const struct json *object, uint64_t *out, struct error *err)
{
	const struct json *member = json_path(object, "metadata", "resourceVersion", NULL);
	const char *text = json_text(member);
	uint64_t value = 0;
	*out = 0;
	if (!member || (text && text[0] == '\0'))
		return true;
	if (!text)
		return error_set(err, ERROR_INVALID, "metadata.resourceVersion is no text");
	for (const char *p = text; *p; p++) {
		unsigned digit = (unsigned)(*p - '0');
		if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return error_set(err, ERROR_INVALID,
					 "metadata.resourceVersion \"%.40s\" is no number", text);
	}
	*out = value;
	return true;
}

static const char *copied_text(struct arena *arena, const struct json *value)
{
	const char *text = json_text_or(value, "");
	return text[0] ? arena_strdup(arena, text) : "";
}

static void decode_owner(const struct json *references, struct arena *arena, struct meta *meta)
{
	struct meta_owner *out = &meta->owner;
	if (!json_is(references, JSON_ARRAY))
		return;
	for (size_t i = 0; i < json_count(references); i++) {
		const struct json *owner = json_at(references, i);
		if (!json_bool_or(json_get(owner, "controller"), false))
			continue;
		out->api_version =
		    shared_text(arena, json_text_or(json_get(owner, "apiVersion"), ""));
		out->kind = shared_text(arena, json_text_or(json_get(owner, "kind"), ""));
		/* Knative and KEDA name most objects as their owner. */
		if (strcmp(json_text_or(json_get(owner, "name"), ""), meta->name) == 0)
			out->name = meta->name;
		else
			out->name = copied_text(arena, json_get(owner, "name"));
		out->uid = copied_text(arena, json_get(owner, "uid"));
		return;
	}
}

bool meta_decode(const struct json *object, struct arena *arena, struct meta *out,
		 struct error *err)
{
	const struct json *metadata = json_get(object, "metadata");
	const char *name = json_text_or(json_get(metadata, "name"), "");
	*out = (struct meta){0};
	if (!name[0])
		return error_set(err, ERROR_INVALID, "metadata.name is missing");
	if (!meta_decode_version(object, &out->version, err))
		return false;
	out->name = arena_strdup(arena, name);
	out->ns = shared_text(arena, json_text_or(json_get(metadata, "namespace"), ""));
	out->uid = copied_text(arena, json_get(metadata, "uid"));
	out->generation = json_int_or(json_get(metadata, "generation"), 0);
	out->terminating = json_text(json_get(metadata, "deletionTimestamp")) != NULL;
	if (!time_parse_rfc3339(json_text_or(json_get(metadata, "creationTimestamp"), ""),
				&out->created_ms))
		out->created_ms = 0;
	decode_owner(json_get(metadata, "ownerReferences"), arena, out);
	return true;
}

/* A NUL inside becomes C0 80: no reader may take a part of the text for the whole. */
static char *pair_value(const struct json *value, struct arena *arena)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	if (!memchr(value->text, 0, value->length))
		return arena_strndup(arena, value->text, value->length);
	for (size_t i = 0; i < value->length; i++)
		strbuf_add(&text, value->text[i] ? &value->text[i] : "\xC0\x80",
			   value->text[i] ? 1 : 2);
	return arena_strndup(arena, text.buf, text.len);
}

static bool kept(bool (*keep)(const char *key), const struct json_member *member)
{
	return !keep || keep(member->key);
}

static size_t count_kept(const struct json *map, bool (*keep)(const char *key))
{
	size_t count = 0;
	for (size_t i = 0; i < map->count; i++)
		count += kept(keep, &map->members[i]) ? 1 : 0;
	return count;
}

bool meta_decode_pairs(const struct json *object, const char *which, bool (*keep)(const char *key),
		       struct arena *arena, struct meta_pairs *out, struct error *err)
{
	const struct json *map = json_path(object, "metadata", which, NULL);
	*out = (struct meta_pairs){0};
	if (!map || json_is(map, JSON_NULL))
		return true;
	if (!json_is(map, JSON_OBJECT))
		return error_set(err, ERROR_INVALID, "metadata.%s is no object", which);
	size_t count = count_kept(map, keep);
	if (count == 0)
		return true;
	out->items = ARENA_ARRAY(arena, struct meta_pair, count);
	for (size_t i = 0; i < map->count; i++) {
		const struct json_member *member = &map->members[i];
		if (!kept(keep, member))
			continue;
		if (!json_is(member->value, JSON_STRING))
			return error_set(err, ERROR_INVALID, "metadata.%s: \"%.80s\" is no text",
					 which, member->key);
		out->items[out->count].key = shared_text(arena, member->key);
		out->items[out->count++].value = pair_value(member->value, arena);
	}
	return true;
}

bool meta_has_finalizer(const struct json *object, const char *finalizer)
{
	const struct json *list = json_path(object, "metadata", "finalizers", NULL);
	if (!json_is(list, JSON_ARRAY))
		return false;
	for (size_t i = 0; i < json_count(list); i++) {
		if (strcmp(json_text_or(json_at(list, i), ""), finalizer) == 0)
			return true;
	}
	return false;
}

bool meta_owned_by(const struct meta *meta, const char *uid)
{
	return uid && uid[0] && meta->owner.uid && strcmp(meta->owner.uid, uid) == 0;
}

struct json *meta_owner_reference(struct arena *arena, const char *api_version, const char *kind,
				  const char *name, const char *uid)
{
	struct json *reference = json_object(arena);
	json_set_text(arena, reference, "apiVersion", api_version);
	json_set_text(arena, reference, "kind", kind);
	json_set_text(arena, reference, "name", name);
	json_set_text(arena, reference, "uid", uid);
	json_set_bool(arena, reference, "controller", true);
	json_set_bool(arena, reference, "blockOwnerDeletion", true);
	return reference;
}
