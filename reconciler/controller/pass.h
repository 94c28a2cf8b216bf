/*
 * struct pass: one look at one key: view -> decide -> step -> view ..., one write at a time, at
 * most DECIDE_MAX_STEPS steps, in an arena of its own. The answer to a write goes into the store
 * before the next view is taken, so no step acts on a view older than the last write.
 */
#ifndef CONTROLLER_PASS_H
#define CONTROLLER_PASS_H

#include "pkg/kube/client.h"
#include "reconciler/hpa/decide.h"

struct pass;

/* A view and what keeps it alive. */
struct snapshot {
	struct view view;
	struct object *held[6]; /* one reference each, or NULL */
	/* The cached ScaledObject, but with the hash of the desired one where the live spec is
	 * known to differ by server defaults only: stored objects are immutable, this copy is not.
	 */
	struct scaled_object so;
};

/* What a pass needs from the controller. */
struct pass_shell {
	struct kube_client *client;
	/* decide(), but in tests of the pass itself. */
	void (*decide)(const struct view *view, struct arena *arena, struct decision *out);
	/* Fills pa to now_ms of the (zeroed) view from the stores and takes the references that the
	 * pass gives back; false: no PodAutoscaler of ours there, or no time left: the pass ends.
	 */
	bool (*take_view)(void *ctx, const char *key, struct snapshot *out);
	/* An object as the server answered it, to be put into the store of its kind. sent_spec: the
	 * whole spec that our write asked for, NULL where it was none of a ScaledObject's. False:
	 * it could not be decoded (logged). */
	bool (*answered)(void *ctx, const char *key, enum step_kind step,
			 const struct json *sent_spec, const struct json *object);
	/* The live ScaledObject of that key, whose spec has live_hash, does what desired_hash asks.
	 */
	void (*in_sync)(void *ctx, const char *key, uint64_t live_hash, uint64_t desired_hash);
	/* A step was taken, well (err->kind ERROR_NONE) or not: for logs and metrics. */
	void (*stepped)(void *ctx, const char *key, const struct decision *decision,
			const struct error *err, int64_t duration_ms);
	/* Asked when a request for that key is about to go out (kube_request.may_send); NULL:
	 * always.
	 */
	bool (*may_write)(void *ctx, const char *key);
	void (*note)(void *ctx, const struct pod_autoscaler *pa, const struct note *note);
	/* Exactly once, last; may come from within pass_start; the pass may be freed in it. failed:
	 * come back after a back-off, retry_after_ms at the earliest. again_ms: come back then
	 * anyhow; 0: no need. */
	void (*ended)(void *ctx, struct pass *pass, bool failed, int64_t retry_after_ms,
		      int64_t again_ms);
	void *ctx;
	uint64_t *last_trace; /* the next pass gets the next number; NULL: all get 0 */
};

/* For logs: "create-scaledobject". */
const char *step_name(enum step_kind step);

/* What a pass came to; texts live as long as it does. */
struct pass_outcome {
	uint64_t trace; /* an id of the pass */
	unsigned done;  /* steps that went through, a bit each (1 << step_kind) */
	unsigned steps; /* requests made */
	/* The last step that failed and was not made good by a later one; STEP_DONE: none. */
	enum step_kind failed;
	enum error_kind kind; /* of that */
	int status;
	const char *error;            /* its text, or "" */
	const char *reason, *message; /* the last decision's; "" where there is nothing special */
	/* The last Event's; NULL: none was recorded. */
	const char *event, *event_message;
	int64_t duration_ms; /* until now */
};

/* Makes a pass; nothing happens before pass_start. shell and memo (in and out) are borrowed until
 * pass_free. */
struct pass *pass_new(const struct pass_shell *shell, const char *key, struct memo *memo);
void pass_start(struct pass *pass);
const char *pass_key(const struct pass *pass);
int64_t pass_started_ms(const struct pass *pass); /* monotonic */
uint64_t pass_trace(const struct pass *pass);
void pass_outcome(const struct pass *pass, struct pass_outcome *out);
/* The latest, lives as long as the pass; NULL: there was nothing to decide about. */
const struct decision *pass_decision(const struct pass *pass);
void pass_free(struct pass *pass); /* NULL is fine; a request under way is abandoned */

#endif
