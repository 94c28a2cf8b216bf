/*
 * Writing values, compact for the wire and indented for people. Numbers keep their text.
 */
#include "pkg/json/json.h"

#define COMPACT (-1)

static void write_value(const struct json *v, struct strbuf *out, int indent);

static void new_line(struct strbuf *out, int indent)
{
	if (indent == COMPACT)
		return;
	strbuf_addch(out, '\n');
	for (int i = 0; i < indent; i++)
		strbuf_addstr(out, "  ");
}

static void write_members(const struct json *v, struct strbuf *out, int inner)
{
	for (size_t i = 0; i < v->count; i++) {
		if (i > 0)
			strbuf_addch(out, ',');
		new_line(out, inner);
		if (v->type == JSON_OBJECT) {
			strbuf_add_json_string(out, v->members[i].key, v->members[i].key_len);
			strbuf_addstr(out, inner == COMPACT ? ":" : ": ");
			write_value(v->members[i].value, out, inner);
		} else {
			write_value(v->elements[i], out, inner);
		}
	}
}

static void write_container(const struct json *v, struct strbuf *out, int indent)
{
	strbuf_addch(out, v->type == JSON_OBJECT ? '{' : '[');
	write_members(v, out, indent == COMPACT ? COMPACT : indent + 1);
	if (v->count > 0)
		new_line(out, indent);
	strbuf_addch(out, v->type == JSON_OBJECT ? '}' : ']');
}

static void write_value(const struct json *v, struct strbuf *out, int indent)
{
	switch (v->type) {
	case JSON_NULL:
		strbuf_addstr(out, "null");
		break;
	case JSON_BOOL:
		strbuf_addstr(out, v->boolean ? "true" : "false");
		break;
	case JSON_NUMBER:
		strbuf_add(out, v->text, v->length);
		break;
	case JSON_STRING:
		strbuf_add_json_string(out, v->text, v->length);
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		write_container(v, out, indent);
		break;
	}
}

void json_write(const struct json *v, struct strbuf *out)
{
	write_value(v, out, COMPACT);
}

void json_write_pretty(const struct json *v, struct strbuf *out)
{
	write_value(v, out, 0);
}
