/*
 * A revision made by hand, with Service, Configuration and Deployment around it: what scenarios
 * need that are about one revision and not about Knative's way to it. The Service and the
 * Configuration have no template, so that their controllers leave them alone.
 */
#include <stdlib.h>
#include <string.h>

#include "test/lib/knative_model.h"

/* "name=value" lines into a patch of annotations; "name-" removes. */
static void add_annotations(struct arena *arena, struct json *to, const char *lines)
{
	while (lines && *lines) {
		const char *end = strchrnul(lines, '\n');
		const char *line = arena_strndup(arena, lines, (size_t)(end - lines));
		size_t name = strcspn(line, "=");
		bool value = line[name] == '=';
		if (!value && name && line[name - 1] == '-')
			name--;
		const char *bare = arena_strndup(arena, line, name);
		const char *key =
		    strchr(bare, '/') ? bare : arena_printf(arena, AUTOSCALING "%s", bare);
		if (name)
			json_set(arena, to, key,
				 value ? json_string(arena, line + strcspn(line, "=") + 1)
				       : json_null(arena));
		lines = *end ? end + 1 : end;
	}
}

static const char *uid_of(struct model *model, const char *plural, const char *ns, const char *name)
{
	return model_find(model, plural, ns, name)->uid;
}

static void make_parents(struct model *model, const char *ns, const char *service)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	strbuf_addf(&text,
		    "apiVersion: serving.knative.dev/v1\nkind: Service\n"
		    "metadata: {name: %s, namespace: %s}\nspec: {}\n",
		    service, ns);
	model_apply(model, text.buf);
	strbuf_reset(&text);
	strbuf_addf(&text,
		    "apiVersion: serving.knative.dev/v1\nkind: Configuration\n"
		    "metadata: {name: %s, namespace: %s, ownerReferences: [{apiVersion: "
		    "serving.knative.dev/v1, kind: Service, name: %s, uid: %s, controller: true}]}"
		    "\nspec: {}\n",
		    service, ns, service, uid_of(model, "services.serving", ns, service));
	model_apply(model, text.buf);
}

static struct json *revision_labels(struct model *model, struct arena *arena, const char *ns,
				    const char *service)
{
	struct json *labels = json_object(arena);
	json_set_text(arena, labels, "serving.knative.dev/service", service);
	json_set_text(arena, labels, "serving.knative.dev/serviceUID",
		      uid_of(model, "services.serving", ns, service));
	json_set_text(arena, labels, "serving.knative.dev/configuration", service);
	json_set_text(arena, labels, "serving.knative.dev/configurationUID",
		      uid_of(model, "configurations", ns, service));
	json_set_text(arena, labels, "serving.knative.dev/routingState", "pending");
	return labels;
}

static void make_deployment(struct model *model, const char *ns, const char *name,
			    const struct json *annotations)
{
	const char *initial = json_text_or(json_get(annotations, AUTOSCALING "initial-scale"), "1");
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	strbuf_addf(&text,
		    "apiVersion: apps/v1\nkind: Deployment\n"
		    "metadata: {name: %s-deployment, namespace: %s, labels: "
		    "{serving.knative.dev/revision: %s}, ownerReferences: [{apiVersion: "
		    "serving.knative.dev/v1, kind: Revision, name: %s, uid: %s, controller: true}]}"
		    "\nspec: {replicas: %ld}\n",
		    name, ns, name, name, uid_of(model, "revisions", ns, name),
		    strtol(initial, NULL, 10));
	model_apply(model, text.buf);
}

void model_revision(struct model *model, const char *ns, const char *name, const char *annotations)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const char *dash = strrchr(name, '-');
	const char *service =
	    arena_strndup(arena, name, dash ? (size_t)(dash - name) : strlen(name));
	make_parents(model, ns, service);
	struct json *revision = json_object(arena);
	struct json *meta = json_ensure_object(arena, revision, "metadata");
	json_set_text(arena, revision, "apiVersion", "serving.knative.dev/v1");
	json_set_text(arena, revision, "kind", "Revision");
	json_set_text(arena, meta, "name", name);
	json_set(arena, meta, "labels", revision_labels(model, arena, ns, service));
	struct json *values = json_ensure_object(arena, meta, "annotations");
	json_set_text(arena, values, AUTOSCALING "class", "hpa.autoscaling.knative.dev");
	add_annotations(arena, values, annotations);
	struct json *owners = json_array(arena), *owner = json_object(arena);
	json_set_text(arena, owner, "apiVersion", "serving.knative.dev/v1");
	json_set_text(arena, owner, "kind", "Configuration");
	json_set_text(arena, owner, "name", service);
	json_set_text(arena, owner, "uid", uid_of(model, "configurations", ns, service));
	json_set_bool(arena, owner, "controller", true);
	json_append(arena, owners, owner);
	json_set(arena, meta, "ownerReferences", owners);
	json_ensure_object(arena, revision, "spec");
	struct version *out;
	knative_must(model_do_create(model, model_resource(model, "revisions"), ns, revision,
				     &knative_write, &out, &err),
		     &err);
	make_deployment(model, ns, name, values);
}

void model_annotate(struct model *model, const char *ns, const char *name, const char *annotations)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *patch = json_object(arena);
	struct json *meta = json_ensure_object(arena, patch, "metadata");
	add_annotations(arena, json_ensure_object(arena, meta, "annotations"), annotations);
	struct version *revision = model_find(model, "revisions", ns, name);
	CHECK(revision);
	knative_must(model_do_patch(model, revision, patch, &knative_write, &revision, &err), &err);
}

void model_route(struct model *model, const char *ns, const char *name, const char *state)
{
	model_patchf(model, "revisions", ns, name, false,
		     "{metadata: {labels: {serving.knative.dev/routingState: %s}}}", state);
}
