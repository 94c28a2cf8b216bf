/*
 * One look at the URL when it is made; then two labels that never change and one for each method
 * and status there is.
 */
#include "reconciler/controller/meters_requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "reconciler/controller/meters.h"

struct request_meters {
	struct metric *seconds, *answers, *rest;
	char *host;    /* "10.0.0.1:443", as it stands in the URL */
	char *address; /* without the port */
};

/* RFC 3986 3.2: authority = [ userinfo "@" ] host [ ":" port ]. */
static char *host_of(const char *url)
{
	const char *scheme = strstr(url, "://");
	const char *host = scheme ? scheme + 3 : url;
	size_t length = strcspn(host, "/?#");
	const char *at = memrchr(host, '@', length);

	if (at) {
		length -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	return xstrndup(host, length);
}

static char *address_of(const char *host)
{
	const char *colon = strrchr(host, ':'), *bracket = strrchr(host, ']');

	if (!colon || (bracket && colon < bracket))
		return xstrdup(host);
	return xstrndup(host, (size_t)(colon - host));
}

static void make_meters(struct request_meters *meters, struct metrics *metrics)
{
	static const char *const labels[] = {"http_request_method", "http_response_status_code",
					     "server_address", NULL};
	static const char *const rest_labels[] = {"code", "method", "host", NULL};
	static const double bounds[] = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
					0.5,   0.75, 1,     2.5,  5,     7.5, 10};

	meters->seconds = metrics_histogram(metrics, "http_client_request_duration_seconds",
					    "Duration of requests to the API server, watches too.",
					    labels, bounds, ARRAY_SIZE(bounds));
	meters->answers =
	    metrics_counter(metrics, "kn_k8s_client_http_response_status_code_total",
			    "Answers of the API server (none: the connection failed).", labels);
	meters->rest = metrics_counter(metrics, "rest_client_requests_total",
				       "The same (<error>: the connection failed).", rest_labels);
	metric_group(meters->rest, METERS_CONTROLLER_RUNTIME);
}

struct request_meters *request_meters_new(struct metrics *metrics, const char *server)
{
	struct request_meters *meters = xcalloc(1, sizeof(*meters));

	meters->host = host_of(server);
	meters->address = address_of(meters->host);
	make_meters(meters, metrics);
	return meters;
}

void request_meters_free(struct request_meters *meters)
{
	if (!meters)
		return;
	free(meters->host);
	free(meters->address);
	free(meters);
}

void request_meters_finished(void *ctx, const char *method, int status, int64_t duration_ms)
{
	const struct request_meters *meters = ctx;
	char code[16];
	const char *const values[] = {method, status ? code : "none", meters->address};
	const char *const rest_values[] = {status ? code : "<error>", method, meters->host};

	snprintf(code, sizeof(code), "%d", status);
	metric_observe(meters->seconds, values, (double)duration_ms / 1000);
	metric_add(meters->answers, values, 1);
	metric_add(meters->rest, rest_values, 1);
}
