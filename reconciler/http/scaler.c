/*
 * The ExternalScaler service. Calls that are not answered at once stand in one of two kinds of
 * lists: a revision's streams, and all those that wait for a first page, which have a timer of
 * their own. Invariant: a call is in one list until it is finished or gone, and a revision is in
 * the table exactly while the readings watch it.
 */
#include "reconciler/http/scaler.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "pkg/base/check.h"
#include "pkg/base/table.h"
#include "reconciler/http/question.h"

#define TICK_MS 500     /* streams and what is watched are looked over */
#define WAIT_TICK_MS 50 /* those that wait are */
#define KEY_BYTES (QUESTION_NS_MAX + 1 + QUESTION_REVISION_MAX + 1)

LIST_HEAD(calls, call);

struct call {
	LIST_ENTRY(call) others;
	struct scaler *scaler;
	struct watched *watched;
	struct grpc_call *call;
	struct question question;
	int64_t pushed_ms; /* of a stream, which has not been pushed to while gap_ms is 0 */
	int64_t gap_ms;    /* from there to the next push */
};

struct watched {
	char *ns, *revision;
	int64_t since_ms, asked_ms;
	struct calls streams;
	size_t calls; /* which point here */
};

struct scaler {
	struct scaler_config config;
	struct table *watched; /* NS/REVISION */
	struct calls waiting;
	struct timer tick, wait_tick;
	int64_t unread_ms; /* since when the activators cannot be read; -1: they can */
	bool stranded;     /* for so long that what is at zero has no other way up */
	bool stopped;
	struct scaler_counts counts;
};

static int64_t now_of(const struct scaler *scaler)
{
	return timers_now(scaler->config.timers);
}

static void look(const struct scaler *scaler, const struct watched *watched, struct reading *out)
{
	readings_of(scaler->config.readings, watched->ns, watched->revision, now_of(scaler), out);
}

/* key has room: whoever asks has had the names checked. */
static struct watched *find(const struct scaler *scaler, const char *ns, const char *revision,
			    char key[KEY_BYTES])
{
	snprintf(key, KEY_BYTES, "%s/%s", ns, revision);
	return table_get(scaler->watched, key);
}

/* What a question is about, watched from now on; NULL if too much is. */
static struct watched *watch(struct scaler *scaler, const struct question *question)
{
	char key[KEY_BYTES];
	struct watched *watched = find(scaler, question->ns, question->revision, key);
	bool first = table_count(scaler->watched) == 0;
	if (!watched) {
		if (table_count(scaler->watched) >= SCALER_WATCHED_MAX)
			return NULL;
		watched = xcalloc(1, sizeof(*watched));
		watched->ns = xstrdup(question->ns);
		watched->revision = xstrdup(question->revision);
		watched->since_ms = now_of(scaler);
		table_set(scaler->watched, key, watched);
		readings_watch(scaler->config.readings, watched->ns, watched->revision);
	}
	watched->asked_ms = now_of(scaler);
	if (first) {
		timer_arm(scaler->config.timers, &scaler->tick, TICK_MS);
		if (scaler->config.wake)
			scaler->config.wake(scaler->config.ctx);
	}
	return watched;
}

static void unwatch(struct scaler *scaler, const char *key, struct watched *watched)
{
	CHECK(watched->calls == 0);
	readings_unwatch(scaler->config.readings, watched->ns, watched->revision);
	table_remove(scaler->watched, key);
	free(watched->ns);
	free(watched->revision);
	free(watched);
}

static size_t *count_of(struct call *call)
{
	struct scaler_counts *counts = &call->scaler->counts;
	return call->question.kind == QUESTION_STREAM_IS_ACTIVE ? &counts->streams
								: &counts->waiting;
}

static struct call *call_new(struct scaler *scaler, struct watched *watched, struct calls *list,
			     const struct question *question, struct grpc_call *grpc)
{
	struct call *call = xcalloc(1, sizeof(*call));
	call->scaler = scaler;
	call->watched = watched;
	call->call = grpc;
	call->question = *question;
	LIST_INSERT_HEAD(list, call, others);
	watched->calls++;
	++*count_of(call);
	grpc_call_set(grpc, call);
	return call;
}

static void call_free(struct call *call)
{
	LIST_REMOVE(call, others);
	call->watched->calls--;
	call->watched->asked_ms = now_of(call->scaler);
	--*count_of(call);
	free(call);
}

static void refuse(struct scaler *scaler, struct grpc_call *call, const struct error *err)
{
	static const enum grpc_code codes[] = {
	    [ERROR_INVALID] = GRPC_INVALID_ARGUMENT,
	    [ERROR_NOT_FOUND] = GRPC_NOT_FOUND,
	    [ERROR_THROTTLED] = GRPC_RESOURCE_EXHAUSTED,
	};
	CHECK(err->kind < ARRAY_SIZE(codes) && codes[err->kind]);
	scaler->counts.refused++;
	grpc_finish(call, codes[err->kind], error_text(err));
}

static const char *why_unread(const struct scaler *scaler)
{
	const struct scaler_config *config = &scaler->config;
	return config->unread ? config->unread(config->ctx) : NULL;
}

static void unread(struct scaler *scaler, struct grpc_call *call)
{
	const char *why = why_unread(scaler);
	scaler->counts.unread++;
	grpc_finish(call, GRPC_UNAVAILABLE, why ? why : "no activator has been read yet");
}

static void answer(struct grpc_call *call, const struct question *question,
		   const struct reading *reading)
{
	CLEANUP(strbuf_release) struct strbuf message = STRBUF_INIT;
	question_answer(question, reading, &message);
	grpc_send(call, message.buf, message.len);
	grpc_finish(call, GRPC_OK, NULL);
}

static void push(struct call *stream)
{
	CLEANUP(strbuf_release) struct strbuf message = STRBUF_INIT;
	static const struct reading active = {.active = true};
	question_answer(&stream->question, &active, &message);
	grpc_send(stream->call, message.buf, message.len);
	stream->pushed_ms = now_of(stream->scaler);
	stream->scaler->counts.pushed++;
}

/* Requests have come where there were none. */
static void push_edge(struct call *stream)
{
	int64_t since_ms = now_of(stream->scaler) - stream->pushed_ms;
	bool rested = stream->gap_ms == 0 || since_ms >= SCALER_PUSH_MS;
	if (!rested && since_ms < SCALER_EDGE_MS) {
		/* Later, but no later than that. */
		if (stream->gap_ms > SCALER_EDGE_MS)
			stream->gap_ms = SCALER_EDGE_MS;
		return;
	}
	push(stream);
	if (rested)
		stream->gap_ms = SCALER_PUSH_FIRST_MS;
}

/* They are still there. */
static void push_again(struct call *stream)
{
	if (stream->gap_ms == 0) {
		push_edge(stream);
	} else if (now_of(stream->scaler) - stream->pushed_ms >= stream->gap_ms) {
		push(stream);
		stream->gap_ms *= 2;
		if (stream->gap_ms > SCALER_PUSH_MS)
			stream->gap_ms = SCALER_PUSH_MS;
	}
}

static void rise(void *ctx, const char *ns, const char *revision)
{
	struct scaler *scaler = ctx;
	char key[KEY_BYTES];
	struct watched *watched = find(scaler, ns, revision, key);
	struct call *stream;
	if (!watched)
		return;
	LIST_FOREACH (stream, &watched->streams, others)
		push_edge(stream);
}

static bool look_over(void *ctx, const char *key, void *value)
{
	struct scaler *scaler = ctx;
	struct watched *watched = value;
	struct reading reading = {0};
	struct call *stream;
	if (watched->calls == 0 && now_of(scaler) - watched->asked_ms >= SCALER_WATCH_MS) {
		unwatch(scaler, key, watched);
		return true;
	}
	if (!LIST_EMPTY(&watched->streams))
		look(scaler, watched, &reading);
	if (reading.active || scaler->stranded)
		LIST_FOREACH (stream, &watched->streams, others)
			push_again(stream);
	return true;
}

static void tick(void *ctx)
{
	struct scaler *scaler = ctx;
	int64_t now = now_of(scaler);
	if (!why_unread(scaler))
		scaler->unread_ms = -1;
	else if (scaler->unread_ms < 0)
		scaler->unread_ms = now;
	scaler->stranded = scaler->unread_ms >= 0 && now - scaler->unread_ms >= SCALER_STRANDED_MS;
	table_each(scaler->watched, look_over, scaler);
	if (scaler_needed(scaler)) {
		timer_arm(scaler->config.timers, &scaler->tick, TICK_MS);
	} else {
		scaler->unread_ms = -1;
		scaler->stranded = false;
	}
}

/* Finishes it if there is something to say, or no more to wait for. */
static bool settle(struct scaler *scaler, const struct watched *watched,
		   const struct question *question, struct grpc_call *call)
{
	struct reading reading;
	look(scaler, watched, &reading);
	if (question_answerable(question, &reading))
		answer(call, question, &reading);
	else if (now_of(scaler) - watched->since_ms >= SCALER_WAIT_MS)
		unread(scaler, call);
	else
		return false;
	return true;
}

static void wait_tick(void *ctx)
{
	struct scaler *scaler = ctx;
	for (struct call *call = LIST_FIRST(&scaler->waiting), *next; call; call = next) {
		next = LIST_NEXT(call, others);
		if (settle(scaler, call->watched, &call->question, call->call))
			call_free(call);
	}
	if (!LIST_EMPTY(&scaler->waiting))
		timer_arm(scaler->config.timers, &scaler->wait_tick, WAIT_TICK_MS);
}

/* What is asked about, and that it is watched; false: the call is finished. */
static bool ask(struct scaler *scaler, enum question_kind kind, struct grpc_call *call,
		const void *message, size_t length, struct question *question,
		struct watched **watched)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	scaler->counts.asked++;
	if (question_read(kind, message, length, arena, question, &err)) {
		*watched = watch(scaler, question);
		if (*watched) {
			/* Those read go with the arena. */
			question->ns = (*watched)->ns;
			question->revision = (*watched)->revision;
			return true;
		}
		error_set(&err, ERROR_THROTTLED, "%zu revisions are asked for already",
			  SCALER_WATCHED_MAX);
	}
	refuse(scaler, call, &err);
	return false;
}

static void get_metric_spec(void *ctx, struct grpc_call *call, const void *message, size_t length)
{
	static const struct reading none;
	struct question question;
	struct watched *watched;
	if (ask(ctx, QUESTION_METRIC_SPEC, call, message, length, &question, &watched))
		answer(call, &question, &none);
}

static void ask_reading(struct scaler *scaler, enum question_kind kind, struct grpc_call *call,
			const void *message, size_t length)
{
	struct question question;
	struct watched *watched;
	if (!ask(scaler, kind, call, message, length, &question, &watched) ||
	    settle(scaler, watched, &question, call))
		return;
	call_new(scaler, watched, &scaler->waiting, &question, call);
	if (!timer_armed(&scaler->wait_tick))
		timer_arm(scaler->config.timers, &scaler->wait_tick, WAIT_TICK_MS);
}

static void is_active(void *ctx, struct grpc_call *call, const void *message, size_t length)
{
	ask_reading(ctx, QUESTION_IS_ACTIVE, call, message, length);
}

static void get_metrics(void *ctx, struct grpc_call *call, const void *message, size_t length)
{
	ask_reading(ctx, QUESTION_METRICS, call, message, length);
}

static void stream_is_active(void *ctx, struct grpc_call *call, const void *message, size_t length)
{
	struct scaler *scaler = ctx;
	struct question question;
	struct watched *watched;
	struct reading reading;
	if (!ask(scaler, QUESTION_STREAM_IS_ACTIVE, call, message, length, &question, &watched))
		return;
	if (scaler->stopped) {
		grpc_finish(call, GRPC_OK, NULL);
		return;
	}
	struct call *stream = call_new(scaler, watched, &watched->streams, &question, call);
	look(scaler, watched, &reading);
	if (reading.active || scaler->stranded)
		push_edge(stream);
}

static void stream_metric_spec(void *ctx, struct grpc_call *call, const void *message,
			       size_t length)
{
	(void)ctx;
	(void)message;
	(void)length;
	grpc_finish(call, GRPC_UNIMPLEMENTED,
		    "a target changes with its ScaledObject, which has KEDA ask anew");
}

static void gone(void *ctx, struct grpc_call *call)
{
	(void)ctx;
	call_free(grpc_call_get(call));
}

const struct grpc_method *scaler_methods(size_t *count)
{
#define METHOD(name) "/externalscaler.ExternalScaler/" name
	static const struct grpc_method methods[] = {
	    {METHOD("IsActive"), is_active, gone},
	    {METHOD("StreamIsActive"), stream_is_active, gone},
	    {METHOD("GetMetricSpec"), get_metric_spec, NULL},
	    {METHOD("GetMetrics"), get_metrics, gone},
	    {METHOD("StreamMetricSpec"), stream_metric_spec, NULL},
	};
#undef METHOD
	*count = ARRAY_SIZE(methods);
	return methods;
}

struct scaler *scaler_new(const struct scaler_config *config)
{
	struct scaler *scaler = xcalloc(1, sizeof(*scaler));
	scaler->config = *config;
	scaler->watched = table_new();
	scaler->unread_ms = -1;
	timer_init(&scaler->tick, tick, scaler);
	timer_init(&scaler->wait_tick, wait_tick, scaler);
	readings_on_rise(config->readings, rise, scaler);
	return scaler;
}

bool scaler_needed(const struct scaler *scaler)
{
	return table_count(scaler->watched) > 0;
}

static bool end_streams(void *ctx, const char *key, void *value)
{
	struct watched *watched = value;
	(void)ctx;
	(void)key;
	struct call *stream;
	while ((stream = LIST_FIRST(&watched->streams))) {
		grpc_finish(stream->call, GRPC_OK, NULL);
		call_free(stream);
	}
	return true;
}

void scaler_stop(struct scaler *scaler)
{
	scaler->stopped = true;
	table_each(scaler->watched, end_streams, NULL);
}

static bool forget(void *ctx, const char *key, void *value)
{
	unwatch(ctx, key, value);
	return true;
}

void scaler_free(struct scaler *scaler)
{
	if (!scaler)
		return;
	CHECK(LIST_EMPTY(&scaler->waiting));
	readings_on_rise(scaler->config.readings, NULL, NULL);
	timer_disarm(scaler->config.timers, &scaler->tick);
	timer_disarm(scaler->config.timers, &scaler->wait_tick);
	table_each(scaler->watched, forget, scaler);
	table_free(scaler->watched);
	free(scaler);
}

void scaler_counts(const struct scaler *scaler, struct scaler_counts *out)
{
	*out = scaler->counts;
	out->watched = table_count(scaler->watched);
}
