/*
 * The default trigger, made from metric, target, metric-type, the query and the options of
 * prometheus (contract section 4).
 */
#ifndef HPA_DEFAULT_TRIGGER_H
#define HPA_DEFAULT_TRIGGER_H

#include "reconciler/hpa/http.h"

/* http: of these annotations. concurrency and rps always have their trigger.
 * Others are listed: then cpu is scaled on only if a target is annotated, and a metric without a
 * target is none of our business. *out is NULL where there is no default trigger. False with
 * refusal set, also for options that would go nowhere. */
MUST_CHECK bool default_trigger_make(const struct annotations *annotations,
				     const struct pod_autoscaler *pa,
				     const struct config_keda *config,
				     const struct http_scaling *http, bool others_listed,
				     struct arena *arena, struct json **out,
				     struct refusal *refusal);

#endif
