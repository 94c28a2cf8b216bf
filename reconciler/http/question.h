/*
 * What KEDA asks of us about one revision, and the answer. Pure: bytes and a reading in, bytes or
 * an error out. The trigger that asks says in its metadata all that its questions need, so that a
 * replica that has just started answers as any other:
 *   metric    concurrency or rps
 *   revision  the PodAutoscaler's name; the namespace is the ScaledObject's
 *   target    of the metric for each pod: a plain decimal, as GetMetricSpec gives it back
 */
#ifndef HTTP_QUESTION_H
#define HTTP_QUESTION_H

#include <stdbool.h>
#include <stddef.h>

#include "pkg/base/arena.h"
#include "pkg/base/error.h"
#include "pkg/base/strbuf.h"
#include "reconciler/http/readings.h"

#define QUESTION_NS_MAX 63        /* bytes: a label of DNS */
#define QUESTION_REVISION_MAX 253 /* bytes: a name of an object */
#define QUESTION_RPS_COVERED_MS 1000

enum question_kind {
	QUESTION_IS_ACTIVE,
	QUESTION_STREAM_IS_ACTIVE,
	QUESTION_METRIC_SPEC,
	QUESTION_METRICS,
};

enum question_metric { QUESTION_CONCURRENCY, QUESTION_RPS };

struct question {
	enum question_kind kind;
	enum question_metric metric;
	double target;
	const char *ns, *revision; /* names that Kubernetes could have given */
};

/* Texts are in the arena. False, with a message for who wrote the trigger: ERROR_INVALID; or
 * ERROR_NOT_FOUND, a metric is asked for that the trigger does not have. */
MUST_CHECK bool question_read(enum question_kind kind, const void *message, size_t length,
			      struct arena *arena, struct question *out, struct error *err);
/* Does the reading say enough for the answer? That something is there may be known before all
 * activators were heard; a rate must cover some time to be one. */
bool question_answerable(const struct question *question, const struct reading *reading);
/* Adds the answer's message to out. */
void question_answer(const struct question *question, const struct reading *reading,
		     struct strbuf *out);

#endif
