/*
 * Flags and environment of `run`. An empty variable counts as unset, as a manifest with an empty
 * value means it.
 */
#include "cmd/autoscaler-keda-hpa/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/autoscaler-keda-hpa/commands.h"

#define PROBES_PORT 8080
#define METRICS_PORT 9090

static const struct option flags[] = {
    {"kubeconfig", required_argument, NULL, 'k'},
    {"server", required_argument, NULL, 's'},
    {"namespace", required_argument, NULL, 'n'},
    {"disable-ha", no_argument, NULL, 'd'},
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
	      "  --help              this text\n"
	      "\n"
	      "Environment:\n"
	      "  SYSTEM_NAMESPACE         namespace of the ConfigMaps; required\n"
	      "  KUBECONFIG               as --kubeconfig\n"
	      "  POD_NAME, HOSTNAME       our name in Events, logs and leases\n"
	      "  PROBES_PORT              of /health and /readiness (8080)\n"
	      "  METRICS_PROMETHEUS_PORT  of /metrics (9090)\n"
	      "  CONFIG_LEADERELECTION_NAME\n"
	      "                           ConfigMap of leader election (config-leader-election)\n",
	      stdout);
}

static const char *from_env(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

static bool port_from_env(const char *name, uint16_t fallback, uint16_t *out, struct error *err)
{
	const char *text = from_env(name);
	char *end;
	unsigned long value;

	*out = fallback;
	if (!text)
		return true;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9' || value > UINT16_MAX)
		return error_set(err, ERROR_FATAL, "%s: \"%s\" is no port number", name, text);
	*out = (uint16_t)value;
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

bool options_read(int argc, char **argv, struct options *out, struct error *err)
{
	*out = (struct options){.kubeconfig = from_env("KUBECONFIG")};
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
	out->rate_limited = from_env("KUBE_API_QPS") || from_env("KUBE_API_BURST");
	return port_from_env("PROBES_PORT", PROBES_PORT, &out->probes_port, err) &&
	       port_from_env("METRICS_PROMETHEUS_PORT", METRICS_PORT, &out->metrics_port, err);
}
