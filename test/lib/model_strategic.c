/*
 * Strategic merge patches, as kubectl sends them for kinds that it knows: objects merge as in a
 * merge patch, lists of a known merge key merge by it, other lists are replaced. Directives:
 * $patch (replace, delete), $retainKeys, $setElementOrder, $deleteFromPrimitiveList.
 */
#include <string.h>

#include "test/lib/model_internal.h"

#define ORDER "$setElementOrder/"
#define UNLIST "$deleteFromPrimitiveList/"

/* patchMergeKey in k8s.io/api; NULL: a list of texts that is a set. */
static const struct {
	const char *list, *key;
} merge_keys[] = {
    {"containers", "name"},
    {"initContainers", "name"},
    {"volumes", "name"},
    {"env", "name"},
    {"imagePullSecrets", "name"},
    {"volumeMounts", "mountPath"},
    {"volumeDevices", "devicePath"},
    {"ports", "containerPort"},
    {"hostAliases", "ip"},
    {"topologySpreadConstraints", "topologyKey"},
    {"conditions", "type"},
    {"ownerReferences", "uid"},
    {"finalizers", NULL},
};

static bool merges(const char *list, const char **key)
{
	for (size_t i = 0; i < ARRAY_SIZE(merge_keys); i++) {
		*key = merge_keys[i].key;
		if (strcmp(merge_keys[i].list, list) == 0)
			return true;
	}
	return false;
}

static bool says(const struct json *patch, const char *what)
{
	return strcmp(json_text_or(json_get(patch, "$patch"), ""), what) == 0;
}

static struct json *merge_object(struct arena *arena, const struct json *old,
				 const struct json *patch);

/* The element of list that is the same thing as that one; count if there is none. */
static size_t find_same(const struct json *list, const struct json *one, const char *key)
{
	const struct json *wanted = key ? json_get(one, key) : one;
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *element = json_at(list, i);
		const struct json *has = key ? json_get(element, key) : element;
		if (wanted && has && json_equal(has, wanted))
			return i;
	}
	return json_count(list);
}

static void drop_element(struct json *list, size_t index)
{
	list->count--;
	memmove(list->elements + index, list->elements + index + 1,
		(list->count - index) * sizeof(list->elements[0]));
}

static struct json *merge_list(struct arena *arena, const struct json *old,
			       const struct json *patch, const char *key)
{
	struct json *list = old ? json_copy(arena, old) : json_array(arena);
	for (size_t i = 0; i < json_count(patch); i++) {
		const struct json *one = json_at(patch, i);
		if (says(one, "replace"))
			list = json_array(arena);
	}
	for (size_t i = 0; i < json_count(patch); i++) {
		const struct json *one = json_at(patch, i);
		size_t at = find_same(list, one, key);
		bool there = at < list->count;
		if (says(one, "delete") && there)
			drop_element(list, at);
		else if (says(one, "delete") || (says(one, "replace") && one->count == 1))
			continue;
		else if (there && json_is(one, JSON_OBJECT))
			list->elements[at] = merge_object(arena, list->elements[at], one);
		else if (!there)
			json_append(arena, list,
				    json_is(one, JSON_OBJECT) ? merge_object(arena, NULL, one)
							      : json_copy(arena, one));
	}
	return list;
}

/* What order names comes first, in that order; the rest stays behind it as it was. */
static void reorder(struct arena *arena, struct json *list, const struct json *order,
		    const char *key)
{
	struct json *sorted = json_array(arena);
	for (size_t i = 0; i < json_count(order); i++) {
		size_t at = find_same(list, json_at(order, i), key);
		if (at == list->count)
			continue;
		json_append(arena, sorted, list->elements[at]);
		drop_element(list, at);
	}
	for (size_t i = 0; i < list->count; i++)
		json_append(arena, sorted, list->elements[i]);
	*list = *sorted;
}

static void retain_keys(struct json *object, const struct json *kept)
{
	for (size_t i = 0; i < object->count;) {
		struct json name = {.type = JSON_STRING,
				    .text = object->members[i].key,
				    .length = object->members[i].key_len};
		if (find_same(kept, &name, NULL) == json_count(kept))
			json_remove(object, object->members[i].key);
		else
			i++;
	}
}

/* The directives beside the members that they are about. */
static void apply_directives(struct arena *arena, struct json *object, const struct json *patch)
{
	for (size_t i = 0; i < patch->count; i++) {
		const char *name = patch->members[i].key, *key = NULL;
		const struct json *value = patch->members[i].value;
		bool order = strncmp(name, ORDER, strlen(ORDER)) == 0;
		bool unlist = strncmp(name, UNLIST, strlen(UNLIST)) == 0;
		const char *of = name + (order ? strlen(ORDER) : unlist ? strlen(UNLIST) : 0);
		struct json *list = NULL;
		for (size_t j = 0; (order || unlist) && j < object->count; j++)
			if (strcmp(object->members[j].key, of) == 0)
				list = object->members[j].value;
		if (!list || list->type != JSON_ARRAY)
			continue;
		if (order && merges(of, &key))
			reorder(arena, list, value, key);
		for (size_t j = 0; unlist && j < json_count(value); j++) {
			size_t at = find_same(list, json_at(value, j), NULL);
			if (at < list->count)
				drop_element(list, at);
		}
	}
}

static struct json *merge_member(struct arena *arena, const char *name, const struct json *old,
				 const struct json *value)
{
	const char *key;
	if (json_is(value, JSON_OBJECT))
		return merge_object(arena, json_is(old, JSON_OBJECT) ? old : NULL, value);
	if (json_is(value, JSON_ARRAY) && merges(name, &key))
		return merge_list(arena, json_is(old, JSON_ARRAY) ? old : NULL, value, key);
	return json_copy(arena, value);
}

static struct json *merge_object(struct arena *arena, const struct json *old,
				 const struct json *patch)
{
	struct json *object =
	    old && !says(patch, "replace") ? json_copy(arena, old) : json_object(arena);
	if (says(patch, "delete"))
		return json_object(arena);
	const struct json *kept = json_get(patch, "$retainKeys");
	if (kept)
		retain_keys(object, kept);
	for (size_t i = 0; i < patch->count; i++) {
		const char *name = patch->members[i].key;
		const struct json *value = patch->members[i].value;
		if (name[0] == '$')
			continue;
		if (json_is(value, JSON_NULL))
			json_remove(object, name);
		else
			json_set(arena, object, name,
				 merge_member(arena, name, json_get(object, name), value));
	}
	apply_directives(arena, object, patch);
	return object;
}

const struct json *strategic_apply(struct arena *arena, const struct json *target,
				   const struct json *patch)
{
	return merge_object(arena, target, patch);
}
