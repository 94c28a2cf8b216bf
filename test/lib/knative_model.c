/*
 * Knative's side: the serving controllers (Revision -> PodAutoscaler and back, routing state) and
 * the ServerlessService controller, as spec/knative.md 3 and 4 tell them; and what kubectl apply
 * of a Service leads to.
 */
#include <stdlib.h>
#include <string.h>

#include "test/lib/model_internal.h"

#define LATENCY_MS 5
#define PREFIX "autoscaling.knative.dev/"

static const struct write own = {.own = true, .manager = "controller"};

static void must(bool ok, const struct error *err)
{
	if (ok)
		return;
	fprintf(stderr, "the model refuses its own Knative: %s\n", error_text(err));
	abort();
}

static void knative_react(struct model *model UNUSED, struct desk *desk,
			  const struct change *change)
{
	static const char *const by_name[] = {"revisions", "podautoscalers", "serverlessservices"};
	const struct version *version = change->version;
	const char *id = version->resource->kind.id;
	for (size_t i = 0; i < ARRAY_SIZE(by_name); i++)
		if (strcmp(id, by_name[i]) == 0)
			desk_later(desk, version->ns, version->name, LATENCY_MS);
	if (strcmp(id, "deployments") != 0)
		return;
	const struct json *labels = json_path(version->value, "metadata", "labels", NULL);
	const char *revision = json_text(json_get(labels, "serving.knative.dev/revision"));
	if (revision)
		desk_later(desk, version->ns, revision, LATENCY_MS);
}

/* ---- Revision -> PodAutoscaler ---- */

static const char *reachability(const struct json *revision)
{
	const struct json *labels = json_path(revision, "metadata", "labels", NULL);
	const char *state = json_text_or(json_get(labels, "serving.knative.dev/routingState"), "");
	return strcmp(state, "active") == 0    ? "Reachable"
	       : strcmp(state, "reserve") == 0 ? "Unreachable"
					       : "";
}

static struct json *make_pa(struct arena *arena, const struct version *revision)
{
	const struct json *meta = json_get(revision->value, "metadata");
	struct json *pa = json_object(arena), *new = json_ensure_object(arena, pa, "metadata");
	json_set_text(arena, pa, "apiVersion", "autoscaling.internal.knative.dev/v1alpha1");
	json_set_text(arena, pa, "kind", "PodAutoscaler");
	json_set_text(arena, new, "name", revision->name);
	struct json *labels = json_copy(arena, json_get(meta, "labels"));
	json_remove(labels, "serving.knative.dev/routingState");
	json_set_text(arena, labels, "serving.knative.dev/revision", revision->name);
	json_set_text(arena, labels, "serving.knative.dev/revisionUID", revision->uid);
	json_set_text(arena, labels, "app", revision->name);
	json_set(arena, new, "labels", labels);
	json_set(arena, new, "annotations", json_copy(arena, json_get(meta, "annotations")));
	struct json *owner = json_object(arena), *owners = json_array(arena);
	json_set_text(arena, owner, "apiVersion", "serving.knative.dev/v1");
	json_set_text(arena, owner, "kind", "Revision");
	json_set_text(arena, owner, "name", revision->name);
	json_set_text(arena, owner, "uid", revision->uid);
	json_set_bool(arena, owner, "controller", true);
	json_set_bool(arena, owner, "blockOwnerDeletion", true);
	json_append(arena, owners, owner);
	json_set(arena, new, "ownerReferences", owners);
	struct json *spec = json_ensure_object(arena, pa, "spec");
	struct json *target = json_ensure_object(arena, spec, "scaleTargetRef");
	json_set_text(arena, target, "apiVersion", "apps/v1");
	json_set_text(arena, target, "kind", "Deployment");
	json_set(arena, target, "name", json_stringf(arena, "%s-deployment", revision->name));
	json_set_text(arena, spec, "reachability", reachability(revision->value));
	json_set_text(arena, spec, "protocolType", "http1");
	return pa;
}

/* The Revision's annotations win; ours that it lacks go, but for class and metric. */
static void copy_annotations(struct arena *arena, const struct json *from, struct json *to)
{
	for (size_t i = 0; i < json_count(from); i++)
		json_set(arena, to, from->members[i].key, json_copy(arena, from->members[i].value));
	for (size_t i = 0; i < to->count;) {
		const char *key = to->members[i].key;
		bool goes = strncmp(key, "autoscaling.knative.dev", 23) == 0 &&
			    strcmp(key, PREFIX "class") != 0 && strcmp(key, PREFIX "metric") != 0 &&
			    !json_get(from, key);
		if (goes)
			json_remove(to, key);
		else
			i++;
	}
}

static void sync_pa(struct model *model, const struct version *revision)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct version *pa = model_find(model, "podautoscalers", revision->ns, revision->name);
	if (!pa) {
		must(model_do_create(model, model_resource(model, "podautoscalers"), revision->ns,
				     make_pa(arena, revision), &own, &pa, &err),
		     &err);
		return;
	}
	struct json *new = json_copy(arena, pa->value);
	struct json *meta = json_ensure_object(arena, new, "metadata");
	copy_annotations(arena, json_path(revision->value, "metadata", "annotations", NULL),
			 json_ensure_object(arena, meta, "annotations"));
	json_set_text(arena, json_ensure_object(arena, new, "spec"), "reachability",
		      reachability(revision->value));
	must(model_do_replace(model, pa, new, &own, &pa, &err), &err);
}

/* ---- PodAutoscaler -> Revision ---- */

static bool condition_is(const struct json *object, const char *type, const char *status)
{
	return strcmp(model_condition_status(object, type), status) == 0;
}

static void sync_revision_status(struct model *model, struct version *revision)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct json *pa = model_get(model, "podautoscalers", revision->ns, revision->name);
	const struct json *pa_status = json_get(pa, "status");
	const struct json *old = json_path(revision->value, "status", "conditions", NULL);
	bool served = json_text_or(json_get(pa_status, "serviceName"), "")[0];
	bool init = condition_is(pa, "ScaleTargetInitialized", "True");
	bool failed = !init && served && condition_is(pa, "Ready", "False");
	const char *resources = init && served ? "True" : failed ? "False" : "Unknown";
	const char *reason = failed           ? "ProgressDeadlineExceeded"
			     : init && served ? ""
					      : "Deploying";
	const char *message = failed ? "Initial scale was never achieved" : "";
	const char *active = model_condition_status(pa, "Ready");
	struct json *status = json_object(arena), *list = json_array(arena);
	CLEANUP(strbuf_release) struct strbuf why = STRBUF_INIT;
	strbuf_addstr(
	    &why, model_condition(model, "podautoscalers", revision->ns, revision->name, "Ready"));
	/* "False Reason: message" */
	char *pa_reason = strchr(why.buf, ' ');
	char *pa_message = pa_reason ? strstr(pa_reason, ": ") : NULL;
	if (pa_message)
		*pa_message = 0;
	model_add_condition(model, arena, list, old, "Active", active[0] ? active : "Unknown",
			    pa_reason   ? pa_reason + 1
			    : active[0] ? ""
					: "Deploying",
			    pa_message ? pa_message + 2 : "");
	model_add_condition(model, arena, list, old, "ContainerHealthy", init ? "True" : "Unknown",
			    "", "");
	model_add_condition(model, arena, list, old, "Ready", resources, reason, message);
	model_add_condition(model, arena, list, old, "ResourcesAvailable", resources, reason,
			    message);
	json_set(arena, status, "conditions", list);
	json_set_int(arena, status, "observedGeneration",
		     json_int_or(json_path(revision->value, "metadata", "generation", NULL), 0));
	const struct json *scale = json_get(pa_status, "actualScale");
	if (scale)
		json_set(arena, status, "actualReplicas", json_copy(arena, scale));
	scale = json_get(pa_status, "desiredScale");
	if (scale)
		json_set(arena, status, "desiredReplicas", json_copy(arena, scale));
	model_write_status(model, revision, arena, status);
}

/* A fresh revision gets its route once it is ready. */
static void sync_routing(struct model *model, const char *ns, const char *name)
{
	const struct json *revision = model_get(model, "revisions", ns, name);
	const struct json *labels = json_path(revision, "metadata", "labels", NULL);
	const char *state = json_text_or(json_get(labels, "serving.knative.dev/routingState"), "");
	if (strcmp(state, "pending") == 0 && condition_is(revision, "Ready", "True"))
		model_route(model, ns, name, "active");
}

/* ---- ServerlessService ---- */

static void sync_sks(struct model *model, const char *ns, const char *name)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct version *sks = model_find(model, "serverlessservices", ns, name);
	if (!sks || json_path(sks->value, "metadata", "deletionTimestamp", NULL))
		return;
	const char *target =
	    json_text_or(json_path(sks->value, "spec", "objectRef", "name", NULL), "");
	const struct json *deployment = model_get(model, "deployments", ns, target);
	bool ready = json_int_or(json_path(deployment, "status", "readyReplicas", NULL), 0) > 0;
	const struct json *old = json_path(sks->value, "status", "conditions", NULL);
	const char *reason = ready ? "" : "NoHealthyBackends";
	const char *message = ready ? "" : "K8s Service is not ready";
	struct json *status = json_object(arena), *list = json_array(arena);
	model_add_condition(model, arena, list, old, "EndpointsPopulated",
			    ready ? "True" : "Unknown", reason, message);
	model_add_condition(model, arena, list, old, "Ready", ready ? "True" : "Unknown", reason,
			    message);
	json_set(arena, status, "conditions", list);
	json_set_int(arena, status, "observedGeneration",
		     json_int_or(json_path(sks->value, "metadata", "generation", NULL), 0));
	json_set_text(arena, status, "serviceName", name);
	json_set(arena, status, "privateServiceName", json_stringf(arena, "%s-private", name));
	model_write_status(model, sks, arena, status);
}

static void knative_sync(struct model *model, struct desk *desk UNUSED, const char *ns,
			 const char *name)
{
	struct version *revision = model_find(model, "revisions", ns, name);
	if (revision && !json_path(revision->value, "metadata", "deletionTimestamp", NULL)) {
		sync_pa(model, revision);
		sync_revision_status(model, revision);
		sync_routing(model, ns, name);
	}
	sync_sks(model, ns, name);
}

const struct stand_in knative_stand_in = {"knative", knative_react, knative_sync};

/* ---- as a user of Knative ---- */

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
		const char *key = strchr(bare, '/') ? bare : arena_printf(arena, PREFIX "%s", bare);
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
	const char *initial = json_text_or(json_get(annotations, PREFIX "initial-scale"), "1");
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
	json_set_text(arena, values, PREFIX "class", "hpa.autoscaling.knative.dev");
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
	must(model_do_create(model, model_resource(model, "revisions"), ns, revision, &own, &out,
			     &err),
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
	must(model_do_patch(model, revision, patch, &own, &revision, &err), &err);
}

void model_route(struct model *model, const char *ns, const char *name, const char *state)
{
	model_patchf(model, "revisions", ns, name, false,
		     "{metadata: {labels: {serving.knative.dev/routingState: %s}}}", state);
}
