/*
 * Quantities as exact decimals, and the two canonical forms that a ScaledObject needs.
 */
#include "pkg/units/quantity.h"

#include <inttypes.h>
#include <string.h>

struct suffix {
	const char *text;
	int64_t factor;
	int exponent;
};

static const struct suffix suffixes[] = {
    {"", 1, 0},
    {"n", 1, -9},
    {"u", 1, -6},
    {"m", 1, -3},
    {"k", 1, 3},
    {"M", 1, 6},
    {"G", 1, 9},
    {"T", 1, 12},
    {"P", 1, 15},
    {"E", 1, 18},
    {"Ki", INT64_C(1) << 10, 0},
    {"Mi", INT64_C(1) << 20, 0},
    {"Gi", INT64_C(1) << 30, 0},
    {"Ti", INT64_C(1) << 40, 0},
    {"Pi", INT64_C(1) << 50, 0},
    {"Ei", INT64_C(1) << 60, 0},
};

bool quantity_parse(const char *text, struct decimal *out)
{
	struct decimal number;
	size_t used;
	if (!decimal_parse_prefix(text, &number, &used))
		return false;
	/* An exponent and a suffix exclude each other. */
	const char *rest = text + used;
	if (*rest && memchr(text, 'e', used))
		return false;
	if (*rest && memchr(text, 'E', used))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (strcmp(rest, suffixes[i].text) == 0)
			return decimal_scale(&number, suffixes[i].factor, suffixes[i].exponent,
					     out);
	return false;
}

bool quantity_equal(const char *a, const char *b)
{
	struct decimal x, y;
	return quantity_parse(a, &x) && quantity_parse(b, &y) && decimal_compare(&x, &y) == 0;
}

char *quantity_bytes(int64_t bytes, struct arena *arena)
{
	static const char *const units[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
	size_t unit = 0;
	for (; bytes != 0 && bytes % 1024 == 0; bytes /= 1024)
		unit++;
	return arena_printf(arena, "%" PRId64 "%s", bytes, units[unit]);
}

char *quantity_millis(int64_t millis, struct arena *arena)
{
	if (millis % 1000 == 0)
		return arena_printf(arena, "%" PRId64, millis / 1000);
	return arena_printf(arena, "%" PRId64 "m", millis);
}
