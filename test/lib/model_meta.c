/*
 * What a client may write as metadata: the types of ObjectMeta, refused with 400 as the API
 * server's decoder does, and names that are DNS subdomains. Without this a stand-in would meet
 * labels that are numbers.
 */
#include <string.h>

#include "test/lib/model_internal.h"

struct member {
	const char *name;
	char
	    type; /* s string, m map of strings, l list of strings, o list of objects, x anything */
};

static const struct member members[] = {
    {"name", 's'},
    {"generateName", 's'},
    {"namespace", 's'},
    {"uid", 's'},
    {"resourceVersion", 's'},
    {"selfLink", 's'},
    {"deletionTimestamp", 's'},
    {"creationTimestamp", 's'},
    {"labels", 'm'},
    {"annotations", 'm'},
    {"finalizers", 'l'},
    {"ownerReferences", 'o'},
};

static const char *type_name(const struct json *v)
{
	static const char *const names[] = {
	    [JSON_NULL] = "null",     [JSON_BOOL] = "bool",   [JSON_NUMBER] = "number",
	    [JSON_STRING] = "string", [JSON_ARRAY] = "array", [JSON_OBJECT] = "object",
	};
	return names[v->type];
}

static bool wrong(struct error *err, const struct kind *kind, const struct json *v,
		  const char *where, const char *wanted)
{
	return api_error(err, ERROR_INVALID, 400,
			 "%s in version \"%s\" cannot be handled as a %s: json: cannot unmarshal "
			 "%s into Go struct field ObjectMeta.%s of type %s",
			 kind->name, kind->version, kind->name, type_name(v), where, wanted);
}

static bool all_are(const struct json *v, enum json_type type, const struct json **first)
{
	for (size_t i = 0; i < json_count(v); i++) {
		*first = json_is(v, JSON_OBJECT) ? v->members[i].value : v->elements[i];
		if (!json_is(*first, type) && !json_is(*first, JSON_NULL))
			return false;
	}
	return true;
}

static bool owner_fits(const struct json *owner, const struct json **first)
{
	static const char *const texts[] = {"apiVersion", "kind", "name", "uid"};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		*first = json_get(owner, texts[i]);
		if (*first && !json_is(*first, JSON_STRING))
			return false;
	}
	return true;
}

static bool owners_fit(const struct json *v, const struct json **first)
{
	for (size_t i = 0; i < json_count(v); i++)
		if (!owner_fits(json_at(v, i), first))
			return false;
	return true;
}

static bool member_fits(const struct member *member, const struct kind *kind, const char *path,
			const struct json *v, struct error *err)
{
	char where[64];
	const struct json *first = v;
	snprintf(where, sizeof(where), "%s.%s", path, member->name);
	if (!v || json_is(v, JSON_NULL))
		return true;
	switch (member->type) {
	case 's':
		return json_is(v, JSON_STRING) || wrong(err, kind, v, where, "string");
	case 'm':
		return (json_is(v, JSON_OBJECT) && all_are(v, JSON_STRING, &first)) ||
		       wrong(err, kind, first, where, first == v ? "map[string]string" : "string");
	case 'l':
		return (json_is(v, JSON_ARRAY) && all_are(v, JSON_STRING, &first)) ||
		       wrong(err, kind, first, where, first == v ? "[]string" : "string");
	default:
		return (json_is(v, JSON_ARRAY) && all_are(v, JSON_OBJECT, &first) &&
			owners_fit(v, &first)) ||
		       wrong(err, kind, first, where, "v1.OwnerReference");
	}
}

bool meta_fits(const struct kind *kind, const char *path, const struct json *meta,
	       struct error *err)
{
	if (meta && !json_is(meta, JSON_OBJECT) && !json_is(meta, JSON_NULL))
		return wrong(err, kind, meta, path, "v1.ObjectMeta");
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (!member_fits(&members[i], kind, path, json_get(meta, members[i].name), err))
			return false;
	return true;
}

/* Labels of DNS between points, 253 bytes at most. */
static bool is_subdomain(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t length = strlen(name);
	if (!length || length > 253)
		return false;
	for (size_t i = 0; i < length; i++) {
		bool edge = i == 0 || i + 1 == length || name[i - 1] == '.' || name[i + 1] == '.';
		if (!strchr(letters, name[i]) && (edge || (name[i] != '-' && name[i] != '.')))
			return false;
	}
	return true;
}

bool meta_admit(const struct kind *kind, const struct json *value, struct error *err)
{
	const struct json *meta = json_get(value, "metadata");
	if (!meta_fits(kind, "metadata", meta, err))
		return false;
	const char *name = json_text_or(json_get(meta, "name"), "");
	return is_subdomain(name) ||
	       api_error(err, ERROR_INVALID, 422,
			 "%s%s%s \"%s\" is invalid: metadata.name: Invalid value: \"%s\": a "
			 "lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
			 "characters, '-' or '.', and must start and end with an alphanumeric "
			 "character (e.g. 'example.com', regex used for validation is "
			 "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
			 kind->name, kind->group[0] ? "." : "", kind->group, name, name);
}
