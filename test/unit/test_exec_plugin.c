/* Credential plugins: what they are given, what they may answer, and how one that misbehaves ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/clock.h"
#include "test/unit/exec_fixture.h"

static bool run(struct arena *arena, struct exec_plugin *plugin, struct credentials *out,
		struct error *err)
{
	if (!plugin->args)
		plugin->args = none;
	if (!plugin->env)
		plugin->env = none;
	plugin->api_version = V1;
	return exec_plugin_fetch(plugin, arena, out, err);
}

/* ---- what it answers ---- */

struct answer {
	const char *text;
	const char *token, *cert, *key;
	int64_t valid_ms;
	const char *error; /* NULL: it is taken */
};

/* Now is 2026-01-02T03:04:05Z. */
#define NOW_MS INT64_C(1767323045000)

static const struct answer answers[] = {
    {ANSWER("\"status\":{\"token\":\"t\"}") " \n", .token = "t"},
    {ANSWER("\"status\":{\"token\":\"t\",\"expirationTimestamp\":null,\"more\":1}"), .token = "t"},
    {ANSWER("\"spec\":{},\"status\":{\"clientCertificateData\":\"c\",\"clientKeyData\":\"k\"}"),
     .cert = "c", .key = "k"},
    {ANSWER("\"status\":{\"token\":\"t\",\"clientCertificateData\":\"c\",\"clientKeyData\":\"k\"}"),
     .token = "t", .cert = "c", .key = "k"},
    {ANSWER("\"status\":{\"token\":\"t\",\"expirationTimestamp\":\"2026-01-02T03:05:05Z\"}"),
     .token = "t", .valid_ms = 60000},
    {ANSWER("\"status\":{\"token\":\"t\",\"expirationTimestamp\":\"2026-01-02T05:04:15.5+02:00\"}"),
     .token = "t", .valid_ms = 10500},
    {ANSWER("\"status\":{\"token\":\"t\",\"expirationTimestamp\":\"2025-01-02T03:05:05Z\"}"),
     .token = "t", .valid_ms = 1},
    {"", .error = "no JSON"},
    {"secret", .error = "no JSON"},
    {"{}{}", .error = "no JSON"},
    {"[]", .error = "no ExecCredential"},
    {"{\"kind\":\"Secret\"}", .error = "no ExecCredential"},
    {"{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\","
     "\"status\":{\"token\":\"secret\"}}",
     .error = "configured to use apiVersion " V1},
    {"{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"secret\"}}",
     .error = "configured to use apiVersion " V1},
    {ANSWER("\"status\":null"), .error = "no status"},
    {ANSWER("\"status\":\"secret\""), .error = "no status"},
    {ANSWER("\"status\":{}"), .error = "neither a token nor a client certificate"},
    {ANSWER("\"status\":{\"token\":\"\"}"), .error = "neither a token nor"},
    {ANSWER("\"status\":{\"token\":7}"), .error = "status.token is no text"},
    {ANSWER("\"status\":{\"token\":\"secret\\u0000x\"}"), .error = "status.token is no text"},
    {ANSWER("\"status\":{\"token\":\"secret\",\"clientKeyData\":\"secret\"}"),
     .error = "only one of clientCertificateData and clientKeyData"},
    {ANSWER("\"status\":{\"clientCertificateData\":\"secret\"}"), .error = "only one of"},
    {ANSWER("\"status\":{\"token\":\"secret\",\"expirationTimestamp\":\"soon\"}"),
     .error = "status.expirationTimestamp is no time"},
    {ANSWER("\"status\":{\"token\":\"secret\",\"expirationTimestamp\":5}"), .error = "is no time"},
};

TEST(exec, answers)
{
	struct exec_plugin plugin = {.api_version = V1};
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
		const struct answer *row = &answers[i];
		struct credentials out;
		test_row("%s", row->text);
		strbuf_addstr(&text, row->text);
		EXPECT(exec_plugin_answer(&plugin, &text, NOW_MS, arena, &out, &err) ==
		       !row->error);
		if (row->error) {
			EXPECT_INT(err.kind, ERROR_FATAL);
			EXPECT_CONTAINS(error_text(&err), row->error);
			EXPECT(!strstr(error_text(&err), "secret"));
			continue;
		}
		EXPECT_TEXT(out.token, row->token);
		EXPECT_TEXT(out.cert_pem, row->cert);
		EXPECT_TEXT(out.key_pem, row->key);
		EXPECT_INT(out.valid_ms, row->valid_ms);
	}
	test_row("%s", "");
}

/* ---- what it is given ---- */

TEST(exec, arguments_and_environment)
{
	static const char *const args[] = {"$(id)", "a b", "", NULL};
	static const char *const env[] = {"PLUGIN_A=one", "INHERITED=mine", "PLUGIN_A=two",
					  "KUBERNETES_EXEC_INFO=wrong", NULL};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *cluster = json_object(arena);
	struct credentials out;
	json_set_text(arena, cluster, "server", "https://api");
	setenv("INHERITED", "theirs", 1);
	setenv("KEPT", "kept", 1);
	struct exec_plugin plugin = {
	    .command =
		program(arena, "env",
			"printf '[%s]' \"$#\" \"$@\" \"$PLUGIN_A\" \"$INHERITED\" \"$KEPT\" "
			">$OUT\n"
			"printf '%s' \"$KUBERNETES_EXEC_INFO\" >>$OUT\n"
			"tr '\\0' '\\n' </proc/$$/environ | grep -cE "
			"'^(KUBERNETES_EXEC_INFO|INHERITED|PLUGIN_A)=' >>$OUT\n" PRINT_TOKEN),
	    .args = args,
	    .env = env,
	    .cluster = cluster,
	};
	EXPECT(run(arena, &plugin, &out, &err));
	EXPECT_TEXT(error_text(&err), "");
	EXPECT_TEXT(out.token, "secret");
	EXPECT_TEXT(output(arena),
		    "[3][$(id)][a b][][two][mine][kept]"
		    "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"spec\":"
		    "{\"interactive\":false,\"cluster\":{\"server\":\"https://api\"}}}3\n");
}

TEST(exec, is_looked_up_in_path)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	char *path = strdup(getenv("PATH"));
	struct exec_plugin plugin = {.command = "found-in-path"};
	struct credentials out;
	program(arena, "found-in-path", PRINT_TOKEN);
	EXPECT(!run(arena, &plugin, &out, &err));
	EXPECT_TEXT(error_text(&err), "exec plugin found-in-path: there is no such program");
	setenv("PATH", arena_printf(arena, "/nowhere::%s:%s", folder, path), 1);
	EXPECT(run(arena, &plugin, &out, &err));
	/* Not from the folder where we happen to be. */
	CHECK(chdir(folder) == 0);
	setenv("PATH", arena_printf(arena, ".::%s", path), 1);
	EXPECT(!run(arena, &plugin, &out, &err));
	CHECK(chdir("/") == 0);
	setenv("PATH", path, 1);
	free(path);
}

TEST(exec, gets_no_open_file_and_no_blocked_signal)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct credentials out;
	sigset_t term, before;
	int leaked = dup(STDOUT_FILENO); /* as a library without O_CLOEXEC would */
	CHECK(dup2(leaked, 57) == 57);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	signal(SIGPIPE, SIG_IGN);
	struct exec_plugin plugin = {
	    .command = program(
		arena, "files",
		"[ -e /proc/$$/fd/57 ] && echo 57 >$OUT || echo none >$OUT\n"
		"grep -cE '^Sig(Blk|Ign):.*0000000$' /proc/self/status >>$OUT\n" PRINT_TOKEN)};
	EXPECT(run(arena, &plugin, &out, &err));
	EXPECT_TEXT(output(arena), "none\n2\n");
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(leaked);
	close(57);
}

/* ---- whether it may ask ---- */

#define TELL_INPUT                                                                                 \
	"[ -t 0 ] && echo terminal >$OUT || { cat >$OUT; echo plain >>$OUT; }\n"                   \
	"echo \"$KUBERNETES_EXEC_INFO\" | grep -c '\"interactive\":true' >>$OUT\n" PRINT_TOKEN

static void replace_stdin(int fd, int *saved)
{
	*saved = dup(STDIN_FILENO);
	CHECK(*saved >= 0 && fd >= 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO);
}

TEST(exec, asks_on_a_terminal_only)
{
	static const struct {
		enum exec_interactive mode;
		bool terminal;
		const char *want; /* NULL: refused */
	} rows[] = {
	    {EXEC_NEVER, true, "plain\n0\n"},           {EXEC_NEVER, false, "plain\n0\n"},
	    {EXEC_IF_AVAILABLE, true, "terminal\n1\n"}, {EXEC_IF_AVAILABLE, false, "plain\n0\n"},
	    {EXEC_ALWAYS, true, "terminal\n1\n"},       {EXEC_ALWAYS, false, NULL},
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	int master, terminal, pipes[2], saved;
	CHECK(openpty(&master, &terminal, NULL, NULL, NULL) == 0);
	CHECK(pipe2(pipes, O_CLOEXEC) == 0 && write(pipes[1], "ours", 4) == 4);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct credentials out;
		struct exec_plugin plugin = {.command = program(arena, "ask", TELL_INPUT),
					     .interactive = rows[i].mode};
		test_row("%zu", i);
		replace_stdin(rows[i].terminal ? terminal : pipes[0], &saved);
		EXPECT(run(arena, &plugin, &out, &err) == (rows[i].want != NULL));
		dup2(saved, STDIN_FILENO);
		close(saved);
		if (rows[i].want)
			EXPECT_TEXT(output(arena), rows[i].want);
		else
			EXPECT_CONTAINS(error_text(&err), "standard input is no terminal");
	}
	test_row("%s", "");
	close(master);
	close(terminal);
	close(pipes[0]);
	close(pipes[1]);
}

/* ---- how it fails ---- */

static const struct {
	const char *script, *error;
} failures[] = {
    {"echo secret; exit 3", "failed with exit code 3"},
    {"echo secret; kill -9 $$", "ended by signal 9"},
    {"echo secret", "what it printed is no JSON"},
    {"exec sleep 100", "no answer within 0.3 s"},
    {"exec >&-; exec sleep 100", "no answer within 0.3 s"},
    {"while :; do echo secret; sleep 0.01; done", "no answer within 0.3 s"},
};

TEST(exec, failures)
{
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		const char *command = program(arena, "fails", failures[i].script);
		struct exec_plugin plugin = {.command = command,
					     .install_hint = "Get it\n\x1b[31mhere",
					     .limit_ms =
						 strstr(failures[i].error, "within") ? 300 : 0};
		struct credentials out;
		int64_t start = clock_mono(&system_clock);
		test_row("%s", failures[i].script);
		EXPECT(!run(arena, &plugin, &out, &err));
		EXPECT_INT(err.kind, ERROR_FATAL);
		EXPECT_TEXT(error_text(&err),
			    arena_printf(arena, "exec plugin %s: %s\n\nGet it\n [31mhere", command,
					 failures[i].error));
		EXPECT(clock_mono(&system_clock) - start < 30000);
	}
	test_row("%s", "");
	/* Nobody is left behind. */
	EXPECT(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

TEST(exec, output_has_a_limit)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct exec_plugin plugin = {.command = program(arena, "loud", "exec cat /dev/zero")};
	struct credentials out;
	EXPECT(!run(arena, &plugin, &out, &err));
	EXPECT_CONTAINS(error_text(&err), "loud: it printed more than 1 MiB");
	EXPECT(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

TEST(exec, no_program)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const char *script = program(arena, "script", "exit 0");
	struct exec_plugin plugin = {.command = folder};
	struct credentials out;
	EXPECT(!run(arena, &plugin, &out, &err));
	EXPECT_CONTAINS(error_text(&err), "there is no such program");
	EXPECT_INT(chmod(script, 0600), 0);
	plugin.command = script;
	EXPECT(!run(arena, &plugin, &out, &err));
	/* Not a shell's business: a text without a first line that names one is no program. */
	FILE *file = fopen(script, "we");
	CHECK(file && fputs("exit 0\n", file) >= 0 && fclose(file) == 0 &&
	      chmod(script, 0700) == 0);
	EXPECT(!run(arena, &plugin, &out, &err));
	/* An emulator's vfork has memory of its own: why nothing was started is lost there. */
	if (!EMULATED)
		EXPECT_CONTAINS(error_text(&err), "it cannot be started: Exec format error");
}

TEST(exec, folder_is_there)
{
	make_folder();
}

TEST_MAIN(TEST_OF(exec, folder_is_there), TEST_OF(exec, answers),
	  TEST_OF(exec, arguments_and_environment), TEST_OF(exec, is_looked_up_in_path),
	  TEST_OF(exec, gets_no_open_file_and_no_blocked_signal),
	  TEST_OF(exec, asks_on_a_terminal_only), TEST_OF(exec, failures),
	  TEST_OF(exec, output_has_a_limit), TEST_OF(exec, no_program))
