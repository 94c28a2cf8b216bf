/* How a candidate comes to lead, and how it waits. */
#include "test/unit/elector_fixture.h"

/* ---- acquiring ---- */

TEST(elector, makes_the_lease)
{
	struct rig r;
	struct http_call *call;

	setup(&r);
	refuse(&r, asked(&r, "GET", ONE), 404, "NotFound");
	EXPECT(!elector_leads(r.elector));
	call = asked(&r, "POST", PATH "?");
	expect_field(call, "name", "'l'");
	expect_field(call, "namespace", "'sys'");
	expect_field(call, "holderIdentity", "'me_1'");
	expect_field(call, "leaseDurationSeconds", "60");
	expect_field(call, "leaseTransitions", "0");
	expect_field(call, "renewTime", "'2026-01-01T00:00:00.000000Z'");
	expect_field(call, "acquireTime", "'2026-01-01T00:00:00.000000Z'");
	answer_claim(&r, call, 10);
	EXPECT(elector_leads(r.elector));
	EXPECT_INT(r.gained, 1);
	quiet(&r);
	teardown(&r);
}

TEST(elector, takes_one_that_is_free)
{
	struct rig r;
	struct http_call *call;

	setup(&r);
	answer_lease(&r, asked(&r, "GET", ONE), 7, "", "2025-01-01T00:00:00.000000Z");
	call = asked(&r, "PATCH", ONE "?");
	expect_field(call, "resourceVersion", "'7'");
	expect_field(call, "leaseTransitions", "5");
	expect_field(call, "acquireTime", "'2026-01-01T00:00:00.000000Z'");
	answer_claim(&r, call, 8);
	EXPECT(elector_leads(r.elector));
	teardown(&r);
}

/* Times in the record count for nothing: it is held from when we saw it change. */
TEST(elector, waits_for_another_whatever_its_clock_says)
{
	static const char *const renewed[] = {"2025-12-31T23:55:00.000000Z",
					      "2026-01-01T00:05:00.000000Z",
					      "2026-01-01T00:00:00.000000Z", "", "soon"};

	for (size_t i = 0; i < ARRAY_SIZE(renewed); i++) {
		struct rig r;
		int64_t begin;

		test_row("%s", renewed[i]);
		setup(&r);
		begin = timers_now(r.timers);
		answer_lease(&r, asked(&r, "GET", ONE), 7, "other", renewed[i]);
		while (timers_now(r.timers) < begin + 60000) {
			struct http_call *call = fake_find(&r.fake, NULL, "");

			if (call)
				answer_lease(&r, asked(&r, "GET", ONE), 7, "other", renewed[i]);
			passes(&r, 10);
		}
		passes(&r, 2001); /* its time is up, and a fifth of the retry period for jitter */
		asked(&r, "PATCH", ONE "?");
		EXPECT_INT(r.gained, 0);
		teardown(&r);
	}
}

TEST(elector, waits_for_ever_while_another_renews)
{
	struct rig r;
	int version = 7;

	setup(&r);
	for (int64_t gone = 0; gone < 3600000; gone += 1000) {
		char renewed[TIME_RFC3339_SIZE];
		struct http_call *call = fake_find(&r.fake, NULL, "");

		time_format_rfc3339_ms(r.clock.wall - gone % 10000, renewed);
		if (gone % 10000 == 0)
			version++;
		if (call)
			answer_lease(&r, asked(&r, "GET", ONE), version, "other", renewed);
		passes(&r, 1000);
	}
	EXPECT_INT(r.gained, 0);
	/* client-go's retry period and jitter: 10 to 22 s. */
	EXPECT(r.fake.count >= 3600 / 22 && r.fake.count <= 3600 / 10 + 1);
	teardown(&r);
}

TEST(elector, hears_of_a_release_by_the_watch)
{
	struct rig r;

	setup(&r);
	answer_lease(&r, asked(&r, "GET", ONE), 7, "other", "a");
	passes(&r, 3000);
	quiet(&r);
	seen(&r, 6, "", "old", false); /* old news */
	quiet(&r);
	seen(&r, 8, "", "b", false);
	expect_field(asked(&r, "PATCH", ONE "?"), "resourceVersion", "'8'");
	answer_claim(&r, asked(&r, "PATCH", ONE "?"), 9);
	EXPECT(elector_leads(r.elector));
	teardown(&r);
}

/* The watch is ahead of an answer that is on its way. */
TEST(elector, does_not_believe_an_older_answer)
{
	struct rig r;

	setup(&r);
	answer_lease(&r, asked(&r, "GET", ONE), 7, "other", "a");
	passes(&r, 22000);
	asked(&r, "GET", ONE);
	seen(&r, 9, "", "b", false);
	answer_lease(&r, asked(&r, "GET", ONE), 8, "other", "c");
	expect_field(asked(&r, "PATCH", ONE "?"), "resourceVersion", "'9'");
	/* But once a claim was refused what is read counts: etcd may be a restored one. */
	refuse(&r, asked(&r, "PATCH", ONE "?"), 409, "Conflict");
	answer_lease(&r, asked(&r, "GET", ONE), 3, "", "d");
	expect_field(asked(&r, "PATCH", ONE "?"), "resourceVersion", "'3'");
	teardown(&r);
}

TEST(elector, two_claim_one_wins)
{
	struct rig r;

	setup(&r);
	answer_lease(&r, asked(&r, "GET", ONE), 7, "", "a");
	refuse(&r, asked(&r, "PATCH", ONE "?"), 409, "Conflict");
	answer_lease(&r, asked(&r, "GET", ONE), 8, "other", "b");
	quiet(&r);
	EXPECT_INT(r.gained, 0);
	teardown(&r);
	/* The same where both make it. */
	setup(&r);
	refuse(&r, asked(&r, "GET", ONE), 404, "NotFound");
	refuse(&r, asked(&r, "POST", PATH "?"), 409, "AlreadyExists");
	answer_lease(&r, asked(&r, "GET", ONE), 8, "other", "b");
	quiet(&r);
	EXPECT_INT(r.gained, 0);
	teardown(&r);
}

/* ---- lost replies ---- */

TEST(elector, reads_after_a_lost_reply)
{
	struct rig r;

	/* It was applied: ours, so the next claim only renews it. */
	setup(&r);
	refuse(&r, asked(&r, "GET", ONE), 404, "NotFound");
	breaks(&r, asked(&r, "POST", PATH "?"));
	EXPECT(!elector_leads(r.elector));
	answer_lease(&r, asked(&r, "GET", ONE), 10, "me_1", "a");
	EXPECT(!elector_leads(r.elector));
	expect_field(asked(&r, "PATCH", ONE "?"), "leaseTransitions", "4");
	expect_field(asked(&r, "PATCH", ONE "?"), "acquireTime", "'2026-01-01T00:00:00.000000Z'");
	answer_claim(&r, asked(&r, "PATCH", ONE "?"), 11);
	EXPECT(elector_leads(r.elector));
	/* A renewal that was not applied. */
	passes(&r, 10000);
	breaks(&r, asked(&r, "PATCH", ONE "?"));
	EXPECT(elector_leads(r.elector));
	answer_lease(&r, asked(&r, "GET", ONE), 11, "me_1", "a");
	answer_claim(&r, asked(&r, "PATCH", ONE "?"), 12);
	EXPECT(elector_leads(r.elector));
	EXPECT_INT(r.gained, 1);
	EXPECT_INT(r.lost, 0);
	teardown(&r);
}

TEST(elector, asks_seldom_while_nothing_works)
{
	static const int statuses[] = {0, 401, 403, 409, 422, 429, 500, 503};

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		struct rig r;

		test_row("%d", statuses[i]);
		setup(&r);
		for (int64_t gone = 0; gone < 600000; gone += 100) {
			struct http_call *call = fake_find(&r.fake, NULL, "");

			if (call && statuses[i])
				refuse(&r, call, statuses[i], "Conflict");
			else if (call)
				breaks(&r, call);
			passes(&r, 100);
		}
		EXPECT_INT(r.gained, 0);
		EXPECT(r.fake.count <= 61);
		teardown(&r);
	}
}

TEST(elector, obeys_retry_after)
{
	struct rig r;

	setup(&r);
	r.fake.retry_after_ms = 55000;
	refuse(&r, asked(&r, "GET", ONE), 429, "TooManyRequests");
	passes(&r, 54000);
	quiet(&r);
	passes(&r, 1000);
	asked(&r, "GET", ONE);
	teardown(&r);
}

TEST_MAIN(TEST_OF(elector, makes_the_lease), TEST_OF(elector, takes_one_that_is_free),
	  TEST_OF(elector, waits_for_another_whatever_its_clock_says),
	  TEST_OF(elector, waits_for_ever_while_another_renews),
	  TEST_OF(elector, hears_of_a_release_by_the_watch),
	  TEST_OF(elector, does_not_believe_an_older_answer), TEST_OF(elector, two_claim_one_wins),
	  TEST_OF(elector, reads_after_a_lost_reply),
	  TEST_OF(elector, asks_seldom_while_nothing_works), TEST_OF(elector, obeys_retry_after))
