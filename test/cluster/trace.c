/*
 * The trace: what was asked and answered, a JSON line a request, written when the request is over.
 * Bodies and answers are texts, byte for byte where they are UTF-8. A watch's answer is a list of
 * the lines that were sent; a status of 0 means that no answer was given. Tokens are never written.
 */
#include <inttypes.h>
#include <string.h>

#include "test/cluster/devcluster.h"

static void add(struct strbuf *out, const char *key, const char *text, size_t length)
{
	strbuf_addf(out, ",\"%s\":", key);
	strbuf_add_json_string(out, text, length);
}

static void add_text(struct strbuf *out, const char *key, const char *text)
{
	add(out, key, text ? text : "", text ? strlen(text) : 0);
}

static void add_lines(struct strbuf *out, const struct strbuf *text)
{
	const char *end = text->buf + text->len;
	strbuf_addstr(out, ",\"answer\":[");
	for (const char *at = text->buf; at < end;) {
		const char *next = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((next ? next : end) - at);
		strbuf_addstr(out, at == text->buf ? "" : ",");
		strbuf_add_json_string(out, at, length);
		at += length + 1;
	}
	strbuf_addch(out, ']');
}

void trace_write(FILE *file, const struct exchange *exchange, int status,
		 const struct strbuf *answer)
{
	CLEANUP(strbuf_release) struct strbuf line = STRBUF_INIT;
	const struct devcluster *cluster = exchange->cluster;
	int64_t now = timers_now(loop_timers(cluster->loop));
	strbuf_addf(&line, "{\"number\":%" PRIu64 ",\"start\":%" PRId64 ",\"end\":%" PRId64,
		    exchange->number, exchange->at_ms - cluster->start_ms, now - cluster->start_ms);
	add_text(&line, "method", exchange->method);
	add_text(&line, "path", exchange->uri);
	add_text(&line, "accept", exchange->accept);
	add_text(&line, "contentType", exchange->content_type);
	add_text(&line, "userAgent", exchange->user_agent);
	add(&line, "body", exchange->body.buf, exchange->body.len);
	strbuf_addf(&line, ",\"status\":%d,\"watch\":%s", status,
		    exchange->stream ? "true" : "false");
	if (exchange->stream)
		add_lines(&line, answer);
	else
		add(&line, "answer", answer->buf, answer->len);
	strbuf_addstr(&line, "}\n");
	fwrite(line.buf, 1, line.len, file);
	fflush(file);
}
