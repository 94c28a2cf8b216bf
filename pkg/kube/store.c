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
#include "pkg/base/hash.h"
#include "pkg/base/slots.h"

#define FIRST_CAPACITY 8

struct entry {
	struct object *object; /* NULL: a gap */
	uint32_t round;        /* the last list that held it */
};

/* A cache holds objects by the ten thousand: what it needs besides is an array of them, in the
 * order of coming, and two indexes of places in it. Places change only where one is added, since
 * whoever looks at all may remove the one at hand. */
struct store {
	struct store_config config;
	struct entry *entries;
	size_t used, capacity; /* of entries */
	size_t count;          /* without the gaps */
	struct slots names;    /* namespace and name */
	struct slots texts;    /* namespace and index text */
	size_t object_bytes;
	uint64_t version;
	uint32_t round;
	bool replacing;
	bool rewinding;
	bool synced;
};

struct store *store_new(const struct store_config *config)
{
	struct store *store = xcalloc(1, sizeof(*store));
	if (config)
		store->config = *config;
	return store;
}

void store_free(struct store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->used; i++)
		object_unref(store->entries[i].object);
	free(store->entries);
	slots_release(&store->names);
	slots_release(&store->texts);
	free(store);
}

static uint32_t hash_of(const char *ns, const char *rest)
{
	uint64_t hash = hash_text(hash_text(HASH_SEED, ns ? ns : ""), rest);
	return (uint32_t)(hash ^ hash >> 32);
}

static bool same_ns(const struct object *object, const char *ns)
{
	return strcmp(object->meta.ns ? object->meta.ns : "", ns ? ns : "") == 0;
}

static struct entry *find(const struct store *store, const char *ns, const char *name)
{
	size_t step = 0;
	uint32_t place;
	while (slots_next(&store->names, hash_of(ns, name), &step, &place)) {
		struct entry *entry = &store->entries[place];
		if (strcmp(entry->object->meta.name, name) == 0 && same_ns(entry->object, ns))
			return entry;
	}
	return NULL;
}

static const char *index_text(const struct store *store, const struct object *object)
{
	return store->config.index ? store->config.index(object) : NULL;
}

static uint32_t place_of(const struct store *store, const struct entry *entry)
{
	return (uint32_t)(entry - store->entries);
}

static void index_add(struct store *store, const struct entry *entry)
{
	const struct object *object = entry->object;
	const char *text = index_text(store, object);
	if (text)
		slots_add(&store->texts, hash_of(object->meta.ns, text), place_of(store, entry));
}

static void index_remove(struct store *store, const struct entry *entry)
{
	const struct object *object = entry->object;
	const char *text = index_text(store, object);
	if (text)
		slots_remove(&store->texts, hash_of(object->meta.ns, text), place_of(store, entry));
}

/* Its namespace and name are those of the entry for good, its index text may change. */
static void name_entry(struct store *store, const struct entry *entry)
{
	const struct meta *meta = &entry->object->meta;
	slots_add(&store->names, hash_of(meta->ns, meta->name), place_of(store, entry));
	index_add(store, entry);
}

/* All anew, without the gaps, and room for half as many again. */
static void rebuild(struct store *store)
{
	struct entry *old = store->entries;
	size_t used = store->used;
	store->capacity = store->count + store->count / 2 + FIRST_CAPACITY;
	store->entries = xcalloc(store->capacity, sizeof(*store->entries));
	store->used = 0;
	slots_release(&store->names);
	slots_release(&store->texts);
	for (size_t i = 0; i < used; i++) {
		if (!old[i].object)
			continue;
		store->entries[store->used] = old[i];
		name_entry(store, &store->entries[store->used++]);
	}
	free(old);
}

/* What thousands needed goes when they have gone. */
static void shrink(struct store *store)
{
	if (store->capacity > 4 * (store->count + FIRST_CAPACITY))
		rebuild(store);
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
	store->object_bytes += object_bytes(object) - object_bytes(before);
	tell(store, before, object);
	object_unref(before);
}

static struct entry *add_object(struct store *store, struct object *object)
{
	if (store->used == store->capacity)
		rebuild(store);
	struct entry *entry = &store->entries[store->used++];
	*entry = (struct entry){.object = object};
	store->count++;
	name_entry(store, entry);
	store->object_bytes += object_bytes(object);
	return entry;
}

static void remove_entry(struct store *store, struct entry *entry)
{
	struct object *object = entry->object;
	const struct meta *meta = &object->meta;
	slots_remove(&store->names, hash_of(meta->ns, meta->name), place_of(store, entry));
	index_remove(store, entry);
	entry->object = NULL;
	store->count--;
	store->object_bytes -= object_bytes(object);
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
	if (!entry || (entry->object->meta.version > version && !store->rewinding))
		return;
	remove_entry(store, entry);
	shrink(store);
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

/* What the list of this round has not held, and is not newer than it. */
static void sweep(struct store *store, uint64_t version)
{
	for (size_t i = 0; i < store->used; i++) {
		struct entry *entry = &store->entries[i];
		if (entry->object && entry->round != store->round &&
		    entry->object->meta.version <= version)
			remove_entry(store, entry);
	}
	shrink(store);
}

void store_replace_end(struct store *store, uint64_t version)
{
	bool rewinding = store->rewinding;
	CHECK(store->replacing);
	store_replace_abort(store);
	if (rewinding)
		store->version = 0;
	advance(store, version);
	store->synced = true;
	sweep(store, rewinding ? UINT64_MAX : version);
}

void store_clear(struct store *store)
{
	store_replace_abort(store);
	store->version = 0;
	store->synced = true;
	store->round++;
	sweep(store, UINT64_MAX);
}

struct object *store_get(const struct store *store, const char *ns, const char *name)
{
	struct entry *entry = find(store, ns, name);
	return entry ? entry->object : NULL;
}

size_t store_count(const struct store *store)
{
	return store->count;
}

size_t store_bytes(const struct store *store)
{
	return store->object_bytes + store->capacity * sizeof(*store->entries) +
	       slots_bytes(&store->names) + slots_bytes(&store->texts);
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
	size_t step = 0;
	uint32_t place;
	while (slots_next(&store->texts, hash_of(ns, text), &step, &place)) {
		struct object *object = store->entries[place].object;
		const char *has = index_text(store, object);
		CHECK(has); /* else it would not be in that index */
		if (strcmp(has, text) == 0 && same_ns(object, ns) && !each(ctx, object))
			return;
	}
}

void store_each(const struct store *store, bool (*each)(void *ctx, struct object *object),
		void *ctx)
{
	for (size_t i = 0; i < store->used; i++) {
		struct object *object = store->entries[i].object;
		if (object && !each(ctx, object))
			return;
	}
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
