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
	int64_t now = model_now_ms(call->wire->model);
	return (struct http_response){.status = call->answer.status,
				      .date_ms = now - now % 1000,
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
static bool feed(struct http_call *call, const char *data, size_t length)
{
	size_t chunk = call->wire->chunk ? call->wire->chunk : length;
	for (size_t at = 0; at < length && !call->given_up; at += chunk) {
		size_t piece = length - at < chunk ? length - at : chunk;
		if (call->idle_ms)
			timer_arm(call->wire->timers, &call->idle, call->idle_ms);
		/* Exactly as long as it is, so that a reader beyond it shows. */
		char *copy = xmalloc(piece);
		memcpy(copy, data + at, piece);
		bool more = call->events.data(call->ctx, copy, piece);
		free(copy);
		if (!more && !call->given_up) {
			CLEANUP(error_clear) struct error err = ERROR_INIT;
			struct http_response response = response_of(call);
			error_set(&err, ERROR_FATAL, "the reader stopped");
			call->state = CALL_OVER;
			call_done(call, &response, &err);
		}
	}
	return !call->given_up;
}

static void finish(struct http_call *call, bool with_body)
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

void tell_answer(struct http_call *call)
{
	bool ok = call->answer.status >= 200 && call->answer.status < 300;
	if (call->lost) {
		call_break(call, "the connection broke");
	} else if (!call->stream || !ok) {
		finish(call, true);
	} else {
		struct http_response head = response_of(call);
		call->events.head(call->ctx, &head);
		if (call->given_up)
			return;
		if (call->watch)
			call->state = CALL_WATCHING;
		else if (feed(call, call->answer.body.buf, call->answer.body.len))
			finish(call, false);
	}
}

/* Applies to all watches at once, as when a server goes. */
static void hit_watches(struct wire *wire, enum fault_kind kind)
{
	CLEANUP(strbuf_release) struct strbuf status = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf line = STRBUF_INIT;
	model_status_body(410, "too old resource version", &status);
	strbuf_addf(&line, "{\"type\":\"ERROR\",\"object\":%.*s}\n", (int)status.len - 1,
		    status.buf);
	/* A callback may start calls (at the head) and cancel its own: look anew after each. */
	for (struct http_call *call = wire->calls; call;) {
		if (call->state != CALL_WATCHING || call->given_up) {
			call = call->next;
			continue;
		}
		bool was_busy = call->busy;
		call->busy = true;
		if (kind == FAULT_WATCH_GONE)
			feed(call, line.buf, line.len);
		if (!call->given_up && kind == FAULT_WATCH_CUT)
			call_break(call, "the connection broke");
		else if (!call->given_up)
			finish(call, false);
		call->busy = was_busy;
		call->state = CALL_OVER;
		call_settle(call);
		call = wire->calls;
	}
}

static bool stalled(const struct wire *wire)
{
	return wire->down || timers_now(wire->timers) < wire->stalled_until_ms;
}

static void tell_event(struct http_call *call, const struct strbuf *line)
{
	struct wire *wire = call->wire;
	const struct fault *fault = wire_next_fault(wire, NULL);
	switch (fault ? fault->kind : FAULT_NONE) {
	case FAULT_WATCH_END:
		if (feed(call, line->buf, line->len))
			hit_watches(wire, FAULT_WATCH_END);
		break;
	case FAULT_WATCH_CUT:
		if (feed(call, line->buf, line->len / 2))
			hit_watches(wire, FAULT_WATCH_CUT);
		break;
	case FAULT_WATCH_GONE:
		model_compact(wire->model);
		hit_watches(wire, FAULT_WATCH_GONE);
		break;
	case FAULT_WATCH_STALL:
		wire->stalled_until_ms = timers_now(wire->timers) + fault->delay_ms;
		feed(call, line->buf, line->len);
		break;
	default:
		feed(call, line->buf, line->len);
		break;
	}
}

void tell_watch(struct http_call *call)
{
	struct wire *wire = call->wire;
	CLEANUP(strbuf_release) struct strbuf line = STRBUF_INIT;
	while (!call->given_up && call->state == CALL_WATCHING && !stalled(wire)) {
		enum model_watch_got got = model_watch_next(call->watch, &line);
		if (got == WATCH_NOTHING)
			break;
		if (got == WATCH_EVENT)
			tell_event(call, &line);
		else if (got == WATCH_OVER)
			finish(call, false);
		else
			feed(call, line.buf, line.len);
	}
	if (call->given_up || call->state != CALL_WATCHING)
		return;
	int64_t wait = model_watch_wait_ms(call->watch);
	int64_t stall = wire->stalled_until_ms - timers_now(wire->timers);
	if (!wire->down)
		timer_arm(wire->timers, &call->step, stall > 0 ? stall : wait);
}
