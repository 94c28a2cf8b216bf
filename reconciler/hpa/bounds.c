/* min <= max holds for whatever comes out, and max >= 1. */
#include "reconciler/hpa/bounds.h"

#include <inttypes.h>

#include "reconciler/hpa/override.h"

/* A bound and who set it. */
struct limit {
	int32_t value;
	const char *key; /* NULL: a default */
	const char *text;
};

static int32_t unlimited(int64_t max)
{
	return max == 0 ? INT32_MAX : (int32_t)max;
}

static struct limit annotated(const struct annotation_value *value)
{
	return (struct limit){(int32_t)value->number, value->key, value->text};
}

static bool overridden(const struct annotations *annotations, const char *field,
		       struct arena *arena, struct limit *out)
{
	if (!override_int(annotations, field, &out->value))
		return false;
	out->key = annotation_key(annotations, A_OVERRIDE);
	out->text = arena_printf(arena, "%s %" PRId32, field, out->value);
	return true;
}

static struct limit min_of(const struct annotations *annotations,
			   const struct config_autoscaler *config, struct arena *arena)
{
	const struct annotation_value *min = annotation_get(annotations, A_MIN_SCALE);
	struct limit out = {.value = config->min_scale};

	if (!overridden(annotations, "minReplicaCount", arena, &out) && min)
		out = annotated(min);
	return out;
}

/* An override's own maximum is the last resort: those of Knative bind it. */
static struct limit max_of(const struct annotations *annotations,
			   const struct config_autoscaler *config, struct arena *arena)
{
	const struct annotation_value *max = annotation_get(annotations, A_MAX_SCALE);
	struct limit out = {.value = config->max_scale};

	if (max)
		out = annotated(max);
	else if (config->max_scale == 0)
		(void)overridden(annotations, "maxReplicaCount", arena, &out);
	out.value = unlimited(out.value);
	return out;
}

static int32_t initial_scale(const struct annotations *annotations,
			     const struct config_autoscaler *config)
{
	const struct annotation_value *value = annotation_get(annotations, A_INITIAL_SCALE);

	if (!value || (value->number == 0 && !config->allow_zero_initial_scale))
		return config->initial_scale;
	return (int32_t)value->number;
}

static bool refuse_contradiction(const struct limit *min, const struct limit *max,
				 struct arena *arena, struct refusal *refusal)
{
	return refuse(refusal, arena, min->key, min->text,
		      "is above %s \"%s\"; use a number of at most %" PRId32 ", or raise the other",
		      max->key, max->text, max->value);
}

bool bounds_of(const struct annotations *annotations, const struct pod_autoscaler *pa,
	       const struct config_autoscaler *config, struct arena *arena, struct bounds *out,
	       struct refusal *refusal)
{
	struct limit min = min_of(annotations, config, arena);
	struct limit max = max_of(annotations, config, arena);

	if (min.value > max.value) {
		if (min.key && max.key)
			return refuse_contradiction(&min, &max, arena, refusal);
		if (min.key)
			max.value = min.value;
		else
			min.value = max.value;
	}
	out->min = pod_autoscaler_unreachable(pa) ? 0 : min.value;
	out->min_reachable = min.value;
	out->max = max.value;
	out->initial_scale = initial_scale(annotations, config);
	return true;
}
