/*
 * The model of a cluster: objects as JSON with resourceVersions, generations, uids, ownerReferences
 * and garbage collection, finalizers, watches with history and compaction, merge patches with
 * version conflicts, a status subresource, Strict field validation by a small table; and stand-ins
 * for the other controllers behind one interface: Knative (knative_model*.c: Service to Deployment
 * and PodAutoscaler, and their states back; SKS status; webhook), KEDA (keda_model*.c: finalizer,
 * label, scalingModifiers {}, HPA, conditions, refusals, zero), the HPA controller and Deployments
 * (replicas from a value that can be set).
 *
 * It knows no transport: model_handle answers one request, model_watch_* one stream, so that the
 * simulated wire and a real HTTP server can both stand before it. Time comes from the timers.
 *
 * What it claims about the real ones is checked against them by test/e2e.
 */
#ifndef TEST_LIB_MODEL_H
#define TEST_LIB_MODEL_H

#include "pkg/base/timer.h"
#include "pkg/json/json.h"

struct model;

/* start_wall_ms: the server's wall time now; it goes on with the timers' monotonic clock. */
struct model *model_new(struct timers *timers, int64_t start_wall_ms);
void model_free(struct model *model);              /* watches must be freed before */
int64_t model_now_ms(const struct model *model);   /* the server's wall time */
uint64_t model_version(const struct model *model); /* the latest resourceVersion */

/* ---- the API server ---- */

struct model_request {
	const char *method;
	const char *path;         /* with its query */
	const char *content_type; /* may be NULL */
	const char *body;
	size_t length;
	const char *accept; /* may be NULL; "as=Table" is understood */
	uint64_t behind;    /* GET: answered from the state so many versions ago */
};

struct model_answer {
	int status;
	bool plain; /* text/plain, else application/json */
	struct strbuf body;
	const char *type;       /* another Content-Type than these two, or NULL; static text */
	struct strbuf warnings; /* texts for Warning headers, a line each */
};

#define MODEL_ANSWER_INIT                                                                          \
	{                                                                                          \
		0, false, STRBUF_INIT, NULL, STRBUF_INIT                                           \
	}
void model_answer_release(struct model_answer *answer);

/* Anything but a watch. The answer's body is replaced. */
void model_handle(struct model *model, const struct model_request *request,
		  struct model_answer *answer);
/* "podautoscalers/status default/hello": what a request is about, for traces. */
void model_describe(struct model *model, const struct model_request *request, struct strbuf *out);
/* A metav1.Status, as the API server would write it for that HTTP status. */
void model_status_body(int status, const char *message, struct strbuf *out);

bool model_is_watch(const char *path);

struct model_watch;

enum model_watch_got {
	WATCH_EVENT,    /* an object's event was put into line */
	WATCH_BOOKMARK, /* a bookmark, or the end of the initial events */
	WATCH_ERROR,    /* an ERROR event; the stream is over after it */
	WATCH_NOTHING,  /* nothing now */
	WATCH_OVER,     /* the server ends the stream */
};

/* NULL if refused: answer says how. */
struct model_watch *model_watch_open(struct model *model, const char *path,
				     struct model_answer *answer);
/* The same with an Accept header, which may ask for Tables; NULL: none. */
struct model_watch *model_watch_open_as(struct model *model, const char *path, const char *accept,
					struct model_answer *answer);
/* The next line, newline included, replaces line's text. */
enum model_watch_got model_watch_next(struct model_watch *watch, struct strbuf *line);
bool model_watch_pending(const struct model_watch *watch); /* would next give an event now? */
/* Until next has something to say even if nothing changes (bookmark, end of time). */
int64_t model_watch_wait_ms(const struct model_watch *watch);
void model_watch_free(struct model_watch *watch);

/* Called after each change of any object (one listener). */
void model_on_change(struct model *model, void (*changed)(void *ctx), void *ctx);
/* A stand-in or the garbage collector has something to do within a second. */
bool model_busy(const struct model *model);

/* ---- as kubectl would; texts are YAML or JSON; a refusal ends the program with its text ---- */

/* Many documents: created, or replaced but for their status (a status on creation is kept). */
void model_apply(struct model *model, const char *yaml);
/* plural: "scaledobjects", ... ("services.serving": Knative's). NULL if absent. Valid until the
 * object's next change. */
const struct json *model_get(struct model *model, const char *plural, const char *ns,
			     const char *name);
/* Fine if absent. */
void model_delete(struct model *model, const char *plural, const char *ns, const char *name);
/* An RFC 7386 merge patch by somebody else than the controller. status: the subresource. */
void model_patch(struct model *model, const char *plural, const char *ns, const char *name,
		 bool status, const char *patch);
void model_patchf(struct model *model, const char *plural, const char *ns, const char *name,
		  bool status, const char *format, ...) PRINTF_LIKE(6, 7);
size_t model_count(struct model *model, const char *plural);
/* A condition of status.conditions as "True Reason: message", "True", or "" if there is none.
 * Valid until the next call of the kind. */
const char *model_condition(struct model *model, const char *plural, const char *ns,
			    const char *name, const char *type);
/* Events recorded about an object, "Warning InvalidAnnotation: text" a line, oldest first. Valid
 * until the next call. */
const char *model_events(struct model *model, const char *kind, const char *ns, const char *name);

/* ---- the other controllers ---- */

/* A ksvc's chain as Knative makes it: Service, Configuration, Revision, Deployment; the
 * PodAutoscaler follows. annotations: "name=value" lines, bare names standing for
 * autoscaling.knative.dev/name; the class is hpa unless given. */
void model_revision(struct model *model, const char *ns, const char *name, const char *annotations);
/* Of the Revision; the PodAutoscaler follows. A line "name-" removes one. */
void model_annotate(struct model *model, const char *ns, const char *name, const char *annotations);
/* "active" (Reachable), "reserve" (Unreachable), "pending". A fresh revision is pending and is
 * made active once it is ready. */
void model_route(struct model *model, const char *ns, const char *name, const char *state);

void model_keda_installed(struct model *model, bool installed); /* the CRD; its objects go too */
void model_keda_running(struct model *model, bool running);     /* operator and webhook */
void model_knative_running(struct model *model, bool running);
void model_hpa_running(struct model *model, bool running);
/* Writes of that plural ("podautoscalers/status" for the subresource) are answered with this
 * status and text; text NULL: no longer. Not those of the model's own controllers. */
void model_refuse(struct model *model, const char *plural, int status, const char *text);
/* KEDA's admission refuses ScaledObjects. A 403 gets the webhook's prefix. */
void model_keda_refuses(struct model *model, int status, const char *text);
/* KEDA's Ready False with that text for every ScaledObject, and no HPA (NULL: no longer). */
void model_keda_fails(struct model *model, const char *text);
/* What the prometheus triggers of that namespace see (0 at first); NAN: source unreachable. */
void model_set_metric(struct model *model, const char *ns, double value);
/* The same for those alone whose query names that series as a word; it comes first. */
void model_set_series(struct model *model, const char *ns, const char *name, double value);
/* Usage per pod in percent of the request, for cpu and memory (0 at first); NAN: no metrics. */
void model_set_usage(struct model *model, const char *ns, double percent);
/* How often the HPA controller looks at each HPA, 15 s at first; the first time a period from now.
 */
void model_hpa_sync_period(struct model *model, int64_t ms);
/* From Deployment replicas to ready ones, 1 s at first; below 0: they never start. */
void model_pods_start_after(struct model *model, int64_t ms);

/* ---- the API server's switches ---- */

void model_watch_list_offered(struct model *model, bool offered);
void model_compact(struct model *model); /* watches from older versions get 410 */
void model_namespace_terminating(struct model *model, const char *ns, bool terminating);

#endif
