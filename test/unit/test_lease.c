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

TEST(lease, refuses_one_without_a_name)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;

	EXPECT(!lease_decode(quoted_json(arena, "{'metadata':{},'spec':{}}"), &err));
	EXPECT_INT(err.kind, ERROR_INVALID);
}

TEST_MAIN(TEST_OF(lease, reads_its_fields_leniently), TEST_OF(lease, refuses_one_without_a_name))
