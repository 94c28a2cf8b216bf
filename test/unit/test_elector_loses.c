/* How a leader stays one, ceases to be one, and ends. */
#include "test/unit/elector_fixture.h"

/* ---- renewing and losing ---- */

TEST(elector, renews_every_retry_period)
{
	struct rig r;

	lead(&r);
	for (int i = 0; i < 100; i++) {
		struct http_call *call;

		passes(&r, 9999);
		quiet(&r);
		passes(&r, 1);
		call = asked(&r, "PATCH", ONE "?");
		expect_field(call, "leaseTransitions", "0");
		expect_field(call, "acquireTime", "'2026-01-01T00:00:00.000000Z'");
		answer_claim(&r, call, 11 + i);
		EXPECT(elector_leads(r.elector));
	}
	EXPECT_INT(r.gained, 1);
	EXPECT_INT(r.lost, 0);
	teardown(&r);
}

TEST(elector, loses_when_the_renew_deadline_passes)
{
	struct rig r;

	lead(&r);
	for (int i = 0; i < 39; i++) {
		struct http_call *call = fake_find(&r.fake, NULL, "");

		passes(&r, 1000);
		if (call)
			breaks(&r, call);
		EXPECT(elector_leads(r.elector));
	}
	passes(&r, 999);
	EXPECT(elector_leads(r.elector));
	EXPECT_INT(r.lost, 0);
	passes(&r, 1);
	EXPECT(!elector_leads(r.elector));
	EXPECT_INT(r.lost, 1);
	teardown(&r);
}

/* What counts is when the renewal was sent, not when its answer came. */
TEST(elector, counts_from_the_sending)
{
	struct rig r;
	struct http_call *call;

	lead(&r);
	passes(&r, 10000);
	call = asked(&r, "PATCH", ONE "?");
	passes(&r, 9000);
	answer_claim(&r, call, 11);
	passes(&r, 30999);
	EXPECT(elector_leads(r.elector));
	passes(&r, 1);
	EXPECT(!elector_leads(r.elector));
	teardown(&r);
}

/* Stopped, as by SIGSTOP, without any timer having run: the clock alone ends it. */
TEST(elector, leads_no_longer_after_a_stop)
{
	struct rig r;
	struct http_call *call;

	lead(&r);
	passes(&r, 10000);
	call = asked(&r, "PATCH", ONE "?");
	fake_clock_advance(&r.clock, 70000);
	EXPECT(!elector_leads(r.elector));
	EXPECT_INT(r.lost, 0);
	/* The answer that had come meanwhile is worth nothing: it is read who leads. */
	answer_claim(&r, call, 11);
	EXPECT(!elector_leads(r.elector));
	EXPECT_INT(r.lost, 1);
	answer_lease(&r, asked(&r, "GET", ONE), 12, "other", "b");
	quiet(&r);
	EXPECT(!elector_leads(r.elector));
	EXPECT_INT(r.gained, 1);
	teardown(&r);
}

/* The same, but nobody has taken it. */
TEST(elector, leads_again_after_a_stop)
{
	struct rig r;

	lead(&r);
	fake_clock_advance(&r.clock, 70000);
	passes(&r, 0);
	EXPECT_INT(r.lost, 1);
	answer_claim(&r, asked(&r, "PATCH", ONE "?"), 11);
	EXPECT(elector_leads(r.elector));
	EXPECT_INT(r.gained, 2);
	teardown(&r);
}

TEST(elector, loses_what_another_took)
{
	struct rig r;

	/* Told by the watch. */
	lead(&r);
	seen(&r, 11, "other", "b", false);
	EXPECT(!elector_leads(r.elector));
	EXPECT_INT(r.lost, 1);
	quiet(&r);
	teardown(&r);
	/* Found when renewing. */
	lead(&r);
	passes(&r, 10000);
	refuse(&r, asked(&r, "PATCH", ONE "?"), 409, "Conflict");
	EXPECT(elector_leads(r.elector));
	answer_lease(&r, asked(&r, "GET", ONE), 12, "other", "b");
	EXPECT(!elector_leads(r.elector));
	EXPECT_INT(r.lost, 1);
	quiet(&r);
	teardown(&r);
	/* Emptied by somebody: ours again, but not without asking. */
	lead(&r);
	passes(&r, 1000);
	seen(&r, 11, "", "b", false);
	EXPECT(!elector_leads(r.elector));
	answer_claim(&r, asked(&r, "PATCH", ONE "?"), 12);
	EXPECT(elector_leads(r.elector));
	teardown(&r);
}

/* ---- deletion ---- */

TEST(elector, makes_it_again_when_its_own_is_deleted)
{
	struct rig r;

	lead(&r);
	passes(&r, 1000);
	seen(&r, 10, "me_1", "a", true);
	EXPECT(!elector_leads(r.elector));
	answer_claim(&r, asked(&r, "POST", PATH "?"), 12);
	EXPECT(elector_leads(r.elector));
	/* The deletion that is told late is that of the former one. */
	seen(&r, 11, "me_1", "a", true);
	EXPECT(elector_leads(r.elector));
	/* Found when renewing. */
	passes(&r, 10000);
	refuse(&r, asked(&r, "PATCH", ONE "?"), 404, "NotFound");
	refuse(&r, asked(&r, "GET", ONE), 404, "NotFound");
	EXPECT(!elector_leads(r.elector));
	answer_claim(&r, asked(&r, "POST", PATH "?"), 20);
	EXPECT(elector_leads(r.elector));
	teardown(&r);
}

/* Its holder may not know yet. */
TEST(elector, leaves_a_deleted_one_to_its_holder)
{
	struct rig r;

	setup(&r);
	answer_lease(&r, asked(&r, "GET", ONE), 7, "other", "a");
	passes(&r, 5000);
	seen(&r, 7, "other", "a", true);
	for (int64_t at = 5000; at < 62001; at += 1000) {
		if (fake_find(&r.fake, "GET", ""))
			refuse(&r, asked(&r, "GET", ONE), 404, "NotFound");
		EXPECT(at >= 60000 || !fake_find(&r.fake, "POST", ""));
		passes(&r, 1000);
	}
	asked(&r, "POST", PATH "?");
	teardown(&r);
}

/* ---- oddities ---- */

TEST(elector, survives_a_malformed_lease)
{
	static const char *const texts[] = {
	    "{\"metadata\":{\"name\":\"l\",\"resourceVersion\":\"7\"},\"spec\":{\"holderIdentity\":"
	    "3,"
	    "\"leaseDurationSeconds\":\"x\",\"renewTime\":[]}}",
	    "{\"metadata\":{\"name\":\"l\",\"resourceVersion\":\"7\"}}",
	    "{\"metadata\":{\"name\":\"l\",\"resourceVersion\":\"7\"},\"spec\":null}",
	};
	struct rig r;

	/* Held by nobody. */
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		test_row("%s", texts[i]);
		setup(&r);
		fake_answer(&r.fake, asked(&r, "GET", ONE), 200, texts[i]);
		expect_field(asked(&r, "PATCH", ONE "?"), "resourceVersion", "'7'");
		teardown(&r);
	}
	/* None at all. */
	setup(&r);
	fake_answer(&r.fake, asked(&r, "GET", ONE), 200, "{}");
	quiet(&r);
	passes(&r, 22000);
	asked(&r, "GET", ONE);
	teardown(&r);
	/* The answer to our claim: read. */
	setup(&r);
	refuse(&r, asked(&r, "GET", ONE), 404, "NotFound");
	fake_answer(&r.fake, asked(&r, "POST", PATH "?"), 201, "{\"metadata\":{}}");
	EXPECT(!elector_leads(r.elector));
	passes(&r, 22000);
	answer_lease(&r, asked(&r, "GET", ONE), 7, "me_1", "a");
	asked(&r, "PATCH", ONE "?");
	teardown(&r);
}

/* Somebody who changes it all the time does not make us ask all the time. */
TEST(elector, is_not_hurried_without_end)
{
	struct rig r;

	setup(&r);
	answer_lease(&r, asked(&r, "GET", ONE), 7, "other", "a");
	for (int i = 0; i < 1000; i++) {
		struct http_call *call = fake_find(&r.fake, NULL, "");

		if (call)
			refuse(&r, call, 409, "Conflict");
		passes(&r, 10);
		seen(&r, 8 + i, i % 2 ? "" : "other", "b", false);
	}
	EXPECT(r.fake.count <= 10 * 4 * 4);
	teardown(&r);
}

/* ---- the end ---- */

static void on_resigned(void *ctx)
{
	((struct rig *)ctx)->resigned = true;
}

TEST(elector, gives_the_lease_up)
{
	struct rig r;
	struct http_call *call;

	lead(&r);
	elector_resign(r.elector, on_resigned, &r);
	EXPECT(!elector_leads(r.elector));
	EXPECT(!r.resigned);
	EXPECT_INT(r.lost, 1);
	passes(&r, 0);
	call = asked(&r, "PATCH", ONE "?");
	expect_field(call, "holderIdentity", "''");
	expect_field(call, "leaseDurationSeconds", "1");
	expect_field(call, "resourceVersion", "'10'");
	EXPECT(!r.resigned);
	answer_claim(&r, call, 11);
	EXPECT(r.resigned);
	passes(&r, 100000);
	quiet(&r);
	EXPECT_INT(r.gained, 1);
	teardown(&r);
}

TEST(elector, gives_up_once_a_claim_under_way_is_answered)
{
	struct rig r;
	struct http_call *call;

	lead(&r);
	passes(&r, 10000);
	call = asked(&r, "PATCH", ONE "?");
	elector_resign(r.elector, on_resigned, &r);
	passes(&r, 0);
	answer_claim(&r, call, 11);
	call = asked(&r, "PATCH", ONE "?");
	expect_field(call, "holderIdentity", "''");
	expect_field(call, "resourceVersion", "'11'");
	/* Somebody touched it in between. */
	refuse(&r, call, 409, "Conflict");
	answer_lease(&r, asked(&r, "GET", ONE), 12, "me_1", "a");
	expect_field(asked(&r, "PATCH", ONE "?"), "resourceVersion", "'12'");
	answer_claim(&r, asked(&r, "PATCH", ONE "?"), 13);
	EXPECT(r.resigned);
	EXPECT_INT(r.gained, 1);
	teardown(&r);
}

TEST(elector, ends_without_a_lease_at_once)
{
	struct rig r;

	setup(&r);
	answer_lease(&r, asked(&r, "GET", ONE), 7, "other", "a");
	elector_resign(r.elector, on_resigned, &r);
	passes(&r, 0);
	EXPECT(r.resigned);
	quiet(&r);
	teardown(&r);
	/* Or where the API server does not answer. */
	lead(&r);
	elector_resign(r.elector, on_resigned, &r);
	passes(&r, 0);
	breaks(&r, asked(&r, "PATCH", ONE "?"));
	breaks(&r, asked(&r, "GET", ONE));
	EXPECT(r.resigned);
	quiet(&r);
	teardown(&r);
}

TEST(elector, is_named_like_no_other)
{
	char *one = elector_identity("pod-1"), *two = elector_identity("pod-1");
	char *nameless = elector_identity(NULL);

	EXPECT(strncmp(one, "pod-1_", 6) == 0);
	EXPECT_INT(strlen(one), 6 + 36);
	EXPECT(strspn(one + 6, "0123456789abcdef-") == 36);
	EXPECT_INT(one[6 + 14], '4');
	EXPECT(strcmp(one, two) != 0);
	EXPECT(strlen(nameless) > 37);
	free(one);
	free(two);
	free(nameless);
}

TEST_MAIN(TEST_OF(elector, renews_every_retry_period),
	  TEST_OF(elector, loses_when_the_renew_deadline_passes),
	  TEST_OF(elector, counts_from_the_sending), TEST_OF(elector, leads_no_longer_after_a_stop),
	  TEST_OF(elector, leads_again_after_a_stop), TEST_OF(elector, loses_what_another_took),
	  TEST_OF(elector, makes_it_again_when_its_own_is_deleted),
	  TEST_OF(elector, leaves_a_deleted_one_to_its_holder),
	  TEST_OF(elector, survives_a_malformed_lease),
	  TEST_OF(elector, is_not_hurried_without_end), TEST_OF(elector, gives_the_lease_up),
	  TEST_OF(elector, gives_up_once_a_claim_under_way_is_answered),
	  TEST_OF(elector, ends_without_a_lease_at_once), TEST_OF(elector, is_named_like_no_other))
