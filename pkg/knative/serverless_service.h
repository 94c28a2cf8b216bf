/* ServerlessService (networking.internal.knative.dev/v1alpha1): read, made, compared. */
#ifndef KNATIVE_SERVERLESS_SERVICE_H
#define KNATIVE_SERVERLESS_SERVICE_H

#include "pkg/knative/pod_autoscaler.h"

#define SERVERLESS_SERVICE_API_VERSION "networking.internal.knative.dev/v1alpha1"
#define SERVERLESS_SERVICE_KIND "ServerlessService"

struct serverless_service {
	struct object object;
	const char *mode; /* "Serve", "Proxy"; every text here is "" if unset */
	int64_t activators;
	const char *ref_api_version; /* spec.objectRef */
	const char *ref_kind;
	const char *ref_name;
	const char *protocol;
	const char *service_name; /* status */
	const char *private_service_name;
	bool ready; /* observedGeneration == generation and Ready True */
};

/* An object_decode_fn. */
struct object *serverless_service_decode(const struct json *json, struct error *err);
/* The whole object for a PodAutoscaler: mode Serve, all activators, ours; labels copied,
 * annotations copied but those of autoscaling.knative.dev other than the class and KEDA's. */
struct json *serverless_service_build(const struct pod_autoscaler *pa, struct arena *arena);
/* Is the spec what serverless_service_build would make? Metadata never counts: neither does
 * Knative's own reconciler look at it again. */
bool serverless_service_in_sync(const struct serverless_service *sks,
				const struct pod_autoscaler *pa);
/* The merge patch that makes the spec so, with the resourceVersion of sks. */
struct json *serverless_service_patch(const struct serverless_service *sks,
				      const struct pod_autoscaler *pa, struct arena *arena);

#endif
