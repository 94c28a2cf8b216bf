/*
 * Every Service in docs/recipes.md and docs/http.md renders, and to what its recipe promises. A
 * recipe that nobody expects here, or one that is gone, fails.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/yaml/yaml.h"
#include "reconciler/hpa/render.h"
#include "test/lib/test.h"

#define NONE "no ScaledObject is made"

static const char *const pages[] = {"/docs/recipes.md", "/docs/http.md"};

/* In the order of the pages. */
static const struct recipe {
	const char *service;
	const char *triggers; /* types in their order, or NONE */
	int min;              /* minReplicaCount; 0: not set */
	int max;
	const char *says; /* somewhere in the ScaledObject, as compact JSON */
} recipes[] = {
    {"storefront", "external-push", 0, 30, "\"target\":\"40\""},
    {"assistant", "external-push", 0, 4, "\"target\":\"1\""},
    {"shop", "cpu", 1, 20, "\"value\":\"60\""},
    {"cache", "memory", 2, 10, "\"containerName\":\"user-container\""},
    {"api", "prometheus", 1, 50, "\"authenticationRef\":{\"name\":\"prometheus\"}"},
    {"thumbnails", "gcp-pubsub", 0, 30, "\"authenticationRef\":{\"name\":\"pubsub\"}"},
    {"intranet", "cpu cron", 0, 12, "\"timezone\":\"Europe/Berlin\""},
    {"billing", "kafka", 0, 12, "\"consumerGroup\":\"billing-billing-00001\""},
    {"orders", "prometheus prometheus", 1, 40, "\"formula\":\"requests + 2 * waiting\""},
    {"llm", "prometheus", 1, 8, "pod=~\\\"llm-00001-.*\\\""},
    {"embeddings", "prometheus", 1, 6, "\"metricType\":\"Value\""},
    {"reports", NONE, 0, 0, ""},
    {"imports", "cpu", 1, 5, "\"autoscaling.keda.sh/paused-scale-in\":\"true\""},
    {"hello", "external-push", 0, 10, "\"target\":\"14\""},
};

struct page {
	struct arena *arena;
	size_t seen;
};

static const char *types_of(const struct json *spec, struct arena *arena)
{
	const struct json *triggers = json_get(spec, "triggers");
	const char *types = "";

	for (size_t i = 0; i < json_count(triggers); i++)
		types = arena_printf(arena, "%s%s%s", types, i > 0 ? " " : "",
				     json_text_or(json_get(json_at(triggers, i), "type"), "?"));
	return types;
}

static void expect_recipe(const struct recipe *want, const struct rendered *got,
			  struct arena *arena)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	const struct json *spec = json_get(got->object, "spec");

	EXPECT_TEXT(got->name, want->service);
	EXPECT_TEXT(got->refused, NULL);
	if (strcmp(want->triggers, NONE) == 0) {
		EXPECT_CONTAINS(got->passed_over, NONE);
		return;
	}
	EXPECT_TEXT(got->passed_over, NULL);
	json_write(got->object, &text);
	EXPECT_TEXT(types_of(spec, arena), want->triggers);
	EXPECT_INT(json_int_or(json_get(spec, "minReplicaCount"), 0), want->min);
	EXPECT_INT(json_int_or(json_get(spec, "maxReplicaCount"), 0), want->max);
	EXPECT_CONTAINS(text.buf, want->says);
}

static bool is_service(const struct json *document)
{
	return strcmp(json_text_or(json_get(document, "kind"), ""), "Service") == 0 &&
	       strncmp(json_text_or(json_get(document, "apiVersion"), ""), "serving.", 8) == 0;
}

static bool take_document(void *ctx, struct json *document, struct error *err)
{
	struct page *page = ctx;
	struct rendered rendered;

	if (!is_service(document))
		return true;
	test_row("%s", json_text_or(json_path(document, "metadata", "name", NULL), "?"));
	EXPECT(page->seen < ARRAY_SIZE(recipes));
	if (!render_manifest(document, &config_autoscaler_default, &config_keda_default,
			     DESIRED_STEADY, page->arena, &rendered, err))
		return false;
	if (page->seen < ARRAY_SIZE(recipes))
		expect_recipe(&recipes[page->seen], &rendered, page->arena);
	page->seen++;
	return true;
}

static void read_page(struct page *page, const char *name)
{
	static const char opening[] = "\n```yaml\n", closing[] = "\n```\n";
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(strbuf_release) struct strbuf path = STRBUF_INIT;
	size_t length;

	strbuf_addf(&path, SOURCE_DIR "%s", name);
	char *text = test_read_file(path.buf, &length);
	const char *end, *block = strstr(text, opening);

	for (; block; block = strstr(end, opening)) {
		block += strlen(opening);
		end = strstr(block, closing);
		EXPECT(end != NULL);
		if (!end)
			break;
		EXPECT(yaml_parse_all(block, (size_t)(end - block) + 1, NULL, page->arena,
				      take_document, page, &err));
		EXPECT_TEXT(error_text(&err), "");
	}
	free(text);
}

TEST(recipes, all)
{
	struct page page = {.arena = arena_new()};

	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		read_page(&page, pages[i]);
	test_row("the pages");
	EXPECT_INT(page.seen, ARRAY_SIZE(recipes));
	arena_free(page.arena);
}

TEST_MAIN(TEST_OF(recipes, all))
