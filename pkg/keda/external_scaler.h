/*
 * The messages of KEDA's externalscaler.ExternalScaler (external_scaler.proto) between bytes and
 * plain structs: what pkg/grpc carries and reconciler/http means. The one place that knows
 * protobuf-c. Invariant: no message, however it is made, takes more than EXTERNAL_SCALER_BYTES of
 * the arena to be read.
 */
#ifndef KEDA_EXTERNAL_SCALER_H
#define KEDA_EXTERNAL_SCALER_H

#include <stdbool.h>
#include <stddef.h>

#include "pkg/base/arena.h"
#include "pkg/base/error.h"
#include "pkg/base/strbuf.h"

#define EXTERNAL_SCALER_METADATA 256         /* entries; a message with more is refused */
#define EXTERNAL_SCALER_BYTES (256 * 1024UL) /* as read, with what reading it takes */

struct scaler_metadata {
	const char *key, *value;
};

/* ScaledObjectRef. Texts are "" where the message has none, and may be anything but NUL: valid
 * UTF-8 is the sender's duty and nobody's promise. */
struct scaler_ref {
	const char *name, *ns; /* of the ScaledObject */
	const struct scaler_metadata *metadata;
	size_t metadata_count;
};

/* GetMetricsRequest. */
struct scaler_metrics_request {
	struct scaler_ref ref; /* empty if the message has none */
	const char *metric_name;
};

/* The last of that key, as the encoding of a map has it; NULL if there is none. */
const char *scaler_ref_metadata(const struct scaler_ref *ref, const char *key);

/* Texts are in the arena. False: no such message, or too large a one (ERROR_INVALID). */
MUST_CHECK bool scaler_ref_decode(const void *message, size_t length, struct arena *arena,
				  struct scaler_ref *out, struct error *err);
MUST_CHECK bool scaler_metrics_request_decode(const void *message, size_t length,
					      struct arena *arena,
					      struct scaler_metrics_request *out,
					      struct error *err);

/* Each adds one message to out. The numbers go as KEDA of today reads them, and rounded up as older
 * ones do. */
void scaler_is_active_encode(bool active, struct strbuf *out); /* IsActiveResponse */
void scaler_metric_spec_encode(const char *metric, double target,
			       struct strbuf *out); /* GetMetricSpecResponse */
void scaler_metric_value_encode(const char *metric, double value,
				struct strbuf *out); /* GetMetricsResponse */

#endif
