/*
 * The warm hold of contract section 4: without it KEDA zeroes a fresh revision before, or at the
 * very moment, it gets its traffic, for an inactive poll never sets a ScaledObject's
 * lastActiveTime.
 */
#ifndef HPA_HOLD_H
#define HPA_HOLD_H

#include "reconciler/hpa/bounds.h"
#include "reconciler/hpa/desired.h"

struct hold {
	bool held;
	int32_t min;      /* minReplicaCount while held, at least 1 */
	int64_t until_ms; /* server time; 0: until something else happens */
};

/* min: the effective one without the hold. cooldown_s: what KEDA waits for, see
 * hold_cooldown_seconds. */
struct hold hold_of(const struct pod_autoscaler *pa, const struct bounds *bounds, int32_t min,
		    int64_t cooldown_s, enum desired_form form, int64_t now_ms);
/* Of the desired spec: initialCooldownPeriod, else cooldownPeriod, else 300; 0 to 2147483647. */
int64_t hold_cooldown_seconds(const struct json *spec);

#endif
