/*
 * The data of each ConfigMap that we read: it gives values within the bounds that its header
 * documents, the same each time, or is refused with one short line that names what is wrong, and
 * nothing of it is taken then.
 *
 * Input: a byte that chooses the map, then JSON. Anything may stand in the place of the object.
 */
#include <strings.h>

#include "pkg/keda/config_keda.h"
#include "pkg/knative/buckets.h"
#include "pkg/knative/config_autoscaler.h"
#include "pkg/knative/config_leader_election.h"
#include "pkg/knative/config_logging.h"
#include "pkg/knative/config_observability.h"
#include "test/fuzz/fuzz.h"

/* Of one value as it stands a message shows this much, and a sentence around it. */
#define MESSAGE_MAX 1024
#define SECOND INT64_C(1000000000)
#define LEASE_PREFIX "autoscaler-keda.hpa"
#define LEASE_NAME_MAX 253

union values {
	struct config_autoscaler autoscaler;
	struct config_keda keda;
	struct config_leader_election election;
	struct config_logging logging;
	struct config_observability observability;
};

/* How a map is parsed, held against its bounds, and written down for comparison. */
struct map {
	bool (*parse)(const struct json *data, struct arena *arena, union values *out,
		      struct error *err);
	void (*check)(const union values *values);
	void (*tell)(const union values *values, struct strbuf *out);
	const char *const *words; /* a refusal has one of them; NULL ends */
};

/* ---- config-autoscaler ---- */

static bool parse_autoscaler(const struct json *data, struct arena *arena UNUSED, union values *out,
			     struct error *err)
{
	return config_autoscaler_parse(data, &out->autoscaler, err);
}

/* Written as Knative's comparisons: what is no number passes. */
static void check_autoscaler(const union values *values)
{
	const struct config_autoscaler *c = &values->autoscaler;
	CHECK(c->min_scale >= 0 && c->max_scale >= 0 && c->max_scale_limit >= 0);
	CHECK(c->initial_scale >= (c->allow_zero_initial_scale ? 0 : 1));
	CHECK(c->max_scale == 0 || c->min_scale <= c->max_scale);
	CHECK(c->max_scale_limit == 0 || (c->max_scale >= 1 && c->max_scale <= c->max_scale_limit));
	CHECK(!(c->container_concurrency_target_percentage <= 0) &&
	      !(c->container_concurrency_target_percentage > 1));
	CHECK(!(c->requests_per_second_target_default < 0.01));
	CHECK(!(c->target_burst_capacity < 0) || c->target_burst_capacity == -1);
	CHECK(!(c->activator_capacity < 1) && !(c->max_scale_up_rate <= 1) &&
	      !(c->max_scale_down_rate <= 1));
	CHECK(!(c->panic_window_percentage < 1) && !(c->panic_window_percentage > 100));
	CHECK(c->stable_window >= 6 * SECOND && c->stable_window <= 3600 * SECOND);
	CHECK(c->stable_window % SECOND == 0 && c->scale_down_delay % SECOND == 0);
	CHECK(c->scale_down_delay >= 0 && c->scale_to_zero_pod_retention_period >= 0);
	CHECK(c->scale_to_zero_grace_period > 0);
}

static void tell_autoscaler(const union values *values, struct strbuf *out)
{
	const struct config_autoscaler *c = &values->autoscaler;
	strbuf_addf(out, "%d %d %d %d %d %d %d %a %a %a %a", c->min_scale, c->max_scale,
		    c->max_scale_limit, c->initial_scale, c->allow_zero_initial_scale,
		    c->class_is_hpa, c->enable_scale_to_zero, c->max_scale_up_rate,
		    c->max_scale_down_rate, c->container_concurrency_target_percentage,
		    c->container_concurrency_target_default);
	strbuf_addf(out, " %a %a %a %a %a", c->requests_per_second_target_default,
		    c->target_burst_capacity, c->activator_capacity, c->panic_window_percentage,
		    c->panic_threshold_percentage);
	strbuf_addf(out, " %lld %lld %lld %lld", (long long)c->stable_window,
		    (long long)c->scale_down_delay, (long long)c->scale_to_zero_grace_period,
		    (long long)c->scale_to_zero_pod_retention_period);
}

static const char *const autoscaler_words[] = {
    "scale",    "window",       "percentage",           "target",
    "capacity", "requests-per", "pod-autoscaler-class", NULL};

/* ---- config-autoscaler-keda ---- */

static bool parse_keda(const struct json *data, struct arena *arena, union values *out,
		       struct error *err)
{
	return config_keda_parse(data, arena, &out->keda, err);
}

static void check_keda(const union values *values)
{
	const struct config_keda *c = &values->keda;
	CHECK(strncasecmp(c->prometheus_address, "http", 4) == 0);
	CHECK(c->polling_interval == -1 || c->polling_interval >= 1);
	CHECK(c->cooldown_period >= -1 && c->fallback_failure_threshold >= -1);
	CHECK((c->fallback_replicas >= 0) == (c->fallback_failure_threshold >= 0));
	CHECK(c->ignore_null_values >= -1 && c->ignore_null_values <= 1);
	CHECK(!c->fallback_behavior || c->fallback_behavior[0]);
}

static void tell_keda(const union values *values, struct strbuf *out)
{
	const struct config_keda *c = &values->keda;
	strbuf_addf(out, "%s %d %d %d %d %d %s %d %d %d", c->prometheus_address, c->auto_create,
		    c->polling_interval, c->cooldown_period, c->fallback_failure_threshold,
		    c->fallback_replicas, c->fallback_behavior ? c->fallback_behavior : "-",
		    c->ignore_null_values, c->metrics_per_revision, c->metrics_controller_runtime);
}

static const char *const keda_words[] = {"autoscaler.keda.", NULL};

/* ---- config-leader-election ---- */

static bool parse_election(const struct json *data, struct arena *arena, union values *out,
			   struct error *err)
{
	return config_leader_election_parse(data, LEASE_PREFIX, arena, &out->election, err);
}

static void check_election(const union values *values)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct config_leader_election *c = &values->election;
	CHECK(c->lease_ms >= 1000 && c->lease_ms % 1000 == 0 && c->lease_ms / 1000 <= INT32_MAX);
	CHECK(c->retry_ms >= 1 && c->lease_ms > c->renew_ms && c->renew_ms > c->retry_ms);
	CHECK(c->buckets >= 1 && c->buckets <= BUCKETS_MAX);
	for (uint32_t i = 0; i < c->buckets; i++) {
		const char *name = config_leader_election_lease(c, i, arena);
		size_t length = strlen(name);
		CHECK(length <= LEASE_NAME_MAX);
		CHECK(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == length);
		CHECK(!strstr(name, "..") && name[0] != '.' && name[0] != '-');
	}
}

static void tell_election(const union values *values, struct strbuf *out)
{
	const struct config_leader_election *c = &values->election;
	strbuf_addf(out, "%lld %lld %lld %u %s", (long long)c->lease_ms, (long long)c->renew_ms,
		    (long long)c->retry_ms, c->buckets, c->prefix);
}

static const char *const election_words[] = {"lease", "buckets", "renew", "retry", NULL};

/* ---- config-logging, config-observability ---- */

static bool parse_logging(const struct json *data, struct arena *arena UNUSED, union values *out,
			  struct error *err)
{
	return config_logging_parse(data, &out->logging, err);
}

static void check_logging(const union values *values)
{
	CHECK(values->logging.level >= LOG_DEBUG);
	CHECK(values->logging.format == LOG_JSON || values->logging.format == LOG_CONSOLE);
}

static void tell_logging(const union values *values, struct strbuf *out)
{
	strbuf_addf(out, "%d %d", values->logging.level, values->logging.format);
}

static const char *const logging_words[] = {"loglevel.", "zap-logger-config", NULL};

static bool parse_observability(const struct json *data, struct arena *arena UNUSED,
				union values *out, struct error *err)
{
	return config_observability_parse(data, &out->observability, err);
}

static void check_observability(const union values *values)
{
	CHECK(metrics_protocol_name(values->observability.metrics_protocol)[0]);
}

static void tell_observability(const union values *values, struct strbuf *out)
{
	strbuf_addstr(out, metrics_protocol_name(values->observability.metrics_protocol));
}

static const char *const observability_words[] = {"protocol", "endpoint", "interval", NULL};

/* ---- */

static const struct map maps[] = {
    {parse_autoscaler, check_autoscaler, tell_autoscaler, autoscaler_words},
    {parse_keda, check_keda, tell_keda, keda_words},
    {parse_election, check_election, tell_election, election_words},
    {parse_logging, check_logging, tell_logging, logging_words},
    {parse_observability, check_observability, tell_observability, observability_words},
};

static void check_refusal(const struct map *map, const struct error *err)
{
	bool named = false;
	CHECK(err->kind == ERROR_INVALID);
	fuzz_check_message(error_text(err), MESSAGE_MAX);
	for (const char *const *word = map->words; *word; word++)
		named = named || strstr(error_text(err), *word);
	CHECK(named);
}

/* Refused, it leaves out as it was. */
static bool parse(const struct map *map, const struct json *data, struct arena *arena,
		  struct strbuf *told)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	union values values, before;
	memset(&before, 0xA5, sizeof(before));
	memset(&values, 0xA5, sizeof(values));
	bool ok = map->parse(data, arena, &values, &err);
	CHECK(ok == (err.kind == ERROR_NONE));
	if (ok) {
		map->check(&values);
		map->tell(&values, told);
		return true;
	}
	check_refusal(map, &err);
	CHECK(memcmp(&values, &before, sizeof(values)) == 0);
	strbuf_addstr(told, error_text(&err));
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new(), *other = arena_new();
	CLEANUP(strbuf_release) struct strbuf told = STRBUF_INIT, again = STRBUF_INIT;
	static const struct json_limits limits = {.max_bytes = (size_t)1 << 20, .max_depth = 64};
	struct json *value;
	if (size < 2 || !json_parse((const char *)data + 1, size - 1, &limits, arena, &value, NULL))
		return 0;
	const struct map *map = &maps[data[0] % ARRAY_SIZE(maps)];
	bool ok = parse(map, value, arena, &told);
	CHECK(parse(map, value, other, &again) == ok);
	CHECK(strcmp(told.buf, again.buf) == 0);
	return 0;
}
