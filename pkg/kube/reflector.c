/*
 * The reflector: one request at a time, or none and an armed timer. version 0 means that a whole
 * list is wanted next; whatever goes wrong only sets version, strikes and the timer, so that each
 * request is opened at one place (open_next) and judged at one place (settle).
 */
#include "pkg/kube/reflector.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/hash.h"
#include "pkg/base/log.h"
#include "pkg/json/stream.h"
#include "pkg/kube/internal.h"
#include "pkg/kube/retry.h"

#define PAGE 500
#define WATCH_SECONDS 300
#define WATCH_GRACE_S 5
#define LIST_IDLE_MS 60000
#define SILENCE_MS 90000
#define HEALTHY_MS 1000
#define ABSENT_MS 2000
#define MISSING_MS 10000
#define MISSING_AGAIN_MS 1000
#define OLDER_LISTS 8

enum phase { PHASE_WATCHLIST, PHASE_LIST, PHASE_WATCH };

struct reflector {
	struct reflector_config config; /* but its texts, which scope has */
	struct kube_scope scope;
	struct timer timer;
	enum phase phase; /* of the request under way, or the last one */
	struct http_call *http;
	struct json_stream *stream;
	struct error failure; /* why we ended the request ourselves */
	bool lists_only;      /* WatchList was refused */
	bool replacing;       /* a whole list is coming in */
	bool relist;          /* asked for from outside */
	bool bookmarked;      /* the server sends bookmarks */
	bool patient;         /* it does not seem to: silence is believed */
	char *token;          /* LIST: the next page */
	uint64_t list_version;
	uint64_t version;        /* where the next watch begins; 0: list first */
	uint64_t opened_version; /* of the request under way */
	int64_t in_step_ms;      /* since when this request keeps us in step; -1: not yet */
	int64_t heard_ms;        /* the last byte */
	int64_t opened_ms;       /* of the request under way */
	int64_t missing_ms;      /* since when all answers have been 404; -1: the last was not */
	struct retry retry;      /* its strikes are forgotten after a second of health */
	unsigned older;          /* lists refused because they were older than the store */
	struct reflector_status status;
	char *trouble;
};

static int64_t now(const struct reflector *r)
{
	return timers_now(kube_client_timers(r->config.client));
}

/* The request that has just ended brought nothing for so long that its connection is dead. */
static bool fell_silent(const struct reflector *r)
{
	int64_t since = r->heard_ms > r->opened_ms ? r->heard_ms : r->opened_ms;
	return r->phase == PHASE_WATCH && now(r) - since >= SILENCE_MS;
}

static void again_in(struct reflector *r, int64_t delay_ms)
{
	timer_arm(kube_client_timers(r->config.client), &r->timer, delay_ms);
}

static void set_trouble(struct reflector *r, const char *text)
{
	free(r->trouble);
	r->trouble = xstrdup(text);
}

static void abort_replace(struct reflector *r)
{
	if (r->replacing)
		store_replace_abort(r->config.store);
	r->replacing = false;
	free(r->token);
	r->token = NULL;
}

static void close_stream(struct reflector *r)
{
	json_stream_free(r->stream);
	r->stream = NULL;
}

/* ---- what a stream brings ---- */

static void mark_in_step(struct reflector *r)
{
	r->status.state = REFLECTOR_WATCHING;
	r->in_step_ms = now(r);
	r->missing_ms = -1;
	set_trouble(r, "");
}

/* A whole list is in. */
static bool finish_list(struct reflector *r, uint64_t version, struct error *err)
{
	uint64_t known = store_version(r->config.store);
	if (version == 0)
		return error_set(err, ERROR_TRANSIENT, "a list without resourceVersion");
	if (version < known && r->older < OLDER_LISTS) {
		r->older++;
		return error_set(err, ERROR_TRANSIENT,
				 "the list of version %llu is older than %llu, seen before",
				 (unsigned long long)version, (unsigned long long)known);
	}
	store_replace_end(r->config.store, version);
	r->replacing = false;
	r->older = 0;
	r->version = version;
	r->status.relists++;
	mark_in_step(r);
	return true;
}

static void pass_over(struct reflector *r, const struct json *object, const char *why)
{
	const struct json *metadata = json_get(object, "metadata");
	const char *ns = json_text_or(json_get(metadata, "namespace"), "");
	const char *name = json_text_or(json_get(metadata, "name"), "");
	r->status.undecodable++;
	log_warn("object passed over", F_STR("resource", r->config.resource->plural),
		 F_STR("namespace", ns), F_STR("name", name), F_STR("error", why));
	if (r->replacing)
		store_replace_keep(r->config.store, ns, name);
}

static void take_object(struct reflector *r, const struct json *json)
{
	CLEANUP(error_clear) struct error why = ERROR_INIT;
	struct object *object = r->config.decode(json, &why);
	if (object)
		store_put(r->config.store, object);
	else
		pass_over(r, json, error_text(&why));
}

static void take_deleted(struct reflector *r, const struct json *json, uint64_t version)
{
	const struct json *metadata = json_get(json, "metadata");
	const char *name = json_text(json_get(metadata, "name"));
	const char *ns = json_text_or(json_get(metadata, "namespace"), "");
	if (name)
		store_delete(r->config.store, ns, name, version);
}

static bool ends_initial_events(const struct json *bookmark)
{
	const struct json *mark =
	    json_path(bookmark, "metadata", "annotations", "k8s.io/initial-events-end", NULL);
	return strcmp(json_text_or(mark, ""), "true") == 0;
}

static bool take_event(struct reflector *r, const char *type, const struct json *object,
		       uint64_t version, struct error *err)
{
	if (strcmp(type, "ADDED") == 0 || strcmp(type, "MODIFIED") == 0) {
		take_object(r, object);
	} else if (strcmp(type, "DELETED") == 0) {
		take_deleted(r, object, version);
	} else if (strcmp(type, "BOOKMARK") == 0) {
		if (r->phase == PHASE_WATCHLIST && ends_initial_events(object)) {
			r->phase = PHASE_WATCH;
			return finish_list(r, version, err);
		}
		r->bookmarked = true;
		r->patient = false;
	} else {
		log_warn("watch event of an unknown type",
			 F_STR("resource", r->config.resource->plural), F_STR("type", type));
	}
	return true;
}

static bool on_event(void *ctx, const struct json *event, struct error *err)
{
	CLEANUP(error_clear) struct error why = ERROR_INIT;
	struct reflector *r = ctx;
	const char *type = json_text(json_get(event, "type"));
	const struct json *object = json_get(event, "object");
	uint64_t version;
	if (!type || !json_is(object, JSON_OBJECT))
		return error_set(err, ERROR_TRANSIENT, "a watch event without type or object");
	if (strcmp(type, "ERROR") == 0) {
		kube_error_from_status(object, err);
		return false;
	}
	if (!meta_decode_version(object, &version, &why)) {
		pass_over(r, object, error_text(&why));
		return true;
	}
	if (r->phase == PHASE_WATCH && version > 0 && version < r->version)
		return error_set(err, ERROR_GONE, "the version went back from %llu to %llu",
				 (unsigned long long)r->version, (unsigned long long)version);
	if (!take_event(r, type, object, version, err))
		return false;
	if (r->phase == PHASE_WATCH && version > 0)
		r->version = version;
	return true;
}

static bool on_item(void *ctx, const struct json *object, struct error *err)
{
	(void)err;
	take_object(ctx, object);
	return true;
}

static bool on_envelope(void *ctx, const struct json *list, struct error *err)
{
	struct reflector *r = ctx;
	const char *token = json_text_or(json_path(list, "metadata", "continue", NULL), "");
	free(r->token);
	r->token = token[0] ? xstrdup(token) : NULL;
	return meta_decode_version(list, &r->list_version, err);
}

static void on_head(void *ctx, const struct http_response *head)
{
	struct reflector *r = ctx;
	r->heard_ms = now(r);
	if (head->date_ms)
		kube_client_saw_date(r->config.client, head->date_ms);
	if (r->phase == PHASE_WATCH)
		mark_in_step(r);
}

static bool on_data(void *ctx, const char *data, size_t length)
{
	struct reflector *r = ctx;
	r->heard_ms = now(r);
	if (json_stream_feed(r->stream, data, length, &r->failure))
		return true;
	/* Text that is no JSON is the connection's fault, and of what an ERROR event may say only
	 * "gone" is about us. */
	if (r->failure.kind != ERROR_GONE)
		r->failure.kind = ERROR_TRANSIENT;
	return false;
}

/* ---- what to do once a request has ended ---- */

static bool may_be_mistaken(struct reflector *r)
{
	if (r->missing_ms < 0)
		r->missing_ms = now(r);
	return store_count(r->config.store) > 0 && now(r) - r->missing_ms < MISSING_MS;
}

static void settle_absent(struct reflector *r)
{
	if (may_be_mistaken(r)) {
		r->status.state = REFLECTOR_TROUBLED;
		again_in(r, MISSING_AGAIN_MS);
		return;
	}
	if (r->status.state != REFLECTOR_ABSENT)
		log_info("the API server does not know the resource",
			 F_STR("resource", r->config.resource->plural),
			 F_STR("group", r->config.resource->group));
	r->status.state = REFLECTOR_ABSENT;
	r->version = 0;
	retry_forget(&r->retry);
	store_clear(r->config.store);
	again_in(r, ABSENT_MS);
}

static void settle_trouble(struct reflector *r, const struct error *why)
{
	bool relist = why->kind == ERROR_GONE || why->kind == ERROR_INVALID;
	/* A trouble that lasts is a line once. */
	bool news = strcmp(r->trouble, error_text(why)) != 0;
	enum log_level level = why->kind == ERROR_GONE ? LOG_INFO : LOG_WARN;
	set_trouble(r, error_text(why));
	if (why->kind == ERROR_NOT_FOUND) {
		settle_absent(r);
		return;
	}
	r->missing_ms = -1;
	LOG_AT(news ? level : LOG_DEBUG, "reflector starts over",
	       F_STR("resource", r->config.resource->plural),
	       F_STR("kind", error_kind_name(why->kind)), F_STR("error", error_text(why)));
	if (relist)
		r->version = 0;
	r->status.state = store_synced(r->config.store) ? REFLECTOR_TROUBLED : REFLECTOR_STARTING;
	again_in(r, retry_after_error(&r->retry, why, r->in_step_ms >= 0));
}

/* Ended as it should: the next page, or the watch from where we are. */
static void settle_well(struct reflector *r, bool healthy)
{
	bool moved = r->version != r->opened_version || r->phase == PHASE_LIST;
	again_in(r, healthy || moved ? 0 : retry_backoff(&r->retry, r->in_step_ms >= 0));
}

static void settle(struct reflector *r, const struct error *why)
{
	bool healthy = r->in_step_ms >= 0 && now(r) - r->in_step_ms >= HEALTHY_MS;
	if (healthy)
		retry_forget(&r->retry);
	if (why->kind == ERROR_NONE) {
		settle_well(r, healthy);
		return;
	}
	abort_replace(r);
	settle_trouble(r, why);
}

/* A 2xx came to its end. */
static bool judge_end(struct reflector *r, struct error *why)
{
	if (!json_stream_end(r->stream, why)) {
		why->kind = ERROR_TRANSIENT;
		return false;
	}
	if (r->phase == PHASE_WATCHLIST)
		return error_set(why, ERROR_TRANSIENT, "the watch ended before its initial events");
	if (r->phase == PHASE_LIST && !r->token)
		return finish_list(r, r->list_version, why);
	return true;
}

static bool judge(struct reflector *r, const struct http_response *response,
		  const struct error *err, struct error *why)
{
	if (r->failure.kind != ERROR_NONE) {
		error_take(why, &r->failure);
		return false;
	}
	if (err->kind != ERROR_NONE)
		return error_set(why, err->kind, "%s", error_text(err));
	if (response->status >= 200 && response->status < 300)
		return judge_end(r, why);
	/* Only now: the date of a stream is as old as its head, which told it then. */
	if (response->date_ms)
		kube_client_saw_date(r->config.client, response->date_ms);
	kube_error_from_response(response, why);
	return false;
}

static void on_done(void *ctx, const struct http_response *response, const struct error *err)
{
	CLEANUP(error_clear) struct error why = ERROR_INIT;
	struct reflector *r = ctx;
	r->http = NULL;
	if (err->kind == ERROR_NONE) /* a refusal breaks the silence, too */
		r->heard_ms = now(r);
	bool good = judge(r, response, err, &why);
	close_stream(r);
	if (!good && why.kind == ERROR_INVALID && r->phase == PHASE_WATCHLIST) {
		log_info("no WatchList here, listing by pages",
			 F_STR("resource", r->config.resource->plural),
			 F_STR("error", error_text(&why)));
		r->lists_only = true;
		abort_replace(r);
		again_in(r, 0);
		return;
	}
	/* Without bookmarks silence proves nothing: once it is tried whether there are any. */
	r->patient = r->patient || (fell_silent(r) && !r->bookmarked);
	settle(r, &why);
}

/* ---- opening ---- */

static void begin_replace(struct reflector *r)
{
	if (r->phase == PHASE_WATCH || r->replacing)
		return;
	r->replacing = true;
	store_replace_begin(r->config.store);
	if (r->older >= OLDER_LISTS)
		store_replace_rewind(r->config.store);
}

static void send(struct reflector *r)
{
	static const struct http_events events = {on_head, on_data, on_done};
	CLEANUP(strbuf_release) struct strbuf path = STRBUF_INIT;
	int64_t seconds =
	    r->config.watch_seconds + retry_jitter(&r->retry, r->config.watch_seconds / 5);
	bool list = r->phase == PHASE_LIST;
	struct http_request request = {.method = "GET", .stream = true};
	request.idle_ms = list ? LIST_IDLE_MS : (seconds + WATCH_GRACE_S) * 1000;
	if (!r->patient && request.idle_ms > SILENCE_MS)
		request.idle_ms = SILENCE_MS;
	if (list)
		kube_list_path(&r->scope, r->config.page, r->token, &path);
	else
		kube_watch_path(&r->scope, seconds, r->version, &path);
	request.path = path.buf;
	r->http = transport_start(kube_client_transport(r->config.client), &request, &events, r);
}

static void open_next(struct reflector *r)
{
	struct json_stream_config stream = {
	    .mode = JSON_STREAM_VALUES, .skip = "managedFields", .deliver = on_event, .ctx = r};
	r->phase = PHASE_WATCH;
	if (r->version == 0)
		r->phase = r->lists_only ? PHASE_LIST : PHASE_WATCHLIST;
	if (r->phase == PHASE_LIST) {
		stream.mode = JSON_STREAM_LIST;
		stream.deliver = on_item;
		stream.envelope = on_envelope;
	} else {
		r->status.restarts++;
	}
	begin_replace(r);
	error_clear(&r->failure);
	r->opened_version = r->version;
	r->opened_ms = now(r);
	r->in_step_ms = -1;
	r->stream = json_stream_new(&stream);
	send(r);
}

static void stop(struct reflector *r)
{
	if (r->http)
		transport_cancel(kube_client_transport(r->config.client), r->http);
	r->http = NULL;
	close_stream(r);
}

static void on_timer(void *ctx)
{
	struct reflector *r = ctx;
	int64_t wait_ms = retry_admit(&r->retry, now(r));
	if (wait_ms > 0) {
		again_in(r, wait_ms);
		return;
	}
	stop(r);
	if (r->relist) {
		abort_replace(r);
		r->version = 0;
		r->relist = false;
	}
	open_next(r);
}

struct reflector *reflector_new(const struct reflector_config *config)
{
	struct reflector *r = xcalloc(1, sizeof(*r));
	r->config = *config;
	kube_scope_init(&r->scope, config->resource, config->ns, config->field_selector,
			config->label_selector);
	r->config.page = config->page ? config->page : PAGE;
	r->config.watch_seconds = config->watch_seconds ? config->watch_seconds : WATCH_SECONDS;
	r->heard_ms = now(r);
	r->missing_ms = -1;
	retry_init(&r->retry, hash_text(HASH_SEED ^ (uint64_t)kube_client_now_ms(config->client),
					config->resource->plural));
	set_trouble(r, "");
	timer_init(&r->timer, on_timer, r);
	again_in(r, 0);
	return r;
}

void reflector_free(struct reflector *r)
{
	if (!r)
		return;
	stop(r);
	abort_replace(r);
	timer_disarm(kube_client_timers(r->config.client), &r->timer);
	error_clear(&r->failure);
	kube_scope_release(&r->scope);
	free(r->trouble);
	free(r);
}

void reflector_status(const struct reflector *r, struct reflector_status *out)
{
	*out = r->status;
	out->version = r->version;
	out->silent_ms = now(r) - r->heard_ms;
	out->age_ms = r->http ? now(r) - r->opened_ms : 0;
	out->trouble = r->trouble;
}

void reflector_relist(struct reflector *r)
{
	r->relist = true;
	again_in(r, 0);
}
