/*
 * Whose is the object of that name? Decides what may be touched: only what is ours, ever. Objects
 * that are going, or that a former PodAutoscaler or ScaledObject of the same name (another uid)
 * controls, are left to KEDA's finalizer and to garbage collection.
 */
#ifndef HPA_OWNERSHIP_H
#define HPA_OWNERSHIP_H

#include "reconciler/hpa/view.h"

enum ownership {
	OWNER_ABSENT, /* no such object */
	OWNER_OURS,   /* controlled by this PodAutoscaler, or (HPA) by a ScaledObject that is */
	OWNER_PA,     /* an HPA that the PodAutoscaler itself controls: autoscaler-hpa left it */
	OWNER_GOING,  /* terminating, whoever owns it */
	OWNER_FORMER,
	OWNER_FOREIGN, /* another owner, or none */
};

/* meta NULL: absent. */
enum ownership ownership_of(const struct meta *meta, const struct pod_autoscaler *pa);
/* With auto-create off every owner is as good as ours. */
enum ownership ownership_of_scaled_object(const struct view *view, bool auto_create,
					  struct arena *arena);
enum ownership ownership_of_hpa(const struct view *view, bool auto_create);

#endif
