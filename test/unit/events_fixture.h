/*
 * A recorder over a fake clock and a fake transport, and what its tests say and read.
 */
#ifndef TEST_UNIT_EVENTS_FIXTURE_H
#define TEST_UNIT_EVENTS_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "pkg/base/log.h"
#include "pkg/kube/events.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_transport.h"
#include "test/lib/test.h"

struct bench {
	struct fake_clock clock;
	struct timers *timers;
	struct fake_transport fake;
	struct kube_client *client;
	struct recorder *recorder;
};

static const struct event_about about = {
    "autoscaling.internal.knative.dev/v1alpha1", "PodAutoscaler", "ns", "pa", "u-1", NULL};

static inline void setup(struct bench *b)
{
	*b = (struct bench){0};
	log_set_level(LOG_ERROR);
	fake_clock_init(&b->clock);
	b->timers = timers_new(&b->clock.clock);
	fake_transport_init(&b->fake);
	b->client = kube_client_new(&(struct kube_client_config){
	    .transport = &b->fake.transport, .timers = b->timers, .field_manager = "me"});
	b->recorder = recorder_new(b->client, "autoscaler-keda-hpa", "pod-1");
}

static inline void teardown(struct bench *b)
{
	recorder_free(b->recorder);
	EXPECT_INT(fake_open_count(&b->fake), 0);
	kube_client_free(b->client);
	fake_transport_release(&b->fake);
	timers_free(b->timers);
}

static inline struct recorder_stats stats_of(const struct bench *b)
{
	struct recorder_stats stats;
	recorder_stats(b->recorder, &stats);
	return stats;
}

static inline struct json *body_of(struct arena *arena, const struct http_call *call)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *body = NULL;
	EXPECT(call && json_parse(call->request.body, strlen(call->request.body), NULL, arena,
				  &body, &err));
	return body;
}

static inline void answer(struct bench *b, int status)
{
	struct http_call *call = fake_find(&b->fake, NULL, "");
	EXPECT(call != NULL);
	if (call)
		fake_answer(&b->fake, call, status, "{}");
}

static inline void answer_all(struct bench *b)
{
	while (fake_open_count(&b->fake) > 0)
		answer(b, 201);
}

#endif
