/* What a template may name: the five variables of contract section 3, of one PodAutoscaler. */
#ifndef HPA_VARIABLES_H
#define HPA_VARIABLES_H

#include "pkg/base/error.h"
#include "pkg/knative/pod_autoscaler.h"

/* Errors are those of template_expand. */
MUST_CHECK bool variables_expand(const struct pod_autoscaler *pa, const char *text,
				 struct arena *arena, char **out, struct error *err);

#endif
