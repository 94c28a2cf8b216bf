/*
 * The built program as the Deployment with the shipped seccomp profile runs it: user 65532, no
 * capabilities, no new privileges, a root that is read-only, and here death instead of an error at
 * any system call that the profile does not name. It finds the API server by its name in a
 * cluster, leads, brings a Revision to ready, takes an edit of its ConfigMap, answers probes, and
 * ends in time. Everything happens in a network and a mount namespace of the test's own.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "test/hard/confine.h"
#include "test/unit/devcluster_site.h"

#define SKIPPED 77
#define PROFILE SOURCE_DIR "/config/components/seccomp/autoscaler-keda-hpa.json"
#define KNATIVE_UID 65532
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

/* ---- a network of its own, with names ---- */

/* A and AAAA of one name, all others do not exist (RFC 1035 4.1). */
static void answer_names(int fd)
{
	static const char name[] = "\012kubernetes\007default\003svc\007cluster\005local";
	static const char address[] = "\xc0\x0c\0\1\0\1\0\0\0\5\0\4\x7f\0\0\1";
	struct sockaddr_in from;
	unsigned char text[512];
	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t got = recvfrom(fd, text, sizeof(text) - sizeof(address), 0,
				       (struct sockaddr *)&from, &size);
		size_t end = 12;
		while (got > 0 && end < (size_t)got && text[end])
			end += text[end] + 1u;
		if (got <= 0 || (end += 5) > (size_t)got)
			continue;
		bool known = end == 16 + sizeof(name) && memcmp(text + 12, name, sizeof(name)) == 0;
		bool has_address = known && text[end - 3] == 1;
		memcpy(text + 2, known ? "\x81\x80" : "\x81\x83", 2);
		memcpy(text + 4, has_address ? "\0\1\0\1\0\0\0\0" : "\0\1\0\0\0\0\0\0", 8);
		memcpy(text + end, address, sizeof(address) - 1);
		sendto(fd, text, end + (has_address ? sizeof(address) - 1 : 0), 0,
		       (struct sockaddr *)&from, size);
	}
}

static pid_t serve_names(void)
{
	const struct sockaddr_in here = {.sin_family = AF_INET,
					 .sin_port = htons(53),
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0 && bind(fd, (const struct sockaddr *)&here, sizeof(here)) == 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		answer_names(fd);
	}
	close(fd);
	return pid;
}

static bool write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	return file && fputs(text, file) >= 0 && fclose(file) == 0;
}

static bool isolate(const char *resolv_conf)
{
	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	if (geteuid() != 0 || unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 ||
	    mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return false;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = ioctl(fd, SIOCSIFFLAGS, &loopback) == 0 &&
		  write_text(resolv_conf, "nameserver 127.0.0.1\nsearch knative-serving.svc."
					  "cluster.local svc.cluster.local cluster.local\n"
					  "options ndots:5\n") &&
		  mount(resolv_conf, "/etc/resolv.conf", NULL, MS_BIND, NULL) == 0;
	close(fd);
	return ok;
}

/* ---- the program ---- */

/* As a pod's: the server's name, the CA and the token as files. */
static char *pod_kubeconfig(struct site *site)
{
	size_t length;
	const char *path = arena_printf(site->arena, "%s/kubeconfig", site->dir);
	char *text = test_read_file(path, &length);
	char *token = arena_strdup(site->arena, strstr(text, "token: ") + strlen("token: "));
	char *port = arena_strdup(site->arena, strstr(text, "127.0.0.1:") + strlen("127.0.0.1:"));
	free(text);
	token[strcspn(token, "\n\" ")] = '\0';
	port[strspn(port, "0123456789")] = '\0';
	CHECK(write_text(arena_printf(site->arena, "%s/answer", site->dir), token));
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

static bool runs(const struct site *site)
{
	siginfo_t info = {0};
	return waitid(P_PID, (id_t)site->program, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == 0;
}

/* What ended the program: its exit code, or minus a signal; SIGKILL: it had to be ended. */
static int how_it_ended(struct site *site)
{
	int status = 0;
	int64_t until = now_ms() + WAIT_MS;
	while (runs(site) && now_ms() < until)
		pass_time(site, 20);
	kill(site->program, SIGKILL);
	CHECK(waitpid(site->program, &status, 0) == site->program);
	site->program = 0;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static const char *words(struct site *site)
{
	size_t length;
	char *text = test_read_file(arena_printf(site->arena, "%s/program", site->dir), &length);
	const char *out = arena_strdup(site->arena, text);
	free(text);
	return out;
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
	const struct confinement how = {PROFILE, SCMP_ACT_KILL_PROCESS, KNATIVE_UID, false};
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
	char resolv_conf[] = "/tmp/akh-resolv-XXXXXX";
	close(mkstemp(resolv_conf));
	chmod(resolv_conf, 0644);
	if (!isolate(resolv_conf)) {
		unlink(resolv_conf);
		fputs("skipped: only root can make namespaces and change the user\n", stderr);
		return SKIPPED;
	}
	pid_t names = serve_names();
	int code = test_main(argc, argv, cases, ARRAY_SIZE(cases));
	kill(names, SIGKILL);
	waitpid(names, NULL, 0);
	unlink(resolv_conf);
	return code;
}
