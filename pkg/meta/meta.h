/*
 * Object metadata (metav1.ObjectMeta) as far as the controller reads it, decoded from JSON into
 * the object's own arena. managedFields are never kept. Namespaces, keys of labels and annotations,
 * kinds and API versions repeat in every object: they are interned for the life of the process,
 * until the pool of pkg/base/intern.h holds 1 MiB; new ones go into the arena then.
 */
#ifndef META_META_H
#define META_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/json/json.h"

struct meta_pair {
	const char *key; /* shared between objects, or in the arena */
	const char *value;
};

/* Labels or annotations, in the order they came. Of a key that repeats the last counts. */
struct meta_pairs {
	size_t count;
	struct meta_pair *items;
};

/* The controlling owner: the ownerReference with controller true (at most one, by the API). */
struct meta_owner {
	const char *api_version; /* NULL: no controller; "" (all four) where it leaves one out */
	const char *kind;
	const char *name;
	const char *uid;
};

struct meta {
	const char *ns; /* "" if it has none */
	const char *name;
	const char *uid; /* "" if it has none */
	/* A resourceVersion as a number: since Kubernetes 1.35 (KEP-5504) clients may compare them;
	 * etcd's revisions before that were the same in practice. Printed back in decimal. */
	uint64_t version;
	int64_t generation;
	int64_t created_ms; /* creationTimestamp, server wall time; 0: none */
	bool terminating;   /* deletionTimestamp set */
	struct meta_owner owner;
};

const char *meta_pair_get(const struct meta_pairs *pairs, const char *key); /* NULL if absent */
/* Decodes object.metadata. Refuses (ERROR_INVALID) a missing name or a resourceVersion that is no
 * decimal number; a missing one is 0 (render's input). */
MUST_CHECK bool meta_decode(const struct json *object, struct arena *arena, struct meta *out,
			    struct error *err);
/* metadata.resourceVersion alone, of a list or a bookmark too (they have no name); same rules. */
MUST_CHECK bool meta_decode_version(const struct json *object, uint64_t *out, struct error *err);
/* Labels or annotations of object.metadata (which: "labels", "annotations"), those alone for which
 * keep answers true (NULL: all). Values that are no strings are refused. A NUL inside a value comes
 * as the bytes C0 80, which are no UTF-8: who reads the value sees that it is not as it should be.
 */
MUST_CHECK bool meta_decode_pairs(const struct json *object, const char *which,
				  bool (*keep)(const char *key), struct arena *arena,
				  struct meta_pairs *out, struct error *err);
/* Does the list finalizers hold this one? */
bool meta_has_finalizer(const struct json *object, const char *finalizer);
/* Controlled by exactly this uid; never by "" or NULL. */
bool meta_owned_by(const struct meta *meta, const char *uid);
/* {"apiVersion":…,"kind":…,"name":…,"uid":…,"controller":true,"blockOwnerDeletion":true} */
struct json *meta_owner_reference(struct arena *arena, const char *api_version, const char *kind,
				  const char *name, const char *uid);

#endif
