/*
 * Inside pkg/json: yajl behind a small door. Text is pushed in, tokens come out; only
 * tokens.c knows yajl.
 */
#ifndef JSON_TOKENS_H
#define JSON_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "pkg/json/builder.h"

struct tokens;

enum tokens_result {
	TOKENS_OK,
	TOKENS_STOPPED, /* take answered false */
	TOKENS_BROKEN,  /* not JSON: tokens_message says why */
};

/* many: any number of values, else exactly one. Text is NULL except for a number, a string
 * and a key; it is borrowed for the call and not NUL-terminated. */
struct tokens *tokens_new(bool many,
			  bool (*take)(void *ctx, enum json_token token, const char *text,
				       size_t length),
			  void *ctx);
void tokens_free(struct tokens *tokens);
enum tokens_result tokens_feed(struct tokens *tokens, const char *text, size_t length);
enum tokens_result tokens_end(struct tokens *tokens);
/* How much of the text last fed is consumed, the token at hand (or the wrong one) included. */
size_t tokens_consumed(const struct tokens *tokens);
char *tokens_message(struct tokens *tokens); /* yours */

#endif
