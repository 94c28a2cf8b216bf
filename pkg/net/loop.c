/*
 * The event loop: one CURLM whose poll carries our descriptors too. Invariant: the watchers
 * that a round polls keep their places until the next round begins (removed ones stay as
 * tombstones), so callbacks may add and remove at will.
 */
#include "pkg/net/loop.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/base/pulse.h"
#include "pkg/net/internal.h"

#define LONGEST_WAIT_MS 10000 /* a third of the watchdog's patience */
/* Above what any API server offers (250 by default in Kubernetes); curl's own cap is 100. */
#define STREAMS_PER_CONNECTION 1000L
#define CONNECTIONS_KEPT 64L /* idle ones: the API server's, and one an activator */
/* More than the watches of a controller at rest and a few requests beside them. */
#define MANY_TRANSFERS 16
#define GATHER_MS 2

struct watcher {
	int fd; /* -1: removed */
	bool write;
	void (*ready)(void *ctx);
	void *ctx;
};

struct loop {
	struct timers *timers;
	CURLM *multi;
	struct sockets sockets;
	struct watcher *watchers;
	struct curl_waitfd *polled; /* parallel to watchers, filled anew each round */
	size_t count, capacity;
	int running; /* transfers */
	bool in_round, inside_curl, stopped;
	int signal_fd; /* -1: none */
	void (*got_signal)(void *ctx, int signal);
	void *signal_ctx;
};

struct loop *loop_new(const struct clock *clock)
{
	CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	signal(SIGPIPE, SIG_IGN);
	struct loop *loop = xcalloc(1, sizeof(*loop));
	loop->timers = timers_new(clock);
	loop->signal_fd = -1;
	loop->multi = curl_multi_init();
	CHECK(loop->multi);
	curl_multi_setopt(loop->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(loop->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, STREAMS_PER_CONNECTION);
	curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	CHECK(!loop->in_round);
	if (loop->signal_fd >= 0)
		close(loop->signal_fd);
	curl_multi_cleanup(loop->multi); /* closes its sockets */
	sockets_release(&loop->sockets);
	timers_free(loop->timers);
	free(loop->watchers);
	free(loop->polled);
	free(loop);
	curl_global_cleanup();
}

struct timers *loop_timers(struct loop *loop)
{
	return loop->timers;
}

CURLM *loop_multi(struct loop *loop)
{
	return loop->multi;
}

struct sockets *loop_sockets(struct loop *loop)
{
	return &loop->sockets;
}

bool loop_inside_curl(const struct loop *loop)
{
	return loop->inside_curl;
}

static struct watcher *watcher_of(struct loop *loop, int fd)
{
	for (size_t i = 0; i < loop->count; i++)
		if (loop->watchers[i].fd == fd)
			return &loop->watchers[i];
	return NULL;
}

void loop_add_fd(struct loop *loop, int fd, void (*ready)(void *ctx), void *ctx)
{
	CHECK(fd >= 0 && !watcher_of(loop, fd));
	if (loop->count == loop->capacity) {
		loop->capacity = loop->capacity ? 2 * loop->capacity : 8;
		loop->watchers = xrealloc(loop->watchers, loop->capacity * sizeof(*loop->watchers));
		loop->polled = xrealloc(loop->polled, loop->capacity * sizeof(*loop->polled));
	}
	loop->watchers[loop->count++] = (struct watcher){fd, false, ready, ctx};
}

void loop_remove_fd(struct loop *loop, int fd)
{
	struct watcher *watcher = watcher_of(loop, fd);
	CHECK(watcher);
	watcher->fd = -1;
}

void loop_want_write(struct loop *loop, int fd, bool wanted)
{
	struct watcher *watcher = watcher_of(loop, fd);
	CHECK(watcher);
	watcher->write = wanted;
}

static void take_signals(void *ctx)
{
	struct loop *loop = ctx;
	struct signalfd_siginfo info;
	while (read(loop->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		loop->got_signal(loop->signal_ctx, (int)info.ssi_signo);
}

bool loop_on_signals(struct loop *loop, const int *signals, size_t count,
		     void (*got)(void *ctx, int signal), void *ctx, struct error *err)
{
	CHECK(loop->signal_fd < 0);
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < count; i++)
		sigaddset(&set, signals[i]);
	int failed = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (failed)
		return error_set(err, ERROR_FATAL, "block signals: %s", strerror(failed));
	loop->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (loop->signal_fd < 0)
		return error_set(err, ERROR_FATAL, "signalfd: %s", strerror(errno));
	loop->got_signal = got;
	loop->signal_ctx = ctx;
	loop_add_fd(loop, loop->signal_fd, take_signals, loop);
	return true;
}

static size_t fill_polled(struct loop *loop)
{
	size_t kept = 0;
	for (size_t i = 0; i < loop->count; i++) {
		if (loop->watchers[i].fd < 0)
			continue;
		loop->watchers[kept] = loop->watchers[i];
		short events = CURL_WAIT_POLLIN;
		if (loop->watchers[i].write)
			events |= CURL_WAIT_POLLOUT;
		loop->polled[kept] = (struct curl_waitfd){loop->watchers[i].fd, events, 0};
		kept++;
	}
	return loop->count = kept;
}

static int wait_ms(const struct loop *loop, int max_wait_ms)
{
	int64_t due = timers_next_ms(loop->timers);
	return due >= 0 && due < max_wait_ms ? (int)due : max_wait_ms;
}

/* A round looks at every transfer. While many are under way answers come one by one: what comes
 * within a moment shares a round. */
static void let_answers_gather(const struct loop *loop)
{
	if (loop->running >= MANY_TRANSFERS)
		poll(NULL, 0, GATHER_MS);
}

static void call_ready(struct loop *loop, size_t polled)
{
	for (size_t i = 0; i < polled; i++)
		if (loop->polled[i].revents && loop->watchers[i].fd >= 0)
			loop->watchers[i].ready(loop->watchers[i].ctx);
}

static void run_transfers(struct loop *loop)
{
	int queued;
	loop->inside_curl = true;
	CURLMcode code = curl_multi_perform(loop->multi, &loop->running);
	loop->inside_curl = false;
	CHECK(code == CURLM_OK);
	const CURLMsg *message;
	while ((message = curl_multi_info_read(loop->multi, &queued))) {
		struct loop_transfer *transfer = NULL;
		CURLcode result = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
		transfer->finished(transfer, result);
	}
}

void loop_step(struct loop *loop, int max_wait_ms)
{
	CHECK(!loop->in_round);
	loop->in_round = true;
	size_t polled = fill_polled(loop);
	pulse_beat("wait");
	let_answers_gather(loop);
	CURLMcode code = curl_multi_poll(loop->multi, loop->polled, (unsigned)polled,
					 wait_ms(loop, max_wait_ms), NULL);
	/* An interrupted wait counts as one without events: curl answers CURLM_OK for it. */
	CHECK(code == CURLM_OK);
	pulse_beat("fd");
	call_ready(loop, polled);
	pulse_beat("timer");
	timers_run(loop->timers);
	pulse_beat("curl");
	run_transfers(loop);
	loop->in_round = false;
}

void loop_run(struct loop *loop)
{
	while (!loop->stopped)
		loop_step(loop, LONGEST_WAIT_MS);
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}
