/*
 * The built program as a user calls it: exit codes, both outputs, files, standard input. The
 * program is the one that was built beside this test.
 */
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/arena.h"
#include "pkg/base/strbuf.h"
#include "test/lib/test.h"

#define MAX_ARGUMENTS 16

extern char **environ;

/* A directory of its own, in which the program runs. */
struct desk {
	struct arena *arena;
	char path[64];
};

struct outcome {
	int code; /* -1: it did not exit */
	const char *out, *err;
};

static struct desk desk_new(void)
{
	struct desk desk = {.arena = arena_new(), .path = "/tmp/akh-command-XXXXXX"};

	EXPECT(mkdtemp(desk.path) != NULL);
	return desk;
}

static char *at(const struct desk *desk, const char *name)
{
	return arena_printf(desk->arena, "%s/%s", desk->path, name);
}

static void put(const struct desk *desk, const char *name, const char *text)
{
	FILE *file = fopen(at(desk, name), "w");

	EXPECT(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void desk_release(struct desk *desk)
{
	static const char *const names[] = {"in",     "out",   "err",    "a.yaml",
					    "b.json", "c.yml", "d.text", "big.yaml"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlink(at(desk, names[i]));
	EXPECT(rmdir(desk->path) == 0);
	arena_free(desk->arena);
}

static const char *program(struct arena *arena)
{
	char self[PATH_MAX] = "";
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	EXPECT(length > 0);
	return arena_printf(arena, "%s/../autoscaler-keda-hpa", dirname(self));
}

static char *kept(const struct desk *desk, const char *name)
{
	size_t length;
	char *text = test_read_file(at(desk, name), &length);
	char *copy = arena_strndup(desk->arena, text, length);

	free(text);
	return copy;
}

/* Arguments in one text, separated by single spaces; @NAME is a file of the desk. */
static void split(const struct desk *desk, const char *arguments, char **argv)
{
	char *rest = arena_strdup(desk->arena, arguments), *word;
	size_t count = 0;

	argv[count++] = arena_strdup(desk->arena, "autoscaler-keda-hpa");
	while ((word = strsep(&rest, " ")) && count < MAX_ARGUMENTS - 1)
		if (word[0])
			argv[count++] = word[0] == '@' ? at(desk, word + 1) : word;
	argv[count] = NULL;
}

static struct outcome run(const struct desk *desk, const char *arguments, const char *input)
{
	char *argv[MAX_ARGUMENTS];
	posix_spawn_file_actions_t files;
	int status = 0;
	pid_t pid;

	put(desk, "in", input);
	split(desk, arguments, argv);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, at(desk, "in"), O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, at(desk, "out"), O_WRONLY | O_CREAT | O_TRUNC,
					 0600);
	posix_spawn_file_actions_addopen(&files, 2, at(desk, "err"), O_WRONLY | O_CREAT | O_TRUNC,
					 0600);
	bool ran = posix_spawn(&pid, program(desk->arena), &files, NULL, argv, environ) == 0 &&
		   waitpid(pid, &status, 0) == pid;
	posix_spawn_file_actions_destroy(&files);
	EXPECT(ran);
	return (struct outcome){.code = ran && WIFEXITED(status) ? WEXITSTATUS(status) : -1,
				.out = ran ? kept(desk, "out") : "",
				.err = ran ? kept(desk, "err") : ""};
}

#define HEAD(name)                                                                                 \
	"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: " name "}\n"          \
	"spec:\n  template:\n    metadata:\n      annotations:\n"                                  \
	"        autoscaling.knative.dev/class: hpa.autoscaling.knative.dev\n"
#define GOOD HEAD("good")
#define BAD HEAD("bad") "        autoscaling.knative.dev/target: abc\n"
#define OTHER_CLASS "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: other}\n"
#define JSON_LIST                                                                                  \
	"{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{\"apiVersion\":"                     \
	"\"serving.knative.dev/v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"listed\"},"      \
	"\"spec\":{\"template\":{\"metadata\":{\"annotations\":{"                                  \
	"\"autoscaling.knative.dev/class\":\"hpa.autoscaling.knative.dev\"}}}}},"                  \
	"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"}}]}"

TEST(command, table)
{
	static const struct {
		const char *arguments, *input;
		int code;
		const char *out, *err; /* part of it; "" if it must be empty */
	} rows[] = {
	    {"render -f -", GOOD, 0, "kind: ScaledObject", ""},
	    {"render -f - -o yaml", GOOD, 0, "\n  name: good-00001\n", ""},
	    {"render -f - -o json", GOOD, 0, "\"name\": \"good-00001\"", ""},
	    {"render -f - --output=json", JSON_LIST, 0, "\"name\": \"listed-00001\"",
	     "-: Secret/s: passed over: neither a Knative Service"},
	    {"render -f -", OTHER_CLASS, 0, "", "-: Service/other: passed over: it has no class"},
	    {"render -f -", "", 0, "", ""},
	    {"render -f - -o json", "", 0, "", ""},
	    {"render -f -", BAD, 1, "",
	     "-: Service/bad: autoscaling.knative.dev/target: \"abc\" is not"},
	    {"render -f -", HEAD("slip") "        autoscaling.knative.dev/targt: '5'\n", 0,
	     "kind: ScaledObject", "-: Service/slip: warning: autoscaling.knative.dev/targt"},
	    {"render -f -", BAD "---\n" GOOD, 1, "name: good-00001", "Service/bad: "},
	    {"render -f - -o json", GOOD "---\n" HEAD("two"), 0, "\"kind\": \"List\"", ""},
	    {"render -f -", GOOD "---\n" HEAD("two"), 0, "---\napiVersion: keda.sh", ""},
	    {"render -f -", GOOD "---\n- a\n", 1, "name: good-00001",
	     "-: /: no manifest: kind or metadata.name is missing"},
	    {"render -f -", GOOD "---\na: [b\n", 1, "name: good-00001", "-: 11:1: "},
	    {"render -f - --fresh", GOOD, 0, "kind: ScaledObject", ""},
	    {"render -f - --explain", GOOD, 0,
	     "# ScaledObject default/good-00001\n"
	     "apiVersion: \"keda.sh/v1alpha1\"  # default\n",
	     ""},
	    {"render -f - --explain -o json", GOOD, 0, "\"path\": \"apiVersion\"", ""},
	    {"render -f - --explain", BAD, 1, "", "is not"},
	    {"render", "", 2, "", "render: -f is missing"},
	    {"render --help", "", 0, "Exit code: 0 all rendered", ""},
	    {"render file.yaml", "", 2, "", "files are named by -f"},
	    {"render -f", "", 2, "", "Usage:"},
	    {"render -f - -o xml", "", 2, "", "\"xml\" is neither yaml nor json"},
	    {"render -f - --unknown", "", 2, "", "Usage:"},
	    {"render -f /nowhere/x.yaml", "", 2, "", "/nowhere/x.yaml: No such file"},
	    {"render -f - -f /nowhere/x.yaml", GOOD, 2, "", "/nowhere/x.yaml: No such file"},
	    {"render -f / ", "", 2, "", "/: Is a directory"},
	    {"render -f - --config-dir /nowhere", GOOD, 2, "", "/nowhere: No such file"},
	    {"annotations", "", 0, "## `autoscaling.knative.dev/target`", ""},
	    {"annotations -o markdown", "", 0, "# Annotations\n", ""},
	    {"annotations -o json", "", 0, "\"name\": \"autoscaling.knative.dev/target\"", ""},
	    {"annotations -o xml", "", 2, "", "neither markdown nor json"},
	    {"annotations more", "", 2, "", "takes no arguments"},
	    {"annotations --help", "", 0, "Usage:", ""},
	    {"licenses", "", 0, "---- OpenSSL ----", ""},
	    {"licenses more", "", 2, "", "takes no arguments"},
	    {"version", "", 0, "autoscaler-keda-hpa ", ""},
	    {"--version", "", 0, "autoscaler-keda-hpa ", ""},
	    {"version more", "", 2, "", "takes no arguments"},
	    {"help", "", 0, "  annotations  ", ""},
	    {"--help", "", 0, "  render  ", ""},
	    {"-h", "", 0, "  render  ", ""},
	    {"rendr", "", 2, "", "there is no command \"rendr\""},
	    {"--unknown", "", 2, "", "there is no option --unknown"},
	    {"run --log-format xml", "", 2, "", "--log-format: \"xml\" is not json or console"},
	    {"--log-format", "", 2, "", "--log-format needs a value"},
	    {"run --help", "", 0, "--log-format json|console", ""},
	};
	struct desk desk = desk_new();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s #%zu", rows[i].arguments, i);
		struct outcome o = run(&desk, rows[i].arguments, rows[i].input);
		EXPECT_INT(o.code, rows[i].code);
		EXPECT_CONTAINS(o.out, rows[i].out);
		EXPECT_CONTAINS(o.err, rows[i].err);
		EXPECT(rows[i].out[0] || !o.out[0]);
		EXPECT(rows[i].err[0] || !o.err[0]);
	}
	desk_release(&desk);
}

TEST(command, lines_for_machines_or_for_people)
{
	static const struct {
		const char *arguments, *line;
	} rows[] = {
	    {"run --kubeconfig /nowhere", "\"caller\":\"autoscaler-keda-hpa/run.c:"},
	    {"run --kubeconfig /nowhere --log-format=json",
	     "{\"severity\":\"ERROR\",\"timestamp\":"},
	    {"run --kubeconfig /nowhere --log-format=console",
	     "Z ERROR cannot start error=\"kubeconfig /nowhere: "},
	};
	struct desk desk = desk_new();

	setenv("SYSTEM_NAMESPACE", "knative-serving", 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s", rows[i].arguments);
		struct outcome o = run(&desk, rows[i].arguments, "");

		EXPECT_INT(o.code, 1);
		EXPECT_CONTAINS(o.err, rows[i].line);
		EXPECT(!strchr(o.err, '\033'));
	}
	test_row("%s", "");
	unsetenv("SYSTEM_NAMESPACE");
	desk_release(&desk);
}

#define KUBECONFIG(cluster, user)                                                                  \
	"apiVersion: v1\nkind: Config\ncurrent-context: c\n"                                       \
	"contexts: [{name: c, context: {cluster: c, user: u}}]\n"                                  \
	"clusters:\n- name: c\n  cluster: {" cluster "}\nusers:\n- name: u\n  user: {" user "}\n"

/* One that nobody else can listen on meanwhile. */
static const char *take_port(const struct desk *desk, int *out)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6};
	socklen_t length = sizeof(address);

	*out = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	EXPECT(*out >= 0 && bind(*out, (struct sockaddr *)&address, length) == 0 &&
	       listen(*out, 1) == 0 &&
	       getsockname(*out, (struct sockaddr *)&address, &length) == 0);
	return arena_printf(desk->arena, "%u", ntohs(address.sin6_port));
}

/* Each cannot be used; why, is told without what it holds. */
TEST(command, a_kubeconfig_keeps_its_secrets)
{
	static const char *const configs[] = {
	    KUBECONFIG("server: 'https://me:hunter2@127.0.0.1:1'", "token: hunter2"),
	    KUBECONFIG("server: 'https://127.0.0.1:1', proxy-url: 'ftp://me:hunter2@p:1'",
		       "token: hunter2"),
	    KUBECONFIG("server: 'https://127.0.0.1:1'", "token: hunter2, tokenFile: /nowhere"),
	    KUBECONFIG("server: 'https://127.0.0.1:1'", "token: \"hunter2\\n\""),
	    KUBECONFIG("server: 'https://127.0.0.1:1'", "token: [hunter2]"),
	    KUBECONFIG("server: 'https://127.0.0.1:1'", "username: me, password: hunter2"),
	    KUBECONFIG("server: 'https://127.0.0.1:1'", "client-key-data: hunter2"),
	    KUBECONFIG("server: 'https://127.0.0.1:1'", "token: *hunter2"),
	};
	struct desk desk = desk_new();
	int taken;

	setenv("SYSTEM_NAMESPACE", "knative-serving", 1);
	/* Should one be usable after all, the program ends all the same. */
	setenv("PROBES_PORT", take_port(&desk, &taken), 1);
	setenv("SCALER_PORT", "0", 1);
	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		struct outcome o;

		test_row("%zu", i);
		put(&desk, "a.yaml", configs[i]);
		o = run(&desk, "run --kubeconfig @a.yaml", "");
		EXPECT_INT(o.code, 1);
		EXPECT_CONTAINS(o.err, "cannot start");
		EXPECT(!strstr(o.err, "hunter2"));
	}
	test_row("%s", "");
	close(taken);
	unsetenv("PROBES_PORT");
	unsetenv("SCALER_PORT");
	unsetenv("SYSTEM_NAMESPACE");
	desk_release(&desk);
}

TEST(command, variables_of_the_scaler)
{
	static const struct {
		const char *name, *value, *err;
		int code;
	} rows[] = {
	    {"SCALER_PORT", "65536", "SCALER_PORT: \"65536\" is no port number", 2},
	    {"SCALER_PORT", "x", "SCALER_PORT: \"x\" is no port number", 2},
	    {"SCALER_TLS_CERT_FILE", "/a",
	     "SCALER_TLS_CERT_FILE and SCALER_TLS_KEY_FILE go together", 2},
	    {"SCALER_TLS_KEY_FILE", "/a",
	     "SCALER_TLS_CERT_FILE and SCALER_TLS_KEY_FILE go together", 2},
	    {"SCALER_TLS_CLIENT_CA_FILE", "/a",
	     "SCALER_TLS_CLIENT_CA_FILE needs SCALER_TLS_CERT_FILE", 2},
	    {"SCALER_TLS_CLIENT_CA_FILE", "", "kubeconfig /nowhere", 1}, /* counts as unset */
	};
	struct desk desk = desk_new();

	setenv("SYSTEM_NAMESPACE", "knative-serving", 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct outcome o;

		test_row("%s=%s", rows[i].name, rows[i].value);
		setenv(rows[i].name, rows[i].value, 1);
		o = run(&desk, "run --kubeconfig /nowhere", "");
		EXPECT_INT(o.code, rows[i].code);
		EXPECT_CONTAINS(o.err, rows[i].err);
		unsetenv(rows[i].name);
	}
	unsetenv("SYSTEM_NAMESPACE");
	desk_release(&desk);
}

TEST(command, several_files)
{
	struct desk desk = desk_new();

	put(&desk, "a.yaml", GOOD);
	put(&desk, "b.json", JSON_LIST);
	put(&desk, "c.yml", BAD);
	struct outcome o = run(&desk, "render -f @a.yaml -f @b.json -f @c.yml", "");
	EXPECT_INT(o.code, 1);
	EXPECT_CONTAINS(o.out, "good-00001");
	EXPECT_CONTAINS(o.out, "listed-00001");
	EXPECT_CONTAINS(o.err, arena_printf(desk.arena, "%s: Service/bad: ", at(&desk, "c.yml")));
	EXPECT_CONTAINS(o.err,
			arena_printf(desk.arena, "%s: Secret/s: passed", at(&desk, "b.json")));
	desk_release(&desk);
}

#define MAP(name, data)                                                                            \
	"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " name "}\ndata: {" data "}\n"

TEST(command, config_dir)
{
	struct desk desk = desk_new();

	put(&desk, "a.yaml",
	    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: some}\n---\n" MAP(
		"config-autoscaler", "max-scale: '7', _example: x"));
	put(&desk, "c.yml", MAP("config-autoscaler-keda", "autoscaler.keda.polling-interval: 12s"));
	put(&desk, "d.text", "not: [read");
	struct outcome o = run(&desk, "render -f - --config-dir @", GOOD);
	EXPECT_INT(o.code, 0);
	EXPECT_TEXT(o.err, "");
	EXPECT_CONTAINS(o.out, "maxReplicaCount: 7");
	EXPECT_CONTAINS(o.out, "pollingInterval: 12");
	o = run(&desk, "render -f - --config-dir @ --explain", GOOD);
	EXPECT_CONTAINS(o.out, "spec.maxReplicaCount: 7  # config-autoscaler max-scale\n");
	EXPECT_CONTAINS(o.out, "spec.pollingInterval: 12  "
			       "# config-autoscaler-keda autoscaler.keda.polling-interval\n");
	put(&desk, "c.yml",
	    MAP("config-autoscaler-keda", "autoscaler.keda.polling-interval: soon"));
	o = run(&desk, "render -f - --config-dir @", GOOD);
	EXPECT_INT(o.code, 2);
	EXPECT_TEXT(o.out, "");
	EXPECT_CONTAINS(o.err, "c.yml: config-autoscaler-keda: failed to parse "
			       "\"autoscaler.keda.polling-interval\"");
	unlink(at(&desk, "c.yml"));
	o = run(&desk, "render -f - --config-dir @", GOOD);
	EXPECT_INT(o.code, 0);
	EXPECT_CONTAINS(o.out, "maxReplicaCount: 7");
	EXPECT_CONTAINS(o.err, "no ConfigMap config-autoscaler-keda: defaults are used");
	EXPECT(!strstr(o.err, "config-autoscaler:"));
	desk_release(&desk);
}

static double cpu_seconds(void)
{
	struct rusage used;

	getrusage(RUSAGE_CHILDREN, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* The goal is a second of CPU; hack/guards.sh counts what one Service costs. */
TEST(command, a_thousand_services)
{
	struct desk desk = desk_new();
	CLEANUP(strbuf_release) struct strbuf manifests = STRBUF_INIT;

	for (int i = 0; i < 1000; i++)
		strbuf_addf(&manifests,
			    HEAD("s-%d") "        autoscaling.knative.dev/metric: queue\n"
					 "        autoscaling.knative.dev/target: '5'\n"
					 "        autoscaling.knative.dev/prometheus-query: "
					 "'sum(x{r=\"{{ .revisionName }}\"})'\n---\n",
			    i);
	put(&desk, "big.yaml", manifests.buf);
	double before = cpu_seconds();
	struct outcome o = run(&desk, "render -f @big.yaml", "");
	double used = cpu_seconds() - before;
	EXPECT_INT(o.code, 0);
	EXPECT_CONTAINS(o.out, "s-999-00001");
	printf("1,000 Services: %.3f s of CPU\n", used);
	desk_release(&desk);
}

TEST_MAIN(TEST_OF(command, table), TEST_OF(command, lines_for_machines_or_for_people),
	  TEST_OF(command, a_kubeconfig_keeps_its_secrets),
	  TEST_OF(command, variables_of_the_scaler), TEST_OF(command, several_files),
	  TEST_OF(command, config_dir), TEST_OF(command, a_thousand_services))
