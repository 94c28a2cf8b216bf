/* idleReplicaCount: only where there is a minimum to go to, and no warm hold. */
#include "reconciler/hpa/idle.h"

#include "test/unit/hpa_built.h"

#define IDLE ",'keda-idle-replica-count':'0'"

TEST(idle, refusals)
{
	static const struct {
		const char *annotations, *text;
	} rows[] = {
	    {CUSTOM IDLE,
	     "\"0\" leaves nothing between idle and active; set autoscaling.knative.dev/min-scale "
	     "to at least 1"},
	    {CUSTOM IDLE ",'minScale':'0'", "set autoscaling.knative.dev/minScale to at least 1"},
	    /* the 1 that cpu gets is nobody's wish */
	    {"'target':'5'" IDLE, "leaves nothing between"},
	    {CUSTOM ",'min-scale':'2','keda-idle-replica-count':'1'",
	     "\"1\" is too large; use 0, the only number that KEDA and the HPA do not fight over"},
	    {CUSTOM ",'min-scale':'2','keda-idle-replica-count':'-1'", "is too small"},
	    {CUSTOM ",'min-scale':'2','keda-idle-replica-count':''", "not a whole number"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%s", rows[i].annotations);
		build_from(&b, rows[i].annotations);
		EXPECT_REFUSED(&b, "keda-idle-replica-count", rows[i].text);
		cluster_release(&b.cluster);
	}
}

TEST(idle, table)
{
	static const struct {
		const char *annotations;
		int32_t config_min;
		bool unreachable;
		enum desired_form form;
		const char *idle, *min;
	} rows[] = {
	    {CUSTOM ",'min-scale':'2'" IDLE, 0, false, DESIRED_STEADY, "0", "2"},
	    {CUSTOM IDLE, 3, false, DESIRED_STEADY, "0", "3"},
	    {"'min-scale':'2'" IDLE, 0, false, DESIRED_STEADY, "0", "2"},
	    /* the hold is for a revision that must not go to zero */
	    {CUSTOM ",'min-scale':'2'" IDLE, 0, false, DESIRED_FRESH, "(none)", "2"},
	    {CUSTOM ",'min-scale':'2'" IDLE, 0, false, DESIRED_NOW, "(none)", "2"},
	    /* Unreachable: no mistake of the user's */
	    {CUSTOM ",'min-scale':'2'" IDLE, 0, true, DESIRED_STEADY, "(none)", "(none)"},
	    {CUSTOM IDLE, 3, true, DESIRED_STEADY, "(none)", "(none)"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%zu: %s", i, rows[i].annotations);
		cluster_init(&b.cluster, rows[i].annotations);
		b.cluster.config.min_scale = rows[i].config_min;
		if (rows[i].unreachable)
			edit(&b.cluster, b.cluster.pa, "{'spec':{'reachability':'Unreachable'}}");
		build_form(&b, rows[i].form, false);
		EXPECT_TEXT(b.refusal.text, NULL);
		EXPECT_TEXT(shown(&b, json_get(spec_of(&b), "idleReplicaCount")), rows[i].idle);
		EXPECT_TEXT(shown(&b, json_get(spec_of(&b), "minReplicaCount")), rows[i].min);
		cluster_release(&b.cluster);
	}
}

TEST_MAIN(TEST_OF(idle, refusals), TEST_OF(idle, table))
