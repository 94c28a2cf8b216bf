/*
 * Reading: lists in pages, single objects, and the state as it was some versions ago. A page of a
 * continued list shows the state that its first page showed, as the API server's does.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/model_internal.h"

struct listing {
	const struct selection *selection;
	const char *after; /* key, or NULL */
	struct version **found;
	size_t count;
};

/* ---- the state as it was ---- */

static bool copy_entry(void *ctx, const char *key, void *value)
{
	table_set(ctx, key, value);
	return true;
}

struct version *version_before(const struct resource *resource, size_t index)
{
	const char *key = resource->history[index].version->key;
	for (size_t i = index; i-- > 0;)
		if (strcmp(resource->history[i].version->key, key) == 0)
			return resource->history[i].version;
	return NULL;
}

/* key -> version, borrowed. What history has forgotten shows as the oldest that is known. */
static struct table *state_at(const struct resource *resource, uint64_t number)
{
	struct table *state = table_new();
	table_each(resource->objects, copy_entry, state);
	for (size_t i = resource->count; i-- > 0;) {
		const struct change *change = &resource->history[i];
		const char *key = change->version->key;
		if (change->version->number <= number)
			break;
		struct version *before = version_before(resource, i);
		if (change->type == CHANGE_ADDED)
			table_remove(state, key);
		else
			table_set(state, key, before ? before : change->version);
	}
	return state;
}

static void table_freep(struct table **table)
{
	table_free(*table);
}

struct version *version_behind(struct model *model, const struct selection *selection,
			       uint64_t behind)
{
	struct resource *resource = selection->resource;
	if (!behind)
		return version_in(resource, selection->ns, selection->name);
	uint64_t number = behind < model->version ? model->version - behind : 0;
	CLEANUP(table_freep) struct table *state = state_at(resource, number);
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	return table_get(state, model_key(arena, selection->ns, selection->name));
}

/* ---- lists ---- */

static bool list_one(void *ctx, const char *key, void *value)
{
	struct listing *listing = ctx;
	struct version *version = value;
	if (selection_has(listing->selection, version) &&
	    (!listing->after || strcmp(key, listing->after) > 0))
		listing->found[listing->count++] = version;
	return true;
}

int version_by_key(const void *a, const void *b)
{
	const struct version *const *left = a, *const *right = b;
	return strcmp((*left)->key, (*right)->key);
}

/* Items of compiled-in kinds carry neither apiVersion nor kind. */
static void write_item(struct version *version, struct strbuf *out)
{
	if (!version->resource->kind.builtin) {
		strbuf_addstr(out, version_text(version));
		return;
	}
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *bare = json_object(arena);
	for (size_t i = 0; i < version->value->count; i++) {
		const struct json_member *member = &version->value->members[i];
		if (strcmp(member->key, "apiVersion") != 0 && strcmp(member->key, "kind") != 0)
			json_set(arena, bare, member->key, member->value);
	}
	json_write(bare, out);
}

static void write_items(struct version **found, size_t count, struct strbuf *out)
{
	strbuf_addstr(out, ",\"items\":[");
	for (size_t i = 0; i < count; i++) {
		strbuf_addstr(out, i ? "," : "");
		write_item(found[i], out);
	}
	strbuf_addstr(out, "]}\n");
}

static void write_head(const struct kind *kind, bool table, struct strbuf *out)
{
	if (table)
		strbuf_addstr(out, "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\"");
	else
		strbuf_addf(out, "{\"kind\":\"%sList\",\"apiVersion\":\"%s%s%s\"", kind->name,
			    kind->group, kind->group[0] ? "/" : "", kind->version);
}

static void write_list(struct model *model, const struct listing *listing, uint64_t number,
		       const char *accept, struct model_answer *answer)
{
	const struct selection *selection = listing->selection;
	const struct kind *kind = &selection->resource->kind;
	int64_t limit = query_int(selection->query, "limit");
	bool more = limit > 0 && listing->count > (size_t)limit;
	size_t count = more ? (size_t)limit : listing->count;
	bool table = table_wanted(accept);
	write_head(kind, table, &answer->body);
	strbuf_addf(&answer->body, ",\"metadata\":{\"resourceVersion\":\"%" PRIu64 "\"", number);
	if (more)
		strbuf_addf(&answer->body, ",\"continue\":\"%" PRIu64 ":%s\"", number,
			    listing->found[count - 1]->key);
	/* How many remain is not known where a selector chooses. */
	if (more && !selection->fields && !selection->labels)
		strbuf_addf(&answer->body, ",\"remainingItemCount\":%zu", listing->count - count);
	strbuf_addch(&answer->body, '}');
	if (table)
		table_write(model, selection, listing->found, count, true, &answer->body);
	else
		write_items(listing->found, count, &answer->body);
	answer->status = 200;
}

/* The continue token is "version:last key", where the API server's is opaque. */
void list_handle(struct model *model, const struct selection *selection,
		 const struct model_request *request, struct arena *arena,
		 struct model_answer *answer)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct resource *resource = selection->resource;
	const char *token = query_text(selection->query, "continue", arena);
	bool continued = token && token[0];
	uint64_t number = continued ? strtoull(token, NULL, 10) : model->version;
	number -= request->behind < number ? request->behind : number;
	if (continued && number < resource->compacted) {
		api_error(&err, ERROR_GONE, 410,
			  "The provided continue parameter is too old to display a consistent "
			  "list result.");
		answer_error(answer, selection, &err);
		return;
	}
	CLEANUP(table_freep) struct table *state = state_at(resource, number);
	struct listing listing = {.selection = selection};
	const char *colon = continued ? strchr(token, ':') : NULL;
	listing.after = colon ? colon + 1 : NULL;
	listing.found = ARENA_ARRAY(arena, struct version *, table_count(state) + 1);
	table_each(state, list_one, &listing);
	qsort(listing.found, listing.count, sizeof(listing.found[0]), version_by_key);
	write_list(model, &listing, number, request->accept, answer);
}
