/*
 * Where the API server is and who we are: kubeconfig files as client-go's clientcmd reads them (v1,
 * YAML or JSON, 1 MiB each at most), or the pod's own service account.
 *
 * Which files: the one that is named, which must be there; else those of $KUBECONFIG (separated by
 * colons; missing and empty ones are passed over); else, for people, ~/.kube/config. Of several,
 * the first that has a name wins (also current-context); relative paths begin at the folder of the
 * file they stand in. Without any file: the pod's service account (clientcmd's in-cluster
 * fallback).
 *
 * Users: token, tokenFile, client certificate and key (inline or file). People's commands take
 * exec plugins (pkg/kube/exec_plugin.h; a token beside one wins) and impersonation too. The
 * controller refuses both: its image holds no other program and its seccomp profile starts none,
 * and it is to act as its own service account or not at all. auth-provider plugins, which
 * client-go has given up, and basic authentication, which Kubernetes has, are refused by name: to
 * go on without them would be to talk to the server as somebody else.
 */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H

#include "pkg/base/arena.h"
#include "pkg/net/curl_transport.h"

/* Texts are borrowed for the call. "" counts as NULL. */
struct kube_config_request {
	const char *file;            /* --kubeconfig */
	const char *context;         /* --context; NULL: current-context */
	const char *server;          /* --server, instead of the cluster's */
	bool proxy_from_environment; /* where the cluster has no proxy-url */
};

struct kube_config {
	struct endpoint endpoint;
	const char *ns;      /* the context's namespace, in a pod the pod's; else "default" */
	const char *context; /* its name; NULL: no file was read */
};

/* Texts, and the exec plugin that endpoint.credentials leads to, live in the arena: it must outlive
 * the transport. Nothing is executed here. ERROR_FATAL, the message names the file. */
MUST_CHECK bool kube_config_for_people(const struct kube_config_request *request,
				       struct arena *arena, struct kube_config *out,
				       struct error *err);
/* As above, but never from ~/.kube/config, nor from the pod where $KUBECONFIG is set. Refused too:
 * an address that is not verified (http, insecure-skip-tls-verify), but for a loopback one. */
MUST_CHECK bool kube_config_for_controller(const struct kube_config_request *request,
					   struct arena *arena, struct kube_config *out,
					   struct error *err);
/* rest.InClusterConfig: KUBERNETES_SERVICE_HOST/PORT and
 * /var/run/secrets/kubernetes.io/serviceaccount/{token,ca.crt,namespace}; POD_NAMESPACE goes before
 * the latter. root: "" but for tests. */
MUST_CHECK bool kube_config_in_cluster(const char *root, struct arena *arena,
				       struct kube_config *out, struct error *err);

#endif
