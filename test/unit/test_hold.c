/* The warm hold, by itself and in minReplicaCount. Times are seconds since the creation. */
#include "reconciler/hpa/hold.h"

#include "test/unit/hpa_pa.h"

struct row {
	const char *name;
	const char *annotations;
	const char *initialized; /* status of ScaleTargetInitialized, NULL: not there */
	int64_t initialized_s;
	bool unreachable, allow_zero;
	enum desired_form form;
	int64_t now_s;
	bool held;
	int64_t min; /* minReplicaCount, 0: absent */
	int64_t until_s;
};

#define C30 CUSTOM ",'keda-cooldown-period':'30'"

static const struct row rows[] = {
    /* until it is initialized */
    {"fresh", CUSTOM, NULL, 0, false, false, DESIRED_NOW, 0, true, 1, 600},
    {"unknown", CUSTOM, "Unknown", 0, false, false, DESIRED_NOW, 5, true, 1, 600},
    {"initial scale", CUSTOM ",'initial-scale':'3'", NULL, 0, false, false, DESIRED_NOW, 5, true, 3,
     600},
    {"min above initial scale", CUSTOM ",'min-scale':'5','initial-scale':'3'", NULL, 0, false,
     false, DESIRED_NOW, 5, true, 5, 600},
    {"capped by max", CUSTOM ",'max-scale':'2','initial-scale':'3'", NULL, 0, false, false,
     DESIRED_NOW, 5, true, 2, 600},
    {"unreachable before", CUSTOM ",'min-scale':'5'", NULL, 0, true, false, DESIRED_NOW, 5, true, 1,
     600},
    {"cpu", "'initial-scale':'2'", NULL, 0, false, false, DESIRED_NOW, 5, true, 2, 600},
    /* given up at the progress deadline */
    {"just before", CUSTOM, NULL, 0, false, false, DESIRED_NOW, 599, true, 1, 600},
    {"deadline", CUSTOM, NULL, 0, false, false, DESIRED_NOW, 600, false, 0, 0},
    {"own deadline", CUSTOM ",'serving.knative.dev/progress-deadline':'2m'", NULL, 0, false, false,
     DESIRED_NOW, 119, true, 1, 120},
    {"own deadline over", CUSTOM ",'serving.knative.dev/progress-deadline':'2m'", NULL, 0, false,
     false, DESIRED_NOW, 120, false, 0, 0},
    {"unreadable deadline", CUSTOM ",'serving.knative.dev/progress-deadline':'soon'", NULL, 0,
     false, false, DESIRED_NOW, 599, true, 1, 600},
    {"negative deadline", CUSTOM ",'serving.knative.dev/progress-deadline':'-2m'", NULL, 0, false,
     false, DESIRED_NOW, 599, true, 1, 600},
    {"cpu past deadline", "", NULL, 0, false, false, DESIRED_NOW, 600, false, 1, 0},
    /* from then on until the cooldown has passed */
    {"just initialized", CUSTOM, "True", 100, false, false, DESIRED_NOW, 100, true, 1, 400},
    {"min counts", CUSTOM ",'min-scale':'2','initial-scale':'7'", "True", 100, false, false,
     DESIRED_NOW, 100, true, 2, 400},
    {"default cooldown", CUSTOM, "True", 100, false, false, DESIRED_NOW, 399, true, 1, 400},
    {"default cooldown over", CUSTOM, "True", 100, false, false, DESIRED_NOW, 400, false, 0, 0},
    {"cooldown", C30, "True", 100, false, false, DESIRED_NOW, 129, true, 1, 130},
    {"cooldown over", C30, "True", 100, false, false, DESIRED_NOW, 130, false, 0, 0},
    {"initial cooldown", C30 ",'keda-initial-cooldown-period':'10'", "True", 100, false, false,
     DESIRED_NOW, 109, true, 1, 110},
    {"initial cooldown over", C30 ",'keda-initial-cooldown-period':'10'", "True", 100, false, false,
     DESIRED_NOW, 110, false, 0, 0},
    {"no cooldown", CUSTOM ",'keda-initial-cooldown-period':'0'", "True", 100, false, false,
     DESIRED_NOW, 100, false, 0, 0},
    {"older than the deadline, just initialized", CUSTOM, "True", 900, false, false, DESIRED_NOW,
     901, true, 1, 1200},
    {"unreachable after", CUSTOM, "True", 100, true, false, DESIRED_NOW, 101, false, 0, 0},
    /* never */
    {"initial scale 0", CUSTOM ",'initial-scale':'0'", NULL, 0, false, true, DESIRED_NOW, 0, false,
     0, 0},
    {"initial scale 0 not allowed", CUSTOM ",'initial-scale':'0'", NULL, 0, false, false,
     DESIRED_NOW, 0, true, 1, 600},
    /* forms */
    {"steady", CUSTOM, NULL, 0, false, false, DESIRED_STEADY, 0, false, 0, 0},
    {"fresh form", CUSTOM, "True", 0, false, false, DESIRED_FRESH, 9999, true, 1, 600},
};

static void run_row(const struct row *row)
{
	struct cluster c;
	struct desired desired;
	struct refusal refusal;

	test_row("%s", row->name);
	cluster_init(&c, row->annotations);
	c.config.allow_zero_initial_scale = row->allow_zero;
	if (row->initialized)
		edit(&c, c.pa,
		     "{'status':{'conditions':[{'type':'ScaleTargetInitialized','status':'%s',"
		     "'lastTransitionTime':'%s'}]}}",
		     row->initialized, time_text(&c, START_MS + row->initialized_s * SECOND));
	if (row->unreachable)
		edit(&c, c.pa, "{'spec':{'reachability':'Unreachable'}}");
	cluster_look(&c);
	EXPECT(desired_build(c.view.pa, &c.config, &c.config_keda, row->form,
			     START_MS + row->now_s * SECOND, false, c.arena, &desired, &refusal));
	EXPECT_INT(desired.held, row->held);
	EXPECT_INT(json_int_or(json_path(desired.object, "spec", "minReplicaCount", NULL), 0),
		   row->min);
	EXPECT_INT(desired.held_until_ms, row->until_s ? START_MS + row->until_s * SECOND : 0);
	cluster_release(&c);
}

TEST(hold, table)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		run_row(&rows[i]);
}

/* Without a creation time there is no deadline. */
TEST(hold, without_a_creation_time)
{
	struct cluster c;
	struct desired desired;
	struct refusal refusal;

	cluster_init(&c, CUSTOM);
	edit(&c, c.pa, "{'metadata':{'creationTimestamp':null}}");
	cluster_look(&c);
	EXPECT(desired_build(c.view.pa, &c.config, &c.config_keda, DESIRED_NOW, c.now_ms, false,
			     c.arena, &desired, &refusal));
	EXPECT(desired.held);
	EXPECT_INT(desired.held_until_ms, 0);
	cluster_release(&c);
}

TEST(hold, auto_create_off)
{
	struct cluster c;
	struct desired desired;
	struct refusal refusal;

	cluster_init(&c, CUSTOM ",'scaled-object-auto-create':'false'");
	cluster_look(&c);
	EXPECT(desired_build(c.view.pa, &c.config, &c.config_keda, DESIRED_NOW, c.now_ms, false,
			     c.arena, &desired, &refusal));
	EXPECT(!desired.auto_create && !desired.held && !desired.object);
	cluster_release(&c);
}

TEST_MAIN(TEST_OF(hold, table), TEST_OF(hold, without_a_creation_time),
	  TEST_OF(hold, auto_create_off))
