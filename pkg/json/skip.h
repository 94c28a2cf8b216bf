/* Tokens of members that nobody wants, dropped before anything is built of them. */
#ifndef JSON_SKIP_H
#define JSON_SKIP_H

#include "pkg/json/tokens.h"

struct json_skip {
	const char *key; /* of the members to drop, wherever they stand; borrowed. NULL: none */
	bool expected;   /* the key was read last */
	unsigned depth;  /* of open containers inside what is dropped */
};

bool json_skip_member(struct json_skip *skip, enum json_token token, const char *text,
		      size_t length);

/* Each token in turn: true if it belongs to what is dropped. Most are no key and in no such member.
 */
static inline bool json_skip_take(struct json_skip *skip, enum json_token token, const char *text,
				  size_t length)
{
	if (token != JSON_TOKEN_KEY && !skip->expected && skip->depth == 0)
		return false;
	return json_skip_member(skip, token, text, length);
}

#endif
