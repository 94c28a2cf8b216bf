/*
 * Requests as text: bodies in; objects and metav1.Status out. Paths and queries are read in
 * model_select.c, lists written in model_list.c, watches in model_watch.c.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/model_internal.h"

#define MAX_BODY (8u << 20)

static const char *const reasons[] = {
    [ERROR_NONE] = "",
    [ERROR_NOT_FOUND] = "NotFound",
    [ERROR_ALREADY_EXISTS] = "AlreadyExists",
    [ERROR_CONFLICT] = "Conflict",
    [ERROR_GONE] = "Expired",
    [ERROR_UNAUTHORIZED] = "Unauthorized",
    [ERROR_FORBIDDEN] = "Forbidden",
    [ERROR_DENIED] = "Forbidden",
    [ERROR_INVALID] = "Invalid",
    [ERROR_THROTTLED] = "TooManyRequests",
    [ERROR_TRANSIENT] = "InternalError",
    [ERROR_FATAL] = "InternalError",
};

static const char *reason_of(int status, enum error_kind kind)
{
	switch (status) {
	case 400:
		return "BadRequest";
	case 405:
		return "MethodNotAllowed";
	case 406:
		return "NotAcceptable";
	case 413:
		return "RequestEntityTooLarge";
	case 415:
		return "UnsupportedMediaType";
	case 503:
		return "ServiceUnavailable";
	case 504:
		return "Timeout";
	default:
		return reasons[kind];
	}
}

/* Where nobody told the causes: the one that the message names behind "is invalid: ". */
static void add_told_cause(struct arena *arena, struct json *details, const char *message)
{
	static const struct {
		const char *begins, *reason;
	} reasons_of[] = {{"Required value", "FieldValueRequired"},
			  {"Unsupported value", "FieldValueNotSupported"},
			  {"Forbidden", "FieldValueForbidden"},
			  {"", "FieldValueInvalid"}};
	const char *told = strstr(message, "\" is invalid: ");
	const char *colon = told ? strstr(told + 14, ": ") : NULL;
	size_t i = 0;
	if (!colon)
		return;
	while (strncmp(colon + 2, reasons_of[i].begins, strlen(reasons_of[i].begins)) != 0)
		i++;
	struct json *list = json_array(arena), *cause = json_object(arena);
	json_set_text(arena, cause, "reason", reasons_of[i].reason);
	json_set_text(arena, cause, "message", colon + 2);
	json_set_text(arena, cause, "field",
		      arena_strndup(arena, told + 14, (size_t)(colon - told) - 14));
	json_append(arena, list, cause);
	json_set(arena, details, "causes", list);
}

/* The kind of something invalid is its Kind, of anything else its resource. */
static void add_details(struct arena *arena, struct json *body, int status, const char *message,
			const struct selection *selection)
{
	const struct refusal *refusal = selection->refusal;
	const struct kind *kind = &selection->resource->kind;
	/* apimachinery's NewBadRequest knows no details. */
	if ((refusal && refusal->webhook) || status == 400)
		return;
	struct json *details = json_ensure_object(arena, body, "details");
	if (!refusal || !refusal->nameless) {
		if (selection->name)
			json_set_text(arena, details, "name", selection->name);
		if (kind->group[0])
			json_set_text(arena, details, "group", kind->group);
		json_set_text(arena, details, "kind", status == 422 ? kind->name : kind->plural);
	}
	CLEANUP(strbuf_release) struct strbuf causes = STRBUF_INIT;
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const struct json_limits limits = {.max_bytes = MAX_BODY, .max_depth = 8};
	struct json *list;
	strbuf_addf(&causes, "[%s]", refusal ? refusal->causes.buf : "");
	if (json_parse(causes.buf, causes.len, &limits, arena, &list, &err) && json_count(list))
		json_set(arena, details, "causes", list);
	else if (status == 422)
		add_told_cause(arena, details, message);
}

static void write_status(int status, const char *reason, const char *message,
			 const struct selection *selection, struct strbuf *out)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *body = json_object(arena);
	json_set_text(arena, body, "kind", "Status");
	json_set_text(arena, body, "apiVersion", "v1");
	json_set(arena, body, "metadata", json_object(arena));
	json_set_text(arena, body, "status", "Failure");
	json_set_text(arena, body, "message", message);
	json_set_text(arena, body, "reason", reason);
	if (selection && selection->resource)
		add_details(arena, body, status, message, selection);
	json_set_int(arena, body, "code", status);
	json_write(body, out);
	strbuf_addch(out, '\n');
}

void model_status_body(int status, const char *message, struct strbuf *out)
{
	static const struct {
		int status;
		enum error_kind kind;
	} known[] = {{401, ERROR_UNAUTHORIZED}, {403, ERROR_FORBIDDEN}, {404, ERROR_NOT_FOUND},
		     {409, ERROR_CONFLICT},     {410, ERROR_GONE},      {422, ERROR_INVALID},
		     {429, ERROR_THROTTLED}};
	enum error_kind kind = ERROR_TRANSIENT;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].status == status)
			kind = known[i].kind;
	write_status(status, reason_of(status, kind), message, NULL, out);
}

void answer_error(struct model_answer *answer, const struct selection *selection,
		  const struct error *err)
{
	strbuf_reset(&answer->body);
	answer->status = err->status;
	answer->plain = false;
	write_status(err->status, reason_of(err->status, err->kind), error_text(err), selection,
		     &answer->body);
}

/* ---- one request ---- */

static bool read_body(const struct model_request *request, struct arena *arena, struct json **out,
		      struct error *err)
{
	struct json_limits limits = {.max_bytes = MAX_BODY, .max_depth = 64};
	CLEANUP(error_clear) struct error why = ERROR_INIT;
	if (json_parse(request->body ? request->body : "", request->length, &limits, arena, out,
		       &why))
		return true;
	return api_error(err, ERROR_INVALID, 400, "the body is no JSON: %s", error_text(&why));
}

static bool find(const struct selection *selection, struct version *found, struct version **out,
		 struct error *err)
{
	CLEANUP(strbuf_release) struct strbuf what = STRBUF_INIT;
	*out = found;
	if (found)
		return true;
	model_qualified(&selection->resource->kind, &what);
	return api_error(err, ERROR_NOT_FOUND, 404, "%s \"%s\" not found", what.buf,
			 selection->name);
}

static bool find_old(const struct selection *selection, struct version **old, struct error *err)
{
	return find(selection, version_in(selection->resource, selection->ns, selection->name), old,
		    err);
}

static bool type_is(const char *content_type, const char *type)
{
	size_t length = strlen(type);
	return strncasecmp(content_type, type, length) == 0 &&
	       (!content_type[length] || strchr("; ", content_type[length]));
}

#define ACCEPTED "the body of the request was in an unknown format - accepted media types include: "

/* JSON but for kubectl's own `create` commands, which send protobuf. */
static bool read_object(const struct selection *selection, const struct model_request *request,
			struct arena *arena, struct json **out, struct error *err)
{
	const char *type = request->content_type;
	if (type && type_is(type, "application/vnd.kubernetes.protobuf"))
		return protobuf_read(&selection->resource->kind, arena, request->body,
				     request->length, out, err);
	if (type && !type_is(type, "application/json"))
		return api_error(err, ERROR_INVALID, 415, ACCEPTED "application/json");
	return read_body(request, arena, out, err) &&
	       (json_is(*out, JSON_OBJECT) || api_error(err, ERROR_INVALID, 400,
							"couldn't get version/kind: the body is no "
							"object"));
}

static bool read_patch_type(const struct kind *kind, const char *content_type, struct write *how,
			    struct error *err)
{
	static const char *const types[] = {[PATCH_MERGE] = "application/merge-patch+json",
					    [PATCH_JSON] = "application/json-patch+json",
					    [PATCH_STRATEGIC] =
						"application/strategic-merge-patch+json"};
	for (size_t i = 0; content_type && i < ARRAY_SIZE(types); i++) {
		how->patch = (enum patch_type)i;
		if (type_is(content_type, types[i]) && (i != PATCH_STRATEGIC || kind->builtin))
			return true;
	}
	return api_error(err, ERROR_INVALID, 415, ACCEPTED "%s, %s%s%s", types[PATCH_JSON],
			 types[PATCH_MERGE], kind->builtin ? ", " : "",
			 kind->builtin ? types[PATCH_STRATEGIC] : "");
}

static bool put_or_patch(struct model *model, const struct selection *selection,
			 const struct model_request *request, struct write *how,
			 struct arena *arena, struct version **out, struct error *err)
{
	struct json *body;
	struct version *old;
	bool patch = strcmp(request->method, "PATCH") == 0;
	how->status = selection->subresource && strcmp(selection->subresource, "status") == 0;
	if (patch && !read_patch_type(&selection->resource->kind, request->content_type, how, err))
		return false;
	if (!(patch ? read_body(request, arena, &body, err)
		    : read_object(selection, request, arena, &body, err)) ||
	    !find_old(selection, &old, err))
		return false;
	if (!patch)
		return model_do_replace(model, old, body, how, out, err);
	return model_do_patch(model, old, body, how, out, err);
}

static bool dry_run(const struct selection *selection, const struct json *options, bool *out,
		    struct error *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *text = query_text(selection->query, "dryRun", arena);
	const struct json *list = json_get(options, "dryRun");
	if (json_count(list))
		text = json_text_or(json_at(list, 0), "");
	*out = text && strcmp(text, "All") == 0;
	return !text || *out ||
	       api_error(err, ERROR_INVALID, 422,
			 "DeleteOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: "
			 "\"%s\": supported values: \"All\"",
			 text);
}

static bool read_policy(const struct selection *selection, const struct json *options,
			struct arena *arena, struct deletion *how, struct error *err)
{
	static const char *const known[] = {"Background", "Foreground", "Orphan"};
	const char *asked = query_text(selection->query, "propagationPolicy", arena);
	how->policy = json_text_or(json_get(options, "propagationPolicy"), asked);
	for (size_t i = 0; how->policy && i < ARRAY_SIZE(known); i++)
		if (strcmp(known[i], how->policy) == 0)
			return true;
	return !how->policy ||
	       api_error(
		   err, ERROR_INVALID, 422,
		   "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported "
		   "value: \"%s\": supported values: \"Background\", \"Foreground\", "
		   "\"Orphan\"",
		   how->policy);
}

static bool delete_one(struct model *model, const struct selection *selection,
		       const struct model_request *request, struct arena *arena,
		       struct version **out, struct error *err)
{
	struct json *body = NULL;
	struct version *old;
	struct deletion how = {0};
	if ((request->length && !read_body(request, arena, &body, err)) ||
	    !dry_run(selection, body, &how.dry_run, err) ||
	    !read_policy(selection, body, arena, &how, err) || !find_old(selection, &old, err))
		return false;
	const struct json *pre = json_get(body, "preconditions");
	how.uid = json_text(json_get(pre, "uid"));
	how.version = json_text(json_get(pre, "resourceVersion"));
	return model_do_delete_as(model, old, &how, out, err);
}

static bool read_how(const struct selection *selection, struct arena *arena, struct write *how,
		     struct model_answer *answer, struct error *err)
{
	const char *validation = query_text(selection->query, "fieldValidation", arena);
	how->manager = query_text(selection->query, "fieldManager", arena);
	how->refusal = selection->refusal;
	how->strict = validation && strcmp(validation, "Strict") == 0;
	how->warnings = !validation || strcmp(validation, "Warn") == 0 ? &answer->warnings : NULL;
	return dry_run(selection, NULL, &how->dry_run, err);
}

static bool handle_one(struct model *model, const struct selection *selection,
		       const struct model_request *request, struct arena *arena,
		       struct model_answer *answer, struct version **out, struct error *err)
{
	const char *method = request->method;
	struct json *body;
	struct write how = {0};
	bool unknown = selection->subresource && (strcmp(selection->subresource, "status") != 0 ||
						  !selection->resource->kind.has_status);
	if (unknown)
		return api_error(err, ERROR_NOT_FOUND, 404,
				 "the server could not find the requested resource");
	if (strcmp(method, "GET") == 0)
		return find(selection, version_behind(model, selection, request->behind), out, err);
	if (selection->name && strcmp(method, "DELETE") == 0)
		return delete_one(model, selection, request, arena, out, err);
	if (!read_how(selection, arena, &how, answer, err))
		return false;
	if (strcmp(method, "POST") == 0 && !selection->name)
		return read_object(selection, request, arena, &body, err) &&
		       model_do_create(model, selection->resource, selection->ns, body, &how, out,
				       err);
	if (selection->name && (strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0))
		return put_or_patch(model, selection, request, &how, arena, out, err);
	return api_error(err, ERROR_INVALID, 405,
			 "the server does not allow this method on the requested resource");
}

/* What was deleted at once is told by name and uid. */
static void write_deleted(const struct selection *selection, const char *uid, struct strbuf *out)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *body = json_object(arena);
	json_set_text(arena, body, "kind", "Status");
	json_set_text(arena, body, "apiVersion", "v1");
	json_set(arena, body, "metadata", json_object(arena));
	json_set_text(arena, body, "status", "Success");
	struct json *details = json_ensure_object(arena, body, "details");
	json_set_text(arena, details, "name", selection->name);
	if (selection->resource->kind.group[0])
		json_set_text(arena, details, "group", selection->resource->kind.group);
	json_set_text(arena, details, "kind", selection->resource->kind.plural);
	json_set_text(arena, details, "uid", uid);
	json_write(body, out);
}

static void write_answer(struct model *model, const struct selection *selection,
			 const struct model_request *request, struct version *out, const char *uid,
			 struct model_answer *answer)
{
	bool get = strcmp(request->method, "GET") == 0;
	answer->status = strcmp(request->method, "POST") == 0 ? 201 : 200;
	if (get && table_wanted(request->accept)) {
		table_write_one(model, selection, out, true, &answer->body);
		return;
	}
	if (out)
		strbuf_addstr(&answer->body, version_text(out));
	else
		write_deleted(selection, uid, &answer->body);
	strbuf_addch(&answer->body, '\n');
}

static const char *name_in_body(const struct model_request *request, struct arena *arena)
{
	CLEANUP(error_clear) struct error why = ERROR_INIT;
	struct json *body;
	return read_body(request, arena, &body, &why)
		   ? json_text(json_path(body, "metadata", "name", NULL))
		   : NULL;
}

static void answer_one(struct model *model, struct selection *selection,
		       const struct model_request *request, struct arena *arena,
		       struct model_answer *answer)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct refusal refusal = {.causes = STRBUF_INIT};
	struct version *out = NULL;
	struct version *old = selection->name
				  ? version_in(selection->resource, selection->ns, selection->name)
				  : NULL;
	/* What is deleted takes its texts along. */
	const char *uid = old ? arena_strdup(arena, old->uid) : "";
	selection->refusal = &refusal;
	bool ok = handle_one(model, selection, request, arena, answer, &out, &err);
	if (!ok && (err.status == 409 || err.status == 422) && !selection->name)
		selection->name = name_in_body(request, arena);
	if (!ok)
		answer_error(answer, selection, &err);
	strbuf_release(&refusal.causes);
	if (!ok)
		return;
	write_answer(model, selection, request, out, uid, answer);
	if (out && out->detached)
		version_unref(out);
}

static bool acceptable(const char *accept)
{
	return !accept || !accept[0] || strstr(accept, "application/json") ||
	       strstr(accept, "*/*") || strstr(accept, "application/*");
}

static void handle_resource(struct model *model, const struct model_request *request,
			    struct model_answer *answer)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct selection selection;
	if (!selection_parse(model, request->path, arena, &selection, &err)) {
		answer_error(answer, &selection, &err);
	} else if (!selection.resource) {
		answer->status = 404;
		answer->plain = true;
		strbuf_addstr(&answer->body, "404 page not found\n");
	} else if (!acceptable(request->accept)) {
		api_error(&err, ERROR_INVALID, 406,
			  "only the following media types are accepted: application/json");
		answer_error(answer, &selection, &err);
	} else if (strcmp(request->method, "GET") == 0 && !selection.name) {
		list_handle(model, &selection, request, arena, answer);
	} else {
		answer_one(model, &selection, request, arena, answer);
	}
}

void model_handle(struct model *model, const struct model_request *request,
		  struct model_answer *answer)
{
	strbuf_reset(&answer->body);
	strbuf_reset(&answer->warnings);
	answer->plain = false;
	answer->type = NULL;
	if (!discovery_handle(model, request, answer))
		handle_resource(model, request, answer);
}

void model_answer_release(struct model_answer *answer)
{
	strbuf_release(&answer->body);
	strbuf_release(&answer->warnings);
}

void model_describe(struct model *model, const struct model_request *request, struct strbuf *out)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const char *segment[10];
	struct selection selection;
	struct json *body = NULL;
	if (!selection_parse(model, request->path, arena, &selection, &err))
		return;
	const char *name = selection.name;
	if (!name && request->length && read_body(request, arena, &body, &err)) {
		const struct json *meta = json_get(body, "metadata");
		name = json_text(json_get(meta, "name"));
	}
	/* The plural as the path has it: the resource itself may be absent. */
	size_t count = path_split(arena, request->path, segment, ARRAY_SIZE(segment));
	size_t at = count && strcmp(segment[0], "apis") == 0 ? 3 : 2;
	at += selection.ns ? 2 : 0;
	strbuf_addstr(out, at < count ? segment[at] : "?");
	if (selection.subresource)
		strbuf_addf(out, "/%s", selection.subresource);
	strbuf_addf(out, " %s%s%s", selection.ns ? selection.ns : "", selection.ns ? "/" : "",
		    name ? name : "");
}
