/* Read leniently: a field of a wrong type counts as unset. */
#include "pkg/kube/lease.h"

#include "pkg/base/date.h"

static int64_t duration_ms(const struct json *spec)
{
	int64_t seconds = json_int_or(json_get(spec, "leaseDurationSeconds"), 0);

	return seconds > 0 && seconds <= INT32_MAX ? seconds * 1000 : LEASE_DEFAULT_MS;
}

struct object *lease_decode(const struct json *json, struct error *err)
{
	struct lease *lease = object_new(sizeof(*lease));
	struct arena *arena = lease->object.arena;
	const struct json *spec = json_get(json, "spec");

	if (!meta_decode(json, arena, &lease->object.meta, err)) {
		object_unref(&lease->object);
		return NULL;
	}
	lease->holder = arena_strdup(arena, json_text_or(json_get(spec, "holderIdentity"), ""));
	lease->renewed = arena_strdup(arena, json_text_or(json_get(spec, "renewTime"), ""));
	if (!time_parse_rfc3339(lease->renewed, &lease->renewed_ms))
		lease->renewed_ms = 0;
	lease->duration_ms = duration_ms(spec);
	return &lease->object;
}
