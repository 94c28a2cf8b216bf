/*
 * struct watchdog: a thread that ends the process when its loop has stopped ticking: one log line
 * names what the loop did last and for which key (pkg/base/pulse.h), then abort(), so that the
 * container is restarted and a core shows where. A loop that hangs would otherwise answer no probe
 * and hold leases for nobody.
 *
 * Patience is counted in the watchdog's own looks, of which each has to find the same beat: time in
 * which it did not run itself (SIGSTOP, a suspended machine, a starved container) is one look.
 */
#ifndef NET_WATCHDOG_H
#define NET_WATCHDOG_H

#include <stdint.h>

#include "pkg/base/compiler.h"
#include "pkg/base/error.h"

struct watchdog;

/* patience_ms: 30 looks take so long; 0: 30 s. It must be longer than the loop ever waits (10 s,
 * but for tests with timers of their own). ERROR_FATAL: no thread or descriptor is to be had. */
MUST_CHECK bool watchdog_new(int64_t patience_ms, struct watchdog **out, struct error *err);
/* To be called before the loop ends; NULL is fine. */
void watchdog_free(struct watchdog *watchdog);

#endif
