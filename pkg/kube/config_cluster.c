/*
 * A cluster entry of a kubeconfig: where the server is and how it is known. What contradicts itself
 * is refused; nothing here weakens what the file says.
 */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "pkg/kube/config_internal.h"

static const char *after_scheme(const char *server)
{
	if (strncmp(server, "https://", 8) == 0)
		return server + 8;
	return strncmp(server, "http://", 7) == 0 ? server + 7 : NULL;
}

static bool check_server(struct arena *arena, struct endpoint *out, struct error *err)
{
	const char *host = out->server ? after_scheme(out->server) : NULL;

	if (!out->server)
		return error_set(err, ERROR_FATAL, "server is missing");
	if (!host || host[0] == '\0' || host[0] == '/')
		return error_set(err, ERROR_FATAL, "server \"%s\" is no http or https address",
				 strchr(out->server, '@') ? "" : out->server);
	size_t length = strlen(out->server);
	while (out->server[length - 1] == '/')
		length--;
	out->server = arena_strndup(arena, out->server, length);
	return true;
}

bool config_cluster(const struct config_entry *cluster, const char *server, struct arena *arena,
		    struct endpoint *out, struct error *err)
{
	const struct json *value = cluster->value;

	if (!config_text(value, "server", arena, &out->server, err) ||
	    !config_text(value, "tls-server-name", arena, &out->tls_server_name, err) ||
	    !config_text(value, "proxy-url", arena, &out->proxy, err) ||
	    !config_bool(value, "insecure-skip-tls-verify", &out->insecure_skip_verify, err) ||
	    !config_pair(value, "certificate-authority", cluster->file->folder, arena,
			 &out->ca_file, &out->ca_pem, err))
		return false;
	if (out->insecure_skip_verify && (out->ca_file || out->ca_pem))
		return error_set(err, ERROR_FATAL,
				 "insecure-skip-tls-verify and a certificate-authority contradict "
				 "each other");
	if (server)
		out->server = arena_strdup(arena, server);
	return check_server(arena, out, err);
}

bool config_is_loopback(const char *server)
{
	const char *from = after_scheme(server);
	char host[64] = "";
	struct in_addr v4;

	if (!from)
		return false;
	bool v6 = from[0] == '[';
	size_t length = strcspn(from + v6, v6 ? "]" : ":/?#");
	if (length >= sizeof(host) || strcspn(from, "@") < strcspn(from, "/?#"))
		return false;
	memcpy(host, from + v6, length);
	if (v6)
		return strcmp(host, "::1") == 0;
	return strcasecmp(host, "localhost") == 0 ||
	       (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}
