/*
 * The recorder. A series is one Event on the server and the count of what it stands for; at most
 * one request for it is under way, and what happens meanwhile goes into the next. Series and the
 * objects' buckets are held oldest first and bounded: the oldest is forgotten, which costs an Event
 * more, never memory.
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
#include "pkg/kube/internal.h"

#define WINDOW_MS (10 * 60 * 1000)
#define HELD_MAX 4096
#define OBJECT_BURST 25
#define OBJECT_REFILL_MS (5 * 60 * 1000)
#define PROCESS_BURST 50
#define PROCESS_REFILL_MS 20
#define MESSAGE_MAX 1024
#define WARN_EVERY_MS 60000
/* A name has 253 characters, of which the stamp takes 17. */
#define NAME_MAX_BYTES 236

static const struct kube_resource events_resource = {"", "v1", "events", "Event"};

struct key {
	char text[17];
};

struct series {
	TAILQ_ENTRY(series) link;
	struct recorder *recorder;
	struct key key;
	struct key object; /* whose bucket it draws on */
	char *ns;
	char *name;
	char *leader_key; /* NULL: anybody may write it */
	int64_t count;
	int64_t last_mono;
	int64_t last_wall;
	struct kube_call *call; /* NULL: none under way */
	bool created;
	bool dirty; /* the count grew since the last request */
};

/* When the bucket will be full again, monotonic (the generic cell rate algorithm): one number
 * tells how many tokens are left. */
struct bucket {
	TAILQ_ENTRY(bucket) link;
	struct key key;
	int64_t full_ms;
};

struct recorder {
	struct kube_client *client;
	char *component;
	char *instance;
	struct table *series;
	struct table *buckets;
	TAILQ_HEAD(series_list, series) oldest_series;
	TAILQ_HEAD(bucket_list, bucket) oldest_bucket;
	int64_t process_full_ms;
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
	recorder->buckets = table_new();
	TAILQ_INIT(&recorder->oldest_series);
	TAILQ_INIT(&recorder->oldest_bucket);
	return recorder;
}

static void series_free(struct series *series)
{
	struct recorder *recorder = series->recorder;
	if (series->call)
		kube_client_cancel(recorder->client, series->call);
	TAILQ_REMOVE(&recorder->oldest_series, series, link);
	table_remove(recorder->series, series->key.text);
	free(series->ns);
	free(series->name);
	free(series->leader_key);
	free(series);
}

static void bucket_free(struct recorder *recorder, struct bucket *bucket)
{
	TAILQ_REMOVE(&recorder->oldest_bucket, bucket, link);
	table_remove(recorder->buckets, bucket->key.text);
	free(bucket);
}

void recorder_free(struct recorder *recorder)
{
	if (!recorder)
		return;
	while (!TAILQ_EMPTY(&recorder->oldest_series))
		series_free(TAILQ_FIRST(&recorder->oldest_series));
	while (!TAILQ_EMPTY(&recorder->oldest_bucket))
		bucket_free(recorder, TAILQ_FIRST(&recorder->oldest_bucket));
	table_free(recorder->series);
	table_free(recorder->buckets);
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
}

/* ---- limits ---- */

static bool take_token(int64_t *full_ms, int64_t now, int64_t burst, int64_t refill_ms)
{
	int64_t from = *full_ms > now ? *full_ms : now;
	if (from - now > (burst - 1) * refill_ms)
		return false;
	*full_ms = from + refill_ms;
	return true;
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

static struct bucket *find_bucket(struct recorder *recorder, struct key key)
{
	struct bucket *bucket = table_get(recorder->buckets, key.text);
	if (bucket) {
		TAILQ_REMOVE(&recorder->oldest_bucket, bucket, link);
	} else {
		if (table_count(recorder->buckets) >= HELD_MAX)
			bucket_free(recorder, TAILQ_FIRST(&recorder->oldest_bucket));
		bucket = xcalloc(1, sizeof(*bucket));
		bucket->key = key;
		table_set(recorder->buckets, key.text, bucket);
	}
	TAILQ_INSERT_TAIL(&recorder->oldest_bucket, bucket, link);
	return bucket;
}

static bool may_send(struct recorder *recorder, struct key object)
{
	int64_t now = timers_now(kube_client_timers(recorder->client));
	return take_token(&find_bucket(recorder, object)->full_ms, now, OBJECT_BURST,
			  OBJECT_REFILL_MS) &&
	       take_token(&recorder->process_full_ms, now, PROCESS_BURST, PROCESS_REFILL_MS);
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
		if (series->dirty && may_send(recorder, series->object))
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

static struct series *series_new(struct recorder *recorder, struct key key,
				 const struct event_about *about)
{
	struct series *series = xcalloc(1, sizeof(*series));
	if (table_count(recorder->series) >= HELD_MAX)
		series_free(TAILQ_FIRST(&recorder->oldest_series));
	series->recorder = recorder;
	series->key = key;
	series->object = hash_key(about, NULL, 0);
	series->ns = xstrdup(about->ns && about->ns[0] ? about->ns : "default");
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

static void repeat(struct series *series)
{
	struct recorder *recorder = series->recorder;
	TAILQ_REMOVE(&recorder->oldest_series, series, link);
	note_time(series);
	series->count++;
	recorder->stats.aggregated++;
	if (series->call)
		series->dirty = true;
	else if (may_send(recorder, series->object))
		send_count(series);
}

void recorder_event(struct recorder *recorder, const struct event_about *about, bool warning,
		    const char *reason, const char *message)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *type = warning ? "Warning" : "Normal";
	const char *text = arena_strndup(arena, message, kube_cut(message, MESSAGE_MAX));
	struct key key = hash_key(about, (const char *const[]){type, reason, text}, 3);
	forget_old(recorder);
	struct series *series = table_get(recorder->series, key.text);
	if (series) {
		repeat(series);
		return;
	}
	if (!may_send(recorder, hash_key(about, NULL, 0))) {
		recorder->stats.dropped++;
		return;
	}
	series = series_new(recorder, key, about);
	send(series, KUBE_CREATE, event_body(series, arena, about, type, reason, text));
}
