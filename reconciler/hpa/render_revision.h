/*
 * From what people write to what the controller sees: the PodAutoscaler that Knative makes of a
 * Service, a Configuration or a Revision (serving
 * pkg/reconciler/{configuration,revision}/resources).
 */
#ifndef HPA_RENDER_REVISION_H
#define HPA_RENDER_REVISION_H

#include "pkg/json/json.h"

/* A Service and a Configuration as their first revision, NAME-00001, or the one that their template
 * names; a Revision as it is; a copy of a PodAutoscaler. What only a cluster knows (uids,
 * generations) is taken from the manifest or left out. NULL: a manifest of another kind. */
struct json *render_pod_autoscaler(const struct json *manifest, struct arena *arena);

#endif
