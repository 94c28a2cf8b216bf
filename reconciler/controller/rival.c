/*
 * Does Knative's autoscaler-hpa run? The two would fight over the PodAutoscalers' status, so while
 * one of its leases is being renewed nothing is written here. Whether it is being renewed is judged
 * by the changes that we see, on our own monotonic clock, as client-go's leader election does: the
 * holder's clock counts only where it is off by more than any clock can be.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"
#include "pkg/kube/lease.h"
#include "reconciler/controller/internal.h"

/* Knative's name of the lease of bucket 0 of 1 ends in ".00-of-01". */
#define LEASE_PREFIX "hpaautoscaler.knative.dev.serving.pkg.reconciler.autoscaling.hpa.reconciler."
/* A lease that was last renewed longer ago than this, and its duration, belongs to one long gone:
 * a restart of ours need not wait for it once more. */
#define CLOCKS_DIFFER_MS INT64_C(600000)

/* What is held against the clock: the lease's holder has until then to renew it. */
struct sighting {
	int64_t until_ms; /* monotonic */
};

static bool is_rival(const struct object *object)
{
	return object && strncmp(object->meta.name, LEASE_PREFIX, strlen(LEASE_PREFIX)) == 0;
}

static bool is_renewed(const struct lease *before, const struct lease *after)
{
	return !before || strcmp(before->holder, after->holder) != 0 ||
	       strcmp(before->renewed, after->renewed) != 0;
}

static bool is_long_gone(const struct controller *controller, const struct lease *lease)
{
	return lease->renewed_ms > 0 && lease->renewed_ms + lease->duration_ms + CLOCKS_DIFFER_MS <
					    kube_client_now_ms(controller->client);
}

static void saw(struct controller *controller, const struct lease *before,
		const struct lease *after)
{
	struct table *sightings = controller->rival.sightings;
	const char *name = after->object.meta.name;
	struct sighting *sighting = table_get(sightings, name);
	int64_t now_ms = timers_now(controller->timers);

	if (sighting && !is_renewed(before, after))
		return;
	if (!sighting) {
		sighting = xcalloc(1, sizeof(*sighting));
		table_set(sightings, name, sighting);
	}
	sighting->until_ms = now_ms;
	if (after->holder[0] && (before || !is_long_gone(controller, after)))
		sighting->until_ms += after->duration_ms;
}

/* The lease that is held longest, and until when. */
struct longest {
	const char *name;
	int64_t until_ms;
};

static bool find_longest(void *ctx, const char *name, void *value)
{
	struct longest *longest = ctx;
	const struct sighting *sighting = value;

	if (sighting->until_ms > longest->until_ms)
		*longest = (struct longest){name, sighting->until_ms};
	return true;
}

static void tell(const struct controller *controller, const char *name)
{
	const struct object *lease = name ? store_get(controller->caches[CACHE_LEASE].store,
						      controller->system_namespace, name)
					  : NULL;

	if (lease)
		log_warn("autoscaler-hpa runs: nothing is written before its lease is free",
			 F_STR("lease", name),
			 F_STR("holder", ((const struct lease *)lease)->holder));
	else
		log_info("autoscaler-hpa's lease is free: its revisions are taken over");
}

/* As the timer, too: at the moment when the last holder's time is up. */
static void look(void *ctx)
{
	struct controller *controller = ctx;
	struct rival *rival = &controller->rival;
	int64_t now_ms = timers_now(controller->timers);
	struct longest longest = {.until_ms = now_ms};
	bool runs;

	table_each(rival->sightings, find_longest, &longest);
	runs = longest.until_ms > now_ms;
	if (runs)
		timer_arm(controller->timers, &rival->timer, longest.until_ms - now_ms);
	else
		timer_disarm(controller->timers, &rival->timer);
	if (runs == rival->runs)
		return;
	rival->runs = runs;
	tell(controller, longest.name);
	if (!runs && controller->ready)
		route_all(controller);
}

void rival_init(struct controller *controller)
{
	controller->rival.sightings = table_new();
	timer_init(&controller->rival.timer, look, controller);
}

static bool free_sighting(void *ctx, const char *name, void *value)
{
	(void)ctx;
	(void)name;
	free(value);
	return true;
}

void rival_release(struct controller *controller)
{
	timer_disarm(controller->timers, &controller->rival.timer);
	table_each(controller->rival.sightings, free_sighting, NULL);
	table_free(controller->rival.sightings);
}

void rival_lease_changed(struct controller *controller, const struct object *before,
			 const struct object *after)
{
	if (is_rival(after))
		saw(controller, (const struct lease *)before, (const struct lease *)after);
	else if (is_rival(before))
		free(table_remove(controller->rival.sightings, before->meta.name));
	else
		return;
	look(controller);
}
