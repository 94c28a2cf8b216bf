/* Window, scaling rules and modifiers: what is refused, and where the rest goes. */
#include "reconciler/hpa/advanced.h"

#include "test/unit/hpa_built.h"

static void start(struct built *b, const char *annotations, const char *name, const char *json)
{
	test_row("%s %s %s", annotations, name, json);
	cluster_init(&b->cluster, annotations);
	annotate_json(&b->cluster, name, json);
	build(b, false);
}

TEST(advanced, refusals)
{
	static const struct {
		const char *name, *json, *text;
	} rows[] = {
	    {"hpa-scale-up-rules", "{", "1:"},
	    {"hpa-scale-up-rules", "", "use JSON with stabilizationWindowSeconds"},
	    {"hpa-scale-up-rules", "[]", "1:1: is no object"},
	    {"hpa-scale-up-rules", "{} {}", "1:"},
	    {"hpa-scale-up-rules", "{'selectpolicy':'Max'}",
	     "\"selectpolicy\", which is not known; use \"selectPolicy\""},
	    {"hpa-scale-up-rules", "{'StabilizationWindowSeconds':30}",
	     "1:31: 30 stands under the key \"StabilizationWindowSeconds\""},
	    {"hpa-scale-up-rules", "{'Policies':[]}", "use \"policies\""},
	    {"hpa-scale-up-rules", "{'Tolerance':'0.1'}", "use \"tolerance\""},
	    {"hpa-scale-down-rules", "{'policies':[{'Type':'Pods'}]}", "use \"type\""},
	    {"hpa-scale-down-rules", "{'policies':[{'type':'Pods','VALUE':4}]}", "use \"value\""},
	    {"hpa-scale-down-rules", "{'policies':[{},{'periodseconds':4}]}",
	     "use \"periodSeconds\""},
	    {"hpa-scale-down-rules", "{'policies':{}}", "policies must be a list"},
	    {"hpa-scale-down-rules", "{'stabilizationWindowSeconds':'30'}",
	     "stabilizationWindowSeconds must be a number"},
	    {"scaling-modifiers", "{", "1:"},
	    {"scaling-modifiers", "null", "is no object"},
	    {"scaling-modifiers", "{}", "1:1: formula is missing"},
	    {"scaling-modifiers", "{'target':'5'}", "formula is missing"},
	    {"scaling-modifiers", "{'formula':'','target':'5'}", "formula is missing"},
	    {"scaling-modifiers", "{'formula':'a'}", "target is missing"},
	    {"scaling-modifiers", "{'formula':'a','target':''}", "target is missing"},
	    {"scaling-modifiers", "{'formula':'a','target':null}", "target is missing"},
	    {"scaling-modifiers", "{'formula':'a','target':'0'}", "\"0\" is no target above 0"},
	    {"scaling-modifiers", "{'formula':'a','target':'0.0e5'}", "is no target above 0"},
	    {"scaling-modifiers", "{'formula':'a','target':'-1'}", "is no target above 0"},
	    {"scaling-modifiers", "{'formula':'a','target':'NaN'}", "is no target above 0"},
	    {"scaling-modifiers", "{'formula':'a','target':'5 '}", "is no target above 0"},
	    {"scaling-modifiers", "{'formula':'a','target':5}",
	     "5 is a number; target must be a string"},
	    {"scaling-modifiers", "{'formula':'a','target':'5','activationTarget':'x'}",
	     "\"x\" is no number for activationTarget"},
	    {"scaling-modifiers", "{'formula':'a','target':'5','metricType':'Utilization'}",
	     "\"Utilization\" is not known as metricType; use AverageValue or Value"},
	    {"scaling-modifiers", "{'Formula':'a','target':'5'}", "use \"formula\""},
	    {"scaling-modifiers", "{'formula':'a','target':'5','activationtarget':'1'}",
	     "use \"activationTarget\""},
	    {"scaling-modifiers", "{'formula':'a','target':'5','metrictype':'Value'}",
	     "use \"metricType\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		start(&b, CUSTOM, rows[i].name, rows[i].json);
		EXPECT(!b.ok);
		EXPECT_TEXT(b.refusal.annotation,
			    arena_printf(b.cluster.arena, KEY("%s"), rows[i].name));
		EXPECT_CONTAINS(b.refusal.text, rows[i].text);
		cluster_release(&b.cluster);
	}
}

#define NAME "'name':'r'"

TEST(advanced, behavior)
{
	static const struct {
		const char *annotations, *name, *json, *hpa;
	} rows[] = {
	    {"", "hpa-scale-up-rules", "{'selectPolicy':'Max','new':[1]}",
	     "{" NAME ",'behavior':{'scaleUp':{'selectPolicy':'Max','new':[1]}}}"},
	    {"'window':'60s'", "hpa-scale-up-rules", "{'selectPolicy':'Max'}",
	     "{" NAME ",'behavior':{'scaleUp':{'selectPolicy':'Max'},"
	     "'scaleDown':{'stabilizationWindowSeconds':60}}}"},
	    {"'window':'60s'", "hpa-scale-down-rules", "{'stabilizationWindowSeconds':0}",
	     "{" NAME ",'behavior':{'scaleUp':{'stabilizationWindowSeconds':60},"
	     "'scaleDown':{'stabilizationWindowSeconds':0}}}"},
	    {"'window':'60s'", "scaling-modifiers", "{'formula':'a','target':'5'}",
	     "{" NAME ",'behavior':{'scaleUp':{'stabilizationWindowSeconds':60},"
	     "'scaleDown':{'stabilizationWindowSeconds':60}}}"},
	    {"", "scaling-modifiers", "{'formula':'a','target':'5'}", "{" NAME "}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		start(&b, rows[i].annotations, rows[i].name, rows[i].json);
		EXPECT_TEXT(b.refusal.text, NULL);
		EXPECT_TEXT(shown(&b, json_path(spec_of(&b), "advanced",
						"horizontalPodAutoscalerConfig", NULL)),
			    rows[i].hpa);
		cluster_release(&b.cluster);
	}
}

/* {} replaces the window by the API server's defaults, which is what "nothing" means. */
TEST(advanced, empty_rules_take_the_window_away)
{
	struct built b;

	start(&b, "'window':'60s'", "hpa-scale-up-rules", "{}");
	EXPECT_TEXT(shown(&b, scaled_object_normalize(json_get(spec_of(&b), "advanced"), NULL,
						      b.cluster.arena)),
		    "{'horizontalPodAutoscalerConfig':{" NAME ",'behavior':{'scaleDown':"
		    "{'stabilizationWindowSeconds':60}}}}");
	cluster_release(&b.cluster);
}

TEST(advanced, modifiers_go_in_as_given)
{
	static const char *const rows[] = {
	    "{'formula':'(a + b)/2','target':'5'}",
	    "{'formula':'a','target':'0.5','activationTarget':'-1.5','metricType':'Value'}",
	    "{'formula':'a','target':'1e3','metricType':'AverageValue','new':1}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		start(&b, CUSTOM, "scaling-modifiers", rows[i]);
		EXPECT_TEXT(shown(&b, json_path(spec_of(&b), "advanced", "scalingModifiers", NULL)),
			    rows[i]);
		cluster_release(&b.cluster);
	}
}

TEST_MAIN(TEST_OF(advanced, refusals), TEST_OF(advanced, behavior),
	  TEST_OF(advanced, empty_rules_take_the_window_away),
	  TEST_OF(advanced, modifiers_go_in_as_given))
