/*
 * struct event_budget: how many Events may be written. Three buckets of tokens, of which a write
 * takes one each:
 *
 *   an object     25, and one more in 5 min    client-go's EventSourceObjectSpamFilter
 *   a namespace   50, and one more in 80 ms    a quarter of the process: no tenant uses up what
 *                                              the others need
 *   the process  200, and one more in 20 ms    50 a second, kubelet's eventRecordQPS
 *
 * So of one object there are at most 37 writes in the first hour of a trouble and 12 in each later
 * one; a revision's are those of three objects, the third of which, the Service, it shares with the
 * Service's other revisions. Buckets are held for 4,096 objects and namespaces; the one that has
 * not been asked for longest is forgotten, and full again when it comes back.
 */
#ifndef KUBE_EVENTS_BUDGET_H
#define KUBE_EVENTS_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_budget;

struct event_budget *event_budget_new(void);
void event_budget_free(struct event_budget *budget); /* NULL is fine */
/* For one write about that object (any text that names it and holds no '/'). False: one of the
 * three is empty, and nothing was taken. now_ms: monotonic. */
bool event_budget_take(struct event_budget *budget, const char *object, const char *ns,
		       int64_t now_ms);
size_t event_budget_buckets(const struct event_budget *budget); /* held */

#endif
