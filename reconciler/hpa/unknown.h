/* Annotations of Knative's autoscaling group that nobody knows: probably a slip of the pen. */
#ifndef HPA_UNKNOWN_H
#define HPA_UNKNOWN_H

#include "pkg/knative/pod_autoscaler.h"

/* "KEY is not known; did you mean KEY?", a sentence for each that is close to a known one, four at
 * most; NULL if there is none. Never a refusal: another controller may know such a name. The order
 * is that of the annotations. */
const char *unknown_annotations(const struct pod_autoscaler *pa, struct arena *arena);

#endif
