/* The annotation table: each type, each refusal, and what the rows promise. */
#include "reconciler/hpa/annotations.h"

#include "test/unit/hpa_pa.h"

#define KEY(name) "autoscaling.knative.dev/" name

struct parsed {
	struct cluster cluster;
	struct annotations annotations;
	struct refusal refusal;
	bool ok;
};

static void parse(struct parsed *p, const char *annotations)
{
	const struct pod_autoscaler *pa = pa_with(&p->cluster, annotations);

	p->ok = annotations_parse(pa, &config_keda_default, p->cluster.arena, &p->annotations,
				  &p->refusal);
}

static const struct {
	const char *annotations, *key, *text;
} refused[] = {
    {"'metric':''", "metric", "\"\" is empty; use cpu, memory, concurrency, rps, or"},
    {"'metric':'rps','target-utilization-percentage':'70%'", "target-utilization-percentage",
     "\"70%\" is not a decimal number; use a decimal number from 1 to 100, for example 80"},
    {"'metric':'rps','target-utilization-percentage':'0.9'", "target-utilization-percentage",
     "\"0.9\" is too small"},
    {"'metric':'rps','targetUtilizationPercentage':'100.1'", "targetUtilizationPercentage",
     "\"100.1\" is too large"},
    {"'metric':'concurrency','target-burst-capacity':'-0.5'", "target-burst-capacity",
     "\"-0.5\" is too small; use a decimal number of at least 0, or -1 for no limit"},
    {"'metric':'concurrency','target-burst-capacity':'-2'", "target-burst-capacity", "too small"},
    {"'metric':'concurrency','targetBurstCapacity':'many'", "targetBurstCapacity", "not a decimal"},
    {"'target':'abc'", "target",
     "autoscaling.knative.dev/target: \"abc\" is not a decimal number; use a decimal "
     "number of at least 0.01, for example 70"},
    {"'target':''", "target", "\"\" is not a decimal number"},
    {"'target':'NaN'", "target", "not a decimal"},
    {"'target':'0x10'", "target", "not a decimal"},
    {"'target':' 5'", "target", "not a decimal"},
    {"'target':'0.009'", "target", "\"0.009\" is too small"},
    {"'target':'-5'", "target", "\"-5\" is too small"},
    {"'metric-type':'average'", "metric-type",
     "\"average\" is not known; use Utilization, AverageValue or Value"},
    {"'min-scale':'two'", "min-scale", "\"two\" is not a whole number"},
    {"'min-scale':'-1'", "min-scale", "\"-1\" is too small"},
    {"'min-scale':'2147483648'", "min-scale", "not a whole number of 32 bits"},
    {"'minScale':'x'", "minScale", "autoscaling.knative.dev/minScale: \"x\" is"},
    {"'max-scale':'1.5'", "max-scale", "not a whole number"},
    {"'maxScale':'x'", "maxScale", "\"x\""},
    {"'initial-scale':''", "initial-scale", "not a whole number"},
    {"'initialScale':'x'", "initialScale", "\"x\""},
    {"'window':'soon'", "window",
     "\"soon\" is not a duration; use a duration of whole seconds from 6s to 1h"},
    {"'window':'60'", "window", "\"60\" is not a duration"},
    {"'window':'5s'", "window", "too small"},
    {"'window':'61m'", "window", "too large"},
    {"'window':'6.5s'", "window", "not a whole number of seconds"},
    {"'prometheus-query':''", "prometheus-query", "is empty"},
    {"'prometheus-query':'a {{ .b }}'", "prometheus-query",
     "\"a {{ .b }}\" does not expand: column"},
    {"'query':'{{'", "query", "\"{{\" does not expand: column"},
    {"'prometheus-address':'not a url'", "prometheus-address", "an http or https URL"},
    {"'prometheus-address':'http:///x'", "prometheus-address", "is not a URL"},
    {"'scaled-object-auto-create':'yes'", "scaled-object-auto-create",
     "\"yes\" is neither true nor false"},
    {"'keda-polling-interval':'0'", "keda-polling-interval", "too small"},
    {"'keda-polling-interval':'500ms'", "keda-polling-interval", "not a whole number of seconds"},
    {"'keda-cooldown-period':'1500ms'", "keda-cooldown-period", "whole number of sec"},
    {"'keda-cooldown-period':'-1s'", "keda-cooldown-period", "too small"},
    {"'keda-cooldown-period':'1000000h'", "keda-cooldown-period", "too large"},
    {"'keda-initial-cooldown-period':'x'", "keda-initial-cooldown-period", "not a duration"},
    /* JSON and YAML: the place of the parse error, or of the value of another type */
    {"'keda-triggers':'['", "keda-triggers", "keda-triggers: 2:1: "},
    {"'keda-triggers':'- a: 1\\n  b: {'", "keda-triggers", "keda-triggers: 3:1: "},
    {"'keda-triggers':'a: 1'", "keda-triggers",
     "keda-triggers: 1:1: is no list; use a JSON or YAML list of triggers, for "
     "example [{\"type\": "},
    {"'extra-prometheus-triggers':'  true'", "extra-prometheus-triggers",
     "extra-prometheus-triggers: 1:3: true is no list; use a JSON list"},
    {"'extra-prometheus-triggers':'[\\n{,}]'", "extra-prometheus-triggers",
     "extra-prometheus-triggers: 2:2: invalid object key"},
    {"'scaling-modifiers':'{'", "scaling-modifiers",
     "scaling-modifiers: 1:2: premature EOF; use JSON with formula"},
    {"'scaling-modifiers':'[]'", "scaling-modifiers", "1:1: is no object; use JSON"},
    {"'scaling-modifiers':'\\'x\\''", "scaling-modifiers", "1:1: \"x\" is no object"},
    {"'hpa-scale-up-rules':'formula: x'", "hpa-scale-up-rules", "1:"},
    /* the first in the order of the table */
    {"'window':'x','min-scale':'x','target':'x'", "target", "\"x\""},
    {"'query':'','initial-scale':'x'", "initial-scale", "\"x\""},
};

TEST(annotations, refusals)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct parsed p;
		test_row("%s", refused[i].annotations);
		parse(&p, refused[i].annotations);
		EXPECT(!p.ok);
		EXPECT_TEXT(p.refusal.annotation,
			    arena_printf(p.cluster.arena, KEY("%s"), refused[i].key));
		EXPECT_CONTAINS(p.refusal.text, refused[i].text);
		EXPECT_CONTAINS(p.refusal.text, refused[i].key);
		cluster_release(&p.cluster);
	}
}

TEST(annotations, values)
{
	static const struct {
		const char *annotations;
		enum annotation_id id;
		int64_t number;
		const char *text; /* NULL: not looked at */
		const char *key;
	} rows[] = {
	    {"'min-scale':'3'", A_MIN_SCALE, 3, NULL, "min-scale"},
	    {"'minScale':'4'", A_MIN_SCALE, 4, NULL, "minScale"},
	    {"'minScale':'4','min-scale':'3'", A_MIN_SCALE, 3, NULL, "min-scale"},
	    {"'minScale':'x','min-scale':'3'", A_MIN_SCALE, 3, NULL, "min-scale"},
	    {"'max-scale':'2147483647'", A_MAX_SCALE, 2147483647, NULL, "max-scale"},
	    {"'max-scale':'+5'", A_MAX_SCALE, 5, NULL, "max-scale"},
	    {"'initialScale':'0'", A_INITIAL_SCALE, 0, NULL, "initialScale"},
	    {"'window':'6s'", A_WINDOW, 6, NULL, "window"},
	    {"'window':'1h'", A_WINDOW, 3600, NULL, "window"},
	    {"'window':'6000ms'", A_WINDOW, 6, NULL, "window"},
	    {"'keda-polling-interval':'5'", A_POLLING_INTERVAL, 5, NULL, "keda-polling-interval"},
	    {"'keda-cooldown-period':'2m'", A_COOLDOWN_PERIOD, 120, NULL, "keda-cooldown-period"},
	    {"'keda-cooldown-period':'0'", A_COOLDOWN_PERIOD, 0, NULL, "keda-cooldown-period"},
	    {"'keda-initial-cooldown-period':'90s'", A_INITIAL_COOLDOWN_PERIOD, 90, NULL,
	     "keda-initial-cooldown-period"},
	    {"'scaled-object-auto-create':'f'", A_AUTO_CREATE, 0, NULL,
	     "scaled-object-auto-create"},
	    {"'scaled-object-auto-create':'T'", A_AUTO_CREATE, 1, NULL,
	     "scaled-object-auto-create"},
	    {"'metric':'memory'", A_METRIC, 0, "memory", "metric"},
	    {"'metric-type':'Value'", A_METRIC_TYPE, 0, "Value", "metric-type"},
	    {"'target':'2.50'", A_TARGET, 0, "2.50", "target"},
	    {"'prometheus-address':'https://p/x'", A_PROMETHEUS_ADDRESS, 0, "https://p/x",
	     "prometheus-address"},
	    {"'query':'a'", A_QUERY, 0, "a", "query"},
	    {"'query':'a','prometheus-query':'b'", A_QUERY, 0, "b", "prometheus-query"},
	    {"'query':'{{.revisionName}}/{{.namespace}}/{{.serviceName}}/"
	     "{{.configurationName}}/{{.deploymentName}}'",
	     A_QUERY, 0, "r/ns/s/c/r-deployment", "query"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct parsed p;
		test_row("%s", rows[i].annotations);
		parse(&p, rows[i].annotations);
		EXPECT_TEXT(p.refusal.text, NULL);
		EXPECT(p.ok);
		const struct annotation_value *value = annotation_get(&p.annotations, rows[i].id);
		EXPECT(value != NULL);
		if (value) {
			EXPECT_INT(value->number, rows[i].number);
			EXPECT_TEXT(rows[i].text ? value->text : NULL, rows[i].text);
			EXPECT_TEXT(value->key,
				    arena_printf(p.cluster.arena, KEY("%s"), rows[i].key));
		}
		cluster_release(&p.cluster);
	}
}

TEST(annotations, absent_ones_are_null_and_keep_their_name)
{
	struct parsed p;

	parse(&p, "");
	EXPECT(p.ok);
	EXPECT(annotation_get(&p.annotations, A_TARGET) == NULL);
	EXPECT(annotation_get(&p.annotations, A_CLASS) != NULL);
	EXPECT_TEXT(annotation_key(&p.annotations, A_QUERY), KEY("prometheus-query"));
	EXPECT(p.annotations.auto_create);
	cluster_release(&p.cluster);
}

/* Of labels that are missing templates see "". */
TEST(annotations, template_without_labels)
{
	struct parsed p;
	const struct pod_autoscaler *pa = pa_with(&p.cluster, "'query':'[{{.serviceName}}]'");
	struct pod_autoscaler bare = *pa;

	bare.labels.count = 0;
	EXPECT(annotations_parse(&bare, &config_keda_default, p.cluster.arena, &p.annotations,
				 &p.refusal));
	EXPECT_TEXT(annotation_get(&p.annotations, A_QUERY)->text, "[]");
	cluster_release(&p.cluster);
}

/* Then only class, bounds, initial scale and the switch itself are read. */
TEST(annotations, auto_create_off)
{
	static const struct {
		const char *annotations;
		bool configured, ok, auto_create;
	} rows[] = {
	    {"'scaled-object-auto-create':'false','target':'x','keda-triggers':'['", true, true,
	     false},
	    {"'target':'x','keda-triggers':'['", false, true, false},
	    {"'scaled-object-auto-create':'false','min-scale':'x'", true, false, false},
	    {"'scaled-object-auto-create':'true','target':'x'", false, false, true},
	    {"'scaled-object-auto-create':'true'", false, true, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct parsed p;
		struct config_keda config = config_keda_default;
		test_row("%s", rows[i].annotations);
		config.auto_create = rows[i].configured;
		const struct pod_autoscaler *pa = pa_with(&p.cluster, rows[i].annotations);
		EXPECT_INT(
		    annotations_parse(pa, &config, p.cluster.arena, &p.annotations, &p.refusal),
		    rows[i].ok);
		EXPECT_INT(p.annotations.auto_create, rows[i].auto_create);
		cluster_release(&p.cluster);
	}
}

/* Names that are neither ours nor built later are none of our business. */
TEST(annotations, others_are_ignored)
{
	struct parsed p;

	parse(&p, "'target-burst-capacity':'x','target-utilization-percentage':'x',"
		  "'scale-down-delay':'x','panic-window':'x',"
		  "'unheard-of':'x','example.com/target':'x'");
	EXPECT(p.ok);
	cluster_release(&p.cluster);
}

static char *long_value(struct arena *arena, size_t length)
{
	char *text = arena_alloc(arena, length + 1);
	memset(text, 'x', length);
	return text;
}

TEST(annotations, bounded_at_256_kib)
{
	struct parsed p;
	const struct pod_autoscaler *pa = pa_with(&p.cluster, "'metric':'m'");
	struct pod_autoscaler longer = *pa;
	struct meta_pair pair = {KEY("metric"), long_value(p.cluster.arena, 256 * 1024)};

	longer.annotations = (struct meta_pairs){1, &pair};
	EXPECT(annotations_parse(&longer, &config_keda_default, p.cluster.arena, &p.annotations,
				 &p.refusal));
	pair.value = long_value(p.cluster.arena, 256 * 1024 + 1);
	EXPECT(!annotations_parse(&longer, &config_keda_default, p.cluster.arena, &p.annotations,
				  &p.refusal));
	EXPECT_CONTAINS(p.refusal.text, "is longer than 256 KiB");
	EXPECT(strlen(p.refusal.text) < 300);
	cluster_release(&p.cluster);
}

/* The API server gives UTF-8; what comes in another way is no JSON. */
TEST(annotations, json_is_utf8)
{
	static const char *const names[] = {KEY("keda-triggers"), KEY("extra-prometheus-triggers"),
					    KEY("scaling-modifiers")};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct parsed p;
		test_row("%s", names[i]);
		struct pod_autoscaler pa = *pa_with(&p.cluster, "");
		struct meta_pair pair = {names[i], "[\n\"a\xFF\"]"};
		pa.annotations = (struct meta_pairs){1, &pair};
		EXPECT(!annotations_parse(&pa, &config_keda_default, p.cluster.arena,
					  &p.annotations, &p.refusal));
		EXPECT_TEXT(p.refusal.annotation, names[i]);
		EXPECT_CONTAINS(p.refusal.text, ": 2:3: invalid UTF-8; use ");
		cluster_release(&p.cluster);
	}
}

TEST(annotations, texts_are_utf8)
{
	static const struct meta_pair rows[] = {
	    {KEY("metric"), "a\xC0\x80z"},
	    {KEY("metric"), "\xFF"},
	    {KEY("prometheus-query"), "sum(\x8D)"},
	    {KEY("query"), "sum(\xED\xA0\x80)"},
	    {KEY("prometheus-address"), "http://p/\xC0\x80"},
	    {KEY("keda-container"), "c\xC0\x80"},
	    {KEY("keda-custom-headers"), "a=\xC0\x80"},
	    {"autoscaling.keda.sh/paused-replicas", "1\xC0\x80"},
	    {"scaledobject.keda.sh/x", "\xFF"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct parsed p;
		struct meta_pair pair = rows[i];
		test_row("%zu", i);
		struct pod_autoscaler pa = *pa_with(&p.cluster, "");
		pa.annotations = (struct meta_pairs){1, &pair};
		EXPECT(!annotations_parse(&pa, &config_keda_default, p.cluster.arena,
					  &p.annotations, &p.refusal));
		EXPECT_CONTAINS(p.refusal.text, "holds a NUL, or a byte that is no UTF-8");
		cluster_release(&p.cluster);
	}
}

TEST(annotations, json_knows_its_places)
{
	struct parsed p;

	parse(&p, "'keda-triggers':'- type: a\\n- type: b'");
	EXPECT(p.ok);
	const struct json *list = annotation_get(&p.annotations, A_KEDA_TRIGGERS)->json;
	EXPECT_INT(json_count(list), 2);
	EXPECT_INT(json_at(list, 1)->line, 2);
	EXPECT_INT(json_at(list, 1)->column, 3);
	EXPECT_INT(json_get(json_at(list, 1), "type")->column, 9);
	cluster_release(&p.cluster);
}

/* 256 KiB of the least pleasant kinds. What such cost, test_hostile prints. */
TEST(annotations, large_values_are_read)
{
	static const struct {
		const char *name, *begin, *repeated, *end;
	} rows[] = {
	    {KEY("extra-prometheus-triggers"), "[1", ",[]", "]"},
	    {KEY("extra-prometheus-triggers"), "[1", ",[]", ",}"},
	    {KEY("extra-prometheus-triggers"), "[1", ",{\"a\":1}", "]"},
	    {KEY("extra-prometheus-triggers"), "", "[", ""},
	    {KEY("keda-triggers"), "[1", ",{a: b}", "]"},
	    {KEY("keda-triggers"), "", "- a\n", ""},
	    {KEY("keda-triggers"), "", "- ", ""},
	    {KEY("keda-triggers"), "- '", "''", "'"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct parsed p;
		CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
		test_row("%zu", i);
		strbuf_addstr(&text, rows[i].begin);
		while (text.len < ANNOTATION_MAX_BYTES - 20)
			strbuf_addstr(&text, rows[i].repeated);
		strbuf_addstr(&text, rows[i].end);
		struct pod_autoscaler pa = *pa_with(&p.cluster, "");
		struct meta_pair pair = {rows[i].name, text.buf};
		pa.annotations = (struct meta_pairs){1, &pair};
		bool ok = annotations_parse(&pa, &config_keda_default, p.cluster.arena,
					    &p.annotations, &p.refusal);
		EXPECT(ok || strlen(p.refusal.text) < 800);
		cluster_release(&p.cluster);
	}
}

/* What is shown of a value is short, one line, and UTF-8. */
TEST(annotations, values_are_shown_safely)
{
	static const struct {
		const char *value, *shown;
	} rows[] = {
	    {"plain", "K: \"plain\" no"},
	    {"", "K: \"\" no"},
	    {"a\nb\t\"c\"", "K: \"a\\nb\\t\\\"c\\\"\" no"},
	    {"a\x01z", "K: \"a\\u0001z\" no"},
	    {"bad \xff\xfe utf", "K: \"bad \xEF\xBF\xBD\xEF\xBF\xBD utf\" no"},
	    {"123456789012345678901234567890123456789012345678901234567890",
	     "K: \"123456789012345678901234567890123456789012345678901234567890\" no"},
	    {"1234567890123456789012345678901234567890123456789012345678901",
	     "K: \"123456789012345678901234567890123456789012345678901234567890\xE2\x80\xA6\" "
	     "no"},
	    {"\xC3\xA9"
	     "234567890123456789012345678901234567890123456789012345678901",
	     "K: \"\xC3\xA9"
	     "23456789012345678901234567890123456789012345678901234567890\xE2\x80\xA6\" no"},
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct refusal refusal;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%zu", i);
		EXPECT(!refuse(&refusal, arena, "K", rows[i].value, "%s", "no"));
		EXPECT_TEXT(refusal.text, rows[i].shown);
		EXPECT_TEXT(refusal.annotation, "K");
	}
	EXPECT(!refuse(&refusal, arena, "K", NULL, "is missing"));
	EXPECT_TEXT(refusal.text, "K: is missing");
}

TEST(annotations, refusals_with_a_place)
{
	static const struct {
		const char *json, *want;
	} rows[] = {
	    {"\n \"a\\nb\"", "K: 2:2: \"a\\nb\" is wrong"},
	    {"-1.50", "K: 1:1: -1.50 is wrong"},
	    {"true", "K: 1:1: true is wrong"},
	    {"null", "K: 1:1: null is wrong"},
	    {"{\"a\":1}", "K: 1:1: is wrong"},
	    {"[1]", "K: 1:1: is wrong"},
	    {"1234567890123456789012345678901234567890123456789012345678901",
	     "K: 1:1: "
	     "123456789012345678901234567890123456789012345678901234567890\xE2\x80\xA6 is wrong"},
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct refusal refusal;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *v;
		test_row("%s", rows[i].json);
		EXPECT(json_parse(rows[i].json, strlen(rows[i].json), NULL, arena, &v, NULL));
		EXPECT(!refuse_at(&refusal, arena, "K", v, "is %s", "wrong"));
		EXPECT_TEXT(refusal.text, rows[i].want);
	}
	EXPECT(!refuse_at(&refusal, arena, "K", json_string(arena, "x"), "is wrong"));
	EXPECT_TEXT(refusal.text, "K: \"x\" is wrong");
	EXPECT(!refuse_at(&refusal, arena, "K", NULL, "is missing"));
	EXPECT_TEXT(refusal.text, "K: is missing");
}

TEST(annotations, rows_are_complete)
{
	size_t count, ids[A_COUNT] = {0};
	const struct annotation_row *rows = annotation_rows(&count);

	for (size_t i = 0; i < count; i++) {
		test_row("%s", rows[i].name);
		EXPECT(strncmp(rows[i].name, "autoscaling.knative.dev/", 24) == 0);
		EXPECT(rows[i].description && strlen(rows[i].description) > 10);
		EXPECT(rows[i].kinds != 0);
		EXPECT(rows[i].right && rows[i].example && rows[i].fallback);
		ids[rows[i].id]++;
	}
	for (size_t id = 0; id < A_COUNT; id++)
		EXPECT_INT(ids[id], 1);
}

/* An example that is refused would be a poor one. */
TEST(annotations, examples_are_right)
{
	size_t count;
	const struct annotation_row *rows = annotation_rows(&count);

	for (size_t i = 0; i < count; i++) {
		struct parsed p;
		if (rows[i].id == A_AUTO_CREATE)
			continue;
		test_row("%s", rows[i].name);
		const struct pod_autoscaler *pa = pa_with(&p.cluster, "");
		struct pod_autoscaler one = *pa;
		/* by name, as they come */
		struct meta_pair pairs[] = {{KEY("metric"), "rps"},
					    {rows[i].name, rows[i].example}};
		bool http = rows[i].kinds == METRIC_HTTP;
		one.annotations = (struct meta_pairs){http ? 2 : 1, pairs + !http};
		EXPECT(annotations_parse(&one, &config_keda_default, p.cluster.arena,
					 &p.annotations, &p.refusal));
		EXPECT(annotation_get(&p.annotations, rows[i].id) != NULL);
		cluster_release(&p.cluster);
	}
}

TEST_MAIN(TEST_OF(annotations, refusals), TEST_OF(annotations, values),
	  TEST_OF(annotations, absent_ones_are_null_and_keep_their_name),
	  TEST_OF(annotations, template_without_labels), TEST_OF(annotations, auto_create_off),
	  TEST_OF(annotations, others_are_ignored), TEST_OF(annotations, bounded_at_256_kib),
	  TEST_OF(annotations, values_are_shown_safely),
	  TEST_OF(annotations, refusals_with_a_place), TEST_OF(annotations, json_is_utf8),
	  TEST_OF(annotations, texts_are_utf8), TEST_OF(annotations, json_knows_its_places),
	  TEST_OF(annotations, large_values_are_read), TEST_OF(annotations, rows_are_complete),
	  TEST_OF(annotations, examples_are_right))
