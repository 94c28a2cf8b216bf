/*
 * What every fuzz target shares. A target is one function that must not crash, whatever the bytes,
 * and that CHECKs what must hold for all of them; libFuzzer looks for inputs, driver.c repeats
 * those that are kept. A target keeps nothing from one input to the next.
 */
#ifndef TEST_FUZZ_FUZZ_H
#define TEST_FUZZ_FUZZ_H

#include <stdint.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/error.h"
#include "pkg/base/utf8.h"
#include "pkg/json/json.h"

/* Always 0, as libFuzzer wants it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A text for people: there, short, one line, valid UTF-8. */
static inline void fuzz_check_message(const char *text, size_t max)
{
	size_t length = text ? strlen(text) : 0;
	CHECK(length > 0 && length <= max);
	CHECK(utf8_valid_prefix(text, length) == length);
	for (size_t i = 0; i < length; i++)
		CHECK((unsigned char)text[i] >= ' ');
}

/* log_setup's sink: whatever is told, a line of the log is one, and an object of JSON. */
static inline void fuzz_take_log(void *ctx, const char *line, size_t length)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct json_limits limits = {.max_bytes = SIZE_MAX, .max_depth = 1};
	struct json *value = NULL;
	(void)ctx;
	CHECK(length > 0 && memchr(line, '\n', length) == line + length - 1);
	CHECK(json_parse(line, length, &limits, arena, &value, NULL));
	CHECK(json_is(value, JSON_OBJECT));
}

/* A refusal of input, with a message that begins "line:column: ". */
static inline void fuzz_check_position(const struct error *err)
{
	const char *text = error_text(err);
	size_t line = strspn(text, "0123456789");
	CHECK(err->kind == ERROR_INVALID);
	fuzz_check_message(text, 640);
	CHECK(line > 0 && text[line] == ':' && text[0] != '0');
	text += line + 1;
	size_t column = strspn(text, "0123456789");
	CHECK(column > 0 && text[column] == ':' && text[0] != '0');
}

/* What our own writer made is read back without limits that matter. */
static inline struct json *fuzz_reread(const struct strbuf *text, struct arena *arena)
{
	static const struct json_limits limits = {.max_bytes = SIZE_MAX, .max_depth = 200};
	struct json *out = NULL;
	CHECK(json_parse(text->buf, text->len, &limits, arena, &out, NULL));
	return out;
}

#endif
