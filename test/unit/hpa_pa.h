/*
 * A PodAutoscaler from annotations alone, for tests of what comes before decide(). JSON is written
 * with ' for ", bare names stand for autoscaling.knative.dev/NAME.
 */
#ifndef TEST_UNIT_HPA_PA_H
#define TEST_UNIT_HPA_PA_H

#include "test/unit/hpa_cluster.h"

/* The cluster's view is filled; release it by cluster_release. */
static inline const struct pod_autoscaler *pa_with(struct cluster *c, const char *annotations)
{
	cluster_init(c, annotations);
	cluster_look(c);
	return c->view.pa;
}

#endif
