/* Listed triggers: which are taken, in which order, and what is refused where. */
#include "test/unit/hpa_triggers.h"

#define CRON "{'type':'cron','metadata':{'start':'0 6 * * *'}}"
#define DEFAULT                                                                                    \
	"{'type':'prometheus','name':'default-trigger-custom','metricType':'AverageValue',"        \
	"'metadata':{'serverAddress':'http://prometheus-operated.default.svc:9090','query':'q',"   \
	"'threshold':'5','namespace':'ns'}}"
#define CPU(value)                                                                                 \
	"{'type':'cpu','name':'default-trigger-cpu','metricType':'Utilization',"                   \
	"'metadata':{'value':'" value "'}}"

TEST(triggers, taken)
{
	static const struct {
		const char *annotations, *name, *value, *want;
		bool only_resources;
	} rows[] = {
	    /* which default trigger stands beside them */
	    {"", "keda-triggers", "[" CRON "]", "[" CRON "]", false},
	    {"'metric':'cpu'", "keda-triggers", "[" CRON "]", "[" CRON "]", false},
	    {"'target':'60'", "keda-triggers", "[" CRON "]", "[" CPU("60") "," CRON "]", false},
	    {CUSTOM, "keda-triggers", "[" CRON "]", "[" DEFAULT "," CRON "]", false},
	    {CUSTOM, "extra-prometheus-triggers", "[" CRON "]", "[" DEFAULT "," CRON "]", false},
	    {"'metric':'m'", "keda-triggers", "[" CRON "," CRON "]", "[" CRON "," CRON "]", false},
	    {"'metric':'memory'", "keda-triggers", "[" CRON "]", "[" CRON "]", false},
	    /* an empty list is none */
	    {"", "keda-triggers", "[]", "[" CPU("70") "]", true},
	    {"", "extra-prometheus-triggers", " [\n] ", "[" CPU("70") "]", true},
	    {CUSTOM, "keda-triggers", "[]", "[" DEFAULT "]", false},
	    /* only cpu and memory */
	    {"'metric':'m'", "keda-triggers",
	     "[{'type':'memory','metricType':'AverageValue','metadata':{'value':'200Mi'}}]",
	     "[{'type':'memory','metricType':'AverageValue','metadata':{'value':'200Mi'}}]", true},
	    {"'target':'60'", "keda-triggers",
	     "[{'type':'memory','metricType':'Utilization','metadata':{'value':'80'}}]",
	     "[" CPU("60") ",{'type':'memory','metricType':'Utilization',"
			   "'metadata':{'value':'80'}}]",
	     true},
	    /* YAML */
	    {"", "keda-triggers", "- type: cron\n  metadata:\n    start: 0 6 * * *\n", "[" CRON "]",
	     false},
	    {"", "keda-triggers", "# office hours\n- {type: cron, metadata: {a: '1'}}\n",
	     "[{'type':'cron','metadata':{'a':'1'}}]", false},
	    /* unknown keys pass, as do empty metadata and what null leaves out */
	    {"", "extra-prometheus-triggers",
	     "[{'type':'t','metadata':{},'later':{'x':[1,null]},'name':null}]",
	     "[{'type':'t','metadata':{},'later':{'x':[1,null]},'name':null}]", false},
	    {"", "keda-triggers",
	     "[{'type':'t','metadata':{'a':''},'useCachedMetrics':true,'metricType':'Value',"
	     "'authenticationRef':{'name':'x','kind':'ClusterTriggerAuthentication'}}]",
	     "[{'type':'t','metadata':{'a':''},'useCachedMetrics':true,'metricType':'Value',"
	     "'authenticationRef':{'name':'x','kind':'ClusterTriggerAuthentication'}}]",
	     false},
	    /* names that are not there are not alike */
	    {"", "keda-triggers",
	     "[{'type':'t','name':'','metadata':{}},{'type':'t','name':'','metadata':{}}]",
	     "[{'type':'t','name':'','metadata':{}},{'type':'t','name':'','metadata':{}}]", false},
	    /* an old way to say the metric type */
	    {"", "keda-triggers",
	     "[{'type':'cpu','metadata':{'type':'AverageValue','value':'0.5'}}]",
	     "[{'type':'cpu','metadata':{'type':'AverageValue','value':'0.5'}}]", true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%zu: %s %s", i, rows[i].annotations, rows[i].value);
		build(&b, rows[i].annotations, rows[i].name, rows[i].value);
		EXPECT_TEXT(b.refusal.text, NULL);
		EXPECT_TEXT(b.json, rows[i].want);
		EXPECT_INT(b.triggers.only_resources, rows[i].only_resources);
		cluster_release(&b.cluster);
	}
}

TEST(triggers, refused)
{
	static const struct {
		const char *name, *value, *part;
	} rows[] = {
	    /* no list at all */
	    {"keda-triggers", "",
	     "keda-triggers: 1:1: there is no document; use a "
	     "JSON or YAML list of triggers, for example [{\"type\""},
	    {"keda-triggers", "null", "1:1: null is no list; use a JSON or YAML list"},
	    {"keda-triggers", "cron", "1:1: \"cron\" is no list"},
	    {"keda-triggers", "12", "1:1: 12 is no list"},
	    {"keda-triggers", "type: cron", "1:1: is no list"},
	    {"keda-triggers", CRON, "1:1: is no list"},
	    {"extra-prometheus-triggers", CRON, "1:1: is no list; use a JSON list"},
	    {"extra-prometheus-triggers", "", "1:1: premature EOF"},
	    {"extra-prometheus-triggers", "[{", "1:3: premature EOF"},
	    {"extra-prometheus-triggers", "- type: cron", "1:1: "},
	    {"extra-prometheus-triggers", "[" CRON ",\n]", "2:1: unallowed token"},
	    {"extra-prometheus-triggers", "[{'type':'a',\n'type':'b'}]",
	     "2:1: key \"type\" stands here twice"},
	    {"keda-triggers", "- type: a\n  type: b", "2:3: key \"type\" stands"},
	    {"keda-triggers", "- &a {type: t}", "1:3: anchors are not supported"},
	    {"keda-triggers", "- *a", "1:3: aliases are not supported"},
	    {"keda-triggers", "- !!str t", "1:3: tags are not supported"},
	    {"keda-triggers", "[]\n---\n[]", "2:1: more than one document"},
	    {"keda-triggers", "- {type: t, metadata: {q: {{ .namespace }}}}", "1:"},
	    /* no triggers */
	    {"keda-triggers", "[null]", "1:2: null is no trigger; use an object with"},
	    {"keda-triggers", "[\n" CRON ",\n 5]", "3:2: 5 is no trigger"},
	    {"keda-triggers", "- - a", "1:3: is no trigger"},
	    {"keda-triggers", "[{}]", "1:2: a trigger has no type; add one"},
	    {"keda-triggers", "[{'type':''}]", "a trigger has no type"},
	    {"keda-triggers", "[{'type':null}]", "a trigger has no type"},
	    {"keda-triggers", "[{'type':7}]", "1:10: 7 is a number; type must be a str"},
	    {"keda-triggers", "[{'type':'t'}]", "1:2: a trigger has no metadata; add"},
	    {"keda-triggers", "[{'type':'t','metadata':null}]", "has no metadata"},
	    {"keda-triggers", "[{'type':'t','metadata':'x'}]", "metadata must be an object"},
	    {"keda-triggers", "[{'type':'t','metadata':[]}]", "metadata must be an object"},
	    {"keda-triggers", "- type: cron\n  metadata: {desiredReplicas: 10}\n",
	     "2:31: 10 is no string, as all of metadata must be; put it in quotes"},
	    {"keda-triggers", "[{'type':'t','metadata':{'a':true}}]", "1:30: true is no string"},
	    {"keda-triggers", "[{'type':'t','metadata':{'a':null}}]", "null is no string"},
	    {"keda-triggers", "[{'type':'t','metadata':{'a':'x','b':{}}}]", "1:38: is no string"},
	    {"extra-prometheus-triggers", "[{'type':'t','metadata':{'a':1.50}}]",
	     "1.50 is no string"},
	    {"keda-triggers", "[{'type':'t','metadata':{},'name':5}]", "name must be a string"},
	    {"keda-triggers", "[{'type':'t','metadata':{},'useCachedMetrics':'true'}]",
	     "useCachedMetrics must be true or false"},
	    {"keda-triggers", "[{'type':'t','metadata':{},'authenticationRef':'x'}]",
	     "authenticationRef must be an object"},
	    {"keda-triggers", "[{'type':'t','metadata':{},'authenticationRef':{'kind':'Secret'}}]",
	     "1:56: \"Secret\" is no kind of authentication; use "
	     "TriggerAuthentication or ClusterTriggerAuthentication"},
	    /* keys in the wrong case */
	    {"keda-triggers", "[{'Type':'t','metadata':{}}]", "use \"type\""},
	    {"keda-triggers", "[{'type':'t','metaData':{}}]", "use \"metadata\""},
	    {"keda-triggers", "[{'type':'t','metadata':{},'Name':'x'}]", "use \"name\""},
	    {"keda-triggers", "[{'type':'t','metadata':{},'usecachedmetrics':true}]",
	     "use \"useCachedMetrics\""},
	    {"keda-triggers", "[{'type':'t','metadata':{},'metrictype':'Value'}]",
	     "use \"metricType\""},
	    {"keda-triggers", "[{'type':'t','metadata':{},'AuthenticationRef':{}}]",
	     "use \"authenticationRef\""},
	    {"keda-triggers", "[{'type':'t','metadata':{},'authenticationRef':{'Name':'x'}}]",
	     "use \"name\""},
	    {"extra-prometheus-triggers",
	     "[{'type':'t','metadata':{},'authenticationRef':{'KIND':'x'}}]", "use \"kind\""},
	    {"keda-triggers",
	     "[{'type':'cpu','metricType':'Utilization','metadata':{'Value':'5'}}]",
	     "use \"value\""},
	    /* names */
	    {"keda-triggers",
	     "[{'type':'t','name':'a','metadata':{}},\n{'type':'u','name':'a','metadata':{}}]",
	     "2:20: \"a\" is the name of another trigger, too"},
	    /* cpu and memory */
	    {"keda-triggers", "[{'type':'cpu','metadata':{'value':'5'}}]",
	     "1:2: a cpu trigger has no metricType; use Utilization or AverageValue"},
	    {"keda-triggers", "[{'type':'cpu','metricType':'','metadata':{'value':'5'}}]",
	     "no metricType"},
	    {"keda-triggers", "[{'type':'memory','metricType':'Utilization','metadata':{}}]",
	     "a memory trigger has no value in its metadata"},
	    {"keda-triggers",
	     "[{'type':'memory','metricType':'AverageValue',"
	     "'metadata':{'value':''}}]",
	     "has no value"},
	    {"keda-triggers", "[{'type':'cpu','metricType':'Value','metadata':{'value':'5'}}]",
	     "1:29: \"Value\" is no metric type of cpu; use Utilization or Average"},
	    {"keda-triggers", "[{'type':'cpu','metadata':{'type':'x','value':'5'}}]",
	     "\"x\" is no metric type of cpu"},
	    {"keda-triggers",
	     "[{'type':'cpu','metricType':'Utilization','metadata':{'value':'80%'}}]",
	     "1:63: \"80%\" is no whole percentage; use for example \"80\""},
	    {"keda-triggers",
	     "[{'type':'cpu','metricType':'Utilization','metadata':{'value':'0.5'}}]",
	     "\"0.5\" is no whole percentage"},
	    {"keda-triggers",
	     "[{'type':'cpu','metricType':'Utilization',"
	     "'metadata':{'value':'2147483648'}}]",
	     "is no whole percentage"},
	    {"keda-triggers",
	     "[{'type':'memory','metricType':'AverageValue',"
	     "'metadata':{'value':'12Mx'}}]",
	     "\"12Mx\" is no quantity; use for example \"200Mi\""},
	    {"keda-triggers",
	     "[{'type':'cpu','metricType':'AverageValue',"
	     "'metadata':{'value':' 1'}}]",
	     "\" 1\" is no quantity; use for example \"500m\""},
	    {"keda-triggers",
	     "[{'type':'cpu','metricType':'AverageValue',"
	     "'metadata':{'value':'.'}}]",
	     "\".\" is no quantity"},
	    /* NUL */
	    {"keda-triggers", "[{'type':'t\\u0000','metadata':{}}]", "holds a NUL character"},
	    {"extra-prometheus-triggers", "[{'type':'t\\u0000','metadata':{}}]",
	     "1:10: \"t\" holds a NUL character"},
	    {"extra-prometheus-triggers", "[{'type':'t','metadata':{'a':'\\u0000'}}]",
	     "holds a NUL character"},
	    {"extra-prometheus-triggers", "[{'type':'t','metadata':{},'name':'a\\u0000b'}]",
	     "holds a NUL character"},
	    /* templates: the place of the string, the column inside */
	    {"keda-triggers", "[{'type':'t',\n'metadata':{'q':'a{{ .b }}'}}]",
	     "2:17: \"a{{ .b }}\" does not expand: column "},
	    {"keda-triggers", "- type: t\n  metadata: {q: '{{ if }}'}\n",
	     "2:17: \"{{ if }}\" does not expand: column "},
	    {"keda-triggers", "[{'type':'t','metadata':{},'later':[{'x':'{{'}]}]",
	     "1:42: \"{{\" does not expand: column "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%zu: %s", i, rows[i].value);
		build(&b, "'metric':'m'", rows[i].name, rows[i].value);
		expect_refused(&b, rows[i].name, rows[i].part);
		cluster_release(&b.cluster);
	}
}

TEST(triggers, beside_the_default_one)
{
	static const struct {
		const char *annotations, *name, *value, *refused, *part;
	} rows[] = {
	    {CUSTOM, "keda-triggers",
	     "[{'type':'t','name':'default-trigger-custom','metadata':{}}]", "keda-triggers",
	     "1:21: \"default-trigger-custom\" is the name of another"},
	    {CUSTOM ",'trigger-prometheus-name':'a'", "extra-prometheus-triggers",
	     "[{'type':'t','name':'a','metadata':{}}]", "extra-prometheus-triggers",
	     "\"a\" is the name of another trigger"},
	    /* both lists, even if one or both are empty */
	    {"'extra-prometheus-triggers':'[]'", "keda-triggers", "[]", "keda-triggers",
	     "keda-triggers: stands beside autoscaling.knative.dev/extra-prometheus-triggers; list "
	     "all triggers in one of the two"},
	    /* nothing is left */
	    {"'metric':'m'", "keda-triggers", "[]", "target", "is missing for the metric \"m\""},
	    {"'metric':'memory'", "extra-prometheus-triggers", "[]", "target", "is missing"},
	    /* the default one is looked at first */
	    {"'metric':'m','target':'5'", "keda-triggers", "[null]", "prometheus-query",
	     "is missing"},
	    /* options without a trigger to go to */
	    {"'metric':'m','metric-type':'Value'", "keda-triggers", "[" CRON "]", "metric-type",
	     "\"Value\" goes nowhere: beside listed triggers the metric \"m\" has a trigger only "
	     "with a target; add autoscaling.knative.dev/target, or remove this"},
	    {"'metric-type':'Utilization'", "keda-triggers", "[" CRON "]", "metric-type",
	     "the metric \"cpu\" has a trigger only with a target"},
	    {"'keda-container':'user-container'", "keda-triggers", "[" CRON "]", "keda-container",
	     "goes nowhere"},
	    {"'metric':'m','keda-activation-target':'1'", "keda-triggers", "[" CRON "]",
	     "keda-activation-target", "goes nowhere"},
	    {"'metric':'m','keda-unsafe-ssl':'true'", "keda-triggers", "[" CRON "]",
	     "keda-unsafe-ssl", "goes nowhere"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		test_row("%zu: %s", i, rows[i].value);
		build(&b, rows[i].annotations, rows[i].name, rows[i].value);
		expect_refused(&b, rows[i].refused, rows[i].part);
		cluster_release(&b.cluster);
	}
}

/* In all strings, but in no keys; what comes out is text, whatever it holds. */
TEST(triggers, templates)
{
	static const char value[] =
	    "[{'type':'{{ `prometheus` }}','name':'{{.revisionName}}',"
	    "'authenticationRef':{'name':'{{.serviceName}}-auth'},"
	    "'metadata':{'{{.namespace}}':'{{.configurationName}} {{.deploymentName}} {{`{{`}}'},"
	    "'later':[{'x':'{{.namespace}}'},7]}]";
	static const char want[] =
	    "[{'type':'prometheus','name':'r','authenticationRef':{'name':'s-auth'},"
	    "'metadata':{'{{.namespace}}':'c r-deployment {{'},'later':[{'x':'ns'},7]}]";
	struct built b, untouched;

	build(&b, "", "keda-triggers", value);
	EXPECT_TEXT(b.refusal.text, NULL);
	EXPECT_TEXT(b.json, want);
	/* The annotation itself is as it was: a second time gives the same. */
	struct triggers again;
	EXPECT(triggers_build(&b.annotations, b.cluster.view.pa, &config_keda_default, &b.http,
			      b.cluster.arena, &again, &b.refusal));
	EXPECT(json_equal(again.list, b.triggers.list));
	cluster_release(&b.cluster);

	build(&untouched, "", "extra-prometheus-triggers", value);
	EXPECT_TEXT(untouched.json, value);
	cluster_release(&untouched.cluster);
}

/* A label may hold what would be JSON: it stays inside its string. */
TEST(triggers, a_variable_cannot_break_out)
{
	struct built b;
	struct cluster *c = &b.cluster;

	build(&b, "", "keda-triggers", "[{'type':'t','metadata':{'a':'{{.serviceName}}'}}]");
	struct pod_autoscaler pa = *c->view.pa;
	struct meta_pair label = {"serving.knative.dev/service", "x\"},\"b\":{\"c\":\"\n- y"};
	pa.labels = (struct meta_pairs){1, &label};
	EXPECT(triggers_build(&b.annotations, &pa, &config_keda_default, &b.http, c->arena,
			      &b.triggers, &b.refusal));
	EXPECT_TEXT(json_text(json_path(json_at(b.triggers.list, 0), "metadata", "a", NULL)),
		    label.value);
	cluster_release(c);
}

static char *many(struct arena *arena, size_t count)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < count; i++)
		strbuf_addf(&text, "%s{'type':'t','metadata':{}}", i ? "," : "[");
	strbuf_addch(&text, ']');
	return arena_strdup(arena, text.buf);
}

TEST(triggers, sixty_four_at_most)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct built b;

	build(&b, "", "keda-triggers", many(arena, 64));
	EXPECT(b.ok);
	EXPECT_INT(json_count(b.triggers.list), 64);
	cluster_release(&b.cluster);
	build(&b, "", "keda-triggers", many(arena, 65));
	expect_refused(&b, "keda-triggers",
		       "1:1730: is one trigger too many, of 65; use 64 at most");
	cluster_release(&b.cluster);
	/* the default one counts */
	build(&b, CUSTOM, "extra-prometheus-triggers", many(arena, 64));
	expect_refused(&b, "extra-prometheus-triggers", "is one trigger too many, of 65");
	cluster_release(&b.cluster);
}

static char *nested(struct arena *arena, unsigned depth)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;

	strbuf_addstr(&text, "[{'type':'t','metadata':{},'later':");
	for (unsigned i = 2; i < depth; i++)
		strbuf_addch(&text, '[');
	for (unsigned i = 2; i < depth; i++)
		strbuf_addch(&text, ']');
	strbuf_addstr(&text, "}]");
	return arena_strdup(arena, text.buf);
}

TEST(triggers, depth_of_32)
{
	static const char *const names[] = {"keda-triggers", "extra-prometheus-triggers"};
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct built b;
		test_row("%s", names[i]);
		build(&b, "", names[i], nested(arena, 32));
		EXPECT(b.ok);
		cluster_release(&b.cluster);
		build(&b, "", names[i], nested(arena, 33));
		expect_refused(&b, names[i], "nested deeper than 32 levels");
		cluster_release(&b.cluster);
	}
}

/* A long number, a long text: what is shown of them is short. */
TEST(triggers, long_values_are_shown_short)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char *digits = arena_alloc(arena, 100001);
	struct built b;

	memset(digits, '7', 100000);
	build(&b, "", "keda-triggers",
	      arena_printf(arena, "[{'type':'t','metadata':{'a':%s}}]", digits));
	expect_refused(&b, "keda-triggers", "7777\xE2\x80\xA6 is no string");
	cluster_release(&b.cluster);
	build(&b, "", "keda-triggers", arena_printf(arena, "['%s']", digits));
	expect_refused(&b, "keda-triggers", "7777\xE2\x80\xA6\" is no trigger");
	cluster_release(&b.cluster);
}

/* An ignoreNullValues of the ConfigMap is for the default trigger alone. */
TEST(triggers, config_map_leaves_listed_ones_alone)
{
	struct config_keda config = config_keda_default;
	struct built b;

	config.ignore_null_values = 0;
	build_with(&b, CUSTOM, "keda-triggers", "[{'type':'prometheus','metadata':{}}]", &config);
	EXPECT_CONTAINS(b.json, "'ignoreNullValues':'false'");
	EXPECT_CONTAINS(b.json, "{'type':'prometheus','metadata':{}}]");
	cluster_release(&b.cluster);
}

TEST_MAIN(TEST_OF(triggers, taken), TEST_OF(triggers, refused),
	  TEST_OF(triggers, beside_the_default_one), TEST_OF(triggers, templates),
	  TEST_OF(triggers, a_variable_cannot_break_out), TEST_OF(triggers, sixty_four_at_most),
	  TEST_OF(triggers, depth_of_32), TEST_OF(triggers, long_values_are_shown_short),
	  TEST_OF(triggers, config_map_leaves_listed_ones_alone))
