/*
 * Lease (coordination.k8s.io/v1) as leader election reads and writes it. Whether its time is up is
 * for whoever watches it to judge by its own clock: renewals are the holder's clock.
 */
#ifndef KUBE_LEASE_H
#define KUBE_LEASE_H

#include "pkg/meta/object.h"

#define LEASE_DEFAULT_MS INT64_C(60000) /* where no positive leaseDurationSeconds is given */

struct lease {
	struct object object;
	const char *holder;   /* spec.holderIdentity; "" if nobody */
	const char *renewed;  /* spec.renewTime as it stands; "" if unset */
	const char *acquired; /* spec.acquireTime the same */
	int64_t renewed_ms;   /* renewed as wall time; 0: unset or unreadable */
	int64_t duration_ms;  /* spec.leaseDurationSeconds */
	int64_t transitions;  /* spec.leaseTransitions; 0 if unset or below */
};

/* An object_decode_fn. */
struct object *lease_decode(const struct json *json, struct error *err);

/* The spec that a claim or a release writes. */
struct lease_claim {
	const char *holder; /* "" releases it */
	int64_t seconds;
	int64_t now_ms;       /* server wall time, which becomes renewTime */
	const char *acquired; /* acquireTime; NULL: now */
	int64_t transitions;
};

struct json *lease_spec(struct arena *arena, const struct lease_claim *claim);

#endif
