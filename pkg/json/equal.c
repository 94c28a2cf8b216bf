/*
 * Equality and hash of values: the order of members counts in neither, that of elements
 * in both.
 */
#include <string.h>

#include "pkg/base/compiler.h"
#include "pkg/base/hash.h"
#include "pkg/json/json.h"
#include "pkg/json/members.h"
#include "pkg/json/number.h"

static bool holds_all(const struct json *a, const struct json *b, bool values)
{
	CLEANUP(members_release) struct members in_b = members_of(b);
	for (size_t i = 0; i < a->count; i++) {
		const struct json_member *m = &a->members[i];
		const struct json_member *other = members_find(&in_b, m->key, m->key_len);
		if (!other || (values && !json_equal(m->value, other->value)))
			return false;
	}
	return true;
}

static bool arrays_equal(const struct json *a, const struct json *b)
{
	for (size_t i = 0; i < a->count; i++)
		if (!json_equal(a->elements[i], b->elements[i]))
			return false;
	return true;
}

bool json_equal(const struct json *a, const struct json *b)
{
	if (!a || !b || a == b)
		return a == b;
	if (a->type != b->type || a->count != b->count)
		return false;
	switch (a->type) {
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return a->boolean == b->boolean;
	case JSON_NUMBER:
		return number_equal(a, b);
	case JSON_STRING:
		return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
	case JSON_ARRAY:
		return arrays_equal(a, b);
	case JSON_OBJECT:
		/* Both ways: a stream may have let a key pass twice. */
		return holds_all(a, b, true) && holds_all(b, a, false);
	}
	return false;
}

/* A sum, so that the order of members does not matter. */
static uint64_t hash_members(const struct json *v)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < v->count; i++) {
		const struct json_member *m = &v->members[i];
		uint64_t value = json_hash(m->value);
		uint64_t hash = hash_bytes(HASH_SEED, m->key, m->key_len + 1);
		sum += hash_bytes(hash, &value, sizeof(value));
	}
	return sum;
}

uint64_t json_hash(const struct json *v)
{
	if (!v)
		return 0;
	unsigned char type = (unsigned char)v->type;
	uint64_t hash = hash_bytes(HASH_SEED, &type, 1), inner;
	switch (v->type) {
	case JSON_NULL:
		break;
	case JSON_BOOL:
		return hash_bytes(hash, v->boolean ? "1" : "0", 1);
	case JSON_NUMBER:
		return number_hash(hash, v);
	case JSON_STRING:
		return hash_bytes(hash, v->text, v->length);
	case JSON_ARRAY:
		for (size_t i = 0; i < v->count; i++) {
			inner = json_hash(v->elements[i]);
			hash = hash_bytes(hash, &inner, sizeof(inner));
		}
		break;
	case JSON_OBJECT:
		inner = hash_members(v);
		return hash_bytes(hash, &inner, sizeof(inner));
	}
	return hash;
}
