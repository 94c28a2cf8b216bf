/*
 * A call's life: SENT --arrives--> ANSWERED (or WATCHING) --told--> gone. The step timer drives it;
 * the limit and idle timers cut it. A call that the client gave up on lives until it arrived, for
 * a request that is on its way cannot be called back.
 *
 * Invariant: callbacks may cancel any call, their own too; a call is freed at the end of the step
 * it is in, or at once outside of one.
 */
#include "test/lib/world_wire_internal.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "test/lib/fake_clock.h"

#define MAX_BODY (8u << 20)
#define TROUBLE_MS 60000
#define STALE_MS 3000

/* ---- a call's beginning and end ---- */

static void call_free(struct http_call *call)
{
	struct timers *timers = call->wire->timers;
	*call->link = call->next;
	if (call->next)
		call->next->link = call->link;
	timer_disarm(timers, &call->step);
	timer_disarm(timers, &call->limit);
	timer_disarm(timers, &call->idle);
	model_watch_free(call->watch);
	model_answer_release(&call->answer);
	strbuf_release(&call->prelude);
	free(call->method);
	free(call->path);
	free(call->content_type);
	free(call->body);
	free(call);
}

/* To be called when a step ends, or something that may have ended the call. */
void call_settle(struct http_call *call)
{
	if (!call->busy && call->given_up && call->state != CALL_SENT)
		call_free(call);
}

static void limit_over(void *ctx)
{
	struct http_call *call = ctx;
	call->busy = true;
	call_break(call, "timed out");
	call->busy = false;
	call_settle(call);
}

static void idle_over(void *ctx)
{
	struct http_call *call = ctx;
	call->busy = true;
	call_break(call, "nothing heard for too long");
	call->busy = false;
	call_settle(call);
}

/* ---- applying ---- */

static void trace(struct wire *wire, const struct http_call *call, const char *outcome)
{
	if (!call->write)
		return;
	wire->writes++;
	struct model_request request = {
	    call->method, call->path, call->content_type, call->body, call->length, NULL, 0};
	if (wire->wrote)
		wire->wrote(wire->wrote_ctx, &request, call->answer.status);
	if (call->event)
		return;
	strbuf_addf(&wire->trace, "%s ", call->method);
	model_describe(wire->model, &request, &wire->trace);
	if (outcome)
		strbuf_addf(&wire->trace, " %s\n", outcome);
	else
		strbuf_addf(&wire->trace, " %d\n", call->answer.status);
}

static void apply(struct wire *wire, struct http_call *call)
{
	struct model_request request = {
	    call->method, call->path, call->content_type, call->body, call->length, NULL, 0};
	if (call->stream && model_is_watch(call->path))
		call->watch = model_watch_open(wire->model, call->path, &call->answer);
	else
		model_handle(wire->model, &request, &call->answer);
	wire->duplicates +=
	    !call->event && strcmp(call->method, "POST") == 0 && call->answer.status == 409;
}

static void crash_due(void *ctx)
{
	struct wire *wire = ctx;
	wire->crash(wire->crash_ctx);
}

static void crash_soon(struct wire *wire)
{
	timer_arm(wire->timers, &wire->crash_timer, 0);
}

/* Not on the request itself, but from here on. */
static void begin_trouble(struct wire *wire, const struct fault *fault)
{
	int64_t now = timers_now(wire->timers);
	struct fake_clock *clock = (struct fake_clock *)timers_clock(wire->timers);

	if (fault->kind == FAULT_DATE) {
		wire->date_off_ms = fault->delay_ms;
		wire->date_until_ms = now + TROUBLE_MS;
	} else if (fault->kind == FAULT_CLOCK) {
		clock->wall += fault->delay_ms;
	} else {
		wire->stale_until_ms = now + STALE_MS;
		crash_soon(wire);
	}
}

/* False: the request goes on its way later. */
static bool arrive_with(struct wire *wire, struct http_call *call, const struct fault *fault)
{
	switch (fault->kind) {
	case FAULT_STATUS:
		answer_fault(call, fault);
		trace(wire, call, NULL);
		return true;
	case FAULT_LOST_REPLY:
		apply(wire, call);
		call->lost = true;
		trace(wire, call, "lost");
		return true;
	case FAULT_DELAY:
		call->delayed = true;
		timer_arm(wire->timers, &call->step, fault->delay_ms);
		return false;
	case FAULT_CRASH_BEFORE:
		crash_soon(wire);
		/* fall through */
	case FAULT_NO_REPLY:
		call->lost = true;
		trace(wire, call, "none");
		return true;
	case FAULT_CRASH_AFTER:
		crash_soon(wire);
		break;
	default:
		begin_trouble(wire, fault);
		break;
	}
	apply(wire, call);
	trace(wire, call, NULL);
	return true;
}

static void open_watch(struct wire *wire, struct http_call *call)
{
	const struct fault *fault = wire_next_fault(wire, TARGET_OPEN, call);

	if (fault && fault->kind == FAULT_OPEN_STATUS)
		answer_fault(call, fault);
	else if (fault)
		call->lost = true;
	else if (timers_now(wire->timers) >= wire->stale_until_ms || !open_stale(call))
		apply(wire, call);
}

static bool arrive(struct wire *wire, struct http_call *call)
{
	const struct fault *fault;

	if (call->stream && model_is_watch(call->path)) {
		open_watch(wire, call);
		return true;
	}
	fault = call->delayed ? NULL : wire_next_fault(wire, TARGET_REQUEST, call);
	if (fault)
		return arrive_with(wire, call, fault);
	apply(wire, call);
	trace(wire, call, NULL);
	return true;
}

static void step_due(void *ctx)
{
	struct http_call *call = ctx;
	struct wire *wire = call->wire;
	if (wire->down)
		return;
	call->busy = true;
	if (call->state == CALL_SENT) {
		if (arrive(wire, call)) {
			call->state = CALL_ANSWERED;
			timer_arm(wire->timers, &call->step, WIRE_BACK_MS);
		}
	} else if (call->state == CALL_ANSWERED) {
		tell_answer(call);
	}
	if (call->state == CALL_WATCHING)
		tell_watch(call);
	call->busy = false;
	call_settle(call);
}

void wire_model_changed(struct wire *wire)
{
	int64_t due = timers_now(wire->timers) + WIRE_BACK_MS;
	for (struct http_call *call = wire->calls; call; call = call->next)
		if (call->state == CALL_WATCHING &&
		    (!timer_armed(&call->step) || call->step.due_ms > due))
			timer_arm(wire->timers, &call->step, WIRE_BACK_MS);
}

static void model_changed(void *ctx)
{
	wire_model_changed(ctx);
}

void wire_on_write(struct wire *wire,
		   void (*wrote)(void *ctx, const struct model_request *request, int status),
		   void *ctx)
{
	wire->wrote = wrote;
	wire->wrote_ctx = ctx;
}

/* ---- struct transport ---- */

static char *copy_text(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static struct http_call *wire_start(struct transport *transport, const struct http_request *request,
				    const struct http_events *events, void *ctx)
{
	struct wire *wire = (struct wire *)transport;
	struct http_call *call = xcalloc(1, sizeof(*call));
	call->wire = wire;
	call->method = xstrdup(request->method);
	call->path = xstrdup(request->path);
	call->content_type = copy_text(request->content_type);
	call->body = xstrndup(request->body ? request->body : "", request->body_length);
	call->length = request->body_length;
	call->stream = request->stream;
	call->write = strcmp(request->method, "GET") != 0;
	call->event = strstr(request->path, "/events") != NULL;
	call->max_body = request->max_body ? request->max_body : MAX_BODY;
	call->idle_ms = request->idle_ms;
	call->events = *events;
	call->ctx = ctx;
	call->answer = (struct model_answer)MODEL_ANSWER_INIT;
	call->prelude = (struct strbuf)STRBUF_INIT;
	timer_init(&call->step, step_due, call);
	timer_init(&call->limit, limit_over, call);
	timer_init(&call->idle, idle_over, call);
	timer_arm(wire->timers, &call->step, WIRE_THERE_MS);
	if (request->timeout_ms)
		timer_arm(wire->timers, &call->limit, request->timeout_ms);
	if (request->idle_ms)
		timer_arm(wire->timers, &call->idle, request->idle_ms);
	wire->reads += !call->write;
	call->next = wire->calls;
	call->link = &wire->calls;
	if (call->next)
		call->next->link = &call->next;
	wire->calls = call;
	return call;
}

static void wire_cancel(struct transport *transport UNUSED, struct http_call *call)
{
	CHECK(!call->given_up);
	call->given_up = true;
	timer_disarm(call->wire->timers, &call->limit);
	timer_disarm(call->wire->timers, &call->idle);
	if (call->state != CALL_SENT)
		call->state = CALL_OVER;
	call_settle(call);
}

static const struct transport_ops wire_ops = {wire_start, wire_cancel};

struct wire *wire_new(struct timers *timers, struct model *model, const struct fault *faults,
		      size_t fault_count, size_t chunk, void (*crash)(void *ctx), void *ctx)
{
	struct wire *wire = xcalloc(1, sizeof(*wire));
	CHECK(fault_count <= MAX_FAULTS);
	wire->transport.ops = &wire_ops;
	wire->timers = timers;
	wire->model = model;
	if (fault_count)
		memcpy(wire->faults, faults, fault_count * sizeof(faults[0]));
	wire->fault_count = fault_count;
	wire->chunk = chunk;
	wire->crash = crash;
	wire->crash_ctx = ctx;
	timer_init(&wire->crash_timer, crash_due, wire);
	timer_init(&wire->lose_timer, wire_lose_over, wire);
	wire->trace = (struct strbuf)STRBUF_INIT;
	model_on_change(model, model_changed, wire);
	return wire;
}

void wire_free(struct wire *wire)
{
	if (!wire)
		return;
	CHECK(wire_unused(wire));
	model_on_change(wire->model, NULL, NULL);
	while (wire->calls)
		call_free(wire->calls);
	timer_disarm(wire->timers, &wire->crash_timer);
	timer_disarm(wire->timers, &wire->lose_timer);
	strbuf_release(&wire->trace);
	free(wire);
}

struct transport *wire_transport(struct wire *wire)
{
	return &wire->transport;
}

void wire_down(struct wire *wire, bool down)
{
	wire->down = down;
	for (struct http_call *call = wire->calls; !down && call; call = call->next)
		timer_arm(wire->timers, &call->step, WIRE_THERE_MS);
}

/* ---- looking at it ---- */

bool wire_quiet(const struct wire *wire)
{
	if (timer_armed(&wire->crash_timer) || timer_armed(&wire->lose_timer))
		return false;
	for (const struct http_call *call = wire->calls; call; call = call->next)
		if (call->state != CALL_WATCHING || model_watch_pending(call->watch))
			return false;
	return true;
}

bool wire_unused(const struct wire *wire)
{
	for (const struct http_call *call = wire->calls; call; call = call->next)
		if (!call->given_up)
			return false;
	return true;
}

unsigned wire_duplicates(const struct wire *wire)
{
	return wire->duplicates;
}

size_t wire_watches(const struct wire *wire)
{
	size_t count = 0;
	for (const struct http_call *call = wire->calls; call; call = call->next)
		count += call->state == CALL_WATCHING;
	return count;
}

uint64_t wire_reads(const struct wire *wire)
{
	return wire->reads;
}

const char *wire_trace(const struct wire *wire)
{
	return wire->trace.buf;
}

void wire_trace_clear(struct wire *wire)
{
	strbuf_reset(&wire->trace);
	wire->writes = 0;
}

size_t wire_writes(const struct wire *wire)
{
	return wire->writes;
}
