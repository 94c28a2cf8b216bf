/* Tables are short and values bounded at 256 KiB and depth 32: a plain walk is enough. */
#include "reconciler/hpa/shape.h"

#include <string.h>
#include <strings.h>

struct checking {
	const char *key;
	struct arena *arena;
	struct refusal *refusal;
};

static const char *type_name(enum json_type type)
{
	static const char *const names[] = {
	    [JSON_NULL] = "null",       [JSON_BOOL] = "true or false", [JSON_NUMBER] = "a number",
	    [JSON_STRING] = "a string", [JSON_ARRAY] = "a list",       [JSON_OBJECT] = "an object",
	};

	return names[type];
}

static bool check_value(const struct checking *c, const struct json *v,
			const struct shape *members);

static bool check_member(const struct checking *c, const struct json_member *member,
			 const struct shape *known)
{
	const struct json *v = member->value;

	if (v->type != JSON_NULL && known->type != JSON_NULL && v->type != known->type)
		return refuse_at(c->refusal, c->arena, c->key, v, "is %s; %s must be %s",
				 type_name(v->type), known->key, type_name(known->type));
	return !known->members || check_value(c, v, known->members);
}

static bool check_key(const struct checking *c, const struct json_member *member,
		      const struct shape *members)
{
	const struct shape *slip = NULL;

	if (strlen(member->key) != member->key_len)
		return true;
	for (const struct shape *known = members; known->key; known++) {
		if (strcmp(known->key, member->key) == 0)
			return check_member(c, member, known);
		if (strcasecmp(known->key, member->key) == 0)
			slip = known;
	}
	if (!slip)
		return true;
	return refuse_at(c->refusal, c->arena, c->key, member->value,
			 "stands under the key \"%s\", which is not known; use \"%s\"", member->key,
			 slip->key);
}

static bool check_value(const struct checking *c, const struct json *v, const struct shape *members)
{
	if (json_is(v, JSON_OBJECT))
		for (size_t i = 0; i < v->count; i++)
			if (!check_key(c, &v->members[i], members))
				return false;
	if (json_is(v, JSON_ARRAY))
		for (size_t i = 0; i < v->count; i++)
			if (!json_is(v->elements[i], JSON_ARRAY) &&
			    !check_value(c, v->elements[i], members))
				return false;
	return true;
}

bool shape_check(const struct json *v, const struct shape *members, const char *key,
		 struct arena *arena, struct refusal *refusal)
{
	struct checking c = {key, arena, refusal};

	return check_value(&c, v, members);
}
