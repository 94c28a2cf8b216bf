/*
 * struct reflector: keeps a store in step with one resource of the API server, for ever.
 *
 *   START -> WATCHLIST (streaming initial events) --bookmark "initial-events-end"--> WATCH
 *        \-> LIST (paged; where WatchList is not offered) ------------------------> WATCH
 *   WATCH: clean end -> WATCH at once from the last version; 410 -> START; error -> back-off;
 *          silence of 90 s (a bookmark comes every minute) -> WATCH again; from a server that has
 *          never sent a bookmark, longer than its time-out + 5 s
 *   404   -> ABSENT: store cleared and synced, asked again every 2 s. A cache that holds something
 *          is not emptied before 404 has lasted for 10 s: an API server that starts may be mistaken
 *
 * WatchList refused (400, 422) is remembered: LIST from then on. 400 and 422 to a WATCH -> START.
 * An object that decode refuses is passed over, logged and counted; what the store holds under that
 * name stays. Event types that are not known are logged and passed over. A version that goes back
 * -> START; a whole list older than what is known already is asked for again with back-off (a
 * server that lags), and believed at the ninth time (an etcd restored from a backup).
 *
 * Repeated immediate ends (a watch that lived under 1 s without an event) back off too. How long,
 * and how many requests a second at most: retry.h. A second of health resets the back-off.
 */
#ifndef KUBE_REFLECTOR_H
#define KUBE_REFLECTOR_H

#include "pkg/kube/client.h"
#include "pkg/kube/store.h"

struct reflector;

struct reflector_config {
	struct kube_client *client;
	const struct kube_resource *resource; /* lives as long as the reflector */
	const char *ns;                       /* NULL: all namespaces */
	const char *field_selector;           /* NULL: none; "metadata.name=x" */
	const char *label_selector;           /* NULL: none; "app=x" */
	object_decode_fn *decode;
	struct store *store;
	unsigned page;         /* LIST page size; 0: 500 */
	int64_t watch_seconds; /* timeoutSeconds asked for, 20 % jitter; 0: 300 */
};

enum reflector_state {
	REFLECTOR_STARTING, /* no whole list yet */
	REFLECTOR_ABSENT,   /* the API server does not know the resource */
	REFLECTOR_WATCHING,
	REFLECTOR_TROUBLED, /* was in step, waits to try again */
};

struct reflector_status {
	enum reflector_state state;
	uint64_t version;     /* last seen */
	uint64_t restarts;    /* watches opened since the start */
	uint64_t relists;     /* whole lists since the start */
	uint64_t undecodable; /* objects passed over with a log line */
	int64_t silent_ms;    /* since the last byte */
	int64_t age_ms;       /* since the request under way was opened; 0: none is */
	const char *trouble;  /* last error's text, or "" */
};

struct reflector *reflector_new(const struct reflector_config *config); /* starts by itself */
void reflector_free(struct reflector *reflector);
void reflector_status(const struct reflector *reflector, struct reflector_status *out);
/* Forgets the version and lists anew (tests, debugging). */
void reflector_relist(struct reflector *reflector);

#endif
