/*
 * decide(): the product, as one pure function. Looks at a view and names the one next step, or
 * DONE; level-triggered: it carries no plan from step to step, only what the view shows. A pass
 * ends after at most DECIDE_MAX_STEPS steps.
 *
 * Order within a pass: SKS first (so that status.serviceName is known early and errors reach the
 * user), then the ScaledObject, then the status, once.
 */
#ifndef HPA_DECIDE_H
#define HPA_DECIDE_H

#include "reconciler/hpa/view.h"

#define DECIDE_MAX_STEPS 8

enum note_target { NOTE_PA = 1, NOTE_REVISION = 2, NOTE_SERVICE = 4 };

/* An Event to record. */
struct note {
	bool warning;
	unsigned targets; /* enum note_target, or-ed */
	const char *reason;
	const char *message;
};

struct decision {
	enum step_kind step;
	/* Body of the write (object or merge patch, resourceVersion inside), in the arena. */
	struct json *body;
	const char *uid; /* precondition of STEP_DELETE_SO */
	/* For logs, and for PATCH_STATUS: why. "" if nothing special. */
	const char *reason;
	const char *message;
	/* Where the pass ends with this decision (DONE, or a PATCH_STATUS that went through):
	 * look again after this long even if nothing changes; 0: no need. */
	int64_t again_ms;
	/* The warm hold keeps pods until this server time; 0: it does not, or without an end. */
	int64_t held_until_ms;
	/* Events; to be recorded when the step is DONE, or was PATCH_STATUS and succeeded. */
	size_t note_count;
	struct note notes[6];
	/* The memo from here on; texts in the arena. */
	struct memo memo;
	/* After STEP_GET_SO found no difference: the cached hash may be replaced by this (else 0).
	 */
	uint64_t live_hash_in_sync;
};

/* Everything that out points to lives in the arena or in the view. */
void decide(const struct view *view, struct arena *arena, struct decision *out);

/* A memo whose texts the caller owns. */
void memo_copy(struct memo *to, const struct memo *from); /* to is cleared first */
void memo_clear(struct memo *memo);

#endif
