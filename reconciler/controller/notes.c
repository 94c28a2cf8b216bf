/*
 * What the controller tells: Events about a PodAutoscaler, its Revision and its Service, and one
 * log line for each pass that did something; single steps and Events only at debug. Names and uids
 * of Revision and Service come from the PodAutoscaler, so that no reads are needed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pkg/base/hash.h"
#include "pkg/base/log.h"
#include "reconciler/controller/internal.h"

#define SERVING_API_VERSION "serving.knative.dev/v1"
#define SERVING_LABEL "serving.knative.dev/"
/* As in the lines of the Go controller, so that a search finds both. */
#define CONTROLLER "knative.dev.autoscaler-keda.pkg.reconciler.autoscaling.hpa.Reconciler"
#define KIND "autoscaling.internal.knative.dev.PodAutoscaler"
#define TRACE_SIZE 17
/* What each line about a key begins with. */
#define F_KEY(key, trace)                                                                          \
	F_STR("knative.dev/key", key), F_STR("knative.dev/controller", CONTROLLER),                \
	    F_STR("knative.dev/kind", KIND), F_STR("knative.dev/traceid", trace)

static void format_trace(uint64_t trace, char out[TRACE_SIZE])
{
	snprintf(out, TRACE_SIZE, "%016" PRIx64, trace);
}

/* Of the pass under way. */
static void trace_of_key(const struct controller *controller, const char *key, char out[TRACE_SIZE])
{
	const struct key_state *state = table_get(controller->states, key);

	format_trace(state && state->pass ? pass_trace(state->pass) : 0, out);
}

static void about_pod_autoscaler(const struct pod_autoscaler *pa, struct event_about *out)
{
	*out = (struct event_about){
	    .api_version = POD_AUTOSCALER_API_VERSION,
	    .kind = POD_AUTOSCALER_KIND,
	    .ns = pa->object.meta.ns,
	    .name = pa->object.meta.name,
	    .uid = pa->object.meta.uid,
	};
}

/* From the labels, a Revision else from the controlling owner; false: not known. */
static bool about_serving(const struct pod_autoscaler *pa, const char *kind, const char *name_label,
			  const char *uid_label, struct event_about *out)
{
	const struct meta_owner *owner = &pa->object.meta.owner;

	*out = (struct event_about){
	    .api_version = SERVING_API_VERSION,
	    .kind = kind,
	    .ns = pa->object.meta.ns,
	    .name = meta_pair_get(&pa->labels, name_label),
	    .uid = meta_pair_get(&pa->labels, uid_label),
	};
	if ((!out->name || !out->uid) && owner->kind && strcmp(owner->kind, kind) == 0) {
		out->name = owner->name;
		out->uid = owner->uid;
	}
	return out->name && out->uid;
}

static void record(struct controller *controller, const char *key, struct event_about *about,
		   const struct note *note)
{
	about->key = key;
	recorder_event(controller->recorder, about, note->warning, note->reason, note->message);
}

void tell_note(void *ctx, const struct pod_autoscaler *pa, const struct note *note)
{
	struct controller *controller = ctx;
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;
	struct event_about about;
	char trace[TRACE_SIZE];

	strbuf_addf(&key, "%s/%s", pa->object.meta.ns, pa->object.meta.name);
	trace_of_key(controller, key.buf, trace);
	log_debug("event", F_KEY(key.buf, trace),
		  F_STR("type", note->warning ? "Warning" : "Normal"), F_STR("event", note->reason),
		  F_STR("text", note->message));
	if (note->targets & NOTE_PA) {
		about_pod_autoscaler(pa, &about);
		record(controller, key.buf, &about, note);
	}
	if (note->targets & NOTE_REVISION && about_serving(pa, "Revision", SERVING_LABEL "revision",
							   SERVING_LABEL "revisionUID", &about))
		record(controller, key.buf, &about, note);
	if (note->targets & NOTE_SERVICE && about_serving(pa, "Service", SERVING_LABEL "service",
							  SERVING_LABEL "serviceUID", &about))
		record(controller, key.buf, &about, note);
}

static const char *or_absent(const char *text)
{
	return text && text[0] ? text : NULL;
}

void tell_step(void *ctx, const char *key, const struct decision *decision, const struct error *err,
	       int64_t duration_ms)
{
	char trace[TRACE_SIZE];

	meters_step(ctx, decision->step, err, duration_ms);
	trace_of_key(ctx, key, trace);
	if (err->kind == ERROR_NONE)
		log_debug("step done", F_KEY(key, trace), F_STR("step", step_name(decision->step)),
			  F_STR("reason", or_absent(decision->reason)),
			  F_MS("duration", duration_ms));
	else
		log_debug("step failed", F_KEY(key, trace),
			  F_STR("step", step_name(decision->step)),
			  F_STR("kind", error_kind_name(err->kind)), F_INT("status", err->status),
			  F_STR("error", error_text(err)), F_MS("duration", duration_ms));
}

/* ---- the one line about a pass ---- */

/* A refusal is not tried again in each pass: it lasts while its reason does, or until that step
 * goes through. */
static bool is_over(const struct key_state *state, const struct pass_outcome *outcome)
{
	enum step_kind told = (enum step_kind)(state->told_failure >> 8);

	return outcome->failed == STEP_DONE &&
	       (outcome->done & 1U << told ||
		state->told_reason != hash_text(HASH_SEED, outcome->reason));
}

/* A failure that lasts is told once; a conflict is the normal way to learn that the view was old.
 */
static bool is_news(struct key_state *state, const struct pass_outcome *outcome)
{
	unsigned failure = (unsigned)outcome->failed << 8 | (unsigned)outcome->kind;

	if (is_over(state, outcome))
		state->told_failure = 0;
	if (outcome->failed == STEP_DONE || outcome->kind == ERROR_CONFLICT ||
	    state->told_failure == failure)
		return false;
	state->told_failure = failure;
	state->told_reason = hash_text(HASH_SEED, outcome->reason);
	return true;
}

/* The writes that went through, in their order: "create-scaledobject,...". */
static void name_writes(unsigned done, struct strbuf *out)
{
	for (enum step_kind step = STEP_CREATE_SKS; step <= STEP_PATCH_STATUS; step++) {
		if (done & 1U << step && step != STEP_GET_SO)
			strbuf_addf(out, "%s%s", out->len ? "," : "", step_name(step));
	}
}

static enum log_level level_of(struct key_state *state, const struct pass_outcome *outcome,
			       bool wrote)
{
	if (is_news(state, outcome))
		return LOG_WARN;
	return wrote || outcome->event ? LOG_INFO : LOG_DEBUG;
}

static void tell_failure(enum log_level level, const struct pass_outcome *outcome, const char *key,
			 const char *trace, const char *writes)
{
	LOG_AT(level, "reconcile failed", F_KEY(key, trace),
	       F_STR("step", step_name(outcome->failed)),
	       F_STR("kind", error_kind_name(outcome->kind)), F_INT("status", outcome->status),
	       F_STR("error", outcome->error), F_STR("written", writes),
	       F_STR("reason", or_absent(outcome->reason)), F_STR("event", outcome->event),
	       F_MS("duration", outcome->duration_ms));
}

void tell_outcome(struct key_state *state, const char *key, const struct pass_outcome *outcome)
{
	CLEANUP(strbuf_release) struct strbuf writes = STRBUF_INIT;
	enum log_level level;
	char trace[TRACE_SIZE];

	name_writes(outcome->done, &writes);
	level = level_of(state, outcome, writes.len > 0);
	if (!log_enabled(level))
		return;
	format_trace(outcome->trace, trace);
	if (outcome->failed != STEP_DONE)
		tell_failure(level, outcome, key, trace, or_absent(writes.buf));
	else
		LOG_AT(level, "reconciled", F_KEY(key, trace),
		       F_STR("written", or_absent(writes.buf)),
		       F_STR("reason", or_absent(outcome->reason)), F_STR("event", outcome->event),
		       F_STR("text",
			     or_absent(outcome->event ? outcome->event_message : outcome->message)),
		       F_MS("duration", outcome->duration_ms));
}
