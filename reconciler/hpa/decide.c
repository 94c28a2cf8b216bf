/*
 * One look at a view. The order is that of the house: ServerlessService, ScaledObject, status. A
 * step is chosen only if the view shows that it is needed, so being asked again after any step, or
 * after a crash, is always right.
 */
#include "reconciler/hpa/decide.h"

#include <string.h>

#include "reconciler/hpa/status.h"
#include "reconciler/hpa/unread.h"

/* Once asked for, KEDA's taking over of the HPA stays asked for. */
static bool transfers(const struct view *view)
{
	return (view->so && view->so->transfer) || ownership_of_hpa(view, true) == OWNER_PA;
}

static void look_at_desired(struct look *look)
{
	const struct view *view = look->view;

	enum desired_form form = unread_keeps(look) ? DESIRED_KEPT : DESIRED_NOW;

	look->refused =
	    !desired_build(view->pa, view->config, view->config_keda, form, view->now_ms,
			   transfers(view), look->arena, &look->desired, &look->refusal);
	if (look->desired.object)
		look->desired_hash = json_hash(look->desired.object) | 1;
	if (look->desired.held_until_ms > 0)
		look_again_at(look, look->desired.held_until_ms);
	look->out->held_until_ms = look->desired.held_until_ms;
}

static void look_at_owners(struct look *look)
{
	const struct view *view = look->view;
	bool auto_create = look->refused || look->desired.auto_create;

	look->sks = ownership_of(view->sks ? &view->sks->object.meta : NULL, view->pa);
	look->so = ownership_of_scaled_object(view, auto_create, look->arena);
	look->hpa = ownership_of_hpa(view, auto_create);
}

void decide(const struct view *view, struct arena *arena, struct decision *out)
{
	struct look look = {.view = view,
			    .arena = arena,
			    .out = out,
			    .name = view->pa->object.meta.name,
			    .closed = view->answer.step == STEP_PATCH_STATUS};

	*out =
	    (struct decision){.step = STEP_DONE, .reason = "", .message = "", .memo = *view->memo};
	if (!view->leader || view->pa->object.meta.terminating)
		return;
	look_at_desired(&look);
	look_at_owners(&look);
	if (!pod_autoscaler_is_ours(view->pa)) {
		so_leave(&look);
		return;
	}
	if (sks_step(&look) || so_step(&look))
		return;
	look.initialized = status_initialized(&look);
	status_step(&look);
}
