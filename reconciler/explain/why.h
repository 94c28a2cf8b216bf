/*
 * What the parts of an explanation share: the scene, where findings go, and the words that several
 * of them use. One function a reason; each says what it means and what to do next. Only this folder
 * includes it.
 */
#ifndef EXPLAIN_WHY_H
#define EXPLAIN_WHY_H

#include "reconciler/explain/findings.h"
#include "reconciler/explain/scene.h"

#define REASON_OTHER_CLASS "OtherClass"
#define REASON_NO_POD_AUTOSCALER "PodAutoscalerMissing"
#define REASON_NOT_READABLE "NotReadable"
#define REASON_NOT_RUNNING "ControllerNotRunning"
#define REASON_RIVAL "AutoscalerHPARunning"
#define REASON_NOT_REPORTED "NotReported"
#define REASON_SKS_NOT_READY "ServerlessServiceNotReady"
#define REASON_FEW_PODS "InitialScaleNotReached"
#define REASON_HELD "WarmHold"
#define REASON_REVISION "RevisionNotReady"

struct why {
	const struct scene *scene;
	struct findings *out;
	const char *ns, *name; /* as words of a shell */
	const char *message;   /* of the condition Active; "" if none */
};

/* "kubectl -n NS " and the command. */
void why_kubectl(const struct why *why, const char *text, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* An annotation of the revision: "KEY=VALUE" or "KEY-" without autoscaling.knative.dev/. */
void why_annotate(const struct why *why, const char *text, const char *change);
/* Edit the Service, or the revision if it has none. */
void why_edit(const struct why *why, const char *text);
/* What the controller logs of the revision. */
void why_logs(const struct why *why, const char *text);
/* Its pods, and what the revision's events say of them. */
void why_pods(const struct why *why);
/* Take away what pauses its ScaledObject. */
void why_unpause(const struct why *why, const char *text);
/* Is KEDA's operator there? */
void why_keda(const struct why *why, const char *text);

/* The reasons of contract section 5; false: it is none of them. */
bool why_reason(const struct why *why, const char *reason);
void why_sks_not_ready(const struct why *why);
void why_few_pods(const struct why *why);
/* A ready one: what is to be said of it. Answers its reason. */
const char *why_ready(const struct why *why);

/* reasons_controller.c: nobody keeps the status up. */
void why_not_running(const struct why *why, const char *contradiction);
void why_rival(const struct why *why);
void why_not_reported(const struct why *why);
/* "its lease X was last renewed 5m ago by H" */
const char *why_attendance_text(const struct why *why);

/* facts.c: what each object says. */
void why_facts(const struct why *why);
/* The condition of that type in object.status, as "False Reason: message"; NULL: there is none. */
const char *why_condition(const struct why *why, const struct json *object, const char *type);
/* The newest Event of that reason about objects of the revision's name; NULL: none. */
const struct json *why_event(const struct why *why, const char *reason);
int64_t why_event_ms(const struct json *event); /* since 1970, when it last came; 0: unknown */

#endif
