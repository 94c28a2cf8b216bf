/*
 * struct cluster: the few objects that one decision is about, as JSON that a test edits, and the
 * API server's part of a pass: performs the steps that decide() names, with resourceVersions,
 * merge patches and faults. Nothing here scales or heals by itself; test/sim has the whole world.
 *
 * JSON in tests is written with ' for ", and bare annotation names stand for
 * autoscaling.knative.dev/NAME.
 */
#ifndef TEST_UNIT_HPA_CLUSTER_H
#define TEST_UNIT_HPA_CLUSTER_H

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/date.h"
#include "reconciler/hpa/decide.h"
#include "test/lib/test.h"

#define START_MS INT64_C(1767322800000) /* 2026-01-02T03:00:00Z */
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define CUSTOM "'metric':'m','target':'5','prometheus-query':'q'" /* scales to zero, unlike cpu */

struct fault {
	enum step_kind step; /* STEP_DONE: none */
	enum error_kind kind;
	const char *message;
	unsigned times; /* how often it strikes */
};

struct cluster {
	struct arena *arena;
	struct json *pa, *sks, *so, *hpa; /* NULL: not there */
	struct json *defaults;            /* merged into each written SO's spec, or NULL */
	bool hide_so;                     /* the cache does not see the ScaledObject */
	bool keda_installed, leader;
	const char *activators_why; /* NULL: they are read */
	struct config_autoscaler config;
	struct config_keda config_keda;
	struct learned *learned;
	struct memo memo;
	int64_t now_ms;
	int64_t version;
	struct fault fault;

	/* of the latest pass */
	char steps[256]; /* "create-sks create-so status", a failed one with "!" */
	unsigned writes;
	struct decision last;
	char notes[4096]; /* "Warning NoTraffic 7: text\n" */

	struct object *objects[4];
	struct view view;
};

static inline struct json *parse_json(struct arena *arena, const char *text)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	char *quoted = arena_strdup(arena, text);
	struct json *out = NULL;

	for (char *p = quoted; *p; p++)
		if (*p == '\'')
			*p = '"';
	if (!json_parse(quoted, strlen(quoted), NULL, arena, &out, &err))
		fprintf(stderr, "%s: %s\n", text, error_text(&err));
	CHECK(out);
	return out;
}

static inline struct json *J(const struct cluster *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline struct json *J(const struct cluster *c, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *text = arena_vprintf(c->arena, format, args);
	va_end(args);
	return parse_json(c->arena, text);
}

static inline const char *time_text(const struct cluster *c, int64_t ms)
{
	char *out = arena_alloc(c->arena, TIME_RFC3339_SIZE);
	time_format_rfc3339(ms, out);
	return out;
}

static inline void touch(struct cluster *c, struct json *object)
{
	json_set(c->arena, json_ensure_object(c->arena, object, "metadata"), "resourceVersion",
		 json_stringf(c->arena, "%" PRId64, ++c->version));
}

/* json_merge_apply shares parts with its input, which touch would then change. */
static inline struct json *merged(struct cluster *c, const struct json *object,
				  const struct json *patch)
{
	return json_copy(c->arena, json_merge_apply(c->arena, object, patch));
}

/* Merge patch by somebody else: J's arguments. */
#define edit(c, object, ...)                                                                       \
	do {                                                                                       \
		(object) = merged((c), (object), J((c), __VA_ARGS__));                             \
		touch((c), (object));                                                              \
	} while (0)

static inline void annotate(struct cluster *c, const char *annotations)
{
	struct json *given = J(c, "{%s}", annotations);
	struct json *metadata = json_ensure_object(c->arena, c->pa, "metadata");
	struct json *out = json_set(c->arena, metadata, "annotations", json_object(c->arena));

	json_set_text(c->arena, out, CLASS_ANNOTATION, CLASS_HPA);
	for (size_t i = 0; i < json_count(given); i++) {
		const char *key = given->members[i].key;
		if (!strchr(key, '/'))
			key = arena_printf(c->arena, "autoscaling.knative.dev/%s", key);
		json_set(c->arena, out, key, given->members[i].value);
	}
	touch(c, c->pa);
}

static inline void cluster_init(struct cluster *c, const char *annotations)
{
	*c = (struct cluster){.arena = arena_new(),
			      .keda_installed = true,
			      .leader = true,
			      .config = config_autoscaler_default,
			      .config_keda = config_keda_default,
			      .learned = learned_new(),
			      .now_ms = START_MS,
			      .version = 100};
	c->pa = J(c,
		  "{'apiVersion':'autoscaling.internal.knative.dev/v1alpha1',"
		  "'kind':'PodAutoscaler','metadata':{'name':'r','namespace':'ns','uid':'pa-1',"
		  "'generation':1,'creationTimestamp':'%s','labels':{"
		  "'serving.knative.dev/service':'s','serving.knative.dev/configuration':'c'}},"
		  "'spec':{'scaleTargetRef':{'apiVersion':'apps/v1','kind':'Deployment',"
		  "'name':'r-deployment'},'protocolType':'http1'}}",
		  time_text(c, START_MS));
	annotate(c, annotations);
}

static inline void drop_objects(struct cluster *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(c->objects); i++) {
		object_unref(c->objects[i]);
		c->objects[i] = NULL;
	}
}

static inline void cluster_release(struct cluster *c)
{
	drop_objects(c);
	memo_clear(&c->memo);
	learned_free(c->learned);
	arena_free(c->arena);
}

static inline struct object *decode(object_decode_fn *fn, const struct json *json)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct object *object = json ? fn(json, &err) : NULL;

	if (json && !object)
		fprintf(stderr, "decode: %s\n", error_text(&err));
	CHECK(!json || object);
	return object;
}

/* Fills c->view anew; answer, done and so_live stay. */
static inline void cluster_look(struct cluster *c)
{
	struct view *view = &c->view;

	drop_objects(c);
	c->objects[0] = decode(pod_autoscaler_decode, c->pa);
	c->objects[1] = decode(serverless_service_decode, c->sks);
	c->objects[2] = decode(scaled_object_decode, c->hide_so ? NULL : c->so);
	c->objects[3] = decode(hpa_decode, c->hpa);
	view->pa = (const struct pod_autoscaler *)c->objects[0];
	view->sks = (const struct serverless_service *)c->objects[1];
	view->so = (const struct scaled_object *)c->objects[2];
	view->hpa = (const struct hpa *)c->objects[3];
	view->keda_installed = c->keda_installed;
	view->leader = c->leader;
	view->activators_unread = c->activators_why != NULL;
	view->activators_why = c->activators_why;
	view->config = &c->config;
	view->config_keda = &c->config_keda;
	view->learned = c->learned;
	view->now_ms = c->now_ms;
	view->memo = &c->memo;
}

/* One decision on the objects as they are; its memo is kept. */
static inline void cluster_decide(struct cluster *c)
{
	cluster_look(c);
	decide(&c->view, c->arena, &c->last);
	memo_copy(&c->memo, &c->last.memo);
}

/* ---- the API server ---- */

static inline const char *version_of(const struct json *object)
{
	return json_text_or(json_path(object, "metadata", "resourceVersion", NULL), "");
}

static inline void create(struct cluster *c, struct json **slot, const char *uid)
{
	struct json *object = json_copy(c->arena, c->last.body);
	struct json *metadata = json_ensure_object(c->arena, object, "metadata");

	json_set(c->arena, metadata, "uid", json_stringf(c->arena, "%s-%" PRId64, uid, c->version));
	json_set_int(c->arena, metadata, "generation", 1);
	json_set_text(c->arena, metadata, "creationTimestamp", time_text(c, c->now_ms));
	*slot = object;
	touch(c, object);
}

static inline bool patch(struct cluster *c, struct json **slot)
{
	if (!*slot || strcmp(version_of(*slot), version_of(c->last.body)) != 0)
		return false;
	*slot = merged(c, *slot, c->last.body);
	touch(c, *slot);
	return true;
}

static inline void add_defaults(struct cluster *c)
{
	if (c->defaults && c->so)
		c->so = merged(c, c->so, c->defaults);
}

static inline enum error_kind perform(struct cluster *c)
{
	switch (c->last.step) {
	case STEP_CREATE_SKS:
		create(c, &c->sks, "sks");
		return ERROR_NONE;
	case STEP_PATCH_SKS:
		return patch(c, &c->sks) ? ERROR_NONE : ERROR_CONFLICT;
	case STEP_CREATE_SO:
		if (c->so)
			return ERROR_ALREADY_EXISTS;
		create(c, &c->so, "so");
		add_defaults(c);
		return ERROR_NONE;
	case STEP_GET_SO:
		return c->so ? ERROR_NONE : ERROR_NOT_FOUND;
	case STEP_PATCH_SO:
		if (!patch(c, &c->so))
			return ERROR_CONFLICT;
		add_defaults(c);
		return ERROR_NONE;
	case STEP_DELETE_SO:
		c->so = NULL;
		return ERROR_NONE;
	case STEP_PATCH_STATUS:
		return patch(c, &c->pa) ? ERROR_NONE : ERROR_CONFLICT;
	case STEP_DONE:
		break;
	}
	abort();
}

static inline bool is_write(enum step_kind step)
{
	return step != STEP_DONE && step != STEP_GET_SO;
}

static inline void append(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline void append(char *out, size_t size, const char *format, ...)
{
	size_t length = strlen(out);
	va_list args;
	va_start(args, format);
	vsnprintf(out + length, size - length, format, args);
	va_end(args);
}

static inline void record_notes(struct cluster *c)
{
	for (size_t i = 0; i < c->last.note_count; i++) {
		const struct note *note = &c->last.notes[i];
		append(c->notes, sizeof(c->notes), "%s %s %u: %s\n",
		       note->warning ? "Warning" : "Normal", note->reason, note->targets,
		       note->message);
	}
}

static inline void learn(struct cluster *c, const struct json *before)
{
	const struct json *sent = json_get(c->last.body, "spec");

	if (c->last.step == STEP_PATCH_SO)
		sent = json_get(json_merge_apply(c->arena, before, c->last.body), "spec");
	if (c->last.step == STEP_CREATE_SO || c->last.step == STEP_PATCH_SO)
		learned_from(c->learned, sent, json_get(c->so, "spec"));
}

/* Performs the step that was decided, or the fault; tells the next view. */
static inline enum error_kind cluster_step(struct cluster *c)
{
	static const char *const names[] = {"done",   "create-sks", "patch-sks", "create-so",
					    "get-so", "patch-so",   "delete-so", "status"};
	const struct json *before = c->so;
	enum step_kind step = c->last.step;
	enum error_kind kind;

	if (c->fault.step == step && c->fault.times > 0) {
		c->fault.times--;
		kind = c->fault.kind;
	} else {
		kind = perform(c);
	}
	append(c->steps, sizeof(c->steps), "%s%s%s", c->steps[0] ? " " : "", names[step],
	       kind ? "!" : "");
	c->writes += is_write(step);
	if (kind == ERROR_NONE)
		learn(c, before);
	c->view.done |= kind == ERROR_NONE ? 1U << step : 0;
	c->view.answer = (struct answer){kind ? step : STEP_DONE, kind, c->fault.message, 0};
	if (step == STEP_GET_SO || step == STEP_PATCH_SO || step == STEP_CREATE_SO)
		c->view.so_live = kind ? NULL : c->so;
	return kind;
}

/* A whole pass, as the shell runs it; false: it found no end. */
static inline bool cluster_pass(struct cluster *c)
{
	c->view = (struct view){0};
	c->steps[0] = c->notes[0] = 0;
	c->writes = 0;
	for (unsigned i = 0; i <= DECIDE_MAX_STEPS; i++) {
		bool degraded = c->memo.degraded_told, unknown = c->memo.unknown_told;
		bool unread = c->memo.unread_told;
		cluster_decide(c);
		if (c->last.step == STEP_DONE) {
			record_notes(c);
			return true;
		}
		enum error_kind kind = cluster_step(c);
		if (c->last.step != STEP_PATCH_STATUS)
			continue;
		if (kind == ERROR_NONE) {
			record_notes(c);
			return true;
		}
		c->memo.degraded_told = degraded; /* the notes were not recorded */
		c->memo.unknown_told = unknown;
		c->memo.unread_told = unread;
	}
	return false;
}

/* ---- what others do ---- */

static inline void sks_becomes_ready(struct cluster *c)
{
	edit(c, c->sks,
	     "{'status':{'observedGeneration':1,'serviceName':'r','privateServiceName':"
	     "'r-private','conditions':[{'type':'Ready','status':'True'}]}}");
}

static inline void sks_loses_endpoints(struct cluster *c)
{
	edit(c, c->sks, "{'status':{'conditions':[{'type':'Ready','status':'Unknown'}]}}");
}

/* An HPA that KEDA made for the ScaledObject; no status yet. */
static inline void hpa_appears(struct cluster *c)
{
	c->hpa = J(c,
		   "{'metadata':{'name':'r','namespace':'ns','uid':'hpa-1','ownerReferences':[{"
		   "'apiVersion':'keda.sh/v1alpha1','kind':'ScaledObject','name':'r','uid':'%s',"
		   "'controller':true}]},'spec':{'scaleTargetRef':{'name':'r-deployment'}}}",
		   json_text_or(json_path(c->so, "metadata", "uid", NULL), ""));
	touch(c, c->hpa);
}

/* scaling: "True", "False ScalingDisabled", ... */
static inline void hpa_says(struct cluster *c, const char *scaling, int current, int desired)
{
	char status[16] = "";
	const char *reason = strchr(scaling, ' ');

	snprintf(status, sizeof(status), "%.*s",
		 (int)(reason ? reason - scaling : (ptrdiff_t)strlen(scaling)), scaling);
	edit(c, c->hpa,
	     "{'status':{'currentReplicas':%d,'desiredReplicas':%d,'conditions':[{"
	     "'type':'ScalingActive','status':'%s','reason':'%s','message':'words'}]}}",
	     current, desired, status, reason ? reason + 1 : "");
}

static inline void so_says(struct cluster *c, const char *status)
{
	edit(c, c->so, "{'status':%s}", status);
}

/* First pass, SKS ready, HPA there and scaling: Ready. */
static inline void becomes_ready(struct cluster *c, int pods)
{
	EXPECT(cluster_pass(c));
	sks_becomes_ready(c);
	hpa_appears(c);
	hpa_says(c, "True", pods, pods);
	EXPECT(cluster_pass(c));
}

/* ---- what a test asks ---- */

static inline const struct json *pa_condition(const struct cluster *c, const char *type)
{
	const struct json *list = json_path(c->pa, "status", "conditions", NULL);

	for (size_t i = 0; i < json_count(list); i++)
		if (strcmp(json_text_or(json_get(json_at(list, i), "type"), ""), type) == 0)
			return json_at(list, i);
	return NULL;
}

/* "False InvalidAnnotation", "True " */
static inline const char *says(const struct cluster *c, const char *type)
{
	const struct json *condition = pa_condition(c, type);

	return arena_printf(c->arena, "%s %s", json_text_or(json_get(condition, "status"), "-"),
			    json_text_or(json_get(condition, "reason"), ""));
}

static inline const char *message_of(const struct cluster *c, const char *type)
{
	return json_text_or(json_get(pa_condition(c, type), "message"), "");
}

#define EXPECT_ACTIVE(c, want) EXPECT_TEXT(says((c), CONDITION_ACTIVE), (want))
#define EXPECT_STEPS(c, want) EXPECT_TEXT((c)->steps, (want))

#endif
