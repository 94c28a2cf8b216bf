/* The bounds: annotations over ConfigMap, and who yields to whom. */
#include "reconciler/hpa/bounds.h"

#include "test/unit/hpa_pa.h"

struct row {
	const char *annotations;
	int32_t config_min, config_max, config_initial;
	bool allow_zero, unreachable;
	int32_t min, min_reachable, max, initial;
	const char *refused;
};

static void run_row(const struct row *row)
{
	struct cluster c;
	struct annotations annotations;
	struct refusal refusal;
	struct bounds bounds;

	test_row("%s config %d..%d initial %d", row->annotations, row->config_min, row->config_max,
		 row->config_initial);
	cluster_init(&c, row->annotations);
	c.config.min_scale = row->config_min;
	c.config.max_scale = row->config_max;
	c.config.initial_scale = row->config_initial;
	c.config.allow_zero_initial_scale = row->allow_zero;
	if (row->unreachable)
		edit(&c, c.pa, "{'spec':{'reachability':'Unreachable'}}");
	cluster_look(&c);
	EXPECT(annotations_parse(c.view.pa, &c.config_keda, c.arena, &annotations, &refusal));
	bool ok = bounds_of(&annotations, c.view.pa, &c.config, c.arena, &bounds, &refusal);
	EXPECT_INT(ok, !row->refused);
	if (ok) {
		EXPECT_INT(bounds.min, row->min);
		EXPECT_INT(bounds.min_reachable, row->min_reachable);
		EXPECT_INT(bounds.max, row->max);
		EXPECT_INT(bounds.initial_scale, row->initial);
	} else {
		EXPECT_TEXT(refusal.text, row->refused);
	}
	cluster_release(&c);
}

TEST(bounds, table)
{
	static const struct row rows[] = {
	    /* annotations, config min max initial, allow zero, unreachable,
	     * min, reachable, max, initial, refused */
	    {"", 0, 0, 1, false, false, 0, 0, INT32_MAX, 1, NULL},
	    {"'min-scale':'2','max-scale':'9'", 0, 0, 1, false, false, 2, 2, 9, 1, NULL},
	    {"", 2, 6, 3, false, false, 2, 2, 6, 3, NULL},
	    {"'max-scale':'4'", 0, 6, 1, false, false, 0, 0, 4, 1, NULL},
	    {"'max-scale':'0'", 0, 6, 1, false, false, 0, 0, INT32_MAX, 1, NULL},
	    {"'min-scale':'0'", 5, 0, 1, false, false, 0, 0, INT32_MAX, 1, NULL},
	    /* a default never beats an annotation */
	    {"'max-scale':'3'", 4, 0, 1, false, false, 3, 3, 3, 1, NULL},
	    {"'min-scale':'8'", 0, 6, 1, false, false, 8, 8, 8, 1, NULL},
	    /* two annotations */
	    {"'min-scale':'5','max-scale':'3'", 0, 0, 1, false, false, 0, 0, 0, 0,
	     "autoscaling.knative.dev/min-scale: \"5\" is above "
	     "autoscaling.knative.dev/max-scale \"3\"; use a number of at most 3, or raise the "
	     "other"},
	    {"'minScale':'5','maxScale':'3'", 0, 0, 1, false, false, 0, 0, 0, 0,
	     "autoscaling.knative.dev/minScale: \"5\" is above "
	     "autoscaling.knative.dev/maxScale \"3\"; use a number of at most 3, or raise the "
	     "other"},
	    {"'min-scale':'5','max-scale':'3'", 0, 0, 1, false, true, 0, 0, 0, 0,
	     "autoscaling.knative.dev/min-scale: \"5\" is above "
	     "autoscaling.knative.dev/max-scale \"3\"; use a number of at most 3, or raise the "
	     "other"},
	    {"'min-scale':'5','max-scale':'0'", 0, 0, 1, false, false, 5, 5, INT32_MAX, 1, NULL},
	    {"'min-scale':'3','max-scale':'3'", 0, 0, 1, false, false, 3, 3, 3, 1, NULL},
	    /* Unreachable */
	    {"'min-scale':'5','max-scale':'9'", 0, 0, 1, false, true, 0, 5, 9, 1, NULL},
	    {"", 4, 0, 1, false, true, 0, 4, INT32_MAX, 1, NULL},
	    /* initial scale */
	    {"'initial-scale':'7'", 0, 0, 2, false, false, 0, 0, INT32_MAX, 7, NULL},
	    {"'initial-scale':'0'", 0, 0, 2, false, false, 0, 0, INT32_MAX, 2, NULL},
	    {"'initial-scale':'0'", 0, 0, 2, true, false, 0, 0, INT32_MAX, 0, NULL},
	    {"", 0, 0, 0, true, false, 0, 0, INT32_MAX, 0, NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		run_row(&rows[i]);
}

TEST_MAIN(TEST_OF(bounds, table))
