/* pkg/base/log.h: the line as a whole, and what is left out. */
#include <string.h>

#include "pkg/base/log.h"
#include "pkg/base/strbuf.h"
#include "test/lib/test.h"

static int64_t fixed(const struct clock *clock UNUSED)
{
	return INT64_C(1767323045678);
}

static const struct clock fake = {fixed, fixed};

static void keep(void *ctx, const char *line, size_t length)
{
	strbuf_add(ctx, line, length);
}

#define HEAD(severity)                                                                             \
	"{\"severity\":\"" severity "\",\"timestamp\":\"2026-01-02T03:04:05.678Z\","               \
	"\"logger\":\"autoscaler-keda-hpa\",\"caller\":\"test/unit/test_log.c:"

TEST(log, writes_zap_lines)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	log_setup(&fake, "pod-1", keep, &out);
	log_write(LOG_WARN, "test/unit/test_log.c", 7, "hello \"you\"",
		  (const struct log_field[]){F_STR("knative.dev/key", "a/b\n\xFF"),
					     F_STR("absent", NULL),
					     F_INT("code", -201),
					     F_BOOL("ok", true),
					     F_BOOL("bad", false),
					     F_MS("took", 1500),
					     F_MS("back", -7),
					     {0}});
	EXPECT_TEXT(out.buf,
		    HEAD("WARN") "7\",\"message\":\"hello \\\"you\\\"\","
				 "\"knative.dev/pod\":\"pod-1\","
				 "\"knative.dev/key\":\"a/b\\n\xEF\xBF\xBD\",\"code\":-201,"
				 "\"ok\":true,\"bad\":false,\"took\":1.500,\"back\":-0.007}\n");
	log_setup(&system_clock, NULL, NULL, NULL);
}

TEST(log, leaves_out_the_pod_if_there_is_none)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	log_setup(&fake, NULL, keep, &out);
	log_write(LOG_ERROR, "elsewhere.c", 1, "m", (const struct log_field[]){{0}});
	EXPECT_CONTAINS(out.buf, "\"severity\":\"ERROR\"");
	EXPECT_CONTAINS(out.buf, "\"caller\":\"elsewhere.c:1\",\"message\":\"m\"}\n");
	log_setup(&system_clock, NULL, NULL, NULL);
}

TEST(log, obeys_the_level)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	log_setup(&fake, NULL, keep, &out);
	log_debug("no");
	EXPECT_TEXT(out.buf, "");
	log_info("yes", F_INT("n", INT64_MIN));
	EXPECT_CONTAINS(out.buf, "\"n\":-9223372036854775808");
	EXPECT_CONTAINS(out.buf, "\"caller\":\"test/unit/test_log.c:");
	strbuf_reset(&out);
	log_set_level(LOG_ERROR);
	log_warn("no");
	EXPECT_FALSE(log_enabled(LOG_WARN));
	EXPECT_TEXT(out.buf, "");
	log_error("yes");
	EXPECT_CONTAINS(out.buf, "yes");
	log_set_level(LOG_DEBUG);
	strbuf_reset(&out);
	log_debug("now");
	EXPECT_CONTAINS(out.buf, "\"severity\":\"DEBUG\"");
	log_set_level(LOG_INFO);
	log_setup(&system_clock, NULL, NULL, NULL);
}

TEST_MAIN(TEST_OF(log, writes_zap_lines), TEST_OF(log, leaves_out_the_pod_if_there_is_none),
	  TEST_OF(log, obeys_the_level))
