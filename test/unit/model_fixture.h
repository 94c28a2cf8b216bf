/*
 * A bench for tests of the model: clock, model and wire, and an ear that hears all that a call
 * tells. Included by the test files that drive the model by hand.
 */
#ifndef TEST_UNIT_MODEL_FIXTURE_H
#define TEST_UNIT_MODEL_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "pkg/base/strbuf.h"
#include "test/lib/fake_clock.h"
#include "test/lib/model.h"
#include "test/lib/test.h"
#include "test/lib/world_wire.h"

#define CM_PATH "/api/v1/namespaces/default/configmaps"

struct bench {
	struct fake_clock clock;
	struct timers *timers;
	struct model *model;
	struct wire *wire;
	unsigned crashes;
};

/* One call and all that was heard of it. */
struct ear {
	struct bench *bench;
	struct http_call *call;
	struct strbuf data;
	int status;
	enum error_kind kind;
	unsigned heads, dones;
	int64_t retry_after_ms, date_ms;
	size_t stop_after; /* bytes after which data answers false; 0: never */
	bool cancel_at_head;
};

static void crashed(void *ctx)
{
	((struct bench *)ctx)->crashes++;
}

UNUSED static void bench_init(struct bench *bench, const struct fault *fault, size_t chunk)
{
	memset(bench, 0, sizeof(*bench));
	fake_clock_init(&bench->clock);
	bench->timers = timers_new(&bench->clock.clock);
	bench->model = model_new(bench->timers, FAKE_CLOCK_WALL);
	bench->wire =
	    wire_new(bench->timers, bench->model, fault, fault ? 1 : 0, chunk, crashed, bench);
}

UNUSED static void bench_release(struct bench *bench)
{
	wire_free(bench->wire);
	model_free(bench->model);
	timers_free(bench->timers);
}

UNUSED static void run(struct bench *bench, int64_t ms)
{
	fake_clock_run(&bench->clock, bench->timers, ms);
}

static void on_head(void *ctx, const struct http_response *head)
{
	struct ear *ear = ctx;
	ear->heads++;
	ear->status = head->status;
	if (ear->cancel_at_head) {
		transport_cancel(wire_transport(ear->bench->wire), ear->call);
		ear->call = NULL;
	}
}

static bool on_data(void *ctx, const char *data, size_t length)
{
	struct ear *ear = ctx;
	strbuf_add(&ear->data, data, length);
	return !ear->stop_after || ear->data.len < ear->stop_after;
}

static void on_done(void *ctx, const struct http_response *response, const struct error *err)
{
	struct ear *ear = ctx;
	ear->dones++;
	ear->call = NULL;
	ear->kind = err->kind;
	ear->status = response->status;
	ear->retry_after_ms = response->retry_after_ms;
	ear->date_ms = response->date_ms;
	strbuf_add(&ear->data, response->body, response->length);
}

static const struct http_events events = {on_head, on_data, on_done};

UNUSED static void send(struct bench *bench, struct ear *ear, const struct http_request *request)
{
	*ear = (struct ear){.bench = bench, .data = STRBUF_INIT};
	ear->call = transport_start(wire_transport(bench->wire), request, &events, ear);
}

UNUSED static void hang_up(struct ear *ear)
{
	if (ear->call)
		transport_cancel(wire_transport(ear->bench->wire), ear->call);
	ear->call = NULL;
	strbuf_release(&ear->data);
}

/* A whole request; the answer's status, its body in *body (yours) if asked for. */
UNUSED static int ask(struct bench *bench, const char *method, const char *path, const char *type,
		      const char *text, char **body)
{
	struct ear ear;
	struct http_request request = {.method = method,
				       .path = path,
				       .content_type = type,
				       .body = text,
				       .body_length = text ? strlen(text) : 0};
	send(bench, &ear, &request);
	run(bench, WIRE_THERE_MS + WIRE_BACK_MS);
	EXPECT_INT(ear.dones, 1);
	if (body)
		*body = strbuf_take(&ear.data);
	hang_up(&ear);
	return ear.status;
}

UNUSED static void watch(struct bench *bench, struct ear *ear, const char *path, int64_t idle_ms)
{
	struct http_request request = {
	    .method = "GET", .path = path, .stream = true, .idle_ms = idle_ms};
	send(bench, ear, &request);
	run(bench, WIRE_THERE_MS + WIRE_BACK_MS);
}

UNUSED static size_t count_of(const struct ear *ear, const char *part)
{
	size_t count = 0;
	for (const char *at = ear->data.buf; (at = strstr(at, part)); at++)
		count++;
	return count;
}

UNUSED static const char *text_at(struct bench *bench, const char *plural, const char *name,
				  const char *outer, const char *inner)
{
	return json_text_or(
	    json_path(model_get(bench->model, plural, "default", name), outer, inner, NULL), "");
}

UNUSED static int64_t int_at(struct bench *bench, const char *plural, const char *name,
			     const char *outer, const char *inner)
{
	return json_int_or(
	    json_path(model_get(bench->model, plural, "default", name), outer, inner, NULL), -1);
}

#endif
