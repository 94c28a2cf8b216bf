/*
 * explain(): why a revision is not ready, or what is to be said of a ready one, in plain words,
 * from what can be read of it. Pure.
 *
 * The PodAutoscaler's condition Active is the controller's own word, and it is taken where it is
 * current: of this generation, kept up by somebody who holds the lease, and not said against by the
 * objects themselves. Else the cause is looked for in who should have written it. What may not be
 * read is named and gone on without: a user often sees neither KEDA's objects nor the leases.
 *
 * reason is Active's (contract section 5) or one of these words of its own:
 *   OtherClass, PodAutoscalerMissing, NotReadable   it is not ours, not there, or not to be seen
 *   ControllerNotRunning, AutoscalerHPARunning, NotReported   nobody keeps the status up
 *   ServerlessServiceNotReady, InitialScaleNotReached         its pods do not come
 *   RevisionNotReady                                the PodAutoscaler is ready, the Revision is not
 *   ScaledObjectPaused, ActivatorMetricsUnavailable, ScalingDegraded, WarmHold, ""
 *                                                   ready; "" has nothing to be said
 */
#ifndef EXPLAIN_EXPLAIN_H
#define EXPLAIN_EXPLAIN_H

#include "reconciler/explain/evidence.h"
#include "reconciler/explain/findings.h"

/* False: there is no such revision, as far as could be read; out has what could not be read. All
 * that out points to lives in the arena. */
MUST_CHECK bool explain(const struct evidence *evidence, struct arena *arena, struct findings *out);

#endif
