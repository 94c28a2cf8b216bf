/*
 * What `run` is told by flags and environment (contract section 8), checked before anything is
 * opened.
 */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/error.h"
#include "pkg/base/log.h"

/* Texts are argv's or the environment's. */
struct options {
	bool help;
	const char *kubeconfig; /* --kubeconfig; NULL: KUBECONFIG, else in-cluster */
	const char *server;     /* NULL: the kubeconfig's */
	const char *ns;         /* NULL: all namespaces */
	bool disable_ha;
	bool proxy_from_environment;
	const char *leader_election; /* CONFIG_LEADERELECTION_NAME; NULL: the usual ConfigMap */
	const char *config_logging, *config_observability; /* CONFIG_*_NAME; likewise */
	bool log_format_given;                             /* --log-format */
	enum log_format log_format;
	const char *system_namespace;
	const char *pod;       /* POD_NAME, else HOSTNAME; may be NULL */
	uint16_t probes_port;  /* 8080 */
	uint16_t metrics_port; /* 9090 */
	uint16_t debug_port;   /* --debug-port, else DEBUG_PORT; 0: no such listener */
	uint16_t scaler_port;  /* 9092; 0: a free one */
	/* PEM files; NULL: KEDA is answered without TLS, or without asking who it is */
	const char *scaler_cert_file, *scaler_key_file, *scaler_client_ca_file;
	bool rate_limited; /* KUBE_API_QPS or KUBE_API_BURST is set */
};

/* False: wrong use, err says what. */
MUST_CHECK bool options_read(int argc, char **argv, struct options *out, struct error *err);
void options_usage(void); /* to stdout */

#endif
