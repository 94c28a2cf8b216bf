/* Options as kubectl names them, read anywhere on the line. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/autoscaler-keda-hpa/people.h"
#include "pkg/units/duration.h"

#define TIMEOUT_MS 30000
#define TIMEOUT_MAX_MS INT64_C(86400000)

const char people_usage[] =
    "  -n, --namespace NAME     the namespace (default: that of the context)\n"
    "      --kubeconfig FILE    else KUBECONFIG, else ~/.kube/config, else the pod's\n"
    "      --context NAME       of the kubeconfig\n"
    "  -s, --server URL         another API server than the context's\n"
    "      --request-timeout T  of one request: 30s (default), 2m; 0 is none\n"
    "      --proxy-from-environment\n"
    "                           use HTTPS_PROXY and NO_PROXY\n"
    "  -h, --help               this text\n"
    "\n"
    "Environment: KUBECONFIG; SYSTEM_NAMESPACE (default knative-serving), where the\n"
    "controller, its ConfigMaps and its leases are.\n";

static const struct option options[] = {
    {"namespace", required_argument, NULL, 'n'},
    {"kubeconfig", required_argument, NULL, 'k'},
    {"context", required_argument, NULL, 'c'},
    {"server", required_argument, NULL, 's'},
    {"request-timeout", required_argument, NULL, 't'},
    {"proxy-from-environment", no_argument, NULL, 'p'},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    /* of commands that can list; they stay last */
    {"all-namespaces", no_argument, NULL, 'A'},
    {"watch", no_argument, NULL, 'w'},
    {NULL, 0, NULL, 0},
};

static bool take_output(const char *text, bool many, enum people_output *out, struct error *err)
{
	if (strcmp(text, "json") == 0)
		*out = OUTPUT_JSON;
	else if (many && strcmp(text, "wide") == 0)
		*out = OUTPUT_WIDE;
	else
		return error_set(err, ERROR_FATAL, "--output: \"%s\" is not %s", text,
				 many ? "wide or json" : "json");
	return true;
}

/* A Go duration, or whole seconds, as kubectl takes it. */
static bool take_timeout(const char *text, int64_t *out_ms, struct error *err)
{
	char *end;
	long seconds;
	int64_t nanoseconds;

	errno = 0;
	seconds = strtol(text, &end, 10);
	if (text[0] && !*end && !errno)
		*out_ms = seconds > TIMEOUT_MAX_MS / 1000 ? TIMEOUT_MAX_MS : seconds * 1000;
	else if (duration_parse(text, &nanoseconds))
		*out_ms = nanoseconds / 1000000;
	else
		*out_ms = -1;
	if (*out_ms < 0)
		return error_set(err, ERROR_FATAL,
				 "--request-timeout: \"%s\" is no duration such as 30s", text);
	return true;
}

static bool take(int option, bool many, struct people_options *out, struct error *err)
{
	switch (option) {
	case 'n':
		out->ns = optarg;
		return true;
	case 'k':
		out->config.file = optarg;
		return true;
	case 'c':
		out->config.context = optarg;
		return true;
	case 's':
		out->config.server = optarg;
		return true;
	case 'p':
		out->config.proxy_from_environment = true;
		return true;
	case 'h':
		out->help = true;
		return true;
	case 'o':
		return take_output(optarg, many, &out->output, err);
	case 't':
		return take_timeout(optarg, &out->timeout_ms, err);
	default:
		return error_set(err, ERROR_FATAL, "there is no option %s", optarg);
	}
}

static bool take_listing(int option, struct people_options *out)
{
	if (option == 'A')
		out->all_namespaces = true;
	else if (option == 'w')
		out->watch = true;
	else
		return false;
	return true;
}

static bool read_flags(int argc, char **argv, bool many, struct people_options *out,
		       struct error *err)
{
	int flag;

	opterr = 0;
	while ((flag = getopt_long(argc, argv, ":n:s:o:hAw", options, NULL)) != -1) {
		if (flag == ':')
			return error_set(err, ERROR_FATAL, "%s needs a value", argv[optind - 1]);
		if (many && take_listing(flag, out))
			continue;
		if (flag == '?' || strchr("Aw", flag))
			return error_set(err, ERROR_FATAL, "there is no option %s",
					 argv[optind - 1]);
		if (!take(flag, many, out, err))
			return false;
	}
	return true;
}

bool people_options_read(int argc, char **argv, bool many, struct people_options *out,
			 struct error *err)
{
	*out = (struct people_options){.timeout_ms = TIMEOUT_MS};
	if (!read_flags(argc, argv, many, out, err))
		return false;
	if (out->help)
		return true;
	if (argc - optind > 1)
		return error_set(err, ERROR_FATAL, "\"%s\": one name is taken", argv[optind + 1]);
	out->name = optind < argc ? argv[optind] : NULL;
	if (out->name && !out->name[0])
		return error_set(err, ERROR_FATAL, "the name is empty");
	if (!many && !out->name)
		return error_set(err, ERROR_FATAL, "which revision or service?");
	if (out->ns && !out->ns[0])
		return error_set(err, ERROR_FATAL, "the namespace is empty");
	if (out->all_namespaces && out->name)
		return error_set(err, ERROR_FATAL,
				 "a resource cannot be retrieved by name across all namespaces");
	return true;
}
