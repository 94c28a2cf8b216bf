/*
 * The rows. A row that only says "as it was" answers what the PodAutoscaler bears, if that still
 * speaks of scaling: a text of another row (an annotation since mended, say) never stays.
 */
#include "reconciler/hpa/active.h"

#include <string.h>

#include "pkg/base/date.h"
#include "reconciler/hpa/message.h"

#define NOT_READY_AFTER_MS INT64_C(120000)
#define SILENT_AFTER_MS INT64_C(30000)

struct condition active_before(const struct look *look)
{
	const struct condition *before =
	    conditions_get(&look->view->pa->conditions, CONDITION_ACTIVE);

	return before ? *before : (struct condition){0};
}

bool active_has_hpa(const struct look *look)
{
	return look->hpa == OWNER_OURS || look->hpa == OWNER_PA;
}

static bool says(struct verdict *out, enum condition_status status, const char *reason,
		 const char *message)
{
	*out = (struct verdict){status, reason, message};
	return true;
}

static bool says_unknown(struct verdict *out, const char *reason, const char *message)
{
	return says(out, CONDITION_UNKNOWN, reason, message);
}

static bool says_no_traffic(struct verdict *out)
{
	return says(out, CONDITION_FALSE, REASON_NO_TRAFFIC,
		    "The target is not receiving traffic.");
}

static bool reason_is(const struct condition *condition, const char *reason)
{
	return condition->reason && strcmp(condition->reason, reason) == 0;
}

/* As it was, if that was about scaling: True, NoTraffic, or (also) this Unknown reason. */
static bool stays(const struct look *look, const char *also, struct verdict *out)
{
	struct condition before = active_before(look);

	if (before.status != CONDITION_TRUE && !reason_is(&before, REASON_NO_TRAFFIC) &&
	    !(also && reason_is(&before, also)))
		return false;
	return says(out, before.status, before.reason, before.message);
}

static bool invalid_annotation(struct look *look, struct verdict *out)
{
	if (!look->refused)
		return false;
	return says(out, CONDITION_FALSE, REASON_INVALID_ANNOTATION, look->refusal.text);
}

/* ---- objects that are in the way ---- */

struct child {
	const char *kind;
	const char *name;
	enum ownership owner;
	bool held; /* KEDA's finalizer is on it */
};

#define CHILDREN 3

static void list_children(const struct look *look, struct child out[CHILDREN])
{
	const struct scaled_object *so = look->view->so;
	const struct hpa *hpa = look->view->hpa;

	out[0] = (struct child){SCALED_OBJECT_KIND, so ? so->object.meta.name : look->name,
				look->so, so && so->has_keda_finalizer};
	out[1] = (struct child){"ServerlessService", look->name, look->sks, false};
	out[2] = (struct child){"HorizontalPodAutoscaler", hpa ? hpa->object.meta.name : look->name,
				look->hpa, false};
}

static const char *deletion_text(struct arena *arena, const struct child *child)
{
	if (child->owner == OWNER_FORMER)
		return arena_printf(arena,
				    "%s \"%s\" belongs to a former owner of that name and waits "
				    "for garbage collection.",
				    child->kind, child->name);
	if (child->held)
		return arena_printf(arena,
				    "%s \"%s\" is being deleted; it goes once KEDA's operator has "
				    "removed its finalizer " SCALED_OBJECT_FINALIZER ".",
				    child->kind, child->name);
	return arena_printf(arena, "%s \"%s\" is being deleted.", child->kind, child->name);
}

static bool waiting_for_deletion(struct look *look, struct verdict *out)
{
	struct child children[CHILDREN];

	list_children(look, children);
	for (size_t i = 0; i < CHILDREN; i++)
		if (children[i].owner == OWNER_GOING || children[i].owner == OWNER_FORMER)
			return says_unknown(out, REASON_WAITING_FOR_DELETION,
					    deletion_text(look->arena, &children[i]));
	return false;
}

/* With auto-create off strangers' ScaledObjects and HPAs count as ours: ownership.c. */
static bool not_owned(struct look *look, struct verdict *out)
{
	struct child children[CHILDREN];

	list_children(look, children);
	for (size_t i = 0; i < CHILDREN; i++)
		if (children[i].owner == OWNER_FOREIGN)
			return says(
			    out, CONDITION_FALSE, REASON_NOT_OWNED,
			    arena_printf(look->arena,
					 "There is an existing %s \"%s\" that we do not own.",
					 children[i].kind, children[i].name));
	return false;
}

/* ---- the ScaledObject ---- */

static bool keda_not_installed(struct look *look, struct verdict *out)
{
	if (look->view->keda_installed || (!look->desired.auto_create && active_has_hpa(look)))
		return false;
	return says_unknown(out, REASON_KEDA_NOT_INSTALLED,
			    "The API scaledobjects.keda.sh is missing: install KEDA "
			    "(https://keda.sh/docs/latest/deploy/); this goes on by itself then.");
}

static bool rejected(struct look *look, struct verdict *out)
{
	if (!so_is_refused(look))
		return false;
	return says(out, CONDITION_FALSE, REASON_REJECTED, look->out->memo.refused_text);
}

static bool not_written(struct look *look, struct verdict *out)
{
	if (!look->out->memo.unwritten_text)
		return false;
	return says_unknown(out, REASON_NOT_WRITTEN, look->out->memo.unwritten_text);
}

static bool waiting_for_scaled_object(struct look *look, struct verdict *out)
{
	const struct pod_autoscaler *pa = look->view->pa;

	if (look->desired.auto_create || look->view->so || look->view->hpa)
		return false;
	return says_unknown(
	    out, REASON_WAITING_FOR_SCALED_OBJECT,
	    arena_printf(look->arena,
			 "scaled-object-auto-create is off: waiting for a ScaledObject whose "
			 "scaleTargetRef names %s \"%s\", or a HorizontalPodAutoscaler \"%s\".",
			 pa->target_kind, pa->target_name, look->name));
}

static bool paused(struct look *look, struct verdict *out)
{
	const struct scaled_object *so = look->view->so;

	if (!so || !so->paused || active_has_hpa(look))
		return false;
	if (look->initialized && so->paused_replicas == 0)
		return says_no_traffic(out);
	if (look->initialized && stays(look, REASON_WAITING_FOR_HPA, out))
		return true;
	return says_unknown(out, REASON_PAUSED,
			    arena_printf(look->arena,
					 "ScaledObject \"%s\" is paused, and KEDA makes no "
					 "HorizontalPodAutoscaler before it is resumed.",
					 look->name));
}

static const char *keda_words(struct look *look, const struct scaled_object *so)
{
	const char *reason = so->ready_reason;
	const char *message = message_stable(look->arena, so->ready_message);

	if (!reason[0] && !message[0])
		return NULL;
	return arena_printf(look->arena, "%s%s%s", reason, reason[0] && message[0] ? ": " : "",
			    message);
}

static bool not_ready(struct look *look, struct verdict *out)
{
	const struct scaled_object *so = look->view->so;
	struct condition before = active_before(look);

	if (!so || so->ready != 0 || active_has_hpa(look) || look->initialized)
		return false;
	if (!reason_is(&before, REASON_NOT_READY)) {
		int64_t since_ms = so->object.meta.created_ms;
		if (before.changed_ms > since_ms)
			since_ms = before.changed_ms;
		if (look->view->now_ms < since_ms + NOT_READY_AFTER_MS) {
			look_again_at(look, since_ms + NOT_READY_AFTER_MS);
			return false;
		}
	}
	const char *words = keda_words(look, so);
	return says(out, CONDITION_FALSE, REASON_NOT_READY,
		    arena_printf(look->arena, "ScaledObject \"%s\" is not ready: %s", look->name,
				 words ? words : "KEDA does not say why."));
}

/* ---- the HPA ---- */

static const char *hpa_text(struct look *look)
{
	const struct scaled_object *so = look->view->so;
	const struct meta *since = so ? &so->object.meta : &look->view->pa->object.meta;
	char time[TIME_RFC3339_SIZE];

	time_format_rfc3339(since->created_ms, time);
	return arena_printf(
	    look->arena,
	    "Waiting for KEDA's HorizontalPodAutoscaler of ScaledObject \"%s\" since "
	    "%s.",
	    so ? so->object.meta.name : look->name, time);
}

/* Its last words, or that there are none although it had time enough. */
static const char *with_keda_words(struct look *look, const char *text)
{
	const struct scaled_object *so = look->view->so;

	if (!so || so->ready == 1)
		return text;
	if (so->ready >= 0) {
		const char *words = keda_words(look, so);
		return words ? arena_printf(look->arena, "%s KEDA says %s", text, words) : text;
	}
	int64_t silent_at = so->object.meta.created_ms + SILENT_AFTER_MS;
	if (look->view->now_ms < silent_at) {
		look_again_at(look, silent_at);
		return text;
	}
	return arena_printf(look->arena,
			    "%s KEDA has said nothing of it: is its operator running, and does it "
			    "watch this namespace?",
			    text);
}

static bool no_hpa(struct look *look, struct verdict *out)
{
	if (active_has_hpa(look))
		return false;
	if (look->initialized && stays(look, NULL, out))
		return true;
	return says_unknown(out, REASON_WAITING_FOR_HPA, with_keda_words(look, hpa_text(look)));
}

/* Before its controller's first look an HPA reads 0 and 0. */
static bool hpa_without_status(struct look *look, struct verdict *out)
{
	if (look->view->hpa->scaling_active != -1)
		return false;
	return stays(look, REASON_WAITING_FOR_HPA, out) ||
	       says_unknown(out, REASON_WAITING_FOR_HPA, hpa_text(look));
}

static bool no_traffic(struct look *look, struct verdict *out)
{
	const struct hpa *hpa = look->view->hpa;
	bool disabled =
	    hpa->scaling_active == 0 && strcmp(hpa->scaling_reason, "ScalingDisabled") == 0;
	bool sks_ready = look->sks == OWNER_OURS && look->view->sks->ready;

	if (!look->initialized || !disabled || hpa->current_replicas != 0 || sks_ready)
		return false;
	return says_no_traffic(out);
}

struct verdict active_verdict(struct look *look)
{
	static bool (*const rows[])(struct look *, struct verdict *) = {
	    invalid_annotation,
	    waiting_for_deletion,
	    not_owned,
	    keda_not_installed,
	    rejected,
	    not_written,
	    waiting_for_scaled_object,
	    paused,
	    not_ready,
	    no_hpa,
	    hpa_without_status,
	    no_traffic,
	};
	struct verdict verdict = {CONDITION_TRUE, NULL, NULL};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i](look, &verdict))
			break;
	return verdict;
}
