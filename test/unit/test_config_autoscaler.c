/* config-autoscaler: Knative's defaults, values, rules and texts. */
#include "pkg/knative/config_autoscaler.h"

#include "test/lib/test.h"
#include "test/unit/quoted_json.h"

#define SECOND INT64_C(1000000000)

static bool parsed(struct arena *arena, const char *text, struct config_autoscaler *out,
		   struct error *err)
{
	return config_autoscaler_parse(text ? quoted_json(arena, text) : NULL, out, err);
}

TEST(config_autoscaler, defaults)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	static const char *const empty[] = {NULL, "{}", "{'_example':'min-scale: many'}",
					    "{'tick-interval':'nonsense','unknown':'key'}"};
	for (size_t i = 0; i < ARRAY_SIZE(empty); i++) {
		struct config_autoscaler c = {.min_scale = 99};
		test_row("%s", empty[i] ? empty[i] : "no data");
		EXPECT(parsed(arena, empty[i], &c, &err));
		EXPECT_TEXT(error_text(&err), "");
		EXPECT_INT(c.min_scale, 0);
		EXPECT_INT(c.max_scale, 0);
		EXPECT_INT(c.max_scale_limit, 0);
		EXPECT_INT(c.initial_scale, 1);
		EXPECT(!c.allow_zero_initial_scale && !c.class_is_hpa && c.enable_scale_to_zero);
		EXPECT(c.container_concurrency_target_percentage == 0.7);
		EXPECT(c.target_burst_capacity == 211);
		EXPECT_INT(c.stable_window, 60 * SECOND);
		EXPECT_INT(c.scale_to_zero_grace_period, 30 * SECOND);
		EXPECT_INT(c.scale_down_delay, 0);
	}
}

TEST(config_autoscaler, every_key_has_its_place)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct config_autoscaler c;
	EXPECT(parsed(arena,
		      "{'pod-autoscaler-class':' hpa.autoscaling.knative.dev\\n',"
		      "'enable-scale-to-zero':'f','allow-zero-initial-scale':'T',"
		      "'max-scale-up-rate':'2.5','max-scale-down-rate':'3.5',"
		      "'container-concurrency-target-percentage':'80',"
		      "'container-concurrency-target-default':'50',"
		      "'requests-per-second-target-default':'60','target-burst-capacity':'-1',"
		      "'panic-window-percentage':'20','activator-capacity':'70',"
		      "'panic-threshold-percentage':'120','initial-scale':'0','min-scale':'2',"
		      "'max-scale':'+7','max-scale-limit':'9','stable-window':'1h',"
		      "'scale-down-delay':'1m30s','scale-to-zero-grace-period':'1ns',"
		      "'scale-to-zero-pod-retention-period':'1.5s'}",
		      &c, &err));
	EXPECT_TEXT(error_text(&err), "");
	EXPECT(c.class_is_hpa && !c.enable_scale_to_zero && c.allow_zero_initial_scale);
	EXPECT(c.max_scale_up_rate == 2.5 && c.max_scale_down_rate == 3.5);
	EXPECT(c.container_concurrency_target_percentage == 0.8);
	EXPECT(c.container_concurrency_target_default == 50);
	EXPECT(c.requests_per_second_target_default == 60 && c.target_burst_capacity == -1);
	EXPECT(c.panic_window_percentage == 20 && c.panic_threshold_percentage == 120);
	EXPECT(c.activator_capacity == 70);
	EXPECT_INT(c.initial_scale, 0);
	EXPECT_INT(c.min_scale, 2);
	EXPECT_INT(c.max_scale, 7);
	EXPECT_INT(c.max_scale_limit, 9);
	EXPECT_INT(c.stable_window, 3600 * SECOND);
	EXPECT_INT(c.scale_down_delay, 90 * SECOND);
	EXPECT_INT(c.scale_to_zero_grace_period, 1);
	EXPECT_INT(c.scale_to_zero_pod_retention_period, SECOND * 3 / 2);
}

TEST(config_autoscaler, values_that_knative_takes)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const char *const rows[] = {
	    "{'max-scale-up-rate':'1_000.5'}",
	    "{'max-scale-up-rate':'0x1p3'}",
	    "{'max-scale-up-rate':'+Inf'}",
	    "{'max-scale-up-rate':'nan'}",
	    "{'max-scale-up-rate':'2.'}",
	    "{'panic-threshold-percentage':'-5'}",
	    "{'panic-threshold-percentage':'1e-999'}",
	    "{'container-concurrency-target-percentage':'1'}",
	    "{'container-concurrency-target-percentage':'100'}",
	    ("{'container-concurrency-target-percentage':'0.1',"
	     "'container-concurrency-target-default':'0.1'}"),
	    "{'requests-per-second-target-default':'0.01'}",
	    "{'target-burst-capacity':'0'}",
	    "{'activator-capacity':'1'}",
	    "{'panic-window-percentage':'1'}",
	    "{'panic-window-percentage':'1e2'}",
	    "{'stable-window':'6s'}",
	    "{'stable-window':'60m'}",
	    "{'scale-down-delay':'0'}",
	    "{'scale-down-delay':'100h'}",
	    "{'min-scale':'5','max-scale':'0'}",
	    "{'min-scale':'5','max-scale':'5'}",
	    "{'max-scale-limit':'5','max-scale':'5'}",
	    "{'max-scale':'2147483647'}",
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct config_autoscaler c;
		test_row("%s", rows[i]);
		EXPECT(parsed(arena, rows[i], &c, &err));
		EXPECT_TEXT(error_text(&err), "");
	}
}

#define PARSE "failed to parse data: failed to parse "

/* Compared word by word with NewConfigFromMap of knative.dev/serving v0.50.0. */
static const struct {
	const char *data, *want;
} refused[] = {
    /* What strconv and time refuse. */
    {"{'initial-scale':'x'}",
     PARSE "\"initial-scale\": strconv.ParseInt: parsing \"x\": invalid syntax"},
    {"{'min-scale':' 5'}", PARSE "\"min-scale\": strconv.ParseInt: parsing \" 5\": invalid syntax"},
    {"{'min-scale':''}", PARSE "\"min-scale\": strconv.ParseInt: parsing \"\": invalid syntax"},
    {"{'min-scale':'+'}", PARSE "\"min-scale\": strconv.ParseInt: parsing \"+\": invalid syntax"},
    {"{'max-scale':'2147483648'}",
     PARSE "\"max-scale\": strconv.ParseInt: parsing \"2147483648\": value out of "
	   "range"},
    {"{'max-scale':'-99999999999999999999'}",
     PARSE "\"max-scale\": strconv.ParseInt: parsing \"-99999999999999999999\": value "
	   "out of range"},
    {"{'enable-scale-to-zero':'yes'}",
     PARSE "\"enable-scale-to-zero\": strconv.ParseBool: parsing \"yes\": invalid "
	   "syntax"},
    {"{'allow-zero-initial-scale':'a\\\"\\\\\\t\\u0001'}",
     PARSE "\"allow-zero-initial-scale\": strconv.ParseBool: parsing "
	   "\"a\\\"\\\\\\t\\x01\": invalid syntax"},
    {"{'max-scale-up-rate':'1e999'}",
     PARSE "\"max-scale-up-rate\": strconv.ParseFloat: parsing \"1e999\": value out "
	   "of range"},
    {"{'max-scale-up-rate':'1e'}",
     PARSE "\"max-scale-up-rate\": strconv.ParseFloat: parsing \"1e\": invalid syntax"},
    {"{'max-scale-up-rate':''}",
     PARSE "\"max-scale-up-rate\": strconv.ParseFloat: parsing \"\": invalid syntax"},
    {"{'max-scale-up-rate':' 2'}",
     PARSE "\"max-scale-up-rate\": strconv.ParseFloat: parsing \" 2\": invalid syntax"},
    {"{'max-scale-up-rate':'0x10'}",
     PARSE "\"max-scale-up-rate\": strconv.ParseFloat: parsing \"0x10\": invalid "
	   "syntax"},
    {"{'max-scale-up-rate':'1__0'}",
     PARSE "\"max-scale-up-rate\": strconv.ParseFloat: parsing \"1__0\": invalid "
	   "syntax"},
    {"{'max-scale-up-rate':'_1'}",
     PARSE "\"max-scale-up-rate\": strconv.ParseFloat: parsing \"_1\": invalid "
	   "syntax"},
    {"{'max-scale-up-rate':'nan(1)'}",
     PARSE "\"max-scale-up-rate\": strconv.ParseFloat: parsing \"nan(1)\": invalid "
	   "syntax"},
    {"{'stable-window':'60'}", PARSE "\"stable-window\": time: missing unit in duration \"60\""},
    {"{'stable-window':'1h5'}", PARSE "\"stable-window\": time: missing unit in duration \"1h5\""},
    {"{'stable-window':'60 s'}",
     PARSE "\"stable-window\": time: unknown unit \" s\" in duration \"60 s\""},
    {"{'stable-window':'5d'}",
     PARSE "\"stable-window\": time: unknown unit \"d\" in duration \"5d\""},
    {"{'stable-window':''}", PARSE "\"stable-window\": time: invalid duration \"\""},
    {"{'stable-window':'-'}", PARSE "\"stable-window\": time: invalid duration \"-\""},
    {"{'stable-window':'.s'}", PARSE "\"stable-window\": time: invalid duration \".s\""},
    {"{'stable-window':'99999999999h'}",
     PARSE "\"stable-window\": time: invalid duration \"99999999999h\""},
    {"{'min-scale':5}", PARSE "\"min-scale\": must be a string"},
    {"{'pod-autoscaler-class':null}", PARSE "\"pod-autoscaler-class\": must be a string"},
    /* What Knative refuses. */
    {"{'scale-to-zero-grace-period':'0s'}", "scale-to-zero-grace-period must be positive, was: 0s"},
    {"{'scale-down-delay':'-1m'}", "scale-down-delay cannot be negative, was: -1m0s"},
    {"{'scale-down-delay':'1.5s'}",
     "scale-down-delay = 1.5s, must be specified with at most second precision"},
    {"{'scale-to-zero-pod-retention-period':'-1s'}",
     "scale-to-zero-pod-retention-period cannot be negative, was: -1s"},
    {"{'target-burst-capacity':'-2'}",
     "target-burst-capacity must be either non-negative or -1 (for unlimited), was: "
     "-2.000000"},
    {"{'container-concurrency-target-percentage':'0'}",
     "container-concurrency-target-percentage = 0.000000 is outside of valid range of "
     "(0, 100]"},
    {"{'container-concurrency-target-percentage':'100.5'}",
     "container-concurrency-target-percentage = 1.005000 is outside of valid range of "
     "(0, 100]"},
    {"{'container-concurrency-target-default':'0.01'}",
     "container-concurrency-target-percentage and container-concurrency-target-default "
     "yield target concurrency of 0.006999999999999999, can't be less than 0.01"},
    {"{'requests-per-second-target-default':'0.0099'}",
     "requests-per-second-target-default must be at least 0.01, was: 0.0099"},
    {"{'requests-per-second-target-default':'-1e6'}",
     "requests-per-second-target-default must be at least 0.01, was: -1e+06"},
    {"{'activator-capacity':'0.99'}", "activator-capacity = 0.99, must be at least 1"},
    {"{'max-scale-up-rate':'1'}", "max-scale-up-rate = 1, must be greater than 1.0"},
    {"{'max-scale-up-rate':'-inf'}", "max-scale-up-rate = -Inf, must be greater than 1.0"},
    {"{'max-scale-down-rate':'0.00001'}", "max-scale-down-rate = 1e-05, must be greater than 1.0"},
    {"{'max-scale-down-rate':'-100000'}",
     "max-scale-down-rate = -100000, must be greater than 1.0"},
    {"{'stable-window':'5s'}", "stable-window = 5s, must be in [6s; 1h0m0s] range"},
    {"{'stable-window':'61m'}", "stable-window = 1h1m0s, must be in [6s; 1h0m0s] range"},
    {"{'stable-window':'6500ms'}",
     "stable-window = 6.5s, must be specified with at most second precision"},
    {"{'panic-window-percentage':'0.5'}",
     "panic-window-percentage = 0.5, must be in [1, 100] interval"},
    {"{'panic-window-percentage':'1234567'}",
     "panic-window-percentage = 1.234567e+06, must be in [1, 100] interval"},
    {"{'initial-scale':'0'}", "initial-scale = 0, must be at least 0 (or at least 1 when "
			      "allow-zero-initial-scale is false)"},
    {"{'initial-scale':'-1','allow-zero-initial-scale':'true'}",
     "initial-scale = -1, must be at least 0 (or at least 1 when "
     "allow-zero-initial-scale is false)"},
    {"{'min-scale':'-1'}", "min-scale = -1, must be at least 0"},
    {"{'max-scale':'-1'}", "max-scale = -1, must be in [0, max-scale-limit(0)] range"},
    {"{'max-scale-limit':'5'}", "max-scale = 0, must be in [1, max-scale-limit(5)] range"},
    {"{'max-scale-limit':'5','max-scale':'6'}",
     "max-scale = 6, must be in [1, max-scale-limit(5)] range"},
    {"{'max-scale-limit':'-5'}", "max-scale-limit = -5, must be at least 0"},
    {"{'min-scale':'5','max-scale':'3'}", "min-scale (5) must be less than max-scale (3)"},
};

TEST(config_autoscaler, refusals_in_knatives_words)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct config_autoscaler c = {.min_scale = 99};
		test_row("%s", refused[i].data);
		EXPECT(!parsed(arena, refused[i].data, &c, &err));
		EXPECT_TEXT(error_text(&err), refused[i].want);
		EXPECT_INT(err.kind, ERROR_INVALID);
		EXPECT_INT(c.min_scale, 99);
	}
}

TEST(config_autoscaler, class)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *class;
		bool want;
	} rows[] = {
	    {"hpa.autoscaling.knative.dev", true},    {"\\t hpa.autoscaling.knative.dev ", true},
	    {"hpa.autoscaling.knative.dev x", false}, {"hpa.autoscaling.knative.devx", false},
	    {"kpa.autoscaling.knative.dev", false},   {"", false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct config_autoscaler c;
		test_row("\"%s\"", rows[i].class);
		EXPECT(parsed(arena,
			      arena_printf(arena, "{'pod-autoscaler-class':'%s'}", rows[i].class),
			      &c, &err));
		EXPECT_INT(c.class_is_hpa, rows[i].want);
	}
}

TEST_MAIN(TEST_OF(config_autoscaler, defaults), TEST_OF(config_autoscaler, every_key_has_its_place),
	  TEST_OF(config_autoscaler, values_that_knative_takes),
	  TEST_OF(config_autoscaler, refusals_in_knatives_words), TEST_OF(config_autoscaler, class))
