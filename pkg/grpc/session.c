/*
 * nghttp2's callbacks: which call a frame belongs to, and what a peer may not do too often. nghttp2
 * itself holds the frames against RFC 9113, and acknowledges PING and SETTINGS.
 */
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/grpc/internal.h"

/* Streams that are reset within a second of their beginning, or by us because something was wrong
 * with them: as many a second are no accident (CVE-2023-44487, CVE-2025-8671). */
#define RESETS_PER_SECOND 2000
#define RAPID_MS 1000
/* Each may have nghttp2 look at all streams, for a frame of 15 bytes. */
#define SETTINGS_PER_SECOND 100
/* nghttp2's own limit counts all resets; a client may end all its calls at once. */
#define RESETS_BURST (2 * GRPC_STREAMS_MAX)

static void begin_second(struct connection *connection)
{
	int64_t now = server_now(connection->server);
	if (now - connection->second_ms < 1000)
		return;
	connection->second_ms = now;
	connection->resets = connection->settings = 0;
}

static void count_reset(struct connection *connection)
{
	begin_second(connection);
	if (++connection->resets > RESETS_PER_SECOND)
		connection_tell_off(connection, "too many streams are reset");
}

static void count_settings(struct connection *connection)
{
	begin_second(connection);
	if (++connection->settings > SETTINGS_PER_SECOND)
		connection_tell_off(connection, "too many SETTINGS");
}

static struct grpc_call *call_of(nghttp2_session *session, int32_t stream)
{
	return stream ? nghttp2_session_get_stream_user_data(session, stream) : NULL;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct connection *connection = ctx;
	int32_t stream = frame->hd.stream_id;
	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	if (connection->server->call_count >= GRPC_CALLS_MAX || connection->told_off) {
		/* A failure told to nghttp2 would reset the stream once more. */
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream,
					  NGHTTP2_REFUSED_STREAM);
		return 0;
	}
	nghttp2_session_set_stream_user_data(session, stream, grpc_call_new(connection, stream));
	return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_length, const uint8_t *value, size_t value_length,
		     uint8_t flags UNUSED, void *ctx UNUSED)
{
	struct grpc_call *call = call_of(session, frame->hd.stream_id);
	if (!call || grpc_call_header(call, (const char *)name, name_length, (const char *)value,
				      value_length))
		return 0;
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct connection *connection = ctx;
	struct grpc_call *call = call_of(session, frame->hd.stream_id);
	bool ends = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	if (frame->hd.type == NGHTTP2_SETTINGS) {
		connection->begun = true;
		count_settings(connection);
	}
	if (!call)
		return 0;
	if (frame->hd.type == NGHTTP2_RST_STREAM &&
	    server_now(connection->server) - call->born_ms < RAPID_MS)
		count_reset(connection);
	if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		grpc_call_headers_end(call);
	if (ends && (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA))
		grpc_call_request_end(call);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags UNUSED, int32_t stream,
		   const uint8_t *data, size_t length, void *ctx UNUSED)
{
	struct grpc_call *call = call_of(session, stream);
	if (call)
		grpc_call_data(call, data, length);
	return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t code UNUSED,
			   void *ctx UNUSED)
{
	struct grpc_call *call = call_of(session, stream);
	if (call) {
		nghttp2_session_set_stream_user_data(session, stream, NULL);
		grpc_call_free(call);
	}
	return 0;
}

/* Something was wrong with it. NO_ERROR is on_frame_sent's, and that there is no room
 * (REFUSED_STREAM) may be others' doing. */
static bool is_fault(uint32_t code)
{
	return code != NGHTTP2_NO_ERROR && code != NGHTTP2_REFUSED_STREAM;
}

/* An answer that is complete before its request ends the stream (RFC 9113 section 8.1). */
static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	int32_t stream = frame->hd.stream_id;
	if (frame->hd.type == NGHTTP2_RST_STREAM && is_fault(frame->rst_stream.error_code))
		count_reset(ctx);
	if (frame->hd.type == NGHTTP2_HEADERS && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) &&
	    nghttp2_session_get_stream_remote_close(session, stream) == 0)
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_NO_ERROR);
	return 0;
}

static nghttp2_session_callbacks *callbacks_new(void)
{
	nghttp2_session_callbacks *callbacks;
	CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
	return callbacks;
}

static nghttp2_option *option_new(void)
{
	nghttp2_option *option;
	CHECK(nghttp2_option_new(&option) == 0);
	nghttp2_option_set_stream_reset_rate_limit(option, RESETS_BURST, RESETS_BURST);
	nghttp2_option_set_no_closed_streams(option, 1);
	return option;
}

static void *more(void *old, size_t size, void *ctx UNUSED)
{
	return xrealloc(old, size);
}

static void *some(size_t size, void *ctx UNUSED)
{
	return xmalloc(size);
}

static void *zeroed(size_t count, size_t size, void *ctx UNUSED)
{
	return xcalloc(count, size);
}

static void give_back(void *memory, void *ctx UNUSED)
{
	free(memory);
}

nghttp2_session *session_new(struct connection *connection)
{
	static const nghttp2_settings_entry settings[] = {
	    {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, GRPC_STREAMS_MAX},
	    {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, GRPC_HEADERS_MAX},
	    {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
	};
	/* Out of memory aborts there, too. */
	nghttp2_mem memory = {NULL, some, give_back, zeroed, more};
	nghttp2_session_callbacks *callbacks = callbacks_new();
	nghttp2_option *option = option_new();
	nghttp2_session *session;
	CHECK(nghttp2_session_server_new3(&session, callbacks, connection, option, &memory) == 0);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_option_del(option);
	CHECK(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, ARRAY_SIZE(settings)) ==
	      0);
	return session;
}
