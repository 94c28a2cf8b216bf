/*
 * Each kind is first brought to a revision (name, labels, annotations, spec), then all go one way.
 */
#include "reconciler/hpa/render_revision.h"

#include <string.h>

#include "pkg/knative/child_name.h"
#include "pkg/knative/pod_autoscaler.h"

#define SERVING_GROUP "serving.knative.dev/"
#define ROUTING_STATE SERVING_GROUP "routingState"

struct revision {
	const char *name;
	const char *ns, *uid; /* NULL: not said */
	struct json *labels, *annotations;
	const struct json *spec; /* NULL: not said */
};

static bool is_a(const struct json *manifest, const char *group, const char *kind)
{
	const char *version = json_text_or(json_get(manifest, "apiVersion"), "");

	return strncmp(version, group, strlen(group)) == 0 &&
	       strcmp(json_text_or(json_get(manifest, "kind"), ""), kind) == 0;
}

static const struct json *meta_of(const struct json *manifest, const char *member)
{
	return json_path(manifest, "metadata", member, NULL);
}

/* A member of the metadata that is no object stays as it is: the decoder tells. */
static struct json *copy_of(const struct json *manifest, const char *member, struct arena *arena)
{
	const struct json *from = meta_of(manifest, member);

	return from && !json_is(from, JSON_NULL) ? json_copy(arena, from) : json_object(arena);
}

static void set_label(struct arena *arena, struct json *labels, const char *key, const char *text)
{
	if (text && text[0] && json_is(labels, JSON_OBJECT))
		json_set_text(arena, labels, key, text);
}

static void pass_label(struct arena *arena, const struct json *configuration, struct json *labels,
		       const char *key)
{
	set_label(arena, labels, key, json_text(json_get(meta_of(configuration, "labels"), key)));
}

static struct revision from_template(const struct json *manifest, bool service, struct arena *arena)
{
	const struct json *template = json_path(manifest, "spec", "template", NULL);
	const char *name = json_text_or(meta_of(manifest, "name"), "");
	const char *own_name = json_text_or(meta_of(template, "name"), "");
	struct revision r = {
	    .name = own_name[0] ? own_name : arena_printf(arena, "%s-00001", name),
	    .ns = json_text(meta_of(manifest, "namespace")),
	    .labels = copy_of(template, "labels", arena),
	    .annotations = copy_of(template, "annotations", arena),
	    .spec = json_get(template, "spec"),
	};

	set_label(arena, r.labels, SERVING_GROUP "configuration", name);
	if (service) {
		set_label(arena, r.labels, SERVING_GROUP "service", name);
	} else {
		pass_label(arena, manifest, r.labels, SERVING_GROUP "service");
		pass_label(arena, manifest, r.labels, SERVING_GROUP "serviceUID");
	}
	return r;
}

static struct revision from_revision(const struct json *manifest, struct arena *arena)
{
	return (struct revision){
	    .name = json_text_or(meta_of(manifest, "name"), ""),
	    .ns = json_text(meta_of(manifest, "namespace")),
	    .uid = json_text(meta_of(manifest, "uid")),
	    .labels = copy_of(manifest, "labels", arena),
	    .annotations = copy_of(manifest, "annotations", arena),
	    .spec = json_get(manifest, "spec"),
	};
}

/* What the revision is told about its routes is not for its children. */
static void drop_routing(struct revision *r)
{
	static const char *const labels[] = {SERVING_GROUP "route", ROUTING_STATE};
	static const char *const annotations[] = {SERVING_GROUP "lastPinned", SERVING_GROUP "no-gc",
						  SERVING_GROUP "routingStateModified",
						  SERVING_GROUP "routes"};

	for (size_t i = 0; json_is(r->labels, JSON_OBJECT) && i < ARRAY_SIZE(labels); i++)
		json_remove(r->labels, labels[i]);
	for (size_t i = 0; json_is(r->annotations, JSON_OBJECT) && i < ARRAY_SIZE(annotations); i++)
		json_remove(r->annotations, annotations[i]);
}

static const char *reachability_of(const struct revision *r)
{
	const char *state = json_text_or(json_get(r->labels, ROUTING_STATE), "");

	if (strcmp(state, "active") == 0)
		return "Reachable";
	return strcmp(state, "reserve") == 0 ? "Unreachable" : NULL;
}

static struct json *spec_of(const struct revision *r, struct arena *arena)
{
	const char *reachability = reachability_of(r);
	int64_t concurrency = json_int_or(json_get(r->spec, "containerConcurrency"), 0);
	struct json *spec = json_object(arena);
	struct json *target = json_ensure_object(arena, spec, "scaleTargetRef");

	json_set_text(arena, target, "apiVersion", "apps/v1");
	json_set_text(arena, target, "kind", "Deployment");
	json_set_text(arena, target, "name", child_name(r->name, "-deployment", arena));
	if (reachability)
		json_set_text(arena, spec, "reachability", reachability);
	if (concurrency != 0)
		json_set_int(arena, spec, "containerConcurrency", concurrency);
	return spec;
}

static struct json *autoscaler_of(struct revision *r, struct arena *arena)
{
	struct json *pa = json_object(arena);
	struct json *metadata = json_ensure_object(arena, pa, "metadata");
	struct json *spec = spec_of(r, arena);

	drop_routing(r);
	set_label(arena, r->labels, SERVING_GROUP "revision", r->name);
	set_label(arena, r->labels, SERVING_GROUP "revisionUID", r->uid);
	if (!json_get(r->labels, "app"))
		set_label(arena, r->labels, "app", r->name);
	json_set_text(arena, pa, "apiVersion", POD_AUTOSCALER_API_VERSION);
	json_set_text(arena, pa, "kind", POD_AUTOSCALER_KIND);
	json_set_text(arena, metadata, "name", r->name);
	if (r->ns)
		json_set_text(arena, metadata, "namespace", r->ns);
	json_set(arena, metadata, "labels", r->labels);
	json_set(arena, metadata, "annotations", r->annotations);
	json_set(arena, pa, "spec", spec);
	return pa;
}

struct json *render_pod_autoscaler(const struct json *manifest, struct arena *arena)
{
	bool service = is_a(manifest, SERVING_GROUP, "Service");
	struct revision revision;

	if (is_a(manifest, "autoscaling.internal.knative.dev/", POD_AUTOSCALER_KIND))
		return json_copy(arena, manifest);
	if (service || is_a(manifest, SERVING_GROUP, "Configuration"))
		revision = from_template(manifest, service, arena);
	else if (is_a(manifest, SERVING_GROUP, "Revision"))
		revision = from_revision(manifest, arena);
	else
		return NULL;
	return autoscaler_of(&revision, arena);
}
