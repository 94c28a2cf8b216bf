/*
 * One candidate, "me_1", for the Lease sys/l with Knative's usual durations, on a fake clock, over
 * a fake transport that the test answers.
 */
#ifndef TEST_UNIT_ELECTOR_FIXTURE_H
#define TEST_UNIT_ELECTOR_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/date.h"
#include "pkg/kube/elector.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_transport.h"
#include "test/lib/test.h"
#include "test/unit/quoted_json.h"

#define PATH "/apis/coordination.k8s.io/v1/namespaces/sys/leases"
#define ONE PATH "/l"

static const struct kube_resource leases = {"coordination.k8s.io", "v1", "leases", "Lease"};

struct rig {
	struct fake_clock clock;
	struct timers *timers;
	struct fake_transport fake;
	struct kube_client *client;
	struct elector *elector;
	int gained, lost;
	bool resigned;
};

static inline void changed(void *ctx, struct elector *elector, bool leads)
{
	struct rig *r = ctx;

	EXPECT_TEXT(elector_name(elector), "l");
	*(leads ? &r->gained : &r->lost) += 1;
}

static inline void setup(struct rig *r)
{
	*r = (struct rig){0};
	fake_clock_init(&r->clock);
	r->timers = timers_new(&r->clock.clock);
	fake_transport_init(&r->fake);
	r->client = kube_client_new(&(struct kube_client_config){
	    .transport = &r->fake.transport, .timers = r->timers, .field_manager = "me"});
	r->elector = elector_new(&(struct elector_config){.client = r->client,
							  .resource = &leases,
							  .ns = "sys",
							  .name = "l",
							  .identity = "me_1",
							  .lease_ms = 60000,
							  .renew_ms = 40000,
							  .retry_ms = 10000,
							  .changed = changed,
							  .ctx = r});
	fake_clock_run(&r->clock, r->timers, 0);
}

static inline void teardown(struct rig *r)
{
	elector_free(r->elector);
	kube_client_free(r->client);
	timers_free(r->timers);
	fake_transport_release(&r->fake);
}

static inline void passes(struct rig *r, int64_t ms)
{
	fake_clock_run(&r->clock, r->timers, ms);
}

/* The one request under way; anything else is a failure that ends the program. */
static inline struct http_call *asked(struct rig *r, const char *method, const char *path)
{
	struct http_call *call = fake_find(&r->fake, NULL, "");

	EXPECT_INT(fake_open_count(&r->fake), 1);
	CHECK(call);
	EXPECT_TEXT(call->request.method, method);
	EXPECT(strncmp(call->request.path, path, strlen(path)) == 0);
	return call;
}

static inline void quiet(struct rig *r)
{
	EXPECT_INT(fake_open_count(&r->fake), 0);
}

/* A Lease of that version and holder; renewed differs from call to call unless it is the same. */
static inline void lease_text(struct strbuf *out, int version, const char *holder,
			      const char *renewed, int seconds)
{
	strbuf_addf(
	    out,
	    "{\"metadata\":{\"namespace\":\"sys\",\"name\":\"l\",\"resourceVersion\":\"%d\"}"
	    ",\"spec\":{\"holderIdentity\":\"%s\",\"renewTime\":\"%s\","
	    "\"leaseDurationSeconds\":%d,\"leaseTransitions\":4,"
	    "\"acquireTime\":\"2026-01-01T00:00:00.000000Z\"}}",
	    version, holder, renewed, seconds);
}

static inline void answer_lease(struct rig *r, struct http_call *call, int version,
				const char *holder, const char *renewed)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;

	lease_text(&text, version, holder, renewed, 60);
	fake_answer(&r->fake, call, 200, text.buf);
	fake_clock_run(&r->clock, r->timers, 0);
}

/* With what the request itself set. */
static inline void answer_claim(struct rig *r, struct http_call *call, int version)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct json *body = quoted_json(arena, call->request.body);
	struct json *meta = json_ensure_object(arena, body, "metadata");

	json_set_text(arena, meta, "name", "l");
	json_set(arena, meta, "resourceVersion", json_stringf(arena, "%d", version));
	json_write(body, &text);
	fake_answer(&r->fake, call, 200, text.buf);
	fake_clock_run(&r->clock, r->timers, 0);
}

static inline void refuse(struct rig *r, struct http_call *call, int status, const char *reason)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text,
		    "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"%s\",\"code\":%d,"
		    "\"message\":\"no\"}",
		    reason, status);
	fake_answer(&r->fake, call, status, text.buf);
	fake_clock_run(&r->clock, r->timers, 0);
}

static inline void breaks(struct rig *r, struct http_call *call)
{
	fake_break(&r->fake, call, "broken");
	fake_clock_run(&r->clock, r->timers, 0);
}

/* As the watch would tell it. */
static inline void seen(struct rig *r, int version, const char *holder, const char *renewed,
			bool gone)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct object *lease;

	lease_text(&text, version, holder, renewed, 60);
	lease = lease_decode(quoted_json(arena, text.buf), NULL);
	if (gone)
		elector_saw_deletion(r->elector, (struct lease *)lease);
	else
		elector_saw(r->elector, (struct lease *)lease);
	object_unref(lease);
	fake_clock_run(&r->clock, r->timers, 0);
}

static inline void expect_field(struct http_call *call, const char *field, const char *want)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *body = quoted_json(arena, call->request.body);
	const struct json *v = json_path(body, "spec", field, NULL);

	EXPECT_TEXT(json_shown(arena, v ? v : json_path(body, "metadata", field, NULL)), want);
}

static inline void lead(struct rig *r)
{
	setup(r);
	refuse(r, asked(r, "GET", ONE), 404, "NotFound");
	answer_claim(r, asked(r, "POST", PATH "?"), 10);
	EXPECT(elector_leads(r->elector));
	EXPECT_INT(r->gained, 1);
}

#endif
