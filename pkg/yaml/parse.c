/*
 * libyaml's events become the builder's tokens. A text that is JSON goes the JSON way: YAML
 * readers refuse some of it (surrogate pairs).
 */
#include <string.h>
#include <yaml.h>

#include "pkg/base/check.h"
#include "pkg/base/utf8.h"
#include "pkg/json/builder.h"
#include "pkg/yaml/scalar.h"
#include "pkg/yaml/yaml.h"

#define DEFAULT_BYTES (256 * 1024)
#define DEFAULT_DEPTH 32
#define SHOWN_KEY 60
/* Keys and values take libyaml most of its time: so many, and one for each of so many bytes
 * allowed. */
#define LEAST_NODES 1024
#define NODE_BYTES 32

struct reader {
	yaml_parser_t parser;
	yaml_event_t event;
	struct json_builder builder;
	bool (*each)(void *ctx, struct json *document, struct error *err);
	void *ctx;
	struct error *err;
	size_t nodes, max_nodes;
	bool single; /* one document at most */
	bool delivered;
};

static bool fail_at(struct reader *r, const yaml_mark_t *mark, const char *what)
{
	return error_set(r->err, ERROR_INVALID, "%zu:%zu: %s", mark->line + 1, mark->column + 1,
			 what);
}

static bool fail_here(struct reader *r, const char *what)
{
	return fail_at(r, &r->event.start_mark, what);
}

static bool fail_at_offset(const char *text, size_t offset, const char *what, struct error *err)
{
	size_t line = 1, start = 0;
	for (size_t i = 0; i < offset; i++)
		if (text[i] == '\n') {
			line++;
			start = i + 1;
		}
	return error_set(err, ERROR_INVALID, "%zu:%zu: %s", line, offset - start + 1, what);
}

static bool next_event(struct reader *r, const char *text)
{
	yaml_event_delete(&r->event);
	const yaml_parser_t *p = &r->parser;
	if (yaml_parser_parse(&r->parser, &r->event))
		return true;
	CHECK(p->error != YAML_MEMORY_ERROR);
	const char *problem = p->problem ? p->problem : "not YAML";
	if (p->error == YAML_READER_ERROR)
		return fail_at_offset(text, p->problem_offset, problem, r->err);
	return fail_at(r, &p->problem_mark, problem);
}

static bool take(struct reader *r, enum json_token token, const char *text, size_t length)
{
	if (token != JSON_TOKEN_CLOSE && r->nodes++ == r->max_nodes)
		return fail_here(r, "too many keys and values");
	r->builder.line = (uint32_t)r->event.start_mark.line + 1;
	r->builder.column = (uint32_t)r->event.start_mark.column + 1;
	return json_builder_take(&r->builder, token, text, length) ||
	       fail_here(r, r->builder.problem);
}

static bool is_plain(const yaml_event_t *event)
{
	return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool take_key(struct reader *r, const char *text, size_t length)
{
	if (is_plain(&r->event) && length == 2 && memcmp(text, "<<", 2) == 0)
		return fail_here(r, "merge keys (<<) are not supported");
	if (is_plain(&r->event) && scalar_resolve(text, length, NULL) != SCALAR_STRING) {
		CLEANUP(strbuf_release) struct strbuf what = STRBUF_INIT;
		size_t shown = utf8_valid_prefix(text, length < SHOWN_KEY ? length : SHOWN_KEY);
		strbuf_addf(&what, "the key %.*s is no string, put it in quotes", (int)shown, text);
		return fail_here(r, what.buf);
	}
	return take(r, JSON_TOKEN_KEY, text, length);
}

static bool take_scalar(struct reader *r)
{
	const char *text = (const char *)r->event.data.scalar.value;
	size_t length = r->event.data.scalar.length;
	if (json_builder_wants_key(&r->builder))
		return take_key(r, text, length);
	if (!is_plain(&r->event))
		return take(r, JSON_TOKEN_STRING, text, length);
	CLEANUP(strbuf_release) struct strbuf number = STRBUF_INIT;
	switch (scalar_resolve(text, length, &number)) {
	case SCALAR_STRING:
		break;
	case SCALAR_NULL:
		return take(r, JSON_TOKEN_NULL, NULL, 0);
	case SCALAR_TRUE:
		return take(r, JSON_TOKEN_TRUE, NULL, 0);
	case SCALAR_FALSE:
		return take(r, JSON_TOKEN_FALSE, NULL, 0);
	case SCALAR_NUMBER:
		return take(r, JSON_TOKEN_NUMBER, number.buf, number.len);
	case SCALAR_NOT_FINITE:
		return fail_here(r, "infinite numbers and NaN are not supported");
	}
	return take(r, JSON_TOKEN_STRING, text, length);
}

static bool take_start(struct reader *r, enum json_token token)
{
	if (json_builder_wants_key(&r->builder))
		return fail_here(r, "a key is no string");
	return take(r, token, NULL, 0);
}

/* Anchors and tags may stand on any node. */
static bool check_properties(struct reader *r, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return fail_here(r, "anchors are not supported");
	if (tag)
		return fail_here(r, "tags are not supported");
	return true;
}

static bool take_event(struct reader *r)
{
	const yaml_event_t *e = &r->event;
	switch (e->type) {
	case YAML_ALIAS_EVENT:
		return fail_here(r, "aliases are not supported");
	case YAML_SCALAR_EVENT:
		return check_properties(r, e->data.scalar.anchor, e->data.scalar.tag) &&
		       take_scalar(r);
	case YAML_SEQUENCE_START_EVENT:
		return check_properties(r, e->data.sequence_start.anchor,
					e->data.sequence_start.tag) &&
		       take_start(r, JSON_TOKEN_OPEN_ARRAY);
	case YAML_MAPPING_START_EVENT:
		return check_properties(r, e->data.mapping_start.anchor,
					e->data.mapping_start.tag) &&
		       take_start(r, JSON_TOKEN_OPEN_OBJECT);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return take(r, JSON_TOKEN_CLOSE, NULL, 0);
	default:
		return true;
	}
}

static bool is_empty(const yaml_event_t *event)
{
	return event->type == YAML_SCALAR_EVENT && is_plain(event) &&
	       event->data.scalar.length == 0;
}

/* From the start of a document to its end. */
static bool read_document(struct reader *r, const char *text)
{
	const yaml_mark_t start = r->event.start_mark;
	bool empty = true;
	for (bool first = true;; first = false) {
		if (!next_event(r, text))
			return false;
		if (r->event.type == YAML_DOCUMENT_END_EVENT)
			break;
		empty = first && is_empty(&r->event);
		if (!take_event(r))
			return false;
	}
	struct json *document = r->builder.root;
	r->builder.root = NULL;
	if (empty)
		return true;
	if (r->single && r->delivered)
		return fail_at(r, &start, "more than one document");
	r->delivered = true;
	return r->each(r->ctx, document, r->err);
}

static bool read_stream(struct reader *r, const char *text)
{
	do {
		if (!next_event(r, text))
			return false;
		if (r->event.type == YAML_DOCUMENT_START_EVENT && !read_document(r, text))
			return false;
	} while (r->event.type != YAML_STREAM_END_EVENT);
	return true;
}

static bool looks_like_json(const char *text, size_t length)
{
	size_t at = 0;
	while (at < length && memchr(" \t\r\n", text[at], 4))
		at++;
	return at < length && (text[at] == '{' || text[at] == '[');
}

static bool check_text(const char *text, size_t length, size_t max_bytes, struct error *err)
{
	if (length > max_bytes)
		return error_set(err, ERROR_INVALID,
				 "1:1: %zu bytes are too many, the limit is %zu", length,
				 max_bytes);
	size_t valid = utf8_valid_prefix(text, length);
	return valid == length || fail_at_offset(text, valid, "invalid UTF-8", err);
}

static bool read_text(const char *text, size_t length, const struct json_limits *limits,
		      struct arena *arena, struct reader *r)
{
	size_t max_bytes = limits && limits->max_bytes ? limits->max_bytes : DEFAULT_BYTES;
	unsigned max_depth = limits && limits->max_depth ? limits->max_depth : DEFAULT_DEPTH;
	struct json *document;
	if (!check_text(text, length, max_bytes, r->err))
		return false;
	if (looks_like_json(text, length) &&
	    json_parse(text, length, limits, arena, &document, NULL))
		return r->each(r->ctx, document, r->err);
	r->max_nodes = LEAST_NODES + max_bytes / NODE_BYTES;
	CHECK(yaml_parser_initialize(&r->parser));
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)text, length);
	json_builder_init(&r->builder, arena, max_depth, true);
	bool ok = read_stream(r, text);
	json_builder_release(&r->builder);
	yaml_event_delete(&r->event);
	yaml_parser_delete(&r->parser);
	return ok;
}

bool yaml_parse_all(const char *text, size_t length, const struct json_limits *limits,
		    struct arena *arena,
		    bool (*each)(void *ctx, struct json *document, struct error *err), void *ctx,
		    struct error *err)
{
	struct reader r = {.each = each, .ctx = ctx, .err = err};
	return read_text(text, length, limits, arena, &r);
}

static bool keep(void *ctx, struct json *document, struct error *err UNUSED)
{
	*(struct json **)ctx = document;
	return true;
}

bool yaml_parse(const char *text, size_t length, const struct json_limits *limits,
		struct arena *arena, struct json **out, struct error *err)
{
	struct json *only = NULL;
	struct reader r = {.each = keep, .ctx = &only, .err = err, .single = true};
	if (!read_text(text, length, limits, arena, &r))
		return false;
	if (!only)
		return error_set(err, ERROR_INVALID, "1:1: there is no document");
	*out = only;
	return true;
}
