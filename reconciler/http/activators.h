/*
 * struct activators: reads the metrics of Knative's activators into readings, each activator over a
 * connection of its own that is kept: every 100 ms while somebody needs them, else once a second,
 * so that it is known whether they can be read. One request at a time to each; one that hangs
 * delays nobody else.
 *
 * An activator never forgets a revision, and its page grows by 26 KB with each one. So it is asked
 * for the two gauges alone (0.4 KB), as often as all activators together send 10 MB a second, and
 * with the counter of completed requests (9 KB) as often as these pages do. And it rests for four
 * times as long as the gauges took it; pages with the counter are twenty times as long apart as one
 * takes, and delay no other. For all that it is read once a second.
 *
 * Metrics names: Knative serving pkg/activator/handler/metrics.go (kn.revision.request.queued,
 * .active) and otelhttp's http.server.request.duration. The query's name[] chooses families in
 * client_golang 1.24 and later; an older one sends all it has, which is right too, but dearer.
 */
#ifndef HTTP_ACTIVATORS_H
#define HTTP_ACTIVATORS_H

#include "pkg/kube/endpoint_slice.h"
#include "pkg/net/loop.h"
#include "reconciler/http/readings.h"

#define ACTIVATORS_READ_MS 100     /* from the beginning of a page to that of the next */
#define ACTIVATORS_LOOK_MS 1000    /* while nobody needs them */
#define ACTIVATORS_TIMEOUT_MS 1500 /* of a page */
#define ACTIVATORS_RETRY_MS 100    /* after a failure, doubling */
#define ACTIVATORS_RETRY_MAX_MS 2000
#define ACTIVATORS_PAGE_MAX ((size_t)128 * 1024 * 1024) /* bytes; nothing of it is kept */
#define ACTIVATORS_UNREAD_MS 2000 /* without a whole page of any: they cannot be read */
/* Nor can they if one of several has sent none for so long, for a request that waits there is seen
 * by nobody. Longer than Kubernetes takes to see that a node is lost, with the activator on it. */
#define ACTIVATORS_UNREAD_ONE_MS 60000

struct activators;

struct activators_config {
	struct loop *loop;
	struct readings *readings;
	/* Does anybody need what is read, now? */
	bool (*needed)(void *ctx);
	/* activators_unread answers something else than before (NULL or not), but for the moment
	 * until the first page; from the loop. NULL: nobody wants to know. */
	void (*changed)(void *ctx);
	void *ctx;
	size_t page_max;       /* bytes; 0: ACTIVATORS_PAGE_MAX */
	int64_t unread_one_ms; /* 0: ACTIVATORS_UNREAD_ONE_MS */
};

struct activators_stats {
	size_t known;   /* serving ones */
	size_t read;    /* of those, with a whole page, or set, in the last ACTIVATORS_UNREAD_MS */
	int64_t age_ms; /* of the oldest last page of those, likewise; 0: none is known */
	uint64_t pages, failures, bytes; /* since the start; of whole pages, of all */
	uint64_t malformed;              /* whole pages with a line that could not be read */
	uint64_t overflows; /* whole pages with requests of revisions that it does not name */
};

struct activators *activators_new(const struct activators_config *config);
void activators_free(struct activators *activators); /* NULL is fine */
/* These are all there are, from the next round on. places NULL: nobody wants any. trouble (NULL:
 * none): why they are not known, if there are none. May be called from within a transport's
 * callback. */
void activators_set(struct activators *activators, const struct endpoint_places *places,
		    const char *trouble);
/* Something is needed that was not: it is read at once, not within a second. */
void activators_wake(struct activators *activators);
/* Why they cannot be read: none is known, none has sent a whole page since somebody has wanted
 * them, none that serves in the last ACTIVATORS_UNREAD_MS, or one that serves not for
 * ACTIVATORS_UNREAD_ONE_MS (or since it was set). NULL: they can, or nobody wants any. Valid until
 * the next call. */
const char *activators_unread(struct activators *activators);
void activators_stats(const struct activators *activators, struct activators_stats *out);

#endif
