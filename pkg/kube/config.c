/*
 * Which files are read, which context of them counts, and the pod's service account. Invariant: an
 * endpoint is handed out whole or not at all.
 */
#include "pkg/kube/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/kube/config_internal.h"

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/"
#define DEFAULT_NAMESPACE "default"

static const char *text_or_null(const char *text)
{
	return text && text[0] ? text : NULL;
}

static const char *from_env(const char *name)
{
	return text_or_null(getenv(name));
}

/* ---- files ---- */

static bool find_files(const struct kube_config_request *request, bool people, struct arena *arena,
		       struct config_files *out, struct error *err)
{
	const char *list = from_env("KUBECONFIG"), *home = from_env("HOME");

	*out = (struct config_files){0};
	if (text_or_null(request->file)) {
		out->sought = request->file;
		return config_files_add(out, request->file, arena, err);
	}
	if (!list && people && home)
		list = arena_printf(arena, "%s/.kube/config", home);
	out->sought = list ? list : "";
	return !list || config_files_add_list(out, list, arena, err);
}

/* The one file, or all of them: where a name would have to be. */
static bool not_found(const struct config_files *files, struct error *err, const char *kind,
		      const char *name)
{
	return error_set(err, ERROR_FATAL, "kubeconfig %s: there is no %s \"%s\"", files->sought,
			 kind, name);
}

static bool read_context(const struct config_files *files, const char *wanted, struct arena *arena,
			 struct config_entry *out, struct kube_config *config, struct error *err)
{
	const char *name = text_or_null(wanted);

	if (!name)
		name = config_files_current(files);
	if (!name)
		return error_set(err, ERROR_FATAL, "kubeconfig %s: current-context is not set",
				 files->sought);
	if (!config_files_find(files, "contexts", "context", name, out, err))
		return false;
	if (!out->value)
		return not_found(files, err, "context", name);
	if (!config_text(out->value, "namespace", arena, &config->ns, err))
		return error_wrap(err, "kubeconfig %s: context \"%s\"", out->file->path, name);
	out->name = config->context = arena_strdup(arena, name);
	return true;
}

/* The entry that the context names. An empty name: there is none. */
static bool find_part(const struct config_files *files, const struct config_entry *context,
		      const char *list, const char *kind, struct config_entry *out,
		      struct error *err)
{
	const char *name = json_text_or(json_get(context->value, kind), "");

	if (!config_files_find(files, list, kind, name, out, err))
		return false;
	if (out->value)
		return true;
	return error_set(err, ERROR_FATAL, "kubeconfig %s: context \"%s\": there is no %s \"%s\"",
			 files->sought, context->name, kind, name);
}

static bool read_cluster(const struct config_files *files, const struct config_entry *context,
			 const char *server, struct arena *arena, struct config_entry *cluster,
			 struct endpoint *out, struct error *err)
{
	if (!find_part(files, context, "clusters", "cluster", cluster, err))
		return false;
	return config_cluster(cluster, text_or_null(server), arena, out, err) ||
	       error_wrap(err, "kubeconfig %s: cluster \"%s\"", cluster->file->path, cluster->name);
}

static bool read_user(const struct config_files *files, const struct config_entry *context,
		      const struct config_entry *cluster, bool people, struct arena *arena,
		      struct endpoint *out, struct error *err)
{
	const char *name = json_text_or(json_get(context->value, "user"), "");
	struct config_entry user;

	if (!name[0])
		return true; /* a server that asks for no credentials */
	if (!find_part(files, context, "users", "user", &user, err))
		return false;
	return config_user(&user, cluster, people, arena, out, err) ||
	       error_wrap(err, "kubeconfig %s: user \"%s\"", user.file->path, user.name);
}

static bool read_files(const struct config_files *files, const struct kube_config_request *request,
		       bool people, struct arena *arena, struct kube_config *out, struct error *err)
{
	struct config_entry context = {0}, cluster = {0};

	return read_context(files, request->context, arena, &context, out, err) &&
	       read_cluster(files, &context, request->server, arena, &cluster, &out->endpoint,
			    err) &&
	       read_user(files, &context, &cluster, people, arena, &out->endpoint, err);
}

/* ---- without files ---- */

static bool check_readable(const char *path, struct error *err)
{
	if (access(path, R_OK) == 0)
		return true;
	return error_set(err, ERROR_FATAL, "in-cluster configuration: %s: %s", path,
			 strerror(errno));
}

static const char *pod_namespace(const char *root, struct arena *arena)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	const char *ns = from_env("POD_NAMESPACE");

	if (ns)
		return arena_strdup(arena, ns);
	if (!config_read(arena_printf(arena, "%s" SERVICE_ACCOUNT "namespace", root), &text, NULL))
		return NULL;
	return text_or_null(arena_strndup(arena, text.buf, strcspn(text.buf, " \t\r\n")));
}

bool kube_config_in_cluster(const char *root, struct arena *arena, struct kube_config *out,
			    struct error *err)
{
	const char *host = from_env("KUBERNETES_SERVICE_HOST");
	const char *port = from_env("KUBERNETES_SERVICE_PORT");
	struct endpoint *endpoint = &out->endpoint;

	*out = (struct kube_config){.ns = DEFAULT_NAMESPACE};
	if (!host || !port)
		return error_set(err, ERROR_FATAL,
				 "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: "
				 "not in a pod; use --kubeconfig or KUBECONFIG");
	endpoint->token_file = arena_printf(arena, "%s" SERVICE_ACCOUNT "token", root);
	endpoint->ca_file = arena_printf(arena, "%s" SERVICE_ACCOUNT "ca.crt", root);
	if (!check_readable(endpoint->token_file, err) || !check_readable(endpoint->ca_file, err))
		return false;
	bool bare_v6 = strchr(host, ':') && host[0] != '[';
	endpoint->server =
	    arena_printf(arena, bare_v6 ? "https://[%s]:%s" : "https://%s:%s", host, port);
	const char *ns = pod_namespace(root, arena);
	if (ns)
		out->ns = ns;
	return true;
}

static bool without_files(const struct config_files *files,
			  const struct kube_config_request *request, bool people,
			  struct arena *arena, struct kube_config *out, struct error *err)
{
	if (text_or_null(request->context))
		return not_found(files, err, "context", request->context);
	if (text_or_null(request->server)) {
		out->endpoint.server = arena_strdup(arena, request->server);
		return true;
	}
	/* The controller is told where to look, or it is in a pod; nothing in between. */
	if (!people && files->sought[0])
		return error_set(err, ERROR_FATAL, "kubeconfig %s: No such file or directory",
				 files->sought);
	if (kube_config_in_cluster("", arena, out, err))
		return true;
	return files->sought[0] ? error_wrap(err, "no kubeconfig at %s", files->sought) : false;
}

/* ---- the calls ---- */

static bool is_verified(const struct endpoint *endpoint)
{
	return strncmp(endpoint->server, "https://", 8) == 0 && !endpoint->insecure_skip_verify;
}

static bool check_verified(const struct config_files *files, const struct endpoint *endpoint,
			   struct error *err)
{
	if (is_verified(endpoint) || config_is_loopback(endpoint->server))
		return true;
	error_set(err, ERROR_FATAL,
		  "server %s would not be verified (%s); the controller sends its token to none "
		  "such but at a loopback address",
		  endpoint->server,
		  endpoint->insecure_skip_verify ? "insecure-skip-tls-verify" : "no https");
	return files->count ? error_wrap(err, "kubeconfig %s", files->sought) : false;
}

static bool load(const struct kube_config_request *request, bool people, struct arena *arena,
		 struct kube_config *out, struct error *err)
{
	struct config_files files;

	*out = (struct kube_config){0};
	if (!find_files(request, people, arena, &files, err))
		return false;
	if (files.count ? !read_files(&files, request, people, arena, out, err)
			: !without_files(&files, request, people, arena, out, err))
		return false;
	if (!people && !check_verified(&files, &out->endpoint, err))
		return false;
	out->endpoint.proxy_from_environment = request->proxy_from_environment;
	if (!out->ns)
		out->ns = DEFAULT_NAMESPACE;
	return true;
}

bool kube_config_for_people(const struct kube_config_request *request, struct arena *arena,
			    struct kube_config *out, struct error *err)
{
	return load(request, true, arena, out, err);
}

bool kube_config_for_controller(const struct kube_config_request *request, struct arena *arena,
				struct kube_config *out, struct error *err)
{
	return load(request, false, arena, out, err);
}
