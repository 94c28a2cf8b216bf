/*
 * struct recorder: core/v1 Events about objects, aggregated and limited so that they never cost
 * more than they tell. After client-go's EventCorrelator:
 *
 * - The same (object, type, reason, message) within 10 minutes is one Event whose count grows
 *   (PATCH).
 * - Of one (object, type, reason) ten messages have Events of their own; all further ones within
 *   10 minutes are one more, "(combined from similar events): " and the latest of them.
 * - Each write, a PATCH too, draws on the budget of its object, its namespace and the process
 *   (events_budget.h). What the budget refuses is dropped and counted; a count that it refuses is
 *   told with the next one that goes through.
 *
 * Events ride behind all other writes (kube_request.background); one that fails is counted and not
 * repeated.
 */
#ifndef KUBE_EVENTS_H
#define KUBE_EVENTS_H

#include "pkg/kube/client.h"

/* metav1 ObjectReference; texts borrowed for the call. */
struct event_about {
	const char *api_version;
	const char *kind;
	const char *ns;
	const char *name;
	const char *uid;
	const char *key; /* whose leader may write it (recorder_fence); NULL: anybody */
};

struct recorder;

/* component: "autoscaler-keda-hpa"; instance: the pod's name, may be NULL. */
struct recorder *recorder_new(struct kube_client *client, const char *component,
			      const char *instance);
void recorder_free(struct recorder *recorder);
/* may_send is asked for the key of an Event when it is about to be sent (kube_request.may_send);
 * one that may not is dropped and counted as failed. */
void recorder_fence(struct recorder *recorder, bool (*may_send)(void *ctx, const char *key),
		    void *ctx);
/* warning: type Warning, else Normal. Messages are cut at 1024 bytes on a character. */
void recorder_event(struct recorder *recorder, const struct event_about *about, bool warning,
		    const char *reason, const char *message);

struct recorder_stats {
	uint64_t sent;       /* writes that went through */
	uint64_t aggregated; /* Events that counted up another one */
	uint64_t dropped;    /* for want of budget */
	uint64_t failed;     /* writes */
	size_t series;       /* held now: Events of the last 10 minutes, 4,096 at most */
	size_t buckets;      /* held now, of objects and namespaces */
};
void recorder_stats(const struct recorder *recorder, struct recorder_stats *out);

#endif
