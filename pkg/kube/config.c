/*
 * Kubeconfig files and the pod's service account. Whatever a user entry asks for that this program
 * cannot do is refused by name: going on without it would talk to the server as somebody else.
 */
#include "pkg/kube/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/kube/internal.h"
#include "pkg/yaml/yaml.h"

#define FILE_MAX ((size_t)1 << 20)
#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/"

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

static bool read_config(const char *path, struct strbuf *out, struct error *err)
{
	CLEANUP(close_file) FILE *file = fopen(path, "re");
	char chunk[8192];
	if (!file)
		return error_set(err, ERROR_FATAL, "%s", strerror(errno));
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), file)) > 0;) {
		strbuf_add(out, chunk, n);
		if (out->len > FILE_MAX)
			return error_set(err, ERROR_FATAL, "larger than 1 MiB");
	}
	if (ferror(file))
		return error_set(err, ERROR_FATAL, "%s", strerror(errno));
	return true;
}

/* One file being read: what its texts are relative to, where copies go. */
struct load {
	const char *folder;
	struct arena *arena;
	struct endpoint *out;
	struct error *err;
};

/* A member that must be text where it is there; NULL if absent or empty. */
static bool text_member(struct load *load, const struct json *object, const char *key,
			const char **out)
{
	const struct json *member = json_get(object, key);
	const char *text = json_text(member);
	*out = text && text[0] ? arena_strdup(load->arena, text) : NULL;
	if (member && !text && !json_is(member, JSON_NULL))
		return error_set(load->err, ERROR_FATAL, "%s is no text", key);
	return true;
}

static bool file_member(struct load *load, const struct json *object, const char *key,
			const char **out)
{
	if (!text_member(load, object, key, out))
		return false;
	if (*out && (*out)[0] != '/')
		*out = arena_printf(load->arena, "%s/%s", load->folder, *out);
	return true;
}

static bool data_member(struct load *load, const struct json *object, const char *key,
			const char **out)
{
	size_t length;
	if (!text_member(load, object, key, out))
		return false;
	if (!*out)
		return true;
	*out = kube_base64_decode(*out, load->arena, &length);
	if (!*out || strlen(*out) != length)
		return error_set(load->err, ERROR_FATAL, "%s is no base64 of a text", key);
	return true;
}

/* The file and the inline form of one thing: clientcmd lets the inline one win. */
static bool pair_members(struct load *load, const struct json *object, const char *file_key,
			 const char **file, const char **pem)
{
	const char *data_key = arena_printf(load->arena, "%s-data", file_key);
	if (!file_member(load, object, file_key, file) || !data_member(load, object, data_key, pem))
		return false;
	if (*pem)
		*file = NULL;
	return true;
}

static bool is_set(const struct json *object, const char *key)
{
	const struct json *member = json_get(object, key);
	if (json_is(member, JSON_STRING))
		return json_text(member)[0] != '\0';
	return member && !json_is(member, JSON_NULL);
}

static bool check_server(struct load *load)
{
	const char *server = load->out->server;
	size_t scheme = 0;
	if (server && strncmp(server, "https://", 8) == 0)
		scheme = 8;
	else if (server && strncmp(server, "http://", 7) == 0)
		scheme = 7;
	if (!server)
		return error_set(load->err, ERROR_FATAL, "server is missing");
	if (scheme == 0 || server[scheme] == '\0' || server[scheme] == '/')
		return error_set(load->err, ERROR_FATAL,
				 "server \"%s\" is no http or https address", server);
	size_t length = strlen(server);
	while (server[length - 1] == '/')
		length--;
	load->out->server = arena_strndup(load->arena, server, length);
	return true;
}

static bool read_cluster(struct load *load, const struct json *cluster, const char *server)
{
	struct endpoint *out = load->out;
	if (is_set(cluster, "proxy-url"))
		return error_set(load->err, ERROR_FATAL, "proxy-url is not supported");
	if (!text_member(load, cluster, "server", &out->server) ||
	    !text_member(load, cluster, "tls-server-name", &out->tls_server_name) ||
	    !pair_members(load, cluster, "certificate-authority", &out->ca_file, &out->ca_pem))
		return false;
	out->insecure_skip_verify =
	    json_bool_or(json_get(cluster, "insecure-skip-tls-verify"), false);
	if (out->insecure_skip_verify && (out->ca_file || out->ca_pem))
		return error_set(load->err, ERROR_FATAL,
				 "insecure-skip-tls-verify and a certificate-authority contradict "
				 "each other");
	if (server)
		out->server = arena_strdup(load->arena, server);
	return check_server(load);
}

static bool refuse_unsupported(struct load *load, const struct json *user)
{
	static const struct {
		const char *key, *why;
	} unsupported[] = {
	    {"exec", "exec plugins are not supported; use a token or a client certificate"},
	    {"auth-provider",
	     "auth-provider plugins are not supported; use a token or a client certificate"},
	    {"username", "basic authentication is not supported"},
	    {"password", "basic authentication is not supported"},
	    {"as", "impersonation is not supported"},
	    {"as-uid", "impersonation is not supported"},
	    {"as-groups", "impersonation is not supported"},
	    {"as-user-extra", "impersonation is not supported"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(unsupported); i++) {
		if (is_set(user, unsupported[i].key))
			return error_set(load->err, ERROR_FATAL, "%s: %s", unsupported[i].key,
					 unsupported[i].why);
	}
	return true;
}

static bool read_user(struct load *load, const struct json *user)
{
	struct endpoint *out = load->out;
	if (!refuse_unsupported(load, user) || !text_member(load, user, "token", &out->token) ||
	    !file_member(load, user, "tokenFile", &out->token_file) ||
	    !pair_members(load, user, "client-certificate", &out->client_cert_file,
			  &out->client_cert_pem) ||
	    !pair_members(load, user, "client-key", &out->client_key_file, &out->client_key_pem))
		return false;
	bool cert = out->client_cert_file || out->client_cert_pem;
	bool key = out->client_key_file || out->client_key_pem;
	if (cert != key)
		return error_set(load->err, ERROR_FATAL,
				 "client-certificate and client-key go "
				 "together, %s is missing",
				 cert ? "client-key" : "client-certificate");
	return true;
}

/* {"clusters":[{"name":…,"cluster":{…}}]}: NULL with err set if there is none of that name. */
static const struct json *find_named(const struct json *config, const char *list, const char *kind,
				     const char *name, struct error *err)
{
	const struct json *items = json_get(config, list);
	for (size_t i = 0; json_is(items, JSON_ARRAY) && i < json_count(items); i++) {
		const struct json *item = json_at(items, i);
		if (strcmp(json_text_or(json_get(item, "name"), ""), name) != 0)
			continue;
		if (json_is(json_get(item, kind), JSON_OBJECT))
			return json_get(item, kind);
		error_set(err, ERROR_FATAL, "%s \"%s\": %s is no object", kind, name, kind);
		return NULL;
	}
	error_set(err, ERROR_FATAL, "there is no %s \"%s\"", kind, name);
	return NULL;
}

static bool read_context(struct load *load, const struct json *config, const char *server)
{
	const char *name = json_text_or(json_get(config, "current-context"), "");
	if (!name[0])
		return error_set(load->err, ERROR_FATAL, "current-context is not set");
	const struct json *context = find_named(config, "contexts", "context", name, load->err);
	if (!context)
		return false;
	const char *cluster_name = json_text_or(json_get(context, "cluster"), "");
	const char *user_name = json_text_or(json_get(context, "user"), "");
	const struct json *cluster =
	    find_named(config, "clusters", "cluster", cluster_name, load->err);
	if (!cluster)
		return error_wrap(load->err, "context \"%s\"", name);
	if (!read_cluster(load, cluster, server))
		return error_wrap(load->err, "cluster \"%s\"", cluster_name);
	if (!user_name[0])
		return true; /* a server that asks for no credentials */
	const struct json *user = find_named(config, "users", "user", user_name, load->err);
	if (!user)
		return error_wrap(load->err, "context \"%s\"", name);
	if (!read_user(load, user))
		return error_wrap(load->err, "user \"%s\"", user_name);
	return true;
}

static bool load_file(const char *path, const char *server, struct load *load)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	static const struct json_limits limits = {.max_bytes = FILE_MAX};
	struct json *config;
	if (!read_config(path, &text, load->err))
		return false;
	if (!yaml_parse(text.buf, text.len, &limits, scratch, &config, load->err)) {
		load->err->kind = ERROR_FATAL;
		return false;
	}
	if (!json_is(config, JSON_OBJECT))
		return error_set(load->err, ERROR_FATAL, "it is no kubeconfig");
	return read_context(load, config, server);
}

bool kube_config_load(const char *path, const char *server, struct arena *arena,
		      struct endpoint *out, struct error *err)
{
	CLEANUP(error_clear) struct error why = ERROR_INIT;
	const char *slash = strrchr(path, '/');
	struct load load = {.arena = arena, .out = out, .err = &why};
	*out = (struct endpoint){0};
	load.folder = slash ? arena_strndup(arena, path, (size_t)(slash - path)) : ".";
	if (load_file(path, server, &load))
		return true;
	error_wrap(&why, "kubeconfig %s", path);
	if (err)
		error_take(err, &why);
	return false;
}

static bool check_readable(const char *path, struct error *err)
{
	if (access(path, R_OK) == 0)
		return true;
	return error_set(err, ERROR_FATAL, "in-cluster configuration: %s: %s", path,
			 strerror(errno));
}

bool kube_config_in_cluster(const char *root, struct arena *arena, struct endpoint *out,
			    struct error *err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	*out = (struct endpoint){0};
	if (!host || !host[0] || !port || !port[0])
		return error_set(err, ERROR_FATAL,
				 "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: "
				 "not in a pod; use --kubeconfig or KUBECONFIG");
	out->token_file = arena_printf(arena, "%s" SERVICE_ACCOUNT "token", root);
	out->ca_file = arena_printf(arena, "%s" SERVICE_ACCOUNT "ca.crt", root);
	if (!check_readable(out->token_file, err) || !check_readable(out->ca_file, err))
		return false;
	bool bare_v6 = strchr(host, ':') && host[0] != '[';
	out->server =
	    arena_printf(arena, bare_v6 ? "https://[%s]:%s" : "https://%s:%s", host, port);
	return true;
}
