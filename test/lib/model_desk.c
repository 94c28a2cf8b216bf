/*
 * Desks: each stand-in works on keys at appointed times, as a controller works on its queue. A key
 * has one appointment at most, the earliest; a desk that does not run keeps none and looks at all
 * its inputs when it starts, as a controller does after a restart.
 */
#include <stdlib.h>
#include <string.h>

#include "test/lib/model_internal.h"

#define SOON_MS 1000

struct item {
	struct timer timer;
	struct desk *desk;
	char *ns, *name, *key;
};

static void item_free(struct item *item)
{
	timer_disarm(item->desk->model->timers, &item->timer);
	free(item->ns);
	free(item->name);
	free(item->key);
	free(item);
}

static void item_due(void *ctx)
{
	struct item *item = ctx;
	struct desk *desk = item->desk;
	table_remove(desk->items, item->key);
	desk->what->sync(desk->model, desk, item->ns, item->name);
	item_free(item);
}

void desk_later(struct desk *desk, const char *ns, const char *name, int64_t ms)
{
	struct timers *timers = desk->model->timers;
	char key[640];
	if (!desk->running)
		return;
	snprintf(key, sizeof(key), "%s/%s", ns, name);
	struct item *item = table_get(desk->items, key);
	if (!item) {
		item = xcalloc(1, sizeof(*item));
		timer_init(&item->timer, item_due, item);
		item->desk = desk;
		item->ns = xstrdup(ns);
		item->name = xstrdup(name);
		item->key = xstrdup(key);
		table_set(desk->items, key, item);
	} else if (item->timer.due_ms <= timers_now(timers) + ms) {
		return;
	}
	timer_arm(timers, &item->timer, ms);
}

void desk_init(struct model *model, enum desk_id id, const struct stand_in *what)
{
	struct desk *desk = &model->desks[id];
	desk->model = model;
	desk->what = what;
	desk->running = true;
	desk->items = table_new();
	desk->state = table_new();
}

static bool drop_item(void *ctx UNUSED, const char *key UNUSED, void *value)
{
	item_free(value);
	return true;
}

static bool drop_state(void *ctx UNUSED, const char *key UNUSED, void *value)
{
	free(value);
	return true;
}

static void desk_clear(struct desk *desk)
{
	table_each(desk->items, drop_item, NULL);
	table_free(desk->items);
	desk->items = table_new();
	table_each(desk->state, drop_state, NULL);
	table_free(desk->state);
	desk->state = table_new();
}

void desk_release(struct desk *desk)
{
	desk_clear(desk);
	table_free(desk->items);
	table_free(desk->state);
}

void desk_react(struct model *model, const struct change *change)
{
	for (size_t i = 0; i < DESK_COUNT; i++)
		if (model->desks[i].running)
			model->desks[i].what->react(model, &model->desks[i], change);
}

static bool look_at(void *ctx, const char *key UNUSED, void *value)
{
	struct desk *desk = ctx;
	struct version *version = value;
	struct change change = {.type = CHANGE_ADDED, .version = version};
	desk->what->react(desk->model, desk, &change);
	return true;
}

void desk_run(struct desk *desk, bool running)
{
	struct model *model = desk->model;
	if (desk->running == running)
		return;
	desk_clear(desk);
	desk->running = running;
	for (size_t i = 0; running && i < RESOURCE_COUNT; i++)
		table_each(model->resources[i].objects, look_at, desk);
}

struct soonest {
	int64_t due_ms;
};

static bool find_soonest(void *ctx, const char *key UNUSED, void *value)
{
	struct soonest *soonest = ctx;
	struct item *item = value;
	if (soonest->due_ms < 0 || item->timer.due_ms < soonest->due_ms)
		soonest->due_ms = item->timer.due_ms;
	return true;
}

bool desk_busy(const struct desk *desk)
{
	struct soonest soonest = {-1};
	table_each(desk->items, find_soonest, &soonest);
	return soonest.due_ms >= 0 && soonest.due_ms <= timers_now(desk->model->timers) + SOON_MS;
}

void *desk_state(struct desk *desk, const char *ns, const char *name, size_t size)
{
	char key[640];
	snprintf(key, sizeof(key), "%s/%s", ns, name);
	void *state = table_get(desk->state, key);
	if (!state) {
		state = xcalloc(1, size);
		table_set(desk->state, key, state);
	}
	return state;
}

void desk_forget(struct desk *desk, const char *ns, const char *name)
{
	char key[640];
	snprintf(key, sizeof(key), "%s/%s", ns, name);
	free(table_remove(desk->state, key));
}
