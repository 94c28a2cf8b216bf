/*
 * The vocabulary of scenarios. What a step's text and number mean stands beside it; "is" steps are
 * expectations and do nothing in a play that is not strict.
 */
#ifndef TEST_LIB_WORLD_STEPS_H
#define TEST_LIB_WORLD_STEPS_H

#include "test/lib/world_scenarios.h"

#define STEP(name) void name(struct play *play, const char *text, int64_t number)

/* ---- what happens ---- */
STEP(starts);   /* the controller, and a second for its caches */
STEP(restarts); /* kill -9 and a new process */
STEP(stops);    /* kill -9, and no new process */
STEP(relists);
STEP(passes);            /* number: ms */
STEP(settles);           /* until nothing moves, within 60 s */
STEP(revision_made);     /* text: annotations */
STEP(revisions_made);    /* text: annotations; number: how many, as many-00001 ... */
STEP(annotated);         /* text: annotations of the Revision */
STEP(routed);            /* text: routing state */
STEP(value_set);         /* number */
STEP(usage_set);         /* number, percent */
STEP(value_lost);        /* Prometheus is unreachable */
STEP(keda_is_installed); /* number: 0 or 1; so are the three below */
STEP(keda_runs);
STEP(knative_runs);
STEP(hpas_run);
STEP(keda_refuses);   /* text, with HTTP status number; NULL: no longer */
STEP(keda_fails);     /* text: its Ready message; NULL: no longer */
STEP(status_refused); /* text, with HTTP status number, of PodAutoscaler status writes */
STEP(pods_start_in);  /* number: ms */
STEP(applied);        /* text: YAML */
STEP(deleted);        /* text: plural; the object of the revision's name */
STEP(so_patched);     /* text: merge patch of the ScaledObject, by somebody else */
STEP(sks_patched);
STEP(pa_patched);
STEP(history_compacted);
STEP(cut_off); /* number: 1 nothing gets through, 0 again */

/* ---- what is expected ---- */
STEP(trace_is);     /* text: the writes since the last trace_is, which it clears; "*" any */
STEP(writes_are);   /* number: how many, Events too, since then; clears as well */
STEP(is_quiet_for); /* number: ms without any write; the play lasts as long if not strict */
STEP(active_is);    /* text: "True", "False Reason: message"; a trailing "*" stands for anything */
STEP(ready_is);
STEP(sks_ready_is);
STEP(init_is);
STEP(revision_is); /* Ready of the Revision */
STEP(events_are);  /* text: of the PodAutoscaler, "*" as above; "" none */
STEP(revision_events_are);
STEP(service_events_are);
STEP(so_is); /* text: "path.to.field=value", compact JSON; value empty: absent */
STEP(sks_is);
STEP(hpa_is);
STEP(pa_is);
STEP(deployment_is);
STEP(count_is); /* text: plural; number */

/* ---- tables ---- */

#define WITH(does, what, amount)                                                                   \
	{                                                                                          \
		.act = (does), .text = (what), .number = (amount)                                  \
	}
#define DO(does) WITH(does, NULL, 0)
#define ON(does, what) WITH(does, what, 0)
#define FOR(does, amount) WITH(does, NULL, amount)
#define END WITH(NULL, NULL, 0)
#define SWEPT(scenario)                                                                            \
	{                                                                                          \
		.name = #scenario, .steps = (scenario), .sweep = true                              \
	}
#define ONCE(scenario)                                                                             \
	{                                                                                          \
		.name = #scenario, .steps = (scenario), .sweep = false                             \
	}

/*
 * A strict play counts on the latencies of the wire and of the stand-ins: caches are there a second
 * after a start, pods a second after their Deployment, an HPA's first status 15 s after its
 * creation.
 */
#define CUSTOM "metric=m\ntarget=5\nprometheus-query=q\nmax-scale=10\n"
#define RPS "metric=rps\ntarget=50\n"
#define STATUS "PATCH podautoscalers/status default/hello-00001 200\n"
#define SKS_MADE "POST serverlessservices default/hello-00001 201\n"
#define SO_MADE "POST scaledobjects default/hello-00001 201\n"
#define SKS_PATCHED "PATCH serverlessservices default/hello-00001 200\n"
#define SO_PATCHED "PATCH scaledobjects default/hello-00001 200\n"
#define WAITING "Unknown WaitingForHPA: *"
/* A revision that has been ready for a while. */
#define READY_CUSTOM                                                                               \
	DO(starts), ON(revision_made, CUSTOM "min-scale=1"), FOR(passes, 20000),                   \
	    ON(ready_is, "True"), ON(trace_is, "*")

#endif
