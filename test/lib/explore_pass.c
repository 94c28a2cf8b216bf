/*
 * The controller between two of its requests: what reconciler/controller/pass.c keeps of a pass,
 * and what the store and the queue do with the answer. One call is one request, or the pass's end.
 */
#include <string.h>

#include "pkg/base/check.h"
#include "test/lib/explore_internal.h"

const char *step_name(enum step_kind step)
{
	static const char *const names[] = {"done",   "create-sks", "patch-sks", "create-so",
					    "get-so", "patch-so",   "delete-so", "status"};

	return names[step];
}

static enum kind_id kind_of(enum step_kind step)
{
	static const enum kind_id kinds[] = {KIND_PA, KIND_SKS, KIND_SKS, KIND_SO,
					     KIND_SO, KIND_SO,  KIND_SO,  KIND_PA};

	return kinds[step];
}

static unsigned steps_beside(enum step_kind step)
{
	unsigned bits = 0;

	for (enum step_kind other = STEP_CREATE_SKS; other <= STEP_PATCH_STATUS; other++)
		if (kind_of(other) == kind_of(step))
			bits |= 1u << other;
	return bits;
}

/* ---- versions and caches ---- */

static void grows_old(uint8_t *version)
{
	if (*version > VERSION_OLD)
		--*version;
}

static bool is_ours(struct explore *x, node_id id)
{
	return id && pod_autoscaler_is_ours(
			 (const struct pod_autoscaler *)node_object(x, id, VERSION_LIVE));
}

/* The cache shows the live object as it is now; what is remembered is of one uid of our class. */
static void shows(struct explore *x, struct state *s, enum kind_id kind)
{
	node_id before = s->cached[kind], now = s->live[kind];

	if (before == now)
		return;
	s->dirty = true;
	s->cached[kind] = now;
	if (kind == KIND_PA && is_ours(x, before) &&
	    (!is_ours(x, now) || strcmp(node_uid(x, before), node_uid(x, now)) != 0)) {
		s->forget = s->in_pass;
		s->memo = s->in_pass ? s->memo : 0;
		s->sync = s->in_pass ? s->sync : 0;
	}
}

/* One version behind at most: what was shown before comes out first. */
void live_becomes(struct explore *x, struct state *s, enum kind_id kind, node_id id)
{
	if (s->cached_version[kind] < VERSION_LIVE)
		shows(x, s, kind);
	s->cached_version[kind] = VERSION_LIVE - 1;
	if (kind == KIND_SO)
		grows_old(&s->so_live_version);
	s->live[kind] = id;
}

bool cache_delivers(struct explore *x, struct state *s, enum kind_id kind)
{
	if (s->cached_version[kind] == VERSION_LIVE)
		return false;
	shows(x, s, kind);
	s->cached_version[kind] = VERSION_LIVE;
	return true;
}

/* ---- deciding ---- */

static const char *answer_text(const struct state *s)
{
	static const char *const texts[] = {
	    [ERROR_NOT_FOUND] = "not found", [ERROR_ALREADY_EXISTS] = "already exists",
	    [ERROR_CONFLICT] = "modified",   [ERROR_DENIED] = "the webhook denied it",
	    [ERROR_TRANSIENT] = "no answer",
	};

	return texts[s->answer_kind] ? texts[s->answer_kind] : "";
}

static void view_of(struct explore *x, const struct state *s, const struct memo *memo,
		    struct scaled_object *so, struct view *out)
{
	struct object *objects[KIND_COUNT];

	for (enum kind_id kind = 0; kind < KIND_COUNT; kind++)
		objects[kind] = node_object(x, s->cached[kind], s->cached_version[kind]);
	*out = (struct view){
	    .pa = (const struct pod_autoscaler *)objects[KIND_PA],
	    .sks = (const struct serverless_service *)objects[KIND_SKS],
	    .hpa = (const struct hpa *)objects[KIND_HPA],
	    .keda_installed = !(s->party & KEDA_IS_ABSENT),
	    .config = &config_autoscaler_default,
	    .config_keda = &config_keda_default,
	    .learned = s->taught ? x->taught : x->nothing,
	    .leader = true,
	    .now_ms = NOW_MS,
	    .done = s->done,
	    .memo = memo,
	};
	out->answer =
	    (struct answer){s->answer_step, s->answer_kind,
			    s->answer_step ? arena_strdup(x->scratch, answer_text(s)) : NULL, 0};
	if (objects[KIND_SO]) {
		*so = *(const struct scaled_object *)objects[KIND_SO];
		const struct pair *pair = &x->pairs[s->sync];
		if (s->sync && so->spec_hash == pair->live)
			so->spec_hash = pair->desired;
		out->so = so;
	}
	if (!out->so || s->cached_version[KIND_SO] <= s->so_live_version)
		out->so_live = node_json(x, s->so_live, s->so_live_version);
}

void pass_decide(struct explore *x, const struct state *s, const struct memo *memo,
		 struct decision *out)
{
	struct scaled_object so;
	struct view view;

	view_of(x, s, memo, &so, &view);
	decide(&view, x->scratch, out);
}

/* ---- the API server ---- */

static node_id made(struct explore *x, struct state *s, enum kind_id kind, const struct json *body)
{
	const char *base = kind == KIND_SO ? "so" : "sks";
	const char *uid = NULL;
	bool taken = true;

	/* The smallest that nothing in this state speaks of. */
	for (unsigned i = 1; taken; i++) {
		uid = arena_printf(x->scratch, "%s-%u", base, i);
		taken = strcmp(node_uid(x, s->cached[kind]), uid) == 0 ||
			strcmp(node_uid(x, s->so_live), uid) == 0 ||
			strcmp(node_owner(x, s->live[KIND_HPA]), uid) == 0 ||
			strcmp(node_owner(x, s->cached[KIND_HPA]), uid) == 0;
	}
	node_id id = node_intern(x, kind, body);
	return node_patched(x, id,
			    "{'metadata':{'uid':'%s','generation':1,'creationTimestamp':"
			    "'2026-01-02T03:00:00Z'}}",
			    uid);
}

static node_id with_default(struct explore *x, node_id id)
{
	if (!(x->story->acts & FAULT_DEFAULTS))
		return id;
	const struct json *interval =
	    json_path(node_of(x, id)->value, "spec", "pollingInterval", NULL);
	return interval ? id : node_patched(x, id, "{'spec':{'pollingInterval':30}}");
}

static enum error_kind creates(struct explore *x, struct state *s, enum kind_id kind,
			       const struct json *body, node_id *after)
{
	if (kind == KIND_SO && s->party & KEDA_IS_ABSENT)
		return ERROR_NOT_FOUND;
	if (s->live[kind])
		return ERROR_ALREADY_EXISTS;
	if (kind == KIND_SO && s->party & SO_REFUSED)
		return ERROR_DENIED;
	*after = made(x, s, kind, body);
	if (kind == KIND_SO)
		*after = with_default(x, *after);
	return ERROR_NONE;
}

static enum error_kind patches(struct explore *x, struct state *s, enum kind_id kind,
			       const struct json *body, node_id *after)
{
	const char *version =
	    json_text_or(json_path(body, "metadata", "resourceVersion", NULL), "");

	if (!version[0])
		breached(x, "a patch without resourceVersion");
	if (!s->live[kind])
		return ERROR_NOT_FOUND;
	if (version[0] != '0' + VERSION_LIVE)
		return ERROR_CONFLICT;
	if (kind == KIND_SO && s->party & SO_REFUSED)
		return ERROR_DENIED;
	const struct node *old = node_of(x, s->live[kind]);
	const struct json *merged = json_merge_apply(x->scratch, old->value, body);
	*after = node_intern(x, kind, merged);
	if (kind == KIND_SO)
		*after = with_default(x, *after);
	if (kind == KIND_SKS && !json_equal(json_get(old->value, "spec"), json_get(merged, "spec")))
		*after = node_patched(
		    x, *after, "{'metadata':{'generation':%d}}",
		    (int)json_int_or(json_path(old->value, "metadata", "generation", NULL), 0) + 1);
	return ERROR_NONE;
}

static enum error_kind deletes(struct explore *x, struct state *s, const char *uid, node_id *after)
{
	if (!s->live[KIND_SO])
		return ERROR_NOT_FOUND;
	if (strcmp(node_uid(x, s->live[KIND_SO]), uid) != 0)
		return ERROR_CONFLICT;
	*after = 0;
	if (meta_has_finalizer(node_of(x, s->live[KIND_SO])->value, SCALED_OBJECT_FINALIZER))
		*after = node_patched(x, s->live[KIND_SO],
				      "{'metadata':{'deletionTimestamp':'2026-01-02T03:00:00Z'}}");
	return ERROR_NONE;
}

/* What the server does with the request; the live objects are changed, the caches are not. */
static enum error_kind serve(struct explore *x, struct state *s, const struct decision *decision)
{
	enum kind_id kind = kind_of(decision->step);
	node_id before = s->live[kind], after = before;
	enum error_kind answer;

	switch (decision->step) {
	case STEP_GET_SO:
		return s->live[KIND_SO] ? ERROR_NONE : ERROR_NOT_FOUND;
	case STEP_CREATE_SKS:
	case STEP_CREATE_SO:
		answer = creates(x, s, kind, decision->body, &after);
		break;
	case STEP_DELETE_SO:
		answer = deletes(x, s, decision->uid, &after);
		break;
	default:
		answer = patches(x, s, kind, decision->body, &after);
		break;
	}
	if (answer != ERROR_NONE)
		return answer;
	rules_of_write(x, s, decision->step, before, after);
	if (after != before) {
		x->wrote = true;
		live_becomes(x, s, kind, after);
	}
	return ERROR_NONE;
}

/* ---- the pass ---- */

bool pass_wants(const struct state *s)
{
	return s->in_pass || s->dirty;
}

static void begin(struct state *s)
{
	s->in_pass = true;
	s->dirty = false;
	s->again_s = 0;
	s->done = s->steps = s->passing = s->refused = 0;
	s->answer_step = s->answer_kind = 0;
	s->so_live = 0;
	s->so_live_version = 0;
}

static void end(struct state *s, const struct decision *decision, bool failed)
{
	int64_t again_ms = decision ? decision->again_ms : 0;

	failed = failed || s->passing || (s->refused && again_ms == 0);
	s->dirty = s->dirty || failed;
	/* Late by less than a second. */
	s->again_s = (int32_t)((again_ms + 999) / 1000);
	bool dirty = s->dirty;
	int32_t again_s = s->again_s;
	begin(s);
	s->in_pass = false;
	s->dirty = dirty;
	s->again_s = again_s;
	s->memo = s->forget ? 0 : s->memo;
	s->sync = s->forget ? 0 : s->sync;
	s->forget = false;
}

static void adopt_sync(struct explore *x, struct state *s, const struct decision *decision)
{
	const struct json *spec = json_get(node_json(x, s->so_live, s->so_live_version), "spec");

	if (decision->live_hash_in_sync == 0 || !spec)
		return;
	s->sync = pair_intern(x, (struct pair){scaled_object_spec_hash(spec, x->scratch),
					       decision->live_hash_in_sync});
}

static void learn(struct explore *x, struct state *s, const struct decision *decision,
		  const struct json *live_before)
{
	const struct json *sent = NULL;
	const struct json *got = json_get(node_json(x, s->live[KIND_SO], VERSION_LIVE), "spec");

	if (decision->step == STEP_CREATE_SO)
		sent = json_get(decision->body, "spec");
	else if (decision->step == STEP_PATCH_SO && live_before)
		sent = json_get(json_merge_apply(x->scratch, live_before, decision->body), "spec");
	if (!sent || !(x->story->acts & FAULT_DEFAULTS) ||
	    json_is(json_get(sent, "pollingInterval"), JSON_NUMBER))
		return;
	learned_from(x->taught, sent, got);
	s->taught = true;
}

static void take_answer(struct explore *x, struct state *s, const struct decision *decision,
			const struct json *live_before)
{
	enum step_kind step = decision->step;
	enum kind_id kind = kind_of(step);

	s->done |= (uint8_t)(1u << step);
	s->answer_step = s->answer_kind = 0;
	s->passing &= (uint8_t)~steps_beside(step);
	s->refused &= (uint8_t)~steps_beside(step);
	learn(x, s, decision, live_before);
	if (kind == KIND_SO && step != STEP_DELETE_SO) {
		s->so_live = s->live[KIND_SO];
		s->so_live_version = VERSION_LIVE;
	}
	if (step == STEP_DELETE_SO)
		return;
	/* Into the store at once; a change by our own answer does not bring the key back. */
	bool dirty = s->dirty;
	cache_delivers(x, s, kind);
	s->dirty = dirty;
}

static void take_failure(struct explore *x, struct state *s, const struct decision *decision,
			 enum error_kind kind, const struct memo *before)
{
	bool for_good = kind == ERROR_INVALID || kind == ERROR_DENIED;
	uint8_t bit = (uint8_t)(1u << decision->step);

	if (for_good)
		s->refused |= bit;
	else
		s->passing |= bit;
	s->answer_step = (uint8_t)decision->step;
	s->answer_kind = (uint8_t)kind;
	if (decision->step == STEP_GET_SO || decision->step == STEP_PATCH_SO) {
		s->so_live = 0;
		s->so_live_version = 0;
	}
	if (decision->step == STEP_PATCH_STATUS) {
		struct memo memo = x->memos[s->memo];
		memo.degraded_told = before->degraded_told;
		memo.unknown_told = before->unknown_told;
		s->memo = memo_intern(x, &memo);
	}
}

static enum error_kind perform(struct explore *x, struct state *s, const struct decision *decision,
			       enum outcome outcome)
{
	enum error_kind kind = outcome == FAILS ? ERROR_TRANSIENT : serve(x, s, decision);

	return outcome == IS_LOST ? ERROR_TRANSIENT : kind;
}

static bool is_gone(struct state *s)
{
	if (s->cached[KIND_PA])
		return false;
	end(s, NULL, false);
	return true;
}

bool pass_steps(struct explore *x, struct state *s, enum outcome outcome)
{
	struct decision decision = {0};
	const struct memo *before = &x->memos[s->memo];

	if (!s->in_pass)
		begin(s);
	if (is_gone(s))
		return outcome == GOES_WELL;
	const struct json *live_before = node_json(x, s->so_live, s->so_live_version);
	pass_decide(x, s, before, &decision);
	s->memo = memo_intern(x, &decision.memo);
	adopt_sync(x, s, &decision);
	if (decision.step == STEP_DONE || s->steps++ == DECIDE_MAX_STEPS) {
		end(s, &decision, decision.step != STEP_DONE);
		return outcome == GOES_WELL;
	}
	enum error_kind kind = perform(x, s, &decision, outcome);
	if (kind != ERROR_NONE)
		take_failure(x, s, &decision, kind, before);
	else
		take_answer(x, s, &decision, live_before);
	if (kind == ERROR_NONE && decision.step == STEP_PATCH_STATUS)
		end(s, &decision, false);
	return true;
}

/* kill -9; the caches are filled anew, maybe from a server that lags behind. */
void pass_restarts(struct state *s)
{
	end(s, NULL, false);
	s->memo = 0;
	s->sync = 0;
	s->taught = false;
	s->dirty = true;
}
