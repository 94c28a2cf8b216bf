/*
 * Writes as the API server does them: what a client may set and what is the server's own,
 * optimistic concurrency, generations, the status subresource, dry runs.
 * Order of the checks: existence, versions, admission, schema; nothing changes if one fails.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/model_internal.h"

#define OBJECT_ARENA 4096

bool api_error(struct error *err, enum error_kind kind, int status, const char *format, ...)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	va_list args;
	va_start(args, format);
	strbuf_vaddf(&text, format, args);
	va_end(args);
	error_set(err, kind, "%s", text.buf);
	err->status = status;
	return false;
}

bool api_conflict(struct error *err, const struct version *old, const char *why)
{
	CLEANUP(strbuf_release) struct strbuf what = STRBUF_INIT;
	model_qualified(&old->resource->kind, &what);
	return api_error(err, ERROR_CONFLICT, 409, "Operation cannot be fulfilled on %s \"%s\": %s",
			 what.buf, old->name, why);
}

static bool refused(struct model *model, const struct kind *kind, const struct write *how,
		    struct error *err)
{
	char what[96];
	snprintf(what, sizeof(what), "%s%s", kind->id, how->status ? "/status" : "");
	for (size_t i = 0; !how->own && i < MAX_REFUSALS; i++) {
		int status = model->refusals[i].status;
		if (!model->refusals[i].plural || strcmp(model->refusals[i].plural, what) != 0)
			continue;
		enum error_kind error_kind = status == 403   ? ERROR_DENIED
					     : status == 404 ? ERROR_NOT_FOUND
					     : status < 500  ? ERROR_INVALID
							     : ERROR_TRANSIENT;
		return !api_error(err, error_kind, status, "%s", model->refusals[i].text);
	}
	return false;
}

/* Always false. */
static bool by_webhook(const struct write *how)
{
	if (how->refusal)
		how->refusal->webhook = true;
	return false;
}

static bool admit(struct model *model, struct resource *resource, struct arena *arena,
		  struct json *value, const struct write *how, struct error *err)
{
	if (refused(model, &resource->kind, how, err))
		return by_webhook(how);
	if (!how->own && !meta_admit(&resource->kind, value, err))
		return false;
	/* A stand-in knows what a status looks like. */
	if (how->own && how->status)
		return true;
	if (!schema_admit(&resource->kind, arena, value, how, err))
		return false;
	if (how->own || how->status)
		return true;
	bool scaled = strcmp(resource->kind.id, "scaledobjects") == 0;
	return (knative_admit(model, resource, arena, value, err) &&
		(!scaled || keda_admit(model, value, err))) ||
	       by_webhook(how);
}

/* Commits, or under dryRun makes a version that nobody else sees. */
static struct version *write_out(struct model *model, struct resource *resource,
				 enum change_type type, struct arena *arena, struct json *value,
				 const struct write *how)
{
	if (!how->dry_run)
		return model_commit(model, resource, type, arena, value);
	struct json *meta = json_ensure_object(arena, value, "metadata");
	const char *before = json_text(json_get(meta, "resourceVersion"));
	uint64_t number = before ? strtoull(before, NULL, 10) : 0;
	struct version *version = version_make(resource, number, arena, value);
	version->detached = true;
	if (!before)
		json_remove(meta, "resourceVersion");
	return version;
}

/* ---- create ---- */

static void add_manager(struct model *model, struct arena *arena, struct json *meta,
			const char *manager)
{
	struct json *list = json_array(arena), *entry = json_object(arena);
	json_set_text(arena, entry, "manager", manager ? manager : "model");
	json_set_text(arena, entry, "operation", "Update");
	json_set_text(arena, entry, "time", model_time(model, arena));
	json_set_text(arena, entry, "fieldsType", "FieldsV1");
	json_set(arena, entry, "fieldsV1", json_object(arena));
	json_append(arena, list, entry);
	json_set(arena, meta, "managedFields", list);
}

static void set_server_fields(struct model *model, struct resource *resource, struct arena *arena,
			      struct json *meta, const struct write *how)
{
	model->uids++;
	json_set(arena, meta, "uid",
		 json_stringf(arena, "%08" PRIx64 "-0000-4000-8000-%012" PRIx64, model->uids,
			      model->uids));
	json_set_text(arena, meta, "creationTimestamp", model_time(model, arena));
	if (resource->kind.has_generation)
		json_set_int(arena, meta, "generation", 1);
	json_remove(meta, "deletionTimestamp");
	add_manager(model, arena, meta, how->manager);
}

/* What the API server adds to a Namespace. */
static void complete_namespace(struct arena *arena, struct json *value)
{
	struct json *meta = json_ensure_object(arena, value, "metadata");
	struct json *labels = json_ensure_object(arena, meta, "labels");
	struct json *spec = json_ensure_object(arena, value, "spec"), *list = json_array(arena);
	json_set_text(arena, labels, "kubernetes.io/metadata.name",
		      json_text_or(json_get(meta, "name"), ""));
	json_append(arena, list, json_string(arena, "kubernetes"));
	json_set(arena, spec, "finalizers", list);
	json_set_text(arena, json_ensure_object(arena, value, "status"), "phase", "Active");
}

/* A world that holds no Namespace at all has them all. */
static bool namespace_fits(struct model *model, const char *ns, const char *what, const char *name,
			   const struct write *how, struct error *err)
{
	struct resource *namespaces = model_resource(model, "namespaces");
	const struct version *version = version_in(namespaces, "", ns);
	bool leaves = table_get(model->terminating, ns) ||
		      (version && json_path(version->value, "metadata", "deletionTimestamp", NULL));
	if (leaves)
		return api_error(err, ERROR_FORBIDDEN, 403,
				 "%s \"%s\" is forbidden: unable to create new content in "
				 "namespace %s because it is being terminated",
				 what, name, ns);
	if (!version && !how->own && table_count(namespaces->objects))
		return api_error(err, ERROR_NOT_FOUND, 404, "namespaces \"%s\" not found", ns);
	return true;
}

static bool names_fit(struct model *model, struct resource *resource, const char *ns,
		      struct arena *arena, struct json *value, struct error *err)
{
	struct json *meta = json_ensure_object(arena, value, "metadata");
	const char *prefix = json_text(json_get(meta, "generateName"));
	const char *own_ns = json_text(json_get(meta, "namespace"));
	if (!json_text(json_get(meta, "name")) && prefix)
		json_set(arena, meta, "name",
			 json_stringf(arena, "%s%05" PRIu64, prefix, model->uids % 100000));
	if (!json_text_or(json_get(meta, "name"), "")[0])
		return api_error(err, ERROR_INVALID, 422,
				 "%s \"\" is invalid: metadata.name: Required value: name or "
				 "generateName is required",
				 resource->kind.name);
	if (json_text_or(json_get(meta, "resourceVersion"), "")[0])
		return api_error(err, ERROR_TRANSIENT, 500,
				 "resourceVersion should not be set on objects to be created");
	if (resource->kind.cluster)
		return true;
	if (own_ns && strcmp(own_ns, ns) != 0)
		return api_error(err, ERROR_INVALID, 400,
				 "the namespace of the provided object does not match the "
				 "namespace sent on the request");
	json_set_text(arena, meta, "namespace", ns);
	return true;
}

static bool kind_fits(const struct kind *kind, struct arena *arena, struct json *value,
		      struct error *err)
{
	const char *version = kind->group[0]
				  ? arena_printf(arena, "%s/%s", kind->group, kind->version)
				  : kind->version;
	const char *given = json_text_or(json_get(value, "apiVersion"), "");
	if (!kind->builtin && strcmp(given, version) != 0)
		return api_error(err, ERROR_INVALID, 400,
				 "the API version in the data (%s) does not match the expected API "
				 "version (%s)",
				 given, version);
	if (!kind->builtin && strcmp(json_text_or(json_get(value, "kind"), ""), kind->name) != 0)
		return api_error(err, ERROR_INVALID, 400,
				 "the kind in the data does not match the expected kind (%s)",
				 kind->name);
	json_set_text(arena, value, "apiVersion", version);
	json_set_text(arena, value, "kind", kind->name);
	return true;
}

bool model_do_create(struct model *model, struct resource *resource, const char *ns,
		     const struct json *body, const struct write *how, struct version **out,
		     struct error *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new_sized(OBJECT_ARENA);
	struct json *value = json_copy(arena, body);
	if (!kind_fits(&resource->kind, arena, value, err) ||
	    !names_fit(model, resource, ns, arena, value, err))
		return false;
	struct json *meta = json_ensure_object(arena, value, "metadata");
	const char *name = json_text(json_get(meta, "name"));
	CLEANUP(strbuf_release) struct strbuf what = STRBUF_INIT;
	model_qualified(&resource->kind, &what);
	if (version_in(resource, ns, name))
		return api_error(err, ERROR_ALREADY_EXISTS, 409, "%s \"%s\" already exists",
				 what.buf, name);
	if (!resource->kind.cluster && !namespace_fits(model, ns, what.buf, name, how, err))
		return false;
	if (resource->kind.has_status && !how->own)
		json_remove(value, "status");
	set_server_fields(model, resource, arena, meta, how);
	if (strcmp(resource->kind.id, "namespaces") == 0)
		complete_namespace(arena, value);
	if (strcmp(resource->kind.id, "events") == 0 && !json_get(value, "eventTime"))
		json_set(arena, value, "eventTime", json_null(arena));
	if (!admit(model, resource, arena, value, how, err))
		return false;
	*out = write_out(model, resource, CHANGE_ADDED, arena, value, how);
	arena = NULL;
	return true;
}

/* ---- update ---- */

/* All but metadata and status. */
static bool spec_within(const struct json *a, const struct json *b)
{
	for (size_t i = 0; i < a->count; i++) {
		const char *key = a->members[i].key;
		if (strcmp(key, "metadata") == 0 || strcmp(key, "status") == 0)
			continue;
		const struct json *other = json_get(b, key);
		if (!other || !json_equal(a->members[i].value, other))
			return false;
	}
	return true;
}

static void keep_member(struct arena *arena, struct json *to, const struct json *from,
			const char *key)
{
	const struct json *old = json_get(from, key);
	if (old)
		json_set(arena, to, key, json_copy(arena, old));
	else
		json_remove(to, key);
}

static bool versions_fit(const struct version *old, const struct json *value,
			 const struct write *how, struct error *err)
{
	const struct json *meta = json_get(value, "metadata");
	const char *version = json_text_or(json_get(meta, "resourceVersion"), "");
	const char *uid = json_text_or(json_get(meta, "uid"), old->uid);
	if (strcmp(uid, old->uid) != 0)
		return api_conflict(err, old,
				    "StorageError: invalid object, Precondition failed: UID in "
				    "precondition differs from UID in object meta");
	if (!version[0] && !how->own && !old->resource->kind.builtin)
		return api_error(err, ERROR_INVALID, 422,
				 "%s \"%s\" is invalid: metadata.resourceVersion: Invalid value: "
				 "0: must be specified for an update",
				 old->resource->kind.name, old->name);
	if (version[0] && strtoull(version, NULL, 10) != old->number)
		return api_conflict(
		    err, old,
		    "the object has been modified; please apply your changes to the "
		    "latest version and try again");
	return true;
}

/* What clients cannot change, and of subresources what is not theirs. */
static struct json *keep_server_fields(struct arena *arena, const struct version *old,
				       const struct json *value, const struct write *how)
{
	static const char *const servers[] = {
	    "name",           "namespace",         "uid",           "creationTimestamp",
	    "generation",     "deletionTimestamp", "managedFields", "deletionGracePeriodSeconds",
	    "resourceVersion"};
	struct json *new = json_copy(arena, how->status ? old->value : value);
	if (how->status)
		keep_member(arena, new, value, "status");
	else if (old->resource->kind.has_status)
		keep_member(arena, new, old->value, "status");
	struct json *meta = json_ensure_object(arena, new, "metadata");
	const struct json *old_meta = json_get(old->value, "metadata");
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++)
		keep_member(arena, meta, old_meta, servers[i]);
	keep_member(arena, new, old->value, "apiVersion");
	keep_member(arena, new, old->value, "kind");
	return new;
}

bool model_do_replace(struct model *model, struct version *old, const struct json *value,
		      const struct write *how, struct version **out, struct error *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new_sized(OBJECT_ARENA);
	struct resource *resource = old->resource;
	if (!versions_fit(old, value, how, err))
		return false;
	struct json *new = keep_server_fields(arena, old, value, how);
	if (!admit(model, resource, arena, new, how, err))
		return false;
	*out = old;
	if (json_equal(new, old->value))
		return true;
	struct json *meta = json_ensure_object(arena, new, "metadata");
	if (resource->kind.has_generation &&
	    !(spec_within(new, old->value) && spec_within(old->value, new)))
		json_set_int(arena, meta, "generation",
			     json_int_or(json_get(meta, "generation"), 0) + 1);
	bool gone =
	    json_get(meta, "deletionTimestamp") && json_count(json_get(meta, "finalizers")) == 0;
	*out = write_out(model, resource, gone ? CHANGE_DELETED : CHANGE_MODIFIED, arena, new, how);
	arena = NULL;
	return true;
}

bool model_do_patch(struct model *model, struct version *old, const struct json *patch,
		    const struct write *how, struct version **out, struct error *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new_sized(OBJECT_ARENA);
	const struct json *value;
	if (how->patch == PATCH_JSON) {
		if (!json_patch_apply(arena, old->value, patch, &value, err))
			return false;
	} else if (!json_is(patch, JSON_OBJECT)) {
		return api_error(err, ERROR_INVALID, 400, "the patch is no object");
	} else if (how->patch == PATCH_STRATEGIC) {
		value = strategic_apply(arena, old->value, patch);
	} else {
		value = json_merge_apply(arena, old->value, patch);
	}
	if (!json_is(value, JSON_OBJECT))
		return api_error(err, ERROR_INVALID, 422, "the patch leaves no object");
	struct write patching = *how;
	patching.patching = true;
	return model_do_replace(model, old, value, &patching, out, err);
}
