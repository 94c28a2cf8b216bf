/* The condition set: Knative's rules row by row, and what we promise beyond them. */
#include "pkg/knative/conditions.h"

#include "test/lib/test.h"
#include "test/unit/quoted_json.h"

#define T0 INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */
#define T1 (T0 + 60000)
#define T2 (T0 + 120000)

static struct conditions decoded(struct arena *arena, const char *text)
{
	struct conditions out;
	conditions_decode(quoted_json(arena, text), arena, &out);
	return out;
}

static struct conditions initialized(struct arena *arena, const char *text, int64_t now_ms)
{
	struct conditions from = decoded(arena, text), out;
	conditions_initialize(&from, arena, now_ms, &out);
	return out;
}

/* "Active=False/Reason/message@seconds ..." in stored order, seconds counted from T0. */
static const char *shown(const struct conditions *set, struct arena *arena)
{
	const char *text = "";
	for (size_t i = 0; i < set->count; i++) {
		const struct condition *c = &set->items[i];
		text = arena_printf(arena, "%s%s%s=%s", text, i ? " " : "", c->type,
				    condition_status_name(c->status));
		if (c->reason || c->message)
			text = arena_printf(arena, "%s/%s/%s", text, c->reason ? c->reason : "",
					    c->message ? c->message : "");
		text = arena_printf(arena, "%s@%d", text, (int)((c->changed_ms - T0) / 1000));
	}
	return text;
}

static const char *ready(const struct conditions *set, struct arena *arena)
{
	const struct condition *c = conditions_get(set, CONDITION_READY);
	return arena_printf(arena, "%s/%s/%s@%d", condition_status_name(c->status),
			    c->reason ? c->reason : "", c->message ? c->message : "",
			    (int)((c->changed_ms - T0) / 1000));
}

static const char *encoded(const struct conditions *set, struct arena *arena)
{
	return json_shown(arena, conditions_encode(set, arena));
}

TEST(conditions, decode_is_lenient_and_sorts)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct conditions set = decoded(
	    arena, "[{'type':'SKSReady','status':'Unknown','reason':'NotReady','message':'m',"
		   "'lastTransitionTime':'2026-01-01T00:01:00.9Z'},"
		   "{'status':'True'}, 7, null, {'type':3,'status':'True'},"
		   "{'type':'Odd','status':'Maybe'}, {'type':'Odd2'},"
		   "{'type':'Active','status':'False','reason':5,'severity':'Info'},"
		   "{'type':'Active','status':'True'},"
		   "{'type':'Zebra','status':'True','lastTransitionTime':'yesterday'}]");
	EXPECT_INT(set.count, 3);
	EXPECT_TEXT(shown(&set, arena), "Active=False@-1767225600 SKSReady=Unknown/NotReady/m@60 "
					"Zebra=True@-1767225600");
	EXPECT_TEXT(conditions_get(&set, "Active")->severity, "Info");
	EXPECT(conditions_get(&set, "Active")->reason == NULL);
	EXPECT_INT(conditions_get(&set, "SKSReady")->changed_ms, T1);
	EXPECT(conditions_get(&set, "Odd") == NULL);
	EXPECT_INT(conditions_status(&set, "Zebra"), CONDITION_TRUE);
	EXPECT_INT(conditions_status(&set, "absent"), CONDITION_UNKNOWN);

	static const char *const none[] = {"[]", "null", "{}", "'x'"};
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		test_row("%s", none[i]);
		struct conditions empty = decoded(arena, none[i]);
		EXPECT_INT(empty.count, 0);
	}
	conditions_decode(NULL, arena, &set);
	EXPECT_INT(set.count, 0);
}

TEST(conditions, encode_round_trips)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const char text[] = "[{'type':'Active','status':'False','severity':'Info',"
				   "'lastTransitionTime':'2026-01-01T00:00:00Z','reason':'R',"
				   "'message':'m'},{'type':'Ready','status':'True'}]";
	struct conditions set = decoded(arena, text);
	EXPECT_TEXT(encoded(&set, arena), text);
	set.count = 0;
	EXPECT_TEXT(encoded(&set, arena), "[]");
}

TEST(conditions, initialize_adds_what_is_absent)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *from, *want;
	} rows[] = {
	    {"[]", "Active=Unknown@60 Ready=Unknown@60 SKSReady=Unknown@60 "
		   "ScaleTargetInitialized=Unknown@60"},
	    {"[{'type':'Ready','status':'True','lastTransitionTime':'2026-01-01T00:00:00Z'}]",
	     "Active=True@60 Ready=True@0 SKSReady=True@60 ScaleTargetInitialized=True@60"},
	    {"[{'type':'Ready','status':'False','reason':'X',"
	     "'lastTransitionTime':'2026-01-01T00:00:00Z'},"
	     "{'type':'Active','status':'True','lastTransitionTime':'2026-01-01T00:00:00Z'},"
	     "{'type':'Zoo','status':'False','severity':'Info',"
	     "'lastTransitionTime':'2026-01-01T00:00:00Z'}]",
	     "Active=True@0 Ready=False/X/@0 SKSReady=Unknown@60 "
	     "ScaleTargetInitialized=Unknown@60 Zoo=False@0"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s", rows[i].from);
		struct conditions set = initialized(arena, rows[i].from, T1 + 999);
		EXPECT_TEXT(shown(&set, arena), rows[i].want);
	}
}

/* One mark on a given state. State letters: Active, SKSReady, ScaleTargetInitialized, each one of
 * T, F, U with the time of its number; Ready is Unknown/stale at 0. */
struct mark {
	const char *type;
	enum condition_status status;
	const char *reason, *message;
};

static struct conditions state(struct arena *arena, const char *text, int64_t now_ms)
{
	static const char *const types[] = {"Active", "SKSReady", "ScaleTargetInitialized"};
	struct conditions from = {0}, out;
	from.items = ARENA_ARRAY(arena, struct condition, 4);
	from.items[from.count++] = (struct condition){
	    .type = "Ready", .reason = "Stale", .message = "stale", .changed_ms = T0};
	for (size_t i = 0; i < 3; i++, text += 2) {
		struct condition c = {.type = types[i], .changed_ms = T0 + (text[1] - '0') * 1000};
		c.status = *text == 'T'   ? CONDITION_TRUE
			   : *text == 'F' ? CONDITION_FALSE
					  : CONDITION_UNKNOWN;
		if (*text != 'T')
			c.reason = arena_printf(arena, "%c%s", *text, types[i]);
		from.items[from.count++] = c;
	}
	conditions_initialize(&from, arena, now_ms, &out);
	return out;
}

TEST(conditions, ready_follows_each_mark)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *state;
		struct mark mark;
		const char *ready;
	} rows[] = {
	    /* False copies itself, whatever else is False. */
	    {"T0T0T0", {"Active", CONDITION_FALSE, "A", "a"}, "False/A/a@120"},
	    {"T0F1T0", {"Active", CONDITION_FALSE, "A", "a"}, "False/A/a@120"},
	    {"U0U0U0", {"SKSReady", CONDITION_FALSE, "S", NULL}, "False/S/@120"},
	    /* Unknown copies itself unless something is False. */
	    {"T0T0T0", {"Active", CONDITION_UNKNOWN, "A", "a"}, "Unknown/A/a@0"},
	    {"T0U9U9", {"Active", CONDITION_UNKNOWN, "A", "a"}, "Unknown/A/a@0"},
	    {"F1T0U0", {"SKSReady", CONDITION_UNKNOWN, "S", "s"}, "False/FActive/@120"},
	    {"F1T0F2",
	     {"SKSReady", CONDITION_UNKNOWN, "S", "s"},
	     "False/FScaleTargetInitialized/@120"},
	    /* Unknown without a word to say leaves it to those that have one. */
	    {"U1T0T0", {"SKSReady", CONDITION_UNKNOWN, NULL, NULL}, "Unknown//@0"},
	    {"U3T0U3", {"ScaleTargetInitialized", CONDITION_UNKNOWN, "", ""}, "Unknown/UActive/@0"},
	    /* True recomputes: False before Unknown, newest first, ties in order of type. */
	    {"T0T0U0", {"ScaleTargetInitialized", CONDITION_TRUE, NULL, NULL}, "True//@120"},
	    {"U0F1F2",
	     {"Active", CONDITION_TRUE, NULL, NULL},
	     "False/FScaleTargetInitialized/@120"},
	    {"U0F2F1", {"Active", CONDITION_TRUE, NULL, NULL}, "False/FSKSReady/@120"},
	    {"U0F2F2", {"Active", CONDITION_TRUE, NULL, NULL}, "False/FSKSReady/@120"},
	    {"U9F0U9",
	     {"ScaleTargetInitialized", CONDITION_TRUE, NULL, NULL},
	     "False/FSKSReady/@120"},
	    {"U1U2T0",
	     {"ScaleTargetInitialized", CONDITION_TRUE, NULL, NULL},
	     "Unknown/USKSReady/@0"},
	    {"U2U1T0",
	     {"ScaleTargetInitialized", CONDITION_TRUE, NULL, NULL},
	     "Unknown/UActive/@0"},
	    {"U1U1T0",
	     {"ScaleTargetInitialized", CONDITION_TRUE, NULL, NULL},
	     "Unknown/UActive/@0"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct mark *m = &rows[i].mark;
		struct conditions set = state(arena, rows[i].state, T2);
		test_row("%s, %s %s", rows[i].state, m->type, condition_status_name(m->status));
		conditions_mark(&set, arena, T2, m->type, m->status, m->reason, m->message);
		EXPECT_TEXT(ready(&set, arena), rows[i].ready);
	}
}

TEST(conditions, a_whole_pass_does_not_depend_on_what_ready_said)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const char *const stale[] = {
	    "[]",
	    "[{'type':'Ready','status':'True'}]",
	    "[{'type':'Ready','status':'False','reason':'Old','message':'old'}]",
	    "[{'type':'Ready','status':'Unknown','reason':'N','severity':'Info'}]",
	};
	static const struct {
		struct mark marks[3];
		const char *status, *reason;
	} rows[] = {
	    {{{"Active", CONDITION_FALSE, "A", "a"},
	      {"SKSReady", CONDITION_UNKNOWN, "S", "s"},
	      {"ScaleTargetInitialized", CONDITION_UNKNOWN, NULL, NULL}},
	     "False",
	     "A"},
	    {{{"Active", CONDITION_UNKNOWN, "A", "a"},
	      {"SKSReady", CONDITION_UNKNOWN, "S", "s"},
	      {"ScaleTargetInitialized", CONDITION_UNKNOWN, "I", NULL}},
	     "Unknown",
	     "I"},
	    {{{"Active", CONDITION_UNKNOWN, "A", "a"},
	      {"SKSReady", CONDITION_TRUE, NULL, NULL},
	      {"ScaleTargetInitialized", CONDITION_TRUE, NULL, NULL}},
	     "Unknown",
	     "A"},
	    {{{"Active", CONDITION_TRUE, NULL, NULL},
	      {"SKSReady", CONDITION_TRUE, NULL, NULL},
	      {"ScaleTargetInitialized", CONDITION_TRUE, NULL, NULL}},
	     "True",
	     NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(stale); j++) {
			struct conditions set = initialized(arena, stale[j], T1);
			test_row("row %zu, %s", i, stale[j]);
			for (size_t k = 0; k < 3; k++) {
				const struct mark *m = &rows[i].marks[k];
				conditions_mark(&set, arena, T1, m->type, m->status, m->reason,
						m->message);
			}
			const struct condition *c = conditions_get(&set, CONDITION_READY);
			EXPECT_TEXT(condition_status_name(c->status), rows[i].status);
			EXPECT_TEXT(c->reason, rows[i].reason);
			EXPECT(c->severity == NULL);
		}
	}
}

/* All 27 states, marked twice, a minute between: the second time nothing may move. */
TEST(conditions, marking_again_changes_nothing)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const char *const types[] = {"Active", "SKSReady", "ScaleTargetInitialized"};
	for (unsigned n = 0; n < 27; n++) {
		const unsigned statuses[] = {n % 3, n / 3 % 3, n / 9};
		struct conditions none = {0}, first, second;
		test_row("state %u%u%u", statuses[0], statuses[1], statuses[2]);
		conditions_initialize(&none, arena, T0, &first);
		for (size_t i = 0; i < 3; i++)
			conditions_mark(&first, arena, T1, types[i],
					(enum condition_status)statuses[i], types[i], "50% of it");
		conditions_initialize(&first, arena, T2, &second);
		for (size_t i = 0; i < 3; i++)
			conditions_mark(&second, arena, T2, types[i],
					(enum condition_status)statuses[i], types[i], "50% of it");
		EXPECT_TEXT(encoded(&second, arena), encoded(&first, arena));
		EXPECT(conditions_equal(&first, &second));
	}
}

/* Active comes back just as the ServerlessService fails: Ready stays False, and since when too. */
TEST(conditions, ready_that_comes_back_never_left)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct conditions none = {0}, before, after;
	conditions_initialize(&none, arena, T0, &before);
	conditions_mark(&before, arena, T0, "Active", CONDITION_FALSE, "A", "a");
	conditions_mark(&before, arena, T0, "SKSReady", CONDITION_TRUE, NULL, NULL);
	conditions_mark(&before, arena, T0, "ScaleTargetInitialized", CONDITION_TRUE, NULL, NULL);
	conditions_initialize(&before, arena, T1, &after);
	conditions_mark(&after, arena, T1, "Active", CONDITION_TRUE, NULL, NULL);
	EXPECT_TEXT(ready(&after, arena), "True//@60");
	conditions_mark(&after, arena, T1, "SKSReady", CONDITION_FALSE, "S", "s");
	EXPECT_TEXT(ready(&after, arena), "False/S/s@0");
	EXPECT_TEXT(shown(&after, arena), "Active=True@60 Ready=False/S/s@0 "
					  "SKSReady=False/S/s@60 ScaleTargetInitialized=True@0");
}

TEST(conditions, time_moves_with_the_status_alone)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct conditions set = state(arena, "F0T0T0", T1);
	conditions_mark(&set, arena, T1 + 900, "Active", CONDITION_FALSE, "Other", "other");
	EXPECT_INT(conditions_get(&set, "Active")->changed_ms, T0);
	conditions_mark(&set, arena, T1 + 900, "Active", CONDITION_UNKNOWN, "Other", "other");
	EXPECT_INT(conditions_get(&set, "Active")->changed_ms, T1);
}

TEST(conditions, texts)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct conditions set = state(arena, "T0T0T0", T1);
	conditions_mark(&set, arena, T1, "Active", CONDITION_FALSE, "R%", "100% is %d");
	EXPECT_TEXT(ready(&set, arena), "False/R％/100％ is ％d@60");
	EXPECT_TEXT(conditions_get(&set, "Active")->message, "100％ is ％d");
	conditions_mark(&set, arena, T1, "Active", CONDITION_FALSE, "", "");
	EXPECT(conditions_get(&set, "Active")->reason == NULL);
	EXPECT(conditions_get(&set, "Active")->message == NULL);
	conditions_mark(&set, arena, T1, "Active", CONDITION_TRUE, "Dropped", "dropped");
	EXPECT(conditions_get(&set, "Active")->reason == NULL);
	EXPECT_TEXT(ready(&set, arena), "True//@60");
}

TEST(conditions, others_are_kept_and_count_by_severity)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct conditions set = initialized(arena,
					    "[{'type':'Zoo','status':'False','reason':'Z',"
					    "'severity':'Info'}]",
					    T0);
	conditions_mark(&set, arena, T0, "Active", CONDITION_TRUE, NULL, NULL);
	conditions_mark(&set, arena, T0, "SKSReady", CONDITION_TRUE, NULL, NULL);
	conditions_mark(&set, arena, T0, "ScaleTargetInitialized", CONDITION_TRUE, NULL, NULL);
	EXPECT_INT(conditions_status(&set, "Ready"), CONDITION_TRUE);
	EXPECT_TEXT(conditions_get(&set, "Zoo")->severity, "Info");

	set = initialized(arena, "[{'type':'Zoo','status':'False','reason':'Z'}]", T0);
	conditions_mark(&set, arena, T0, "Active", CONDITION_TRUE, NULL, NULL);
	EXPECT_TEXT(ready(&set, arena), "False/Z/@0");
	conditions_mark(&set, arena, T0, "Active", CONDITION_UNKNOWN, "A", "a");
	EXPECT_TEXT(ready(&set, arena), "False/Z/@0");
}

TEST(conditions, equality)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *a, *b;
		bool want;
	} rows[] = {
	    {"[]", "[]", true},
	    {"[{'type':'A','status':'True'}]", "[]", false},
	    {"[{'type':'A','status':'True','lastTransitionTime':'2026-01-01T00:00:00Z'}]",
	     "[{'type':'A','status':'True'}]", true},
	    {"[{'type':'A','status':'True'},{'type':'B','status':'True'}]",
	     "[{'type':'B','status':'True'},{'type':'A','status':'True'}]", true},
	    {"[{'type':'A','status':'True'}]", "[{'type':'B','status':'True'}]", false},
	    {"[{'type':'A','status':'True'}]", "[{'type':'A','status':'False'}]", false},
	    {"[{'type':'A','status':'True'}]", "[{'type':'A','status':'True','reason':'r'}]",
	     false},
	    {"[{'type':'A','status':'True','reason':'r'}]",
	     "[{'type':'A','status':'True','reason':'r','message':'m'}]", false},
	    {"[{'type':'A','status':'True','severity':'Info'}]", "[{'type':'A','status':'True'}]",
	     false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct conditions a = decoded(arena, rows[i].a), b = decoded(arena, rows[i].b);
		test_row("%s and %s", rows[i].a, rows[i].b);
		EXPECT_INT(conditions_equal(&a, &b), rows[i].want);
		EXPECT_INT(conditions_equal(&b, &a), rows[i].want);
	}
}

TEST_MAIN(TEST_OF(conditions, decode_is_lenient_and_sorts), TEST_OF(conditions, encode_round_trips),
	  TEST_OF(conditions, initialize_adds_what_is_absent),
	  TEST_OF(conditions, ready_follows_each_mark),
	  TEST_OF(conditions, a_whole_pass_does_not_depend_on_what_ready_said),
	  TEST_OF(conditions, marking_again_changes_nothing),
	  TEST_OF(conditions, ready_that_comes_back_never_left),
	  TEST_OF(conditions, time_moves_with_the_status_alone), TEST_OF(conditions, texts),
	  TEST_OF(conditions, others_are_kept_and_count_by_severity), TEST_OF(conditions, equality))
