/* Activators over real sockets, read by the real thing on a loop of its own. */
#ifndef TEST_UNIT_ACTIVATORS_FIXTURE_H
#define TEST_UNIT_ACTIVATORS_FIXTURE_H

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "reconciler/http/activators.h"
#include "test/lib/server.h"
#include "test/lib/test.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define LABELS "k8s_namespace_name=\"ns\",kn_revision_name=\"a\""
#define QUEUED(value) "kn_revision_request_queued{" LABELS "} " value "\n"
#define COMPLETED(value)                                                                           \
	"http_server_request_duration_seconds_count{" LABELS                                       \
	",http_response_status_code=\"200\"} " value "\n"

struct answer {
	const char *page;
	const char *counters; /* behind it, where they are asked for; NULL: none */
	size_t filler;        /* bytes of comments in front of both then */
	const char *raw;      /* all of it, instead; NULL: the page */
	int delay_ms;
	bool held; /* not at all, until it is let go */
};

/* An activator. */
struct fake {
	struct server *server;
	char address[32];
	pthread_mutex_t lock; /* of the rest */
	struct answer answer;
	int requests, with_counters;
	bool has_authorization;
};

static inline void note(struct fake *fake, const char *request)
{
	fake->requests++;
	fake->with_counters += strstr(request, "http_server_request_duration_seconds") != NULL;
	fake->has_authorization = fake->has_authorization || strstr(request, "Authorization");
}

static inline bool send_filler(struct exchange *exchange, size_t pieces, size_t piece_length)
{
	CLEANUP(strbuf_release) struct strbuf piece = STRBUF_INIT;

	while (piece.len < piece_length)
		strbuf_addch(&piece, piece.len + 1 < piece_length ? '#' : '\n');
	for (size_t i = 0; i < pieces; i++) {
		if (!exchange_write(exchange, piece.buf, piece.len))
			return false;
	}
	return true;
}

static inline bool send_page(struct exchange *exchange, const struct answer *answer, bool counters)
{
	const size_t piece = 1 << 16;
	size_t pieces = counters ? answer->filler / piece : 0;
	const char *rest = counters && answer->counters ? answer->counters : "";

	return exchange_send(exchange, OK "Content-Length: %zu\r\n\r\n",
			     pieces * piece + strlen(answer->page) + strlen(rest)) &&
	       send_filler(exchange, pieces, piece) &&
	       exchange_send(exchange, "%s%s", answer->page, rest);
}

static inline struct answer answer_of(struct fake *fake)
{
	struct answer answer;

	pthread_mutex_lock(&fake->lock);
	answer = fake->answer;
	pthread_mutex_unlock(&fake->lock);
	return answer;
}

static inline bool serve(void *ctx, struct exchange *exchange)
{
	struct fake *fake = ctx;
	bool counters = strstr(exchange->request, "http_server_request_duration_seconds") != NULL;
	struct answer answer;

	pthread_mutex_lock(&fake->lock);
	note(fake, exchange->request);
	pthread_mutex_unlock(&fake->lock);
	while ((answer = answer_of(fake)).held)
		if (exchange_wait_closed(exchange, 5))
			return false;
	if (answer.delay_ms && exchange_wait_closed(exchange, answer.delay_ms))
		return false;
	if (!answer.raw)
		return send_page(exchange, &answer, counters);
	exchange_write(exchange, answer.raw, strlen(answer.raw));
	return false;
}

static inline void fake_init(struct fake *fake, const char *page)
{
	*fake = (struct fake){.answer = {.page = page}};
	pthread_mutex_init(&fake->lock, NULL);
	fake->server = server_new(serve, fake);
	snprintf(fake->address, sizeof(fake->address), "127.0.0.1:%u", server_port(fake->server));
}

static inline void fake_release(struct fake *fake)
{
	server_free(fake->server);
	pthread_mutex_destroy(&fake->lock);
}

static inline void fake_say(struct fake *fake, const char *page, const char *raw)
{
	pthread_mutex_lock(&fake->lock);
	fake->answer.page = page;
	fake->answer.raw = raw;
	pthread_mutex_unlock(&fake->lock);
}

static inline void fake_hold(struct fake *fake, bool held)
{
	pthread_mutex_lock(&fake->lock);
	fake->answer.held = held;
	pthread_mutex_unlock(&fake->lock);
}

static inline int fake_requests(struct fake *fake)
{
	int requests;

	pthread_mutex_lock(&fake->lock);
	requests = fake->requests;
	pthread_mutex_unlock(&fake->lock);
	return requests;
}

struct bench {
	struct loop *loop;
	struct readings *readings;
	struct activators *activators;
	bool needed;
	int changes;
};

static inline bool needed(void *ctx)
{
	return ((struct bench *)ctx)->needed;
}

static inline void changed(void *ctx)
{
	((struct bench *)ctx)->changes++;
}

static inline void bench_init_at(struct bench *bench, const struct clock *clock, size_t page_max,
				 int64_t unread_one_ms)
{
	*bench = (struct bench){.loop = loop_new(clock), .needed = true};
	bench->readings = readings_new();
	readings_watch(bench->readings, "ns", "a");
	bench->activators = activators_new(&(struct activators_config){
	    .loop = bench->loop,
	    .readings = bench->readings,
	    .needed = needed,
	    .changed = changed,
	    .ctx = bench,
	    .page_max = page_max,
	    .unread_one_ms = unread_one_ms,
	});
}

static inline void bench_init_with(struct bench *bench, size_t page_max, int64_t unread_one_ms)
{
	bench_init_at(bench, &system_clock, page_max, unread_one_ms);
}

static inline void bench_init(struct bench *bench, size_t page_max)
{
	bench_init_with(bench, page_max, 0);
}

static inline void bench_release(struct bench *bench)
{
	activators_free(bench->activators);
	readings_free(bench->readings);
	loop_free(bench->loop);
}

static inline void set(struct bench *bench, const char *first, const char *second)
{
	struct endpoint_place items[2] = {{(char *)(uintptr_t)first, false},
					  {(char *)(uintptr_t)second, false}};
	struct endpoint_places places = {(size_t)(first != NULL) + (second != NULL), items};

	activators_set(bench->activators, &places, NULL);
}

static inline int64_t now(const struct bench *bench)
{
	return timers_now(loop_timers(bench->loop));
}

/* A step at least, however long it takes to get there. */
static inline void turn(struct bench *bench, int ms)
{
	int64_t end = now(bench) + ms;

	for (int64_t left = ms; left > 0; left = end - now(bench))
		loop_step(bench->loop, (int)left);
}

static inline struct activators_stats stats_of(const struct bench *bench)
{
	struct activators_stats stats;

	activators_stats(bench->activators, &stats);
	return stats;
}

/* Until that many whole pages have come and failed in all, 10 s at most, whatever the bench's own
 * clock says. */
static inline void wait_for(struct bench *bench, uint64_t pages, uint64_t failures)
{
	int64_t end = clock_mono(&system_clock) + 10000 * TEST_PATIENCE;

	while (clock_mono(&system_clock) < end &&
	       (stats_of(bench).pages < pages || stats_of(bench).failures < failures))
		loop_step(bench->loop, 50);
	EXPECT(stats_of(bench).pages >= pages);
	EXPECT(stats_of(bench).failures >= failures);
}

static inline struct reading reading_of(const struct bench *bench)
{
	struct reading reading;

	readings_of(bench->readings, "ns", "a", now(bench), &reading);
	return reading;
}

/* Until it has a rate, 10 s at most: pages with the counter are the rarer the longer one takes. */
static inline void wait_for_rps(struct bench *bench)
{
	int64_t end = now(bench) + 10000 * TEST_PATIENCE;

	while (now(bench) < end && reading_of(bench).rps == 0)
		loop_step(bench->loop, 50);
	EXPECT(reading_of(bench).rps > 0);
}

static inline bool unread(const struct bench *bench)
{
	return activators_unread(bench->activators) != NULL;
}

#endif
