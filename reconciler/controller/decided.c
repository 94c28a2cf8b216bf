/*
 * What was decided last, of the keys that something was done for last: DECIDED_MAX of them, however
 * many revisions there are. A pass that finds nothing to do takes no place, it only says when it
 * was: a resync must not drive out what somebody will ask for.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "reconciler/controller/state_internal.h"

void state_init(struct controller *controller)
{
	struct state *state = xcalloc(1, sizeof(*state));

	state->started_ms = timers_now(controller->timers);
	state->decided = table_new();
	TAILQ_INIT(&state->oldest);
	state->telling.keys = (struct strbuf)STRBUF_INIT;
	controller->state = state;
}

static void decided_free(struct state *state, struct decided *decided)
{
	TAILQ_REMOVE(&state->oldest, decided, link);
	table_remove(state->decided, decided->key);
	free(decided->error);
	free(decided->reason);
	free(decided->message);
	free(decided);
}

void state_release(struct controller *controller)
{
	struct state *state = controller->state;

	telling_release(controller);
	while (!TAILQ_EMPTY(&state->oldest))
		decided_free(state, TAILQ_FIRST(&state->oldest));
	table_free(state->decided);
	free(state);
}

/* In its place at the end of the list. */
static struct decided *place_for(struct state *state, const char *key)
{
	struct decided *decided = table_get(state->decided, key);
	size_t size = strlen(key) + 1;

	if (decided) {
		TAILQ_REMOVE(&state->oldest, decided, link);
		TAILQ_INSERT_TAIL(&state->oldest, decided, link);
		return decided;
	}
	if (table_count(state->decided) >= DECIDED_MAX)
		decided_free(state, TAILQ_FIRST(&state->oldest));
	decided = xcalloc(1, sizeof(*decided) + size);
	memcpy(decided->key, key, size);
	table_set(state->decided, key, decided);
	TAILQ_INSERT_TAIL(&state->oldest, decided, link);
	return decided;
}

static void set_text(char **to, const char *text)
{
	free(*to);
	*to = text ? xstrndup(text, cut_length(text)) : xstrdup("");
}

void state_pass_ended(struct controller *controller, const char *key,
		      const struct pass_outcome *outcome, bool failed)
{
	struct state *state = controller->state;
	struct decided *decided = table_get(state->decided, key);
	int64_t now_ms = kube_client_now_ms(controller->client);

	if (outcome->steps > 0) {
		decided = place_for(state, key);
		decided->at_ms = now_ms;
		decided->took_ms = outcome->duration_ms;
		decided->steps = outcome->steps;
		decided->done = outcome->done;
		decided->again = failed;
		decided->failed = outcome->failed;
		decided->kind = outcome->kind;
		set_text(&decided->error, outcome->error);
		set_text(&decided->reason, outcome->reason);
		set_text(&decided->message, outcome->message);
	}
	if (decided)
		decided->looked_ms = now_ms;
}
