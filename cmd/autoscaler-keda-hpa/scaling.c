/*
 * Readings in the middle: activators fill them, the scaler answers KEDA from them. The scaler says
 * whether anybody needs readings, the activators why there are none.
 */
#include "cmd/autoscaler-keda-hpa/scaling.h"

#include <stdlib.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"
#include "pkg/grpc/server.h"
#include "reconciler/http/activators.h"
#include "reconciler/http/meters.h"
#include "reconciler/http/scaler.h"

struct scaling {
	struct scaling_config config;
	struct readings *readings;
	struct activators *activators;
	struct scaler *scaler;
	struct http_meters *meters;
	struct grpc_server *server;
	struct controller *controller;
};

static bool needed(void *ctx)
{
	const struct scaling *scaling = ctx;

	return scaler_needed(scaling->scaler);
}

static void changed(void *ctx)
{
	const struct scaling *scaling = ctx;

	if (scaling->controller)
		controller_activators_changed(scaling->controller);
}

static void wake(void *ctx)
{
	const struct scaling *scaling = ctx;

	activators_wake(scaling->activators);
}

static const char *unread(void *ctx)
{
	const struct scaling *scaling = ctx;

	return activators_unread(scaling->activators);
}

static void found(void *ctx, const struct endpoint_places *places, const char *trouble)
{
	const struct scaling *scaling = ctx;

	activators_set(scaling->activators, places, trouble);
}

struct controller_activators scaling_reader(struct scaling *scaling)
{
	return (struct controller_activators){.found = found, .unread = unread, .ctx = scaling};
}

void scaling_follow(struct scaling *scaling, struct controller *controller)
{
	scaling->controller = controller;
}

static bool listen(struct scaling *scaling, struct error *err)
{
	const struct options *options = scaling->config.options;
	struct grpc_server_config config = {
	    .loop = scaling->config.loop,
	    .port = options->scaler_port,
	    .ctx = scaling->scaler,
	    .cert_file = options->scaler_cert_file,
	    .key_file = options->scaler_key_file,
	    .client_ca_file = options->scaler_client_ca_file,
	};

	config.methods = scaler_methods(&config.method_count);
	if (!grpc_server_new(&config, &scaling->server, err))
		return error_wrap(err, "scaler on port %u (SCALER_PORT)", options->scaler_port);
	log_info("the scaler listens", F_INT("port", grpc_server_port(scaling->server)),
		 F_BOOL("tls", options->scaler_cert_file != NULL));
	return true;
}

bool scaling_new(const struct scaling_config *config, struct scaling **out, struct error *err)
{
	struct scaling *scaling = xcalloc(1, sizeof(*scaling));

	scaling->config = *config;
	scaling->readings = readings_new();
	scaling->activators = activators_new(&(struct activators_config){
	    .loop = config->loop,
	    .readings = scaling->readings,
	    .needed = needed,
	    .changed = changed,
	    .ctx = scaling,
	});
	scaling->scaler = scaler_new(&(struct scaler_config){
	    .timers = loop_timers(config->loop),
	    .readings = scaling->readings,
	    .unread = unread,
	    .wake = wake,
	    .ctx = scaling,
	});
	scaling->meters = http_meters_new(config->metrics, scaling->activators, scaling->scaler);
	if (!listen(scaling, err)) {
		scaling_free(scaling);
		return false;
	}
	*out = scaling;
	return true;
}

void scaling_stop(struct scaling *scaling)
{
	if (!scaling)
		return;
	scaler_stop(scaling->scaler);
	grpc_server_stop(scaling->server);
}

void scaling_free(struct scaling *scaling)
{
	if (!scaling)
		return;
	grpc_server_free(scaling->server);
	http_meters_free(scaling->meters);
	scaler_free(scaling->scaler);
	activators_free(scaling->activators);
	readings_free(scaling->readings);
	free(scaling);
}
