/*
 * One struct activator a place, by address; each has at most one request under way, else an armed
 * timer. Places change from a timer (apply), because a store is filled from within curl, where no
 * transport may be freed.
 */
#include "reconciler/http/activators.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"
#include "pkg/net/curl_transport.h"
#include "pkg/prom/text.h"

/* Of a page's duration. An activator works for a fifth of a core at most to tell the gauges, and
 * for a twentieth to tell the counters as well. */
#define REST 4
#define BYTES_A_MS 10000 /* of all pages together, and again of those with the counter */
#define COUNTERS_REST 20
#define COUNTERS_REST_MAX_MS 30000
#define COUNTERS_FAILED_MS 10000

#define GAUGES                                                                                     \
	"/metrics?name%5B%5D=kn_revision_request_queued&name%5B%5D=kn_revision_request_active"
#define COUNTERS GAUGES "&name%5B%5D=http_server_request_duration_seconds"

static const char *const wanted[] = {
    [READING_QUEUED] = "kn_revision_request_queued",
    [READING_ACTIVE] = "kn_revision_request_active",
    [READING_COMPLETED] = "http_server_request_duration_seconds_count",
    [READING_COMPLETED + 1] = NULL,
};

struct activator {
	struct activators *owner;
	struct endpoint_place place;
	struct transport *transport;
	struct prom_text *text;
	struct http_call *call; /* under way, or NULL: the timer is armed */
	struct timer timer;
	struct error failure; /* why we ended the page under way */
	struct error trouble; /* of the last failure since a whole page */
	unsigned failures;    /* in a row */
	bool counters;        /* the page under way has them */
	bool overflow;        /* the page under way tells it */
	bool overflow_told;
	size_t length;                          /* of the page under way */
	int64_t gauges_ms;                      /* that the last page without counters took */
	int64_t began_ms, read_ms, counters_ms; /* the last whole page, or when it was set; the next
						   page with counters */
};

struct activators {
	struct activators_config config;
	struct timers *timers;
	size_t count;
	struct activator **all; /* by address */
	struct timer apply;
	struct endpoint_places places; /* to be applied */
	char *trouble;
	bool wanted, heard, unread; /* by somebody; a whole page since; what was told last */
	struct strbuf why;
	struct activators_stats stats; /* the totals */
};

static int64_t now(const struct activators *activators)
{
	return timers_now(activators->timers);
}

/* ---- what is known of them all ---- */

/* The serving one that was read least recently. NULL: none serves. */
static const struct activator *least_read(const struct activators *activators)
{
	const struct activator *least = NULL;

	for (size_t i = 0; i < activators->count; i++) {
		const struct activator *activator = activators->all[i];

		if (!activator->place.draining && (!least || activator->read_ms < least->read_ms))
			least = activator;
	}
	return least;
}

void activators_stats(const struct activators *activators, struct activators_stats *out)
{
	*out = activators->stats;
	for (size_t i = 0; i < activators->count; i++) {
		const struct activator *activator = activators->all[i];
		int64_t age_ms = now(activators) - activator->read_ms;

		if (activator->place.draining)
			continue;
		out->known++;
		out->read += age_ms < ACTIVATORS_UNREAD_MS;
		if (age_ms > out->age_ms)
			out->age_ms = age_ms;
	}
}

static bool can_be_read(const struct activators *activators, const struct activator *least,
			const struct activators_stats *stats)
{
	return least && activators->heard && stats->read > 0 &&
	       now(activators) - least->read_ms < activators->config.unread_one_ms;
}

const char *activators_unread(struct activators *activators)
{
	const struct activator *least = least_read(activators);
	struct activators_stats stats;

	activators_stats(activators, &stats);
	if (!activators->wanted || can_be_read(activators, least, &stats))
		return NULL;
	strbuf_reset(&activators->why);
	if (!least)
		strbuf_addf(&activators->why, "no activator is known: %s",
			    activators->trouble ? activators->trouble
						: "the Service activator-service"
						  " has no endpoint that is ready");
	else if (activators->heard && stats.read > 0)
		strbuf_addf(&activators->why,
			    "of %zu activators one cannot be read: ", stats.known);
	else if (stats.known > 1)
		strbuf_addstr(&activators->why, "no activator can be read, the first: ");
	if (least)
		strbuf_addstr(&activators->why,
			      least->failures > 0 ? error_text(&least->trouble) : "no answer yet");
	return activators->why.buf;
}

/* Tells when that changes. Of those that have only just been set, not yet: a page is on its way. */
static void review(struct activators *activators)
{
	const char *why = activators_unread(activators);
	struct activators_stats stats;

	activators_stats(activators, &stats);
	if (activators->unread == (why != NULL) || (!activators->heard && stats.read > 0))
		return;
	activators->unread = why != NULL;
	if (why)
		log_warn("activators cannot be read", F_STR("error", why));
	else
		log_info("activators can be read again");
	if (activators->config.changed)
		activators->config.changed(activators->config.ctx);
}

/* ---- one page ---- */

static void take_sample(void *ctx, const struct prom_sample *sample)
{
	struct activator *activator = ctx;
	const char *ns = prom_label_get(sample, "k8s_namespace_name");
	const char *revision = prom_label_get(sample, "kn_revision_name");

	struct readings *readings = activator->owner->config.readings;

	if (ns && revision) {
		readings_sample(readings, activator->place.address, ns, revision,
				(enum reading_kind)sample->family, sample->value);
	} else if (sample->family != READING_COMPLETED && sample->value > 0) {
		activator->overflow = true;
		readings_unnamed(readings, activator->place.address, sample->value);
	}
}

static bool on_data(void *ctx, const char *data, size_t length)
{
	struct activator *activator = ctx;

	size_t max = activator->owner->config.page_max;

	if (length > max - activator->length)
		return error_set(&activator->failure, ERROR_INVALID,
				 "a page of more than %zu bytes", max);
	activator->length += length;
	prom_text_feed(activator->text, data, length);
	return true;
}

static int64_t at_most(int64_t value, int64_t max)
{
	return value < max ? value : max;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* How long a page like this one may take, of all activators in turn. */
static int64_t share_ms(const struct activator *activator)
{
	return (int64_t)(activator->length * activator->owner->count / BYTES_A_MS);
}

static int64_t next_after_page(const struct activator *activator, int64_t took_ms)
{
	const struct activators *owner = activator->owner;
	int64_t every_ms = larger(ACTIVATORS_READ_MS, (REST + 1) * activator->gauges_ms);

	if (!activator->counters)
		every_ms = larger(every_ms, share_ms(activator));
	if (!owner->config.needed(owner->config.ctx))
		every_ms = ACTIVATORS_LOOK_MS;
	return at_most(every_ms, ACTIVATORS_LOOK_MS) - took_ms;
}

static int64_t next_counters(const struct activator *activator, int64_t took_ms)
{
	int64_t rest_ms = larger(COUNTERS_REST * took_ms, share_ms(activator));

	return at_most(rest_ms, COUNTERS_REST_MAX_MS) - took_ms;
}

static void page_ended(struct activator *activator)
{
	CLEANUP(error_clear) struct error malformed = ERROR_INIT;
	struct activators *owner = activator->owner;
	int64_t took_ms = now(owner) - activator->began_ms;

	if (!prom_text_end(activator->text, &malformed)) {
		owner->stats.malformed++;
		log_debug("lines of an activator's metrics passed over",
			  F_STR("address", activator->place.address),
			  F_STR("error", error_text(&malformed)));
	}
	activator->read_ms = now(owner);
	owner->heard = true;
	activator->failures = 0;
	error_clear(&activator->trouble);
	owner->stats.pages++;
	owner->stats.overflows += activator->overflow;
	if (activator->overflow && !activator->overflow_told)
		log_warn("an activator has requests of revisions that it does not name",
			 F_STR("address", activator->place.address));
	activator->overflow_told = activator->overflow;
	if (activator->counters)
		activator->counters_ms = now(owner) + next_counters(activator, took_ms);
	else
		activator->gauges_ms = took_ms;
	timer_arm(owner->timers, &activator->timer, next_after_page(activator, took_ms));
	readings_end(owner->config.readings, activator->place.address, activator->read_ms);
}

static void page_failed(struct activator *activator)
{
	struct activators *owner = activator->owner;
	int64_t delay_ms = ACTIVATORS_RETRY_MS;

	readings_abort(owner->config.readings, activator->place.address);
	prom_text_abort(activator->text);
	for (unsigned i = 0; i < activator->failures && delay_ms < ACTIVATORS_RETRY_MAX_MS; i++)
		delay_ms *= 2;
	activator->failures++;
	owner->stats.failures++;
	/* It may be the counters that are too much. */
	if (activator->counters)
		activator->counters_ms = now(owner) + COUNTERS_FAILED_MS;
	/* It stands while the next page is under way: one that hangs is so nearly always. */
	error_take(&activator->trouble, &activator->failure);
	error_wrap(&activator->trouble, "GET http://%s/metrics", activator->place.address);
	error_tidy(&activator->trouble, 256);
	timer_arm(owner->timers, &activator->timer, at_most(delay_ms, ACTIVATORS_RETRY_MAX_MS));
}

static void judge(struct activator *activator, const struct http_response *response,
		  const struct error *err)
{
	struct error *failure = &activator->failure;

	if (failure->kind != ERROR_NONE)
		return;
	if (err->kind != ERROR_NONE)
		error_set(failure, err->kind, "%s", error_text(err));
	else if (response->status == 404)
		error_set(failure, ERROR_NOT_FOUND,
			  "404: does config-observability say metrics-protocol: prometheus?");
	else if (response->status != 200)
		error_set(failure, ERROR_TRANSIENT, "status %d", response->status);
}

static void on_done(void *ctx, const struct http_response *response, const struct error *err)
{
	struct activator *activator = ctx;
	struct activators *owner = activator->owner;

	activator->call = NULL;
	owner->stats.bytes += activator->length;
	judge(activator, response, err);
	if (activator->failure.kind == ERROR_NONE)
		page_ended(activator);
	else
		page_failed(activator);
	review(owner);
}

static void begin_page(void *ctx)
{
	static const struct http_events events = {.data = on_data, .done = on_done};
	struct activator *activator = ctx;
	struct activators *owner = activator->owner;
	struct http_request request = {
	    .method = "GET", .stream = true, .timeout_ms = ACTIVATORS_TIMEOUT_MS};

	activator->began_ms = now(owner);
	activator->counters = owner->config.needed(owner->config.ctx) &&
			      activator->began_ms >= activator->counters_ms;
	activator->overflow = false;
	activator->length = 0;
	request.path = activator->counters ? COUNTERS : GAUGES;
	readings_begin(owner->config.readings, activator->place.address,
		       activator->counters ? READINGS_ALL : READINGS_GAUGES, activator->began_ms);
	activator->call = transport_start(activator->transport, &request, &events, activator);
}

/* ---- who is there ---- */

static struct activator *activator_new(struct activators *owner, const char *address)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(strbuf_release) struct strbuf server = STRBUF_INIT;
	struct activator *activator = xcalloc(1, sizeof(*activator));
	struct endpoint endpoint = {.user_agent = "autoscaler-keda-hpa/" AKH_VERSION};

	strbuf_addf(&server, "http://%s", address);
	endpoint.server = server.buf;
	/* Of an IP address and a port nothing can be wrong. */
	CHECK(curl_transport_new(owner->config.loop, &endpoint, &activator->transport, &err));
	activator->owner = owner;
	activator->place.address = xstrdup(address);
	activator->text = prom_text_new(wanted, take_sample, activator);
	activator->read_ms = now(owner);
	timer_init(&activator->timer, begin_page, activator);
	timer_arm(owner->timers, &activator->timer, 0);
	return activator;
}

static void activator_free(struct activator *activator)
{
	timer_disarm(activator->owner->timers, &activator->timer);
	curl_transport_free(activator->transport);
	readings_abort(activator->owner->config.readings, activator->place.address);
	prom_text_free(activator->text);
	error_clear(&activator->failure);
	error_clear(&activator->trouble);
	free(activator->place.address);
	free(activator);
}

/* Takes it out of all. */
static struct activator *take(struct activators *activators, const char *address)
{
	for (size_t i = 0; i < activators->count; i++) {
		struct activator *activator = activators->all[i];

		if (activator && strcmp(activator->place.address, address) == 0) {
			activators->all[i] = NULL;
			return activator;
		}
	}
	return NULL;
}

static void drop_rest(struct activators *activators)
{
	for (size_t i = 0; i < activators->count; i++) {
		struct activator *gone = activators->all[i];

		if (!gone)
			continue;
		readings_drop(activators->config.readings, gone->place.address, now(activators));
		activator_free(gone);
	}
	free(activators->all);
}

static void apply(void *ctx)
{
	struct activators *activators = ctx;
	const struct endpoint_places *places = &activators->places;
	struct activator **all = xcalloc(places->count + 1, sizeof(struct activator *));

	for (size_t i = 0; i < places->count; i++) {
		all[i] = take(activators, places->items[i].address);
		if (!all[i])
			all[i] = activator_new(activators, places->items[i].address);
		all[i]->place.draining = places->items[i].draining;
	}
	drop_rest(activators);
	activators->all = all;
	activators->count = places->count;
	review(activators);
}

void activators_set(struct activators *activators, const struct endpoint_places *places,
		    const char *trouble)
{
	struct endpoint_places *copy = &activators->places;

	endpoint_places_release(copy);
	for (size_t i = 0; places && i < places->count; i++) {
		copy->items = xrealloc(copy->items, (i + 1) * sizeof(*copy->items));
		copy->items[copy->count++] = (struct endpoint_place){
		    xstrdup(places->items[i].address), places->items[i].draining};
	}
	free(activators->trouble);
	activators->trouble = trouble ? xstrdup(trouble) : NULL;
	activators->wanted = places != NULL;
	activators->heard = activators->heard && places;
	timer_arm(activators->timers, &activators->apply, 0);
}

/* Only those that wait for their turn while nobody needs them: that a page took long, or failed, is
 * true now too. */
void activators_wake(struct activators *activators)
{
	for (size_t i = 0; i < activators->count; i++) {
		struct activator *activator = activators->all[i];

		if (!activator->call && activator->failures == 0)
			timer_arm(activators->timers, &activator->timer, 0);
	}
}

struct activators *activators_new(const struct activators_config *config)
{
	struct activators *activators = xcalloc(1, sizeof(*activators));

	activators->config = *config;
	if (activators->config.page_max == 0)
		activators->config.page_max = ACTIVATORS_PAGE_MAX;
	if (activators->config.unread_one_ms == 0)
		activators->config.unread_one_ms = ACTIVATORS_UNREAD_ONE_MS;
	activators->timers = loop_timers(config->loop);
	activators->why = (struct strbuf)STRBUF_INIT;
	timer_init(&activators->apply, apply, activators);
	return activators;
}

void activators_free(struct activators *activators)
{
	if (!activators)
		return;
	timer_disarm(activators->timers, &activators->apply);
	for (size_t i = 0; i < activators->count; i++)
		activator_free(activators->all[i]);
	free(activators->all);
	endpoint_places_release(&activators->places);
	free(activators->trouble);
	strbuf_release(&activators->why);
	free(activators);
}
