/* Any other count than 0 is refused where it is read: KEDA and the HPA would fight over it. */
#include "reconciler/hpa/idle.h"

#include "reconciler/hpa/override.h"

bool idle_of(const struct annotations *annotations, const struct bounds *bounds,
	     struct arena *arena, bool *out, struct refusal *refusal)
{
	const struct annotation_value *annotated =
	    annotation_get(annotations, A_IDLE_REPLICA_COUNT);
	int32_t given;
	bool overridden = override_int(annotations, "idleReplicaCount", &given);

	*out = annotated || overridden;
	if (!*out || bounds->min_reachable > 0)
		return true;
	return refuse(refusal, arena,
		      annotation_key(annotations, annotated ? A_IDLE_REPLICA_COUNT : A_OVERRIDE),
		      overridden ? "idleReplicaCount 0" : annotated->text,
		      "leaves nothing between idle and active; set %s to at least 1, or remove it",
		      annotation_key(annotations, A_MIN_SCALE));
}
