/* min <= max holds for whatever comes out, and max >= 1. */
#include "reconciler/hpa/bounds.h"

static int32_t unlimited(int64_t max)
{
	return max == 0 ? INT32_MAX : (int32_t)max;
}

static int32_t initial_scale(const struct annotations *annotations,
			     const struct config_autoscaler *config)
{
	const struct annotation_value *annotated = annotation_get(annotations, A_INITIAL_SCALE);

	if (!annotated || (annotated->number == 0 && !config->allow_zero_initial_scale))
		return config->initial_scale;
	return (int32_t)annotated->number;
}

static bool refuse_contradiction(const struct annotation_value *min,
				 const struct annotation_value *max, struct arena *arena,
				 struct refusal *refusal)
{
	return refuse(refusal, arena, min->key, min->text,
		      "is above %s \"%s\"; use a number of at most %s, or raise the other",
		      max->key, max->text, max->text);
}

bool bounds_of(const struct annotations *annotations, const struct pod_autoscaler *pa,
	       const struct config_autoscaler *config, struct arena *arena, struct bounds *out,
	       struct refusal *refusal)
{
	const struct annotation_value *min = annotation_get(annotations, A_MIN_SCALE);
	const struct annotation_value *max = annotation_get(annotations, A_MAX_SCALE);

	out->min = min ? (int32_t)min->number : config->min_scale;
	out->max = unlimited(max ? max->number : config->max_scale);
	out->initial_scale = initial_scale(annotations, config);
	if (out->min > out->max) {
		if (min && max)
			return refuse_contradiction(min, max, arena, refusal);
		if (min)
			out->max = out->min;
		else
			out->min = out->max;
	}
	out->min_reachable = out->min;
	if (pod_autoscaler_unreachable(pa))
		out->min = 0;
	return true;
}
