/* Which changes of an object are worth a look at its key. */
#include "test/unit/shell_fixture.h"

#define OWNED_BY_PA                                                                                \
	"'ownerReferences':[{'apiVersion':'autoscaling.internal.knative.dev/v1alpha1','kind':"     \
	"'PodAutoscaler','name':'a','uid':'pa','controller':true,'blockOwnerDeletion':true}]"
#define SPEC                                                                                       \
	"'spec':{'scaleTargetRef':{'name':'d'},'minReplicaCount':1,'maxReplicaCount':3,"           \
	"'triggers':[{'type':'cron'}]}"
#define SO_META                                                                                    \
	"'uid':'so','labels':{'l':'1'},'annotations':{'autoscaling.knative.dev/class':"            \
	"'hpa.autoscaling.knative.dev'}," OWNED_BY_PA
#define READY(status, message)                                                                     \
	"'status':{'conditions':[{'type':'Ready','status':'" status                                \
	"','reason':'R','message':'" message "'}]}"
#define SKS_SPEC                                                                                   \
	"'spec':{'mode':'Serve','objectRef':{'apiVersion':'apps/v1','kind':'Deployment','name':"   \
	"'d'},'protocolType':'http1'}"
#define ACTIVE(status, message)                                                                    \
	"'conditions':[{'type':'ScalingActive','status':'" status                                  \
	"','reason':'R','message':'" message "'}]"

struct version {
	const char *meta, *rest;
};

static const struct row {
	enum cache_id id;
	bool counts;
	struct version before, after;
} rows[] = {
    {CACHE_SO, false, {SO_META, SPEC}, {SO_META, SPEC}},
    {CACHE_SO,
     false,
     {SO_META, SPEC "," READY("False", "x")},
     {SO_META ",'managedFields':[{}]",
      SPEC ",'status':{'lastActiveTime':'2026-01-01T00:00:00Z','conditions':[{'type':'Ready',"
	   "'status':'False','reason':'R','message':'x'},{'type':'Active','status':'True'}]}"}},
    {CACHE_SO, true, {SO_META, SPEC}, {SO_META, SPEC "," READY("False", "x")}},
    {CACHE_SO,
     true,
     {SO_META, SPEC "," READY("False", "x")},
     {SO_META, SPEC "," READY("True", "")}},
    {CACHE_SO,
     true,
     {SO_META, SPEC "," READY("False", "x")},
     {SO_META, SPEC "," READY("False", "y")}},
    {CACHE_SO,
     true,
     {SO_META, SPEC},
     {SO_META, "'spec':{'scaleTargetRef':{'name':'d'},'minReplicaCount':1,'maxReplicaCount':3,"
	       "'triggers':[{'type':'cron','name':'x'}]}"}},
    {CACHE_SO, true, {SO_META, SPEC}, {"'uid':'so','labels':{'l':'1'}," OWNED_BY_PA, SPEC}},
    {CACHE_SO,
     true,
     {SO_META, SPEC},
     {"'uid':'so','labels':{'l':'2'},'annotations':{'autoscaling.knative.dev/class':"
      "'hpa.autoscaling.knative.dev'}," OWNED_BY_PA,
      SPEC}},
    {CACHE_SO, true, {SO_META, SPEC}, {SO_META ",'finalizers':['finalizer.keda.sh']", SPEC}},
    {CACHE_SO,
     true,
     {SO_META, SPEC},
     {SO_META ",'deletionTimestamp':'2026-01-01T00:00:00Z'", SPEC}},
    {CACHE_SO, true, {SO_META, SPEC}, {SO_META, SPEC ",'status':{'pausedReplicaCount':0}"}},
    {CACHE_SO, true, {"'uid':'so'", TARGET("d")}, {"'uid':'so'", TARGET("e")}},
    {CACHE_SO, true, {"'uid':'so'", TARGET("d")}, {"'uid':'other'", TARGET("d")}},
    /* somebody else's, of which no hash is kept */
    {CACHE_SO,
     true,
     {"'uid':'so'", "'spec':{'triggers':[{'type':'cron'}]}"},
     {"'uid':'so'", "'spec':{'triggers':[{'type':'external-push','metadata':{'metric':'rps',"
		    "'revision':'a'}}]}"}},
    {CACHE_SO, true, {"'uid':'so'", TARGET("d")}, {"'uid':'so'," OWNED_BY_PA, TARGET("d")}},
    {CACHE_HPA,
     false,
     {OWNED_BY_SO("a", "so"), TARGET("d") ",'status':{'currentReplicas':1,'desiredReplicas':1,"
					  "'currentMetrics':[]," ACTIVE("True", "ok") "}"},
     {OWNED_BY_SO("a", "so"),
      TARGET("d") ",'status':{'currentReplicas':1,'desiredReplicas':1,'lastScaleTime':"
		  "'2026-01-01T00:00:00Z','currentMetrics':[{'type':'External'}]," ACTIVE(
		      "True", "better") "}"}},
    {CACHE_HPA,
     true,
     {OWNED_BY_SO("a", "so"), TARGET("d") ",'status':{'currentReplicas':1}"},
     {OWNED_BY_SO("a", "so"), TARGET("d") ",'status':{'currentReplicas':2}"}},
    {CACHE_HPA,
     true,
     {OWNED_BY_SO("a", "so"), TARGET("d") ",'status':{'desiredReplicas':1}"},
     {OWNED_BY_SO("a", "so"), TARGET("d") ",'status':{'desiredReplicas':2}"}},
    {CACHE_HPA,
     true,
     {OWNED_BY_SO("a", "so"), TARGET("d") ",'status':{" ACTIVE("False", "x") "}"},
     {OWNED_BY_SO("a", "so"), TARGET("d") ",'status':{" ACTIVE("False", "y") "}"}},
    {CACHE_HPA, true, {"'uid':'hpa'", TARGET("d")}, {OWNED_BY_SO("a", "so"), TARGET("d")}},
    {CACHE_SKS, false, {"'uid':'s'", SKS_SPEC}, {"'uid':'s','labels':{'a':'b'}", SKS_SPEC}},
    {CACHE_SKS,
     true,
     {"'uid':'s'", SKS_SPEC},
     {"'uid':'s'", SKS_SPEC ",'status':{'serviceName':'a'}"}},
    {CACHE_SKS, true, {"'uid':'s'", SKS_SPEC}, {"'uid':'s'", "'spec':{'mode':'Proxy'}"}},
    {CACHE_SKS, true, {"'uid':'s'", SKS_SPEC}, {"'uid':'s'," OWNED_BY_PA, SKS_SPEC}},
};

TEST(changes, are_worth_a_look_only_if_we_read_them)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct fixture f;

		test_row("%zu", i);
		setup(&f);
		put(&f, CACHE_PA, "ns", "a", OURS, TARGET("d"));
		put(&f, row->id, "ns", "a", row->before.meta, row->before.rest);
		expect_keys(&f, "ns/a");
		put(&f, row->id, "ns", "a", row->after.meta, row->after.rest);
		expect_keys(&f, row->counts ? "ns/a" : "");
		teardown(&f);
	}
}

/* The caches get them in any order. */
TEST(class_went, what_is_left_of_ours_is_looked_at)
{
	static const struct {
		const char *so_meta;
		bool left;
	} cases[] = {
	    {SO_META, true},
	    {"'uid':'so'," OWNED_BY_PA, false}, /* no longer by its class */
	    {"'uid':'so','annotations':{'autoscaling.knative.dev/class':"
	     "'hpa.autoscaling.knative.dev'}",
	     false},
	    {SO_META ",'deletionTimestamp':'2026-01-01T00:00:00Z'", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		struct snapshot snapshot = {0};
		const char *want = cases[i].left ? "ns/a" : "";

		test_row("%zu", i);
		setup(&f);
		put(&f, CACHE_SO, "ns", "a", cases[i].so_meta, SPEC);
		put(&f, CACHE_PA, "ns", "a", OTHER, TARGET("d"));
		expect_keys(&f, want);
		EXPECT_INT(view_take(f.controller, "ns/a", &snapshot), cases[i].left);
		EXPECT(!cases[i].left || snapshot.view.so);
		for (size_t j = 0; j < ARRAY_SIZE(snapshot.held); j++)
			object_unref(snapshot.held[j]);
		teardown(&f);
		setup(&f);
		put(&f, CACHE_PA, "ns", "a", OTHER, TARGET("d"));
		expect_keys(&f, "");
		put(&f, CACHE_SO, "ns", "a", cases[i].so_meta, SPEC);
		expect_keys(&f, want);
		put(&f, CACHE_PA, "ns", "a", OURS, TARGET("d"));
		expect_keys(&f, "ns/a");
		put(&f, CACHE_PA, "ns", "a", OTHER, TARGET("d"));
		expect_keys(&f, want);
		teardown(&f);
	}
}

/* ---- all of them, gradually ---- */

static size_t waiting(struct fixture *f)
{
	struct queue_stats stats;

	queue_stats(f->controller->queue, &stats);
	return stats.depth;
}

static void make_many(struct fixture *f, unsigned count)
{
	const char *key;

	setup(f);
	f->controller->draining = true; /* keys stay where they are */
	for (unsigned i = 0; i < count; i++) {
		char name[16];

		snprintf(name, sizeof(name), "a%u", i);
		put(f, CACHE_PA, "ns", name, OURS, TARGET("d"));
	}
	while ((key = queue_take(f->controller->queue)))
		queue_done(f->controller->queue, key);
	EXPECT_INT(waiting(f), 0);
	f->controller->ready = true;
}

TEST(parade, takes_its_time_and_others_overtake)
{
	struct fixture f;
	const char *key;

	make_many(&f, 1000);
	put(&f, CACHE_CONFIG_AUTOSCALER, "system", "config-autoscaler", "",
	    "'data':{'min-scale':'4'}");
	EXPECT(waiting(&f) < 20);
	EXPECT(!controller_idle(f.controller));
	fake_clock_run(&f.clock, f.timers, 5000);
	EXPECT(waiting(&f) >= 500 && waiting(&f) <= 520);
	put(&f, CACHE_PA, "ns", "a999", OURS, TARGET("e"));
	key = queue_take(f.controller->queue);
	EXPECT_TEXT(key, "ns/a999");
	queue_done(f.controller->queue, key);
	/* A second change: all of them again. */
	put(&f, CACHE_CONFIG_AUTOSCALER, "system", "config-autoscaler", "",
	    "'data':{'min-scale':'5'}");
	while ((key = queue_take(f.controller->queue)))
		queue_done(f.controller->queue, key);
	fake_clock_run(&f.clock, f.timers, 9000);
	EXPECT(waiting(&f) < 1000);
	fake_clock_run(&f.clock, f.timers, 1100);
	EXPECT_INT(waiting(&f), 1000);
	teardown(&f);
}

TEST(parade, may_be_under_way_at_the_end)
{
	struct fixture f;

	make_many(&f, 50);
	route_all_gradually(f.controller);
	EXPECT_INT(waiting(&f), 10);
	teardown(&f);
	make_many(&f, 0);
	route_all_gradually(f.controller);
	EXPECT_INT(waiting(&f), 0);
	EXPECT(!timer_armed(&f.controller->parade.timer));
	teardown(&f);
}

TEST_MAIN(TEST_OF(changes, are_worth_a_look_only_if_we_read_them),
	  TEST_OF(class_went, what_is_left_of_ours_is_looked_at),
	  TEST_OF(parade, takes_its_time_and_others_overtake),
	  TEST_OF(parade, may_be_under_way_at_the_end))
