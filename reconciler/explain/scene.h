/*
 * struct scene: the evidence, decoded by the same readers and judged by the same rules as in the
 * controller (ownership, annotations, warm hold), so that the two cannot come to differ. Only this
 * folder includes it.
 */
#ifndef EXPLAIN_SCENE_H
#define EXPLAIN_SCENE_H

#include "reconciler/explain/attendance.h"
#include "reconciler/explain/evidence.h"
#include "reconciler/hpa/active.h"
#include "reconciler/hpa/desired.h"
#include "reconciler/hpa/ownership.h"

/* Words for a ready revision; `why` and `status` use both. */
#define REASON_DEGRADED "ScalingDegraded"

struct scene {
	const struct evidence *e;
	struct arena *arena;
	struct object *objects[4];
	struct config_autoscaler config;
	struct config_keda config_keda;
	/* NULL: none, or it could not be read */
	const struct pod_autoscaler *pa;
	const struct serverless_service *sks;
	const struct scaled_object *so;
	const struct hpa *hpa;
	bool has_desired; /* a PodAutoscaler of class hpa whose annotations are right */
	struct desired desired;
	struct refusal refusal; /* annotation NULL: none is wrong */
	enum ownership sks_owner, so_owner, hpa_owner;
	bool current; /* the PodAutoscaler's status speaks of its generation, and of Active */
	bool initialized;
	struct condition active, ready; /* all zero if absent */
	struct attendance attendance;
	bool held;             /* the warm hold keeps pods that would else go */
	int64_t held_until_ms; /* server time */
};

void scene_init(struct scene *scene, const struct evidence *evidence, struct arena *arena);
void scene_release(struct scene *scene);
/* The HPA cannot read its metrics; KEDA reports the ScaledObject as not ready (contract section 5,
 * ScalingDegraded, but without its minute of patience). */
bool scene_hpa_fails(const struct scene *scene);
bool scene_keda_fails(const struct scene *scene);
/* It scales on HTTP requests, and is kept up because the activators cannot be read. */
bool scene_kept_up(const struct scene *scene);
/* What the live objects say against the PodAutoscaler's condition Active; NULL: nothing. */
const char *scene_contradiction(const struct scene *scene);
/* The name of the ksvc; "" if there is none. */
const char *scene_service(const struct scene *scene);

#endif
