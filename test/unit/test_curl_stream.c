/* The transport over real sockets, plain HTTP/1.1: streams, silence, cancelling. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "test/lib/fake_clock.h"
#include "test/lib/probe.h"
#include "test/lib/server.h"
#include "test/lib/test.h"

#define STREAM_HEAD "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

struct world {
	struct server *server;
	struct rig rig;
};

/* A script whose ctx is the whole answer, raw; the connection stays open. */
static bool say(void *ctx, struct exchange *exchange)
{
	const char *answer = ctx;
	return exchange_write(exchange, answer, strlen(answer));
}

static void world_init(struct world *world, bool (*script)(void *ctx, struct exchange *exchange),
		       const void *ctx)
{
	struct endpoint endpoint = {.user_agent = "probe/1", .token = "secret-token"};
	world->server = server_new(script, (void *)ctx);
	rig_init(&world->rig, &system_clock, "http", "127.0.0.1", server_port(world->server),
		 &endpoint);
}

static void world_release(struct world *world)
{
	rig_release(&world->rig);
	server_free(world->server);
}

/* Answers with the request as it came. */
static bool echo(void *ctx UNUSED, struct exchange *exchange)
{
	return exchange_send(exchange, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
			     strlen(exchange->request), exchange->request);
}

/* Streams: each step of the script waits for the test. */
struct steps {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int allowed;
};

static void allow(struct steps *steps)
{
	pthread_mutex_lock(&steps->lock);
	steps->allowed++;
	pthread_cond_broadcast(&steps->changed);
	pthread_mutex_unlock(&steps->lock);
}

static void await(struct steps *steps)
{
	pthread_mutex_lock(&steps->lock);
	while (steps->allowed == 0)
		pthread_cond_wait(&steps->changed, &steps->lock);
	steps->allowed--;
	pthread_mutex_unlock(&steps->lock);
}

static bool stream_by_steps(void *ctx, struct exchange *exchange)
{
	struct steps *steps = ctx;
	await(steps);
	exchange_send(exchange, STREAM_HEAD);
	await(steps);
	exchange_send(exchange, "5\r\nfirst\r\n");
	await(steps);
	exchange_send(exchange, "6\r\nsecond\r\n");
	await(steps);
	return exchange_send(exchange, "0\r\n\r\n");
}

TEST(transport, stream_is_handed_on_as_it_comes)
{
	struct steps steps = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
	CLEANUP(world_release) struct world world;
	CLEANUP(probe_release) struct probe probe = {0};
	world_init(&world, stream_by_steps, &steps);
	probe_start(&probe, &world.rig,
		    &(struct http_request){.method = "GET", .path = "/", .stream = true});
	rig_turn(&world.rig, 30);
	EXPECT_INT(probe.heads, 0);
	allow(&steps);
	EXPECT(rig_wait(&world.rig, &probe.heads, 1));
	EXPECT_INT(probe.response.status, 200);
	EXPECT_INT(probe.datas, 0);
	allow(&steps);
	EXPECT(rig_wait(&world.rig, &probe.datas, 1));
	EXPECT_TEXT(probe.text.buf, "first");
	allow(&steps);
	EXPECT(rig_wait(&world.rig, &probe.datas, 2));
	EXPECT_TEXT(probe.text.buf, "firstsecond");
	EXPECT_INT(probe.dones, 0);
	allow(&steps);
	EXPECT(probe_wait(&probe));
	EXPECT_INT(probe.kind, ERROR_NONE);
	EXPECT_INT(probe.response.length, 0);
	EXPECT_INT(probe.heads, 1);
}

static bool flood(void *ctx, struct exchange *exchange)
{
	char block[4096];
	memset(block, 'z', sizeof(block));
	exchange_send(exchange, "HTTP/1.1 %s\r\n\r\n", (const char *)ctx);
	while (exchange_write(exchange, block, sizeof(block)))
		;
	return false;
}

TEST(transport, stream_refused_by_the_server)
{
	static const struct http_request request = {.method = "GET", .path = "/", .stream = true};
	CLEANUP(world_release) struct world small, endless;
	CLEANUP(probe_release) struct probe probe = {0}, flooded = {0};
	world_init(&small, say, "HTTP/1.1 410 Gone\r\nContent-Length: 7\r\n\r\nexpired");
	world_init(&endless, flood, "500 Oh");
	probe_start(&probe, &small.rig, &request);
	EXPECT(probe_wait(&probe));
	EXPECT_INT(probe.heads + probe.datas, 0);
	EXPECT_INT(probe.response.status, 410);
	EXPECT_INT(probe.kind, ERROR_NONE);
	EXPECT_TEXT(probe.text.buf, "expired");
	probe_start(&flooded, &endless.rig, &request);
	EXPECT(probe_wait(&flooded));
	EXPECT_INT(flooded.heads + flooded.datas, 0);
	EXPECT_INT(flooded.response.status, 500);
	EXPECT_INT(flooded.kind, ERROR_NONE);
	EXPECT_INT(flooded.response.length, 65536);
}

TEST(transport, stream_ended_by_the_receiver)
{
	CLEANUP(world_release) struct world world;
	CLEANUP(probe_release) struct probe probe = {.refuse = true};
	world_init(&world, flood, "200 OK");
	probe_start(&probe, &world.rig,
		    &(struct http_request){.method = "GET", .path = "/", .stream = true});
	EXPECT(probe_wait(&probe));
	EXPECT_INT(probe.datas, 1);
	EXPECT_INT(probe.kind, ERROR_FATAL);
	EXPECT_TEXT(probe.error, "the receiver ended the stream");
}

TEST(transport, collected_body_has_a_default_limit)
{
	CLEANUP(world_release) struct world world;
	CLEANUP(probe_release) struct probe probe = {0};
	world_init(&world, flood, "200 OK");
	probe_get(&probe, &world.rig, "/");
	EXPECT(probe_wait(&probe));
	EXPECT_INT(probe.kind, ERROR_INVALID);
	EXPECT_TEXT(probe.error, "answer larger than 8388608 bytes");
}

static bool drip(void *ctx, struct exchange *exchange)
{
	const int *pause_ms = ctx;
	exchange_send(exchange, STREAM_HEAD);
	while (exchange_send(exchange, "1\r\n.\r\n"))
		if (exchange_wait_closed(exchange, *pause_ms))
			break;
	return false;
}

static bool silence(void *ctx UNUSED, struct exchange *exchange)
{
	exchange_wait_closed(exchange, 10000);
	return false;
}

TEST(transport, silence_and_time)
{
	static const struct {
		int pause_ms; /* 0: not even a head */
		int64_t idle_ms, timeout_ms;
		bool lasts;
		const char *error;
	} rows[] = {
	    {0, 100, 0, false, "nothing received for 0.1 s"},
	    {0, 0, 100, false, "no whole answer within 0.1 s"},
	    {0, 5000, 100, false, "no whole answer within 0.1 s"},
	    {0, 100, 5000, false, "nothing received for 0.1 s"},
	    {10000, 100, 0, false, "nothing received for 0.1 s"},
	    {10, 5000, 300, false, "no whole answer within 0.3 s"},
	    {20, 1500, 0, true, ""},
	    {20, 0, 0, true, ""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(world_release) struct world world;
		CLEANUP(probe_release) struct probe probe = {0};
		struct http_request request = {.method = "GET",
					       .path = "/",
					       .stream = true,
					       .idle_ms = rows[i].idle_ms,
					       .timeout_ms = rows[i].timeout_ms};
		test_row("%zu", i);
		world_init(&world, rows[i].pause_ms ? drip : silence, &rows[i].pause_ms);
		probe_start(&probe, &world.rig, &request);
		if (rows[i].lasts) {
			rig_turn(&world.rig, 2000);
			EXPECT_INT(probe.dones, 0);
			continue; /* freed while under way */
		}
		EXPECT(probe_wait(&probe));
		EXPECT_INT(probe.kind, ERROR_TRANSIENT);
		EXPECT_TEXT(probe.error, rows[i].error);
		EXPECT_INT(probe.response.status, rows[i].pause_ms ? 200 : 0);
	}
	test_row("%s", "");
}

/* The process stood still (SIGSTOP, a suspended machine): what the kernel has kept comes first. */
TEST(transport, standing_still_is_no_silence)
{
	static const int pause_ms = 10;
	for (int live = 1; live >= 0; live--) {
		CLEANUP(probe_release) struct probe watch = {0};
		struct world world;
		struct fake_clock clock;
		struct endpoint endpoint = {.user_agent = "probe/1"};
		fake_clock_init(&clock);
		test_row("%s", live ? "live" : "dead");
		world.server = server_new(live ? drip : silence, (void *)(uintptr_t)&pause_ms);
		rig_init(&world.rig, &clock.clock, "http", "127.0.0.1", server_port(world.server),
			 &endpoint);
		probe_start(&watch, &world.rig,
			    &(struct http_request){
				.method = "GET", .path = "/", .stream = true, .idle_ms = 90000});
		rig_turn(&world.rig, 200);
		int heard = watch.datas;
		fake_clock_advance(&clock, 300000);
		rig_turn(&world.rig, 50);
		EXPECT_INT(watch.dones, 0);
		fake_clock_advance(&clock, 1000);
		rig_turn(&world.rig, 200);
		EXPECT_INT(watch.dones, live ? 0 : 1);
		EXPECT(!live || watch.datas > heard);
		world_release(&world);
	}
	test_row("%s", "");
}

/* Cancelling: at every stage, and from every callback. */

static void cancel_self(struct probe *probe)
{
	probe_cancel(probe);
}

static void cancel_other(struct probe *probe)
{
	if (probe->other->call)
		probe_cancel(probe->other);
}

TEST(transport, cancel_at_every_stage)
{
	static const int pause_ms = 5;
	static const struct http_request request = {
	    .method = "GET", .path = "/", .stream = true, .idle_ms = 1000};
	CLEANUP(world_release) struct world world;
	world_init(&world, drip, &pause_ms);
	for (int rounds = 0; rounds < 12; rounds++) {
		CLEANUP(probe_release) struct probe probe = {0};
		test_row("after %d rounds", rounds);
		probe_start(&probe, &world.rig, &request);
		for (int i = 0; i < rounds; i++)
			loop_step(world.rig.loop, 2);
		int heads = probe.heads, datas = probe.datas;
		probe_cancel(&probe);
		rig_turn(&world.rig, rounds == 6 ? 1500 : 50); /* its patience would end */
		EXPECT_INT(probe.heads, heads);
		EXPECT_INT(probe.datas, datas);
		EXPECT_INT(probe.dones, 0);
	}
	test_row("%s", "");
}

TEST(transport, cancel_from_own_callbacks)
{
	static const int pause_ms = 5;
	static const struct http_request request = {.method = "GET", .path = "/", .stream = true};
	CLEANUP(world_release) struct world world;
	CLEANUP(probe_release) struct probe in_head = {.on_head = cancel_self};
	CLEANUP(probe_release) struct probe in_data = {.on_data = cancel_self};
	CLEANUP(probe_release) struct probe refusing = {.on_data = cancel_self, .refuse = true};
	world_init(&world, drip, &pause_ms);
	probe_start(&in_head, &world.rig, &request);
	probe_start(&in_data, &world.rig, &request);
	probe_start(&refusing, &world.rig, &request);
	rig_turn(&world.rig, 150);
	EXPECT_INT(in_head.heads, 1);
	EXPECT_INT(in_head.datas, 0);
	EXPECT_INT(in_data.datas, 1);
	EXPECT_INT(refusing.datas, 1);
	EXPECT_INT(in_head.dones + in_data.dones + refusing.dones, 0);
}

TEST(transport, cancel_from_another_calls_callbacks)
{
	static const int pause_ms = 5;
	static const struct http_request stream = {.method = "GET", .path = "/", .stream = true};
	for (int stage = 0; stage < 3; stage++) {
		CLEANUP(world_release) struct world world;
		CLEANUP(probe_release) struct probe victim = {0}, waiting = {0};
		CLEANUP(probe_release) struct probe actor = {.other = &victim};
		test_row("stage %d", stage);
		actor.on_head = stage == 0 ? cancel_other : NULL;
		actor.on_data = stage == 1 ? cancel_other : NULL;
		actor.on_done = stage == 2 ? cancel_other : NULL;
		actor.refuse = stage == 2; /* so that it ends */
		world_init(&world, drip, &pause_ms);
		probe_start(&victim, &world.rig, &stream);
		EXPECT(rig_wait(&world.rig, &victim.datas, 1));
		probe_start(&actor, &world.rig, &stream);
		EXPECT(rig_wait(&world.rig,
				stage == 0   ? &actor.heads
				: stage == 1 ? &actor.datas
					     : &actor.dones,
				1));
		int datas = victim.datas;
		rig_turn(&world.rig, 50);
		EXPECT_INT(victim.datas, datas);
		EXPECT_INT(victim.dones, 0);
		if (stage < 2)
			EXPECT(rig_wait(&world.rig, &actor.datas, 2)); /* unharmed */

		/* One that has not even begun. */
		actor.other = &waiting;
		if (actor.call) {
			probe_start(&waiting, &world.rig, &stream);
			/* Each data cancels; an actor has one head only. */
			int rounds = stage == 1 ? 100 : 1;
			while (waiting.call && rounds-- > 0)
				rig_turn(&world.rig, 50);
			EXPECT(!waiting.call == (stage == 1));
			EXPECT_INT(waiting.dones, 0);
		}
	}
	test_row("%s", "");
}

/* Both have finished in the same round when the first done comes: the second must not. */
TEST(transport, cancel_of_one_that_has_finished_too)
{
	static const struct http_request request = {.method = "GET", .path = "/", .timeout_ms = 50};
	CLEANUP(world_release) struct world world;
	CLEANUP(probe_release) struct probe a = {.on_done = cancel_other};
	CLEANUP(probe_release) struct probe b = {.on_done = cancel_other, .other = &a};
	a.other = &b;
	world_init(&world, silence, NULL);
	probe_start(&a, &world.rig, &request);
	probe_start(&b, &world.rig, &request);
	rig_turn(&world.rig, 20);
	test_sleep_ms(100);
	rig_turn(&world.rig, 50);
	EXPECT_INT(a.dones + b.dones, 1);

	struct endpoint endpoint = {0};
	struct rig refused;
	uint16_t port;
	close(test_listen(&port));
	rig_init(&refused, &system_clock, "http", "127.0.0.1", port, &endpoint);
	a.dones = b.dones = 0;
	probe_get(&a, &refused, "/");
	probe_get(&b, &refused, "/");
	rig_turn(&refused, 200);
	EXPECT_INT(a.dones + b.dones, 1);
	rig_release(&refused);
}

static void start_other(struct probe *probe)
{
	if (probe->other->dones == 0 && !probe->other->call)
		probe_get(probe->other, probe->rig, "/next");
}

TEST(transport, start_from_callbacks)
{
	CLEANUP(world_release) struct world world;
	world_init(&world, echo, NULL);
	for (int stage = 0; stage < 3; stage++) {
		CLEANUP(probe_release) struct probe next = {0};
		CLEANUP(probe_release) struct probe first = {.other = &next};
		test_row("stage %d", stage);
		first.on_head = stage == 0 ? start_other : NULL;
		first.on_data = stage == 1 ? start_other : NULL;
		first.on_done = stage == 2 ? start_other : NULL;
		probe_start(&first, &world.rig,
			    &(struct http_request){.method = "GET", .path = "/", .stream = true});
		EXPECT(probe_wait(&first));
		EXPECT(probe_wait(&next));
		EXPECT_INT(next.kind, ERROR_NONE);
		EXPECT_CONTAINS(next.text.buf, "GET /next ");
	}
	test_row("%s", "");
}

static void free_transport(struct probe *probe)
{
	curl_transport_free(probe->rig->transport);
	probe->rig->transport = NULL;
}

TEST(transport, freed_in_done_with_calls_under_way)
{
	static const int pause_ms = 5;
	CLEANUP(world_release) struct world world;
	CLEANUP(probe_release) struct probe stream = {0}, later = {0}, cancelled = {0};
	CLEANUP(probe_release) struct probe waiting = {0};
	CLEANUP(probe_release) struct probe last = {.on_done = free_transport, .refuse = true};
	static const struct http_request request = {.method = "GET", .path = "/", .stream = true};
	world_init(&world, drip, &pause_ms);
	probe_start(&stream, &world.rig, &request);
	EXPECT(rig_wait(&world.rig, &stream.datas, 1));
	probe_start(&last, &world.rig, &request);
	EXPECT(probe_wait(&last));
	int datas = stream.datas;
	rig_turn(&world.rig, 50);
	EXPECT_INT(stream.datas, datas);
	EXPECT_INT(stream.dones, 0);

	struct endpoint endpoint = {0};
	struct rig rig; /* one of each state */
	rig_init(&rig, &system_clock, "http", "127.0.0.1", server_port(world.server), &endpoint);
	probe_start(&later, &rig, &request);
	probe_start(&cancelled, &rig, &request);
	rig_turn(&rig, 30);
	probe_cancel(&cancelled);
	probe_start(&waiting, &rig, &request);
	rig_release(&rig);
	EXPECT_INT(later.dones + cancelled.dones + waiting.dones, 0);
	curl_transport_free(NULL);
}

TEST_MAIN(TEST_OF(transport, stream_is_handed_on_as_it_comes),
	  TEST_OF(transport, stream_refused_by_the_server),
	  TEST_OF(transport, stream_ended_by_the_receiver),
	  TEST_OF(transport, collected_body_has_a_default_limit),
	  TEST_OF(transport, silence_and_time), TEST_OF(transport, standing_still_is_no_silence),
	  TEST_OF(transport, cancel_at_every_stage), TEST_OF(transport, cancel_from_own_callbacks),
	  TEST_OF(transport, cancel_from_another_calls_callbacks),
	  TEST_OF(transport, cancel_of_one_that_has_finished_too),
	  TEST_OF(transport, start_from_callbacks),
	  TEST_OF(transport, freed_in_done_with_calls_under_way))
