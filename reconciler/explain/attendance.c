/* A lease's time is up when its duration has passed since its last renewal, by the server's clock.
 */
#include "reconciler/explain/attendance.h"

#include <string.h>

#include "pkg/base/date.h"
#include "pkg/knative/buckets.h"
#include "pkg/knative/config_leader_election.h"

#define RIVAL_PREFIX "hpaautoscaler.knative.dev.serving.pkg.reconciler.autoscaling.hpa.reconciler."
#define OUR_PREFIX                                                                                 \
	"hpaautoscaler.knative.dev.autoscaler-keda.pkg.reconciler.autoscaling.hpa.Reconciler"
#define DEFAULT_SECONDS 60

static struct attendance lease_of(const struct json *lease, int64_t now_ms)
{
	const struct json *spec = json_get(lease, "spec");
	struct attendance out = {
	    .kind = ATTENDANCE_LAPSED,
	    .lease = json_text_or(json_path(lease, "metadata", "name", NULL), ""),
	    .holder = json_text_or(json_get(spec, "holderIdentity"), ""),
	};
	int64_t seconds = json_int_or(json_get(spec, "leaseDurationSeconds"), DEFAULT_SECONDS);

	if (seconds <= 0 || seconds > INT32_MAX)
		seconds = DEFAULT_SECONDS;
	if (!time_parse_rfc3339(json_text_or(json_get(spec, "renewTime"), ""), &out.renewed_ms))
		out.renewed_ms = 0;
	if (out.holder[0] && out.renewed_ms > 0 && out.renewed_ms / 1000 + seconds > now_ms / 1000)
		out.kind = ATTENDANCE_LED;
	return out;
}

static bool find_rival(const struct evidence *e, struct attendance *out)
{
	for (size_t i = 0; i < json_count(e->leases); i++) {
		*out = lease_of(json_at(e->leases, i), e->now_ms);
		if (strncmp(out->lease, RIVAL_PREFIX, strlen(RIVAL_PREFIX)) == 0 &&
		    out->kind == ATTENDANCE_LED) {
			out->kind = ATTENDANCE_RIVAL;
			return true;
		}
	}
	return false;
}

/* The lease that the revision's key belongs to. */
static const char *our_lease(const struct evidence *e, struct arena *arena)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct config_leader_election config;
	const char *names[BUCKETS_MAX];

	if (!config_leader_election_parse(e->config_leader_election, OUR_PREFIX, arena, &config,
					  &err) &&
	    !config_leader_election_parse(NULL, OUR_PREFIX, arena, &config, &err))
		return "";
	for (uint32_t i = 0; i < config.buckets; i++)
		names[i] = config_leader_election_lease(&config, i, arena);
	return names[bucket_of(names, config.buckets,
			       arena_printf(arena, "%s/%s", e->ns, e->name))];
}

void attendance_of(const struct evidence *e, struct arena *arena, struct attendance *out)
{
	const char *ours;

	*out = (struct attendance){.kind = ATTENDANCE_UNKNOWN, .lease = "", .holder = ""};
	if (e->unread[SOURCE_LEASES] || find_rival(e, out))
		return;
	ours = our_lease(e, arena);
	for (size_t i = 0; i < json_count(e->leases); i++) {
		*out = lease_of(json_at(e->leases, i), e->now_ms);
		if (strcmp(out->lease, ours) == 0)
			return;
	}
	*out = (struct attendance){.kind = ATTENDANCE_NONE, .lease = ours, .holder = ""};
}
