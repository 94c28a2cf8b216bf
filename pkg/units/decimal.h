/*
 * Decimals as annotations carry them, kept exact: digits, one point, an exponent, one sign;
 * no hex, NaN, Inf, spaces (contract section 2). value = digits * 10^exponent.
 */
#ifndef UNITS_DECIMAL_H
#define UNITS_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/arena.h"
#include "pkg/base/compiler.h"

struct decimal {
	bool negative;
	char digits[40]; /* no leading or trailing zeros; "0" for zero */
	int exponent;    /* of the last digit */
};

/* At most 38 significant digits and |exponent| <= 400: what is longer is refused. The point may
 * stand before or behind the digits (".5", "5."), as in Go. */
MUST_CHECK bool decimal_parse(const char *text, struct decimal *out);
/* The same for the number that text begins with; used says how long it is. An "e" or "E"
 * with no exponent behind it is not part of it. */
MUST_CHECK bool decimal_parse_prefix(const char *text, struct decimal *out, size_t *used);
/* out = d * factor * 10^exponent, exact; false beyond the limits of decimal_parse, or if
 * factor is negative. */
MUST_CHECK bool decimal_scale(const struct decimal *d, int64_t factor, int exponent,
			      struct decimal *out);
int decimal_compare(const struct decimal *a, const struct decimal *b); /* <0, 0, >0 */
/* Shortest plain form without an exponent: 5, 0.5, 1000. Only for values whose plain form has
 * at most 60 characters (NULL otherwise). */
char *decimal_plain(const struct decimal *d, struct arena *arena);
/* ceil(d * 10^scale) if it fits int64; false otherwise or if negative. */
MUST_CHECK bool decimal_ceil_scaled(const struct decimal *d, int scale, int64_t *out);
/* ceil(d * factor) if it fits int64; false otherwise, or if d or factor is negative. */
MUST_CHECK bool decimal_ceil_times(const struct decimal *d, int64_t factor, int64_t *out);

#endif
