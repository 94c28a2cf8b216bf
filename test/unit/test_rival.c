/* While autoscaler-hpa renews its lease nothing is written; then all is looked at. */
#include "pkg/base/date.h"
#include "pkg/base/log.h"
#include "test/unit/shell_fixture.h"

#define LEASE "hpaautoscaler.knative.dev.serving.pkg.reconciler.autoscaling.hpa.reconciler."

/* ago_ms: the holder's renewTime, before the server's now. */
static void lease(struct fixture *f, const char *name, const char *holder, int64_t ago_ms)
{
	CLEANUP(strbuf_release) struct strbuf spec = STRBUF_INIT;
	char time[TIME_RFC3339_SIZE];

	time_format_rfc3339_ms(kube_client_now_ms(f->client) - ago_ms, time);
	strbuf_addf(&spec,
		    "'spec':{'holderIdentity':'%s','renewTime':'%s','leaseDurationSeconds':60}",
		    holder, time);
	put(f, CACHE_LEASE, "system", name, "'uid':'l'", spec.buf);
}

static bool may_write(struct fixture *f)
{
	struct snapshot snapshot = {0};
	bool leader;

	EXPECT(view_take(f->controller, "ns/a", &snapshot));
	leader = snapshot.view.leader;
	for (size_t i = 0; i < ARRAY_SIZE(snapshot.held); i++)
		object_unref(snapshot.held[i]);
	return leader;
}

static void start(struct fixture *f)
{
	setup(f);
	put(f, CACHE_PA, "ns", "a", OURS, TARGET("d"));
	expect_keys(f, "ns/a");
	EXPECT(may_write(f));
	f->controller->ready = f->controller->draining = true; /* keys stay where they are */
}

TEST(rival, holds_us_as_long_as_it_renews)
{
	struct fixture f;

	start(&f);
	lease(&f, LEASE "00-of-01", "x", 0);
	EXPECT(!may_write(&f));
	for (int i = 0; i < 20; i++) {
		fake_clock_run(&f.clock, f.timers, 50000);
		lease(&f, LEASE "00-of-01", "x", 0);
		EXPECT(!may_write(&f));
	}
	fake_clock_run(&f.clock, f.timers, 59999);
	EXPECT(!may_write(&f));
	expect_keys(&f, "");
	fake_clock_run(&f.clock, f.timers, 1);
	EXPECT(may_write(&f));
	expect_keys(&f, "ns/a");
	/* It comes back. */
	lease(&f, LEASE "00-of-01", "y", 0);
	EXPECT(!may_write(&f));
	teardown(&f);
}

/* Its clock is 5 min off: what counts is that it moves. */
TEST(rival, clocks_may_differ)
{
	static const int64_t off_ms[] = {-300000, 300000};

	for (size_t i = 0; i < ARRAY_SIZE(off_ms); i++) {
		struct fixture f;

		start(&f);
		lease(&f, LEASE "00-of-01", "x", off_ms[i]);
		EXPECT(!may_write(&f));
		fake_clock_run(&f.clock, f.timers, 59000);
		EXPECT(!may_write(&f));
		fake_clock_run(&f.clock, f.timers, 1000);
		EXPECT(may_write(&f));
		teardown(&f);
	}
}

TEST(rival, is_gone_when_it_let_go)
{
	struct fixture f;

	start(&f);
	lease(&f, LEASE "00-of-01", "x", 0);
	EXPECT(!may_write(&f));
	lease(&f, LEASE "00-of-01", "", 0);
	EXPECT(may_write(&f));
	expect_keys(&f, "ns/a");
	/* And when the lease is deleted. */
	lease(&f, LEASE "00-of-01", "x", 0);
	EXPECT(!may_write(&f));
	store_delete(f.controller->caches[CACHE_LEASE].store, "system", LEASE "00-of-01",
		     ++f.version);
	EXPECT(may_write(&f));
	expect_keys(&f, "ns/a");
	teardown(&f);
}

TEST(rival, one_bucket_of_several_is_enough)
{
	struct fixture f;

	start(&f);
	lease(&f, LEASE "00-of-02", "x", 0);
	lease(&f, LEASE "01-of-02", "y", 0);
	lease(&f, LEASE "00-of-02", "", 0);
	EXPECT(!may_write(&f));
	fake_clock_run(&f.clock, f.timers, 30000);
	lease(&f, LEASE "00-of-02", "x", 0);
	fake_clock_run(&f.clock, f.timers, 30000);
	EXPECT(!may_write(&f)); /* the other one's time is up */
	fake_clock_run(&f.clock, f.timers, 30000);
	EXPECT(may_write(&f));
	teardown(&f);
}

/* Met at a start: left by one that was killed long ago, or by nobody we care about. */
TEST(rival, is_not_there)
{
	static const struct {
		const char *name, *holder;
		int64_t ago_ms;
		bool runs;
	} rows[] = {
	    {LEASE "00-of-01", "x", 3600000, false},
	    {LEASE "00-of-01", "x", 661000, false},
	    {LEASE "00-of-01", "x", 600000, true},
	    {LEASE "00-of-01", "", 0, false},
	    {"hpaautoscaler.knative.dev.autoscaler-keda.pkg.reconciler.autoscaling.hpa.reconciler."
	     "00-of-01",
	     "x", 0, false},
	    {"controller.knative.dev.serving.pkg.reconciler.revision.reconciler.00-of-01", "x", 0,
	     false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture f;

		test_row("%zu", i);
		start(&f);
		lease(&f, rows[i].name, rows[i].holder, rows[i].ago_ms);
		EXPECT_INT(may_write(&f), !rows[i].runs);
		/* But once its lease moves it is. */
		if (strncmp(rows[i].name, LEASE, strlen(LEASE)) == 0) {
			lease(&f, rows[i].name, "z", 3600000);
			EXPECT(!may_write(&f));
		}
		teardown(&f);
	}
}

static void collect(void *ctx, const char *line, size_t length)
{
	strbuf_add(ctx, line, length);
}

TEST(rival, is_told_once)
{
	struct fixture f;
	CLEANUP(strbuf_release) struct strbuf lines = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;

	start(&f);
	log_setup(&f.clock.clock, NULL, collect, &lines);
	lease(&f, LEASE "00-of-01", "pod_x", 0);
	EXPECT_CONTAINS(lines.buf, "autoscaler-hpa runs");
	EXPECT_CONTAINS(lines.buf, "pod_x");
	strbuf_reset(&lines);
	fake_clock_run(&f.clock, f.timers, 1000);
	lease(&f, LEASE "00-of-01", "pod_x", 0);
	EXPECT_TEXT(lines.buf, "");
	EXPECT(controller_ready(f.controller));
	metrics_write(f.metrics, &text);
	EXPECT_CONTAINS(text.buf, "\nautoscaler_keda_hpa_autoscaler_hpa_runs 1");
	lease(&f, LEASE "00-of-01", "", 0);
	EXPECT_CONTAINS(lines.buf, "is free");
	strbuf_reset(&text);
	metrics_write(f.metrics, &text);
	EXPECT_CONTAINS(text.buf, "\nautoscaler_keda_hpa_autoscaler_hpa_runs 0");
	log_setup(&system_clock, NULL, NULL, NULL);
	teardown(&f);
}

TEST_MAIN(TEST_OF(rival, holds_us_as_long_as_it_renews), TEST_OF(rival, clocks_may_differ),
	  TEST_OF(rival, is_gone_when_it_let_go), TEST_OF(rival, one_bucket_of_several_is_enough),
	  TEST_OF(rival, is_not_there), TEST_OF(rival, is_told_once))
