/*
 * The built program as the Deployment with the shipped seccomp profile runs it: user 65532, no
 * capabilities, no new privileges, a root that is read-only, and here death instead of an error at
 * any system call that the profile does not name. It finds the API server by its name in a
 * cluster, leads, brings a Revision to ready, takes an edit of its ConfigMap, answers probes, and
 * ends in time. Everything happens in a network and a mount namespace of the test's own.
 */
#include <sys/resource.h>

#include "test/unit/confined_site.h"

#define SERVICES "/apis/serving.knative.dev/v1/namespaces/default/services"
#define REVISION "/apis/serving.knative.dev/v1/namespaces/default/revisions/hello-00001"
#define SCALED_OBJECT "/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects/hello-00001"
#define SETTINGS "/api/v1/namespaces/knative-serving/configmaps/config-autoscaler-keda"

static const char hello[] =
    "{\"apiVersion\":\"serving.knative.dev/v1\",\"kind\":\"Service\",\"metadata\":{\"name\":"
    "\"hello\"},\"spec\":{\"template\":{\"metadata\":{\"annotations\":{"
    "\"autoscaling.knative.dev/class\":\"hpa.autoscaling.knative.dev\","
    "\"autoscaling.knative.dev/metric\":\"orders\",\"autoscaling.knative.dev/target\":\"5\","
    "\"autoscaling.knative.dev/prometheus-query\":\"sum(orders)\"}},\"spec\":{\"containers\":[{"
    "\"image\":\"example.com/hello\"}]}}}}";

/* ---- the program ---- */

/* As a pod's: the server's name, the CA and the token as files. */
static char *pod_kubeconfig(struct site *site)
{
	const char *port = port_of(site);
	CHECK(write_text(arena_printf(site->arena, "%s/answer", site->dir), token_of(site)));
	char *out = arena_printf(site->arena, "%s/request", site->dir);
	CHECK(write_text(
	    out, arena_printf(site->arena,
			      "{apiVersion: v1, kind: Config, current-context: a,\n"
			      "contexts: [{name: a, context: {cluster: a, user: a}}],\n"
			      "clusters: [{name: a, cluster: {certificate-authority: %s/ca.crt,\n"
			      "  server: \"https://kubernetes.default.svc:%s\"}}],\n"
			      "users: [{name: a, user: {tokenFile: %s/answer}}]}\n",
			      site->dir, port, site->dir)));
	CHECK(chown(site->dir, KNATIVE_UID, KNATIVE_UID) == 0);
	static const char *const files[] = {"ca.crt", "request", "answer"};
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		CHECK(chown(arena_printf(site->arena, "%s/%s", site->dir, files[i]), KNATIVE_UID,
			    KNATIVE_UID) == 0);
	return out;
}

static void start_confined(struct site *site, char *program, char *option, char *value)
{
	char *argv[] = {beside(site->arena, "confined"),
			(char[]){"--kill"},
			(char[]){"--profile"},
			(char[]){PROFILE},
			program,
			option,
			value,
			NULL};
	setenv("SYSTEM_NAMESPACE", "knative-serving", 1);
	setenv("POD_NAME", "autoscaler-keda-hpa-0", 1);
	site->program = spawn(site, "program", argv);
}

/* What /proc says of the program behind a name: "Seccomp:" and the like. */
static const char *status_of(struct site *site, const char *name)
{
	size_t length;
	char *text =
	    test_read_file(arena_printf(site->arena, "/proc/%d/status", site->program), &length);
	const char *line = strstr(text, name);
	char *value = arena_strdup(site->arena, line ? line + strlen(name) : "");
	free(text);
	value += strspn(value, "\t ");
	value[strcspn(value, "\t\n")] = '\0';
	return value;
}

static void set_polling(struct site *site, const char *duration)
{
	const char *patch = arena_printf(
	    site->arena, "{\"data\":{\"autoscaler.keda.polling-interval\":\"%s\"}}", duration);
	EXPECT_INT(ask_with(site, "PATCH", SETTINGS, "application/merge-patch+json", patch, NULL),
		   200);
}

/* Until a GET answers with a text, or not. */
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

static void expect_answer(uint16_t port, const char *path, const char *text)
{
	char answer[4096] = "", request[128];
	size_t length = 0;
	ssize_t got = 1;
	int fd = test_connect(port);
	int sent = snprintf(request, sizeof(request),
			    "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path);
	EXPECT_INT(write(fd, request, (size_t)sent), sent);
	while (got > 0 && length < sizeof(answer) - 1) {
		got = read(fd, answer + length, sizeof(answer) - 1 - length);
		length += got > 0 ? (size_t)got : 0;
	}
	close(fd);
	EXPECT_CONTAINS(answer, text);
}

TEST(confined, does_all_its_work)
{
	struct site site;
	struct stat memory;
	site_init(&site);
	set_polling(&site, "17s");
	start_confined(&site, beside(site.arena, "autoscaler-keda-hpa"), (char[]){"--kubeconfig"},
		       pod_kubeconfig(&site));
	EXPECT_INT(ask(&site, "POST", SERVICES, hello, NULL), 201);
	EXPECT(comes_to_say(&site, SCALED_OBJECT, "\"pollingInterval\":17"));
	EXPECT(comes_to_say(&site, REVISION, "\"status\":\"True\",\"type\":\"Ready\""));
	set_polling(&site, "18s");
	EXPECT(comes_to_say(&site, SCALED_OBJECT, "\"pollingInterval\":18"));
	kill(site.program, SIGUSR1);
	expect_answer(8080, "/health", "200 OK");
	expect_answer(8080, "/readiness", "200 OK");
	expect_answer(9090, "/metrics", "# TYPE");
	EXPECT_TEXT(status_of(&site, "\nSeccomp:"), "2");
	EXPECT_TEXT(status_of(&site, "\nNoNewPrivs:"), "1");
	EXPECT_TEXT(status_of(&site, "\nUid:"), "65532");
	EXPECT_TEXT(status_of(&site, "\nCapPrm:"), "0000000000000000");
	EXPECT_TEXT(status_of(&site, "\nCapBnd:"), "0000000000000000");
	/* Neither a core dump nor another process of this user shall have the token. */
	EXPECT(stat(arena_printf(site.arena, "/proc/%d/mem", site.program), &memory) == 0);
	EXPECT_INT(memory.st_uid, 0);
	int64_t begin = now_ms();
	kill(site.program, SIGTERM);
	EXPECT_INT(how_it_ended(&site), 0);
	EXPECT(now_ms() - begin < 5000);
	EXPECT_CONTAINS(words(&site), "\"message\":\"leads\"");
	EXPECT_CONTAINS(words(&site), "\"message\":\"stopped\"");
	site_release(&site);
}

/* Its last words need no more than its work: no memory, and a line, and abort. */
TEST(confined, dies_of_what_it_says)
{
	const struct confinement how = {
	    .profile = PROFILE, .instead = SCMP_ACT_KILL_PROCESS, .uid = KNATIVE_UID};
	const struct rlimit nothing = {1, RLIM_INFINITY};
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	int status = 0;
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		if (!confine(&how, &err) || setrlimit(RLIMIT_AS, &nothing) != 0)
			_exit(1);
		free(xmalloc(64u << 20));
		_exit(2);
	}
	EXPECT_INT(waitpid(pid, &status, 0), pid);
	EXPECT_INT(WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status), -SIGABRT);
}

/* Were the profile not in force, the above would prove nothing. */
TEST(confined, a_shell_can_do_nothing)
{
	struct site site;
	site_init(&site);
	start_confined(&site, (char[]){"/bin/sh"}, (char[]){"-c"}, (char[]){"/bin/true; echo on"});
	EXPECT_INT(how_it_ended(&site), -SIGSYS);
	EXPECT_TEXT(words(&site), "");
	site_release(&site);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
	    TEST_OF(confined, does_all_its_work),
	    TEST_OF(confined, dies_of_what_it_says),
	    TEST_OF(confined, a_shell_can_do_nothing),
	};
	return confined_main(argc, argv, cases, ARRAY_SIZE(cases));
}
