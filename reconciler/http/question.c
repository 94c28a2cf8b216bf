/*
 * KEDA's questions, read and answered. Every method looks at the whole metadata: a mistake in it is
 * told by each, for of some KEDA only logs what is wrong, of others it makes an event.
 */
#include "reconciler/http/question.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/keda/external_scaler.h"
#include "pkg/units/decimal.h"

#define MESSAGE_MAX 512

static const char *const metrics[] = {
    [QUESTION_CONCURRENCY] = "concurrency",
    [QUESTION_RPS] = "rps",
};

/* An entry of the metadata that must be there. */
static const char *entry(const struct scaler_ref *ref, const char *key, const char *wanted,
			 struct error *err)
{
	const char *value = scaler_ref_metadata(ref, key);
	if (!value || !*value) {
		error_set(err, ERROR_INVALID, "the trigger's metadata has no %s: %s is wanted", key,
			  wanted);
		return NULL;
	}
	return value;
}

static bool wrong(const char *key, const char *value, const char *wanted, struct error *err)
{
	error_set(err, ERROR_INVALID, "the trigger's metadata has %s \"%s\": %s is wanted", key,
		  value, wanted);
	return error_tidy(err, MESSAGE_MAX);
}

static bool read_metric(const struct scaler_ref *ref, enum question_metric *out, struct error *err)
{
	static const char wanted[] = "concurrency or rps";
	const char *value = entry(ref, "metric", wanted, err);
	if (!value)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
		if (strcmp(value, metrics[i]) == 0) {
			*out = (enum question_metric)i;
			return true;
		}
	return wrong("metric", value, wanted, err);
}

/* What KEDA makes of it has three decimals, and a target of 0 no API server takes. */
static bool read_target(const struct scaler_ref *ref, double *out, struct error *err)
{
	static const char wanted[] = "a plain decimal from 0.001 to 1000000000, such as 70";
	struct decimal target;
	const char *value = entry(ref, "target", wanted, err);
	if (!value)
		return false;
	if (strspn(value, "0123456789.") != strlen(value) || !decimal_parse(value, &target))
		return wrong("target", value, wanted, err);
	*out = strtod(value, NULL);
	return (*out >= 0.001 && *out <= 1e9) || wrong("target", value, wanted, err);
}

static bool is_name(const char *text, size_t max)
{
	size_t length = strlen(text);
	return length > 0 && length <= max &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.") == length;
}

static bool read_names(const struct scaler_ref *ref, struct question *out, struct error *err)
{
	static const char wanted[] = "the name of a PodAutoscaler";
	out->ns = ref->ns;
	if (!is_name(ref->ns, QUESTION_NS_MAX)) {
		error_set(err, ERROR_INVALID, "no namespace is named \"%s\"", ref->ns);
		return error_tidy(err, MESSAGE_MAX);
	}
	out->revision = entry(ref, "revision", wanted, err);
	if (!out->revision)
		return false;
	return is_name(out->revision, QUESTION_REVISION_MAX) ||
	       wrong("revision", out->revision, wanted, err);
}

bool question_read(enum question_kind kind, const void *message, size_t length, struct arena *arena,
		   struct question *out, struct error *err)
{
	struct scaler_metrics_request request = {.metric_name = ""};
	bool decoded = kind == QUESTION_METRICS
			   ? scaler_metrics_request_decode(message, length, arena, &request, err)
			   : scaler_ref_decode(message, length, arena, &request.ref, err);
	*out = (struct question){.kind = kind};
	if (!decoded || !read_names(&request.ref, out, err) ||
	    !read_metric(&request.ref, &out->metric, err) ||
	    !read_target(&request.ref, &out->target, err))
		return false;
	if (kind != QUESTION_METRICS || strcmp(request.metric_name, metrics[out->metric]) == 0)
		return true;
	error_set(err, ERROR_NOT_FOUND, "the trigger has no metric \"%s\": its metric is %s",
		  request.metric_name, metrics[out->metric]);
	return error_tidy(err, MESSAGE_MAX);
}

bool question_answerable(const struct question *question, const struct reading *reading)
{
	switch (question->kind) {
	case QUESTION_METRIC_SPEC:
		return true;
	case QUESTION_METRICS:
		return reading->known && (question->metric != QUESTION_RPS ||
					  reading->rps_ms >= QUESTION_RPS_COVERED_MS);
	default:
		return reading->known || reading->active;
	}
}

void question_answer(const struct question *question, const struct reading *reading,
		     struct strbuf *out)
{
	const char *metric = metrics[question->metric];
	switch (question->kind) {
	case QUESTION_METRIC_SPEC:
		scaler_metric_spec_encode(metric, question->target, out);
		return;
	case QUESTION_METRICS:
		scaler_metric_value_encode(
		    metric, question->metric == QUESTION_RPS ? reading->rps : reading->concurrency,
		    out);
		return;
	default:
		scaler_is_active_encode(reading->active, out);
	}
}
