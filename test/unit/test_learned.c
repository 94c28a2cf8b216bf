/* Server defaults: what is one, what is not, and that one lesson ends the difference for good. */
#include "pkg/keda/scaled_object.h"
#include "test/lib/test.h"
#include "test/unit/quoted_json.h"

static void learned_freep(struct learned **learned)
{
	learned_free(*learned);
}

static bool learn(struct arena *arena, struct learned *learned, const char *sent,
		  const char *answered)
{
	return learned_from(learned, quoted_json(arena, sent), quoted_json(arena, answered));
}

static bool knows(struct arena *arena, const struct learned *learned, const char *path,
		  const char *value)
{
	return learned_has(learned, path, quoted_json(arena, value));
}

#define SELECT ".advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.selectPolicy"

TEST(learned, additions_alone_are_defaults)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *sent, *answered;
		const char *path, *value; /* NULL: nothing is learned */
	} rows[] = {
	    {"{'a':1}", "{'a':1,'b':2}", ".b", "2"},
	    {"{}", "{'b':'text'}", ".b", "'text'"},
	    {"{}", "{'b':true}", ".b", "true"},
	    {"{'b':null}", "{'b':1}", ".b", "1"},
	    {"{'b':{}}", "{'b':{'c':1}}", ".b.c", "1"},
	    {"{}", "{'b':{'c':{'d':0}}}", ".b.c.d", "0"},
	    {"{'advanced':{'horizontalPodAutoscalerConfig':{'behavior':{'scaleDown':"
	     "{'stabilizationWindowSeconds':5}}}}}",
	     "{'advanced':{'horizontalPodAutoscalerConfig':{'behavior':{'scaleDown':"
	     "{'stabilizationWindowSeconds':5,'selectPolicy':'Max'}}}}}",
	     SELECT, "'Max'"},
	    {"{'l':[{'a':1},{'a':2}]}", "{'l':[{'a':1},{'a':2,'b':3}]}", ".l[].b", "3"},
	    {"{'l':[{}]}", "{'l':[{'b':3}]}", ".l[].b", "3"},
	    {"{'l':[[{}]]}", "{'l':[[{'b':3}]]}", ".l[][].b", "3"},
	    {"{}", "{'l':[{'b':3},'x']}", ".l", "[{'b':3},'x']"},
	    /* Spelling, changes, removals, other lists: nothing to learn. */
	    {"{'a':1}", "{'a':1}", NULL, NULL},
	    {"{'a':1}", "{'a':1.0,'b':{},'c':false,'d':[],'e':null,'f':''}", NULL, NULL},
	    {"{}", "{'minReplicaCount':0,'fallback':{'behavior':'static'}}", NULL, NULL},
	    {"{'a':1}", "{'a':2}", NULL, NULL},
	    {"{'a':1}", "{'a':{'b':1}}", NULL, NULL},
	    {"{'a':{'b':1}}", "{'a':1}", NULL, NULL},
	    {"{'a':{'b':1}}", "{'a':[1]}", NULL, NULL},
	    {"{'a':1,'b':2}", "{'a':1}", NULL, NULL},
	    {"{'l':[1]}", "{'l':[1,2]}", NULL, NULL},
	    {"{'l':[{'a':1}]}", "{'l':[{'a':1,'b':2},{}]}", NULL, NULL},
	    {"{'a':1}", "{}", NULL, NULL},
	    {"{'a':1}", "null", NULL, NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(learned_freep) struct learned *learned = learned_new();
		bool new = rows[i].path != NULL;
		test_row("%s, %s", rows[i].sent, rows[i].answered);
		EXPECT_INT(learn(arena, learned, rows[i].sent, rows[i].answered), new);
		EXPECT_INT(learn(arena, learned, rows[i].sent, rows[i].answered), false);
		if (new) {
			EXPECT(knows(arena, learned, rows[i].path, rows[i].value));
			EXPECT(!knows(arena, learned, rows[i].path, "'another'"));
			EXPECT(!knows(arena, learned, ".elsewhere", rows[i].value));
		}
	}
}

TEST(learned, nothing_known)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(learned_freep) struct learned *learned = learned_new();
	learned_free(NULL);
	EXPECT(!knows(arena, NULL, ".a", "1"));
	EXPECT(!knows(arena, learned, ".a", "1"));
	EXPECT(!learned_from(learned, NULL, NULL));
	EXPECT(learned_from(learned, NULL, quoted_json(arena, "{'a':1}")));
}

TEST(learned, one_lesson_serves_all_objects)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(learned_freep) struct learned *learned = learned_new();
	EXPECT(learn(arena, learned, "{'triggers':[{'type':'x'}]}",
		     "{'pollingInterval':30,'triggers':[{'type':'x','metricType':'Value'}],"
		     "'extra':{'list':[{'a':1}]}}"));
	static const struct {
		const char *desired, *live;
		bool want;
	} rows[] = {
	    {"{'triggers':[{'type':'y'},{'type':'z','metricType':'Value'}]}",
	     "{'triggers':[{'type':'y','metricType':'Value'},{'type':'z'}]}", true},
	    {"{'a':1}", "{'a':1,'pollingInterval':30}", true},
	    {"{'a':1}", "{'a':1,'pollingInterval':31}", false},
	    {"{'pollingInterval':5}", "{'pollingInterval':30}", false},
	    {"{}", "{'extra':{'list':[{'a':1}]}}", true},
	    {"{}", "{'extra':{'list':[{'a':2}]}}", false},
	    {"{}", "{'triggers':[{'metricType':'Value'}]}", false},
	    {"{'metricType':'Value'}", "{}", false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *desired = quoted_json(arena, rows[i].desired);
		struct json *live = quoted_json(arena, rows[i].live);
		test_row("%s, %s", rows[i].desired, rows[i].live);
		EXPECT_INT(scaled_object_spec_equal(desired, live, learned, arena), rows[i].want);
	}
}

static struct json *with_spec(struct arena *arena, const char *spec)
{
	struct json *object = quoted_json(arena, "{'metadata':{'resourceVersion':'1'}}");
	json_set(arena, object, "spec", quoted_json(arena, spec));
	return object;
}

TEST(learned, patches_know_what_was_learned)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(learned_freep) struct learned *learned = learned_new();
	static const struct {
		const char *desired, *live, *want; /* spec of the patch */
	} rows[] = {
	    {"{}", "{'p':{'a':1,'b':2}}", "(none)"},
	    {"{'p':{'a':1}}", "{}", "(none)"},
	    /* A default that is wanted by name is written, one that is not is left alone. */
	    {"{'p':{'a':1}}", "{'p':{'a':9}}", "{'p':{'a':1}}"},
	    {"{'p':{'a':1}}", "{'p':{'a':9,'b':2,'c':3}}", "{'p':{'a':1,'c':null}}"},
	    {"{'p':{'a':1}}", "{'p':7}", "{'p':{'a':1}}"},
	    {"{'q':7}", "{'q':7,'p':{'a':1,'b':9}}", "{'p':null}"},
	    {"{'p':{'c':3}}", "{'p':{'a':1,'b':2}}", "{'p':{'c':3}}"},
	};
	EXPECT(learn(arena, learned, "{}", "{'p':{'a':1,'b':2}}"));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *desired = with_spec(arena, rows[i].desired);
		struct json *live = with_spec(arena, rows[i].live);
		struct json *patch = scaled_object_diff(desired, live, learned, arena);
		test_row("%s, %s", rows[i].desired, rows[i].live);
		EXPECT_TEXT(json_shown(arena, json_get(patch, "spec")), rows[i].want);
		if (patch) {
			live = json_merge_apply(arena, live, patch);
			EXPECT(!scaled_object_diff(desired, live, learned, arena));
		}
	}
}

/* A server that fills in defaults that nobody told us of: one write too many, then never again. */
TEST(learned, one_probing_write_a_path)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(learned_freep) struct learned *learned = learned_new();
	struct json *defaults =
	    quoted_json(arena, "{'spec':{'x':5,'advanced':{'y':{'z':'w'}},'list':[{'q':1}]}}");
	const char *wanted[] = {"{'a':1}", "{'a':2,'advanced':{'name':'n'}}", "{'advanced':{}}"};
	unsigned writes = 0;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct json *desired = with_spec(arena, wanted[i]);
		struct json *live = json_merge_apply(arena, desired, defaults), *patch;
		for (unsigned n = 0; n < 5; n++) {
			patch = scaled_object_diff(desired, live, learned, arena);
			if (!patch)
				break;
			writes++;
			live = json_merge_apply(arena, live, patch);
			live = json_merge_apply(arena, live, defaults);
			learned_from(learned, json_get(desired, "spec"), json_get(live, "spec"));
		}
		test_row("%s", wanted[i]);
		EXPECT(patch == NULL);
	}
	EXPECT_INT(writes, 1);
}

TEST(learned, bounds)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(learned_freep) struct learned *learned = learned_new();
	struct json *answered = json_object(arena), *long_one = json_object(arena);
	for (int i = 0; i < 300; i++)
		json_set_int(arena, answered, arena_printf(arena, "k%d", i), i);
	char *text = arena_alloc(arena, 1101);
	memset(text, 'x', 1100);
	json_set_text(arena, long_one, "v", text);
	EXPECT(!learned_from(learned, json_object(arena), long_one));
	EXPECT(!knows(arena, learned, ".v", arena_printf(arena, "'%s'", text)));
	long_one = json_object(arena);
	json_set_int(arena, long_one, text, 1);
	EXPECT(!learned_from(learned, json_object(arena), long_one));
	EXPECT(!knows(arena, learned, "?", "1"));

	EXPECT(learned_from(learned, json_object(arena), answered));
	EXPECT(knows(arena, learned, ".k255", "255"));
	EXPECT(!knows(arena, learned, ".k256", "256"));
	EXPECT(!learned_from(learned, json_object(arena), answered));
	EXPECT(!learn(arena, learned, "{}", "{'more':1}"));
}

TEST_MAIN(TEST_OF(learned, additions_alone_are_defaults), TEST_OF(learned, nothing_known),
	  TEST_OF(learned, one_lesson_serves_all_objects),
	  TEST_OF(learned, patches_know_what_was_learned),
	  TEST_OF(learned, one_probing_write_a_path), TEST_OF(learned, bounds))
