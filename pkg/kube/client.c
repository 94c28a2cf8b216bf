/*
 * Requests to the API server. A call is either running (http set) or waits in a lane; of writes at
 * most max_writes run, and a background one waits for as long as a lane before it has anything.
 * Within a lane namespaces take turns, for Events of one may come by the hundred. Calls belong to
 * the client until done or cancelled.
 */
#include "pkg/kube/client.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"
#include "pkg/base/turns.h"
#include "pkg/kube/internal.h"

#define MAX_WRITES 32
#define TIMEOUT_MS 40000
#define SLOW_MS 1000
#define MAX_HOLD_MS 60000
#define ANSWER_BYTES ((size_t)8 << 20)
/* The Date header has whole seconds: it is right within half a second of their middle, and the
 * answer took a while to come. */
#define DATE_MIDDLE_MS 500
#define DATE_SLACK_MS 1500

enum lane { LANE_READS, LANE_WRITES, LANE_BACKGROUND, LANES };

struct kube_call {
	TAILQ_ENTRY(kube_call) link; /* of one that runs */
	struct turn turn;            /* of one that waits */
	struct kube_client *client;
	enum lane lane;
	const char *method;
	const char *content_type;
	char *path;
	char *body;
	size_t body_length;
	char *what;             /* "create ScaledObject ns/name" */
	struct http_call *http; /* NULL: waits */
	int64_t timeout_ms;
	int64_t sent_ms; /* of one that runs */
	bool (*may_send)(void *ctx);
	kube_done_fn *done;
	void *ctx;
};

TAILQ_HEAD(call_list, kube_call);

struct kube_client {
	struct transport *transport;
	struct timers *timers;
	char *field_manager;
	unsigned max_writes;
	int64_t timeout_ms;
	struct call_list running;
	struct turns waiting[LANES];
	size_t running_count[LANES];
	size_t waiting_count;
	struct timer hold;
	int64_t held_until; /* monotonic; writes wait before it */
	int64_t anchor_wall, anchor_mono;
};

const struct json_limits kube_answer_limits = {
    .max_bytes = ANSWER_BYTES,
    .max_depth = 64,
    .skip = "managedFields",
};

static void pump(void *ctx);

struct kube_client *kube_client_new(const struct kube_client_config *config)
{
	struct kube_client *client = xcalloc(1, sizeof(*client));
	client->transport = config->transport;
	client->timers = config->timers;
	client->field_manager = xstrdup(config->field_manager);
	client->max_writes = config->max_writes ? config->max_writes : MAX_WRITES;
	client->timeout_ms = config->timeout_ms ? config->timeout_ms : TIMEOUT_MS;
	TAILQ_INIT(&client->running);
	for (size_t i = 0; i < LANES; i++)
		turns_init(&client->waiting[i]);
	timer_init(&client->hold, pump, client);
	client->held_until = timers_now(client->timers);
	client->anchor_mono = timers_now(client->timers);
	client->anchor_wall = clock_wall(timers_clock(client->timers));
	return client;
}

static void call_free(struct kube_call *call)
{
	free(call->path);
	free(call->body);
	free(call->what);
	free(call);
}

/* Out of whichever list it is in; the transport forgets it. */
static void detach(struct kube_call *call)
{
	struct kube_client *client = call->client;
	if (call->http) {
		TAILQ_REMOVE(&client->running, call, link);
		client->running_count[call->lane]--;
	} else {
		turns_remove(&client->waiting[call->lane], &call->turn);
		client->waiting_count--;
	}
}

/* NULL: none waits there. */
static struct kube_call *next_call(struct kube_client *client, enum lane lane)
{
	struct turn *turn = turns_next(&client->waiting[lane]);
	return turn ? (struct kube_call *)((char *)turn - offsetof(struct kube_call, turn)) : NULL;
}

static void drop(struct kube_call *call)
{
	if (call->http)
		transport_cancel(call->client->transport, call->http);
	detach(call);
	call_free(call);
}

void kube_client_free(struct kube_client *client)
{
	if (!client)
		return;
	struct kube_call *call;
	while (!TAILQ_EMPTY(&client->running))
		drop(TAILQ_FIRST(&client->running));
	for (enum lane lane = LANE_READS; lane < LANES; lane++) {
		while ((call = next_call(client, lane)))
			drop(call);
		turns_release(&client->waiting[lane]);
	}
	timer_disarm(client->timers, &client->hold);
	free(client->field_manager);
	free(client);
}

struct timers *kube_client_timers(struct kube_client *client)
{
	return client->timers;
}

struct transport *kube_client_transport(struct kube_client *client)
{
	return client->transport;
}

/* ---- answers ---- */

static void note_answer(struct kube_client *client, const struct http_response *response,
			const struct error *err, const struct error *failure)
{
	/* Of an answer that was cut off the date may be as old as the time-out is long. */
	if (response->date_ms && err->kind == ERROR_NONE)
		kube_client_saw_date(client, response->date_ms);
	if (failure->retry_after_ms <= 0 ||
	    (failure->kind != ERROR_THROTTLED && failure->status != 503) ||
	    kube_error_of_webhook(failure))
		return;
	int64_t wait =
	    failure->retry_after_ms < MAX_HOLD_MS ? failure->retry_after_ms : MAX_HOLD_MS;
	int64_t until = timers_now(client->timers) + wait;
	if (until > client->held_until)
		client->held_until = until;
}

/* NULL with failure set. */
static const struct json *read_answer(const struct kube_call *call,
				      const struct http_response *response, const struct error *err,
				      struct arena *arena, struct error *failure)
{
	CLEANUP(error_clear) struct error why = ERROR_INIT;
	struct json *object;
	if (err->kind != ERROR_NONE) {
		error_set(failure, err->kind, "%s: %s", call->what, error_text(err));
		return NULL;
	}
	if (response->status < 200 || response->status >= 300) {
		if (!kube_error_decode(response, failure))
			error_wrap(failure, "%s", call->what);
		return NULL;
	}
	if (json_parse(response->body ? response->body : "", response->length, &kube_answer_limits,
		       arena, &object, &why) &&
	    json_is(object, JSON_OBJECT))
		return object;
	error_set(failure, ERROR_TRANSIENT, "%s: unreadable answer: %s", call->what,
		  why.message ? why.message : "no object");
	failure->status = response->status;
	return NULL;
}

static void on_done(void *ctx, const struct http_response *response, const struct error *err)
{
	struct kube_call *call = ctx;
	struct kube_client *client = call->client;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error failure = ERROR_INIT;
	const struct json *object = read_answer(call, response, err, arena, &failure);
	note_answer(client, response, err, &failure);
	detach(call);
	call->done(call->ctx, object, &failure);
	call_free(call);
	pump(client);
}

/* ---- starting ---- */

static bool on_leaving(void *ctx)
{
	const struct kube_call *call = ctx;
	return !call->may_send || call->may_send(call->ctx);
}

static void start(struct kube_call *call)
{
	static const struct http_events events = {.done = on_done};
	struct kube_client *client = call->client;
	struct http_request request = {.method = call->method,
				       .path = call->path,
				       .content_type = call->content_type,
				       .body = call->body,
				       .body_length = call->body_length,
				       .timeout_ms = call->timeout_ms,
				       .max_body = ANSWER_BYTES,
				       .leaving = on_leaving};
	turns_remove(&client->waiting[call->lane], &call->turn);
	client->waiting_count--;
	TAILQ_INSERT_TAIL(&client->running, call, link);
	client->running_count[call->lane]++;
	call->sent_ms = timers_now(client->timers);
	call->http = transport_start(client->transport, &request, &events, call);
}

/* Those that run are in the order in which they were sent. *wait_ms: until the next one of those
 * that are not slow yet is; 0: there is none. */
static size_t slow_writes(const struct kube_client *client, int64_t *wait_ms)
{
	int64_t now = timers_now(client->timers);
	const struct kube_call *call;
	size_t slow = 0;
	*wait_ms = 0;
	TAILQ_FOREACH(call, &client->running, link)
	{
		/* cppcheck-suppress uninitvar ; TAILQ_FOREACH sets it */
		if (call->lane == LANE_READS)
			continue;
		*wait_ms = call->sent_ms + SLOW_MS - now;
		if (*wait_ms > 0)
			return slow;
		slow++;
	}
	*wait_ms = 0;
	return slow;
}

static bool has_room(const struct kube_client *client, enum lane lane, size_t slow)
{
	size_t writes = client->running_count[LANE_WRITES] + client->running_count[LANE_BACKGROUND];
	size_t quarter = client->max_writes / 4 > 0 ? client->max_writes / 4 : 1;
	size_t brisk = slow + quarter < client->max_writes ? client->max_writes - slow : quarter;
	if (writes - slow >= brisk || writes >= 3 * (size_t)client->max_writes)
		return false;
	return lane == LANE_WRITES || client->running_count[lane] < quarter;
}

/* Lane by lane: a background write starts only where no other waits. */
static void pump(void *ctx)
{
	struct kube_client *client = ctx;
	struct kube_call *call;
	int64_t held = client->held_until - timers_now(client->timers), wait_ms;
	while ((call = next_call(client, LANE_READS)))
		start(call);
	size_t slow = slow_writes(client, &wait_ms);
	for (enum lane lane = LANE_WRITES; held <= 0 && lane < LANES; lane++) {
		while (has_room(client, lane, slow) && (call = next_call(client, lane)))
			start(call);
	}
	if (held > 0 || wait_ms <= 0)
		wait_ms = held > 0 ? held : SLOW_MS;
	if (client->waiting_count > 0)
		timer_arm(client->timers, &client->hold, wait_ms);
	else
		timer_disarm(client->timers, &client->hold);
}

static void add_parameter(struct strbuf *path, const char *name, const char *value)
{
	strbuf_addch(path, strchr(path->buf, '?') ? '&' : '?');
	strbuf_addf(path, "%s=", name);
	kube_escape(value, path);
}

static char *build_path(const struct kube_client *client, const struct kube_request *request)
{
	struct strbuf path = STRBUF_INIT;
	bool create = request->verb == KUBE_CREATE;
	kube_resource_path(request->resource, request->ns, create ? NULL : request->name,
			   request->subresource, &path);
	if (create || request->verb == KUBE_PATCH) {
		add_parameter(&path, "fieldManager", client->field_manager);
		if (request->strict)
			add_parameter(&path, "fieldValidation", "Strict");
	}
	return strbuf_take(&path);
}

static char *describe(const struct kube_request *request)
{
	static const char *const verbs[] = {"get", "create", "patch", "delete"};
	struct strbuf what = STRBUF_INIT;
	strbuf_addf(&what, "%s %s ", verbs[request->verb], request->resource->kind);
	if (request->ns && request->ns[0])
		strbuf_addf(&what, "%s/", request->ns);
	strbuf_addstr(&what, request->name ? request->name : "");
	if (request->subresource)
		strbuf_addf(&what, " (%s)", request->subresource);
	return strbuf_take(&what);
}

static void set_body(struct kube_call *call, const struct kube_request *request)
{
	struct strbuf body = STRBUF_INIT;
	if (!request->body)
		return;
	json_write(request->body, &body);
	call->body_length = body.len;
	call->body = strbuf_take(&body);
	call->content_type =
	    request->verb == KUBE_PATCH ? "application/merge-patch+json" : "application/json";
}

struct kube_call *kube_client_send(struct kube_client *client, const struct kube_request *request,
				   kube_done_fn *done, void *ctx)
{
	static const char *const methods[] = {"GET", "POST", "PATCH", "DELETE"};
	struct kube_call *call = xcalloc(1, sizeof(*call));
	call->client = client;
	call->done = done;
	call->ctx = ctx;
	call->method = methods[request->verb];
	call->path = build_path(client, request);
	call->what = describe(request);
	set_body(call, request);
	call->may_send = request->may_send;
	call->timeout_ms = request->timeout_ms ? request->timeout_ms : client->timeout_ms;
	call->lane = LANE_READS;
	if (request->verb != KUBE_GET && !request->urgent)
		call->lane = request->background ? LANE_BACKGROUND : LANE_WRITES;
	turns_add(&client->waiting[call->lane], &call->turn, request->ns ? request->ns : "");
	client->waiting_count++;
	pump(client);
	return call;
}

void kube_client_cancel(struct kube_client *client, struct kube_call *call)
{
	CHECK(call->client == client);
	drop(call);
	pump(client);
}

size_t kube_client_in_flight(const struct kube_client *client)
{
	return client->running_count[LANE_WRITES] + client->running_count[LANE_BACKGROUND] +
	       client->waiting_count;
}

void kube_client_stats(const struct kube_client *client, struct kube_client_stats *out)
{
	int64_t held_ms = client->held_until - timers_now(client->timers);
	*out = (struct kube_client_stats){
	    .reads = client->running_count[LANE_READS],
	    .writes = client->running_count[LANE_WRITES],
	    .background = client->running_count[LANE_BACKGROUND],
	    .waiting = client->waiting_count,
	    .held_ms = held_ms > 0 ? held_ms : 0,
	    .ahead_ms = kube_client_now_ms(client) - clock_wall(timers_clock(client->timers)),
	};
}

/* ---- time ---- */

int64_t kube_client_now_ms(const struct kube_client *client)
{
	return client->anchor_wall + timers_now(client->timers) - client->anchor_mono;
}

void kube_client_saw_date(struct kube_client *client, int64_t date_ms)
{
	int64_t off = date_ms + DATE_MIDDLE_MS - kube_client_now_ms(client);
	if (off >= -DATE_SLACK_MS && off <= DATE_SLACK_MS)
		return;
	client->anchor_wall += off;
	log_info("the API server's clock differs from the one assumed", F_MS("by", off));
}
