/*
 * config-autoscaler-keda: a table of keys, then the one rule that takes two of them. Invariant:
 * what leaves here was valid as a whole; a half-read map never does.
 */
#include "pkg/keda/config_keda.h"

#include <stddef.h>
#include <string.h>

#include "pkg/units/duration.h"
#include "pkg/units/parse.h"

#define PREFIX "autoscaler.keda."
#define MESSAGE_MAX 1000 /* of a refusal, which quotes keys and values */

const struct config_keda config_keda_default = {
    .prometheus_address = "http://prometheus-operated.default.svc:9090",
    .auto_create = true,
    .system_namespace = "knative-serving",
    .polling_interval = -1,
    .cooldown_period = -1,
    .fallback_failure_threshold = -1,
    .fallback_replicas = -1,
    .ignore_null_values = -1,
    .metrics_per_revision = true,
};

enum key_type {
	KEY_URL,
	KEY_ADDRESS,
	KEY_BOOL,
	KEY_INT_BOOL,
	KEY_SECONDS,
	KEY_COUNT,
	KEY_BEHAVIOR
};

#define AT(field) offsetof(struct config_keda, field)

static const struct key {
	const char *name;
	enum key_type type;
	size_t at;
	int32_t low;
} keys[] = {
    {PREFIX "prometheus-address", KEY_URL, AT(prometheus_address), 0},
    {PREFIX "http-scaler-address", KEY_ADDRESS, AT(http_scaler_address), 0},
    {PREFIX "http-scaler-tls", KEY_BOOL, AT(http_scaler_tls), 0},
    {PREFIX "scaledobject-autocreate", KEY_BOOL, AT(auto_create), 0},
    {PREFIX "polling-interval", KEY_SECONDS, AT(polling_interval), 1},
    {PREFIX "cooldown-period", KEY_SECONDS, AT(cooldown_period), 0},
    {PREFIX "fallback-failure-threshold", KEY_COUNT, AT(fallback_failure_threshold), 0},
    {PREFIX "fallback-replicas", KEY_COUNT, AT(fallback_replicas), 0},
    {PREFIX "fallback-behavior", KEY_BEHAVIOR, AT(fallback_behavior), 0},
    {PREFIX "ignore-null-values", KEY_INT_BOOL, AT(ignore_null_values), 0},
    {PREFIX "metrics-per-revision", KEY_BOOL, AT(metrics_per_revision), 0},
    {PREFIX "metrics-controller-runtime", KEY_BOOL, AT(metrics_controller_runtime), 0},
};

static const char *const behaviors[] = {"static", "currentReplicas", "currentReplicasIfHigher",
					"currentReplicasIfLower", "scalingModifiers"};

static const char *trimmed(const char *text, struct arena *arena)
{
	static const char blank[] = " \t\r\n\v\f";
	text += strspn(text, blank);
	size_t length = strlen(text);
	while (length > 0 && strchr(blank, text[length - 1]))
		length--;
	return arena_strndup(arena, text, length);
}

/* host:port, the host a name, an IPv4 address or an IPv6 address in brackets. */
static bool is_address(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	const char *colon = strrchr(text, ':');
	int32_t port;

	if (!colon || colon == text || !strchr(letters, colon[1]) ||
	    !parse_int32(colon + 1, &port) || port < 1 || port > 65535)
		return false;
	size_t host = (size_t)(colon - text), i;
	bool bracketed = text[0] == '[' && host > 2 && text[host - 1] == ']';
	for (i = bracketed; i < host - bracketed; i++)
		if (!strchr(letters, text[i]) && !strchr(bracketed ? ":." : ".-_", text[i]))
			return false;
	return true;
}

static bool parse_seconds(const char *text, int32_t *out)
{
	int64_t nanoseconds;
	if (parse_int32(text, out))
		return true;
	if (!duration_parse(text, &nanoseconds) || nanoseconds % 1000000000 != 0 ||
	    nanoseconds / 1000000000 > INT32_MAX || nanoseconds / 1000000000 < INT32_MIN)
		return false;
	*out = (int32_t)(nanoseconds / 1000000000);
	return true;
}

static const char *known_behavior(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(behaviors); i++) {
		if (strcmp(behaviors[i], text) == 0)
			return behaviors[i];
	}
	return NULL;
}

/* NULL, or what the text should have been. */
static const char *parse_text(const struct key *key, const char *text, struct arena *arena,
			      void *at)
{
	bool flag;
	switch (key->type) {
	case KEY_URL:
		text = *(const char **)at = trimmed(text, arena);
		return parse_http_url(text) ? NULL : "an http or https URL with a host";
	case KEY_ADDRESS:
		text = *(const char **)at = trimmed(text, arena);
		return is_address(text) ? NULL
					: "a host and a port, for example scaler.ns.svc:9092";
	case KEY_BOOL:
		return parse_bool(text, at) ? NULL : "true or false";
	case KEY_INT_BOOL:
		if (!parse_bool(text, &flag))
			return "true or false";
		*(int *)at = flag;
		return NULL;
	case KEY_SECONDS:
		if (parse_seconds(text, at) && *(int32_t *)at >= key->low)
			return NULL;
		return key->low > 0 ? "whole seconds or a Go duration of at least 1s"
				    : "whole seconds or a Go duration, not negative";
	case KEY_COUNT:
		return parse_int32(text, at) && *(int32_t *)at >= key->low
			   ? NULL
			   : "an integer from 0 to 2147483647";
	case KEY_BEHAVIOR:
		*(const char **)at = known_behavior(text);
		return *(const char **)at ? NULL
					  : "one of static, currentReplicas, "
					    "currentReplicasIfHigher, currentReplicasIfLower, "
					    "scalingModifiers";
	}
	return NULL;
}

static bool parse_key(const struct key *key, const struct json *value, struct arena *arena,
		      struct config_keda *config, struct error *err)
{
	const char *text = json_text(value);
	const char *want =
	    text ? parse_text(key, text, arena, (char *)config + key->at) : "a string";
	return !want || error_set(err, ERROR_INVALID, "failed to parse \"%s\": \"%s\" is not %s",
				  key->name, text ? text : "", want);
}

bool config_keda_parse(const struct json *data, struct arena *arena, struct config_keda *out,
		       struct error *err)
{
	struct config_keda config = config_keda_default;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct json *value = json_get(data, keys[i].name);
		if (value && !parse_key(&keys[i], value, arena, &config, err))
			return error_tidy(err, MESSAGE_MAX);
	}
	if ((config.fallback_failure_threshold < 0) != (config.fallback_replicas < 0))
		return error_set(err, ERROR_INVALID,
				 PREFIX "fallback-failure-threshold and " PREFIX
					"fallback-replicas must be set together");
	*out = config;
	return true;
}
