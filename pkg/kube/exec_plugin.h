/*
 * struct exec_plugin: a program of the user's that says who the user is, as client-go's credential
 * plugins (plugin/pkg/client/auth/exec): it is told by KUBERNETES_EXEC_INFO what is wanted and
 * prints an ExecCredential of client.authentication.k8s.io, v1 or v1beta1, with a bearer token or a
 * client certificate and key. It is started directly, never through a shell; a command without a
 * slash is looked up in the absolute folders of PATH. Its stderr is ours; its stdin is ours if it
 * may ask (interactiveMode) and ours is a terminal, else empty. It gets no other open file.
 */
#ifndef KUBE_EXEC_PLUGIN_H
#define KUBE_EXEC_PLUGIN_H

#include <stddef.h>

#include "pkg/json/json.h"
#include "pkg/net/curl_transport.h"

enum exec_interactive { EXEC_NEVER, EXEC_IF_AVAILABLE, EXEC_ALWAYS };

struct exec_plugin {
	const char *command;
	const char *const *args;    /* NULL at the end */
	const char *const *env;     /* "NAME=value", NULL at the end; win over our own */
	const char *api_version;    /* client.authentication.k8s.io/v1 or v1beta1 */
	const char *install_hint;   /* goes below the error where it fails; or NULL */
	const struct json *cluster; /* spec.cluster; NULL: it is not told (provideClusterInfo) */
	enum exec_interactive interactive;
	int64_t limit_ms; /* 0: 60 s, 5 min where it may ask somebody; then it is killed */
};

/* Runs it and waits (struct credential_source.fetch; ctx: the plugin). Its output is 1 MiB at most.
 * ERROR_FATAL: it is not there, failed, took too long or answered nonsense; the message never
 * holds what it printed. */
MUST_CHECK bool exec_plugin_fetch(void *ctx, struct arena *arena, struct credentials *out,
				  struct error *err);
/* What it printed, to what it says; pure. wall_ms: now. */
MUST_CHECK bool exec_plugin_answer(const struct exec_plugin *plugin, const struct strbuf *text,
				   int64_t wall_ms, struct arena *arena, struct credentials *out,
				   struct error *err);

#endif
