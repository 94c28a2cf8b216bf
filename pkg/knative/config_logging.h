/*
 * ConfigMap config-logging (knative.dev/pkg/logging): the level of our lines, and their form. Keys:
 * "loglevel.hpaautoscaler", else "level" in the JSON text of "zap-logger-config", else info; and
 * "encoding" there, json or console. What else zap can be told has no meaning here. The map is
 * refused as a whole, as Knative refuses it, if any component's level is none of zap's.
 */
#ifndef KNATIVE_CONFIG_LOGGING_H
#define KNATIVE_CONFIG_LOGGING_H

#include "pkg/base/log.h"
#include "pkg/json/json.h"

struct config_logging {
	enum log_level level;
	enum log_format format;
};

/* data: the ConfigMap's .data, NULL for an empty one. Errors are ERROR_INVALID; out is then
 * untouched. */
MUST_CHECK bool config_logging_parse(const struct json *data, struct config_logging *out,
				     struct error *err);

#endif
