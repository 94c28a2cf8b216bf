/*
 * struct evidence: what a person's kubeconfig could read about one revision, as JSON, for
 * explain(). Whoever reads it fills it in; nothing in this folder reads a cluster, a clock or a
 * file.
 *
 * NULL of an object means that there is none, unless unread[] of its source is set: then it is not
 * known. Everything is borrowed for the call. The texts inside come from the cluster and are
 * hostile until text_visible (text.h) made them fit for a terminal.
 */
#ifndef EXPLAIN_EVIDENCE_H
#define EXPLAIN_EVIDENCE_H

#include "pkg/json/json.h"

enum source {
	SOURCE_POD_AUTOSCALERS,
	SOURCE_REVISIONS,
	SOURCE_SERVERLESS_SERVICES,
	SOURCE_SCALED_OBJECTS,
	SOURCE_HPAS,
	SOURCE_DEPLOYMENTS,
	SOURCE_EVENTS,
	SOURCE_LEASES,      /* of the system namespace */
	SOURCE_CONFIG_MAPS, /* the same */
	SOURCES,
};

struct evidence {
	const char *ns, *name; /* of the revision, and so of its PodAutoscaler */
	const struct json *pod_autoscaler, *revision, *serverless_service, *deployment;
	const struct json *scaled_object; /* of that name; auto-create off: that has its target */
	const struct json *hpa;           /* that it controls, else of that name */
	const struct json *events;        /* array: about objects of that name */
	const struct json *leases;        /* array */
	/* .data of the ConfigMaps; NULL: Knative's and our defaults */
	const struct json *config_autoscaler, *config_keda, *config_leader_election;
	const char *unread[SOURCES]; /* the API server's words; NULL: it was read */
	bool keda_absent;            /* the API server knows no ScaledObjects */
	int64_t now_ms;              /* the server's wall time */
	const char *system_namespace;
	const char *program; /* how a person calls us: "kubectl autoscaler-keda" */
};

#endif
