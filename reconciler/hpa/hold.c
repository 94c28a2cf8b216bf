/*
 * All times are the server's. After initialization the end comes from the condition's transition
 * time, before it from the PodAutoscaler's creation, so a restart forgets nothing.
 */
#include "reconciler/hpa/hold.h"

#include <string.h>

#include "pkg/units/duration.h"

#define PROGRESS_DEADLINE "serving.knative.dev/progress-deadline"
#define DEFAULT_DEADLINE_MS INT64_C(600000)
#define DEFAULT_COOLDOWN_S 300

/* An override may say anything here; what the API server will refuse is only kept from harm. */
static int64_t seconds(const struct json *spec, const char *field, int64_t otherwise)
{
	int64_t value = json_int_or(json_get(spec, field), otherwise);

	if (value < 0)
		return 0;
	return value > INT32_MAX ? INT32_MAX : value;
}

int64_t hold_cooldown_seconds(const struct json *spec)
{
	return seconds(spec, "initialCooldownPeriod",
		       seconds(spec, "cooldownPeriod", DEFAULT_COOLDOWN_S));
}

static int64_t deadline_ms(const struct pod_autoscaler *pa)
{
	const char *text = meta_pair_get(&pa->annotations, PROGRESS_DEADLINE);
	int64_t nanoseconds;

	if (!text || !duration_parse(text, &nanoseconds) || nanoseconds <= 0)
		return DEFAULT_DEADLINE_MS;
	return nanoseconds / 1000000;
}

static int32_t at_least(int32_t a, int32_t b)
{
	return a > b ? a : b;
}

static struct hold before_ready(const struct pod_autoscaler *pa, const struct bounds *bounds,
				int32_t min)
{
	struct hold hold = {.held = true, .min = at_least(min, bounds->initial_scale)};

	if (hold.min > bounds->max)
		hold.min = bounds->max;
	if (pa->object.meta.created_ms > 0)
		hold.until_ms = pa->object.meta.created_ms + deadline_ms(pa);
	return hold;
}

struct hold hold_of(const struct pod_autoscaler *pa, const struct bounds *bounds, int32_t min,
		    int64_t cooldown_s, enum desired_form form, int64_t now_ms)
{
	const struct condition *ready = conditions_get(&pa->conditions, CONDITION_INITIALIZED);
	struct hold hold = {.held = false};

	if (form == DESIRED_STEADY || bounds->initial_scale == 0)
		return hold;
	if (form == DESIRED_FRESH || !ready || ready->status != CONDITION_TRUE) {
		hold = before_ready(pa, bounds, min);
		hold.held = form == DESIRED_FRESH || hold.until_ms == 0 || now_ms < hold.until_ms;
		return hold;
	}
	if (pod_autoscaler_unreachable(pa))
		return hold;
	hold.min = at_least(min, 1);
	hold.until_ms = ready->changed_ms + cooldown_s * 1000;
	hold.held = now_ms < hold.until_ms;
	return hold;
}
