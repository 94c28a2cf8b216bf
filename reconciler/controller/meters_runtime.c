/*
 * The names of controller-runtime v0.24 (pkg/internal/controller/metrics, pkg/internal/metrics,
 * pkg/metrics), for the dashboards that are made for them. What it counts and we have not (panics,
 * errors that are not tried again) is there and 0, so that no panel is empty.
 */
#include "reconciler/controller/internal.h"

#define NAME COMPONENT
#define RECONCILE "controller_runtime_"

static const char *const labels[] = {"controller", NULL};
static const char *const result_labels[] = {"controller", "result", NULL};
static const char *const queue_labels[] = {"name", "controller", NULL};
static const char *const depth_labels[] = {"name", "controller", "priority", NULL};
static const char *const values[] = {NAME};
static const char *const queue_values[] = {NAME, NAME, ""}; /* of depth_labels too */

static const double pass_bounds[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3,  0.35,
				     0.4,   0.45, 0.5,   0.6,  0.7, 0.8,  0.9, 1,    1.25, 1.5,
				     1.75,  2,    2.5,   3,    3.5, 4,    4.5, 5,    6,    7,
				     8,     9,    10,    15,   20,  25,   30,  40,   50,   60};
static const double queue_bounds[] = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3,
				      1e-2, 1e-1, 1,    10,   100,  1000};

static struct metric *grouped(struct metric *metric)
{
	metric_group(metric, METERS_CONTROLLER_RUNTIME);
	return metric;
}

static struct metric *gauge(struct metrics *metrics, const char *name, const char *help,
			    const char *const *of)
{
	return grouped(metrics_gauge(metrics, name, help, of));
}

static struct metric *counter(struct metrics *metrics, const char *name, const char *help,
			      const char *const *of)
{
	return grouped(metrics_counter(metrics, name, help, of));
}

static struct metric *histogram(struct metrics *metrics, const char *name, const char *help)
{
	return grouped(metrics_histogram(metrics, name, help, queue_labels, queue_bounds,
					 ARRAY_SIZE(queue_bounds)));
}

static void init_passes(struct runtime_meters *m, struct metrics *metrics)
{
	static const char *const results[] = {"success", "error", "requeue", "requeue_after"};

	m->results = counter(metrics, RECONCILE "reconcile_total", "Looks at a key, by outcome.",
			     result_labels);
	m->errors = counter(metrics, RECONCILE "reconcile_errors_total",
			    "Looks at a key that failed.", labels);
	m->never[0] = counter(metrics, RECONCILE "terminal_reconcile_errors_total",
			      "Always 0: whatever failed is tried again.", labels);
	m->never[1] = counter(metrics, RECONCILE "reconcile_panics_total",
			      "Always 0: there are no panics.", labels);
	m->never[2] = counter(metrics, RECONCILE "reconcile_timeouts_total",
			      "Always 0: requests time out, not whole looks.", labels);
	m->pass_seconds = grouped(metrics_histogram(metrics, RECONCILE "reconcile_time_seconds",
						    "How long one look at a key took.", labels,
						    pass_bounds, ARRAY_SIZE(pass_bounds)));
	m->max = gauge(metrics, RECONCILE "max_concurrent_reconciles",
		       "Looks under way at once, beside those that hang.", labels);
	m->active = gauge(metrics, RECONCILE "active_workers", "Looks under way.", labels);
	for (size_t i = 0; i < ARRAY_SIZE(results); i++)
		metric_add(m->results, (const char *const[]){NAME, results[i]}, 0);
	metric_add(m->errors, values, 0);
	for (size_t i = 0; i < ARRAY_SIZE(m->never); i++)
		metric_add(m->never[i], values, 0);
	metric_set(m->max, values, MAX_PASSES);
}

static void init_queue(struct runtime_meters *m, struct metrics *metrics)
{
	m->depth =
	    gauge(metrics, "workqueue_depth", "Keys that wait to be looked at.", depth_labels);
	m->adds = counter(metrics, "workqueue_adds_total", "Keys that were put into the queue.",
			  queue_labels);
	m->wait_seconds = histogram(metrics, "workqueue_queue_duration_seconds",
				    "How long a key waited before it was looked at.");
	m->work_seconds = histogram(metrics, "workqueue_work_duration_seconds",
				    "How long one look at a key took.");
	m->unfinished = gauge(metrics, "workqueue_unfinished_work_seconds",
			      "Ages of the looks under way, added up.", queue_labels);
	m->longest = gauge(metrics, "workqueue_longest_running_processor_seconds",
			   "Age of the oldest look under way.", queue_labels);
	m->retries = counter(metrics, "workqueue_retries_total",
			     "Keys that were put back after a failure.", queue_labels);
}

void meters_runtime_init(struct controller *controller)
{
	struct meters *meters = &controller->meters;

	init_passes(&meters->runtime, meters->metrics);
	init_queue(&meters->runtime, meters->metrics);
}

void meters_runtime_collect(struct controller *controller, const struct load *load)
{
	struct runtime_meters *m = &controller->meters.runtime;

	metric_set(m->active, values, controller->passes);
	metric_set(m->depth, queue_values, (double)load->queue.depth);
	metric_set(m->unfinished, queue_values, load->unfinished_seconds);
	metric_set(m->longest, queue_values, (double)load->queue.working_longest_ms / 1000);
	meter_count_up(m->adds, queue_values, &m->told_adds, load->queue.adds);
	meter_count_up(m->retries, queue_values, &m->told_retries, load->queue.retries);
}

void meters_runtime_pass(struct controller *controller, int64_t duration_ms, bool failed,
			 bool again)
{
	const struct runtime_meters *m = &controller->meters.runtime;
	const char *result = failed ? "error" : again ? "requeue_after" : "success";

	metric_add(m->results, (const char *const[]){NAME, result}, 1);
	if (failed)
		metric_add(m->errors, values, 1);
	metric_observe(m->pass_seconds, values, (double)duration_ms / 1000);
	metric_observe(m->work_seconds, queue_values, (double)duration_ms / 1000);
}
