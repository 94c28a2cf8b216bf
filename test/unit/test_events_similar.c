/* Events that differ in their text alone: ten stand for themselves, the others become one. */
#include "test/unit/events_fixture.h"

static void say(struct bench *b, const struct event_about *whose, const char *reason, int number)
{
	char message[32];
	snprintf(message, sizeof(message), "message %d", number);
	recorder_event(b->recorder, whose, true, reason, message);
	answer_all(b);
}

static const char *last_message(struct bench *b, struct arena *arena)
{
	return json_text(json_get(body_of(arena, fake_last(&b->fake)), "message"));
}

TEST(events_similar, similar_ones_become_one)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct bench b;
	setup(&b);
	for (int i = 1; i <= 10; i++)
		say(&b, &about, "R", i);
	EXPECT_TEXT(fake_last(&b.fake)->request.method, "POST");
	EXPECT_TEXT(last_message(&b, arena), "message 10");
	say(&b, &about, "R", 11);
	EXPECT_TEXT(fake_last(&b.fake)->request.method, "POST");
	EXPECT_TEXT(last_message(&b, arena), "(combined from similar events): message 11");
	say(&b, &about, "R", 12);
	EXPECT_TEXT(fake_last(&b.fake)->request.method, "PATCH");
	EXPECT_TEXT(fake_last(&b.fake)->request.body,
		    "{\"count\":2,\"lastTimestamp\":\"2026-01-01T00:00:00Z\",\"message\":"
		    "\"(combined from similar events): message 12\"}");
	/* One of the ten is still itself. */
	say(&b, &about, "R", 3);
	EXPECT_TEXT(fake_last(&b.fake)->request.body,
		    "{\"count\":2,\"lastTimestamp\":\"2026-01-01T00:00:00Z\"}");
	EXPECT_INT(stats_of(&b).aggregated, 2);
	EXPECT_INT(stats_of(&b).series, 11);
	teardown(&b);
}

TEST(events_similar, another_object_or_reason_is_not_similar)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct event_about other = about;
	struct bench b;
	setup(&b);
	other.uid = "u-2";
	for (int i = 0; i < 11; i++)
		say(&b, &about, "R", i);
	say(&b, &other, "R", 100);
	EXPECT_TEXT(last_message(&b, arena), "message 100");
	say(&b, &about, "S", 101);
	EXPECT_TEXT(last_message(&b, arena), "message 101");
	recorder_event(b.recorder, &about, false, "R", "message 102");
	EXPECT_TEXT(last_message(&b, arena), "message 102");
	say(&b, &about, "R", 103);
	EXPECT_TEXT(last_message(&b, arena), "(combined from similar events): message 103");
	teardown(&b);
}

TEST(events_similar, similar_ones_are_forgotten_after_ten_minutes)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct bench b;
	setup(&b);
	for (int i = 0; i < 12; i++)
		say(&b, &about, "R", i);
	fake_clock_run(&b.clock, b.timers, 600000);
	say(&b, &about, "R", 100);
	EXPECT_TEXT(last_message(&b, arena), "(combined from similar events): message 100");
	/* The ten are too old by now, their combination is not. */
	fake_clock_run(&b.clock, b.timers, 300000);
	say(&b, &about, "R", 101);
	EXPECT_TEXT(last_message(&b, arena), "message 101");
	fake_clock_run(&b.clock, b.timers, 600001);
	say(&b, &about, "R", 102);
	EXPECT_TEXT(last_message(&b, arena), "message 102");
	EXPECT_INT(stats_of(&b).series, 1);
	teardown(&b);
}

/* A text of its own every second for an hour: what it costs is the object's budget, no more. */
TEST(events_similar, a_revision_that_changes_its_mind_costs_its_budget)
{
	static const char *const kinds[] = {"PodAutoscaler", "Revision", "Service"};
	struct bench b;
	setup(&b);
	for (int second = 0; second < 3600; second++) {
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
			struct event_about one = about;
			one.kind = kinds[i];
			say(&b, &one, "R", second);
		}
		fake_clock_run(&b.clock, b.timers, 1000);
	}
	EXPECT_INT(b.fake.count, 3 * (25 + 11)); /* the twelfth would be at the hour's end */
	EXPECT_INT(stats_of(&b).sent, b.fake.count);
	EXPECT_INT(stats_of(&b).failed, 0);
	teardown(&b);
}

TEST_MAIN(TEST_OF(events_similar, similar_ones_become_one),
	  TEST_OF(events_similar, another_object_or_reason_is_not_similar),
	  TEST_OF(events_similar, similar_ones_are_forgotten_after_ten_minutes),
	  TEST_OF(events_similar, a_revision_that_changes_its_mind_costs_its_budget))
