/*
 * A kubeconfig file, read for people, for the controller, and as the second of two: it gives an
 * address to ask, no half of a pair and headers that are lines, or is refused for good with a
 * message that names the file. What the controller takes, people get too. An exec plugin is read
 * and looked at, never run: only a transport does that, and none is made here. The plugin's answer
 * is read from the same bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pkg/kube/config.h"
#include "pkg/kube/exec_plugin.h"
#include "test/fuzz/fuzz.h"

static void check_exec(const struct exec_plugin *plugin)
{
	CHECK(plugin->command && plugin->command[0]);
	CHECK(!strchr(plugin->command, '/') || plugin->command[0] == '/');
	CHECK(strncmp(plugin->api_version, "client.authentication.k8s.io/v1", 31) == 0);
	for (const char *const *env = plugin->env; *env; env++)
		CHECK(strchr(*env, '=') > *env);
	for (const char *const *arg = plugin->args; *arg; arg++)
		CHECK(strlen(*arg) <= 1 << 20);
	CHECK(!plugin->cluster || json_text(json_get(plugin->cluster, "server")));
}

static void check_endpoint(const struct endpoint *e)
{
	size_t length = e->server ? strlen(e->server) : 0;
	CHECK(length > 7 && e->server[length - 1] != '/');
	CHECK(strncmp(e->server, "http", 4) == 0);
	CHECK((e->client_cert_file || e->client_cert_pem) ==
	      (e->client_key_file || e->client_key_pem));
	CHECK(!e->ca_file || !e->ca_pem);
	CHECK(!e->insecure_skip_verify || (!e->ca_file && !e->ca_pem));
	CHECK(!e->ca_file || e->ca_file[0] == '/');
	CHECK(!e->token_file || e->token_file[0] == '/');
	for (const char *const *line = e->headers; line && *line; line++)
		CHECK(strncmp(*line, "Impersonate-", 12) == 0 &&
		      strcspn(*line, ":\r\n") == strcspn(*line, ":"));
	if (!e->credentials.fetch)
		return;
	CHECK(e->credentials.fetch == exec_plugin_fetch && !e->token && !e->token_file);
	check_exec(e->credentials.ctx);
}

static void check_refusal(const struct error *err)
{
	CHECK(err->kind == ERROR_FATAL);
	CHECK(strncmp(error_text(err), "kubeconfig /proc/self/fd/", 25) == 0);
}

static bool read_for(bool people, const struct kube_config_request *request,
		     struct kube_config *out)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	bool ok = people ? kube_config_for_people(request, arena, out, &err)
			 : kube_config_for_controller(request, arena, out, &err);
	if (!ok) {
		check_refusal(&err);
		return false;
	}
	check_endpoint(&out->endpoint);
	CHECK(out->context && out->context[0] && out->ns && out->ns[0]);
	CHECK(people || (!out->endpoint.credentials.fetch && !out->endpoint.headers));
	return true;
}

static int text_in_memory(const void *data, size_t size, char path[64])
{
	int fd = memfd_create("kubeconfig", MFD_CLOEXEC);
	CHECK(fd >= 0);
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, (const char *)data + done, size - done);
		CHECK(n > 0);
		done += (size_t)n;
	}
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

/* Behind one that names a context: its own current-context does not count then. */
static void read_as_second(const char *path)
{
	static const char first[] = "{\"current-context\":\"a\",\"users\":[{\"name\":\"u\","
				    "\"user\":{\"token\":\"first\"}}]}";
	struct kube_config config;
	char paths[140], other[64];
	int fd = text_in_memory(first, sizeof(first) - 1, other);
	snprintf(paths, sizeof(paths), "%s:%s", other, path);
	setenv("KUBECONFIG", paths, 1);
	read_for(true, &(struct kube_config_request){0}, &config);
	unsetenv("KUBECONFIG");
	close(fd);
}

static void read_answer(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct exec_plugin plugin = {.api_version = "client.authentication.k8s.io/v1"};
	struct credentials out;
	strbuf_add(&text, data, size);
	if (exec_plugin_answer(&plugin, &text, 1000000, arena, &out, &err)) {
		CHECK(!out.cert_pem == !out.key_pem && (out.token || out.cert_pem));
		CHECK(out.valid_ms >= 0);
	} else {
		CHECK(err.kind == ERROR_FATAL);
		fuzz_check_message(error_text(&err), 200);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kube_config config;
	char path[64];
	int fd = text_in_memory(data, size, path);
	struct kube_config_request request = {.file = path};
	bool people = read_for(true, &request, &config);
	CHECK(!read_for(false, &request, &config) || people);
	request.context = "a";
	read_for(true, &request, &config);
	read_as_second(path);
	close(fd);
	read_answer(data, size);
	return 0;
}
