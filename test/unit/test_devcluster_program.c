/*
 * The built program against devcluster over HTTPS: a Service's Revision becomes ready, the metric
 * moves its replicas, a kill changes nothing, faults delay it only, and a converged cluster sees no
 * write.
 */
#include "test/unit/devcluster_site.h"

#define SERVICES "/apis/serving.knative.dev/v1/namespaces/default/services"
#define REVISION "/apis/serving.knative.dev/v1/namespaces/default/revisions/hello-00001"
#define DEPLOYMENT "/apis/apps/v1/namespaces/default/deployments/hello-00001-deployment"
#define HPA "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/hello-00001"
#define SCALED_OBJECT "/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects/hello-00001"

static const char hello[] =
    "{\"apiVersion\":\"serving.knative.dev/v1\",\"kind\":\"Service\",\"metadata\":{\"name\":"
    "\"hello\"},\"spec\":{\"template\":{\"metadata\":{\"annotations\":{"
    "\"autoscaling.knative.dev/class\":\"hpa.autoscaling.knative.dev\","
    "\"autoscaling.knative.dev/metric\":\"orders\",\"autoscaling.knative.dev/target\":\"5\","
    "\"autoscaling.knative.dev/prometheus-query\":\"sum(orders)\"}},\"spec\":{\"containers\":[{"
    "\"image\":\"example.com/hello\"}]}}}}";

static void start_program(struct site *site)
{
	char *argv[] = {beside(site->arena, "autoscaler-keda-hpa"), (char[]){"--kubeconfig"},
			arena_printf(site->arena, "%s/kubeconfig", site->dir),
			(char[]){"--disable-ha"}, NULL};
	setenv("SYSTEM_NAMESPACE", "knative-serving", 1);
	setenv("PROBES_PORT", "0", 1);
	setenv("SCALER_PORT", "0", 1);
	setenv("METRICS_PROMETHEUS_PORT", "0", 1);
	site->program = spawn(site, "program", argv);
}

/* "" unless the object and the condition are there. */
static const char *ready(struct site *site, const char *path)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const struct json_limits limits = {.max_bytes = 1u << 20, .max_depth = 64};
	const char *body;
	struct json *object = NULL;
	if (ask(site, "GET", path, NULL, &body) != 200 ||
	    !json_parse(body, strlen(body), &limits, site->arena, &object, &err))
		return "";
	const struct json *list = json_path(object, "status", "conditions", NULL);
	for (size_t i = 0; i < json_count(list); i++)
		if (strcmp(json_text_or(json_get(json_at(list, i), "type"), ""), "Ready") == 0)
			return json_text_or(json_get(json_at(list, i), "status"), "");
	return "";
}

static bool becomes_ready(struct site *site, const char *path)
{
	int64_t until = now_ms() + WAIT_MS;
	while (now_ms() < until) {
		if (strcmp(ready(site, path), "True") == 0)
			return true;
		pass_time(site, 50);
	}
	return false;
}

static bool comes_to_say(struct site *site, const char *path, const char *text)
{
	const char *body = "";
	int64_t until = now_ms() + WAIT_MS;
	while (now_ms() < until) {
		ask(site, "GET", path, NULL, &body);
		if (strstr(body, text))
			return true;
		pass_time(site, 50);
	}
	EXPECT_CONTAINS(body, text);
	return false;
}

/* Requests of the program in the trace that are no reads. */
static size_t writes(struct site *site)
{
	size_t length, count = 0;
	char *text = test_read_file(arena_printf(site->arena, "%s/trace", site->dir), &length);
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
		count += strstr(line, "\"userAgent\":\"autoscaler-keda-hpa/") &&
			 !strstr(line, "\"method\":\"GET\"");
	free(text);
	return count;
}

/* Until nothing was written for a while; false: it never ends. */
static bool falls_silent(struct site *site)
{
	int64_t until = now_ms() + WAIT_MS;
	while (now_ms() < until) {
		size_t before = writes(site);
		pass_time(site, 700);
		if (writes(site) == before)
			return true;
	}
	return false;
}

TEST(program, brings_a_revision_to_ready_and_scales_it)
{
	struct site site;
	site_init(&site);
	start_program(&site);
	EXPECT_INT(ask(&site, "POST", SERVICES, hello, NULL), 201);
	EXPECT(becomes_ready(&site, REVISION));
	EXPECT(becomes_ready(&site, SERVICES "/hello"));
	EXPECT_INT(ask(&site, "POST", "/devcluster/metric?namespace=default&name=orders&value=20",
		       NULL, NULL),
		   200);
	EXPECT(comes_to_say(&site, DEPLOYMENT, "\"readyReplicas\":4"));
	EXPECT(comes_to_say(&site, HPA, "\"currentReplicas\":4"));
	EXPECT_INT(end(&site.program, SIGTERM), 0);
	site_release(&site);
}

TEST(program, restarts_without_a_write)
{
	struct site site;
	site_init(&site);
	start_program(&site);
	EXPECT_INT(ask(&site, "POST", SERVICES, hello, NULL), 201);
	EXPECT(becomes_ready(&site, REVISION));
	EXPECT(falls_silent(&site));
	size_t before = writes(&site);
	EXPECT(before >= 3);
	EXPECT_INT(end(&site.program, SIGKILL), -1);
	start_program(&site);
	pass_time(&site, 2500);
	EXPECT_INT(writes(&site), before);
	EXPECT(strcmp(ready(&site, REVISION), "True") == 0);
	/* It is awake: what somebody breaks is mended. */
	EXPECT_INT(ask_with(&site, "PATCH", SCALED_OBJECT, "application/merge-patch+json",
			    "{\"spec\":{\"maxReplicaCount\":3}}", NULL),
		   200);
	EXPECT(comes_to_say(&site, SCALED_OBJECT, "\"maxReplicaCount\":2147483647"));
	site_release(&site);
}

TEST(program, gets_there_through_faults)
{
	static const char *const faults[] = {
	    "match=POST+/scaledobjects&kind=drop-after",
	    "match=POST+/serverlessservices&kind=status&value=500",
	    "match=PATCH+/podautoscalers&kind=status&value=429&retryAfter=1",
	    "match=PATCH+/podautoscalers&kind=drop-before&after=1",
	    "match=/podautoscalers&kind=watch-cut&after=2",
	    "match=/scaledobjects&kind=watch-cut&after=1",
	    "match=watch&kind=chunk&value=13&count=0",
	    "match=POST&kind=delay&value=100&count=3",
	    "match=GET+/serverlessservices&kind=status&value=503&count=2",
	};
	struct site site;
	site_init(&site);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		EXPECT_INT(ask(&site, "POST",
			       arena_printf(site.arena, "/devcluster/fault?%s", faults[i]), NULL,
			       NULL),
			   200);
	start_program(&site);
	EXPECT_INT(ask(&site, "POST", SERVICES, hello, NULL), 201);
	EXPECT(becomes_ready(&site, REVISION));
	EXPECT(falls_silent(&site));
	EXPECT_INT(ask(&site, "POST", "/devcluster/compact", NULL, NULL), 200);
	EXPECT_INT(end(&site.program, SIGTERM), 0);
	site_release(&site);
}

TEST(program, waits_for_keda)
{
	struct site site;
	const char *body;
	site_init(&site);
	EXPECT_INT(ask(&site, "POST", "/devcluster/keda?installed=false", NULL, NULL), 200);
	start_program(&site);
	EXPECT_INT(ask(&site, "POST", SERVICES, hello, NULL), 201);
	EXPECT(comes_to_say(&site,
			    "/apis/autoscaling.internal.knative.dev/v1alpha1/namespaces/default/"
			    "podautoscalers/hello-00001",
			    "KEDANotInstalled"));
	EXPECT_INT(ask(&site, "GET", "/apis", NULL, &body), 200);
	EXPECT(!strstr(body, "keda.sh"));
	EXPECT_INT(end(&site.program, SIGTERM), 0);
	site_release(&site);
}

TEST_MAIN(TEST_OF(program, brings_a_revision_to_ready_and_scales_it),
	  TEST_OF(program, restarts_without_a_write), TEST_OF(program, gets_there_through_faults),
	  TEST_OF(program, waits_for_keda))
