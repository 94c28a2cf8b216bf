/* Where each field comes from: values, what is there because of them, ConfigMaps, defaults. */
#include "reconciler/hpa/render_explain.h"

#include <string.h>

#include "test/unit/hpa_cluster.h"

#define A "autoscaling.knative.dev/"
#define OF_QUERY "'" A "metric':'m','" A "target':'5','" A "query':'q'"
#define CONFIG "config-autoscaler "
#define KEDA "config-autoscaler-keda autoscaler.keda."
#define TRIGGER "spec.triggers[0]."
#define HPA_PATH "spec.advanced.horizontalPodAutoscalerConfig."

#define AUTH                                                                                       \
	"'" A "trigger-prometheus-auth-name':'n','" A                                              \
	"trigger-prometheus-auth-modes':'bearer','" A                                              \
	"trigger-prometheus-auth-kind':'ClusterTriggerAuthentication'"
#define LISTED                                                                                     \
	"'" A                                                                                      \
	"keda-triggers':'- {type: cron, name: c, metadata: {timezone: UTC, start: 0 8 * * *,"      \
	" end: 0 9 * * *, desiredReplicas: \\\"2\\\"}}'"
#define FORMULA                                                                                    \
	"'" A "scaling-modifiers':'{\\\"formula\\\":\\\"2 * x\\\",\\\"target\\\":\\\"3\\\"}',"     \
	"'" A "trigger-prometheus-name':'x'"
#define RULES "'" A "hpa-scale-down-rules':'{\\\"stabilizationWindowSeconds\\\":90}'"
#define FALLBACK "'" A "keda-fallback-failure-threshold':'2','" A "keda-fallback-replicas':'9'"
#define OVERRIDE                                                                                   \
	"'" A                                                                                      \
	"scaled-object-override':'{\\\"spec\\\":{\\\"maxReplicaCount\\\":9,\\\"triggers\\\":["     \
	"{\\\"type\\\":\\\"cron\\\",\\\"metadata\\\":{\\\"timezone\\\":\\\"UTC\\\"}}]}}'"

#define HTTP(metric) CLASS ",'" A "metric':'" metric "'"

struct explained {
	struct arena *arena;
	struct json *fields;
};

static const struct json *data_of(struct arena *arena, const char *data)
{
	return data ? parse_json(arena, data) : NULL;
}

static struct explained explain(const char *annotations, const char *autoscaler, const char *keda,
				enum desired_form form)
{
	struct explained x = {.arena = arena_new()};
	struct render_maps maps = {.autoscaler = data_of(x.arena, autoscaler),
				   .keda = data_of(x.arena, keda)};
	struct config_autoscaler config;
	struct config_keda config_keda;
	struct rendered rendered;
	struct error err = ERROR_INIT;
	const char *manifest = arena_printf(
	    x.arena,
	    "{'apiVersion':'serving.knative.dev/v1','kind':'Service','metadata':{'name':'s'},"
	    "'spec':{'template':{'metadata':{'labels':{'team':'x'},'annotations':{%s}}}}}",
	    annotations);

	EXPECT(config_autoscaler_parse(maps.autoscaler, &config, &err));
	EXPECT(config_keda_parse(maps.keda, x.arena, &config_keda, &err));
	EXPECT(render_manifest(parse_json(x.arena, manifest), &config, &config_keda, form, x.arena,
			       &rendered, &err));
	EXPECT_TEXT(rendered.refused, NULL);
	EXPECT(rendered.object != NULL);
	if (rendered.object)
		x.fields = render_explain(&rendered, &maps, form, x.arena);
	return x;
}

static const struct json *field_of(const struct explained *x, const char *path)
{
	for (size_t i = 0; i < json_count(x->fields); i++) {
		const struct json *field = json_at(x->fields, i);
		if (strcmp(json_text(json_get(field, "path")), path) == 0)
			return field;
	}
	return NULL;
}

static const char *from_of(const struct explained *x, const char *path)
{
	return json_text(json_get(field_of(x, path), "from"));
}

#define CLASS "'" A "class':'hpa.autoscaling.knative.dev'"

TEST(render_explain, origins)
{
	static const struct {
		const char *annotations, *autoscaler, *keda, *path, *from;
	} rows[] = {
	    {CLASS, NULL, NULL, "kind", "default"},
	    {CLASS, NULL, NULL, "metadata.name", "the revision"},
	    {CLASS, NULL, NULL, "metadata.namespace", "the revision"},
	    {CLASS, NULL, NULL, "metadata.labels.team", "the revision"},
	    {CLASS, NULL, NULL, "metadata.labels['serving.knative.dev/service']", "the revision"},
	    {CLASS, NULL, NULL, "spec.scaleTargetRef.name", "the revision"},
	    {CLASS, NULL, NULL, "metadata.annotations['" A "class']", A "class"},
	    {"", "{'pod-autoscaler-class':'hpa.autoscaling.knative.dev'}", NULL,
	     "metadata.annotations['" A "class']", CONFIG "pod-autoscaler-class"},
	    {CLASS, NULL, NULL, TRIGGER "metadata.value", "default"},
	    {CLASS ",'" A "target':'50'", NULL, NULL, TRIGGER "metadata.value", A "target"},
	    {CLASS ",'" A "metric':'memory','" A "target':'200'", NULL, NULL, TRIGGER "type",
	     A "metric"},
	    {CLASS, NULL, NULL, "spec.maxReplicaCount", "default of " CONFIG "max-scale"},
	    {CLASS, "{'max-scale':'7'}", NULL, "spec.maxReplicaCount", CONFIG "max-scale"},
	    {CLASS ",'" A "maxScale':'5'", "{'max-scale':'7'}", NULL, "spec.maxReplicaCount",
	     A "maxScale"},
	    {CLASS ",'" A "max-scale':'7'", "{'max-scale':'7'}", NULL, "spec.maxReplicaCount",
	     A "max-scale"},
	    {CLASS ",'" A "min-scale':'2'", NULL, NULL, "spec.minReplicaCount", A "min-scale"},
	    {CLASS ",'" A "window':'60s'", NULL, NULL,
	     HPA_PATH "behavior.scaleUp.stabilizationWindowSeconds", A "window"},
	    {CLASS "," OF_QUERY, NULL, NULL, TRIGGER "metadata.query", A "query"},
	    {CLASS "," OF_QUERY, NULL, NULL, TRIGGER "metadata.threshold", A "target"},
	    {CLASS "," OF_QUERY, NULL, NULL, TRIGGER "metadata.namespace", "the revision"},
	    {CLASS "," OF_QUERY, NULL, NULL, TRIGGER "type", A "metric"},
	    {CLASS "," OF_QUERY ",'" A "metric-type':'Value'", NULL, NULL, TRIGGER "metricType",
	     A "metric-type"},
	    {CLASS "," OF_QUERY, NULL, NULL, TRIGGER "metadata.serverAddress",
	     "default of " KEDA "prometheus-address"},
	    {CLASS "," OF_QUERY, NULL, "{'autoscaler.keda.prometheus-address':'http://p'}",
	     TRIGGER "metadata.serverAddress", KEDA "prometheus-address"},
	    {CLASS "," OF_QUERY ",'" A "prometheus-address':'http://q'", NULL,
	     "{'autoscaler.keda.prometheus-address':'http://p'}", TRIGGER "metadata.serverAddress",
	     A "prometheus-address"},
	    {CLASS, NULL, "{'autoscaler.keda.polling-interval':'10s'}", "spec.pollingInterval",
	     KEDA "polling-interval"},
	    {CLASS ",'" A "keda-polling-interval':'10s'", NULL,
	     "{'autoscaler.keda.polling-interval':'10s'}", "spec.pollingInterval",
	     A "keda-polling-interval"},
	    {CLASS "," OF_QUERY, NULL,
	     "{'autoscaler.keda.fallback-failure-threshold':'3',"
	     "'autoscaler.keda.fallback-replicas':'3'}",
	     "spec.fallback.replicas", KEDA "fallback-replicas"},
	    {CLASS "," OF_QUERY, NULL,
	     "{'autoscaler.keda.fallback-failure-threshold':'3',"
	     "'autoscaler.keda.fallback-replicas':'3'}",
	     "spec.fallback.failureThreshold", KEDA "fallback-failure-threshold"},
	    {CLASS "," OF_QUERY ",'" A "trigger-prometheus-name':'t'", NULL, NULL, TRIGGER "name",
	     A "trigger-prometheus-name"},
	    {CLASS "," OF_QUERY "," AUTH, NULL, NULL, TRIGGER "authenticationRef.name",
	     A "trigger-prometheus-auth-name"},
	    {CLASS "," OF_QUERY "," AUTH, NULL, NULL, TRIGGER "authenticationRef.kind",
	     A "trigger-prometheus-auth-kind"},
	    {CLASS "," OF_QUERY "," AUTH, NULL, NULL, TRIGGER "metadata.authModes",
	     A "trigger-prometheus-auth-modes"},
	    {CLASS "," OF_QUERY "," LISTED, NULL, NULL, TRIGGER "metadata.query", A "query"},
	    {CLASS "," OF_QUERY "," LISTED, NULL, NULL, TRIGGER "metadata.threshold", A "target"},
	    {CLASS "," OF_QUERY "," LISTED, NULL, NULL, "spec.triggers[1].type", A "keda-triggers"},
	    {CLASS "," OF_QUERY "," LISTED, NULL, NULL, "spec.triggers[1].metadata.start",
	     A "keda-triggers"},
	    {CLASS "," LISTED, NULL, NULL, TRIGGER "type", A "keda-triggers"},
	    {CLASS "," LISTED, NULL, NULL, TRIGGER "name", A "keda-triggers"},
	    {CLASS "," LISTED, NULL, NULL, TRIGGER "metadata.end", A "keda-triggers"},
	    {CLASS ",'" A "metric':'m'," LISTED, NULL, NULL, TRIGGER "type", A "keda-triggers"},
	    {CLASS "," OF_QUERY "," FORMULA, NULL, NULL, "spec.advanced.scalingModifiers.formula",
	     A "scaling-modifiers"},
	    {CLASS "," RULES ",'" A "window':'60s'", NULL, NULL,
	     HPA_PATH "behavior.scaleDown.stabilizationWindowSeconds", A "hpa-scale-down-rules"},
	    {CLASS "," RULES ",'" A "window':'60s'", NULL, NULL,
	     HPA_PATH "behavior.scaleUp.stabilizationWindowSeconds", A "window"},
	    {CLASS "," OF_QUERY "," FALLBACK, NULL, NULL, "spec.fallback.replicas",
	     A "keda-fallback-replicas"},
	    {CLASS "," OF_QUERY "," FALLBACK, NULL, NULL, "spec.fallback.failureThreshold",
	     A "keda-fallback-failure-threshold"},
	    {CLASS ",'" A "keda-paused':'true'", NULL, NULL,
	     "metadata.annotations['autoscaling.keda.sh/paused']", A "keda-paused"},
	    {CLASS ",'autoscaling.keda.sh/paused':'true'", NULL, NULL,
	     "metadata.annotations['autoscaling.keda.sh/paused']", "autoscaling.keda.sh/paused"},
	    {CLASS ",'" A "keda-idle-replica-count':'0','" A "min-scale':'2'," OF_QUERY, NULL, NULL,
	     "spec.idleReplicaCount", A "keda-idle-replica-count"},
	    {CLASS "," OVERRIDE ",'" A "max-scale':'4'", NULL, NULL, TRIGGER "type",
	     A "scaled-object-override"},
	    {CLASS "," OVERRIDE ",'" A "max-scale':'4'", NULL, NULL, "spec.maxReplicaCount",
	     A "max-scale"},
	    {CLASS "," OVERRIDE, NULL, NULL, "spec.maxReplicaCount", A "scaled-object-override"},
	    {CLASS "," OVERRIDE, NULL, NULL, "spec.scaleTargetRef.name", "the revision"},
	    /* concurrency and rps */
	    {HTTP("concurrency"), NULL, NULL, TRIGGER "type", A "metric"},
	    {HTTP("concurrency"), NULL, NULL, TRIGGER "metadata.target",
	     "default of " CONFIG "container-concurrency-target-default"},
	    {HTTP("rps"), NULL, NULL, TRIGGER "metadata.target",
	     "default of " CONFIG "requests-per-second-target-default"},
	    {HTTP("rps"), "{'requests-per-second-target-default':'50'}", NULL,
	     TRIGGER "metadata.target", CONFIG "requests-per-second-target-default"},
	    {HTTP("rps") ",'" A "target':'5'", NULL, NULL, TRIGGER "metadata.target", A "target"},
	    {HTTP("rps") ",'" A "target-utilization-percentage':'50'", NULL, NULL,
	     TRIGGER "metadata.target", A "target-utilization-percentage"},
	    {HTTP("rps"), NULL, NULL, TRIGGER "metadata.revision", "the revision"},
	    {HTTP("rps"), NULL, NULL, TRIGGER "metadata.scalerAddress",
	     "default of " KEDA "http-scaler-address"},
	    {HTTP("rps"), NULL, "{'autoscaler.keda.http-scaler-address':'s:1'}",
	     TRIGGER "metadata.scalerAddress", KEDA "http-scaler-address"},
	    {HTTP("rps"), NULL, NULL, HPA_PATH "behavior.scaleDown.stabilizationWindowSeconds",
	     "default of " CONFIG "stable-window"},
	    {HTTP("rps") ",'" A "window':'30s'", NULL, NULL,
	     HPA_PATH "behavior.scaleDown.stabilizationWindowSeconds", A "window"},
	    {HTTP("rps"), "{'scale-to-zero-grace-period':'40s'}", NULL, "spec.cooldownPeriod",
	     CONFIG "scale-to-zero-grace-period"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s of %s", rows[i].path, rows[i].annotations);
		struct explained x =
		    explain(rows[i].annotations, rows[i].autoscaler, rows[i].keda, DESIRED_STEADY);
		EXPECT_TEXT(from_of(&x, rows[i].path), rows[i].from);
		arena_free(x.arena);
	}
}

TEST(render_explain, the_hold_of_a_fresh_revision)
{
	struct explained x =
	    explain(CLASS "," OF_QUERY ",'" A "initial-scale':'3'", NULL, NULL, DESIRED_FRESH);

	EXPECT_TEXT(from_of(&x, "spec.minReplicaCount"), A "initial-scale");
	EXPECT_INT(json_int_or(json_get(field_of(&x, "spec.minReplicaCount"), "value"), 0), 3);
	arena_free(x.arena);
}

TEST(render_explain, the_limit_of_the_container)
{
	static const struct {
		const char *annotations, *value, *from;
	} cases[] = {
	    {HTTP("concurrency"), "7", "containerConcurrency"},
	    {HTTP("concurrency") ",'" A "target':'50'", "7", "containerConcurrency"},
	    {HTTP("concurrency") ",'" A "target':'5'", "3.5", A "target"},
	    {HTTP("rps") ",'" A "target':'50'", "35", A "target"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct explained x = {.arena = arena_new()};
		struct render_maps maps = {0};
		struct rendered rendered;
		struct error err = ERROR_INIT;
		const char *text = arena_printf(
		    x.arena,
		    "{'apiVersion':'serving.knative.dev/v1','kind':'Service','metadata':{"
		    "'name':'s'},'spec':{'template':{'metadata':{'annotations':{%s}},"
		    "'spec':{'containerConcurrency':10}}}}",
		    cases[i].annotations);

		test_row("%s", cases[i].annotations);
		EXPECT(render_manifest(parse_json(x.arena, text), &config_autoscaler_default,
				       &config_keda_default, DESIRED_STEADY, x.arena, &rendered,
				       &err));
		x.fields = render_explain(&rendered, &maps, DESIRED_STEADY, x.arena);
		EXPECT_TEXT(json_text(json_get(field_of(&x, TRIGGER "metadata.target"), "value")),
			    cases[i].value);
		EXPECT_TEXT(from_of(&x, TRIGGER "metadata.target"), cases[i].from);
		arena_free(x.arena);
	}
}

/* Each field once, with its value, in the order of the object. */
TEST(render_explain, complete)
{
	struct explained x = explain(CLASS "," OF_QUERY, NULL, NULL, DESIRED_STEADY);

	EXPECT(json_count(x.fields) > 20);
	EXPECT_TEXT(json_text(json_get(json_at(x.fields, 0), "path")), "apiVersion");
	EXPECT_TEXT(json_text(json_get(field_of(&x, TRIGGER "metadata.query"), "value")), "q");
	for (size_t i = 0; i < json_count(x.fields); i++) {
		const struct json *field = json_at(x.fields, i);
		const char *path = json_text(json_get(field, "path"));
		test_row("%s", path);
		EXPECT(field_of(&x, path) == field);
		EXPECT(json_get(field, "value") != NULL);
		EXPECT(json_text(json_get(field, "from")) != NULL);
	}
	arena_free(x.arena);
}

TEST_MAIN(TEST_OF(render_explain, origins), TEST_OF(render_explain, the_hold_of_a_fresh_revision),
	  TEST_OF(render_explain, the_limit_of_the_container), TEST_OF(render_explain, complete))
