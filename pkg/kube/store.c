/*
 * The cache of one resource, fed from two sides: the reflector tells what the API server says,
 * in order but late; the answers to our own writes are early but out of order. The danger is to act
 * on a view older than one's own last write (create it twice, undo it), so every entry is held
 * against its resourceVersion, a number that grows with each write to the resource.
 *
 * Two facts are enough to order everything:
 *
 *   version of an entry   it may be replaced by a newer one only. An event that the watch
 *                         delivers late, behind an answer, changes nothing. A deletion at D
 *                         removes what is older than D; an object made again after it stays.
 *
 *   store->version        the watch and whole lists are complete up to here. An answer not newer
 *                         than that, for a name that is not held, speaks of an object that has been
 *                         deleted since: the deletion itself was an event, and moved the mark
 *                         past it. So it is not brought back, and no graves need to be kept.
 *
 * A whole list at L puts its objects one by one as they arrive (a copy of everything would double
 * the memory), marks each, and in the end sweeps what has no mark, unless that is newer than L: an
 * own write that the list could not know. While a list comes in, the mark of completeness stays
 * where it was, since objects come in order of names. An object of the list that is not held though
 * not newer than the mark comes from a server that lags behind the watch: passed over. A list that
 * breaks off sweeps nothing: what it put is true all the same.
 *
 * Only a server whose history went back (etcd restored) breaks this order; the reflector decides
 * that it is so, and replaces everything once without asking for versions.
 */
#include "pkg/kube/store.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/strbuf.h"
#include "pkg/base/table.h"

struct entry {
	struct object *object;
	struct entry *next; /* of the same index text */
	uint64_t round;     /* the last list that held it */
};

struct store {
	struct store_config config;
	struct table *entries; /* "ns/name" */
	struct table *index;   /* "ns/text" -> first of a chain */
	size_t object_bytes;
	uint64_t version;
	uint64_t round;
	bool replacing;
	bool rewinding;
	bool synced;
};

struct store *store_new(const struct store_config *config)
{
	struct store *store = xcalloc(1, sizeof(*store));
	if (config)
		store->config = *config;
	store->entries = table_new();
	store->index = table_new();
	return store;
}

static bool free_entry(void *ctx, const char *key, void *value)
{
	struct entry *entry = value;
	(void)ctx;
	(void)key;
	object_unref(entry->object);
	free(entry);
	return true;
}

void store_free(struct store *store)
{
	if (!store)
		return;
	table_each(store->entries, free_entry, NULL);
	table_free(store->entries);
	table_free(store->index);
	free(store);
}

static const char *join(struct strbuf *key, const char *ns, const char *rest)
{
	strbuf_reset(key);
	strbuf_addstr(key, ns ? ns : "");
	strbuf_addch(key, '/');
	strbuf_addstr(key, rest);
	return key->buf;
}

static struct entry *find(const struct store *store, const char *ns, const char *name)
{
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;
	return table_get(store->entries, join(&key, ns, name));
}

static const char *index_text(const struct store *store, const struct object *object)
{
	return store->config.index ? store->config.index(object) : NULL;
}

static void index_add(struct store *store, struct entry *entry)
{
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;
	const char *text = index_text(store, entry->object);
	entry->next = NULL;
	if (text)
		entry->next =
		    table_set(store->index, join(&key, entry->object->meta.ns, text), entry);
}

static void index_remove(struct store *store, struct entry *entry)
{
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;
	const char *text = index_text(store, entry->object);
	if (!text)
		return;
	struct entry *head = table_get(store->index, join(&key, entry->object->meta.ns, text));
	if (head == entry) {
		if (entry->next)
			table_set(store->index, key.buf, entry->next);
		else
			table_remove(store->index, key.buf);
		return;
	}
	while (head && head->next != entry)
		head = head->next;
	CHECK(head);
	head->next = entry->next;
}

static void tell(const struct store *store, const struct object *before, const struct object *after)
{
	if (store->config.changed)
		store->config.changed(store->config.ctx, before, after);
}

/* The entry's object becomes this one; takes over the reference. */
static void replace_object(struct store *store, struct entry *entry, struct object *object)
{
	struct object *before = entry->object;
	index_remove(store, entry);
	entry->object = object;
	index_add(store, entry);
	store->object_bytes += arena_bytes(object->arena) - arena_bytes(before->arena);
	tell(store, before, object);
	object_unref(before);
}

static struct entry *add_object(struct store *store, struct object *object)
{
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;
	struct entry *entry = xcalloc(1, sizeof(*entry));
	entry->object = object;
	table_set(store->entries, join(&key, object->meta.ns, object->meta.name), entry);
	index_add(store, entry);
	store->object_bytes += arena_bytes(object->arena);
	return entry;
}

static void remove_entry(struct store *store, struct entry *entry)
{
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;
	struct object *object = entry->object;
	index_remove(store, entry);
	table_remove(store->entries, join(&key, object->meta.ns, object->meta.name));
	store->object_bytes -= arena_bytes(object->arena);
	free(entry);
	tell(store, object, NULL);
	object_unref(object);
}

static void advance(struct store *store, uint64_t version)
{
	if (!store->replacing && version > store->version)
		store->version = version;
}

/* Takes over the reference; the entry of that name afterwards. */
static struct entry *put_newer(struct store *store, struct object *object, bool any_version)
{
	struct entry *entry = find(store, object->meta.ns, object->meta.name);
	if (!entry) {
		entry = add_object(store, object);
		tell(store, NULL, object);
	} else if (object->meta.version > entry->object->meta.version ||
		   (any_version && object->meta.version != entry->object->meta.version)) {
		replace_object(store, entry, object);
	} else {
		object_unref(object);
	}
	return entry;
}

/* Not held, though everything up to its version is: it has been deleted since. */
static bool is_past(const struct store *store, const struct object *object)
{
	return store->version > 0 && object->meta.version <= store->version &&
	       !find(store, object->meta.ns, object->meta.name);
}

void store_put(struct store *store, struct object *object)
{
	uint64_t version = object->meta.version;
	if (store->replacing && !store->rewinding && is_past(store, object)) {
		object_unref(object);
		return;
	}
	put_newer(store, object, store->rewinding)->round = store->round;
	advance(store, version);
}

void store_delete(struct store *store, const char *ns, const char *name, uint64_t version)
{
	struct entry *entry = find(store, ns, name);
	advance(store, version);
	if (entry && (entry->object->meta.version <= version || store->rewinding))
		remove_entry(store, entry);
}

void store_put_answer(struct store *store, struct object *object)
{
	if (is_past(store, object)) {
		object_unref(object);
		return;
	}
	put_newer(store, object, false);
}

void store_replace_begin(struct store *store)
{
	store->round++;
	store->replacing = true;
}

void store_replace_rewind(struct store *store)
{
	CHECK(store->replacing);
	store->rewinding = true;
}

void store_replace_keep(struct store *store, const char *ns, const char *name)
{
	struct entry *entry = find(store, ns, name);
	if (entry)
		entry->round = store->round;
}

void store_replace_abort(struct store *store)
{
	store->replacing = false;
	store->rewinding = false;
}

struct sweep {
	struct store *store;
	uint64_t round;
	uint64_t version;
};

static bool sweep_entry(void *ctx, const char *key, void *value)
{
	struct sweep *sweep = ctx;
	struct entry *entry = value;
	(void)key;
	if (entry->round != sweep->round && entry->object->meta.version <= sweep->version)
		remove_entry(sweep->store, entry);
	return true;
}

void store_replace_end(struct store *store, uint64_t version)
{
	bool rewinding = store->rewinding;
	struct sweep sweep = {store, store->round, rewinding ? UINT64_MAX : version};
	CHECK(store->replacing);
	store_replace_abort(store);
	if (rewinding)
		store->version = 0;
	advance(store, version);
	store->synced = true;
	table_each(store->entries, sweep_entry, &sweep);
}

void store_clear(struct store *store)
{
	struct sweep all = {store, UINT64_MAX, UINT64_MAX};
	store_replace_abort(store);
	store->version = 0;
	store->synced = true;
	table_each(store->entries, sweep_entry, &all);
}

struct object *store_get(const struct store *store, const char *ns, const char *name)
{
	struct entry *entry = find(store, ns, name);
	return entry ? entry->object : NULL;
}

size_t store_count(const struct store *store)
{
	return table_count(store->entries);
}

size_t store_bytes(const struct store *store)
{
	return store->object_bytes + table_bytes(store->entries) + table_bytes(store->index) +
	       table_count(store->entries) * sizeof(struct entry);
}

bool store_synced(const struct store *store)
{
	return store->synced;
}

uint64_t store_version(const struct store *store)
{
	return store->version;
}

void store_each_indexed(const struct store *store, const char *ns, const char *text,
			bool (*each)(void *ctx, struct object *object), void *ctx)
{
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;
	struct entry *entry = table_get(store->index, join(&key, ns, text));
	while (entry && each(ctx, entry->object))
		entry = entry->next;
}

struct visit {
	bool (*each)(void *ctx, struct object *object);
	void *ctx;
};

static bool visit_entry(void *ctx, const char *key, void *value)
{
	struct visit *visit = ctx;
	struct entry *entry = value;
	(void)key;
	return visit->each(visit->ctx, entry->object);
}

void store_each(const struct store *store, bool (*each)(void *ctx, struct object *object),
		void *ctx)
{
	struct visit visit = {each, ctx};
	table_each(store->entries, visit_entry, &visit);
}

struct choice {
	const char *name;
	struct object *best;
};

static bool choose(void *ctx, struct object *object)
{
	struct choice *choice = ctx;

	if (strcmp(object->meta.name, choice->name) == 0) {
		choice->best = object;
		return false;
	}
	if (!choice->best || strcmp(object->meta.name, choice->best->meta.name) < 0)
		choice->best = object;
	return true;
}

struct object *store_choose_indexed(const struct store *store, const struct meta *meta,
				    const char *text)
{
	struct choice choice = {.name = meta->name};

	if (text)
		store_each_indexed(store, meta->ns, text, choose, &choice);
	return choice.best;
}
