/* Reading conditions and numbers of a status: a field of a wrong type counts as absent. */
#include "pkg/keda/status.h"

#include <string.h>

const struct json *status_condition(const struct json *object, const char *type)
{
	const struct json *list = json_path(object, "status", "conditions", NULL);
	for (size_t i = 0; json_is(list, JSON_ARRAY) && i < json_count(list); i++) {
		const struct json *condition = json_at(list, i);
		if (strcmp(json_text_or(json_get(condition, "type"), ""), type) == 0)
			return condition;
	}
	return NULL;
}

int status_value(const struct json *condition)
{
	if (!condition)
		return -1;
	const char *status = json_text_or(json_get(condition, "status"), "");
	if (strcmp(status, "True") == 0)
		return 1;
	return strcmp(status, "False") == 0 ? 0 : 2;
}

int32_t status_int32(const struct json *v, int32_t fallback)
{
	int64_t value;
	return json_int(v, &value) && value >= INT32_MIN && value <= INT32_MAX ? (int32_t)value
									       : fallback;
}

const char *status_text(const struct json *v, struct arena *arena)
{
	const char *text = json_text_or(v, "");
	size_t length = strlen(text);
	if (length == 0)
		return "";
	if (length > STATUS_TEXT_MAX) {
		length = STATUS_TEXT_MAX;
		while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
			length--;
	}
	return arena_strndup(arena, text, length);
}
