/*
 * What is remembered of keys. Invariant: a key has a state exactly while its pass is under way or
 * there is something worth remembering; the passes under way are those on the list, oldest first.
 */
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/slab.h"
#include "reconciler/controller/internal.h"

struct key_state *key_state_for(struct controller *controller, const char *key)
{
	struct key_state *state = table_get(controller->states, key);

	if (!state) {
		state = slab_zalloc(sizeof(*state));
		table_set(controller->states, key, state);
	}
	return state;
}

static void key_state_free(struct key_state *state)
{
	memo_clear(&state->memo);
	slab_free(state, sizeof(*state));
}

void key_state_drop(struct controller *controller, const char *key)
{
	struct key_state *state = table_remove(controller->states, key);

	if (!state)
		return;
	CHECK(!state->pass);
	key_state_free(state);
}

void key_state_drop_pass(struct controller *controller, struct key_state *state)
{
	TAILQ_REMOVE(&controller->under_way, state, link);
	controller->passes--;
	pass_free(state->pass);
	state->pass = NULL;
}

struct giving_up {
	struct controller *controller;
	size_t bucket;
};

static bool give_up_key(void *ctx, const char *key, void *value)
{
	struct controller *controller = ((struct giving_up *)ctx)->controller;
	struct key_state *state = value;
	CLEANUP(strbuf_release) struct strbuf copy = STRBUF_INIT;

	if (leadership_bucket(controller, key) != ((struct giving_up *)ctx)->bucket)
		return true;
	strbuf_addstr(&copy, key);
	if (state->pass) {
		key_state_drop_pass(controller, state);
		queue_done(controller->queue, copy.buf);
	}
	queue_forget(controller->queue, copy.buf);
	key_state_drop(controller, copy.buf);
	return true;
}

void keys_give_up(struct controller *controller, size_t bucket)
{
	struct giving_up giving_up = {controller, bucket};

	table_each(controller->states, give_up_key, &giving_up);
	timer_arm(controller->timers, &controller->more, 0);
}

bool key_state_worth_keeping(const struct key_state *state)
{
	static const struct memo nothing;

	return !state->forget &&
	       (state->live_hash != 0 || state->told_failure != 0 || state->held_until_ms != 0 ||
		state->refused_reason || memcmp(&state->memo, &nothing, sizeof(nothing)) != 0);
}

static bool free_state(void *ctx, const char *key, void *value)
{
	struct key_state *state = value;

	(void)ctx;
	(void)key;
	pass_free(state->pass);
	key_state_free(state);
	return true;
}

void key_states_init(struct controller *controller)
{
	controller->states = table_new();
	TAILQ_INIT(&controller->under_way);
}

void key_states_release(struct controller *controller)
{
	table_each(controller->states, free_state, NULL);
	table_free(controller->states);
}
