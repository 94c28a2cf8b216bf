/*
 * The answers: probes, metrics and, where asked for, the state, each on a port of its own.
 */
#include "cmd/autoscaler-keda-hpa/serve.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/pace.h"
#include "pkg/net/httpd.h"
#include "reconciler/controller/state.h"

/* The state takes some milliseconds of the loop: nobody is to take many of them. */
static const struct pace_rate debug_rate = {.burst = 10, .refill_ms = 200};

struct server {
	struct server_config config;
	struct httpd *probes;
	struct httpd *exposition;
	struct httpd *debug; /* NULL: not asked for */
	struct pace debug_pace;
};

static void answer_text(struct httpd_answer *out, int status, const char *text)
{
	out->status = status;
	out->content_type = "text/plain; charset=utf-8";
	strbuf_addstr(&out->body, text);
}

static void answer_probe(void *ctx, const char *path, struct httpd_answer *out)
{
	const struct server *server = ctx;

	/* That it is answered shows that the loop ticks. */
	if (strcmp(path, "/health") == 0)
		answer_text(out, 200, "ok\n");
	else if (strcmp(path, "/readiness") != 0)
		answer_text(out, 404, "there are /health and /readiness\n");
	else if (*server->config.stopping)
		answer_text(out, 503, "stopping\n");
	else if (controller_ready(server->config.controller))
		answer_text(out, 200, "ok\n");
	else
		answer_text(out, 503, "caches are not synced\n");
	if (strcmp(path, "/readiness") == 0)
		controller_troubles(server->config.controller, &out->body);
}

static void answer_metrics(void *ctx, const char *path, struct httpd_answer *out)
{
	const struct server *server = ctx;

	if (strcmp(path, "/metrics") != 0) {
		answer_text(out, 404, "there is /metrics\n");
		return;
	}
	if (controller_metrics_off(server->config.controller)) {
		answer_text(out, 404,
			    "metrics are off: config-observability has metrics-protocol none\n");
		return;
	}
	out->status = 200;
	out->content_type = METRICS_CONTENT_TYPE;
	metrics_write(server->config.metrics, &out->body);
}

static void answer_state(const struct server *server, struct httpd_answer *out)
{
	const struct state_query query = {
	    .key = httpd_query(server->debug, "key"),
	    .ns = httpd_query(server->debug, "namespace"),
	};

	if (query.key && !strchr(query.key, '/')) {
		answer_text(out, 400, "key is NAMESPACE/NAME\n");
		return;
	}
	out->status = 200;
	out->content_type = "application/json";
	controller_state(server->config.controller, &query, &out->body);
}

static void answer_debug(void *ctx, const char *path, struct httpd_answer *out)
{
	struct server *server = ctx;
	int64_t now_ms = timers_now(loop_timers(server->config.loop));

	if (strcmp(path, "/debug/state") != 0)
		answer_text(out, 404,
			    "there is /debug/state[?key=NAMESPACE/NAME or ?namespace=NAME]\n");
	else if (!pace_take(&server->debug_pace, &debug_rate, now_ms))
		answer_text(out, 429, "too often: 5 times a second at most\n");
	else
		answer_state(server, out);
}

void server_free(struct server *server)
{
	if (!server)
		return;
	if (server->probes)
		httpd_free(server->probes);
	if (server->exposition)
		httpd_free(server->exposition);
	if (server->debug)
		httpd_free(server->debug);
	free(server);
}

static bool listen_all(struct server *server, struct error *err)
{
	const struct options *options = server->config.options;

	if (!httpd_new(server->config.loop, NULL, options->probes_port, answer_probe, server,
		       &server->probes, err))
		return error_wrap(err, "probes on port %u (PROBES_PORT)", options->probes_port);
	if (!httpd_new(server->config.loop, NULL, options->metrics_port, answer_metrics, server,
		       &server->exposition, err))
		return error_wrap(err, "metrics on port %u (METRICS_PROMETHEUS_PORT)",
				  options->metrics_port);
	if (options->debug_port && !httpd_new_local(server->config.loop, options->debug_port,
						    answer_debug, server, &server->debug, err))
		return error_wrap(err, "state on port %u (DEBUG_PORT)", options->debug_port);
	return true;
}

bool server_new(const struct server_config *config, struct server **out, struct error *err)
{
	struct server *server = xcalloc(1, sizeof(*server));

	server->config = *config;
	if (!listen_all(server, err)) {
		server_free(server);
		return false;
	}
	*out = server;
	return true;
}
