/*
 * struct controller: the shell around decide(): reflectors and stores, the queue of keys, the
 * passes under way, events. Everything it needs from outside comes in its config, so that it runs
 * the same over libcurl and over the simulated world of the tests.
 */
#ifndef CONTROLLER_CONTROLLER_H
#define CONTROLLER_CONTROLLER_H

#include "pkg/kube/client.h"
#include "pkg/metrics/metrics.h"

struct controller;

struct controller_config {
	struct kube_client *client;
	const char *ns;               /* watch one namespace only; NULL: all */
	const char *system_namespace; /* of the ConfigMaps */
	const char *pod;              /* for events; may be NULL */
	struct metrics *metrics;      /* may be NULL */
};

struct controller *controller_new(const struct controller_config *config);
void controller_free(struct controller *controller);

/* Caches synced (an absent API counts as synced and empty) and the configuration read. */
bool controller_ready(const struct controller *controller);
/* Takes no more keys; stopped(ctx) is called once the writes in flight are done. */
void controller_stop(struct controller *controller, void (*stopped)(void *ctx), void *ctx);
/* No key waits or is worked on: tests. */
bool controller_idle(const struct controller *controller);
/* Lists everything anew and looks at every key (tests; the resync of the Go informers). */
void controller_relist(struct controller *controller);

#endif
