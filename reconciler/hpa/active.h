/*
 * The table of contract section 5: what the condition Active says. One function a row, in the
 * order of the table; the first that fits wins.
 */
#ifndef HPA_ACTIVE_H
#define HPA_ACTIVE_H

#include "reconciler/hpa/look.h"

#define REASON_INVALID_ANNOTATION "InvalidAnnotation"
#define REASON_WAITING_FOR_DELETION "WaitingForDeletion"
#define REASON_NOT_OWNED "NotOwned"
#define REASON_KEDA_NOT_INSTALLED "KEDANotInstalled"
#define REASON_REJECTED "ScaledObjectRejected"
#define REASON_NOT_WRITTEN "ScaledObjectNotWritten"
#define REASON_WAITING_FOR_SCALED_OBJECT "WaitingForScaledObject"
#define REASON_PAUSED "ScaledObjectPaused"
#define REASON_NOT_READY "ScaledObjectNotReady"
#define REASON_WAITING_FOR_HPA "WaitingForHPA"
#define REASON_NO_TRAFFIC "NoTraffic"

struct verdict {
	enum condition_status status;
	const char *reason; /* NULL if True */
	const char *message;
};

/* May ask for another look when a row needs time to fit. */
struct verdict active_verdict(struct look *look);
/* The condition Active that the PodAutoscaler bears; all zero if none. */
struct condition active_before(const struct look *look);
/* An HPA that counts is there. */
bool active_has_hpa(const struct look *look);

#endif
