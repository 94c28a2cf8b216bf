/*
 * struct recorder: core/v1 Events about objects, aggregated and limited so that they never cost
 * more than they tell: the same (object, type, reason, message) within 10 minutes is one Event
 * whose count grows (PATCH); an object has a bucket of 25, refilled by one in 5 min (client-go's
 * EventSourceObjectSpamFilter); the process sends at most 50 a second. They ride behind all other
 * writes and a failed one is dropped and counted, never repeated.
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
	uint64_t sent, aggregated, dropped, failed;
};
void recorder_stats(const struct recorder *recorder, struct recorder_stats *out);

#endif
