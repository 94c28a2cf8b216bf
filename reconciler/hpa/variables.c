/* A label that is missing is an empty variable, and so false in an {{ if }}. */
#include "reconciler/hpa/variables.h"

#include "pkg/units/template.h"

static const char *label(const struct pod_autoscaler *pa, const char *key)
{
	const char *value = meta_pair_get(&pa->labels, key);

	return value ? value : "";
}

bool variables_expand(const struct pod_autoscaler *pa, const char *text, struct arena *arena,
		      char **out, struct error *err)
{
	const struct template_variable variables[] = {
	    {"revisionName", pa->object.meta.name},
	    {"namespace", pa->object.meta.ns},
	    {"serviceName", label(pa, "serving.knative.dev/service")},
	    {"configurationName", label(pa, "serving.knative.dev/configuration")},
	    {"deploymentName", pa->target_name},
	    {NULL, NULL},
	};

	return template_expand(text, variables, arena, out, err);
}
