/*
 * The hash table, over uthash. An entry holds its key behind it; bytes counts entries,
 * uthash knows its own overhead.
 */
#include "pkg/base/table.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/slab.h"

#define HASH_FUNCTION HASH_FNV
#define uthash_malloc(size) xmalloc(size)
#include <uthash.h>

struct entry {
	UT_hash_handle hh;
	void *value;
	char key[];
};

struct table {
	struct entry *entries;
	size_t key_bytes;
};

struct table *table_new(void)
{
	return xcalloc(1, sizeof(struct table));
}

static void drop(struct table *table, struct entry *entry)
{
	size_t size = sizeof(*entry) + strlen(entry->key) + 1;
	table->key_bytes -= size - sizeof(*entry);
	HASH_DEL(table->entries, entry);
	slab_free(entry, size);
}

void table_free(struct table *table)
{
	if (!table)
		return;
	while (table->entries)
		drop(table, table->entries);
	free(table);
}

static struct entry *find(const struct table *table, const char *key)
{
	struct entry *entry;
	HASH_FIND(hh, table->entries, key, strlen(key), entry);
	return entry;
}

void **table_slot(struct table *table, const char *key, const char **stored)
{
	struct entry *entry = find(table, key);
	if (!entry)
		return NULL;
	*stored = entry->key;
	return &entry->value;
}

void *table_get(const struct table *table, const char *key)
{
	struct entry *entry = find(table, key);
	return entry ? entry->value : NULL;
}

const char *table_key(const struct table *table, const char *key)
{
	struct entry *entry = find(table, key);
	return entry ? entry->key : NULL;
}

void *table_set(struct table *table, const char *key, void *value)
{
	CHECK(value);
	struct entry *entry = find(table, key);
	if (entry) {
		void *old = entry->value;
		entry->value = value;
		return old;
	}
	size_t size = strlen(key) + 1;
	entry = slab_zalloc(sizeof(*entry) + size);
	entry->value = value;
	memcpy(entry->key, key, size);
	HASH_ADD_KEYPTR(hh, table->entries, entry->key, size - 1, entry);
	table->key_bytes += size;
	return NULL;
}

void *table_remove(struct table *table, const char *key)
{
	struct entry *entry = find(table, key);
	if (!entry)
		return NULL;
	void *value = entry->value;
	drop(table, entry);
	return value;
}

size_t table_count(const struct table *table)
{
	return HASH_COUNT(table->entries);
}

size_t table_bytes(const struct table *table)
{
	size_t entries = table_count(table) * (sizeof(struct entry) - sizeof(UT_hash_handle));
	return sizeof(*table) + entries + table->key_bytes + HASH_OVERHEAD(hh, table->entries);
}

void table_each(struct table *table, bool (*each)(void *ctx, const char *key, void *value),
		void *ctx)
{
	for (struct entry *entry = table->entries, *next; entry; entry = next) {
		next = entry->hh.next;
		if (!each(ctx, entry->key, entry->value))
			return;
	}
}
