/* pkg/units/decimal.h: exact values, plain text, ceilings, limits. */
#include <stdlib.h>

#include "pkg/units/decimal.h"
#include "test/lib/test.h"

TEST(decimal, parses_and_prints_plainly)
{
	static const struct {
		const char *text;
		const char *plain; /* NULL: refused */
	} rows[] = {
	    {"5", "5"},
	    {"0.5", "0.5"},
	    {"1000", "1000"},
	    {"1e3", "1000"},
	    {"1E+3", "1000"},
	    {"1.50", "1.5"},
	    {"150e-2", "1.5"},
	    {".5", "0.5"},
	    {"5.", "5"},
	    {"+7", "7"},
	    {"-0.010", "-0.01"},
	    {"007", "7"},
	    {"0", "0"},
	    {"-0", "0"},
	    {"0.000", "0"},
	    {"0e999999999999", "0"},
	    {"1e-7", "0.0000001"},
	    {"123.456e1", "1234.56"},
	    {"12345678901234567890123456789012345678", "12345678901234567890123456789012345678"},
	    {"123456789012345678901234567890123456780", "123456789012345678901234567890123456780"},
	    {"", NULL},
	    {".", NULL},
	    {"-", NULL},
	    {"+", NULL},
	    {"--1", NULL},
	    {"+-1", NULL},
	    {"1.2.3", NULL},
	    {"1..2", NULL},
	    {"e5", NULL},
	    {".e5", NULL},
	    {"1e", NULL},
	    {"1e+", NULL},
	    {"1e5.5", NULL},
	    {"1e5e5", NULL},
	    {" 1", NULL},
	    {"1 ", NULL},
	    {"0x10", NULL},
	    {"1_000", NULL},
	    {"1,5", NULL},
	    {"NaN", NULL},
	    {"Inf", NULL},
	    {"-inf", NULL},
	    {"1k", NULL},
	    {"\xD9\xA1", NULL},
	    {"123456789012345678901234567890123456789", NULL},
	    {"1e401", NULL},
	    {"1e-401", NULL},
	    {"1e99999999999999999999", NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct decimal d;
		test_row("%s", rows[i].text);
		bool ok = decimal_parse(rows[i].text, &d);
		EXPECT_INT(ok, rows[i].plain != NULL);
		if (ok)
			EXPECT_TEXT(decimal_plain(&d, arena), rows[i].plain);
	}
}

static struct decimal of(const char *text)
{
	struct decimal d;
	if (!decimal_parse(text, &d))
		EXPECT_TEXT(text, "a decimal");
	return d;
}

TEST(decimal, plain_text_is_bounded)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct decimal fits = of("1e59"), not_quite = of("1e60"), small = of("1e-58");
	struct decimal smaller = of("1e-59"), negative = of("-1e59");
	EXPECT(decimal_plain(&fits, arena) != NULL);
	EXPECT(decimal_plain(&not_quite, arena) == NULL);
	EXPECT(decimal_plain(&small, arena) != NULL);
	EXPECT(decimal_plain(&smaller, arena) == NULL);
	EXPECT(decimal_plain(&negative, arena) == NULL);
}

TEST(decimal, compares)
{
	static const char *const ascending[] = {
	    "-1e300", "-12",  "-1.5",      "-1.4", "-1e-300", "0",        "1e-300",
	    "0.001",  "0.01", "0.0100001", "0.5",  "1",       "1.000001", "9.99",
	    "10",     "12",   "123",       "124",  "1e300",   "2e300"};
	for (size_t i = 0; i < ARRAY_SIZE(ascending); i++)
		for (size_t k = 0; k < ARRAY_SIZE(ascending); k++) {
			struct decimal a = of(ascending[i]), b = of(ascending[k]);
			int got = decimal_compare(&a, &b);
			test_row("%s and %s", ascending[i], ascending[k]);
			EXPECT_INT((got > 0) - (got < 0), (i > k) - (i < k));
		}
	struct decimal a = of("1.0"), b = of("10e-1"), zero = of("0"), minus = of("-0.0");
	EXPECT_INT(decimal_compare(&a, &b), 0);
	EXPECT_INT(decimal_compare(&zero, &minus), 0);
}

TEST(decimal, rounds_up_scaled)
{
	static const struct {
		const char *text;
		int scale;
		int64_t want; /* -1: refused */
	} rows[] = {
	    {"0.5", 3, 500},
	    {"0.0001", 3, 1},
	    {"70", 0, 70},
	    {"70.0000000001", 0, 71},
	    {"69.5", 0, 70},
	    {"0", 5, 0},
	    {"1e-300", 0, 1},
	    {"123.456", -2, 2},
	    {"100", -2, 1},
	    {"9223372036854775807", 0, INT64_MAX},
	    {"9223372036854775806.5", 0, INT64_MAX},
	    {"9223372036854775807.5", 0, -1},
	    {"9223372036854775808", 0, -1},
	    {"1e18", 0, INT64_C(1000000000000000000)},
	    {"1e19", 0, -1},
	    {"1e300", 0, -1},
	    {"1e400", 400, -1},
	    {"-1", 0, -1},
	    {"-0.001", 0, -1},
	    {"-0", 0, 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct decimal d = of(rows[i].text);
		int64_t got = -1;
		test_row("%s scaled by %d", rows[i].text, rows[i].scale);
		EXPECT_INT(decimal_ceil_scaled(&d, rows[i].scale, &got), rows[i].want >= 0);
		if (rows[i].want >= 0)
			EXPECT_INT(got, rows[i].want);
	}
}

TEST(decimal, rounds_up_multiplied)
{
	static const struct {
		const char *text;
		int64_t factor;
		int64_t want; /* -1: refused */
	} rows[] = {
	    {"200", 1048576, 209715200},
	    {"0.5", 1048576, 524288},
	    {"0.01", 1048576, 10486},
	    {"0.1", 10, 1},
	    {"1e-300", INT64_MAX, 1},
	    {"0", INT64_MAX, 0},
	    {"5", 0, 0},
	    {"1", INT64_MAX, INT64_MAX},
	    {"2", INT64_MAX, -1},
	    {"0.99999999999999999999999999999999999999", INT64_MAX, INT64_MAX},
	    {"99999999999999999999999999999999999999", INT64_MAX, -1},
	    {"8796093022208", 1048576, -1},
	    {"8796093022207.99999", 1048576, INT64_C(9223372036854775798)},
	    {"-1", 5, -1},
	    {"1", -5, -1},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct decimal d = of(rows[i].text);
		int64_t got = -1;
		test_row("%s times %lld", rows[i].text, (long long)rows[i].factor);
		EXPECT_INT(decimal_ceil_times(&d, rows[i].factor, &got), rows[i].want >= 0);
		if (rows[i].want >= 0)
			EXPECT_INT(got, rows[i].want);
	}
}

TEST(decimal, stands_damaged_input)
{
	static const char *const seeds[] = {"-12.50E+3", "0.000100", "9999999999999999999e-30"};
	uint64_t random = 9;
	for (int i = 0; i < 20000; i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct decimal d, again;
		size_t length;
		char *damaged = test_mutate(&random, seeds[i % 3], &length);
		char *text = arena_strndup(arena, damaged, length);
		free(damaged);
		if (!decimal_parse(text, &d))
			continue;
		char *plain = decimal_plain(&d, arena);
		bool same =
		    !plain || (decimal_parse(plain, &again) && decimal_compare(&d, &again) == 0);
		if (!same)
			EXPECT_TEXT(plain, text);
	}
	EXPECT(true);
}

TEST_MAIN(TEST_OF(decimal, parses_and_prints_plainly), TEST_OF(decimal, plain_text_is_bounded),
	  TEST_OF(decimal, compares), TEST_OF(decimal, rounds_up_scaled),
	  TEST_OF(decimal, rounds_up_multiplied), TEST_OF(decimal, stands_damaged_input))
