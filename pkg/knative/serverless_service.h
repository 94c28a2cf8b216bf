/* ServerlessService (networking.internal.knative.dev/v1alpha1): read, made, compared. */
#ifndef KNATIVE_SERVERLESS_SERVICE_H
#define KNATIVE_SERVERLESS_SERVICE_H

#include "pkg/knative/pod_autoscaler.h"

#define SERVERLESS_SERVICE_API_VERSION "networking.internal.knative.dev/v1alpha1"
#define SERVERLESS_SERVICE_KIND "ServerlessService"

#define SKS_SERVE "Serve" /* requests go to the pods while there are any */
#define SKS_PROXY "Proxy" /* they go through activators, always */

/* What of the spec is not the PodAutoscaler's. */
struct sks_mode {
	const char *mode;
	int64_t activators; /* how many there are in front; 0: all */
};

struct serverless_service {
	struct object object;
	struct sks_mode mode;        /* every text here is "" if unset */
	const char *ref_api_version; /* spec.objectRef */
	const char *ref_kind;
	const char *ref_name;
	const char *protocol;
	const char *service_name; /* status */
	const char *private_service_name;
	/* Condition Ready is True, of this generation (ready) or of an older one (was_ready). In
	 * both modes it says whether there is a pod that can be reached: at zero it is not. */
	bool ready, was_ready;
};

/* An object_decode_fn. */
struct object *serverless_service_decode(const struct json *json, struct error *err);
/* The whole object for a PodAutoscaler, in that mode, ours; labels copied, annotations copied but
 * those of autoscaling.knative.dev other than the class and KEDA's. */
struct json *serverless_service_build(const struct pod_autoscaler *pa, const struct sks_mode *mode,
				      struct arena *arena);
/* Is the spec what serverless_service_build would make? Metadata never counts: neither does
 * Knative's own reconciler look at it again. */
bool serverless_service_in_sync(const struct serverless_service *sks,
				const struct pod_autoscaler *pa, const struct sks_mode *mode);
/* The merge patch that makes the spec so, with the resourceVersion of sks. */
struct json *serverless_service_patch(const struct serverless_service *sks,
				      const struct pod_autoscaler *pa, const struct sks_mode *mode,
				      struct arena *arena);

#endif
