/*
 * What was told already is read off the PodAutoscaler where it can be, so that a restart repeats
 * nothing; only what leaves no trace there is in the memo.
 */
#include "reconciler/hpa/notes.h"

#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/hash.h"
#include "reconciler/hpa/backoff.h"
#include "reconciler/hpa/message.h"
#include "reconciler/hpa/unknown.h"
#include "reconciler/hpa/unread.h"

#define UNKNOWN_AFTER_MS INT64_C(30000)
#define DEGRADED_AFTER_MS INT64_C(60000)
#define EVERYBODY (NOTE_PA | NOTE_REVISION | NOTE_SERVICE)

static void add(struct look *look, bool warning, const char *reason, const char *message)
{
	struct decision *out = look->out;

	CHECK(out->note_count < ARRAY_SIZE(out->notes));
	out->notes[out->note_count++] = (struct note){
	    .warning = warning,
	    .targets = warning ? EVERYBODY : NOTE_PA,
	    .reason = reason,
	    .message = message,
	};
}

void note_status_refused(struct look *look, const char *text)
{
	add(look, true, "StatusNotWritten", text);
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* The text that the condition will bear, for comparing: '%' is written as U+FF05 there. */
static bool same_message(const struct look *look, const char *condition, const char *message)
{
	struct conditions set;
	struct conditions none = {0};

	conditions_initialize(&none, look->arena, 0, &set);
	conditions_mark(&set, look->arena, 0, CONDITION_ACTIVE, CONDITION_FALSE, "Reason", message);
	return same(condition, conditions_get(&set, CONDITION_ACTIVE)->message);
}

/* Another wrong annotation is another cause, though the reason is the same; other texts change
 * by themselves. */
static void note_false(struct look *look, const struct verdict *active)
{
	struct condition before = active_before(look);
	bool annotation = strcmp(active->reason, REASON_INVALID_ANNOTATION) == 0;

	if (before.status == CONDITION_FALSE && same(before.reason, active->reason) &&
	    (!annotation || same_message(look, before.message, active->message)))
		return;
	add(look, strcmp(active->reason, REASON_NO_TRAFFIC) != 0, active->reason, active->message);
}

static void forget_unknown(struct memo *memo)
{
	memo->unknown_reason = NULL;
	memo->unknown_since_ms = 0;
	memo->unknown_told = false;
}

static void begin_unknown(struct look *look, const struct verdict *active)
{
	struct memo *memo = &look->out->memo;
	struct condition before = active_before(look);
	int64_t now_ms = look->view->now_ms;

	memo->unknown_reason = arena_strdup(look->arena, active->reason);
	memo->unknown_since_ms = now_ms;
	memo->unknown_told = false;
	if (before.status == CONDITION_UNKNOWN && same(before.reason, active->reason)) {
		memo->unknown_since_ms = before.changed_ms;
		memo->unknown_told = now_ms >= before.changed_ms + UNKNOWN_AFTER_MS;
	}
}

static void note_unknown(struct look *look, const struct verdict *active)
{
	struct memo *memo = &look->out->memo;

	if (!same(memo->unknown_reason, active->reason))
		begin_unknown(look, active);
	if (memo->unknown_told)
		return;
	if (look->view->now_ms < memo->unknown_since_ms + UNKNOWN_AFTER_MS) {
		look_again_at(look, memo->unknown_since_ms + UNKNOWN_AFTER_MS);
		return;
	}
	add(look, false, active->reason, active->message);
	memo->unknown_told = true;
}

/* ---- ScalingDegraded ---- */

/* What keeps the HPA from scaling; NULL: nothing. */
static const char *trouble(struct look *look)
{
	const struct hpa *hpa = look->view->hpa;
	const struct scaled_object *so = look->view->so;

	if (!active_has_hpa(look))
		return NULL;
	if (hpa->scaling_active == 0 && !same(hpa->scaling_reason, "ScalingDisabled"))
		return arena_printf(look->arena,
				    "HorizontalPodAutoscaler \"%s\" does not scale: %s: %s",
				    hpa->object.meta.name, hpa->scaling_reason,
				    message_stable(look->arena, hpa->scaling_message));
	if (so && so->ready == 0)
		return arena_printf(look->arena, "ScaledObject \"%s\" is not ready: %s: %s",
				    so->object.meta.name, so->ready_reason,
				    message_stable(look->arena, so->ready_message));
	return NULL;
}

static void note_degraded(struct look *look)
{
	struct memo *memo = &look->out->memo;
	const char *text = trouble(look);

	if (!text) {
		memo->degraded_since_ms = 0;
		memo->degraded_told = false;
		return;
	}
	if (memo->degraded_since_ms == 0)
		memo->degraded_since_ms = look->view->now_ms;
	if (memo->degraded_told)
		return;
	if (look->view->now_ms < memo->degraded_since_ms + DEGRADED_AFTER_MS) {
		look_again_at(look, memo->degraded_since_ms + DEGRADED_AFTER_MS);
		return;
	}
	add(look, true, "ScalingDegraded", text);
	memo->degraded_told = true;
}

void note_misspelt(struct look *look, bool writes)
{
	struct memo *memo = &look->out->memo;
	const char *text = unknown_annotations(look->view->pa, look->arena);
	uint64_t hash = text ? hash_text(HASH_SEED, text) | 1 : 0;

	if (hash == memo->misspelt_told)
		return;
	if (text && writes) {
		look_again_at(look, look->view->now_ms + BACKOFF_MIN_MS);
		return;
	}
	memo->misspelt_told = hash;
	if (text)
		add(look, true, "UnknownAnnotation", text);
}

static void note_unread(struct look *look)
{
	const char *text = unread_note(look);

	if (text)
		add(look, true, REASON_ACTIVATORS_UNREAD, text);
}

void notes_of(struct look *look, const struct verdict *active, bool unwritten)
{
	if (active->status == CONDITION_FALSE && !unwritten)
		note_false(look, active);
	if (active->status == CONDITION_UNKNOWN)
		note_unknown(look, active);
	else
		forget_unknown(&look->out->memo);
	note_degraded(look);
	note_unread(look);
}
