/*
 * What the controller's metrics say: of each revision, of all together, of the requests; what can
 * be turned off; and that nothing a tenant writes makes them grow or break.
 */
#include "reconciler/controller/meters_requests.h"
#include "reconciler/hpa/active.h"
#include "test/unit/shell_fixture.h"

#define REV(name) "k8s_namespace_name=\"ns\",kn_revision_name=\"" name "\""
#define SHOP(name) REV(name) ",kn_service_name=\"shop\",kn_configuration_name=\"shop\""
#define READY "{'type':'Active','status':'True'},{'type':'Ready','status':'True'}"
#define SCALE "'serviceName':'s','metricsServiceName':'m','desiredScale':3,'actualScale':2"

static void put_pa(struct fixture *f, const char *name, const char *status)
{
	CLEANUP(strbuf_release) struct strbuf rest = STRBUF_INIT;

	strbuf_addf(&rest, TARGET("d") ",'status':{%s}", status);
	put(f, CACHE_PA, "ns", name,
	    OURS ",'labels':{'serving.knative.dev/service':'shop',"
		 "'serving.knative.dev/configuration':'shop'}",
	    rest.buf);
}

static void put_so(struct fixture *f, const char *name, const char *bounds)
{
	CLEANUP(strbuf_release) struct strbuf rest = STRBUF_INIT;

	strbuf_addf(&rest, "'spec':{'scaleTargetRef':{'name':'d'}%s%s}", bounds[0] ? "," : "",
		    bounds);
	put(f, CACHE_SO, "ns", name, "'uid':'so'", rest.buf);
}

static void configure(struct fixture *f, const char *key, const char *value)
{
	CLEANUP(strbuf_release) struct strbuf rest = STRBUF_INIT;

	strbuf_addf(&rest, "'data':{'autoscaler.keda.%s':'%s'}", key, value);
	put(f, CACHE_CONFIG_KEDA, "system", "config-autoscaler-keda", "", rest.buf);
}

static void expect_sample(struct fixture *f, const char *want, bool there)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf line = STRBUF_INIT;

	metrics_write(f->metrics, &out);
	strbuf_addf(&line, "\n%s", want);
	if (there)
		EXPECT_CONTAINS(out.buf, line.buf);
	else
		EXPECT(!strstr(out.buf, line.buf));
}

#define HAS(f, want) expect_sample((f), (want), true)
#define LACKS(f, want) expect_sample((f), (want), false)

TEST(revision, every_sample)
{
	struct fixture f;

	setup(&f);
	put_pa(&f, "a", SCALE ",'conditions':[" READY "]");
	put_so(&f, "a", "'minReplicaCount':1,'maxReplicaCount':7");
	HAS(&f, "kn_revision_pods_desired{" SHOP("a") "} 3\n");
	HAS(&f, "kn_revision_pods_count{" SHOP("a") "} 2\n");
	HAS(&f, "autoscaler_keda_hpa_revision_ready{" REV("a") "} 1\n");
	HAS(&f, "autoscaler_keda_hpa_revision_min_replicas{" REV("a") "} 1\n");
	HAS(&f, "autoscaler_keda_hpa_revision_max_replicas{" REV("a") "} 7\n");
	LACKS(&f, "autoscaler_keda_hpa_revision_unready_reason{");
	LACKS(&f, "autoscaler_keda_hpa_revision_held_until_timestamp_seconds{");
	LACKS(&f, "autoscaler_keda_hpa_revision_last_refusal_timestamp_seconds{");
	HAS(&f, "autoscaler_keda_hpa_revisions{ready=\"True\",reason=\"\"} 1\n");
	teardown(&f);
}

TEST(revision, what_is_not_known_is_not_told)
{
	struct fixture f;

	setup(&f);
	HAS(&f, "autoscaler_keda_hpa_revisions{ready=\"True\",reason=\"\"} 0\n");
	put_pa(&f, "a", "");
	LACKS(&f, "kn_revision_pods_desired{");
	LACKS(&f, "kn_revision_pods_count{");
	LACKS(&f, "autoscaler_keda_hpa_revision_min_replicas{");
	LACKS(&f, "autoscaler_keda_hpa_revision_max_replicas{");
	HAS(&f, "autoscaler_keda_hpa_revision_ready{" REV("a") "} 0\n");
	HAS(&f, "autoscaler_keda_hpa_revision_unready_reason{" SHOP("a") ",reason=\"\"} 1\n");
	put_pa(&f, "a", "'desiredScale':-1"); /* Knative's "unknown" */
	LACKS(&f, "kn_revision_pods_desired{");
	put(&f, CACHE_PA, "ns", "other", OTHER, TARGET("d"));
	LACKS(&f, "autoscaler_keda_hpa_revision_ready{" REV("other"));
	teardown(&f);
}

#define CONDITION(type, status, reason)                                                            \
	"{'type':'" type "','status':'" status "','reason':'" reason "'}"

TEST(revision, reasons)
{
	static const struct {
		const char *conditions, *ready, *reason;
	} rows[] = {
	    {CONDITION("Active", "False", "NoTraffic") "," CONDITION("Ready", "False", "NoTraffic"),
	     "False", "NoTraffic"},
	    {CONDITION("Active", "Unknown", "WaitingForHPA") ",{'type':'Ready','status':'Unknown'}",
	     "Unknown", "WaitingForHPA"},
	    {READY "," CONDITION("SKSReady", "Unknown", "NotReady"), "True", ""},
	    {"{'type':'Active','status':'True'}," CONDITION("Ready", "Unknown", "NotReady"),
	     "Unknown", "NotReady"},
	    {"{'type':'Ready','status':'Unknown'}", "Unknown", ""},
	    {CONDITION("Active", "True", "Once") "," CONDITION("Ready", "False", "Other"), "False",
	     "Other"},
	    {CONDITION("Active", "False", "a\\\"b\\\\c\\nd") ",{'type':'Ready','status':'False'}",
	     "False", "a\\\"b\\\\c\\nd"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
		struct fixture f;
		bool ready = strcmp(rows[i].ready, "True") == 0;

		test_row("%s", rows[i].conditions);
		setup(&f);
		strbuf_addf(&text, "'conditions':[%s]", rows[i].conditions);
		put_pa(&f, "a", text.buf);
		strbuf_reset(&text);
		strbuf_addf(&text,
			    "autoscaler_keda_hpa_revision_unready_reason{%s,reason=\"%s\"} 1\n",
			    SHOP("a"), rows[i].reason);
		expect_sample(&f, text.buf, !ready);
		strbuf_reset(&text);
		strbuf_addf(&text, "autoscaler_keda_hpa_revisions{ready=\"%s\",reason=\"%s\"} 1\n",
			    rows[i].ready, rows[i].reason);
		HAS(&f, text.buf);
		teardown(&f);
	}
	test_row("%s", "");
}

static void decide_that(struct fixture *f, const char *key, const char *reason,
			int64_t held_until_ms)
{
	struct decision decision = {.reason = reason, .held_until_ms = held_until_ms};

	meters_decided(f->controller, key_state_for(f->controller, key), &decision);
}

TEST(revision, held_only_while_it_is)
{
	CLEANUP(strbuf_release) struct strbuf want = STRBUF_INIT;
	struct fixture f;
	int64_t until;

	setup(&f);
	put_pa(&f, "a", "");
	put_so(&f, "a", "");
	until = kube_client_now_ms(f.client) / 1000 * 1000 + 5000;
	decide_that(&f, "ns/a", "", until);
	EXPECT(key_state_worth_keeping(key_state_for(f.controller, "ns/a")));
	strbuf_addf(&want,
		    "autoscaler_keda_hpa_revision_held_until_timestamp_seconds{" REV("a") "} "
											  "%lld\n",
		    (long long)until / 1000);
	HAS(&f, want.buf);
	fake_clock_run(&f.clock, f.timers, 6000);
	LACKS(&f, "autoscaler_keda_hpa_revision_held_until_timestamp_seconds{");
	decide_that(&f, "ns/a", "", 0);
	EXPECT(!key_state_worth_keeping(key_state_for(f.controller, "ns/a")));
	teardown(&f);
}

TEST(revision, last_refusal_stays_until_it_goes)
{
	static const char *const refusals[] = {REASON_INVALID_ANNOTATION, REASON_NOT_OWNED,
					       REASON_REJECTED, REASON_NOT_READY};
	static const char *const others[] = {"", REASON_WAITING_FOR_HPA, REASON_NO_TRAFFIC,
					     REASON_NOT_WRITTEN, "SomethingElse"};
	CLEANUP(strbuf_release) struct strbuf want = STRBUF_INIT;
	struct fixture f;

	setup(&f);
	put_pa(&f, "a", "");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		decide_that(&f, "ns/a", others[i], 0);
	LACKS(&f, "autoscaler_keda_hpa_revision_last_refusal_timestamp_seconds{");
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		fake_clock_run(&f.clock, f.timers, 1000);
		decide_that(&f, "ns/a", refusals[i], 0);
		strbuf_reset(&want);
		strbuf_addf(&want,
			    "autoscaler_keda_hpa_revision_last_refusal_timestamp_seconds{" SHOP(
				"a") ",reason=\"%s\"} ",
			    refusals[i]);
		HAS(&f, want.buf);
	}
	decide_that(&f, "ns/a", "", 0);
	HAS(&f, want.buf);
	EXPECT(key_state_worth_keeping(key_state_for(f.controller, "ns/a")));
	store_delete(f.controller->caches[CACHE_PA].store, "ns", "a", ++f.version);
	put_pa(&f, "a", "");
	LACKS(&f, "autoscaler_keda_hpa_revision_last_refusal_timestamp_seconds{");
	teardown(&f);
}

/* Of two replicas the one that leads it speaks of a revision. */
TEST(revision, of_another_replica)
{
	struct fixture f;

	setup(&f);
	put_pa(&f, "a", SCALE);
	HAS(&f, "autoscaler_keda_hpa_revision_ready{" REV("a") "} 0\n");
	f.controller->leadership.identity = xstrdup("me"); /* and no lease is held */
	LACKS(&f, "kn_revision_");
	LACKS(&f, "autoscaler_keda_hpa_revision_");
	HAS(&f, "autoscaler_keda_hpa_revisions{ready=\"True\",reason=\"\"} 0\n");
	LACKS(&f, "autoscaler_keda_hpa_revisions{ready=\"Unknown\"");
	teardown(&f);
}

TEST(switches, per_revision)
{
	struct fixture f;

	setup(&f);
	put_pa(&f, "a", SCALE);
	configure(&f, "metrics-per-revision", "false");
	LACKS(&f, "kn_revision_");
	LACKS(&f, "autoscaler_keda_hpa_revision_");
	HAS(&f, "autoscaler_keda_hpa_revisions{ready=\"Unknown\",reason=\"\"} 1\n");
	configure(&f, "metrics-per-revision", "perhaps");
	LACKS(&f, "autoscaler_keda_hpa_revision_ready{");
	configure(&f, "metrics-per-revision", "true");
	HAS(&f, "autoscaler_keda_hpa_revision_ready{" REV("a") "} 0\n");
	teardown(&f);
}

TEST(switches, controller_runtime)
{
	struct fixture f;

	setup(&f);
	LACKS(&f, "controller_runtime_");
	LACKS(&f, "workqueue_");
	meters_wait(f.controller, 20);
	meters_pass(f.controller, 300, false, true);
	meters_pass(f.controller, 300, false, false);
	meters_pass(f.controller, 300, true, true);
	configure(&f, "metrics-controller-runtime", "true");
#define OF "{controller=\"autoscaler-keda-hpa\""
#define QUEUE "{name=\"autoscaler-keda-hpa\",controller=\"autoscaler-keda-hpa\""
	/* What came before counts. */
	HAS(&f, "controller_runtime_reconcile_total" OF ",result=\"success\"} 1\n");
	HAS(&f, "controller_runtime_reconcile_total" OF ",result=\"error\"} 1\n");
	HAS(&f, "controller_runtime_reconcile_total" OF ",result=\"requeue\"} 0\n");
	HAS(&f, "controller_runtime_reconcile_total" OF ",result=\"requeue_after\"} 1\n");
	HAS(&f, "controller_runtime_reconcile_errors_total" OF "} 1\n");
	HAS(&f, "controller_runtime_terminal_reconcile_errors_total" OF "} 0\n");
	HAS(&f, "controller_runtime_reconcile_time_seconds_bucket" OF ",le=\"0.3\"} 3\n");
	HAS(&f, "controller_runtime_max_concurrent_reconciles" OF "} 32\n");
	HAS(&f, "controller_runtime_active_workers" OF "} 0\n");
	HAS(&f, "workqueue_depth" QUEUE ",priority=\"\"} 0\n");
	HAS(&f, "workqueue_adds_total" QUEUE "} 0\n");
	HAS(&f, "workqueue_retries_total" QUEUE "} 0\n");
	HAS(&f, "workqueue_queue_duration_seconds_bucket" QUEUE ",le=\"0.1\"} 1\n");
	HAS(&f, "workqueue_work_duration_seconds_count" QUEUE "} 3\n");
	HAS(&f, "workqueue_unfinished_work_seconds" QUEUE "} 0\n");
	HAS(&f, "workqueue_longest_running_processor_seconds" QUEUE "} 0\n");
	HAS(&f, "kn_workqueue_process_duration_seconds_count{name=\"autoscaler-keda-hpa\"} 3\n");
	configure(&f, "metrics-controller-runtime", "false");
	LACKS(&f, "controller_runtime_");
	teardown(&f);
}

TEST(hostile, reasons_neither_grow_nor_multiply)
{
	CLEANUP(strbuf_release) struct strbuf status = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct fixture f;
	char name[16];
	size_t lines = 0;

	setup(&f);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "r%d", i);
		strbuf_reset(&status);
		strbuf_addf(&status, "'conditions':[{'type':'Active','status':'False','reason':'%d",
			    i);
		for (int j = 0; j < 10000; j++)
			strbuf_addstr(&status, "\xe2\x82\xac");
		strbuf_addstr(&status, "'}]");
		put_pa(&f, name, status.buf);
	}
	metrics_write(f.metrics, &out);
	for (const char *at = out.buf; (at = strstr(at, "\nautoscaler_keda_hpa_revisions{")); at++)
		lines++;
	EXPECT_INT(lines, 33);
	EXPECT_CONTAINS(out.buf, "{ready=\"Unknown\",reason=\"other\"} 69\n");
	EXPECT(out.len < 100 * 1000);
	/* Cut within a character. */
	EXPECT_CONTAINS(out.buf, "\xe2\x82\xac??\"} 1\n");
	teardown(&f);
}

TEST(queue, back_off_and_age)
{
	struct fixture f;
	struct http_call *so;

	setup(&f);
	HAS(&f, "autoscaler_keda_hpa_queue_oldest_seconds 0\n");
	HAS(&f, "autoscaler_keda_hpa_keys_in_backoff 0\n");
	queue_add(f.controller->queue, "ns/a", QUEUE_FAST);
	queue_add(f.controller->queue, "ns/c", QUEUE_SLOW);
	queue_add_failed_after(f.controller->queue, "ns/b", 60000);
	fake_clock_run(&f.clock, f.timers, 1000);
	so = fake_find(&f.transport, "GET", "scaledobjects");
	fake_head(&f.transport, so, 200);
	fake_chunk(&f.transport, so, " ");
	fake_clock_run(&f.clock, f.timers, 1500);
	HAS(&f, "autoscaler_keda_hpa_queue_oldest_seconds 2.5\n");
	HAS(&f, "autoscaler_keda_hpa_keys_in_backoff 1\n");
	HAS(&f, "kn_workqueue_depth{name=\"autoscaler-keda-hpa\"} 2\n");
	HAS(&f, "autoscaler_keda_hpa_watch_silent_seconds{kind=\"ScaledObject\"} 1.5\n");
	HAS(&f, "autoscaler_keda_hpa_watch_age_seconds{kind=\"ScaledObject\"} 2.5\n");
	teardown(&f);
}

TEST(requests, both_names)
{
	static const struct {
		const char *server, *address, *host;
	} rows[] = {
	    {"https://10.0.0.1:443", "10.0.0.1", "10.0.0.1:443"},
	    {"https://api.example.com/path?a=b:c@d", "api.example.com", "api.example.com"},
	    {"https://[fd00::1]:6443/", "[fd00::1]", "[fd00::1]:6443"},
	    {"https://[fd00::1]", "[fd00::1]", "[fd00::1]"},
	    {"http://user:secret@host:1/", "host", "host:1"},
	    {"host", "host", "host"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
		CLEANUP(strbuf_release) struct strbuf want = STRBUF_INIT;
		struct metrics *metrics = metrics_new();
		struct request_meters *meters = request_meters_new(metrics, rows[i].server);

		test_row("%s", rows[i].server);
		request_meters_finished(meters, "PATCH", 409, 20);
		request_meters_finished(meters, "GET", 0, 20);
		metrics_write(metrics, &out);
		strbuf_addf(&want,
			    "kn_k8s_client_http_response_status_code_total{"
			    "http_request_method=\"PATCH\",http_response_status_code=\"409\","
			    "server_address=\"%s\"} 1\n",
			    rows[i].address);
		EXPECT_CONTAINS(out.buf, want.buf);
		EXPECT_CONTAINS(out.buf, "http_response_status_code=\"none\"");
		EXPECT_CONTAINS(out.buf, "http_client_request_duration_seconds_bucket{");
		strbuf_reset(&want);
		strbuf_addf(&want,
			    "rest_client_requests_total{code=\"<error>\",method=\"GET\","
			    "host=\"%s\"} 1\n",
			    rows[i].host);
		EXPECT_CONTAINS(out.buf, want.buf);
		EXPECT(!strstr(out.buf, "secret"));
		request_meters_free(meters);
		metrics_free(metrics);
	}
	test_row("%s", "");
}

TEST_MAIN(TEST_OF(revision, every_sample), TEST_OF(revision, what_is_not_known_is_not_told),
	  TEST_OF(revision, reasons), TEST_OF(revision, held_only_while_it_is),
	  TEST_OF(revision, last_refusal_stays_until_it_goes),
	  TEST_OF(revision, of_another_replica), TEST_OF(switches, per_revision),
	  TEST_OF(switches, controller_runtime),
	  TEST_OF(hostile, reasons_neither_grow_nor_multiply), TEST_OF(queue, back_off_and_age),
	  TEST_OF(requests, both_names))
