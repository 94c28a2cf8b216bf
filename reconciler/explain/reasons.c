/*
 * The reasons of contract section 5, in its order. The condition's own text comes first, as it is:
 * it names the cause; what is added tells what it means and what becomes of it.
 */
#include <string.h>

#include "reconciler/explain/text.h"
#include "reconciler/explain/why.h"
#include "reconciler/hpa/annotations.h"

static void say_message(const struct why *why)
{
	if (why->message[0])
		findings_say(why->out, "%s", why->message);
}

/* ---- annotations ---- */

/* The annotation that the text begins with: "autoscaling.knative.dev/target: ..."; NULL: none. */
static const char *refused_annotation(const struct why *why)
{
	size_t prefix = strlen(ANNOTATION_PREFIX);
	size_t length = strcspn(why->message, ": ");

	if (why->scene->refusal.annotation)
		return why->scene->refusal.annotation;
	if (length <= prefix || strncmp(why->message, ANNOTATION_PREFIX, prefix) != 0)
		return NULL;
	return arena_strndup(why->out->arena, why->message, length);
}

static void invalid_annotation(const struct why *why)
{
	const char *annotation = refused_annotation(why);

	say_message(why);
	findings_say(why->out, "Until it is right, its ScaledObject is neither made nor changed.");
	if (annotation)
		why_kubectl(why,
			    "Correct the annotation on the revision, which restarts nothing (it is "
			    "noticed at once):",
			    "annotate revision %s --overwrite %s=VALUE", why->name,
			    text_shell(why->out->arena, annotation));
	why_edit(why, "Or in the template of the Service, which makes a new revision:");
	findings_step(why->out, "What each annotation takes:", "%s annotations",
		      why->scene->e->program);
}

/* ---- objects that are in the way ---- */

struct child {
	const char *kind, *resource, *name;
	enum ownership owner;
};

static const char *name_of(const struct why *why, const struct object *object)
{
	return object ? text_shell(why->out->arena, object->meta.name) : why->name;
}

/* The first child that is so; resource NULL: none, as far as could be read. */
static struct child child_that_is(const struct why *why, enum ownership a, enum ownership b)
{
	const struct scene *scene = why->scene;
	const struct child children[] = {
	    {"ScaledObject", "scaledobject", name_of(why, scene->so ? &scene->so->object : NULL),
	     scene->so_owner},
	    {"ServerlessService", "serverlessservice", why->name, scene->sks_owner},
	    {"HorizontalPodAutoscaler", "hpa",
	     name_of(why, scene->hpa ? &scene->hpa->object : NULL), scene->hpa_owner},
	};

	for (size_t i = 0; i < ARRAY_SIZE(children); i++)
		if (children[i].owner == a || children[i].owner == b)
			return children[i];
	return (struct child){0};
}

static void waiting_for_deletion(const struct why *why)
{
	struct child child = child_that_is(why, OWNER_GOING, OWNER_FORMER);
	const struct scaled_object *so = why->scene->so;

	say_message(why);
	findings_say(why->out, "Usually it takes seconds; the revision goes on by itself then.");
	if (child.resource)
		why_kubectl(why, "See who holds it (its finalizers):",
			    "get %s %s -o jsonpath='{.metadata.finalizers}'", child.resource,
			    child.name);
	else
		why_kubectl(why, "See what is there:", "get scaledobject,serverlessservice,hpa %s",
			    why->name);
	if (so && so->object.meta.terminating && so->has_keda_finalizer)
		why_keda(why, "KEDA's operator has to remove its finalizer: see whether it runs.");
}

static void not_owned(const struct why *why)
{
	struct child child = child_that_is(why, OWNER_FOREIGN, OWNER_FOREIGN);

	say_message(why);
	findings_say(why->out, "It is not touched, and nothing scales this revision meanwhile.");
	if (!child.resource) {
		why_kubectl(why,
			    "See whose it is:", "get scaledobject,serverlessservice,hpa %s -o yaml",
			    why->name);
		return;
	}
	why_kubectl(why, "See whose it is:", "get %s %s -o yaml", child.resource, child.name);
	why_kubectl(why, "If nobody needs it, delete it (the revision goes on by itself):",
		    "delete %s %s", child.resource, child.name);
	if (strcmp(child.resource, "scaledobject") == 0)
		why_annotate(why, "If the revision is to use it as it is:",
			     "scaled-object-auto-create=false");
}

/* ---- the ScaledObject ---- */

static void keda_not_installed(const struct why *why)
{
	say_message(why);
	findings_step(why->out,
		      "Install KEDA, with its admission webhooks "
		      "(https://keda.sh/docs/latest/deploy/). Then this answers:",
		      "kubectl get crd scaledobjects.keda.sh");
}

/* Texts of KEDA's webhook and of the API server, and what helps. */
static const struct remedy {
	const char *part; /* of the text */
	const char *text; /* what to do */
	/* Change that does it, %s being the user's container; NULL: it is done in the Service. */
	const char *annotation;
} remedies[] = {
    {"doesn't have the memory request defined",
     "KEDA wants a memory request of every container, Knative's queue-proxy too, which has none: "
     "name yours (and see that it has one):",
     "keda-container=%s"},
    {"have the cpu request defined",
     "Set the request (resources.requests.cpu) in the Service:", NULL},
    {"unknown field",
     "The installed KEDA does not know that field: correct its name, or upgrade KEDA:", NULL},
    {"is defined multiple times",
     "Trigger names must be unique; the default trigger's is set by this:",
     "trigger-prometheus-name=NAME"},
    {"validating formula",
     "Name the triggers as the formula does; a name must be an identifier (no \"-\"):",
     "scaling-modifiers=VALUE"},
    {"type for the fallback", "A fallback works with metrics per pod:", "metric-type=AverageValue"},
};

static bool is_managed_elsewhere(const struct why *why)
{
	if (!strstr(why->message, "already managed by"))
		return false;
	why_kubectl(why, "Something else scales its Deployment; find it, and delete it:",
		    "get scaledobject,hpa -o wide");
	return true;
}

static const char *user_container(const struct why *why)
{
	const struct json *containers =
	    json_path(why->scene->e->revision, "spec", "containers", NULL);
	const char *name = json_text_or(json_get(json_at(containers, 0), "name"), "");

	return name[0] ? text_shell(why->out->arena, name) : "user-container";
}

static const char *change_of(const struct why *why, const char *annotation)
{
	const char *place = strstr(annotation, "%s");

	if (!place)
		return annotation;
	return arena_printf(why->out->arena, "%.*s%s", (int)(place - annotation), annotation,
			    user_container(why));
}

static void remedy(const struct why *why)
{
	if (is_managed_elsewhere(why))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(remedies); i++) {
		if (!strstr(why->message, remedies[i].part))
			continue;
		if (remedies[i].annotation)
			why_annotate(why, remedies[i].text, change_of(why, remedies[i].annotation));
		else
			why_edit(why, remedies[i].text);
		return;
	}
}

static void rejected(const struct why *why)
{
	findings_say(why->out, "The API server, KEDA's webhook, a quota or a policy refuses the "
			       "ScaledObject:");
	say_message(why);
	findings_say(why->out,
		     "It is tried again ever more rarely, and at once when you change anything.");
	remedy(why);
	why_edit(why, "Correct what it names, in the template of the Service:");
	findings_step(why->out, "Try changes without a cluster (prints the ScaledObject):",
		      "%s render -f service.yaml", why->scene->e->program);
}

static void not_written(const struct why *why)
{
	findings_say(why->out,
		     "The ScaledObject could not be written, for a reason that may pass:");
	say_message(why);
	if (strstr(why->message, "forbidden"))
		findings_step(
		    why->out,
		    "The controller lacks a right; its ClusterRole should be the one that "
		    "it ships with:",
		    "kubectl auth can-i create scaledobjects.keda.sh -n %s --as "
		    "system:serviceaccount:%s:autoscaler-keda-hpa",
		    why->ns, why->scene->e->system_namespace);
	else if (strstr(why->message, "webhook"))
		findings_step(why->out, "See whether KEDA's webhook runs:",
			      "kubectl get pods -A -l app=keda-admission-webhooks");
	why_logs(why, "It is tried again by itself. If it lasts, see what the controller says:");
}

static void waiting_for_scaled_object(const struct why *why)
{
	const char *target = why->scene->pa->target_name;

	say_message(why);
	findings_say(why->out,
		     "With auto-create off nothing is made for this revision: its ScaledObject "
		     "must come from you; its name is free, its scaleTargetRef is not.");
	why_kubectl(why,
		    arena_printf(
			why->out->arena,
			"Apply one whose scaleTargetRef.name is %s. Those that are there:", target),
		    "get scaledobject -o custom-columns="
		    "NAME:.metadata.name,TARGET:.spec.scaleTargetRef.name");
	why_annotate(why,
		     "Or have it made from the annotations:", "scaled-object-auto-create=true");
}

/* ---- paused ---- */

/* Whatever pauses it: our annotations on the revision, else KEDA's on the ScaledObject. */
void why_unpause(const struct why *why, const char *text)
{
	static const char *const ours[] = {"keda-paused", "keda-paused-replicas"};
	const struct meta_pairs *pairs = &why->scene->pa->annotations;
	const char *so = name_of(why, why->scene->so ? &why->scene->so->object : NULL);
	bool found = false;

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		const char *key = arena_printf(why->out->arena, ANNOTATION_PREFIX "%s", ours[i]);
		if (!meta_pair_get(pairs, key))
			continue;
		found = true;
		why_annotate(why, text, arena_printf(why->out->arena, "%s-", ours[i]));
	}
	if (!found)
		why_kubectl(why, text,
			    "annotate scaledobject %s autoscaling.keda.sh/paused- "
			    "autoscaling.keda.sh/paused-replicas-",
			    so);
}

static void so_paused(const struct why *why)
{
	if (why->message[0])
		say_message(why);
	else
		findings_say(why->out, "Its ScaledObject is paused, and KEDA makes no "
				       "HorizontalPodAutoscaler before it is resumed.");
	findings_say(why->out, "It was paused before the revision got ready.");
	why_unpause(why, "Resume it:");
}

static void so_not_ready(const struct why *why)
{
	say_message(why);
	findings_say(
	    why->out,
	    "KEDA cannot make a HorizontalPodAutoscaler of it: these are its own words. It "
	    "tries again ever more rarely, up to every quarter of an hour.");
	why_kubectl(why, "See all that KEDA says:", "describe scaledobject %s",
		    name_of(why, why->scene->so ? &why->scene->so->object : NULL));
	why_kubectl(why, "Credentials come from a TriggerAuthentication of the same namespace:",
		    "get triggerauthentication");
	why_annotate(why, "To have KEDA try at once, change the ScaledObject in some way:",
		     "keda-polling-interval=SECONDS");
}

/* ---- the HPA ---- */

/* It is there, and the HPA controller's next round comes. */
static bool hpa_is_new(const struct why *why)
{
	const struct scene *scene = why->scene;

	return (scene->hpa_owner == OWNER_OURS || scene->hpa_owner == OWNER_PA) &&
	       scene->hpa->scaling_active == -1;
}

static void waiting_for_hpa(const struct why *why)
{
	const struct scaled_object *so = why->scene->so;

	say_message(why);
	if (hpa_is_new(why)) {
		findings_say(why->out,
			     "The HorizontalPodAutoscaler is there by now; its controller "
			     "has not looked at it yet, which it does every 15 s.");
		findings_step(why->out, "Nothing to do. Watch it change:", "%s status -n %s %s -w",
			      why->scene->e->program, why->ns, why->name);
		return;
	}
	if (so && so->ready == -1) {
		findings_say(why->out, "That is normal for a second or two.");
		why_keda(why, "If it lasts: see whether KEDA's operator runs, and watches this "
			      "namespace (its WATCH_NAMESPACE).");
	} else {
		findings_say(why->out, "KEDA has seen the ScaledObject.");
	}
	why_kubectl(why, "See all that KEDA says:", "describe scaledobject %s",
		    name_of(why, so ? &so->object : NULL));
	findings_step(why->out, "Or watch it change:", "%s status -n %s %s -w",
		      why->scene->e->program, why->ns, why->name);
}

static void no_traffic(const struct why *why)
{
	const struct scaled_object *so = why->scene->so;

	findings_say(why->out,
		     "It is at zero pods, as asked. That is no mistake: the Revision stays "
		     "ready. %s",
		     why->scene->desired.http.metric
			 ? "The next request wakes it, and waits in an activator until it is up."
			 : "A request does not wake it; its metric has to.");
	if (so && so->paused) {
		findings_say(why->out, "Its ScaledObject is paused at 0.");
		why_unpause(why, "Resume it:");
		return;
	}
	why_annotate(why, "To keep one pod at all times:", "min-scale=1");
	why_kubectl(why, "See whether its triggers are active, and what KEDA says:",
		    "describe scaledobject %s", name_of(why, so ? &so->object : NULL));
}

bool why_reason(const struct why *why, const char *reason)
{
	static const struct {
		const char *reason;
		void (*tell)(const struct why *why);
	} rows[] = {
	    {REASON_INVALID_ANNOTATION, invalid_annotation},
	    {REASON_WAITING_FOR_DELETION, waiting_for_deletion},
	    {REASON_NOT_OWNED, not_owned},
	    {REASON_KEDA_NOT_INSTALLED, keda_not_installed},
	    {REASON_REJECTED, rejected},
	    {REASON_NOT_WRITTEN, not_written},
	    {REASON_WAITING_FOR_SCALED_OBJECT, waiting_for_scaled_object},
	    {REASON_PAUSED, so_paused},
	    {REASON_NOT_READY, so_not_ready},
	    {REASON_WAITING_FOR_HPA, waiting_for_hpa},
	    {REASON_NO_TRAFFIC, no_traffic},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].reason, reason) != 0)
			continue;
		rows[i].tell(why);
		return true;
	}
	return false;
}
