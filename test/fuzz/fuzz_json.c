/*
 * JSON as a whole document: what is read is written and read back as the same value, in both
 * forms; of a list of two, the merge patch from the first to the second leads there.
 */
#include "test/fuzz/fuzz.h"

static void check_written(const struct json *value, struct arena *arena)
{
	CLEANUP(strbuf_release) struct strbuf compact = STRBUF_INIT, pretty = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf again = STRBUF_INIT;
	json_write(value, &compact);
	json_write_pretty(value, &pretty);
	struct json *reread = fuzz_reread(&compact, arena);
	CHECK(json_equal(value, reread));
	CHECK(json_hash(value) == json_hash(reread));
	CHECK(json_equal(value, fuzz_reread(&pretty, arena)));
	json_write(reread, &again);
	CHECK(compact.len == again.len && memcmp(compact.buf, again.buf, again.len) == 0);
}

/* Members alone: a merge patch can say null inside lists. */
static bool has_null_member(const struct json *v)
{
	if (!json_is(v, JSON_OBJECT))
		return false;
	for (size_t i = 0; i < v->count; i++)
		if (json_is(v->members[i].value, JSON_NULL) || has_null_member(v->members[i].value))
			return true;
	return false;
}

static void check_merge(const struct json *from, const struct json *to, struct arena *arena)
{
	if (!json_is(from, JSON_OBJECT) || !json_is(to, JSON_OBJECT) || has_null_member(to))
		return;
	struct json *patch = json_merge_diff(arena, from, to);
	CHECK((patch == NULL) == json_equal(from, to));
	if (patch)
		CHECK(json_equal(json_merge_apply(arena, from, patch), to));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *value = NULL;
	if (!json_parse((const char *)data, size, NULL, arena, &value, &err)) {
		fuzz_check_position(&err);
		return 0;
	}
	CHECK(err.kind == ERROR_NONE && value);
	CHECK(utf8_valid_prefix((const char *)data, size) == size);
	check_written(value, arena);
	CHECK(json_equal(json_copy(arena, value), value));
	if (json_is(value, JSON_ARRAY) && json_count(value) >= 2)
		check_merge(json_at(value, 0), json_at(value, 1), arena);
	return 0;
}
