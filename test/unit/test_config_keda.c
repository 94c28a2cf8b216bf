/* config-autoscaler-keda: every key, its bounds, what is refused and what passed over. */
#include "pkg/keda/config_keda.h"

#include "test/lib/test.h"
#include "test/unit/quoted_json.h"

static bool parsed(struct arena *arena, const char *text, struct config_keda *out,
		   struct error *err)
{
	return config_keda_parse(text ? quoted_json(arena, text) : NULL, arena, out, err);
}

TEST(config_keda, defaults)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	static const char *const empty[] = {NULL, "{}", "{'_example':'autoscaler.keda.x: 1'}",
					    "{'autoscaler.keda.of-tomorrow':'1','other':2}"};
	for (size_t i = 0; i < ARRAY_SIZE(empty); i++) {
		struct config_keda c = {0};
		test_row("%s", empty[i] ? empty[i] : "no data");
		EXPECT(parsed(arena, empty[i], &c, &err));
		EXPECT_TEXT(c.prometheus_address, "http://prometheus-operated.default.svc:9090");
		EXPECT(c.http_scaler_address == NULL && !c.http_scaler_tls);
		EXPECT_TEXT(c.system_namespace, "knative-serving");
		EXPECT(c.auto_create);
		EXPECT_INT(c.polling_interval, -1);
		EXPECT_INT(c.cooldown_period, -1);
		EXPECT_INT(c.fallback_failure_threshold, -1);
		EXPECT_INT(c.fallback_replicas, -1);
		EXPECT(c.fallback_behavior == NULL);
		EXPECT_INT(c.ignore_null_values, -1);
		EXPECT(c.metrics_per_revision);
		EXPECT(!c.metrics_controller_runtime);
	}
}

TEST(config_keda, every_key_has_its_place)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct config_keda c;
	EXPECT(parsed(arena,
		      "{'autoscaler.keda.prometheus-address':' https://p.example/x\\n',"
		      "'autoscaler.keda.http-scaler-address':' [fd00::7.1]:65535 ',"
		      "'autoscaler.keda.http-scaler-tls':'true',"
		      "'autoscaler.keda.scaledobject-autocreate':'F',"
		      "'autoscaler.keda.polling-interval':'1',"
		      "'autoscaler.keda.cooldown-period':'1m30s',"
		      "'autoscaler.keda.fallback-failure-threshold':'3',"
		      "'autoscaler.keda.fallback-replicas':'0',"
		      "'autoscaler.keda.fallback-behavior':'currentReplicasIfHigher',"
		      "'autoscaler.keda.ignore-null-values':'false',"
		      "'autoscaler.keda.metrics-per-revision':'f',"
		      "'autoscaler.keda.metrics-controller-runtime':'TRUE'}",
		      &c, &err));
	EXPECT_TEXT(error_text(&err), "");
	EXPECT_TEXT(c.prometheus_address, "https://p.example/x");
	EXPECT_TEXT(c.http_scaler_address, "[fd00::7.1]:65535");
	EXPECT(c.http_scaler_tls);
	EXPECT(!c.auto_create);
	EXPECT_INT(c.polling_interval, 1);
	EXPECT_INT(c.cooldown_period, 90);
	EXPECT_INT(c.fallback_failure_threshold, 3);
	EXPECT_INT(c.fallback_replicas, 0);
	EXPECT_TEXT(c.fallback_behavior, "currentReplicasIfHigher");
	EXPECT_INT(c.ignore_null_values, 0);
	EXPECT(!c.metrics_per_revision);
	EXPECT(c.metrics_controller_runtime);
	EXPECT(parsed(arena,
		      "{'autoscaler.keda.cooldown-period':'0',"
		      "'autoscaler.keda.polling-interval':'2147483647',"
		      "'autoscaler.keda.fallback-behavior':'static',"
		      "'autoscaler.keda.ignore-null-values':'t',"
		      "'autoscaler.keda.http-scaler-address':'scaler_1.ns.svc:1'}",
		      &c, &err));
	EXPECT_TEXT(c.http_scaler_address, "scaler_1.ns.svc:1");
	EXPECT_INT(c.cooldown_period, 0);
	EXPECT_INT(c.polling_interval, INT32_MAX);
	EXPECT_INT(c.ignore_null_values, 1);
}

#define KEY(name, value) "{'autoscaler.keda." name "':'" value "'}"
#define REFUSED(name, value, want)                                                                 \
	"failed to parse \"autoscaler.keda." name "\": \"" value "\" is not " want

#define ADDRESS(value)                                                                             \
	REFUSED("http-scaler-address", value, "a host and a port, for example scaler.ns.svc:9092")

TEST(config_keda, refusals)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *data, *want;
	} rows[] = {
	    {KEY("prometheus-address", "prometheus:9090"),
	     REFUSED("prometheus-address", "prometheus:9090", "an http or https URL with a host")},
	    {KEY("prometheus-address", " "),
	     REFUSED("prometheus-address", " ", "an http or https URL with a host")},
	    {KEY("http-scaler-address", "http://scaler:9092"), ADDRESS("http://scaler:9092")},
	    {KEY("http-scaler-address", "scaler"), ADDRESS("scaler")},
	    {KEY("http-scaler-tls", "mutual"),
	     REFUSED("http-scaler-tls", "mutual", "true or false")},
	    {KEY("http-scaler-address", ":9092"), ADDRESS(":9092")},
	    {KEY("http-scaler-address", "scaler:"), ADDRESS("scaler:")},
	    {KEY("http-scaler-address", "scaler:0"), ADDRESS("scaler:0")},
	    {KEY("http-scaler-address", "scaler:+1"), ADDRESS("scaler:+1")},
	    {KEY("http-scaler-address", "scaler:65536"), ADDRESS("scaler:65536")},
	    {KEY("http-scaler-address", "a b:1"), ADDRESS("a b:1")},
	    {KEY("http-scaler-address", "[]:1"), ADDRESS("[]:1")},
	    {KEY("http-scaler-address", "fd00::7:1"), ADDRESS("fd00::7:1")},
	    {KEY("scaledobject-autocreate", "yes"),
	     REFUSED("scaledobject-autocreate", "yes", "true or false")},
	    {KEY("polling-interval", "0"),
	     REFUSED("polling-interval", "0", "whole seconds or a Go duration of at least 1s")},
	    {KEY("polling-interval", "1.5s"),
	     REFUSED("polling-interval", "1.5s", "whole seconds or a Go duration of at least 1s")},
	    {KEY("cooldown-period", "-1"),
	     REFUSED("cooldown-period", "-1", "whole seconds or a Go duration, not negative")},
	    {KEY("cooldown-period", "-1m"),
	     REFUSED("cooldown-period", "-1m", "whole seconds or a Go duration, not negative")},
	    {KEY("cooldown-period", "2147483648s"),
	     REFUSED("cooldown-period", "2147483648s",
		     "whole seconds or a Go duration, not negative")},
	    {KEY("cooldown-period", "5 s"),
	     REFUSED("cooldown-period", "5 s", "whole seconds or a Go duration, not negative")},
	    {KEY("fallback-replicas", "-1"),
	     REFUSED("fallback-replicas", "-1", "an integer from 0 to 2147483647")},
	    {KEY("fallback-failure-threshold", "2147483648"),
	     REFUSED("fallback-failure-threshold", "2147483648",
		     "an integer from 0 to 2147483647")},
	    {KEY("fallback-behavior", "Static"),
	     REFUSED("fallback-behavior", "Static",
		     "one of static, currentReplicas, currentReplicasIfHigher, "
		     "currentReplicasIfLower, scalingModifiers")},
	    {KEY("ignore-null-values", "2"), REFUSED("ignore-null-values", "2", "true or false")},
	    {KEY("metrics-per-revision", "off"),
	     REFUSED("metrics-per-revision", "off", "true or false")},
	    {KEY("metrics-controller-runtime", ""),
	     REFUSED("metrics-controller-runtime", "", "true or false")},
	    {"{'autoscaler.keda.cooldown-period':5}", REFUSED("cooldown-period", "", "a string")},
	    {KEY("fallback-replicas", "1"),
	     "autoscaler.keda.fallback-failure-threshold and autoscaler.keda.fallback-replicas "
	     "must be set together"},
	    {KEY("fallback-failure-threshold", "0"),
	     "autoscaler.keda.fallback-failure-threshold and autoscaler.keda.fallback-replicas "
	     "must be set together"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct config_keda c = {.polling_interval = 99};
		test_row("%s", rows[i].data);
		EXPECT(!parsed(arena, rows[i].data, &c, &err));
		EXPECT_TEXT(error_text(&err), rows[i].want);
		EXPECT_INT(err.kind, ERROR_INVALID);
		EXPECT_INT(c.polling_interval, 99);
	}
}

TEST_MAIN(TEST_OF(config_keda, defaults), TEST_OF(config_keda, every_key_has_its_place),
	  TEST_OF(config_keda, refusals))
