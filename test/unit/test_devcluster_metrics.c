/*
 * The built program's own /metrics over HTTP, with devcluster behind it: every family that comes is
 * one that docs/operations.md lists, and config-observability turns it off and on.
 */
#include <sys/socket.h>

#include "test/unit/devcluster_site.h"

#define SERVICES "/apis/serving.knative.dev/v1/namespaces/default/services"
#define MAPS "/api/v1/namespaces/knative-serving/configmaps"
#define OBSERVABILITY MAPS "/config-observability"

static const char hello[] =
    "{\"apiVersion\":\"serving.knative.dev/v1\",\"kind\":\"Service\",\"metadata\":{\"name\":"
    "\"hello\"},\"spec\":{\"template\":{\"metadata\":{\"annotations\":{"
    "\"autoscaling.knative.dev/class\":\"hpa.autoscaling.knative.dev\","
    "\"autoscaling.knative.dev/metric\":\"orders\",\"autoscaling.knative.dev/target\":\"5\","
    "\"autoscaling.knative.dev/prometheus-query\":\"sum(orders)\"}},"
    "\"spec\":{\"containers\":[{\"image\":\"example.com/hello\"}]}}}}";

static void start_program(struct site *site, uint16_t port)
{
	char *argv[] = {beside(site->arena, "autoscaler-keda-hpa"), (char[]){"--kubeconfig"},
			arena_printf(site->arena, "%s/kubeconfig", site->dir),
			(char[]){"--disable-ha"}, NULL};

	setenv("SYSTEM_NAMESPACE", "knative-serving", 1);
	setenv("PROBES_PORT", "0", 1);
	setenv("SCALER_PORT", "0", 1);
	setenv("METRICS_PROMETHEUS_PORT", arena_printf(site->arena, "%u", port), 1);
	site->program = spawn(site, "program", argv);
}

/* Head and body of the answer; "" while nobody listens. */
static void scrape(uint16_t port, struct strbuf *out)
{
	static const char request[] = "GET /metrics HTTP/1.0\r\n\r\n";
	char block[65536];
	ssize_t got;
	int fd = test_connect(port);

	strbuf_reset(out);
	if (fd < 0)
		return;
	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0)
		while ((got = recv(fd, block, sizeof(block), 0)) > 0)
			strbuf_add(out, block, (size_t)got);
	close(fd);
}

static bool comes_to_say(struct site *site, uint16_t port, const char *text, struct strbuf *out)
{
	int64_t until = now_ms() + WAIT_MS;

	while (now_ms() < until) {
		scrape(port, out);
		if (strstr(out->buf, text))
			return true;
		pass_time(site, 50);
	}
	EXPECT_CONTAINS(out->buf, text);
	return false;
}

static void expect_listed(const char *exposition)
{
	CLEANUP(strbuf_release) struct strbuf row = STRBUF_INIT;
	size_t length, families = 0;
	char *document = test_read_file(SOURCE_DIR "/docs/operations.md", &length);

	for (const char *at = exposition; (at = strstr(at, "\n# TYPE ")); families++) {
		at += strlen("\n# TYPE ");
		strbuf_reset(&row);
		strbuf_addf(&row, "\n| `%.*s` |", (int)strcspn(at, " "), at);
		EXPECT_CONTAINS(document, row.buf);
	}
	EXPECT(families > 30);
	free(document);
}

TEST(metrics, of_the_program)
{
	static const char *const wanted[] = {
	    "\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n",
	    "\nprocess_resident_memory_bytes ",
	    "\nautoscaler_keda_hpa_build_info{version=\"",
	    "\nhttp_client_request_duration_seconds_count{http_request_method=\"POST\","
	    "http_response_status_code=\"201\",server_address=\"127.0.0.1\"} ",
	    "\nkn_revision_pods_count{k8s_namespace_name=\"default\",kn_revision_name=\"hello-"
	    "00001\",kn_service_name=\"hello\",kn_configuration_name=\"hello\"} 1\n",
	};
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct site site;
	uint16_t port = test_free_port();

	site_init(&site);
	start_program(&site, port);
	EXPECT_INT(ask(&site, "POST", SERVICES, hello, NULL), 201);
	EXPECT(comes_to_say(&site, port,
			    "\nautoscaler_keda_hpa_revision_ready{k8s_namespace_name=\"default\","
			    "kn_revision_name=\"hello-00001\"} 1\n",
			    &out));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		EXPECT_CONTAINS(out.buf, wanted[i]);
	expect_listed(out.buf);
	EXPECT_INT(end(&site.program, SIGTERM), 0);
	site_release(&site);
}

TEST(metrics, config_observability_turns_them_off)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct site site;
	uint16_t port = test_free_port();

	site_init(&site);
	start_program(&site, port);
	EXPECT(comes_to_say(&site, port, "\nprocess_start_time_seconds ", &out));
	EXPECT_INT(ask(&site, "POST", MAPS,
		       "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
		       "\"config-observability\"},\"data\":{\"metrics-protocol\":\"none\"}}",
		       NULL),
		   201);
	EXPECT(comes_to_say(&site, port, "metrics are off: config-observability has", &out));
	EXPECT_CONTAINS(out.buf, "HTTP/1.1 404 ");
	EXPECT_INT(ask(&site, "DELETE", OBSERVABILITY, NULL, NULL), 200);
	EXPECT(comes_to_say(&site, port, "\nprocess_start_time_seconds ", &out));
	EXPECT_INT(end(&site.program, SIGTERM), 0);
	site_release(&site);
}

TEST_MAIN(TEST_OF(metrics, of_the_program), TEST_OF(metrics, config_observability_turns_them_off))
