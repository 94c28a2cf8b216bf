/* The event loop: descriptors, timers and signals, also when callbacks change what is watched. */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "pkg/net/loop.h"
#include "test/lib/test.h"

struct pipe_end {
	struct loop *loop;
	int fds[2];
	int calls;
	struct pipe_end *victim; /* removed when this one is called */
	struct pipe_end *born;   /* added then */
	bool reads;
};

static void on_ready(void *ctx)
{
	struct pipe_end *end = ctx;
	char byte;
	end->calls++;
	if (end->reads)
		EXPECT_INT(read(end->fds[0], &byte, 1), 1);
	if (end->victim)
		loop_remove_fd(end->loop, end->victim->fds[0]);
	if (end->born)
		loop_add_fd(end->loop, end->born->fds[0], on_ready, end->born);
	end->victim = end->born = NULL;
}

static void open_pipe(struct pipe_end *end, struct loop *loop)
{
	*end = (struct pipe_end){.loop = loop, .reads = true};
	EXPECT_INT(pipe(end->fds), 0);
}

static void close_pipe(struct pipe_end *end)
{
	close(end->fds[0]);
	close(end->fds[1]);
}

static void poke(struct pipe_end *end)
{
	EXPECT_INT(write(end->fds[1], "x", 1), 1);
}

TEST(loop, calls_readable_descriptors)
{
	struct loop *loop = loop_new(&system_clock);
	struct pipe_end a, b;
	open_pipe(&a, loop);
	open_pipe(&b, loop);
	loop_add_fd(loop, a.fds[0], on_ready, &a);
	loop_add_fd(loop, b.fds[0], on_ready, &b);
	loop_step(loop, 0);
	EXPECT_INT(a.calls + b.calls, 0);
	poke(&b);
	loop_step(loop, 1000);
	EXPECT_INT(a.calls, 0);
	EXPECT_INT(b.calls, 1);
	loop_remove_fd(loop, b.fds[0]);
	poke(&a);
	poke(&b);
	loop_step(loop, 1000);
	EXPECT_INT(a.calls, 1);
	EXPECT_INT(b.calls, 1);
	loop_add_fd(loop, b.fds[0], on_ready, &b); /* the same number again */
	loop_step(loop, 1000);
	EXPECT_INT(b.calls, 2);
	close_pipe(&a);
	close_pipe(&b);
	loop_free(loop);
}

TEST(loop, descriptors_change_during_callbacks)
{
	struct loop *loop = loop_new(&system_clock);
	struct pipe_end first, second, self, born[12];
	open_pipe(&first, loop);
	open_pipe(&second, loop);
	open_pipe(&self, loop);
	first.victim = &second; /* both are ready: the second must not be called */
	first.born = &born[0];
	self.victim = &self;
	for (int i = 0; i < 12; i++) { /* a chain that outgrows the first allocation */
		open_pipe(&born[i], loop);
		born[i].born = i < 11 ? &born[i + 1] : NULL;
		poke(&born[i]);
	}
	loop_add_fd(loop, first.fds[0], on_ready, &first);
	loop_add_fd(loop, second.fds[0], on_ready, &second);
	loop_add_fd(loop, self.fds[0], on_ready, &self);
	poke(&first);
	poke(&second);
	poke(&self);
	poke(&self);
	loop_step(loop, 1000);
	EXPECT_INT(first.calls, 1);
	EXPECT_INT(second.calls, 0);
	EXPECT_INT(self.calls, 1);
	EXPECT_INT(born[0].calls, 0); /* was not polled in this round */
	for (int i = 0; i < 12; i++)
		loop_step(loop, 1000);
	for (int i = 0; i < 12; i++) {
		EXPECT_INT(born[i].calls, 1);
		close_pipe(&born[i]);
	}
	EXPECT_INT(second.calls, 0);
	EXPECT_INT(self.calls, 1);
	close_pipe(&first);
	close_pipe(&second);
	close_pipe(&self);
	loop_free(loop);
}

/* A pipe takes bytes as long as it is not full. */
TEST(loop, calls_writable_descriptors_when_wanted)
{
	static const char block[4096];
	struct loop *loop = loop_new(&system_clock);
	struct pipe_end end;
	open_pipe(&end, loop);
	end.reads = false;
	EXPECT_INT(fcntl(end.fds[1], F_SETFL, O_NONBLOCK), 0);
	loop_add_fd(loop, end.fds[1], on_ready, &end);
	loop_step(loop, 0);
	EXPECT_INT(end.calls, 0);
	loop_want_write(loop, end.fds[1], true);
	loop_step(loop, 1000);
	loop_step(loop, 1000);
	EXPECT_INT(end.calls, 2);
	while (write(end.fds[1], block, sizeof(block)) > 0)
		;
	loop_step(loop, 0);
	EXPECT_INT(end.calls, 2);
	EXPECT_INT(read(end.fds[0], (char[sizeof(block)]){0}, sizeof(block)), sizeof(block));
	loop_step(loop, 1000);
	EXPECT_INT(end.calls, 3);
	loop_want_write(loop, end.fds[1], false);
	loop_step(loop, 0);
	EXPECT_INT(end.calls, 3);
	close_pipe(&end);
	loop_free(loop);
}

struct stopper {
	struct loop *loop;
	struct timer timer;
	int left;
};

static void tick(void *ctx)
{
	struct stopper *stopper = ctx;
	if (--stopper->left > 0)
		timer_arm(loop_timers(stopper->loop), &stopper->timer, 10);
	else
		loop_stop(stopper->loop);
}

TEST(loop, waits_for_timers)
{
	struct stopper stopper = {.loop = loop_new(&system_clock), .left = 3};
	int64_t start = clock_mono(&system_clock);
	timer_init(&stopper.timer, tick, &stopper);
	timer_arm(loop_timers(stopper.loop), &stopper.timer, 30);
	loop_run(stopper.loop);
	int64_t took = clock_mono(&system_clock) - start;
	EXPECT_INT(stopper.left, 0);
	EXPECT(took >= 50);
	EXPECT(took < 2000);
	loop_free(stopper.loop);
}

TEST(loop, step_waits_no_longer_than_told)
{
	struct stopper stopper = {.loop = loop_new(&system_clock), .left = 1};
	int64_t start = clock_mono(&system_clock);
	timer_init(&stopper.timer, tick, &stopper);
	timer_arm(loop_timers(stopper.loop), &stopper.timer, 60000);
	loop_step(stopper.loop, 20);
	int64_t took = clock_mono(&system_clock) - start;
	EXPECT(took >= 19);
	EXPECT(took < 2000);
	EXPECT_INT(stopper.left, 1);
	timer_disarm(loop_timers(stopper.loop), &stopper.timer);
	loop_free(stopper.loop);
}

struct caught {
	struct loop *loop;
	int count, last;
};

static void on_signal(void *ctx, int number)
{
	struct caught *caught = ctx;
	caught->count++;
	caught->last = number;
	loop_stop(caught->loop);
}

TEST(loop, delivers_signals)
{
	static const int numbers[] = {SIGTERM, SIGHUP};
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct caught caught = {.loop = loop_new(&system_clock)};
	EXPECT(loop_on_signals(caught.loop, numbers, 2, on_signal, &caught, &err));
	loop_step(caught.loop, 0);
	EXPECT_INT(caught.count, 0);
	kill(getpid(), SIGHUP);
	loop_run(caught.loop);
	EXPECT_INT(caught.count, 1);
	EXPECT_INT(caught.last, SIGHUP);
	kill(getpid(), SIGTERM);
	loop_step(caught.loop, 1000);
	EXPECT_INT(caught.count, 2);
	EXPECT_INT(caught.last, SIGTERM);
	loop_free(caught.loop);
}

TEST(loop, sigpipe_is_harmless)
{
	struct loop *loop = loop_new(&system_clock);
	struct pipe_end end;
	open_pipe(&end, loop);
	close(end.fds[0]);
	EXPECT_INT(write(end.fds[1], "x", 1), -1);
	close(end.fds[1]);
	loop_free(loop);
}

TEST_MAIN(TEST_OF(loop, calls_readable_descriptors),
	  TEST_OF(loop, descriptors_change_during_callbacks),
	  TEST_OF(loop, calls_writable_descriptors_when_wanted), TEST_OF(loop, waits_for_timers),
	  TEST_OF(loop, step_waits_no_longer_than_told), TEST_OF(loop, delivers_signals),
	  TEST_OF(loop, sigpipe_is_harmless))
