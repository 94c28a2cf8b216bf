/*
 * One key, as a person wants to see it: where it is in the queue, what is remembered of it, what
 * the condition Active says and what was done last. Members that say nothing are left out.
 */
#include <string.h>

#include "pkg/base/date.h"
#include "pkg/base/utf8.h"
#include "reconciler/controller/state_internal.h"
#include "reconciler/hpa/active.h"

void set_time(struct arena *arena, struct json *object, const char *name, int64_t wall_ms)
{
	char text[TIME_RFC3339_SIZE];

	if (wall_ms == 0)
		return;
	time_format_rfc3339_ms(wall_ms, text);
	json_set_text(arena, object, name, text);
}

size_t cut_length(const char *text)
{
	return utf8_valid_prefix(text, strnlen(text, STATE_TEXT_MAX));
}

void set_cut(struct arena *arena, struct json *object, const char *name, const char *text)
{
	if (text && text[0])
		json_set_text(arena, object, name, arena_strndup(arena, text, cut_length(text)));
}

struct json *step_names(unsigned steps, struct arena *arena)
{
	struct json *names = json_array(arena);

	for (enum step_kind step = STEP_CREATE_SKS; step <= STEP_PATCH_STATUS; step++) {
		if (steps & 1U << step)
			json_append(arena, names, json_string(arena, step_name(step)));
	}
	return names;
}

bool key_facts(const struct controller *controller, const char *key, struct key_facts *out)
{
	CLEANUP(strbuf_release) struct strbuf ns = STRBUF_INIT;
	const char *slash = strchr(key, '/');
	const struct object *pa;

	*out = (struct key_facts){.key = key};
	if (!slash)
		return false;
	strbuf_add(&ns, key, (size_t)(slash - key));
	pa = store_get(controller->caches[CACHE_PA].store, ns.buf, slash + 1);
	out->pa = route_concerns(controller, pa) ? (const struct pod_autoscaler *)pa : NULL;
	out->queued = queue_find(controller->queue, key, &out->queue);
	out->state = table_get(controller->states, key);
	out->decided = table_get(controller->state->decided, key);
	return out->pa || out->queued || out->state || out->decided;
}

static bool is_unwell(const struct pod_autoscaler *pa)
{
	const struct condition *active =
	    pa ? conditions_get(&pa->conditions, CONDITION_ACTIVE) : NULL;

	return active && active->status != CONDITION_TRUE &&
	       !(active->reason && strcmp(active->reason, REASON_NO_TRAFFIC) == 0);
}

bool key_facts_matter(const struct key_facts *facts)
{
	const struct memo *memo = facts->state ? &facts->state->memo : NULL;
	bool busy = facts->queued && (facts->queue.place != QUEUE_RESTING ||
				      facts->queue.failures > 0 || facts->queue.hung);

	return busy || is_unwell(facts->pa) ||
	       (memo &&
		(memo->refused_hash != 0 || memo->unwritten_text || memo->fought_hash != 0 ||
		 memo->status_tries > 0 || memo->degraded_since_ms != 0 || memo->unknown_reason ||
		 memo->unread_since_ms != 0));
}

const char *place_name(enum queue_place place)
{
	static const char *const names[] = {
	    [QUEUE_WORKING] = "working", [QUEUE_WAITING] = "waiting", [QUEUE_RESTING] = "resting"};

	return names[place];
}

static struct json *queue_json(const struct queue_key *queue, struct arena *arena)
{
	struct json *out = json_object(arena);

	json_set_text(arena, out, "place", place_name(queue->place));
	json_set_text(arena, out, "lane", queue->lane);
	json_set_int(arena, out, "sinceMs", queue->since_ms);
	if (queue->due_ms >= 0)
		json_set_int(arena, out, "dueInMs", queue->due_ms);
	if (queue->failures > 0)
		json_set_int(arena, out, "failures", queue->failures);
	if (queue->hung)
		json_set_bool(arena, out, "hung", true);
	if (queue->again)
		json_set_bool(arena, out, "again", true);
	return out;
}

static void set_tries(struct arena *arena, struct json *memo, const char *name, unsigned tries,
		      int64_t next_ms, const char *text)
{
	struct json *out = json_ensure_object(arena, memo, name);

	json_set_int(arena, out, "tries", tries);
	set_time(arena, out, "nextTry", next_ms);
	set_cut(arena, out, "text", text);
}

static void set_lasting(struct arena *arena, struct json *memo, const char *name,
			const char *reason, int64_t since_ms, bool told)
{
	struct json *out = json_ensure_object(arena, memo, name);

	set_cut(arena, out, "reason", reason);
	set_time(arena, out, "since", since_ms);
	json_set_bool(arena, out, "eventRecorded", told);
}

static struct json *memo_json(const struct memo *memo, struct arena *arena)
{
	struct json *out = json_object(arena);

	if (memo->refused_hash != 0)
		set_tries(arena, out, "refused", memo->refused_tries, memo->refused_next_ms,
			  memo->refused_text);
	set_cut(arena, out, "notWritten", memo->unwritten_text);
	if (memo->fought_hash != 0)
		set_tries(arena, out, "changedByOthers", memo->fought_tries, memo->fought_next_ms,
			  NULL);
	if (memo->status_tries > 0)
		set_tries(arena, out, "statusRefused", memo->status_tries, memo->status_next_ms,
			  NULL);
	if (memo->degraded_since_ms != 0)
		set_lasting(arena, out, "degraded", NULL, memo->degraded_since_ms,
			    memo->degraded_told);
	if (memo->unread_since_ms != 0)
		set_lasting(arena, out, "activatorsUnread", NULL, memo->unread_since_ms,
			    memo->unread_told);
	if (memo->unknown_reason)
		set_lasting(arena, out, "unknown", memo->unknown_reason, memo->unknown_since_ms,
			    memo->unknown_told);
	if (memo->misspelt_told != 0)
		json_set_bool(arena, out, "unknownAnnotationTold", true);
	return out;
}

static void set_state(struct arena *arena, struct json *out, const struct key_state *state)
{
	struct json *memo = memo_json(&state->memo, arena), *refusal;

	set_time(arena, out, "heldUntil", state->held_until_ms);
	json_set(arena, out, "memo", json_count(memo) > 0 ? memo : NULL);
	if (state->refused_ms == 0)
		return;
	refusal = json_ensure_object(arena, out, "lastRefusal");
	set_time(arena, refusal, "at", state->refused_ms);
	set_cut(arena, refusal, "reason", state->refused_reason);
}

static struct json *active_json(const struct pod_autoscaler *pa, struct arena *arena)
{
	const struct condition *active = conditions_get(&pa->conditions, CONDITION_ACTIVE);
	struct json *out = json_object(arena);

	if (!active)
		return NULL;
	json_set_text(arena, out, "status", condition_status_name(active->status));
	set_cut(arena, out, "reason", active->reason);
	set_cut(arena, out, "message", active->message);
	set_time(arena, out, "since", active->changed_ms);
	return out;
}

static struct json *decided_json(const struct decided *decided, struct arena *arena)
{
	struct json *out = json_object(arena);

	set_time(arena, out, "at", decided->at_ms);
	set_time(arena, out, "lookedAt", decided->looked_ms);
	json_set_int(arena, out, "tookMs", decided->took_ms);
	json_set_int(arena, out, "requests", decided->steps);
	json_set(arena, out, "done", step_names(decided->done, arena));
	if (decided->failed != STEP_DONE) {
		json_set_text(arena, out, "failed", step_name(decided->failed));
		json_set_text(arena, out, "kind", error_kind_name(decided->kind));
		set_cut(arena, out, "error", decided->error);
	}
	json_set_bool(arena, out, "retried", decided->again);
	set_cut(arena, out, "reason", decided->reason);
	set_cut(arena, out, "message", decided->message);
	return out;
}

struct json *key_facts_json(const struct controller *controller, const struct key_facts *facts,
			    struct arena *arena)
{
	struct json *out = json_object(arena);

	json_set_text(arena, out, "key", facts->key);
	if (controller->leadership.identity) {
		json_set_int(arena, out, "bucket",
			     (int64_t)leadership_bucket(controller, facts->key));
		json_set_bool(arena, out, "leads", leadership_holds(controller, facts->key));
	}
	if (facts->queued)
		json_set(arena, out, "queue", queue_json(&facts->queue, arena));
	if (facts->state && facts->state->pass)
		json_set_int(arena, out, "passMs",
			     timers_now(controller->timers) - pass_started_ms(facts->state->pass));
	if (facts->state)
		set_state(arena, out, facts->state);
	if (facts->pa)
		json_set(arena, out, "active", active_json(facts->pa, arena));
	if (facts->decided)
		json_set(arena, out, "decided", decided_json(facts->decided, arena));
	return out;
}
