/*
 * The query template: a text without actions stays as it is, valid text stays valid, the output
 * keeps to its bound, and every refusal names a column of the text.
 */
#include <stdlib.h>

#include "pkg/units/template.h"
#include "test/fuzz/fuzz.h"

#define MAX_OUTPUT (256 * 1024)

static const struct template_variable variables[] = {
    {"revisionName", "hello-00001"}, {"namespace", "default"}, {"serviceName", ""}, {NULL, NULL}};

static void check_refusal(const struct error *err, size_t length)
{
	const char *text = error_text(err);
	CHECK(err->kind == ERROR_INVALID);
	fuzz_check_message(text, 640);
	CHECK(strncmp(text, "column ", 7) == 0);
	unsigned long column = strtoul(text + 7, NULL, 10);
	CHECK(column >= 1 && column <= length + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	char *text = xstrndup((const char *)data, strnlen((const char *)data, size));
	size_t length = strlen(text);
	char *out = NULL, *again = NULL;
	if (!template_expand(text, variables, arena, &out, &err)) {
		check_refusal(&err, length);
		free(text);
		return 0;
	}
	CHECK(strlen(out) <= MAX_OUTPUT);
	CHECK(template_expand(text, variables, arena, &again, &err) && strcmp(out, again) == 0);
	if (!strstr(text, "{{"))
		CHECK(strcmp(out, text) == 0);
	if (utf8_valid_prefix(text, length) == length)
		CHECK(utf8_valid_prefix(out, strlen(out)) == strlen(out));
	free(text);
	return 0;
}
