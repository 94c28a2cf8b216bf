/*
 * What users, other clients and misfortune do, each in one write. False: it does not fit now.
 */
#include <inttypes.h>
#include <string.h>

#include "test/lib/explore_internal.h"

#define PREFIX "autoscaling.knative.dev/"

static bool changes(struct explore *x, struct state *s, enum kind_id kind, node_id id)
{
	if (id == s->live[kind])
		return false;
	live_becomes(x, s, kind, id);
	return true;
}

static bool patches(struct explore *x, struct state *s, enum kind_id kind, const char *patch)
{
	return s->live[kind] && changes(x, s, kind, node_patched(x, s->live[kind], "%s", patch));
}

/* By anybody: finalizers hold it. */
static bool removes(struct explore *x, struct state *s, enum kind_id kind)
{
	const struct node *node = node_of(x, s->live[kind]);

	if (!node)
		return false;
	if (!meta_has_finalizer(node->value, SCALED_OBJECT_FINALIZER))
		return changes(x, s, kind, 0);
	if (node_text(x, node->id, "metadata", "deletionTimestamp")[0])
		return false;
	return patches(x, s, kind, "{'metadata':{'deletionTimestamp':'2026-01-02T03:00:00Z'}}");
}

static int64_t generation(const struct explore *x, node_id id)
{
	return json_int_or(json_path(node_of(x, id)->value, "metadata", "generation", NULL), 0);
}

static bool bends_sks(struct explore *x, struct state *s)
{
	node_id sks = s->live[KIND_SKS];

	if (!sks || strcmp(node_text(x, sks, "spec", "mode"), "Serve") != 0)
		return false;
	return changes(
	    x, s, KIND_SKS,
	    node_patched(x, sks, "{'metadata':{'generation':%" PRId64 "},'spec':{'mode':'Proxy'}}",
			 generation(x, sks) + 1));
}

static bool routes(struct explore *x, struct state *s)
{
	const struct node *pa = node_of(x, s->live[KIND_PA]);
	const char *now = node_text(x, s->live[KIND_PA], "spec", "reachability");

	if (!pa)
		return false;
	return changes(x, s, KIND_PA,
		       node_patched(x, pa->id,
				    "{'metadata':{'generation':%" PRId64
				    "},'spec':{'reachability':'%s'}}",
				    generation(x, pa->id) + 1,
				    strcmp(now, "Unreachable") == 0 ? "Reachable" : "Unreachable"));
}

static bool pauses(struct explore *x, struct state *s)
{
	const struct node *so = node_of(x, s->live[KIND_SO]);
	const char *key = "autoscaling.keda.sh/paused";

	if (!so)
		return false;
	bool paused = json_get(json_path(so->value, "metadata", "annotations", NULL), key) != NULL;
	return changes(x, s, KIND_SO,
		       node_patched(x, so->id, "{'metadata':{'annotations':{'%s':%s}}}", key,
				    paused ? "null" : "'true'"));
}

static bool own_so(struct explore *x, struct state *s)
{
	if (!s->live[KIND_SO])
		return !(s->party & KEDA_IS_ABSENT) && changes(x, s, KIND_SO, foreign_so(x));
	return strcmp(node_uid(x, s->live[KIND_SO]), "users") == 0 && removes(x, s, KIND_SO);
}

/* The CRD goes, and all its objects with it, finalizers or not. */
static bool keda_goes(struct explore *x, struct state *s)
{
	if (s->party & KEDA_IS_ABSENT)
		return false;
	s->party |= KEDA_IS_ABSENT;
	s->dirty = true;
	if (s->live[KIND_SO])
		live_becomes(x, s, KIND_SO, 0);
	cache_delivers(x, s, KIND_SO);
	return true;
}

static bool party(struct state *s, enum party_state which)
{
	if (s->party & which)
		return false;
	s->party |= (uint8_t)which;
	return true;
}

static bool flips(bool *what)
{
	*what = !*what;
	return true;
}

bool user_acts(struct explore *x, struct state *s, enum explore_act act)
{
	switch (act) {
	case USER_SAYS_A:
		return patches(x, s, KIND_PA,
			       "{'metadata':{'annotations':{'" PREFIX "metric':'m','" PREFIX
			       "target':'5','" PREFIX "metric-type':null,'" PREFIX
			       "min-scale':null,'" PREFIX
			       "class':'hpa.autoscaling.knative.dev'}}}");
	case USER_SAYS_B:
		return patches(x, s, KIND_PA,
			       "{'metadata':{'annotations':{'" PREFIX "target':'10','" PREFIX
			       "min-scale':'2'}}}");
	case USER_SAYS_RPS:
		return patches(x, s, KIND_PA,
			       "{'metadata':{'annotations':{'" PREFIX "metric':'rps'}}}");
	case USER_SAYS_WRONG:
		return patches(x, s, KIND_PA,
			       "{'metadata':{'annotations':{'" PREFIX "metric-type':'Foo'}}}");
	case USER_LEAVES_CLASS:
		return patches(x, s, KIND_PA,
			       "{'metadata':{'annotations':{'" PREFIX "class':'other'}}}");
	case USER_DELETES_SO:
		return removes(x, s, KIND_SO);
	case USER_DELETES_SKS:
		return removes(x, s, KIND_SKS);
	case USER_DELETES_HPA:
		return removes(x, s, KIND_HPA);
	case USER_DELETES_PA:
		return s->pa_uid < 4 && removes(x, s, KIND_PA);
	case USER_PAUSES:
		return pauses(x, s);
	case USER_BENDS_SO:
		return patches(x, s, KIND_SO, "{'spec':{'cooldownPeriod':7}}");
	case USER_BENDS_SKS:
		return bends_sks(x, s);
	case USER_ROUTES:
		return routes(x, s);
	case USER_TRAFFIC:
		return flips(&s->metric);
	case USER_OWN_SO:
		return own_so(x, s);
	case PODS_FAIL:
		return s->pods_ready && flips(&s->pods_ready) && sks_follows(x, s);
	case KEDA_STOPS:
		return party(s, KEDA_IS_STOPPED);
	case KEDA_FAILS:
		return party(s, KEDA_IS_FAILING);
	case KEDA_ABSENT:
		return keda_goes(x, s);
	case FAULT_REFUSED:
		return party(s, SO_REFUSED);
	default:
		return false;
	}
}
