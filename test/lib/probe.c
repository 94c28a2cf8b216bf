/* Callbacks that write down what they were told, and loops with an end. */
#include "test/lib/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"

#define PATIENCE_MS 20000

void rig_init(struct rig *rig, const struct clock *clock, const char *scheme, const char *host,
	      uint16_t port, struct endpoint *endpoint)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	char server[128];
	snprintf(server, sizeof(server), "%s://%s:%u", scheme, host, port);
	endpoint->server = server;
	rig->loop = loop_new(clock);
	if (!curl_transport_new(rig->loop, endpoint, &rig->transport, &err)) {
		fprintf(stderr, "%s\n", error_text(&err));
		exit(2);
	}
	endpoint->server = NULL;
}

void rig_release(struct rig *rig)
{
	curl_transport_free(rig->transport);
	loop_free(rig->loop);
}

static void keep(struct probe *probe, const struct http_response *response)
{
	probe->response = *response;
	probe->response.body = NULL;
}

static void on_head(void *ctx, const struct http_response *head)
{
	struct probe *probe = ctx;
	probe->heads++;
	keep(probe, head);
	if (probe->on_head)
		probe->on_head(probe);
}

static bool on_data(void *ctx, const char *data, size_t length)
{
	struct probe *probe = ctx;
	probe->datas++;
	strbuf_add(&probe->text, data, length);
	if (probe->on_data)
		probe->on_data(probe);
	return !probe->refuse;
}

static void on_done(void *ctx, const struct http_response *response, const struct error *err)
{
	struct probe *probe = ctx;
	probe->dones++;
	probe->call = NULL;
	keep(probe, response);
	CHECK(strlen(response->body) <= response->length && !response->body[response->length]);
	strbuf_add(&probe->text, response->body, response->length);
	probe->kind = err->kind;
	snprintf(probe->error, sizeof(probe->error), "%s", error_text(err));
	if (probe->on_done)
		probe->on_done(probe);
}

void probe_start(struct probe *probe, struct rig *rig, const struct http_request *request)
{
	static const struct http_events events = {on_head, on_data, on_done};
	probe->rig = rig;
	probe->text = (struct strbuf)STRBUF_INIT;
	probe->call = transport_start(rig->transport, request, &events, probe);
}

void probe_get(struct probe *probe, struct rig *rig, const char *path)
{
	probe_start(probe, rig, &(struct http_request){.method = "GET", .path = path});
}

void probe_cancel(struct probe *probe)
{
	transport_cancel(probe->rig->transport, probe->call);
	probe->call = NULL;
}

bool rig_wait(struct rig *rig, const int *what, int least)
{
	int64_t end = clock_mono(&system_clock) + PATIENCE_MS;
	while (*what < least && clock_mono(&system_clock) < end)
		loop_step(rig->loop, 20);
	return *what >= least;
}

bool probe_wait(struct probe *probe)
{
	return rig_wait(probe->rig, &probe->dones, 1);
}

void rig_turn(struct rig *rig, int ms)
{
	int64_t end = clock_mono(&system_clock) + ms;
	for (int64_t left = ms; left > 0; left = end - clock_mono(&system_clock))
		loop_step(rig->loop, (int)left);
}

void probe_release(struct probe *probe)
{
	strbuf_release(&probe->text);
}
