/* The buckets that Events draw on: exact counts. */
#include "pkg/kube/events_budget.h"
#include "test/lib/test.h"

#define HOUR_MS (60 * 60 * 1000)

/* How many of those asked for, one each step_ms over for_ms, are allowed. */
static int64_t allowed(struct event_budget *budget, const char *object, const char *ns,
		       int64_t *now_ms, int64_t step_ms, int64_t for_ms)
{
	int64_t count = 0;
	for (int64_t end = *now_ms + for_ms; *now_ms < end; *now_ms += step_ms)
		count += event_budget_take(budget, object, ns, *now_ms);
	return count;
}

TEST(events_budget, of_an_object)
{
	struct event_budget *budget = event_budget_new();
	int64_t now = 1000;
	EXPECT_INT(allowed(budget, "o", "ns", &now, 1000, HOUR_MS), 25 + 11);
	EXPECT_INT(allowed(budget, "o", "ns", &now, 1000, HOUR_MS), 12);
	EXPECT_INT(allowed(budget, "p", "ns", &now, 1000, 30000), 25);
	event_budget_free(budget);
}

/* Objects o0, o1, ...: each has tokens enough. */
static int burst(struct event_budget *budget, const char *ns, int64_t now_ms, int count)
{
	int got = 0;
	for (int i = 0; i < count; i++) {
		char object[32];
		snprintf(object, sizeof(object), "%s%d", ns, i);
		got += event_budget_take(budget, object, ns, now_ms);
	}
	return got;
}

TEST(events_budget, of_a_namespace_and_the_process)
{
	struct event_budget *budget = event_budget_new();
	EXPECT_INT(burst(budget, "a", 0, 100), 50);
	EXPECT_INT(burst(budget, "a", 79, 100), 0);
	EXPECT_INT(burst(budget, "a", 80, 100), 1);
	EXPECT_INT(burst(budget, "b", 80, 100), 50);
	EXPECT_INT(burst(budget, "c", 80, 100), 50);
	/* 151 of the process' 200 are gone, and 4 have come back. */
	EXPECT_INT(burst(budget, "d", 80, 50), 50);
	EXPECT_INT(burst(budget, "e", 80, 100), 3);
	EXPECT_INT(burst(budget, "e", 99, 100), 0);
	EXPECT_INT(burst(budget, "e", 100, 100), 1);
	event_budget_free(budget);
}

TEST(events_budget, a_refusal_costs_nothing)
{
	struct event_budget *budget = event_budget_new();
	EXPECT_INT(burst(budget, "a", 0, 50), 50);
	/* The namespace has none left: neither the object nor the process pays. */
	for (int i = 0; i < 1000; i++)
		EXPECT(!event_budget_take(budget, "object", "a", 0));
	EXPECT_INT(burst(budget, "b", 0, 100) + burst(budget, "c", 0, 100), 100);
	int64_t now = 0;
	EXPECT_INT(allowed(budget, "object", "d", &now, 1, 25), 25);
	/* The object has none left. */
	for (int i = 0; i < 1000; i++)
		EXPECT(!event_budget_take(budget, "object", "d", 25));
	EXPECT_INT(burst(budget, "d", 25, 100), 25);
	event_budget_free(budget);
}

TEST(events_budget, an_hour_of_a_namespace_that_shouts)
{
	struct event_budget *budget = event_budget_new();
	int64_t got = 0;
	/* 5,000 objects in turns, so that none of them is what is short. */
	for (int64_t now = 0, i = 0; now < HOUR_MS; now += 20, i++) {
		char object[32];
		snprintf(object, sizeof(object), "o%d", (int)(i % 5000));
		got += event_budget_take(budget, object, "loud", now);
	}
	EXPECT(got <= 50 + HOUR_MS / 80);
	EXPECT(got >= HOUR_MS / 80);
	EXPECT_INT(event_budget_buckets(budget), 4096);
	EXPECT_INT(burst(budget, "quiet", HOUR_MS, 50), 50);
	event_budget_free(budget);
}

TEST(events_budget, an_object_and_a_namespace_of_one_name_are_two)
{
	struct event_budget *budget = event_budget_new();
	EXPECT(event_budget_take(budget, "same", "same", 0));
	EXPECT_INT(event_budget_buckets(budget), 2);
	event_budget_free(budget);
	event_budget_free(NULL);
}

TEST_MAIN(TEST_OF(events_budget, of_an_object),
	  TEST_OF(events_budget, of_a_namespace_and_the_process),
	  TEST_OF(events_budget, a_refusal_costs_nothing),
	  TEST_OF(events_budget, an_hour_of_a_namespace_that_shouts),
	  TEST_OF(events_budget, an_object_and_a_namespace_of_one_name_are_two))
