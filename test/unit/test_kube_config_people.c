/* Which kubeconfig files count, how several are merged, and what people's users may have. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/check.h"
#include "pkg/kube/config.h"
#include "pkg/kube/config_internal.h"
#include "pkg/kube/exec_plugin.h"
#include "test/lib/test.h"

static char folder[] = "/tmp/test_kube_people.XXXXXX";

static const char *write_file(struct arena *arena, const char *name, const char *text)
{
	const char *path = arena_printf(arena, "%s/%s", folder, name);
	FILE *file = fopen(path, "we");
	CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
	return path;
}

/* Two files: each has what the other lacks, and both have the user "both" and the cluster "both".
 */
static const char first[] = "contexts:\n"
			    "- {name: a, context: {cluster: both, user: both, namespace: one}}\n"
			    "clusters:\n"
			    "- {name: both, cluster: {server: 'https://first', "
			    "certificate-authority: ca.crt}}\n"
			    "users:\n- {name: both, user: {tokenFile: token}}\n";
static const char second[] =
    "current-context: b\n"
    "contexts:\n"
    "- {name: a, context: {cluster: other, user: other, namespace: two}}\n"
    "- {name: b, context: {cluster: both, user: other}}\n"
    "- {name: c, context: {cluster: other, user: both, namespace: three}}\n"
    "- {name: lost, context: {cluster: nowhere, user: other}}\n"
    "clusters:\n"
    "- {name: both, cluster: {server: 'https://wrong'}}\n"
    "- {name: other, cluster: {server: 'https://second', certificate-authority: ca.crt}}\n"
    "users:\n- {name: both, user: {token: wrong}}\n- {name: other, user: {token: second}}\n";

struct row {
	const char *files;   /* KUBECONFIG; %s is the folder, 3 times at most */
	const char *file;    /* --kubeconfig: a name in the folder */
	const char *context; /* --context */
	const char *server, *ns, *token, *token_file, *ca;
	const char *error;
};

static const struct row rows[] = {
    {"%s/one:%s/two", .server = "https://first", .ns = "default", .token = "second", .ca = "1"},
    {"%s/two:%s/one", .server = "https://wrong", .ns = "default", .token = "second"},
    {"%s/one:%s/two", .context = "a", .server = "https://first", .ns = "one", .token_file = "1",
     .ca = "1"},
    {"%s/two:%s/one", .context = "a", .server = "https://second", .ns = "two", .token = "second",
     .ca = "2"},
    {"%s/one:%s/two", .context = "c", .server = "https://second", .ns = "three", .token_file = "1",
     .ca = "2"},
    {":%s/missing::%s/one:%s/deep/two:", .context = "c", .server = "https://second", .ns = "three",
     .token_file = "1", .ca = "deep"},
    {"%s/empty:%s/two", .context = "c", .server = "https://second", .ns = "three", .token = "wrong",
     .ca = "2"},
    {"%s/one", .file = "two", .server = "https://wrong", .ns = "default", .token = "second"},
    {"%s/one:%s/two", .context = "d", .error = "/one:FOLDER/two: there is no context \"d\""},
    {"%s/one:%s/two", .context = "lost",
     .error = "/two: context \"lost\": there is no cluster \"nowhere\""},
    {"%s/one", .error = "/one: current-context is not set"},
    {"%s/empty", .error = "/empty: current-context is not set"},
    {"%s/missing", .error = "no kubeconfig at FOLDER/missing: KUBERNETES_SERVICE_HOST"},
    {"%s/two:%s/broken", .error = "kubeconfig FOLDER/broken: 2:1: "},
    {"%s/two", .file = "missing", .error = "kubeconfig FOLDER/missing: No such file"},
    {"%s/deep:%s/two", .error = "kubeconfig FOLDER/deep: Is a directory"},
};

/* FOLDER stands for it. */
static const char *shown(struct arena *arena, const char *text)
{
	const char *at = strstr(text, "FOLDER");
	return at ? arena_printf(arena, "%.*s%s%s", (int)(at - text), text, folder, at + 6) : text;
}

static const char *place(struct arena *arena, const char *which, const char *name)
{
	if (!which)
		return NULL;
	return arena_printf(arena, "%s%s/%s", folder, strcmp(which, "deep") == 0 ? "/deep" : "",
			    name);
}

static void try_row(const struct row *row)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct kube_config_request request = {.context = row->context};
	struct kube_config out;
	const char *list = row->files;
	char paths[512] = "";
	while (*list) {
		size_t used = strlen(paths), plain = strcspn(list, "%");
		snprintf(paths + used, sizeof(paths) - used, "%.*s%s", (int)plain, list,
			 list[plain] ? folder : "");
		list += plain + (list[plain] ? 2 : 0);
	}
	setenv("KUBECONFIG", paths, 1);
	request.file = place(arena, row->file, row->file);
	EXPECT(kube_config_for_people(&request, arena, &out, &err) == !row->error);
	if (row->error) {
		EXPECT_INT(err.kind, ERROR_FATAL);
		EXPECT_CONTAINS(error_text(&err), shown(arena, row->error));
		return;
	}
	EXPECT_TEXT(error_text(&err), "");
	EXPECT_TEXT(out.endpoint.server, row->server);
	EXPECT_TEXT(out.ns, row->ns);
	EXPECT_TEXT(out.endpoint.token, row->token);
	EXPECT_TEXT(out.endpoint.token_file, place(arena, row->token_file, "token"));
	EXPECT_TEXT(out.endpoint.ca_file, place(arena, row->ca, "ca.crt"));
}

TEST(people, several_files)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	mkdir(arena_printf(arena, "%s/deep", folder), 0700);
	write_file(arena, "one", first);
	write_file(arena, "two", second);
	write_file(arena, "deep/two", second);
	write_file(arena, "empty", "");
	write_file(arena, "broken", "a: [");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%zu: %s", i, rows[i].files);
		try_row(&rows[i]);
	}
	test_row("%s", "");
	unsetenv("KUBECONFIG");
}

TEST(people, home_and_what_is_left)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct kube_config_request request = {.server = ""};
	struct kube_config out;
	setenv("HOME", folder, 1);
	EXPECT(!kube_config_for_people(&request, arena, &out, &err));
	EXPECT_CONTAINS(error_text(&err), "/.kube/config: KUBERNETES_SERVICE_HOST");
	mkdir(arena_printf(arena, "%s/.kube", folder), 0700);
	write_file(arena, ".kube/config", second);
	EXPECT(kube_config_for_people(&request, arena, &out, &err));
	EXPECT_TEXT(out.endpoint.server, "https://wrong");
	EXPECT_TEXT(out.context, "b");
	/* The controller does not look there. */
	EXPECT(!kube_config_for_controller(&request, arena, &out, &err));
	EXPECT_CONTAINS(error_text(&err), "not in a pod");
	request.server = "https://alone";
	EXPECT(kube_config_for_controller(&request, arena, &out, &err));
	EXPECT_TEXT(out.endpoint.server, "https://alone");
	EXPECT_TEXT(out.ns, "default");
	EXPECT(!out.context && !out.endpoint.token);
	/* In a pod, where the variable names no file, people fall back to the pod, it does not. */
	request.server = NULL;
	setenv("HOME", "/nowhere", 1);
	setenv("KUBECONFIG", "/nowhere/a:/nowhere/b", 1);
	setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	EXPECT(!kube_config_for_people(&request, arena, &out, &err));
	EXPECT_CONTAINS(error_text(&err), "in-cluster configuration: ");
	EXPECT(!kube_config_for_controller(&request, arena, &out, &err));
	EXPECT_TEXT(error_text(&err),
		    "kubeconfig /nowhere/a:/nowhere/b: No such file or directory");
	unsetenv("KUBECONFIG");
	unsetenv("KUBERNETES_SERVICE_HOST");
}

TEST(people, too_many_files)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(strbuf_release) struct strbuf list = STRBUF_INIT;
	struct kube_config out;
	const char *path = write_file(arena, "two", second);
	for (int i = 0; i <= CONFIG_FILES_MAX; i++)
		strbuf_addf(&list, "%s:", path);
	setenv("KUBECONFIG", list.buf, 1);
	EXPECT(!kube_config_for_people(&(struct kube_config_request){0}, arena, &out, &err));
	EXPECT_CONTAINS(error_text(&err), "more than 32 files");
	unsetenv("KUBECONFIG");
}

#define BASE                                                                                       \
	"current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"              \
	"clusters:\n- name: c\n  cluster:\n    server: https://api\n"
#define USER "users:\n- name: u\n  user:\n"

static bool load(struct arena *arena, const char *text, struct kube_config *out, struct error *err)
{
	struct kube_config_request request = {.file = write_file(arena, "config", text)};
	return kube_config_for_people(&request, arena, out, err);
}

TEST(people, impersonation)
{
	static const char *const want[] = {"Impersonate-User: jo",
					   "Impersonate-Uid: 7",
					   "Impersonate-Group: a",
					   "Impersonate-Group: b c",
					   "Impersonate-Extra-k%2F%C3%A4: v",
					   "Impersonate-Extra-k%2F%C3%A4: w"};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct kube_config out;
	EXPECT(load(arena,
		    BASE USER "    token: t\n    as: jo\n    as-uid: '7'\n    as-groups: [a, b c]\n"
			      "    as-user-extra: {k/\xc3\xa4: [v, w]}\n",
		    &out, &err));
	EXPECT_TEXT(error_text(&err), "");
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		EXPECT_TEXT(out.endpoint.headers ? out.endpoint.headers[i] : NULL, want[i]);
	EXPECT(out.endpoint.headers && !out.endpoint.headers[ARRAY_SIZE(want)]);
}

#define EXEC                                                                                       \
	USER "    exec:\n      apiVersion: client.authentication.k8s.io/v1\n"                      \
	     "      command: helper\n      interactiveMode: Never\n"

TEST(people, exec_plugin)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(strbuf_release) struct strbuf info = STRBUF_INIT;
	struct kube_config out;
	EXPECT(load(arena,
		    BASE "    certificate-authority: ca.crt\n    proxy-url: socks5://p:1\n"
			 "    tls-server-name: name\n"
			 "    extensions: [{name: x, extension: 1}, {name: "
			 "client.authentication.k8s.io/exec, extension: {aud: me}}]\n" EXEC
			 "      args: [get, '--x y', '']\n      installHint: get it\n"
			 "      env: [{name: A, value: b=c}, {name: B, value: ''}]\n"
			 "      provideClusterInfo: true\n",
		    &out, &err) == false);
	EXPECT_CONTAINS(error_text(&err), "exec: ");
	EXPECT_CONTAINS(error_text(&err), "/ca.crt: No such file");
	write_file(arena, "ca.crt", "CA");
	EXPECT(kube_config_for_people(
	    &(struct kube_config_request){.file = arena_printf(arena, "%s/config", folder)}, arena,
	    &out, &err));
	CHECK(out.endpoint.credentials.fetch == exec_plugin_fetch);
	const struct exec_plugin *plugin = out.endpoint.credentials.ctx;
	EXPECT_TEXT(plugin->command, "helper");
	EXPECT_TEXT(plugin->args[1], "--x y");
	EXPECT_TEXT(plugin->args[2], "");
	EXPECT(!plugin->args[3]);
	EXPECT_TEXT(plugin->env[0], "A=b=c");
	EXPECT_TEXT(plugin->env[1], "B=");
	EXPECT(!plugin->env[2]);
	EXPECT_TEXT(plugin->install_hint, "get it");
	EXPECT_INT(plugin->interactive, EXEC_NEVER);
	json_write(plugin->cluster, &info);
	EXPECT_TEXT(info.buf, "{\"server\":\"https://api\",\"tls-server-name\":\"name\","
			      "\"certificate-authority-data\":\"Q0E=\",\"proxy-url\":"
			      "\"socks5://p:1\",\"config\":{\"aud\":\"me\"}}");
	EXPECT_TEXT(out.endpoint.proxy, "socks5://p:1");
}

TEST(people, commands_and_modes)
{
	static const struct {
		const char *user, *command;
		int interactive;
	} cases[] = {
	    {"{apiVersion: client.authentication.k8s.io/v1beta1, command: bin/h}", "/bin/h",
	     EXEC_IF_AVAILABLE},
	    {"{apiVersion: client.authentication.k8s.io/v1beta1, command: /abs/h, "
	     "interactiveMode: Always}",
	     "/abs/h", EXEC_ALWAYS},
	    {"{apiVersion: client.authentication.k8s.io/v1, command: ./h, interactiveMode: "
	     "IfAvailable}",
	     "/./h", EXEC_IF_AVAILABLE},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct kube_config out;
		bool absolute = strncmp(cases[i].command, "/abs", 4) == 0;
		test_row("%zu", i);
		EXPECT(load(arena, arena_printf(arena, BASE USER "    exec: %s\n", cases[i].user),
			    &out, &err));
		EXPECT_TEXT(error_text(&err), "");
		const struct exec_plugin *plugin = out.endpoint.credentials.ctx;
		EXPECT_TEXT(plugin->command,
			    arena_printf(arena, "%s%s", absolute ? "" : folder, cases[i].command));
		EXPECT_INT(plugin->interactive, cases[i].interactive);
		EXPECT(!plugin->cluster && !plugin->args[0] && !plugin->env[0]);
	}
	test_row("%s", "");
}

TEST(people, written_token_wins_over_exec)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct kube_config out;
	EXPECT(load(arena, BASE EXEC "    token: t\n", &out, &err));
	EXPECT_TEXT(out.endpoint.token, "t");
	EXPECT(!out.endpoint.credentials.fetch);
}

#define V1 "apiVersion: client.authentication.k8s.io/v1, "

static const struct {
	const char *user, *why;
} refused[] = {
    {"{exec: yes}", "user \"u\": exec: it is no object"},
    {"{exec: {}}", "exec: command is missing"},
    {"{exec: {command: h}}", "exec: apiVersion \"\" is neither"},
    {"{exec: {command: h, apiVersion: client.authentication.k8s.io/v1alpha1}}",
     "apiVersion \"client.authentication.k8s.io/v1alpha1\" is neither"},
    {"{exec: {" V1 "command: h}}", "interactiveMode is missing: Never, IfAvailable or Always"},
    {"{exec: {" V1 "command: h, interactiveMode: never}}", "\"never\" is none of Never"},
    {"{exec: {" V1 "command: h, interactiveMode: Never, args: x}}", "args is no list"},
    {"{exec: {" V1 "command: h, interactiveMode: Never, args: [1]}}", "args[0] is no text"},
    {"{exec: {" V1 "command: h, interactiveMode: Never, args: [\"a\\0b\"]}}", "args[0] is no text"},
    {"{exec: {" V1 "command: \"a\\0b\", interactiveMode: Never}}", "command has a NUL"},
    {"{exec: {" V1 "command: h, interactiveMode: Never, env: {A: b}}}", "env is no list"},
    {"{exec: {" V1 "command: h, interactiveMode: Never, env: [{value: b}]}}",
     "env[0]: name is missing"},
    {"{exec: {" V1 "command: h, interactiveMode: Never, env: [{name: A=, value: b}]}}",
     "env[0]: name is missing or has a ="},
    {"{exec: {" V1 "command: h, interactiveMode: Never, provideClusterInfo: 1}}",
     "provideClusterInfo is neither"},
    {"{auth-provider: {name: gcp}}", "auth-provider plugins are not supported"},
    {"{username: a}", "basic authentication"},
    {"{as-groups: [a]}", "need a user to impersonate"},
    {"{as-user-extra: {a: [b]}}", "need a user to impersonate"},
    {"{as: u, as-groups: a}", "as-groups is no list"},
    {"{as: u, as-user-extra: [a]}", "as-user-extra is no map"},
    {"{as: u, as-user-extra: {a: b}}", "as-user-extra: a is no list"},
    {"{as: u, as-user-extra: {'': [b]}}", "impossible key"},
};

TEST(people, refuses)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct kube_config out;
		const char *text =
		    arena_printf(arena, BASE "users:\n- name: u\n  user: %s\n", refused[i].user);
		test_row("%s", refused[i].user);
		EXPECT(!load(arena, text, &out, &err));
		EXPECT_INT(err.kind, ERROR_FATAL);
		EXPECT_CONTAINS(error_text(&err), refused[i].why);
		EXPECT_CONTAINS(error_text(&err), "/config: user \"u\": ");
	}
	test_row("%s", "");
}

TEST(people, what_is_loopback)
{
	static const struct {
		const char *server;
		bool want;
	} cases[] = {
	    {"http://127.0.0.1:8001", true},
	    {"https://127.9.9.9", true},
	    {"https://localhost:6443/p", true},
	    {"https://LOCALHOST", true},
	    {"https://[::1]:6443", true},
	    {"https://127.0.0.1.evil", false},
	    {"https://127.1", false},
	    {"https://[::1", true},
	    {"https://localhost.evil", false},
	    {"https://10.0.0.1", false},
	    {"https://127.0.0.1@evil", false},
	    {"https://127.0.0.1:x@evil/", false},
	    {"https://evil/@127.0.0.1", false},
	    {"https://[fd00::1]", false},
	    {"https://evil#127.0.0.1", false},
	    {"ftp://127.0.0.1", false},
	    {"127.0.0.1", false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		test_row("%s", cases[i].server);
		EXPECT_INT(config_is_loopback(cases[i].server), cases[i].want);
	}
	test_row("%s", "");
}

/* What people may do on their own, the controller may on loopback. */
TEST(people, controller_on_loopback)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct kube_config_request request = {.server = "https://127.0.0.1:1"};
	struct kube_config out;
	request.file = write_file(
	    arena, "config", BASE "    insecure-skip-tls-verify: true\n" USER "    token: t\n");
	EXPECT(kube_config_for_controller(&request, arena, &out, &err));
	EXPECT(out.endpoint.insecure_skip_verify);
	request.server = NULL;
	EXPECT(kube_config_for_people(&request, arena, &out, &err));
	EXPECT(!kube_config_for_controller(&request, arena, &out, &err));
}

static void remove_folder(void)
{
	char command[256];
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command) != 0)
		perror(folder);
}

TEST(people, folder_is_there)
{
	EXPECT(mkdtemp(folder) != NULL);
	atexit(remove_folder);
	unsetenv("KUBECONFIG");
	unsetenv("KUBERNETES_SERVICE_HOST");
}

TEST_MAIN(TEST_OF(people, folder_is_there), TEST_OF(people, several_files),
	  TEST_OF(people, home_and_what_is_left), TEST_OF(people, too_many_files),
	  TEST_OF(people, impersonation), TEST_OF(people, exec_plugin),
	  TEST_OF(people, commands_and_modes), TEST_OF(people, written_token_wins_over_exec),
	  TEST_OF(people, refuses), TEST_OF(people, what_is_loopback),
	  TEST_OF(people, controller_on_loopback))
