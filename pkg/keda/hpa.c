/* HorizontalPodAutoscaler from JSON. Nothing of it is ever refused but an object without a name:
 * whatever stands in a foreign one must not stop the watch. */
#include "pkg/keda/hpa.h"

#include "pkg/base/date.h"
#include "pkg/keda/status.h"

static void decode_scaling(const struct json *condition, struct hpa *hpa)
{
	struct arena *arena = hpa->object.arena;
	const char *changed = json_text_or(json_get(condition, "lastTransitionTime"), "");
	bool told = hpa->scaling_active != 1;
	hpa->scaling_reason = told ? status_text(json_get(condition, "reason"), arena) : "";
	hpa->scaling_message = told ? status_text(json_get(condition, "message"), arena) : "";
	if (!time_parse_rfc3339(changed, &hpa->scaling_changed_ms))
		hpa->scaling_changed_ms = 0;
	hpa->scaling_changed_ms -= hpa->scaling_changed_ms % 1000;
}

static bool fill(struct object *object, const struct json *json, struct error *err)
{
	struct hpa *hpa = (struct hpa *)object;
	if (!meta_decode(json, object->arena, &object->meta, err))
		return error_wrap(err, "HorizontalPodAutoscaler");
	const struct json *status = json_get(json, "status");
	const struct json *scaling = status_condition(json, "ScalingActive");
	hpa->target_name =
	    status_text(json_path(json, "spec", "scaleTargetRef", "name", NULL), object->arena);
	hpa->current_replicas = status_int32(json_get(status, "currentReplicas"), 0);
	hpa->desired_replicas = status_int32(json_get(status, "desiredReplicas"), 0);
	hpa->scaling_active = status_value(scaling);
	decode_scaling(scaling, hpa);
	return true;
}

struct object *hpa_decode(const struct json *json, struct error *err)
{
	return object_decode(sizeof(struct hpa), fill, json, err);
}
