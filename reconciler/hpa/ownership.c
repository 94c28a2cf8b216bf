/* Owners are judged by uid; kind and name only tell a former owner from a stranger. */
#include "reconciler/hpa/ownership.h"

#include <string.h>

static bool owner_is(const struct meta *meta, const char *group, const char *kind, const char *name)
{
	const struct meta_owner *owner = &meta->owner;
	size_t length = strlen(group);

	return owner->api_version && strncmp(owner->api_version, group, length) == 0 &&
	       owner->api_version[length] == '/' && owner->kind && strcmp(owner->kind, kind) == 0 &&
	       owner->name && strcmp(owner->name, name) == 0;
}

static bool owner_was_pod_autoscaler(const struct meta *meta, const char *name)
{
	return owner_is(meta, "autoscaling.internal.knative.dev", POD_AUTOSCALER_KIND, name);
}

enum ownership ownership_of(const struct meta *meta, const struct pod_autoscaler *pa)
{
	if (!meta)
		return OWNER_ABSENT;
	if (meta->terminating)
		return OWNER_GOING;
	if (meta_owned_by(meta, pa->object.meta.uid))
		return OWNER_OURS;
	return owner_was_pod_autoscaler(meta, pa->object.meta.name) ? OWNER_FORMER : OWNER_FOREIGN;
}

static enum ownership accept_strangers(enum ownership found, bool auto_create)
{
	return found == OWNER_FOREIGN && !auto_create ? OWNER_OURS : found;
}

enum ownership ownership_of_scaled_object(const struct view *view, bool auto_create,
					  struct arena *arena)
{
	struct meta live;
	CLEANUP(error_clear) struct error err = ERROR_INIT;

	if (view->so)
		return accept_strangers(ownership_of(&view->so->object.meta, view->pa),
					auto_create);
	if (!view->so_live)
		return OWNER_ABSENT;
	if (!meta_decode(view->so_live, arena, &live, &err))
		return OWNER_FOREIGN;
	return ownership_of(&live, view->pa);
}

enum ownership ownership_of_hpa(const struct view *view, bool auto_create)
{
	const struct meta *pa = &view->pa->object.meta;
	const struct meta *hpa = view->hpa ? &view->hpa->object.meta : NULL;

	if (!hpa)
		return OWNER_ABSENT;
	if (hpa->terminating)
		return OWNER_GOING;
	if (view->so && meta_owned_by(hpa, view->so->object.meta.uid))
		return OWNER_OURS;
	if (meta_owned_by(hpa, pa->uid))
		return OWNER_PA;
	if (owner_was_pod_autoscaler(hpa, pa->name) ||
	    owner_is(hpa, "keda.sh", SCALED_OBJECT_KIND, pa->name))
		return OWNER_FORMER;
	return accept_strangers(OWNER_FOREIGN, auto_create);
}
