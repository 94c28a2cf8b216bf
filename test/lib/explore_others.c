/*
 * The others: Knative, the kubelet, KEDA, the HPA controller, the garbage collector, and what heals
 * by itself. Each call is one write of theirs, the first that they find to be needed.
 */
#include <inttypes.h>
#include <string.h>

#include "pkg/base/check.h"
#include "test/lib/explore_internal.h"

static bool becomes(struct explore *x, struct state *s, enum kind_id kind, node_id id)
{
	if (id == s->live[kind])
		return false;
	live_becomes(x, s, kind, id);
	return true;
}

static const struct json *value(const struct explore *x, const struct state *s, enum kind_id kind)
{
	const struct node *node = node_of(x, s->live[kind]);

	return node ? node->value : NULL;
}

static bool is_going(const struct explore *x, const struct state *s, enum kind_id kind)
{
	return node_text(x, s->live[kind], "metadata", "deletionTimestamp")[0] != 0;
}

static int64_t number(const struct json *v, const char *outer, const char *inner)
{
	return json_int_or(json_path(v, outer, inner, NULL), 0);
}

/* ---- Knative ---- */

static node_id fresh_pa(struct explore *x, struct state *s)
{
	return node_made(
	    x, KIND_PA,
	    "{'apiVersion':'autoscaling.internal.knative.dev/v1alpha1','kind':'PodAutoscaler',"
	    "'metadata':{'name':'r','namespace':'ns','uid':'pa-%u','generation':1,"
	    "'creationTimestamp':'2026-01-02T03:00:00Z','labels':{"
	    "'serving.knative.dev/service':'s'},'annotations':{"
	    "'autoscaling.knative.dev/class':'hpa.autoscaling.knative.dev',"
	    "'autoscaling.knative.dev/metric':'m','autoscaling.knative.dev/target':'5',"
	    "'autoscaling.knative.dev/prometheus-query':'q'}},"
	    "'spec':{'scaleTargetRef':{'apiVersion':'apps/v1','kind':'Deployment',"
	    "'name':'r-deployment'},'protocolType':'http1'}}",
	    s->pa_uid++);
}

/* As the pods are. */
bool sks_follows(struct explore *x, struct state *s)
{
	const struct json *sks = value(x, s, KIND_SKS);

	if (!sks)
		return false;
	return becomes(x, s, KIND_SKS,
		       node_patched(x, s->live[KIND_SKS],
				    "{'status':{'observedGeneration':%" PRId64
				    ",'serviceName':'r','privateServiceName':'r-private',"
				    "'conditions':[{'type':'Ready','status':'%s'}]}}",
				    number(sks, "metadata", "generation"),
				    s->pods_ready ? "True" : "Unknown"));
}

/* Pods and, with them, the status of the ServerlessService; the first route of a ready revision;
 * the PodAutoscaler of a revision that has none. */
bool knative_acts(struct explore *x, struct state *s)
{
	if (!s->live[KIND_PA]) {
		s->replicas = 1;
		s->pods_ready = false;
		return becomes(x, s, KIND_PA, fresh_pa(x, s));
	}
	bool pods_were = s->pods_ready;
	s->pods_ready = s->replicas > 0;
	if (sks_follows(x, s) || pods_were != s->pods_ready)
		return true;
	if (strcmp(node_condition_status(x, s->live[KIND_PA], "Ready"), "True") != 0 ||
	    node_text(x, s->live[KIND_PA], "spec", "reachability")[0])
		return false;
	return becomes(x, s, KIND_PA,
		       node_patched(x, s->live[KIND_PA],
				    "{'metadata':{'generation':%" PRId64
				    "},'spec':{'reachability':'Reachable'}}",
				    number(value(x, s, KIND_PA), "metadata", "generation") + 1));
}

/* ---- KEDA ---- */

static bool is_paused(const struct explore *x, const struct state *s)
{
	const struct json *annotations =
	    json_path(value(x, s, KIND_SO), "metadata", "annotations", NULL);

	return json_get(annotations, "autoscaling.keda.sh/paused") != NULL;
}

static bool owns_hpa(const struct explore *x, const struct state *s)
{
	return strcmp(node_owner(x, s->live[KIND_HPA]), node_uid(x, s->live[KIND_SO])) == 0;
}

static int64_t minimum(const struct explore *x, const struct state *s)
{
	return number(value(x, s, KIND_SO), "spec", "minReplicaCount");
}

static node_id keda_hpa(struct explore *x, const struct state *s)
{
	return node_made(
	    x, KIND_HPA,
	    "{'metadata':{'name':'r','namespace':'ns','uid':'hpa-%s',"
	    "'ownerReferences':[{'apiVersion':'keda.sh/v1alpha1','kind':'ScaledObject',"
	    "'name':'r','uid':'%s','controller':true}]},"
	    "'spec':{'scaleTargetRef':{'name':'r-deployment'}}}",
	    node_uid(x, s->live[KIND_SO]), node_uid(x, s->live[KIND_SO]));
}

static bool keda_status(struct explore *x, struct state *s, const char *ready, const char *paused)
{
	return becomes(
	    x, s, KIND_SO,
	    node_patched(x, s->live[KIND_SO],
			 "{'status':{'conditions':[{'type':'Ready','status':'%s',"
			 "'reason':'r','message':'m'},{'type':'Paused','status':'%s'}]}}",
			 ready, paused));
}

/* A revision that was not ready yet must not be taken away. */
static void check_zero(struct explore *x, const struct state *s)
{
	const struct pod_autoscaler *pa =
	    (const struct pod_autoscaler *)node_object(x, s->live[KIND_PA], VERSION_LIVE);

	if (pa && pod_autoscaler_is_ours(pa) && owns_hpa(x, s) &&
	    strcmp(node_owner(x, s->live[KIND_SO]), pa->object.meta.uid) == 0 &&
	    conditions_status(&pa->conditions, CONDITION_INITIALIZED) != CONDITION_TRUE &&
	    NOW_MS < pa->object.meta.created_ms + 600000)
		breached(x, "taken to zero before it was ready");
}

static bool keda_scales(struct explore *x, struct state *s)
{
	uint8_t want = s->replicas;

	if (minimum(x, s) == 0 && !s->metric)
		want = 0;
	else if (s->replicas == 0)
		want = (uint8_t)(minimum(x, s) > 1 ? minimum(x, s) : 1);
	if (want == s->replicas)
		return false;
	if (want == 0)
		check_zero(x, s);
	s->replicas = want;
	return true;
}

static bool keda_lets_go(struct explore *x, struct state *s)
{
	if (!meta_has_finalizer(value(x, s, KIND_SO), SCALED_OBJECT_FINALIZER))
		return becomes(x, s, KIND_SO, 0);
	return becomes(x, s, KIND_SO,
		       node_patched(x, s->live[KIND_SO], "{'metadata':{'finalizers':null}}"));
}

bool keda_acts(struct explore *x, struct state *s)
{
	if (!s->live[KIND_SO] || s->party & (KEDA_IS_STOPPED | KEDA_IS_ABSENT))
		return false;
	if (is_going(x, s, KIND_SO))
		return keda_lets_go(x, s);
	if (!meta_has_finalizer(value(x, s, KIND_SO), SCALED_OBJECT_FINALIZER))
		return becomes(x, s, KIND_SO,
			       node_patched(x, s->live[KIND_SO],
					    "{'metadata':{'finalizers':['finalizer.keda.sh']}}"));
	if (is_paused(x, s)) {
		if (s->live[KIND_HPA] && owns_hpa(x, s))
			return becomes(x, s, KIND_HPA, 0);
		return keda_status(x, s, "True", "True");
	}
	if (s->party & KEDA_IS_FAILING)
		return keda_status(x, s, "False", "False");
	if (!s->live[KIND_HPA])
		return becomes(x, s, KIND_HPA, keda_hpa(x, s));
	if (!owns_hpa(x, s))
		return keda_status(x, s, "False", "False");
	return keda_status(x, s, "True", "False") || keda_scales(x, s);
}

/* ---- the HPA controller ---- */

bool hpa_acts(struct explore *x, struct state *s)
{
	int64_t least = minimum(x, s) > 1 ? minimum(x, s) : 1;

	if (!s->live[KIND_HPA] || is_going(x, s, KIND_HPA))
		return false;
	if (s->live[KIND_SO] && owns_hpa(x, s) && s->replicas > 0 && s->replicas != least) {
		s->replicas = (uint8_t)least;
		return true;
	}
	return becomes(x, s, KIND_HPA,
		       node_patched(x, s->live[KIND_HPA],
				    "{'status':{'currentReplicas':%u,'desiredReplicas':%u,"
				    "'conditions':[{'type':'ScalingActive','status':'%s',"
				    "'reason':'%s'}]}}",
				    s->replicas, s->replicas, s->replicas ? "True" : "False",
				    s->replicas ? "ValidMetricFound" : "ScalingDisabled"));
}

/* ---- the garbage collector ---- */

static bool is_orphan(const struct explore *x, const struct state *s, enum kind_id kind)
{
	const char *owner = node_owner(x, s->live[kind]);

	return s->live[kind] && owner[0] && strcmp(owner, node_uid(x, s->live[KIND_PA])) != 0 &&
	       strcmp(owner, node_uid(x, s->live[KIND_SO])) != 0;
}

bool collector_acts(struct explore *x, struct state *s)
{
	for (enum kind_id kind = KIND_SKS; kind < KIND_COUNT; kind++) {
		if (!is_orphan(x, s, kind) || is_going(x, s, kind))
			continue;
		if (!meta_has_finalizer(value(x, s, kind), SCALED_OBJECT_FINALIZER))
			return becomes(x, s, kind, 0);
		return becomes(x, s, kind,
			       node_patched(x, s->live[kind],
					    "{'metadata':{'deletionTimestamp':"
					    "'2026-01-02T03:00:00Z'}}"));
	}
	return false;
}

/* ---- what heals, and time ---- */

bool trouble_ends(struct explore *x, struct state *s)
{
	(void)x;
	if (!s->party)
		return false;
	/* KEDA's API comes and goes before the controller's eyes. */
	s->dirty = s->dirty || s->party & KEDA_IS_ABSENT;
	s->party = 0;
	return true;
}

bool time_passes(struct explore *x, struct state *s)
{
	int64_t ms = (int64_t)s->again_s * 1000;

	if (s->again_s == 0 || s->in_pass)
		return false;
	for (enum kind_id kind = 0; kind < KIND_COUNT; kind++) {
		s->live[kind] = node_older(x, s->live[kind], ms);
		s->cached[kind] = node_older(x, s->cached[kind], ms);
	}
	s->memo = memo_older(x, s->memo, ms);
	s->again_s = 0;
	s->dirty = true;
	return true;
}

/* ---- the beginning ---- */

node_id foreign_so(struct explore *x)
{
	return node_made(
	    x, KIND_SO,
	    "{'apiVersion':'keda.sh/v1alpha1','kind':'ScaledObject','metadata':{"
	    "'name':'r','namespace':'ns','uid':'users','generation':1,"
	    "'creationTimestamp':'2026-01-02T02:40:00Z'},'spec':{'scaleTargetRef':{"
	    "'name':'other'},'minReplicaCount':1,'triggers':[{'type':'cron','metadata':"
	    "{'a':'b'}}]}}");
}

void first_state(struct explore *x, struct state *s)
{
	*s = (struct state){.pa_uid = 1, .dirty = true};
	for (enum kind_id kind = 0; kind < KIND_COUNT; kind++)
		s->cached_version[kind] = VERSION_LIVE;
	if (x->story->own_so)
		s->live[KIND_SO] = s->cached[KIND_SO] = foreign_so(x);
	CHECK(knative_acts(x, s));
	cache_delivers(x, s, KIND_PA);
}
