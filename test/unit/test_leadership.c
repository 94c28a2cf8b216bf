/* The shell as one of several replicas: when it campaigns, what it queues and what it forgets. */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"
#include "reconciler/controller/internal.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_transport.h"
#include "test/lib/test.h"

#define LEASES "/apis/coordination.k8s.io/v1/namespaces/system/leases"
#define CONFIG "/api/v1/namespaces/system/configmaps/config-leader-election"
#define NAME "hpaautoscaler.knative.dev.autoscaler-keda.pkg.reconciler.autoscaling.hpa.reconciler."
#define PA                                                                                         \
	"{\"metadata\":{\"namespace\":\"ns\",\"name\":\"%s\",\"uid\":\"%s\",\"resourceVersion\":"  \
	"\"%d\",\"annotations\":{\"autoscaling.knative.dev/class\":"                               \
	"\"hpa.autoscaling.knative.dev\"}},\"spec\":{\"scaleTargetRef\":{\"apiVersion\":"          \
	"\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"d\"}}}"

struct fixture {
	struct fake_clock clock;
	struct timers *timers;
	struct fake_transport transport;
	struct kube_client *client;
	struct metrics *metrics;
	struct controller *controller;
	struct strbuf log, failure;
	int version;
	bool stopped;
};

static void collect(void *ctx, const char *line, size_t length)
{
	strbuf_add(ctx, line, length);
}

static void failed(void *ctx, const char *why)
{
	strbuf_addstr(&((struct fixture *)ctx)->failure, why);
}

static void setup(struct fixture *f)
{
	*f = (struct fixture){.log = STRBUF_INIT, .failure = STRBUF_INIT, .version = 100};
	fake_clock_init(&f->clock);
	log_setup(&f->clock.clock, NULL, collect, &f->log);
	f->timers = timers_new(&f->clock.clock);
	fake_transport_init(&f->transport);
	f->client = kube_client_new(&(struct kube_client_config){
	    .transport = &f->transport.transport, .timers = f->timers, .field_manager = "test"});
	f->metrics = metrics_new();
	f->controller = controller_new(&(struct controller_config){.client = f->client,
								   .system_namespace = "system",
								   .metrics = f->metrics,
								   .identity = "me_1",
								   .failed = failed,
								   .failed_ctx = f});
	fake_clock_run(&f->clock, f->timers, 0);
}

static void teardown(struct fixture *f)
{
	controller_free(f->controller);
	metrics_free(f->metrics);
	kube_client_free(f->client);
	timers_free(f->timers);
	fake_transport_release(&f->transport);
	strbuf_release(&f->log);
	strbuf_release(&f->failure);
	log_setup(&system_clock, NULL, NULL, NULL);
}

static void passes(struct fixture *f, int64_t ms)
{
	fake_clock_run(&f->clock, f->timers, ms);
}

/* The oldest open single request of that method whose path begins so; NULL if there is none. */
static struct http_call *find(struct fixture *f, const char *method, const char *path)
{
	for (struct http_call *call = f->transport.calls; call; call = call->next) {
		if (call->open && !call->request.stream &&
		    strcmp(call->request.method, method) == 0 &&
		    strncmp(call->request.path, path, strlen(path)) == 0)
			return call;
	}
	return NULL;
}

static void answer(struct fixture *f, const char *method, const char *path, int status,
		   const char *body)
{
	struct http_call *call = find(f, method, path);

	EXPECT(call);
	CHECK(call);
	fake_answer(&f->transport, call, status, body);
	passes(f, 0);
}

/* All caches: empty, and in step. */
static void sync_caches(struct fixture *f)
{
	static const char end[] =
	    "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"50\","
	    "\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n";

	for (struct http_call *call = f->transport.calls; call; call = call->next) {
		if (!call->open || call->answered || !call->request.stream)
			continue;
		fake_head(&f->transport, call, 200);
		fake_chunk(&f->transport, call, end);
	}
	passes(f, 100);
	EXPECT(controller_ready(f->controller));
}

static void put_pa(struct fixture *f, const char *name)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char text[512];
	struct json *json;

	snprintf(text, sizeof(text), PA, name, name, ++f->version);
	CHECK(json_parse(text, strlen(text), NULL, arena, &json, NULL));
	store_put(f->controller->caches[CACHE_PA].store, pod_autoscaler_decode(json, NULL));
	passes(f, 0);
}

static void answer_lease(struct fixture *f, const char *method, const char *path, const char *name,
			 const char *holder)
{
	char text[512];

	f->version++;
	snprintf(text, sizeof(text),
		 "{\"metadata\":{\"name\":\"%s\",\"resourceVersion\":\"%d\"},\"spec\":{"
		 "\"holderIdentity\":\"%s\",\"leaseDurationSeconds\":60,\"renewTime\":\"%d\"}}",
		 name, f->version, holder, f->version);
	answer(f, method, path, 200, text);
}

/* In the lead of the one bucket. */
static void lead(struct fixture *f)
{
	setup(f);
	answer(f, "GET", CONFIG, 404, "{}");
	sync_caches(f);
	answer(f, "GET", LEASES, 404, "{}");
	answer_lease(f, "POST", LEASES, NAME "00-of-01", "me_1");
	EXPECT(controller_leads(f->controller, "ns/a"));
}

/* The watch brings another's claim. */
static void lose(struct fixture *f, const char *name)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *json = json_object(arena), *meta = json_ensure_object(arena, json, "metadata");

	json_set_text(arena, meta, "namespace", "system");
	json_set_text(arena, meta, "name", name);
	json_set(arena, meta, "resourceVersion", json_stringf(arena, "%d", ++f->version));
	json_set_text(arena, json_ensure_object(arena, json, "spec"), "holderIdentity", "other");
	store_put(f->controller->caches[CACHE_LEASE].store, lease_decode(json, NULL));
	passes(f, 0);
}

TEST(leadership, campaigns_once_it_knows_how_and_is_ready)
{
	struct fixture f;

	setup(&f);
	sync_caches(&f);
	EXPECT(!find(&f, "GET", LEASES));
	answer(&f, "GET", CONFIG, 200, "{\"data\":{\"buckets\":\"2\",\"retry-period\":\"1s\"}}");
	EXPECT(find(&f, "GET", LEASES "/" NAME "00-of-02"));
	EXPECT(find(&f, "GET", LEASES "/" NAME "01-of-02"));
	EXPECT(!controller_leads(f.controller, "ns/a"));
	teardown(&f);
	/* The other way round; without a ConfigMap. */
	setup(&f);
	answer(&f, "GET", CONFIG, 404, "{}");
	EXPECT(!find(&f, "GET", LEASES));
	sync_caches(&f);
	EXPECT(find(&f, "GET", LEASES "/" NAME "00-of-01"));
	EXPECT_TEXT(f.failure.buf, "");
	teardown(&f);
}

TEST(leadership, a_wrong_config_is_the_end)
{
	struct fixture f;

	setup(&f);
	answer(&f, "GET", CONFIG, 200, "{\"data\":{\"buckets\":\"11\"}}");
	EXPECT_TEXT(f.failure.buf, "ConfigMap config-leader-election: buckets: value must be "
				   "between 1 and 10, it is 11");
	sync_caches(&f);
	EXPECT(!find(&f, "GET", LEASES));
	teardown(&f);
}

TEST(leadership, a_config_that_cannot_be_read_is_asked_for_again)
{
	struct fixture f;

	setup(&f);
	answer(&f, "GET", CONFIG, 403, "{\"kind\":\"Status\",\"message\":\"cannot get\"}");
	EXPECT_CONTAINS(f.log.buf, "cannot get");
	strbuf_reset(&f.log);
	passes(&f, 1999);
	EXPECT(!find(&f, "GET", CONFIG));
	passes(&f, 1);
	answer(&f, "GET", CONFIG, 503, "");
	EXPECT(!strstr(f.log.buf, "can't be read"));
	EXPECT_TEXT(f.failure.buf, "");
	passes(&f, 2000);
	answer(&f, "GET", CONFIG, 404, "{}");
	sync_caches(&f);
	EXPECT(find(&f, "GET", LEASES));
	teardown(&f);
}

#define SKS_PATH "/apis/networking.internal.knative.dev/v1alpha1/namespaces/ns/serverlessservices"

TEST(leadership, a_standby_writes_nothing_and_gains_all)
{
	struct fixture f;

	setup(&f);
	answer(&f, "GET", CONFIG, 404, "{}");
	sync_caches(&f);
	answer_lease(&f, "GET", LEASES, NAME "00-of-01", "other");
	put_pa(&f, "a");
	put_pa(&f, "b");
	passes(&f, 5000);
	EXPECT(!find(&f, "POST", ""));
	EXPECT(controller_ready(f.controller));
	EXPECT(controller_idle(f.controller));
	passes(&f, 20000);
	answer_lease(&f, "GET", LEASES, NAME "00-of-01", "");
	answer_lease(&f, "PATCH", LEASES, NAME "00-of-01", "me_1");
	EXPECT(find(&f, "POST", SKS_PATH));
	EXPECT_INT(f.controller->passes, 2);
	teardown(&f);
}

TEST(leadership, losing_ends_what_is_under_way_and_forgets)
{
	struct fixture f;
	struct http_call *call;
	struct key_state *state;

	lead(&f);
	put_pa(&f, "a");
	call = find(&f, "POST", SKS_PATH);
	CHECK(call);
	EXPECT(call->request.leaving(call->ctx));
	state = table_get(f.controller->states, "ns/a");
	CHECK(state);
	state->memo.degraded_told = true;
	lose(&f, NAME "00-of-01");
	EXPECT(!controller_leads(f.controller, "ns/a"));
	EXPECT(call->cancelled);
	EXPECT_INT(f.controller->passes, 0);
	EXPECT(!table_get(f.controller->states, "ns/a"));
	EXPECT(controller_idle(f.controller));
	passes(&f, 60000);
	EXPECT(!find(&f, "POST", SKS_PATH));
	teardown(&f);
}

/* A write that was started but has not left: stopped for longer than the lease in between. */
TEST(leadership, what_waited_too_long_does_not_leave)
{
	struct fixture f;
	struct http_call *call;

	lead(&f);
	put_pa(&f, "a");
	call = find(&f, "POST", SKS_PATH);
	CHECK(call);
	fake_clock_advance(&f.clock, 39999);
	EXPECT(call->request.leaving(call->ctx));
	fake_clock_advance(&f.clock, 1);
	EXPECT(!call->request.leaving(call->ctx));
	teardown(&f);
}

TEST(leadership, events_are_fenced_too)
{
	struct fixture f;
	struct event_about about = {"v1", "ConfigMap", "ns", "c", "u", "ns/c"};
	struct http_call *call;

	lead(&f);
	recorder_event(f.controller->recorder, &about, true, "Reason", "text");
	call = find(&f, "POST", "/api/v1/namespaces/ns/events");
	CHECK(call);
	EXPECT(call->request.leaving(call->ctx));
	lose(&f, NAME "00-of-01");
	EXPECT(!call->request.leaving(call->ctx));
	teardown(&f);
}

/* Of two buckets one is lost: the other's keys go on. */
TEST(leadership, each_bucket_by_itself)
{
	struct fixture f;
	const char *const names[] = {NAME "00-of-02", NAME "01-of-02"};
	char name[8], key[16];
	unsigned keys[2] = {0, 0}, left = 0;

	setup(&f);
	answer(&f, "GET", CONFIG, 200, "{\"data\":{\"buckets\":\"2\"}}");
	sync_caches(&f);
	for (size_t i = 0; i < 2; i++) {
		answer_lease(&f, "GET", LEASES, names[i], "");
		answer_lease(&f, "PATCH", LEASES, names[i], "me_1");
	}
	for (int i = 0; i < 16; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		snprintf(key, sizeof(key), "ns/p%d", i);
		keys[bucket_of(names, 2, key)]++;
		put_pa(&f, name);
	}
	EXPECT_INT(f.controller->passes, 16);
	lose(&f, names[1]);
	for (int i = 0; i < 16; i++) {
		snprintf(key, sizeof(key), "ns/p%d", i);
		EXPECT_INT(controller_leads(f.controller, key), bucket_of(names, 2, key) == 0);
		left += table_get(f.controller->states, key) != NULL;
	}
	EXPECT(keys[0] > 0 && keys[1] > 0);
	EXPECT_INT(left, keys[0]);
	EXPECT_INT(f.controller->passes, keys[0]);
	teardown(&f);
}

TEST(leadership, is_measured)
{
	struct fixture f;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;

	lead(&f);
	metrics_write(f.metrics, &text);
	EXPECT_CONTAINS(text.buf, "\nleader_election_master_status{name=\"" NAME "00-of-01\"} 1");
	EXPECT_CONTAINS(text.buf,
			"leader_changes_total{name=\"" NAME "00-of-01\",change=\"gained\"} 1");
	lose(&f, NAME "00-of-01");
	strbuf_reset(&text);
	metrics_write(f.metrics, &text);
	EXPECT_CONTAINS(text.buf, "\nleader_election_master_status{name=\"" NAME "00-of-01\"} 0");
	EXPECT_CONTAINS(text.buf,
			"leader_changes_total{name=\"" NAME "00-of-01\",change=\"lost\"} 1");
	teardown(&f);
}

static void on_stopped(void *ctx)
{
	((struct fixture *)ctx)->stopped = true;
}

TEST(leadership, is_given_up_after_the_writes_under_way)
{
	struct fixture f;
	struct http_call *call;

	lead(&f);
	put_pa(&f, "a");
	controller_stop(f.controller, on_stopped, &f);
	passes(&f, 100);
	EXPECT(!find(&f, "PATCH", LEASES));
	answer(&f, "POST", SKS_PATH, 500, "");
	passes(&f, 100);
	call = find(&f, "PATCH", LEASES);
	CHECK(call);
	EXPECT_CONTAINS(call->request.body, "\"holderIdentity\":\"\"");
	EXPECT(!f.stopped);
	answer_lease(&f, "PATCH", LEASES, NAME "00-of-01", "");
	EXPECT(f.stopped);
	teardown(&f);
	/* Nothing to give up: a standby that has not even begun. */
	setup(&f);
	controller_stop(f.controller, on_stopped, &f);
	passes(&f, 100);
	EXPECT(f.stopped);
	teardown(&f);
}

TEST_MAIN(TEST_OF(leadership, campaigns_once_it_knows_how_and_is_ready),
	  TEST_OF(leadership, a_wrong_config_is_the_end),
	  TEST_OF(leadership, a_config_that_cannot_be_read_is_asked_for_again),
	  TEST_OF(leadership, a_standby_writes_nothing_and_gains_all),
	  TEST_OF(leadership, losing_ends_what_is_under_way_and_forgets),
	  TEST_OF(leadership, what_waited_too_long_does_not_leave),
	  TEST_OF(leadership, events_are_fenced_too), TEST_OF(leadership, each_bucket_by_itself),
	  TEST_OF(leadership, is_measured),
	  TEST_OF(leadership, is_given_up_after_the_writes_under_way))
