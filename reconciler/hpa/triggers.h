/* The triggers of a ScaledObject: the default one, then the listed ones (contract section 4). */
#ifndef HPA_TRIGGERS_H
#define HPA_TRIGGERS_H

#include "reconciler/hpa/http.h"

struct triggers {
	struct json *list;   /* never empty */
	bool only_resources; /* all are cpu or memory: KEDA cannot go to zero with these */
};

/* http: of these annotations. All checks of trigger_checks.h hold for what comes out. False with
 * refusal set. */
MUST_CHECK bool triggers_build(const struct annotations *annotations,
			       const struct pod_autoscaler *pa, const struct config_keda *config,
			       const struct http_scaling *http, struct arena *arena,
			       struct triggers *out, struct refusal *refusal);

#endif
