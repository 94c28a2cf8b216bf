/*
 * The events of contract section 5: a change to a False reason at once, to an Unknown one if it
 * lasts 30 s, to True none; ScalingDegraded after 60 s, ActivatorMetricsUnavailable after 10. What
 * concerns the user of the Service goes to the Revision and the Service too.
 */
#ifndef HPA_NOTES_H
#define HPA_NOTES_H

#include "reconciler/hpa/active.h"

/* Adds them to the decision, keeps the memo of what was told, asks for the next look. unwritten:
 * the status cannot be written now; a False reason is told when it can, lest each try repeats it.
 */
void notes_of(struct look *look, const struct verdict *active, bool unwritten);
void note_status_refused(struct look *look, const char *text);
/* UnknownAnnotation, once: an annotation that nobody knows and that is close to one of ours. A
 * status write may fail and take its notes with it: while one is due (writes), this waits. */
void note_misspelt(struct look *look, bool writes);

#endif
