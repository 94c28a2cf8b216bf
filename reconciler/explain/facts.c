/* The evidence in short, object by object, in the order of the way from a Revision to its pods. */
#include <string.h>

#include "pkg/base/date.h"
#include "reconciler/explain/text.h"
#include "reconciler/explain/why.h"

static const struct json *find_condition(const struct json *object, const char *type)
{
	const struct json *list = json_path(object, "status", "conditions", NULL);

	for (size_t i = 0; json_is(list, JSON_ARRAY) && i < json_count(list); i++)
		if (strcmp(json_text_or(json_get(json_at(list, i), "type"), ""), type) == 0)
			return json_at(list, i);
	return NULL;
}

const char *why_condition(const struct why *why, const struct json *object, const char *type)
{
	const struct json *condition = find_condition(object, type);
	const char *reason = json_text_or(json_get(condition, "reason"), "");
	const char *message = json_text_or(json_get(condition, "message"), "");

	if (!condition)
		return NULL;
	return arena_printf(why->out->arena, "%s%s%s%s%s",
			    json_text_or(json_get(condition, "status"), "Unknown"),
			    reason[0] ? " " : "", reason, message[0] ? ": " : "", message);
}

/* A condition to tell of. */
struct told {
	const char *type;
	bool quiet; /* only if it is True: being False is its rest */
};

static const char *said(const struct why *why, const struct json *from, const char *type)
{
	const char *text = why_condition(why, from, type);

	return text ? text : "";
}

/* Those that are True in one fact, each other one in its own with all that it says; a text that
 * the one before had too (a PodAutoscaler's Ready repeats Active) is told once. */
static void tell_conditions(const struct why *why, const char *object, const struct json *from,
			    const struct told *conditions)
{
	const char *fine = "", *before = "";
	bool any = false;

	for (const struct told *c = conditions; c->type; c++) {
		const char *text = said(why, from, c->type);
		bool is_true = strncmp(text, "True", 4) == 0;
		any = any || text[0];
		if (is_true && !c->quiet)
			fine = arena_printf(why->out->arena, "%s%s%s", fine, fine[0] ? ", " : "",
					    c->type);
		else if (text[0] && c->quiet == is_true && strcmp(text, before) != 0)
			findings_fact(why->out, object, "%s %s", c->type, text);
		before = text;
	}
	if (fine[0])
		findings_fact(why->out, object, "True: %s", fine);
	if (!any)
		findings_fact(why->out, object, "it has no conditions yet");
}

static const char *named(const struct why *why, const char *kind, const struct json *object)
{
	return arena_printf(
	    why->out->arena, "%s/%s", kind,
	    json_text_or(json_path(object, "metadata", "name", NULL), why->scene->e->name));
}

/* True if there is something to tell of it; else says so. */
static bool is_there(const struct why *why, const char *kind, const struct json *object,
		     enum source source)
{
	const char *unread = why->scene->e->unread[source];

	if (object)
		return true;
	findings_fact(why->out, named(why, kind, NULL), "%s%s",
		      unread ? "not readable: " : "there is none", unread ? unread : "");
	return false;
}

static void tell_owner(const struct why *why, const char *object, enum ownership owner)
{
	static const char *const texts[] = {
	    [OWNER_PA] = "controlled by the PodAutoscaler itself, as autoscaler-hpa makes it",
	    [OWNER_GOING] = "it is being deleted",
	    [OWNER_FORMER] = "it belongs to a former owner of the same name",
	    [OWNER_FOREIGN] = "it belongs to somebody else",
	};

	if (owner < ARRAY_SIZE(texts) && texts[owner])
		findings_fact(why->out, object, "%s", texts[owner]);
}

/* ---- one function an object ---- */

static void tell_revision(const struct why *why)
{
	static const struct told types[] = {
	    {"Ready", false}, {"ResourcesAvailable", false}, {"ContainerHealthy", false}, {0}};
	const struct json *revision = why->scene->e->revision;

	if (is_there(why, "Revision", revision, SOURCE_REVISIONS))
		tell_conditions(why, named(why, "Revision", revision), revision, types);
}

static void tell_pod_autoscaler(const struct why *why)
{
	static const struct told types[] = {{CONDITION_ACTIVE, false},
					    {CONDITION_READY, false},
					    {CONDITION_INITIALIZED, false},
					    {CONDITION_SKS_READY, false},
					    {0}};
	const struct json *pa = why->scene->e->pod_autoscaler;
	const char *object = named(why, "PodAutoscaler", pa);

	if (!is_there(why, "PodAutoscaler", pa, SOURCE_POD_AUTOSCALERS))
		return;
	tell_conditions(why, object, pa, types);
	if (why->scene->pa &&
	    why->scene->pa->observed_generation != why->scene->pa->object.meta.generation)
		findings_fact(why->out, object,
			      "these speak of generation %lld; it is at %lld by now",
			      (long long)why->scene->pa->observed_generation,
			      (long long)why->scene->pa->object.meta.generation);
}

static void tell_scaled_object(const struct why *why)
{
	static const struct told types[] = {
	    {"Ready", false}, {"Active", false}, {"Fallback", true}, {"Paused", true}, {0}};
	const struct json *so = why->scene->e->scaled_object;
	const char *object = named(why, "ScaledObject", so);

	if (!so && why->scene->e->keda_absent) {
		findings_fact(why->out, object, "the API server knows no ScaledObjects");
		return;
	}
	if (!is_there(why, "ScaledObject", so, SOURCE_SCALED_OBJECTS))
		return;
	tell_conditions(why, object, so, types);
	tell_owner(why, object, why->scene->so_owner);
}

static void tell_hpa(const struct why *why)
{
	static const struct told types[] = {
	    {"ScalingActive", false}, {"AbleToScale", false}, {"ScalingLimited", true}, {0}};
	const struct json *hpa = why->scene->e->hpa;
	const char *object = named(why, "HorizontalPodAutoscaler", hpa);

	if (!is_there(why, "HorizontalPodAutoscaler", hpa, SOURCE_HPAS))
		return;
	if (why->scene->hpa)
		findings_fact(why->out, object, "%d replicas, %d wanted",
			      (int)why->scene->hpa->current_replicas,
			      (int)why->scene->hpa->desired_replicas);
	tell_conditions(why, object, hpa, types);
	tell_owner(why, object, why->scene->hpa_owner);
}

static void tell_serverless_service(const struct why *why)
{
	static const struct told types[] = {{"Ready", false}, {0}};
	const struct json *sks = why->scene->e->serverless_service;
	const char *object = named(why, "ServerlessService", sks);

	if (!is_there(why, "ServerlessService", sks, SOURCE_SERVERLESS_SERVICES))
		return;
	tell_conditions(why, object, sks, types);
	tell_owner(why, object, why->scene->sks_owner);
}

static void tell_deployment(const struct why *why)
{
	static const struct told types[] = {
	    {"Available", false}, {"Progressing", false}, {"ReplicaFailure", true}, {0}};
	const struct json *deployment = why->scene->e->deployment;

	if (!deployment)
		return;
	findings_fact(
	    why->out, named(why, "Deployment", deployment), "%lld of %lld pods ready",
	    (long long)json_int_or(json_path(deployment, "status", "readyReplicas", NULL), 0),
	    (long long)json_int_or(json_path(deployment, "spec", "replicas", NULL), 0));
	tell_conditions(why, named(why, "Deployment", deployment), deployment, types);
}

/* ---- Events ---- */

int64_t why_event_ms(const struct json *event)
{
	static const char *const keys[] = {"lastTimestamp", "eventTime", "firstTimestamp"};
	int64_t ms;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (time_parse_rfc3339(json_text_or(json_get(event, keys[i]), ""), &ms))
			return ms;
	return time_parse_rfc3339(
		   json_text_or(json_path(event, "metadata", "creationTimestamp", NULL), ""), &ms)
		   ? ms
		   : 0;
}

static bool has_uid(const struct json *object, const char *uid)
{
	return strcmp(json_text_or(json_path(object, "metadata", "uid", NULL), ""), uid) == 0;
}

/* Not of one that bore the name before. */
static bool is_of_these(const struct why *why, const struct json *event)
{
	const struct evidence *e = why->scene->e;
	const struct json *const objects[] = {e->revision, e->pod_autoscaler, e->scaled_object,
					      e->hpa, e->serverless_service};
	const char *uid = json_text_or(json_path(event, "involvedObject", "uid", NULL), "");

	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		if (!uid[0] || has_uid(objects[i], uid))
			return true;
	return false;
}

static bool has_reason(const struct json *event, const char *reason)
{
	return !reason || strcmp(json_text_or(json_get(event, "reason"), ""), reason) == 0;
}

/* The newest before that time (of equal ones: behind that place); NULL: none. */
static const struct json *newest(const struct why *why, const char *reason, int64_t before_ms,
				 size_t *place)
{
	const struct json *events = why->scene->e->events, *best = NULL;
	size_t best_place = 0;

	for (size_t i = 0; json_is(events, JSON_ARRAY) && i < json_count(events); i++) {
		const struct json *event = json_at(events, i);
		int64_t ms = why_event_ms(event);
		bool follows = ms < before_ms || (ms == before_ms && i > *place);
		if (!follows || (best && ms <= why_event_ms(best)) || !has_reason(event, reason) ||
		    !is_of_these(why, event))
			continue;
		best = event;
		best_place = i;
	}
	*place = best_place;
	return best;
}

const struct json *why_event(const struct why *why, const char *reason)
{
	size_t place = SIZE_MAX;

	return newest(why, reason, INT64_MAX, &place);
}

static void tell_event(const struct why *why, const struct json *event)
{
	struct arena *arena = why->out->arena;
	const struct json *about = json_get(event, "involvedObject");
	int64_t count = json_int_or(json_get(event, "count"), 1);
	const char *object =
	    arena_printf(arena, "%s/%s", json_text_or(json_get(about, "kind"), "?"),
			 json_text_or(json_get(about, "name"), "?"));

	findings_fact(why->out, object, "%s event %s ago%s: %s: %s",
		      json_text_or(json_get(event, "type"), "Normal"),
		      text_duration(arena, why->scene->e->now_ms - why_event_ms(event)),
		      count > 1 ? arena_printf(arena, " (%lld times)", (long long)count) : "",
		      json_text_or(json_get(event, "reason"), ""),
		      json_text_or(json_get(event, "message"), ""));
}

static void tell_events(const struct why *why)
{
	int64_t before_ms = INT64_MAX;
	size_t place = SIZE_MAX;

	if (why->scene->e->unread[SOURCE_EVENTS])
		findings_fact(why->out, "Events", "not readable: %s",
			      why->scene->e->unread[SOURCE_EVENTS]);
	for (unsigned i = 0; i < EVENTS_SHOWN; i++) {
		const struct json *event = newest(why, NULL, before_ms, &place);
		if (!event)
			break;
		tell_event(why, event);
		before_ms = why_event_ms(event);
	}
}

/* ---- all of them ---- */

static void tell_hold(const struct why *why)
{
	char until[TIME_RFC3339_SIZE];

	if (!why->scene->held)
		return;
	time_format_rfc3339(why->scene->held_until_ms, until);
	findings_fact(why->out, named(why, "ScaledObject", why->scene->e->scaled_object),
		      "held at %d pods at least until %s", (int)why->scene->so->min_replicas,
		      until);
}

void why_facts(const struct why *why)
{
	tell_revision(why);
	tell_pod_autoscaler(why);
	tell_scaled_object(why);
	tell_hold(why);
	tell_hpa(why);
	tell_serverless_service(why);
	tell_deployment(why);
	tell_events(why);
	findings_fact(why->out, "autoscaler-keda-hpa", "%s", why_attendance_text(why));
}
