/* The reference: complete, and docs/annotations.md is what the program prints. */
#include "reconciler/hpa/reference.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/json/json.h"
#include "reconciler/hpa/annotations.h"
#include "test/lib/test.h"

TEST(reference, document_is_what_is_printed)
{
	CLEANUP(strbuf_release) struct strbuf printed = STRBUF_INIT;
	size_t length;
	char *document = test_read_file(SOURCE_DIR "/docs/annotations.md", &length);

	test_row("mend it: autoscaler-keda-hpa annotations > docs/annotations.md");
	reference_markdown(&printed);
	EXPECT(printed.len == length && memcmp(printed.buf, document, length) == 0);
	free(document);
}

TEST(reference, every_row_in_markdown)
{
	CLEANUP(strbuf_release) struct strbuf printed = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf title = STRBUF_INIT;
	size_t count;
	const struct annotation_row *rows = annotation_rows(&count);

	reference_markdown(&printed);
	EXPECT(count > 30);
	for (size_t i = 0; i < count; i++) {
		test_row("%s", rows[i].name);
		strbuf_reset(&title);
		strbuf_addf(&title, "\n## `%s`\n\n%s\n", rows[i].name, rows[i].description);
		EXPECT_CONTAINS(printed.buf, title.buf);
		for (size_t j = 0; j < ARRAY_SIZE(rows[i].aliases) && rows[i].aliases[j]; j++)
			EXPECT_CONTAINS(printed.buf, rows[i].aliases[j]);
	}
}

TEST(reference, what_a_row_must_say)
{
	size_t count;
	const struct annotation_row *rows = annotation_rows(&count);

	for (size_t i = 0; i < count; i++) {
		test_row("%s", rows[i].name);
		EXPECT(rows[i].description != NULL);
		EXPECT(rows[i].right != NULL);
		EXPECT(rows[i].fallback != NULL);
		EXPECT(rows[i].example && !strpbrk(rows[i].example, "`\n"));
		EXPECT(rows[i].kinds != 0);
	}
}

static void annotate(struct arena *arena, struct json *annotations, const char *name,
		     const char *value)
{
	json_set_text(arena, annotations, arena_printf(arena, "%s%s", ANNOTATION_PREFIX, name),
		      value);
}

/* A PodAutoscaler with what the row's metric and its partners need, and the row's example. */
static struct json *example_of(const struct annotation_row *row, struct arena *arena)
{
	struct json *pa = json_object(arena);
	struct json *metadata = json_ensure_object(arena, pa, "metadata");
	struct json *annotations = json_ensure_object(arena, metadata, "annotations");
	struct json *spec = json_ensure_object(arena, pa, "spec");

	json_set_text(arena, json_ensure_object(arena, spec, "scaleTargetRef"), "name", "d");
	json_set_text(arena, metadata, "name", "r");
	annotate(arena, annotations, "metric",
		 row->kinds & METRIC_CUSTOM  ? "m"
		 : row->kinds == METRIC_HTTP ? "rps"
					     : "memory");
	annotate(arena, annotations, "target", "5");
	annotate(arena, annotations, "min-scale", "1");
	if (row->kinds & METRIC_CUSTOM) {
		annotate(arena, annotations, "prometheus-query", "q");
		annotate(arena, annotations, "trigger-prometheus-auth-name", "n");
		annotate(arena, annotations, "trigger-prometheus-auth-modes", "bearer");
		annotate(arena, annotations, "keda-fallback-failure-threshold", "2");
		annotate(arena, annotations, "keda-fallback-replicas", "2");
	}
	json_set_text(arena, annotations, row->name, row->example);
	return pa;
}

TEST(reference, examples_are_taken)
{
	size_t count;
	const struct annotation_row *rows = annotation_rows(&count);

	for (size_t i = 0; i < count; i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct annotations annotations;
		struct refusal refusal = {0};
		test_row("%s", rows[i].name);
		struct object *pa = pod_autoscaler_decode(example_of(&rows[i], arena), &err);
		EXPECT_TEXT(error_text(&err), "");
		if (!pa)
			continue;
		EXPECT(annotations_parse((const struct pod_autoscaler *)pa, &config_keda_default,
					 arena, &annotations, &refusal));
		EXPECT_TEXT(refusal.text, NULL);
		object_unref(pa);
	}
}

TEST(reference, as_json)
{
	CLEANUP(strbuf_release) struct strbuf printed = STRBUF_INIT;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *list = NULL;
	size_t count;
	const struct annotation_row *rows = annotation_rows(&count);

	reference_json(&printed);
	EXPECT(json_parse(printed.buf, printed.len, NULL, arena, &list, &err));
	EXPECT_INT(json_count(list), count);
	for (size_t i = 0; i < count; i++) {
		const struct json *item = json_at(list, i);
		test_row("%s", rows[i].name);
		EXPECT_TEXT(json_text(json_get(item, "name")), rows[i].name);
		EXPECT_TEXT(json_text(json_get(item, "description")), rows[i].description);
		EXPECT_TEXT(json_text(json_get(item, "value")), rows[i].right);
		EXPECT_TEXT(json_text(json_get(item, "default")), rows[i].fallback);
		EXPECT_TEXT(json_text(json_get(item, "example")), rows[i].example);
		EXPECT_INT(json_bool_or(json_get(item, "withAutoCreateOff"), false), rows[i].basic);
		EXPECT_INT(json_bool_or(json_get(item, "besideOverride"), false),
			   rows[i].basic || rows[i].beside_override);
	}
}

TEST(reference, lines_fit)
{
	CLEANUP(strbuf_release) struct strbuf printed = STRBUF_INIT;
	char *rest = NULL;

	reference_markdown(&printed);
	for (char *line = strtok_r(printed.buf, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		test_row("%s", line);
		EXPECT(line[0] == '-' || strlen(line) <= 100);
	}
}

TEST_MAIN(TEST_OF(reference, document_is_what_is_printed),
	  TEST_OF(reference, every_row_in_markdown), TEST_OF(reference, what_a_row_must_say),
	  TEST_OF(reference, examples_are_taken), TEST_OF(reference, as_json),
	  TEST_OF(reference, lines_fit))
