/*
 * struct http_meters: what revisions scaled by concurrency or rps cost and need: the pages of the
 * activators, KEDA's questions. Counted where it happens, brought into the registry when somebody
 * looks.
 */
#ifndef HTTP_METERS_H
#define HTTP_METERS_H

#include "pkg/metrics/metrics.h"
#include "reconciler/http/activators.h"
#include "reconciler/http/scaler.h"

struct http_meters;

/* All borrowed until http_meters_free; no exposition is written after that. */
struct http_meters *http_meters_new(struct metrics *metrics, const struct activators *activators,
				    const struct scaler *scaler);
void http_meters_free(struct http_meters *meters); /* NULL is fine */

#endif
