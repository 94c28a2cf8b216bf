/* pkg/base/clock.h: formats and strict parsing of times. */
#include "pkg/base/clock.h"
#include "pkg/base/date.h"
#include "test/lib/test.h"

TEST(clock, formats)
{
	static const struct {
		int64_t ms;
		const char *seconds, *millis;
	} rows[] = {
	    {0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"},
	    {999, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.999Z"},
	    {-1, "1969-12-31T23:59:59Z", "1969-12-31T23:59:59.999Z"},
	    {INT64_C(1767323045678), "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.678Z"},
	    {INT64_C(951782400000), "2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z"},
	    {INT64_C(-62135596800000), "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"},
	    {INT64_MAX, "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999Z"},
	    {INT64_MIN, "0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[TIME_RFC3339_SIZE];
		test_row("row %zu", i);
		time_format_rfc3339(rows[i].ms, text);
		EXPECT_TEXT(text, rows[i].seconds);
		time_format_rfc3339_ms(rows[i].ms, text);
		EXPECT_TEXT(text, rows[i].millis);
	}
}

struct parsed {
	const char *text;
	int64_t want; /* -1: refused */
};

TEST(clock, parses_rfc3339)
{
	static const struct parsed rows[] = {
	    {"1970-01-01T00:00:00Z", 0},
	    {"2026-01-02T03:04:05Z", INT64_C(1767323045000)},
	    {"2026-01-02T03:04:05.678Z", INT64_C(1767323045678)},
	    {"2026-01-02T03:04:05.678901234Z", INT64_C(1767323045678)},
	    {"2026-01-02T03:04:05.6Z", INT64_C(1767323045600)},
	    {"2026-01-02T05:04:05+02:00", INT64_C(1767323045000)},
	    {"2026-01-01T21:34:05-05:30", INT64_C(1767323045000)},
	    {"2000-02-29T00:00:00Z", INT64_C(951782400000)},
	    {"2100-03-01T00:00:00Z", INT64_C(4107542400000)},
	    {"", -1},
	    {"2026-01-02", -1},
	    {"2026-01-02T03:04:05", -1},
	    {"2026-01-02t03:04:05Z", -1},
	    {"2026-01-02T03:04:05z", -1},
	    {"2026-01-02 03:04:05Z", -1},
	    {"2026-01-02T03:04:05Z ", -1},
	    {" 2026-01-02T03:04:05Z", -1},
	    {"2026-01-02T03:04:05.Z", -1},
	    {"2026-01-02T03:04:60Z", -1},
	    {"2026-01-02T03:60:05Z", -1},
	    {"2026-01-02T24:04:05Z", -1},
	    {"2026-02-29T03:04:05Z", -1},
	    {"2100-02-29T03:04:05Z", -1},
	    {"2026-04-31T03:04:05Z", -1},
	    {"2026-00-02T03:04:05Z", -1},
	    {"2026-13-02T03:04:05Z", -1},
	    {"2026-01-00T03:04:05Z", -1},
	    {"2026-1-02T03:04:05Z", -1},
	    {"2026-01-02T03:04:05+0200", -1},
	    {"2026-01-02T03:04:05+24:00", -1},
	    {"2026-01-02T03:04:05+02:60", -1},
	    {"2026-01-02T03:04:05+02", -1},
	    {"+026-01-02T03:04:05Z", -1},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t ms = -1;
		test_row("%s", rows[i].text);
		EXPECT_INT(time_parse_rfc3339(rows[i].text, &ms), rows[i].want != -1);
		EXPECT_INT(ms, rows[i].want);
	}
	int64_t early;
	EXPECT(time_parse_rfc3339("0001-01-01T00:00:00Z", &early));
	EXPECT_INT(early, INT64_C(-62135596800000));
}

TEST(clock, parses_what_it_formats)
{
	uint64_t seed = 7;
	for (int i = 0; i < 2000; i++) {
		int64_t ms = (int64_t)(test_random(&seed) % UINT64_C(300000000000000)) -
			     INT64_C(60000000000000);
		int64_t got;
		char text[TIME_RFC3339_SIZE];
		time_format_rfc3339_ms(ms, text);
		test_row("%s", text);
		EXPECT(time_parse_rfc3339(text, &got) && got == ms);
	}
}

TEST(clock, parses_http_dates)
{
	static const struct parsed rows[] = {
	    {"Sun, 06 Nov 1994 08:49:37 GMT", INT64_C(784111777000)},
	    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
	    {"Tue, 29 Feb 2000 00:00:00 GMT", INT64_C(951782400000)},
	    {"Sunday, 06-Nov-94 08:49:37 GMT", -1},
	    {"Sun Nov  6 08:49:37 1994", -1},
	    {"Sun, 6 Nov 1994 08:49:37 GMT", -1},
	    {"Sun, 06 nov 1994 08:49:37 GMT", -1},
	    {"Xun, 06 Nov 1994 08:49:37 GMT", -1},
	    {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
	    {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
	    {"Sun, 31 Nov 1994 08:49:37 GMT", -1},
	    {"Sun, 06 Nov 1994 24:49:37 GMT", -1},
	    {"Wed, 31 Dec 1969 23:59:59 GMT", -1},
	    {"Fri, 15 Jan 0027 08:00:00 GMT", -1},
	    {"Sun, 06 Nov 1994 08:49:37", -1},
	    {"Su", -1},
	    {"", -1},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t ms = -1;
		test_row("%s", rows[i].text);
		EXPECT_INT(time_parse_http_date(rows[i].text, &ms), rows[i].want != -1);
		EXPECT_INT(ms, rows[i].want);
	}
}

TEST(clock, system_clocks_run)
{
	int64_t before = clock_mono(&system_clock);
	EXPECT(clock_mono(&system_clock) >= before);
	EXPECT(clock_wall(&system_clock) > INT64_C(1600000000000));
}

TEST_MAIN(TEST_OF(clock, formats), TEST_OF(clock, parses_rfc3339),
	  TEST_OF(clock, parses_what_it_formats), TEST_OF(clock, parses_http_dates),
	  TEST_OF(clock, system_clocks_run))
