/* kmeta.ChildName of knative.dev/pkg: how Knative names a revision's Deployment. */
#ifndef KNATIVE_CHILD_NAME_H
#define KNATIVE_CHILD_NAME_H

#include "pkg/base/arena.h"

/* parent + suffix; beyond 63 bytes the parent is cut and its MD5 put between. suffix: shorter than
 * 31. */
char *child_name(const char *parent, const char *suffix, struct arena *arena);

#endif
