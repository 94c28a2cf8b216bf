/*
 * The last moment before a request leaves, over real sockets: asked then, not sooner, and not a
 * byte of what is held back or was cancelled in time arrives.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/probe.h"
#include "test/lib/server.h"
#include "test/lib/test.h"

#define POST                                                                                       \
	.method = "POST", .path = "/p", .content_type = "application/json", .body = "{}",          \
	.body_length = 2

struct world {
	struct server *server;
	struct rig rig;
	atomic_int arrived;
};

static bool say_ok(void *ctx, struct exchange *exchange)
{
	struct world *world = ctx;

	atomic_fetch_add(&world->arrived, 1);
	return exchange_send(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
}

static void world_init(struct world *world)
{
	struct endpoint endpoint = {.user_agent = "probe/1"};

	atomic_init(&world->arrived, 0);
	world->server = server_new(say_ok, world);
	rig_init(&world->rig, &system_clock, "http", "127.0.0.1", server_port(world->server),
		 &endpoint);
}

static void world_release(struct world *world)
{
	rig_release(&world->rig);
	server_free(world->server);
}

/* A whole request, so that the connection is there for the next. */
static void warm(struct world *world)
{
	struct probe probe = {0};

	probe_get(&probe, &world->rig, "/warm");
	EXPECT(probe_wait(&probe));
	EXPECT_INT(probe.response.status, 200);
	probe_release(&probe);
}

static int asked;

static bool yes(void *ctx)
{
	(void)ctx;
	asked++;
	return true;
}

static bool no(void *ctx)
{
	(void)ctx;
	asked++;
	return false;
}

/* Only when it is with curl already. */
static bool not_any_more(void *ctx)
{
	(void)ctx;
	return asked++ == 0;
}

TEST(leaving, is_asked_when_it_is_about_to_be_sent)
{
	struct world world;
	struct probe probe = {0};

	world_init(&world);
	asked = 0;
	probe_start(&probe, &world.rig, &(struct http_request){POST, .leaving = yes});
	EXPECT_INT(asked, 0);
	EXPECT(probe_wait(&probe));
	EXPECT(asked > 0);
	EXPECT_INT(probe.kind, ERROR_NONE);
	EXPECT_INT(probe.response.status, 200);
	EXPECT_INT(atomic_load(&world.arrived), 1);
	probe_release(&probe);
	world_release(&world);
}

TEST(leaving, is_refused)
{
	for (int row = 0; row < 4; row++) {
		struct world world;
		struct probe probe = {0};
		bool fresh = row % 2, late = row / 2;
		int before = fresh ? 0 : 1;

		test_row("%s connection%s", fresh ? "a fresh" : "an open", late ? ", late" : "");
		world_init(&world);
		if (!fresh)
			warm(&world);
		asked = 0;
		probe_start(&probe, &world.rig,
			    &(struct http_request){POST, .leaving = late ? not_any_more : no});
		EXPECT(probe_wait(&probe));
		EXPECT_INT(asked, late ? 2 : 1);
		EXPECT_INT(probe.kind, ERROR_TRANSIENT);
		EXPECT_CONTAINS(probe.error, "called back");
		rig_turn(&world.rig, 100);
		EXPECT_INT(atomic_load(&world.arrived), before);
		probe_release(&probe);
		/* What comes next is none the worse for it. */
		warm(&world);
		EXPECT_INT(atomic_load(&world.arrived), before + 1);
		world_release(&world);
	}
}

static void cancel_now(void *ctx)
{
	probe_cancel(ctx);
}

/* It would leave in this very round. */
TEST(leaving, is_too_late_to_send_what_was_cancelled)
{
	struct world world;
	struct probe probe = {0};
	struct timer timer;

	world_init(&world);
	warm(&world);
	probe_start(&probe, &world.rig, &(struct http_request){POST, .leaving = yes});
	timer_init(&timer, cancel_now, &probe);
	timer_arm(loop_timers(world.rig.loop), &timer, 0);
	rig_turn(&world.rig, 200);
	EXPECT_INT(probe.dones, 0);
	EXPECT_INT(atomic_load(&world.arrived), 1);
	probe_release(&probe);
	world_release(&world);
}

TEST_MAIN(TEST_OF(leaving, is_asked_when_it_is_about_to_be_sent), TEST_OF(leaving, is_refused),
	  TEST_OF(leaving, is_too_late_to_send_what_was_cancelled))
