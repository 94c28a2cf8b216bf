/*
 * Metrics of each revision. Samples are made from the caches when they are written, so they cost no
 * memory in between; only what no object tells (until when a revision is held, when it was refused)
 * is kept with its key. Of several replicas the one that leads a revision speaks of it.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "reconciler/controller/internal.h"
#include "reconciler/hpa/active.h"

#define PREFIX "autoscaler_keda_hpa_"
#define SERVING_LABEL "serving.knative.dev/"
#define REASON_SIZE 64 /* of a reason as label; what is longer is cut */
#define TALLIES_MAX 32 /* pairs of readiness and reason; further reasons count as "other" */

struct revision {
	const struct pod_autoscaler *pa;
	const struct scaled_object *so; /* NULL: none */
	const struct key_state *state;  /* NULL: nothing is remembered */
};

struct sample {
	double value;
	const char *reason; /* the label, of families that have it */
};

/* One family: sample answers false where a revision has none. */
struct revision_family {
	const char *name, *help;
	const char *const *labels;
	bool (*sample)(const struct revision *revision, int64_t now_ms, struct sample *out);
};

struct revision_emitter {
	struct controller *controller;
	const struct revision_family *family;
};

/* A family has a few of these from the first on. */
#define NAMES "k8s_namespace_name", "kn_revision_name"
#define KNATIVE_NAMES NAMES, "kn_service_name", "kn_configuration_name"
static const char *const plain_labels[] = {NAMES, NULL};
static const char *const knative_labels[] = {KNATIVE_NAMES, NULL};
static const char *const reason_labels[] = {KNATIVE_NAMES, "reason", NULL};

/* ---- what a PodAutoscaler says ---- */

static enum condition_status readiness(const struct pod_autoscaler *pa)
{
	return conditions_status(&pa->conditions, CONDITION_READY);
}

/* Why it is not ready: Active's reason, which is ours, before that of Ready. */
static const char *unready_reason(const struct pod_autoscaler *pa)
{
	static const char *const types[] = {CONDITION_ACTIVE, CONDITION_READY};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const struct condition *condition = conditions_get(&pa->conditions, types[i]);

		if (condition && condition->status != CONDITION_TRUE && condition->reason)
			return condition->reason;
	}
	return "";
}

/* ---- the samples ---- */

static bool desired_sample(const struct revision *revision, int64_t now_ms, struct sample *out)
{
	(void)now_ms;
	out->value = revision->pa->desired_scale;
	return revision->pa->has_desired_scale && revision->pa->desired_scale >= 0;
}

static bool count_sample(const struct revision *revision, int64_t now_ms, struct sample *out)
{
	(void)now_ms;
	out->value = revision->pa->actual_scale;
	return revision->pa->has_actual_scale && revision->pa->actual_scale >= 0;
}

static bool ready_sample(const struct revision *revision, int64_t now_ms, struct sample *out)
{
	(void)now_ms;
	out->value = readiness(revision->pa) == CONDITION_TRUE;
	return true;
}

static bool unready_sample(const struct revision *revision, int64_t now_ms, struct sample *out)
{
	(void)now_ms;
	*out = (struct sample){1, unready_reason(revision->pa)};
	return readiness(revision->pa) != CONDITION_TRUE;
}

static bool min_sample(const struct revision *revision, int64_t now_ms, struct sample *out)
{
	(void)now_ms;
	out->value = revision->so ? revision->so->min_replicas : 0;
	return revision->so;
}

static bool max_sample(const struct revision *revision, int64_t now_ms, struct sample *out)
{
	(void)now_ms;
	out->value = revision->so ? revision->so->max_replicas : 0;
	return revision->so;
}

static bool held_sample(const struct revision *revision, int64_t now_ms, struct sample *out)
{
	if (!revision->so || !revision->state || revision->state->held_until_ms <= now_ms)
		return false;
	out->value = (double)revision->state->held_until_ms / 1000;
	return true;
}

static bool refused_sample(const struct revision *revision, int64_t now_ms, struct sample *out)
{
	(void)now_ms;
	if (!revision->state || !revision->state->refused_reason)
		return false;
	*out = (struct sample){(double)revision->state->refused_ms / 1000,
			       revision->state->refused_reason};
	return true;
}

static const struct revision_family families[] = {
    {"kn_revision_pods_desired", "Pods that the HPA wants.", knative_labels, desired_sample},
    {"kn_revision_pods_count", "Pods that there are.", knative_labels, count_sample},
    {PREFIX "revision_ready", "1: its PodAutoscaler is Ready, else 0 (at zero pods too).",
     plain_labels, ready_sample},
    {PREFIX "revision_unready_reason", "1, while it is not ready, with the reason as label.",
     reason_labels, unready_sample},
    {PREFIX "revision_min_replicas", "minReplicaCount of its ScaledObject (0: to zero).",
     plain_labels, min_sample},
    {PREFIX "revision_max_replicas", "maxReplicaCount of its ScaledObject.", plain_labels,
     max_sample},
    {PREFIX "revision_held_until_timestamp_seconds",
     "While a fresh revision is kept from going to zero: until when, seconds since the epoch.",
     plain_labels, held_sample},
    {PREFIX "revision_last_refusal_timestamp_seconds",
     "When it was last found refused since this replica leads, seconds since the epoch.",
     reason_labels, refused_sample},
};

static void cut_reason(const char *reason, char out[REASON_SIZE])
{
	size_t length = strnlen(reason, REASON_SIZE - 1);

	memcpy(out, reason, length);
	out[length] = '\0';
}

static void emit_one(const struct revision_family *family, const struct pod_autoscaler *pa,
		     const struct sample *sample, struct metric *metric)
{
	char reason[REASON_SIZE];
	const char *values[] = {pa->object.meta.ns, pa->object.meta.name, NULL, NULL, reason};

	if (family->labels != plain_labels) {
		values[2] = meta_pair_get(&pa->labels, SERVING_LABEL "service");
		values[3] = meta_pair_get(&pa->labels, SERVING_LABEL "configuration");
		cut_reason(sample->reason ? sample->reason : "", reason);
	}
	metric_emit(metric, values, sample->value);
}

static void emit(void *ctx, struct metric *metric)
{
	const struct revision_emitter *emitter = ctx;
	const struct revision_meters *m = &emitter->controller->meters.revision;
	int64_t now_ms = kube_client_now_ms(emitter->controller->client);

	for (size_t i = 0; i < m->count; i++) {
		struct sample sample = {0};

		if (emitter->family->sample(&m->revisions[i], now_ms, &sample))
			emit_one(emitter->family, m->revisions[i].pa, &sample, metric);
	}
}

/* ---- the tally ---- */

struct tally {
	enum condition_status ready;
	char reason[REASON_SIZE];
	size_t count;
};

struct gathering {
	struct controller *controller;
	struct strbuf key;
	struct tally tallies[TALLIES_MAX + 1]; /* the first is of ready ones, the last of others */
	size_t tally_count;
};

static void count_in(struct gathering *gathering, const struct pod_autoscaler *pa)
{
	struct tally one = {.ready = readiness(pa)}, *tally = gathering->tallies;

	if (one.ready != CONDITION_TRUE)
		cut_reason(unready_reason(pa), one.reason);
	while (tally < gathering->tallies + gathering->tally_count &&
	       tally < gathering->tallies + TALLIES_MAX &&
	       (tally->ready != one.ready || strcmp(tally->reason, one.reason) != 0))
		tally++;
	if (tally == gathering->tallies + TALLIES_MAX)
		one = (struct tally){.ready = CONDITION_UNKNOWN, .reason = "other"};
	if (tally == gathering->tallies + gathering->tally_count) {
		*tally = one;
		gathering->tally_count++;
	}
	tally->count++;
}

static void keep(struct controller *controller, const struct pod_autoscaler *pa, const char *key)
{
	struct revision_meters *m = &controller->meters.revision;

	if (m->count == m->room) {
		m->room = m->room ? 2 * m->room : 64;
		m->revisions = xrealloc(m->revisions, m->room * sizeof(*m->revisions));
	}
	m->revisions[m->count++] = (struct revision){
	    .pa = pa,
	    .so = (const struct scaled_object *)view_find_scaled_object(controller, pa),
	    .state = table_get(controller->states, key),
	};
}

static bool gather(void *ctx, struct object *object)
{
	struct gathering *gathering = ctx;
	struct controller *controller = gathering->controller;
	const struct pod_autoscaler *pa = (const struct pod_autoscaler *)object;

	if (!pod_autoscaler_is_ours(pa))
		return true;
	strbuf_reset(&gathering->key);
	strbuf_addstr(&gathering->key, object->meta.ns);
	strbuf_addch(&gathering->key, '/');
	strbuf_addstr(&gathering->key, object->meta.name);
	if (!leadership_holds(controller, gathering->key.buf))
		return true;
	count_in(gathering, pa);
	if (controller->keda->config.metrics_per_revision)
		keep(controller, pa, gathering->key.buf);
	return true;
}

void meters_revisions_collect(struct controller *controller)
{
	struct gathering gathering = {
	    .controller = controller,
	    .key = STRBUF_INIT,
	    .tallies = {{.ready = CONDITION_TRUE}},
	    .tally_count = 1,
	};

	meters_revisions_written(controller);
	store_each(controller->caches[CACHE_PA].store, gather, &gathering);
	strbuf_release(&gathering.key);
	metric_clear(controller->meters.revision.tally);
	for (size_t i = 0; i < gathering.tally_count; i++) {
		const struct tally *tally = &gathering.tallies[i];

		metric_set(
		    controller->meters.revision.tally,
		    (const char *const[]){condition_status_name(tally->ready), tally->reason},
		    (double)tally->count);
	}
}

void meters_revisions_written(struct controller *controller)
{
	struct revision_meters *m = &controller->meters.revision;

	free(m->revisions);
	m->revisions = NULL;
	m->count = m->room = 0;
}

/* ---- what is kept with the key ---- */

/* The reason as a static text; NULL: that is no refusal. */
static const char *refusal(const char *reason)
{
	static const char *const refusals[] = {REASON_INVALID_ANNOTATION, REASON_NOT_OWNED,
					       REASON_REJECTED, REASON_NOT_READY};

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		if (strcmp(refusals[i], reason) == 0)
			return refusals[i];
	}
	return NULL;
}

void meters_decided(struct controller *controller, struct key_state *state,
		    const struct decision *decision)
{
	const char *reason = decision->reason ? refusal(decision->reason) : NULL;

	state->held_until_ms = decision->held_until_ms;
	if (!reason)
		return;
	state->refused_reason = reason;
	state->refused_ms = kube_client_now_ms(controller->client);
}

/* ---- life ---- */

void meters_revisions_init(struct controller *controller)
{
	static const char *const tally_labels[] = {"ready", "reason", NULL};
	struct meters *meters = &controller->meters;
	struct revision_meters *m = &meters->revision;

	m->tally = metrics_gauge(meters->metrics, PREFIX "revisions",
				 "Revisions that this replica leads, by their PodAutoscaler's "
				 "Ready and its reason.",
				 tally_labels);
	m->emitters = xcalloc(ARRAY_SIZE(families), sizeof(*m->emitters));
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct metric *metric = metrics_gauge(meters->metrics, families[i].name,
						      families[i].help, families[i].labels);

		m->emitters[i] = (struct revision_emitter){controller, &families[i]};
		metric_emit_by(metric, emit, &m->emitters[i]);
		metric_group(metric, METERS_PER_REVISION);
	}
}

void meters_revisions_release(struct controller *controller)
{
	meters_revisions_written(controller);
	free(controller->meters.revision.emitters);
}
