/*
 * The living condition set of knative.dev/pkg/apis (condition_set.go): how a mark of a dependent
 * moves Ready, and Go's fmt on messages that are formats without arguments.
 */
#include <string.h>

#include "test/lib/knative_model.h"

static struct living_condition *find(struct living_set *set, const char *type)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->items[i].type, type) == 0)
			return &set->items[i];
	return NULL;
}

static bool is(const struct living_condition *condition, const char *status)
{
	return condition && strcmp(condition->status, status) == 0;
}

static bool decides(const struct living_set *set, const char *type)
{
	for (size_t i = 0; set->dependents[i]; i++)
		if (strcmp(set->dependents[i], type) == 0)
			return true;
	return false;
}

static bool same(const struct living_condition *a, const struct living_condition *b)
{
	return strcmp(a->status, b->status) == 0 && strcmp(a->reason, b->reason) == 0 &&
	       strcmp(a->message, b->message) == 0;
}

/* Kept sorted by type. */
static void put(struct living_set *set, const struct living_condition *new)
{
	struct living_condition *old = find(set, new->type);
	if (old) {
		if (!same(old, new))
			*old = *new;
		return;
	}
	CHECK(set->count < LIVING_MAX);
	size_t at = set->count++;
	for (; at > 0 && strcmp(set->items[at - 1].type, new->type) > 0; at--)
		set->items[at] = set->items[at - 1];
	set->items[at] = *new;
}

static void mark(struct living_set *set, const char *type, const char *status, const char *reason,
		 const char *message)
{
	struct living_condition new = {
	    .type = type,
	    .status = status,
	    .reason = arena_strdup(set->arena, reason ? reason : ""),
	    .message = arena_strdup(set->arena, message ? message : ""),
	    .since = model_time(set->model, set->arena),
	};
	put(set, &new);
}

static const char *text_of(const struct json *condition, const char *key)
{
	return json_text_or(json_get(condition, key), "");
}

void living_start(struct living_set *set, struct model *model, struct arena *arena,
		  const struct json *object, const char *const *dependents)
{
	*set = (struct living_set){.model = model, .arena = arena, .dependents = dependents};
	const struct json *old = json_path(object, "status", "conditions", NULL);
	set->old = old ? json_copy(arena, old) : NULL;
	for (size_t i = 0; i < json_count(set->old); i++) {
		const struct json *one = json_at(set->old, i);
		struct living_condition was = {
		    text_of(one, "type"),
		    text_of(one, "status"),
		    text_of(one, "reason"),
		    text_of(one, "message"),
		    text_of(one, "lastTransitionTime"),
		};
		put(set, &was);
	}
	bool ready = is(find(set, "Ready"), "True");
	if (!find(set, "Ready"))
		mark(set, "Ready", "Unknown", "", "");
	for (size_t i = 0; dependents[i]; i++)
		if (!find(set, dependents[i]))
			mark(set, dependents[i], ready ? "True" : "Unknown", "", "");
}

/* The newest of that status; of equally new ones the first. */
static const struct living_condition *newest(const struct living_set *set, const char *status)
{
	const struct living_condition *found = NULL;
	for (size_t i = 0; i < set->count; i++) {
		const struct living_condition *one = &set->items[i];
		if (decides(set, one->type) && is(one, status) &&
		    (!found || strcmp(one->since, found->since) > 0))
			found = one;
	}
	return found;
}

void living_true(struct living_set *set, const char *type, const char *reason, const char *message)
{
	mark(set, type, "True", reason, message);
	const struct living_condition *bad = newest(set, "False");
	bad = bad ? bad : newest(set, "Unknown");
	if (bad)
		mark(set, "Ready", bad->status, bad->reason, bad->message);
	else if (decides(set, type))
		mark(set, "Ready", "True", "", "");
}

/* fmt.Sprintf without arguments: what looks like a verb is one that misses its argument. */
static const char *formatted(struct arena *arena, const char *message)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	for (const char *at = message; *at;) {
		const char *percent = strchrnul(at, '%');
		strbuf_add(&out, at, (size_t)(percent - at));
		if (!*percent)
			break;
		at = percent + 1;
		at += strspn(at, "+-# 0");
		at += strspn(at, "0123456789.");
		/* A verb is a whole character. */
		size_t verb = *at != 0;
		while (verb && ((unsigned char)at[verb] & 0xC0) == 0x80)
			verb++;
		if (!verb)
			strbuf_addstr(&out, "%!(NOVERB)");
		else if (*at == '%')
			strbuf_addch(&out, '%');
		else
			strbuf_addf(&out, "%%!%.*s(MISSING)", (int)verb, at);
		at += verb;
	}
	return arena_strdup(arena, out.buf);
}

void living_false(struct living_set *set, const char *type, const char *reason, const char *message)
{
	const char *text = formatted(set->arena, message);
	mark(set, type, "False", reason, text);
	if (decides(set, type))
		mark(set, "Ready", "False", reason, text);
}

void living_unknown(struct living_set *set, const char *type, const char *reason,
		    const char *message)
{
	const char *text = formatted(set->arena, message);
	mark(set, type, "Unknown", reason, text);
	if (newest(set, "False")) {
		if (!is(find(set, "Ready"), "False"))
			mark(set, "Ready", "False", reason, text);
	} else if (decides(set, type)) {
		mark(set, "Ready", "Unknown", reason, text);
	}
}

static const struct json *condition_of(const struct json *object, const char *type)
{
	const struct json *list = json_path(object, "status", "conditions", NULL);
	for (size_t i = 0; i < json_count(list); i++)
		if (strcmp(text_of(json_at(list, i), "type"), type) == 0)
			return json_at(list, i);
	return NULL;
}

void living_follow(struct living_set *set, const char *type, const struct json *other,
		   const char *other_type)
{
	const struct json *condition = condition_of(other, other_type);
	const char *status = text_of(condition, "status");
	const char *reason = text_of(condition, "reason");
	const char *message = text_of(condition, "message");
	if (strcmp(status, "True") == 0)
		living_true(set, type, "", "");
	else if (strcmp(status, "False") == 0)
		living_false(set, type, reason, message);
	else if (condition)
		living_unknown(set, type, reason, message);
}

const char *living_status(const struct living_set *set, const char *type)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->items[i].type, type) == 0)
			return set->items[i].status;
	return "";
}

/* Marked back and forth within one pass, it never left its state. */
static const char *since(const struct living_set *set, const struct living_condition *now)
{
	for (size_t i = 0; i < json_count(set->old); i++) {
		const struct json *old = json_at(set->old, i);
		if (strcmp(text_of(old, "type"), now->type) == 0 &&
		    strcmp(text_of(old, "status"), now->status) == 0 &&
		    strcmp(text_of(old, "reason"), now->reason) == 0 &&
		    strcmp(text_of(old, "message"), now->message) == 0)
			return text_of(old, "lastTransitionTime");
	}
	return now->since;
}

struct json *living_finish(const struct living_set *set)
{
	struct json *list = json_array(set->arena);
	for (size_t i = 0; i < set->count; i++) {
		const struct living_condition *one = &set->items[i];
		struct json *condition = json_object(set->arena);
		json_set_text(set->arena, condition, "lastTransitionTime", since(set, one));
		if (one->message[0])
			json_set_text(set->arena, condition, "message", one->message);
		if (one->reason[0])
			json_set_text(set->arena, condition, "reason", one->reason);
		if (strcmp(one->type, "Ready") != 0 && !decides(set, one->type))
			json_set_text(set->arena, condition, "severity", "Info");
		json_set_text(set->arena, condition, "status", one->status);
		json_set_text(set->arena, condition, "type", one->type);
		json_append(set->arena, list, condition);
	}
	return list;
}
