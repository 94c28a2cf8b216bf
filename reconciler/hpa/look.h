/*
 * struct look: what one call of decide() has worked out of its view so far. The steps, the table of
 * contract section 5, the status and the events all read it; nothing outlives the call.
 */
#ifndef HPA_LOOK_H
#define HPA_LOOK_H

#include "reconciler/hpa/decide.h"
#include "reconciler/hpa/desired.h"
#include "reconciler/hpa/ownership.h"

struct look {
	const struct view *view;
	struct arena *arena;
	struct decision *out;
	const char *name; /* of the PodAutoscaler, and so of all its children */
	bool refused;     /* an annotation is wrong: desired is empty */
	struct refusal refusal;
	struct desired desired;
	uint64_t desired_hash; /* of the whole desired object, never 0; 0: there is none */
	enum ownership sks, so, hpa;
	bool closed;             /* the status write of this pass failed: no further steps */
	bool initialized;        /* ScaleTargetInitialized is, or becomes now, True */
	const char *sks_failure; /* why the ServerlessService is not written; NULL: it is */
};

/* Ask for another look at that server time (milliseconds); past times count as now. */
void look_again_at(struct look *look, int64_t at_ms);
static inline bool look_failed(const struct look *look, enum step_kind step)
{
	return look->view->answer.step == step;
}
static inline bool look_done(const struct look *look, enum step_kind step)
{
	return (look->view->done & (1U << step)) != 0;
}

/* ---- sks_step.c, so_step.c: true if the decision stands: a step, or the end of the pass ---- */

bool sks_step(struct look *look);
bool so_step(struct look *look);
/* Class hpa went: our ScaledObject goes too; the ServerlessService stays. */
void so_leave(struct look *look);
/* The desired ScaledObject was refused for good, and still is as far as we know. */
bool so_is_refused(const struct look *look);

/* ---- status.c: the status write, if one is due ---- */

void status_step(struct look *look);

#endif
