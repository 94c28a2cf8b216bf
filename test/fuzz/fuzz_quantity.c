/*
 * Decimals and quantities, two a text (a line each): values survive being printed, comparing is an
 * order, rounding up never rounds down.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pkg/units/quantity.h"
#include "test/fuzz/fuzz.h"

static struct decimal of_int(int64_t value)
{
	char text[32];
	struct decimal out;
	snprintf(text, sizeof(text), "%lld", (long long)value);
	CHECK(decimal_parse(text, &out));
	return out;
}

static void check_plain(const struct decimal *d, struct arena *arena)
{
	struct decimal again;
	const char *plain = decimal_plain(d, arena);
	if (!plain)
		return;
	CHECK(strlen(plain) <= 60 && strspn(plain, "-0123456789.") == strlen(plain));
	CHECK(decimal_parse(plain, &again) && decimal_compare(d, &again) == 0);
	CHECK(strcmp(decimal_plain(&again, arena), plain) == 0);
}

static void check_rounded_up(const struct decimal *d)
{
	int64_t up, times;
	if (!decimal_ceil_scaled(d, 0, &up)) {
		CHECK(d->negative || d->exponent + (int)strlen(d->digits) > 18);
		return;
	}
	struct decimal whole = of_int(up), below = of_int(up > 0 ? up - 1 : 0);
	CHECK(decimal_compare(&whole, d) >= 0);
	CHECK(up == 0 || decimal_compare(&below, d) < 0);
	CHECK(decimal_ceil_times(d, 1, &times) && times == up);
}

static void check_canonical(const struct decimal *d, struct arena *arena)
{
	int64_t up;
	struct decimal again, whole;
	if (decimal_ceil_scaled(d, 0, &up)) {
		whole = of_int(up);
		CHECK(quantity_parse(quantity_bytes(up, arena), &again));
		CHECK(decimal_compare(&whole, &again) == 0);
	}
	if (decimal_ceil_scaled(d, 3, &up)) {
		CHECK(quantity_parse(quantity_millis(up, arena), &again));
		CHECK(decimal_compare(d, &again) <= 0);
	}
}

static bool check_one(const char *text, struct arena *arena, struct decimal *out)
{
	struct decimal plain;
	bool is_decimal = decimal_parse(text, &plain), ok = quantity_parse(text, out);
	CHECK(ok || !is_decimal);
	CHECK(quantity_equal(text, text) == ok);
	if (!ok)
		return false;
	CHECK(!is_decimal || decimal_compare(&plain, out) == 0);
	check_plain(out, arena);
	check_rounded_up(out);
	check_canonical(out, arena);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct decimal a, b;
	char *first = arena_strndup(arena, (const char *)data, size);
	char *second = strchr(first, '\n');
	if (second)
		*second++ = 0;
	bool ok = check_one(first, arena, &a);
	if (!second || !check_one(second, arena, &b) || !ok)
		return 0;
	CHECK(decimal_compare(&a, &b) == -decimal_compare(&b, &a));
	CHECK(quantity_equal(first, second) == (decimal_compare(&a, &b) == 0));
	CHECK(quantity_equal(first, second) == quantity_equal(second, first));
	return 0;
}
