/*
 * Activators that cannot be read: a revision that scales on their figures is kept at one pod at
 * least, for at zero nobody would see the request that should wake it (contract section 10). On
 * after 10 s without, off after 30 s with, so that a passing trouble changes nothing and a coming
 * and going one does not scale.
 */
#ifndef HPA_UNREAD_H
#define HPA_UNREAD_H

#include "reconciler/hpa/look.h"

#define REASON_ACTIVATORS_UNREAD "ActivatorMetricsUnavailable"

/* Such a revision is to be kept up now. Keeps the memo, asks for the next look. Comes first: what
 * is desired depends on it. */
bool unread_keeps(struct look *look);
/* The event to add, once a time of trouble; NULL: none. */
const char *unread_note(struct look *look);

#endif
