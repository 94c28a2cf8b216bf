/*
 * Objects, memos and pairs of hashes, each kept once and known by a small number. Two objects that
 * differ in the order of members only are one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/date.h"
#include "test/lib/explore_internal.h"

#define TIME_LENGTH 20 /* 2026-01-02T03:04:05Z */

/* ---- canonical text ---- */

static int by_member(const void *a, const void *b)
{
	const struct json_member *left = a, *right = b;

	return strcmp(left->key, right->key);
}

static void sort(struct json *v)
{
	if (json_is(v, JSON_OBJECT) && v->count)
		qsort(v->members, v->count, sizeof(v->members[0]), by_member);
	for (size_t i = 0; i < json_count(v); i++)
		sort(json_is(v, JSON_OBJECT) ? v->members[i].value : v->elements[i]);
}

static struct json *parse(struct arena *arena, const char *text)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *out = NULL;

	if (!json_parse(text, strlen(text), NULL, arena, &out, &err))
		fprintf(stderr, "%s: %s\n", text, error_text(&err));
	CHECK(out);
	return out;
}

static struct json *quoted(struct explore *x, const char *text)
{
	char *copy = arena_strdup(x->scratch, text);

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	return parse(x->scratch, copy);
}

/* ---- nodes ---- */

void nodes_init(struct explore *x)
{
	x->arena = arena_new();
	x->scratch = arena_new();
	x->by_text = table_new();
	x->by_memo = table_new();
	x->by_patch = table_new();
	x->node_count = x->pair_count = 1;
	x->nothing = learned_new();
	x->taught = learned_new();
	x->breach = (struct strbuf)STRBUF_INIT;
	CHECK(memo_intern(x, &(struct memo){0}) == 0);
}

void nodes_release(struct explore *x)
{
	for (size_t i = 1; i < x->node_count; i++)
		for (size_t j = 0; j <= VERSION_LIVE; j++)
			object_unref(x->nodes[i]->decoded[j]);
	table_free(x->by_text);
	table_free(x->by_memo);
	table_free(x->by_patch);
	learned_free(x->nothing);
	learned_free(x->taught);
	strbuf_release(&x->breach);
	arena_free(x->scratch);
	arena_free(x->arena);
}

const struct node *node_of(const struct explore *x, node_id id)
{
	return id ? x->nodes[id] : NULL;
}

node_id node_intern(struct explore *x, enum kind_id kind, const struct json *value)
{
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;
	struct json *copy = json_copy(x->scratch, value);

	json_remove(json_ensure_object(x->scratch, copy, "metadata"), "resourceVersion");
	sort(copy);
	strbuf_addch(&key, (char)('0' + kind));
	json_write(copy, &key);
	struct node *node = table_get(x->by_text, key.buf);
	if (node)
		return node->id;
	CHECK(x->node_count < ARRAY_SIZE(x->nodes));
	node = ARENA_NEW(x->arena, struct node);
	node->id = (node_id)x->node_count;
	node->kind = kind;
	node->value = json_copy(x->arena, copy);
	x->nodes[x->node_count++] = node;
	table_set(x->by_text, key.buf, node);
	node->text = table_key(x->by_text, key.buf) + 1;
	return node->id;
}

node_id node_made(struct explore *x, enum kind_id kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const char *text = arena_vprintf(x->scratch, format, args);
	va_end(args);
	const struct json *value = quoted(x, text);
	return node_intern(x, kind, value);
}

/* The same patches come again and again. */
node_id node_patched(struct explore *x, node_id id, const char *format, ...)
{
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;
	va_list args;

	strbuf_addf(&key, "%u ", id);
	size_t text = key.len;
	va_start(args, format);
	strbuf_vaddf(&key, format, args);
	va_end(args);
	uintptr_t known = (uintptr_t)table_get(x->by_patch, key.buf);
	if (known)
		return (node_id)known;
	const struct node *node = node_of(x, id);
	const struct json *patch = quoted(x, key.buf + text);
	node_id after =
	    node_intern(x, node->kind, json_merge_apply(x->scratch, node->value, patch));
	table_set(x->by_patch, key.buf, (void *)(uintptr_t)after);
	return after;
}

static int64_t older(int64_t at_ms, int64_t by_ms)
{
	at_ms -= by_ms;
	return at_ms < NOW_MS - OLDEST_MS ? NOW_MS - OLDEST_MS : at_ms;
}

/* Times inside messages as well: they are those of objects. */
static bool age_times(char *text, int64_t ms)
{
	bool any = false;

	for (char *at = text; (at = strchr(at, 'T')); at++) {
		char time[TIME_RFC3339_SIZE];
		int64_t wall;
		if (at - text < 10 || strnlen(at, 10) < 10)
			continue;
		snprintf(time, sizeof(time), "%.*s", TIME_LENGTH, at - 10);
		if (!time_parse_rfc3339(time, &wall))
			continue;
		time_format_rfc3339(older(wall, ms), time);
		memcpy(at - 10, time, TIME_LENGTH);
		any = true;
	}
	return any;
}

node_id node_older(struct explore *x, node_id id, int64_t ms)
{
	const struct node *node = node_of(x, id);

	if (!node)
		return 0;
	char *text = arena_strdup(x->scratch, node->text);
	return age_times(text, ms) ? node_intern(x, node->kind, parse(x->scratch, text)) : id;
}

const struct json *node_json(struct explore *x, node_id id, unsigned version)
{
	struct node *node = id ? x->nodes[id] : NULL;

	if (!node)
		return NULL;
	CHECK(version <= VERSION_LIVE);
	if (!node->versioned[version]) {
		struct json *copy = json_copy(x->arena, node->value);
		json_set(x->arena, json_ensure_object(x->arena, copy, "metadata"),
			 "resourceVersion", json_stringf(x->arena, "%u", version));
		node->versioned[version] = copy;
	}
	return node->versioned[version];
}

struct object *node_object(struct explore *x, node_id id, unsigned version)
{
	static object_decode_fn *const decode[] = {
	    [KIND_PA] = pod_autoscaler_decode,
	    [KIND_SKS] = serverless_service_decode,
	    [KIND_SO] = scaled_object_decode,
	    [KIND_HPA] = hpa_decode,
	};
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct node *node = id ? x->nodes[id] : NULL;

	if (!node)
		return NULL;
	if (!node->decoded[version])
		node->decoded[version] = decode[node->kind](node_json(x, id, version), &err);
	CHECK(node->decoded[version]);
	return node->decoded[version];
}

/* ---- reading them ---- */

static const struct json *value_of(const struct explore *x, node_id id)
{
	return id ? x->nodes[id]->value : NULL;
}

const char *node_text(const struct explore *x, node_id id, const char *outer, const char *inner)
{
	return json_text_or(json_path(value_of(x, id), outer, inner, NULL), "");
}

const char *node_uid(const struct explore *x, node_id id)
{
	return node_text(x, id, "metadata", "uid");
}

const struct json *node_condition(const struct explore *x, node_id id, const char *type)
{
	const struct json *list = json_path(value_of(x, id), "status", "conditions", NULL);

	for (size_t i = 0; i < json_count(list); i++)
		if (strcmp(json_text_or(json_get(json_at(list, i), "type"), ""), type) == 0)
			return json_at(list, i);
	return NULL;
}

const char *node_condition_status(const struct explore *x, node_id id, const char *type)
{
	return json_text_or(json_get(node_condition(x, id, type), "status"), "");
}

const char *node_owner(const struct explore *x, node_id id)
{
	const struct json *owners = json_path(value_of(x, id), "metadata", "ownerReferences", NULL);

	return json_text_or(json_get(json_at(owners, 0), "uid"), "");
}

/* ---- memos and pairs ---- */

static void add_text(struct strbuf *key, const char *text)
{
	strbuf_addf(key, "|%s", text ? text : "\x01");
}

/* Not as bytes: there is padding between them. */
static void add_numbers(struct strbuf *key, const struct memo *memo)
{
	const int64_t numbers[] = {
	    (int64_t)memo->refused_hash, memo->refused_tries,   memo->refused_next_ms,
	    (int64_t)memo->fought_hash,  memo->fought_tries,    memo->fought_next_ms,
	    memo->status_tries,          memo->status_next_ms,  (int64_t)memo->status_version,
	    memo->degraded_since_ms,     memo->degraded_told,   memo->unknown_since_ms,
	    memo->unknown_told,          memo->unread_since_ms, memo->read_since_ms,
	    memo->unread_kept,           memo->unread_told,     (int64_t)memo->misspelt_told,
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		strbuf_addf(key, "%" PRIx64 ",", (uint64_t)numbers[i]);
}

uint16_t memo_intern(struct explore *x, const struct memo *memo)
{
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;
	struct memo kept = *memo;

	add_numbers(&key, memo);
	add_text(&key, memo->refused_text);
	add_text(&key, memo->unwritten_text);
	add_text(&key, memo->unknown_reason);
	uintptr_t id = (uintptr_t)table_get(x->by_memo, key.buf);
	if (id)
		return (uint16_t)(id - 1);
	id = x->memo_count++;
	CHECK(x->memo_count < ARRAY_SIZE(x->memos));
	kept.refused_text = arena_strdup(x->arena, memo->refused_text);
	kept.unwritten_text = arena_strdup(x->arena, memo->unwritten_text);
	kept.unknown_reason = arena_strdup(x->arena, memo->unknown_reason);
	x->memos[id] = kept;
	table_set(x->by_memo, key.buf, (void *)(id + 1));
	return (uint16_t)id;
}

static void age(int64_t *at_ms, int64_t by_ms)
{
	if (*at_ms != 0)
		*at_ms = older(*at_ms, by_ms);
}

uint16_t memo_older(struct explore *x, uint16_t id, int64_t ms)
{
	struct memo memo = x->memos[id];

	age(&memo.refused_next_ms, ms);
	age(&memo.fought_next_ms, ms);
	age(&memo.status_next_ms, ms);
	age(&memo.degraded_since_ms, ms);
	age(&memo.unknown_since_ms, ms);
	age(&memo.unread_since_ms, ms);
	age(&memo.read_since_ms, ms);
	return memo_intern(x, &memo);
}

uint8_t pair_intern(struct explore *x, struct pair pair)
{
	for (size_t i = 1; i < x->pair_count; i++)
		if (x->pairs[i].live == pair.live && x->pairs[i].desired == pair.desired)
			return (uint8_t)i;
	CHECK(x->pair_count < ARRAY_SIZE(x->pairs));
	x->pairs[x->pair_count] = pair;
	return (uint8_t)x->pair_count++;
}
