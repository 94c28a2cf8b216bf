/*
 * A table of durations, the older spelling of each first so that the newer one wins; then the rules
 * that client-go's NewLeaderElector has over the whole.
 */
#include "pkg/knative/config_leader_election.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "pkg/knative/buckets.h"
#include "pkg/knative/go_value.h"

#define MS INT64_C(1000000)
#define MESSAGE_MAX 1000 /* of a refusal, which quotes keys and values */
#define PREFIX_MAX 243   /* ".00-of-01" follows, and a name has 253 characters */
#define AT(field) offsetof(struct config_leader_election, field)

static const struct {
	const char *name;
	size_t at;
} durations[] = {
    {"leaseDuration", AT(lease_ms)},  {"renewDeadline", AT(renew_ms)},
    {"retryPeriod", AT(retry_ms)},    {"lease-duration", AT(lease_ms)},
    {"renew-deadline", AT(renew_ms)}, {"retry-period", AT(retry_ms)},
};

/* True, *text NULL if the key is absent. */
static bool get_text(const struct json *data, const char *key, const char **text, struct error *err)
{
	const struct json *value = json_get(data, key);

	*text = json_text(value);
	if (value && !*text)
		return error_set(err, ERROR_INVALID, "\"%s\" must be a string", key);
	return true;
}

static bool parse_durations(const struct json *data, struct config_leader_election *config,
			    struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
		const char *key = durations[i].name, *text;
		int64_t nanoseconds;

		if (!get_text(data, key, &text, err))
			return false;
		if (!text)
			continue;
		if (!go_parse_duration(text, &nanoseconds, err))
			return error_wrap(err, "failed to parse \"%s\"", key);
		*(int64_t *)((char *)config + durations[i].at) = nanoseconds / MS;
	}
	return true;
}

static bool parse_buckets(const struct json *data, struct config_leader_election *config,
			  struct error *err)
{
	const char *text;

	if (!get_text(data, "buckets", &text, err))
		return false;
	if (text && !go_parse_uint32(text, &config->buckets, err))
		return error_wrap(err, "failed to parse \"buckets\"");
	if (config->buckets < 1 || config->buckets > BUCKETS_MAX)
		return error_set(err, ERROR_INVALID,
				 "buckets: value must be between 1 and %d, it is %" PRIu32,
				 BUCKETS_MAX, config->buckets);
	return true;
}

/* As a Lease's name has to begin (a DNS-1123 subdomain), in either case. */
static bool prefix_fits(const char *prefix, struct error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-.";
	size_t length = strlen(prefix);

	if (length <= PREFIX_MAX && strspn(prefix, allowed) == length &&
	    isalnum((unsigned char)prefix[0]) && isalnum((unsigned char)prefix[length - 1]) &&
	    !strstr(prefix, "..") && !strstr(prefix, ".-") && !strstr(prefix, "-."))
		return true;
	return error_set(err, ERROR_INVALID, "map-lease-prefix: \"%s\" is no name of a Lease",
			 prefix);
}

/* Others hold us to whole seconds of the lease duration. */
static bool durations_fit(struct config_leader_election *config, struct error *err)
{
	config->lease_ms -= config->lease_ms % 1000;
	if (config->lease_ms < 1000 || config->lease_ms / 1000 > INT32_MAX)
		return error_set(err, ERROR_INVALID,
				 "lease-duration must be a second at least, and fit 32 bits");
	if (config->retry_ms < 1)
		return error_set(err, ERROR_INVALID, "retry-period must be greater than zero");
	if (config->lease_ms <= config->renew_ms)
		return error_set(err, ERROR_INVALID,
				 "lease-duration (in whole seconds) must be greater than "
				 "renew-deadline");
	if (config->renew_ms <= config->retry_ms * 6 / 5)
		return error_set(err, ERROR_INVALID,
				 "renew-deadline must be greater than 1.2 times retry-period");
	return true;
}

bool config_leader_election_parse(const struct json *data, const char *default_prefix,
				  struct arena *arena, struct config_leader_election *out,
				  struct error *err)
{
	struct config_leader_election config = {
	    .lease_ms = 60000, .renew_ms = 40000, .retry_ms = 10000, .buckets = 1};
	const char *prefix;

	if (!get_text(data, arena_printf(arena, "map-lease-prefix.%s", default_prefix), &prefix,
		      err) ||
	    !parse_durations(data, &config, err) || !parse_buckets(data, &config, err) ||
	    !durations_fit(&config, err) || (prefix && prefix[0] && !prefix_fits(prefix, err)))
		return error_tidy(err, MESSAGE_MAX);
	config.prefix = arena_strdup(arena, prefix && prefix[0] ? prefix : default_prefix);
	*out = config;
	return true;
}

const char *config_leader_election_lease(const struct config_leader_election *config,
					 uint32_t bucket, struct arena *arena)
{
	char *name = arena_printf(arena, "%s.%02" PRIu32 "-of-%02" PRIu32, config->prefix, bucket,
				  config->buckets);

	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return name;
}
