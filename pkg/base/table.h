/*
 * struct table: text key -> pointer, keys copied. The one place that includes uthash
 * (table.c): its macros inlined everywhere cost the analyzers minutes a file.
 * Values are borrowed and not NULL; whoever removes or frees the table cares for them.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct table;

struct table *table_new(void);
void table_free(struct table *table);
void *table_get(const struct table *table, const char *key); /* NULL if absent */
void *table_set(struct table *table, const char *key,
		void *value);                             /* returns the old value or NULL */
void *table_remove(struct table *table, const char *key); /* returns it, or NULL */
/* The table's own copy of the key, which lives as long as the entry; NULL if absent. */
const char *table_key(const struct table *table, const char *key);
/* Where the value of that key is kept, and in *stored the key as table_key has it; NULL if absent.
 * The value may be changed there, not to NULL. Until the entry is removed. */
void **table_slot(struct table *table, const char *key, const char **stored);
size_t table_count(const struct table *table);
size_t table_bytes(const struct table *table); /* memory held by the table itself */
/* Calls each(ctx, key, value) in order of insertion until it returns false; the entry at hand
 * (no other) may be removed meanwhile. */
void table_each(struct table *table, bool (*each)(void *ctx, const char *key, void *value),
		void *ctx);

#endif
