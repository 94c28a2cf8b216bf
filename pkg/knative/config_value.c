/* One value of a ConfigMap: looked up, its type checked, trimmed. */
#include "pkg/knative/config_value.h"

#include <string.h>

bool config_value_get(const struct json *data, const char *key, struct config_value *out,
		      struct error *err)
{
	static const char space[] = " \t\n\v\f\r";
	const struct json *value = json_get(data, key);
	const char *text = json_text(value);

	*out = (struct config_value){0};
	if (!value)
		return true;
	if (!text)
		return error_set(err, ERROR_INVALID, "\"%s\" must be a string", key);
	out->text = text + strspn(text, space);
	out->length = strlen(out->text);
	while (out->length > 0 && strchr(space, out->text[out->length - 1]))
		out->length--;
	return true;
}
