/*
 * The stack of open containers, and the check for repeated keys. Small objects are searched;
 * larger ones get a hash set of their members, so that no input costs quadratic time.
 */
#include "pkg/json/builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/hash.h"
#include "pkg/base/utf8.h"
#include "pkg/json/build.h"

#define SEARCHED 16
#define SHOWN_KEY 80

struct json_frame {
	struct json *container;
	const char *key; /* of the value to come */
	size_t key_len;
	size_t *slots; /* member numbers from 1, 0 is free; NULL while the object is small */
	size_t slot_count;
};

void json_builder_init(struct json_builder *b, struct arena *arena, unsigned max_depth,
		       bool refuse_repeats)
{
	*b = (struct json_builder){
	    .arena = arena,
	    .max_depth = max_depth,
	    .refuse_repeats = refuse_repeats,
	    .frames = xcalloc(max_depth + 1, sizeof(struct json_frame)),
	};
}

void json_builder_release(struct json_builder *b)
{
	free(b->frames);
	b->frames = NULL;
}

static struct json_frame *top(struct json_builder *b)
{
	CHECK(b->depth > 0);
	return &b->frames[b->depth - 1];
}

static bool same_key(const struct json_member *m, const char *key, size_t key_len)
{
	return m->key_len == key_len && memcmp(m->key, key, key_len) == 0;
}

/* The slot of that key, or the free one where it belongs. */
static size_t *slot_of(const struct json_frame *frame, const char *key, size_t key_len)
{
	size_t at = hash_bytes(HASH_SEED, key, key_len) % frame->slot_count;
	while (frame->slots[at] &&
	       !same_key(&frame->container->members[frame->slots[at] - 1], key, key_len))
		at = (at + 1) % frame->slot_count;
	return &frame->slots[at];
}

/* Slots stay at most half full. */
static void grow_slots(struct json_builder *b, struct json_frame *frame)
{
	const struct json *object = frame->container;
	frame->slot_count = object->count * 4;
	frame->slots = ARENA_ARRAY(b->arena, size_t, frame->slot_count);
	for (size_t i = 0; i < object->count; i++)
		*slot_of(frame, object->members[i].key, object->members[i].key_len) = i + 1;
}

static bool is_repeated(struct json_builder *b, const char *key, size_t key_len)
{
	struct json_frame *frame = top(b);
	const struct json *object = frame->container;
	if (object->count < SEARCHED) {
		for (size_t i = 0; i < object->count; i++)
			if (same_key(&object->members[i], key, key_len))
				return true;
		return false;
	}
	if (object->count * 2 >= frame->slot_count)
		grow_slots(b, frame);
	size_t *slot = slot_of(frame, key, key_len);
	if (*slot)
		return true;
	*slot = object->count + 1;
	return false;
}

static bool take_key(struct json_builder *b, const char *text, size_t length)
{
	struct json_frame *frame = top(b);
	if (b->refuse_repeats && is_repeated(b, text, length)) {
		CLEANUP(strbuf_release) struct strbuf shown = STRBUF_INIT;
		size_t prefix = utf8_valid_prefix(text, length < SHOWN_KEY ? length : SHOWN_KEY);
		strbuf_add_json_string(&shown, text, prefix);
		snprintf(b->problem, sizeof(b->problem), "key %s stands here twice", shown.buf);
		return false;
	}
	frame->key = arena_strndup(b->arena, text, length);
	frame->key_len = length;
	return true;
}

static struct json *placed(const struct json_builder *b, struct json *value)
{
	value->line = b->line;
	value->column = b->column;
	return value;
}

static void add_value(struct json_builder *b, struct json *value)
{
	if (b->depth == 0) {
		b->root = value;
		return;
	}
	struct json_frame *frame = top(b);
	if (frame->container->type == JSON_ARRAY) {
		json_append(b->arena, frame->container, value);
		return;
	}
	CHECK(frame->key);
	json_push_member(b->arena, frame->container, frame->key, frame->key_len, value);
	frame->key = NULL;
}

static bool open_container(struct json_builder *b, enum json_type type)
{
	if (b->depth == b->max_depth) {
		snprintf(b->problem, sizeof(b->problem), "nested deeper than %u levels",
			 b->max_depth);
		return false;
	}
	b->frames[b->depth++] =
	    (struct json_frame){.container = placed(b, json_new(b->arena, type))};
	return true;
}

static void close_container(struct json_builder *b)
{
	struct json *container = top(b)->container;
	b->depth--;
	add_value(b, container);
}

bool json_builder_take(struct json_builder *b, enum json_token token, const char *text,
		       size_t length)
{
	switch (token) {
	case JSON_TOKEN_NULL:
		add_value(b, placed(b, json_null(b->arena)));
		break;
	case JSON_TOKEN_TRUE:
	case JSON_TOKEN_FALSE:
		add_value(b, placed(b, json_bool(b->arena, token == JSON_TOKEN_TRUE)));
		break;
	case JSON_TOKEN_NUMBER:
		add_value(b, placed(b, json_new_text(b->arena, JSON_NUMBER, text, length)));
		break;
	case JSON_TOKEN_STRING:
		add_value(b, placed(b, json_new_text(b->arena, JSON_STRING, text, length)));
		break;
	case JSON_TOKEN_KEY:
		return take_key(b, text, length);
	case JSON_TOKEN_OPEN_OBJECT:
		return open_container(b, JSON_OBJECT);
	case JSON_TOKEN_OPEN_ARRAY:
		return open_container(b, JSON_ARRAY);
	case JSON_TOKEN_CLOSE:
		close_container(b);
		break;
	}
	return true;
}

bool json_builder_wants_key(const struct json_builder *b)
{
	if (b->depth == 0)
		return false;
	const struct json_frame *frame = &b->frames[b->depth - 1];
	return frame->container->type == JSON_OBJECT && !frame->key;
}
