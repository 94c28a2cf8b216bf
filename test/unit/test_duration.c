/* pkg/units/duration.h: the texts that Go takes and prints. */
#include "pkg/units/duration.h"
#include "test/lib/test.h"

#define SECOND INT64_C(1000000000)

TEST(duration, parses_and_prints_as_go)
{
	static const struct {
		const char *text;
		int64_t want;
		const char *printed; /* NULL: refused */
	} rows[] = {
	    {"0", 0, "0s"},
	    {"-0", 0, "0s"},
	    {"+0", 0, "0s"},
	    {"5s", 5 * SECOND, "5s"},
	    {"1m30s", 90 * SECOND, "1m30s"},
	    {"90s", 90 * SECOND, "1m30s"},
	    {"1h", 3600 * SECOND, "1h0m0s"},
	    {"1.5h", 5400 * SECOND, "1h30m0s"},
	    {"30s1m", 90 * SECOND, "1m30s"},
	    {"1s1s", 2 * SECOND, "2s"},
	    {"-2us", -2000, "-2\xC2\xB5s"},
	    {"2\xC2\xB5s", 2000, "2\xC2\xB5s"},
	    {"2\xCE\xBCs", 2000, "2\xC2\xB5s"},
	    {"100ms", SECOND / 10, "100ms"},
	    {"1500ms", SECOND * 3 / 2, "1.5s"},
	    {"1.000000001s", SECOND + 1, "1.000000001s"},
	    {"1ns", 1, "1ns"},
	    {"999ns", 999, "999ns"},
	    {"1234567ns", 1234567, "1.234567ms"},
	    {".5s", SECOND / 2, "500ms"},
	    {"5.s", 5 * SECOND, "5s"},
	    {"1.0s", SECOND, "1s"},
	    {"0.5ns", 0, "0s"},
	    {"0.100000000000000000000h", 360 * SECOND, "6m0s"},
	    {"9223372036854775807ns", INT64_MAX, "2562047h47m16.854775807s"},
	    {"2562047h47m16.854775807s", INT64_MAX, "2562047h47m16.854775807s"},
	    {"-9223372036854775808ns", INT64_MIN, "-2562047h47m16.854775808s"},
	    {"9223372036854775808ns", 0, NULL},
	    {"-9223372036854775809ns", 0, NULL},
	    {"2562047h47m16.854775808s", 0, NULL},
	    {"99999999999999999999s", 0, NULL},
	    {"3000000h", 0, NULL},
	    {"2000000h2000000h", 0, NULL},
	    {"", 0, NULL},
	    {"-", 0, NULL},
	    {"+", 0, NULL},
	    {"s", 0, NULL},
	    {".", 0, NULL},
	    {".s", 0, NULL},
	    {"5", 0, NULL},
	    {"1h5", 0, NULL},
	    {"00", 0, NULL},
	    {"1d", 0, NULL},
	    {"1S", 0, NULL},
	    {"1 s", 0, NULL},
	    {" 1s", 0, NULL},
	    {"1s ", 0, NULL},
	    {"1s-1s", 0, NULL},
	    {"--1s", 0, NULL},
	    {"1.2.3s", 0, NULL},
	    {"1e3s", 0, NULL},
	    {"1sec", 0, NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t got = 0;
		char text[32];
		test_row("%s", rows[i].text);
		EXPECT_INT(duration_parse(rows[i].text, &got), rows[i].printed != NULL);
		EXPECT_INT(got, rows[i].want);
		if (!rows[i].printed)
			continue;
		duration_format(got, text);
		EXPECT_TEXT(text, rows[i].printed);
	}
}

TEST(duration, parses_what_it_prints)
{
	uint64_t random = 17;
	for (int i = 0; i < 20000; i++) {
		int64_t want = (int64_t)(test_random(&random) >> test_random(&random) % 64), got;
		char text[32];
		if (test_random(&random) % 2)
			want = -want;
		duration_format(want, text);
		if (!duration_parse(text, &got) || got != want) {
			test_row("%s", text);
			EXPECT_INT(got, want);
		}
	}
	EXPECT(true);
}

TEST_MAIN(TEST_OF(duration, parses_and_prints_as_go), TEST_OF(duration, parses_what_it_prints))
