/* failureThreshold and replicas come from one place, both from annotations or both from the
 * ConfigMap: half a fallback of somebody else's would be a surprise. */
#include "reconciler/hpa/fallback.h"

#include <string.h>

#define BY_FORMULA "scalingModifiers"

const char *const fallback_behaviors[] = {
    "static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower", BY_FORMULA,
    NULL};

static bool refuse_missing(const struct annotations *annotations, enum annotation_id missing,
			   const struct annotation_value *beside, struct arena *arena,
			   struct refusal *refusal)
{
	return refuse(refusal, arena, annotation_key(annotations, missing), NULL,
		      "is missing beside %s; add it, for example \"3\"", beside->key);
}

static bool check_together(const struct annotations *annotations, bool configured,
			   struct arena *arena, struct refusal *refusal)
{
	const struct annotation_value *threshold =
	    annotation_get(annotations, A_FALLBACK_FAILURE_THRESHOLD);
	const struct annotation_value *replicas = annotation_get(annotations, A_FALLBACK_REPLICAS);
	const struct annotation_value *behavior = annotation_get(annotations, A_FALLBACK_BEHAVIOR);

	if (replicas && !threshold)
		return refuse_missing(annotations, A_FALLBACK_FAILURE_THRESHOLD, replicas, arena,
				      refusal);
	if (threshold && !replicas)
		return refuse_missing(annotations, A_FALLBACK_REPLICAS, threshold, arena, refusal);
	if (behavior && !threshold && !configured)
		return refuse_missing(annotations, A_FALLBACK_FAILURE_THRESHOLD, behavior, arena,
				      refusal);
	return true;
}

/* NULL: none. KEDA refuses the configured one where it needs a formula that is not there. */
static const char *behavior_of(const struct annotations *annotations,
			       const struct config_keda *config)
{
	const struct annotation_value *annotated = annotation_get(annotations, A_FALLBACK_BEHAVIOR);
	const char *configured = config->fallback_behavior;

	if (annotated)
		return annotated->text;
	if (configured && strcmp(configured, BY_FORMULA) == 0 &&
	    !annotation_get(annotations, A_SCALING_MODIFIERS))
		return NULL;
	return configured;
}

bool fallback_set(const struct annotations *annotations, const struct config_keda *config,
		  bool external, struct arena *arena, struct json *spec, struct refusal *refusal)
{
	const struct annotation_value *threshold =
	    annotation_get(annotations, A_FALLBACK_FAILURE_THRESHOLD);
	const struct annotation_value *replicas = annotation_get(annotations, A_FALLBACK_REPLICAS);
	bool configured = external && config->fallback_failure_threshold >= 0;

	if (!check_together(annotations, configured, arena, refusal))
		return false;
	if (!threshold && !configured)
		return true;
	const char *behavior = behavior_of(annotations, config);
	struct json *fallback = json_ensure_object(arena, spec, "fallback");
	json_set_int(arena, fallback, "failureThreshold",
		     threshold ? threshold->number : config->fallback_failure_threshold);
	json_set_int(arena, fallback, "replicas",
		     replicas ? replicas->number : config->fallback_replicas);
	if (behavior)
		json_set_text(arena, fallback, "behavior", behavior);
	return true;
}
