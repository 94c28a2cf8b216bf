/*
 * YAML: what is read is written, as YAML and as JSON, and read back as the same value; a JSON list
 * or object is read as json_parse reads it; one document alone is the same as the first of many.
 */
#include "pkg/yaml/yaml.h"
#include "test/fuzz/fuzz.h"

static struct json *reread(const struct strbuf *text, struct arena *arena)
{
	static const struct json_limits limits = {.max_bytes = SIZE_MAX, .max_depth = 200};
	struct json *out = NULL;
	CHECK(yaml_parse(text->buf, text->len, &limits, arena, &out, NULL));
	return out;
}

static void check_written(const struct json *value, struct arena *arena)
{
	CLEANUP(strbuf_release) struct strbuf yaml = STRBUF_INIT, json = STRBUF_INIT;
	yaml_write(value, &yaml);
	json_write(value, &json);
	CHECK(utf8_valid_prefix(yaml.buf, yaml.len) == yaml.len);
	CHECK(json_equal(value, reread(&yaml, arena)));
	/* A scalar alone is YAML's: to it U+2029 is a line break, even in quotes. */
	if (value->type == JSON_ARRAY || value->type == JSON_OBJECT)
		CHECK(json_equal(value, reread(&json, arena)));
}

struct documents {
	size_t count;
	struct json *first;
};

static bool count_document(void *ctx, struct json *document, struct error *err UNUSED)
{
	struct documents *documents = ctx;
	if (documents->count++ == 0)
		documents->first = document;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT, all_err = ERROR_INIT;
	const char *text = (const char *)data;
	struct documents documents = {0};
	struct json *value = NULL, *as_json = NULL;
	bool ok = yaml_parse(text, size, NULL, arena, &value, &err);
	bool all = yaml_parse_all(text, size, NULL, arena, count_document, &documents, &all_err);
	if (!ok)
		fuzz_check_position(&err);
	if (!all)
		fuzz_check_position(&all_err);
	if (json_parse(text, size, NULL, arena, &as_json, NULL) && json_count(as_json) > 0)
		CHECK(ok && json_equal(value, as_json));
	if (!ok)
		return 0;
	CHECK(all && documents.count <= 1);
	CHECK(documents.count == 0 || json_equal(documents.first, value));
	check_written(value, arena);
	return 0;
}
