/*
 * struct shelves: PodAutoscalers, ScaledObjects and HPAs as they stand in the cluster, for
 * `status`: filled once by lists, or kept up by reflectors. Objects are kept as JSON, without
 * managedFields.
 */
#ifndef CMD_SHELVES_H
#define CMD_SHELVES_H

#include "cmd/autoscaler-keda-hpa/people.h"
#include "pkg/kube/store.h"

enum shelf { SHELF_PA, SHELF_SO, SHELF_HPA, SHELVES };

extern const struct kube_resource *const shelf_resources[SHELVES];

/* An object of a store. */
struct shelved {
	struct object object;
	const struct json *json;
	const char *target; /* spec.scaleTargetRef.name; "" if unset */
};

struct shelves {
	struct store *stores[SHELVES];
};

/* changed (may be NULL): as of struct store_config. */
void shelves_init(struct shelves *shelves,
		  void (*changed)(void *ctx, const struct object *before,
				  const struct object *after),
		  void *ctx);
void shelves_release(struct shelves *shelves);
/* An object_decode_fn. */
struct object *shelved_decode(const struct json *json, struct error *err);
/* What belongs to a PodAutoscaler, by the controller's rules (reconciler/controller/views.c): sets
 * pod_autoscaler, scaled_object, hpa, ns and name. */
void shelves_find(const struct shelves *shelves, const struct object *pa, bool auto_create,
		  struct evidence *out);
/* Are ScaledObjects made where no annotation says so? config_keda: the ConfigMap's data, or NULL.
 */
bool shelves_auto_create(const struct json *config_keda);
/* Is this PodAutoscaler's made? otherwise: as shelves_auto_create answers. */
bool shelved_auto_create(const struct json *pa, bool otherwise);

#endif
