/*
 * One call. Invariant: the method has it while stage is CALL_HELD, and then alone; its memory lives
 * as long as its stream. The request goes to the method when it has ended, so that a second message
 * or a missing one is known before anything is done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/grpc/framing.h"
#include "pkg/grpc/internal.h"

#define FIELD_OVERHEAD 32 /* RFC 9113 section 6.5.2, SETTINGS_MAX_HEADER_LIST_SIZE */
#define FIELDS_MAX 6
#define REQUEST_MS 10000 /* from its first byte to its last */

/* ---- header fields ---- */

struct fields {
	nghttp2_nv all[FIELDS_MAX];
	size_t count;
	char number[16];
};

/* nghttp2 copies both. */
static void add_field(struct fields *fields, const char *name, const char *value)
{
	CHECK(fields->count < FIELDS_MAX);
	fields->all[fields->count++] =
	    (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
			 strlen(value), NGHTTP2_NV_FLAG_NONE};
}

static void add_head(struct fields *fields, const char *http_status)
{
	add_field(fields, ":status", http_status);
	add_field(fields, "content-type", "application/grpc");
	add_field(fields, "grpc-accept-encoding", "identity");
}

static void add_status(struct fields *fields, const struct grpc_call *call)
{
	snprintf(fields->number, sizeof(fields->number), "%d", (int)call->code);
	add_field(fields, "grpc-status", fields->number);
	if (call->text.len)
		add_field(fields, "grpc-message", call->text.buf);
}

/* ---- the answer ---- */

static void hold(struct grpc_call *call, size_t bytes)
{
	call->connection->held += bytes;
}

static void let_go(struct grpc_call *call, struct strbuf *sb, size_t bytes)
{
	call->connection->held -= bytes;
	strbuf_release(sb);
}

/* Nothing but lack of memory, which aborts, makes nghttp2 refuse what comes here; should it refuse,
 * the client is to hear of it. */
static void submitted(struct grpc_call *call, int result)
{
	if (result != 0)
		nghttp2_submit_rst_stream(call->connection->session, NGHTTP2_FLAG_NONE,
					  call->stream, NGHTTP2_INTERNAL_ERROR);
}

static void send_trailers(struct grpc_call *call)
{
	struct fields fields = {.count = 0};
	add_status(&fields, call);
	submitted(call, nghttp2_submit_trailer(call->connection->session, call->stream, fields.all,
					       fields.count));
}

static ssize_t read_answer(nghttp2_session *session UNUSED, int32_t stream UNUSED, uint8_t *buf,
			   size_t size, uint32_t *flags, nghttp2_data_source *source,
			   void *ctx UNUSED)
{
	struct grpc_call *call = source->ptr;
	size_t length = call->out.len - call->sent;
	if (length > size)
		length = size;
	memcpy(buf, call->out.buf + call->sent, length);
	call->sent += length;
	if (call->sent < call->out.len)
		return (ssize_t)length;
	let_go(call, &call->out, call->sent);
	call->sent = 0;
	if (call->stage == CALL_ENDED) {
		*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
		send_trailers(call);
	} else if (length == 0) {
		return NGHTTP2_ERR_DEFERRED;
	}
	return (ssize_t)length;
}

static void start_answer(struct grpc_call *call)
{
	struct fields fields = {.count = 0};
	nghttp2_data_provider provider = {.source.ptr = call, .read_callback = read_answer};
	add_head(&fields, "200");
	call->answering = true;
	submitted(call, nghttp2_submit_response(call->connection->session, call->stream, fields.all,
						fields.count, &provider));
}

/* Trailers-Only. */
static void answer_status(struct grpc_call *call, const char *http_status)
{
	struct fields fields = {.count = 0};
	add_head(&fields, http_status);
	add_status(&fields, call);
	if (strcmp(http_status, "405") == 0)
		add_field(&fields, "allow", "POST");
	submitted(call, nghttp2_submit_response(call->connection->session, call->stream, fields.all,
						fields.count, NULL));
}

static void end(struct grpc_call *call, const char *http_status, enum grpc_code code,
		const char *message)
{
	call->stage = CALL_ENDED;
	call->code = code;
	if (message)
		framing_add_text(&call->text, message);
	timer_disarm(call->connection->server->timers, &call->deadline);
	let_go(call, &call->in, call->in.len);
	if (call->connection->closing)
		return;
	if (call->answering)
		nghttp2_session_resume_data(call->connection->session, call->stream);
	else
		answer_status(call, http_status);
	connection_poke(call->connection);
}

void grpc_send(struct grpc_call *call, const void *message, size_t length)
{
	uint8_t prefix[FRAMING_PREFIX];
	struct connection *connection = call->connection;
	CHECK(call->stage == CALL_HELD);
	if (connection->closing || connection->told_off)
		return;
	framing_put_prefix(prefix, length);
	strbuf_add(&call->out, prefix, sizeof(prefix));
	strbuf_add(&call->out, message, length);
	hold(call, sizeof(prefix) + length);
	if (call->answering)
		nghttp2_session_resume_data(connection->session, call->stream);
	else
		start_answer(call);
	connection_poke(connection);
	if (connection->held > GRPC_HELD_MAX)
		connection_tell_off(connection, "answers are not read");
}

void grpc_finish(struct grpc_call *call, enum grpc_code code, const char *message)
{
	CHECK(call->stage == CALL_HELD);
	end(call, "200", code, message);
}

void grpc_call_set(struct grpc_call *call, void *own)
{
	call->own = own;
}

void *grpc_call_get(const struct grpc_call *call)
{
	return call->own;
}

/* ---- the request ---- */

static void deadline_passed(void *ctx)
{
	struct grpc_call *call = ctx;
	bool held = call->stage == CALL_HELD;
	end(call, "200", GRPC_DEADLINE_EXCEEDED, "the deadline has passed");
	if (held && call->method->gone)
		call->method->gone(call->ctx, call);
}

struct grpc_call *grpc_call_new(struct connection *connection, int32_t stream)
{
	struct grpc_call *call = xcalloc(1, sizeof(*call));
	call->connection = connection;
	call->stream = stream;
	call->head.timeout_ms = -1;
	call->in = call->out = call->text = (struct strbuf)STRBUF_INIT;
	call->born_ms = server_now(connection->server);
	timer_init(&call->deadline, deadline_passed, call);
	timer_arm(connection->server->timers, &call->deadline, REQUEST_MS);
	/* nghttp2 may be at it for long; idleness begins anew when the last call has ended. */
	timer_disarm(connection->server->timers, &connection->patience);
	LIST_INSERT_HEAD(&connection->calls, call, others);
	connection->call_count++;
	connection->server->call_count++;
	return call;
}

void grpc_call_free(struct grpc_call *call)
{
	bool held = call->stage == CALL_HELD;
	call->stage = CALL_ENDED;
	if (held && call->method->gone)
		call->method->gone(call->ctx, call);
	LIST_REMOVE(call, others);
	call->connection->call_count--;
	call->connection->server->call_count--;
	timer_disarm(call->connection->server->timers, &call->deadline);
	let_go(call, &call->in, call->in.len);
	let_go(call, &call->out, call->out.len);
	strbuf_release(&call->text);
	free(call);
}

static bool is(const char *text, size_t length, const char *name)
{
	return strlen(name) == length && memcmp(text, name, length) == 0;
}

bool grpc_call_header(struct grpc_call *call, const char *name, size_t name_length,
		      const char *value, size_t value_length)
{
	struct call_head *head = &call->head;
	head->bytes += name_length + value_length + FIELD_OVERHEAD;
	if (head->bytes > GRPC_HEADERS_MAX)
		return false;
	if (is(name, name_length, ":method"))
		head->post = is(value, value_length, "POST");
	else if (is(name, name_length, ":path"))
		call->method =
		    server_method(call->connection->server, value, value_length, &call->ctx);
	else if (is(name, name_length, "content-type"))
		head->content_type = framing_content_type(value, value_length);
	else if (is(name, name_length, "grpc-timeout"))
		head->bad_timeout = !framing_timeout(value, value_length, &head->timeout_ms);
	return true;
}

/* "te: trailers" is not asked for: nghttp2 lets no other value through, and not all clients send
 * it. */
void grpc_call_headers_end(struct grpc_call *call)
{
	const struct call_head *head = &call->head;
	if (!head->post)
		end(call, "405", GRPC_INTERNAL, "only POST is served");
	else if (!head->content_type)
		end(call, "415", GRPC_INTERNAL, "the content-type is not application/grpc");
	else if (!call->method)
		end(call, "200", GRPC_UNIMPLEMENTED, "there is no such method");
	else if (head->bad_timeout)
		end(call, "200", GRPC_INTERNAL, "malformed grpc-timeout");
	else if (head->timeout_ms >= 0 && head->timeout_ms < REQUEST_MS)
		timer_arm(call->connection->server->timers, &call->deadline, head->timeout_ms);
}

void grpc_call_data(struct grpc_call *call, const void *data, size_t length)
{
	if (call->stage != CALL_COMING)
		return;
	strbuf_add(&call->in, data, length);
	hold(call, length);
	switch (framing_judge(&call->in, GRPC_MESSAGE_MAX)) {
	case FRAMING_PART:
	case FRAMING_WHOLE:
		if (call->connection->held > GRPC_HELD_MAX)
			end(call, "200", GRPC_RESOURCE_EXHAUSTED, "too many requests at once");
		return;
	case FRAMING_COMPRESSED:
		return end(call, "200", GRPC_UNIMPLEMENTED, "compressed messages are not read");
	case FRAMING_BAD_FLAG:
		return end(call, "200", GRPC_INTERNAL, "malformed prefix of a message");
	case FRAMING_TOO_LONG:
		return end(call, "200", GRPC_RESOURCE_EXHAUSTED,
			   "the message is longer than 65536 bytes");
	case FRAMING_MORE:
		return end(call, "200", GRPC_INTERNAL, "more than one request message");
	}
}

/* From now on only the client's own deadline counts. */
static void await_answer(struct grpc_call *call)
{
	struct grpc_server *server = call->connection->server;
	int64_t timeout_ms = call->head.timeout_ms;
	if (timeout_ms < 0)
		timer_disarm(server->timers, &call->deadline);
	else
		timer_arm(server->timers, &call->deadline,
			  call->born_ms + timeout_ms - server_now(server));
}

void grpc_call_request_end(struct grpc_call *call)
{
	if (call->stage != CALL_COMING)
		return;
	if (framing_judge(&call->in, GRPC_MESSAGE_MAX) != FRAMING_WHOLE) {
		end(call, "200", GRPC_INTERNAL, "the request ends before its message");
		return;
	}
	call->stage = CALL_HELD;
	await_answer(call);
	struct strbuf in = call->in;
	call->in = (struct strbuf)STRBUF_INIT;
	call->method->request(call->ctx, call, in.buf + FRAMING_PREFIX, in.len - FRAMING_PREFIX);
	let_go(call, &in, in.len);
	CHECK(call->stage == CALL_ENDED || call->method->gone);
}
