/*
 * JSON patches (RFC 6902) on values, with JSON pointers (RFC 6901). All operations are applied or
 * none: the work is done on a copy.
 *
 * Invariant: what copying adds is bounded as in the API server, so that a small patch cannot make a
 * huge object.
 */
#include <stdlib.h>
#include <string.h>

#include "test/lib/model_internal.h"

#define OPERATIONS_MAX 10000
#define COPIED_MAX ((size_t)3 * 1024 * 1024)
#define DEPTH_MAX 64

struct patching {
	struct arena *arena;
	struct json *root;
	size_t copied;
	struct error *err;
};

/* Where a pointer leads: a member or element of parent, which may be absent. */
struct place {
	struct json *parent; /* NULL: the whole document */
	const char *key;
	size_t index; /* of an array; its count for "-" */
	struct json *value;
};

static bool fails(struct patching *work, const char *path, const char *what)
{
	return api_error(work->err, ERROR_INVALID, 422, "json patch: \"%s\": %s", path, what);
}

/* ---- pointers ---- */

static const char *unescaped(struct arena *arena, const char *text, size_t length)
{
	char *out = arena_alloc(arena, length + 1);
	size_t used = 0;
	for (size_t i = 0; i < length; i++) {
		bool escape = text[i] == '~' && i + 1 < length;
		if (escape && (text[i + 1] == '0' || text[i + 1] == '1'))
			out[used++] = text[++i] == '0' ? '~' : '/';
		else
			out[used++] = text[i];
	}
	return out;
}

/* No sign, no leading zero; "-" is one behind the last. */
static bool read_index(const struct json *array, const char *key, size_t *out)
{
	if (strcmp(key, "-") == 0) {
		*out = array->count;
		return true;
	}
	size_t digits = strspn(key, "0123456789");
	if (!digits || key[digits] || digits > 9 || (key[0] == '0' && digits > 1))
		return false;
	*out = strtoul(key, NULL, 10);
	return *out <= array->count;
}

/* One step down; false: parent has no such place. */
static bool step(struct json *parent, const char *key, struct place *out)
{
	*out = (struct place){.parent = parent, .key = key};
	if (parent->type == JSON_OBJECT) {
		for (size_t i = 0; i < parent->count; i++)
			if (strcmp(parent->members[i].key, key) == 0)
				out->value = parent->members[i].value;
		return true;
	}
	if (parent->type != JSON_ARRAY || !read_index(parent, key, &out->index))
		return false;
	out->value = out->index < parent->count ? parent->elements[out->index] : NULL;
	return true;
}

static bool find(struct patching *work, const char *path, struct place *out)
{
	const char *at = path;
	unsigned depth = 0;
	*out = (struct place){.value = work->root};
	if (*path && *path != '/')
		return fails(work, path, "a pointer begins with /");
	while (*at) {
		size_t length = strcspn(++at, "/");
		if (!out->value || ++depth > DEPTH_MAX ||
		    !step(out->value, unescaped(work->arena, at, length), out))
			return fails(work, path, "there is no such place");
		at += length;
	}
	return true;
}

static bool find_value(struct patching *work, const char *path, struct place *out)
{
	return find(work, path, out) && (out->value || fails(work, path, "there is nothing"));
}

/* ---- operations ---- */

static void put(struct patching *work, const struct place *place, struct json *value)
{
	struct json *parent = place->parent;
	if (!parent) {
		work->root = value;
	} else if (parent->type == JSON_OBJECT) {
		json_set(work->arena, parent, place->key, value);
	} else {
		json_append(work->arena, parent, value);
		memmove(parent->elements + place->index + 1, parent->elements + place->index,
			(parent->count - 1 - place->index) * sizeof(parent->elements[0]));
		parent->elements[place->index] = value;
	}
}

static void take_out(const struct place *place)
{
	struct json *parent = place->parent;
	if (parent->type == JSON_OBJECT) {
		json_remove(parent, place->key);
		return;
	}
	parent->count--;
	memmove(parent->elements + place->index, parent->elements + place->index + 1,
		(parent->count - place->index) * sizeof(parent->elements[0]));
}

static bool operate_remove(struct patching *work, const char *path)
{
	struct place place;
	if (!find_value(work, path, &place))
		return false;
	if (!place.parent)
		return fails(work, path, "the whole document cannot be removed");
	take_out(&place);
	return true;
}

static bool operate_add(struct patching *work, const char *path, struct json *value)
{
	struct place place;
	if (!find(work, path, &place))
		return false;
	put(work, &place, value);
	return true;
}

static bool operate_replace(struct patching *work, const char *path, struct json *value)
{
	struct place place;
	if (!find_value(work, path, &place))
		return false;
	if (place.parent && place.parent->type == JSON_ARRAY)
		place.parent->elements[place.index] = value;
	else
		put(work, &place, value);
	return true;
}

static bool operate_test(struct patching *work, const char *path, const struct json *value)
{
	struct place place;
	return find_value(work, path, &place) &&
	       (json_equal(place.value, value) || fails(work, path, "testing value failed"));
}

static bool operate_move(struct patching *work, const char *path, const char *from, bool copy)
{
	struct place place;
	size_t length = strlen(from);
	if (!find_value(work, from, &place))
		return false;
	struct json *value = place.value;
	if (copy) {
		CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
		json_write(value, &text);
		work->copied += text.len;
		if (work->copied > COPIED_MAX)
			return fails(work, path, "the patch copies too much");
		return operate_add(work, path, json_copy(work->arena, value));
	}
	if (strcmp(path, from) == 0)
		return true;
	if (!length || (strncmp(path, from, length) == 0 && path[length] == '/'))
		return fails(work, path, "a value cannot be moved into itself");
	take_out(&place);
	return operate_add(work, path, value);
}

static bool operate(struct patching *work, const struct json *operation)
{
	const char *op = json_text_or(json_get(operation, "op"), "");
	const char *path = json_text(json_get(operation, "path"));
	const char *from = json_text(json_get(operation, "from"));
	const struct json *given = json_get(operation, "value");
	bool moves = strcmp(op, "move") == 0, copies = strcmp(op, "copy") == 0;
	if (!path)
		return fails(work, "", "an operation has no path");
	if (strcmp(op, "remove") == 0)
		return operate_remove(work, path);
	if (moves || copies)
		return from ? operate_move(work, path, from, copies)
			    : fails(work, path, "the operation has no from");
	if (!given)
		return fails(work, path, "the operation has no value");
	if (strcmp(op, "test") == 0)
		return operate_test(work, path, given);
	struct json *value = json_copy(work->arena, given);
	if (strcmp(op, "add") == 0)
		return operate_add(work, path, value);
	if (strcmp(op, "replace") == 0)
		return operate_replace(work, path, value);
	return fails(work, path, "the operation is none of add, remove, replace, move, copy, test");
}

bool json_patch_apply(struct arena *arena, const struct json *target, const struct json *patch,
		      const struct json **out, struct error *err)
{
	struct patching work = {.arena = arena, .root = json_copy(arena, target), .err = err};
	if (!json_is(patch, JSON_ARRAY))
		return api_error(err, ERROR_INVALID, 400, "the JSON patch is no list");
	if (json_count(patch) > OPERATIONS_MAX)
		return api_error(err, ERROR_INVALID, 413,
				 "the allowed maximum operations in a JSON patch is %d, got %zu",
				 OPERATIONS_MAX, json_count(patch));
	for (size_t i = 0; i < json_count(patch); i++)
		if (!operate(&work, json_at(patch, i)))
			return false;
	*out = work.root;
	return true;
}
