/*
 * The controller's state, for whoever debugs it: as one JSON document (/debug/state) and as log
 * lines (SIGUSR1). Looking changes nothing and sends nothing. Both are bounded, in size and in the
 * time that they take from the loop, whatever the number of revisions.
 *
 * No secrets: a trigger's metadata is shown only where it is known to hold none, an address without
 * its user and password; tokens and keys are nowhere in what is looked at.
 */
#ifndef CONTROLLER_STATE_H
#define CONTROLLER_STATE_H

#include "pkg/base/strbuf.h"
#include "reconciler/controller/controller.h"

#define STATE_KEYS_MAX 1000 /* keys in one document, or told by one signal */

/* Which keys; all NULL: every one that the controller looks after. */
struct state_query {
	const char *key; /* "ns/name": this one, and what decide() says of it at this moment */
	const char *ns;  /* those of one namespace */
};

/* Keys that are worked on, wait, or failed come first; of further ones than STATE_KEYS_MAX
 * "truncated" tells the number. */
void controller_state(struct controller *controller, const struct state_query *query,
		      struct strbuf *out);
/* The same as log lines, whatever the log level: a summary, one a lease, one a cache, then, a few a
 * round of the loop, one for each key that is worked on, waits, failed, is refused, degraded or
 * held. Another call before these are out is passed over. */
void controller_log_state(struct controller *controller);

#endif
