/*
 * Decimals as digit strings: the few operations that annotations need, all exact.
 */
#include "pkg/units/decimal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/strbuf.h"

#define MAX_DIGITS 38
#define MAX_EXPONENT 400
#define MAX_PLAIN 60
/* Room for MAX_DIGITS digits times an int64. */
#define PRODUCT_DIGITS 60

static const struct decimal zero = {.digits = "0"};

static bool is_zero(const struct decimal *d)
{
	return d->digits[0] == '0';
}

/* Digits (length of them, any zeros) with an exponent of the last into out. */
static bool normalise(bool negative, const char *digits, size_t length, int64_t exponent,
		      struct decimal *out)
{
	while (length > 0 && *digits == '0') {
		digits++;
		length--;
	}
	while (length > 0 && digits[length - 1] == '0') {
		exponent++;
		length--;
	}
	*out = zero;
	if (length == 0)
		return true;
	if (length > MAX_DIGITS || exponent > MAX_EXPONENT || exponent < -MAX_EXPONENT)
		return false;
	out->negative = negative;
	out->exponent = (int)exponent;
	memcpy(out->digits, digits, length);
	out->digits[length] = 0;
	return true;
}

/* Reads "e+5" if it stands there whole. */
static int64_t take_exponent(const char **at)
{
	const char *digit = *at + 1;
	if (**at != 'e' && **at != 'E')
		return 0;
	bool negative = *digit == '-';
	if (*digit == '-' || *digit == '+')
		digit++;
	if (!isdigit((unsigned char)*digit))
		return 0;
	int64_t value = 0;
	for (; isdigit((unsigned char)*digit); digit++)
		if (value < 100000000)
			value = value * 10 + (*digit - '0');
	*at = digit;
	return negative ? -value : value;
}

bool decimal_parse_prefix(const char *text, struct decimal *out, size_t *used)
{
	CLEANUP(strbuf_release) struct strbuf digits = STRBUF_INIT;
	const char *at = text;
	int64_t behind_point = 0;
	bool negative = *at == '-', point = false;
	if (*at == '-' || *at == '+')
		at++;
	for (; isdigit((unsigned char)*at) || (*at == '.' && !point); at++) {
		if (*at == '.') {
			point = true;
			continue;
		}
		strbuf_addch(&digits, *at);
		behind_point += point;
	}
	if (digits.len == 0)
		return false;
	int64_t exponent = take_exponent(&at) - behind_point;
	*used = (size_t)(at - text);
	return normalise(negative, digits.buf, digits.len, exponent, out);
}

bool decimal_parse(const char *text, struct decimal *out)
{
	size_t used;
	return decimal_parse_prefix(text, out, &used) && text[used] == 0;
}

static int compare_sizes(const struct decimal *a, const struct decimal *b)
{
	int a_top = (int)strlen(a->digits) + a->exponent;
	int b_top = (int)strlen(b->digits) + b->exponent;
	if (a_top != b_top)
		return a_top < b_top ? -1 : 1;
	return strcmp(a->digits, b->digits);
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
	int a_sign = is_zero(a) ? 0 : a->negative ? -1 : 1;
	int b_sign = is_zero(b) ? 0 : b->negative ? -1 : 1;
	if (a_sign != b_sign)
		return a_sign < b_sign ? -1 : 1;
	return a_sign == 0 ? 0 : a_sign * compare_sizes(a, b);
}

char *decimal_plain(const struct decimal *d, struct arena *arena)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	int length = (int)strlen(d->digits), whole = length + d->exponent;
	if (d->negative)
		strbuf_addch(&text, '-');
	if (whole <= 0)
		strbuf_addstr(&text, "0.");
	for (int i = whole; i < 0; i++)
		strbuf_addch(&text, '0');
	strbuf_add(&text, d->digits, (size_t)(whole > 0 && whole < length ? whole : length));
	if (whole > 0 && whole < length)
		strbuf_addf(&text, ".%s", d->digits + whole);
	for (int i = length; i < whole; i++)
		strbuf_addch(&text, '0');
	return text.len <= MAX_PLAIN ? arena_strndup(arena, text.buf, text.len) : NULL;
}

/* ceil(digits * 10^exponent); without leading zeros, as normalised digits are. */
static bool ceil_digits(const char *digits, size_t length, int64_t exponent, int64_t *out)
{
	int64_t value = 0;
	size_t whole = exponent >= 0                    ? length
		       : (int64_t)length + exponent > 0 ? (size_t)((int64_t)length + exponent)
							: 0;
	for (size_t i = 0; i < whole; i++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digits[i] - '0', &value))
			return false;
	for (; exponent > 0 && value > 0; exponent--)
		if (__builtin_mul_overflow(value, 10, &value))
			return false;
	bool rest = strspn(digits + whole, "0") < length - whole;
	return !__builtin_add_overflow(value, rest ? 1 : 0, out);
}

bool decimal_ceil_scaled(const struct decimal *d, int scale, int64_t *out)
{
	return !d->negative &&
	       ceil_digits(d->digits, strlen(d->digits), (int64_t)d->exponent + scale, out);
}

/* The digits of d times factor, NUL-terminated. Answers where the first significant one is. */
static const char *multiply(const struct decimal *d, uint64_t factor, char out[PRODUCT_DIGITS + 1])
{
	unsigned __int128 carry = 0;
	size_t at = PRODUCT_DIGITS;
	out[at] = 0;
	for (size_t i = strlen(d->digits); i > 0 || carry > 0;) {
		if (i > 0)
			carry += (unsigned __int128)(d->digits[--i] - '0') * factor;
		CHECK(at > 0);
		out[--at] = (char)('0' + (int)(carry % 10));
		carry /= 10;
	}
	return out + at + strspn(out + at, "0");
}

bool decimal_ceil_times(const struct decimal *d, int64_t factor, int64_t *out)
{
	char product[PRODUCT_DIGITS + 1];
	if (d->negative || factor < 0)
		return false;
	const char *digits = multiply(d, (uint64_t)factor, product);
	return ceil_digits(digits, strlen(digits), d->exponent, out);
}

bool decimal_scale(const struct decimal *d, int64_t factor, int exponent, struct decimal *out)
{
	char product[PRODUCT_DIGITS + 1];
	if (factor < 0)
		return false;
	const char *digits = multiply(d, (uint64_t)factor, product);
	return normalise(d->negative, digits, strlen(digits), (int64_t)d->exponent + exponent, out);
}
