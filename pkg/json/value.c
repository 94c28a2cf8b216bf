/*
 * Reading values. Nothing here allocates, and every function takes NULL for "absent".
 */
#include <stdarg.h>
#include <string.h>

#include "pkg/json/json.h"
#include "pkg/json/number.h"

const struct json *json_get(const struct json *v, const char *key)
{
	if (!json_is(v, JSON_OBJECT))
		return NULL;
	size_t length = strlen(key);
	for (size_t i = v->count; i > 0; i--) {
		const struct json_member *m = &v->members[i - 1];
		if (m->key_len == length && memcmp(m->key, key, length) == 0)
			return m->value;
	}
	return NULL;
}

const struct json *json_path(const struct json *v, ...)
{
	va_list keys;
	va_start(keys, v);
	for (const char *key; v && (key = va_arg(keys, const char *));)
		v = json_get(v, key);
	va_end(keys);
	return v;
}

const char *json_text(const struct json *v)
{
	return json_text_or(v, NULL);
}

const char *json_text_or(const struct json *v, const char *fallback)
{
	return json_is(v, JSON_STRING) ? v->text : fallback;
}

bool json_bool_or(const struct json *v, bool fallback)
{
	return json_is(v, JSON_BOOL) ? v->boolean : fallback;
}

bool json_int(const struct json *v, int64_t *out)
{
	if (!json_is(v, JSON_NUMBER))
		return false;
	struct number n = number_of(v);
	if (n.beyond || n.exponent < 0 || n.count > 19 || n.exponent > 19)
		return false;
	/* Counted below zero, where int64 reaches one further. */
	int64_t value = 0;
	for (size_t i = 0; i < n.count; i++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, number_digit(&n.first) - '0', &value))
			return false;
	for (int64_t i = 0; i < n.exponent; i++)
		if (__builtin_mul_overflow(value, 10, &value))
			return false;
	if (!n.negative && __builtin_sub_overflow(0, value, &value))
		return false;
	*out = value;
	return true;
}

int64_t json_int_or(const struct json *v, int64_t fallback)
{
	int64_t value;
	return json_int(v, &value) ? value : fallback;
}

bool json_is(const struct json *v, enum json_type type)
{
	return v && v->type == type;
}

size_t json_count(const struct json *v)
{
	return v ? v->count : 0;
}

const struct json *json_at(const struct json *v, size_t index)
{
	return json_is(v, JSON_ARRAY) && index < v->count ? v->elements[index] : NULL;
}
