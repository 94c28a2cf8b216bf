/*
 * Numbers are compared by their decimal digits: no double, no rounding, whatever their
 * length. Works on the text of valid JSON numbers only.
 */
#include "pkg/json/number.h"

#include <ctype.h>
#include <string.h>

#include "pkg/base/hash.h"

#define EXPONENT_LIMIT INT64_C(1000000000000000)

static int64_t read_exponent(const char *text, bool *beyond)
{
	bool negative = *text == '-';
	int64_t value = 0;
	if (*text == '-' || *text == '+')
		text++;
	for (; *text; text++) {
		value = value * 10 + (*text - '0');
		*beyond = *beyond || value > EXPONENT_LIMIT;
		if (*beyond)
			return 0;
	}
	return negative ? -value : value;
}

struct number number_of(const struct json *v)
{
	struct number n = {.negative = v->text[0] == '-'};
	const char *text = v->text + n.negative;
	const char *end = text + strcspn(text, "eE");
	const char *point = memchr(text, '.', (size_t)(end - text));
	const char *last = NULL;
	size_t digits = 0;
	if (!point)
		point = end;
	for (const char *at = text; at < end; at++) {
		if (!isdigit((unsigned char)*at) || (*at == '0' && !n.first))
			continue;
		digits++;
		if (*at == '0')
			continue;
		if (!n.first)
			n.first = at;
		last = at;
		n.count = digits;
	}
	if (!last)
		return (struct number){0};
	n.exponent = *end ? read_exponent(end + 1, &n.beyond) : 0;
	n.exponent += last < point ? point - 1 - last : point - last;
	return n;
}

char number_digit(const char **at)
{
	if (**at == '.')
		(*at)++;
	return *(*at)++;
}

bool number_equal(const struct json *a, const struct json *b)
{
	if (a->length == b->length && memcmp(a->text, b->text, a->length) == 0)
		return true;
	struct number x = number_of(a), y = number_of(b);
	if (x.negative != y.negative || x.count != y.count || x.exponent != y.exponent ||
	    x.beyond || y.beyond)
		return false;
	for (size_t i = 0; i < x.count; i++)
		if (number_digit(&x.first) != number_digit(&y.first))
			return false;
	return true;
}

uint64_t number_hash(uint64_t seed, const struct json *v)
{
	struct number n = number_of(v);
	seed = hash_bytes(seed, n.negative ? "-" : "+", 1);
	seed = hash_bytes(seed, &n.exponent, sizeof(n.exponent));
	for (size_t i = 0; i < n.count; i++) {
		char digit = number_digit(&n.first);
		seed = hash_bytes(seed, &digit, 1);
	}
	return seed;
}
