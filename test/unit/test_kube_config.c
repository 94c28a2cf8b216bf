/* Kubeconfig files, the pod's service account, and the base64 they hold. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/kube/config.h"
#include "pkg/kube/internal.h"
#include "test/lib/test.h"

static char folder[] = "/tmp/test_kube_config.XXXXXX";

static const char *write_file(struct arena *arena, const char *name, const char *text)
{
	const char *path = arena_printf(arena, "%s/%s", folder, name);
	FILE *file = fopen(path, "we");
	EXPECT(file != NULL);
	if (file) {
		fputs(text, file);
		fclose(file);
	}
	return path;
}

static bool load_for(bool people, struct arena *arena, const char *text, const char *server,
		     struct endpoint *out, struct error *err)
{
	struct kube_config_request request = {.file = write_file(arena, "config", text),
					      .server = server};
	struct kube_config config;
	bool ok = people ? kube_config_for_people(&request, arena, &config, err)
			 : kube_config_for_controller(&request, arena, &config, err);
	*out = config.endpoint;
	return ok;
}

static bool load(struct arena *arena, const char *text, const char *server, struct endpoint *out,
		 struct error *err)
{
	return load_for(false, arena, text, server, out, err);
}

#define CONTEXT                                                                                    \
	"apiVersion: v1\nkind: Config\ncurrent-context: here\n"                                    \
	"contexts:\n- name: other\n  context: {cluster: none, user: none}\n"                       \
	"- name: here\n  context: {cluster: c, user: u}\n"
#define CLUSTER "clusters:\n- name: c\n  cluster:\n    server: https://api:6443/\n"
#define USER "users:\n- name: u\n  user:\n"

TEST(kubeconfig, token_and_inline_ca)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct endpoint out;
	EXPECT(load(arena,
		    CONTEXT CLUSTER "    certificate-authority-data: Q0EK\n"
				    "    tls-server-name: kubernetes\n" USER "    token: secret\n",
		    NULL, &out, &err));
	EXPECT_TEXT(error_text(&err), "");
	EXPECT_TEXT(out.server, "https://api:6443");
	EXPECT_TEXT(out.ca_pem, "CA\n");
	EXPECT(!out.ca_file);
	EXPECT_TEXT(out.tls_server_name, "kubernetes");
	EXPECT_TEXT(out.token, "secret");
	EXPECT(!out.token_file && !out.client_cert_pem && !out.insecure_skip_verify);
}

TEST(kubeconfig, files_are_relative_to_the_config)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct endpoint out;
	EXPECT(load(arena,
		    CONTEXT CLUSTER "    certificate-authority: pki/ca.crt\n" USER
				    "    client-certificate: /abs/client.crt\n"
				    "    client-key: client.key\n    tokenFile: ./token\n",
		    NULL, &out, &err));
	EXPECT_TEXT(out.ca_file, arena_printf(arena, "%s/pki/ca.crt", folder));
	EXPECT_TEXT(out.client_cert_file, "/abs/client.crt");
	EXPECT_TEXT(out.client_key_file, arena_printf(arena, "%s/client.key", folder));
	EXPECT_TEXT(out.token_file, arena_printf(arena, "%s/./token", folder));
}

TEST(kubeconfig, inline_data_wins_over_files)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct endpoint out;
	EXPECT(load(arena,
		    CONTEXT CLUSTER USER
		    "    client-certificate: a\n    client-certificate-data: QQ==\n"
		    "    client-key-data: Qg==\n",
		    NULL, &out, &err));
	EXPECT(!out.client_cert_file && !out.client_key_file);
	EXPECT_TEXT(out.client_cert_pem, "A");
	EXPECT_TEXT(out.client_key_pem, "B");
}

TEST(kubeconfig, reads_json_and_takes_another_server)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct endpoint out;
	EXPECT(load(arena,
		    "{\"current-context\":\"x\",\"contexts\":[{\"name\":\"x\",\"context\":"
		    "{\"cluster\":\"c\"}}],\"clusters\":[{\"name\":\"c\",\"cluster\":{"
		    "\"insecure-skip-tls-verify\":true}}]}",
		    "http://127.0.0.1:8001", &out, &err));
	EXPECT_TEXT(error_text(&err), "");
	EXPECT_TEXT(out.server, "http://127.0.0.1:8001");
	EXPECT(out.insecure_skip_verify);
}

static const struct {
	const char *text, *why;
} refused[] = {
    {"", ""},
    {"just text", "it is no kubeconfig"},
    {"a: [", "1:"},
    {"a: 1", "current-context is not set"},
    {"current-context: x", "there is no context \"x\""},
    {"current-context: x\ncontexts: {x: 1}", "there is no context \"x\""},
    {"current-context: x\ncontexts: [7, {name: x}]", "context \"x\": context is no object"},
    {CONTEXT, "context \"here\": there is no cluster \"c\""},
    {CONTEXT CLUSTER, "context \"here\": there is no user \"u\""},
    {CONTEXT "clusters:\n- name: c\n  cluster: {}\n", "cluster \"c\": server is missing"},
    {CONTEXT "clusters:\n- name: c\n  cluster: {server: 7}\n", "cluster \"c\": server is no text"},
    {CONTEXT "clusters:\n- name: c\n  cluster: {server: 'ftp://x'}\n",
     "cluster \"c\": server \"ftp://x\" is no http or https address"},
    {CONTEXT "clusters:\n- name: c\n  cluster: {server: 'u:secret@x'}\n",
     "cluster \"c\": server \"\" is no http or https address"},
    {CONTEXT "clusters:\n- name: c\n  cluster: {server: 'https://'}\n",
     "is no http or https address"},
    {CONTEXT "clusters:\n- name: c\n  cluster: {server: 'https:///path'}\n",
     "is no http or https address"},
    {CONTEXT CLUSTER "    insecure-skip-tls-verify: 'true'\n",
     "cluster \"c\": insecure-skip-tls-verify is neither true nor false"},
    {CONTEXT CLUSTER "    insecure-skip-tls-verify: true\n" USER "    token: t\n",
     "/config: server https://api:6443 would not be verified (insecure-skip-tls-verify)"},
    {CONTEXT "clusters:\n- name: c\n  cluster: {server: 'http://api'}\n" USER "    token: t\n",
     "/config: server http://api would not be verified (no https)"},
    {CONTEXT CLUSTER "    certificate-authority-data: '*'\n",
     "cluster \"c\": certificate-authority-data is no base64"},
    {CONTEXT CLUSTER "    certificate-authority-data: QQBB\n",
     "certificate-authority-data is no base64 of a text"},
    {CONTEXT CLUSTER "    certificate-authority: x\n    insecure-skip-tls-verify: true\n",
     "contradict each other"},
    {CONTEXT CLUSTER USER "    exec: {command: aws}\n",
     "user \"u\": exec: the controller runs no exec plugins"},
    {CONTEXT CLUSTER USER "    auth-provider: {name: gcp}\n",
     "user \"u\": auth-provider: auth-provider plugins are not supported"},
    {CONTEXT CLUSTER USER "    username: admin\n",
     "user \"u\": username: basic authentication is not supported"},
    {CONTEXT CLUSTER USER "    password: x\n", "user \"u\": password: basic"},
    {CONTEXT CLUSTER USER "    as: somebody\n",
     "user \"u\": as: the controller does not impersonate"},
    {CONTEXT CLUSTER USER "    as-groups: [a]\n", "as-groups: the controller does not"},
    {CONTEXT CLUSTER USER "    client-key: x\n",
     "user \"u\": client-certificate and client-key go together, client-certificate is "
     "missing"},
    {CONTEXT CLUSTER USER "    client-certificate: x\n", "client-key is missing"},
    {CONTEXT CLUSTER USER "    token: [x]\n", "user \"u\": token is no text"},
};

TEST(kubeconfig, refuses)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct endpoint out;
		test_row("%s", refused[i].text);
		EXPECT(!load(arena, refused[i].text, NULL, &out, &err));
		EXPECT_INT(err.kind, ERROR_FATAL);
		EXPECT_CONTAINS(error_text(&err), refused[i].why);
		EXPECT_CONTAINS(error_text(&err), "/config: ");
	}
	test_row("%s", "");
}

TEST(kubeconfig, empty_settings_count_as_none)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct endpoint out;
	EXPECT(load(arena,
		    CONTEXT CLUSTER "    proxy-url: ''\n" USER "    username: ''\n    exec: null\n"
				    "    token: ''\n",
		    NULL, &out, &err));
	EXPECT_TEXT(error_text(&err), "");
	EXPECT(!out.token);
}

TEST(kubeconfig, file_trouble)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct endpoint out;
	struct kube_config config;
	EXPECT(!kube_config_for_people(&(struct kube_config_request){.file = "/nowhere/config"},
				       arena, &config, &err));
	EXPECT_TEXT(error_text(&err), "kubeconfig /nowhere/config: No such file or directory");
	EXPECT(!kube_config_for_people(&(struct kube_config_request){.file = folder}, arena,
				       &config, &err));
	EXPECT_CONTAINS(error_text(&err), "Is a directory");
	char *large = arena_alloc(arena, (1 << 20) + 2);
	memset(large, '#', (1 << 20) + 1);
	EXPECT(!load(arena, large, NULL, &out, &err));
	EXPECT_CONTAINS(error_text(&err), "larger than 1 MiB");
}

static void make_folders(struct arena *arena)
{
	static const char *const parts[] = {"/var", "/var/run", "/var/run/secrets",
					    "/var/run/secrets/kubernetes.io",
					    "/var/run/secrets/kubernetes.io/serviceaccount"};
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		mkdir(arena_printf(arena, "%s%s", folder, parts[i]), 0700);
}

TEST(kubeconfig, in_cluster)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const char *account = "var/run/secrets/kubernetes.io/serviceaccount";
	struct kube_config out;
	unsetenv("KUBERNETES_SERVICE_HOST");
	unsetenv("KUBERNETES_SERVICE_PORT");
	EXPECT(!kube_config_in_cluster(folder, arena, &out, &err));
	EXPECT_CONTAINS(error_text(&err), "not in a pod");
	setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
	EXPECT(!kube_config_in_cluster(folder, arena, &out, &err));
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	EXPECT(!kube_config_in_cluster(folder, arena, &out, &err));
	EXPECT_INT(err.kind, ERROR_FATAL);
	EXPECT_CONTAINS(error_text(&err), "serviceaccount/token: No such file");
	make_folders(arena);
	const char *token = write_file(arena, arena_printf(arena, "%s/token", account), "t");
	EXPECT(!kube_config_in_cluster(folder, arena, &out, &err));
	EXPECT_CONTAINS(error_text(&err), "serviceaccount/ca.crt: No such file");
	const char *ca = write_file(arena, arena_printf(arena, "%s/ca.crt", account), "c");
	EXPECT(kube_config_in_cluster(folder, arena, &out, &err));
	EXPECT_TEXT(out.endpoint.server, "https://10.0.0.1:443");
	EXPECT_TEXT(out.endpoint.token_file, token);
	EXPECT_TEXT(out.endpoint.ca_file, ca);
	EXPECT_TEXT(out.ns, "default");
	write_file(arena, arena_printf(arena, "%s/namespace", account), "serving\n");
	EXPECT(kube_config_in_cluster(folder, arena, &out, &err));
	EXPECT_TEXT(out.ns, "serving");
	setenv("POD_NAMESPACE", "told", 1);
	EXPECT(kube_config_in_cluster(folder, arena, &out, &err));
	EXPECT_TEXT(out.ns, "told");
	unsetenv("POD_NAMESPACE");
	setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
	EXPECT(kube_config_in_cluster(folder, arena, &out, &err));
	EXPECT_TEXT(out.endpoint.server, "https://[fd00::1]:443");
	unsetenv("KUBERNETES_SERVICE_HOST");
	unsetenv("KUBERNETES_SERVICE_PORT");
}

TEST(kubeconfig, base64)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
	} rows[] = {
	    {"", ""},
	    {"Zg==", "f"},
	    {"Zm8=", "fo"},
	    {"Zm9v", "foo"},
	    {"Zm9vYmE=", "fooba"},
	    {"Zm9v\nYmFy\n", "foobar"},
	    {" Z m 9 v\t", "foo"},
	    {"+/+/", "\xfb\xff\xbf"},
	    {"Zg=", NULL},
	    {"Zg", NULL},
	    {"Z", NULL},
	    {"Z===", NULL},
	    {"====", NULL},
	    {"Zg==Zg==", NULL},
	    {"Zg===", NULL},
	    {"Z=g=", NULL},
	    {"Zm9v=", NULL},
	    {"Zm9-", NULL},
	    {"Zm9_", NULL},
	    {"Zm9\x80", NULL},
	    {"=", NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		size_t length = 999;
		test_row("%s", rows[i].text);
		const char *got = kube_base64_decode(rows[i].text, arena, &length);
		EXPECT_TEXT(got, rows[i].want);
		if (got)
			EXPECT_INT(length, strlen(rows[i].want));
		if (got && strcspn(rows[i].text, " \t\n") == strlen(rows[i].text))
			EXPECT_TEXT(kube_base64_encode(got, length, arena), rows[i].text);
	}
	test_row("%s", "");
}

static void remove_folder(void)
{
	char command[256];
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command) != 0)
		perror(folder);
}

TEST(kubeconfig, folder_is_there)
{
	EXPECT(mkdtemp(folder) != NULL);
	atexit(remove_folder);
}

TEST_MAIN(TEST_OF(kubeconfig, folder_is_there), TEST_OF(kubeconfig, token_and_inline_ca),
	  TEST_OF(kubeconfig, files_are_relative_to_the_config),
	  TEST_OF(kubeconfig, inline_data_wins_over_files),
	  TEST_OF(kubeconfig, reads_json_and_takes_another_server), TEST_OF(kubeconfig, refuses),
	  TEST_OF(kubeconfig, empty_settings_count_as_none), TEST_OF(kubeconfig, file_trouble),
	  TEST_OF(kubeconfig, in_cluster), TEST_OF(kubeconfig, base64))
