/*
 * struct stage: a cluster of hpa_cluster.h, and what a person's kubeconfig could read of it, for
 * explain(). A test changes what may be read, then calls stage_explain.
 */
#ifndef TEST_UNIT_EXPLAIN_FIXTURE_H
#define TEST_UNIT_EXPLAIN_FIXTURE_H

#include "reconciler/explain/explain.h"
#include "test/unit/hpa_cluster.h"

#define OUR_LEASE                                                                                  \
	"hpaautoscaler.knative.dev.autoscaler-keda.pkg.reconciler.autoscaling.hpa.reconciler"
#define RIVAL_LEASE "hpaautoscaler.knative.dev.serving.pkg.reconciler.autoscaling.hpa.reconciler"

struct stage {
	struct cluster cluster;
	struct evidence evidence; /* what is not of the cluster: a test's to set */
	bool image_is_missing;    /* the Revision says so */
	bool quota_is_exceeded;   /* the same; one of two pods is there */
	bool no_revision;
	struct findings findings;
};

/* Renewed so many seconds ago; holder "": released. */
static inline struct json *lease_named(const struct cluster *c, const char *name,
				       const char *holder, int64_t ago_s)
{
	return J(
	    c,
	    "{'metadata':{'name':'%s'},'spec':{'holderIdentity':'%s','leaseDurationSeconds':60,"
	    "'renewTime':'%s'}}",
	    name, holder, time_text(c, c->now_ms - ago_s * SECOND));
}

static inline void lease_is(struct stage *stage, const char *prefix, const char *holder,
			    int64_t ago_s)
{
	struct cluster *c = &stage->cluster;
	struct json *leases = json_array(c->arena);

	json_append(c->arena, leases,
		    lease_named(c, arena_printf(c->arena, "%s.00-of-01", prefix), holder, ago_s));
	stage->evidence.leases = leases;
}

static inline void stage_init(struct stage *stage, const char *annotations)
{
	*stage = (struct stage){0};
	cluster_init(&stage->cluster, annotations);
	stage->evidence = (struct evidence){.ns = "ns",
					    .name = "r",
					    .system_namespace = "knative-serving",
					    .program = "autoscaler-keda-hpa"};
}

static inline void stage_release(struct stage *stage)
{
	cluster_release(&stage->cluster);
}

static inline struct json *revision_of(const struct stage *stage)
{
	const char *healthy = "'True'", *ready = "'True'";

	if (stage->image_is_missing) {
		healthy = "'False','reason':'ImagePullBackOff','message':'no such image'";
		ready = "'Unknown'";
	}
	if (stage->quota_is_exceeded)
		ready = "'False','reason':'FailedCreate','message':'exceeded quota'";
	return J(&stage->cluster,
		 "{'metadata':{'name':'r','namespace':'ns','labels':{'serving.knative.dev/service':"
		 "'s'}},'spec':{'containers':[{'name':'worker'}]},'status':{'conditions':[{'type':"
		 "'Ready','status':%s},{'type':'ContainerHealthy','status':%s}]}}",
		 ready, healthy);
}

/* Somebody leads, unless the test said something else. */
static inline bool stage_explain(struct stage *stage)
{
	struct cluster *c = &stage->cluster;
	struct evidence *e = &stage->evidence;

	if (!e->leases && !e->unread[SOURCE_LEASES])
		lease_is(stage, OUR_LEASE, "pod_1", 5);
	e->now_ms = c->now_ms;
	e->keda_absent = !c->keda_installed;
	e->pod_autoscaler = e->unread[SOURCE_POD_AUTOSCALERS] ? NULL : c->pa;
	e->revision = stage->no_revision ? NULL : revision_of(stage);
	if (stage->quota_is_exceeded)
		e->deployment = J(c, "{'metadata':{'name':'r-deployment'},'spec':{'replicas':2},"
				     "'status':{'readyReplicas':1}}");
	e->scaled_object = e->unread[SOURCE_SCALED_OBJECTS] ? NULL : c->so;
	e->hpa = e->unread[SOURCE_HPAS] ? NULL : c->hpa;
	e->serverless_service = e->unread[SOURCE_SERVERLESS_SERVICES] ? NULL : c->sks;
	return explain(e, c->arena, &stage->findings);
}

/* There is a step with both. */
static inline void expect_step(const struct stage *stage, const char *text, const char *command)
{
	const struct findings *f = &stage->findings;
	const char *all = "";

	for (size_t i = 0; i < f->step_count; i++) {
		const char *typed = f->steps[i].command ? f->steps[i].command : "";
		if (strstr(f->steps[i].text, text) && strstr(typed, command))
			return;
		all =
		    arena_printf(stage->cluster.arena, "%s%s [%s]\n", all, f->steps[i].text, typed);
	}
	EXPECT_CONTAINS(all, text);
	EXPECT_CONTAINS(all, command);
}

/* There is a fact about such an object with that text. */
static inline void expect_fact(const struct stage *stage, const char *object, const char *text)
{
	const struct findings *f = &stage->findings;
	const char *all = "";

	for (size_t i = 0; i < f->fact_count; i++) {
		if (strstr(f->facts[i].object, object) && strstr(f->facts[i].text, text))
			return;
		all = arena_printf(stage->cluster.arena, "%s%s: %s\n", all, f->facts[i].object,
				   f->facts[i].text);
	}
	EXPECT_CONTAINS(all, object);
	EXPECT_CONTAINS(all, text);
}

#endif
