/* pkg/units/quantity.h: the grammar of resource.ParseQuantity, and canonical texts. */
#include "pkg/units/quantity.h"
#include "test/lib/test.h"

TEST(quantity, parses_what_kubernetes_does)
{
	static const struct {
		const char *text;
		const char *plain; /* NULL: refused */
	} rows[] = {
	    {"0", "0"},
	    {"5", "5"},
	    {"+5", "5"},
	    {"-5", "-5"},
	    {"100m", "0.1"},
	    {"2500u", "0.0025"},
	    {"3n", "0.000000003"},
	    {"1k", "1000"},
	    {"1.5M", "1500000"},
	    {"2G", "2000000000"},
	    {"1T", "1000000000000"},
	    {"1P", "1000000000000000"},
	    {"1E", "1000000000000000000"},
	    {"1Ki", "1024"},
	    {"0.5Mi", "524288"},
	    {"1.1Gi", "1181116006.4"},
	    {"1Ti", "1099511627776"},
	    {"1Pi", "1125899906842624"},
	    {"7Ei", "8070450532247928832"},
	    {"1e3", "1000"},
	    {"1E3", "1000"},
	    {"1e+3", "1000"},
	    {"12e-1", "1.2"},
	    {"1.", "1"},
	    {".5", "0.5"},
	    {"5.Ki", "5120"},
	    {"00012", "12"},
	    {"", NULL},
	    {".", NULL},
	    {"k", NULL},
	    {"+", NULL},
	    {"-Ki", NULL},
	    {"1 Ki", NULL},
	    {" 1", NULL},
	    {"1 ", NULL},
	    {"1K", NULL},
	    {"1ki", NULL},
	    {"1KI", NULL},
	    {"1g", NULL},
	    {"1mi", NULL},
	    {"1MM", NULL},
	    {"1Ki5", NULL},
	    {"1e", NULL},
	    {"1e3k", NULL},
	    {"1E3Ki", NULL},
	    {"1e3.5", NULL},
	    {"1Ee3", NULL},
	    {"1B", NULL},
	    {"200MB", NULL},
	    {"1.2.3", NULL},
	    {"0x10", NULL},
	    {"70%", NULL},
	    {"NaN", NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct decimal d;
		test_row("%s", rows[i].text);
		bool ok = quantity_parse(rows[i].text, &d);
		EXPECT_INT(ok, rows[i].plain != NULL);
		if (ok)
			EXPECT_TEXT(decimal_plain(&d, arena), rows[i].plain);
	}
}

TEST(quantity, compares_by_value)
{
	EXPECT(quantity_equal("1", "1000m"));
	EXPECT(quantity_equal("1Gi", "1024Mi"));
	EXPECT(quantity_equal("1e3", "1k"));
	EXPECT(quantity_equal("0", "-0Ki"));
	EXPECT(quantity_equal("0.5Mi", "512Ki"));
	EXPECT_FALSE(quantity_equal("1G", "1Gi"));
	EXPECT_FALSE(quantity_equal("1", "-1"));
	EXPECT_FALSE(quantity_equal("x", "x"));
	EXPECT_FALSE(quantity_equal("1", "x"));
}

TEST(quantity, writes_canonical_texts)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		int64_t bytes;
		const char *want;
	} rows[] = {
	    {0, "0"},
	    {1, "1"},
	    {1000, "1000"},
	    {1023, "1023"},
	    {1024, "1Ki"},
	    {1536, "1536"},
	    {10486, "10486"},
	    {524288, "512Ki"},
	    {209715200, "200Mi"},
	    {1073741824, "1Gi"},
	    {INT64_C(1) << 40, "1Ti"},
	    {INT64_C(1) << 50, "1Pi"},
	    {INT64_C(7) << 60, "7Ei"},
	    {INT64_MAX, "9223372036854775807"},
	    {INT64_MIN, "-8Ei"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_TEXT(quantity_bytes(rows[i].bytes, arena), rows[i].want);
		struct decimal d;
		EXPECT(quantity_parse(rows[i].want, &d));
	}
	EXPECT_TEXT(quantity_millis(500, arena), "500m");
	EXPECT_TEXT(quantity_millis(2000, arena), "2");
	EXPECT_TEXT(quantity_millis(2500, arena), "2500m");
	EXPECT_TEXT(quantity_millis(0, arena), "0");
	EXPECT_TEXT(quantity_millis(1, arena), "1m");
}

TEST_MAIN(TEST_OF(quantity, parses_what_kubernetes_does), TEST_OF(quantity, compares_by_value),
	  TEST_OF(quantity, writes_canonical_texts))
