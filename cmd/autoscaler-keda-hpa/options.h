/*
 * What `run` is told by flags and environment (contract section 8), checked before anything is
 * opened.
 */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/error.h"

/* Texts are argv's or the environment's. */
struct options {
	bool help;
	const char *kubeconfig; /* --kubeconfig, else KUBECONFIG; NULL: in-cluster */
	const char *server;     /* NULL: the kubeconfig's */
	const char *ns;         /* NULL: all namespaces */
	bool disable_ha;
	const char *leader_election; /* CONFIG_LEADERELECTION_NAME; NULL: the usual ConfigMap */
	const char *system_namespace;
	const char *pod;       /* POD_NAME, else HOSTNAME; may be NULL */
	uint16_t probes_port;  /* 8080 */
	uint16_t metrics_port; /* 9090 */
	bool rate_limited;     /* KUBE_API_QPS or KUBE_API_BURST is set */
};

/* False: wrong use, err says what. */
MUST_CHECK bool options_read(int argc, char **argv, struct options *out, struct error *err);
void options_usage(void); /* to stdout */

#endif
