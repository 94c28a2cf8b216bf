/*
 * The golden cases as render sees them: manifests in YAML, ScaledObjects back through YAML. Twice
 * the same gives the same, and every field can be explained.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/keda/scaled_object.h"
#include "pkg/yaml/yaml.h"
#include "reconciler/hpa/render_explain.h"
#include "test/lib/test.h"

static const struct json_limits limits = {.max_bytes = 1 << 20, .max_depth = 64};

struct golden {
	struct arena *arena;
	struct config_autoscaler config;
	struct config_keda config_keda;
	struct render_maps maps;
};

static const struct json *through_yaml(const struct json *v, struct arena *arena)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *back = NULL;

	yaml_write(v, &text);
	EXPECT(yaml_parse(text.buf, text.len, &limits, arena, &back, &err));
	EXPECT_TEXT(error_text(&err), "");
	EXPECT(json_equal(back, v));
	return back;
}

static struct rendered render(const struct golden *g, const struct json *manifest)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct rendered rendered;

	EXPECT(render_manifest(manifest, &g->config, &g->config_keda, DESIRED_STEADY, g->arena,
			       &rendered, &err));
	return rendered;
}

static void expect_object(const struct golden *g, const struct rendered *got,
			  const struct json *want)
{
	EXPECT_TEXT(got->refused, NULL);
	if (!json_is(want, JSON_OBJECT)) {
		EXPECT(got->object == NULL);
		return;
	}
	EXPECT(got->object != NULL);
	if (!got->object)
		return;
	const struct json *object = through_yaml(got->object, g->arena);
	EXPECT(scaled_object_spec_equal(json_get(want, "spec"), json_get(object, "spec"), NULL,
					g->arena));
	EXPECT(json_equal(json_get(object, "metadata"), json_get(want, "metadata")));
}

static void expect_explained(const struct golden *g, const struct rendered *rendered)
{
	const struct json *fields = render_explain(rendered, &g->maps, DESIRED_STEADY, g->arena);

	EXPECT(json_count(fields) > 10);
	for (size_t i = 0; i < json_count(fields); i++)
		EXPECT(json_text(json_get(json_at(fields, i), "from")) != NULL);
}

static void run_case(const struct json *c, struct arena *arena)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct golden g = {.arena = arena,
			   .maps = {.autoscaler = json_get(c, "config-autoscaler"),
				    .keda = json_get(c, "config-autoscaler-keda")}};
	const char *refused = json_text(json_get(c, "refused"));

	test_row("%s", json_text(json_get(c, "name")));
	EXPECT(config_autoscaler_parse(g.maps.autoscaler, &g.config, &err));
	EXPECT(config_keda_parse(g.maps.keda, arena, &g.config_keda, &err));
	const struct json *manifest = through_yaml(json_get(c, "podautoscaler"), arena);
	struct rendered first = render(&g, manifest), second = render(&g, manifest);
	if (refused) {
		EXPECT_CONTAINS(first.refused, refused);
		EXPECT_TEXT(second.refused, first.refused);
		return;
	}
	expect_object(&g, &first, json_get(c, "scaledobject"));
	EXPECT(first.object ? json_equal(first.object, second.object) : !second.object);
	if (first.object)
		expect_explained(&g, &first);
}

static void run_file(const char *path)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *cases = NULL;
	size_t length;
	char *text = test_read_file(path, &length);

	EXPECT(json_parse(text, length, &limits, arena, &cases, &err));
	free(text);
	EXPECT(json_count(cases) >= 25);
	for (size_t i = 0; i < json_count(cases); i++)
		run_case(json_at(cases, i), arena);
}

TEST(golden_render, parity)
{
	run_file(SOURCE_DIR "/test/golden/parity.json");
}

TEST(golden_render, decided)
{
	run_file(SOURCE_DIR "/test/golden/decided.json");
}

TEST(golden_render, http)
{
	run_file(SOURCE_DIR "/test/golden/http.json");
}

TEST_MAIN(TEST_OF(golden_render, parity), TEST_OF(golden_render, decided),
	  TEST_OF(golden_render, http))
