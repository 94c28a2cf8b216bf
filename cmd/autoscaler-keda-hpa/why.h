/* What the two files of `why` share: why.c reads, why_print.c prints. */
#ifndef CMD_WHY_H
#define CMD_WHY_H

#include "cmd/autoscaler-keda-hpa/shelves.h"
#include "reconciler/explain/findings.h"

struct why_run {
	struct people people;
	struct shelves shelves; /* filled only where the ScaledObject is the user's own */
	struct evidence evidence;
	const struct json *service; /* of the name that was asked for; NULL: none */
	const char *serving;        /* the revision that serves it meanwhile; NULL: the same */
	bool no_knative;
};

/* False: standard output is closed. */
MUST_CHECK bool why_print(const struct why_run *run, const struct findings *findings);

#endif
