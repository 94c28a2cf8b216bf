/*
 * Scalars: durations, and the other small types of annotations and ConfigMaps. What one reader of a
 * kind takes the other takes too, with the same value; what is printed reads back as the same.
 */
#include <stdio.h>

#include "pkg/knative/go_value.h"
#include "pkg/units/duration.h"
#include "pkg/units/parse.h"
#include "test/fuzz/fuzz.h"

static void check_refused(bool ok, const struct error *err)
{
	CHECK(ok == (err->kind == ERROR_NONE));
	if (!ok)
		CHECK(err->kind == ERROR_INVALID && strlen(error_text(err)) > 0);
}

static void check_duration(const char *text)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	int64_t value = 0, go_value = 0, again = 0;
	char printed[32];
	bool ok = duration_parse(text, &value);
	CHECK(go_parse_duration(text, &go_value, &err) == ok);
	check_refused(ok, &err);
	if (!ok)
		return;
	CHECK(value == go_value);
	duration_format(value, printed);
	CHECK(duration_parse(printed, &again) && again == value);
}

static void check_int32(const char *text)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	int32_t value = 0, go_value = 0, again = 0;
	char printed[16];
	bool ok = parse_int32(text, &value);
	CHECK(go_parse_int32(text, &go_value, &err) == ok);
	check_refused(ok, &err);
	if (!ok)
		return;
	CHECK(value == go_value);
	snprintf(printed, sizeof(printed), "%d", value);
	CHECK(parse_int32(printed, &again) && again == value);
}

static void check_bool(const char *text)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	bool value = false, go_value = false, ok = parse_bool(text, &value);
	CHECK(go_parse_bool(text, &go_value, &err) == ok);
	check_refused(ok, &err);
	CHECK(value == go_value);
}

static void check_float(const char *text)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	double value = 0, again = 0;
	char printed[GO_VALUE_SIZE];
	bool ok = go_parse_float(text, &value, &err);
	check_refused(ok, &err);
	if (!ok)
		return;
	go_format_float(value, printed);
	CHECK(go_parse_float(printed, &again, NULL));
	CHECK(memcmp(&value, &again, sizeof(value)) == 0 || value != value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *text = arena_strndup(arena, (const char *)data, size);
	check_duration(text);
	check_int32(text);
	check_bool(text);
	check_float(text);
	if (parse_http_url(text))
		CHECK(strncmp(text, "http", 4) == 0 || strncasecmp(text, "http", 4) == 0);
	return 0;
}
