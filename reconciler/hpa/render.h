/*
 * render: what the core decides for manifests, without a cluster. Input: Services, Configurations,
 * Revisions and PodAutoscalers (also inside Lists) as JSON values; output ScaledObjects, or the
 * refusal text that a revision would show. Pure: files, YAML and exit codes are the command's.
 */
#ifndef HPA_RENDER_H
#define HPA_RENDER_H

#include "reconciler/hpa/desired.h"

struct rendered {
	const char *kind, *name;     /* the manifest's, "" if it has none */
	struct json *pod_autoscaler; /* that stands for the manifest; NULL for other kinds */
	struct json *object;         /* NULL if refused or passed over */
	const char *refused;         /* text, or NULL */
	const char *warning;         /* unknown annotations that look like slips; NULL: none */
	const char *passed_over;     /* why nothing is rendered: another class or kind, or NULL */
};

/* One manifest that is no List. render_revision.h tells what stands for it; a namespace that is
 * missing is "default", a uid "". False with err set: it is no manifest (no kind, no name, labels
 * that are no texts). */
MUST_CHECK bool render_manifest(const struct json *manifest, const struct config_autoscaler *config,
				const struct config_keda *config_keda, enum desired_form form,
				struct arena *arena, struct rendered *out, struct error *err);
/* Calls each for the manifest, or for the items of a List, until it answers false; the same then.
 * Lists inside Lists are handed out as they are. */
bool render_each(const struct json *manifest, bool (*each)(void *ctx, const struct json *manifest),
		 void *ctx);

#endif
