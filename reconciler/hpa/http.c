/*
 * Targets are exact decimals, never a printed double: KEDA compares the text that it was given, and
 * 0.7 of 1 is 0.7 there. What config-autoscaler holds as a double was written by people: its first
 * 15 digits are what they wrote. Activators are a rough number, and doubles are good enough.
 */
#include "reconciler/hpa/http.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"

#define SECOND INT64_C(1000000000)
#define TARGET_MIN "0.01"
#define TARGET_MAX "1000000000" /* our scaler takes no more */

struct resolving {
	const struct annotations *annotations;
	const struct pod_autoscaler *pa;
	const struct config_autoscaler *config;
	struct arena *arena;
	struct refusal *refusal;
	bool concurrency;
};

/* Knative takes NaN and Inf in its ConfigMap; its own default is what can be meant. */
static struct decimal decimal_of(const struct resolving *r, double value, const char *otherwise)
{
	struct decimal out;

	if (!decimal_parse(arena_printf(r->arena, "%.15g", value), &out))
		CHECK(decimal_parse(otherwise, &out));
	return out;
}

/* 0: no limit. */
static struct decimal container_limit(const struct resolving *r)
{
	int64_t limit = r->concurrency ? r->pa->container_concurrency : 0;
	struct decimal out;

	CHECK(decimal_parse(arena_printf(r->arena, "%" PRId64, limit > 0 ? limit : 0), &out));
	return out;
}

/* place: whose it is, for refusals; NULL: the annotation's. */
static struct decimal total_of(const struct resolving *r, const char **place)
{
	const struct annotation_value *annotated = annotation_get(r->annotations, A_TARGET);
	const struct config_autoscaler *config = r->config;
	struct decimal limit = container_limit(r);
	bool limited = strcmp(limit.digits, "0") != 0;

	*place = NULL;
	if (annotated && limited && decimal_compare(&limit, &annotated->decimal) < 0)
		return limit;
	if (annotated)
		return annotated->decimal;
	*place = "containerConcurrency";
	if (limited)
		return limit;
	*place = r->concurrency ? "config-autoscaler's container-concurrency-target-default"
				: "config-autoscaler's requests-per-second-target-default";
	return r->concurrency ? decimal_of(r, config->container_concurrency_target_default, "100")
			      : decimal_of(r, config->requests_per_second_target_default, "200");
}

/* a * b * 10^exponent; false where that cannot be said exactly. */
static bool multiply(const struct decimal *a, const struct decimal *b, int exponent,
		     struct decimal *out)
{
	return strlen(b->digits) <= 18 &&
	       decimal_scale(a, strtoll(b->digits, NULL, 10), b->exponent + exponent, out);
}

static bool apply_utilization(const struct resolving *r, const struct decimal *total,
			      struct decimal *out)
{
	const struct annotation_value *percent =
	    annotation_get(r->annotations, A_TARGET_UTILIZATION);
	struct decimal fraction, least;

	if (percent) {
		if (!multiply(total, &percent->decimal, -2, out))
			return false;
	} else {
		fraction = decimal_of(r, r->config->container_concurrency_target_percentage, "0.7");
		if (!multiply(total, &fraction, 0, out))
			return false;
	}
	CHECK(decimal_parse(TARGET_MIN, &least));
	if (decimal_compare(out, &least) < 0)
		*out = least;
	return true;
}

static bool refuse_target(const struct resolving *r, const char *place, const char *what)
{
	const struct annotation_value *target = annotation_get(r->annotations, A_TARGET);

	if (place)
		what = arena_printf(r->arena, "is missing, and %s %s", place, what);
	return refuse(r->refusal, r->arena, annotation_key(r->annotations, A_TARGET),
		      target ? target->text : NULL, "%s, for example %s", what,
		      r->concurrency ? "100" : "200");
}

static bool set_target(const struct resolving *r, struct http_scaling *out)
{
	const char *place;
	struct decimal total = total_of(r, &place), target, most;

	CHECK(decimal_parse(TARGET_MAX, &most));
	out->total = strtod(arena_printf(r->arena, "%se%d", total.digits, total.exponent), NULL);
	if (apply_utilization(r, &total, &target))
		out->target = decimal_plain(&target, r->arena);
	if (!out->target)
		return refuse_target(r, place,
				     "has, times the utilization, too many digits; use fewer");
	if (decimal_compare(&target, &most) > 0)
		return refuse_target(
		    r, place, "is, times the utilization, more than " TARGET_MAX "; use less");
	return true;
}

static double burst_capacity(const struct resolving *r)
{
	const struct annotation_value *annotated =
	    annotation_get(r->annotations, A_TARGET_BURST_CAPACITY);

	return annotated ? strtod(annotated->text, NULL) : r->config->target_burst_capacity;
}

/* Rounded up to whole seconds. */
static int32_t seconds(int64_t nanoseconds)
{
	int64_t out = nanoseconds / SECOND + (nanoseconds % SECOND > 0);

	return out < INT32_MAX ? (int32_t)out : INT32_MAX;
}

bool http_scaling_of(const struct annotations *annotations, const struct pod_autoscaler *pa,
		     const struct config_autoscaler *config, const struct config_keda *config_keda,
		     struct arena *arena, struct http_scaling *out, struct refusal *refusal)
{
	struct resolving r = {annotations, pa, config, arena, refusal, false};

	*out = (struct http_scaling){0};
	if (annotations->kind != METRIC_HTTP)
		return true;
	const char *metric = annotation_get(annotations, A_METRIC)->text;
	r.concurrency = strcmp(metric, "concurrency") == 0;
	if (!set_target(&r, out))
		return false;
	out->metric = metric;
	out->scaler_address = config_keda->http_scaler_address;
	if (!out->scaler_address)
		out->scaler_address = arena_printf(arena, HTTP_SCALER_SERVICE ".%s.svc:%d",
						   config_keda->system_namespace, HTTP_SCALER_PORT);
	out->burst_capacity = burst_capacity(&r);
	out->activator_capacity = config->activator_capacity;
	out->scale_down_s = seconds(config->stable_window);
	out->cooldown_s = seconds(config->scale_to_zero_grace_period);
	out->cooldown_s = out->cooldown_s < INT32_MAX - out->scale_down_s
			      ? out->cooldown_s + out->scale_down_s
			      : INT32_MAX;
	return true;
}

int32_t http_activators(const struct http_scaling *http, int32_t pods)
{
	double capacity = pods * http->total;

	if (http->burst_capacity == 0)
		return HTTP_ACTIVATORS_MIN;
	if (http->burst_capacity > 0)
		capacity += http->burst_capacity;
	double activators = ceil(capacity / http->activator_capacity);
	/* Not so for NaN either. */
	if (!(activators > HTTP_ACTIVATORS_MIN))
		return HTTP_ACTIVATORS_MIN;
	return activators < INT32_MAX ? (int32_t)activators : INT32_MAX;
}

bool http_metric_named(const struct pod_autoscaler *pa)
{
	const char *metric = meta_pair_get(&pa->annotations, ANNOTATION_PREFIX "metric");

	return metric && annotation_kind_of(metric) == METRIC_HTTP;
}
