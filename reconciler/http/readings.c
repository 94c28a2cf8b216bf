/*
 * What pages tell is gathered in cells, and settled when a page has ended whole: the area between
 * it and the one before goes into the revision's window, so does what was completed.
 */
#include "reconciler/http/readings_internal.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/slab.h"

#define KEY_SIZE (63 + 1 + 253 + 1) /* "ns/name" */
#define VALUE_MAX 1e15

struct readings *readings_new(void)
{
	struct readings *readings = xcalloc(1, sizeof(*readings));
	readings->by_key = table_new();
	readings->read_ms = -1;
	return readings;
}

static void activator_free(struct activator *activator)
{
	free(activator->name);
	free(activator->cells);
	free(activator);
}

void readings_free(struct readings *readings)
{
	if (!readings)
		return;
	for (size_t i = 0; i < readings->count; i++)
		slab_free(readings->revisions[i], readings->revisions[i]->size);
	for (size_t i = 0; i < readings->activator_count; i++)
		activator_free(readings->activators[i]);
	table_free(readings->by_key);
	free(readings->revisions);
	free(readings->activators);
	free(readings);
}

/* False: no such name can be. */
static bool make_key(const char *ns, const char *name, char key[KEY_SIZE])
{
	size_t ns_length = strlen(ns), name_size = strlen(name) + 1;
	if (ns_length + 1 + name_size > KEY_SIZE)
		return false;
	memcpy(key, ns, ns_length);
	key[ns_length] = '/';
	memcpy(key + ns_length + 1, name, name_size);
	return true;
}

struct revision *readings_find(const struct readings *readings, const char *ns, const char *name)
{
	char key[KEY_SIZE];
	return make_key(ns, name, key) ? table_get(readings->by_key, key) : NULL;
}

static struct revision *revision_new(const char *ns, const char *name)
{
	size_t ns_size = strlen(ns) + 1, name_size = strlen(name) + 1;
	size_t size = sizeof(struct revision) + ns_size + name_size;
	struct revision *revision = slab_zalloc(size);
	revision->size = (unsigned)size;
	revision->name = revision->ns + ns_size;
	memcpy(revision->ns, ns, ns_size);
	memcpy(revision->ns + ns_size, name, name_size);
	revision->first_ms = revision->since_ms = revision->first_count_ms = -1;
	revision->rated_ms = revision->active_at_ms = -1;
	return revision;
}

static void make_room(struct readings *readings)
{
	if (readings->count < readings->room)
		return;
	readings->room = readings->room ? 2 * readings->room : 8;
	readings->revisions =
	    xrealloc(readings->revisions, readings->room * sizeof(*readings->revisions));
	for (size_t i = 0; i < readings->activator_count; i++) {
		struct activator *activator = readings->activators[i];
		activator->cells =
		    xrealloc(activator->cells, readings->room * sizeof(*activator->cells));
	}
}

void readings_watch(struct readings *readings, const char *ns, const char *name)
{
	char key[KEY_SIZE];
	if (!make_key(ns, name, key) || table_get(readings->by_key, key))
		return;
	make_room(readings);
	struct revision *revision = revision_new(ns, name);
	revision->place = readings->count++;
	revision->born = readings->pages;
	readings->revisions[revision->place] = revision;
	for (size_t i = 0; i < readings->activator_count; i++)
		readings->activators[i]->cells[revision->place] = (struct cell){0};
	table_set(readings->by_key, key, revision);
}

/* The last one takes its place. */
void readings_unwatch(struct readings *readings, const char *ns, const char *name)
{
	char key[KEY_SIZE];
	struct revision *revision =
	    make_key(ns, name, key) ? table_remove(readings->by_key, key) : NULL;
	if (!revision)
		return;
	size_t place = revision->place, last = --readings->count;
	readings->revisions[place] = readings->revisions[last];
	readings->revisions[place]->place = place;
	for (size_t i = 0; i < readings->activator_count; i++) {
		struct cell *cells = readings->activators[i]->cells;
		cells[place] = cells[last];
	}
	slab_free(revision, revision->size);
}

size_t readings_watched(const struct readings *readings)
{
	return readings->count;
}

void readings_on_rise(struct readings *readings,
		      void (*rise)(void *ctx, const char *ns, const char *revision), void *ctx)
{
	readings->rise = rise;
	readings->ctx = ctx;
}

static struct activator *find_activator(struct readings *readings, const char *name)
{
	for (size_t i = 0; i < readings->activator_count; i++) {
		size_t at = (readings->last_asked + i) % readings->activator_count;
		if (strcmp(readings->activators[at]->name, name) == 0) {
			readings->last_asked = at;
			return readings->activators[at];
		}
	}
	return NULL;
}

static struct activator *add_activator(struct readings *readings, const char *name)
{
	struct activator *activator = xcalloc(1, sizeof(*activator));
	activator->name = xstrdup(name);
	activator->cells = xcalloc(readings->room + 1, sizeof(*activator->cells));
	activator->taken_ms = activator->read_ms = activator->counted_ms = -1;
	readings->activators = xrealloc(readings->activators, (readings->activator_count + 1) *
								  sizeof(*readings->activators));
	return readings->activators[readings->activator_count++] = activator;
}

void readings_begin(struct readings *readings, const char *name, enum readings_page page,
		    int64_t now_ms)
{
	struct activator *activator = find_activator(readings, name);
	if (!activator)
		activator = add_activator(readings, name);
	activator->open = true;
	activator->kind = page;
	activator->page = ++readings->pages;
	activator->asked_ms = now_ms;
	activator->unnamed = 0;
}

/* The activator whose page is under way, or NULL. */
static struct activator *find_open(struct readings *readings, const char *name)
{
	struct activator *activator = find_activator(readings, name);
	return activator && activator->open ? activator : NULL;
}

static bool counts(double value)
{
	return value > 0 && value <= VALUE_MAX;
}

void readings_sample(struct readings *readings, const char *name, const char *ns,
		     const char *revision_name, enum reading_kind kind, double value)
{
	struct activator *activator = find_open(readings, name);
	const struct revision *revision =
	    activator ? readings_find(readings, ns, revision_name) : NULL;
	if (!revision)
		return;
	struct cell *cell = &activator->cells[revision->place];
	if (cell->page != activator->page) {
		cell->page = activator->page;
		cell->named = false;
		cell->new_in_flight = cell->new_completed = 0;
	}
	if (kind != READING_COMPLETED)
		cell->named = true;
	if (counts(value))
		*(kind == READING_COMPLETED ? &cell->new_completed : &cell->new_in_flight) += value;
}

void readings_unnamed(struct readings *readings, const char *name, double value)
{
	struct activator *activator = find_open(readings, name);
	if (activator && counts(value))
		activator->unnamed += value;
}

/* Takes what the page told as in flight. */
static void settle_in_flight(const struct activator *activator, struct revision *revision,
			     struct cell *cell, double in_flight)
{
	if (cell->read && (cell->in_flight > 0 || in_flight > 0))
		window_add_area(&revision->in_flight, activator->taken_ms, activator->asked_ms,
				cell->in_flight, in_flight);
	if (revision->first_ms < 0)
		revision->first_ms = activator->asked_ms;
	cell->in_flight = in_flight;
	cell->read = true;
}

/* How many were completed since the last page that counted them. */
static double settle_completed(const struct activator *activator, struct revision *revision,
			       struct cell *cell, double completed)
{
	double grown = 0;
	int64_t since_ms = activator->asked_ms - activator->counted_ms;
	if (cell->counted) {
		grown = completed >= cell->completed ? completed - cell->completed : completed;
		cell->rate = since_ms > 0 ? grown / (double)since_ms : 0;
		revision->rated_ms = activator->asked_ms;
	}
	if (grown > 0)
		window_add_amount(&revision->completed, activator->counted_ms, activator->asked_ms,
				  grown);
	if (revision->first_count_ms < 0)
		revision->first_count_ms = activator->asked_ms;
	cell->completed = completed;
	cell->counted = true;
	return grown;
}

/* What the page told of a revision, or that it told nothing. */
static void settle(struct readings *readings, const struct activator *activator,
		   struct revision *revision, int64_t now_ms)
{
	struct cell *cell = &activator->cells[revision->place];
	bool told = cell->page == activator->page, named = told && cell->named;
	double in_flight = told ? cell->new_in_flight : 0, completed = 0;
	if (activator->page <= revision->born)
		return;
	settle_in_flight(activator, revision, cell, in_flight);
	if (activator->kind == READINGS_ALL)
		completed =
		    settle_completed(activator, revision, cell, told ? cell->new_completed : 0);
	bool sign = in_flight > 0 || completed > 0 || (activator->unnamed > 0 && !named);
	if (sign) {
		revision->risen = !readings_is_active(readings, revision, now_ms);
		revision->active_at_ms = now_ms;
	}
	cell->signs = (unsigned char)((cell->signs << 1 | sign) & 3);
	if (revision->since_ms < 0)
		revision->since_ms = now_ms;
}

/* From the last to the first: where one is unwatched meanwhile, the last takes its place, and that
 * has been told, or is still before us. */
static void tell_risen(struct readings *readings)
{
	for (size_t i = readings->count; i-- > 0;) {
		struct revision *revision = i < readings->count ? readings->revisions[i] : NULL;
		if (!revision || !revision->risen)
			continue;
		revision->risen = false;
		if (readings->rise)
			readings->rise(readings->ctx, revision->ns, revision->name);
	}
}

static void note_count(struct activator *activator)
{
	int64_t before_ms = activator->counted_ms;
	activator->counted_ms = activator->count_holds_ms = activator->asked_ms;
	if (before_ms >= 0)
		activator->count_holds_ms += activator->asked_ms - before_ms;
}

void readings_end(struct readings *readings, const char *name, int64_t now_ms)
{
	struct activator *activator = find_open(readings, name);
	if (!activator)
		return;
	for (size_t i = 0; i < readings->count; i++)
		settle(readings, activator, readings->revisions[i], now_ms);
	activator->open = activator->broke_off = false;
	activator->taken_ms = activator->asked_ms;
	activator->read_ms = readings->read_ms = now_ms;
	if (activator->kind == READINGS_ALL)
		note_count(activator);
	tell_risen(readings);
}

void readings_abort(struct readings *readings, const char *name)
{
	struct activator *activator = find_open(readings, name);
	if (!activator)
		return;
	activator->open = false;
	activator->broke_off = true;
}

/* Its last word goes into the window: as much of it as would have counted. */
static void leave(const struct activator *activator, struct revision *revision, int64_t now_ms)
{
	const struct cell *cell = &activator->cells[revision->place];
	int64_t count_ends_ms = readings_count_ends(activator, now_ms);
	if (cell->in_flight > 0)
		window_add_area(&revision->in_flight, activator->taken_ms,
				readings_word_ends(activator, now_ms), cell->in_flight,
				cell->in_flight);
	if (cell->rate > 0 && count_ends_ms > activator->counted_ms)
		window_add_amount(&revision->completed, activator->counted_ms, count_ends_ms,
				  cell->rate * (double)(count_ends_ms - activator->counted_ms));
}

void readings_drop(struct readings *readings, const char *name, int64_t now_ms)
{
	struct activator *activator = find_activator(readings, name);
	if (!activator)
		return;
	for (size_t i = 0; i < readings->count; i++)
		leave(activator, readings->revisions[i], now_ms);
	readings->activators[readings->last_asked] =
	    readings->activators[--readings->activator_count];
	activator_free(activator);
}
