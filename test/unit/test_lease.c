/* Lease from JSON. */
#include "pkg/kube/lease.h"

#include "test/lib/test.h"
#include "test/unit/quoted_json.h"

TEST(lease, reads_its_fields_leniently)
{
	static const struct {
		const char *spec, *holder, *renewed;
		int64_t renewed_ms, duration_ms;
	} rows[] = {
	    {"{'holderIdentity':'pod_1','renewTime':'2026-01-01T00:00:01.500000Z',"
	     "'leaseDurationSeconds':15}",
	     "pod_1", "2026-01-01T00:00:01.500000Z", INT64_C(1767225601500), 15000},
	    {"{'holderIdentity':'','leaseDurationSeconds':1}", "", "", 0, 1000},
	    {"{}", "", "", 0, LEASE_DEFAULT_MS},
	    {"{'holderIdentity':null,'renewTime':'soon','leaseDurationSeconds':0}", "", "soon", 0,
	     LEASE_DEFAULT_MS},
	    {"{'holderIdentity':3,'renewTime':4,'leaseDurationSeconds':-1}", "", "", 0,
	     LEASE_DEFAULT_MS},
	    {"{'leaseDurationSeconds':9223372036854775807}", "", "", 0, LEASE_DEFAULT_MS},
	    {"null", "", "", 0, LEASE_DEFAULT_MS},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct json *json = quoted_json(arena, "{'metadata':{'name':'l'}}");
		struct lease *lease;

		test_row("%s", rows[i].spec);
		json_set(arena, json, "spec", quoted_json(arena, rows[i].spec));
		lease = (struct lease *)lease_decode(json, &err);
		EXPECT(lease);
		EXPECT_TEXT(lease->object.meta.name, "l");
		EXPECT_TEXT(lease->holder, rows[i].holder);
		EXPECT_TEXT(lease->renewed, rows[i].renewed);
		EXPECT_INT(lease->renewed_ms, rows[i].renewed_ms);
		EXPECT_INT(lease->duration_ms, rows[i].duration_ms);
		object_unref(&lease->object);
	}
}

TEST(lease, knows_how_often_it_changed_hands)
{
	static const struct {
		const char *spec, *acquired;
		int64_t transitions;
	} rows[] = {
	    {"{'acquireTime':'2026-01-01T00:00:01.500000Z','leaseTransitions':7}",
	     "2026-01-01T00:00:01.500000Z", 7},
	    {"{}", "", 0},
	    {"{'acquireTime':1,'leaseTransitions':'7'}", "", 0},
	    {"{'leaseTransitions':-1}", "", 0},
	    {"{'leaseTransitions':2147483646}", "", 2147483646},
	    {"{'leaseTransitions':2147483647}", "", 0}, /* one more would not fit */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct json *json = quoted_json(arena, "{'metadata':{'name':'l'}}");
		struct lease *lease;

		test_row("%s", rows[i].spec);
		json_set(arena, json, "spec", quoted_json(arena, rows[i].spec));
		lease = (struct lease *)lease_decode(json, &err);
		EXPECT(lease);
		EXPECT_TEXT(lease->acquired, rows[i].acquired);
		EXPECT_INT(lease->transitions, rows[i].transitions);
		object_unref(&lease->object);
	}
}

/* Times with six digits: metav1.MicroTime reads no other number of them. */
TEST(lease, writes_a_claim)
{
	static const struct {
		struct lease_claim claim;
		const char *want;
	} rows[] = {
	    {{"pod_1", 60, INT64_C(1767225601500), NULL, 3},
	     "{'holderIdentity':'pod_1','leaseDurationSeconds':60,'acquireTime':"
	     "'2026-01-01T00:00:01.500000Z','renewTime':'2026-01-01T00:00:01.500000Z',"
	     "'leaseTransitions':3}"},
	    {{"", 1, INT64_C(1767225601000), "2025-01-01T00:00:00.000001Z", 0},
	     "{'holderIdentity':'','leaseDurationSeconds':1,'acquireTime':"
	     "'2025-01-01T00:00:00.000001Z','renewTime':'2026-01-01T00:00:01.000000Z',"
	     "'leaseTransitions':0}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();

		test_row("%zu", i);
		EXPECT_TEXT(json_shown(arena, lease_spec(arena, &rows[i].claim)), rows[i].want);
	}
}

TEST(lease, refuses_one_without_a_name)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;

	EXPECT(!lease_decode(quoted_json(arena, "{'metadata':{},'spec':{}}"), &err));
	EXPECT_INT(err.kind, ERROR_INVALID);
}

TEST_MAIN(TEST_OF(lease, reads_its_fields_leniently),
	  TEST_OF(lease, knows_how_often_it_changed_hands), TEST_OF(lease, writes_a_claim),
	  TEST_OF(lease, refuses_one_without_a_name))
