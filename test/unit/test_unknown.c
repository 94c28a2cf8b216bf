/* Slips of the pen are found, and nothing that somebody may mean is. */
#include "reconciler/hpa/unknown.h"

#include "reconciler/hpa/annotations.h"
#include "test/unit/hpa_built.h"

TEST(unknown, names)
{
	static const struct {
		const char *name, *meant; /* NULL: no suggestion */
	} rows[] = {
	    {"min-scal", "min-scale"},
	    {"mni-scale", "min-scale"},
	    {"minscale", "min-scale"},
	    {"MinScale", "minScale"},
	    {"Target", "target"},
	    {"traget", "target"},
	    {"keda-pause", "keda-paused"},
	    {"keda-trigger", "keda-triggers"},
	    {"prometheus-querry", "prometheus-query"},
	    {"scaled-object-overide", "scaled-object-override"},
	    {"initial_scale", "initial-scale"},
	    {"target-burst-capacit", "target-burst-capacity"},
	    /* known to us or to Knative */
	    {"min-scale", NULL},
	    {"minScale", NULL},
	    {"query", NULL},
	    {"keda-fallback-behavior", NULL},
	    {"target-burst-capacity", NULL},
	    {"scale-to-zero-pod-retention-period", NULL},
	    {"panicWindowPercentage", NULL},
	    /* like nothing */
	    {"unheard-of", NULL},
	    {"", NULL},
	    {"m", NULL},
	    {"brass", NULL},
	    {"quer-of-mine", NULL},
	    {"a-name-of-forty-nine-letters-and-more-than-we-read", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cluster c;
		test_row("%s", rows[i].name);
		cluster_init(&c, "");
		annotate_json(&c, rows[i].name, "x");
		cluster_look(&c);
		const char *text = unknown_annotations(c.view.pa, c.arena);
		const char *want =
		    rows[i].meant
			? arena_printf(c.arena, KEY("%s") " is not known; did you mean " KEY("%s?"),
				       rows[i].name, rows[i].meant)
			: NULL;
		EXPECT_TEXT(text, want);
		cluster_release(&c);
	}
}

/* Every row is known, and no two are so close that one is taken for the other. */
TEST(unknown, rows_are_known)
{
	size_t count;
	const struct annotation_row *rows = annotation_rows(&count);

	for (size_t i = 0; i < count; i++) {
		struct pod_autoscaler pa = {0};
		struct meta_pair pair = {rows[i].name, "x"};
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		test_row("%s", rows[i].name);
		pa.annotations = (struct meta_pairs){1, &pair};
		EXPECT_TEXT(unknown_annotations(&pa, arena), NULL);
	}
}

TEST(unknown, of_other_groups)
{
	struct cluster c;

	cluster_init(&c, "'example.com/min-scal':'1','serving.knative.dev/min-scal':'1'");
	cluster_look(&c);
	EXPECT_TEXT(unknown_annotations(c.view.pa, c.arena), NULL);
	cluster_release(&c);
}

TEST(unknown, four_at_most)
{
	struct cluster c;

	cluster_init(&c, "'min-scal':'1','max-scal':'1','windo':'1','targe':'1','metri':'1'");
	cluster_look(&c);
	const char *text = unknown_annotations(c.view.pa, c.arena);
	size_t found = 0;
	for (const char *at = text; at && (at = strstr(at, "did you mean")); at++)
		found++;
	EXPECT_INT(found, 4);
	EXPECT_CONTAINS(text, "min-scale? autoscaling.knative.dev/max-scal is not known");
	cluster_release(&c);
}

TEST_MAIN(TEST_OF(unknown, names), TEST_OF(unknown, rows_are_known),
	  TEST_OF(unknown, of_other_groups), TEST_OF(unknown, four_at_most))
