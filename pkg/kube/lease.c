/* Read leniently: a field of a wrong type counts as unset. */
#include "pkg/kube/lease.h"

#include <string.h>

#include "pkg/base/date.h"

static int64_t duration_ms(const struct json *spec)
{
	int64_t seconds = json_int_or(json_get(spec, "leaseDurationSeconds"), 0);

	return seconds > 0 && seconds <= INT32_MAX ? seconds * 1000 : LEASE_DEFAULT_MS;
}

/* One more must still fit the API's int32. */
static int64_t transitions(const struct json *spec)
{
	int64_t count = json_int_or(json_get(spec, "leaseTransitions"), 0);

	return count > 0 && count < INT32_MAX ? count : 0;
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
	lease->acquired = arena_strdup(arena, json_text_or(json_get(spec, "acquireTime"), ""));
	if (!time_parse_rfc3339(lease->renewed, &lease->renewed_ms))
		lease->renewed_ms = 0;
	lease->duration_ms = duration_ms(spec);
	lease->transitions = transitions(spec);
	return &lease->object;
}

/* metav1.MicroTime is read back only with exactly six digits behind the point. */
static const char *micro_time(struct arena *arena, int64_t wall_ms)
{
	char text[TIME_RFC3339_SIZE];

	time_format_rfc3339_ms(wall_ms, text);
	return arena_printf(arena, "%.*s000Z", (int)strlen(text) - 1, text);
}

struct json *lease_spec(struct arena *arena, const struct lease_claim *claim)
{
	struct json *spec = json_object(arena);
	const char *now = micro_time(arena, claim->now_ms);

	json_set_text(arena, spec, "holderIdentity", claim->holder);
	json_set_int(arena, spec, "leaseDurationSeconds", claim->seconds);
	json_set_text(arena, spec, "acquireTime", claim->acquired ? claim->acquired : now);
	json_set_text(arena, spec, "renewTime", now);
	json_set_int(arena, spec, "leaseTransitions", claim->transitions);
	return spec;
}
