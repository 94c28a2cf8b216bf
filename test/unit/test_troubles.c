/* One cache in trouble: said where somebody looks, tried again, and the others go on meanwhile. */
#include "test/unit/shell_fixture.h"

#define SYNC                                                                                       \
	"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"100\","            \
	"\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n"
#define FORBIDDEN                                                                                  \
	"{\"kind\":\"Status\",\"code\":403,\"message\":\"scaledobjects.keda.sh is forbidden: "     \
	"User \\\"x\\\" cannot watch resource\"}"
#define REVISION                                                                                   \
	"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"namespace\":\"ns\",\"name\":\"a\","       \
	"\"uid\":\"u\",\"resourceVersion\":\"101\",\"annotations\":{"                              \
	"\"autoscaling.knative.dev/class\":\"hpa.autoscaling.knative.dev\"}},"                     \
	"\"spec\":{\"scaleTargetRef\":{\"name\":\"d\"}}}}\n"

/* All watches but that of ScaledObjects are in step; returns the one of PodAutoscalers. */
static struct http_call *open_all_but_one(struct fixture *f)
{
	struct http_call *call, *pas = fake_find(&f->transport, NULL, "/podautoscalers?");
	for (call = f->transport.calls; call; call = call->next) {
		if (!call->open || strstr(call->request.path, "/scaledobjects?"))
			continue;
		fake_head(&f->transport, call, 200);
		EXPECT(fake_chunk(&f->transport, call, SYNC));
	}
	return pas;
}

static void expect_troubles(struct fixture *f, const char *want)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf metrics = STRBUF_INIT;
	controller_troubles(f->controller, &text);
	EXPECT_TEXT(text.buf, want);
	metrics_write(f->metrics, &metrics);
	EXPECT_CONTAINS(metrics.buf, want[0] ? "watch_troubled{kind=\"ScaledObject\"} 1"
					     : "watch_troubled{kind=\"ScaledObject\"} 0");
	EXPECT_CONTAINS(metrics.buf, "watch_troubled{kind=\"PodAutoscaler\"} 0");
}

TEST(troubles, forbidden_from_the_start)
{
	struct fixture f;
	setup(&f);
	open_all_but_one(&f);
	fake_answer(&f.transport, fake_find(&f.transport, NULL, "/scaledobjects?"), 403, FORBIDDEN);
	fake_clock_run(&f.clock, f.timers, 100);
	EXPECT(!controller_ready(f.controller));
	expect_troubles(&f, "ScaledObject: scaledobjects.keda.sh is forbidden: User \"x\" cannot "
			    "watch resource\n");
	/* Restored. */
	fake_clock_run(&f.clock, f.timers, 400);
	struct http_call *again = fake_find(&f.transport, NULL, "/scaledobjects?");
	EXPECT(again != NULL);
	fake_head(&f.transport, again, 200);
	fake_chunk(&f.transport, again, SYNC);
	fake_clock_run(&f.clock, f.timers, 100);
	EXPECT(controller_ready(f.controller));
	expect_troubles(&f, "");
	teardown(&f);
}

TEST(troubles, revoked_later_the_others_go_on)
{
	struct fixture f;
	setup(&f);
	struct http_call *so = fake_find(&f.transport, NULL, "/scaledobjects?");
	struct http_call *pas = open_all_but_one(&f);
	fake_head(&f.transport, so, 200);
	fake_chunk(&f.transport, so, SYNC);
	fake_clock_run(&f.clock, f.timers, 2000);
	EXPECT(controller_ready(f.controller));
	fake_end(&f.transport, so);
	fake_clock_run(&f.clock, f.timers, 10);
	fake_answer(&f.transport, fake_find(&f.transport, NULL, "/scaledobjects?"), 403, FORBIDDEN);
	EXPECT(controller_ready(f.controller)); /* what is known still holds */
	expect_troubles(&f, "ScaledObject: scaledobjects.keda.sh is forbidden: User \"x\" cannot "
			    "watch resource\n");
	EXPECT(fake_chunk(&f.transport, pas, REVISION));
	fake_clock_run(&f.clock, f.timers, 10);
	EXPECT(fake_find(&f.transport, "POST", "/serverlessservices") != NULL);
	teardown(&f);
}

TEST_MAIN(TEST_OF(troubles, forbidden_from_the_start),
	  TEST_OF(troubles, revoked_later_the_others_go_on))
