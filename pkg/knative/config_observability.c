/*
 * config-observability: three keys, then the rules that Knative has over them together. Values are
 * trimmed and their case matters, as its parser does it.
 */
#include "pkg/knative/config_observability.h"

#include <string.h>

#include "pkg/knative/config_value.h"
#include "pkg/knative/go_value.h"

#define MESSAGE_MAX 1000 /* of a refusal, which quotes keys and values */

static const char *const names[] = {
    [METRICS_PROMETHEUS] = "prometheus",
    [METRICS_NONE] = "none",
    [METRICS_GRPC] = "grpc",
    [METRICS_HTTP_PROTOBUF] = "http/protobuf",
};

const char *metrics_protocol_name(enum metrics_protocol protocol)
{
	return names[protocol];
}

static bool is(const struct config_value *value, const char *text)
{
	return value->length == strlen(text) && memcmp(value->text, text, value->length) == 0;
}

static bool parse_protocol(const struct json *data, enum metrics_protocol *out, struct error *err)
{
	struct config_value value;

	if (!config_value_get(data, "metrics-protocol", &value, err))
		return false;
	*out = METRICS_PROMETHEUS;
	if (!value.text)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (is(&value, names[i])) {
			*out = (enum metrics_protocol)i;
			return true;
		}
	}
	return error_set(err, ERROR_INVALID, "unsupported protocol \"%.*s\"", (int)value.length,
			 value.text);
}

/* Nothing is pushed to it from here, but Knative's own components refuse what is refused here. */
static bool check_endpoint(const struct json *data, enum metrics_protocol protocol,
			   struct error *err)
{
	bool pushes = protocol == METRICS_GRPC || protocol == METRICS_HTTP_PROTOBUF;
	struct config_value endpoint;

	if (!config_value_get(data, "metrics-endpoint", &endpoint, err))
		return false;
	if (pushes && endpoint.length == 0)
		return error_set(err, ERROR_INVALID,
				 "endpoint should be set when protocol is \"%s\"", names[protocol]);
	if (protocol == METRICS_NONE && endpoint.length > 0)
		return error_set(err, ERROR_INVALID,
				 "endpoint should not be set when protocol is \"%s\"",
				 names[protocol]);
	return true;
}

static bool check_interval(const struct json *data, struct error *err)
{
	static const char key[] = "metrics-export-interval";
	struct config_value value;
	int64_t interval;

	if (!config_value_get(data, key, &value, err))
		return false;
	if (!value.text)
		return true;
	/* Not trimmed: Knative's parser takes durations as they stand. */
	if (!go_parse_duration(json_text(json_get(data, key)), &interval, err))
		return error_wrap(err, "failed to parse \"%s\"", key);
	if (interval < 0)
		return error_set(err, ERROR_INVALID,
				 "export interval \"%s\" should be greater than zero",
				 json_text(json_get(data, key)));
	return true;
}

bool config_observability_parse(const struct json *data, struct config_observability *out,
				struct error *err)
{
	enum metrics_protocol protocol;

	if (!parse_protocol(data, &protocol, err) || !check_endpoint(data, protocol, err) ||
	    !check_interval(data, err))
		return error_tidy(err, MESSAGE_MAX);
	out->metrics_protocol = protocol;
	return true;
}
