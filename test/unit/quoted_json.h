/* JSON in a test's table: single quotes stand for double ones. Bad input ends the program. */
#ifndef TEST_UNIT_QUOTED_JSON_H
#define TEST_UNIT_QUOTED_JSON_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/json/json.h"

static inline struct json *quoted_json(struct arena *arena, const char *text)
{
	char *json = arena_strdup(arena, text);
	struct json *out = NULL;
	struct error err = ERROR_INIT;
	for (char *p = json; (p = strchr(p, '\''));)
		*p = '"';
	if (!json_parse(json, strlen(json), NULL, arena, &out, &err)) {
		fprintf(stderr, "bad test input: %s\n%s\n", error_text(&err), json);
		abort();
	}
	return out;
}

/* Compact text in the arena; "(none)" for NULL. */
static inline const char *json_shown(struct arena *arena, const struct json *v)
{
	if (!v)
		return "(none)";
	struct strbuf out = STRBUF_INIT;
	json_write(v, &out);
	for (char *p = out.buf; (p = strchr(p, '"'));)
		*p = '\'';
	const char *text = arena_strdup(arena, out.buf);
	strbuf_release(&out);
	return text;
}

#endif
