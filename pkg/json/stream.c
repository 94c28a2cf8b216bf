/*
 * The push reader. Tokens go to one of two builders: `value`, whose arena is reset after each
 * delivery, or (list mode) `envelope`, which never sees the member "items". The bytes
 * since `boundary`, where the last value ended, bound what may be held.
 */
#include "pkg/json/stream.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/json/skip.h"

#define DEFAULT_BYTES (8 * 1024 * 1024)
#define DEFAULT_DEPTH 64

struct json_stream {
	struct json_stream_config config;
	struct tokens *tokens;
	struct arena *value_arena, *envelope_arena;
	struct json_builder value, envelope;
	bool expect_items; /* the envelope's key "items" was read last */
	bool in_items;
	struct json_skip skip;
	bool blank;             /* only white space since boundary */
	uint64_t before;        /* bytes fed before the chunk at hand */
	uint64_t boundary;      /* counted from the start of the stream */
	uint64_t envelope_used; /* bytes of the envelope before boundary */
	struct error failure;
};

static bool fail(struct json_stream *s, const char *what)
{
	return error_set(&s->failure, ERROR_INVALID, "%s", what);
}

static bool check_size(struct json_stream *s, uint64_t position)
{
	uint64_t used = position - s->boundary;
	if (!s->in_items)
		used += s->envelope_used;
	if (used <= s->config.max_value_bytes)
		return true;
	return error_set(&s->failure, ERROR_INVALID, "a value is longer than %zu bytes",
			 s->config.max_value_bytes);
}

static void set_boundary(struct json_stream *s, uint64_t position)
{
	s->boundary = position;
	s->blank = true;
}

static bool is_key(enum json_token token, const char *text, size_t length, const char *key)
{
	return token == JSON_TOKEN_KEY && strlen(key) == length && memcmp(text, key, length) == 0;
}

static bool is_open(enum json_token token)
{
	return token == JSON_TOKEN_OPEN_OBJECT || token == JSON_TOKEN_OPEN_ARRAY;
}

/* ---- building and delivering ---- */

static bool build(struct json_stream *s, struct json_builder *builder, enum json_token token,
		  const char *text, size_t length)
{
	if (!json_builder_take(builder, token, text, length))
		return fail(s, builder->problem);
	return true;
}

static bool deliver(struct json_stream *s, struct json_builder *builder, struct arena *arena,
		    bool (*to)(void *ctx, const struct json *value, struct error *err))
{
	struct json *value = builder->root;
	builder->root = NULL;
	if (to && !to(s->config.ctx, value, &s->failure)) {
		CHECK(s->failure.kind != ERROR_NONE);
		return false;
	}
	arena_reset(arena);
	return true;
}

static bool take_value(struct json_stream *s, enum json_token token, const char *text,
		       size_t length, uint64_t position)
{
	if (!build(s, &s->value, token, text, length))
		return false;
	if (!s->value.root)
		return true;
	set_boundary(s, position);
	return deliver(s, &s->value, s->value_arena, s->config.deliver);
}

static bool begin_items(struct json_stream *s, enum json_token token, uint64_t position)
{
	s->expect_items = false;
	if (token == JSON_TOKEN_NULL)
		return true;
	if (token != JSON_TOKEN_OPEN_ARRAY)
		return fail(s, "\"items\" is no list");
	s->envelope_used += position - s->boundary;
	s->in_items = true;
	set_boundary(s, position);
	return true;
}

static bool take_envelope(struct json_stream *s, enum json_token token, const char *text,
			  size_t length, uint64_t position)
{
	if (s->envelope.root || (s->envelope.depth == 0 && token != JSON_TOKEN_OPEN_OBJECT))
		return fail(s, "not one object with \"items\"");
	if (s->envelope.depth == 1 && is_key(token, text, length, "items")) {
		s->expect_items = true;
		return true;
	}
	if (s->expect_items)
		return begin_items(s, token, position);
	if (!build(s, &s->envelope, token, text, length))
		return false;
	if (!s->envelope.root)
		return true;
	set_boundary(s, position);
	if (s->config.envelope &&
	    !s->config.envelope(s->config.ctx, s->envelope.root, &s->failure)) {
		CHECK(s->failure.kind != ERROR_NONE);
		return false;
	}
	return true;
}

static bool take(void *ctx, enum json_token token, const char *text, size_t length)
{
	struct json_stream *s = ctx;
	uint64_t position = s->before + tokens_consumed(s->tokens);
	struct json_builder *builder =
	    s->config.mode == JSON_STREAM_VALUES || s->in_items ? &s->value : &s->envelope;
	/* White space before a value is nobody's: a quiet watch may send it for days. */
	if (s->config.mode == JSON_STREAM_VALUES && s->value.depth == 0 && is_open(token))
		set_boundary(s, position - 1);
	if (!check_size(s, position))
		return false;
	if (json_skip_take(&s->skip, token, text, length)) {
		if (builder->depth + s->skip.depth <= s->config.max_depth)
			return true;
		return fail(s, "nested too deep");
	}
	if (builder == &s->envelope)
		return take_envelope(s, token, text, length, position);
	if (s->in_items && s->value.depth == 0 && token == JSON_TOKEN_CLOSE) {
		s->in_items = false;
		set_boundary(s, position);
		return true;
	}
	return take_value(s, token, text, length, position);
}

/* ---- the interface ---- */

struct json_stream *json_stream_new(const struct json_stream_config *config)
{
	struct json_stream *s = xcalloc(1, sizeof(*s));
	s->config = *config;
	if (s->config.max_value_bytes == 0)
		s->config.max_value_bytes = DEFAULT_BYTES;
	if (s->config.max_depth == 0)
		s->config.max_depth = DEFAULT_DEPTH;
	s->tokens = tokens_new(config->mode == JSON_STREAM_VALUES, take, s);
	s->skip.key = config->skip;
	s->value_arena = arena_new();
	s->envelope_arena = arena_new();
	json_builder_init(&s->value, s->value_arena, s->config.max_depth, false);
	json_builder_init(&s->envelope, s->envelope_arena, s->config.max_depth, false);
	s->blank = true;
	return s;
}

void json_stream_free(struct json_stream *stream)
{
	if (!stream)
		return;
	tokens_free(stream->tokens);
	json_builder_release(&stream->value);
	json_builder_release(&stream->envelope);
	arena_free(stream->value_arena);
	arena_free(stream->envelope_arena);
	error_clear(&stream->failure);
	free(stream);
}

size_t json_stream_bytes(const struct json_stream *stream)
{
	return arena_bytes(stream->value_arena) + arena_bytes(stream->envelope_arena);
}

static bool answer(const struct json_stream *s, struct error *err)
{
	if (s->failure.kind == ERROR_NONE)
		return true;
	error_set(err, s->failure.kind, "%s", error_text(&s->failure));
	if (err) {
		err->status = s->failure.status;
		err->retry_after_ms = s->failure.retry_after_ms;
	}
	return false;
}

static void fail_broken(struct json_stream *s)
{
	char *message = tokens_message(s->tokens);
	fail(s, message);
	free(message);
}

/* yajl passes over more than RFC 8259's white space. */
static bool is_blank(char c)
{
	return c && strchr(" \t\r\n\v\f", c);
}

/* After a chunk: is anything but white space left behind the last value? */
static void pass_blanks(struct json_stream *s, const char *data, size_t length)
{
	size_t from = s->boundary > s->before ? (size_t)(s->boundary - s->before) : 0;
	if (!s->blank)
		return;
	while (from < length && is_blank(data[from]))
		from++;
	s->blank = from == length;
	if (s->config.mode == JSON_STREAM_VALUES)
		s->boundary = s->before + from;
}

bool json_stream_feed(struct json_stream *stream, const char *data, size_t length,
		      struct error *err)
{
	if (stream->failure.kind != ERROR_NONE)
		return answer(stream, err);
	enum tokens_result result = tokens_feed(stream->tokens, data, length);
	if (result == TOKENS_BROKEN)
		fail_broken(stream);
	if (result == TOKENS_OK) {
		pass_blanks(stream, data, length);
		stream->before += length;
		check_size(stream, stream->before);
	}
	return answer(stream, err);
}

bool json_stream_end(struct json_stream *stream, struct error *err)
{
	bool list = stream->config.mode == JSON_STREAM_LIST;
	if (stream->failure.kind != ERROR_NONE || (!list && stream->blank))
		return answer(stream, err);
	enum tokens_result result = tokens_end(stream->tokens);
	/* yajl is content with half a string behind a value, but then it was no blank. */
	if (result == TOKENS_BROKEN || !stream->blank || (list && !stream->envelope.root))
		error_set(&stream->failure, ERROR_TRANSIENT, "the text ended inside a value");
	return answer(stream, err);
}
