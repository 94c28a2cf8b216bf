/*
 * The ServerlessService: made in the first pass, whatever is wrong with the annotations, so that
 * status.serviceName is known early and errors can reach the user. Never deleted, never switched.
 */
#include "reconciler/hpa/look.h"
#include "reconciler/hpa/message.h"

static bool write_sks(struct look *look, enum step_kind step, struct json *body)
{
	look->out->step = step;
	look->out->body = body;
	return true;
}

#define REFUSED_AGAIN_MS INT64_C(60000)

/* A conflict means that the cache is behind: nothing is known that a status could say. What failed
 * for a passing reason comes back with the queue's back-off, a refusal for good with this one. */
static bool after_failure(struct look *look)
{
	const struct answer *answer = &look->view->answer;

	if (answer->kind == ERROR_INVALID || answer->kind == ERROR_DENIED)
		look_again_at(look, look->view->now_ms + REFUSED_AGAIN_MS);
	look->sks_failure = message_stable(look->arena, answer->message);
	return answer->kind == ERROR_CONFLICT || answer->kind == ERROR_ALREADY_EXISTS;
}

bool sks_step(struct look *look)
{
	const struct view *view = look->view;

	if (look->closed)
		return false;
	if (look_failed(look, STEP_CREATE_SKS) || look_failed(look, STEP_PATCH_SKS))
		return after_failure(look);
	if (look->sks == OWNER_ABSENT)
		return write_sks(look, STEP_CREATE_SKS,
				 serverless_service_build(view->pa, look->arena));
	if (look->sks == OWNER_OURS && !look_done(look, STEP_PATCH_SKS) &&
	    !serverless_service_in_sync(view->sks, view->pa))
		return write_sks(look, STEP_PATCH_SKS,
				 serverless_service_patch(view->sks, view->pa, look->arena));
	return false;
}
