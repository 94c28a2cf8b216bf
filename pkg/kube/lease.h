/*
 * Lease (coordination.k8s.io/v1), as far as it tells whether somebody holds it. Whether its time is
 * up is for whoever watches it to judge by its own clock: renewals are the holder's clock.
 */
#ifndef KUBE_LEASE_H
#define KUBE_LEASE_H

#include "pkg/meta/object.h"

#define LEASE_DEFAULT_MS INT64_C(60000) /* where no positive leaseDurationSeconds is given */

struct lease {
	struct object object;
	const char *holder;  /* spec.holderIdentity; "" if nobody */
	const char *renewed; /* spec.renewTime as it stands; "" if unset */
	int64_t renewed_ms;  /* the same as wall time; 0: unset or unreadable */
	int64_t duration_ms; /* spec.leaseDurationSeconds */
};

/* An object_decode_fn. */
struct object *lease_decode(const struct json *json, struct error *err);

#endif
