/*
 * Changes that are none to us: fields of an object that no decision reads move all the time (KEDA's
 * lastActiveTime, an HPA's metrics). What is compared here is all that the core reads of an object
 * but its version, which every write reads anew.
 */
#include <string.h>

#include "reconciler/controller/internal.h"

/* NULL is equal to NULL alone. */
static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_meta(const struct meta *a, const struct meta *b)
{
	return strcmp(a->uid, b->uid) == 0 && a->terminating == b->terminating &&
	       same_text(a->owner.uid, b->owner.uid) && same_text(a->owner.kind, b->owner.kind) &&
	       same_text(a->owner.name, b->owner.name) &&
	       same_text(a->owner.api_version, b->owner.api_version);
}

static bool same_pairs(const struct pair_set *a, const struct pair_set *b)
{
	return a->count == b->count &&
	       (a->count == 0 || memcmp(a->hashes, b->hashes, a->count * sizeof(*a->hashes)) == 0);
}

static bool same_sks(const struct serverless_service *a, const struct serverless_service *b)
{
	return a->mode.activators == b->mode.activators && same_text(a->mode.mode, b->mode.mode) &&
	       a->ready == b->ready && a->was_ready == b->was_ready &&
	       same_text(a->ref_api_version, b->ref_api_version) &&
	       same_text(a->ref_kind, b->ref_kind) && same_text(a->ref_name, b->ref_name) &&
	       same_text(a->protocol, b->protocol) && same_text(a->service_name, b->service_name) &&
	       same_text(a->private_service_name, b->private_service_name);
}

/* What is written of it: spec, labels, annotations, owner. */
static bool same_desired(const struct scaled_object *a, const struct scaled_object *b)
{
	return a->controlled_by_pa == b->controlled_by_pa && a->owner_blocks == b->owner_blocks &&
	       a->spec_hash == b->spec_hash && same_pairs(&a->labels, &b->labels) &&
	       same_pairs(&a->annotations, &b->annotations) && same_text(a->managed, b->managed);
}

static bool same_so(const struct scaled_object *a, const struct scaled_object *b)
{
	return same_desired(a, b) && same_text(a->target_name, b->target_name) &&
	       a->class_is_ours == b->class_is_ours &&
	       a->has_keda_finalizer == b->has_keda_finalizer && a->transfer == b->transfer &&
	       a->on_requests == b->on_requests && a->idles == b->idles &&
	       a->min_replicas == b->min_replicas && a->max_replicas == b->max_replicas &&
	       a->ready == b->ready && same_text(a->ready_reason, b->ready_reason) &&
	       same_text(a->ready_message, b->ready_message) && a->paused == b->paused &&
	       a->paused_replicas == b->paused_replicas;
}

static bool same_hpa(const struct hpa *a, const struct hpa *b)
{
	return same_text(a->target_name, b->target_name) &&
	       a->current_replicas == b->current_replicas &&
	       a->desired_replicas == b->desired_replicas &&
	       a->scaling_active == b->scaling_active &&
	       a->scaling_changed_ms == b->scaling_changed_ms &&
	       same_text(a->scaling_reason, b->scaling_reason) &&
	       same_text(a->scaling_message, b->scaling_message);
}

bool change_is_none(enum cache_id id, const struct object *before, const struct object *after)
{
	if (!same_meta(&before->meta, &after->meta))
		return false;
	switch (id) {
	case CACHE_SKS:
		return same_sks((const struct serverless_service *)before,
				(const struct serverless_service *)after);
	case CACHE_SO:
		return same_so((const struct scaled_object *)before,
			       (const struct scaled_object *)after);
	case CACHE_HPA:
		return same_hpa((const struct hpa *)before, (const struct hpa *)after);
	default:
		return false;
	}
}
