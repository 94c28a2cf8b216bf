/*
 * struct view: all that a decision may depend on. The shell fills it from its stores; tests and
 * `render` fill it by hand. Nothing here points at curl, clocks or logs.
 *
 * struct memo: what the shell remembers of one key between passes. It is soft: a restart loses it
 * and only repeats a text or a try, never a write that matters. decide() gets the old one and
 * answers the new one; texts inside belong to the shell (memo_copy).
 */
#ifndef HPA_VIEW_H
#define HPA_VIEW_H

#include "pkg/keda/config_keda.h"
#include "pkg/keda/hpa.h"
#include "pkg/keda/scaled_object.h"
#include "pkg/knative/config_autoscaler.h"
#include "pkg/knative/serverless_service.h"

enum step_kind {
	STEP_DONE = 0, /* nothing more to write in this pass */
	STEP_CREATE_SKS,
	STEP_PATCH_SKS,
	STEP_CREATE_SO,
	STEP_GET_SO, /* the hash differs: read the live object, ask again */
	STEP_PATCH_SO,
	STEP_DELETE_SO,    /* class changed away; precondition uid */
	STEP_PATCH_STATUS, /* the PodAutoscaler's status: the last step of a pass */
};

/* How the latest step of this pass ended, if it failed (a success shows in the view itself). */
struct answer {
	enum step_kind step; /* STEP_DONE: no failed step in this pass */
	enum error_kind kind;
	const char *message; /* borrowed */
	int64_t retry_after_ms;
};

struct memo {
	/* A refusal for good of the ScaledObject, kept while the desired one stays the same. */
	uint64_t refused_hash; /* of the desired object; 0: none */
	char *refused_text;
	unsigned refused_tries;
	int64_t refused_next_ms; /* server time of the next try */
	/* A passing failure of the write, shown until one succeeds. */
	char *unwritten_text;
	/* Our patch of the ScaledObject went through, and yet it is not what we asked for: somebody
	 * else changes it on the way. When to try that desired object again. */
	uint64_t fought_hash; /* 0: nobody does */
	unsigned fought_tries;
	int64_t fought_next_ms;
	/* A status write that was refused for good (Knative's webhook): when to try again; at once
	 * if the PodAutoscaler is no longer of that version. */
	unsigned status_tries;
	int64_t status_next_ms;
	uint64_t status_version;
	/* Since when something lasts, server time; 0: it does not. */
	int64_t degraded_since_ms;
	bool degraded_told;
	char *unknown_reason; /* Active's Unknown reason that waits for its 30 s */
	int64_t unknown_since_ms;
	bool unknown_told;
	/* Activators that cannot be read: since when; of one that is kept up for that, since when
	 * they can be again; unread.c. */
	int64_t unread_since_ms, read_since_ms;
	bool unread_kept, unread_told;
	uint64_t misspelt_told; /* hash of what was said of misspelt annotations; 0: nothing */
};

struct view {
	const struct pod_autoscaler *pa;      /* never NULL */
	const struct serverless_service *sks; /* NULL: none of that name */
	const struct scaled_object *so; /* of the PA's name; with auto-create off the one that names
					   its Deployment */
	const struct hpa *hpa; /* controlled by that SO's uid, else of the PA's name; NULL: none */
	bool keda_installed;   /* the ScaledObject API exists */
	const struct config_autoscaler *config;
	const struct config_keda *config_keda;
	const struct learned *learned;
	bool activators_unread;     /* by this process, right now */
	const char *activators_why; /* then: what went wrong; borrowed, may be NULL */
	bool leader;                /* false: writes nothing */
	int64_t now_ms;             /* server time */
	/* The live object, whole, as the latest step on it in this pass (GET, CREATE or PATCH)
	 * answered; NULL: none did, or that step failed. Never older than so where both are there.
	 */
	const struct json *so_live;
	struct answer answer;
	/* Steps that went through in this pass, a bit each (1 << step_kind). */
	unsigned done;
	const struct memo *memo;
};

#endif
