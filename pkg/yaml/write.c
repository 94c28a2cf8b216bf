/*
 * Block style as kubectl prints it. `indent` is the column of the collection at hand; its
 * first line is begun by whoever called, the others begin here.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "pkg/base/utf8.h"
#include "pkg/yaml/scalar.h"
#include "pkg/yaml/yaml.h"

/* Longer keys need "? " before them: readers look that far only for the colon. */
#define LONG_KEY 128

enum style { PLAIN, SINGLE_QUOTED, DOUBLE_QUOTED, LITERAL };

/* ---- scalars ---- */

/* Readers refuse it unescaped, or take it for a line break. */
static bool is_special(const char *at, size_t size)
{
	if (size <= 1)
		return size == 0 || ((unsigned char)*at < 0x20 && *at != '\n') || *at == 0x7F;
	return (size == 2 && memcmp(at, "\xC2\xA0", 2) < 0) || /* U+0080 to U+009F */
	       memcmp(at, "\xE2\x80\xA8", size) == 0 || memcmp(at, "\xE2\x80\xA9", size) == 0 ||
	       memcmp(at, "\xEF\xBB\xBF", size) == 0 || memcmp(at, "\xEF\xBF\xBE", size) == 0 ||
	       memcmp(at, "\xEF\xBF\xBF", size) == 0;
}

static bool has_special(const char *text, size_t length)
{
	for (size_t at = 0, size; at < length; at += size) {
		size = utf8_char(text + at, length - at);
		if (is_special(text + at, size))
			return true;
	}
	return false;
}

/* Sexagesimals and dates, which other readers of YAML 1.1 know. */
static bool is_old_number(const char *text, size_t length)
{
	bool digits = false, colon = false;
	for (size_t i = 0; i < length; i++) {
		if (!strchr("0123456789_:.+-TtZ ", text[i]))
			return false;
		digits = digits || (text[i] >= '0' && text[i] <= '9');
		colon = colon || text[i] == ':' || (text[i] == '-' && i == 4);
	}
	return digits && colon;
}

static bool is_ambiguous(const char *text, size_t length)
{
	return scalar_resolve(text, length, NULL) != SCALAR_STRING || is_old_number(text, length) ||
	       (length == 1 && *text == '=') || (length == 2 && memcmp(text, "<<", 2) == 0);
}

static bool is_plain_safe(const char *text, size_t length)
{
	if (text[0] == ' ' || text[length - 1] == ' ' || text[length - 1] == ':')
		return false;
	if (strchr(",[]{}#&*!|>'\"%@`", text[0]))
		return false;
	if (strchr("-?:", text[0]) && (length == 1 || text[1] == ' '))
		return false;
	if (strncmp(text, "---", 3) == 0 || strncmp(text, "...", 3) == 0)
		return false;
	return !memmem(text, length, ": ", 2) && !memmem(text, length, " #", 2);
}

/* A literal begins with more than line breaks and does not end in a space. */
static bool is_literal_safe(const char *text, size_t length)
{
	return text[length - 1] != ' ' && strspn(text, "\n") < length;
}

static enum style style_of(const char *text, size_t length, bool is_key)
{
	if (has_special(text, length) || is_ambiguous(text, length))
		return DOUBLE_QUOTED;
	if (memchr(text, '\n', length))
		return !is_key && is_literal_safe(text, length) ? LITERAL : DOUBLE_QUOTED;
	return is_plain_safe(text, length) ? PLAIN : SINGLE_QUOTED;
}

static void write_single_quoted(const char *text, size_t length, struct strbuf *out)
{
	strbuf_addch(out, '\'');
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\'')
			strbuf_addch(out, '\'');
		strbuf_addch(out, text[i]);
	}
	strbuf_addch(out, '\'');
}

/* The \u escape of a character of two or three bytes. */
static void write_escape(const char *at, size_t size, struct strbuf *out)
{
	uint32_t code = (uint32_t)at[0] & (size == 2 ? 0x1F : 0x0F);
	for (size_t i = 1; i < size; i++)
		code = code << 6 | ((uint32_t)at[i] & 0x3F);
	strbuf_addf(out, "\\u%04x", code);
}

/* JSON's escapes are YAML's; what is special beyond ASCII is YAML's own affair. */
static void write_double_quoted(const char *text, size_t length, struct strbuf *out)
{
	CLEANUP(strbuf_release) struct strbuf json = STRBUF_INIT;
	strbuf_add_json_string(&json, text, length);
	for (size_t at = 0, size; at < json.len; at += size) {
		size = utf8_char(json.buf + at, json.len - at);
		if (size > 1 && is_special(json.buf + at, size))
			write_escape(json.buf + at, size, out);
		else
			strbuf_add(out, json.buf + at, size);
	}
}

static void write_spaces(struct strbuf *out, int count)
{
	strbuf_addf(out, "%*s", count, "");
}

/* "|", an indentation where the first line hides it, and what happens to the last breaks. */
static void write_literal(const char *text, size_t length, int indent, struct strbuf *out)
{
	strbuf_addch(out, '|');
	if (*text == ' ' || *text == '\n')
		strbuf_addch(out, '2');
	if (text[length - 1] != '\n')
		strbuf_addch(out, '-');
	else if (length > 1 && text[length - 2] == '\n')
		strbuf_addch(out, '+');
	strbuf_addch(out, '\n');
	for (size_t at = 0; at < length;) {
		const char *end = memchr(text + at, '\n', length - at);
		size_t line = end ? (size_t)(end - text) - at : length - at;
		if (line > 0)
			write_spaces(out, indent + 2);
		strbuf_add(out, text + at, line);
		strbuf_addch(out, '\n');
		at += line + 1;
	}
}

/* A string with what ends its line. */
static void write_string(const char *text, size_t length, bool is_key, int indent,
			 struct strbuf *out)
{
	switch (style_of(text, length, is_key)) {
	case PLAIN:
		strbuf_add(out, text, length);
		break;
	case SINGLE_QUOTED:
		write_single_quoted(text, length, out);
		break;
	case DOUBLE_QUOTED:
		write_double_quoted(text, length, out);
		break;
	case LITERAL:
		write_literal(text, length, indent, out);
		return;
	}
	if (!is_key)
		strbuf_addch(out, '\n');
}

/* ---- collections ---- */

static void write_value(const struct json *v, int indent, struct strbuf *out);

static bool is_block(const struct json *v)
{
	return v->count > 0;
}

static void write_member(const struct json_member *m, int indent, struct strbuf *out)
{
	bool is_long = m->key_len > LONG_KEY;
	if (is_long)
		strbuf_addstr(out, "? ");
	write_string(m->key, m->key_len, true, indent, out);
	if (is_long) {
		strbuf_addch(out, '\n');
		write_spaces(out, indent);
	}
	strbuf_addch(out, ':');
	if (!is_block(m->value)) {
		strbuf_addch(out, ' ');
		write_value(m->value, indent, out);
		return;
	}
	/* kubectl writes a list's dashes below the key, not behind. */
	int inner = m->value->type == JSON_ARRAY ? indent : indent + 2;
	strbuf_addch(out, '\n');
	write_spaces(out, inner);
	write_value(m->value, inner, out);
}

static void write_collection(const struct json *v, int indent, struct strbuf *out)
{
	for (size_t i = 0; i < v->count; i++) {
		if (i > 0)
			write_spaces(out, indent);
		if (v->type == JSON_OBJECT) {
			write_member(&v->members[i], indent, out);
		} else {
			strbuf_addstr(out, "- ");
			write_value(v->elements[i], is_block(v->elements[i]) ? indent + 2 : indent,
				    out);
		}
	}
}

static void write_value(const struct json *v, int indent, struct strbuf *out)
{
	if (is_block(v)) {
		write_collection(v, indent, out);
	} else if (v->type == JSON_STRING) {
		write_string(v->text, v->length, false, indent, out);
	} else {
		json_write(v, out);
		strbuf_addch(out, '\n');
	}
}

void yaml_write(const struct json *v, struct strbuf *out)
{
	write_value(v, 0, out);
}
