/* Which keys a change concerns, and what a view is made of. */
#include "test/unit/shell_fixture.h"

TEST(routes, only_keys_with_a_pod_autoscaler_of_our_class)
{
	struct fixture f;

	setup(&f);
	put(&f, CACHE_SKS, "ns", "a", "", "");
	put(&f, CACHE_SO, "ns", "a", "'uid':'so'", TARGET("a-deployment"));
	put(&f, CACHE_HPA, "ns", "a", OWNED_BY_SO("a", "so"), TARGET("a-deployment"));
	expect_keys(&f, "");
	put(&f, CACHE_PA, "ns", "a", OTHER, TARGET("a-deployment"));
	put(&f, CACHE_SKS, "ns", "a", "", "");
	expect_keys(&f, "");
	put(&f, CACHE_PA, "ns", "a", OURS, TARGET("a-deployment"));
	expect_keys(&f, "ns/a");
	put(&f, CACHE_PA, "ns", "a", OTHER, TARGET("a-deployment"));
	expect_keys(&f, "");
	teardown(&f);
}

TEST(routes, each_kind_finds_its_keys)
{
	struct fixture f;

	setup(&f);
	put(&f, CACHE_PA, "ns", "a", OURS, TARGET("a-deployment"));
	put(&f, CACHE_PA, "ns", "b", OURS, TARGET("b-deployment"));
	put(&f, CACHE_PA, "other", "a", OURS, TARGET("a-deployment"));
	expect_keys(&f, "ns/a other/a ns/b"); /* namespaces take turns */
	put(&f, CACHE_SKS, "ns", "b", "", "");
	expect_keys(&f, "ns/b");
	/* by name */
	put(&f, CACHE_SO, "ns", "a", "'uid':'so'", TARGET("elsewhere"));
	expect_keys(&f, "ns/a");
	/* by what it scales, now and before */
	put(&f, CACHE_SO, "ns", "mine", "'uid':'so'", TARGET("a-deployment"));
	expect_keys(&f, "ns/a");
	put(&f, CACHE_SO, "ns", "mine", "'uid':'so'", TARGET("b-deployment"));
	expect_keys(&f, "ns/a ns/b");
	/* an HPA by its own name, its ScaledObject's, its target's */
	put(&f, CACHE_HPA, "ns", "a", "'uid':'hpa'", TARGET("elsewhere"));
	expect_keys(&f, "ns/a");
	put(&f, CACHE_HPA, "ns", "keda-hpa-b", OWNED_BY_SO("b", "so"), TARGET("elsewhere"));
	expect_keys(&f, "ns/b");
	put(&f, CACHE_HPA, "ns", "x", OWNED_BY_SO("mine", "so"), TARGET("b-deployment"));
	expect_keys(&f, "ns/b");
	/* what goes concerns them too */
	store_delete(f.controller->caches[CACHE_HPA].store, "ns", "x", ++f.version);
	expect_keys(&f, "ns/b");
	teardown(&f);
}

TEST(routes, a_write_of_the_pass_itself_does_not_queue_its_key)
{
	struct fixture f;

	setup(&f);
	put(&f, CACHE_PA, "ns", "a", OURS, TARGET("d"));
	put(&f, CACHE_PA, "ns", "b", OURS, TARGET("d"));
	expect_keys(&f, "ns/a ns/b");
	f.controller->answering = "ns/a";
	put(&f, CACHE_SO, "ns", "a", "'uid':'so'", TARGET("d"));
	f.controller->answering = NULL;
	expect_keys(&f, "ns/b");
	teardown(&f);
}

TEST(routes, what_is_remembered_goes_with_the_uid)
{
	struct fixture f;
	struct key_state *state;

	setup(&f);
	put(&f, CACHE_PA, "ns", "a", OURS, TARGET("c"));
	f.controller->shell.in_sync(f.controller, "ns/a", 1, 2);
	put(&f, CACHE_PA, "ns", "a", OURS, TARGET("d"));
	state = table_get(f.controller->states, "ns/a");
	EXPECT(state && state->live_hash == 1);
	put(&f, CACHE_PA, "ns", "a",
	    "'uid':'next','annotations':{'autoscaling.knative.dev/class':"
	    "'hpa.autoscaling.knative.dev'}",
	    TARGET("c"));
	EXPECT(!table_get(f.controller->states, "ns/a"));
	f.controller->shell.in_sync(f.controller, "ns/a", 1, 2);
	store_delete(f.controller->caches[CACHE_PA].store, "ns", "a", ++f.version);
	EXPECT(!table_get(f.controller->states, "ns/a"));
	f.controller->shell.in_sync(f.controller, "ns/a", 1, 2);
	expect_keys(&f, "ns/a"); /* it waited; the pass will find nothing */
	teardown(&f);
}

/* Takes a view, tells uids of what is in it: "so hpa". */
static void expect_view(struct fixture *f, const char *want_so, const char *want_hpa)
{
	struct snapshot snapshot = {0};
	const struct view *view = &snapshot.view;

	EXPECT(view_take(f->controller, "ns/a", &snapshot));
	EXPECT_TEXT(view->so ? view->so->object.meta.uid : NULL, want_so);
	EXPECT_TEXT(view->hpa ? view->hpa->object.meta.uid : NULL, want_hpa);
	EXPECT(view->pa && view->config && view->config_keda && view->learned && view->leader);
	EXPECT_INT(view->now_ms, FAKE_CLOCK_WALL);
	for (size_t i = 0; i < ARRAY_SIZE(snapshot.held); i++)
		object_unref(snapshot.held[i]);
}

TEST(views, ours_go_by_name_and_by_owner)
{
	struct fixture f;

	setup(&f);
	put(&f, CACHE_PA, "ns", "a", OURS, TARGET("d"));
	expect_view(&f, NULL, NULL);
	put(&f, CACHE_SO, "ns", "foreign", "'uid':'foreign'", TARGET("d"));
	expect_view(&f, NULL, NULL);
	/* one left by autoscaler-hpa counts while there is no better one */
	put(&f, CACHE_HPA, "ns", "a", "'uid':'old'", TARGET("d"));
	put(&f, CACHE_SO, "ns", "a", "'uid':'so'", TARGET("d"));
	expect_view(&f, "so", "old");
	put(&f, CACHE_HPA, "ns", "renamed", OWNED_BY_SO("a", "so"), TARGET("d"));
	expect_view(&f, "so", "hpa");
	teardown(&f);
}

TEST(views, brought_ones_go_by_target)
{
	struct fixture f;

	setup(&f);
	put(&f, CACHE_PA, "ns", "a", NOT_AUTO, TARGET("d"));
	put(&f, CACHE_HPA, "ns", "a", "'uid':'named'", TARGET("d"));
	expect_view(&f, NULL, "named");
	put(&f, CACHE_SO, "ns", "a", "'uid':'elsewhere'", TARGET("x"));
	expect_view(&f, NULL, "named");
	put(&f, CACHE_SO, "ns", "z", "'uid':'last'", TARGET("d"));
	put(&f, CACHE_SO, "ns", "m", "'uid':'first'", TARGET("d"));
	expect_view(&f, "first", "named");
	put(&f, CACHE_HPA, "ns", "q", OWNED_BY_SO("m", "first"), TARGET("d"));
	expect_view(&f, "first", "hpa");
	put(&f, CACHE_SO, "ns", "a", "'uid':'by name'", TARGET("d"));
	expect_view(&f, "by name", "named");
	teardown(&f);
}

TEST(views, none_without_a_pod_autoscaler_of_ours_or_while_stopping)
{
	struct fixture f;
	struct snapshot snapshot = {0};

	setup(&f);
	EXPECT(!view_take(f.controller, "ns/a", &snapshot));
	put(&f, CACHE_PA, "ns", "a", OTHER, TARGET("d"));
	EXPECT(!view_take(f.controller, "ns/a", &snapshot));
	put(&f, CACHE_PA, "ns", "a", OURS, TARGET("d"));
	controller_stop(f.controller, NULL, NULL);
	EXPECT(!view_take(f.controller, "ns/a", &snapshot));
	teardown(&f);
}

TEST(views, a_live_spec_that_is_in_sync_has_the_desired_hash)
{
	struct fixture f;
	struct snapshot snapshot = {0};
	uint64_t live;

	setup(&f);
	put(&f, CACHE_PA, "ns", "a", OURS, TARGET("d"));
	put(&f, CACHE_SO, "ns", "a",
	    "'uid':'so','ownerReferences':[{'apiVersion':'autoscaling.internal.knative.dev/"
	    "v1alpha1',"
	    "'kind':'PodAutoscaler','name':'a','uid':'pa','controller':true}]",
	    TARGET("d"));
	EXPECT(view_take(f.controller, "ns/a", &snapshot));
	live = snapshot.view.so->spec_hash;
	for (size_t i = 0; i < ARRAY_SIZE(snapshot.held); i++)
		object_unref(snapshot.held[i]);
	f.controller->shell.in_sync(f.controller, "ns/a", live, 12345);
	memset(&snapshot, 0, sizeof(snapshot));
	EXPECT(view_take(f.controller, "ns/a", &snapshot));
	EXPECT(snapshot.view.so->spec_hash == 12345);
	for (size_t i = 0; i < ARRAY_SIZE(snapshot.held); i++)
		object_unref(snapshot.held[i]);
	/* Another live spec: what was found no longer holds. */
	f.controller->shell.in_sync(f.controller, "ns/a", live + 1, 12345);
	memset(&snapshot, 0, sizeof(snapshot));
	EXPECT(view_take(f.controller, "ns/a", &snapshot));
	EXPECT(snapshot.view.so->spec_hash == live);
	for (size_t i = 0; i < ARRAY_SIZE(snapshot.held); i++)
		object_unref(snapshot.held[i]);
	teardown(&f);
}

TEST_MAIN(TEST_OF(routes, only_keys_with_a_pod_autoscaler_of_our_class),
	  TEST_OF(routes, each_kind_finds_its_keys),
	  TEST_OF(routes, a_write_of_the_pass_itself_does_not_queue_its_key),
	  TEST_OF(routes, what_is_remembered_goes_with_the_uid),
	  TEST_OF(views, ours_go_by_name_and_by_owner), TEST_OF(views, brought_ones_go_by_target),
	  TEST_OF(views, none_without_a_pod_autoscaler_of_ours_or_while_stopping),
	  TEST_OF(views, a_live_spec_that_is_in_sync_has_the_desired_hash))
