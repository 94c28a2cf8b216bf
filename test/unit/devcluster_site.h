/*
 * A devcluster of a test's own, as a child process in a folder of its own, and a client of it over
 * HTTPS as the program has one. Included by the tests of devcluster.
 */
#ifndef TEST_UNIT_DEVCLUSTER_SITE_H
#define TEST_UNIT_DEVCLUSTER_SITE_H

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/base/strbuf.h"
#include "pkg/json/json.h"
#include "pkg/kube/config.h"
#include "test/lib/server.h"
#include "test/lib/test.h"

#define WAIT_MS 20000
#define CONFIGMAPS "/api/v1/namespaces/default/configmaps"
#define CONFIGMAP(name, rest)                                                                      \
	"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" name "\"" rest "}"

struct site {
	char dir[64];
	pid_t devcluster, program;
	struct arena *arena;
	struct loop *loop;
	struct endpoint endpoint;
	struct transport *transport;
};

struct heard {
	struct http_call *call; /* NULL: it is over */
	int status;
	enum error_kind kind;
	int64_t retry_after_ms, done_ms, data_ms;
	size_t pieces;
	struct strbuf body;
};

static int64_t now_ms(void)
{
	return clock_mono(&system_clock);
}

/* ---- processes ---- */

static char *beside(struct arena *arena, const char *name)
{
	char self[PATH_MAX] = "";
	CHECK(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	return arena_printf(arena, "%s/../%s", dirname(self), name);
}

static pid_t spawn(struct site *site, const char *log, char *const *argv)
{
	const char *path = arena_printf(site->arena, "%s/%s", site->dir, log);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid > 0)
		return pid;
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	execv(argv[0], argv);
	_exit(127);
}

/* The exit code; -1: a signal ended it. */
UNUSED static int end(pid_t *pid, int number)
{
	int status = 0;
	if (*pid <= 0)
		return -1;
	kill(*pid, number);
	CHECK(waitpid(*pid, &status, 0) == *pid);
	*pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void connect_site(struct site *site)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const char *path = arena_printf(site->arena, "%s/kubeconfig", site->dir);
	int64_t until = now_ms() + WAIT_MS;
	while (access(path, R_OK) != 0 && now_ms() < until)
		test_sleep_ms(5);
	struct kube_config_request request = {.file = path};
	struct kube_config config = {0};
	bool ok = kube_config_for_people(&request, site->arena, &config, &err);
	site->endpoint = config.endpoint;
	ok = ok && curl_transport_new(site->loop, &site->endpoint, &site->transport, &err);
	if (!ok)
		fprintf(stderr, "devcluster: %s\n", error_text(&err));
	CHECK(ok);
}

static void site_init(struct site *site)
{
	memset(site, 0, sizeof(*site));
	snprintf(site->dir, sizeof(site->dir), "/tmp/akh-devcluster-XXXXXX");
	CHECK(mkdtemp(site->dir));
	site->arena = arena_new();
	site->loop = loop_new(&system_clock);
	char *trace = arena_printf(site->arena, "%s/trace", site->dir);
	char *argv[] = {beside(site->arena, "devcluster"),
			(char[]){"--dir"},
			site->dir,
			(char[]){"--hpa-sync"},
			(char[]){"100ms"},
			(char[]){"--trace"},
			trace,
			NULL};
	site->devcluster = spawn(site, "log", argv);
	connect_site(site);
}

static void site_release(struct site *site)
{
	static const char *const names[] = {"kubeconfig", "ca.crt",  "trace", "log",
					    "program",    "request", "answer"};
	end(&site->program, SIGKILL);
	curl_transport_free(site->transport);
	if (site->devcluster)
		EXPECT_INT(end(&site->devcluster, SIGTERM), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlink(arena_printf(site->arena, "%s/%s", site->dir, names[i]));
	EXPECT(rmdir(site->dir) == 0);
	loop_free(site->loop);
	arena_free(site->arena);
	test_row("%s", "");
}

/* ---- requests as the program makes them ---- */

static void on_head(void *ctx, const struct http_response *head)
{
	((struct heard *)ctx)->status = head->status;
}

static bool on_data(void *ctx, const char *data, size_t length)
{
	struct heard *heard = ctx;
	heard->pieces++;
	heard->data_ms = now_ms();
	strbuf_add(&heard->body, data, length);
	return true;
}

static void on_done(void *ctx, const struct http_response *response, const struct error *err)
{
	struct heard *heard = ctx;
	heard->call = NULL;
	heard->kind = err->kind;
	heard->done_ms = now_ms();
	heard->retry_after_ms = response->retry_after_ms;
	if (heard->status == 0) {
		heard->status = response->status;
		strbuf_add(&heard->body, response->body ? response->body : "", response->length);
	}
}

static const struct http_events hearing = {on_head, on_data, on_done};

static void begin(struct site *site, struct heard *heard, const struct http_request *request)
{
	*heard = (struct heard){.body = STRBUF_INIT};
	heard->call = transport_start(site->transport, request, &hearing, heard);
}

/* Until text was heard, or the call is over; false: neither. text NULL: until it is over. */
static bool hear(struct site *site, struct heard *heard, const char *text)
{
	int64_t until = now_ms() + WAIT_MS;
	while (now_ms() < until) {
		if (text && strstr(heard->body.buf, text))
			return true;
		if (!heard->call)
			return !text;
		loop_step(site->loop, 20);
	}
	return false;
}

UNUSED static void pass_time(struct site *site, int64_t ms)
{
	int64_t until = now_ms() + ms;
	while (now_ms() < until)
		loop_step(site->loop, 10);
}

UNUSED static void hang_up(struct site *site, struct heard *heard)
{
	if (heard->call)
		transport_cancel(site->transport, heard->call);
	strbuf_release(&heard->body);
}

UNUSED static void watch(struct site *site, struct heard *heard, const char *path)
{
	const struct http_request request = {.method = "GET", .path = path, .stream = true};
	begin(site, heard, &request);
}

/* The status; 0: no answer came. The body is valid until the site's end. */
static int ask_with(struct site *site, const char *method, const char *path, const char *type,
		    const char *body, const char **out)
{
	struct heard heard;
	const struct http_request request = {.method = method,
					     .path = path,
					     .content_type = body ? type : NULL,
					     .body = body ? body : "",
					     .body_length = body ? strlen(body) : 0};
	begin(site, &heard, &request);
	EXPECT(hear(site, &heard, NULL));
	if (out)
		*out = arena_strndup(site->arena, heard.body.buf, heard.body.len);
	int status = heard.status;
	hang_up(site, &heard);
	return status;
}

UNUSED static int ask(struct site *site, const char *method, const char *path, const char *body,
		      const char **out)
{
	return ask_with(site, method, path, "application/json", body, out);
}

#endif
