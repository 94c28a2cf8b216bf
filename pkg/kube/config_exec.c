/*
 * The exec member of a kubeconfig's user: checked whole here (clientcmd's validateAuthInfo), so
 * that whoever runs it (exec_plugin.c) meets no surprise. Nothing is run.
 */
#include <string.h>

#include "pkg/kube/config_internal.h"
#include "pkg/kube/exec_plugin.h"
#include "pkg/kube/internal.h"

#define GROUP "client.authentication.k8s.io/"
#define ENV_MAX 1000

/* A path is taken from the file's folder, a name is looked up when it is run. */
static bool read_command(const struct json *exec, const char *folder, struct arena *arena,
			 const char **out, struct error *err)
{
	const char *command = json_text_or(json_get(exec, "command"), "");

	if (strchr(command, '/'))
		return config_path(exec, "command", folder, arena, out, err);
	if (!config_text(exec, "command", arena, out, err))
		return false;
	return *out || error_set(err, ERROR_FATAL, "command is missing");
}

static bool read_version(const struct json *exec, struct arena *arena, const char **out,
			 struct error *err)
{
	if (!config_text(exec, "apiVersion", arena, out, err))
		return false;
	if (*out && (strcmp(*out, GROUP "v1") == 0 || strcmp(*out, GROUP "v1beta1") == 0))
		return true;
	return error_set(err, ERROR_FATAL,
			 "apiVersion \"%s\" is neither " GROUP "v1 nor " GROUP "v1beta1",
			 *out ? *out : "");
}

/* v1beta1 has a default, v1 has none. */
static bool read_interactive(const struct json *exec, const char *version, struct arena *arena,
			     enum exec_interactive *out, struct error *err)
{
	static const char *const names[] = {
	    [EXEC_NEVER] = "Never", [EXEC_IF_AVAILABLE] = "IfAvailable", [EXEC_ALWAYS] = "Always"};
	const char *mode;

	if (!config_text(exec, "interactiveMode", arena, &mode, err))
		return false;
	if (!mode && strcmp(version, GROUP "v1") == 0)
		return error_set(err, ERROR_FATAL,
				 "interactiveMode is missing: Never, IfAvailable or Always");
	*out = EXEC_IF_AVAILABLE;
	for (size_t i = 0; mode && i < ARRAY_SIZE(names); i++) {
		if (strcmp(mode, names[i]) == 0) {
			*out = (enum exec_interactive)i;
			return true;
		}
	}
	return !mode ||
	       error_set(err, ERROR_FATAL,
			 "interactiveMode \"%s\" is none of Never, IfAvailable, Always", mode);
}

static bool read_env(const struct json *exec, struct arena *arena, const char *const **out,
		     struct error *err)
{
	const struct json *list = json_get(exec, "env");
	size_t count = json_is(list, JSON_ARRAY) ? json_count(list) : 0;
	const char *name, *value;

	if (list && !json_is(list, JSON_ARRAY) && !json_is(list, JSON_NULL))
		return error_set(err, ERROR_FATAL, "env is no list");
	if (count > ENV_MAX)
		return error_set(err, ERROR_FATAL, "env has more than %d entries", ENV_MAX);
	const char **env = ARENA_ARRAY(arena, const char *, count + 1);
	for (size_t i = 0; i < count; i++) {
		if (!config_text(json_at(list, i), "name", arena, &name, err) ||
		    !config_text(json_at(list, i), "value", arena, &value, err))
			return error_wrap(err, "env[%zu]", i);
		if (!name || strchr(name, '='))
			return error_set(err, ERROR_FATAL,
					 "env[%zu]: name is missing or has a =", i);
		env[i] = arena_printf(arena, "%s=%s", name, value ? value : "");
	}
	*out = env;
	return true;
}

/* ---- spec.cluster ---- */

/* The cluster's own settings for plugins: an extension of that name. */
static const struct json *plugin_settings(const struct json *cluster)
{
	const struct json *list = json_get(cluster, "extensions");

	for (size_t i = 0; json_is(list, JSON_ARRAY) && i < json_count(list); i++)
		if (strcmp(json_text_or(json_get(json_at(list, i), "name"), ""), GROUP "exec") == 0)
			return json_get(json_at(list, i), "extension");
	return NULL;
}

static bool add_authority(struct json *info, const struct endpoint *endpoint, struct arena *arena,
			  struct error *err)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (endpoint->ca_pem)
		strbuf_addstr(&text, endpoint->ca_pem);
	else if (endpoint->ca_file && !config_read(endpoint->ca_file, &text, err))
		return error_wrap(err, "%s", endpoint->ca_file);
	if (text.len)
		json_set_text(arena, info, "certificate-authority-data",
			      kube_base64_encode(text.buf, text.len, arena));
	return true;
}

static bool cluster_info(const struct json *cluster, const struct endpoint *endpoint,
			 struct arena *arena, const struct json **out, struct error *err)
{
	struct json *info = json_object(arena);
	const struct json *settings = plugin_settings(cluster);

	json_set_text(arena, info, "server", endpoint->server);
	if (endpoint->tls_server_name)
		json_set_text(arena, info, "tls-server-name", endpoint->tls_server_name);
	if (endpoint->insecure_skip_verify)
		json_set_bool(arena, info, "insecure-skip-tls-verify", true);
	if (!add_authority(info, endpoint, arena, err))
		return false;
	if (endpoint->proxy)
		json_set_text(arena, info, "proxy-url", endpoint->proxy);
	json_set(arena, info, "config", settings ? json_copy(arena, settings) : NULL);
	*out = info;
	return true;
}

bool config_exec(const struct json *exec, const struct config_entry *user,
		 const struct config_entry *cluster, struct arena *arena, struct endpoint *out,
		 struct error *err)
{
	struct exec_plugin *plugin = ARENA_NEW(arena, struct exec_plugin);
	const char **args;
	bool wants_cluster;

	if (!json_is(exec, JSON_OBJECT))
		return error_set(err, ERROR_FATAL, "it is no object");
	if (!read_command(exec, user->file->folder, arena, &plugin->command, err) ||
	    !read_version(exec, arena, &plugin->api_version, err) ||
	    !read_interactive(exec, plugin->api_version, arena, &plugin->interactive, err) ||
	    !config_texts(exec, "args", arena, &args, err) ||
	    !read_env(exec, arena, &plugin->env, err) ||
	    !config_text(exec, "installHint", arena, &plugin->install_hint, err) ||
	    !config_bool(exec, "provideClusterInfo", &wants_cluster, err))
		return false;
	plugin->args = args;
	if (wants_cluster && !cluster_info(cluster->value, out, arena, &plugin->cluster, err))
		return false;
	/* A token that is written down wins, as it does in client-go. */
	if (!out->token && !out->token_file)
		out->credentials = (struct credential_source){exec_plugin_fetch, plugin};
	return true;
}
