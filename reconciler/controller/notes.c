/*
 * What the controller tells: Events about a PodAutoscaler, its Revision and its Service, and one
 * log line for each step that was taken. Names and uids of Revision and Service come from the
 * PodAutoscaler, so that no reads are needed.
 */
#include <string.h>

#include "pkg/base/log.h"
#include "reconciler/controller/internal.h"

#define SERVING_API_VERSION "serving.knative.dev/v1"
#define SERVING_LABEL "serving.knative.dev/"

static const char *step_name(enum step_kind step)
{
	static const char *const names[] = {
	    [STEP_DONE] = "done",
	    [STEP_CREATE_SKS] = "create-serverlessservice",
	    [STEP_PATCH_SKS] = "patch-serverlessservice",
	    [STEP_CREATE_SO] = "create-scaledobject",
	    [STEP_GET_SO] = "get-scaledobject",
	    [STEP_PATCH_SO] = "patch-scaledobject",
	    [STEP_DELETE_SO] = "delete-scaledobject",
	    [STEP_PATCH_STATUS] = "patch-podautoscaler-status",
	};

	return names[step];
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

	strbuf_addf(&key, "%s/%s", pa->object.meta.ns, pa->object.meta.name);
	log_info("event", F_STR("knative.dev/key", key.buf),
		 F_STR("type", note->warning ? "Warning" : "Normal"), F_STR("reason", note->reason),
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

/* A failure that lasts is a line once, its repetitions only for those who look closely. */
static bool is_news(struct controller *controller, const char *key, enum step_kind step,
		    enum error_kind kind)
{
	struct key_state *state = table_get(controller->states, key);
	unsigned failure = (unsigned)step << 8 | (unsigned)kind;

	if (!state)
		return true;
	if (state->told_failure == failure)
		return false;
	state->told_failure = failure;
	return true;
}

static void log_failure(struct controller *controller, const char *key, enum step_kind step,
			const struct error *err, int64_t duration_ms)
{
	enum log_level level = LOG_WARN;

	/* A conflict is the normal way to learn that the view was old. */
	if (err->kind == ERROR_CONFLICT)
		level = LOG_INFO;
	if (!is_news(controller, key, step, err->kind))
		level = LOG_DEBUG;
	LOG_AT(level, "step failed", F_STR("knative.dev/key", key), F_STR("step", step_name(step)),
	       F_STR("kind", error_kind_name(err->kind)), F_INT("status", err->status),
	       F_STR("error", error_text(err)), F_MS("duration", duration_ms));
}

void tell_step(void *ctx, const char *key, const struct decision *decision, const struct error *err,
	       int64_t duration_ms)
{
	meters_step(ctx, decision->step, err, duration_ms);
	if (err->kind != ERROR_NONE)
		log_failure(ctx, key, decision->step, err, duration_ms);
	else if (decision->step != STEP_GET_SO)
		log_info("step done", F_STR("knative.dev/key", key),
			 F_STR("step", step_name(decision->step)),
			 F_STR("reason", or_absent(decision->reason)),
			 F_MS("duration", duration_ms));
}
