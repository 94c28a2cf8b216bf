/*
 * The PodAutoscaler's status is the controller's word. Here is what there is to say when that word
 * is missing, old, or said against by the objects themselves.
 */
#include <string.h>

#include "reconciler/explain/text.h"
#include "reconciler/explain/why.h"

const char *why_attendance_text(const struct why *why)
{
	const struct attendance *a = &why->scene->attendance;
	struct arena *arena = why->out->arena;
	int64_t ago_ms = why->scene->e->now_ms - a->renewed_ms;

	switch (a->kind) {
	case ATTENDANCE_UNKNOWN:
		return "its leases could not be read";
	case ATTENDANCE_NONE:
		return arena_printf(arena,
				    "there is no Lease %s in %s: it does not run there, or runs "
				    "without leader election",
				    a->lease, why->scene->e->system_namespace);
	case ATTENDANCE_LED:
		return arena_printf(arena, "%s holds the Lease, renewed %s ago", a->holder,
				    text_duration(arena, ago_ms > 0 ? ago_ms : 0));
	case ATTENDANCE_LAPSED:
		if (!a->holder[0])
			return "nobody holds its Lease: the last holder gave it up";
		return arena_printf(arena, "its Lease was last renewed %s ago, by %s",
				    a->renewed_ms > 0 ? text_duration(arena, ago_ms) : "long",
				    a->holder);
	case ATTENDANCE_RIVAL:
		return arena_printf(arena, "%s holds autoscaler-hpa's Lease", a->holder);
	}
	return "";
}

static void say_what_it_said(const struct why *why)
{
	const struct condition *active = &why->scene->active;

	if (active->type && (active->reason || active->status != CONDITION_UNKNOWN))
		findings_say(why->out, "The last that it said: Active %s%s%s.",
			     condition_status_name(active->status), active->reason ? " " : "",
			     active->reason ? active->reason : "");
}

void why_not_running(const struct why *why, const char *contradiction)
{
	findings_say(why->out, "autoscaler-keda-hpa does not seem to run: %s.",
		     why_attendance_text(why));
	if (contradiction)
		findings_say(why->out, "The PodAutoscaler's status is old: %s.", contradiction);
	else
		findings_say(why->out, "Nobody looks after this revision meanwhile: KEDA goes on "
				       "with what is there, but changes have no effect.");
	say_what_it_said(why);
	findings_step(
	    why->out, "See whether it runs:",
	    "kubectl -n %s get deployment,pods -l app.kubernetes.io/name=autoscaler-keda-hpa",
	    why->scene->e->system_namespace);
	findings_step(why->out, "And what it says:",
		      "kubectl -n %s logs deployment/autoscaler-keda-hpa --tail=20",
		      why->scene->e->system_namespace);
}

void why_rival(const struct why *why)
{
	findings_say(why->out,
		     "Knative's own autoscaler-hpa runs (%s); the two would fight, so "
		     "autoscaler-keda-hpa writes nothing while it does.",
		     why_attendance_text(why));
	findings_step(why->out,
		      "Stop it (a minute at most after that, this revision is taken over):",
		      "kubectl -n %s scale deployment autoscaler-hpa --replicas=0",
		      why->scene->e->system_namespace);
}

/* Knative's webhook judges the annotations on writes of the status, too. */
static bool say_refused_status(const struct why *why)
{
	const struct json *event = why_event(why, "StatusNotWritten");

	if (!event)
		return false;
	findings_say(why->out, "The API server refuses the controller's status: %s",
		     json_text_or(json_get(event, "message"), ""));
	why_kubectl(why, "Correct the annotation that it names:",
		    "annotate revision %s --overwrite KEY=VALUE", why->name);
	return true;
}

void why_not_reported(const struct why *why)
{
	const struct pod_autoscaler *pa = why->scene->pa;
	const char *age =
	    text_duration(why->out->arena, why->scene->e->now_ms - pa->object.meta.created_ms);

	if (pa->observed_generation == 0)
		findings_say(why->out,
			     "autoscaler-keda-hpa has not said anything of it yet; the "
			     "PodAutoscaler is %s old, and seconds are normal.",
			     age);
	else
		findings_say(why->out, "autoscaler-keda-hpa has not said anything of the "
				       "PodAutoscaler's last change yet.");
	if (why->scene->attendance.kind == ATTENDANCE_NONE)
		findings_say(why->out, "If that lasts: %s.", why_attendance_text(why));
	say_what_it_said(why);
	say_refused_status(why);
	why_logs(why, "See what it says of the revision:");
}
