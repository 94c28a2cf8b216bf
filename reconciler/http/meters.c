/* The told_ fields are what the counters hold already. */
#include "reconciler/http/meters.h"

#include <stdlib.h>

#include "pkg/base/check.h"

#define PREFIX "autoscaler_keda_hpa_"

struct http_meters {
	const struct activators *activators;
	const struct scaler *scaler;
	struct metric *known, *read, *age, *pages, *bytes, *malformed, *overflows;
	struct metric *watched, *streams, *waiting, *questions, *refusals, *pushes;
	struct activators_stats told_pages;
	struct scaler_counts told_questions;
};

static void make_activators(struct http_meters *m, struct metrics *metrics)
{
	static const char *const outcome[] = {"outcome", NULL};

	m->known = metrics_gauge(metrics, PREFIX "activators",
				 "Activators that serve, where a revision needs them.", NULL);
	m->read = metrics_gauge(metrics, PREFIX "activators_read",
				"Of those, how many told their requests in the last 2 s.", NULL);
	m->age = metrics_gauge(metrics, PREFIX "activators_oldest_page_seconds",
			       "Of those, how long ago the one read least recently was.", NULL);
	m->pages = metrics_counter(metrics, PREFIX "activator_pages_total",
				   "Pages of activators that were read, or were not.", outcome);
	m->bytes =
	    metrics_counter(metrics, PREFIX "activator_bytes_total", "Bytes of such pages.", NULL);
	m->malformed = metrics_counter(metrics, PREFIX "activator_malformed_pages_total",
				       "Pages of activators with a line that can't be read.", NULL);
	m->overflows = metrics_counter(
	    metrics, PREFIX "activator_overflown_pages_total",
	    "Pages of activators with requests of revisions that they do not name.", NULL);
}

static void make_scaler(struct http_meters *m, struct metrics *metrics)
{
	static const char *const reason[] = {"reason", NULL};

	m->watched = metrics_gauge(metrics, PREFIX "scaler_revisions",
				   "Revisions that KEDA asks this replica for.", NULL);
	m->streams = metrics_gauge(metrics, PREFIX "scaler_streams",
				   "Streams of KEDA's, one a ScaledObject.", NULL);
	m->waiting = metrics_gauge(metrics, PREFIX "scaler_waiting",
				   "Questions of KEDA's that wait for a first page.", NULL);
	m->questions =
	    metrics_counter(metrics, PREFIX "scaler_questions_total", "Questions of KEDA's.", NULL);
	m->refusals = metrics_counter(
	    metrics, PREFIX "scaler_refusals_total",
	    "Questions without an answer: wrong, or no activator could be read.", reason);
	m->pushes = metrics_counter(metrics, PREFIX "scaler_pushes_total",
				    "How often KEDA was told that there are requests.", NULL);
}

static void count_up(struct metric *counter, const char *label, uint64_t *told, uint64_t total)
{
	const char *const values[] = {label};

	metric_add(counter, label ? values : NULL, (double)(total - *told));
	*told = total;
}

static void collect_activators(struct http_meters *m)
{
	struct activators_stats stats, *told = &m->told_pages;

	activators_stats(m->activators, &stats);
	metric_set(m->known, NULL, (double)stats.known);
	metric_set(m->read, NULL, (double)stats.read);
	metric_set(m->age, NULL, (double)stats.age_ms / 1000);
	count_up(m->pages, "ok", &told->pages, stats.pages);
	count_up(m->pages, "failed", &told->failures, stats.failures);
	count_up(m->bytes, NULL, &told->bytes, stats.bytes);
	count_up(m->malformed, NULL, &told->malformed, stats.malformed);
	count_up(m->overflows, NULL, &told->overflows, stats.overflows);
}

static void collect_scaler(struct http_meters *m)
{
	struct scaler_counts counts, *told = &m->told_questions;

	scaler_counts(m->scaler, &counts);
	metric_set(m->watched, NULL, (double)counts.watched);
	metric_set(m->streams, NULL, (double)counts.streams);
	metric_set(m->waiting, NULL, (double)counts.waiting);
	count_up(m->questions, NULL, &told->asked, counts.asked);
	count_up(m->refusals, "wrong", &told->refused, counts.refused);
	count_up(m->refusals, "unread", &told->unread, counts.unread);
	count_up(m->pushes, NULL, &told->pushed, counts.pushed);
}

static void collect(void *ctx)
{
	struct http_meters *meters = ctx;

	collect_activators(meters);
	collect_scaler(meters);
}

struct http_meters *http_meters_new(struct metrics *metrics, const struct activators *activators,
				    const struct scaler *scaler)
{
	struct http_meters *meters = xcalloc(1, sizeof(*meters));

	meters->activators = activators;
	meters->scaler = scaler;
	make_activators(meters, metrics);
	make_scaler(meters, metrics);
	metrics_on_collect(metrics, collect, NULL, meters);
	return meters;
}

void http_meters_free(struct http_meters *meters)
{
	free(meters);
}
