/*
 * The watchdog's thread. It shares nothing with the loop but the pulse, and takes no lock and no
 * memory: the loop may hang inside malloc. Signals are left to the loop's thread.
 */
#include "pkg/net/watchdog.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"
#include "pkg/base/pulse.h"

#define PATIENCE_MS 30000
#define LOOKS 30

struct watchdog {
	pthread_t thread;
	int stop_fd;
	int look_ms;
};

static void bark(const struct watchdog *watchdog)
{
	char about[PULSE_ABOUT_SIZE];
	pulse_copy_about(about);
	log_last_words("the loop stopped ticking", pulse_doing(), about,
		       (int64_t)watchdog->look_ms * LOOKS);
	abort();
}

static void *run(void *ctx)
{
	const struct watchdog *watchdog = ctx;
	struct pollfd stop = {.fd = watchdog->stop_fd, .events = POLLIN};
	uint64_t seen = pulse_count();
	int looks = 0;
	while (poll(&stop, 1, watchdog->look_ms) <= 0) {
		uint64_t count = pulse_count();
		looks = count == seen ? looks + 1 : 0;
		seen = count;
		if (looks >= LOOKS)
			bark(watchdog);
	}
	return NULL;
}

static int start(struct watchdog *watchdog)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&watchdog->thread, NULL, run, watchdog);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}

bool watchdog_new(int64_t patience_ms, struct watchdog **out, struct error *err)
{
	struct watchdog *watchdog = xcalloc(1, sizeof(*watchdog));
	int64_t look_ms = (patience_ms > 0 ? patience_ms : PATIENCE_MS) / LOOKS;
	watchdog->look_ms = look_ms > 0 ? (int)look_ms : 1;
	watchdog->stop_fd = eventfd(0, EFD_CLOEXEC);
	int failed = watchdog->stop_fd < 0 ? errno : start(watchdog);
	if (!failed) {
		*out = watchdog;
		return true;
	}
	if (watchdog->stop_fd >= 0)
		close(watchdog->stop_fd);
	free(watchdog);
	return error_set(err, ERROR_FATAL, "watchdog: %s", strerror(failed));
}

void watchdog_free(struct watchdog *watchdog)
{
	if (!watchdog)
		return;
	CHECK(eventfd_write(watchdog->stop_fd, 1) == 0);
	pthread_join(watchdog->thread, NULL);
	close(watchdog->stop_fd);
	free(watchdog);
}
