/*
 * struct elector: one candidate for one Lease, as client-go's leaderelection, with these rules:
 *
 * - Times are durations on our own monotonic clock. Another's lease is held for as long as its
 *   leaseDurationSeconds after we last saw its record change, whatever its times say.
 * - We lead from a claim's answer until renew_ms after that claim was sent, unless a later one was
 *   answered; and only while the newest record that we know names us. Losing is immediate; then
 *   the campaign begins anew.
 * - A claim is a create, or a patch with the resourceVersion that we know. Whenever its outcome is
 *   unknown the Lease is read before anything else is thought of it.
 * - A Lease that is deleted while another holds it counts as held until its time is up.
 */
#ifndef KUBE_ELECTOR_H
#define KUBE_ELECTOR_H

#include "pkg/kube/client.h"
#include "pkg/kube/lease.h"

struct elector;

struct elector_config {
	struct kube_client *client;
	const struct kube_resource *resource; /* leases; lives as long as the elector */
	const char *ns, *name;                /* of the Lease */
	const char *identity;                 /* unique to this process */
	/* Knative's lease-duration (whole seconds are written), renew-deadline, retry-period:
	 * lease > renew > retry. */
	int64_t lease_ms, renew_ms, retry_ms;
	/* We lead from now on, or no longer. From the loop; it must not free the elector. */
	void (*changed)(void *ctx, struct elector *elector, bool leads);
	void *ctx;
};

struct elector *elector_new(const struct elector_config *config); /* campaigns by itself */
/* Without giving the lease up: it runs out. NULL is fine. */
void elector_free(struct elector *elector);
const char *elector_name(const struct elector *elector);
/* At this very moment: the clock counts, not whether a timer has fired yet. */
bool elector_leads(const struct elector *elector);

/* What a watch brings: so a release is noticed at once. Old news are passed over. */
void elector_saw(struct elector *elector, const struct lease *lease);
void elector_saw_deletion(struct elector *elector, const struct lease *last);

/* Ends the campaign and gives the lease up if it is ours; done(ctx) once that is answered or
 * failed, never from within. We lead no more from the call on. */
void elector_resign(struct elector *elector, void (*done)(void *ctx), void *ctx);

/* "<pod>_<random uuid>", as Knative's controllers name themselves; pod NULL: the host's name. */
char *elector_identity(const char *pod);

#endif
