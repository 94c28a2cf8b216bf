/*
 * Answers on their way back: responses, streams in pieces, watch lines and what faults do to them.
 * Every callback may cancel its call (given_up shows it), and start others.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "test/lib/world_wire_internal.h"

static struct http_response response_of(struct http_call *call)
{
	const struct wire *wire = call->wire;
	int64_t now = model_now_ms(wire->model);
	int64_t off = timers_now(wire->timers) < wire->date_until_ms ? wire->date_off_ms : 0;
	return (struct http_response){.status = call->answer.status,
				      .date_ms = now - now % 1000 + off,
				      .retry_after_ms = call->retry_after_ms,
				      .body = "",
				      .length = 0};
}

static void call_done(struct http_call *call, const struct http_response *response,
		      const struct error *err)
{
	if (call->given_up)
		return;
	call->given_up = true;
	timer_disarm(call->wire->timers, &call->limit);
	timer_disarm(call->wire->timers, &call->idle);
	call->events.done(call->ctx, response, err);
}

void call_break(struct http_call *call, const char *why)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct http_response response = {.body = ""};
	error_set(&err, ERROR_TRANSIENT, "%s", why);
	call->state = call->state == CALL_SENT ? CALL_SENT : CALL_OVER;
	call_done(call, &response, &err);
}

/* ---- telling ---- */

/* False: the call is over. */
static void give_piece(struct http_call *call, const char *data, size_t length)
{
	if (call->idle_ms)
		timer_arm(call->wire->timers, &call->idle, call->idle_ms);
	/* Exactly as long as it is, so that a reader beyond it shows. */
	char *copy = xmalloc(length);
	memcpy(copy, data, length);
	bool more = call->events.data(call->ctx, copy, length);
	free(copy);
	if (!more && !call->given_up) {
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct http_response response = response_of(call);
		error_set(&err, ERROR_FATAL, "the reader stopped");
		call->state = CALL_OVER;
		call_done(call, &response, &err);
	}
}

bool call_feed(struct http_call *call, const char *data, size_t length)
{
	size_t chunk = call->wire->chunk ? call->wire->chunk : length;
	const struct fault *fault = call->watch ? wire_byte_fault(call->wire, &length) : NULL;
	for (size_t at = 0; at < length && !call->given_up; at += chunk)
		give_piece(call, data + at, length - at < chunk ? length - at : chunk);
	if (fault && !call->given_up && fault->kind == FAULT_BYTE_END)
		call_finish(call, false);
	else if (fault && !call->given_up)
		call_break(call, "the connection broke");
	return !call->given_up;
}

void call_finish(struct http_call *call, bool with_body)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct http_response response = response_of(call);
	if (with_body) {
		response.body = call->answer.body.buf;
		response.length = call->answer.body.len;
	}
	if (response.length > call->max_body)
		error_set(&err, ERROR_FATAL, "the answer is too long");
	call->state = CALL_OVER;
	call_done(call, &response, &err);
}

static void begin_watching(struct http_call *call)
{
	call->state = CALL_WATCHING;
	call->listed = !strstr(call->path, "sendInitialEvents") || call->prelude.len > 0;
	if (timers_now(call->wire->timers) < call->wire->flap_until_ms)
		call_finish(call, false);
	else if (call->prelude.len > 0)
		call_feed(call, call->prelude.buf, call->prelude.len);
}

void tell_answer(struct http_call *call)
{
	bool ok = call->answer.status >= 200 && call->answer.status < 300;
	if (call->lost) {
		call_break(call, "the connection broke");
	} else if (!call->stream || !ok) {
		call_finish(call, true);
	} else {
		struct http_response head = response_of(call);
		call->events.head(call->ctx, &head);
		if (call->given_up)
			return;
		if (call->watch)
			begin_watching(call);
		else if (call_feed(call, call->answer.body.buf, call->answer.body.len))
			call_finish(call, false);
	}
}

static bool stalled(const struct http_call *call)
{
	int64_t now = timers_now(call->wire->timers);

	return call->wire->down || now < call->wire->stalled_until_ms || now < call->waits_ms;
}

void tell_watch(struct http_call *call)
{
	struct wire *wire = call->wire;
	CLEANUP(strbuf_release) struct strbuf line = STRBUF_INIT;
	while (!call->given_up && call->state == CALL_WATCHING && !stalled(call)) {
		enum model_watch_got got = model_watch_next(call->watch, &line);
		if (got == WATCH_NOTHING)
			break;
		call->listed = call->listed || got == WATCH_BOOKMARK;
		if (got == WATCH_EVENT)
			tell_event(call, &line);
		else if (got == WATCH_OVER)
			call_finish(call, false);
		else
			call_feed(call, line.buf, line.len);
	}
	if (call->given_up || call->state != CALL_WATCHING)
		return;
	int64_t wait = model_watch_wait_ms(call->watch);
	int64_t until =
	    wire->stalled_until_ms > call->waits_ms ? wire->stalled_until_ms : call->waits_ms;
	int64_t stall = until - timers_now(wire->timers);
	if (!wire->down)
		timer_arm(wire->timers, &call->step, stall > 0 ? stall : wait);
}
