/*
 * What decide() says of a key at this moment: a view is taken as a pass would take it, asked, and
 * thrown away. Nothing is sent and the memo stays as it is.
 */
#include <string.h>

#include "reconciler/controller/state_internal.h"
#include "reconciler/hpa/desired.h"

/* Metadata of triggers that tells how it scales, not how it gets there. Whatever else there is may
 * hold credentials: scalers take them in clear, under names of their own. */
static bool is_harmless(const char *type, const char *key)
{
	static const char *const harmless[] = {
	    "activationThreshold",
	    "activationValue",
	    "containerName",
	    "desiredReplicas",
	    "end",
	    "ignoreNullValues",
	    "metric",
	    "metricType",
	    "namespace",
	    "revision",
	    "scalerAddress",
	    "start",
	    "target",
	    "threshold",
	    "timezone",
	    "unsafeSsl",
	    "value",
	};

	if (strcmp(key, "query") == 0)
		return strcmp(type, "prometheus") == 0;
	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++) {
		if (strcmp(harmless[i], key) == 0)
			return true;
	}
	return false;
}

/* In the copy at hand. */
static void hide_metadata(struct json *trigger, struct arena *arena)
{
	const struct json *metadata = json_get(trigger, "metadata");
	const char *type = json_text_or(json_get(trigger, "type"), "");

	for (size_t i = 0; json_is(metadata, JSON_OBJECT) && i < metadata->count; i++) {
		struct json_member *member = &metadata->members[i];

		if (strcmp(member->key, "serverAddress") == 0)
			member->value = json_string(
			    arena, address_shown(arena, json_text_or(member->value, "")));
		else if (!is_harmless(type, member->key))
			member->value = json_string(arena, "(hidden)");
	}
}

static struct json *shown(const struct json *scaled_object, struct arena *arena)
{
	struct json *copy = json_copy(arena, scaled_object);
	const struct json *triggers = json_path(copy, "spec", "triggers", NULL);

	for (size_t i = 0; json_is(triggers, JSON_ARRAY) && i < triggers->count; i++)
		hide_metadata(triggers->elements[i], arena);
	return copy;
}

static void set_desired(const struct view *view, struct json *out, struct arena *arena)
{
	struct desired desired;
	struct refusal refusal;

	if (!desired_build(view->pa, view->config, view->config_keda, DESIRED_NOW, view->now_ms,
			   view->so && view->so->transfer, arena, &desired, &refusal))
		return;
	if (desired.object)
		json_set(arena, out, "scaledObject", shown(desired.object, arena));
	json_set_bool(arena, out, "held", desired.held);
	set_time(arena, out, "heldUntil", desired.held_until_ms);
}

static struct json *describe(const struct view *view, struct arena *arena)
{
	struct json *out = json_object(arena);
	struct decision decision = {0};

	decide(view, arena, &decision);
	json_set_text(arena, out, "step", step_name(decision.step));
	set_cut(arena, out, "reason", decision.reason);
	set_cut(arena, out, "message", decision.message);
	if (decision.again_ms > 0)
		json_set_int(arena, out, "lookAgainInMs", decision.again_ms);
	json_set_bool(arena, out, "kedaInstalled", view->keda_installed);
	json_set_bool(arena, out, "serverlessService", view->sks != NULL);
	json_set_bool(arena, out, "liveScaledObject", view->so != NULL);
	json_set_bool(arena, out, "horizontalPodAutoscaler", view->hpa != NULL);
	set_desired(view, out, arena);
	return out;
}

struct json *key_now_json(struct controller *controller, const char *key, struct arena *arena)
{
	static const struct memo nothing;
	const struct key_state *state = table_get(controller->states, key);
	struct snapshot snapshot = {0};
	struct json *out = NULL;

	if (strchr(key, '/') && view_take(controller, key, &snapshot)) {
		snapshot.view.leader = true;
		snapshot.view.memo = state ? &state->memo : &nothing;
		out = describe(&snapshot.view, arena);
	}
	for (size_t i = 0; i < ARRAY_SIZE(snapshot.held); i++)
		object_unref(snapshot.held[i]);
	return out;
}
