/*
 * Flags and environment of `run`. An empty variable counts as unset, as a manifest with an empty
 * value means it.
 */
#include "cmd/autoscaler-keda-hpa/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/autoscaler-keda-hpa/commands.h"

#define PROBES_PORT 8080
#define METRICS_PORT 9090
#define SCALER_PORT 9092

static const struct option flags[] = {
    {"kubeconfig", required_argument, NULL, 'k'},
    {"server", required_argument, NULL, 's'},
    {"namespace", required_argument, NULL, 'n'},
    {"disable-ha", no_argument, NULL, 'd'},
    {"proxy-from-environment", no_argument, NULL, 'p'},
    {"log-format", required_argument, NULL, 'l'},
    {"debug-port", required_argument, NULL, 'g'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

void options_usage(void)
{
	fputs("Usage: " PROGRAM " [run] [OPTION...]\n"
	      "\n"
	      "Runs the controller until SIGTERM.\n"
	      "\n"
	      "  --kubeconfig FILE   where the API server is and who we are (else KUBECONFIG,\n"
	      "                      else the pod's own service account)\n"
	      "  --server URL        another API server than the kubeconfig's\n"
	      "  --namespace NAME    look after one namespace only\n"
	      "  --disable-ha        no leader election: exactly one replica may run\n"
	      "  --proxy-from-environment\n"
	      "                      reach the API server as HTTPS_PROXY and NO_PROXY say (else\n"
	      "                      by the kubeconfig's proxy-url, if any)\n"
	      "  --log-format json|console\n"
	      "                      one JSON object a line, or lines for people (else as\n"
	      "                      config-logging says, else json)\n"
	      "  --debug-port N      answer /debug/state on 127.0.0.1:N (off unless given)\n"
	      "  --help              this text\n"
	      "\n"
	      "Environment:\n"
	      "  SYSTEM_NAMESPACE         namespace of the ConfigMaps; required\n"
	      "  KUBECONFIG               as --kubeconfig; of several files, separated by colons,\n"
	      "                           the first that has a name wins\n"
	      "  POD_NAME, HOSTNAME       our name in Events, logs and leases\n"
	      "  PROBES_PORT              of /health and /readiness (8080)\n"
	      "  METRICS_PROMETHEUS_PORT  of /metrics (9090)\n"
	      "  DEBUG_PORT               as --debug-port\n"
	      "  SCALER_PORT              where KEDA asks for concurrency and rps, by gRPC (9092)\n"
	      "  SCALER_TLS_CERT_FILE, SCALER_TLS_KEY_FILE\n"
	      "                           certificate and key of that port (else without TLS)\n"
	      "  SCALER_TLS_CLIENT_CA_FILE\n"
	      "                           only who has a certificate of this CA may ask there\n"
	      "  CONFIG_LEADERELECTION_NAME\n"
	      "                           ConfigMap of leader election (config-leader-election)\n"
	      "  CONFIG_LOGGING_NAME      ConfigMap of log levels (config-logging)\n"
	      "  CONFIG_OBSERVABILITY_NAME\n"
	      "                           ConfigMap of metrics (config-observability)\n"
	      "  NO_COLOR                 no colours on a terminal\n",
	      stdout);
}

static const char *from_env(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

static bool read_port(const char *name, const char *text, uint16_t *out, struct error *err)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9' || value > UINT16_MAX)
		return error_set(err, ERROR_FATAL, "%s: \"%s\" is no port number", name, text);
	*out = (uint16_t)value;
	return true;
}

static bool port_from_env(const char *name, uint16_t fallback, uint16_t *out, struct error *err)
{
	const char *text = from_env(name);

	*out = fallback;
	return !text || read_port(name, text, out, err);
}

static bool read_log_format(const char *text, struct options *out, struct error *err)
{
	out->log_format_given = true;
	if (strcmp(text, "json") == 0)
		out->log_format = LOG_JSON;
	else if (strcmp(text, "console") == 0)
		out->log_format = LOG_CONSOLE;
	else
		return error_set(err, ERROR_FATAL, "--log-format: \"%s\" is not json or console",
				 text);
	return true;
}

static bool read_flags(int argc, char **argv, struct options *out, struct error *err)
{
	int flag;

	opterr = 0;
	while ((flag = getopt_long(argc, argv, ":", flags, NULL)) != -1) {
		switch (flag) {
		case 'k':
			out->kubeconfig = optarg;
			break;
		case 's':
			out->server = optarg;
			break;
		case 'n':
			out->ns = optarg;
			break;
		case 'd':
			out->disable_ha = true;
			break;
		case 'p':
			out->proxy_from_environment = true;
			break;
		case 'l':
			if (!read_log_format(optarg, out, err))
				return false;
			break;
		case 'g':
			if (!read_port("--debug-port", optarg, &out->debug_port, err))
				return false;
			break;
		case 'h':
			out->help = true;
			break;
		case ':':
			return error_set(err, ERROR_FATAL, "%s needs a value", argv[optind - 1]);
		default:
			return error_set(err, ERROR_FATAL, "there is no option %s",
					 argv[optind - 1]);
		}
	}
	if (optind < argc)
		return error_set(err, ERROR_FATAL, "\"%s\": no argument is expected", argv[optind]);
	return true;
}

static bool read_scaler(struct options *out, struct error *err)
{
	out->scaler_cert_file = from_env("SCALER_TLS_CERT_FILE");
	out->scaler_key_file = from_env("SCALER_TLS_KEY_FILE");
	out->scaler_client_ca_file = from_env("SCALER_TLS_CLIENT_CA_FILE");
	if (!out->scaler_cert_file != !out->scaler_key_file)
		return error_set(err, ERROR_FATAL,
				 "SCALER_TLS_CERT_FILE and SCALER_TLS_KEY_FILE go together");
	if (out->scaler_client_ca_file && !out->scaler_cert_file)
		return error_set(err, ERROR_FATAL,
				 "SCALER_TLS_CLIENT_CA_FILE needs SCALER_TLS_CERT_FILE");
	return port_from_env("SCALER_PORT", SCALER_PORT, &out->scaler_port, err);
}

bool options_read(int argc, char **argv, struct options *out, struct error *err)
{
	*out = (struct options){0};
	if (!read_flags(argc, argv, out, err))
		return false;
	if (out->help)
		return true;
	out->system_namespace = from_env("SYSTEM_NAMESPACE");
	if (!out->system_namespace)
		return error_set(err, ERROR_FATAL,
				 "SYSTEM_NAMESPACE is not set: it names the namespace of the "
				 "ConfigMaps, usually knative-serving");
	out->pod = from_env("POD_NAME");
	if (!out->pod)
		out->pod = from_env("HOSTNAME");
	out->leader_election = from_env("CONFIG_LEADERELECTION_NAME");
	out->config_logging = from_env("CONFIG_LOGGING_NAME");
	out->config_observability = from_env("CONFIG_OBSERVABILITY_NAME");
	out->rate_limited = from_env("KUBE_API_QPS") || from_env("KUBE_API_BURST");
	return port_from_env("PROBES_PORT", PROBES_PORT, &out->probes_port, err) &&
	       port_from_env("METRICS_PROMETHEUS_PORT", METRICS_PORT, &out->metrics_port, err) &&
	       (out->debug_port || port_from_env("DEBUG_PORT", 0, &out->debug_port, err)) &&
	       read_scaler(out, err);
}
