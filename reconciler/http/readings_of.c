/*
 * What follows from the pages so far. It reads alone.
 */
#include <math.h>

#include "reconciler/http/readings_internal.h"

#define RPS_LEAST_MS 1000

/* Its last word still counts. */
static bool is_live(const struct activator *activator, int64_t now_ms)
{
	return activator->read_ms >= 0 && now_ms - activator->read_ms <= READINGS_STALE_MS;
}

static bool answers(const struct activator *activator, int64_t now_ms)
{
	return activator->read_ms >= 0 && now_ms - activator->read_ms <= READINGS_UNREAD_MS;
}

/* May a page come of it soon? */
static bool may_answer(const struct activator *activator, int64_t now_ms)
{
	if (activator->broke_off)
		return false;
	return answers(activator, now_ms) ||
	       (activator->open && now_ms - activator->asked_ms <= READINGS_UNREAD_MS);
}

static bool is_known(const struct readings *readings, const struct revision *revision,
		     int64_t now_ms)
{
	bool known = false;
	for (size_t i = 0; i < readings->activator_count; i++) {
		const struct activator *activator = readings->activators[i];
		if (activator->cells[revision->place].read)
			known |= answers(activator, now_ms);
		else if (may_answer(activator, now_ms))
			return false;
	}
	return known;
}

bool readings_is_active(const struct readings *readings, const struct revision *revision,
			int64_t now_ms)
{
	if (revision->active_at_ms >= 0 && now_ms - revision->active_at_ms < READINGS_ACTIVE_MS)
		return true;
	for (size_t i = 0; i < readings->activator_count; i++) {
		const struct activator *activator = readings->activators[i];
		if (activator->cells[revision->place].signs && is_live(activator, now_ms))
			return true;
	}
	return false;
}

int64_t readings_word_ends(const struct activator *activator, int64_t now_ms)
{
	int64_t end = activator->read_ms + READINGS_STALE_MS;
	return end < now_ms ? end : now_ms;
}

int64_t readings_count_ends(const struct activator *activator, int64_t now_ms)
{
	int64_t end = readings_word_ends(activator, now_ms);
	return end < activator->count_holds_ms ? end : activator->count_holds_ms;
}

/* In flight now, and how much since then that no page has closed yet. */
static double open_area(const struct readings *readings, const struct revision *revision,
			int64_t since_ms, int64_t now_ms, double *in_flight)
{
	double area = 0;
	for (size_t i = 0; i < readings->activator_count; i++) {
		const struct activator *activator = readings->activators[i];
		double last = activator->cells[revision->place].in_flight;
		if (last <= 0)
			continue;
		int64_t begin = activator->taken_ms > since_ms ? activator->taken_ms : since_ms;
		int64_t end = readings_word_ends(activator, now_ms);
		area += end > begin ? last * (double)(end - begin) : 0;
		*in_flight += is_live(activator, now_ms) ? last : 0;
	}
	return area;
}

static void tell_concurrency(const struct readings *readings, const struct revision *revision,
			     int64_t now_ms, struct reading *out)
{
	int64_t covered = now_ms - revision->first_ms, since_ms = revision->first_ms;
	if (covered > READINGS_CONCURRENCY_MS) {
		covered = READINGS_CONCURRENCY_MS;
		since_ms = now_ms - covered;
	}
	double area = open_area(readings, revision, since_ms, now_ms, &out->in_flight);
	if (since_ms == revision->first_ms)
		since_ms = 0; /* the bucket in which all begins counts whole */
	area += window_since(&revision->in_flight, since_ms);
	out->concurrency = covered > 0 ? area / (double)covered : out->in_flight;
}

/* Completed since then that no page has counted yet, as it seems. */
static double open_completed(const struct readings *readings, const struct revision *revision,
			     int64_t since_ms, int64_t now_ms)
{
	double completed = 0;
	for (size_t i = 0; i < readings->activator_count; i++) {
		const struct activator *activator = readings->activators[i];
		int64_t begin = activator->counted_ms > since_ms ? activator->counted_ms : since_ms;
		int64_t end = readings_count_ends(activator, now_ms);
		if (end > begin)
			completed += activator->cells[revision->place].rate * (double)(end - begin);
	}
	return completed;
}

/* The moment up to which the rate is known, now at the latest: pages without the counter go on
 * while those with it fail or wait for their turn, and what was not counted yet is not nothing. */
static int64_t counted_until(const struct readings *readings, const struct revision *revision,
			     int64_t now_ms)
{
	int64_t until_ms = -1;
	bool any = false;
	for (size_t i = 0; i < readings->activator_count; i++) {
		const struct activator *activator = readings->activators[i];
		if (!answers(activator, now_ms))
			continue;
		any = true;
		if (activator->cells[revision->place].counted &&
		    activator->count_holds_ms > until_ms)
			until_ms = activator->count_holds_ms;
	}
	return any && until_ms < now_ms ? until_ms : now_ms;
}

static void tell_rps(const struct readings *readings, const struct revision *revision,
		     int64_t now_ms, struct reading *out)
{
	int64_t until_ms = counted_until(readings, revision, now_ms), since_ms = 0;
	int64_t covered = until_ms - revision->first_count_ms;
	int64_t counted = revision->rated_ms - revision->first_count_ms;
	if (counted <= 0 || covered < 0 || now_ms - until_ms > READINGS_UNCOUNTED_MS)
		return;
	if (covered > READINGS_RPS_MS) {
		covered = READINGS_RPS_MS;
		since_ms = until_ms - covered;
	}
	double completed = window_since(&revision->completed, since_ms) +
			   open_completed(readings, revision, since_ms, until_ms);
	out->rps_ms = counted < READINGS_RPS_MS ? counted : READINGS_RPS_MS;
	out->rps = completed / fmax((double)covered, RPS_LEAST_MS) * 1000;
}

void readings_of(const struct readings *readings, const char *ns, const char *name, int64_t now_ms,
		 struct reading *out)
{
	const struct revision *revision = readings_find(readings, ns, name);
	*out =
	    (struct reading){.active_at_ms = -1, .since_ms = -1, .read_at_ms = readings->read_ms};
	if (!revision || revision->since_ms < 0)
		return;
	out->known = is_known(readings, revision, now_ms);
	out->active = readings_is_active(readings, revision, now_ms);
	out->active_at_ms = revision->active_at_ms;
	out->since_ms = revision->since_ms;
	tell_concurrency(readings, revision, now_ms, out);
	tell_rps(readings, revision, now_ms, out);
}
