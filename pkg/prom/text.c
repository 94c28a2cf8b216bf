/*
 * A state machine over the bytes of a page. While a name comes, the first wanted name that it may
 * become is kept; a line that can be none is skipped to its newline, what comes behind a wanted
 * name is gathered in rest and taken apart there, in place. Invariant: between lines rest is empty
 * and nothing of the page is held.
 */
#include "pkg/prom/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pkg/base/check.h"
#include "pkg/base/strbuf.h"

enum state { IN_NAME, IN_REST, SKIPPING };

struct prom_text {
	const char *const *wanted;
	void (*sample)(void *ctx, const struct prom_sample *sample);
	void *ctx;

	enum state state;
	size_t line;        /* from 1 */
	size_t name_length; /* so far */
	size_t family;      /* the first wanted name that begins so */
	struct strbuf rest; /* of a wanted line, what comes after the name */

	size_t malformed, malformed_line; /* how many, the first */
	const char *malformed_why;
};

static void begin_line(struct prom_text *text)
{
	text->state = IN_NAME;
	text->line++;
	text->name_length = text->family = 0;
	strbuf_reset(&text->rest);
}

static void begin_page(struct prom_text *text)
{
	text->line = 0;
	text->malformed = 0;
	begin_line(text);
}

struct prom_text *prom_text_new(const char *const *wanted,
				void (*sample)(void *ctx, const struct prom_sample *sample),
				void *ctx)
{
	struct prom_text *text = xcalloc(1, sizeof(*text));
	text->wanted = wanted;
	text->sample = sample;
	text->ctx = ctx;
	CHECK(wanted[0]);
	text->rest = (struct strbuf)STRBUF_INIT;
	begin_page(text);
	return text;
}

void prom_text_free(struct prom_text *text)
{
	if (!text)
		return;
	strbuf_release(&text->rest);
	free(text);
}

static void refuse(struct prom_text *text, const char *why)
{
	if (text->malformed++ == 0) {
		text->malformed_line = text->line;
		text->malformed_why = why;
	}
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static char *skip_blanks(char *at)
{
	while (is_blank(*at))
		at++;
	return at;
}

static bool may_begin_label(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool may_go_on_label(char c)
{
	return may_begin_label(c) || (c >= '0' && c <= '9');
}

/* Undoes the escapes of the value that begins behind that quote, and ends it with NUL. Behind its
 * closing quote, or NULL. */
static char *read_value_text(char *quote, const char **value)
{
	char *at = quote + 1, *out = at;
	*value = out;
	for (;;) {
		size_t plain = strcspn(at, "\\\"");
		memmove(out, at, plain);
		out += plain;
		at += plain;
		if (*at != '\\')
			break;
		at++;
		if (*at != '\\' && *at != '"' && *at != 'n')
			return NULL;
		*out++ = *at == 'n' ? '\n' : *at;
		at++;
	}
	if (!*at)
		return NULL;
	*out = '\0';
	return at + 1;
}

/* name="value". Behind it, or NULL. */
static char *read_label(char *at, struct prom_label *label)
{
	char *end = at;
	if (!may_begin_label(*at))
		return NULL;
	while (may_go_on_label(*end))
		end++;
	char *equals = skip_blanks(end);
	char *quote = *equals == '=' ? skip_blanks(equals + 1) : equals;
	if (*quote != '"')
		return NULL;
	*end = '\0';
	label->name = at;
	return read_value_text(quote, &label->value);
}

/* From the brace on; a comma may come before the closing one. Behind that, or NULL and *why. */
static char *read_labels(char *at, struct prom_label *labels, size_t *count, const char **why)
{
	*count = 0;
	at = skip_blanks(at + 1);
	while (*at != '}') {
		if (*count == PROM_LABELS_MAX) {
			*why = "too many labels";
			return NULL;
		}
		at = read_label(at, &labels[(*count)++]);
		if (!at)
			return NULL;
		at = skip_blanks(at);
		if (*at == ',')
			at = skip_blanks(at + 1);
		else if (*at != '}')
			return NULL;
	}
	return at + 1;
}

static bool is_named_number(const char *text)
{
	if (*text == '+' || *text == '-')
		text++;
	return strcasecmp(text, "inf") == 0 || strcasecmp(text, "infinity") == 0 ||
	       strcasecmp(text, "nan") == 0;
}

/* strtod knows the C locale alone here: nothing in the program calls setlocale. It would take
 * blanks, hexadecimal numbers and what overflows, too. */
static bool read_number(const char *text, double *out)
{
	char *end;
	bool named = is_named_number(text);
	if (!named && (!*text || text[strspn(text, "0123456789+-.eE")]))
		return false;
	*out = strtod(text, &end);
	return !*end && (named || isfinite(*out));
}

static bool is_timestamp(const char *text)
{
	if (*text == '+' || *text == '-')
		text++;
	return *text && !text[strspn(text, "0123456789")];
}

/* Ends the word that begins there. The next one, at the NUL if there is none. */
static char *cut_word(char *at)
{
	char *end = at + strcspn(at, " \t");
	char *next = skip_blanks(end);
	*end = '\0';
	return next;
}

/* NULL: told. Else what is wrong. */
static const char *read_rest(struct prom_text *text)
{
	struct prom_label labels[PROM_LABELS_MAX];
	struct prom_sample sample = {.family = text->family, .labels = labels};
	struct strbuf *rest = &text->rest;
	const char *why = "malformed labels";
	if (rest->len > 0 && rest->buf[rest->len - 1] == '\r')
		rest->buf[--rest->len] = '\0';
	if (strlen(rest->buf) < rest->len)
		return "a NUL in it";
	char *at = skip_blanks(rest->buf);
	if (*at == '{') {
		at = read_labels(at, labels, &sample.label_count, &why);
		if (!at)
			return why;
		at = skip_blanks(at);
	}
	char *timestamp = cut_word(at);
	if (!read_number(at, &sample.value))
		return "the value is no number";
	char *behind = cut_word(timestamp);
	if ((*timestamp && !is_timestamp(timestamp)) || *behind)
		return "something behind the value that is no timestamp";
	text->sample(text->ctx, &sample);
	return NULL;
}

static void end_line(struct prom_text *text)
{
	const char *why = text->state == IN_REST ? read_rest(text) : NULL;
	if (why)
		refuse(text, why);
	begin_line(text);
}

/* Goes on to the wanted name that begins as the line has it so far, and then has c (NUL: ends). All
 * before it are out already. */
static bool follow(struct prom_text *text, char c)
{
	const char *so_far = text->wanted[text->family];
	for (size_t i = text->family; text->wanted[i]; i++) {
		const char *name = text->wanted[i];
		if (strncmp(name, so_far, text->name_length) != 0 || name[text->name_length] != c)
			continue;
		text->family = i;
		return true;
	}
	return false;
}

static void end_name(struct prom_text *text)
{
	text->state = follow(text, '\0') ? IN_REST : SKIPPING;
}

/* Is c of a wanted name? Mostly of the one at hand. */
static bool goes_on(struct prom_text *text, char c)
{
	return c && (text->wanted[text->family][text->name_length] == c || follow(text, c));
}

/* Takes bytes of the name; the first that is none of it is left, for the next state. */
static const char *take_name(struct prom_text *text, const char *at, const char *end)
{
	while (text->name_length == 0 && at < end && is_blank(*at))
		at++;
	for (; at < end && goes_on(text, *at); at++)
		text->name_length++;
	if (at == end)
		return at;
	if (*at == '{' || *at == '\n' || *at == '\r' || is_blank(*at))
		end_name(text);
	else
		text->state = SKIPPING;
	return at;
}

static const char *take_rest(struct prom_text *text, const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t)(end - at));
	size_t length = (size_t)((newline ? newline : end) - at);
	if (text->state == IN_REST && text->rest.len + length > PROM_LINE_MAX) {
		refuse(text, "the line is too long");
		text->state = SKIPPING;
	}
	if (text->state == IN_REST)
		strbuf_add(&text->rest, at, length);
	if (!newline)
		return end;
	end_line(text);
	return newline + 1;
}

void prom_text_feed(struct prom_text *text, const char *data, size_t length)
{
	const char *end = data + length;
	while (data < end)
		data = text->state == IN_NAME ? take_name(text, data, end)
					      : take_rest(text, data, end);
}

bool prom_text_end(struct prom_text *text, struct error *err)
{
	bool ok = true;
	if (text->state == IN_NAME)
		end_name(text);
	end_line(text);
	if (text->malformed > 0)
		ok = error_set(err, ERROR_INVALID, "line %zu: %s (%zu such lines)",
			       text->malformed_line, text->malformed_why, text->malformed);
	begin_page(text);
	return ok;
}

void prom_text_abort(struct prom_text *text)
{
	begin_page(text);
}

const char *prom_label_get(const struct prom_sample *sample, const char *name)
{
	for (size_t i = 0; i < sample->label_count; i++) {
		if (strcmp(sample->labels[i].name, name) == 0)
			return sample->labels[i].value;
	}
	return NULL;
}
