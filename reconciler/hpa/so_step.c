/*
 * The ScaledObject: created, compared, patched, or left alone. What is refused for good is tried
 * again with a back-off while the desired object stays the same, at once when it changes; what
 * fails for a passing reason is tried in every pass, and the queue spaces the passes.
 */
#include <stdlib.h>
#include <string.h>

#include "reconciler/hpa/backoff.h"
#include "reconciler/hpa/look.h"
#include "reconciler/hpa/message.h"

static bool choose(struct look *look, enum step_kind step, struct json *body)
{
	look->out->step = step;
	look->out->body = body;
	return true;
}

bool so_is_refused(const struct look *look)
{
	return look->desired_hash != 0 && look->out->memo.refused_hash == look->desired_hash;
}

static void forget_refusal(struct memo *memo)
{
	memo->refused_hash = 0;
	memo->refused_text = NULL;
	memo->refused_tries = 0;
	memo->refused_next_ms = 0;
}

static void forget_fight(struct memo *memo)
{
	memo->fought_hash = 0;
	memo->fought_tries = 0;
	memo->fought_next_ms = 0;
}

static void forget_all(struct memo *memo)
{
	forget_refusal(memo);
	forget_fight(memo);
	memo->unwritten_text = NULL;
}

/* KEDA's webhook says which container lacks a request, not what to do about it in Knative. */
static char *with_remedy(struct look *look, char *text)
{
	if (strstr(text, "doesn't have the cpu request defined"))
		return arena_printf(
		    look->arena,
		    "%s; give that container a cpu request, or name one that has it "
		    "in autoscaling.knative.dev/keda-container",
		    text);
	if (strstr(text, "doesn't have the memory request defined"))
		return arena_printf(
		    look->arena,
		    "%s; give that container a memory request (queue-proxy: "
		    "queue-sidecar-memory-request in ConfigMap config-deployment), or "
		    "name one that has it in autoscaling.knative.dev/keda-container",
		    text);
	return text;
}

/* KEDA reports one of several causes at random: the first text stays while the object does. */
static void record_refusal(struct look *look)
{
	struct memo *memo = &look->out->memo;

	if (memo->refused_hash != look->desired_hash) {
		forget_refusal(memo);
		memo->refused_hash = look->desired_hash;
		memo->refused_text =
		    with_remedy(look, message_stable(look->arena, look->view->answer.message));
	}
	memo->refused_tries++;
	memo->refused_next_ms = look->view->now_ms + backoff_ms(memo->refused_tries);
	memo->unwritten_text = NULL;
}

/* The step on the ScaledObject failed, and is not mended within this pass. */
static bool record_failure(struct look *look)
{
	const struct answer *answer = &look->view->answer;

	if (answer->kind == ERROR_INVALID || answer->kind == ERROR_DENIED)
		record_refusal(look);
	else
		look->out->memo.unwritten_text = message_stable(look->arena, answer->message);
	return false;
}

static bool cache_in_sync(const struct look *look)
{
	return look->view->so &&
	       scaled_object_in_sync(look->view->so, look->desired.object, look->desired.hash);
}

/* so_live is NULL, or older than what the watch brought meanwhile. */
static bool live_is_old(const struct look *look)
{
	const struct scaled_object *so = look->view->so;
	const char *text =
	    json_text(json_path(look->view->so_live, "metadata", "resourceVersion", NULL));

	return !text || (so && strtoull(text, NULL, 10) < so->object.meta.version);
}

/* Our patch was answered with something else than we asked for. */
static bool record_fight(struct look *look)
{
	struct memo *memo = &look->out->memo;

	if (memo->fought_hash != look->desired_hash)
		forget_fight(memo);
	memo->fought_hash = look->desired_hash;
	memo->fought_tries++;
	memo->fought_next_ms = look->view->now_ms + backoff_ms(memo->fought_tries);
	look_again_at(look, memo->fought_next_ms);
	return false;
}

static bool compare_live(struct look *look)
{
	struct json *patch = scaled_object_diff(look->desired.object, look->view->so_live,
						look->view->learned, look->arena);

	if (patch && look_done(look, STEP_PATCH_SO))
		return record_fight(look);
	if (patch)
		return choose(look, STEP_PATCH_SO, patch);
	forget_all(&look->out->memo);
	look->out->live_hash_in_sync = look->desired.hash;
	if (look->view->so)
		return false;
	/* The cache has not seen it: no status before it has. */
	look_again_at(look, look->view->now_ms + BACKOFF_MIN_MS);
	return true;
}

/* The latest step on it failed. */
static bool after_failure(struct look *look)
{
	const struct answer *answer = &look->view->answer;

	if ((answer->step == STEP_CREATE_SO && answer->kind == ERROR_ALREADY_EXISTS) ||
	    (answer->step == STEP_PATCH_SO && answer->kind == ERROR_CONFLICT))
		return choose(look, STEP_GET_SO, NULL);
	if (answer->step == STEP_GET_SO && answer->kind == ERROR_NOT_FOUND)
		return choose(look, STEP_CREATE_SO, look->desired.object);
	return record_failure(look);
}

static bool has_failed(const struct look *look)
{
	return look_failed(look, STEP_CREATE_SO) || look_failed(look, STEP_GET_SO) ||
	       look_failed(look, STEP_PATCH_SO);
}

/* It is too early for another try; the caller goes on to the status. */
static bool waits(struct look *look)
{
	const struct memo *memo = &look->out->memo;
	int64_t now_ms = look->view->now_ms, until_ms = 0;

	if (so_is_refused(look))
		until_ms = memo->refused_next_ms;
	else if (memo->fought_hash == look->desired_hash)
		until_ms = memo->fought_next_ms;
	if (now_ms >= until_ms)
		return false;
	look_again_at(look, until_ms);
	return true;
}

static bool write_ours(struct look *look)
{
	if (cache_in_sync(look)) {
		forget_all(&look->out->memo);
		return false;
	}
	/* What was patched just now is compared first: it may be in sync but for defaults. */
	if (!look_done(look, STEP_PATCH_SO) && waits(look))
		return false;
	if (look->closed)
		return false;
	return live_is_old(look) ? choose(look, STEP_GET_SO, NULL) : compare_live(look);
}

static bool write_new(struct look *look)
{
	/* KEDA would take over whatever HPA bears that name. */
	bool name_is_free = look->hpa == OWNER_ABSENT || look->hpa == OWNER_PA;

	if (look->closed || !name_is_free || waits(look))
		return false;
	return choose(look, STEP_CREATE_SO, look->desired.object);
}

bool so_step(struct look *look)
{
	if ((!look->desired.auto_create && !look->refused) || !look->view->keda_installed)
		forget_all(&look->out->memo);
	if (!look->desired.object || !look->view->keda_installed || look->sks_failure)
		return false;
	if (has_failed(look)) {
		bool decided = after_failure(look);
		waits(look);
		return decided;
	}
	if (look->so == OWNER_ABSENT)
		return write_new(look);
	return look->so == OWNER_OURS && write_ours(look);
}

void so_leave(struct look *look)
{
	const struct scaled_object *so = look->view->so;

	/* look->so says less: with auto-create off a user's own is as good as ours. */
	if (!so || ownership_of(&so->object.meta, look->view->pa) != OWNER_OURS ||
	    !so->class_is_ours || look_done(look, STEP_DELETE_SO) ||
	    look_failed(look, STEP_DELETE_SO))
		return;
	look->out->uid = so->object.meta.uid;
	choose(look, STEP_DELETE_SO, NULL);
}
