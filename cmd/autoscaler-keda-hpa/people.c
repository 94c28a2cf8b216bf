/* The connection: the loop, libcurl and the client as the controller has them, without its leases,
 * caches and watchdog (an exec plugin of the kubeconfig may ask the person something). */
#include "cmd/autoscaler-keda-hpa/people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/log.h"
#include "reconciler/explain/text.h"

#define SYSTEM_NAMESPACE "knative-serving"

/* A namespace of the environment becomes part of commands that people paste. */
static const char *system_namespace(void)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	const char *ns = getenv("SYSTEM_NAMESPACE");

	return ns && ns[0] && !ns[strspn(ns, allowed)] ? ns : SYSTEM_NAMESPACE;
}

static bool connect_people(struct people *people, struct error *err)
{
	const struct people_options *options = people->options;
	struct kube_config config;

	if (!kube_config_for_people(&options->config, people->arena, &config, err))
		return false;
	config.endpoint.user_agent = PROGRAM "/" AKH_VERSION;
	people->server = config.endpoint.server;
	if (!options->all_namespaces)
		people->ns = options->ns ? options->ns : config.ns;
	if (!curl_transport_new(people->loop, &config.endpoint, &people->transport, err))
		return error_wrap(err, "API server %s", config.endpoint.server);
	people->client = kube_client_new(&(struct kube_client_config){
	    .transport = people->transport,
	    .timers = loop_timers(people->loop),
	    .field_manager = PROGRAM,
	});
	return true;
}

bool people_init(struct people *people, const struct people_options *options, struct error *err)
{
	*people = (struct people){.options = options,
				  .arena = arena_new(),
				  .loop = loop_new(&system_clock),
				  .system_namespace = system_namespace()};
	log_setup(&system_clock, NULL, NULL, NULL);
	log_set_format(LOG_CONSOLE);
	log_set_level(LOG_WARN);
	return connect_people(people, err);
}

void people_release(struct people *people)
{
	kube_client_free(people->client);
	curl_transport_free(people->transport);
	if (people->loop)
		loop_free(people->loop);
	arena_free(people->arena);
}

int64_t people_now_ms(const struct people *people)
{
	return kube_client_now_ms(people->client);
}

/* ---- errors ---- */

static const char *reason_of(enum error_kind kind)
{
	switch (kind) {
	case ERROR_NOT_FOUND:
		return "NotFound";
	case ERROR_UNAUTHORIZED:
		return "Unauthorized";
	case ERROR_FORBIDDEN:
	case ERROR_DENIED:
		return "Forbidden";
	case ERROR_INVALID:
		return "BadRequest";
	case ERROR_THROTTLED:
		return "TooManyRequests";
	default:
		return "InternalError";
	}
}

void people_complain(const struct people *people, const struct error *err)
{
	const char *text = text_visible(people->arena, error_text(err), TEXT_MESSAGE_MAX);

	if (err->status == 0)
		fprintf(stderr, "Unable to reach the server %s: %s\n", people->server, text);
	else
		fprintf(stderr, "Error from server (%s): %s\n", reason_of(err->kind), text);
}

bool people_may_miss(const struct error *err)
{
	return err->kind == ERROR_NOT_FOUND || err->kind == ERROR_FORBIDDEN ||
	       err->kind == ERROR_DENIED;
}
