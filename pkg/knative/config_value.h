/* One value of a ConfigMap, as Knative's configmap parser takes a string: trimmed of white space.
 */
#ifndef KNATIVE_CONFIG_VALUE_H
#define KNATIVE_CONFIG_VALUE_H

#include "pkg/json/json.h"

struct config_value {
	const char *text; /* borrowed from data, not ended by NUL; NULL: the key is absent */
	size_t length;
};

/* data NULL: empty. False with an ERROR_INVALID if the value is no string. */
MUST_CHECK bool config_value_get(const struct json *data, const char *key, struct config_value *out,
				 struct error *err);

#endif
