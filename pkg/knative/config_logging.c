/*
 * config-logging: zap's own configuration gives level and encoding of all components, our key
 * overrides the level. Levels are not trimmed, as zap does not.
 */
#include "pkg/knative/config_logging.h"

#include <string.h>

#define LEVEL_PREFIX "loglevel."
#define OUR_LEVEL "loglevel.hpaautoscaler"
#define ZAP_CONFIG "zap-logger-config"
#define MESSAGE_MAX 1000 /* of a refusal, which quotes keys and values */

static bool parse_level(const struct json *value, enum log_level *out, struct error *err)
{
	const char *text = json_text(value);

	if (!text)
		return error_set(err, ERROR_INVALID, "must be a string");
	if (!log_level_parse(text, out))
		return error_set(err, ERROR_INVALID, "invalid logging level: %s", text);
	return true;
}

static bool parse_encoding(const struct json *value, enum log_format *out, struct error *err)
{
	const char *text = json_text(value);

	if (!value || (text && strcmp(text, "json") == 0))
		*out = LOG_JSON;
	else if (text && strcmp(text, "console") == 0)
		*out = LOG_CONSOLE;
	else
		return error_set(err, ERROR_INVALID, "encoding must be json or console");
	return true;
}

static bool parse_zap(const struct json *data, struct config_logging *out, struct error *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct json *value = json_get(data, ZAP_CONFIG);
	const char *text = json_text(value);
	struct json *zap = NULL;

	if (value && !text)
		return error_set(err, ERROR_INVALID, "must be a string");
	if (!text || !text[0])
		return true;
	if (!json_parse(text, strlen(text), NULL, arena, &zap, err))
		return false;
	if (!json_is(zap, JSON_OBJECT))
		return error_set(err, ERROR_INVALID, "must be a JSON object");
	if (json_get(zap, "level") && !parse_level(json_get(zap, "level"), &out->level, err))
		return error_wrap(err, "level");
	return parse_encoding(json_get(zap, "encoding"), &out->format, err);
}

static bool is_level(const struct json_member *member)
{
	return strncmp(member->key, LEVEL_PREFIX, strlen(LEVEL_PREFIX)) == 0 &&
	       member->key[strlen(LEVEL_PREFIX)];
}

/* An empty level is as good as none. */
static bool parse_levels(const struct json *data, struct config_logging *out, struct error *err)
{
	for (size_t i = 0; i < json_count(data); i++) {
		const struct json_member *member = &data->members[i];
		const char *text = json_text(member->value);
		enum log_level level = LOG_INFO;

		if (!is_level(member) || (text && !text[0]))
			continue;
		if (!parse_level(member->value, &level, err))
			return error_wrap(err, "failed to parse \"%s\"", member->key);
		if (strcmp(member->key, OUR_LEVEL) == 0)
			out->level = level;
	}
	return true;
}

bool config_logging_parse(const struct json *data, struct config_logging *out, struct error *err)
{
	struct config_logging config = {.level = LOG_INFO, .format = LOG_JSON};

	if (!parse_zap(data, &config, err)) {
		error_wrap(err, "failed to parse \"" ZAP_CONFIG "\"");
		return error_tidy(err, MESSAGE_MAX);
	}
	if (!parse_levels(data, &config, err))
		return error_tidy(err, MESSAGE_MAX);
	*out = config;
	return true;
}
