/*
 * The core scalars of YAML 1.1 with the liberties of the YAML library of Kubernetes: y and n
 * are booleans, underscores are ignored in numbers, integers may be 0x, 0o, 0b or 0-prefixed
 * octal, "08" is a decimal, sexagesimals and timestamps are strings.
 */
#include "pkg/yaml/scalar.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Longer ones are text. */
#define MAX_NUMBER 400

static const struct {
	const char *text;
	enum scalar_kind kind;
} words[] = {
    {"", SCALAR_NULL},
    {"~", SCALAR_NULL},
    {"null", SCALAR_NULL},
    {"Null", SCALAR_NULL},
    {"NULL", SCALAR_NULL},
    {"y", SCALAR_TRUE},
    {"Y", SCALAR_TRUE},
    {"yes", SCALAR_TRUE},
    {"Yes", SCALAR_TRUE},
    {"YES", SCALAR_TRUE},
    {"on", SCALAR_TRUE},
    {"On", SCALAR_TRUE},
    {"ON", SCALAR_TRUE},
    {"true", SCALAR_TRUE},
    {"True", SCALAR_TRUE},
    {"TRUE", SCALAR_TRUE},
    {"n", SCALAR_FALSE},
    {"N", SCALAR_FALSE},
    {"no", SCALAR_FALSE},
    {"No", SCALAR_FALSE},
    {"NO", SCALAR_FALSE},
    {"off", SCALAR_FALSE},
    {"Off", SCALAR_FALSE},
    {"OFF", SCALAR_FALSE},
    {"false", SCALAR_FALSE},
    {"False", SCALAR_FALSE},
    {"FALSE", SCALAR_FALSE},
    {".nan", SCALAR_NOT_FINITE},
    {".NaN", SCALAR_NOT_FINITE},
    {".NAN", SCALAR_NOT_FINITE},
    {".inf", SCALAR_NOT_FINITE},
    {".Inf", SCALAR_NOT_FINITE},
    {".INF", SCALAR_NOT_FINITE},
    {"+.inf", SCALAR_NOT_FINITE},
    {"+.Inf", SCALAR_NOT_FINITE},
    {"+.INF", SCALAR_NOT_FINITE},
    {"-.inf", SCALAR_NOT_FINITE},
    {"-.Inf", SCALAR_NOT_FINITE},
    {"-.INF", SCALAR_NOT_FINITE},
};

/* 0x, 0o, 0b and 0 before digits, as Go's base 0 has them. */
static int take_base(const char **digits)
{
	const char *at = *digits;
	if (at[0] != '0' || at[1] == 0)
		return 10;
	int letter = tolower((unsigned char)at[1]);
	int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
	*digits += base ? 2 : 1;
	return base ? base : 8;
}

/* Integers that fit int64 or uint64. */
static bool is_integer(const char *text, struct strbuf *number)
{
	bool negative = *text == '-', sign = negative || *text == '+';
	const char *digits = text + sign;
	int base = take_base(&digits);
	if (!isxdigit((unsigned char)*digits))
		return false;
	char *end;
	errno = 0;
	uintmax_t value = strtoumax(digits, &end, base);
	if (*end || errno || (negative && value > UINT64_C(1) << 63) ||
	    (sign && !negative && value > INT64_MAX))
		return false;
	if (number)
		strbuf_addf(number, "%s%" PRIuMAX, negative && value ? "-" : "", value);
	return true;
}

/* [-+]? ( .digits | digits [. digits?] ) ( e [-+]? digits )?  into the stricter JSON. */
static bool is_float(const char *text, struct strbuf *number)
{
	const char *whole = text + strspn(text, "+-");
	size_t whole_len = strspn(whole, "0123456789");
	const char *point = whole + whole_len;
	size_t fraction_len = *point == '.' ? strspn(point + 1, "0123456789") : 0;
	const char *exponent = point + (*point == '.') + fraction_len;
	if (whole - text > 1 || whole_len + fraction_len == 0)
		return false;
	if (*exponent) {
		const char *digits = exponent + 1;
		digits += *digits == '+' || *digits == '-';
		if (tolower((unsigned char)*exponent) != 'e' || !*digits ||
		    digits[strspn(digits, "0123456789")])
			return false;
	}
	if (isinf(strtod(text, NULL)))
		return false;
	if (!number)
		return true;
	for (; whole_len > 1 && *whole == '0'; whole_len--)
		whole++;
	strbuf_addstr(number, *text == '-' ? "-" : "");
	strbuf_add(number, whole_len ? whole : "0", whole_len ? whole_len : 1);
	if (fraction_len)
		strbuf_add(number, point, fraction_len + 1);
	strbuf_addstr(number, exponent);
	return true;
}

static bool is_number(const char *text, size_t length, struct strbuf *number)
{
	char plain[MAX_NUMBER + 1];
	size_t used = 0;
	if (length > MAX_NUMBER || (!isdigit((unsigned char)*text) && !strchr("+-.", *text)))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == 0 || (text[i] == '_' && *text == '.'))
			return false;
		if (text[i] != '_')
			plain[used++] = text[i];
	}
	plain[used] = 0;
	return (*text != '.' && is_integer(plain, number)) || is_float(plain, number);
}

enum scalar_kind scalar_resolve(const char *text, size_t length, struct strbuf *number)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].text) == length && memcmp(words[i].text, text, length) == 0)
			return words[i].kind;
	return is_number(text, length, number) ? SCALAR_NUMBER : SCALAR_STRING;
}
