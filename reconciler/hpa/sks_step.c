/*
 * The ServerlessService: made in the first pass, whatever is wrong with the annotations, so that
 * status.serviceName is known early and errors can reach the user. Never deleted, and switched only
 * by another metric, never by what goes wrong: with a trigger on HTTP requests in force and without
 * activators in front nobody would count the requests, and KEDA would take away the pods that serve
 * them. So Proxy comes before such a trigger, and goes behind it.
 */
#include <string.h>

#include "reconciler/hpa/backoff.h"
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

static bool proxies(const struct look *look)
{
	return look->sks == OWNER_OURS && strcmp(look->view->sks->mode.mode, SKS_PROXY) == 0;
}

static int32_t pods(const struct look *look)
{
	bool counted = look->hpa == OWNER_OURS || look->hpa == OWNER_PA;

	return counted ? look->view->hpa->current_replicas : 0;
}

/* Although none is desired, or it is not known what is, a trigger on HTTP requests is in force, or
 * will be once the annotations are right. */
static bool needs_activators(const struct look *look)
{
	const struct scaled_object *so = look->so == OWNER_OURS ? look->view->so : NULL;

	/* It may be that the cache has yet to see ours. */
	if (so && so->on_requests)
		return true;
	return look->refused && http_metric_named(look->view->pa);
}

static struct sks_mode mode_of(const struct look *look)
{
	const struct http_scaling *http = &look->desired.http;

	if (http->metric)
		return (struct sks_mode){SKS_PROXY, http_activators(http, pods(look))};
	if (!needs_activators(look))
		return (struct sks_mode){SKS_SERVE, 0};
	return proxies(look) ? look->view->sks->mode
			     : (struct sks_mode){SKS_PROXY, HTTP_ACTIVATORS_MIN};
}

/* It was patched in this pass, and should be Proxy all the same: the metric has changed meanwhile,
 * or somebody else changes it back. The trigger has to wait for another pass. */
static bool lacks_activators(struct look *look)
{
	if (look->sks != OWNER_OURS || !look->desired.http.metric || proxies(look))
		return false;
	look_again_at(look, look->view->now_ms + BACKOFF_MIN_MS);
	return true;
}

bool sks_step(struct look *look)
{
	const struct view *view = look->view;
	const struct sks_mode mode = mode_of(look);

	if (look->closed)
		return false;
	if (look_failed(look, STEP_CREATE_SKS) || look_failed(look, STEP_PATCH_SKS))
		return after_failure(look);
	if (look->sks == OWNER_ABSENT)
		return write_sks(look, STEP_CREATE_SKS,
				 serverless_service_build(view->pa, &mode, look->arena));
	if (look->sks == OWNER_OURS && !look_done(look, STEP_PATCH_SKS) &&
	    !serverless_service_in_sync(view->sks, view->pa, &mode))
		return write_sks(look, STEP_PATCH_SKS,
				 serverless_service_patch(view->sks, view->pa, &mode, look->arena));
	return lacks_activators(look);
}
