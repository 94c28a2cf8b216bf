/* The default trigger: its name, authentication and options, and where these go nowhere. */
#include "test/unit/hpa_triggers.h"

#define META                                                                                       \
	"'serverAddress':'http://prometheus-operated.default.svc:9090','query':'q',"               \
	"'threshold':'5','namespace':'ns'"

/* The trigger of CUSTOM: what stands behind its name, more metadata, what stands behind that. */
#define TRIGGER(name, more, behind)                                                                \
	"[{'type':'prometheus','name':'" name                                                      \
	"','metricType':'AverageValue','metadata':{" META more "}" behind "}]"

TEST(default_trigger, options)
{
	static const struct {
		const char *annotations, *want;
	} rows[] = {
	    {CUSTOM, TRIGGER("default-trigger-custom", "", "")},
	    {CUSTOM ",'trigger-prometheus-name':'http_trig'", TRIGGER("http_trig", "", "")},
	    {CUSTOM ",'trigger-prometheus-auth-name':'a','trigger-prometheus-auth-modes':'bearer'",
	     TRIGGER("default-trigger-custom", ",'authModes':'bearer'",
		     ",'authenticationRef':{'name':'a'}")},
	    {CUSTOM ",'trigger-prometheus-auth-name':'a','trigger-prometheus-auth-modes':"
		    "'tls, basic','trigger-prometheus-auth-kind':'ClusterTriggerAuthentication'",
	     TRIGGER("default-trigger-custom", ",'authModes':'tls, basic'",
		     ",'authenticationRef':{'name':'a','kind':'ClusterTriggerAuthentication'}")},
	    {CUSTOM ",'keda-activation-target':'0'",
	     TRIGGER("default-trigger-custom", ",'activationThreshold':'0'", "")},
	    {CUSTOM ",'keda-activation-target':'.50'",
	     TRIGGER("default-trigger-custom", ",'activationThreshold':'0.5'", "")},
	    {CUSTOM ",'keda-activation-target':'1e3'",
	     TRIGGER("default-trigger-custom", ",'activationThreshold':'1000'", "")},
	    {CUSTOM ",'keda-ignore-null-values':'F'",
	     TRIGGER("default-trigger-custom", ",'ignoreNullValues':'false'", "")},
	    {CUSTOM ",'keda-unsafe-ssl':'1'",
	     TRIGGER("default-trigger-custom", ",'unsafeSsl':'true'", "")},
	    {CUSTOM ",'keda-query-parameters':'a=b, c=','keda-custom-headers':'X-Scope-OrgID=me'",
	     TRIGGER("default-trigger-custom",
		     ",'queryParameters':'a=b, c=','customHeaders':'X-Scope-OrgID=me'", "")},
	    {CUSTOM ",'keda-prometheus-timeout':'1500'",
	     TRIGGER("default-trigger-custom", ",'timeout':'1500'", "")},
	    {CUSTOM ",'keda-prometheus-timeout':'1.5s'",
	     TRIGGER("default-trigger-custom", ",'timeout':'1.5s'", "")},
	    {"'keda-container':'user-container'",
	     "[{'type':'cpu','name':'default-trigger-cpu','metricType':'Utilization',"
	     "'metadata':{'value':'70','containerName':'user-container'}}]"},
	    {"'metric':'memory','target':'200','keda-container':'queue-proxy'",
	     "[{'type':'memory','name':'default-trigger-memory','metricType':'AverageValue',"
	     "'metadata':{'value':'200Mi','containerName':'queue-proxy'}}]"},
	    /* what the Go autoscaler-keda passes over */
	    {"'prometheus-query':'q','prometheus-address':'http://p','trigger-prometheus-name':'x',"
	     "'trigger-prometheus-auth-name':'a','trigger-prometheus-auth-modes':'tls'",
	     "[{'type':'cpu','name':'default-trigger-cpu','metricType':'Utilization',"
	     "'metadata':{'value':'70'}}]"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%s", rows[i].annotations);
		build(&b, rows[i].annotations, NULL, NULL);
		EXPECT_TEXT(b.refusal.text, NULL);
		EXPECT_TEXT(b.json, rows[i].want);
		cluster_release(&b.cluster);
	}
}

TEST(default_trigger, refusals)
{
	static const struct {
		const char *annotations, *name, *part;
	} rows[] = {
	    /* the three of authentication need each other, whatever the metric */
	    {CUSTOM ",'trigger-prometheus-auth-name':'a'", "trigger-prometheus-auth-modes",
	     "trigger-prometheus-auth-modes: is missing beside "
	     "autoscaling.knative.dev/trigger-prometheus-auth-name; add KEDA's authModes"},
	    {CUSTOM ",'trigger-prometheus-auth-kind':'TriggerAuthentication'",
	     "trigger-prometheus-auth-name",
	     "trigger-prometheus-auth-name: is missing beside "
	     "autoscaling.knative.dev/trigger-prometheus-auth-kind; add the name"},
	    {CUSTOM ",'trigger-prometheus-auth-modes':'tls'", "trigger-prometheus-auth-name",
	     "is missing beside autoscaling.knative.dev/trigger-prometheus-auth-modes"},
	    {"'trigger-prometheus-auth-name':'a'", "trigger-prometheus-auth-modes", "is missing"},
	    /* types */
	    {CUSTOM ",'trigger-prometheus-name':''", "trigger-prometheus-name", "is empty"},
	    {CUSTOM ",'trigger-prometheus-auth-name':''", "trigger-prometheus-auth-name",
	     "is empty; use the name of a TriggerAuthentication"},
	    {CUSTOM ",'trigger-prometheus-auth-kind':'Secret'", "trigger-prometheus-auth-kind",
	     "\"Secret\" is not known; use TriggerAuthentication or"},
	    {CUSTOM ",'trigger-prometheus-auth-modes':''", "trigger-prometheus-auth-modes",
	     "is empty"},
	    {CUSTOM ",'trigger-prometheus-auth-modes':'Bearer'", "trigger-prometheus-auth-modes",
	     "\"Bearer\" holds an unknown mode; use a comma list of bearer, basic, tls, custom"},
	    {CUSTOM ",'trigger-prometheus-auth-modes':'tls,,basic'",
	     "trigger-prometheus-auth-modes", "holds an unknown mode"},
	    {CUSTOM ",'trigger-prometheus-auth-modes':'tls,'", "trigger-prometheus-auth-modes",
	     "holds an unknown mode"},
	    {CUSTOM ",'keda-activation-target':'-1'", "keda-activation-target",
	     "\"-1\" is too small; use a decimal number of at least 0"},
	    {CUSTOM ",'keda-activation-target':'x'", "keda-activation-target",
	     "is not a decimal number"},
	    {CUSTOM ",'keda-activation-target':'1e80'", "keda-activation-target",
	     "has too many digits"},
	    {CUSTOM ",'keda-ignore-null-values':'no'", "keda-ignore-null-values",
	     "is neither true nor false"},
	    {CUSTOM ",'keda-unsafe-ssl':''", "keda-unsafe-ssl", "is neither true nor false"},
	    {CUSTOM ",'keda-query-parameters':''", "keda-query-parameters", "is empty"},
	    {CUSTOM ",'keda-query-parameters':'a'", "keda-query-parameters",
	     "keda-query-parameters: holds a part that is no key=value; use key=value pairs with "
	     "commas between"},
	    {CUSTOM ",'keda-query-parameters':'a=b,'", "keda-query-parameters", "no key=value"},
	    {CUSTOM ",'keda-query-parameters':'a=b=c'", "keda-query-parameters", "no key=value"},
	    {CUSTOM ",'keda-custom-headers':'=b'", "keda-custom-headers", "no key=value"},
	    {CUSTOM ",'keda-custom-headers':' '", "keda-custom-headers", "no key=value"},
	    {CUSTOM ",'keda-prometheus-timeout':'soon'", "keda-prometheus-timeout",
	     "\"soon\" is no duration; use milliseconds or a duration"},
	    {CUSTOM ",'keda-prometheus-timeout':'0'", "keda-prometheus-timeout", "is too small"},
	    {CUSTOM ",'keda-prometheus-timeout':'-5s'", "keda-prometheus-timeout", "too small"},
	    {"'keda-container':''", "keda-container", "is empty; use the name of a container"},
	    /* options of another kind of metric */
	    {"'keda-activation-target':'5'", "keda-activation-target",
	     "keda-activation-target: means nothing to a trigger of the metric \"cpu\", only to "
	     "that of a custom metric; remove it"},
	    {"'metric':'memory','target':'5','keda-ignore-null-values':'true'",
	     "keda-ignore-null-values", "the metric \"memory\", only to that of a custom metric"},
	    {"'keda-unsafe-ssl':'false'", "keda-unsafe-ssl", "means nothing"},
	    {"'keda-query-parameters':'a=b'", "keda-query-parameters", "means nothing"},
	    {"'keda-custom-headers':'a=b'", "keda-custom-headers", "means nothing"},
	    {"'keda-prometheus-timeout':'1'", "keda-prometheus-timeout", "means nothing"},
	    {CUSTOM ",'keda-container':'c'", "keda-container",
	     "means nothing to a trigger of the metric \"m\", only to those of cpu and memory"},
	    /* without a target and without anything else */
	    {"'metric':'m','keda-unsafe-ssl':'true'", "target", "is missing for the metric \"m\""},
	    /* what stands in the text is one line */
	    {"'metric':'a\\nb\\u0001','target':'5'", "prometheus-query",
	     "custom metric \"a\\nb\\u0001\" with a target"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%s", rows[i].annotations);
		build(&b, rows[i].annotations, NULL, NULL);
		expect_refused(&b, rows[i].name, rows[i].part);
		cluster_release(&b.cluster);
	}
}

/* The annotation over the ConfigMap, which never speaks to cpu. */
TEST(default_trigger, ignore_null_values)
{
	static const struct {
		const char *annotations;
		int configured; /* -1: not */
		const char *part;
	} rows[] = {
	    {CUSTOM, -1, "'namespace':'ns'}"},
	    {CUSTOM, 0, "'ignoreNullValues':'false'"},
	    {CUSTOM, 1, "'ignoreNullValues':'true'"},
	    {CUSTOM ",'keda-ignore-null-values':'true'", 0, "'ignoreNullValues':'true'"},
	    {CUSTOM ",'keda-ignore-null-values':'false'", 1, "'ignoreNullValues':'false'"},
	    {"", 0, "'metadata':{'value':'70'}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config_keda config = config_keda_default;
		struct built b;
		test_row("%zu", i);
		config.ignore_null_values = rows[i].configured;
		build_with(&b, rows[i].annotations, NULL, NULL, &config);
		EXPECT_CONTAINS(b.json, rows[i].part);
		cluster_release(&b.cluster);
	}
}

TEST_MAIN(TEST_OF(default_trigger, options), TEST_OF(default_trigger, refusals),
	  TEST_OF(default_trigger, ignore_null_values))
