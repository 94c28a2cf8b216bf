/*
 * Watches: the initial state or history from a version on, then changes as they come; bookmarks;
 * the end of their time. As kube-apiserver's watch cache answers, WatchList included.
 *
 * Invariant: everything of the selection up to `after` has been sent.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/model_internal.h"

#define BOOKMARK_MS 60000
/* What the API server takes when a request names no timeoutSeconds: 30 to 60 min. */
#define DEFAULT_TIMEOUT_S 1800

struct model_watch {
	struct model *model;
	struct arena *arena;
	struct selection selection;
	uint64_t after;
	struct version **initial; /* still to be sent, references held */
	size_t initial_count, initial_at;
	bool end_of_initial; /* its bookmark is still to be sent */
	bool table, columns; /* Tables are wanted; their columns were sent */
	bool bookmarks, over;
	int64_t ends_ms, bookmark_ms; /* monotonic */
};

static bool take_initial(void *ctx, const char *key UNUSED, void *value)
{
	struct model_watch *watch = ctx;
	struct version *version = value;
	if (selection_has(&watch->selection, version)) {
		version->refs++;
		watch->initial[watch->initial_count++] = version;
	}
	return true;
}

static void start_with_state(struct model_watch *watch)
{
	struct table *objects = watch->selection.resource->objects;
	watch->initial = xcalloc(table_count(objects) + 1, sizeof(watch->initial[0]));
	table_each(objects, take_initial, watch);
	qsort(watch->initial, watch->initial_count, sizeof(watch->initial[0]), version_by_key);
	watch->after = watch->model->version;
}

static bool refusal(struct model *model, const struct selection *selection, struct arena *arena,
		    struct error *err)
{
	const char *query = selection->query;
	bool list = query_true(query, "sendInitialEvents");
	const char *match = query_text(query, "resourceVersionMatch", arena);
	const char *text = NULL;
	if (list && model->no_watch_list)
		text = "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch "
		       "unless the WatchList feature gate is enabled";
	else if (list && (!match || strcmp(match, "NotOlderThan") != 0))
		text = "resourceVersionMatch: Forbidden: sendInitialEvents requires setting "
		       "resourceVersionMatch to NotOlderThan";
	else if (!list && match)
		text = "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for "
		       "watch unless sendInitialEvents is provided";
	return !text || api_error(err, ERROR_INVALID, 422,
				  "ListOptions.meta.k8s.io \"\" is invalid: %s", text);
}

static struct model_watch *watch_new(struct model *model)
{
	struct model_watch *watch = xcalloc(1, sizeof(*watch));
	watch->model = model;
	watch->arena = arena_new();
	return watch;
}

struct model_watch *model_watch_open(struct model *model, const char *path,
				     struct model_answer *answer)
{
	return model_watch_open_as(model, path, NULL, answer);
}

struct model_watch *model_watch_open_as(struct model *model, const char *path, const char *accept,
					struct model_answer *answer)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct model_watch *watch = watch_new(model);
	/* The selection points into the path. */
	const char *kept = arena_strdup(watch->arena, path);
	struct selection *selection = &watch->selection;
	strbuf_reset(&answer->body);
	if (!selection_parse(model, kept, watch->arena, selection, &err) ||
	    (selection->resource && !refusal(model, selection, watch->arena, &err))) {
		answer_error(answer, selection, &err);
		model_watch_free(watch);
		return NULL;
	}
	if (!selection->resource) {
		answer->status = 404;
		answer->plain = true;
		strbuf_addstr(&answer->body, "404 page not found\n");
		model_watch_free(watch);
		return NULL;
	}
	int64_t now = timers_now(model->timers);
	int64_t seconds = query_int(selection->query, "timeoutSeconds");
	watch->ends_ms = now + (seconds > 0 ? seconds : DEFAULT_TIMEOUT_S) * 1000;
	watch->bookmark_ms = now + BOOKMARK_MS;
	watch->bookmarks = query_true(selection->query, "allowWatchBookmarks");
	watch->after = (uint64_t)query_int(selection->query, "resourceVersion");
	bool list = query_true(selection->query, "sendInitialEvents");
	if (list || watch->after == 0)
		start_with_state(watch);
	watch->end_of_initial = list && watch->bookmarks;
	watch->table = table_wanted(accept);
	answer->status = 200;
	return watch;
}

void model_watch_free(struct model_watch *watch)
{
	if (!watch)
		return;
	for (size_t i = watch->initial_at; i < watch->initial_count; i++)
		version_unref(watch->initial[i]);
	free(watch->initial);
	arena_free(watch->arena);
	free(watch);
}

/* Index of the first change after `after`: history is sorted by number. */
static size_t first_after(const struct resource *resource, uint64_t after)
{
	size_t low = 0, high = resource->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (resource->history[middle].version->number <= after)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What a change is for this watch: an object that begins or ceases to fit a selector is added or
 * deleted. Below 0: it is none of its concern. */
static int type_for(const struct model_watch *watch, size_t index)
{
	const struct selection *selection = &watch->selection;
	const struct change *change = &selection->resource->history[index];
	bool fits = selection_has(selection, change->version);
	if (change->type == CHANGE_ADDED || (!selection->labels && !selection->fields))
		return fits ? (int)change->type : -1;
	const struct version *before = version_before(selection->resource, index);
	bool fitted = before ? selection_has(selection, before) : fits;
	if (!fitted)
		return fits && change->type == CHANGE_MODIFIED ? CHANGE_ADDED : -1;
	return fits ? (int)change->type : CHANGE_DELETED;
}

static const struct change *next_change(const struct model_watch *watch, int *type)
{
	const struct resource *resource = watch->selection.resource;
	for (size_t i = first_after(resource, watch->after); i < resource->count; i++)
		if ((*type = type_for(watch, i)) >= 0)
			return &resource->history[i];
	return NULL;
}

static bool too_old(const struct model_watch *watch)
{
	return watch->after < watch->selection.resource->compacted;
}

static void write_event(struct model_watch *watch, struct strbuf *line, const char *type,
			struct version *version)
{
	if (!watch->table) {
		strbuf_addf(line, "{\"type\":\"%s\",\"object\":%s}\n", type, version_text(version));
		return;
	}
	CLEANUP(strbuf_release) struct strbuf table = STRBUF_INIT;
	table_write_one(watch->model, &watch->selection, version, !watch->columns, &table);
	watch->columns = true;
	strbuf_addf(line, "{\"type\":\"%s\",\"object\":%.*s}\n", type, (int)table.len - 1,
		    table.buf);
}

static void write_bookmark(struct model_watch *watch, bool end_of_initial, struct strbuf *line)
{
	const struct kind *kind = &watch->selection.resource->kind;
	strbuf_addf(line,
		    "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"%s\",\"apiVersion\":\"%s%s%s\","
		    "\"metadata\":{\"resourceVersion\":\"%" PRIu64 "\"",
		    kind->name, kind->group, kind->group[0] ? "/" : "", kind->version,
		    watch->after);
	if (end_of_initial)
		strbuf_addstr(line, ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}");
	strbuf_addstr(line, "}}}\n");
	watch->bookmark_ms = timers_now(watch->model->timers) + BOOKMARK_MS;
}

static enum model_watch_got expired(struct model_watch *watch, struct strbuf *line)
{
	CLEANUP(strbuf_release) struct strbuf status = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	strbuf_addf(&text, "too old resource version: %" PRIu64 " (%" PRIu64 ")", watch->after,
		    watch->selection.resource->compacted);
	model_status_body(410, text.buf, &status);
	strbuf_addf(line, "{\"type\":\"ERROR\",\"object\":%.*s}\n", (int)status.len - 1,
		    status.buf);
	watch->over = true;
	return WATCH_ERROR;
}

enum model_watch_got model_watch_next(struct model_watch *watch, struct strbuf *line)
{
	static const char *const types[] = {"ADDED", "MODIFIED", "DELETED"};
	int64_t now = timers_now(watch->model->timers);
	strbuf_reset(line);
	if (watch->over || watch->selection.resource->absent)
		return WATCH_OVER;
	if (watch->initial_at < watch->initial_count) {
		struct version *version = watch->initial[watch->initial_at++];
		write_event(watch, line, "ADDED", version);
		version_unref(version);
		return WATCH_EVENT;
	}
	if (watch->end_of_initial) {
		watch->end_of_initial = false;
		write_bookmark(watch, true, line);
		return WATCH_BOOKMARK;
	}
	if (too_old(watch))
		return expired(watch, line);
	int type;
	const struct change *change = next_change(watch, &type);
	if (change) {
		watch->after = change->version->number;
		write_event(watch, line, types[type], change->version);
		return WATCH_EVENT;
	}
	watch->after = watch->model->version;
	if (now >= watch->ends_ms) {
		watch->over = true;
		return WATCH_OVER;
	}
	if (!watch->bookmarks || now < watch->bookmark_ms)
		return WATCH_NOTHING;
	write_bookmark(watch, false, line);
	return WATCH_BOOKMARK;
}

bool model_watch_pending(const struct model_watch *watch)
{
	if (watch->over || watch->selection.resource->absent || watch->end_of_initial)
		return true;
	int type;
	return watch->initial_at < watch->initial_count || too_old(watch) ||
	       next_change(watch, &type);
}

int64_t model_watch_wait_ms(const struct model_watch *watch)
{
	int64_t until = watch->ends_ms;
	if (watch->bookmarks && watch->bookmark_ms < until)
		until = watch->bookmark_ms;
	int64_t wait = until - timers_now(watch->model->timers);
	return wait > 0 ? wait : 0;
}
