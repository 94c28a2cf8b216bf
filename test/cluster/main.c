/*
 * devcluster: options, wiring, signals. Everything lives in one struct devcluster; its release is
 * the reverse of its making and takes one that was made half.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/units/duration.h"
#include "test/cluster/devcluster.h"

#define PROGRAM "devcluster"

struct options {
	const char *dir, *trace;
	uint16_t port;
	int64_t hpa_sync_ms;
	bool without_keda, help;
};

static const struct option flags[] = {
    {"dir", required_argument, NULL, 'd'},
    {"port", required_argument, NULL, 'p'},
    {"hpa-sync", required_argument, NULL, 's'},
    {"trace", required_argument, NULL, 't'},
    {"without-keda", no_argument, NULL, 'k'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void usage(void)
{
	fputs(
	    "Usage: " PROGRAM " --dir DIR [OPTION...]\n"
	    "\n"
	    "A small Kubernetes API server on 127.0.0.1 with stand-ins for Knative, KEDA, the HPA\n"
	    "controller and Deployments. Runs until SIGTERM.\n"
	    "\n"
	    "  --dir DIR            gets kubeconfig and ca.crt\n"
	    "  --port N             0 (the default): a free one\n"
	    "  --hpa-sync DURATION  how often HPAs are looked at (15s)\n"
	    "  --trace FILE         a JSON line for each request\n"
	    "  --without-keda       KEDA is not installed at first\n"
	    "  --help               this text\n",
	    stdout);
}

static bool read_port(const char *text, uint16_t *out, struct error *err)
{
	char *end;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9' || value > UINT16_MAX)
		return error_set(err, ERROR_FATAL, "--port: \"%s\" is no port number", text);
	*out = (uint16_t)value;
	return true;
}

static bool read_period(const char *text, int64_t *out, struct error *err)
{
	int64_t ns;
	if (!duration_parse(text, &ns) || ns < 10000000)
		return error_set(err, ERROR_FATAL,
				 "--hpa-sync: \"%s\" is no duration of 10ms or more", text);
	*out = ns / 1000000;
	return true;
}

static bool read_flag(int flag, struct options *out, struct error *err)
{
	switch (flag) {
	case 'd':
		out->dir = optarg;
		return true;
	case 'p':
		return read_port(optarg, &out->port, err);
	case 's':
		return read_period(optarg, &out->hpa_sync_ms, err);
	case 't':
		out->trace = optarg;
		return true;
	case 'k':
		return out->without_keda = true;
	default:
		return out->help = true;
	}
}

static bool read_options(int argc, char **argv, struct options *out, struct error *err)
{
	int flag;
	opterr = 0;
	while ((flag = getopt_long(argc, argv, ":", flags, NULL)) != -1) {
		if (flag == ':')
			return error_set(err, ERROR_FATAL, "%s needs a value", argv[optind - 1]);
		if (flag == '?')
			return error_set(err, ERROR_FATAL, "there is no option %s",
					 argv[optind - 1]);
		if (!read_flag(flag, out, err))
			return false;
	}
	if (optind < argc)
		return error_set(err, ERROR_FATAL, "\"%s\": no argument is expected", argv[optind]);
	if (!out->dir && !out->help)
		return error_set(err, ERROR_FATAL, "--dir is missing; see --help");
	return true;
}

static void got_signal(void *ctx, int signal UNUSED)
{
	loop_stop(((struct devcluster *)ctx)->loop);
}

static bool open_trace(struct devcluster *cluster, const char *path, struct error *err)
{
	if (!path)
		return true;
	cluster->trace = fopen(path, "we");
	return cluster->trace ||
	       error_set(err, ERROR_FATAL, "--trace: %s: %s", path, strerror(errno));
}

static void make_world(struct devcluster *cluster, const struct options *options)
{
	cluster->model = model_new(loop_timers(cluster->loop), clock_wall(&system_clock));
	model_hpa_sync_period(cluster->model, options->hpa_sync_ms);
	cluster->switches = (struct switches){!options->without_keda, true, true, true};
	seeds_apply(cluster->model);
	if (options->without_keda)
		model_keda_installed(cluster->model, false);
}

static bool devcluster_init(struct devcluster *cluster, const struct options *options,
			    struct error *err)
{
	static const int signals[] = {SIGTERM, SIGINT};
	cluster->loop = loop_new(&system_clock);
	cluster->start_ms = timers_now(loop_timers(cluster->loop));
	if (!loop_on_signals(cluster->loop, signals, ARRAY_SIZE(signals), got_signal, cluster,
			     err) ||
	    !open_trace(cluster, options->trace, err) ||
	    !certificates_make(&cluster->certificates, err) || !token_make(cluster->token, err))
		return false;
	make_world(cluster, options);
	return server_new(cluster, options->port, &cluster->server, err) &&
	       folder_write(options->dir, &cluster->certificates, cluster->token,
			    server_port(cluster->server), err);
}

static void devcluster_release(struct devcluster *cluster)
{
	server_free(cluster->server);
	model_free(cluster->model);
	if (cluster->loop)
		loop_free(cluster->loop);
	if (cluster->trace)
		fclose(cluster->trace);
	certificates_release(&cluster->certificates);
	faults_clear(&cluster->faults);
}

int main(int argc, char **argv)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(devcluster_release) struct devcluster cluster = {0};
	struct options options = {.hpa_sync_ms = 15000};
	if (!read_options(argc, argv, &options, &err)) {
		fprintf(stderr, PROGRAM ": %s\n", error_text(&err));
		return 2;
	}
	if (options.help) {
		usage();
		return 0;
	}
	if (!devcluster_init(&cluster, &options, &err)) {
		fprintf(stderr, PROGRAM ": %s\n", error_text(&err));
		return 1;
	}
	printf(PROGRAM ": serving https://127.0.0.1:%u, KUBECONFIG=%s/kubeconfig\n",
	       server_port(cluster.server), options.dir);
	fflush(stdout);
	loop_run(cluster.loop);
	return 0;
}
