/*
 * Server defaults learned from answers to our own writes. An entry is the text "path=value" with
 * the value as compact JSON; the set never forgets, for a default does not go away while the
 * process lives, and a wrong entry could only hide a difference that the server makes itself.
 */
#include <stdlib.h>

#include "pkg/base/check.h"
#include "pkg/base/strbuf.h"
#include "pkg/base/table.h"
#include "pkg/keda/spec.h"

#define MAX_ENTRIES 256
#define MAX_ENTRY_BYTES 1024

struct learned {
	struct table *entries; /* the value of each is the set itself: only keys count */
};

struct learned *learned_new(void)
{
	struct learned *learned = xcalloc(1, sizeof(*learned));
	learned->entries = table_new();
	return learned;
}

void learned_free(struct learned *learned)
{
	if (!learned)
		return;
	table_free(learned->entries);
	free(learned);
}

static void entry_text(const char *path, const struct json *value, struct strbuf *out)
{
	strbuf_addstr(out, path);
	strbuf_addch(out, '=');
	json_write(value, out);
}

bool learned_has(const struct learned *learned, const char *path, const struct json *value)
{
	if (!learned || table_count(learned->entries) == 0)
		return false;
	CLEANUP(strbuf_release) struct strbuf entry = STRBUF_INIT;
	entry_text(path, value, &entry);
	return table_get(learned->entries, entry.buf) != NULL;
}

static bool add(struct learned *learned, const char *path, const struct json *value)
{
	CLEANUP(strbuf_release) struct strbuf entry = STRBUF_INIT;
	entry_text(path, value, &entry);
	if (entry.len > MAX_ENTRY_BYTES || table_count(learned->entries) >= MAX_ENTRIES)
		return false;
	return !table_set(learned->entries, entry.buf, learned);
}

/* answered is what the server says at path, sent what we said: NULL or null if nothing. */
static bool learn(struct learned *learned, struct arena *arena, const char *path,
		  const struct json *sent, const struct json *answered)
{
	bool new = false;
	if (path == spec_path_lost || json_equal(sent, answered))
		return false;
	if (json_is(sent, JSON_NULL))
		sent = NULL;
	if (json_is(answered, JSON_OBJECT) && (!sent || json_is(sent, JSON_OBJECT))) {
		for (size_t i = 0; i < answered->count; i++) {
			const char *key = answered->members[i].key;
			new |= learn(learned, arena, spec_member_path(arena, path, key),
				     json_get(sent, key), answered->members[i].value);
		}
		return new;
	}
	if (sent && json_is(sent, JSON_ARRAY) && json_is(answered, JSON_ARRAY) &&
	    sent->count == answered->count) {
		const char *below = spec_element_path(arena, path);
		for (size_t i = 0; i < answered->count; i++)
			new |= learn(learned, arena, below, json_at(sent, i), json_at(answered, i));
		return new;
	}
	return !sent && !json_is(answered, JSON_NULL) && add(learned, path, answered);
}

bool learned_from(struct learned *learned, const struct json *sent_spec,
		  const struct json *answered_spec)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct json *answered = scaled_object_normalize(answered_spec, learned, arena);
	return answered && learn(learned, arena, "",
				 scaled_object_normalize(sent_spec, learned, arena), answered);
}
