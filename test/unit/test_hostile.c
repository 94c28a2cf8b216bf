/*
 * Annotations meant to hurt: each is refused with a short text that names it. What each costs is
 * printed (the goal is 10 ms); hack/guards.sh counts it, so that nothing comes to cost more than
 * its length. What the API server takes as annotations is 256 KiB in all.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reconciler/hpa/annotations.h"
#include "reconciler/hpa/desired.h"
#include "reconciler/hpa/unknown.h"
#include "test/lib/test.h"

#define LARGE ((size_t)256 * 1024)
#define TEXT_MAX 2048
#define RUNS 3

static const char *repeated(struct arena *arena, const char *part, size_t count, const char *end)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	for (size_t i = 0; i < count; i++)
		strbuf_addstr(&text, part);
	strbuf_addstr(&text, end);
	return arena_strdup(arena, text.buf);
}

/* As many numbered parts as 256 KiB hold. */
static const char *filled(struct arena *arena, const char *start, const char *before,
			  const char *behind, const char *end)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	strbuf_addstr(&text, start);
	for (unsigned i = 0; text.len + strlen(before) + strlen(behind) + 80 < LARGE; i++)
		strbuf_addf(&text, "%s%u%s", before, i, behind);
	strbuf_addstr(&text, end);
	return arena_strdup(arena, text.buf);
}

struct hostile {
	const char *what, *name, *value, *why;
};

static struct json *manifest(struct arena *arena, const struct hostile *h)
{
	struct json *pa = json_object(arena), *metadata, *annotations;
	metadata = json_ensure_object(arena, pa, "metadata");
	json_set_text(arena, metadata, "name", "hello-00001");
	json_set_text(arena, metadata, "namespace", "default");
	annotations = json_ensure_object(arena, metadata, "annotations");
	json_set_text(arena, annotations, CLASS_ANNOTATION, CLASS_HPA);
	json_set_text(arena, annotations, ANNOTATION_PREFIX "metric", "m");
	json_set_text(arena, annotations, ANNOTATION_PREFIX "target", "5");
	json_set_text(arena, annotations, ANNOTATION_PREFIX "prometheus-query", "q");
	json_set_text(arena, annotations, arena_printf(arena, ANNOTATION_PREFIX "%s", h->name),
		      h->value);
	struct json *target =
	    json_ensure_object(arena, json_ensure_object(arena, pa, "spec"), "scaleTargetRef");
	json_set_text(arena, target, "name", "hello-00001-deployment");
	return pa;
}

static double cpu_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static bool build(const struct pod_autoscaler *pa, struct arena *arena, struct refusal *refusal)
{
	struct desired desired;
	return desired_build(pa, &config_autoscaler_default, &config_keda_default, DESIRED_NOW, 0,
			     false, arena, &desired, refusal);
}

/* From the decoded object to the refusal, as in a pass; the best of some runs. */
static double refused_in_ms(struct arena *arena, const struct hostile *h, struct refusal *refusal)
{
	double best = 1e9;
	struct object *object = pod_autoscaler_decode(manifest(arena, h), NULL);
	for (int i = 0; i < RUNS; i++) {
		double start = cpu_ms();
		EXPECT_FALSE(build((const struct pod_autoscaler *)object, arena, refusal));
		unknown_annotations((const struct pod_autoscaler *)object, arena);
		double took = cpu_ms() - start;
		best = took < best ? took : best;
	}
	object_unref(object);
	return best;
}

static void expect_refused(struct arena *arena, const struct hostile *h)
{
	struct refusal refusal = {0};
	test_row("%s", h->what);
	double ms = refused_in_ms(arena, h, &refusal);
	EXPECT(refusal.annotation && refusal.text);
	if (!refusal.text)
		return;
	EXPECT_TEXT(refusal.annotation, arena_printf(arena, ANNOTATION_PREFIX "%s", h->name));
	EXPECT_CONTAINS(refusal.text, h->why);
	EXPECT(strlen(refusal.text) <= TEXT_MAX);
	printf("\n    %-38s %7.3f ms  %.70s", h->what, ms,
	       refusal.text + strlen(ANNOTATION_PREFIX));
}

TEST(hostile, numbers)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct hostile rows[] = {
	    {"NaN", "target", "NaN", "\"NaN\" is not a decimal number"},
	    {"infinity", "target", "+Inf", "is not a decimal number"},
	    {"overflow of an exponent", "target", "1e400000000000000000000", "decimal"},
	    {"256 KiB of digits", "target", repeated(arena, "9", LARGE, ""), "decimal"},
	    {"256 KiB of zeros", "target", repeated(arena, "0", LARGE, ""), "is too small"},
	    {"overflow of 32 bits", "min-scale", "2147483648", "whole number of 32 bits"},
	    {"256 KiB of digits, 32 bits", "max-scale", repeated(arena, "1", LARGE, ""), "32 bits"},
	    {"overflow of a duration", "window", "2562048h", "is not a duration"},
	    {"256 KiB of hours", "window", repeated(arena, "0h", LARGE / 2, ""), "is too small"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_refused(arena, &rows[i]);
}

TEST(hostile, lengths)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct hostile rows[] = {
	    {"more than 256 KiB", "keda-triggers", repeated(arena, "x", LARGE + 1, ""), "256 KiB"},
	    {"256 KiB of blanks", "keda-triggers", repeated(arena, " ", LARGE, ""), "document"},
	    {"256 KiB of triggers", "keda-triggers",
	     filled(arena, "[", "{\"type\":\"cron\",\"name\":\"n", "\",\"metadata\":{}},", "{}]"),
	     "64"},
	    {"256 KiB of triggers in YAML", "keda-triggers",
	     filled(arena, "", "- type: cron\n  name: n", "\n", ""), "too many keys"},
	    {"256 KiB of a block of text in YAML", "keda-triggers",
	     repeated(arena, "a: |\n", 1, repeated(arena, " b\n", LARGE / 3 - 2, "")), "no list"},
	    {"256 KiB of comments in YAML", "keda-triggers", repeated(arena, "#\n", LARGE / 2, ""),
	     "document"},
	    {"256 KiB of a quoted text in YAML", "keda-triggers",
	     repeated(arena, "'", 1, repeated(arena, "''", LARGE / 2 - 1, "'")), "no list"},
	    {"256 KiB of brackets in YAML", "keda-triggers",
	     repeated(arena, "- [", 1, repeated(arena, "[],", LARGE / 3 - 2, "")), "too many keys"},
	    {"256 KiB of nothing in YAML", "keda-triggers", repeated(arena, "-\n", LARGE / 2, ""),
	     "too many keys"},
	    {"256 KiB of numbers", "extra-prometheus-triggers",
	     repeated(arena, "[", 1, repeated(arena, "1,", LARGE / 2 - 2, "1]")), "too many keys"},
	    {"256 KiB of empty objects", "extra-prometheus-triggers",
	     repeated(arena, "[", 1, repeated(arena, "{},", LARGE / 3 - 2, "{}]")),
	     "too many keys"},
	    {"256 KiB beside a wrong override", "scaled-object-override",
	     repeated(arena, "{\"spec\":{\"triggers\":[{}],\"x\":[", 1,
		      repeated(arena, "{},", LARGE / 3 - 20, "{}]}}")),
	     "too many keys"},
	    {"256 KiB of keys, the last one twice", "hpa-scale-up-rules",
	     filled(arena, "{", "\"k", "\":1,", "\"k0\":1}"), "twice"},
	    {"256 KiB of keys in YAML", "keda-triggers",
	     filled(arena, "- k0: 1\n", "  l", ": 1\n", "  k0: 1\n"), "too many keys"},
	    {"256 KiB of a string without its end", "scaling-modifiers",
	     repeated(arena, "{\"a\":\"", 1, repeated(arena, "a", LARGE - 6, "")), "EOF"},
	    {"256 KiB of a name, cut", "metric-type", repeated(arena, "\xC3\xA9", LARGE / 2, ""),
	     "is not known"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_refused(arena, &rows[i]);
}

/* pkg/meta/meta.h tells what becomes of a NUL. */
TEST(hostile, what_is_no_text)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct hostile rows[] = {
	    {"invalid UTF-8", "prometheus-query", "sum(\xFF)", "no UTF-8"},
	    {"a NUL", "prometheus-query", "sum(\xC0\x80)", "holds a NUL"},
	    {"256 KiB, no UTF-8 at their end", "keda-triggers",
	     repeated(arena, " ", LARGE - 1, "\xC3"), "invalid UTF-8"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_refused(arena, &rows[i]);
}

TEST(hostile, depths)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct hostile rows[] = {
	    {"10,000 lists", "extra-prometheus-triggers", repeated(arena, "[", 10000, ""), "32"},
	    {"10,000 lists in YAML's flow style", "keda-triggers", repeated(arena, "[", 10000, ""),
	     "32"},
	    {"10,000 lists in YAML's block style", "keda-triggers",
	     repeated(arena, "- ", 10000, "x"), "32"},
	    {"10,000 objects", "scaled-object-override", repeated(arena, "{\"a\":", 10000, ""),
	     "32"},
	    {"10,000 objects in YAML", "keda-triggers", repeated(arena, "{a: ", 10000, ""), "32"},
	    {"87,000 aliases", "keda-triggers",
	     repeated(arena, "- &a [x]\n", 1, repeated(arena, "- *a\n", 50000, "")), "anchors"},
	    {"10,000 ifs in a template", "prometheus-query",
	     repeated(arena, "{{if .namespace}}", 10000, ""), "inside each other"},
	    {"a template that expands beyond 256 KiB", "prometheus-query",
	     repeated(arena, "{{.deploymentName}}", 13000, ""), "expands to more"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_refused(arena, &rows[i]);
}

TEST_MAIN(TEST_OF(hostile, numbers), TEST_OF(hostile, lengths), TEST_OF(hostile, depths),
	  TEST_OF(hostile, what_is_no_text))
