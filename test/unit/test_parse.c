/* pkg/units/parse.h: integers, booleans and URLs as Go reads them. */
#include "pkg/units/parse.h"
#include "test/lib/test.h"

TEST(parse, integers)
{
	static const struct {
		const char *text;
		bool ok;
		int32_t want;
	} rows[] = {
	    {"0", true, 0},
	    {"-0", true, 0},
	    {"+5", true, 5},
	    {"007", true, 7},
	    {"2147483647", true, INT32_MAX},
	    {"-2147483648", true, INT32_MIN},
	    {"00000000000000000000001", true, 1},
	    {"2147483648", false, 0},
	    {"-2147483649", false, 0},
	    {"99999999999999999999", false, 0},
	    {"", false, 0},
	    {"-", false, 0},
	    {"+", false, 0},
	    {"--1", false, 0},
	    {"1.0", false, 0},
	    {"1e3", false, 0},
	    {"0x1", false, 0},
	    {"1_000", false, 0},
	    {" 1", false, 0},
	    {"1 ", false, 0},
	    {"one", false, 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int32_t got = 0;
		test_row("%s", rows[i].text);
		EXPECT_INT(parse_int32(rows[i].text, &got), rows[i].ok);
		EXPECT_INT(got, rows[i].want);
	}
}

TEST(parse, booleans)
{
	static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
	static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};
	static const char *const neither[] = {"",      "yes",   "on", "tRue",
					      " true", "true ", "2",  "nil"};
	bool got;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		test_row("%s, %s", yes[i], no[i]);
		EXPECT(parse_bool(yes[i], &got) && got);
		EXPECT(parse_bool(no[i], &got) && !got);
	}
	for (size_t i = 0; i < ARRAY_SIZE(neither); i++) {
		test_row("%s", neither[i]);
		EXPECT_FALSE(parse_bool(neither[i], &got));
	}
}

TEST(parse, accepts_urls)
{
	static const char *const rows[] = {
	    "http://prometheus:9090",
	    "http://prometheus.monitoring.svc.cluster.local:9090/path/x?query=a%zz&b=c#frag",
	    "https://user:pass@host/",
	    "https://user:p%40ss@host/",
	    "https://user@info@host/",
	    "HTTP://Host",
	    "hTTps://host",
	    "http://host:",
	    "http://host:0",
	    "http://host:65535",
	    "http://1.2.3.4",
	    "http://[::1]",
	    "http://[::1]:9090/x",
	    "http://[fe80::1%25eth0]:80/",
	    "http://host?x",
	    "http://host#x",
	    "http://host/a%20b",
	    "http://b%C3%BCcher.example/",
	    "http://b\xC3\xBC.example/",
	    "http://host_name/",
	    "http://a,b;c=d/",
	    "http://host/[x]",
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s", rows[i]);
		EXPECT(parse_http_url(rows[i]));
	}
}

TEST(parse, refuses_urls)
{
	static const char *const rows[] = {
	    "",
	    "http",
	    "http:",
	    "http:/host",
	    "http://",
	    "http:///path",
	    "http://?x",
	    "http://#x",
	    "http://:9090",
	    "http://user@",
	    "http://user@:80/",
	    "//host",
	    "host:9090",
	    "prometheus:9090/x",
	    "ftp://host",
	    "httpx://host",
	    " http://host",
	    "http://host ",
	    "http://ho st/",
	    "http://host/a b",
	    "http://host/\t",
	    "http://host\n",
	    "http://host/\x7F",
	    "http://host:65536",
	    "http://host:99999999999",
	    "http://host:x",
	    "http://host:-1",
	    "http://host:80:90",
	    "http://::1/",
	    "http://[::1",
	    "http://[::1]x",
	    "http://[::1]:x",
	    "http://[1.2.3.4]",
	    "http://[x]",
	    "http://[]",
	    "http://[::1%25]",
	    "http://[::1%eth0]",
	    "http://[1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111]",
	    "http://a[::1]/",
	    "http://host/%",
	    "http://host/%z0",
	    "http://host/%2",
	    "http://host#%zz",
	    "http://ho%20st/",
	    "http://ho%2/",
	    "http://ho<st/",
	    "http://us er@host/",
	    "http://us%zzer@host/",
	    "http://us[er@host/",
	    "http://\xC3\xBC@host/",
	    "http://host\\x/",
	    "http://{host}/",
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s", rows[i]);
		EXPECT_FALSE(parse_http_url(rows[i]));
	}
}

TEST_MAIN(TEST_OF(parse, integers), TEST_OF(parse, booleans), TEST_OF(parse, accepts_urls),
	  TEST_OF(parse, refuses_urls))
