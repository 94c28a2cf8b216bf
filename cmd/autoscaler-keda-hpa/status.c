/*
 * status: a row for each revision of class hpa. Three lists and two ConfigMaps, read at the same
 * time; what this person may not read leaves its columns to what the rest tells.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/autoscaler-keda-hpa/status.h"
#include "reconciler/controller/resources.h"
#include "reconciler/explain/text.h"

#define SERVICE_LABEL "serving.knative.dev/service"

enum { LIST_AUTOSCALER = SHELVES, LIST_KEDA, LISTS };

static int usage(FILE *to, int code)
{
	const char *program = command_program();

	fprintf(
	    to,
	    "Usage: %s status [-A | -n NAMESPACE] [REVISION | SERVICE] [OPTION...]\n"
	    "\n"
	    "Lists revisions of class hpa.autoscaling.knative.dev: whether they are ready, and if\n"
	    "not why; their bounds and replicas; until when a new one is held at its first pods.\n"
	    "`%s why NAME` tells more of one.\n"
	    "\n"
	    "  -A, --all-namespaces     of all namespaces\n"
	    "  -o, --output FORMAT      wide, or json\n"
	    "  -w, --watch              print a row again whenever it changes\n"
	    "%s"
	    "\n"
	    "Exit code: 0 answered, 1 failed, 2 wrong usage.\n",
	    program, program, people_usage);
	return code;
}

/* ---- rows ---- */

static bool is_asked_for(const struct status_run *run, const struct object *pa)
{
	const char *name = run->people.options->name;
	const struct json *labels =
	    json_path(((const struct shelved *)pa)->json, "metadata", "labels", NULL);

	return !name || strcmp(pa->meta.name, name) == 0 ||
	       strcmp(json_text_or(json_get(labels, SERVICE_LABEL), ""), name) == 0;
}

bool status_row(const struct status_run *run, const struct object *pa, struct arena *arena,
		struct scaling_row *out)
{
	struct evidence evidence = run->common;

	if (!is_asked_for(run, pa))
		return false;
	shelves_find(&run->shelves, pa, run->auto_create, &evidence);
	evidence.now_ms = people_now_ms(&run->people);
	return row_of(&evidence, arena, out);
}

struct collection {
	const struct status_run *run;
	struct scaling_row *rows;
	size_t count;
};

static bool collect(void *ctx, struct object *pa)
{
	struct collection *collection = ctx;
	struct scaling_row *row = &collection->rows[collection->count];

	if (status_row(collection->run, pa, collection->run->people.arena, row))
		collection->count++;
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct scaling_row *left = a, *right = b;
	int order = strcmp(left->ns, right->ns);

	return order ? order : strcmp(left->revision, right->revision);
}

static struct collection collect_rows(struct status_run *run)
{
	struct collection out = {.run = run};
	const struct store *store = run->shelves.stores[SHELF_PA];

	out.rows = ARENA_ARRAY(run->people.arena, struct scaling_row, store_count(store) + 1);
	store_each(store, collect, &out);
	qsort(out.rows, out.count, sizeof(*out.rows), by_name);
	return out;
}

/* ---- lists ---- */

static void begin_shelf(void *ctx)
{
	store_clear(ctx);
}

static void take_object(void *ctx, const struct json *item)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct object *object = shelved_decode(item, &err);

	if (object)
		store_put(ctx, object);
}

static const struct json *data_of(const struct people_list *list)
{
	return json_get(json_at(list->items, 0), "data");
}

static void take_configs(struct status_run *run, const struct people_list *lists)
{
	run->common.config_autoscaler = data_of(&lists[LIST_AUTOSCALER]);
	run->common.config_keda = data_of(&lists[LIST_KEDA]);
	run->auto_create = shelves_auto_create(run->common.config_keda);
}

/* True: without that list the rest is an answer, too. */
static bool judge_list(struct status_run *run, enum shelf shelf, const struct people_list *list)
{
	run->watchable[shelf] = list->err.kind == ERROR_NONE || list->err.kind == ERROR_NOT_FOUND;
	if (list->err.kind == ERROR_NONE)
		return true;
	if (shelf == SHELF_PA && list->err.kind == ERROR_NOT_FOUND) {
		fprintf(stderr,
			"error: the server doesn't have a resource type \"%s\": Knative Serving is "
			"not installed\n",
			list->resource->plural);
		return false;
	}
	if (shelf == SHELF_PA || !people_may_miss(&list->err)) {
		people_complain(&run->people, &list->err);
		return false;
	}
	if (list->err.kind != ERROR_NOT_FOUND)
		fprintf(stderr, "Warning: %s\n",
			text_visible(run->people.arena, error_text(&list->err), TEXT_MESSAGE_MAX));
	return true;
}

static bool read_lists(struct status_run *run)
{
	const struct people *people = &run->people;
	struct people_list lists[LISTS] = {0};
	bool ok = true;

	for (size_t i = 0; i < SHELVES; i++)
		lists[i] = (struct people_list){.resource = shelf_resources[i],
						.ns = people->ns,
						.begin = begin_shelf,
						.take = take_object,
						.ctx = run->shelves.stores[i]};
	for (size_t i = SHELVES; i < LISTS; i++)
		lists[i] = (struct people_list){.resource = &resource_config_maps,
						.ns = people->system_namespace};
	lists[LIST_AUTOSCALER].field_selector = "metadata.name=config-autoscaler";
	lists[LIST_KEDA].field_selector = "metadata.name=config-autoscaler-keda";
	people_read(&run->people, lists, LISTS);
	for (size_t i = 0; i < SHELVES && ok; i++)
		ok = judge_list(run, (enum shelf)i, &lists[i]);
	if (ok)
		take_configs(run, lists);
	people_lists_release(lists, LISTS);
	return ok;
}

/* ---- the answer ---- */

/* As kubectl answers it. */
static int nothing_found(const struct status_run *run)
{
	const struct people *people = &run->people;

	if (people->options->name) {
		fprintf(stderr,
			"Error from server (NotFound): revisions.serving.knative.dev \"%s\" not "
			"found\n",
			text_visible(people->arena, people->options->name, TEXT_WORD_MAX));
		return EXIT_FAILED;
	}
	if (people->ns)
		fprintf(stderr, "No resources found in %s namespace.\n",
			text_visible(people->arena, people->ns, TEXT_WORD_MAX));
	else
		fputs("No resources found\n", stderr);
	return EXIT_ANSWERED;
}

static bool print_all(struct status_run *run, const struct collection *found)
{
	const struct people_options *options = run->people.options;
	struct arena *arena = run->people.arena;

	if (options->output != OUTPUT_JSON)
		return found->count == 0 ||
		       status_print_table(run, found->rows, found->count, arena);
	if (!options->watch)
		return status_print_list(found->rows, found->count, arena);
	for (size_t i = 0; i < found->count; i++)
		if (!status_print_row(run, &found->rows[i], false, arena))
			return false;
	return true;
}

static int answer(struct status_run *run)
{
	const struct people_options *options = run->people.options;
	struct collection found;
	int code = EXIT_ANSWERED;

	if (!read_lists(run))
		return EXIT_FAILED;
	found = collect_rows(run);
	if (found.count == 0 && (options->name || options->output != OUTPUT_JSON))
		code = nothing_found(run);
	if (code != EXIT_ANSWERED || !print_all(run, &found))
		return EXIT_FAILED;
	return options->watch ? status_watch(run, found.rows, found.count) : EXIT_ANSWERED;
}

static void run_release(struct status_run *run)
{
	shelves_release(&run->shelves);
	people_release(&run->people);
}

int command_status(int argc, char **argv)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(run_release) struct status_run run = {0};
	struct people_options options;

	if (!people_options_read(argc, argv, true, &options, &err)) {
		fprintf(stderr, "%s status: %s\n\n", command_program(), error_text(&err));
		return usage(stderr, EXIT_WRONG_USE);
	}
	if (options.help)
		return usage(stdout, EXIT_ANSWERED);
	shelves_init(&run.shelves, NULL, NULL);
	if (!people_init(&run.people, &options, &err)) {
		fprintf(stderr, "error: %s\n", error_text(&err));
		return EXIT_FAILED;
	}
	return answer(&run);
}
