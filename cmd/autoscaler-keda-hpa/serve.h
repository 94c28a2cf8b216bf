/*
 * What the process answers over HTTP: /health and /readiness on one port, /metrics on another, and
 * /debug/state on a third where that is asked for, to this machine alone.
 */
#ifndef CMD_SERVE_H
#define CMD_SERVE_H

#include "cmd/autoscaler-keda-hpa/options.h"
#include "pkg/metrics/metrics.h"
#include "pkg/net/loop.h"
#include "reconciler/controller/controller.h"

struct server;

/* All borrowed until server_free. */
struct server_config {
	struct loop *loop;
	const struct options *options;
	struct controller *controller;
	struct metrics *metrics;
	const bool *stopping; /* then it is not ready */
};

/* The error names the port that can't be had. */
MUST_CHECK bool server_new(const struct server_config *config, struct server **out,
			   struct error *err);
void server_free(struct server *server); /* NULL is fine */

#endif
