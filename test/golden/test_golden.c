/*
 * The golden cases: a PodAutoscaler and ConfigMaps in, the steady ScaledObject or the refused
 * annotation out. Cases that use annotations which are not built yet must be refused as that, and
 * are named in a list that may only shrink.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/keda/scaled_object.h"
#include "reconciler/hpa/desired.h"
#include "test/lib/test.h"

/* Refused with "not supported yet". */
static const char *const not_yet[] = {
    "custom-auth",
    "custom-auth-bad-kind-refused",
    "custom-auth-cluster",
    "custom-auth-kind-without-name-refused",
    "custom-auth-without-modes-refused",
    "custom-trigger-name",
    "extra-triggers-alone",
    "extra-triggers-beside-default",
    "extra-triggers-malformed-refused",
    "extra-triggers-pubsub",
    "override-full",
    "override-malformed-refused",
    "override-minimal",
    "scale-down-rules-replace-window-that-way-only",
    "scale-up-rules",
    "scaling-modifiers",
    "scaling-modifiers-malformed-refused",
    /* decided.json */
    "case-slip-refused",
    "container",
    "extra-triggers-with-cpu-target",
    "extra-triggers-without-target-add-no-cpu",
    "fallback",
    "fallback-half-refused",
    "idle-dropped-when-unreachable",
    "idle-with-min",
    "idle-without-min-refused",
    "metric-type-without-trigger-refused",
    "override-advanced-without-hpa-config",
    "override-ignores-other-annotations",
    "override-keeps-min-scale",
    "override-unknown-field-passes",
    "paused",
    "prometheus-options",
    "triggers-and-extra-refused",
    "triggers-bad-memory-quantity-refused",
    "triggers-duplicate-name-refused",
    "triggers-number-in-metadata-refused",
    "triggers-template",
    "triggers-yaml",
};

struct tally {
	size_t cases, not_yet;
};

static bool is_not_yet(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(not_yet); i++)
		if (strcmp(not_yet[i], name) == 0)
			return true;
	return false;
}

/* null, {}, [], "" and false are absent; 0 is a value but for minReplicaCount: the rule of specs,
 * asked of the whole object. */
static void expect_object(const struct json *got, const struct json *want, struct arena *arena)
{
	CLEANUP(strbuf_release) struct strbuf left = STRBUF_INIT, right = STRBUF_INIT;

	json_write(got, &left);
	json_write(want, &right);
	bool equal =
	    scaled_object_spec_equal(json_get(want, "spec"), json_get(got, "spec"), NULL, arena) &&
	    json_equal(json_get(got, "metadata"), json_get(want, "metadata")) &&
	    json_equal(json_get(got, "kind"), json_get(want, "kind")) &&
	    json_equal(json_get(got, "apiVersion"), json_get(want, "apiVersion"));
	if (!equal)
		printf("got  %s\nwant %s\n", left.buf, right.buf);
	EXPECT(equal);
}

static void expect_outcome(const struct json *c, bool built, const struct desired *desired,
			   const struct refusal *refusal, struct arena *arena, struct tally *tally)
{
	const char *refused = json_text(json_get(c, "refused"));

	if (is_not_yet(json_text(json_get(c, "name")))) {
		tally->not_yet++;
		EXPECT(!built);
		EXPECT_CONTAINS(refusal->text, "not supported yet");
	} else if (refused) {
		EXPECT(!built);
		EXPECT_TEXT(refusal->annotation, refused);
		EXPECT_CONTAINS(refusal->text, refused);
	} else {
		EXPECT_TEXT(refusal->text, NULL);
		if (built)
			expect_object(desired->object, json_get(c, "scaledobject"), arena);
	}
}

static void run_case(const struct json *c, struct tally *tally)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct config_autoscaler config = config_autoscaler_default;
	struct config_keda config_keda = config_keda_default;
	struct desired desired;
	struct refusal refusal;

	tally->cases++;
	test_row("%s", json_text(json_get(c, "name")));
	EXPECT(config_autoscaler_parse(json_get(c, "config-autoscaler"), &config, &err));
	EXPECT(config_keda_parse(json_get(c, "config-autoscaler-keda"), arena, &config_keda, &err));
	struct object *pa = pod_autoscaler_decode(json_get(c, "podautoscaler"), &err);
	EXPECT(pa != NULL);
	if (!pa)
		return;
	bool built = desired_build((const struct pod_autoscaler *)pa, &config, &config_keda,
				   DESIRED_STEADY, 0, false, arena, &desired, &refusal);
	expect_outcome(c, built, &desired, &refusal, arena, tally);
	object_unref(pa);
}

static void run_file(const char *name, struct tally *tally)
{
	static const struct json_limits limits = {.max_bytes = 1 << 20};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *cases = NULL;
	size_t length;
	char *path = arena_printf(arena, "%s/test/golden/%s", SOURCE_DIR, name);
	char *text = test_read_file(path, &length);

	EXPECT(json_parse(text, length, &limits, arena, &cases, &err));
	free(text);
	for (size_t i = 0; i < json_count(cases); i++)
		run_case(json_at(cases, i), tally);
}

TEST(golden, parity)
{
	struct tally tally = {0};

	run_file("parity.json", &tally);
	test_row("tally");
	EXPECT_INT(tally.cases, 50);
	EXPECT_INT(tally.not_yet, 17);
}

TEST(golden, decided)
{
	struct tally tally = {0};

	run_file("decided.json", &tally);
	test_row("tally");
	EXPECT_INT(tally.cases, 53);
	EXPECT_INT(tally.not_yet, 22);
}

TEST_MAIN(TEST_OF(golden, parity), TEST_OF(golden, decided))
