/* Invariant: expected or depth > 0 exactly while the tokens are those of a member's value. */
#include "pkg/json/skip.h"

#include <string.h>

bool json_skip_member(struct json_skip *skip, enum json_token token, const char *text,
		      size_t length)
{
	if (skip->depth > 0 || skip->expected) {
		skip->expected = false;
		if (token == JSON_TOKEN_OPEN_OBJECT || token == JSON_TOKEN_OPEN_ARRAY)
			skip->depth++;
		else if (token == JSON_TOKEN_CLOSE)
			skip->depth--;
		return true;
	}
	skip->expected = token == JSON_TOKEN_KEY && skip->key && strlen(skip->key) == length &&
			 memcmp(text, skip->key, length) == 0;
	return skip->expected;
}
