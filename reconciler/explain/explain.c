/* Chooses the word that stands for the revision's state, and has it told. */
#include "reconciler/explain/explain.h"

#include <string.h>

#include "reconciler/explain/text.h"
#include "reconciler/explain/why.h"

#define ACTIVE_OF_REVISION "Active"

/* Nobody holds the lease, and the status shows it. Without any lease it may run without leader
 * election: a status that only lags behind a change proves nothing then. */
static bool is_left_alone(const struct scene *scene, const char *contradiction)
{
	switch (scene->attendance.kind) {
	case ATTENDANCE_LAPSED:
		return !scene->current || contradiction || scene->ready.status == CONDITION_TRUE;
	case ATTENDANCE_NONE:
		return contradiction || scene->pa->observed_generation == 0;
	default:
		return false;
	}
}

/* ---- without a PodAutoscaler ---- */

static void other_class(const struct why *why)
{
	const char *class = meta_pair_get(&why->scene->pa->annotations, CLASS_ANNOTATION);

	why->out->reason = REASON_OTHER_CLASS;
	findings_say(why->out,
		     "Its class is %s: another autoscaler looks after it, not autoscaler-keda-hpa.",
		     class ? class : "not set");
	why_edit(why, "To have KEDA scale it, set autoscaling.knative.dev/class: " CLASS_HPA
		      " in the template of the Service:");
}

static void no_pod_autoscaler(const struct why *why)
{
	const char *ready = why_condition(why, why->scene->e->revision, "Ready");

	why->out->reason = REASON_NO_POD_AUTOSCALER;
	findings_say(why->out, "Knative has made no PodAutoscaler for this Revision yet.");
	if (ready)
		findings_say(why->out, "The Revision's Ready is %s", ready);
	why_kubectl(why, "See what Knative says of it:", "describe revision %s", why->name);
	findings_step(why->out, "And in its controller's log:",
		      "kubectl -n %s logs deployment/controller | grep %s/%s",
		      why->scene->e->system_namespace, why->ns, why->name);
}

/* The Revision's condition Active repeats the PodAutoscaler's Ready, reason and text. */
static void not_readable(const struct why *why)
{
	const struct json *revision = why->scene->e->revision;
	const char *active = why_condition(why, revision, ACTIVE_OF_REVISION);
	const char *ready = why_condition(why, revision, "Ready");

	why->out->reason = REASON_NOT_READABLE;
	findings_say(why->out, "You may not read PodAutoscalers here; this is what the Revision "
			       "repeats of it.");
	if (active)
		findings_say(why->out, "Active is %s", active);
	if (ready)
		findings_say(why->out, "Ready is %s", ready);
	why_kubectl(why, "Ask for the right to read them, which this checks:",
		    "auth can-i list podautoscalers.autoscaling.internal.knative.dev");
	why_kubectl(why, "See the events:", "describe revision %s", why->name);
}

/* ---- with one ---- */

static bool pods_are_missing(const struct why *why)
{
	const struct conditions *conditions = &why->scene->pa->conditions;

	if (conditions_status(conditions, CONDITION_SKS_READY) != CONDITION_TRUE) {
		why->out->reason = REASON_SKS_NOT_READY;
		why_sks_not_ready(why);
		return true;
	}
	if (!why->scene->initialized) {
		why->out->reason = REASON_FEW_PODS;
		why_few_pods(why);
		return true;
	}
	return false;
}

/* Of no row of ours: another version of the controller, or somebody else. */
static void unknown_reason(const struct why *why)
{
	findings_say(why->out, "Its condition Active says %s: %s", why->out->reason, why->message);
	why_logs(why, "See what the controller says of it:");
}

/* One that was paused right after it got ready keeps its WaitingForHPA (contract section 5, "as
 * before"); what it waits for is the end of the pause. */
static bool waits_for_a_pause(const struct why *why)
{
	const struct scene *scene = why->scene;
	const char *reason = scene->active.reason ? scene->active.reason : "";

	return strcmp(reason, REASON_WAITING_FOR_HPA) == 0 && scene->so && scene->so->paused &&
	       scene->hpa_owner == OWNER_ABSENT;
}

static void by_active(const struct why *why)
{
	const struct condition *active = &why->scene->active;

	if (waits_for_a_pause(why)) {
		struct why paused = *why;
		paused.message = "";
		why->out->reason = REASON_PAUSED;
		why_reason(&paused, REASON_PAUSED);
		return;
	}
	if (active->status == CONDITION_TRUE) {
		if (!pods_are_missing(why))
			why->out->reason = why_ready(why);
		return;
	}
	why->out->reason = active->reason ? active->reason : REASON_NOT_REPORTED;
	if (!why_reason(why, why->out->reason))
		unknown_reason(why);
	if (why->scene->attendance.kind == ATTENDANCE_LAPSED)
		findings_say(why->out, "Besides, autoscaler-keda-hpa does not seem to run: %s.",
			     why_attendance_text(why));
}

static void by_pod_autoscaler(const struct why *why)
{
	const struct scene *scene = why->scene;
	const char *contradiction = scene->current ? scene_contradiction(scene) : NULL;

	if (!pod_autoscaler_is_ours(scene->pa)) {
		other_class(why);
	} else if (scene->attendance.kind == ATTENDANCE_RIVAL) {
		why->out->reason = REASON_RIVAL;
		why_rival(why);
	} else if (is_left_alone(scene, contradiction)) {
		why->out->reason = REASON_NOT_RUNNING;
		why_not_running(why, contradiction);
	} else if (!scene->current) {
		why->out->reason = REASON_NOT_REPORTED;
		why_not_reported(why);
	} else {
		by_active(why);
		if (contradiction)
			findings_fact(why->out, "PodAutoscaler",
				      "it says %s, but %s: it is about to be looked at",
				      scene->active.reason ? scene->active.reason : "Active True",
				      contradiction);
	}
}

/* ---- the frame ---- */

static void collect_unread(const struct evidence *e, struct findings *out)
{
	for (size_t i = 0; i < SOURCES; i++)
		if (e->unread[i])
			out->unread[out->unread_count++] =
			    text_visible(out->arena, e->unread[i], TEXT_MESSAGE_MAX);
}

static void take_ready(const struct scene *scene, struct findings *out)
{
	bool speaks = scene->ready.type && scene->current;

	out->ready = condition_status_name(speaks ? scene->ready.status : CONDITION_UNKNOWN);
	out->since_ms = scene->active.changed_ms;
	if (scene->active.status == CONDITION_TRUE)
		out->since_ms = scene->ready.changed_ms;
	if (!scene->current)
		out->since_ms = scene->pa ? scene->pa->object.meta.created_ms : 0;
	out->held_until_ms = scene->held ? scene->held_until_ms : 0;
}

static bool tell(const struct why *why)
{
	const struct evidence *e = why->scene->e;

	if (why->scene->pa)
		by_pod_autoscaler(why);
	else if (!e->revision)
		return false;
	else if (e->unread[SOURCE_POD_AUTOSCALERS])
		not_readable(why);
	else
		no_pod_autoscaler(why);
	return true;
}

bool explain(const struct evidence *evidence, struct arena *arena, struct findings *out)
{
	CLEANUP(scene_release) struct scene scene;

	scene_init(&scene, evidence, arena);
	*out =
	    (struct findings){.arena = arena,
			      .ns = text_visible(arena, evidence->ns, TEXT_WORD_MAX),
			      .revision = text_visible(arena, evidence->name, TEXT_WORD_MAX),
			      .service = text_visible(arena, scene_service(&scene), TEXT_WORD_MAX),
			      .reason = "",
			      .summary = ""};
	const struct why why = {
	    .scene = &scene,
	    .out = out,
	    .ns = text_shell(arena, evidence->ns),
	    .name = text_shell(arena, evidence->name),
	    .message = scene.active.message ? scene.active.message : "",
	};
	take_ready(&scene, out);
	collect_unread(evidence, out);
	if (!tell(&why))
		return false;
	out->reason = text_visible(arena, out->reason, TEXT_WORD_MAX);
	why_facts(&why);
	return true;
}
