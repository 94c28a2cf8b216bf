/*
 * What the parts of the KEDA stand-in share: reconcile (keda_model.c), the HPA it makes
 * (keda_model_hpa.c), the scale loop (keda_model_zero.c), what scalers see (keda_model_metrics.c),
 * and admission (keda_model_webhook.c).
 */
#ifndef TEST_LIB_KEDA_MODEL_H
#define TEST_LIB_KEDA_MODEL_H

#include "test/lib/model_internal.h"

#define KEDA_LABEL "scaledobject.keda.sh/name"
#define KEDA_READY_TEXT "ScaledObject is defined correctly and is ready for scaling"

/* What goes into the status; static texts or borrowed ones. */
struct keda_verdict {
	const char *ready, *reason, *message;
	const char *active, *active_reason, *active_message; /* NULL: as they were */
	bool paused, good, polled;
	int64_t active_at_ms; /* lastActiveTime from now on; 0: as it was */
};

extern const struct write keda_write;
/* Ends the program: the model refuses its own KEDA. */
void keda_must(bool ok, const struct error *err);

const char *keda_target(const struct json *so);
int64_t keda_min(const struct json *so);
const char *keda_annotation(const struct json *so, const char *name);
bool keda_is_resource(const struct json *trigger);
bool keda_only_resources(const struct json *so);
bool keda_paused(const struct json *so);
const char *keda_hpa_name(struct arena *arena, const struct json *so);

/* Does the ScaledObject of that name own it, whatever its uid? */
bool keda_owns(const struct version *hpa, const char *so);
/* Creates the HPA, or replaces it whole without a look at its owner, as KEDA does. */
MUST_CHECK bool keda_ensure_hpa(struct model *model, const struct version *so, struct error *err);

/* "s0-prometheus", as the HPA names the metric of that trigger. */
const char *keda_metric_name(struct arena *arena, const struct json *trigger, size_t index);
/* What the trigger's scaler sees; NAN: it fails. */
double keda_value(struct model *model, const char *ns, const struct json *trigger);

/* ---- keda_model_status.c ---- */
void keda_write_status(struct model *model, struct version *so, const struct keda_verdict *verdict);

/* ---- keda_model_zero.c ---- */
/* Sets the target's replicas. */
void keda_scale(struct model *model, const struct version *so, int64_t replicas);
/* One look at the metrics if the polling interval is over; makes the next appointment. */
void keda_poll(struct model *model, struct desk *desk, struct version *so);

#endif
