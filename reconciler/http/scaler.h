/*
 * The scaler that KEDA asks: its ExternalScaler service (pkg/keda/external_scaler.proto) over
 * pkg/grpc, answered from what the activators told (readings.h). Every replica serves it, leader or
 * not, and knows of a revision only what KEDA's questions say.
 *
 * A revision that is asked for is watched in the readings: while a stream of it is open, and for
 * SCALER_WATCH_MS after the last question. IsActive and GetMetrics about one that has only just
 * been asked for wait up to SCALER_WAIT_MS for the first page; where the activators cannot be read
 * they get UNAVAILABLE with the reason, never "0", so that KEDA keeps the replicas it has.
 *
 * On StreamIsActive `true` alone is pushed: KEDA before 2.18 takes a pushed `false` for "to zero,
 * now", whatever its other triggers say, and later ones pass over it. It is pushed at once when
 * requests come where there were none; while there are any again after 1, 2, 4 and 8 s, lest the
 * first was in vain, and then every SCALER_PUSH_MS. Each push costs KEDA a write of the
 * ScaledObject's status, so requests that come and go are told every SCALER_EDGE_MS at most.
 *
 * Activators that have been unread for SCALER_STRANDED_MS count as a request of every revision: one
 * at zero would have no way up, for while a question of KEDA's polling has no answer, it does not
 * even start what minReplicaCount asks for.
 */
#ifndef HTTP_SCALER_H
#define HTTP_SCALER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/timer.h"
#include "pkg/grpc/server.h"
#include "reconciler/http/readings.h"

#define SCALER_WATCH_MS 120000
#define SCALER_WAIT_MS 3000
#define SCALER_PUSH_FIRST_MS 1000
#define SCALER_PUSH_MS 15000
#define SCALER_EDGE_MS 5000
#define SCALER_STRANDED_MS 10000
#define SCALER_WATCHED_MAX ((size_t)16384) /* revisions; a question about one more is refused */

struct scaler;

struct scaler_config {
	struct timers *timers;
	/* Borrowed while the scaler lives, which takes readings_on_rise and what is watched for
	 * itself. */
	struct readings *readings;
	/* Why the activators cannot be read, for people; NULL: they can, as far as is known. The
	 * text is valid until the next round of the loop. */
	const char *(*unread)(void *ctx); /* may be NULL */
	/* scaler_needed has become true. Not from within a callback of the readings. */
	void (*wake)(void *ctx); /* may be NULL */
	void *ctx;
};

struct scaler *scaler_new(const struct scaler_config *config);
/* After the server: no call may be left. NULL is fine. */
void scaler_free(struct scaler *scaler);
/* For grpc_server_config, whose ctx is then the scaler. Static. */
const struct grpc_method *scaler_methods(size_t *count);
/* Is anything asked for at all? Else nobody needs to read the activators. */
bool scaler_needed(const struct scaler *scaler);
/* Before grpc_server_stop: ends the streams with OK. KEDA then opens them anew, at another replica,
 * after 2 s; of a stream that breaks it doubles the time each time, and never forgets. */
void scaler_stop(struct scaler *scaler);

struct scaler_counts {
	size_t watched, streams, waiting;        /* at the moment */
	uint64_t asked, refused, unread, pushed; /* since the start; asked has all questions */
};
void scaler_counts(const struct scaler *scaler, struct scaler_counts *out);

#endif
