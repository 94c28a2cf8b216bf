/*
 * The golden cases: a PodAutoscaler and ConfigMaps in, the steady ScaledObject or the refused
 * annotation out.
 */
#include <stdlib.h>

#include "pkg/keda/scaled_object.h"
#include "reconciler/hpa/desired.h"
#include "test/lib/test.h"

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
			   const struct refusal *refusal, struct arena *arena)
{
	const char *refused = json_text(json_get(c, "refused"));

	if (refused) {
		EXPECT(!built);
		EXPECT_TEXT(refusal->annotation, refused);
		EXPECT_CONTAINS(refusal->text, refused);
	} else {
		EXPECT_TEXT(refusal->text, NULL);
		if (built)
			expect_object(desired->object, json_get(c, "scaledobject"), arena);
	}
}

static void run_case(const struct json *c)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct config_autoscaler config = config_autoscaler_default;
	struct config_keda config_keda = config_keda_default;
	struct desired desired;
	struct refusal refusal;

	test_row("%s", json_text(json_get(c, "name")));
	EXPECT(config_autoscaler_parse(json_get(c, "config-autoscaler"), &config, &err));
	EXPECT(config_keda_parse(json_get(c, "config-autoscaler-keda"), arena, &config_keda, &err));
	struct object *pa = pod_autoscaler_decode(json_get(c, "podautoscaler"), &err);
	EXPECT(pa != NULL);
	if (!pa)
		return;
	bool built = desired_build((const struct pod_autoscaler *)pa, &config, &config_keda,
				   DESIRED_STEADY, 0, false, arena, &desired, &refusal);
	expect_outcome(c, built, &desired, &refusal, arena);
	object_unref(pa);
}

static void run_file(const char *name, size_t count)
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
		run_case(json_at(cases, i));
	test_row("%s", name);
	EXPECT_INT(json_count(cases), count);
}

TEST(golden, parity)
{
	run_file("parity.json", 50);
}

TEST(golden, decided)
{
	run_file("decided.json", 53);
}

/* metric: concurrency and metric: rps. */
TEST(golden, http)
{
	run_file("http.json", 41);
}

TEST_MAIN(TEST_OF(golden, parity), TEST_OF(golden, decided), TEST_OF(golden, http))
