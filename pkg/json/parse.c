/*
 * Parsing a text that is there as a whole. What yajl does not refuse is refused beforehand
 * (bad UTF-8, half surrogates) or by the builder (depth, repeated keys); every error names
 * line and column.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/utf8.h"
#include "pkg/json/skip.h"

#define DEFAULT_BYTES (256 * 1024)
#define DEFAULT_DEPTH 32
/* Keys and values take the time: so many, and one for each of so many bytes allowed. */
#define LEAST_NODES 1024
#define NODE_BYTES 4
#define SKIPPED_WITHIN 2 /* containers: the value and its members */

struct source {
	const char *text;
	size_t length;
	struct error *err;
};

static bool fail_at(const struct source *source, size_t offset, const char *what)
{
	unsigned line = 1;
	size_t line_start = 0;
	for (size_t i = 0; i < offset && i < source->length; i++)
		if (source->text[i] == '\n') {
			line++;
			line_start = i + 1;
		}
	return error_set(source->err, ERROR_INVALID, "%u:%zu: %s", line, offset - line_start + 1,
			 what);
}

/* The value of four hex digits, -1 if they are not. */
static int hex4(const char *text, size_t length)
{
	int value = 0;
	if (length < 4)
		return -1;
	for (size_t i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)text[i];
		if (!isxdigit(c))
			return -1;
		value = value * 16 + (isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
	}
	return value;
}

/* 0 if at is no \u escape of a surrogate, 12 for a proper pair, -1 for a half one. */
static int surrogates_at(const char *at, size_t left)
{
	int high = left >= 2 && at[1] == 'u' ? hex4(at + 2, left - 2) : -1;
	if (high < 0xD800 || high > 0xDFFF)
		return 0;
	bool more = high < 0xDC00 && left >= 8 && at[6] == '\\' && at[7] == 'u';
	int low = more ? hex4(at + 8, left - 8) : -1;
	return low >= 0xDC00 && low <= 0xDFFF ? 12 : -1;
}

/* yajl would put a '?' for a half surrogate and drop what follows it. */
static bool check_surrogates(const struct source *source)
{
	for (size_t at = 0; at < source->length;) {
		const char *escape = memchr(source->text + at, '\\', source->length - at);
		if (!escape)
			return true;
		at = (size_t)(escape - source->text);
		int found = surrogates_at(escape, source->length - at);
		if (found < 0)
			return fail_at(source, at, "half of a surrogate pair");
		at += found > 0 ? (size_t)found : 2;
	}
	return true;
}

static size_t string_end(const struct source *source, size_t at)
{
	for (at++; at < source->length && source->text[at] != '"'; at++)
		if (source->text[at] == '\\')
			at++;
	return at < source->length ? at + 1 : source->length;
}

static size_t token_end(const struct source *source, size_t at)
{
	if (source->text[at] == '"')
		return string_end(source, at);
	size_t end = at;
	while (end < source->length &&
	       (isalnum((unsigned char)source->text[end]) || strchr("+-.", source->text[end])))
		end++;
	return end > at ? end : at + 1;
}

/* yajl tells how far it got, mostly behind the token it stumbled over: where that began. */
static size_t token_start(const struct source *source, size_t offset)
{
	size_t at = 0;
	while (at < source->length) {
		size_t end = token_end(source, at);
		if (end >= offset && !isspace((unsigned char)source->text[at]))
			return at;
		at = end;
	}
	return source->length;
}

/* yajl takes these two for blanks; no JSON text holds them, inside strings or out. */
static bool check_blanks(const struct source *source)
{
	const char *tab = memchr(source->text, '\v', source->length);
	const char *feed = memchr(source->text, '\f', source->length);
	const char *first = tab && (!feed || tab < feed) ? tab : feed;
	return !first || fail_at(source, (size_t)(first - source->text), "invalid character");
}

struct parsing {
	const struct source *source;
	struct json_builder *builder;
	struct tokens *tokens;
	struct json_skip skip;
	size_t nodes, max_nodes;
	size_t end;              /* of the token at hand; of the value, once it is whole */
	size_t line_start, line; /* of end; lines from 0 */
};

/* From the end of one token to the start of the next. */
static void skip_between(struct parsing *p)
{
	const char *text = p->source->text;
	for (; p->end < p->source->length && memchr(" \t\r\n:,", text[p->end], 6); p->end++)
		if (text[p->end] == '\n') {
			p->line++;
			p->line_start = p->end + 1;
		}
	p->builder->line = (uint32_t)p->line + 1;
	p->builder->column = (uint32_t)(p->end - p->line_start) + 1;
}

static bool take(void *ctx, enum json_token token, const char *text, size_t length)
{
	struct parsing *p = ctx;
	struct json_builder *builder = p->builder;
	skip_between(p);
	p->end = tokens_consumed(p->tokens);
	if (token != JSON_TOKEN_CLOSE && p->nodes++ == p->max_nodes) {
		snprintf(builder->problem, sizeof(builder->problem), "too many keys and values");
		return false;
	}
	if (builder->depth > SKIPPED_WITHIN || !json_skip_take(&p->skip, token, text, length))
		return json_builder_take(builder, token, text, length);
	if (builder->depth + p->skip.depth <= builder->max_depth)
		return true;
	snprintf(builder->problem, sizeof(builder->problem), "nested deeper than %u levels",
		 builder->max_depth);
	return false;
}

/* yajl overlooks half a string behind the value. */
static bool check_rest(const struct source *source, size_t end)
{
	while (end < source->length && isspace((unsigned char)source->text[end]))
		end++;
	return end == source->length || fail_at(source, end, "trailing garbage");
}

static bool fail_broken(const struct source *source, struct tokens *tokens, bool ended)
{
	char *message = tokens_message(tokens);
	size_t offset = ended ? source->length : tokens_consumed(tokens);
	while (ended && offset > 0 && isspace((unsigned char)source->text[offset - 1]))
		offset--;
	if (strcmp(message, "premature EOF") == 0)
		offset = source->length;
	else if (!strstr(message, "inside string") && !strstr(message, "inside a string"))
		offset = token_start(source, offset);
	fail_at(source, offset, message);
	free(message);
	return false;
}

static bool parse_source(const struct source *source, size_t max_nodes, const char *skip,
			 struct json_builder *builder)
{
	struct parsing parsing = {
	    .source = source, .builder = builder, .skip = {.key = skip}, .max_nodes = max_nodes};
	struct tokens *tokens = parsing.tokens = tokens_new(false, take, &parsing);
	enum tokens_result result = tokens_feed(tokens, source->text, source->length);
	bool ended = result == TOKENS_OK, whole = builder->root;
	if (ended)
		result = tokens_end(tokens);
	bool ok = result == TOKENS_OK && (!whole || check_rest(source, parsing.end));
	if (result == TOKENS_STOPPED)
		fail_at(source, token_start(source, tokens_consumed(tokens)), builder->problem);
	else if (result == TOKENS_BROKEN)
		fail_broken(source, tokens, ended);
	tokens_free(tokens);
	return ok;
}

bool json_parse(const char *text, size_t length, const struct json_limits *limits,
		struct arena *arena, struct json **out, struct error *err)
{
	size_t max_bytes = limits && limits->max_bytes ? limits->max_bytes : DEFAULT_BYTES;
	unsigned max_depth = limits && limits->max_depth ? limits->max_depth : DEFAULT_DEPTH;
	const struct source source = {text, length, err};
	if (length > max_bytes)
		return error_set(err, ERROR_INVALID,
				 "1:1: %zu bytes are too many, the limit is %zu", length,
				 max_bytes);
	size_t valid = utf8_valid_prefix(text, length);
	if (valid < length)
		return fail_at(&source, valid, "invalid UTF-8");
	if (!check_blanks(&source) || !check_surrogates(&source))
		return false;
	CLEANUP(json_builder_release) struct json_builder builder;
	json_builder_init(&builder, arena, max_depth, true);
	if (!parse_source(&source, LEAST_NODES + max_bytes / NODE_BYTES,
			  limits ? limits->skip : NULL, &builder))
		return false;
	*out = builder.root;
	return true;
}
