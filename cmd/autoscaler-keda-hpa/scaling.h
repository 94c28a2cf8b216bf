/*
 * What serves revisions scaled by concurrency or rps: activators are read, KEDA asks. Wired here,
 * beside the controller, which tells where the activators are and wants to know whether they can be
 * read.
 */
#ifndef CMD_SCALING_H
#define CMD_SCALING_H

#include "cmd/autoscaler-keda-hpa/options.h"
#include "pkg/metrics/metrics.h"
#include "pkg/net/loop.h"
#include "reconciler/controller/controller.h"

struct scaling;

/* All borrowed until scaling_free. */
struct scaling_config {
	struct loop *loop;
	const struct options *options;
	struct metrics *metrics;
};

/* Made before the controller. The error names the port that can't be had, or the file. */
MUST_CHECK bool scaling_new(const struct scaling_config *config, struct scaling **out,
			    struct error *err);
/* For controller_config; while the controller lives, scaling does. */
struct controller_activators scaling_reader(struct scaling *scaling);
/* Who is told when the activators can no longer be read, or can be again; NULL: nobody. */
void scaling_follow(struct scaling *scaling, struct controller *controller);
void scaling_stop(struct scaling *scaling); /* KEDA goes to another replica; NULL is fine */
/* NULL is fine. After the controller. */
void scaling_free(struct scaling *scaling);

#endif
