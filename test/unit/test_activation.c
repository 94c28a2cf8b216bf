/*
 * What the controller tells the reader of activators, and what it asks it: EndpointSlices are
 * watched for revisions scaled by concurrency or rps alone, and nothing waits for them.
 */
#include "test/unit/shell_fixture.h"

#define CLASS "'autoscaling.knative.dev/class':'hpa.autoscaling.knative.dev'"
#define BY(metric)                                                                                 \
	"'uid':'pa','annotations':{" CLASS ",'autoscaling.knative.dev/metric':'" metric "'}"

#define OTHER_BY_CONCURRENCY                                                                       \
	"'uid':'pa','annotations':{'autoscaling.knative.dev/class':'kpa.autoscaling.knative.dev'," \
	"'autoscaling.knative.dev/metric':'concurrency'}"

struct reader {
	struct fixture f;
	struct strbuf told; /* since the last look */
	const char *why;
};

static void found(void *ctx, const struct endpoint_places *places, const char *trouble)
{
	struct reader *reader = ctx;

	strbuf_reset(&reader->told);
	if (!places)
		strbuf_addstr(&reader->told, "nobody");
	for (size_t i = 0; places && i < places->count; i++)
		strbuf_addf(&reader->told, "%s%s ", places->items[i].address,
			    places->items[i].draining ? "-" : "");
	if (trouble)
		strbuf_addf(&reader->told, "(%s)", trouble);
	if (!reader->told.len)
		strbuf_addstr(&reader->told, "none");
}

static const char *unread(void *ctx)
{
	return ((struct reader *)ctx)->why;
}

static void reader_init(struct reader *reader)
{
	setup(&reader->f);
	reader->told = (struct strbuf)STRBUF_INIT;
	reader->why = NULL;
	reader->f.controller->activation.reader =
	    (struct controller_activators){found, unread, reader};
}

static void reader_release(struct reader *reader)
{
	teardown(&reader->f);
	strbuf_release(&reader->told);
}

static void run(struct reader *reader, int64_t ms)
{
	fake_clock_run(&reader->f.clock, reader->f.timers, ms);
}

static void put_pa(struct reader *reader, const char *name, const char *meta)
{
	put(&reader->f, CACHE_PA, "ns", name, meta, TARGET("d"));
}

static void put_slice(struct reader *reader, const char *address, const char *conditions)
{
	CLEANUP(strbuf_release) struct strbuf rest = STRBUF_INIT;

	strbuf_addf(&rest,
		    "'addressType':'IPv4','endpoints':[{'addresses':['%s'],'conditions':{%s}}],"
		    "'ports':[{'name':'http-metrics','port':9091}]",
		    address, conditions);
	put(&reader->f, CACHE_ENDPOINT_SLICES, "system", "activator-service-x", "", rest.buf);
}

static void expect_told(struct reader *reader, const char *want)
{
	EXPECT_TEXT(reader->told.buf, want);
	strbuf_reset(&reader->told);
}

static struct http_call *slices_watch(struct reader *reader)
{
	return fake_find(&reader->f.transport, "GET", "endpointslices");
}

TEST(activation, nothing_is_watched_for_nobody)
{
	static const char *const metas[] = {
	    OURS,
	    BY("cpu"),
	    BY("Concurrency"),
	    OTHER_BY_CONCURRENCY,
	};

	for (size_t i = 0; i < ARRAY_SIZE(metas); i++) {
		struct reader reader;

		test_row("%s", metas[i]);
		reader_init(&reader);
		put_pa(&reader, "a", metas[i]);
		run(&reader, 2000);
		EXPECT_INT(fake_open_count(&reader.f.transport), CACHE_COUNT);
		expect_told(&reader, "");
		reader_release(&reader);
	}
}

TEST(activation, without_a_reader_nothing_is_watched)
{
	struct fixture f;

	setup(&f);
	put(&f, CACHE_PA, "ns", "a", BY("rps"), TARGET("d"));
	fake_clock_run(&f.clock, f.timers, 2000);
	EXPECT_INT(fake_open_count(&f.transport), CACHE_COUNT);
	controller_activators_changed(f.controller);
	teardown(&f);
}

TEST(activation, follows_the_endpoint_slices)
{
	struct reader reader;

	reader_init(&reader);
	put_pa(&reader, "a", BY("concurrency"));
	run(&reader, 0);
	EXPECT_CONTAINS(slices_watch(&reader)->request.path,
			"/apis/discovery.k8s.io/v1/namespaces/system/endpointslices?");
	EXPECT_CONTAINS(slices_watch(&reader)->request.path,
			"&labelSelector=kubernetes.io%2Fservice-name%3Dactivator-service");
	run(&reader, 1000);
	expect_told(&reader, ""); /* not known yet */
	store_clear(reader.f.controller->caches[CACHE_ENDPOINT_SLICES].store);
	run(&reader, 1000);
	expect_told(&reader, "none");
	put_slice(&reader, "10.0.0.1", "");
	expect_told(&reader, "10.0.0.1:9091 ");
	put_slice(&reader, "10.0.0.1", "'terminating':true");
	expect_told(&reader, "10.0.0.1:9091- ");
	/* A second one changes nothing, and the last to go says so. */
	put_pa(&reader, "b", BY("rps"));
	put_pa(&reader, "a", BY("cpu"));
	expect_told(&reader, "");
	put_pa(&reader, "b", OTHER);
	expect_told(&reader, "nobody");
	put_slice(&reader, "10.0.0.2", "");
	expect_told(&reader, "");
	put_pa(&reader, "b", BY("rps"));
	expect_told(&reader, "10.0.0.2:9091 ");
	store_delete(reader.f.controller->caches[CACHE_PA].store, "ns", "b", ++reader.f.version);
	expect_told(&reader, "nobody");
	EXPECT_INT(fake_open_count(&reader.f.transport), CACHE_MAX);
	reader_release(&reader);
}

/* A revision of another metric, on whose ScaledObject KEDA asks us all the same: the user's own, or
 * ours while a change of it is refused. */
TEST(activation, follows_triggers)
{
	static const char asking[] = "'spec':{'triggers':[{'type':'external-push','metadata':{"
				     "'metric':'rps','revision':'a'}}]}";
	struct reader reader;

	reader_init(&reader);
	put_pa(&reader, "a", BY("cpu"));
	put(&reader.f, CACHE_SO, "ns", "a", "'uid':'so'", TARGET("d"));
	EXPECT_INT(fake_open_count(&reader.f.transport), CACHE_COUNT);
	put(&reader.f, CACHE_SO, "ns", "a", "'uid':'so'", asking);
	store_clear(reader.f.controller->caches[CACHE_ENDPOINT_SLICES].store);
	run(&reader, 1000);
	expect_told(&reader, "none");
	put_slice(&reader, "10.0.0.1", "");
	expect_told(&reader, "10.0.0.1:9091 ");
	reader.why = "refused";
	EXPECT_TEXT(activation_why_unread(reader.f.controller), "refused");
	/* One need beside the other. */
	put_pa(&reader, "a", BY("rps"));
	put(&reader.f, CACHE_SO, "ns", "a", "'uid':'so'", TARGET("d"));
	expect_told(&reader, "");
	put(&reader.f, CACHE_SO, "ns", "a", "'uid':'so'", asking);
	put_pa(&reader, "a", BY("cpu"));
	expect_told(&reader, "");
	store_delete(reader.f.controller->caches[CACHE_SO].store, "ns", "a", ++reader.f.version);
	expect_told(&reader, "nobody");
	EXPECT_TEXT(activation_why_unread(reader.f.controller), NULL);
	reader_release(&reader);
}

TEST(activation, what_may_not_be_read_holds_nothing_up)
{
	struct reader reader;

	reader_init(&reader);
	put_pa(&reader, "a", BY("rps"));
	run(&reader, 0);
	fake_answer(&reader.f.transport, slices_watch(&reader), 403,
		    "{\"kind\":\"Status\",\"message\":\"no rights\"}");
	run(&reader, 1000);
	expect_told(&reader, "(EndpointSlice of activator-service: no rights)");
	run(&reader, 60000);
	expect_told(&reader, ""); /* once */
	for (size_t i = 0; i < CACHE_COUNT; i++)
		store_clear(reader.f.controller->caches[i].store);
	run(&reader, 1000);
	EXPECT(controller_ready(reader.f.controller));
	EXPECT(!store_synced(reader.f.controller->caches[CACHE_ENDPOINT_SLICES].store));
	reader_release(&reader);
}

TEST(activation, views_of_such_revisions_know)
{
	struct reader reader;

	reader_init(&reader);
	put_pa(&reader, "a", BY("rps"));
	put_pa(&reader, "b", OURS);
	/* What is kept stays so while nothing is known. */
	EXPECT_TEXT(activation_why_unread(reader.f.controller), "where they are is not known yet");
	store_clear(reader.f.controller->caches[CACHE_ENDPOINT_SLICES].store);
	run(&reader, 1000);
	EXPECT_TEXT(activation_why_unread(reader.f.controller), NULL);
	reader.why = "refused";
	for (size_t i = 0; i < 2; i++) {
		struct snapshot snapshot = {0};

		EXPECT(view_take(reader.f.controller, i ? "ns/b" : "ns/a", &snapshot));
		EXPECT_INT(snapshot.view.activators_unread, i == 0);
		EXPECT_TEXT(snapshot.view.activators_why ? snapshot.view.activators_why : "",
			    i ? "" : "refused");
		for (size_t k = 0; k < ARRAY_SIZE(snapshot.held); k++)
			object_unref(snapshot.held[k]);
	}
	reader_release(&reader);
}

TEST(activation, a_change_looks_at_such_revisions)
{
	struct reader reader;

	reader_init(&reader);
	put_pa(&reader, "a", BY("rps"));
	put_pa(&reader, "b", OURS);
	put_pa(&reader, "c", BY("concurrency"));
	put_pa(&reader, "d", OTHER);
	expect_keys(&reader.f, "ns/a ns/b ns/c");
	controller_activators_changed(reader.f.controller);
	expect_keys(&reader.f, "ns/a ns/c");
	reader_release(&reader);
}

TEST_MAIN(TEST_OF(activation, nothing_is_watched_for_nobody),
	  TEST_OF(activation, without_a_reader_nothing_is_watched),
	  TEST_OF(activation, follows_the_endpoint_slices), TEST_OF(activation, follows_triggers),
	  TEST_OF(activation, what_may_not_be_read_holds_nothing_up),
	  TEST_OF(activation, views_of_such_revisions_know),
	  TEST_OF(activation, a_change_looks_at_such_revisions))
