/* Owners are judged by uid; kind and name only tell a former owner from a stranger. */
#include "reconciler/hpa/ownership.h"

#include <string.h>

static bool owner_is(const struct meta *meta, const char *group, const char *kind, const char *name)
{
	const struct meta_owner *owner = &meta->owner;
	size_t length = strlen(group);

	return owner->api_version && strncmp(owner->api_version, group, length) == 0 &&
	       owner->api_version[length] == '/' && strcmp(owner->kind, kind) == 0 &&
	       strcmp(owner->name, name) == 0;
}

static bool owner_was_pod_autoscaler(const struct meta *meta, const char *name)
{
	return owner_is(meta, "autoscaling.internal.knative.dev", POD_AUTOSCALER_KIND, name);
}

static enum ownership owner_of(const struct meta *meta, const struct pod_autoscaler *pa)
{
	if (meta_owned_by(meta, pa->object.meta.uid))
		return OWNER_OURS;
	return owner_was_pod_autoscaler(meta, pa->object.meta.name) ? OWNER_FORMER : OWNER_FOREIGN;
}

enum ownership ownership_of(const struct meta *meta, const struct pod_autoscaler *pa)
{
	if (!meta)
		return OWNER_ABSENT;
	return meta->terminating ? OWNER_GOING : owner_of(meta, pa);
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

static enum ownership owner_of_hpa(const struct view *view, const struct meta *hpa,
				   bool auto_create)
{
	const struct meta *pa = &view->pa->object.meta;
	const struct meta *so = view->so ? &view->so->object.meta : NULL;

	if (so && meta_owned_by(hpa, so->uid))
		return owner_of(so, view->pa);
	if (meta_owned_by(hpa, pa->uid))
		return OWNER_PA;
	if (owner_was_pod_autoscaler(hpa, pa->name) ||
	    (auto_create && owner_is(hpa, "keda.sh", SCALED_OBJECT_KIND, pa->name)))
		return OWNER_FORMER;
	return OWNER_FOREIGN;
}

enum ownership ownership_of_hpa(const struct view *view, bool auto_create)
{
	const struct meta *hpa = view->hpa ? &view->hpa->object.meta : NULL;

	if (!hpa)
		return OWNER_ABSENT;
	if (hpa->terminating)
		return OWNER_GOING;
	return accept_strangers(owner_of_hpa(view, hpa, auto_create), auto_create);
}
