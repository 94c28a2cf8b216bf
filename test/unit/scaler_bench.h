/*
 * The scaler on a clock that stands still: calls that are a record of what they were given (in the
 * place of pkg/grpc, so for one file of a program), and readings of pages made here.
 */
#ifndef TEST_UNIT_SCALER_BENCH_H
#define TEST_UNIT_SCALER_BENCH_H

#include <stdlib.h>

#include "pkg/base/check.h"
#include "pkg/base/strbuf.h"
#include "reconciler/http/scaler.h"
#include "test/lib/fake_clock.h"
#include "test/lib/test.h"
#include "test/unit/scaler_messages.h"

#define CALLS 8
#define GOOD "metric=concurrency revision=hello-00001 target=70"
#define RPS "metric=rps revision=hello-00001 target=140"

/* In the place of pkg/grpc. */
struct grpc_call {
	void *own;
	struct strbuf said; /* "true 1 conc..." */
	bool finished;
};

struct bench {
	struct fake_clock clock;
	struct timers *timers;
	struct readings *readings;
	struct scaler *scaler;
	struct grpc_call calls[CALLS];
	size_t call_count;
	int wakes;
	const char *unread;
};

void grpc_call_set(struct grpc_call *call, void *own)
{
	call->own = own;
}

void *grpc_call_get(const struct grpc_call *call)
{
	return call->own;
}

void grpc_send(struct grpc_call *call, const void *message, size_t length)
{
	char text[128];
	CHECK(!call->finished);
	message_tell(message, length, text, sizeof(text));
	if (length == 0)
		snprintf(text, sizeof(text), "false");
	else if (length == 2 && memcmp(message, "\x08\x01", 2) == 0)
		snprintf(text, sizeof(text), "true");
	strbuf_addf(&call->said, "%s; ", text);
}

void grpc_finish(struct grpc_call *call, enum grpc_code code, const char *message)
{
	CHECK(!call->finished);
	call->finished = true;
	strbuf_addf(&call->said, "%d%s%s", code, message ? " " : "", message ? message : "");
}

static inline const char *unread(void *ctx)
{
	return ((struct bench *)ctx)->unread;
}

static inline void wake(void *ctx)
{
	((struct bench *)ctx)->wakes++;
}

static inline void bench_begin(struct bench *bench)
{
	*bench = (struct bench){0};
	fake_clock_init(&bench->clock);
	bench->timers = timers_new(&bench->clock.clock);
	bench->readings = readings_new();
	bench->scaler = scaler_new(&(struct scaler_config){
	    .timers = bench->timers,
	    .readings = bench->readings,
	    .unread = unread,
	    .wake = wake,
	    .ctx = bench,
	});
}

static inline const struct grpc_method *method_of(const char *name)
{
	size_t count;
	const struct grpc_method *methods = scaler_methods(&count);
	for (size_t i = 0; i < count; i++)
		if (strcmp(strrchr(methods[i].path, '/') + 1, name) == 0)
			return &methods[i];
	CHECK(!"a method of that name");
	return NULL;
}

static inline void bench_end(struct bench *bench)
{
	for (size_t i = 0; i < bench->call_count; i++) {
		if (!bench->calls[i].finished)
			method_of("IsActive")->gone(bench->scaler, &bench->calls[i]);
		strbuf_release(&bench->calls[i].said);
	}
	scaler_free(bench->scaler);
	EXPECT_INT(readings_watched(bench->readings), 0);
	readings_free(bench->readings);
	EXPECT_INT(timers_next_ms(bench->timers), -1);
	timers_free(bench->timers);
}

static inline struct grpc_call *ask(struct bench *bench, const char *method, const char *ns,
				    const char *pairs, const char *metric)
{
	CLEANUP(strbuf_release) struct strbuf message = STRBUF_INIT;
	CHECK(bench->call_count < CALLS);
	struct grpc_call *call = &bench->calls[bench->call_count++];
	*call = (struct grpc_call){.said = STRBUF_INIT};
	if (metric)
		message_metrics(&message, ns, pairs, metric);
	else
		message_ref(&message, ns, pairs);
	method_of(method)->request(bench->scaler, call, message.buf, message.len);
	return call;
}

/* What was said since it was last asked. */
static inline const char *said(struct grpc_call *call)
{
	static char text[512];
	snprintf(text, sizeof(text), "%s", call->said.buf);
	strbuf_reset(&call->said);
	return text;
}

static inline int64_t now_of(const struct bench *bench)
{
	return timers_now(bench->timers);
}

/* A whole page of an activator, of one revision. */
static inline void page_of(struct bench *bench, const char *activator, const char *revision,
			   double queued, double completed)
{
	readings_begin(bench->readings, activator, READINGS_ALL, now_of(bench));
	readings_sample(bench->readings, activator, "app", revision, READING_QUEUED, queued);
	readings_sample(bench->readings, activator, "app", revision, READING_COMPLETED, completed);
	readings_end(bench->readings, activator, now_of(bench));
}

static inline void page(struct bench *bench, const char *revision, double queued, double completed)
{
	page_of(bench, "10.0.0.1", revision, queued, completed);
}

/* Pages every 100 ms for so long. */
static inline void pages(struct bench *bench, int64_t ms, double queued)
{
	for (int64_t end = now_of(bench) + ms; now_of(bench) < end;) {
		fake_clock_run(&bench->clock, bench->timers, 150);
		page(bench, "hello-00001", queued, 0);
	}
}

#endif
