/*
 * struct loop: the one thread's event loop: curl_multi_poll with extra descriptors, timers
 * and signals. Everything in the process that waits, waits here. A round is: wait, readable
 * descriptors, timers that are due, HTTP transfers. Each begins with a beat of
 * pkg/base/pulse.h ("wait", "fd", "timer", "curl"), and a wait is 10 s at most: the watchdog
 * listens. While 16 transfers or more are under way a round begins with a pause of 2 ms: that is
 * what an answer, a timer or a probe may be late then; it saves an eighth of the CPU of a burst.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>

#include "pkg/base/compiler.h"
#include "pkg/base/error.h"
#include "pkg/base/timer.h"

struct loop;

/* Calls curl_global_init and ignores SIGPIPE (TLS writes to a closed socket raise it). */
struct loop *loop_new(const struct clock *clock);
/* Transports, servers and whoever has timers armed must be gone. */
void loop_free(struct loop *loop);
struct timers *loop_timers(struct loop *loop);

/* ready(ctx) is called when fd is readable (a closed socket is; a closed pipe is not). One
 * watcher a descriptor. Both calls are fine from any callback; a removed descriptor is not
 * called any more, not even in the same round. */
void loop_add_fd(struct loop *loop, int fd, void (*ready)(void *ctx), void *ctx);
void loop_remove_fd(struct loop *loop, int fd);
/* While wanted, ready(ctx) is called when the watched fd takes bytes, too. */
void loop_want_write(struct loop *loop, int fd, bool wanted);

/* Delivers the signals through the loop (signalfd); they are blocked for the process, so call
 * it before any thread starts, and once. */
MUST_CHECK bool loop_on_signals(struct loop *loop, const int *signals, size_t count,
				void (*got)(void *ctx, int signal), void *ctx, struct error *err);

void loop_run(struct loop *loop);  /* until loop_stop */
void loop_stop(struct loop *loop); /* after this round; from any callback */
/* One round, waiting at most max_wait_ms (tests). Not from a callback. */
void loop_step(struct loop *loop, int max_wait_ms);

#endif
