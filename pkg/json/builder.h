/*
 * struct json_builder: makes a tree from a sequence of tokens, for whoever reads a text (the
 * JSON parsers here, YAML next door). Depth is limited, so that nobody who walks the tree
 * need fear for his stack. The caller cares for the grammar: a key before each value of
 * an object, as many closings as openings.
 */
#ifndef JSON_BUILDER_H
#define JSON_BUILDER_H

#include "pkg/json/json.h"

enum json_token {
	JSON_TOKEN_NULL,
	JSON_TOKEN_TRUE,
	JSON_TOKEN_FALSE,
	JSON_TOKEN_NUMBER, /* text: a valid JSON number */
	JSON_TOKEN_STRING,
	JSON_TOKEN_KEY,
	JSON_TOKEN_OPEN_OBJECT,
	JSON_TOKEN_OPEN_ARRAY,
	JSON_TOKEN_CLOSE,
};

struct json_frame;

struct json_builder {
	struct arena *arena; /* may be reset by the owner while root is NULL and depth 0 */
	unsigned max_depth;
	bool refuse_repeats; /* a key twice in one object */
	unsigned depth;
	uint32_t line, column; /* of the token at hand; 0 if the caller keeps no count */
	struct json *root;     /* set once the outermost value is whole; the owner takes it out */
	char problem[560];     /* why json_builder_take answered false */
	struct json_frame *frames;
};

void json_builder_init(struct json_builder *b, struct arena *arena, unsigned max_depth,
		       bool refuse_repeats);
void json_builder_release(struct json_builder *b);
/* text is copied. False: problem says why, and the builder is of no further use. */
MUST_CHECK bool json_builder_take(struct json_builder *b, enum json_token token, const char *text,
				  size_t length);
/* True in an object before a key. */
bool json_builder_wants_key(const struct json_builder *b);

#endif
