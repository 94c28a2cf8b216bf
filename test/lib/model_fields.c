/*
 * The fields of the kinds that the controller or its users write, from KEDA's and Knative's CRDs;
 * of the others, those that the stand-ins read. A row may come before or behind its parent's.
 */
#include "test/lib/model_fields.h"

#include <string.h>

#include "pkg/base/compiler.h"

#define FIELD(at, kind, ...)                                                                       \
	{                                                                                          \
		.path = (at), .type = (kind), ##__VA_ARGS__                                        \
	}
#define HPA_CONFIG "spec.advanced.horizontalPodAutoscalerConfig"
#define RULES(way)                                                                                 \
	FIELD(HPA_CONFIG ".behavior." way, 'o'),                                                   \
	    FIELD(HPA_CONFIG ".behavior." way ".selectPolicy", 's'),                               \
	    FIELD(HPA_CONFIG ".behavior." way ".tolerance", 'x'),                                  \
	    FIELD(HPA_CONFIG ".behavior." way ".stabilizationWindowSeconds", 'i', .low = true,     \
		  .highest = 3600),                                                                \
	    FIELD(HPA_CONFIG ".behavior." way ".policies", 'a'),                                   \
	    FIELD(HPA_CONFIG ".behavior." way ".policies[]", 'o'),                                 \
	    FIELD(HPA_CONFIG ".behavior." way ".policies[].type", 's', .required = true),          \
	    FIELD(HPA_CONFIG ".behavior." way ".policies[].value", 'i', .required = true),         \
	    FIELD(HPA_CONFIG ".behavior." way ".policies[].periodSeconds", 'i', .required = true)

static const char behaviors[] = " static currentReplicas currentReplicasIfHigher "
				"currentReplicasIfLower scalingModifiers ";

static const struct field scaled_object[] = {
    FIELD("spec", 'o', .required = true),
    FIELD("spec.scaleTargetRef", 'o', .required = true),
    FIELD("spec.scaleTargetRef.name", 's', .required = true),
    FIELD("spec.scaleTargetRef.kind", 's'),
    FIELD("spec.scaleTargetRef.apiVersion", 's'),
    FIELD("spec.scaleTargetRef.envSourceContainerName", 's'),
    FIELD("spec.pollingInterval", 'i', .low = true, .lowest = 1),
    FIELD("spec.cooldownPeriod", 'i', .low = true),
    FIELD("spec.initialCooldownPeriod", 'i', .low = true),
    FIELD("spec.idleReplicaCount", 'i', .low = true),
    FIELD("spec.minReplicaCount", 'i', .low = true),
    FIELD("spec.maxReplicaCount", 'i', .low = true, .lowest = 1),
    FIELD("spec.fallback", 'o'),
    FIELD("spec.fallback.failureThreshold", 'i', .required = true, .low = true),
    FIELD("spec.fallback.replicas", 'i', .required = true, .low = true),
    FIELD("spec.fallback.behavior", 's', .choices = behaviors, .fallback = "static"),
    FIELD("spec.advanced", 'o'),
    FIELD("spec.advanced.restoreToOriginalReplicaCount", 'b'),
    FIELD(HPA_CONFIG, 'o'),
    FIELD(HPA_CONFIG ".name", 's'),
    FIELD(HPA_CONFIG ".behavior", 'o'),
    RULES("scaleUp"),
    RULES("scaleDown"),
    FIELD("spec.advanced.scalingModifiers", 'o'),
    FIELD("spec.advanced.scalingModifiers.formula", 's'),
    FIELD("spec.advanced.scalingModifiers.target", 's'),
    FIELD("spec.advanced.scalingModifiers.activationTarget", 's'),
    FIELD("spec.advanced.scalingModifiers.metricType", 's', .choices = " AverageValue Value "),
    FIELD("spec.triggers", 'a', .required = true, .low = true, .lowest = 1),
    FIELD("spec.triggers[]", 'o'),
    FIELD("spec.triggers[].type", 's', .required = true),
    FIELD("spec.triggers[].name", 's'),
    FIELD("spec.triggers[].metadata", 'm', .required = true),
    FIELD("spec.triggers[].useCachedMetrics", 'b'),
    FIELD("spec.triggers[].metricType", 's'),
    FIELD("spec.triggers[].authenticationRef", 'o'),
    FIELD("spec.triggers[].authenticationRef.name", 's', .required = true),
    FIELD("spec.triggers[].authenticationRef.kind", 's',
	  .choices = " TriggerAuthentication ClusterTriggerAuthentication "),
    FIELD("status", 'x'),
};

static const struct field serverless_service[] = {
    FIELD("spec", 'o'),
    FIELD("spec.mode", 's', .choices = " Serve Proxy "),
    FIELD("spec.objectRef", 'o'),
    FIELD("spec.objectRef.apiVersion", 's'),
    FIELD("spec.objectRef.kind", 's'),
    FIELD("spec.objectRef.name", 's'),
    FIELD("spec.objectRef.namespace", 's'),
    FIELD("spec.protocolType", 's', .required = true),
    FIELD("spec.numActivators", 'i'),
    FIELD("status", 'x'),
};

static const struct field pod_autoscaler[] = {
    FIELD("spec", 'o'),
    FIELD("spec.containerConcurrency", 'i'),
    FIELD("spec.protocolType", 's'),
    FIELD("spec.reachability", 's'),
    FIELD("spec.scaleTargetRef", 'o'),
    FIELD("spec.scaleTargetRef.apiVersion", 's'),
    FIELD("spec.scaleTargetRef.kind", 's'),
    FIELD("spec.scaleTargetRef.name", 's'),
    FIELD("status", 'o'),
    FIELD("status.actualScale", 'i'),
    FIELD("status.desiredScale", 'i'),
    FIELD("status.annotations", 'm'),
    FIELD("status.metricsServiceName", 's', .required = true),
    FIELD("status.serviceName", 's', .required = true),
    FIELD("status.observedGeneration", 'i'),
    FIELD("status.conditions", 'a'),
    FIELD("status.conditions[]", 'o'),
    FIELD("status.conditions[].lastTransitionTime", 's'),
    FIELD("status.conditions[].message", 's'),
    FIELD("status.conditions[].reason", 's'),
    FIELD("status.conditions[].severity", 's'),
    FIELD("status.conditions[].status", 's', .required = true),
    FIELD("status.conditions[].type", 's', .required = true),
};

#define TEMPLATE "spec.template"
#define CONTAINER TEMPLATE ".spec.containers[]"
static const struct field service[] = {
    FIELD("spec", 'o'),
    FIELD(TEMPLATE, 'o'),
    FIELD(TEMPLATE ".metadata", 'p'),
    FIELD(TEMPLATE ".metadata.annotations", 'm'),
    FIELD(TEMPLATE ".metadata.labels", 'm'),
    FIELD(TEMPLATE ".metadata.name", 's'),
    FIELD(TEMPLATE ".spec", 'o'),
    FIELD(TEMPLATE ".spec.affinity", 'x'),
    FIELD(TEMPLATE ".spec.automountServiceAccountToken", 'b'),
    FIELD(TEMPLATE ".spec.containerConcurrency", 'i'),
    FIELD(TEMPLATE ".spec.containers", 'a'),
    FIELD(CONTAINER, 'o'),
    FIELD(CONTAINER ".args", 'a'),
    FIELD(CONTAINER ".command", 'a'),
    FIELD(CONTAINER ".env", 'a'),
    FIELD(CONTAINER ".envFrom", 'a'),
    FIELD(CONTAINER ".image", 's'),
    FIELD(CONTAINER ".imagePullPolicy", 's'),
    FIELD(CONTAINER ".livenessProbe", 'x'),
    FIELD(CONTAINER ".name", 's'),
    FIELD(CONTAINER ".ports", 'a'),
    FIELD(CONTAINER ".readinessProbe", 'x'),
    FIELD(CONTAINER ".resources", 'x'),
    FIELD(CONTAINER ".securityContext", 'x'),
    FIELD(CONTAINER ".startupProbe", 'x'),
    FIELD(CONTAINER ".terminationMessagePath", 's'),
    FIELD(CONTAINER ".terminationMessagePolicy", 's'),
    FIELD(CONTAINER ".volumeMounts", 'a'),
    FIELD(CONTAINER ".workingDir", 's'),
    FIELD(TEMPLATE ".spec.dnsConfig", 'x'),
    FIELD(TEMPLATE ".spec.dnsPolicy", 's'),
    FIELD(TEMPLATE ".spec.enableServiceLinks", 'b'),
    FIELD(TEMPLATE ".spec.hostAliases", 'a'),
    FIELD(TEMPLATE ".spec.hostIPC", 'b'),
    FIELD(TEMPLATE ".spec.hostNetwork", 'b'),
    FIELD(TEMPLATE ".spec.hostPID", 'b'),
    FIELD(TEMPLATE ".spec.idleTimeoutSeconds", 'i'),
    FIELD(TEMPLATE ".spec.imagePullSecrets", 'a'),
    FIELD(TEMPLATE ".spec.initContainers", 'a'),
    FIELD(TEMPLATE ".spec.nodeSelector", 'm'),
    FIELD(TEMPLATE ".spec.priorityClassName", 's'),
    FIELD(TEMPLATE ".spec.responseStartTimeoutSeconds", 'i'),
    FIELD(TEMPLATE ".spec.runtimeClassName", 's'),
    FIELD(TEMPLATE ".spec.schedulerName", 's'),
    FIELD(TEMPLATE ".spec.securityContext", 'x'),
    FIELD(TEMPLATE ".spec.serviceAccountName", 's'),
    FIELD(TEMPLATE ".spec.shareProcessNamespace", 'b'),
    FIELD(TEMPLATE ".spec.timeoutSeconds", 'i'),
    FIELD(TEMPLATE ".spec.tolerations", 'a'),
    FIELD(TEMPLATE ".spec.topologySpreadConstraints", 'a'),
    FIELD(TEMPLATE ".spec.volumes", 'a'),
    FIELD("spec.traffic", 'a'),
    FIELD("spec.traffic[]", 'o'),
    FIELD("spec.traffic[].configurationName", 's'),
    FIELD("spec.traffic[].latestRevision", 'b'),
    FIELD("spec.traffic[].percent", 'i'),
    FIELD("spec.traffic[].revisionName", 's'),
    FIELD("spec.traffic[].tag", 's'),
    FIELD("spec.traffic[].url", 's'),
    FIELD("status", 'x'),
};

/* Of other kinds, only what the stand-ins read; everything else is kept. */
#define CONDITIONS                                                                                 \
	FIELD("status", 'p'), FIELD("status.conditions", 'a'), FIELD("status.conditions[]", 'p')
static const struct field revision[] = {
    FIELD("", 'p'),
    FIELD("spec", 'p'),
    FIELD("spec.containers", 'a'),
    FIELD("spec.containers[]", 'p'),
    CONDITIONS,
};

static const struct field with_template[] = {
    FIELD("", 'p'),
    FIELD("spec", 'p'),
    FIELD(TEMPLATE, 'p'),
    FIELD(TEMPLATE ".metadata", 'p'),
    FIELD(TEMPLATE ".metadata.annotations", 'm'),
    FIELD(TEMPLATE ".metadata.labels", 'm'),
    FIELD(TEMPLATE ".spec", 'p'),
    FIELD(TEMPLATE ".spec.containers", 'a'),
    FIELD(CONTAINER, 'p'),
    CONDITIONS,
};

static const struct field with_spec[] = {FIELD("", 'p'), FIELD("spec", 'p'), CONDITIONS};

static const struct schema schemas[] = {
    {"scaledobjects", scaled_object, ARRAY_SIZE(scaled_object)},
    {"serverlessservices", serverless_service, ARRAY_SIZE(serverless_service)},
    {"podautoscalers", pod_autoscaler, ARRAY_SIZE(pod_autoscaler)},
    {"services.serving", service, ARRAY_SIZE(service)},
    {"revisions", revision, ARRAY_SIZE(revision)},
    {"configurations", with_template, ARRAY_SIZE(with_template)},
    {"deployments", with_template, ARRAY_SIZE(with_template)},
    {"routes", with_spec, ARRAY_SIZE(with_spec)},
    {"horizontalpodautoscalers", with_spec, ARRAY_SIZE(with_spec)},
    {"leases", with_spec, ARRAY_SIZE(with_spec)},
    {"namespaces", with_spec, ARRAY_SIZE(with_spec)},
};

const struct schema *schema_of(const char *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemas); i++)
		if (strcmp(schemas[i].id, id) == 0)
			return &schemas[i];
	return NULL;
}

const struct field *field_at(const struct schema *schema, const char *path)
{
	for (size_t i = 0; i < schema->count; i++)
		if (strcmp(schema->fields[i].path, path) == 0)
			return &schema->fields[i];
	return NULL;
}
