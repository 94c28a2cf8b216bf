/*
 * struct scaling_row: one revision as `status` lists it, read off its PodAutoscaler, ScaledObject
 * and HPA. All texts are fit for a terminal; "" means that there is none or it could not be read.
 */
#ifndef EXPLAIN_ROW_H
#define EXPLAIN_ROW_H

#include "reconciler/explain/evidence.h"

#define ROW_UNKNOWN (-1)
#define ROW_NO_LIMIT 2147483647

struct scaling_row {
	const char *ns, *revision, *service;
	const char *ready; /* the PodAutoscaler's: "True", "False", "Unknown" */
	/* Active's, else Ready's; of a ready one "", ScalingDegraded or ScaledObjectPaused. */
	const char *reason;
	const char *message;
	int64_t since_ms, created_ms; /* 0: unknown */
	/* Bounds of the live ScaledObject, else of the annotations; ROW_UNKNOWN, ROW_NO_LIMIT. */
	int32_t min, max;
	int32_t current, desired; /* of the HPA, else of the PodAutoscaler's status */
	bool held;
	int64_t held_until_ms;
	const char *triggers; /* their types, "prometheus,cpu" */
	bool has_scaled_object, has_hpa;
	const char *keda_ready, *keda_active, *keda_fallback, *keda_paused; /* "True", ... */
	const char *scaling_active, *able_to_scale, *scaling_limited;       /* reasons */
};

/* False: it is no PodAutoscaler of class hpa. Needs of the evidence its PodAutoscaler,
 * ScaledObject, HPA, ConfigMaps and time. */
MUST_CHECK bool row_of(const struct evidence *evidence, struct arena *arena,
		       struct scaling_row *out);
/* What differs from one look to the next without anything having happened (ages) is no change. */
bool row_equal(const struct scaling_row *a, const struct scaling_row *b);
/* An item of a RevisionScalingList. */
struct json *row_json(const struct scaling_row *row, struct arena *arena);

#endif
