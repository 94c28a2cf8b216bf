/* Several replicas in one world: who leads, who takes over and when, and that nobody else writes.
 */
#include "test/sim/leader_stage.h"

TEST(leader, one_writes_the_other_is_ready)
{
	struct stage s;
	int first, second;

	start_leading_pair(&s, &first, &second);
	EXPECT(controller_ready(replica_controller(s.replicas, (size_t)second)));
	make(&s, CUSTOM);
	settle(&s);
	EXPECT(replica_writes(s.replicas, (size_t)first) > 3);
	EXPECT_INT(replica_writes(s.replicas, (size_t)second), 0);
	world_run(s.world, 3600000);
	expect_leader(&s, first);
	EXPECT_INT(replica_writes(s.replicas, (size_t)second), 0);
	end(&s);
}

TEST(leader, killed_is_followed_after_its_lease)
{
	struct stage s;
	int first, second;

	start_leading_pair(&s, &first, &second);
	make(&s, CUSTOM);
	settle(&s);
	replica_kill(s.replicas, (size_t)first);
	make(&s, CUSTOM);
	/* Its last renewal may be a retry period old. */
	world_run(s.world, LEASE_MS - RETRY_MS - 100);
	expect_leader(&s, -1);
	EXPECT_INT(replica_writes(s.replicas, (size_t)second), 0);
	world_run(s.world, RETRY_MS + RETRY_MS / 5 + 200);
	expect_leader(&s, second);
	/* It comes back and waits. */
	replica_start(s.replicas, (size_t)first, 0);
	world_run(s.world, 30000);
	expect_leader(&s, second);
	end(&s);
}

/* kill -9 at every moment of making a revision. */
TEST(leader, killed_at_any_moment)
{
	for (int64_t at = 0; at <= 60; at += 2) {
		struct stage s;
		int first, second;

		test_row("%d ms", (int)at);
		start_leading_pair(&s, &first, &second);
		make(&s, CUSTOM);
		world_run(s.world, at);
		replica_kill(s.replicas, (size_t)first);
		world_run(s.world, TAKEN_OVER_MS);
		expect_leader(&s, second);
		end(&s);
	}
}

TEST(leader, terminated_is_followed_within_two_seconds)
{
	for (int64_t at = 0; at <= 60; at += 2) {
		struct stage s;
		int first, second;

		test_row("%d ms", (int)at);
		start_leading_pair(&s, &first, &second);
		make(&s, CUSTOM);
		world_run(s.world, at);
		replica_stop(s.replicas, (size_t)first);
		world_run(s.world, 2000);
		EXPECT(!replica_runs(s.replicas, (size_t)first));
		expect_leader(&s, second);
		end(&s);
	}
}

/* SIGSTOP at every moment of making a revision, for longer than the lease; then SIGCONT. */
TEST(leader, frozen_past_its_lease_writes_nothing_more)
{
	for (int64_t at = 0; at <= 60; at++) {
		struct stage s;
		int first, second;

		test_row("%d ms", (int)at);
		start_leading_pair(&s, &first, &second);
		make(&s, CUSTOM);
		world_run(s.world, at);
		replica_freeze(s.replicas, (size_t)first);
		world_run(s.world, TAKEN_OVER_MS);
		expect_leader(&s, second);
		settle(&s);
		replicas_writes_clear(s.replicas);
		replica_thaw(s.replicas, (size_t)first);
		world_run(s.world, 30000);
		EXPECT_INT(replica_writes(s.replicas, (size_t)first), 0);
		expect_leader(&s, second);
		replicas_writes_clear(s.replicas);
		make(&s, CUSTOM);
		settle(&s);
		EXPECT_CONTAINS(replicas_creates(s.replicas), "hello-00002 201");
		s.revisions = 0; /* the first one's creates were cleared */
		end(&s);
	}
}

/* Thawed before anybody has noticed, but past the renew deadline: it has to renew first. */
TEST(leader, frozen_past_its_deadline_renews_before_it_writes)
{
	for (int64_t at = 0; at <= 60; at += 2) {
		struct stage s;
		int first, second;

		test_row("%d ms", (int)at);
		start_leading_pair(&s, &first, &second);
		make(&s, CUSTOM);
		world_run(s.world, at);
		replica_freeze(s.replicas, (size_t)first);
		world_run(s.world, 45000);
		replica_thaw(s.replicas, (size_t)first);
		world_run(s.world, 0);
		expect_leader(&s, -1);
		world_run(s.world, 1000);
		expect_leader(&s, first);
		end(&s);
	}
}

TEST(leader, cut_off_is_followed_and_ceases_before)
{
	for (int64_t at = 0; at <= 60; at += 4) {
		struct stage s;
		int first, second;

		test_row("%d ms", (int)at);
		start_leading_pair(&s, &first, &second);
		make(&s, CUSTOM);
		world_run(s.world, at);
		replica_cut(s.replicas, (size_t)first, true);
		for (int64_t gone = 0; gone < TAKEN_OVER_MS; gone += 100) {
			EXPECT(leader(&s) != -2);
			world_run(s.world, 100);
		}
		expect_leader(&s, second);
		make(&s, CUSTOM);
		settle(&s);
		replica_cut(s.replicas, (size_t)first, false);
		world_run(s.world, 200000);
		expect_leader(&s, second);
		end(&s);
	}
}

TEST(leader, the_waiting_half_of_a_partition_changes_nothing)
{
	struct stage s;
	int first, second;

	start_leading_pair(&s, &first, &second);
	replica_cut(s.replicas, (size_t)second, true);
	make(&s, CUSTOM);
	world_run(s.world, 300000);
	expect_leader(&s, first);
	replica_cut(s.replicas, (size_t)second, false);
	world_run(s.world, 300000);
	expect_leader(&s, first);
	/* It has caught up, and is as good as it was. */
	replica_stop(s.replicas, (size_t)first);
	world_run(s.world, 2000);
	expect_leader(&s, second);
	make(&s, CUSTOM);
	end(&s);
}

/* No API server for anybody: nobody leads meanwhile, one does afterwards. */
TEST(leader, nobody_without_an_api_server)
{
	struct stage s;
	int first, second;

	start_leading_pair(&s, &first, &second);
	make(&s, CUSTOM);
	world_run(s.world, 20);
	replica_cut(s.replicas, 0, true);
	replica_cut(s.replicas, 1, true);
	world_run(s.world, 41000);
	expect_leader(&s, -1);
	world_run(s.world, 300000);
	expect_leader(&s, -1);
	replica_cut(s.replicas, 0, false);
	replica_cut(s.replicas, 1, false);
	world_run(s.world, 200000);
	EXPECT(leader(&s) >= 0);
	end(&s);
}

TEST(leader, a_deleted_lease_is_made_again)
{
	struct stage s;
	int first, second;

	start_leading_pair(&s, &first, &second);
	for (int64_t at = 0; at <= 40; at += 4) {
		make(&s, CUSTOM);
		world_run(s.world, at);
		model_delete(s.model, "leases", REPLICAS_SYSTEM_NAMESPACE,
			     replicas_lease(s.replicas, 0));
		world_run(s.world, 1000);
		expect_leader(&s, first);
	}
	end(&s);
}

/* The Go controller has the same lease. */
TEST(leader, waits_for_its_predecessor)
{
	struct stage s;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;

	begin(&s, 1, 0);
	strbuf_addf(&text,
		    "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: "
		    "{namespace: " REPLICAS_SYSTEM_NAMESPACE
		    ", name: %s}\nspec: {holderIdentity: go_1, "
		    "leaseDurationSeconds: 60}\n",
		    replicas_lease(s.replicas, 0));
	model_apply(s.model, text.buf);
	replica_start(s.replicas, 0, 300000);
	replica_start(s.replicas, 1, -300000);
	make(&s, CUSTOM);
	for (int i = 0; i < 60; i++) {
		model_patchf(s.model, "leases", REPLICAS_SYSTEM_NAMESPACE,
			     replicas_lease(s.replicas, 0), false,
			     "{spec: {renewTime: \"2026-01-01T00:%02d:00.000000Z\"}}", i);
		world_run(s.world, 10000);
		expect_leader(&s, -1);
	}
	EXPECT_TEXT(replicas_creates(s.replicas), "");
	world_run(s.world, TAKEN_OVER_MS - 10000);
	EXPECT(leader(&s) >= 0);
	end(&s);
}

TEST(leader, buckets_are_shared)
{
	struct stage s;
	int led[2] = {0, 0};

	begin(&s, 3, 2);
	for (int i = 0; i < 30; i++)
		make(&s, i % 3 ? CUSTOM : "min-scale=1\n");
	settle(&s);
	for (unsigned i = 1; i <= s.revisions; i++) {
		char key[48];
		int who;

		snprintf(key, sizeof(key), NS "/hello-%05u", i);
		test_row("%s", key);
		who = replicas_leader(s.replicas, key);
		EXPECT(who == 0 || who == 1);
		led[who == 1]++;
	}
	EXPECT_INT(led[0] + led[1], 30);
	/* What one had goes to the others, what they had stays. */
	replica_start(s.replicas, 2, 0);
	world_run(s.world, 2000);
	make(&s, CUSTOM);
	replica_kill(s.replicas, led[0] ? 0 : 1);
	make(&s, CUSTOM);
	world_run(s.world, TAKEN_OVER_MS);
	for (unsigned i = 1; i <= s.revisions; i++) {
		char key[48];

		snprintf(key, sizeof(key), NS "/hello-%05u", i);
		test_row("%s", key);
		EXPECT(replicas_leader(s.replicas, key) >= 0);
	}
	end(&s);
}

/* Each has one bucket; frozen, it loses only that. */
TEST(leader, a_frozen_one_of_two_with_buckets)
{
	for (int64_t at = 0; at <= 60; at += 6) {
		struct stage s;

		test_row("%d ms", (int)at);
		begin(&s, 2, 1);
		for (int i = 0; i < 8; i++)
			make(&s, CUSTOM);
		world_run(s.world, at);
		replica_start(s.replicas, 1, 0);
		replica_freeze(s.replicas, 0);
		world_run(s.world, TAKEN_OVER_MS);
		expect_leader(&s, 1);
		replica_thaw(s.replicas, 0);
		world_run(s.world, 30000);
		expect_leader(&s, 1);
		end(&s);
	}
}

TEST(leader, three_one_after_the_other)
{
	struct stage s;

	begin(&s, 1, 3);
	for (int round = 0; round < 6; round++) {
		int was = leader(&s);

		test_row("round %d", round);
		CHECK(was >= 0);
		make(&s, CUSTOM);
		world_run(s.world, 15);
		if (round % 2)
			replica_stop(s.replicas, (size_t)was);
		else
			replica_kill(s.replicas, (size_t)was);
		world_run(s.world, round % 2 ? 2000 : TAKEN_OVER_MS);
		EXPECT(leader(&s) >= 0 && leader(&s) != was);
		if (replica_runs(s.replicas, (size_t)was))
			replica_kill(s.replicas, (size_t)was);
		replica_start(s.replicas, (size_t)was, 0);
		world_run(s.world, 2000);
	}
	end(&s);
}

/* A refused annotation: condition and Events come from the leader alone, and once. */
TEST(leader, events_are_the_leaders)
{
	struct stage s;
	int first, second;

	start_leading_pair(&s, &first, &second);
	model_revision(s.model, NS, "bad-00001", "metric=m\ntarget=x\n");
	settle(&s);
	EXPECT_CONTAINS(model_events(s.model, "PodAutoscaler", NS, "bad-00001"),
			"Warning InvalidAnnotation");
	EXPECT_INT(replica_writes(s.replicas, (size_t)second), 0);
	replica_kill(s.replicas, (size_t)first);
	world_run(s.world, TAKEN_OVER_MS);
	expect_leader(&s, second);
	EXPECT_INT(replica_writes(s.replicas, (size_t)second), 0);
	make(&s, CUSTOM);
	end(&s);
}

/* Without the right to write Leases nobody leads; with it one does. */
TEST(leader, needs_the_right_to_write_leases)
{
	struct stage s;

	begin(&s, 1, 0);
	model_refuse(s.model, "leases", 403, "leases is forbidden");
	replica_start(s.replicas, 0, 0);
	make(&s, CUSTOM);
	world_run(s.world, 120000);
	expect_leader(&s, -1);
	EXPECT_INT(replica_writes(s.replicas, 0), 0);
	model_refuse(s.model, "leases", 403, NULL);
	world_run(s.world, 30000);
	expect_leader(&s, 0);
	end(&s);
}

TEST_MAIN(TEST_OF(leader, one_writes_the_other_is_ready),
	  TEST_OF(leader, killed_is_followed_after_its_lease),
	  TEST_OF(leader, killed_at_any_moment),
	  TEST_OF(leader, terminated_is_followed_within_two_seconds),
	  TEST_OF(leader, frozen_past_its_lease_writes_nothing_more),
	  TEST_OF(leader, frozen_past_its_deadline_renews_before_it_writes),
	  TEST_OF(leader, cut_off_is_followed_and_ceases_before),
	  TEST_OF(leader, the_waiting_half_of_a_partition_changes_nothing),
	  TEST_OF(leader, nobody_without_an_api_server),
	  TEST_OF(leader, a_deleted_lease_is_made_again),
	  TEST_OF(leader, waits_for_its_predecessor), TEST_OF(leader, buckets_are_shared),
	  TEST_OF(leader, a_frozen_one_of_two_with_buckets),
	  TEST_OF(leader, three_one_after_the_other), TEST_OF(leader, events_are_the_leaders),
	  TEST_OF(leader, needs_the_right_to_write_leases))
