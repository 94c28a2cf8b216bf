/*
 * The built program as a person calls it (`status`, `why`), against a devcluster of the test's own.
 */
#ifndef TEST_UNIT_PEOPLE_BENCH_H
#define TEST_UNIT_PEOPLE_BENCH_H

#include "test/unit/devcluster_site.h"

#define ARGUMENTS_MAX 16
#define PROGRAM_FILE "autoscaler-keda-hpa"
#define SERVICES "/apis/serving.knative.dev/v1/namespaces/default/services"
#define PAS "/apis/autoscaling.internal.knative.dev/v1alpha1/namespaces/default/podautoscalers"
#define ANNOTATED(name, annotations)                                                               \
	"{\"apiVersion\":\"serving.knative.dev/v1\",\"kind\":\"Service\",\"metadata\":{\"name\":"  \
	"\"" name "\"},\"spec\":{\"template\":{\"metadata\":{\"annotations\":{"                    \
	"\"autoscaling.knative.dev/class\":\"hpa.autoscaling.knative.dev\"" annotations            \
	"}},\"spec\":{\"containers\":[{\"image\":\"example.com/hello\"}]}}}}"
#define HELLO                                                                                      \
	ANNOTATED("hello", ",\"autoscaling.knative.dev/metric\":\"orders\","                       \
			   "\"autoscaling.knative.dev/target\":\"5\","                             \
			   "\"autoscaling.knative.dev/prometheus-query\":\"sum(orders)\"")

struct told {
	int code; /* -1: a signal ended it */
	const char *out, *err;
};

static const char *read_told(struct site *site, const char *name)
{
	size_t length;
	char *text = test_read_file(arena_printf(site->arena, "%s/%s", site->dir, name), &length);
	const char *kept = arena_strndup(site->arena, text, length);

	free(text);
	return kept;
}

/* arguments: separated by blanks. file: the program's name. */
static pid_t begin_person(struct site *site, const char *file, const char *arguments)
{
	char *argv[ARGUMENTS_MAX] = {arena_strdup(site->arena, file)};
	char *rest = arena_strdup(site->arena, arguments);
	size_t count = 1;

	for (char *word; (word = strsep(&rest, " ")) && count + 1 < ARGUMENTS_MAX;)
		argv[count++] = word;
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int out = open(arena_printf(site->arena, "%s/answer", site->dir),
		       O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int err = open(arena_printf(site->arena, "%s/request", site->dir),
		       O_WRONLY | O_CREAT | O_TRUNC, 0600);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	setenv("KUBECONFIG", arena_printf(site->arena, "%s/kubeconfig", site->dir), 1);
	execv(argv[0], argv);
	_exit(127);
}

static struct told finish_person(struct site *site, pid_t pid)
{
	int status = 0;

	CHECK(waitpid(pid, &status, 0) == pid);
	return (struct told){.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
			     .out = read_told(site, "answer"),
			     .err = read_told(site, "request")};
}

static struct told person(struct site *site, const char *arguments)
{
	return finish_person(site,
			     begin_person(site, beside(site->arena, PROGRAM_FILE), arguments));
}

/* The controller, without leader election. */
static void start_program(struct site *site)
{
	char *argv[] = {beside(site->arena, PROGRAM_FILE), (char[]){"--kubeconfig"},
			arena_printf(site->arena, "%s/kubeconfig", site->dir),
			(char[]){"--disable-ha"}, NULL};

	setenv("SYSTEM_NAMESPACE", "knative-serving", 1);
	setenv("PROBES_PORT", "0", 1);
	setenv("SCALER_PORT", "0", 1);
	setenv("METRICS_PROMETHEUS_PORT", "0", 1);
	site->program = spawn(site, "program", argv);
}

/* Until the command's standard output has that text; the last answer. */
static struct told person_hears(struct site *site, const char *arguments, const char *text)
{
	int64_t until = now_ms() + WAIT_MS;
	struct told told = person(site, arguments);

	while (!strstr(told.out, text) && now_ms() < until) {
		pass_time(site, 100);
		told = person(site, arguments);
	}
	EXPECT_CONTAINS(told.out, text);
	return told;
}

UNUSED static const struct json *parse_told(struct site *site, const char *text)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const struct json_limits limits = {.max_bytes = 1u << 22, .max_depth = 64};
	struct json *out = NULL;

	if (!json_parse(text, strlen(text), &limits, site->arena, &out, &err))
		fprintf(stderr, "%s: %s\n", error_text(&err), text);
	EXPECT(out != NULL);
	return out;
}

UNUSED static const char *member(const struct json *object, const char *key)
{
	return json_text_or(json_get(object, key), "");
}

static void post(struct site *site, const char *path, const char *body, int status)
{
	EXPECT_INT(ask(site, "POST", path, body, NULL), status);
}

#endif
