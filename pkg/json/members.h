/* Inside pkg/json: finding members of large objects without reading them all each time. */
#ifndef JSON_MEMBERS_H
#define JSON_MEMBERS_H

#include "pkg/json/json.h"

struct members {
	const struct json *object;
	const struct json_member **sorted; /* owned; NULL while the object is small */
};

struct members members_of(const struct json *object);
void members_release(struct members *members);
/* The last member of that key; NULL if absent. */
const struct json_member *members_find(const struct members *members, const char *key,
				       size_t key_len);

#endif
