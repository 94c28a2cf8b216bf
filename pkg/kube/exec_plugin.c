/*
 * Runs a credential plugin. Invariant: on every way out the child has been waited for, and what it
 * printed is wiped from nobody's log: only exec_answer.c looks at it.
 */
#include "pkg/kube/exec_plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/base/clock.h"
#include "pkg/kube/internal.h"

#define LIMIT_MS 60000
#define ASKING_LIMIT_MS 300000
#define OUTPUT_MAX ((size_t)1 << 20)
#define HINT_MAX 2000
#define INFO "KUBERNETES_EXEC_INFO"

/* One run of it. */
struct run {
	const struct exec_plugin *plugin;
	struct arena *arena;
	struct strbuf *output;
	bool interactive;
	const char *path;
	int64_t limit_ms, end_ms;
};

/* ---- what it is given ---- */

static bool is_program(const char *path)
{
	struct stat file;

	return stat(path, &file) == 0 && S_ISREG(file.st_mode) && access(path, X_OK) == 0;
}

/* A relative folder of PATH would let whoever owns the current folder be the plugin. */
static const char *look_up(const char *command, struct arena *arena)
{
	const char *folders = getenv("PATH");

	if (strchr(command, '/'))
		return is_program(command) ? command : NULL;
	while (folders && *folders) {
		size_t length = strcspn(folders, ":");
		const char *path = arena_printf(arena, "%.*s/%s", (int)length, folders, command);

		if (folders[0] == '/' && is_program(path))
			return path;
		folders += length + (folders[length] == ':');
	}
	return NULL;
}

static const char *exec_info(const struct run *run)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct json *info = json_object(run->arena);
	struct json *spec = json_object(run->arena);

	json_set_text(run->arena, info, "kind", "ExecCredential");
	json_set_text(run->arena, info, "apiVersion", run->plugin->api_version);
	json_set_bool(run->arena, spec, "interactive", run->interactive);
	if (run->plugin->cluster)
		json_set(run->arena, spec, "cluster", json_copy(run->arena, run->plugin->cluster));
	json_set(run->arena, info, "spec", spec);
	strbuf_addstr(&text, INFO "=");
	json_write(info, &text);
	return arena_strdup(run->arena, text.buf);
}

static bool same_name(const char *a, const char *b)
{
	size_t length = strcspn(a, "=");

	return length == strcspn(b, "=") && memcmp(a, b, length) == 0;
}

static size_t length_of(const char *const *texts)
{
	size_t count = 0;

	while (texts[count])
		count++;
	return count;
}

/* Ours, then the plugin's own, then KUBERNETES_EXEC_INFO: the last of a name wins. */
static char **environment(const struct run *run)
{
	const char *const *own = (const char *const *)environ;
	size_t inherited = length_of(own), added = length_of(run->plugin->env), kept = 0;
	const char **all = ARENA_ARRAY(run->arena, const char *, inherited + added + 2);

	memcpy(all, own, inherited * sizeof(*all));
	memcpy(all + inherited, run->plugin->env, added * sizeof(*all));
	all[inherited + added] = exec_info(run);
	for (size_t i = 0; all[i]; i++) {
		size_t other = i < inherited ? inherited : i + 1;

		while (all[other] && !same_name(all[i], all[other]))
			other++;
		if (!all[other])
			all[kept++] = all[i];
	}
	all[kept] = NULL;
	return (char **)all;
}

static char **arguments(const struct run *run)
{
	size_t count = length_of(run->plugin->args);
	const char **argv = ARENA_ARRAY(run->arena, const char *, count + 2);

	argv[0] = run->plugin->command;
	memcpy(argv + 1, run->plugin->args, count * sizeof(*argv));
	return (char **)argv;
}

/* ---- the run ---- */

static void destroy_actions(posix_spawn_file_actions_t *actions)
{
	posix_spawn_file_actions_destroy(actions);
}

static void destroy_attributes(posix_spawnattr_t *attributes)
{
	posix_spawnattr_destroy(attributes);
}

/* Signals that our loop takes for itself, and SIGPIPE, are the child's again. */
static void plain_signals(posix_spawnattr_t *attributes)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static bool start(const struct run *run, int output, pid_t *child, struct error *err)
{
	CLEANUP(destroy_actions) posix_spawn_file_actions_t actions;
	CLEANUP(destroy_attributes) posix_spawnattr_t attributes;

	CHECK(posix_spawn_file_actions_init(&actions) == 0);
	CHECK(posix_spawnattr_init(&attributes) == 0);
	plain_signals(&attributes);
	if (!run->interactive)
		posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output, 1);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	int code =
	    posix_spawn(child, run->path, &actions, &attributes, arguments(run), environment(run));
	if (code)
		return error_set(err, ERROR_FATAL, "it cannot be started: %s", strerror(code));
	return true;
}

static bool too_long(const struct run *run, struct error *err)
{
	return error_set(err, ERROR_FATAL, "no answer within %g s", (double)run->limit_ms / 1000);
}

/* Until it closes its output. */
static bool listen_to(const struct run *run, int output, struct error *err)
{
	char block[16384];

	for (;;) {
		struct pollfd event = {.fd = output, .events = POLLIN};
		int64_t left = run->end_ms - clock_mono(&system_clock);

		if (left <= 0)
			return too_long(run, err);
		if (poll(&event, 1, (int)left) <= 0)
			continue;
		ssize_t got = read(output, block, sizeof(block));
		if (got == 0)
			return true;
		if (got < 0 && errno != EINTR && errno != EAGAIN)
			return error_set(err, ERROR_FATAL, "read: %s", strerror(errno));
		if (got > 0)
			strbuf_add(run->output, block, (size_t)got);
		if (run->output->len > OUTPUT_MAX)
			return error_set(err, ERROR_FATAL, "it printed more than 1 MiB");
	}
}

static bool judge(int status, struct error *err)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFEXITED(status))
		return error_set(err, ERROR_FATAL, "failed with exit code %d", WEXITSTATUS(status));
	return error_set(err, ERROR_FATAL, "ended by signal %d", WTERMSIG(status));
}

/* It may have closed its output and still go on. */
static bool wait_for(const struct run *run, pid_t child, struct error *err)
{
	int status = 0;

	for (;;) {
		pid_t got = waitpid(child, &status, WNOHANG);

		if (got == child)
			return judge(status, err);
		if (got < 0 && errno != EINTR)
			return error_set(err, ERROR_FATAL, "wait: %s", strerror(errno));
		if (clock_mono(&system_clock) >= run->end_ms)
			return too_long(run, err);
		poll(NULL, 0, 5);
	}
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static bool run_it(const struct run *run, struct error *err)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_set(err, ERROR_FATAL, "pipe: %s", strerror(errno));
	CLEANUP(close_fd) int from = ends[0];
	CLEANUP(close_fd) int to = ends[1];
	if (!start(run, to, &child, err))
		return false;
	close_fd(&to);
	if (listen_to(run, from, err) && wait_for(run, child, err))
		return true;
	/* Already waited for, it is nobody's: then there is no such child. */
	if (waitpid(child, NULL, WNOHANG) == 0) {
		kill(child, SIGKILL);
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	return false;
}

/* Terminal escapes have no place in an error message. */
static void add_hint(const struct exec_plugin *plugin, struct arena *arena, struct error *err)
{
	CLEANUP(error_clear) struct error why = ERROR_INIT;

	if (!plugin->install_hint || !err)
		return;
	char *hint =
	    arena_strndup(arena, plugin->install_hint, kube_cut(plugin->install_hint, HINT_MAX));
	for (char *at = hint; *at; at++)
		if (((unsigned char)*at < ' ' && *at != '\n' && *at != '\t') || *at == 0x7f)
			*at = ' ';
	error_take(&why, err);
	error_set(err, why.kind, "%s\n\n%s", error_text(&why), hint);
}

static bool fetch(struct run *run, struct credentials *out, struct error *err)
{
	const struct exec_plugin *plugin = run->plugin;
	bool terminal = isatty(STDIN_FILENO);

	if (plugin->interactive == EXEC_ALWAYS && !terminal)
		return error_set(err, ERROR_FATAL,
				 "it must ask somebody (interactiveMode: Always), but standard "
				 "input is no terminal");
	run->interactive = terminal && plugin->interactive != EXEC_NEVER;
	run->path = look_up(plugin->command, run->arena);
	if (!run->path)
		return error_set(err, ERROR_FATAL, "there is no such program");
	run->limit_ms = run->interactive ? ASKING_LIMIT_MS : LIMIT_MS;
	if (plugin->limit_ms)
		run->limit_ms = plugin->limit_ms;
	run->end_ms = clock_mono(&system_clock) + run->limit_ms;
	return run_it(run, err) &&
	       exec_plugin_answer(plugin, run->output, clock_wall(&system_clock), run->arena, out,
				  err);
}

bool exec_plugin_fetch(void *ctx, struct arena *arena, struct credentials *out, struct error *err)
{
	CLEANUP(strbuf_release) struct strbuf output = STRBUF_INIT;
	struct run run = {.plugin = ctx, .arena = arena, .output = &output};
	bool ok = fetch(&run, out, err);

	if (!ok) {
		error_wrap(err, "exec plugin %s", run.plugin->command);
		add_hint(run.plugin, arena, err);
	}
	if (output.len)
		explicit_bzero(output.buf, output.len);
	return ok;
}
