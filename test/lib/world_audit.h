/*
 * What must hold at every moment of every play, faults or not: looked at with each change of the
 * model. A PodAutoscaler's service names are never cleared, its initialization is never taken back,
 * transition times follow the status, observedGeneration never goes back; children are only made
 * for a PodAutoscaler that is there; a fresh revision is not taken to zero before it was ready.
 */
#ifndef TEST_LIB_WORLD_AUDIT_H
#define TEST_LIB_WORLD_AUDIT_H

#include "test/lib/model.h"

struct version;

struct audit {
	struct model *model;
	struct strbuf breach; /* the first one, or "" */
	const struct version *after;
};

/* The audit must outlive the model's changes; the owner releases breach. */
void audit_start(struct audit *audit, struct model *model);

#endif
