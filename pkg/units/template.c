/*
 * The template in one pass: text and actions alternate, a stack holds the open ifs. Branches
 * that are not taken are checked like the others, they only write nothing.
 */
#include "pkg/units/template.h"

#include <ctype.h>
#include <string.h>

#include "pkg/base/strbuf.h"
#include "pkg/base/utf8.h"

#define MAX_OUTPUT (256 * 1024)
#define MAX_NESTING 16
#define SPACES " \t\r\n"

struct branch {
	const char *start; /* of its {{ */
	bool condition;
	bool in_else;
};

struct template
{
	const char *text; /* all of it, for columns */
	const char *at;
	const struct template_variable *variables;
	struct branch branches[MAX_NESTING];
	size_t depth;
	struct strbuf out;
	struct error *err;
};

static bool fail(struct template *t, const char *at, const char *format, ...) PRINTF_LIKE(3, 4);

static bool fail(struct template *t, const char *at, const char *format, ...)
{
	CLEANUP(strbuf_release) struct strbuf what = STRBUF_INIT;
	va_list args;
	va_start(args, format);
	strbuf_vaddf(&what, format, args);
	va_end(args);
	return error_set(t->err, ERROR_INVALID, "column %zu: %s", (size_t)(at - t->text) + 1,
			 what.buf);
}

static bool is_taken(const struct template *t)
{
	for (size_t i = 0; i < t->depth; i++)
		if (t->branches[i].condition == t->branches[i].in_else)
			return false;
	return true;
}

static bool emit(struct template *t, const char *text, size_t length)
{
	if (!is_taken(t))
		return true;
	if (length > MAX_OUTPUT - t->out.len)
		return error_set(t->err, ERROR_INVALID,
				 "column 1: the template expands to more than %d bytes",
				 MAX_OUTPUT);
	strbuf_add(&t->out, text, length);
	return true;
}

static void skip_spaces(struct template *t)
{
	t->at += strspn(t->at, SPACES);
}

/* ---- operands ---- */

static size_t word_length(const char *at)
{
	size_t length = 0;
	while (isalnum((unsigned char)at[length]) || at[length] == '_' ||
	       (unsigned char)at[length] >= 0x80)
		length++;
	return length;
}

/* How a message shows a word: in quotes, shortened, control characters escaped. */
static void show(struct strbuf *out, const char *at, size_t length)
{
	strbuf_add_json_string(out, at, utf8_valid_prefix(at, length < 60 ? length : 60));
}

static bool fail_unknown(struct template *t, const char *at, size_t length)
{
	CLEANUP(strbuf_release) struct strbuf known = STRBUF_INIT, word = STRBUF_INIT;
	for (const struct template_variable *v = t->variables; v->name; v++)
		strbuf_addf(&known, "%s.%s", known.len ? ", " : "", v->name);
	show(&word, at, length);
	return fail(t, at, "unknown variable %s, known are %s", word.buf, known.buf);
}

/* ".name", which must be followed by a space or the end of the action. */
static bool take_variable(struct template *t, const char **value)
{
	const char *start = t->at;
	size_t length = word_length(start + 1);
	t->at += 1 + length;
	if (length == 0 || !strchr(SPACES "}", *t->at))
		return fail(t, start, "only variables such as .%s are supported here",
			    t->variables->name ? t->variables->name : "name");
	for (const struct template_variable *v = t->variables; v->name; v++)
		if (strlen(v->name) == length && memcmp(v->name, start + 1, length) == 0) {
			*value = v->value;
			return true;
		}
	return fail_unknown(t, start, length + 1);
}

/* count digits of that base, as \x41 or \101 have them. */
static bool take_code(struct template *t, int base, size_t count, uint32_t *code)
{
	*code = 0;
	for (size_t i = 0; i < count; i++, t->at++) {
		int c = tolower((unsigned char)*t->at);
		int digit = isdigit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : base;
		if (digit >= base)
			return false;
		*code = *code * (uint32_t)base + (uint32_t)digit;
	}
	return true;
}

/* \x and octal escapes are bytes in Go, \u and \U characters. */
static bool take_numeric_escape(struct template *t, struct strbuf *out)
{
	char letter = *t->at, bytes[4];
	uint32_t code;
	bool octal = letter >= '0' && letter <= '7';
	size_t digits = octal ? 3 : letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
	if (!octal)
		t->at++;
	if (digits == 0 || !take_code(t, octal ? 8 : 16, digits, &code))
		return false;
	if (octal || letter == 'x') {
		strbuf_addch(out, (char)code);
		return code <= 0xFF;
	}
	size_t length = utf8_encode(code, bytes);
	strbuf_add(out, bytes, length);
	return length > 0;
}

static bool take_escape(struct template *t, struct strbuf *out)
{
	static const char letters[] = "a\ab\bf\fn\nr\rt\tv\v\\\\\"\"";
	const char *start = t->at++;
	for (size_t i = 0; *t->at && i + 1 < sizeof(letters); i += 2)
		if (letters[i] == *t->at) {
			strbuf_addch(out, letters[i + 1]);
			t->at++;
			return true;
		}
	return take_numeric_escape(t, out) || fail(t, start, "unknown escape in a quoted string");
}

/* "..." with Go's escapes, or `...` without any. */
static bool take_string(struct template *t, struct strbuf *out)
{
	const char *start = t->at++;
	while (*t->at != *start) {
		if (*t->at == 0 || (*t->at == '\n' && *start == '"'))
			return fail(t, start, "unterminated quoted string");
		if (*t->at == '\\' && *start == '"') {
			if (!take_escape(t, out))
				return false;
			continue;
		}
		strbuf_addch(out, *t->at++);
	}
	t->at++;
	if (memchr(out->buf, 0, out->len) || utf8_valid_prefix(out->buf, out->len) < out->len)
		return fail(t, start, "the quoted string is no text");
	return true;
}

static bool is_quote(char c)
{
	return c == '"' || c == '`';
}

/* A variable or a string, added to out. */
static bool take_operand(struct template *t, struct strbuf *out)
{
	const char *start = t->at, *value = NULL;
	if (*t->at == '.') {
		if (!take_variable(t, &value))
			return false;
		strbuf_addstr(out, value);
		return true;
	}
	if (!is_quote(*t->at))
		return fail(t, start, "only variables and quoted strings are supported here");
	if (!take_string(t, out))
		return false;
	return strchr(SPACES "}", *t->at) || fail(t, t->at, "a space is missing");
}

/* ---- actions; each leaves at behind its last word ---- */

static bool ends_action(const struct template *t)
{
	return strncmp(t->at, "}}", 2) == 0 ||
	       (t->at[0] == '-' && strncmp(t->at + 1, "}}", 2) == 0 && strchr(SPACES, t->at[-1]));
}

/* One %s: the next argument. */
static bool print_argument(struct template *t, const char *start, struct strbuf *out)
{
	skip_spaces(t);
	if (ends_action(t))
		return fail(t, start, "printf has fewer arguments than its format wants");
	return take_operand(t, out);
}

static bool do_printf(struct template *t, const char *start)
{
	CLEANUP(strbuf_release) struct strbuf format = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	skip_spaces(t);
	if (!is_quote(*t->at))
		return fail(t, start, "printf wants a quoted format");
	if (!take_operand(t, &format))
		return false;
	for (const char *c = format.buf; *c; c++) {
		if (*c != '%') {
			strbuf_addch(&out, *c);
			continue;
		}
		c++;
		if (*c == '%')
			strbuf_addch(&out, '%');
		else if (*c != 's')
			return fail(t, start, "printf knows %%s and %%%% only");
		else if (!print_argument(t, start, &out))
			return false;
	}
	skip_spaces(t);
	if (!ends_action(t))
		return fail(t, t->at, "printf has more arguments than its format wants");
	return emit(t, out.buf, out.len);
}

static bool do_if(struct template *t, const char *start)
{
	const char *value = "";
	skip_spaces(t);
	if (*t->at != '.')
		return fail(t, t->at, "if knows a single variable only");
	if (!take_variable(t, &value))
		return false;
	if (t->depth == MAX_NESTING)
		return fail(t, start, "more than %d ifs inside each other", MAX_NESTING);
	t->branches[t->depth++] = (struct branch){start, *value != 0, false};
	return true;
}

static bool do_else(struct template *t, const char *start)
{
	if (t->depth == 0 || t->branches[t->depth - 1].in_else)
		return fail(t, start, "else without if");
	t->branches[t->depth - 1].in_else = true;
	return true;
}

static bool do_end(struct template *t, const char *start)
{
	if (t->depth == 0)
		return fail(t, start, "end without if");
	t->depth--;
	return true;
}

static bool do_word(struct template *t, const char *start)
{
	static const struct {
		const char *word;
		bool (*run)(struct template *t, const char *start);
	} words[] = {{"if", do_if}, {"else", do_else}, {"end", do_end}, {"printf", do_printf}};
	const char *word = t->at;
	size_t length = word_length(word);
	t->at += length;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i].word) == length && memcmp(words[i].word, word, length) == 0 &&
		    strchr(SPACES "}.", *t->at))
			return words[i].run(t, start);
	CLEANUP(strbuf_release) struct strbuf shown = STRBUF_INIT;
	show(&shown, word, length > 0 ? length : 1);
	return fail(t, word,
		    "%s is not supported, only variables, quoted strings, if, else, end and printf",
		    shown.buf);
}

static bool do_action(struct template *t, const char *start)
{
	CLEANUP(strbuf_release) struct strbuf value = STRBUF_INIT;
	if (*t->at != '.' && !is_quote(*t->at))
		return do_word(t, start);
	return take_operand(t, &value) && emit(t, value.buf, value.len);
}

/* Behind the slash-star; answers false unless only a closing delimiter follows. */
static bool skip_comment(struct template *t, const char *start)
{
	const char *end = strstr(t->at + 2, "*/");
	if (!end)
		return fail(t, start, "unclosed comment");
	t->at = end + 2;
	if (strncmp(t->at, "}}", 2) == 0)
		return true;
	/* One space before the dash, no more: Go has it so. */
	if (*t->at && strchr(SPACES, *t->at) && strncmp(t->at + 1, "-}}", 3) == 0) {
		t->at++;
		return true;
	}
	return fail(t, start, "a comment must end with its action");
}

/* From {{ to behind }}, and the white space that -}} takes along. */
static bool take_action(struct template *t)
{
	const char *start = t->at;
	t->at += 2;
	if (*t->at == '-' && t->at[1] && strchr(SPACES, t->at[1]))
		t->at += 2;
	if (strncmp(t->at, "/*", 2) == 0) {
		if (!skip_comment(t, start))
			return false;
	} else {
		skip_spaces(t);
		if (ends_action(t))
			return fail(t, start, "empty action");
		if (*t->at && !do_action(t, start))
			return false;
		skip_spaces(t);
	}
	if (*t->at == 0)
		return fail(t, start, "unclosed action");
	if (!ends_action(t))
		return fail(t, t->at, "unexpected text before the closing braces");
	bool trim = *t->at == '-';
	t->at += trim ? 3 : 2;
	if (trim)
		skip_spaces(t);
	return true;
}

/* Text up to the next action or the end. */
static bool take_text(struct template *t)
{
	const char *open = strstr(t->at, "{{");
	const char *end = open ? open : t->at + strlen(t->at);
	size_t length = (size_t)(end - t->at);
	if (open && open[2] == '-' && open[3] && strchr(SPACES, open[3]))
		while (length > 0 && strchr(SPACES, t->at[length - 1]))
			length--;
	if (!emit(t, t->at, length))
		return false;
	t->at = end;
	return true;
}

static bool expand(struct template *t)
{
	while (*t->at) {
		if (!take_text(t))
			return false;
		if (*t->at && !take_action(t))
			return false;
	}
	if (t->depth > 0)
		return fail(t, t->branches[t->depth - 1].start, "if without end");
	return true;
}

bool template_expand(const char *text, const struct template_variable *variables,
		     struct arena *arena, char **out, struct error *err)
{
	struct template t = {
	    .text = text, .at = text, .variables = variables, .out = STRBUF_INIT, .err = err};
	bool ok = expand(&t);
	if (ok)
		*out = arena_strndup(arena, t.out.buf, t.out.len);
	strbuf_release(&t.out);
	return ok;
}
