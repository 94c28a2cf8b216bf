/* Texts for a terminal, facts of events, and the JSON form of findings. */
#include "reconciler/explain/text.h"

#include "test/unit/explain_fixture.h"
#include "test/unit/quoted_json.h"

TEST(words, visible)
{
	static const struct {
		const char *text;
		size_t max;
		const char *want;
	} rows[] = {
	    {"plain", 99, "plain"},
	    {"", 99, ""},
	    {NULL, 99, ""},
	    {"a\nb\tc\r", 99, "a b c "},
	    {"\x1b[31mred\x07", 99, "\\u001b[31mred\\u0007"},
	    {"\x7f", 99, "\\u007f"},
	    {"\xC2\x9B"
	     "31m",
	     99, "\\u009b31m"},
	    {"a\xE2\x80\xAE"
	     "b",
	     99, "a\\u202eb"},
	    {"\xE2\x81\xA6\xE2\x80\xA8\xEF\xBB\xBF", 99, "\\u2066\\u2028\\ufeff"},
	    {"gr\xC3\xBC\xC3\x9F", 99, "gr\xC3\xBC\xC3\x9F"},
	    {"a\xFF"
	     "b\xC3",
	     99,
	     "a\xEF\xBF\xBD"
	     "b\xEF\xBF\xBD"},
	    {"abcdef", 3, "abc\xE2\x80\xA6"},
	    {"abc", 3, "abc"},
	    {"ab\xC3\xBC"
	     "d",
	     3, "ab\xC3\xBC\xE2\x80\xA6"},
	};
	struct arena *arena = arena_new();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%zu", i);
		EXPECT_TEXT(text_visible(arena, rows[i].text, rows[i].max), rows[i].want);
	}
	arena_free(arena);
}

TEST(words, shell)
{
	static const char *const rows[][2] = {
	    {"hello-00001", "hello-00001"},
	    {"", "''"},
	    {"a b", "'a b'"},
	    {"$(reboot)", "'$(reboot)'"},
	    {"it's;", "'it'\\''s;'"},
	};
	struct arena *arena = arena_new();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		EXPECT_TEXT(text_shell(arena, rows[i][0]), rows[i][1]);
	arena_free(arena);
}

TEST(words, duration)
{
	static const struct {
		int64_t seconds;
		const char *want;
	} rows[] = {
	    {-2, "<invalid>"}, {-1, "0s"},         {0, "0s"},        {119, "119s"},
	    {120, "2m"},       {125, "2m5s"},      {599, "9m59s"},   {600, "10m"},
	    {659, "10m"},      {10799, "179m"},    {10800, "3h"},    {11700, "3h15m"},
	    {28800, "8h"},     {172799, "47h"},    {172800, "2d"},   {180000, "2d2h"},
	    {691200, "8d"},    {63071999, "729d"}, {63072000, "2y"}, {63158400, "2y1d"},
	    {252288000, "8y"},
	};
	struct arena *arena = arena_new();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s", rows[i].want);
		EXPECT_TEXT(
		    text_duration(arena, rows[i].seconds * 1000 + 999 * (rows[i].seconds >= 0)),
		    rows[i].want);
	}
	arena_free(arena);
}

TEST(words, near)
{
	EXPECT(text_is_near("hello", "hello-00001"));
	EXPECT(text_is_near("hello-00002", "hello-00001"));
	EXPECT(text_is_near("helo", "hello"));
	EXPECT(text_is_near("hello-00001", "hello"));
	EXPECT_FALSE(text_is_near("hello", "world"));
	EXPECT_FALSE(text_is_near("", "hello"));
	EXPECT_FALSE(text_is_near("hello", ""));
	EXPECT_FALSE(text_is_near("abc", "xyz"));
}

/* ---- findings ---- */

TEST(findings, as_json)
{
	struct arena *arena = arena_new();
	struct findings f = {.arena = arena,
			     .ns = "ns",
			     .revision = "r",
			     .service = "",
			     .ready = "False",
			     .reason = "R",
			     .since_ms = START_MS,
			     .held_until_ms = START_MS + 1000};

	findings_say(&f, "One");
	findings_say(&f, "two%s", ":");
	findings_say(&f, "three\x1b.");
	findings_fact(&f, "A/a", "%d\n", 1);
	findings_step(&f, "Do:", "it %s", "now");
	findings_step(&f, "Wait.", NULL);
	f.unread[f.unread_count++] = "x: no";
	EXPECT_TEXT(json_shown(arena, findings_json(&f, arena)),
		    "{'apiVersion':'autoscaler-keda-hpa/v1','kind':'RevisionExplanation',"
		    "'namespace':'ns','revision':'r','service':'','ready':'False','reason':'R',"
		    "'since':'2026-01-02T03:00:00Z','heldUntil':'2026-01-02T03:00:01Z',"
		    "'summary':'One. two: three\\\\u001b.','facts':[{'object':'A/a','text':'1 '}],"
		    "'next':[{'text':'Do:','command':'it now'},{'text':'Wait.'}],"
		    "'unread':['x: no']}");
	for (size_t i = 0; i < 100; i++) {
		findings_fact(&f, "A/a", "x");
		findings_step(&f, "x", NULL);
	}
	EXPECT_INT(f.fact_count, FACTS_MAX);
	EXPECT_INT(f.step_count, STEPS_MAX);
	arena_free(arena);
}

/* ---- what comes from a cluster ---- */

#define EVENT(kind, uid, reason, at)                                                               \
	"{'involvedObject':{'kind':'" kind "','name':'r','uid':'" uid "'},'type':'Warning',"       \
	"'reason':'" reason                                                                        \
	"','message':'m\\u001b[2J','count':3,'lastTimestamp':'2026-01-02T02:" at "Z'}"

TEST(facts, events)
{
	struct stage stage;
	stage_init(&stage, CUSTOM);
	EXPECT(cluster_pass(&stage.cluster));
	stage.evidence.events = J(
	    &stage.cluster,
	    "[" EVENT("PodAutoscaler", "pa-1", "Oldest", "10:00") "," EVENT("PodAutoscaler", "pa-0", "OfAFormerOne", "59:59") "," EVENT(
		"PodAutoscaler", "pa-1", "Second",
		"59:30") "," EVENT("PodAutoscaler", "pa-1", "SameTime",
				   "59:30") "," EVENT("PodAutoscaler", "pa-1", "A",
						      "58:00") "," EVENT("PodAutoscaler", "pa-1",
									 "B",
									 "57:00") "," EVENT("PodAut"
											    "oscale"
											    "r",
											    "",
											    "NoUid",
											    "59:50") ",7]");
	EXPECT(stage_explain(&stage));
	size_t told = 0;
	static const char *const order[] = {"NoUid", "Second", "SameTime", "A", "B"};
	for (size_t i = 0; i < stage.findings.fact_count; i++) {
		const char *text = stage.findings.facts[i].text;
		if (!strstr(text, " event "))
			continue;
		EXPECT(told < ARRAY_SIZE(order));
		EXPECT_CONTAINS(text, order[told++]);
		EXPECT_CONTAINS(text, "(3 times)");
		EXPECT_CONTAINS(text, "m\\u001b[2J");
	}
	EXPECT_INT(told, ARRAY_SIZE(order));
	stage_release(&stage);
}

/* A condition is what a tenant's annotation says, and an annotation may hold anything. */
TEST(facts, hostile)
{
	struct stage stage;
	stage_init(&stage, "'metric-type':'x'");
	EXPECT(cluster_pass(&stage.cluster));
	edit(&stage.cluster, stage.cluster.pa,
	     "{'status':{'conditions':[{'type':'Active','status':'False','reason':'\\u001b]0;"
	     "x\\u0007',"
	     "'message':'\\u001b[31m\xE2\x80\xAE'}]}}");
	EXPECT(stage_explain(&stage));
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	json_write(findings_json(&stage.findings, stage.cluster.arena), &out);
	strbuf_addstr(&out, stage.findings.reason);
	strbuf_addstr(&out, stage.findings.summary);
	EXPECT(!strchr(out.buf, 0x1b));
	EXPECT(!strchr(out.buf, 0x07));
	EXPECT(!strstr(out.buf, "\xE2\x80\xAE"));
	EXPECT_CONTAINS(stage.findings.summary, "\\u001b[31m\\u202e");
	stage_release(&stage);
}

TEST_MAIN(TEST_OF(words, visible), TEST_OF(words, shell), TEST_OF(words, duration),
	  TEST_OF(words, near), TEST_OF(findings, as_json), TEST_OF(facts, events),
	  TEST_OF(facts, hostile))
