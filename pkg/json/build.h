/* Inside pkg/json: growing objects and arrays without the search that json_set does. */
#ifndef JSON_BUILD_H
#define JSON_BUILD_H

#include "pkg/json/json.h"

struct json *json_new(struct arena *arena, enum json_type type);
/* text is copied; type is JSON_STRING or JSON_NUMBER. */
struct json *json_new_text(struct arena *arena, enum json_type type, const char *text,
			   size_t length);
/* Appends; key must be in the arena already (or outlive it). */
void json_push_member(struct arena *arena, struct json *object, const char *key, size_t key_len,
		      struct json *value);

#endif
