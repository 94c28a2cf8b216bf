/*
 * The controller's metrics: kn_workqueue_* as Knative's controllers have them
 * (knative.dev/pkg/observability/metrics/k8s), steps by kind and outcome, the state of the caches.
 * Without a registry nothing is counted.
 */
#include "pkg/base/build.h"
#include "reconciler/controller/internal.h"

#define PREFIX "autoscaler_keda_hpa_"

static const char *const queue_labels[] = {"name", NULL};
static const char *const step_labels[] = {"kind", "verb", "outcome", NULL};
static const char *const cache_labels[] = {"kind", NULL};
static const char *const config_labels[] = {"configmap", NULL};
static const char *const event_labels[] = {"outcome", NULL};
static const char *const lease_labels[] = {"name", NULL};
static const char *const change_labels[] = {"name", "change", NULL};
static const char *const build_labels[] = {"version", "commit", NULL};
static const char *const queue_values[] = {COMPONENT};

static const double seconds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
				 0.25,  0.5,    1,     2.5,  5,     10,   30};

/* Knative's. */
static const double knative_seconds[] = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
					 0.5,   0.75, 1,     2.5,  5,     7.5, 10};

static void collect(void *ctx);
static void written(void *ctx);

static void make_queue_meters(struct meters *m, struct metrics *metrics)
{
	m->depth = metrics_gauge(metrics, "kn_workqueue_depth", "Keys that wait to be looked at.",
				 queue_labels);
	m->adds = metrics_counter(metrics, "kn_workqueue_adds_total",
				  "Keys that were put into the queue.", queue_labels);
	m->retries = metrics_counter(metrics, "kn_workqueue_retries_total",
				     "Keys that were put back after a failure.", queue_labels);
	m->wait_seconds =
	    metrics_histogram(metrics, "kn_workqueue_queue_duration_seconds",
			      "How long a key waited before it was looked at.", queue_labels,
			      knative_seconds, ARRAY_SIZE(knative_seconds));
	m->process_seconds = metrics_histogram(metrics, "kn_workqueue_process_duration_seconds",
					       "How long one look at a key took.", queue_labels,
					       knative_seconds, ARRAY_SIZE(knative_seconds));
	m->unfinished = metrics_gauge(metrics, "kn_workqueue_unfinished_work_seconds",
				      "Ages of the looks under way, added up.", queue_labels);
	m->longest = metrics_gauge(metrics, "kn_workqueue_longest_running_processor_seconds",
				   "Age of the oldest look under way.", queue_labels);
	m->oldest = metrics_gauge(metrics, PREFIX "queue_oldest_seconds",
				  "Age of the key that waits longest; 0: none waits.", NULL);
	m->failing = metrics_gauge(metrics, PREFIX "keys_in_backoff",
				   "Keys that failed last and wait for their next try.", NULL);
}

static void make_cache_meters(struct meters *m, struct metrics *metrics)
{
	m->restarts = metrics_counter(metrics, PREFIX "watch_restarts_total",
				      "Watches that were opened.", cache_labels);
	m->relists = metrics_counter(metrics, PREFIX "relists_total", "Whole lists that were read.",
				     cache_labels);
	m->undecodable =
	    metrics_counter(metrics, PREFIX "undecodable_objects_total",
			    "Objects that were passed over as unreadable.", cache_labels);
	m->synced = metrics_gauge(metrics, PREFIX "cache_synced",
				  "1: the cache has been filled (an absent API counts as filled).",
				  cache_labels);
	m->objects =
	    metrics_gauge(metrics, PREFIX "cache_objects", "Objects in the cache.", cache_labels);
	m->bytes = metrics_gauge(metrics, PREFIX "cache_bytes", "Memory of the cached objects.",
				 cache_labels);
	m->troubled =
	    metrics_gauge(metrics, PREFIX "watch_troubled",
			  "1: the last request for the cache failed, for want of rights for "
			  "example; it is tried again.",
			  cache_labels);
	m->silent = metrics_gauge(metrics, PREFIX "watch_silent_seconds",
				  "Time since the watch last brought anything.", cache_labels);
	m->age = metrics_gauge(metrics, PREFIX "watch_age_seconds",
			       "Time since the watch was opened; 0: none is open.", cache_labels);
}

static void make_step_meters(struct meters *m, struct metrics *metrics)
{
	m->steps = metrics_counter(metrics, PREFIX "steps_total",
				   "Requests for a key, by kind of object, verb and outcome.",
				   step_labels);
	m->step_seconds =
	    metrics_histogram(metrics, PREFIX "step_duration_seconds",
			      "Duration of such requests, with the wait for their turn.", NULL,
			      seconds, ARRAY_SIZE(seconds));
	m->events = metrics_counter(metrics, PREFIX "events_total",
				    "Events by what became of them.", event_labels);
	m->config_errors =
	    metrics_counter(metrics, PREFIX "config_errors_total",
			    "Edits of a ConfigMap that were refused.", config_labels);
}

static void make_leader_meters(struct meters *m, struct metrics *metrics)
{
	m->rival = metrics_gauge(metrics, PREFIX "autoscaler_hpa_runs",
				 "1: Knative's autoscaler-hpa renews its lease, so that nothing is "
				 "written here.",
				 NULL);
	m->leads = metrics_gauge(metrics, "leader_election_master_status",
				 "1: this replica leads the keys of that lease.", lease_labels);
	m->leader_changes =
	    metrics_counter(metrics, PREFIX "leader_changes_total",
			    "How often this replica gained or lost a lease.", change_labels);
}

void meters_init(struct controller *controller, struct metrics *metrics)
{
	struct meters *m = &controller->meters;

	m->metrics = metrics;
	if (!metrics)
		return;
	m->build = metrics_gauge(metrics, PREFIX "build_info",
				 "1, with the version and the commit as labels.", build_labels);
	metric_set(m->build, (const char *const[]){AKH_VERSION, build_commit()}, 1);
	make_leader_meters(m, metrics);
	meters_revisions_init(controller);
	m->degraded =
	    metrics_gauge(metrics, PREFIX "scaling_degraded",
			  "Revisions that run but have not been scaled for a minute.", NULL);
	make_step_meters(m, metrics);
	make_queue_meters(m, metrics);
	make_cache_meters(m, metrics);
	meters_runtime_init(controller);
	metrics_on_collect(metrics, collect, written, controller);
}

void meters_release(struct controller *controller)
{
	if (controller->meters.metrics)
		meters_revisions_release(controller);
}

/* What a step writes to, and how. */
static void step_values(enum step_kind step, const char *values[2])
{
	static const char *const table[][2] = {
	    [STEP_CREATE_SKS] = {"ServerlessService", "create"},
	    [STEP_PATCH_SKS] = {"ServerlessService", "patch"},
	    [STEP_CREATE_SO] = {"ScaledObject", "create"},
	    [STEP_GET_SO] = {"ScaledObject", "get"},
	    [STEP_PATCH_SO] = {"ScaledObject", "patch"},
	    [STEP_DELETE_SO] = {"ScaledObject", "delete"},
	    [STEP_PATCH_STATUS] = {"PodAutoscaler", "patch"},
	};

	values[0] = table[step][0];
	values[1] = table[step][1];
}

void meters_step(struct controller *controller, enum step_kind step, const struct error *err,
		 int64_t duration_ms)
{
	const struct meters *m = &controller->meters;
	const char *values[3];

	if (!m->steps)
		return;
	step_values(step, values);
	values[2] = err->kind == ERROR_NONE ? "ok" : error_kind_name(err->kind);
	metric_add(m->steps, values, 1);
	metric_observe(m->step_seconds, NULL, (double)duration_ms / 1000);
}

void meters_wait(struct controller *controller, int64_t duration_ms)
{
	const struct meters *m = &controller->meters;
	static const char *const runtime_values[] = {COMPONENT, COMPONENT};

	if (!m->metrics)
		return;
	metric_observe(m->wait_seconds, queue_values, (double)duration_ms / 1000);
	metric_observe(m->runtime.wait_seconds, runtime_values, (double)duration_ms / 1000);
}

void meters_pass(struct controller *controller, int64_t duration_ms, bool failed, bool again)
{
	if (!controller->meters.metrics)
		return;
	metric_observe(controller->meters.process_seconds, queue_values,
		       (double)duration_ms / 1000);
	meters_runtime_pass(controller, duration_ms, failed, again);
}

void meters_leadership(struct controller *controller, const char *lease, bool leads)
{
	const char *const values[] = {lease, leads ? "gained" : "lost"};

	if (controller->meters.leader_changes)
		metric_add(controller->meters.leader_changes, values, 1);
}

void meters_config_error(struct controller *controller, const char *name)
{
	if (controller->meters.config_errors)
		metric_add(controller->meters.config_errors, (const char *const[]){name}, 1);
}

void meter_count_up(struct metric *counter, const char *const *values, uint64_t *told,
		    uint64_t total)
{
	metric_add(counter, values, (double)(total - *told));
	*told = total;
}

static void count_up(struct metric *counter, const char *label, uint64_t *told, uint64_t total)
{
	meter_count_up(counter, (const char *const[]){label}, told, total);
}

struct unfinished {
	int64_t now_ms, sum_ms;
};

static bool add_unfinished(void *ctx, const char *key, void *value)
{
	struct unfinished *unfinished = ctx;
	const struct key_state *state = value;

	(void)key;
	if (state->pass)
		unfinished->sum_ms += unfinished->now_ms - pass_started_ms(state->pass);
	return true;
}

static bool count_degraded(void *ctx, const char *key, void *value)
{
	const struct key_state *state = value;

	(void)key;
	*(double *)ctx += state->memo.degraded_told;
	return true;
}

static void collect_degraded(struct controller *controller)
{
	double degraded = 0;

	table_each(controller->states, count_degraded, &degraded);
	metric_set(controller->meters.degraded, NULL, degraded);
}

static void collect_queue(struct controller *controller)
{
	struct meters *m = &controller->meters;
	struct unfinished unfinished = {.now_ms = timers_now(controller->timers)};
	struct load load;

	table_each(controller->states, add_unfinished, &unfinished);
	load.unfinished_seconds = (double)unfinished.sum_ms / 1000;
	queue_stats(controller->queue, &load.queue);
	metric_set(m->depth, queue_values, (double)load.queue.depth);
	metric_set(m->unfinished, queue_values, load.unfinished_seconds);
	metric_set(m->longest, queue_values, (double)load.queue.working_longest_ms / 1000);
	metric_set(m->oldest, NULL, (double)load.queue.longest_ms / 1000);
	metric_set(m->failing, NULL, (double)load.queue.failing);
	count_up(m->adds, COMPONENT, &m->told_adds, load.queue.adds);
	count_up(m->retries, COMPONENT, &m->told_retries, load.queue.retries);
	meters_runtime_collect(controller, &load);
}

static void collect_events(struct controller *controller)
{
	struct meters *m = &controller->meters;
	struct recorder_stats *told = &m->told_events, stats;

	recorder_stats(controller->recorder, &stats);
	count_up(m->events, "sent", &told->sent, stats.sent);
	count_up(m->events, "aggregated", &told->aggregated, stats.aggregated);
	count_up(m->events, "dropped", &told->dropped, stats.dropped);
	count_up(m->events, "failed", &told->failed, stats.failed);
}

static void collect_cache(struct meters *m, struct cache *cache)
{
	const char *label = cache_name(cache);
	const char *const values[] = {label};
	struct reflector_status status;

	reflector_status(cache->reflector, &status);
	count_up(m->restarts, label, &cache->told_restarts, status.restarts);
	count_up(m->relists, label, &cache->told_relists, status.relists);
	count_up(m->undecodable, label, &cache->told_undecodable, status.undecodable);
	metric_set(m->synced, values, store_synced(cache->store));
	metric_set(m->objects, values, (double)store_count(cache->store));
	metric_set(m->bytes, values, (double)store_bytes(cache->store));
	metric_set(m->troubled, values, status.trouble[0] != '\0');
	metric_set(m->silent, values, (double)status.silent_ms / 1000);
	metric_set(m->age, values, (double)status.age_ms / 1000);
}

static void collect_leadership(struct controller *controller)
{
	const struct leadership *leadership = &controller->leadership;

	for (size_t i = 0; i < leadership->buckets; i++) {
		const struct elector *elector = leadership->electors[i];

		metric_set(controller->meters.leads, &leadership->names[i],
			   elector && elector_leads(elector));
	}
}

static void collect(void *ctx)
{
	struct controller *controller = ctx;

	metrics_show(controller->meters.metrics, METERS_CONTROLLER_RUNTIME,
		     controller->keda->config.metrics_controller_runtime);
	meters_revisions_collect(controller);
	collect_queue(controller);
	metric_set(controller->meters.rival, NULL, controller->rival.runs);
	collect_leadership(controller);
	collect_events(controller);
	collect_degraded(controller);
	for (size_t i = 0; i < controller->cache_count; i++)
		collect_cache(&controller->meters, &controller->caches[i]);
}

static void written(void *ctx)
{
	meters_revisions_written(ctx);
}
