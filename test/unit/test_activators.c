/* Reading activators: what their pages become. */
#include "test/unit/activators_fixture.h"

/* ---- pages ---- */

TEST(activators, samples_become_readings)
{
	struct fake fake;
	struct bench bench;

	fake_init(&fake, "# TYPE x gauge\n" QUEUED("3") "kn_revision_request_active{" LABELS
							"} 4\nother 1\n" COMPLETED("7"));
	bench_init(&bench, 0);
	EXPECT(!unread(&bench));
	set(&bench, fake.address, NULL);
	wait_for(&bench, 2, 0);
	EXPECT(reading_of(&bench).known);
	EXPECT(reading_of(&bench).active);
	EXPECT(reading_of(&bench).in_flight == 7);
	fake_say(&fake, COMPLETED("27"), NULL);
	wait_for(&bench, stats_of(&bench).pages + 2, 0);
	EXPECT(reading_of(&bench).in_flight == 0);
	wait_for_rps(&bench);
	EXPECT_INT(stats_of(&bench).malformed, 0);
	EXPECT(server_connections(fake.server) <= 1 + (int)stats_of(&bench).failures); /* kept */
	EXPECT(!fake.has_authorization);
	bench_release(&bench);
	fake_release(&fake);
}

TEST(activators, requests_of_nobody_in_particular_are_told)
{
	struct fake fake;
	struct bench bench;

	fake_init(&fake, "kn_revision_request_queued{otel_metric_overflow=\"true\"} 2\n");
	bench_init(&bench, 0);
	set(&bench, fake.address, NULL);
	wait_for(&bench, 2, 0);
	EXPECT(stats_of(&bench).overflows >= 2);
	EXPECT(reading_of(&bench).active);
	EXPECT(reading_of(&bench).in_flight == 0);
	fake_say(&fake, "kn_revision_request_queued{otel_metric_overflow=\"true\"} 0\nx{\n", NULL);
	wait_for(&bench, stats_of(&bench).pages + 1, 0);
	EXPECT_INT(stats_of(&bench).overflows, stats_of(&bench).pages - 1);
	bench_release(&bench);
	fake_release(&fake);
}

TEST(activators, malformed_lines_are_passed_over)
{
	struct fake fake;
	struct bench bench;

	fake_init(&fake, "kn_revision_request_queued{ 3\n" QUEUED("2"));
	bench_init(&bench, 0);
	set(&bench, fake.address, NULL);
	wait_for(&bench, 1, 0);
	EXPECT(reading_of(&bench).in_flight == 2);
	EXPECT_INT(stats_of(&bench).malformed, 1);
	bench_release(&bench);
	fake_release(&fake);
}

TEST_MAIN(TEST_OF(activators, samples_become_readings),
	  TEST_OF(activators, requests_of_nobody_in_particular_are_told),
	  TEST_OF(activators, malformed_lines_are_passed_over))
