/*
 * The fake transport. Calls are kept until release, so that a test may look at what was asked after
 * it was answered.
 */
#include "test/lib/fake_transport.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"

static struct http_call *fake_start(struct transport *transport, const struct http_request *request,
				    const struct http_events *events, void *ctx)
{
	struct fake_transport *fake = (struct fake_transport *)transport;
	struct http_call *call = xcalloc(1, sizeof(*call));
	struct http_call **end = &fake->calls;
	call->request = *request;
	call->request.path = xstrdup(request->path);
	call->request.body = request->body ? xstrndup(request->body, request->body_length) : NULL;
	call->events = *events;
	call->ctx = ctx;
	call->open = true;
	while (*end)
		end = &(*end)->next;
	*end = call;
	fake->count++;
	return call;
}

static void fake_cancel(struct transport *transport, struct http_call *call)
{
	(void)transport;
	CHECK(call->open);
	call->open = false;
	call->cancelled = true;
}

void fake_transport_init(struct fake_transport *fake)
{
	static const struct transport_ops ops = {.start = fake_start, .cancel = fake_cancel};
	*fake = (struct fake_transport){.transport = {&ops}};
}

void fake_transport_release(struct fake_transport *fake)
{
	while (fake->calls) {
		struct http_call *call = fake->calls;
		fake->calls = call->next;
		free((char *)(uintptr_t)call->request.path);
		free((char *)(uintptr_t)call->request.body);
		free(call);
	}
}

size_t fake_open_count(const struct fake_transport *fake)
{
	size_t count = 0;
	for (const struct http_call *call = fake->calls; call; call = call->next)
		count += call->open ? 1 : 0;
	return count;
}

struct http_call *fake_find(const struct fake_transport *fake, const char *method, const char *part)
{
	for (struct http_call *call = fake->calls; call; call = call->next) {
		if (call->open && (!method || strcmp(call->request.method, method) == 0) &&
		    strstr(call->request.path, part))
			return call;
	}
	return NULL;
}

struct http_call *fake_last(const struct fake_transport *fake)
{
	struct http_call *call = fake->calls;
	while (call && call->next)
		call = call->next;
	return call;
}

static void finish(struct fake_transport *fake, struct http_call *call, const char *body,
		   size_t length, enum error_kind kind, const char *message)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct http_response response = {.status = call->status,
					 .date_ms = call->date_ms,
					 .retry_after_ms = fake->retry_after_ms,
					 .body = body,
					 .length = length};
	CHECK(call->open);
	call->open = false;
	fake->retry_after_ms = 0;
	if (kind != ERROR_NONE)
		error_set(&err, kind, "%s", message);
	call->events.done(call->ctx, &response, &err);
}

static bool streams(const struct http_call *call)
{
	return call->request.stream && call->status >= 200 && call->status < 300;
}

void fake_head(struct fake_transport *fake, struct http_call *call, int status)
{
	struct http_response head = {.status = status, .date_ms = fake->date_ms, .body = ""};
	CHECK(call->open && !call->answered);
	call->answered = true;
	call->status = status;
	call->date_ms = fake->date_ms;
	if (streams(call) && call->events.head)
		call->events.head(call->ctx, &head);
}

bool fake_bytes(struct fake_transport *fake, struct http_call *call, const char *data,
		size_t length, size_t piece)
{
	CHECK(call->open && call->answered && streams(call));
	for (size_t at = 0; at < length; at += piece) {
		size_t n = length - at < piece ? length - at : piece;
		/* A copy of its own: an overrun of the reader shows. */
		char *copy = xmalloc(n);
		memcpy(copy, data + at, n);
		bool more = call->events.data(call->ctx, copy, n);
		free(copy);
		if (!more) {
			finish(fake, call, "", 0, ERROR_FATAL, "refused by the reader");
			return false;
		}
		if (!call->open)
			return false; /* cancelled from within */
	}
	return true;
}

bool fake_chunks(struct fake_transport *fake, struct http_call *call, const char *data,
		 size_t piece)
{
	return fake_bytes(fake, call, data, strlen(data), piece);
}

bool fake_chunk(struct fake_transport *fake, struct http_call *call, const char *data)
{
	return fake_chunks(fake, call, data, data[0] ? strlen(data) : 1);
}

void fake_end(struct fake_transport *fake, struct http_call *call)
{
	finish(fake, call, "", 0, ERROR_NONE, NULL);
}

void fake_answer_bytes(struct fake_transport *fake, struct http_call *call, int status,
		       const char *body, size_t length)
{
	fake_head(fake, call, status);
	if (!streams(call))
		finish(fake, call, body, length, ERROR_NONE, NULL);
	else if (fake_bytes(fake, call, body, length, length ? length : 1))
		finish(fake, call, "", 0, ERROR_NONE, NULL);
}

void fake_answer(struct fake_transport *fake, struct http_call *call, int status, const char *body)
{
	fake_answer_bytes(fake, call, status, body, strlen(body));
}

void fake_break(struct fake_transport *fake, struct http_call *call, const char *message)
{
	finish(fake, call, "", 0, ERROR_TRANSIENT, message);
}
