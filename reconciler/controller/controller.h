/*
 * struct controller: the shell around decide(): reflectors and stores, the queue of keys, the
 * passes under way, events. Everything it needs from outside comes in its config, so that it runs
 * the same over libcurl and over the simulated world of the tests.
 */
#ifndef CONTROLLER_CONTROLLER_H
#define CONTROLLER_CONTROLLER_H

#include "pkg/kube/client.h"
#include "pkg/kube/endpoint_slice.h"
#include "pkg/metrics/metrics.h"

struct controller;

/* Who reads Knative's activators, for revisions scaled by concurrency or rps. */
struct controller_activators {
	/* These are all there are. places NULL: there is no such revision (any more). trouble
	 * (NULL: none): why they are not known, if there are none. May come from within a
	 * transport's callback; both are borrowed. */
	void (*found)(void *ctx, const struct endpoint_places *places, const char *trouble);
	/* Why they cannot be read, valid until the next call; NULL: they can. */
	const char *(*unread)(void *ctx);
	void *ctx;
};

struct controller_config {
	struct kube_client *client;
	const char *ns;               /* watch one namespace only; NULL: all */
	const char *system_namespace; /* of the ConfigMaps */
	const char *pod;              /* for events; may be NULL */
	struct metrics *metrics;      /* may be NULL */
	/* Of this candidate for the leases (elector_identity); NULL: no leader election, every key
	 * is ours. */
	const char *identity;
	const char *leader_election;      /* name of the ConfigMap; NULL: config-leader-election */
	const char *config_logging;       /* likewise; NULL: config-logging */
	const char *config_observability; /* likewise; NULL: config-observability */
	bool log_format_fixed;            /* whatever config-logging says of it */
	/* All NULL: nobody does, no EndpointSlices are watched, and they count as readable. */
	struct controller_activators activators;
	/* It can't go on: the ConfigMap of leader election is wrong. From the loop. May be NULL. */
	void (*failed)(void *ctx, const char *why);
	void *failed_ctx;
};

struct controller *controller_new(const struct controller_config *config);
void controller_free(struct controller *controller);

/* Caches synced (an absent API counts as synced and empty) and the configuration read. */
bool controller_ready(const struct controller *controller);
/* What keeps caches from being filled or in step, "ScaledObject: the API server's text" a line;
 * nothing where all is well. */
void controller_troubles(const struct controller *controller, struct strbuf *out);
/* Takes no more keys; stopped(ctx) is called once the writes in flight are done and the leases are
 * given up. */
void controller_stop(struct controller *controller, void (*stopped)(void *ctx), void *ctx);
/* config-observability says "metrics-protocol: none": nothing is to be served at /metrics. It may
 * change at any time. */
bool controller_metrics_off(const struct controller *controller);
/* The activators' unread answers something else than before (NULL or not): revisions scaled by
 * concurrency or rps are looked at. */
void controller_activators_changed(struct controller *controller);
/* Is this key ("ns/name") ours to write, now? Always without leader election. */
bool controller_leads(const struct controller *controller, const char *key);
/* No key waits or is worked on: tests. */
bool controller_idle(const struct controller *controller);
/* Lists everything anew and looks at every key (tests; the resync of the Go informers). */
void controller_relist(struct controller *controller);

#endif
