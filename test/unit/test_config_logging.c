/* config-logging: where the level comes from, what is refused, the form of lines. */
#include "pkg/knative/config_logging.h"

#include "test/lib/test.h"
#include "test/unit/quoted_json.h"

#define ZAP(text) "{'zap-logger-config':'" text "'"

TEST(config_logging, level_and_form)
{
	static const struct {
		const char *data;
		enum log_level level;
		enum log_format format;
	} rows[] = {
	    {NULL, LOG_INFO, LOG_JSON},
	    {"{'_example':'loglevel.hpaautoscaler: debug','other':'x'}", LOG_INFO, LOG_JSON},
	    {"{'loglevel.hpaautoscaler':'debug'}", LOG_DEBUG, LOG_JSON},
	    {"{'loglevel.hpaautoscaler':'Warn'}", LOG_WARN, LOG_JSON},
	    {"{'loglevel.hpaautoscaler':'dpanic'}", LOG_FATAL, LOG_JSON},
	    {"{'loglevel.':'loud','loglevel.controller':'error'}", LOG_INFO, LOG_JSON},
	    {ZAP("") "}", LOG_INFO, LOG_JSON},
	    {ZAP("{}") "}", LOG_INFO, LOG_JSON},
	    {ZAP("{\\\"level\\\":\\\"error\\\",\\\"outputPaths\\\":[\\\"stdout\\\"]}") "}",
	     LOG_ERROR, LOG_JSON},
	    {ZAP("{\\\"encoding\\\":\\\"console\\\"}") "}", LOG_INFO, LOG_CONSOLE},
	    /* ours goes before zap's; an empty one is none */
	    {ZAP("{\\\"level\\\":\\\"error\\\"}") ",'loglevel.hpaautoscaler':'debug'}", LOG_DEBUG,
	     LOG_JSON},
	    {ZAP("{\\\"level\\\":\\\"error\\\"}") ",'loglevel.hpaautoscaler':''}", LOG_ERROR,
	     LOG_JSON},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		const char *text = rows[i].data;
		struct config_logging out = {0};

		test_row("%s", text ? text : "no data");
		EXPECT(config_logging_parse(text ? quoted_json(arena, text) : NULL, &out, &err));
		EXPECT_TEXT(error_text(&err), "");
		EXPECT_INT(out.level, rows[i].level);
		EXPECT_INT(out.format, rows[i].format);
	}
	test_row("%s", "");
}

TEST(config_logging, refusals)
{
	static const struct {
		const char *data, *error;
	} rows[] = {
	    {"{'loglevel.hpaautoscaler':'loud'}",
	     "failed to parse \"loglevel.hpaautoscaler\": invalid logging level: loud"},
	    {"{'loglevel.hpaautoscaler':' debug'}", "invalid logging level:  debug"},
	    /* as Knative's own parser, which reads them all */
	    {"{'loglevel.activator':'5'}",
	     "failed to parse \"loglevel.activator\": invalid logging level: 5"},
	    {"{'loglevel.hpaautoscaler':1}", "must be a string"},
	    {"{'zap-logger-config':1}", "failed to parse \"zap-logger-config\": must be a string"},
	    {ZAP("{") "}", "failed to parse \"zap-logger-config\": 1:"},
	    {ZAP("[]") "}", "must be a JSON object"},
	    {ZAP("{\\\"level\\\":\\\"loud\\\"}") "}", "level: invalid logging level: loud"},
	    {ZAP("{\\\"level\\\":1}") "}", "level: must be a string"},
	    {ZAP("{\\\"encoding\\\":\\\"xml\\\"}") "}", "encoding must be json or console"},
	    {ZAP("{\\\"encoding\\\":1}") "}", "encoding must be json or console"},
	    {ZAP("{\\\"level\\\":\\\"loud\\\"}") ",'loglevel.hpaautoscaler':'debug'}", "level: "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct config_logging out = {.level = LOG_WARN, .format = LOG_CONSOLE};

		test_row("%s", rows[i].data);
		EXPECT_FALSE(config_logging_parse(quoted_json(arena, rows[i].data), &out, &err));
		EXPECT_CONTAINS(error_text(&err), rows[i].error);
		EXPECT_INT(err.kind, ERROR_INVALID);
		EXPECT_INT(out.level, LOG_WARN);
		EXPECT_INT(out.format, LOG_CONSOLE);
	}
	test_row("%s", "");
}

TEST_MAIN(TEST_OF(config_logging, level_and_form), TEST_OF(config_logging, refusals))
