/*
 * Does anybody look after a revision? Judged from one look at the leases of the system namespace:
 * ours of the revision's bucket, and those of Knative's autoscaler-hpa, while which we write
 * nothing (contract section 7). One look has only the holder's clock to go by.
 */
#ifndef EXPLAIN_ATTENDANCE_H
#define EXPLAIN_ATTENDANCE_H

#include "reconciler/explain/evidence.h"

enum attendance_kind {
	ATTENDANCE_UNKNOWN, /* the leases could not be read */
	ATTENDANCE_LED,     /* somebody renews our lease */
	ATTENDANCE_LAPSED,  /* it is there, and nobody does */
	ATTENDANCE_NONE,    /* there is none: not running, or without leader election */
	ATTENDANCE_RIVAL,   /* autoscaler-hpa renews its own */
};

struct attendance {
	enum attendance_kind kind;
	const char *lease, *holder; /* "" if there is none */
	int64_t renewed_ms;         /* 0: unknown */
};

void attendance_of(const struct evidence *evidence, struct arena *arena, struct attendance *out);

#endif
