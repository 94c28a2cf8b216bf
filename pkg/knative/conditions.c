/*
 * Knative's condition manager. Invariant after every mark: the status of Ready is a function of the
 * statuses of the other conditions whose severity is error (any False, else any Unknown, else
 * True), so marking the same state again moves nothing, whatever stood in Ready before.
 */
#include "pkg/knative/conditions.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/date.h"

#define FULLWIDTH_PERCENT "\xEF\xBC\x85"

static const char *const dependents[] = {CONDITION_ACTIVE, CONDITION_SKS_READY,
					 CONDITION_INITIALIZED};
static const char *const status_names[] = {
    [CONDITION_UNKNOWN] = "Unknown", [CONDITION_FALSE] = "False", [CONDITION_TRUE] = "True"};

const char *condition_status_name(enum condition_status status)
{
	return status_names[status];
}

static struct condition *find(const struct conditions *set, const char *type)
{
	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(set->items[i].type, type) == 0)
			return &set->items[i];
	}
	return NULL;
}

const struct condition *conditions_get(const struct conditions *set, const char *type)
{
	return find(set, type);
}

enum condition_status conditions_status(const struct conditions *set, const char *type)
{
	const struct condition *condition = find(set, type);
	return condition ? condition->status : CONDITION_UNKNOWN;
}

static bool known_status(const char *text, enum condition_status *out)
{
	for (size_t i = 0; text && i < ARRAY_SIZE(status_names); i++) {
		if (strcmp(status_names[i], text) != 0)
			continue;
		*out = (enum condition_status)i;
		return true;
	}
	return false;
}

/* The types that every cached PodAutoscaler has need no copy. */
static const char *shared_type(const char *type, struct arena *arena)
{
	if (strcmp(type, CONDITION_READY) == 0)
		return CONDITION_READY;
	for (size_t i = 0; i < ARRAY_SIZE(dependents); i++) {
		if (strcmp(type, dependents[i]) == 0)
			return dependents[i];
	}
	return arena_strdup(arena, type);
}

static const char *text_or_null(const struct json *v, struct arena *arena)
{
	const char *text = json_text_or(v, "");
	return text[0] ? arena_strdup(arena, text) : NULL;
}

static int64_t whole_seconds(int64_t ms)
{
	return ms - ms % 1000;
}

static void decode_one(const struct json *element, struct arena *arena, struct conditions *out)
{
	const char *type = json_text_or(json_get(element, "type"), "");
	struct condition condition = {0};
	if (!type[0] || find(out, type) ||
	    !known_status(json_text(json_get(element, "status")), &condition.status))
		return;
	condition.type = shared_type(type, arena);
	condition.severity = text_or_null(json_get(element, "severity"), arena);
	condition.reason = text_or_null(json_get(element, "reason"), arena);
	condition.message = text_or_null(json_get(element, "message"), arena);
	const char *changed = json_text_or(json_get(element, "lastTransitionTime"), "");
	if (time_parse_rfc3339(changed, &condition.changed_ms))
		condition.changed_ms = whole_seconds(condition.changed_ms);
	else
		condition.changed_ms = 0;
	out->items[out->count++] = condition;
}

static int by_type(const void *a, const void *b)
{
	return strcmp(((const struct condition *)a)->type, ((const struct condition *)b)->type);
}

static void sort(struct conditions *set)
{
	if (set->count > 1)
		qsort(set->items, set->count, sizeof(*set->items), by_type);
}

void conditions_decode(const struct json *array, struct arena *arena, struct conditions *out)
{
	*out = (struct conditions){0};
	if (!json_is(array, JSON_ARRAY) || json_count(array) == 0)
		return;
	out->items = ARENA_ARRAY(arena, struct condition, json_count(array));
	for (size_t i = 0; i < json_count(array); i++)
		decode_one(json_at(array, i), arena, out);
	sort(out);
}

struct json *conditions_encode(const struct conditions *set, struct arena *arena)
{
	struct json *array = json_array(arena);
	for (size_t i = 0; i < set->count; i++) {
		const struct condition *condition = &set->items[i];
		struct json *element = json_object(arena);
		json_set_text(arena, element, "type", condition->type);
		json_set_text(arena, element, "status", condition_status_name(condition->status));
		json_set_text(arena, element, "severity", condition->severity);
		if (condition->changed_ms != 0) {
			char changed[TIME_RFC3339_SIZE];
			time_format_rfc3339(condition->changed_ms, changed);
			json_set_text(arena, element, "lastTransitionTime", changed);
		}
		json_set_text(arena, element, "reason", condition->reason);
		json_set_text(arena, element, "message", condition->message);
		json_append(arena, array, element);
	}
	return array;
}

static void add_absent(struct conditions *set, const char *type, enum condition_status status,
		       int64_t now_ms)
{
	if (find(set, type))
		return;
	set->items[set->count++] =
	    (struct condition){.type = type, .status = status, .changed_ms = whole_seconds(now_ms)};
}

void conditions_initialize(const struct conditions *from, struct arena *arena, int64_t now_ms,
			   struct conditions *out)
{
	*out = (struct conditions){.count = from->count};
	out->items = ARENA_ARRAY(arena, struct condition, from->count + ARRAY_SIZE(dependents) + 1);
	if (from->count)
		memcpy(out->items, from->items, from->count * sizeof(*from->items));
	const struct condition *ready = find(from, CONDITION_READY);
	if (ready)
		out->ready_before = arena_memdup(arena, ready, sizeof(*ready));
	enum condition_status absent = conditions_status(from, CONDITION_READY) == CONDITION_TRUE
					   ? CONDITION_TRUE
					   : CONDITION_UNKNOWN;
	add_absent(out, CONDITION_READY, CONDITION_UNKNOWN, now_ms);
	for (size_t i = 0; i < ARRAY_SIZE(dependents); i++)
		add_absent(out, dependents[i], absent, now_ms);
	sort(out);
}

static const char *safe_text(struct arena *arena, const char *text)
{
	if (!text || !text[0])
		return NULL;
	if (!strchr(text, '%'))
		return arena_strdup(arena, text);
	char *out = arena_alloc(arena, strlen(text) * strlen(FULLWIDTH_PERCENT) + 1);
	char *end = out;
	for (const char *p = text; *p; p++) {
		if (*p == '%')
			end = mempcpy(end, FULLWIDTH_PERCENT, strlen(FULLWIDTH_PERCENT));
		else
			*end++ = *p;
	}
	return out;
}

static bool counts(const struct condition *condition)
{
	return !condition->severity && strcmp(condition->type, CONDITION_READY) != 0;
}

/* The newest one of that status; of equals the first. */
static const struct condition *newest(const struct conditions *set, enum condition_status status)
{
	const struct condition *found = NULL;
	for (size_t i = 0; i < set->count; i++) {
		const struct condition *condition = &set->items[i];
		if (!counts(condition) || condition->status != status)
			continue;
		if (!found || condition->changed_ms > found->changed_ms)
			found = condition;
	}
	return found;
}

static void set_condition(struct condition *condition, int64_t now_ms, enum condition_status status,
			  const char *reason, const char *message)
{
	if (condition->status != status)
		condition->changed_ms = whole_seconds(now_ms);
	condition->status = status;
	condition->severity = NULL;
	condition->reason = reason;
	condition->message = message;
}

static void set_ready(struct conditions *set, int64_t now_ms, const struct condition *like)
{
	struct condition *ready = find(set, CONDITION_READY);
	CHECK(ready);
	if (like)
		set_condition(ready, now_ms, like->status, like->reason, like->message);
	else
		set_condition(ready, now_ms, CONDITION_TRUE, NULL, NULL);
	if (set->ready_before && set->ready_before->status == ready->status)
		ready->changed_ms = set->ready_before->changed_ms;
}

void conditions_mark(struct conditions *set, struct arena *arena, int64_t now_ms, const char *type,
		     enum condition_status status, const char *reason, const char *message)
{
	struct condition *condition = find(set, type);
	CHECK(condition && strcmp(type, CONDITION_READY) != 0);
	bool texts = status != CONDITION_TRUE;
	set_condition(condition, now_ms, status, texts ? safe_text(arena, reason) : NULL,
		      texts ? safe_text(arena, message) : NULL);

	const struct condition *cause = newest(set, CONDITION_FALSE);
	if (status == CONDITION_FALSE ||
	    (status == CONDITION_UNKNOWN && condition->reason && !cause))
		cause = condition;
	set_ready(set, now_ms, cause ? cause : newest(set, CONDITION_UNKNOWN));
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool conditions_equal(const struct conditions *a, const struct conditions *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct condition *one = &a->items[i], *other = &b->items[i];
		if (one->status != other->status || !same_text(one->type, other->type) ||
		    !same_text(one->severity, other->severity) ||
		    !same_text(one->reason, other->reason) ||
		    !same_text(one->message, other->message))
			return false;
	}
	return true;
}
