/*
 * Members of a kubeconfig's objects. Whatever is there in another type than it must have is an
 * error: passing over it could leave out a credential or a CA.
 */
#include <string.h>

#include "pkg/kube/config_internal.h"
#include "pkg/kube/internal.h"

#define TEXTS_MAX 1000

bool config_is_set(const struct json *object, const char *key)
{
	const struct json *member = json_get(object, key);

	if (json_is(member, JSON_STRING))
		return json_text(member)[0] != '\0';
	return member && !json_is(member, JSON_NULL);
}

bool config_text(const struct json *object, const char *key, struct arena *arena, const char **out,
		 struct error *err)
{
	const struct json *member = json_get(object, key);
	const char *text = json_text(member);

	*out = text && text[0] ? arena_strdup(arena, text) : NULL;
	if (!member || json_is(member, JSON_NULL))
		return true;
	if (!text)
		return error_set(err, ERROR_FATAL, "%s is no text", key);
	if (strlen(text) != member->length)
		return error_set(err, ERROR_FATAL, "%s has a NUL character", key);
	return true;
}

bool config_path(const struct json *object, const char *key, const char *folder,
		 struct arena *arena, const char **out, struct error *err)
{
	if (!config_text(object, key, arena, out, err))
		return false;
	if (*out && (*out)[0] != '/')
		*out = arena_printf(arena, "%s/%s", folder, *out);
	return true;
}

bool config_bool(const struct json *object, const char *key, bool *out, struct error *err)
{
	const struct json *member = json_get(object, key);

	*out = json_bool_or(member, false);
	if (member && !json_is(member, JSON_BOOL) && !json_is(member, JSON_NULL))
		return error_set(err, ERROR_FATAL, "%s is neither true nor false", key);
	return true;
}

static bool data(const struct json *object, const char *key, struct arena *arena, const char **out,
		 struct error *err)
{
	size_t length;

	if (!config_text(object, key, arena, out, err))
		return false;
	if (!*out)
		return true;
	*out = kube_base64_decode(*out, arena, &length);
	if (!*out || strlen(*out) != length)
		return error_set(err, ERROR_FATAL, "%s is no base64 of a text", key);
	return true;
}

bool config_pair(const struct json *object, const char *key, const char *folder,
		 struct arena *arena, const char **file, const char **pem, struct error *err)
{
	const char *data_key = arena_printf(arena, "%s-data", key);

	if (!config_path(object, key, folder, arena, file, err) ||
	    !data(object, data_key, arena, pem, err))
		return false;
	if (*pem)
		*file = NULL;
	return true;
}

bool config_texts(const struct json *object, const char *key, struct arena *arena,
		  const char ***out, struct error *err)
{
	const struct json *list = json_get(object, key);
	size_t count = json_is(list, JSON_ARRAY) ? json_count(list) : 0;

	if (list && !json_is(list, JSON_ARRAY) && !json_is(list, JSON_NULL))
		return error_set(err, ERROR_FATAL, "%s is no list", key);
	if (count > TEXTS_MAX)
		return error_set(err, ERROR_FATAL, "%s has more than %d entries", key, TEXTS_MAX);
	*out = ARENA_ARRAY(arena, const char *, count + 1);
	for (size_t i = 0; i < count; i++) {
		const struct json *item = json_at(list, i);

		if (!json_is(item, JSON_STRING) || strlen(json_text(item)) != item->length)
			return error_set(err, ERROR_FATAL, "%s[%zu] is no text", key, i);
		(*out)[i] = arena_strdup(arena, json_text(item));
	}
	return true;
}
