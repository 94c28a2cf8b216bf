/*
 * Revisions that scaling does not hold back: pods that do not come, and what is to be said of a
 * ready one.
 */
#include <string.h>

#include "pkg/base/date.h"
#include "pkg/knative/conditions.h"
#include "reconciler/explain/text.h"
#include "reconciler/explain/why.h"
#include "reconciler/hpa/unread.h"

/* The HPA looks every 15 s, and its clock may be another. */
#define TOLD_BEFORE_MS 60000

/* ---- pods that do not come ---- */

/* What Knative or the Deployment says of them; NULL: nothing. */
static const char *pod_trouble(const struct why *why)
{
	static const char *const of_revision[] = {"ContainerHealthy", "ResourcesAvailable"};
	static const char *const of_deployment[] = {"ReplicaFailure", "Progressing"};
	const struct evidence *e = why->scene->e;

	for (size_t i = 0; i < ARRAY_SIZE(of_revision); i++) {
		const char *text = why_condition(why, e->revision, of_revision[i]);
		if (text && strncmp(text, "True", 4) != 0 && strchr(text, ':'))
			return arena_printf(why->out->arena, "The Revision's %s is %s",
					    of_revision[i], text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(of_deployment); i++) {
		const char *text = why_condition(why, e->deployment, of_deployment[i]);
		const char *bad = i == 0 ? "True" : "False";
		if (text && strncmp(text, bad, strlen(bad)) == 0)
			return arena_printf(why->out->arena, "The Deployment's %s is %s",
					    of_deployment[i], text);
	}
	return NULL;
}

static void count_pods(const struct why *why)
{
	int64_t ready =
	    json_int_or(json_path(why->scene->e->deployment, "status", "readyReplicas", NULL), 0);
	int64_t wanted =
	    json_int_or(json_path(why->scene->e->deployment, "spec", "replicas", NULL), 0);

	if (why->scene->e->deployment)
		findings_say(why->out, "%lld of %lld pods are ready.", (long long)ready,
			     (long long)wanted);
}

static void say_pods(const struct why *why)
{
	const char *trouble = pod_trouble(why);

	count_pods(why);
	if (trouble)
		findings_say(why->out, "%s", trouble);
}

/* Without a warm hold (a ScaledObject of the user's own, or one that ran out) KEDA does that. */
static bool was_zeroed(const struct why *why)
{
	const struct json *replicas =
	    json_path(why->scene->e->deployment, "spec", "replicas", NULL);
	const struct hpa *hpa = why->scene->hpa;

	if (replicas)
		return json_int_or(replicas, 1) == 0;
	return hpa && hpa->scaling_active == 0 &&
	       strcmp(hpa->scaling_reason, "ScalingDisabled") == 0;
}

static void say_zeroed(const struct why *why)
{
	const struct scaled_object *so = why->scene->so;

	findings_say(why->out, "It was taken to zero before it had ever been ready, and nothing "
			       "brings it back before its metric does.");
	if (so && why->scene->has_desired && !why->scene->desired.auto_create)
		why_kubectl(why, "Have your ScaledObject keep a pod, until it is ready at least:",
			    "patch scaledobject %s --type merge -p "
			    "'{\"spec\":{\"minReplicaCount\":1}}'",
			    text_shell(why->out->arena, so->object.meta.name));
	else
		why_annotate(why, "Keep a pod:", "min-scale=1");
}

void why_sks_not_ready(const struct why *why)
{
	if (was_zeroed(why)) {
		say_zeroed(why);
		return;
	}
	findings_say(why->out,
		     "Scaling is set up; what is missing is a pod that can be reached: the "
		     "ServerlessService is not ready before one is.");
	say_pods(why);
	why_pods(why);
	why_kubectl(why, "If its pods are ready:", "describe serverlessservice %s", why->name);
}

void why_few_pods(const struct why *why)
{
	const struct scene *scene = why->scene;

	if (scene->has_desired && scene->hpa)
		findings_say(why->out,
			     "Scaling is set up; it becomes ready once %d pods were there, and the "
			     "HorizontalPodAutoscaler counts %d.",
			     (int)scene->desired.needed, (int)scene->hpa->current_replicas);
	else
		findings_say(why->out,
			     "Scaling is set up; its first pods have not all been there yet.");
	say_pods(why);
	why_pods(why);
	if (scene->has_desired && scene->desired.needed > 1)
		why_annotate(why, "To be content with fewer at first:", "initial-scale=1");
}

/* ---- ready, and yet ---- */

/* What the HPA or KEDA cannot do; NULL: all is well. */
static const char *degradation(const struct why *why)
{
	const struct hpa *hpa = why->scene->hpa;
	const struct scaled_object *so = why->scene->so;

	if (scene_hpa_fails(why->scene))
		return arena_printf(why->out->arena, "The HorizontalPodAutoscaler says %s: %s",
				    hpa->scaling_reason, hpa->scaling_message);
	if (scene_keda_fails(why->scene))
		return arena_printf(why->out->arena, "KEDA says of the ScaledObject: %s: %s",
				    so->ready_reason, so->ready_message);
	return NULL;
}

static void degraded(const struct why *why, const char *text)
{
	const struct scaled_object *so = why->scene->so;

	findings_say(why->out, "It is ready and serves with the pods it has, but does not scale:");
	findings_say(why->out, "%s", text);
	if (strstr(text, "GetResourceMetric") || strstr(text, "metrics.k8s.io)"))
		why_kubectl(why, "See whether metrics-server has values of its pods:",
			    "top pods -l serving.knative.dev/revision=%s", why->name);
	if (strstr(text, "GetExternalMetric"))
		findings_step(why->out, "See that KEDA answers for external metrics:",
			      "kubectl get apiservice v1beta1.external.metrics.k8s.io");
	why_kubectl(why, "See what KEDA says of its source (address, credentials, query):",
		    "describe scaledobject %s",
		    text_shell(why->out->arena, so ? so->object.meta.name : why->scene->e->name));
	why_annotate(why,
		     "How many pods there should be while it cannot be asked (with "
		     "keda-fallback-failure-threshold):",
		     "keda-fallback-replicas=COUNT");
}

/* An event stays for an hour: one from before the HPA last scaled tells of another trouble. */
static bool told_unread_lately(const struct why *why)
{
	const struct json *event = why_event(why, REASON_ACTIVATORS_UNREAD);
	const struct condition *active;
	struct conditions conditions;

	conditions_decode(json_path(why->scene->e->hpa, "status", "conditions", NULL),
			  why->out->arena, &conditions);
	active = conditions_get(&conditions, "ScalingActive");
	return event && (!active || why_event_ms(event) >= active->changed_ms - TOLD_BEFORE_MS);
}

/* The controller says so in an event alone; what it does about it shows in the ScaledObject. */
static bool activators_unread(const struct why *why, const char *degradation)
{
	const struct scene *scene = why->scene;

	if (!scene->has_desired || !scene->desired.http.metric)
		return false;
	return scene_kept_up(scene) || (degradation && told_unread_lately(why));
}

static void say_unread(const struct why *why)
{
	const struct json *event = why_event(why, REASON_ACTIVATORS_UNREAD);
	const char *ns = why->scene->e->system_namespace;

	findings_say(why->out, "It is ready and serves, but the requests that it scales on cannot "
			       "be counted; so it is not taken to zero.");
	if (event)
		findings_say(why->out, "%s", json_text_or(json_get(event, "message"), ""));
	findings_step(
	    why->out,
	    "See that metrics-protocol is prometheus, which activators read when they start:",
	    "kubectl -n %s get configmap config-observability -o yaml", ns);
	findings_step(
	    why->out, "See that there are activators:",
	    "kubectl -n %s get endpointslice -l kubernetes.io/service-name=activator-service", ns);
	findings_step(why->out, "And that a NetworkPolicy lets us reach port 9090 of them:",
		      "kubectl -n %s get networkpolicy", ns);
}

/* An HPA counts the pods that the Deployment asks for; a quota, say, keeps them from coming. */
static bool revision_is_not_ready(const struct why *why)
{
	const char *ready = why_condition(why, why->scene->e->revision, "Ready");

	if (!ready || strncmp(ready, "True", 4) == 0)
		return false;
	findings_say(why->out, "Scaling is ready, the Revision is not: its Ready is %s", ready);
	if (strchr(ready, ':'))
		count_pods(why);
	else
		say_pods(why);
	why_pods(why);
	return true;
}

static void paused(const struct why *why)
{
	findings_say(why->out,
		     "It is ready, and its ScaledObject is paused: it stays at the pods it "
		     "has until it is resumed.");
	why_unpause(why, "Resume it:");
}

static void held(const struct why *why)
{
	char until[TIME_RFC3339_SIZE];

	time_format_rfc3339(why->scene->held_until_ms, until);
	findings_say(why->out,
		     "It is ready. As a new revision it is held at %d until %s, so that KEDA does "
		     "not take it to zero before it has served; from then on the metric counts.",
		     (int)why->scene->so->min_replicas, until);
	why_annotate(why, "To make that shorter (seconds, or a duration such as 30s):",
		     "keda-initial-cooldown-period=SECONDS");
}

static void fine(const struct why *why)
{
	const struct hpa *hpa = why->scene->hpa;

	findings_say(why->out, "It is ready%s.", hpa ? " and scales" : "");
	if (why->scene->e->deployment)
		count_pods(why);
	else if (hpa)
		findings_say(why->out, "%d replicas, %d wanted.", (int)hpa->current_replicas,
			     (int)hpa->desired_replicas);
	findings_step(why->out, "Nothing to do. Watch it scale:", "%s status -n %s %s -w",
		      why->scene->e->program, why->ns, why->name);
}

const char *why_ready(const struct why *why)
{
	const char *text = degradation(why);

	if (revision_is_not_ready(why))
		return REASON_REVISION;
	if (why->scene->so && why->scene->so->paused) {
		paused(why);
		return REASON_PAUSED;
	}
	if (activators_unread(why, text)) {
		say_unread(why);
		return REASON_ACTIVATORS_UNREAD;
	}
	if (text) {
		degraded(why, text);
		return REASON_DEGRADED;
	}
	if (why->scene->so && why->scene->held) {
		held(why);
		return REASON_HELD;
	}
	fine(why);
	return "";
}
