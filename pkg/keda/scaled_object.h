/*
 * ScaledObject (keda.sh/v1alpha1): what the cache keeps of one, and how two specs are compared.
 *
 * The cache holds a hash of the normalised live spec, not the spec. Equal hashes mean in sync;
 * otherwise the object is read, compared and the difference patched.
 *
 * Normalised: null, {}, [], "", false are absent, and so is an object or list of which nothing is
 * left; an element of a list stays one (as null), for order means something. minReplicaCount 0 is
 * absent; fallback.behavior "static" and authenticationRef.kind "TriggerAuthentication" are absent;
 * the quantities of a ScaledObject (values of cpu and memory triggers of metricType AverageValue,
 * the tolerance of scaling rules) are equal by value; a learned server default is absent. No other
 * zero is.
 */
#ifndef KEDA_SCALED_OBJECT_H
#define KEDA_SCALED_OBJECT_H

#include "pkg/meta/object.h"

#define SCALED_OBJECT_API_VERSION "keda.sh/v1alpha1"
#define SCALED_OBJECT_KIND "ScaledObject"
#define SCALED_OBJECT_LABEL "scaledobject.keda.sh/name"
#define SCALED_OBJECT_FINALIZER "finalizer.keda.sh"
#define SCALED_OBJECT_TRANSFER "scaledobject.keda.sh/transfer-hpa-ownership"
/* Its value names the other annotations that we set, comma-separated and sorted. */
#define SCALED_OBJECT_MANAGED "autoscaling.knative.dev/keda-managed-annotations"

/* A sorted set of hashes of "key\0value" pairs: labels or annotations in 8 bytes each. */
struct pair_set {
	size_t count;
	uint64_t *hashes;
};

struct scaled_object {
	struct object object;
	const char *target_name; /* spec.scaleTargetRef; "" if unset */
	bool class_is_ours;      /* its class annotation is hpa.autoscaling.knative.dev */
	bool has_keda_finalizer;
	bool transfer;        /* carries transfer-hpa-ownership "true" */
	bool on_requests;     /* a trigger asks our scaler for concurrency or rps */
	bool idles;           /* below its minimum, to idleReplicaCount */
	int32_t min_replicas; /* 0: unset */
	int32_t max_replicas; /* 100 if unset, as KEDA */
	/* status */
	int ready; /* -1 no condition yet, 0 False, 1 True, 2 Unknown */
	/* Of condition Ready, "" while it is True or absent; the message at most 512 bytes. */
	const char *ready_reason, *ready_message;
	bool paused;
	int32_t paused_replicas; /* status.pausedReplicaCount, -1: unset */
	/* Its controller is a PodAutoscaler; what follows is kept for these only (zeroed else). */
	bool controlled_by_pa;
	bool owner_blocks; /* that ownerReference has blockOwnerDeletion true */
	uint64_t spec_hash;
	struct pair_set labels, annotations; /* all of them */
	const char *managed;                 /* annotation SCALED_OBJECT_MANAGED, NULL if absent */
};

struct learned; /* server defaults, per process; see below */

/* An object_decode_fn; the hash is made without learned defaults. */
struct object *scaled_object_decode(const struct json *json, struct error *err);
bool pair_set_has(const struct pair_set *set, const char *key, const char *value);
/* Would scaled_object_diff find nothing, as far as the cache can tell? desired: a whole object,
 * desired_hash of its spec. False may be due to server defaults; true is sure. */
bool scaled_object_in_sync(const struct scaled_object *live, const struct json *desired,
			   uint64_t desired_hash);

/* A new normalised value in the arena, NULL if nothing is left; input unchanged. learned may be
 * NULL. */
struct json *scaled_object_normalize(const struct json *spec, const struct learned *learned,
				     struct arena *arena);
/* Of the normalised spec, without learned defaults. */
uint64_t scaled_object_spec_hash(const struct json *spec, struct arena *arena);
bool scaled_object_spec_equal(const struct json *desired, const struct json *live,
			      const struct learned *learned, struct arena *arena);

/* The merge patch that brings live to desired: spec in both directions (a field that must go is
 * removed, a list that differs replaced whole), our labels and annotations, annotations that the
 * live SCALED_OBJECT_MANAGED names and desired has not (removed), ownerReferences if our controller
 * reference is not exactly there (other owners stay); metadata.resourceVersion of live is always in
 * it. NULL if nothing differs. KEDA's finalizer and label stay; annotations and labels of others
 * stay. Whether live may be touched at all (whose it is) is the caller's to know. */
struct json *scaled_object_diff(const struct json *desired, const struct json *live,
				const struct learned *learned, struct arena *arena);

/* Server defaults: a (path, value) that the answer to our own write has and what we sent has not,
 * is one. Paths name list elements by "[]" (".triggers[].useCachedMetrics"), so that one lesson
 * serves all objects; new objects are learned member by member, new lists whole. A changed value or
 * a list of another length is no default. Pure but for this set, which only grows, to 256 entries
 * of 1 KiB at most. */
struct learned *learned_new(void);
void learned_free(struct learned *learned); /* NULL is fine */
/* True if something new was learned. */
bool learned_from(struct learned *learned, const struct json *sent_spec,
		  const struct json *answered_spec);
/* False for learned NULL. */
bool learned_has(const struct learned *learned, const char *path, const struct json *value);

#endif
