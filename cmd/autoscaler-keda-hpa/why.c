/*
 * why: what one revision waits for, or what refuses it. Reads the revision or service that was
 * named, then what belongs to it, then, only where its ScaledObject is the user's own, those of the
 * namespace; explain() does the thinking.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/autoscaler-keda-hpa/shelves.h"
#include "cmd/autoscaler-keda-hpa/why.h"
#include "reconciler/controller/resources.h"
#include "reconciler/explain/explain.h"
#include "reconciler/explain/text.h"

#define NEAR_MAX 5

static const struct kube_resource revisions = {"serving.knative.dev", "v1", "revisions",
					       "Revision"};
static const struct kube_resource services = {"serving.knative.dev", "v1", "services", "Service"};
static const struct kube_resource deployments = {"apps", "v1", "deployments", "Deployment"};
static const struct kube_resource events = {"", "v1", "events", "Event"};

/* Which of the lists tells what. */
enum list {
	LIST_REVISION,
	LIST_SERVICE,
	LIST_PA,
	LIST_LEASES,
	LIST_AUTOSCALER,
	LIST_KEDA,
	LIST_LEADER,
	LISTS_FIRST,
	LIST_SO = 0,
	LIST_HPA,
	LIST_SKS,
	LIST_DEPLOYMENT,
	LIST_EVENTS,
	LISTS_SECOND,
};

static int usage(FILE *to, int code)
{
	fprintf(
	    to,
	    "Usage: %s why REVISION | SERVICE [-n NAMESPACE] [OPTION...]\n"
	    "\n"
	    "Tells in plain words why a revision of class hpa.autoscaling.knative.dev is not "
	    "ready,\n"
	    "or does not scale, and what to do next. Of a Service its latest created revision.\n"
	    "\n"
	    "  -o, --output FORMAT      json\n"
	    "%s"
	    "\n"
	    "Exit code: 0 answered, 1 failed, 2 wrong usage.\n",
	    command_program(), people_usage);
	return code;
}

/* ---- lists ---- */

static const char *named(const struct why_run *run, const char *name)
{
	return arena_printf(run->people.arena, "metadata.name=%s", name);
}

static struct people_list of_namespace(const struct why_run *run,
				       const struct kube_resource *resource, const char *selector)
{
	return (struct people_list){
	    .resource = resource, .ns = run->people.ns, .field_selector = selector};
}

static struct people_list of_system(const struct why_run *run, const struct kube_resource *resource,
				    const char *selector)
{
	return (struct people_list){
	    .resource = resource, .ns = run->people.system_namespace, .field_selector = selector};
}

/* The first item; what could not be read is noted. False: no answer can be given. */
static bool take(struct why_run *run, const struct people_list *list, enum source source,
		 const struct json **out)
{
	if (list->err.kind == ERROR_NONE) {
		*out = json_at(list->items, 0);
		return true;
	}
	if (!people_may_miss(&list->err)) {
		people_complain(&run->people, &list->err);
		return false;
	}
	if (list->err.kind != ERROR_NOT_FOUND)
		run->evidence.unread[source] = arena_printf(
		    run->people.arena, "%s: %s", list->resource->plural, error_text(&list->err));
	return true;
}

static const struct json *data_of(const struct people_list *list)
{
	return json_get(json_at(list->items, 0), "data");
}

static bool take_system(struct why_run *run, const struct people_list *lists)
{
	struct evidence *e = &run->evidence;
	const struct json *first;

	if (!take(run, &lists[LIST_LEASES], SOURCE_LEASES, &first) ||
	    !take(run, &lists[LIST_AUTOSCALER], SOURCE_CONFIG_MAPS, &first) ||
	    !take(run, &lists[LIST_KEDA], SOURCE_CONFIG_MAPS, &first) ||
	    !take(run, &lists[LIST_LEADER], SOURCE_CONFIG_MAPS, &first))
		return false;
	e->leases = lists[LIST_LEASES].items;
	e->config_autoscaler = data_of(&lists[LIST_AUTOSCALER]);
	e->config_keda = data_of(&lists[LIST_KEDA]);
	e->config_leader_election = data_of(&lists[LIST_LEADER]);
	return true;
}

/* The revision, and the service, of that name; and what the system namespace tells. */
static bool read_first(struct why_run *run, const char *name)
{
	struct evidence *e = &run->evidence;
	const char *selector = named(run, name);
	struct people_list lists[LISTS_FIRST] = {
	    [LIST_REVISION] = of_namespace(run, &revisions, selector),
	    [LIST_SERVICE] = of_namespace(run, &services, selector),
	    [LIST_PA] = of_namespace(run, &resource_pod_autoscalers, selector),
	    [LIST_LEASES] = of_system(run, &resource_leases, NULL),
	    [LIST_AUTOSCALER] =
		of_system(run, &resource_config_maps, "metadata.name=config-autoscaler"),
	    [LIST_KEDA] =
		of_system(run, &resource_config_maps, "metadata.name=config-autoscaler-keda"),
	    [LIST_LEADER] =
		of_system(run, &resource_config_maps, "metadata.name=config-leader-election"),
	};
	bool ok;

	people_read(&run->people, lists, LISTS_FIRST);
	run->no_knative = lists[LIST_PA].err.kind == ERROR_NOT_FOUND;
	ok = take(run, &lists[LIST_REVISION], SOURCE_REVISIONS, &e->revision) &&
	     take(run, &lists[LIST_SERVICE], SOURCE_REVISIONS, &run->service) &&
	     take(run, &lists[LIST_PA], SOURCE_POD_AUTOSCALERS, &e->pod_autoscaler) &&
	     take_system(run, lists);
	people_lists_release(lists, LISTS_FIRST);
	e->name = name;
	return ok;
}

static const char *target_of(const struct why_run *run)
{
	const struct json *pa = run->evidence.pod_autoscaler;
	const char *name = json_text_or(json_path(pa, "spec", "scaleTargetRef", "name", NULL), "");

	return name[0] ? name : run->evidence.name;
}

static bool read_second(struct why_run *run)
{
	struct evidence *e = &run->evidence;
	const char *selector = named(run, e->name);
	struct people_list lists[LISTS_SECOND] = {
	    [LIST_SO] = of_namespace(run, &resource_scaled_objects, selector),
	    [LIST_HPA] = of_namespace(run, &resource_hpas, selector),
	    [LIST_SKS] = of_namespace(run, &resource_serverless_services, selector),
	    [LIST_DEPLOYMENT] = of_namespace(run, &deployments, named(run, target_of(run))),
	    [LIST_EVENTS] = of_namespace(
		run, &events, arena_printf(run->people.arena, "involvedObject.name=%s", e->name)),
	};
	const struct json *first;
	bool ok;

	people_read(&run->people, lists, LISTS_SECOND);
	e->keda_absent = lists[LIST_SO].err.kind == ERROR_NOT_FOUND;
	ok = take(run, &lists[LIST_SO], SOURCE_SCALED_OBJECTS, &e->scaled_object) &&
	     take(run, &lists[LIST_HPA], SOURCE_HPAS, &e->hpa) &&
	     take(run, &lists[LIST_SKS], SOURCE_SERVERLESS_SERVICES, &e->serverless_service) &&
	     take(run, &lists[LIST_DEPLOYMENT], SOURCE_DEPLOYMENTS, &e->deployment) &&
	     take(run, &lists[LIST_EVENTS], SOURCE_EVENTS, &first);
	e->events = lists[LIST_EVENTS].items;
	people_lists_release(lists, LISTS_SECOND);
	return ok;
}

static void put(struct store *store, const struct people_list *list)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;

	for (size_t i = 0; i < json_count(list->items); i++) {
		struct object *object = shelved_decode(json_at(list->items, i), &err);
		if (object)
			store_put(store, object);
	}
}

static void put_one(struct store *store, const struct json *json)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct object *object = json ? shelved_decode(json, &err) : NULL;

	if (object)
		store_put(store, object);
}

/* With auto-create off the ScaledObject bears any name, and its HPA too. */
static bool read_own(struct why_run *run)
{
	struct evidence *e = &run->evidence;
	struct people_list lists[SHELVES] = {
	    [SHELF_SO] = of_namespace(run, &resource_scaled_objects, NULL),
	    [SHELF_HPA] = of_namespace(run, &resource_hpas, NULL),
	};
	const struct json *first;
	struct object *pa;

	if (shelved_auto_create(e->pod_autoscaler, shelves_auto_create(e->config_keda)))
		return true;
	people_read(&run->people, lists + SHELF_SO, SHELVES - SHELF_SO);
	bool ok = take(run, &lists[SHELF_SO], SOURCE_SCALED_OBJECTS, &first) &&
		  take(run, &lists[SHELF_HPA], SOURCE_HPAS, &first);
	shelves_init(&run->shelves, NULL, NULL);
	put_one(run->shelves.stores[SHELF_PA], e->pod_autoscaler);
	put(run->shelves.stores[SHELF_SO], &lists[SHELF_SO]);
	put(run->shelves.stores[SHELF_HPA], &lists[SHELF_HPA]);
	pa = store_get(run->shelves.stores[SHELF_PA], run->people.ns, e->name);
	if (pa)
		shelves_find(&run->shelves, pa, false, e);
	people_lists_release(lists, SHELVES);
	return ok;
}

/* ---- of a Service ---- */

static const char *status_text(const struct json *object, const char *member)
{
	return json_text_or(json_path(object, "status", member, NULL), "");
}

/* Its latest revision; false: it has none, and that was told. */
static bool follow_service(struct why_run *run)
{
	const char *created = status_text(run->service, "latestCreatedRevisionName");
	const char *ready = status_text(run->service, "latestReadyRevisionName");
	const struct json *list = json_path(run->service, "status", "conditions", NULL);
	const char *message = "";

	if (created[0] && strcmp(created, ready) != 0)
		run->serving = ready;
	if (created[0])
		return read_first(run, created);
	for (size_t i = 0; json_is(list, JSON_ARRAY) && i < json_count(list) && !message[0]; i++)
		message = json_text_or(json_get(json_at(list, i), "message"), "");
	fprintf(stderr, "error: Service %s has no revision yet%s%s\n",
		text_visible(run->people.arena, run->people.options->name, TEXT_WORD_MAX),
		message[0] ? ": " : "", text_visible(run->people.arena, message, TEXT_MESSAGE_MAX));
	return false;
}

/* ---- nothing of that name ---- */

static void tell_near(struct why_run *run)
{
	struct people_list list = of_namespace(run, &resource_pod_autoscalers, NULL);
	const char *asked = run->people.options->name;
	size_t told = 0;

	people_read(&run->people, &list, 1);
	for (size_t i = 0; i < json_count(list.items) && told < NEAR_MAX; i++) {
		const char *name =
		    json_text_or(json_path(json_at(list.items, i), "metadata", "name", NULL), "");
		if (!text_is_near(asked, name))
			continue;
		fprintf(stderr, "%s%s", told++ ? ", " : "Near it: ",
			text_visible(run->people.arena, name, TEXT_WORD_MAX));
	}
	fputs(told ? "\n" : "", stderr);
	people_lists_release(&list, 1);
}

static int not_found(struct why_run *run)
{
	struct arena *arena = run->people.arena;

	if (run->no_knative) {
		fputs("error: the server doesn't have a resource type \"podautoscalers\": Knative "
		      "Serving is not installed\n",
		      stderr);
		return EXIT_FAILED;
	}
	fprintf(stderr,
		"Error from server (NotFound): revisions.serving.knative.dev \"%s\" not found in "
		"namespace %s, nor a service of that name\n",
		text_visible(arena, run->people.options->name, TEXT_WORD_MAX),
		text_visible(arena, run->people.ns, TEXT_WORD_MAX));
	for (size_t i = 0; i < SOURCES; i++)
		if (run->evidence.unread[i])
			fprintf(stderr, "Warning: %s\n",
				text_visible(arena, run->evidence.unread[i], TEXT_MESSAGE_MAX));
	tell_near(run);
	return EXIT_FAILED;
}

/* ---- the answer ---- */

static int answer(struct why_run *run)
{
	struct evidence *e = &run->evidence;
	struct findings findings;

	e->ns = run->people.ns;
	e->system_namespace = run->people.system_namespace;
	e->program = command_program();
	if (!read_first(run, run->people.options->name))
		return EXIT_FAILED;
	if (!e->revision && !e->pod_autoscaler && run->service && !follow_service(run))
		return EXIT_FAILED;
	if (!e->revision && !e->pod_autoscaler)
		return not_found(run);
	if (!read_second(run) || !read_own(run))
		return EXIT_FAILED;
	e->now_ms = people_now_ms(&run->people);
	if (!explain(e, run->people.arena, &findings))
		return not_found(run);
	return why_print(run, &findings) ? EXIT_ANSWERED : EXIT_FAILED;
}

static void run_release(struct why_run *run)
{
	shelves_release(&run->shelves);
	people_release(&run->people);
}

int command_why(int argc, char **argv)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(run_release) struct why_run run = {0};
	struct people_options options;

	if (!people_options_read(argc, argv, false, &options, &err)) {
		fprintf(stderr, "%s why: %s\n\n", command_program(), error_text(&err));
		return usage(stderr, EXIT_WRONG_USE);
	}
	if (options.help)
		return usage(stdout, EXIT_ANSWERED);
	if (!people_init(&run.people, &options, &err)) {
		fprintf(stderr, "error: %s\n", error_text(&err));
		return EXIT_FAILED;
	}
	return answer(&run);
}
