/*
 * ConfigMap config-leader-election (knative.dev/pkg/leaderelection), with Knative's keys, defaults,
 * rules and texts: one wrong key refuses the map, unknown ones are ignored. It is read once.
 */
#ifndef KNATIVE_CONFIG_LEADER_ELECTION_H
#define KNATIVE_CONFIG_LEADER_ELECTION_H

#include <stdint.h>

#include "pkg/json/json.h"

struct config_leader_election {
	/* "lease-duration" 60s, "renew-deadline" 40s, "retry-period" 10s; also "leaseDuration", ...
	 * where the dashed form is not set. Milliseconds, the first in whole seconds. */
	int64_t lease_ms, renew_ms, retry_ms;
	uint32_t buckets;   /* 1; 1 to 10 */
	const char *prefix; /* of the leases' names; "map-lease-prefix.<default prefix>" sets it */
};

/* data: the ConfigMap's .data, NULL for an empty one. default_prefix: "<component>.<queue>", as
 * Knative's map keys spell it. Texts are in the arena. Errors are ERROR_INVALID. */
MUST_CHECK bool config_leader_election_parse(const struct json *data, const char *default_prefix,
					     struct arena *arena,
					     struct config_leader_election *out, struct error *err);
/* "<prefix>.00-of-01", in lower case, as Lease names must be. */
const char *config_leader_election_lease(const struct config_leader_election *config,
					 uint32_t bucket, struct arena *arena);

#endif
