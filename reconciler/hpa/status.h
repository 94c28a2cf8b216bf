/*
 * The status of the PodAutoscaler: conditions, service names, scale. One merge patch with the
 * resourceVersion that names only what differs; none if nothing does.
 */
#ifndef HPA_STATUS_H
#define HPA_STATUS_H

#include "reconciler/hpa/active.h"

/* ScaleTargetInitialized is, or becomes now, True. */
bool status_initialized(const struct look *look);
/* The patch, or NULL. */
struct json *status_patch(const struct look *look, const struct verdict *active);

#endif
