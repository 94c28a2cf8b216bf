/*
 * From a PodAutoscaler and the configuration to the ScaledObject that should be: contract section
 * 4. Pure.
 */
#ifndef HPA_DESIRED_H
#define HPA_DESIRED_H

#include "pkg/keda/config_keda.h"
#include "pkg/knative/config_autoscaler.h"
#include "pkg/knative/pod_autoscaler.h"
#include "reconciler/hpa/http.h"

struct desired {
	bool auto_create;    /* false: object is NULL */
	struct json *object; /* the whole ScaledObject */
	uint64_t hash;       /* of its normalised spec */
	int32_t min, max;    /* effective bounds without the hold; max 2147483647: none */
	int32_t initial_scale;
	int32_t needed;        /* pods that prove initialization (contract section 5) */
	bool held;             /* the warm hold is in minReplicaCount */
	int64_t held_until_ms; /* server time; 0: until something else happens */
	bool kept;             /* asked for DESIRED_KEPT, and it is one of those */
	struct http_scaling http;
};

enum desired_form {
	DESIRED_NOW, /* what should be at now_ms: with the warm hold if it applies */
	/* The same, and one pod at least if it scales on HTTP requests and is not Unreachable:
	 * nobody would see the request that should wake it. */
	DESIRED_KEPT,
	DESIRED_STEADY, /* without the hold (render, golden cases) */
	DESIRED_FRESH,  /* as for a revision that was just made (render --fresh) */
};

/* False with refusal set if an annotation is wrong. transfer: put KEDA's transfer-hpa-ownership
 * annotation on it. Texts and values live in the arena. */
MUST_CHECK bool desired_build(const struct pod_autoscaler *pa,
			      const struct config_autoscaler *config,
			      const struct config_keda *config_keda, enum desired_form form,
			      int64_t now_ms, bool transfer, struct arena *arena,
			      struct desired *out, struct refusal *refusal);

#endif
