/*
 * The built program tells its state: over a real socket of this machine alone, and as log lines on
 * SIGUSR1; and neither disturbs its work.
 */
#include <netinet/in.h>

#include "test/unit/devcluster_site.h"

#define SERVICES "/apis/serving.knative.dev/v1/namespaces/default/services"
#define PA                                                                                         \
	"/apis/autoscaling.internal.knative.dev/v1alpha1/namespaces/default/podautoscalers/"       \
	"wrong-00001"

/* Refused: there is no query. */
static const char wrong[] =
    "{\"apiVersion\":\"serving.knative.dev/v1\",\"kind\":\"Service\",\"metadata\":{\"name\":"
    "\"wrong\"},\"spec\":{\"template\":{\"metadata\":{\"annotations\":{"
    "\"autoscaling.knative.dev/class\":\"hpa.autoscaling.knative.dev\","
    "\"autoscaling.knative.dev/metric\":\"orders\",\"autoscaling.knative.dev/target\":\"5\""
    "}},\"spec\":{\"containers\":[{\"image\":\"example.com/wrong\"}]}}}}";

static void start_program(struct site *site, const char *flag, const char *value)
{
	char *argv[] = {beside(site->arena, "autoscaler-keda-hpa"),
			(char[]){"--kubeconfig"},
			arena_printf(site->arena, "%s/kubeconfig", site->dir),
			(char[]){"--disable-ha"},
			flag ? arena_strdup(site->arena, flag) : NULL,
			value ? arena_strdup(site->arena, value) : NULL,
			NULL};
	setenv("SYSTEM_NAMESPACE", "knative-serving", 1);
	setenv("PROBES_PORT", "0", 1);
	setenv("SCALER_PORT", "0", 1);
	setenv("METRICS_PROMETHEUS_PORT", "0", 1);
	site->program = spawn(site, "program", argv);
}

/* The whole answer of GET target, as from a curl on this machine; "": nobody listens. */
static const char *get(struct site *site, uint16_t port, const char *target, const char *host)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT, request = STRBUF_INIT;
	struct sockaddr_in where = {.sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				    .sin_port = htons(port)};
	char block[16384];
	ssize_t got;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&where, sizeof(where)) < 0) {
		close(fd);
		return "";
	}
	strbuf_addf(&request, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", target,
		    host);
	CHECK(send(fd, request.buf, request.len, MSG_NOSIGNAL) == (ssize_t)request.len);
	while ((got = recv(fd, block, sizeof(block), 0)) > 0)
		strbuf_add(&out, block, (size_t)got);
	close(fd);
	return arena_strdup(site->arena, out.buf);
}

static const struct json *state(struct site *site, uint16_t port, const char *target)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const struct json_limits limits = {.max_bytes = 1U << 20, .max_depth = 32};
	const char *answer = get(site, port, target, "localhost");
	const char *body = strstr(answer, "\r\n\r\n");
	struct json *out = NULL;
	if (!body || !json_parse(body + 4, strlen(body + 4), &limits, site->arena, &out, &err))
		return NULL;
	return out;
}

static const char *log_of(struct site *site)
{
	size_t length;
	char *text = test_read_file(arena_printf(site->arena, "%s/program", site->dir), &length);
	const char *out = arena_strdup(site->arena, text);
	free(text);
	return out;
}

static bool comes_to_log(struct site *site, const char *text)
{
	int64_t until = now_ms() + WAIT_MS;
	while (now_ms() < until) {
		if (strstr(log_of(site), text))
			return true;
		pass_time(site, 20);
	}
	EXPECT_CONTAINS(log_of(site), text);
	return false;
}

/* Until the refusal is in the PodAutoscaler. */
static void wait_for_refusal(struct site *site)
{
	const char *body = "";
	int64_t until = now_ms() + WAIT_MS;
	while (now_ms() < until && !strstr(body, "InvalidAnnotation")) {
		pass_time(site, 50);
		ask(site, "GET", PA, NULL, &body);
	}
	EXPECT_CONTAINS(body, "InvalidAnnotation");
}

TEST(state, is_told_over_a_socket)
{
	struct site site;
	uint16_t port = test_free_port();
	site_init(&site);
	start_program(&site, "--debug-port", arena_printf(site.arena, "%u", port));
	EXPECT_INT(ask(&site, "POST", SERVICES, wrong, NULL), 201);
	wait_for_refusal(&site);
	const struct json *all = state(&site, port, "/debug/state");
	EXPECT(json_bool_or(json_path(all, "process", "ready", NULL), false));
	EXPECT_INT(json_count(json_get(all, "keys")), 1);
	const struct json *one = state(&site, port, "/debug/state?key=default/wrong-00001");
	const struct json *key = json_at(json_get(one, "keys"), 0);
	EXPECT_TEXT(json_text(json_get(key, "key")), "default/wrong-00001");
	EXPECT_TEXT(json_text(json_path(key, "decided", "reason", NULL)), "InvalidAnnotation");
	EXPECT_TEXT(json_text(json_path(one, "now", "reason", NULL)), "InvalidAnnotation");
	one = state(&site, port, "/debug/state?namespace=other");
	EXPECT_INT(json_count(json_get(one, "keys")), 0);
	EXPECT_CONTAINS(get(&site, port, "/debug/state?key=wrong", "localhost"), "400 Bad Request");
	EXPECT_CONTAINS(get(&site, port, "/", "localhost"), "404 Not Found");
	EXPECT_CONTAINS(get(&site, port, "/debug/state", "evil.example"), "421 ");
	const char *last = "";
	for (int i = 0; i < 30 && !strstr(last, "429 "); i++)
		last = get(&site, port, "/debug/state", "localhost");
	EXPECT_CONTAINS(last, "HTTP/1.1 429 ");
	EXPECT_INT(end(&site.program, SIGTERM), 0);
	site_release(&site);
}

#define AT_REST "\"knative.dev/key\":\"default/wrong-00001\",\"place\":\"idle\""

TEST(state, is_logged_on_a_signal_without_a_port)
{
	struct site site;
	uint16_t port = test_free_port();
	site_init(&site);
	start_program(&site, NULL, NULL);
	EXPECT_INT(ask(&site, "POST", SERVICES, wrong, NULL), 201);
	wait_for_refusal(&site);
	/* The program may still be waiting for the answer, or looking at what it wrote. */
	int64_t until = now_ms() + WAIT_MS;
	while (!strstr(log_of(&site), AT_REST) && now_ms() < until) {
		kill(site.program, SIGUSR1);
		EXPECT(comes_to_log(&site, "\"state told\""));
		pass_time(&site, 200);
	}
	const char *log = log_of(&site);
	EXPECT_CONTAINS(log, "\"message\":\"state\"");
	EXPECT_CONTAINS(log, "\"message\":\"state of a cache\"");
	EXPECT_CONTAINS(log, AT_REST);
	EXPECT_CONTAINS(log, "\"keys\":1,\"more\":0");
	EXPECT_TEXT(get(&site, port, "/debug/state", "localhost"), "");
	/* It goes on, and a signal between does not end it sooner. */
	kill(site.program, SIGUSR1);
	EXPECT_INT(end(&site.program, SIGTERM), 0);
	site_release(&site);
}

TEST(state, a_port_that_is_none_is_refused)
{
	static const char *const ports[] = {"", "x", "-1", "65536", "127.0.0.1:8081", "8081x"};
	struct site site;
	site_init(&site);
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		int status = 0;
		test_row("%s", ports[i]);
		start_program(&site, "--debug-port", ports[i]);
		CHECK(waitpid(site.program, &status, 0) == site.program);
		site.program = 0;
		EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 2);
		EXPECT_CONTAINS(log_of(&site), arena_printf(site.arena,
							    "--debug-port: \"%s\" is "
							    "no port number",
							    ports[i]));
	}
	site_release(&site);
}

TEST(state, a_port_that_is_taken_is_named)
{
	struct site site;
	struct sockaddr_in where = {.sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(where);
	int status = 0, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&where, length) == 0 && listen(fd, 1) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&where, &length) == 0);
	site_init(&site);
	start_program(&site, "--debug-port", arena_printf(site.arena, "%u", ntohs(where.sin_port)));
	CHECK(waitpid(site.program, &status, 0) == site.program);
	site.program = 0;
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	EXPECT_CONTAINS(log_of(&site), "(DEBUG_PORT): listen on localhost port");
	close(fd);
	site_release(&site);
}

TEST_MAIN(TEST_OF(state, is_told_over_a_socket),
	  TEST_OF(state, is_logged_on_a_signal_without_a_port),
	  TEST_OF(state, a_port_that_is_none_is_refused),
	  TEST_OF(state, a_port_that_is_taken_is_named))
