/*
 * struct store: the cache of one resource, "ns/name" -> typed object, fed by a reflector and by
 * the answers to our own writes. Rule of versions: an entry is never replaced by an older one, and
 * an answer to a write that the watch has already seen go is not brought back. So no one ever acts
 * on a view older than its own last write.
 *
 * One secondary index may be kept (namespace + a text of the object): ScaledObjects by target,
 * HPAs by the owner's uid.
 */
#ifndef KUBE_STORE_H
#define KUBE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/meta/object.h"

struct store;

struct store_config {
	/* Text to index by (borrowed from the object), or NULL: not indexed. May be NULL itself. */
	const char *(*index)(const struct object *object);
	/* After each change, before = NULL for a new one, after = NULL for a deleted one. Not
	 * called if the version is the same. An object deleted and made again while nobody watched
	 * comes as one change: the uids differ. It may read the store, not change it. */
	void (*changed)(void *ctx, const struct object *before, const struct object *after);
	void *ctx;
};

struct store *store_new(const struct store_config *config);
void store_free(struct store *store);

struct object *store_get(const struct store *store, const char *ns, const char *name);
size_t store_count(const struct store *store);
size_t store_bytes(const struct store *store);
bool store_synced(const struct store *store); /* a first whole list is in (or the API is absent) */
/* Calls each for the objects of that index text until it returns false; in no order. each may
 * read the store, not change it. */
void store_each_indexed(const struct store *store, const char *ns, const char *text,
			bool (*each)(void *ctx, struct object *object), void *ctx);
/* Of those, the one of meta's namespace and name, else the first by name: the choice must not
 * depend on the order in which they were seen. NULL: there is none, or text is NULL. Borrowed. */
struct object *store_choose_indexed(const struct store *store, const struct meta *meta,
				    const char *text);
void store_each(const struct store *store, bool (*each)(void *ctx, struct object *object),
		void *ctx);

/* ---- fed by the reflector; put takes over the reference ---- */
void store_put(struct store *store, struct object *object);
/* version: of the deletion; an entry newer than that (made again meanwhile) stays. */
void store_delete(struct store *store, const char *ns, const char *name, uint64_t version);
/* A whole list: begin, put each, end with the list's version: what was not put goes, but for
 * entries that our own writes made newer than the list. */
void store_replace_begin(struct store *store);
void store_replace_end(struct store *store, uint64_t version);
void store_replace_abort(struct store *store); /* the list broke off: nothing goes */
/* An object of the list at hand that cannot be read: what is held under that name stays. */
void store_replace_keep(struct store *store, const char *ns, const char *name);
/* Up to here all is known: the version of the last whole list or a later event; 0: of none. */
uint64_t store_version(const struct store *store);
/* The server's history went back (etcd was restored from a backup): in the replace just begun
 * objects of any version are taken and everything else goes. */
void store_replace_rewind(struct store *store);
/* The API itself is gone (or not there): empty and synced. */
void store_clear(struct store *store);

/* ---- fed by answers to our own writes; takes over the reference ---- */
void store_put_answer(struct store *store, struct object *object);

#endif
