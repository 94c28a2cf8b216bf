/*
 * Where the API server is: a kubeconfig file (clientcmd v1 format, YAML or JSON) or the pod's own
 * service account. Supported users: token, tokenFile, client certificate and key (inline or file).
 * Exec and auth-provider plugins and basic auth are refused with a message that names the user.
 */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H

#include "pkg/base/arena.h"
#include "pkg/net/curl_transport.h"

/* path: a file. context NULL: current-context. Relative paths inside are taken from the file's
 * folder. Texts live in the arena. server, if not NULL, replaces the cluster's. */
MUST_CHECK bool kube_config_load(const char *path, const char *server, struct arena *arena,
				 struct endpoint *out, struct error *err);
/* rest.InClusterConfig: KUBERNETES_SERVICE_HOST/PORT and
 * /var/run/secrets/kubernetes.io/serviceaccount/{token,ca.crt}. root: "" but for tests. */
MUST_CHECK bool kube_config_in_cluster(const char *root, struct arena *arena, struct endpoint *out,
				       struct error *err);

#endif
