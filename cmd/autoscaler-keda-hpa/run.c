/*
 * `run`: wires loop, HTTP client, Kubernetes client, probes, metrics and controller, and ends them.
 * Everything lives in one struct process; its release is the reverse of its making and takes one
 * that was made half.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "cmd/autoscaler-keda-hpa/commands.h"
#include "cmd/autoscaler-keda-hpa/options.h"
#include "cmd/autoscaler-keda-hpa/scaling.h"
#include "cmd/autoscaler-keda-hpa/serve.h"
#include "pkg/base/build.h"
#include "pkg/base/check.h"
#include "pkg/base/heap.h"
#include "pkg/base/log.h"
#include "pkg/kube/config.h"
#include "pkg/kube/elector.h"
#include "pkg/net/watchdog.h"
#include "reconciler/controller/controller.h"
#include "reconciler/controller/meters_requests.h"
#include "reconciler/controller/state.h"

#define STOP_MS 4500 /* SIGTERM to the end; the contract gives 5 s */
#define TIDY_MS 1000 /* between looks at what malloc holds unused */

struct process {
	struct loop *loop;
	struct metrics *metrics;
	struct request_meters *requests;
	struct transport *transport;
	struct kube_client *client;
	struct server *server;
	struct scaling *scaling;
	struct controller *controller;
	char *identity;
	struct watchdog *watchdog;
	struct timer force;
	struct timer tidy;
	size_t unused; /* heap_tidy's */
	bool stopping;
	int exit_code;
};

static void process_release(struct process *process)
{
	watchdog_free(process->watchdog);
	server_free(process->server);
	controller_free(process->controller);
	scaling_free(process->scaling);
	kube_client_free(process->client);
	if (process->transport)
		curl_transport_free(process->transport);
	request_meters_free(process->requests);
	metrics_free(process->metrics);
	free(process->identity);
	if (process->loop) {
		timer_disarm(loop_timers(process->loop), &process->force);
		timer_disarm(loop_timers(process->loop), &process->tidy);
		loop_free(process->loop);
	}
}

/* ---- the end ---- */

static void stopped(void *ctx)
{
	struct process *process = ctx;

	log_info("stopped");
	loop_stop(process->loop);
}

static void stop_takes_too_long(void *ctx)
{
	struct process *process = ctx;

	log_warn("stopping takes too long, writes in flight are given up");
	loop_stop(process->loop);
}

static void cannot_go_on(void *ctx, const char *why)
{
	struct process *process = ctx;

	log_error("cannot start", F_STR("error", why));
	process->exit_code = 1;
	loop_stop(process->loop);
}

static void got_signal(void *ctx, int signal)
{
	struct process *process = ctx;

	if (signal == SIGUSR1) {
		controller_log_state(process->controller);
		return;
	}
	if (process->stopping) {
		log_warn("second signal, ending at once", F_INT("signal", signal));
		process->exit_code = 1;
		loop_stop(process->loop);
		return;
	}
	log_info("stopping", F_INT("signal", signal));
	process->stopping = true;
	scaling_stop(process->scaling);
	timer_arm(loop_timers(process->loop), &process->force, STOP_MS);
	controller_stop(process->controller, stopped, process);
}

static void tidy(void *ctx)
{
	struct process *process = ctx;

	heap_tidy(&process->unused);
	timer_arm(loop_timers(process->loop), &process->tidy, TIDY_MS);
}

/* ---- the beginning ---- */

static bool find_server(const struct options *options, struct arena *arena, struct endpoint *out,
			struct error *err)
{
	const struct kube_config_request request = {
	    .file = options->kubeconfig,
	    .server = options->server,
	    .proxy_from_environment = options->proxy_from_environment,
	};
	struct kube_config config;

	if (!kube_config_for_controller(&request, arena, &config, err))
		return false;
	*out = config.endpoint;
	if (out->insecure_skip_verify)
		log_warn("the API server's certificate is not verified "
			 "(insecure-skip-tls-verify)");
	return true;
}

/* With the pod as a comment (RFC 9110 10.1.5), so that an audit log tells replicas apart. */
static const char *user_agent(const struct options *options, struct arena *arena)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-.";

	if (!options->pod || options->pod[strspn(options->pod, allowed)])
		return PROGRAM "/" AKH_VERSION;
	return arena_printf(arena, PROGRAM "/" AKH_VERSION " (%s)", options->pod);
}

static bool connect_client(struct process *process, const struct options *options,
			   struct error *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct endpoint endpoint = {0};

	if (!find_server(options, arena, &endpoint, err))
		return false;
	endpoint.user_agent = user_agent(options, arena);
	if (!curl_transport_new(process->loop, &endpoint, &process->transport, err))
		return error_wrap(err, "API server %s", endpoint.server);
	process->requests = request_meters_new(process->metrics, endpoint.server);
	curl_transport_observe(process->transport, request_meters_finished, process->requests);
	process->client = kube_client_new(&(struct kube_client_config){
	    .transport = process->transport,
	    .timers = loop_timers(process->loop),
	    .field_manager = PROGRAM,
	});
	log_info("API server", F_STR("server", endpoint.server));
	return true;
}

static bool serve(struct process *process, const struct options *options, struct error *err)
{
	const struct server_config config = {
	    .loop = process->loop,
	    .options = options,
	    .controller = process->controller,
	    .metrics = process->metrics,
	    .stopping = &process->stopping,
	};

	return server_new(&config, &process->server, err);
}

static bool serve_keda(struct process *process, const struct options *options, struct error *err)
{
	const struct scaling_config config = {
	    .loop = process->loop,
	    .options = options,
	    .metrics = process->metrics,
	};

	return scaling_new(&config, &process->scaling, err);
}

static void control(struct process *process, const struct options *options)
{
	process->controller = controller_new(&(struct controller_config){
	    .client = process->client,
	    .ns = options->ns,
	    .system_namespace = options->system_namespace,
	    .pod = options->pod,
	    .metrics = process->metrics,
	    .identity = process->identity,
	    .leader_election = options->leader_election,
	    .config_logging = options->config_logging,
	    .config_observability = options->config_observability,
	    .log_format_fixed = options->log_format_given,
	    .activators = scaling_reader(process->scaling),
	    .failed = cannot_go_on,
	    .failed_ctx = process,
	});
	scaling_follow(process->scaling, process->controller);
}

static void log_start(const struct options *options)
{
	log_info("starting", F_STR("version", AKH_VERSION),
		 F_STR("systemNamespace", options->system_namespace),
		 F_STR("namespace", options->ns));
	if (options->disable_ha)
		log_info("leader election is off: exactly one replica must run");
	if (options->rate_limited)
		log_warn("KUBE_API_QPS and KUBE_API_BURST have no effect: there is no rate limit, "
			 "32 writes are in flight at most, beside those that hang");
}

static bool process_init(struct process *process, const struct options *options, struct error *err)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGUSR1};

	process->loop = loop_new(&system_clock);
	timer_init(&process->force, stop_takes_too_long, process);
	timer_init(&process->tidy, tidy, process);
	timer_arm(loop_timers(process->loop), &process->tidy, TIDY_MS);
	if (!loop_on_signals(process->loop, signals, ARRAY_SIZE(signals), got_signal, process, err))
		return false;
	process->metrics = metrics_new();
	if (!connect_client(process, options, err))
		return false;
	if (!options->disable_ha)
		process->identity = elector_identity(options->pod);
	if (!serve_keda(process, options, err))
		return false;
	control(process, options);
	metrics_process(process->metrics);
	return serve(process, options, err) && watchdog_new(0, &process->watchdog, err);
}

int command_run(int argc, char **argv)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(process_release) struct process process = {0};
	struct options options;

	if (!options_read(argc, argv, &options, &err)) {
		fprintf(stderr, PROGRAM ": %s\n", error_text(&err));
		return 2;
	}
	if (options.help) {
		options_usage();
		return 0;
	}
	/* The token is in memory: neither a core dump nor another process of this user gets it. */
	prctl(PR_SET_DUMPABLE, 0);
	heap_tune();
	log_setup(&system_clock, options.pod, NULL, NULL);
	log_set_commit(build_commit());
	log_set_format(options.log_format);
	log_start(&options);
	if (!process_init(&process, &options, &err)) {
		log_error("cannot start", F_STR("error", error_text(&err)));
		return 1;
	}
	loop_run(process.loop);
	return process.exit_code;
}
