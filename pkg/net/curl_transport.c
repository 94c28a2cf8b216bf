/*
 * The transport over libcurl: starts, ends and forgets calls. Invariant: every call that was
 * started and not cancelled gets exactly one done, from a timer or from the end of a round,
 * never from inside curl.
 */
#include "pkg/net/curl_transport.h"

#include <stdlib.h>

#include "pkg/base/check.h"
#include "pkg/net/call.h"

#define LATE_MS 2000

static struct curl_transport *own(struct transport *transport)
{
	return (struct curl_transport *)transport;
}

static void call_move(struct http_call *call, enum call_state to)
{
	TAILQ_REMOVE(&call->owner->calls[call->state], call, link);
	call->state = to;
	TAILQ_INSERT_TAIL(&call->owner->calls[to], call, link);
}

static void call_remove(struct http_call *call)
{
	struct curl_transport *transport = call->owner;
	CHECK(!loop_inside_curl(transport->loop));
	curl_multi_remove_handle(loop_multi(transport->loop), call->easy);
	TAILQ_REMOVE(&transport->calls[call->state], call, link);
	timer_disarm(transport->timers, &call->limit);
}

static void drop_all(struct call_list *list)
{
	struct http_call *call;
	while ((call = TAILQ_FIRST(list))) {
		call_remove(call);
		call_free(call);
	}
}

/* One of us does not believe the other. */
static bool is_about_trust(CURLcode result)
{
	return result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CONNECT_ERROR ||
	       result == CURLE_SSL_CERTPROBLEM;
}

static void call_end(struct http_call *call, CURLcode result)
{
	struct curl_transport *transport = call->owner;
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	call_judge(call, result, &err);
	call_remove(call);
	if (call->response.status == 401 || is_about_trust(result))
		identity_doubt(&transport->identity);
	if (transport->finished) {
		bool head = call->stream && call->head_ms;
		int64_t end = head ? call->head_ms : timers_now(transport->timers);
		transport->finished(transport->finished_ctx, call->method, call->response.status,
				    end - call->started_ms);
	}
	/* done may free the transport. */
	call->events.done(call->ctx, &call->response, &err);
	call_free(call);
}

static void on_finished(struct loop_transfer *transfer, CURLcode result)
{
	struct http_call *call = (struct http_call *)transfer;
	if (call->state == CALL_RUNNING)
		call_end(call, result);
}

/* A connection on which nothing was heard for as long as this call waited is taken for dead: shut,
 * so that curl gives the next request a new one instead of the same again. One that has no
 * connection waits for one to be made, or for room on one: then all are doubted, if all are silent.
 */
static void shun_connection(const struct http_call *call, int64_t since_ms)
{
	struct curl_transport *transport = call->owner;
	struct sockets *sockets = loop_sockets(transport->loop);
	long port = call_port(call);
	int64_t last_ms = port ? sockets_heard_ms(sockets, port) : transport->heard_ms;
	if (last_ms <= since_ms)
		sockets_shutdown(sockets, transport, port);
}

static bool out_of_time(const struct http_call *call, int64_t now)
{
	return call->timeout_ms && now >= call->started_ms + call->timeout_ms;
}

static int64_t left_ms(const struct http_call *call)
{
	int64_t now = timers_now(call->owner->timers);
	int64_t whole = call->timeout_ms ? call->started_ms + call->timeout_ms - now : INT64_MAX;
	int64_t idle = call->idle_ms ? call->heard_ms + call->idle_ms - now : INT64_MAX;
	return whole < idle ? whole : idle;
}

static void on_limit(void *ctx)
{
	struct http_call *call = ctx;
	int64_t left = left_ms(call);
	if (call->failure.kind != ERROR_NONE) { /* forbidden to leave */
		call_end(call, CURLE_OK);
		return;
	}
	if (left < -LATE_MS && !call->spared) {
		/* We stood still ourselves: what came meanwhile is read before this is judged. */
		call->spared = true;
		left = 1;
	}
	if (left > 0) {
		timer_arm(call->owner->timers, &call->limit, left);
		return;
	}
	bool timed_out = out_of_time(call, timers_now(call->owner->timers));
	if (timed_out)
		error_set(&call->failure, ERROR_TRANSIENT, "no whole answer within %g s",
			  (double)call->timeout_ms / 1000);
	else
		error_set(&call->failure, ERROR_TRANSIENT, "nothing received for %g s",
			  (double)call->idle_ms / 1000);
	shun_connection(call, timed_out ? call->started_ms : call->heard_ms);
	call_end(call, CURLE_OK);
}

static void settle(void *ctx)
{
	struct curl_transport *transport = ctx;
	struct http_call *call;
	drop_all(&transport->calls[CALL_DEAD]);
	while ((call = TAILQ_FIRST(&transport->calls[CALL_WAITING]))) {
		call_move(call, CALL_RUNNING);
		if (!call_may_leave(call)) {
			call_forbid(call);
			timer_arm(transport->timers, &call->limit, 0);
			continue;
		}
		CURLMcode code = curl_multi_add_handle(loop_multi(transport->loop), call->easy);
		CHECK(code == CURLM_OK);
	}
}

static void settle_soon(struct curl_transport *transport)
{
	if (!timer_armed(&transport->settle))
		timer_arm(transport->timers, &transport->settle, 0);
}

static struct http_call *start(struct transport *base, const struct http_request *request,
			       const struct http_events *events, void *ctx)
{
	struct curl_transport *transport = own(base);
	identity_refresh(&transport->identity, timers_now(transport->timers));
	struct http_call *call = call_new(transport, request, events, ctx);
	call->transfer.finished = on_finished;
	call->state = CALL_WAITING;
	TAILQ_INSERT_TAIL(&transport->calls[CALL_WAITING], call, link);
	settle_soon(transport);
	timer_init(&call->limit, on_limit, call);
	if (call->timeout_ms || call->idle_ms)
		timer_arm(transport->timers, &call->limit, left_ms(call));
	return call;
}

static void cancel(struct transport *base, struct http_call *call)
{
	struct curl_transport *transport = own(base);
	CHECK(call->owner == transport && call->state != CALL_DEAD);
	/* At once where that can be: what curl has not sent yet it would send in this very round.
	 */
	if (!loop_inside_curl(transport->loop)) {
		call_remove(call);
		call_free(call);
		return;
	}
	call_move(call, CALL_DEAD);
	timer_disarm(transport->timers, &call->limit);
	settle_soon(transport);
}

static const struct transport_ops curl_ops = {.start = start, .cancel = cancel};

bool curl_transport_new(struct loop *loop, const struct endpoint *endpoint, struct transport **out,
			struct error *err)
{
	struct curl_transport *transport = xcalloc(1, sizeof(*transport));
	transport->base.ops = &curl_ops;
	transport->loop = loop;
	transport->timers = loop_timers(loop);
	for (int state = 0; state < CALL_STATES; state++)
		TAILQ_INIT(&transport->calls[state]);
	timer_init(&transport->settle, settle, transport);
	if (!identity_init(&transport->identity, endpoint, timers_now(transport->timers), err)) {
		free(transport);
		return false;
	}
	*out = &transport->base;
	return true;
}

void curl_transport_free(struct transport *base)
{
	if (!base)
		return;
	struct curl_transport *transport = own(base);
	for (int state = 0; state < CALL_STATES; state++)
		drop_all(&transport->calls[state]);
	timer_disarm(transport->timers, &transport->settle);
	identity_release(&transport->identity);
	free(transport);
}

void curl_transport_observe(struct transport *base,
			    void (*finished)(void *ctx, const char *method, int status,
					     int64_t duration_ms),
			    void *ctx)
{
	own(base)->finished = finished;
	own(base)->finished_ctx = ctx;
}
