/* Puts the triggers in their order: the default one, then the listed ones. */
#include "reconciler/hpa/triggers.h"

#include "reconciler/hpa/default_trigger.h"
#include "reconciler/hpa/listed_triggers.h"
#include "reconciler/hpa/trigger_checks.h"

bool triggers_build(const struct annotations *annotations, const struct pod_autoscaler *pa,
		    const struct config_keda *config, const struct http_scaling *http,
		    struct arena *arena, struct triggers *out, struct refusal *refusal)
{
	struct listed_triggers listed;
	struct json *first;

	if (!listed_triggers_get(annotations, pa, arena, &listed, refusal) ||
	    !default_trigger_make(annotations, pa, config, http, json_count(listed.list) > 0, arena,
				  &first, refusal))
		return false;
	out->list = json_array(arena);
	if (first)
		json_append(arena, out->list, first);
	for (size_t i = 0; i < json_count(listed.list); i++)
		json_append(arena, out->list, listed.list->elements[i]);
	out->only_resources = triggers_only_resources(out->list);
	return !listed.key || triggers_check(out->list, listed.key, arena, refusal);
}
