/*
 * render --explain: which annotation, ConfigMap key or default each field of a rendered
 * ScaledObject comes from. Nothing is kept in the books while building: each input is varied in
 * turn, everything is rendered again, and what changes comes from it. So an explanation cannot lag
 * behind the code that it explains.
 */
#ifndef HPA_RENDER_EXPLAIN_H
#define HPA_RENDER_EXPLAIN_H

#include "reconciler/hpa/render.h"

/* .data of the two ConfigMaps, NULL: none. They were parsed before without an error. */
struct render_maps {
	const struct json *autoscaler, *keda;
};

/* A list of {"path", "value", "from"}, one for each field of rendered->object that is no object or
 * list with something in it, in the object's order. from is the full name of an annotation,
 * "config-autoscaler KEY", "config-autoscaler-keda KEY", "default of" one of these, "the revision"
 * (names, labels, what is scaled) or "default". Where several inputs play a part, the one that
 * changes the fewest fields. rendered: of the same maps and form, and not refused. */
struct json *render_explain(const struct rendered *rendered, const struct render_maps *maps,
			    enum desired_form form, struct arena *arena);

#endif
