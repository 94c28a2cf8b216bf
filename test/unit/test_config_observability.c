/* config-observability: which protocol, and what Knative's own parser refuses with it. */
#include "pkg/knative/config_observability.h"

#include "test/lib/test.h"
#include "test/unit/quoted_json.h"

TEST(config_observability, protocols)
{
	static const struct {
		const char *data;
		enum metrics_protocol protocol;
	} rows[] = {
	    {NULL, METRICS_PROMETHEUS},
	    {"{'_example':'metrics-protocol: none','runtime-profiling':'enabled',"
	     "'tracing-protocol':'x','request-metrics-protocol':'none'}",
	     METRICS_PROMETHEUS},
	    {"{'metrics-protocol':'none'}", METRICS_NONE},
	    {"{'metrics-protocol':' none\\n','metrics-endpoint':' '}", METRICS_NONE},
	    {"{'metrics-protocol':'prometheus','metrics-endpoint':':1'}", METRICS_PROMETHEUS},
	    {"{'metrics-protocol':'grpc','metrics-endpoint':'a:1'}", METRICS_GRPC},
	    {"{'metrics-protocol':'http/protobuf','metrics-endpoint':'http://a',"
	     "'metrics-export-interval':'10s'}",
	     METRICS_HTTP_PROTOBUF},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		const char *text = rows[i].data;
		struct config_observability out = {METRICS_NONE};

		test_row("%s", text ? text : "no data");
		EXPECT(
		    config_observability_parse(text ? quoted_json(arena, text) : NULL, &out, &err));
		EXPECT_TEXT(error_text(&err), "");
		EXPECT_INT(out.metrics_protocol, rows[i].protocol);
	}
	test_row("%s", "");
	EXPECT_TEXT(metrics_protocol_name(METRICS_HTTP_PROTOBUF), "http/protobuf");
}

TEST(config_observability, refusals)
{
	static const struct {
		const char *data, *error;
	} rows[] = {
	    {"{'metrics-protocol':'None'}", "unsupported protocol \"None\""},
	    {"{'metrics-protocol':''}", "unsupported protocol \"\""},
	    {"{'metrics-protocol':'opencensus'}", "unsupported protocol \"opencensus\""},
	    {"{'metrics-protocol':1}", "\"metrics-protocol\" must be a string"},
	    {"{'metrics-protocol':'grpc'}", "endpoint should be set when protocol is \"grpc\""},
	    {"{'metrics-protocol':'none','metrics-endpoint':'a'}",
	     "endpoint should not be set when protocol is \"none\""},
	    {"{'metrics-protocol':'none','metrics-endpoint':{}}", "must be a string"},
	    {"{'metrics-export-interval':'-1s'}",
	     "export interval \"-1s\" should be greater than zero"},
	    {"{'metrics-export-interval':'5'}",
	     "failed to parse \"metrics-export-interval\": time: missing unit in duration \"5\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct config_observability out = {METRICS_GRPC};

		test_row("%s", rows[i].data);
		EXPECT_FALSE(
		    config_observability_parse(quoted_json(arena, rows[i].data), &out, &err));
		EXPECT_CONTAINS(error_text(&err), rows[i].error);
		EXPECT_INT(err.kind, ERROR_INVALID);
		EXPECT_INT(out.metrics_protocol, METRICS_GRPC);
	}
	test_row("%s", "");
}

TEST_MAIN(TEST_OF(config_observability, protocols), TEST_OF(config_observability, refusals))
