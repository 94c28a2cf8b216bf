/*
 * The recorder. A series is one Event on the server and the count of what it stands for; at most
 * one request for it is under way, and what happens meanwhile goes into the next. Series that
 * differ in their text alone are a group: a full one gets one more series, for all further texts.
 * Series are held oldest first and bounded: the oldest is forgotten, which costs an Event more,
 * never memory. A group lives as long as it has series.
 */
#include "pkg/kube/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "pkg/base/check.h"
#include "pkg/base/date.h"
#include "pkg/base/hash.h"
#include "pkg/base/log.h"
#include "pkg/base/table.h"
#include "pkg/kube/events_budget.h"
#include "pkg/kube/internal.h"

#define WINDOW_MS (10 * 60 * 1000)
#define HELD_MAX 4096
#define SIMILAR_MAX 10
#define COMBINED "(combined from similar events): "
#define MESSAGE_MAX 1024
#define WARN_EVERY_MS 60000
/* A name has 253 characters, of which the stamp takes 17. */
#define NAME_MAX_BYTES 236

static const struct kube_resource events_resource = {"", "v1", "events", "Event"};

struct key {
	char text[17];
};

/* Of one object, type and reason. */
struct group {
	struct key key;
	size_t series;
};

struct series {
	TAILQ_ENTRY(series) link;
	struct recorder *recorder;
	struct group *group;
	struct key key;
	struct key object; /* whose bucket it draws on */
	char *ns;
	char *name;
	char *leader_key; /* NULL: anybody may write it */
	char *text;       /* of a group's last series: the latest; else NULL */
	int64_t count;
	int64_t last_mono;
	int64_t last_wall;
	struct kube_call *call; /* NULL: none under way */
	bool created;
	bool dirty; /* the count grew since the last request */
};

struct recorder {
	struct kube_client *client;
	char *component;
	char *instance;
	struct table *series;
	struct table *groups;
	TAILQ_HEAD(series_list, series) oldest_series;
	struct event_budget *budget;
	bool (*may_send)(void *ctx, const char *key); /* NULL: always */
	void *may_send_ctx;
	uint64_t sequence;
	int64_t warn_from_ms; /* monotonic: no warning before */
	struct recorder_stats stats;
};

struct recorder *recorder_new(struct kube_client *client, const char *component,
			      const char *instance)
{
	struct recorder *recorder = xcalloc(1, sizeof(*recorder));
	recorder->client = client;
	recorder->component = xstrdup(component);
	recorder->instance = instance ? xstrdup(instance) : NULL;
	recorder->series = table_new();
	recorder->groups = table_new();
	TAILQ_INIT(&recorder->oldest_series);
	recorder->budget = event_budget_new();
	return recorder;
}

static void leave_group(struct recorder *recorder, struct group *group)
{
	if (--group->series > 0)
		return;
	table_remove(recorder->groups, group->key.text);
	free(group);
}

static void series_free(struct series *series)
{
	struct recorder *recorder = series->recorder;
	if (series->call)
		kube_client_cancel(recorder->client, series->call);
	TAILQ_REMOVE(&recorder->oldest_series, series, link);
	table_remove(recorder->series, series->key.text);
	leave_group(recorder, series->group);
	free(series->text);
	free(series->ns);
	free(series->name);
	free(series->leader_key);
	free(series);
}

void recorder_free(struct recorder *recorder)
{
	if (!recorder)
		return;
	while (!TAILQ_EMPTY(&recorder->oldest_series))
		series_free(TAILQ_FIRST(&recorder->oldest_series));
	table_free(recorder->series);
	table_free(recorder->groups);
	event_budget_free(recorder->budget);
	free(recorder->component);
	free(recorder->instance);
	free(recorder);
}

void recorder_fence(struct recorder *recorder, bool (*may_send)(void *ctx, const char *key),
		    void *ctx)
{
	recorder->may_send = may_send;
	recorder->may_send_ctx = ctx;
}

void recorder_stats(const struct recorder *recorder, struct recorder_stats *out)
{
	*out = recorder->stats;
	out->series = table_count(recorder->series);
	out->buckets = event_budget_buckets(recorder->budget);
}

static struct key hash_key(const struct event_about *about, const char *const *more, size_t count)
{
	const char *const texts[] = {about->api_version, about->kind, about->ns, about->name,
				     about->uid};
	struct key key;
	uint64_t hash = HASH_SEED;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		hash = hash_text(hash, texts[i] ? texts[i] : "");
	for (size_t i = 0; i < count; i++)
		hash = hash_text(hash, more[i]);
	snprintf(key.text, sizeof(key.text), "%016llx", (unsigned long long)hash);
	return key;
}

static const char *namespace_of(const struct event_about *about)
{
	return about->ns && about->ns[0] ? about->ns : "default";
}

static bool may_send(struct recorder *recorder, struct key object, const char *ns)
{
	return event_budget_take(recorder->budget, object.text, ns,
				 timers_now(kube_client_timers(recorder->client)));
}

/* ---- requests ---- */

static void on_done(void *ctx, const struct json *object, const struct error *err);

static bool still_may(void *ctx)
{
	const struct series *series = ctx;
	const struct recorder *recorder = series->recorder;
	return !recorder->may_send || !series->leader_key ||
	       recorder->may_send(recorder->may_send_ctx, series->leader_key);
}

static void send(struct series *series, enum kube_verb verb, const struct json *body)
{
	struct kube_request request = {.verb = verb,
				       .resource = &events_resource,
				       .ns = series->ns,
				       .name = series->name,
				       .body = body,
				       .background = true,
				       .may_send = still_may};
	series->dirty = false;
	series->call = kube_client_send(series->recorder->client, &request, on_done, series);
}

static void send_count(struct series *series)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char last[TIME_RFC3339_SIZE];
	struct json *patch = json_object(arena);
	time_format_rfc3339(series->last_wall, last);
	json_set_int(arena, patch, "count", series->count);
	json_set_text(arena, patch, "lastTimestamp", last);
	if (series->text)
		json_set_text(arena, patch, "message", series->text);
	send(series, KUBE_PATCH, patch);
}

/* One failure is of no interest; that there will be none at all, for want of rights, is. */
static void tell_failure(const struct series *series, const struct error *err)
{
	struct recorder *recorder = series->recorder;
	int64_t now = timers_now(kube_client_timers(recorder->client));
	bool refused = err->kind == ERROR_FORBIDDEN && now >= recorder->warn_from_ms;
	recorder->stats.failed++;
	LOG_AT(refused ? LOG_WARN : LOG_DEBUG, "event not written", F_STR("event", series->name),
	       F_STR("error", error_text(err)));
	if (refused)
		recorder->warn_from_ms = now + WARN_EVERY_MS;
}

static void on_done(void *ctx, const struct json *object, const struct error *err)
{
	struct series *series = ctx;
	struct recorder *recorder = series->recorder;
	bool created = series->created;
	(void)object;
	series->call = NULL;
	if (err->kind == ERROR_NONE) {
		recorder->stats.sent++;
		series->created = true;
		if (series->dirty && may_send(recorder, series->object, series->ns))
			send_count(series);
		return;
	}
	tell_failure(series, err);
	series->dirty = false;
	/* Nothing there to count on: the next one makes an Event of its own. */
	if (!created || err->kind == ERROR_NOT_FOUND)
		series_free(series);
}

static struct json *involved(struct arena *arena, const struct event_about *about)
{
	struct json *object = json_object(arena);
	json_set_text(arena, object, "apiVersion", about->api_version);
	json_set_text(arena, object, "kind", about->kind);
	if (about->ns && about->ns[0])
		json_set_text(arena, object, "namespace", about->ns);
	json_set_text(arena, object, "name", about->name);
	if (about->uid && about->uid[0])
		json_set_text(arena, object, "uid", about->uid);
	return object;
}

static struct json *event_body(const struct series *series, struct arena *arena,
			       const struct event_about *about, const char *type,
			       const char *reason, const char *message)
{
	const struct recorder *recorder = series->recorder;
	char when[TIME_RFC3339_SIZE];
	struct json *event = json_object(arena);
	struct json *metadata = json_object(arena);
	time_format_rfc3339(series->last_wall, when);
	json_set_text(arena, event, "apiVersion", "v1");
	json_set_text(arena, event, "kind", "Event");
	json_set(arena, event, "metadata", metadata);
	json_set_text(arena, metadata, "name", series->name);
	json_set_text(arena, metadata, "namespace", series->ns);
	json_set(arena, event, "involvedObject", involved(arena, about));
	json_set_text(arena, event, "type", type);
	json_set_text(arena, event, "reason", reason);
	json_set_text(arena, event, "message", message);
	json_set_text(arena, json_ensure_object(arena, event, "source"), "component",
		      recorder->component);
	json_set_text(arena, event, "firstTimestamp", when);
	json_set_text(arena, event, "lastTimestamp", when);
	json_set_int(arena, event, "count", 1);
	json_set_text(arena, event, "reportingComponent", recorder->component);
	json_set_text(arena, event, "reportingInstance",
		      recorder->instance ? recorder->instance : "");
	return event;
}

/* "<name>.<hex of nanoseconds>" as client-go makes it; our clock has milliseconds, the rest of the
 * number keeps two of one moment apart. */
static char *event_name(struct recorder *recorder, const char *name)
{
	struct strbuf out = STRBUF_INIT;
	uint64_t nanos = (uint64_t)kube_client_now_ms(recorder->client) * 1000000 +
			 recorder->sequence++ % 1000000;
	strbuf_addf(&out, "%.*s.%llx", (int)strnlen(name, NAME_MAX_BYTES), name,
		    (unsigned long long)nanos);
	return strbuf_take(&out);
}

static void note_time(struct series *series)
{
	struct recorder *recorder = series->recorder;
	series->last_wall = kube_client_now_ms(recorder->client);
	series->last_mono = timers_now(kube_client_timers(recorder->client));
	TAILQ_INSERT_TAIL(&recorder->oldest_series, series, link);
}

static struct group *join_group(struct recorder *recorder, struct key key)
{
	struct group *group = table_get(recorder->groups, key.text);
	if (!group) {
		group = xcalloc(1, sizeof(*group));
		group->key = key;
		table_set(recorder->groups, key.text, group);
	}
	group->series++;
	return group;
}

static struct series *series_new(struct recorder *recorder, struct key key, struct key group,
				 const struct event_about *about)
{
	struct series *series = xcalloc(1, sizeof(*series));
	if (table_count(recorder->series) >= HELD_MAX)
		series_free(TAILQ_FIRST(&recorder->oldest_series));
	series->recorder = recorder;
	series->key = key;
	series->group = join_group(recorder, group);
	series->object = hash_key(about, NULL, 0);
	series->ns = xstrdup(namespace_of(about));
	series->name = event_name(recorder, about->name);
	series->leader_key = about->key ? xstrdup(about->key) : NULL;
	series->count = 1;
	table_set(recorder->series, key.text, series);
	note_time(series);
	return series;
}

static void forget_old(struct recorder *recorder)
{
	int64_t now = timers_now(kube_client_timers(recorder->client));
	struct series *oldest;
	while ((oldest = TAILQ_FIRST(&recorder->oldest_series)) &&
	       now - oldest->last_mono > WINDOW_MS)
		series_free(oldest);
}

/* text: of this time, where texts differ from time to time; else NULL. */
static void repeat(struct series *series, const char *text)
{
	struct recorder *recorder = series->recorder;
	TAILQ_REMOVE(&recorder->oldest_series, series, link);
	note_time(series);
	series->count++;
	recorder->stats.aggregated++;
	if (text) {
		free(series->text);
		series->text = xstrdup(text);
	}
	if (series->call)
		series->dirty = true;
	else if (may_send(recorder, series->object, series->ns))
		send_count(series);
}

static bool is_full(const struct recorder *recorder, struct key group)
{
	const struct group *found = table_get(recorder->groups, group.text);
	return found && found->series >= SIMILAR_MAX;
}

void recorder_event(struct recorder *recorder, const struct event_about *about, bool warning,
		    const char *reason, const char *message)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *const what[] = {warning ? "Warning" : "Normal", reason};
	const char *text = arena_strndup(arena, message, kube_cut(message, MESSAGE_MAX));
	const char *combined = NULL;
	struct key group = hash_key(about, what, 2);
	struct key key = hash_key(about, (const char *const[]){what[0], reason, text}, 3);
	forget_old(recorder);
	if (!table_get(recorder->series, key.text) && is_full(recorder, group)) {
		text = arena_printf(arena, COMBINED "%s", text);
		text = combined = arena_strndup(arena, text, kube_cut(text, MESSAGE_MAX));
		key = hash_key(about, (const char *const[]){what[0], reason, COMBINED, ""}, 4);
	}
	struct series *series = table_get(recorder->series, key.text);
	if (series) {
		repeat(series, combined);
		return;
	}
	if (!may_send(recorder, hash_key(about, NULL, 0), namespace_of(about))) {
		recorder->stats.dropped++;
		return;
	}
	series = series_new(recorder, key, group, about);
	send(series, KUBE_CREATE, event_body(series, arena, about, what[0], reason, text));
}
