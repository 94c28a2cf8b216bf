/* config-leader-election: every key, its bounds, what is refused; the leases' names. */
#include "pkg/knative/config_leader_election.h"

#include "test/lib/test.h"
#include "test/unit/quoted_json.h"

#define PREFIX "comp.knative.dev.pkg.Reconciler"

TEST(config_leader_election, is_read_as_knative_reads_it)
{
	static const struct {
		const char *data;
		int64_t lease_ms, renew_ms, retry_ms;
		uint32_t buckets;
		const char *first, *last;
	} rows[] = {
	    {NULL, 60000, 40000, 10000, 1, "comp.knative.dev.pkg.reconciler.00-of-01",
	     "comp.knative.dev.pkg.reconciler.00-of-01"},
	    {"{'_example':'x','other':'y'}", 60000, 40000, 10000, 1,
	     "comp.knative.dev.pkg.reconciler.00-of-01",
	     "comp.knative.dev.pkg.reconciler.00-of-01"},
	    {"{'lease-duration':'15s','renew-deadline':'10s','retry-period':'2s','buckets':'3'}",
	     15000, 10000, 2000, 3, "comp.knative.dev.pkg.reconciler.00-of-03",
	     "comp.knative.dev.pkg.reconciler.02-of-03"},
	    {"{'leaseDuration':'15s','renewDeadline':'10s','retryPeriod':'2s'}", 15000, 10000, 2000,
	     1, "comp.knative.dev.pkg.reconciler.00-of-01",
	     "comp.knative.dev.pkg.reconciler.00-of-01"},
	    /* The dashed form wins, wherever it stands. */
	    {"{'lease-duration':'20s','leaseDuration':'15s','renewDeadline':'1s','renew-deadline':"
	     "'12s','retryPeriod':'2s'}",
	     20000, 12000, 2000, 1, "comp.knative.dev.pkg.reconciler.00-of-01",
	     "comp.knative.dev.pkg.reconciler.00-of-01"},
	    /* Whole seconds are what others hold us to. */
	    {"{'lease-duration':'2.9s','renew-deadline':'1.9s','retry-period':'500ms'}", 2000, 1900,
	     500, 1, "comp.knative.dev.pkg.reconciler.00-of-01",
	     "comp.knative.dev.pkg.reconciler.00-of-01"},
	    {"{'buckets':'10','map-lease-prefix." PREFIX "':'Mine.x-1'}", 60000, 40000, 10000, 10,
	     "mine.x-1.00-of-10", "mine.x-1.09-of-10"},
	    {"{'map-lease-prefix." PREFIX "':'','map-lease-prefix.other':'..','buckets':'0002'}",
	     60000, 40000, 10000, 2, "comp.knative.dev.pkg.reconciler.00-of-02",
	     "comp.knative.dev.pkg.reconciler.01-of-02"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		const char *text = rows[i].data;
		struct config_leader_election c = {0};

		test_row("%s", text ? text : "no data");
		EXPECT(config_leader_election_parse(text ? quoted_json(arena, text) : NULL, PREFIX,
						    arena, &c, &err));
		EXPECT_TEXT(error_text(&err), "");
		EXPECT_INT(c.lease_ms, rows[i].lease_ms);
		EXPECT_INT(c.renew_ms, rows[i].renew_ms);
		EXPECT_INT(c.retry_ms, rows[i].retry_ms);
		EXPECT_INT(c.buckets, rows[i].buckets);
		EXPECT_TEXT(config_leader_election_lease(&c, 0, arena), rows[i].first);
		EXPECT_TEXT(config_leader_election_lease(&c, c.buckets - 1, arena), rows[i].last);
	}
}

TEST(config_leader_election, refusals)
{
	static const struct {
		const char *data, *want;
	} rows[] = {
	    {"{'lease-duration':'60'}", "failed to parse \"lease-duration\": time: missing unit in "
					"duration \"60\""},
	    {"{'retryPeriod':'x'}",
	     "failed to parse \"retryPeriod\": time: invalid duration \"x\""},
	    {"{'lease-duration':60}", "\"lease-duration\" must be a string"},
	    {"{'buckets':'0'}", "buckets: value must be between 1 and 10, it is 0"},
	    {"{'buckets':'11'}", "buckets: value must be between 1 and 10, it is 11"},
	    {"{'buckets':'-1'}",
	     "failed to parse \"buckets\": strconv.ParseUint: parsing \"-1\": invalid syntax"},
	    {"{'buckets':'1 '}",
	     "failed to parse \"buckets\": strconv.ParseUint: parsing \"1 \": invalid syntax"},
	    {"{'buckets':'4294967296'}", "failed to parse \"buckets\": strconv.ParseUint: parsing "
					 "\"4294967296\": value out of range"},
	    {"{'buckets':'99999999999999999999999'}",
	     "failed to parse \"buckets\": strconv.ParseUint: parsing \"99999999999999999999999\": "
	     "value out of range"},
	    {"{'lease-duration':'40s'}", "lease-duration (in whole seconds) must be greater than "
					 "renew-deadline"},
	    {"{'lease-duration':'40.9s'}", "lease-duration (in whole seconds) must be greater than "
					   "renew-deadline"},
	    {"{'renew-deadline':'12s'}", "renew-deadline must be greater than 1.2 times "
					 "retry-period"},
	    {"{'lease-duration':'900ms','renew-deadline':'500ms','retry-period':'1ms'}",
	     "lease-duration must be a second at least, and fit 32 bits"},
	    {"{'lease-duration':'-60s'}",
	     "lease-duration must be a second at least, and fit 32 bits"},
	    {"{'retry-period':'0s'}", "retry-period must be greater than zero"},
	    {"{'map-lease-prefix." PREFIX "':'a b'}",
	     "map-lease-prefix: \"a b\" is no name of a Lease"},
	    {"{'map-lease-prefix." PREFIX "':'.a'}",
	     "map-lease-prefix: \".a\" is no name of a Lease"},
	    {"{'map-lease-prefix." PREFIX "':'a.-b'}",
	     "map-lease-prefix: \"a.-b\" is no name of a Lease"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct config_leader_election c;

		test_row("%s", rows[i].data);
		EXPECT(!config_leader_election_parse(quoted_json(arena, rows[i].data), PREFIX,
						     arena, &c, &err));
		EXPECT_INT(err.kind, ERROR_INVALID);
		EXPECT_TEXT(error_text(&err), rows[i].want);
	}
}

TEST_MAIN(TEST_OF(config_leader_election, is_read_as_knative_reads_it),
	  TEST_OF(config_leader_election, refusals))
