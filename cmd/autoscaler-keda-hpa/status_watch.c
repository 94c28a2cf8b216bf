/*
 * status -w: reflectors keep shelves of their own; a change names the rows that it may concern, and
 * a moment later these are made anew and printed if they differ from what was printed last. Nothing
 * is judged before all shelves are filled: half of the objects would make wrong rows.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/autoscaler-keda-hpa/status.h"
#include "pkg/base/check.h"
#include "pkg/base/table.h"
#include "pkg/kube/reflector.h"

#define SETTLE_MS 50 /* one event seldom comes alone */

struct printed {
	struct arena *arena;
	struct scaling_row row;
};

struct watch {
	struct status_run *run;
	struct reflector *reflectors[SHELVES]; /* NULL: may not be watched */
	struct table *printed;                 /* "ns/name" -> struct printed */
	struct table *dirty;                   /* "ns/name" -> watch */
	bool all_dirty;
	struct timer timer;
	bool broken; /* standard output is closed */
};

static struct printed *printed_new(void)
{
	struct arena *arena = arena_new();
	struct printed *printed = ARENA_NEW(arena, struct printed);

	printed->arena = arena;
	return printed;
}

static void printed_free(struct printed *printed)
{
	if (printed)
		arena_free(printed->arena);
}

/* ---- which rows ---- */

static void mark(struct watch *watch, const char *ns, const char *name)
{
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;

	strbuf_addf(&key, "%s/%s", ns, name);
	table_set(watch->dirty, key.buf, watch);
}

/* Children are named as their PodAutoscaler, but where the user makes them: there anything may
 * concern any row. */
static void changed(void *ctx, const struct object *before, const struct object *after)
{
	struct watch *watch = ctx;
	const struct meta *meta = &(after ? after : before)->meta;

	if (store_get(watch->run->shelves.stores[SHELF_PA], meta->ns, meta->name))
		mark(watch, meta->ns, meta->name);
	else
		watch->all_dirty = true;
	if (!timer_armed(&watch->timer))
		timer_arm(loop_timers(watch->run->people.loop), &watch->timer, SETTLE_MS);
}

/* ---- printing ---- */

static void check(struct watch *watch, bool ok)
{
	if (ok)
		return;
	watch->broken = true;
	loop_stop(watch->run->people.loop);
}

static void print_row(struct watch *watch, const struct scaling_row *row, bool deleted)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new();

	if (!watch->broken)
		check(watch, status_print_row(watch->run, row, deleted, scratch));
}

static void row_is_gone(struct watch *watch, const char *key)
{
	struct printed *old = table_remove(watch->printed, key);

	if (old)
		print_row(watch, &old->row, true);
	printed_free(old);
}

static void look_at(struct watch *watch, const char *key, const struct object *pa)
{
	struct printed *now = printed_new(), *old = table_get(watch->printed, key);

	if (!pa || !status_row(watch->run, pa, now->arena, &now->row)) {
		printed_free(now);
		row_is_gone(watch, key);
	} else if (old && row_equal(&old->row, &now->row)) {
		printed_free(now);
	} else {
		printed_free(table_set(watch->printed, key, now));
		print_row(watch, &now->row, false);
	}
}

static bool look_at_key(void *ctx, const char *key, void *value)
{
	struct watch *watch = ctx;
	const char *slash = strchr(key, '/');
	CLEANUP(strbuf_release) struct strbuf ns = STRBUF_INIT;

	(void)value;
	strbuf_add(&ns, key, (size_t)(slash - key));
	look_at(watch, key, store_get(watch->run->shelves.stores[SHELF_PA], ns.buf, slash + 1));
	return true;
}

static bool mark_object(void *ctx, struct object *object)
{
	mark(ctx, object->meta.ns, object->meta.name);
	return true;
}

static bool mark_printed(void *ctx, const char *key, void *value)
{
	struct watch *watch = ctx;

	(void)value;
	table_set(watch->dirty, key, watch);
	return true;
}

static bool all_synced(const struct watch *watch)
{
	for (size_t i = 0; i < SHELVES; i++)
		if (watch->reflectors[i] && !store_synced(watch->run->shelves.stores[i]))
			return false;
	return true;
}

/* As the timer. */
static void look(void *ctx)
{
	struct watch *watch = ctx;
	struct table *dirty;

	if (!all_synced(watch)) {
		timer_arm(loop_timers(watch->run->people.loop), &watch->timer, SETTLE_MS);
		return;
	}
	if (watch->all_dirty) {
		store_each(watch->run->shelves.stores[SHELF_PA], mark_object, watch);
		table_each(watch->printed, mark_printed, watch);
	}
	watch->all_dirty = false;
	dirty = watch->dirty;
	watch->dirty = table_new();
	table_each(dirty, look_at_key, watch);
	table_free(dirty);
}

/* ---- life ---- */

/* What was printed already, so that it is not printed again. */
static void remember(struct watch *watch, const struct scaling_row *rows, size_t count)
{
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;

	for (size_t i = 0; i < count; i++) {
		struct printed *printed = printed_new();
		printed->row = rows[i]; /* its texts live as long as the people's arena */
		strbuf_reset(&key);
		strbuf_addf(&key, "%s/%s", rows[i].ns, rows[i].revision);
		table_set(watch->printed, key.buf, printed);
	}
}

static void start(struct watch *watch)
{
	struct status_run *run = watch->run;

	shelves_release(&run->shelves);
	shelves_init(&run->shelves, changed, watch);
	for (size_t i = 0; i < SHELVES; i++)
		if (run->watchable[i])
			watch->reflectors[i] = reflector_new(
			    &(struct reflector_config){.client = run->people.client,
						       .resource = shelf_resources[i],
						       .ns = run->people.ns,
						       .decode = shelved_decode,
						       .store = run->shelves.stores[i]});
	/* Rows that went while nobody watched. */
	watch->all_dirty = true;
	timer_arm(loop_timers(run->people.loop), &watch->timer, SETTLE_MS);
}

static bool free_printed(void *ctx, const char *key, void *value)
{
	(void)ctx;
	(void)key;
	printed_free(value);
	return true;
}

static void watch_release(struct watch *watch)
{
	timer_disarm(loop_timers(watch->run->people.loop), &watch->timer);
	for (size_t i = 0; i < SHELVES; i++)
		if (watch->reflectors[i])
			reflector_free(watch->reflectors[i]);
	/* Its stores tell their objects' end to nobody. */
	shelves_release(&watch->run->shelves);
	watch->run->shelves = (struct shelves){0};
	table_each(watch->printed, free_printed, NULL);
	table_free(watch->printed);
	table_free(watch->dirty);
}

int status_watch(struct status_run *run, const struct scaling_row *rows, size_t count)
{
	CLEANUP(watch_release)
	struct watch watch = {.run = run, .printed = table_new(), .dirty = table_new()};

	timer_init(&watch.timer, look, &watch);
	remember(&watch, rows, count);
	if (run->columns.count == 0)
		check(&watch, run->people.options->output == OUTPUT_JSON ||
				  status_print_table(run, NULL, 0, run->people.arena));
	start(&watch);
	if (!watch.broken)
		loop_run(run->people.loop);
	return watch.broken ? EXIT_FAILED : EXIT_ANSWERED;
}
