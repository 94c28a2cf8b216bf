/*
 * struct request_meters: metrics of the requests to the API server, under the names that Knative
 * (knative.dev/pkg/observability/metrics/k8s) and, if wanted, controller-runtime give them. Fed by
 * the transport's observer.
 */
#ifndef CONTROLLER_METERS_REQUESTS_H
#define CONTROLLER_METERS_REQUESTS_H

#include "pkg/metrics/metrics.h"

struct request_meters;

/* server: the API server's URL, of which host and port become labels; user and password in it do
 * not. */
struct request_meters *request_meters_new(struct metrics *metrics, const char *server);
void request_meters_free(struct request_meters *meters); /* NULL is fine */
/* As curl_transport_observe wants it: ctx is the struct request_meters; status 0: no answer. */
void request_meters_finished(void *ctx, const char *method, int status, int64_t duration_ms);

#endif
