/*
 * Go's spelling of scalars. Reading is left to pkg/units and strtod; this file adds what they leave
 * open: which texts Go refuses, and what it says then.
 */
#include "pkg/knative/go_value.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/strbuf.h"
#include "pkg/units/duration.h"
#include "pkg/units/parse.h"

#define LONGEST_FLOAT 512

/* strconv.Quote, for texts that are valid UTF-8. */
static void add_quoted(struct strbuf *out, const char *text, size_t length)
{
	strbuf_addch(out, '"');
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '"' || c == '\\')
			strbuf_addf(out, "\\%c", c);
		else if (c == '\n' || c == '\t' || c == '\r')
			strbuf_addf(out, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
		else if (c < 0x20 || c == 0x7f)
			strbuf_addf(out, "\\x%02x", c);
		else
			strbuf_addch(out, (char)c);
	}
	strbuf_addch(out, '"');
}

static bool refuse(struct error *err, const char *function, const char *text, const char *why)
{
	CLEANUP(strbuf_release) struct strbuf quoted = STRBUF_INIT;
	add_quoted(&quoted, text, strlen(text));
	return error_set(err, ERROR_INVALID, "strconv.%s: parsing %s: %s", function, quoted.buf,
			 why);
}

bool go_parse_bool(const char *text, bool *out, struct error *err)
{
	return parse_bool(text, out) || refuse(err, "ParseBool", text, "invalid syntax");
}

static bool only_digits(const char *text)
{
	text += *text == '+' || *text == '-';
	return *text && text[strspn(text, "0123456789")] == '\0';
}

bool go_parse_int32(const char *text, int32_t *out, struct error *err)
{
	if (parse_int32(text, out))
		return true;
	return refuse(err, "ParseInt", text,
		      only_digits(text) ? "value out of range" : "invalid syntax");
}

/* Of ten digits and less, as uint32 has them, no number overflows strtoull. */
bool go_parse_uint32(const char *text, uint32_t *out, struct error *err)
{
	size_t length = strlen(text), digits = strspn(text, "0123456789");
	const char *significant = text + strspn(text, "0");
	uint64_t value;

	if (length == 0 || digits != length)
		return refuse(err, "ParseUint", text, "invalid syntax");
	value = strlen(significant) <= 10 ? strtoull(text, NULL, 10) : UINT64_MAX;
	if (value > UINT32_MAX)
		return refuse(err, "ParseUint", text, "value out of range");
	*out = (uint32_t)value;
	return true;
}

/* A copy that strtod may read: no spaces, no "nan(...)", hexadecimal only with an exponent, and
 * underscores, which Go takes between digits, taken out. */
static bool for_strtod(const char *text, char out[LONGEST_FLOAT])
{
	bool hex = strchr(text, 'x') || strchr(text, 'X');
	size_t used = 0;
	if (!*text || strlen(text) >= LONGEST_FLOAT || (hex && !strpbrk(text, "pP")))
		return false;
	for (const char *p = text; *p; p++) {
		if (*p == '_' &&
		    (p == text || !isalnum((unsigned char)p[-1]) || !isxdigit((unsigned char)p[1])))
			return false;
		if (!isalnum((unsigned char)*p) && !strchr("+-._", *p))
			return false;
		if (*p != '_')
			out[used++] = *p;
	}
	out[used] = '\0';
	return true;
}

bool go_parse_float(const char *text, double *out, struct error *err)
{
	char plain[LONGEST_FLOAT], *end = NULL;
	if (!for_strtod(text, plain))
		return refuse(err, "ParseFloat", text, "invalid syntax");
	double value = strtod(plain, &end);
	if (*end)
		return refuse(err, "ParseFloat", text, "invalid syntax");
	if (isinf(value) && !strpbrk(plain, "iI"))
		return refuse(err, "ParseFloat", text, "value out of range");
	*out = value;
	return true;
}

/* Where the unit begins that time.ParseDuration would stumble over, its length in *length (0: it
 * is missing); NULL if the text is wrong in another way. */
static const char *odd_unit(const char *text, size_t *length)
{
	static const char *const units[] = {"ns", "us", "µs", "μs", "ms", "s", "m", "h"};
	const char *p = text + (*text == '+' || *text == '-');
	while (*p) {
		size_t number = strspn(p, "0123456789.");
		if (number == 0 || strspn(p, ".") == number)
			return NULL;
		p += number;
		*length = strcspn(p, "0123456789.");
		bool known = false;
		for (size_t i = 0; i < ARRAY_SIZE(units); i++)
			known = known ||
				(strlen(units[i]) == *length && strncmp(units[i], p, *length) == 0);
		if (!known)
			return p;
		p += *length;
	}
	return NULL;
}

bool go_parse_duration(const char *text, int64_t *out, struct error *err)
{
	if (duration_parse(text, out))
		return true;
	CLEANUP(strbuf_release) struct strbuf message = STRBUF_INIT;
	size_t length = 0;
	const char *unit = odd_unit(text, &length);
	strbuf_addstr(&message, "time: ");
	if (unit && length) {
		strbuf_addstr(&message, "unknown unit ");
		add_quoted(&message, unit, length);
		strbuf_addstr(&message, " in");
	} else {
		strbuf_addstr(&message, unit ? "missing unit in" : "invalid");
	}
	strbuf_addstr(&message, " duration ");
	add_quoted(&message, text, strlen(text));
	return error_set(err, ERROR_INVALID, "%s", message.buf);
}

/* The precision is that of the shortest text, found by trying; %g would switch to an exponent
 * already at that many digits. */
void go_format_float(double value, char out[GO_VALUE_SIZE])
{
	if (isnan(value) || isinf(value)) {
		snprintf(out, GO_VALUE_SIZE, "%s",
			 isnan(value) ? "NaN"
			 : value > 0  ? "+Inf"
				      : "-Inf");
		return;
	}
	int digits = 0;
	do
		snprintf(out, GO_VALUE_SIZE, "%.*e", digits, value);
	while (strtod(out, NULL) != value && digits++ < 16);
	int exponent = (int)strtol(strchr(out, 'e') + 1, NULL, 10);
	if (exponent >= -4 && exponent < 6)
		snprintf(out, GO_VALUE_SIZE, "%.*f", digits > exponent ? digits - exponent : 0,
			 value);
}
