/* What a Lease's requests ask of the client: no wait, a time-out of their own, a last question. And
 * whose turn it is among those that do wait. */
#include "pkg/kube/client.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_transport.h"
#include "test/lib/test.h"

static const struct kube_resource things = {"g", "v1", "things", "Thing"};

struct bench {
	struct fake_clock clock;
	struct timers *timers;
	struct fake_transport fake;
	struct kube_client *client;
	bool may;
};

static void setup(struct bench *b)
{
	*b = (struct bench){.may = true};
	fake_clock_init(&b->clock);
	b->timers = timers_new(&b->clock.clock);
	fake_transport_init(&b->fake);
	b->client = kube_client_new(&(struct kube_client_config){.transport = &b->fake.transport,
								 .timers = b->timers,
								 .field_manager = "me",
								 .max_writes = 1,
								 .timeout_ms = 7000});
}

static void teardown(struct bench *b)
{
	kube_client_free(b->client);
	timers_free(b->timers);
	fake_transport_release(&b->fake);
}

static void done(void *ctx, const struct json *object, const struct error *err)
{
	(void)ctx;
	(void)object;
	(void)err;
}

static bool may_send(void *ctx)
{
	return ((struct bench *)ctx)->may;
}

static void patch(struct bench *b, const char *name, bool urgent, int64_t timeout_ms)
{
	struct kube_request request = {.verb = KUBE_PATCH,
				       .resource = &things,
				       .ns = "n",
				       .name = name,
				       .urgent = urgent,
				       .timeout_ms = timeout_ms,
				       .may_send = may_send};

	kube_client_send(b->client, &request, done, b);
}

TEST(client, an_urgent_write_waits_for_nothing)
{
	struct bench b;

	setup(&b);
	b.fake.retry_after_ms = 30000;
	patch(&b, "first", false, 0);
	fake_answer(&b.fake, fake_find(&b.fake, "PATCH", "/first"), 429, "");
	patch(&b, "held", false, 0);
	EXPECT(!fake_find(&b.fake, "PATCH", "/held"));
	patch(&b, "urgent", true, 0);
	EXPECT(fake_find(&b.fake, "PATCH", "/urgent"));
	/* Nor does it take anybody's place. */
	fake_clock_run(&b.clock, b.timers, 30000);
	EXPECT(fake_find(&b.fake, "PATCH", "/held"));
	patch(&b, "second", false, 0);
	EXPECT(!fake_find(&b.fake, "PATCH", "/second"));
	patch(&b, "another", true, 0);
	EXPECT(fake_find(&b.fake, "PATCH", "/another"));
	teardown(&b);
}

static void record(struct bench *b, const char *ns, const char *name)
{
	struct kube_request request = {
	    .verb = KUBE_PATCH, .resource = &things, .ns = ns, .name = name, .background = true};

	kube_client_send(b->client, &request, done, b);
}

/* One namespace's hundreds of Events cost the others the wait for one. */
TEST(client, namespaces_take_turns)
{
	struct bench b;

	setup(&b);
	for (int i = 0; i < 5; i++)
		record(&b, "crowded", "mass");
	record(&b, "other", "one");
	for (int i = 0; i < 2; i++) {
		EXPECT(!fake_find(&b.fake, "PATCH", "/one"));
		fake_answer(&b.fake, fake_find(&b.fake, "PATCH", "/mass"), 200, "{}");
	}
	EXPECT(fake_find(&b.fake, "PATCH", "/one"));
	EXPECT_INT(fake_open_count(&b.fake), 1);
	teardown(&b);
}

TEST(client, a_request_has_a_time_out_of_its_own)
{
	struct bench b;

	setup(&b);
	patch(&b, "usual", true, 0);
	patch(&b, "own", true, 250);
	EXPECT_INT(fake_find(&b.fake, "PATCH", "/usual")->request.timeout_ms, 7000);
	EXPECT_INT(fake_find(&b.fake, "PATCH", "/own")->request.timeout_ms, 250);
	teardown(&b);
}

TEST(client, a_request_is_asked_for_when_it_leaves)
{
	struct bench b;
	struct http_call *call;

	setup(&b);
	patch(&b, "a", false, 0);
	call = fake_find(&b.fake, "PATCH", "/a");
	EXPECT(call->request.leaving(call->ctx));
	b.may = false;
	EXPECT(!call->request.leaving(call->ctx));
	teardown(&b);
}

TEST_MAIN(TEST_OF(client, an_urgent_write_waits_for_nothing),
	  TEST_OF(client, namespaces_take_turns),
	  TEST_OF(client, a_request_has_a_time_out_of_its_own),
	  TEST_OF(client, a_request_is_asked_for_when_it_leaves))
