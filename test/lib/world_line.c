/*
 * A call's life: QUEUED -> SENT -> gone. What the far side says is copied into news and told by a
 * timer of the replica's. Invariant: a call is freed at the end of the step that it is in.
 */
#include "test/lib/world_line.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"

enum news_kind { NEWS_HEAD, NEWS_DATA, NEWS_DONE };

struct news {
	struct news *next;
	enum news_kind kind;
	struct http_response response;
	char *text; /* owned; the body, or data */
	size_t length;
	struct error err;
};

struct http_call {
	struct line *line;
	struct http_call *next, **link;
	struct http_request request; /* texts owned */
	struct http_events events;
	void *ctx;
	struct http_call *far; /* NULL: not there yet, or over */
	struct news *news, **end;
	struct timer leave, tell, limit, idle;
	bool queued, streaming, busy, over;
};

struct line {
	struct transport transport;
	struct timers *timers;
	struct transport *far;
	void (*leaves)(void *ctx, const struct http_request *request);
	void *ctx;
	struct http_call *calls;
	bool cut;
};

static void news_free(struct news *news)
{
	free(news->text);
	error_clear(&news->err);
	free(news);
}

static void call_free(struct http_call *call)
{
	struct timers *timers = call->line->timers;

	*call->link = call->next;
	if (call->next)
		call->next->link = call->link;
	timer_disarm(timers, &call->leave);
	timer_disarm(timers, &call->tell);
	timer_disarm(timers, &call->limit);
	timer_disarm(timers, &call->idle);
	while (call->news) {
		struct news *news = call->news;

		call->news = news->next;
		news_free(news);
	}
	free((char *)(uintptr_t)call->request.method);
	free((char *)(uintptr_t)call->request.path);
	free((char *)(uintptr_t)call->request.content_type);
	free((char *)(uintptr_t)call->request.body);
	free(call);
}

/* No callback from now on. */
static void end(struct http_call *call)
{
	if (call->far)
		transport_cancel(call->line->far, call->far);
	call->far = NULL;
	call->over = true;
	if (!call->busy)
		call_free(call);
}

static void finish(struct http_call *call, const struct http_response *response,
		   const struct error *err)
{
	bool was_busy = call->busy;

	call->busy = call->over = true;
	call->events.done(call->ctx, response, err);
	call->busy = was_busy;
	end(call);
}

static void fail(struct http_call *call, const char *why)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct http_response response = {.body = ""};

	error_set(&err, ERROR_TRANSIENT, "%s", why);
	finish(call, &response, &err);
}

static void limit_over(void *ctx)
{
	fail(ctx, "no whole answer in time");
}

static void idle_over(void *ctx)
{
	fail(ctx, "nothing received for too long");
}

/* ---- from the far side ---- */

static struct news *add_news(struct http_call *call, enum news_kind kind, const char *text,
			     size_t length)
{
	struct news *news = xcalloc(1, sizeof(*news));

	news->kind = kind;
	news->text = xstrndup(text, length);
	news->length = length;
	*call->end = news;
	call->end = &news->next;
	timer_arm(call->line->timers, &call->tell, 0);
	return news;
}

static void far_head(void *ctx, const struct http_response *head)
{
	struct http_call *call = ctx;

	if (!call->line->cut)
		add_news(call, NEWS_HEAD, "", 0)->response = *head;
}

static bool far_data(void *ctx, const char *data, size_t length)
{
	struct http_call *call = ctx;

	if (!call->line->cut)
		add_news(call, NEWS_DATA, data, length);
	return true;
}

static void far_done(void *ctx, const struct http_response *response, const struct error *err)
{
	struct http_call *call = ctx;
	struct news *news;

	call->far = NULL;
	if (call->line->cut)
		return;
	news = add_news(call, NEWS_DONE, response->body, response->length);
	news->response = *response;
	if (err->kind != ERROR_NONE)
		error_set(&news->err, err->kind, "%s", error_text(err));
}

/* ---- to the replica ---- */

static void tell_one(struct http_call *call, struct news *news)
{
	if (call->request.idle_ms)
		timer_arm(call->line->timers, &call->idle, call->request.idle_ms);
	news->response.body = news->text;
	news->response.length = news->length;
	if (news->kind == NEWS_HEAD) {
		call->streaming = true;
		call->events.head(call->ctx, &news->response);
	} else if (news->kind == NEWS_DONE) {
		finish(call, &news->response, &news->err);
	} else if (!call->events.data(call->ctx, news->text, news->length) && !call->over) {
		fail(call, "the reader stopped");
	}
}

static void tell_due(void *ctx)
{
	struct http_call *call = ctx;

	call->busy = true;
	while (call->news && !call->over) {
		struct news *news = call->news;

		call->news = news->next;
		if (!call->news)
			call->end = &call->news;
		tell_one(call, news);
		news_free(news);
	}
	call->busy = false;
	if (call->over)
		call_free(call);
}

/* ---- struct transport ---- */

static void leave_due(void *ctx)
{
	static const struct http_events events = {
	    .head = far_head, .data = far_data, .done = far_done};
	struct http_call *call = ctx;
	struct line *line = call->line;
	struct http_request request = call->request;

	if (request.leaving && !request.leaving(call->ctx)) {
		fail(call, "not sent: it was called back in time");
		return;
	}
	call->queued = false;
	line->leaves(line->ctx, &request);
	if (line->cut)
		return;
	/* Time-outs are the replica's. */
	request.timeout_ms = request.idle_ms = 0;
	request.leaving = NULL;
	call->far = transport_start(line->far, &request, &events, call);
}

static char *copy_text(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static struct http_call *line_start(struct transport *transport, const struct http_request *request,
				    const struct http_events *events, void *ctx)
{
	struct line *line = (struct line *)transport;
	struct http_call *call = xcalloc(1, sizeof(*call));

	call->line = line;
	call->request = *request;
	call->request.method = xstrdup(request->method);
	call->request.path = xstrdup(request->path);
	call->request.content_type = copy_text(request->content_type);
	call->request.body = request->body ? xstrndup(request->body, request->body_length) : NULL;
	call->events = *events;
	call->ctx = ctx;
	call->queued = true;
	call->end = &call->news;
	timer_init(&call->leave, leave_due, call);
	timer_init(&call->tell, tell_due, call);
	timer_init(&call->limit, limit_over, call);
	timer_init(&call->idle, idle_over, call);
	timer_arm(line->timers, &call->leave, LINE_LEAVES_MS);
	if (request->timeout_ms)
		timer_arm(line->timers, &call->limit, request->timeout_ms);
	if (request->idle_ms)
		timer_arm(line->timers, &call->idle, request->idle_ms);
	call->next = line->calls;
	call->link = &line->calls;
	if (call->next)
		call->next->link = &call->next;
	line->calls = call;
	return call;
}

static void line_cancel(struct transport *transport UNUSED, struct http_call *call)
{
	CHECK(!call->over);
	end(call);
}

struct line *line_new(struct timers *timers, struct transport *far,
		      void (*leaves)(void *ctx, const struct http_request *request), void *ctx)
{
	static const struct transport_ops ops = {.start = line_start, .cancel = line_cancel};
	struct line *line = xcalloc(1, sizeof(*line));

	line->transport.ops = &ops;
	line->timers = timers;
	line->far = far;
	line->leaves = leaves;
	line->ctx = ctx;
	return line;
}

void line_free(struct line *line)
{
	if (!line)
		return;
	CHECK(!line->calls);
	free(line);
}

struct transport *line_transport(struct line *line)
{
	return &line->transport;
}

/* A connection that comes back is a new one: what was under way on the old one is not told. */
void line_cut(struct line *line, bool cut)
{
	line->cut = cut;
	for (struct http_call *call = line->calls; cut && call; call = call->next) {
		if (call->far)
			transport_cancel(line->far, call->far);
		call->far = NULL;
	}
}

bool line_quiet(const struct line *line)
{
	for (const struct http_call *call = line->calls; call; call = call->next) {
		if (!call->streaming || call->news)
			return false;
	}
	return true;
}
