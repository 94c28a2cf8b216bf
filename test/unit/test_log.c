/* pkg/base/log.h: the line as a whole in both forms, its bounds, the level, a stderr that is stuck.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/log.h"
#include "pkg/base/log_line.h"
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

static void back_to_usual(void)
{
	log_setup(&system_clock, NULL, NULL, NULL);
	log_set_level(LOG_INFO);
	log_set_format(LOG_JSON);
	log_set_commit(NULL);
}

#define HEAD(severity)                                                                             \
	"{\"severity\":\"" severity "\",\"timestamp\":\"2026-01-02T03:04:05.678Z\","               \
	"\"logger\":\"autoscaler-keda-hpa\",\"caller\":\"unit/test_log.c:"

TEST(log, writes_knatives_lines)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;

	log_setup(&fake, "pod-1", keep, &out);
	log_set_commit("abc1234");
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
		    HEAD("WARNING") "7\",\"message\":\"hello \\\"you\\\"\",\"commit\":\"abc1234\","
				    "\"knative.dev/pod\":\"pod-1\","
				    "\"knative.dev/key\":\"a/b\\n\xEF\xBF\xBD\",\"code\":-201,"
				    "\"ok\":true,\"bad\":false,\"took\":\"1.5s\","
				    "\"back\":\"-7ms\"}\n");
	back_to_usual();
}

TEST(log, leaves_out_pod_and_commit_if_there_is_none)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;

	log_setup(&fake, NULL, keep, &out);
	log_set_commit("");
	log_write(LOG_ERROR, "elsewhere.c", 1, "m", (const struct log_field[]){{0}});
	EXPECT_CONTAINS(out.buf, "\"severity\":\"ERROR\"");
	EXPECT_CONTAINS(out.buf, "\"caller\":\"elsewhere.c:1\",\"message\":\"m\"}\n");
	back_to_usual();
}

TEST(log, obeys_the_level)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;

	log_setup(&fake, NULL, keep, &out);
	log_debug("no");
	EXPECT_TEXT(out.buf, "");
	log_info("yes", F_INT("n", INT64_MIN));
	EXPECT_CONTAINS(out.buf, "\"n\":-9223372036854775808");
	EXPECT_CONTAINS(out.buf, "\"caller\":\"unit/test_log.c:");
	strbuf_reset(&out);
	log_set_level(LOG_ERROR);
	log_warn("no");
	EXPECT_FALSE(log_enabled(LOG_WARN));
	EXPECT_TEXT(out.buf, "");
	log_error("yes");
	EXPECT_CONTAINS(out.buf, "yes");
	log_set_level(LOG_FATAL);
	strbuf_reset(&out);
	log_error("no");
	EXPECT_TEXT(out.buf, "");
	log_set_level(LOG_DEBUG);
	log_debug("now");
	EXPECT_CONTAINS(out.buf, "\"severity\":\"DEBUG\"");
	back_to_usual();
}

TEST(log, knows_zaps_levels)
{
	static const struct {
		const char *text, *name; /* NULL: refused */
	} rows[] = {
	    {"debug", "debug"},  {"info", "info"},   {"", "info"},        {"warn", "warn"},
	    {"warning", "warn"}, {"error", "error"}, {"dpanic", "fatal"}, {"panic", "fatal"},
	    {"fatal", "fatal"},  {"DEBUG", "debug"}, {"WaRn", "warn"},    {" info", NULL},
	    {"info ", NULL},     {"trace", NULL},    {"0", NULL},         {"-1", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum log_level level = LOG_DEBUG;
		bool known = log_level_parse(rows[i].text, &level);

		test_row("\"%s\"", rows[i].text);
		EXPECT_INT(known, rows[i].name != NULL);
		if (known)
			EXPECT_TEXT(log_level_name(level), rows[i].name);
	}
	test_row("%s", "");
}

/* What stands behind the message. */
static void one_field(bool console, struct log_field field, struct strbuf *out)
{
	const struct log_field fields[] = {field, {0}};
	const struct log_line line = {
	    .level = LOG_INFO, .now = "now", .file = "f", .message = "m", .fields = fields};

	strbuf_reset(out);
	if (console)
		log_line_console(&line, false, out);
	else
		log_line_json(&line, out);
}

TEST(log, durations_are_gos)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
	    {0, "0s"},         {1, "1ms"},          {999, "999ms"},     {1000, "1s"},
	    {1001, "1.001s"},  {1020, "1.02s"},     {59999, "59.999s"}, {60000, "1m0s"},
	    {61500, "1m1.5s"}, {3600000, "1h0m0s"}, {-90, "-90ms"},     {360061001, "100h1m1.001s"},
	    {-61000, "-1m1s"},
	};
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	char want[64];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		one_field(true, F_MS("t", rows[i].ms), &out);
		snprintf(want, sizeof(want), "now INFO  m t=%s\n", rows[i].text);
		EXPECT_TEXT(out.buf, want);
	}
}

TEST(log, console_is_for_people_and_shows_what_hides)
{
	static const struct {
		const char *key, *value, *shown;
	} rows[] = {
	    {"a", "plain-text/1.2:3", " a=plain-text/1.2:3"},
	    {"knative.dev/key", "ns/a", " key=ns/a"},
	    {"knative.dev/kind", "x", ""},
	    {"knative.dev/controller", "x", ""},
	    {"a", "", " a=\"\""},
	    {"a", "two words", " a=\"two words\""},
	    {"a", "b=c", " a=\"b=c\""},
	    {"a", "say \"it\"", " a=\"say \\\"it\\\"\""},
	    {"a", "x\033[2J\r\n\x7f", " a=\"x\\u001b[2J\\r\\n\\u007f\""},
	    {"a",
	     "\xC2\x9B"
	     "2J",
	     " a=\"\\u009b2J\""},
	    {"a", "r\xE2\x80\xAEl \xE2\x80\xA8 \xE2\x81\xA6", " a=\"r\\u202el \\u2028 \\u2066\""},
	    {"a", "\xC3\xA4\xE2\x82\xAC\xE2\x80\x93", " a=\xC3\xA4\xE2\x82\xAC\xE2\x80\x93"},
	    {"a", "\xFF\xE2", " a=\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
	};
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	char want[128];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%zu", i);
		one_field(true, F_STR(rows[i].key, rows[i].value), &out);
		snprintf(want, sizeof(want), "now INFO  m%s\n", rows[i].shown);
		EXPECT_TEXT(out.buf, want);
	}
	test_row("%s", "");
	one_field(false, F_STR("a", "\xC2\x9B\xE2\x80\xAE"), &out);
	EXPECT_CONTAINS(out.buf, "\"a\":\"\\u009b\\u202e\"");
}

TEST(log, console_has_colours_if_asked)
{
	static const struct log_field fields[] = {{"a", LOG_FIELD_BOOL, "", 1}, {0}};
	const struct log_line line = {
	    .level = LOG_ERROR, .now = "now", .file = "f", .message = "m", .fields = fields};
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;

	log_line_console(&line, true, &out);
	EXPECT_TEXT(out.buf, "now \033[31mERROR\033[0m m a=true\n");
}

TEST(log, long_values_are_cut_and_the_line_is_bounded)
{
	enum { SIZE = 300000 };
	char *euros = malloc(SIZE + 1), *controls = malloc(SIZE + 1);
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct log_field fields[20] = {{0}};
	const struct log_line line = {
	    .level = LOG_INFO, .now = "now", .file = "f", .message = "m", .fields = fields};

	EXPECT(euros && controls);
	for (size_t i = 0; i < SIZE; i++)
		euros[i] = "\xE2\x82\xAC"[i % 3];
	memset(controls, 1, SIZE);
	euros[SIZE] = controls[SIZE] = 0;
	one_field(false, F_STR("a", euros), &out);
	EXPECT(out.len > 4000 && out.len < 4500);
	EXPECT_CONTAINS(out.buf, "\xE2\x82\xAC...(295905 bytes more)\"}\n");
	EXPECT(strstr(out.buf, "\xEF\xBF\xBD") == NULL);
	one_field(false, F_STR("a", controls), &out);
	EXPECT_CONTAINS(out.buf, "\\u0001...(299318 bytes more)\"}\n");
	for (size_t i = 0; i < 19; i++)
		fields[i] = F_STR("knative.dev/a-key-of-some-length", i % 2 ? controls : euros);
	for (int console = 0; console < 2; console++) {
		strbuf_reset(&out);
		if (console)
			log_line_console(&line, false, &out);
		else
			log_line_json(&line, &out);
		EXPECT(out.len > LOG_LINE_MAX / 2 && out.len <= LOG_LINE_MAX);
	}
	free(euros);
	free(controls);
}

/* ---- stderr ---- */

/* stderr is a pipe until unplug; nobody reads it meanwhile. */
static int plug(int *old)
{
	int ends[2];

	EXPECT(pipe(ends) == 0);
	*old = dup(STDERR_FILENO);
	EXPECT(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
	close(ends[1]);
	return ends[0];
}

static void read_all(int fd, struct strbuf *out)
{
	struct pollfd in = {.fd = fd, .events = POLLIN};
	char part[4096];

	while (poll(&in, 1, 0) > 0) {
		ssize_t got = read(fd, part, sizeof(part));

		if (got <= 0)
			break;
		strbuf_add(out, part, (size_t)got);
	}
}

TEST(log, a_stderr_that_nobody_reads_holds_nothing_up)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT, out = STRBUF_INIT;
	int64_t started = clock_mono(&system_clock);
	int old, reader = plug(&old);

	while (text.len < 3000)
		strbuf_addch(&text, 'x');
	for (int i = 0; i < 100; i++)
		log_info("filler", F_INT("n", i), F_STR("text", text.buf));
	EXPECT(clock_mono(&system_clock) - started < 5000);
	read_all(reader, &out);
	log_info("behind");
	read_all(reader, &out);
	dup2(old, STDERR_FILENO);
	close(old);
	close(reader);
	EXPECT_CONTAINS(out.buf, "\"n\":0,");
	EXPECT(strstr(out.buf, "\"n\":99,") == NULL);
	EXPECT_CONTAINS(out.buf,
			"\"message\":\"log lines were lost: stderr took nothing\",\"lost\":");
	EXPECT_CONTAINS(out.buf, "\"message\":\"behind\"}\n");
	/* Each line is one, but for one that was torn at the end of the pipe. */
	for (char *line = out.buf, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = 0;
		EXPECT(strncmp(line, "{\"severity\"", 11) == 0);
		EXPECT(strstr(line + 1, "{\"severity\"") == NULL);
	}
}

TEST(log, a_stderr_that_is_closed_loses_lines_only)
{
	int old = dup(STDERR_FILENO);

	close(STDERR_FILENO);
	log_info("nobody sees this");
	dup2(old, STDERR_FILENO);
	close(old);
	/* for others of this process */
	log_set_level(LOG_FATAL);
	log_error("nor this");
	back_to_usual();
}

TEST_MAIN(TEST_OF(log, writes_knatives_lines),
	  TEST_OF(log, leaves_out_pod_and_commit_if_there_is_none), TEST_OF(log, obeys_the_level),
	  TEST_OF(log, knows_zaps_levels), TEST_OF(log, durations_are_gos),
	  TEST_OF(log, console_is_for_people_and_shows_what_hides),
	  TEST_OF(log, console_has_colours_if_asked),
	  TEST_OF(log, long_values_are_cut_and_the_line_is_bounded),
	  TEST_OF(log, a_stderr_that_nobody_reads_holds_nothing_up),
	  TEST_OF(log, a_stderr_that_is_closed_loses_lines_only))
