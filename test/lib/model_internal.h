/*
 * What the files of the model share: versions of objects, resources with their history, writes,
 * and the interface of the stand-ins. Only test/lib/model*.c and *_model.c include this.
 *
 * Invariant: a version is immutable; every change makes a new one with the next number of one
 * counter, appends it to its resource's history, and tells the stand-ins and the listener.
 */
#ifndef TEST_LIB_MODEL_INTERNAL_H
#define TEST_LIB_MODEL_INTERNAL_H

#include <stdio.h>

#include "pkg/base/check.h"
#include "pkg/base/table.h"
#include "test/lib/model.h"

struct kind {
	const char *id; /* what model_get calls it */
	const char *group, *version, *plural, *name;
	bool builtin;    /* compiled into the API server: items of a list carry no kind */
	bool has_status; /* status subresource */
	bool has_generation;
	bool cluster; /* not namespaced */
};

struct model;
struct resource;
struct desk;

struct version {
	unsigned refs;
	struct resource *resource;
	uint64_t number;
	struct arena *arena; /* all below, and itself */
	struct json *value;
	const char *ns, *name, *uid, *key; /* key: "ns/name" */
	const char *text;                  /* compact JSON, made when first asked for */
	size_t length;
	bool detached; /* of a dry run: one reference, the asker's */
};

enum change_type { CHANGE_ADDED, CHANGE_MODIFIED, CHANGE_DELETED };

struct change {
	enum change_type type;
	int64_t at_ms;
	struct version *version;
};

struct resource {
	struct kind kind;
	bool absent;           /* its CRD is not installed */
	struct table *objects; /* key -> struct version, one reference */
	struct change *history;
	size_t count, cap;
	uint64_t compacted; /* up to here history is forgotten */
};

/* A stand-in for another controller: react maps a change to the key that it concerns (by
 * desk_later), sync looks at a key, level-triggered. */
struct stand_in {
	const char *name;
	void (*react)(struct model *model, struct desk *desk, const struct change *change);
	void (*sync)(struct model *model, struct desk *desk, const char *ns, const char *name);
};

struct desk {
	struct model *model;
	const struct stand_in *what;
	bool running;
	struct table *items; /* "ns/name" -> struct item */
	struct table *state; /* "ns/name" -> malloced memory of the stand-in's own */
};

enum desk_id {
	DESK_KNATIVE,
	DESK_KEDA,
	DESK_HPA,
	DESK_DEPLOYMENT,
	DESK_SERVICE, /* Knative's too, as are the two below */
	DESK_CONFIGURATION,
	DESK_ROUTE,
	DESK_COUNT
};
extern const struct stand_in knative_stand_in, keda_stand_in, hpa_stand_in, deployment_stand_in,
    service_stand_in, configuration_stand_in, route_stand_in;

#define MAX_REFUSALS 8
#define RESOURCE_COUNT 13

struct model {
	struct timers *timers;
	int64_t start_wall_ms, start_mono_ms;
	uint64_t version, uids;
	struct resource resources[RESOURCE_COUNT];
	struct table *live;     /* uid -> struct version of every object that is there; borrowed */
	struct timer collector; /* garbage: dependents whose owners are all gone */
	struct desk desks[DESK_COUNT];
	void (*changed)(void *ctx);
	void *changed_ctx;
	/* sees each change before anybody else; before is NULL for a new object */
	void (*audit)(void *ctx, enum change_type type, const struct version *before,
		      const struct version *after);
	void *audit_ctx;
	struct {
		char *plural, *text;
		int status;
	} refusals[MAX_REFUSALS];
	char *keda_failure;
	struct table *metrics, *usage; /* ns -> malloced double */
	struct table *series;          /* ns/name -> malloced double */
	struct table *terminating;     /* ns -> any */
	int64_t pods_start_ms, hpa_sync_ms;
	bool no_watch_list;
	struct strbuf scratch; /* what model_events and model_condition answer */
};

/* ---- model.c ---- */
struct resource *model_resource(struct model *model, const char *id); /* a CHECK if unknown */
struct version *model_find(struct model *model, const char *id, const char *ns, const char *name);
struct version *version_in(struct resource *resource, const char *ns, const char *name);
/* Takes over arena and value (inside it); sets resourceVersion, commits. */
struct version *model_commit(struct model *model, struct resource *resource, enum change_type type,
			     struct arena *arena, struct json *value);
/* One reference, the caller's; takes over arena and value. Commits nothing. */
struct version *version_make(struct resource *resource, uint64_t number, struct arena *arena,
			     struct json *value);
void version_unref(struct version *version);
const char *version_text(struct version *version);
void model_qualified(const struct kind *kind, struct strbuf *out); /* "scaledobjects.keda.sh" */
const char *model_key(struct arena *arena, const char *ns, const char *name);

/* ---- model_write.c: as the API server does them; err carries status and message ---- */
enum patch_type { PATCH_MERGE, PATCH_JSON, PATCH_STRATEGIC };

/* What a Status tells beside its message. */
struct refusal {
	bool webhook;         /* no details at all */
	bool nameless;        /* causes alone */
	struct strbuf causes; /* members of details.causes, "{...},{...}" */
};

struct write {
	bool status; /* the subresource */
	bool strict;
	bool own; /* by a stand-in or kubectl: no refusals, no admission */
	const char *manager;
	enum patch_type patch;
	bool dry_run;            /* nothing is committed; *out is detached */
	struct strbuf *warnings; /* gets a line for each unknown field; NULL: none wanted */
	struct refusal *refusal; /* NULL: nobody asks */
	bool patching;           /* set by model_do_patch */
};

struct deletion {
	const char *uid, *version; /* preconditions, or NULL */
	const char *policy;        /* "Foreground", "Background", "Orphan"; NULL: Background */
	bool dry_run;
};

MUST_CHECK bool model_do_create(struct model *model, struct resource *resource, const char *ns,
				const struct json *body, const struct write *how,
				struct version **out, struct error *err);
/* value: the whole new object. */
MUST_CHECK bool model_do_replace(struct model *model, struct version *old, const struct json *value,
				 const struct write *how, struct version **out, struct error *err);
MUST_CHECK bool model_do_patch(struct model *model, struct version *old, const struct json *patch,
			       const struct write *how, struct version **out, struct error *err);
bool api_conflict(struct error *err, const struct version *old, const char *why);
bool api_error(struct error *err, enum error_kind kind, int status, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* ---- model_delete.c ---- */
/* uid, version: preconditions or NULL. *out is NULL when the object is really gone. */
MUST_CHECK bool model_do_delete(struct model *model, struct version *old, const char *uid,
				const char *version, struct version **out, struct error *err);
MUST_CHECK bool model_do_delete_as(struct model *model, struct version *old,
				   const struct deletion *how, struct version **out,
				   struct error *err);
/* The garbage collector and the namespace controller: one look at everything. */
void model_collect(void *ctx);
/* The collector must look after this change. */
bool collector_concerned(struct model *model, enum change_type type, const struct version *version);

/* ---- model_json_patch.c, model_strategic.c ---- */
/* ERROR_INVALID with the API server's status; *out lives in the arena. */
MUST_CHECK bool json_patch_apply(struct arena *arena, const struct json *target,
				 const struct json *patch, const struct json **out,
				 struct error *err);
const struct json *strategic_apply(struct arena *arena, const struct json *target,
				   const struct json *patch);

/* ---- model_select.c ---- */
struct term;

struct selection {                           /* what a list or watch is about; texts in an arena */
	struct resource *resource;           /* NULL: the server does not know it */
	const char *ns, *name, *subresource; /* NULL: all, none */
	const char *query;                   /* without "?" */
	struct term *fields, *labels;        /* selectors; NULL: none */
	struct refusal *refusal;             /* of the write at hand; NULL: none */
};

/* False with err set (400) for a path that is none of the API's or a selector it cannot read. */
MUST_CHECK bool selection_parse(struct model *model, const char *path, struct arena *arena,
				struct selection *out, struct error *err);
bool selection_has(const struct selection *selection, const struct version *version);
const char *query_text(const char *query, const char *key, struct arena *arena); /* decoded */
bool query_true(const char *query, const char *key);
int64_t query_int(const char *query, const char *key);
/* Into decoded segments at "/", max of them at most. */
size_t path_split(struct arena *arena, const char *path, const char **segments, size_t max);

/* ---- model_list.c ---- */
void list_handle(struct model *model, const struct selection *selection,
		 const struct model_request *request, struct arena *arena,
		 struct model_answer *answer);
/* The object of the selection's name as it was `behind` versions ago; NULL if absent. Borrowed. */
struct version *version_behind(struct model *model, const struct selection *selection,
			       uint64_t behind);
int version_by_key(const void *a, const void *b); /* for qsort */
/* What an object was before the change at index of history; NULL if history does not tell. */
struct version *version_before(const struct resource *resource, size_t index);

/* ---- model_table.c ---- */
bool table_wanted(const char *accept);
/* columnDefinitions and rows, as the end of an object that was begun. */
void table_write(struct model *model, const struct selection *selection, struct version **found,
		 size_t count, bool with_columns, struct strbuf *out);
/* A whole Table of one row, with a newline. */
void table_write_one(struct model *model, const struct selection *selection,
		     struct version *version, bool with_columns, struct strbuf *out);

/* ---- model_discovery.c ---- */
/* /api, /apis, /version, /openapi, health; false if the path is none of these. */
bool discovery_handle(struct model *model, const struct model_request *request,
		      struct model_answer *answer);

/* ---- model_http.c ---- */
void answer_error(struct model_answer *answer, const struct selection *selection,
		  const struct error *err);

/* ---- model_protobuf.c ---- */
/* 415 for kinds that it cannot read, 400 for broken bytes; *out lives in the arena. */
MUST_CHECK bool protobuf_read(const struct kind *kind, struct arena *arena, const char *body,
			      size_t length, struct json **out, struct error *err);

/* ---- model_schema.c ---- */
/* Unknown fields: refused if strict, else dropped (and told of as warnings); then types, bounds,
 * required, defaults. */
MUST_CHECK bool schema_admit(const struct kind *kind, struct arena *arena, struct json *value,
			     const struct write *how, struct error *err);

/* ---- model_meta.c ---- */
/* path: how errors name it, "metadata". */
MUST_CHECK bool meta_fits(const struct kind *kind, const char *path, const struct json *meta,
			  struct error *err);
MUST_CHECK bool meta_admit(const struct kind *kind, const struct json *value, struct error *err);

/* ---- keda_model_webhook.c ---- */
MUST_CHECK bool keda_admit(struct model *model, const struct json *so, struct error *err);

/* ---- keda_model_metrics.c ---- */
/* What KEDA's metrics adapter answers for one metric of an HPA; NAN: it cannot be read. */
double keda_metric(struct model *model, const char *ns, const struct json *external);

/* ---- knative_model_webhook.c ---- */
/* Of a write by somebody else than a controller: sets defaults in value, judges it. */
MUST_CHECK bool knative_admit(struct model *model, struct resource *resource, struct arena *arena,
			      struct json *value, struct error *err);

/* ---- model_desk.c ---- */
void desk_init(struct model *model, enum desk_id id, const struct stand_in *what);
void desk_release(struct desk *desk);
/* Looks at the key in ms; an earlier appointment stays. */
void desk_later(struct desk *desk, const char *ns, const char *name, int64_t ms);
void desk_react(struct model *model, const struct change *change);
void desk_run(struct desk *desk, bool running); /* looks at everything when it starts */
bool desk_busy(const struct desk *desk);
/* The stand-in's memory of that key, zeroed at first. */
void *desk_state(struct desk *desk, const char *ns, const char *name, size_t size);
void desk_forget(struct desk *desk, const char *ns, const char *name);

/* ---- model_user.c ---- */
double model_value(const struct table *values, const char *ns);
/* Adds a condition to array; its lastTransitionTime is the one in old while the status stays. */
void model_add_condition(struct model *model, struct arena *arena, struct json *array,
			 const struct json *old, const char *type, const char *status,
			 const char *reason, const char *message);
const char *model_condition_status(const struct json *object, const char *type); /* or "" */
/* Patch by a stand-in, as a value: the object must be there; conflicts cannot happen. */
void model_write_status(struct model *model, struct version *old, struct arena *arena,
			struct json *status);
const char *model_time(struct model *model, struct arena *arena);

#endif
