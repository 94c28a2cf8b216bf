/*
 * Building values in an arena. Lists of members and elements grow by doubling; what they
 * outgrow stays in the arena until that goes.
 */
#include "pkg/json/build.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pkg/base/check.h"

struct json *json_new(struct arena *arena, enum json_type type)
{
	struct json *v = ARENA_NEW(arena, struct json);
	v->type = type;
	return v;
}

struct json *json_new_text(struct arena *arena, enum json_type type, const char *text,
			   size_t length)
{
	struct json *v = json_new(arena, type);
	v->text = arena_strndup(arena, text, length);
	v->length = length;
	return v;
}

struct json *json_null(struct arena *arena)
{
	return json_new(arena, JSON_NULL);
}

struct json *json_bool(struct arena *arena, bool value)
{
	struct json *v = json_new(arena, JSON_BOOL);
	v->boolean = value;
	return v;
}

struct json *json_integer(struct arena *arena, int64_t value)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRId64, value);
	return json_new_text(arena, JSON_NUMBER, digits, (size_t)length);
}

struct json *json_number(struct arena *arena, const char *digits)
{
	return json_new_text(arena, JSON_NUMBER, digits, strlen(digits));
}

struct json *json_string(struct arena *arena, const char *text)
{
	return json_new_text(arena, JSON_STRING, text, strlen(text));
}

struct json *json_stringf(struct arena *arena, const char *format, ...)
{
	struct json *v = json_new(arena, JSON_STRING);
	va_list args;
	va_start(args, format);
	v->text = arena_vprintf(arena, format, args);
	va_end(args);
	v->length = strlen(v->text);
	return v;
}

struct json *json_array(struct arena *arena)
{
	return json_new(arena, JSON_ARRAY);
}

struct json *json_object(struct arena *arena)
{
	return json_new(arena, JSON_OBJECT);
}

/* The list with room for one more. */
static void *grown(struct arena *arena, struct json *v, void *list, size_t unit)
{
	if (v->count < v->cap)
		return list;
	v->cap = v->cap ? v->cap * 2 : 4;
	void *larger = arena_alloc(arena, v->cap * unit);
	if (v->count)
		memcpy(larger, list, v->count * unit);
	return larger;
}

void json_push_member(struct arena *arena, struct json *object, const char *key, size_t key_len,
		      struct json *value)
{
	object->members = grown(arena, object, object->members, sizeof(*object->members));
	object->members[object->count++] = (struct json_member){key, key_len, value};
}

void json_append(struct arena *arena, struct json *array, struct json *value)
{
	CHECK(array->type == JSON_ARRAY);
	array->elements = grown(arena, array, array->elements, sizeof(*array->elements));
	array->elements[array->count++] = value;
}

static struct json_member *find(struct json *object, const char *key)
{
	CHECK(object->type == JSON_OBJECT);
	size_t length = strlen(key);
	for (size_t i = object->count; i > 0; i--) {
		struct json_member *m = &object->members[i - 1];
		if (m->key_len == length && memcmp(m->key, key, length) == 0)
			return m;
	}
	return NULL;
}

struct json *json_set(struct arena *arena, struct json *object, const char *key, struct json *value)
{
	if (!value)
		return NULL;
	struct json_member *m = find(object, key);
	if (m)
		m->value = value;
	else
		json_push_member(arena, object, arena_strdup(arena, key), strlen(key), value);
	return value;
}

void json_set_text(struct arena *arena, struct json *object, const char *key, const char *text)
{
	if (text)
		json_set(arena, object, key, json_string(arena, text));
}

void json_set_int(struct arena *arena, struct json *object, const char *key, int64_t value)
{
	json_set(arena, object, key, json_integer(arena, value));
}

void json_set_bool(struct arena *arena, struct json *object, const char *key, bool value)
{
	json_set(arena, object, key, json_bool(arena, value));
}

bool json_remove(struct json *object, const char *key)
{
	bool removed = false;
	for (struct json_member *m; (m = find(object, key)); removed = true) {
		struct json_member *end = object->members + object->count--;
		memmove(m, m + 1, (size_t)(end - (m + 1)) * sizeof(*m));
	}
	return removed;
}

struct json *json_ensure_object(struct arena *arena, struct json *object, const char *key)
{
	struct json_member *m = find(object, key);
	if (m && m->value->type == JSON_OBJECT)
		return m->value;
	return json_set(arena, object, key, json_object(arena));
}

struct json *json_copy(struct arena *arena, const struct json *v)
{
	struct json *copy = json_new(arena, v->type);
	copy->boolean = v->boolean;
	copy->line = v->line;
	copy->column = v->column;
	if (v->text) {
		copy->text = arena_strndup(arena, v->text, v->length);
		copy->length = v->length;
	}
	for (size_t i = 0; i < v->count; i++)
		if (v->type == JSON_ARRAY) {
			json_append(arena, copy, json_copy(arena, v->elements[i]));
		} else {
			const struct json_member *m = &v->members[i];
			json_push_member(arena, copy, arena_strndup(arena, m->key, m->key_len),
					 m->key_len, json_copy(arena, m->value));
		}
	return copy;
}
