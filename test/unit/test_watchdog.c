/* The watchdog over a real loop, in a child process each: what hangs is ended and named. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/pulse.h"
#include "pkg/net/watchdog.h"
#include "test/lib/probe.h"
#include "test/lib/server.h"
#include "test/lib/test.h"

#define PATIENCE_MS 600
#define TICK_MS 200 /* ten looks: a stop mostly falls between two ticks */

/* A child whose loop has a timer every TICK_MS; hang is what it does besides. */
struct scene {
	struct loop *loop;
	struct timer tick, hang;
	int ticks, last_tick;
	int fds[2];
};

static void tick(void *ctx)
{
	struct scene *scene = ctx;
	if (++scene->ticks == scene->last_tick)
		loop_stop(scene->loop);
	timer_arm(loop_timers(scene->loop), &scene->tick, TICK_MS);
}

static void hang(void *ctx UNUSED)
{
	pulse_about("default/he\"llo");
	for (;;)
		pause();
}

static void spin(void *ctx UNUSED)
{
	for (volatile int on = 1; on;)
		;
}

static void in_a_timer(struct scene *scene)
{
	timer_init(&scene->hang, hang, NULL);
	timer_arm(loop_timers(scene->loop), &scene->hang, 100);
}

static void spinning(struct scene *scene)
{
	timer_init(&scene->hang, spin, NULL);
	timer_arm(loop_timers(scene->loop), &scene->hang, 100);
}

static void in_a_descriptor(struct scene *scene)
{
	EXPECT_INT(pipe(scene->fds), 0);
	loop_add_fd(scene->loop, scene->fds[0], hang, NULL);
	EXPECT_INT(write(scene->fds[1], "x", 1), 1);
}

static void refused(void *ctx UNUSED, const struct http_response *response UNUSED,
		    const struct error *err UNUSED)
{
	hang(NULL);
}

static void in_a_transfer(struct scene *scene)
{
	static const struct http_request request = {.method = "GET", .path = "/"};
	static const struct http_events events = {.done = refused};
	struct endpoint endpoint = {.server = "http://127.0.0.1:1"};
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct transport *transport = NULL;
	EXPECT(curl_transport_new(scene->loop, &endpoint, &transport, &err));
	transport_start(transport, &request, &events, NULL);
}

static void nothing(struct scene *scene)
{
	scene->last_tick = 4 * PATIENCE_MS / TICK_MS;
}

static void live(void (*trouble)(struct scene *scene))
{
	struct scene scene = {.loop = loop_new(&system_clock)};
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct watchdog *watchdog = NULL;
	timer_init(&scene.tick, tick, &scene);
	timer_arm(loop_timers(scene.loop), &scene.tick, TICK_MS);
	trouble(&scene);
	if (!watchdog_new(PATIENCE_MS, &watchdog, &err))
		_exit(3);
	loop_run(scene.loop);
	watchdog_free(watchdog);
	timer_disarm(loop_timers(scene.loop), &scene.tick);
	loop_free(scene.loop);
}

static pid_t bear(void (*trouble)(struct scene *scene), int *err_fd)
{
	int ends[2];
	if (pipe(ends) != 0)
		exit(2);
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		alarm(30);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		live(trouble);
		_exit(0);
	}
	close(ends[1]);
	*err_fd = ends[0];
	return child;
}

static int bury(pid_t child, int err_fd, char *text, size_t size)
{
	int status = 0;
	size_t used = 0;
	for (ssize_t got; used + 1 < size; used += (size_t)got)
		if ((got = read(err_fd, text + used, size - 1 - used)) <= 0)
			break;
	text[used] = 0;
	close(err_fd);
	waitpid(child, &status, 0);
	return status;
}

TEST(watchdog, ends_a_loop_that_hangs_and_says_where)
{
	static const struct {
		void (*trouble)(struct scene *scene);
		const char *doing, *key;
	} rows[] = {
	    {in_a_timer, "\"doing\":\"timer\"", "\"knative.dev/key\":\"default/he?llo\""},
	    {in_a_descriptor, "\"doing\":\"fd\"", "\"knative.dev/key\":\"default/he?llo\""},
	    {in_a_transfer, "\"doing\":\"curl\"", "\"knative.dev/key\":\"default/he?llo\""},
	    {spinning, "\"doing\":\"timer\"", "\"knative.dev/key\":\"\""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[4096];
		int err_fd;
		test_row("%zu", i);
		pid_t child = bear(rows[i].trouble, &err_fd);
		int status = bury(child, err_fd, text, sizeof(text));
		EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
		EXPECT_CONTAINS(text, "{\"severity\":\"EMERGENCY\",\"timestamp\":\"20");
		EXPECT_CONTAINS(text, "\"message\":\"the loop stopped ticking\"");
		EXPECT_CONTAINS(text, rows[i].doing);
		EXPECT_CONTAINS(text, rows[i].key);
		EXPECT_CONTAINS(text, "\"for\":\"0.600s\"}\n");
	}
	test_row("%s", "");
}

TEST(watchdog, lets_a_working_loop_be)
{
	char text[4096];
	int err_fd;
	pid_t child = bear(nothing, &err_fd);
	int status = bury(child, err_fd, text, sizeof(text));
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	EXPECT_TEXT(text, "");
}

/* Time in which the process as a whole stood still is not the loop's fault. */
TEST(watchdog, a_stop_is_no_hang)
{
	char text[4096];
	int err_fd;
	pid_t child = bear(nothing, &err_fd);
	for (int i = 0; i < 6; i++) {
		test_sleep_ms(PATIENCE_MS / 4);
		kill(child, SIGSTOP);
		test_sleep_ms(PATIENCE_MS + PATIENCE_MS / 2);
		kill(child, SIGCONT);
	}
	int status = bury(child, err_fd, text, sizeof(text));
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	EXPECT_TEXT(text, "");
}

/* Nobody reads stderr, and its pipe is full. */
TEST(watchdog, a_full_stderr_does_not_save_it)
{
	char page[4096] = {0};
	int ends[2], status = 0;
	/* An emulator has last words of its own, and waits until they are read. */
	if (EMULATED)
		return;
	EXPECT_INT(pipe(ends), 0);
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		alarm(30);
		for (struct pollfd end = {.fd = ends[1], .events = POLLOUT}; poll(&end, 1, 0) > 0;)
			if (write(ends[1], page, sizeof(page)) < 0)
				_exit(4);
		dup2(ends[1], STDERR_FILENO);
		live(in_a_timer);
		_exit(0);
	}
	waitpid(child, &status, 0);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	close(ends[0]);
	close(ends[1]);
}

TEST(pulse, is_read_as_it_was_told)
{
	char about[PULSE_ABOUT_SIZE], longer[2 * PULSE_ABOUT_SIZE];
	uint64_t count = pulse_count();
	pulse_beat("something");
	EXPECT_INT(pulse_count(), count + 1);
	EXPECT_TEXT(pulse_doing(), "something");
	pulse_about("a\\b\"c\n\xc3\xa9");
	pulse_copy_about(about);
	EXPECT_TEXT(about, "a?b?c???");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	pulse_about(longer);
	pulse_copy_about(about);
	EXPECT_INT(strlen(about), PULSE_ABOUT_SIZE - 1);
	pulse_about(NULL);
	pulse_copy_about(about);
	EXPECT_TEXT(about, "");
}

TEST_MAIN(TEST_OF(watchdog, ends_a_loop_that_hangs_and_says_where),
	  TEST_OF(watchdog, lets_a_working_loop_be), TEST_OF(watchdog, a_stop_is_no_hang),
	  TEST_OF(watchdog, a_full_stderr_does_not_save_it), TEST_OF(pulse, is_read_as_it_was_told))
