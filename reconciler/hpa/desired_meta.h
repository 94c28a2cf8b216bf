/* metadata of the desired ScaledObject: what is ours and what goes through from the revision. */
#ifndef HPA_DESIRED_META_H
#define HPA_DESIRED_META_H

#include "reconciler/hpa/annotations.h"
#include "reconciler/hpa/desired.h"

/* Name, namespace, labels, annotations and the one ownerReference. transfer: see desired_build. */
struct json *desired_metadata(const struct pod_autoscaler *pa, const struct annotations *set,
			      bool transfer, struct arena *arena);

#endif
