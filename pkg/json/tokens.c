/*
 * The one file that knows yajl. Its checks of UTF-8 are loose (overlong forms pass) and it
 * has no depth limit: both are the callers' part.
 */
#include "pkg/json/tokens.h"

#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "pkg/base/check.h"

struct tokens {
	yajl_handle handle;
	bool (*take)(void *ctx, enum json_token token, const char *text, size_t length);
	void *ctx;
};

static int give(void *ctx, enum json_token token, const unsigned char *text, size_t length)
{
	struct tokens *tokens = ctx;
	return tokens->take(tokens->ctx, token, (const char *)text, length);
}

static int on_null(void *ctx)
{
	return give(ctx, JSON_TOKEN_NULL, NULL, 0);
}

static int on_boolean(void *ctx, int value)
{
	return give(ctx, value ? JSON_TOKEN_TRUE : JSON_TOKEN_FALSE, NULL, 0);
}

static int on_number(void *ctx, const char *text, size_t length)
{
	return give(ctx, JSON_TOKEN_NUMBER, (const unsigned char *)text, length);
}

static int on_string(void *ctx, const unsigned char *text, size_t length)
{
	return give(ctx, JSON_TOKEN_STRING, text, length);
}

static int on_key(void *ctx, const unsigned char *text, size_t length)
{
	return give(ctx, JSON_TOKEN_KEY, text, length);
}

static int on_start_map(void *ctx)
{
	return give(ctx, JSON_TOKEN_OPEN_OBJECT, NULL, 0);
}

static int on_start_array(void *ctx)
{
	return give(ctx, JSON_TOKEN_OPEN_ARRAY, NULL, 0);
}

static int on_end(void *ctx)
{
	return give(ctx, JSON_TOKEN_CLOSE, NULL, 0);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_map_key = on_key,
    .yajl_start_map = on_start_map,
    .yajl_end_map = on_end,
    .yajl_start_array = on_start_array,
    .yajl_end_array = on_end,
};

static void *alloc_bytes(void *ctx UNUSED, size_t size)
{
	return xmalloc(size);
}

static void *realloc_bytes(void *ctx UNUSED, void *old, size_t size)
{
	return xrealloc(old, size);
}

static void free_bytes(void *ctx UNUSED, void *old)
{
	free(old);
}

struct tokens *tokens_new(bool many,
			  bool (*take)(void *ctx, enum json_token token, const char *text,
				       size_t length),
			  void *ctx)
{
	yajl_alloc_funcs functions = {alloc_bytes, realloc_bytes, free_bytes, NULL};
	struct tokens *tokens = xcalloc(1, sizeof(*tokens));
	tokens->take = take;
	tokens->ctx = ctx;
	tokens->handle = yajl_alloc(&callbacks, &functions, tokens);
	yajl_config(tokens->handle, yajl_allow_multiple_values, many ? 1 : 0);
	return tokens;
}

void tokens_free(struct tokens *tokens)
{
	if (!tokens)
		return;
	yajl_free(tokens->handle);
	free(tokens);
}

static enum tokens_result result_of(yajl_status status)
{
	switch (status) {
	case yajl_status_ok:
		return TOKENS_OK;
	case yajl_status_client_canceled:
		return TOKENS_STOPPED;
	case yajl_status_error:
		break;
	}
	return TOKENS_BROKEN;
}

enum tokens_result tokens_feed(struct tokens *tokens, const char *text, size_t length)
{
	return result_of(yajl_parse(tokens->handle, (const unsigned char *)text, length));
}

enum tokens_result tokens_end(struct tokens *tokens)
{
	return result_of(yajl_complete_parse(tokens->handle));
}

size_t tokens_consumed(const struct tokens *tokens)
{
	return yajl_get_bytes_consumed(tokens->handle);
}

/* yajl says "parse error: WHAT\n" or "lexical error: WHAT.\n". */
char *tokens_message(struct tokens *tokens)
{
	unsigned char *whole = yajl_get_error(tokens->handle, 0, NULL, 0);
	const char *what = strstr((const char *)whole, "error: ");
	what = what ? what + strlen("error: ") : (const char *)whole;
	size_t length = strcspn(what, "\n");
	if (length > 0 && what[length - 1] == '.')
		length--;
	char *message = xstrndup(what, length);
	yajl_free_error(tokens->handle, whole);
	return message;
}
