/*
 * Writes what the table decided. What is not known at the moment keeps its last value: service
 * names are never cleared, the scale stays while the HPA has no status.
 */
#include "reconciler/hpa/status.h"

#include <inttypes.h>
#include <string.h>

#include "reconciler/hpa/backoff.h"
#include "reconciler/hpa/message.h"
#include "reconciler/hpa/notes.h"

#define SKS_NOT_READY "SKS Services are not ready yet"

static const struct serverless_service *our_sks(const struct look *look)
{
	return look->sks == OWNER_OURS ? look->view->sks : NULL;
}

static const char *first_set(const char *a, const char *b)
{
	return a && a[0] ? a : b;
}

static const char *service_name(const struct look *look)
{
	const struct serverless_service *sks = our_sks(look);

	return first_set(sks ? sks->service_name : NULL, look->view->pa->service_name);
}

static const char *metrics_service_name(const struct look *look)
{
	const struct serverless_service *sks = our_sks(look);

	return first_set(sks ? sks->private_service_name : NULL,
			 look->view->pa->metrics_service_name);
}

/* ---- ScaleTargetInitialized ---- */

static int32_t needed(const struct look *look)
{
	const struct scaled_object *so = look->view->so;

	if (so && so->max_replicas < look->desired.needed)
		return so->max_replicas;
	return look->desired.needed;
}

static bool was_initialized(const struct look *look)
{
	return conditions_status(&look->view->pa->conditions, CONDITION_INITIALIZED) ==
	       CONDITION_TRUE;
}

bool status_initialized(const struct look *look)
{
	const struct serverless_service *sks = our_sks(look);

	if (was_initialized(look))
		return true;
	if (look->refused || !active_has_hpa(look))
		return false;
	if (needed(look) == 0)
		return service_name(look)[0] != 0;
	if (!sks || !sks->ready)
		return false;
	return needed(look) == 1 || look->view->hpa->current_replicas >= needed(look);
}

/* ---- conditions ---- */

static void mark_sks(const struct look *look, struct conditions *set)
{
	const struct serverless_service *sks = our_sks(look);
	const char *message = SKS_NOT_READY;
	/* Another number of activators is a new generation; what was ready still serves. */
	bool stays =
	    sks && sks->was_ready && conditions_status(set, CONDITION_SKS_READY) == CONDITION_TRUE;

	if (look->sks_failure)
		message = arena_printf(look->arena, SKS_NOT_READY ": %s", look->sks_failure);
	conditions_mark(set, look->arena, look->view->now_ms, CONDITION_SKS_READY,
			(sks && sks->ready) || stays ? CONDITION_TRUE : CONDITION_UNKNOWN,
			"NotReady", message);
}

static void mark_conditions(const struct look *look, const struct verdict *active,
			    struct conditions *out)
{
	int64_t now_ms = look->view->now_ms;

	conditions_initialize(&look->view->pa->conditions, look->arena, now_ms, out);
	mark_sks(look, out);
	if (look->initialized)
		conditions_mark(out, look->arena, now_ms, CONDITION_INITIALIZED, CONDITION_TRUE,
				NULL, NULL);
	conditions_mark(out, look->arena, now_ms, CONDITION_ACTIVE, active->status, active->reason,
			active->message);
}

/* ---- the patch ---- */

static void patch_conditions(const struct look *look, const struct verdict *active,
			     struct json *status)
{
	const struct pod_autoscaler *pa = look->view->pa;
	struct conditions conditions;

	mark_conditions(look, active, &conditions);
	if (!conditions_equal(&conditions, &pa->conditions))
		json_set(look->arena, status, "conditions",
			 conditions_encode(&conditions, look->arena));
	if (pa->observed_generation != pa->object.meta.generation)
		json_set_int(look->arena, status, "observedGeneration", pa->object.meta.generation);
}

static void patch_text(const struct look *look, struct json *status, const char *field,
		       const char *before, const char *now)
{
	if (!look->view->pa->has_status || strcmp(before, now) != 0)
		json_set_text(look->arena, status, field, now);
}

static void patch_scale(const struct look *look, struct json *status)
{
	const struct pod_autoscaler *pa = look->view->pa;
	const struct hpa *hpa = look->view->hpa;

	if (!active_has_hpa(look) || hpa->scaling_active == -1)
		return;
	if (!pa->has_desired_scale || pa->desired_scale != hpa->desired_replicas)
		json_set_int(look->arena, status, "desiredScale", hpa->desired_replicas);
	if (!pa->has_actual_scale || pa->actual_scale != hpa->current_replicas)
		json_set_int(look->arena, status, "actualScale", hpa->current_replicas);
}

struct json *status_patch(const struct look *look, const struct verdict *active)
{
	const struct pod_autoscaler *pa = look->view->pa;
	struct json *body = json_object(look->arena);
	struct json *metadata = json_ensure_object(look->arena, body, "metadata");
	struct json *status = json_ensure_object(look->arena, body, "status");

	json_set(look->arena, metadata, "resourceVersion",
		 json_stringf(look->arena, "%" PRIu64, pa->object.meta.version));
	patch_conditions(look, active, status);
	patch_text(look, status, "serviceName", pa->service_name, service_name(look));
	patch_text(look, status, "metricsServiceName", pa->metrics_service_name,
		   metrics_service_name(look));
	patch_scale(look, status);
	return json_count(status) > 0 ? body : NULL;
}

/* ---- the step ---- */

static void forget_refusal(struct memo *memo)
{
	memo->status_tries = 0;
	memo->status_next_ms = 0;
	memo->status_version = 0;
}

/* Knative's webhook validates a PodAutoscaler's annotations on writes of its status too. True: it
 * was the first refusal of this version. */
static bool record_refusal(struct look *look)
{
	const struct answer *answer = &look->view->answer;
	struct memo *memo = &look->out->memo;

	if (answer->kind != ERROR_INVALID && answer->kind != ERROR_DENIED)
		return false;
	memo->status_version = look->view->pa->object.meta.version;
	memo->status_tries++;
	memo->status_next_ms = look->view->now_ms + backoff_ms(memo->status_tries);
	return memo->status_tries == 1;
}

/* The same write was refused for good, and its time has not come yet. */
static bool waits(struct look *look)
{
	struct memo *memo = &look->out->memo;

	if (memo->status_tries == 0 || look->view->now_ms >= memo->status_next_ms)
		return false;
	look_again_at(look, memo->status_next_ms);
	return true;
}

void status_step(struct look *look)
{
	struct memo *memo = &look->out->memo;
	struct verdict active = active_verdict(look);
	struct json *patch = status_patch(look, &active);

	look->out->reason = active.reason ? active.reason : "";
	look->out->message = active.message ? active.message : "";
	if (!patch || memo->status_version != look->view->pa->object.meta.version)
		forget_refusal(memo);
	bool first_refusal = look->closed && record_refusal(look);
	bool unwritten = patch && (look->closed || waits(look));
	notes_of(look, &active, unwritten && !first_refusal);
	if (first_refusal)
		note_status_refused(look, message_stable(look->arena, look->view->answer.message));
	note_misspelt(look, patch && !unwritten);
	if (look->closed)
		waits(look);
	if (!patch || unwritten)
		return;
	look->out->step = STEP_PATCH_STATUS;
	look->out->body = patch;
	/* From now on the hold is another one, and it ends at another time. */
	if (look->initialized && !was_initialized(look))
		look_again_at(look, look->view->now_ms);
}
