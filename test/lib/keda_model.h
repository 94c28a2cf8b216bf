/*
 * What the two halves of the KEDA stand-in share: reconcile (keda_model.c) and the scale loop
 * (keda_model_zero.c).
 */
#ifndef TEST_LIB_KEDA_MODEL_H
#define TEST_LIB_KEDA_MODEL_H

#include "test/lib/model_internal.h"

#define KEDA_READY_TEXT "ScaledObject is defined correctly and is ready for scaling"

/* What goes into the status; static texts or borrowed ones. */
struct keda_verdict {
	const char *ready, *reason, *message;
	const char *active, *active_reason;
	bool paused, good;
	int64_t active_at_ms; /* lastActiveTime from now on; 0: as it was */
};

const char *keda_target(const struct json *so);
int64_t keda_min(const struct json *so);
const char *keda_annotation(const struct json *so, const char *name);
bool keda_is_resource(const struct json *trigger);
bool keda_only_resources(const struct json *so);
bool keda_paused(const struct json *so);

void keda_write_status(struct model *model, struct version *so, const struct keda_verdict *verdict);
/* Sets the target's replicas. */
void keda_scale(struct model *model, const struct version *so, int64_t replicas);
/* One look at the metrics if the polling interval is over; makes the next appointment. */
void keda_poll(struct model *model, struct desk *desk, struct version *so);

#endif
