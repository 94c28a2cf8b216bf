/*
 * Requests as text: paths, queries, bodies in; objects, lists and metav1.Status out. Watches are
 * in model_watch.c.
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
	if (selection && selection->resource) {
		struct json *details = json_ensure_object(arena, body, "details");
		if (selection->name)
			json_set_text(arena, details, "name", selection->name);
		json_set_text(arena, details, "group", selection->resource->kind.group);
		json_set_text(arena, details, "kind", selection->resource->kind.plural);
	}
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

/* ---- paths and queries ---- */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static char *decoded(struct arena *arena, const char *text, size_t length)
{
	char *out = arena_alloc(arena, length + 1);
	size_t used = 0;
	for (size_t i = 0; i < length; i++) {
		bool escape = text[i] == '%' && i + 2 < length && hex_digit(text[i + 1]) >= 0 &&
			      hex_digit(text[i + 2]) >= 0;
		if (escape) {
			out[used++] = (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
			i += 2;
		} else {
			out[used++] = text[i];
		}
	}
	return out;
}

const char *query_text(const char *query, const char *key, struct arena *arena)
{
	size_t length = strlen(key);
	for (const char *at = query; at && *at;) {
		const char *end = strchrnul(at, '&');
		if (strncmp(at, key, length) == 0 && at[length] == '=')
			return decoded(arena, at + length + 1, (size_t)(end - at) - length - 1);
		at = *end ? end + 1 : end;
	}
	return NULL;
}

bool query_true(const char *query, const char *key)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *text = query_text(query, key, arena);
	return text && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0);
}

int64_t query_int(const char *query, const char *key)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *text = query_text(query, key, arena);
	return text ? strtoll(text, NULL, 10) : 0;
}

bool model_is_watch(const char *path)
{
	const char *query = strchr(path, '?');
	return query && query_true(query + 1, "watch");
}

/* Into segments at "/"; the count is at most max. */
static size_t split(struct arena *arena, const char *path, const char **segments, size_t max)
{
	size_t count = 0;
	const char *end = path + strcspn(path, "?");
	while (path < end && count < max) {
		path += *path == '/';
		const char *next = memchr(path, '/', (size_t)(end - path));
		next = next ? next : end;
		segments[count++] = decoded(arena, path, (size_t)(next - path));
		path = next;
	}
	return count;
}

static bool parse_selectors(struct selection *out, struct arena *arena, struct error *err)
{
	const char *fields = query_text(out->query, "fieldSelector", arena);
	const char *labels = query_text(out->query, "labelSelector", arena);
	if (fields && strncmp(fields, "metadata.name=", 14) != 0)
		return api_error(err, ERROR_INVALID, 400,
				 "Unable to find \"%s\" that match label selector \"\", field "
				 "selector \"%s\": field label not supported",
				 out->resource ? out->resource->kind.plural : "", fields);
	if (fields)
		out->field_name = fields + 14;
	if (labels && labels[0]) {
		const char *equals = strchr(labels, '=');
		if (!equals || strchr(labels, ','))
			return api_error(err, ERROR_INVALID, 400,
					 "the model reads label selectors key=value only");
		out->label_key = arena_strndup(arena, labels, (size_t)(equals - labels));
		out->label_value = equals + 1 + (equals[1] == '=');
	}
	return true;
}

bool selection_parse(struct model *model, const char *path, struct arena *arena,
		     struct selection *out, struct error *err)
{
	const char *segment[10];
	size_t count = split(arena, path, segment, ARRAY_SIZE(segment)), at = 2;
	const char *group = "";
	*out = (struct selection){.query = strchr(path, '?')};
	out->query = out->query ? out->query + 1 : "";
	if (count >= 3 && strcmp(segment[0], "apis") == 0) {
		group = segment[1];
		at = 3;
	} else if (count < 2 || strcmp(segment[0], "api") != 0) {
		return true;
	}
	const char *version = segment[at - 1];
	if (count > at + 2 && strcmp(segment[at], "namespaces") == 0) {
		out->ns = segment[at + 1];
		at += 2;
	}
	const char *plural = at < count ? segment[at] : "";
	out->name = at + 1 < count ? segment[at + 1] : NULL;
	out->subresource = at + 2 < count ? segment[at + 2] : NULL;
	for (size_t i = 0; i < RESOURCE_COUNT; i++) {
		struct resource *resource = &model->resources[i];
		if (strcmp(resource->kind.group, group) == 0 &&
		    strcmp(resource->kind.version, version) == 0 &&
		    strcmp(resource->kind.plural, plural) == 0 && !resource->absent)
			out->resource = resource;
	}
	return parse_selectors(out, arena, err);
}

bool selection_has(const struct selection *selection, const struct version *version)
{
	const struct json *labels = json_path(version->value, "metadata", "labels", NULL);
	if (selection->ns && strcmp(selection->ns, version->ns) != 0)
		return false;
	if (selection->field_name && strcmp(selection->field_name, version->name) != 0)
		return false;
	return !selection->label_key ||
	       strcmp(json_text_or(json_get(labels, selection->label_key), ""),
		      selection->label_value) == 0;
}

/* ---- lists ---- */

struct listing {
	const struct selection *selection;
	const char *after; /* key, or NULL */
	struct version **found;
	size_t count;
};

static bool list_one(void *ctx, const char *key, void *value)
{
	struct listing *listing = ctx;
	struct version *version = value;
	if (selection_has(listing->selection, version) &&
	    (!listing->after || strcmp(key, listing->after) > 0))
		listing->found[listing->count++] = version;
	return true;
}

static int by_key(const void *a, const void *b)
{
	const struct version *const *left = a, *const *right = b;
	return strcmp((*left)->key, (*right)->key);
}

/* Items of compiled-in kinds carry neither apiVersion nor kind. */
static void write_item(struct version *version, struct strbuf *out)
{
	if (!version->resource->kind.builtin) {
		strbuf_addstr(out, version_text(version));
		return;
	}
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *bare = json_object(arena);
	for (size_t i = 0; i < version->value->count; i++) {
		const struct json_member *member = &version->value->members[i];
		if (strcmp(member->key, "apiVersion") != 0 && strcmp(member->key, "kind") != 0)
			json_set(arena, bare, member->key, member->value);
	}
	json_write(bare, out);
}

/* The continue token is "version:last key", where the API server's is opaque. */
static void list(struct model *model, const struct selection *selection, struct arena *arena,
		 struct model_answer *answer)
{
	const struct kind *kind = &selection->resource->kind;
	const char *token = query_text(selection->query, "continue", arena);
	uint64_t number = token && token[0] ? strtoull(token, NULL, 10) : model->version;
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	if (number < selection->resource->compacted && token && token[0]) {
		api_error(&err, ERROR_GONE, 410,
			  "The provided continue parameter is too old to display a consistent "
			  "list result.");
		answer_error(answer, selection, &err);
		return;
	}
	struct listing listing = {.selection = selection};
	const char *colon = token ? strchr(token, ':') : NULL;
	listing.after = colon ? colon + 1 : NULL;
	listing.found = arena_alloc(arena, (table_count(selection->resource->objects) + 1) *
					       sizeof(listing.found[0]));
	table_each(selection->resource->objects, list_one, &listing);
	qsort(listing.found, listing.count, sizeof(listing.found[0]), by_key);
	size_t limit = (size_t)query_int(selection->query, "limit");
	bool more = limit && listing.count > limit;
	size_t count = more ? limit : listing.count;
	strbuf_addf(&answer->body,
		    "{\"kind\":\"%sList\",\"apiVersion\":\"%s%s%s\",\"metadata\":{"
		    "\"resourceVersion\":\"%" PRIu64 "\"",
		    kind->name, kind->group, kind->group[0] ? "/" : "", kind->version, number);
	if (more)
		strbuf_addf(&answer->body,
			    ",\"continue\":\"%" PRIu64 ":%s\",\"remainingItemCount\":%zu", number,
			    listing.found[count - 1]->key, listing.count - count);
	strbuf_addstr(&answer->body, "},\"items\":[");
	for (size_t i = 0; i < count; i++) {
		strbuf_addstr(&answer->body, i ? "," : "");
		write_item(listing.found[i], &answer->body);
	}
	strbuf_addstr(&answer->body, "]}\n");
	answer->status = 200;
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

static bool find_old(const struct selection *selection, struct version **old, struct error *err)
{
	CLEANUP(strbuf_release) struct strbuf what = STRBUF_INIT;
	*old = version_in(selection->resource, selection->ns, selection->name);
	if (*old)
		return true;
	model_qualified(&selection->resource->kind, &what);
	return api_error(err, ERROR_NOT_FOUND, 404, "%s \"%s\" not found", what.buf,
			 selection->name);
}

static bool put_or_patch(struct model *model, const struct selection *selection,
			 const struct model_request *request, struct write *how,
			 struct arena *arena, struct version **out, struct error *err)
{
	struct json *body;
	struct version *old;
	bool patch = strcmp(request->method, "PATCH") == 0;
	how->status = selection->subresource && strcmp(selection->subresource, "status") == 0;
	if (patch && (!request->content_type ||
		      strncmp(request->content_type, "application/merge-patch+json", 28) != 0))
		return api_error(err, ERROR_INVALID, 415,
				 "the body of the request was in an unknown format - accepted "
				 "media types include: application/merge-patch+json");
	if (!read_body(request, arena, &body, err) || !find_old(selection, &old, err))
		return false;
	if (!patch)
		return model_do_replace(model, old, body, how, out, err);
	return model_do_patch(model, old, body, how, out, err);
}

static bool delete_one(struct model *model, const struct selection *selection,
		       const struct model_request *request, struct arena *arena,
		       struct version **out, struct error *err)
{
	struct json *body = NULL;
	struct version *old;
	if ((request->length && !read_body(request, arena, &body, err)) ||
	    !find_old(selection, &old, err))
		return false;
	const struct json *pre = json_get(body, "preconditions");
	return model_do_delete(model, old, json_text(json_get(pre, "uid")),
			       json_text(json_get(pre, "resourceVersion")), out, err);
}

static bool handle_one(struct model *model, const struct selection *selection,
		       const struct model_request *request, struct arena *arena,
		       struct version **out, struct error *err)
{
	const char *method = request->method;
	struct json *body;
	const char *validation = query_text(selection->query, "fieldValidation", arena);
	struct write how = {.strict = validation && strcmp(validation, "Strict") == 0,
			    .manager = query_text(selection->query, "fieldManager", arena)};
	bool unknown = selection->subresource && (strcmp(selection->subresource, "status") != 0 ||
						  !selection->resource->kind.has_status);
	if (unknown)
		return api_error(err, ERROR_NOT_FOUND, 404,
				 "the server could not find the requested resource");
	if (strcmp(method, "GET") == 0)
		return find_old(selection, out, err);
	if (strcmp(method, "POST") == 0 && !selection->name)
		return read_body(request, arena, &body, err) &&
		       model_do_create(model, selection->resource, selection->ns, body, &how, out,
				       err);
	if (selection->name && (strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0))
		return put_or_patch(model, selection, request, &how, arena, out, err);
	if (selection->name && strcmp(method, "DELETE") == 0)
		return delete_one(model, selection, request, arena, out, err);
	return api_error(err, ERROR_INVALID, 405,
			 "the server does not allow this method on the requested resource");
}

void model_handle(struct model *model, const struct model_request *request,
		  struct model_answer *answer)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct selection selection;
	struct version *out = NULL;
	strbuf_reset(&answer->body);
	answer->plain = false;
	if (!selection_parse(model, request->path, arena, &selection, &err)) {
		answer_error(answer, &selection, &err);
	} else if (!selection.resource) {
		answer->status = 404;
		answer->plain = true;
		strbuf_addstr(&answer->body, "404 page not found\n");
	} else if (strcmp(request->method, "GET") == 0 && !selection.name) {
		list(model, &selection, arena, answer);
	} else if (!handle_one(model, &selection, request, arena, &out, &err)) {
		answer_error(answer, &selection, &err);
	} else {
		answer->status = strcmp(request->method, "POST") == 0 ? 201 : 200;
		strbuf_addstr(&answer->body, out ? version_text(out)
						 : "{\"kind\":\"Status\",\"apiVersion\":\"v1\","
						   "\"metadata\":{},\"status\":\"Success\"}");
		strbuf_addch(&answer->body, '\n');
	}
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
	size_t count = split(arena, request->path, segment, ARRAY_SIZE(segment));
	size_t at = count && strcmp(segment[0], "apis") == 0 ? 3 : 2;
	at += selection.ns ? 2 : 0;
	strbuf_addstr(out, at < count ? segment[at] : "?");
	if (selection.subresource)
		strbuf_addf(out, "/%s", selection.subresource);
	strbuf_addf(out, " %s%s%s", selection.ns ? selection.ns : "", selection.ns ? "/" : "",
		    name ? name : "");
}
