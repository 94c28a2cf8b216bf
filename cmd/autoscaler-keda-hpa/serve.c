/*
 * The answers: probes and metrics, each on a port of its own.
 */
#include "cmd/autoscaler-keda-hpa/serve.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/net/httpd.h"

struct server {
	struct server_config config;
	struct httpd *probes;
	struct httpd *exposition;
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
	out->status = 200;
	out->content_type = "text/plain; version=0.0.4; charset=utf-8";
	metrics_write(server->config.metrics, &out->body);
}

void server_free(struct server *server)
{
	if (!server)
		return;
	if (server->probes)
		httpd_free(server->probes);
	if (server->exposition)
		httpd_free(server->exposition);
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
