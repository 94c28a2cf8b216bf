/*
 * One pass over one key. Between two steps exactly one request is under way; its answer is put
 * into the store first and only then is a new view taken. The view at hand stays alive until the
 * next one, for the body of the write may borrow from it.
 */
#include "reconciler/controller/pass.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"
#include "pkg/base/pulse.h"
#include "reconciler/controller/resources.h"

struct pass {
	const struct pass_shell *shell;
	struct memo *memo;
	char *key;        /* "ns/name" */
	const char *name; /* inside key */
	char *ns;
	struct arena *arena;
	struct snapshot snapshot;
	bool viewed; /* snapshot holds references */
	struct memo
	    before; /* the one that the decision at hand was made from, and may borrow from */
	struct decision decision;
	struct kube_call *call;
	/* what the next view is told of this pass */
	struct answer answer;
	const struct json *so_live;
	uint64_t so_live_version;
	unsigned done;
	/* for the end */
	uint64_t trace;
	unsigned steps;
	struct pass_outcome
	    failures[STEP_PATCH_STATUS + 1]; /* of each step the last; failed to error */
	const char *event, *event_message;
	/* steps that failed, a bit each, and were not made good by a later one on the same object:
	 * for a reason that may pass by itself, for good */
	unsigned passing, refused;
	int64_t retry_after_ms;
	/* the memo's, before the decision at hand */
	bool told_degraded, told_unknown, told_unread;
	int64_t started_ms, sent_ms; /* monotonic */
};

/* How a step is performed. */
struct step_request {
	enum kube_verb verb;
	const struct kube_resource *resource;
	const char *subresource;
	bool strict;
};

static const struct step_request step_requests[] = {
    [STEP_CREATE_SKS] = {KUBE_CREATE, &resource_serverless_services, NULL, false},
    [STEP_PATCH_SKS] = {KUBE_PATCH, &resource_serverless_services, NULL, false},
    [STEP_CREATE_SO] = {KUBE_CREATE, &resource_scaled_objects, NULL, true},
    [STEP_GET_SO] = {KUBE_GET, &resource_scaled_objects, NULL, false},
    [STEP_PATCH_SO] = {KUBE_PATCH, &resource_scaled_objects, NULL, true},
    [STEP_DELETE_SO] = {KUBE_DELETE, &resource_scaled_objects, NULL, false},
    [STEP_PATCH_STATUS] = {KUBE_PATCH, &resource_pod_autoscalers, "status", false},
};

const char *step_name(enum step_kind step)
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

/* The steps on the same object as this one, a bit each. */
static unsigned steps_beside(enum step_kind step)
{
	unsigned bits = 0;

	for (size_t i = 1; i < ARRAY_SIZE(step_requests); i++) {
		if (step_requests[i].resource == step_requests[step].resource)
			bits |= 1U << i;
	}
	return bits;
}

static void run(struct pass *pass);

struct pass *pass_new(const struct pass_shell *shell, const char *key, struct memo *memo)
{
	struct pass *pass = xcalloc(1, sizeof(*pass));
	const char *slash = strchr(key, '/');

	CHECK(slash);
	pass->shell = shell;
	pass->memo = memo;
	pass->key = xstrdup(key);
	pass->ns = xstrndup(key, (size_t)(slash - key));
	pass->name = pass->key + (slash - key) + 1;
	pass->arena = arena_new();
	pass->started_ms = timers_now(kube_client_timers(shell->client));
	pass->trace = shell->last_trace ? ++*shell->last_trace : 0;
	return pass;
}

void pass_start(struct pass *pass)
{
	run(pass);
}

const char *pass_key(const struct pass *pass)
{
	return pass->key;
}

int64_t pass_started_ms(const struct pass *pass)
{
	return pass->started_ms;
}

const struct decision *pass_decision(const struct pass *pass)
{
	return pass->viewed ? &pass->decision : NULL;
}

uint64_t pass_trace(const struct pass *pass)
{
	return pass->trace;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

void pass_outcome(const struct pass *pass, struct pass_outcome *out)
{
	unsigned failing = pass->passing | pass->refused;

	*out = (struct pass_outcome){.error = ""};
	/* The first in the order of the steps is the cause of others; a conflict is none. */
	for (size_t step = ARRAY_SIZE(pass->failures); step-- > 0;) {
		const struct pass_outcome *failure = &pass->failures[step];

		if (failing & 1U << step &&
		    (failure->kind != ERROR_CONFLICT || out->failed == STEP_DONE))
			*out = *failure;
	}
	out->trace = pass->trace;
	out->done = pass->done;
	out->steps = pass->steps;
	out->reason = pass->viewed ? or_empty(pass->decision.reason) : "";
	out->message = pass->viewed ? or_empty(pass->decision.message) : "";
	out->event = pass->event;
	out->event_message = pass->event_message;
	out->duration_ms = timers_now(kube_client_timers(pass->shell->client)) - pass->started_ms;
}

static void release_snapshot(struct pass *pass)
{
	for (size_t i = 0; i < ARRAY_SIZE(pass->snapshot.held); i++)
		object_unref(pass->snapshot.held[i]);
	memset(&pass->snapshot, 0, sizeof(pass->snapshot));
	pass->viewed = false;
}

void pass_free(struct pass *pass)
{
	if (!pass)
		return;
	if (pass->call)
		kube_client_cancel(pass->shell->client, pass->call);
	release_snapshot(pass);
	memo_clear(&pass->before);
	arena_free(pass->arena);
	free(pass->ns);
	free(pass->key);
	free(pass);
}

static void end(struct pass *pass, bool failed)
{
	int64_t again_ms = pass->viewed ? pass->decision.again_ms : 0;

	/* A refusal for good has its own schedule, in again_ms; only one without waits its turn
	 * with the passing failures. */
	failed = failed || pass->passing || (pass->refused && again_ms == 0);
	pulse_about(NULL);
	pass->shell->ended(pass->shell->ctx, pass, failed, pass->retry_after_ms, again_ms);
}

static void record_notes(struct pass *pass)
{
	const struct decision *decision = &pass->decision;

	for (size_t i = 0; i < decision->note_count; i++) {
		pass->shell->note(pass->shell->ctx, pass->snapshot.view.pa, &decision->notes[i]);
		pass->event = decision->notes[i].reason;
		pass->event_message = decision->notes[i].message;
	}
}

static bool look(struct pass *pass)
{
	struct view *view = &pass->snapshot.view;

	release_snapshot(pass);
	if (!pass->shell->take_view(pass->shell->ctx, pass->key, &pass->snapshot)) {
		release_snapshot(pass);
		return false;
	}
	pass->viewed = true;
	/* The watch may have brought a newer one meanwhile. */
	if (!view->so || view->so->object.meta.version <= pass->so_live_version)
		view->so_live = pass->so_live;
	view->answer = pass->answer;
	view->done = pass->done;
	view->memo = pass->memo;
	return true;
}

/* The new memo may borrow texts from the old one, and the notes may until they are recorded. */
static void adopt_memo(struct pass *pass)
{
	pass->told_degraded = pass->memo->degraded_told;
	pass->told_unknown = pass->memo->unknown_told;
	pass->told_unread = pass->memo->unread_told;
	memo_clear(&pass->before);
	pass->before = *pass->memo;
	memset(pass->memo, 0, sizeof(*pass->memo));
	memo_copy(pass->memo, &pass->decision.memo);
}

static void adopt_sync(struct pass *pass)
{
	const struct json *spec = json_get(pass->so_live, "spec");

	if (pass->decision.live_hash_in_sync == 0 || !spec)
		return;
	pass->shell->in_sync(pass->shell->ctx, pass->key,
			     scaled_object_spec_hash(spec, pass->arena),
			     pass->decision.live_hash_in_sync);
}

static const struct json *delete_options(struct pass *pass)
{
	struct json *options = json_object(pass->arena);
	struct json *preconditions = json_ensure_object(pass->arena, options, "preconditions");

	json_set_text(pass->arena, options, "apiVersion", "v1");
	json_set_text(pass->arena, options, "kind", "DeleteOptions");
	json_set_text(pass->arena, preconditions, "uid", pass->decision.uid);
	return options;
}

/* The whole spec that the write at hand asks for; NULL: no write of a ScaledObject. */
static const struct json *sent_spec(const struct pass *pass)
{
	const struct json *body = pass->decision.body;

	if (pass->decision.step == STEP_CREATE_SO)
		return json_get(body, "spec");
	if (pass->decision.step == STEP_PATCH_SO && pass->so_live)
		return json_get(json_merge_apply(pass->arena, pass->so_live, body), "spec");
	return NULL;
}

static void set_live(struct pass *pass, const struct json *object)
{
	const char *version = json_text(json_path(object, "metadata", "resourceVersion", NULL));

	pass->so_live = json_copy(pass->arena, object);
	pass->so_live_version = version ? strtoull(version, NULL, 10) : 0;
}

static bool take_answer(struct pass *pass, const struct json *object)
{
	enum step_kind step = pass->decision.step;
	const struct json *sent = sent_spec(pass);

	pass->done |= 1U << step;
	pass->answer = (struct answer){.step = STEP_DONE};
	pass->passing &= ~steps_beside(step);
	pass->refused &= ~steps_beside(step);
	if (step == STEP_GET_SO || step == STEP_PATCH_SO || step == STEP_CREATE_SO)
		set_live(pass, object);
	return pass->shell->answered(pass->shell->ctx, pass->key, step, sent, object);
}

static void take_failure(struct pass *pass, const struct error *err)
{
	bool for_good = err->kind == ERROR_INVALID || err->kind == ERROR_DENIED;

	*(for_good ? &pass->refused : &pass->passing) |= 1U << pass->decision.step;
	if (err->retry_after_ms > pass->retry_after_ms)
		pass->retry_after_ms = err->retry_after_ms;
	pass->answer = (struct answer){
	    .step = pass->decision.step,
	    .kind = err->kind,
	    .message = arena_strdup(pass->arena, error_text(err)),
	    .retry_after_ms = err->retry_after_ms,
	};
	pass->failures[pass->decision.step] = (struct pass_outcome){
	    .failed = pass->decision.step,
	    .kind = err->kind,
	    .status = err->status,
	    .error = pass->answer.message,
	};
	/* What is live is no longer known. */
	if (pass->decision.step == STEP_GET_SO || pass->decision.step == STEP_PATCH_SO)
		pass->so_live = NULL;
	/* The events that it speaks of were not recorded. */
	if (pass->decision.step == STEP_PATCH_STATUS) {
		pass->memo->degraded_told = pass->told_degraded;
		pass->memo->unknown_told = pass->told_unknown;
		pass->memo->unread_told = pass->told_unread;
	}
}

static void request_done(void *ctx, const struct json *object, const struct error *err)
{
	struct pass *pass = ctx;
	int64_t now = timers_now(kube_client_timers(pass->shell->client));

	pass->call = NULL;
	pass->shell->stepped(pass->shell->ctx, pass->key, &pass->decision, err,
			     now - pass->sent_ms);
	if (err->kind != ERROR_NONE) {
		take_failure(pass, err);
	} else if (!take_answer(pass, object)) {
		end(pass, true);
		return;
	} else if (pass->decision.step == STEP_PATCH_STATUS) {
		record_notes(pass);
		end(pass, false);
		return;
	}
	run(pass);
}

static bool may_send(void *ctx)
{
	const struct pass *pass = ctx;
	const struct pass_shell *shell = pass->shell;

	return !shell->may_write || shell->may_write(shell->ctx, pass->key);
}

static void send_step(struct pass *pass)
{
	const struct step_request *how = &step_requests[pass->decision.step];
	struct kube_request request = {
	    .verb = how->verb,
	    .resource = how->resource,
	    .ns = pass->ns,
	    .name = pass->name,
	    .subresource = how->subresource,
	    .body = how->verb == KUBE_DELETE ? delete_options(pass) : pass->decision.body,
	    .strict = how->strict,
	    .may_send = may_send,
	};

	pass->sent_ms = timers_now(kube_client_timers(pass->shell->client));
	pass->call = kube_client_send(pass->shell->client, &request, request_done, pass);
	pulse_about(NULL);
}

static void run(struct pass *pass)
{
	pulse_about(pass->key);
	if (!look(pass)) {
		end(pass, false);
		return;
	}
	memset(&pass->decision, 0, sizeof(pass->decision));
	pass->shell->decide(&pass->snapshot.view, pass->arena, &pass->decision);
	adopt_memo(pass);
	adopt_sync(pass);
	if (pass->decision.step == STEP_DONE) {
		record_notes(pass);
		end(pass, false);
	} else if (pass->steps++ == DECIDE_MAX_STEPS) {
		log_error("a pass found no end", F_STR("knative.dev/key", pass->key),
			  F_STR("step", step_name(pass->decision.step)));
		end(pass, true);
	} else {
		send_step(pass);
	}
}
