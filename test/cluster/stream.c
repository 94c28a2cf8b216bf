/*
 * Watches: the model's lines as a chunked body. MHD asks for bytes when the client can take them;
 * where there are none, the connection is suspended until the model changes or the watch has
 * something to say by itself.
 *
 * Invariant: `line` holds what was begun and not yet sent; nothing is taken from the model before
 * it is empty.
 */
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "test/cluster/devcluster.h"

#define BLOCK ((size_t)32 * 1024)
#define SENT_KEPT ((size_t)1024 * 1024)

struct stream {
	struct exchange *exchange;
	struct model_watch *watch;
	struct strbuf line, sent;
	size_t at, stop; /* in line; the connection breaks at stop (0: it does not) */
	size_t chunk;
	bool over, cut;
	struct timer timer;
};

static void its_time(void *ctx)
{
	struct stream *stream = ctx;
	server_resume(stream->exchange->cluster->server, stream->exchange);
}

static ssize_t wait(struct stream *stream)
{
	struct exchange *exchange = stream->exchange;
	timer_arm(loop_timers(exchange->cluster->loop), &stream->timer,
		  model_watch_wait_ms(stream->watch));
	exchange->suspended = true;
	MHD_suspend_connection(exchange->connection);
	return 0;
}

static void keep_sent(struct stream *stream)
{
	if (stream->exchange->cluster->trace && stream->sent.len + stream->line.len < SENT_KEPT)
		strbuf_add(&stream->sent, stream->line.buf, stream->line.len);
}

/* Fills line; false: there is nothing now, or nothing any more (over). */
static bool next_line(struct stream *stream)
{
	struct exchange *exchange = stream->exchange;
	enum model_watch_got got = model_watch_next(stream->watch, &stream->line);
	stream->at = 0;
	stream->over = got == WATCH_OVER;
	if (got == WATCH_OVER || got == WATCH_NOTHING)
		return false;
	if (got == WATCH_EVENT && faults_hit(&exchange->cluster->faults, POINT_WATCH_CUT,
					     exchange->method, exchange->uri))
		stream->stop = stream->line.len / 2;
	keep_sent(stream);
	return true;
}

static ssize_t take(struct stream *stream, char *buffer, size_t max)
{
	size_t end = stream->stop ? stream->stop : stream->line.len;
	size_t length = end - stream->at;
	length = length < max ? length : max;
	length = stream->chunk && stream->chunk < length ? stream->chunk : length;
	memcpy(buffer, stream->line.buf + stream->at, length);
	stream->at += length;
	stream->cut |= stream->stop && stream->at == stream->stop;
	return (ssize_t)length;
}

static ssize_t more(void *ctx, uint64_t position UNUSED, char *buffer, size_t max)
{
	struct stream *stream = ctx;
	if (stream->cut)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (stream->at == stream->line.len && !next_line(stream))
		return stream->over ? MHD_CONTENT_READER_END_OF_STREAM : wait(stream);
	return take(stream, buffer, max);
}

static struct stream *stream_new(struct exchange *exchange, struct model_watch *watch)
{
	struct stream *stream = xcalloc(1, sizeof(*stream));
	const struct fault_point *chunk =
	    faults_hit(&exchange->cluster->faults, POINT_CHUNK, exchange->method, exchange->uri);
	stream->exchange = exchange;
	stream->watch = watch;
	stream->line = (struct strbuf)STRBUF_INIT;
	stream->sent = (struct strbuf)STRBUF_INIT;
	stream->chunk = chunk ? (size_t)chunk->value : 0;
	timer_init(&stream->timer, its_time, stream);
	return stream;
}

bool stream_open(struct exchange *exchange, const struct model_request *request,
		 struct model_answer *answer)
{
	struct model_watch *watch =
	    model_watch_open_as(exchange->cluster->model, request->path, request->accept, answer);
	if (!watch)
		return false;
	exchange->stream = stream_new(exchange, watch);
	struct MHD_Response *response = MHD_create_response_from_callback(
	    MHD_SIZE_UNKNOWN, BLOCK, more, exchange->stream, NULL);
	CHECK(response);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache, private");
	enum MHD_Result queued =
	    MHD_queue_response(exchange->connection, (unsigned)answer->status, response);
	MHD_destroy_response(response);
	CHECK(queued == MHD_YES);
	return true;
}

bool stream_pending(const struct stream *stream)
{
	return model_watch_pending(stream->watch);
}

void stream_cut(struct stream *stream)
{
	stream->cut = true;
}

const struct strbuf *stream_sent(const struct stream *stream)
{
	return &stream->sent;
}

void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	timer_disarm(loop_timers(stream->exchange->cluster->loop), &stream->timer);
	model_watch_free(stream->watch);
	strbuf_release(&stream->line);
	strbuf_release(&stream->sent);
	free(stream);
}
